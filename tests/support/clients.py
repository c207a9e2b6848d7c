"""Foreign programs against the sandbox: where they are, and the environment they run in."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.sandbox.server import Running

CHECKOUT = Path(__file__).parents[2]
SECONDS = 120
"""How long a command may take before the test gives it up."""

SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"
WORKSPACE_VERSION = "2025-06-01"


def find_az() -> str | None:
    """Return the az executable: ``$CMKCTL_AZ``, else the checkout's ``.venv-az``, else the one on PATH."""
    named = os.environ.get("CMKCTL_AZ")
    own = CHECKOUT / ".venv-az" / ("Scripts/az.bat" if os.name == "nt" else "bin/az")
    return named or (str(own) if own.is_file() else shutil.which("az"))


@dataclass(frozen=True)
class Ran:
    """What a command left behind: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        assert self.code == 0, self.err
        return json.loads(self.out)


@dataclass(frozen=True)
class Program:
    """A program in a folder of its own that knows of the sandbox by its environment alone."""

    path: str
    folder: Path
    running: Running

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of a command: nothing of this machine's proxies and accounts is in it."""
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        az = {
            "AZURE_CONFIG_DIR": str(self.folder / "azure"),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_NO_COLOR": "yes",
            "AZURE_CORE_DISABLE_PROGRESS_BAR": "yes",
            "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
            "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
            "AZURE_LOGGING_ENABLE_LOG_FILE": "no",
        }
        return {**kept, "HOME": str(self.folder), "LC_ALL": "C.UTF-8", **az, **self.running.environment()}

    def __call__(self, *arguments: str | Path) -> Ran:
        """Run a command to its end."""
        done = subprocess.run(
            [self.path, *map(str, arguments)],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def write(self, name: str, content: Any) -> str:
        """Write a JSON file into the program's folder and return its name."""
        (self.folder / name).write_text(json.dumps(content), encoding="utf-8")
        return name


def vault_id(vault: str, group: str = "rg") -> str:
    """Return the id of a vault."""
    return f"{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{vault}"


def workspace_id(name: str, group: str = "rg") -> str:
    """Return the id of a workspace."""
    return f"{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices/workspaces/{name}"


def workspace_body(vault: str, key: str, storage: str) -> dict[str, Any]:
    """Return the documented body of a workspace with a customer-managed key; all three are ids, the key's a URL."""
    encryption = {"status": "Enabled", "keyVaultProperties": {"keyVaultArmId": vault, "keyIdentifier": key}}
    properties = {"keyVault": vault, "storageAccount": storage, "hbiWorkspace": True, "encryption": encryption}
    return {"location": "eastus2", "identity": {"type": "SystemAssigned"}, "properties": properties}
