"""Plans that the command line saved, and the results of applying them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cmkctl.sandbox import SUBSCRIPTION_ID

GROUP: Final = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-ml-quickstart"
VAULT: Final = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-ml-quickstart"
WORKSPACE: Final = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw-quickstart"


@dataclass(frozen=True)
class Bench:
    """A rehearsal, a profile and the file that plans of it are saved to."""

    azure: Any
    profile: Path
    file: Path

    def plan(self, *more: str) -> None:
        """Save a plan."""
        ran = self.azure("plan", self.profile, "--out", self.file, *more)
        assert (0, True) == (ran.code, self.file.exists()), ran.err

    def apply(self, *more: str | Path, file: Path | None = None) -> Any:
        """Apply the file without confirmation, with JSON lines."""
        return self.azure("apply", file or self.file, "--yes", "--json", *more)

    @property
    def document(self) -> dict[str, Any]:
        """The document in the file."""
        found: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        return found

    def write(self, document: object) -> None:
        """Replace the document in the file."""
        self.file.write_text(json.dumps(document), encoding="utf-8")

    def properties(self, resource_id: str) -> dict[str, Any]:
        """Return a resource's properties in the sandbox, mutable."""
        found: dict[str, Any] = self.azure.running.state.tenant.data["resources"][resource_id.lower()]["doc"]
        inner: dict[str, Any] = found["properties"]
        return inner

    @property
    def storage_id(self) -> str:
        """The storage account of the quickstart, as the saved plan names it."""
        (found,) = [each["resource_id"] for each in self.document["changes"] if each["kind"] == "storage account"]
        return str(found)

    def done_twice(self) -> list[str]:
        """Return the writes that the sandbox carried out more than once."""
        done = Counter(f"{each.method} {each.path}".lower() for each in self.azure.running.writes if each.status < 400)
        return [each for each, times in done.items() if times > 1]


def codes(ran: Any) -> list[str]:
    """Return the codes of the diagnostics of a run with JSON lines."""
    return [each["code"] for each in ran.of("diagnostic")]


def errors(ran: Any) -> list[str]:
    """Return the codes of the errors of a run with JSON lines: its plan's notes and warnings are left out."""
    return [each["code"] for each in ran.of("diagnostic") if each["severity"] == "error"]


def refusal(ran: Any) -> list[str]:
    """Return the differences for which a run was refused."""
    (found,) = [each for each in ran.of("diagnostic") if each["code"] == "CMK527"]
    return [line.removeprefix("- ") for line in found["detail"].splitlines() if line.startswith("- ")]


def unwrapped(text: str) -> str:
    """Return a text of the terminal in one line."""
    return " ".join(text.split())
