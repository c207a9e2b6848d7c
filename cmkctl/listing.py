"""The workspaces of subscriptions as values. ``cmkctl list`` reads them, views show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cmkctl.posture import Verdict

AGE: Final = (
    "From Resource Graph, which can be behind: usually minutes, up to a day or more for new and deleted resources"
)
"""The note on the age of rows. Azure promises no limit; its support has named up to 30 hours."""


@dataclass(frozen=True, slots=True)
class ListedWorkspace:
    """One workspace.

    `kind` is in the words of profiles, or Azure's own in lower case. `architecture` is ``in-subscription`` or ``service-side``,
    empty where neither is shown. `key` is the key identifier without a version; of a project, its hub's. `hub` is the ARM id of
    a project's hub. `high_business_impact` is None where it is not shown.
    """

    resource_id: str
    kind: str
    location: str
    verdict: Verdict
    architecture: str = ""
    key: str = ""
    key_version: str = ""
    hub: str = ""
    provisioning_state: str = ""
    high_business_impact: bool | None = None

    @property
    def name(self) -> str:
        """The name of the workspace."""
        return self.resource_id.rpartition("/")[2]

    @property
    def scope(self) -> str:
        """The ARM id of its resource group."""
        return self.resource_id.partition("/providers/")[0]
