"""The three clouds: endpoints, audiences, suffixes and the Azure Cosmos DB application of each.

Sources: azure-mgmt-core `get_arm_endpoints`; azure-identity `AzureAuthorityHosts`;
https://learn.microsoft.com/graph/deployments; and for the application ids
https://learn.microsoft.com/azure/cosmos-db/how-to-setup-customer-managed-keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Cloud(StrEnum):
    """The Azure clouds, by the names that the az CLI gives them."""

    AZURE = "AzureCloud"
    US_GOVERNMENT = "AzureUSGovernment"
    CHINA = "AzureChinaCloud"


@dataclass(frozen=True, slots=True)
class CloudEndpoints:
    """Where a cloud is.

    `arm`, `graph` and `authority` are https URLs without a trailing slash; `arm_scope` and `graph_scope` are token
    scopes; `vault_suffix` is the DNS suffix of vaults; `cosmos_db_app_id` is the *application* id of Azure Cosmos DB,
    the same in every tenant of the cloud, and is never what a grant takes.
    """

    arm: str
    arm_scope: str
    authority: str
    graph: str
    vault_suffix: str
    cosmos_db_app_id: str
    cosmos_db_app_id_confirmed: bool

    @property
    def graph_scope(self) -> str:
        """The token scope of Microsoft Graph in this cloud."""
        return f"{self.graph}/.default"


ENDPOINTS: Final = {
    Cloud.AZURE: CloudEndpoints(
        arm="https://management.azure.com",
        arm_scope="https://management.azure.com/.default",
        authority="https://login.microsoftonline.com",
        graph="https://graph.microsoft.com",
        vault_suffix="vault.azure.net",
        cosmos_db_app_id="a232010e-820c-4083-83bb-3ace5fc29d0b",
        cosmos_db_app_id_confirmed=True,
    ),
    Cloud.US_GOVERNMENT: CloudEndpoints(
        arm="https://management.usgovcloudapi.net",
        arm_scope="https://management.core.usgovcloudapi.net/.default",
        authority="https://login.microsoftonline.us",
        graph="https://graph.microsoft.us",
        vault_suffix="vault.usgovcloudapi.net",
        cosmos_db_app_id="57506a73-e302-42a9-b869-6f12d9ec29e9",
        cosmos_db_app_id_confirmed=True,
    ),
    # Microsoft has never published the id for China; its pages say "all regions other than Azure Government". The
    # look-up in the tenant decides: an id that resolves to nothing is reported, never granted.
    Cloud.CHINA: CloudEndpoints(
        arm="https://management.chinacloudapi.cn",
        arm_scope="https://management.chinacloudapi.cn/.default",
        authority="https://login.chinacloudapi.cn",
        graph="https://microsoftgraph.chinacloudapi.cn",
        vault_suffix="vault.azure.cn",
        cosmos_db_app_id="a232010e-820c-4083-83bb-3ace5fc29d0b",
        cosmos_db_app_id_confirmed=False,
    ),
}
