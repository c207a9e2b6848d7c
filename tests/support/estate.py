"""Subscriptions full of workspaces and of what belongs to them, written straight into a sandbox's state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from cmkctl.sandbox import SUBSCRIPTION_ID, TENANT_ID
from cmkctl.sandbox.core import ids

SUBSCRIPTION: Final = f"/subscriptions/{SUBSCRIPTION_ID}"
VERSION: Final = "0123456789abcdef0123456789abcdef"
LOCATIONS: Final = ("eastus2", "westeurope", "westus3")

Document = dict[str, Any]


def put(state: Any, *documents: Document) -> list[str]:
    """Put resources into the sandbox, with their groups; return their ids."""
    with state.arranging():
        for each in documents:
            group = each["id"].split("/")[4]
            scope = "/".join(each["id"].split("/")[:5])
            state.tenant.table("groups").setdefault(ids.key(scope), {"doc": _group(scope, group)})
            state.tenant.table("resources")[ids.key(each["id"])] = {"doc": each}
    return [each["id"] for each in documents]


def _group(scope: str, name: str) -> Document:
    properties = {"provisioningState": "Succeeded"}
    return {
        "id": scope,
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": "eastus2",
        "properties": properties,
    }


def document(kind: str, name: str, group: str = "rg-ml", /, **more: Any) -> Document:
    """Return a resource: `more` goes beside its properties, and what is in ``properties`` into them."""
    properties = {"provisioningState": "Succeeded", **more.pop("properties", {})}
    return {
        "id": f"{SUBSCRIPTION}/resourceGroups/{group}/providers/{kind}/{name}",
        "name": name,
        "type": kind,
        "location": "eastus2",
        "tags": {},
        **more,
        "properties": properties,
    }


def workspace(name: str, group: str = "rg-ml", /, *, key: str = "", vault: str = "", **more: Any) -> Document:
    """Return a workspace, with the key of an identifier and the ARM id of its vault."""
    encryption = {
        "status": "Enabled",
        "identity": {"userAssignedIdentity": None},
        "keyVaultProperties": {"keyIdentifier": key, "identityClientId": None, "keyVaultArmId": vault},
    }
    properties = {
        "friendlyName": name,
        "workspaceId": str(uuid5(NAMESPACE_URL, f"{group}/{name}")),
        "hbiWorkspace": bool(key),
        "publicNetworkAccess": "Enabled",
        "enableServiceSideCMKEncryption": False,
        **({"encryption": encryption} if key else {}),
        **more.pop("properties", {}),
    }
    given = {
        "kind": "Default",
        "sku": {"name": "Basic", "tier": "Basic"},
        "identity": {"type": "SystemAssigned"},
        "systemData": {"createdAt": "2026-11-24T12:00:00Z"},
        **more,
    }
    return document("Microsoft.MachineLearningServices/workspaces", name, group, **given, properties=properties)


def storage(name: str, group: str = "rg-ml", /, *, uri: str = "", key: str = "cmk", version: str = "") -> Document:
    """Return a storage account: with Microsoft's key, or with a key by its vault's URI, its name and its version."""
    named = {"keyvaulturi": uri, "keyname": key, "keyversion": version}
    encryption = (
        {"keySource": "Microsoft.Keyvault", "keyvaultproperties": named} if uri else {"keySource": "Microsoft.Storage"}
    )
    return document(
        "Microsoft.Storage/storageAccounts",
        name,
        group,
        kind="StorageV2",
        sku={"name": "Standard_LRS", "tier": "Standard"},
        properties={"encryption": {**encryption, "services": {}}, "supportsHttpsTrafficOnly": True},
    )


def registry(name: str, group: str = "rg-ml", /, *, key: str = "") -> Document:
    """Return a premium container registry: with Microsoft's key, or with the key of an identifier."""
    named = {"keyVaultProperties": {"keyIdentifier": key}} if key else {}
    return document(
        "Microsoft.ContainerRegistry/registries",
        name,
        group,
        sku={"name": "Premium", "tier": "Premium"},
        properties={
            "encryption": {"status": "enabled" if key else "disabled", **named},
            "adminUserEnabled": False,
            "dataEndpointEnabled": False,
        },
    )


def estate(count: int) -> Iterator[Document]:
    """Yield `count` workspaces of several kinds, each with eight resources around it: vault, storage, registry, and others.

    Four of five workspaces have a key of their own vault. Every fifth account has the key of its workspace's vault as well.
    """
    for number in range(count):
        yield from _surroundings(number)


def _surroundings(number: int) -> Iterator[Document]:
    tail, group = f"{number:04}", f"rg-ml-{number // 10:03}"
    uri = f"https://kv-{tail}.vault.azure.net/"
    vault = document(
        "Microsoft.KeyVault/vaults",
        f"kv-{tail}",
        group,
        properties={"tenantId": TENANT_ID, "sku": {"family": "A", "name": "standard"}, "vaultUri": uri},
    )
    key = f"https://kv-{tail}.vault.azure.net/keys/cmk/{VERSION}" if number % 5 else ""
    images = registry(f"cr{tail}", group)
    account = storage(f"st{tail}", group, uri=f"https://kv-{tail}.vault.azure.net/" if number % 5 == 1 else "")
    logs = document("Microsoft.OperationalInsights/workspaces", f"log-{tail}", group)
    insights = document("Microsoft.Insights/components", f"appi-{tail}", group, kind="web")
    insights["properties"]["WorkspaceResourceId"] = logs["id"]
    own = workspace(
        f"mlw-{tail}",
        group,
        key=key,
        vault=vault["id"] if key else "",
        location=LOCATIONS[number % len(LOCATIONS)],
        kind=("Default", "Hub", "Default", "FeatureStore")[number % 4],
        properties={
            "storageAccount": account["id"],
            "keyVault": vault["id"],
            "applicationInsights": insights["id"],
            "containerRegistry": images["id"],
            "serviceProvisionedResourceGroup": f"{SUBSCRIPTION}/resourceGroups/azureml-rg-mlw-{tail}" if key else None,
        },
    )
    yield own
    yield from (vault, account, images, logs, insights)
    yield document("Microsoft.ManagedIdentity/userAssignedIdentities", f"id-{tail}", group)
    yield document("Microsoft.DataFactory/factories", f"adf-{tail}", group)
    yield document("Microsoft.ContainerInstance/containerGroups", f"aci-{tail}", group)
