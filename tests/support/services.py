"""The sandbox with a vault and a key, and the commands of a profile that names resources under ``services``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.services.base import Answer, Documents, Read

VAULT = "kv-services-77"
KEY = "cmk"


class Services:
    """Runs ``encrypt`` and ``posture`` on a sandbox (the fixture `azure`)."""

    def __init__(self, azure: Any, folder: Path, *, rbac: bool = False) -> None:
        self.azure = azure
        self.state = azure.running.state
        self.vault: str = self.state.add_vault(VAULT, "rg-ml", rbac=rbac)
        self.key: str = self.state.add_key(VAULT, KEY)
        self.path = folder / "services.yaml"
        self.name({})

    def name(self, services: Mapping[str, Any], **more: Any) -> None:
        """Write the profile, with these services."""
        self._named = [entry["id"].lower() for entries in services.values() for entry in entries]
        profile = {
            "subscription": SUBSCRIPTION_ID,
            "location": "eastus2",
            "resource_group": "rg-ml",
            "key_vault": {"name": VAULT},
            "key": {"name": KEY},
            "key_access": {"settle_seconds": 0},
            "workspace": {"name": "mlw", "high_business_impact": True, "encryption": "in-subscription"},
            "services": services,
            **more,
        }
        self.path.write_text(json.dumps(profile), encoding="utf-8")

    def encrypt(self, *options: str) -> Any:
        """Run ``encrypt --yes --json``."""
        return self.azure("encrypt", self.path, "--yes", "--json", *options)

    def posture(self) -> list[dict[str, Any]]:
        """Return the lines of ``posture --json`` about the resources under ``services``."""
        ran = self.azure("posture", self.path, "--json")
        assert ran.code == 0, ran
        return [each for each in ran.of("posture") if each["resource_id"].lower() in self._named]

    def verdicts(self) -> list[str]:
        """Return the verdicts of ``posture``."""
        return [each["verdict"] for each in self.posture()]

    def human(self, command: str, *options: str) -> Any:
        """Run a command for people."""
        return self.azure(command, self.path, *options)

    def writes(self) -> list[str]:
        """Return the writes that the sandbox got: the method and the last two segments of the path."""
        return [f"{method} {'/'.join(path.split('/')[-2:])}" for method, path in map(str.split, self.azure.writes())]

    def document(self, resource_id: str) -> dict[str, Any]:
        """Return a resource as the sandbox has it."""
        found: dict[str, Any] = self.state.resource(resource_id) or {}
        return found


def documents(denied: Iterable[str] = (), /, **found: Any) -> Documents:
    """Return documents by the names of their reads; None is an absent one."""
    answers = [Answer(Read(name, f"/{name}", "2026-01-01"), document) for name, document in found.items()]
    return Documents([*answers, *(Answer(Read(name, f"/{name}", "2026-01-01"), None, denied=True) for name in denied)])
