"""A subscription in which everything a CMK workspace needs is right, and what the tests of faults read from it."""

from typing import Any

import requests

from cmkctl.sandbox.server import Running
from support.sandbox import Client

WORKSPACES = "/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces"
LOCATION = {"location": "eastus2"}


class Ready:
    """Vault, key, grant and storage are there; a workspace can be created."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.state = running.state
        self.arm = Client(running)
        self.state.register_provider()
        self.vault = self.state.add_vault("kv-cmk")
        self.key = self.state.add_key("kv-cmk", "cmk")
        self.storage = self.state.add_storage_account("stmlw")

    def grant(self) -> None:
        """Let Azure Cosmos DB use the key."""
        self.state.add_access_policy("kv-cmk")

    def body(self, **properties: Any) -> dict[str, Any]:
        """Return the body of a workspace PUT."""
        vault = {"keyVaultArmId": self.vault, "keyIdentifier": self.key}
        base = {
            "keyVault": self.vault,
            "storageAccount": self.storage,
            "encryption": {"status": "Enabled", "keyVaultProperties": vault},
        }
        return {"location": "eastus2", "identity": {"type": "SystemAssigned"}, "properties": {**base, **properties}}

    def put(self, name: str = "mlw", **properties: Any) -> requests.Response:
        """Begin to create a workspace."""
        return self.arm("PUT", f"{WORKSPACES}/{name}", self.body(**properties))

    def create(self, name: str = "mlw", **properties: Any) -> dict[str, Any]:
        """Create a workspace, poll to the end, and return the operation's last body."""
        answer = self.put(name, **properties)
        assert answer.status_code == 202, answer.text
        for _ in range(20):
            last: dict[str, Any] = self.arm("GET", answer.headers["Azure-AsyncOperation"]).json()
            if last["status"] != "InProgress":
                return last
        raise AssertionError("the operation does not end")
