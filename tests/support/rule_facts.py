"""A profile without findings, and facts for the rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from cmkctl.checks.names import TakenName
from cmkctl.checks.observed import KeyInUse
from cmkctl.checks.quotas import Quota
from cmkctl.checks.wanted import NewResource
from cmkctl.profile.model import Profile
from cmkctl.steps._endpoints import ObservedEndpoints
from cmkctl.steps._principals import ObservedPrincipal
from cmkctl.steps.associated_resources import ObservedAssociated
from cmkctl.steps.key import ObservedKey
from cmkctl.steps.key_access import ObservedAccess
from cmkctl.steps.key_vault import ObservedVault

SUBSCRIPTION: Final = "11111111-1111-1111-1111-111111111111"
TENANT: Final = "7e4a47aa-2222-4222-8222-222222222222"
GROUP: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ml"
IDENTITY: Final = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-ml"
APP_ID: Final = "a232010e-820c-4083-83bb-3ace5fc29d0b"
OBJECT_ID: Final = "c05305db-0000-4000-8000-000000000001"
NOW: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DAY: Final = 86_400
ACCOUNT: Final = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stml"
REGISTRY: Final = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/crmlws"
COMPONENT: Final = f"{GROUP}/providers/Microsoft.Insights/components/appi-ml"
KEY: Final = "https://kv-ml.vault.azure.net/keys/cmk"


def profile(**sections: Any) -> Profile:
    """Return a profile without findings, with some sections replaced."""
    usual: dict[str, Any] = {
        "subscription": SUBSCRIPTION,
        "location": "eastus2",
        "resource_group": "rg-ml",
        "key_vault": {"name": "kv-ml"},
        "key": {"name": "cmk"},
        "workspace": {"name": "mlw", "high_business_impact": True, "encryption": "in-subscription"},
        "associated_resources": {"key_vault": {"name": "kv-own"}},
    }
    for name, section in sections.items():
        usual[name] = {**usual.get(name, {}), **section} if isinstance(section, dict) else section
    return Profile.model_validate(usual)


def seen(**parts: Any) -> dict[str, Any]:
    """Return the facts of a tenant in which nothing exists yet, with some of them replaced."""
    usual = {
        "subscription": {"state": "Enabled", "tenantId": TENANT},
        "resource_providers": {"Microsoft.KeyVault": "Registered", "Microsoft.Search": "NotRegistered"},
        "key_vault": ObservedVault(None, None, TENANT),
        "key": ObservedKey(None, NOW),
        "key_access": ObservedAccess(None, ObservedPrincipal("Azure Cosmos DB", APP_ID, OBJECT_ID), None, NOW),
        "workspace": None,
        "roles_of_identities": None,
        "key_in_use": None,
        "resource_group": None,
        "associated_resources": ObservedAssociated({}, TENANT),
        "planned_changes": (),
        "permissions": None,
        "role_assignments_left": None,
        "locks": (),
        "policies": (),
        "policies_for_managed_resources": (),
        "policy_assignments": True,
        "virtual_network": None,
        "private_endpoints": ObservedEndpoints(),
        "workspace_endpoint": ObservedEndpoints(),
        "approver_of_endpoints": None,
    }
    return usual | _offers() | parts


def _offers() -> dict[str, Any]:
    """Return the facts of a subscription that may have everything: free names, all regions, room in every quota."""
    return {
        "names_of_vaults": [],
        "names_of_storage_accounts": [],
        "names_of_container_registries": [],
        "deleted_log_analytics_workspace": None,
        "list_of_workspaces": False,
        "regions_of_resource_types": {
            "Microsoft.KeyVault/vaults": ["West Europe", "East US 2", "China North 3", "USGov Virginia"]
        },
        "replications_of_storage_accounts": None,
        "quota_of_search_services": Quota(0, 12, 1),
        "quota_of_storage_accounts": Quota(0, 250, 2),
        "number_of_cosmos_db_accounts": 0,
        "access_to_cosmos_db_in_the_region": {"properties": {"isSubscriptionRegionAccessAllowedForRegular": True}},
    }


def taken(kind: str, name: str, field: str, deleted: dict[str, Any] | None = None) -> TakenName:
    """Return a name that Azure reports as unavailable, with the soft-deleted vault that holds it."""
    wanted = NewResource(kind, name, f"{GROUP}/providers/{kind}/{name}", field, kind.rpartition("/")[2])
    return TakenName(wanted, "AlreadyExists", deleted and {"properties": deleted})


def skus(*locations: str, **more: Any) -> dict[str, Any]:
    """Return the regions of zone-redundant replication."""
    rows = [{"name": "Standard_ZRS", "kind": "StorageV2", "locations": [each], **more} for each in locations]
    return {"replications_of_storage_accounts": rows}


def vault(location: str = "eastus2", **properties: Any) -> ObservedVault:
    """Return an existing vault."""
    return ObservedVault({"location": location, "properties": properties}, None, TENANT)


def policy(object_id: str, *keys: str) -> dict[str, Any]:
    """Return an access policy for keys."""
    return {"tenantId": TENANT, "objectId": object_id, "permissions": {"keys": list(keys)}}


def key(**properties: Any) -> ObservedKey:
    """Return an existing key."""
    return ObservedKey({"properties": properties}, NOW)


def workspace(identifier: str) -> dict[str, Any]:
    """Return an existing workspace, with the key that it uses."""
    return {"properties": {"encryption": {"keyVaultProperties": {"keyIdentifier": identifier}}}}


def in_use(**attributes: Any) -> dict[str, Any]:
    """Return a workspace that uses an older version of the key, with these attributes."""
    return {
        "key": key(keyUriWithVersion=f"{KEY}/new"),
        "key_in_use": KeyInUse(f"{KEY}/old", {"properties": {"attributes": attributes}}, NOW),
    }


def associated(location: str = "eastus2", **properties: Any) -> dict[str, Any]:
    """Return an existing storage account, as strict as ours, with some of its properties replaced."""
    strict = {"supportsHttpsTrafficOnly": True, "minimumTlsVersion": "TLS1_2", "allowBlobPublicAccess": False}
    account = {"location": location, "sku": {"name": "Standard_LRS"}, "properties": strict | properties}
    return {"associated_resources": ObservedAssociated({ACCOUNT: account}, TENANT)}
