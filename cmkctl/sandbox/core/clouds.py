"""Maps hosts to clouds and services. The sandbox serves all three clouds, distinguished by the Host header."""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache


class Service(Enum):
    """The kind of endpoint behind a host name."""

    ARM = "arm"
    LOGIN = "login"
    GRAPH = "graph"
    VAULT = "vault"
    STORAGE = "storage"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cloud:
    """One Azure cloud: its host names and the audiences its tokens may carry (azure-mgmt-core, azure-identity)."""

    name: str
    arm: str
    login: str
    graph: str
    vault_suffix: str
    storage_suffix: str
    registry_suffix: str
    arm_audiences: tuple[str, ...]


PUBLIC = Cloud(
    name="AzureCloud",
    arm="management.azure.com",
    login="login.microsoftonline.com",
    graph="graph.microsoft.com",
    vault_suffix="vault.azure.net",
    storage_suffix="core.windows.net",
    registry_suffix="azurecr.io",
    arm_audiences=("https://management.azure.com", "https://management.core.windows.net"),
)
GOVERNMENT = Cloud(
    name="AzureUSGovernment",
    arm="management.usgovcloudapi.net",
    login="login.microsoftonline.us",
    graph="graph.microsoft.us",
    vault_suffix="vault.usgovcloudapi.net",
    storage_suffix="core.usgovcloudapi.net",
    registry_suffix="azurecr.us",
    arm_audiences=("https://management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net"),
)
CHINA = Cloud(
    name="AzureChinaCloud",
    arm="management.chinacloudapi.cn",
    login="login.chinacloudapi.cn",
    graph="microsoftgraph.chinacloudapi.cn",
    vault_suffix="vault.azure.cn",
    storage_suffix="core.chinacloudapi.cn",
    registry_suffix="azurecr.cn",
    arm_audiences=("https://management.chinacloudapi.cn", "https://management.core.chinacloudapi.cn"),
)
CLOUDS = (PUBLIC, GOVERNMENT, CHINA)
LOGIN_ALIASES = {"login.windows.net": PUBLIC, "login.microsoft.com": PUBLIC, "login.partner.microsoftonline.cn": CHINA}


STORAGE_SERVICES = frozenset({"blob", "queue", "file", "table", "dfs"})


def storage_host(host: str) -> tuple[str, str]:
    """Return the account and the service that a host of storage names."""
    account, _, rest = host.split(":", maxsplit=1)[0].lower().partition(".")
    return account, rest.partition(".")[0]


@lru_cache(maxsize=512)
def locate(host: str) -> tuple[Cloud, Service]:
    """Return the cloud and the service a host name stands for; `Service.UNKNOWN` when the sandbox has no such host."""
    name = host.split(":", maxsplit=1)[0].lower().rstrip(".")
    if name in LOGIN_ALIASES:
        return LOGIN_ALIASES[name], Service.LOGIN
    for cloud in CLOUDS:
        known = {cloud.arm: Service.ARM, cloud.login: Service.LOGIN, cloud.graph: Service.GRAPH}
        if name in known:
            return cloud, known[name]
        if name.endswith("." + cloud.vault_suffix):
            return cloud, Service.VAULT
        if name.endswith("." + cloud.storage_suffix) and storage_host(name)[1] in STORAGE_SERVICES:
            return cloud, Service.STORAGE
    return PUBLIC, Service.UNKNOWN


def by_name(name: str) -> Cloud:
    """Return the cloud of a name, such as ``AzureCloud``."""
    return next(cloud for cloud in CLOUDS if cloud.name == name)


def certificate_names() -> tuple[str, ...]:
    """Return the names the default certificate is issued for; any other name gets one on demand."""
    fixed = [name for cloud in CLOUDS for name in (cloud.arm, cloud.login, cloud.graph, f"*.{cloud.vault_suffix}")]
    storage = [f"*.{service}.{cloud.storage_suffix}" for cloud in CLOUDS for service in sorted(STORAGE_SERVICES)]
    return (*fixed, *storage, *LOGIN_ALIASES, "localhost")
