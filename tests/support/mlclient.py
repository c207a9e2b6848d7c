"""What the tests of azure-ai-ml's MLClient share: one client, one sandbox that is reset before each test."""

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cmkctl.sandbox.core.requestlog import LoggedRequest
from cmkctl.sandbox.server import Running

SECONDS = 20


@dataclass
class Scientist:
    """An MLClient on a sandbox, and the vault, key and grant that a CMK workspace needs."""

    client: Any
    running: Running
    vault: str
    key: str

    def entities(self, name: str) -> Any:
        """Return a class of azure-ai-ml by name."""
        return getattr(importlib.import_module("azure.ai.ml.entities"), name)

    def workspace(self, **more: Any) -> Any:
        """Return the definition of a workspace."""
        return self.entities("Workspace")(name="mlw", location="eastus2", **more)

    def key_of(self, **more: Any) -> Any:
        """Return the definition of the customer-managed key; `more` replaces a part of it."""
        return self.entities("CustomerManagedKey")(**{"key_vault": self.vault, "key_uri": self.key, **more})

    def create(self, definition: Any | None = None) -> Any:
        """Create a workspace, by default with key and hbi, and return it."""
        definition = definition or self.workspace(hbi_workspace=True, customer_managed_key=self.key_of())
        poller = self.client.workspaces.begin_create(definition)
        self._await_the_deployment()
        return poller.result()

    def _await_the_deployment(self) -> None:
        """Wait until the client's own thread has seen the end: polled before, its poller sleeps five seconds."""
        end = time.monotonic() + SECONDS
        while not any(self._is_the_end(each) for each in self.running.requests):
            assert time.monotonic() < end, "the deployment does not end"
            time.sleep(0.02)
        time.sleep(0.1)

    def _is_the_end(self, each: LoggedRequest) -> bool:
        last = each.path.rsplit("/", 2)[-2]
        failed = last == "operationStatuses" and each.response["status"] == "Failed"
        return failed or (each.method == "GET" and last == "deployments" and each.status == 200)

    def sent(self, keep: Callable[[LoggedRequest], bool] = lambda each: each.is_write) -> list[str]:
        """Return the requests that are kept (by default the writes) as method and last words of the path."""
        return [f"{each.method} {'/'.join(each.path.split('/')[-2:])}" for each in self.running.requests if keep(each)]
