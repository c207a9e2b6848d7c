"""The three clouds: endpoints, audiences, suffixes and the Azure Cosmos DB application of each.

Sources: azure-mgmt-core `get_arm_endpoints`; azure-identity `AzureAuthorityHosts`; msal `WELL_KNOWN_AUTHORITY_HOSTS`;
https://learn.microsoft.com/graph/deployments; and for the application ids
https://learn.microsoft.com/azure/cosmos-db/how-to-setup-customer-managed-keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# Narrower than the standard: what two URL parsers could read differently is no address of ours.
_PLAIN_HTTPS: Final = re.compile(
    r"https://([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::443)?(?:[/?][^\x00-\x1f\x7f]*)?", re.IGNORECASE
)


class Cloud(StrEnum):
    """The Azure clouds, by the names that the az CLI gives them."""

    AZURE = "AzureCloud"
    US_GOVERNMENT = "AzureUSGovernment"
    CHINA = "AzureChinaCloud"


@dataclass(frozen=True, slots=True)
class CloudEndpoints:
    """The endpoints of a cloud.

    `arm`, `graph` and `authority` are https URLs without a trailing slash; `arm_scope` and `graph_scope` are token
    scopes; `vault_suffix` is the DNS suffix of vaults; `login_hosts` are the host names of Microsoft Entra ID, the one of
    `authority` first; `cosmos_db_app_id` is the *application* id of Azure Cosmos DB,
    the same in every tenant of the cloud, and never valid in a grant. `federation_audience` is the audience of a token of
    another system that Entra exchanges.
    """

    arm: str
    arm_scope: str
    authority: str
    graph: str
    vault_suffix: str
    login_hosts: tuple[str, ...]
    cosmos_db_app_id: str
    cosmos_db_app_id_confirmed: bool
    federation_audience: str

    @property
    def graph_scope(self) -> str:
        """The token scope of Microsoft Graph in this cloud."""
        return f"{self.graph}/.default"

    @property
    def vault_scope(self) -> str:
        """The token scope of the vaults' own endpoints in this cloud."""
        return f"https://{self.vault_suffix}/.default"

    def owns(self, url: str) -> bool:
        """Return True for an https URL on a host of this cloud: Resource Manager and its regional hosts, Graph, vaults, login.

        Only such a host may receive a token. A port other than 443, user information, and anything that two URL parsers
        could read differently make a URL foreign.
        """
        suffixes = (_host(self.arm), _host(self.graph), self.vault_suffix, *self.login_hosts)
        host = secure_host(url)
        return any(host == suffix or host.endswith(f".{suffix}") for suffix in suffixes)

    def is_login(self, url: str) -> bool:
        """Return True for an https URL on a host of Microsoft Entra ID in this cloud."""
        return secure_host(url) in self.login_hosts


def secure_host(url: str) -> str:
    """Return the host of a plain https URL, in lower case; empty for any other scheme, port, user information or form."""
    found = _PLAIN_HTTPS.fullmatch(url)
    return found[1].lower() if found else ""


def _host(endpoint: str) -> str:
    return endpoint.removeprefix("https://")


ENDPOINTS: Final = {
    Cloud.AZURE: CloudEndpoints(
        arm="https://management.azure.com",
        arm_scope="https://management.azure.com/.default",
        authority="https://login.microsoftonline.com",
        login_hosts=("login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net"),
        graph="https://graph.microsoft.com",
        vault_suffix="vault.azure.net",
        cosmos_db_app_id="a232010e-820c-4083-83bb-3ace5fc29d0b",
        cosmos_db_app_id_confirmed=True,
        federation_audience="api://AzureADTokenExchange",
    ),
    Cloud.US_GOVERNMENT: CloudEndpoints(
        arm="https://management.usgovcloudapi.net",
        arm_scope="https://management.core.usgovcloudapi.net/.default",
        authority="https://login.microsoftonline.us",
        login_hosts=("login.microsoftonline.us", "login.usgovcloudapi.net"),
        graph="https://graph.microsoft.us",
        vault_suffix="vault.usgovcloudapi.net",
        cosmos_db_app_id="57506a73-e302-42a9-b869-6f12d9ec29e9",
        cosmos_db_app_id_confirmed=True,
        federation_audience="api://AzureADTokenExchangeUSGov",
    ),
    # Microsoft has never published the id for China; its pages have "all regions other than Azure Government". The
    # look-up in the tenant decides: an id that resolves to nothing is reported, never granted.
    Cloud.CHINA: CloudEndpoints(
        arm="https://management.chinacloudapi.cn",
        arm_scope="https://management.chinacloudapi.cn/.default",
        authority="https://login.chinacloudapi.cn",
        login_hosts=("login.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
        graph="https://microsoftgraph.chinacloudapi.cn",
        vault_suffix="vault.azure.cn",
        cosmos_db_app_id="a232010e-820c-4083-83bb-3ace5fc29d0b",
        cosmos_db_app_id_confirmed=False,
        federation_audience="api://AzureADTokenExchangeChina",
    ),
}
