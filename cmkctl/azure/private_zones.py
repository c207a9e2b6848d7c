"""The names of the private DNS zones for what a private endpoint reaches, in each cloud.

Source: https://learn.microsoft.com/azure/private-link/private-endpoint-dns
"""

from __future__ import annotations

from typing import Final

from cmkctl.azure.clouds import Cloud

_ZONES: Final[dict[Cloud, dict[str, tuple[str, ...]]]] = {
    Cloud.AZURE: {
        "amlworkspace": ("privatelink.api.azureml.ms", "privatelink.notebooks.azure.net"),
        "vault": ("privatelink.vaultcore.azure.net",),
        "registry": ("privatelink.azurecr.io",),
    },
    Cloud.US_GOVERNMENT: {
        "amlworkspace": ("privatelink.api.ml.azure.us", "privatelink.notebooks.usgovcloudapi.net"),
        "vault": ("privatelink.vaultcore.usgovcloudapi.net",),
        "registry": ("privatelink.azurecr.us",),
    },
    Cloud.CHINA: {
        "amlworkspace": ("privatelink.api.ml.azure.cn", "privatelink.notebooks.chinacloudapi.cn"),
        "vault": ("privatelink.vaultcore.azure.cn",),
        "registry": ("privatelink.azurecr.cn",),
    },
}
_STORAGE: Final = {
    Cloud.AZURE: "core.windows.net",
    Cloud.US_GOVERNMENT: "core.usgovcloudapi.net",
    Cloud.CHINA: "core.chinacloudapi.cn",
}


def zones_of(cloud: Cloud, group_id: str) -> tuple[str, ...]:
    """Return the zones in which an endpoint with this group id is registered; a group of storage has its own."""
    return _ZONES[cloud].get(group_id) or (f"privatelink.{group_id}.{_STORAGE[cloud]}",)
