"""Every rule reports what it should, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from support.rule_facts import (
    ACCOUNT,
    APP_ID,
    COMPONENT,
    DAY,
    GROUP,
    IDENTITY,
    KEY,
    NOW,
    OBJECT_ID,
    REGISTRY,
    TENANT,
    associated,
    in_use,
    key,
    policy,
    profile,
    seen,
    skus,
    taken,
    vault,
    workspace,
)

from cmkctl.azure.failures import PolicyDenial
from cmkctl.azure.governance import AssignmentsInUse, Caller, Lock
from cmkctl.checks import RULES
from cmkctl.checks.observed import Approver, KeyInUse
from cmkctl.checks.policy import Denied, Resource
from cmkctl.checks.quotas import Quota
from cmkctl.checks.rights import CallerPermissions
from cmkctl.diagnostics import Diagnostic, Severity
from cmkctl.facts import Facts, judge
from cmkctl.plan import Action, Change, Request
from cmkctl.profile.model import Profile
from cmkctl.steps._identity_needs import Need, Role
from cmkctl.steps._principals import ObservedPrincipal
from cmkctl.steps._user_assigned import UserAssigned
from cmkctl.steps.associated_resources import ObservedAssociated
from cmkctl.steps.identity_roles import ObservedIdentity, ObservedRoles
from cmkctl.steps.key import ObservedKey
from cmkctl.steps.key_access import ObservedAccess

WARNING, ERROR, NOTE = Severity.WARNING, Severity.ERROR, Severity.NOTE


DESCRIBING: Final = frozenset({"CMK150", "CMK153"})
"""Notes about every new workspace, and about every new service-side one; they have tests of their own."""


def findings(wanted: Profile, observed: Mapping[str, Any]) -> list[Diagnostic]:
    """Return the findings of every rule but those that describe every new workspace."""
    return [each for each in judge(RULES, wanted, Facts(observed)) if each.code not in DESCRIBING]


def found(wanted: Profile, observed: Mapping[str, Any]) -> list[tuple[str, Severity]]:
    """Return the findings of every rule, by code and severity."""
    return [(each.code, each.severity) for each in findings(wanted, observed)]


LATER: Final = int(datetime(2031, 1, 31, tzinfo=UTC).timestamp())
EXPIRES: Final = {"key": {"expires": datetime(2031, 1, 31, tzinfo=UTC)}}
DENY: Final[dict[str, Any]] = {"networkAcls": {"defaultAction": "Deny", "bypass": "AzureServices"}}
SERVICE_SIDE: Final = {"workspace": {"encryption": "service-side"}}
WITH_IDENTITY: Final = {"workspace": {"identity": IDENTITY}}
GIVEN_ACCOUNT: Final = {"associated_resources": {"storage_account": {"id": ACCOUNT}}}
ZONAL: Final = {"associated_resources": {"storage_account": {"sku": "Standard_ZRS"}}}
STORAGE: Final = "Microsoft.Storage/storageAccounts"
CHINA: Final = {"cloud": "AzureChinaCloud", "location": "chinanorth3"}

LACKING: Final = ObservedRoles(
    (
        ObservedIdentity(
            UserAssigned(IDENTITY, OBJECT_ID, created=False),
            (Need(Role("b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor"), GROUP, "resource group rg-ml"),),
            {},
            {},
        ),
    ),
    None,
    NOW,
)
"""An identity that lacks Contributor on the resource group."""

VAULT_ID: Final = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-ml"
NEW_VAULT: Final = Change(
    "key_vault",
    Action.CREATE,
    VAULT_ID,
    "key vault",
    "kv-ml",
    "does not exist",
    request=Request("PUT", VAULT_ID, "1", {"location": "eastus2"}),
)
NEW_GRANT: Final = replace(
    NEW_VAULT, step="key_access", resource_id=f"{VAULT_ID}/providers/Microsoft.Authorization/roleAssignments/{TENANT}"
)
READER: Final = CallerPermissions(Caller(OBJECT_ID, "User"), {GROUP: [{"actions": ["*/read"]}]})
LOCK: Final = Lock(f"{GROUP}/providers/Microsoft.Authorization/locks/frozen", "frozen", "ReadOnly")
DENIAL: Final = PolicyDenial("d", "/d", "a", "/a", "Microsoft.KeyVault/vaults", "tags['owner']", "Exists", "false")


def denied(**parts: Any) -> dict[str, Any]:
    """Return the facts of a plan with a vault that a policy denies."""
    resource = Resource("key_vault", "kv-ml", {}, "1", GROUP, "", f"PUT {VAULT_ID}", **parts)
    fact = "policies_for_managed_resources" if resource.managed else "policies"
    return {"planned_changes": (NEW_VAULT,), fact: (Denied(resource, (DENIAL,)),)}


FIRES: Final = {
    "caller may not create the vault": (
        {},
        {"planned_changes": (NEW_VAULT,), "permissions": READER},
        "CMK191",
        ERROR,
    ),
    "group is locked": ({}, {"planned_changes": (NEW_VAULT,), "locks": (LOCK,)}, "CMK192", ERROR),
    "no role assignment is left": (
        {},
        {"planned_changes": (NEW_GRANT,), "role_assignments_left": AssignmentsInUse(4000, 4000)},
        "CMK193",
        ERROR,
    ),
    "registration may not be read": ({}, {"resource_providers": {"Microsoft.Search": "NotReadable"}}, "CMK188", NOTE),
    "policy denies the vault": ({}, denied(), "CMK194", ERROR),
    "policy denies what Microsoft creates": ({}, denied(managed=True), "CMK195", ERROR),
    "subscription is disabled": ({}, {"subscription": {"state": "Disabled"}}, "CMK101", ERROR),
    "subscription is past due": ({}, {"subscription": {"state": "PastDue"}}, "CMK101", ERROR),
    "subscription is of another tenant": ({"tenant": OBJECT_ID}, {}, "CMK101", ERROR),
    "vault is in another region": ({}, {"key_vault": vault("West Europe")}, "CMK102", WARNING),
    "new vault shuts everybody out": (
        {"key_vault": {"network": {"default_action": "Deny", "bypass": "None"}}},
        {},
        "CMK103",
        ERROR,
    ),
    "vault shuts everybody out": (
        {},
        {"key_vault": vault(networkAcls={"defaultAction": "deny", "bypass": "none"})},
        "CMK103",
        ERROR,
    ),
    "new vault has no public access": (
        {"key_vault": {"network": {"public_access": "disabled"}}},
        {},
        "CMK103",
        WARNING,
    ),
    "vault has no public access": ({}, {"key_vault": vault(publicNetworkAccess="Disabled")}, "CMK103", WARNING),
    "own identity on a new RBAC vault": (
        {**SERVICE_SIDE, "key_vault": {"authorization": "rbac"}},
        {},
        "CMK104",
        ERROR,
    ),
    "own identity on an RBAC vault": (
        SERVICE_SIDE,
        {"key_vault": vault(enableRbacAuthorization=True)},
        "CMK104",
        ERROR,
    ),
    "key is short": ({"key": {"size": 2048}}, {}, "CMK105", WARNING),
    "vault rotates the key": ({"key": {"rotation_policy": {"rotate_after": "P1Y"}}}, {}, "CMK106", WARNING),
    "key has a newer version": (
        {},
        {"key": key(keyUriWithVersion=f"{KEY}/new"), "workspace": workspace(f"{KEY.upper()}/old")},
        "CMK106",
        WARNING,
    ),
    "key expires in a month": ({}, {"key": key(attributes={"exp": NOW.timestamp() + 30 * DAY})}, "CMK107", WARNING),
    "new key would expire in three weeks": ({"key": {"expires": NOW + timedelta(days=21)}}, {}, "CMK107", WARNING),
    "version in use expires in a month": ({}, in_use(exp=NOW.timestamp() + 30 * DAY), "CMK107", WARNING),
    "version in use is disabled": ({}, in_use(enabled=False), "CMK114", ERROR),
    "version in use has expired": ({}, in_use(exp=NOW.timestamp()), "CMK114", ERROR),
    "version in use is not valid yet": ({}, in_use(nbf=NOW.timestamp() + 1), "CMK114", ERROR),
    "version in use is gone": (
        {},
        {"key": key(keyUriWithVersion=f"{KEY}/new"), "key_in_use": KeyInUse(f"{KEY}/old", None, NOW)},
        "CMK114",
        ERROR,
    ),
    "key in use is gone with all its versions": (
        {},
        {"key_in_use": KeyInUse(f"{KEY}/old", None, NOW)},
        "CMK114",
        ERROR,
    ),
    "setting of cmkctl's own run": (
        {"key_access": {"settle_seconds": 75}},
        {"workspace": {"properties": {}}},
        "CMK115",
        NOTE,
    ),
    "throughput is not shown": (
        {"workspace": {"cosmos_db_throughput": 800}},
        {"workspace": {"properties": {}}},
        "CMK115",
        NOTE,
    ),
    "public access is closed and not in the profile": (
        {},
        {"workspace": {"properties": {"publicNetworkAccess": "Disabled"}}},
        "CMK115",
        NOTE,
    ),
    "workspace has v1 legacy mode on": (
        {},
        {"workspace": {"properties": {"v1LegacyMode": True}}},
        "CMK115",
        NOTE,
    ),
    "key allows more": ({}, {"key": key(keyOps=["wrapKey", "unwrapKey", "sign"])}, "CMK115", NOTE),
    "key has other tags": ({"tags": {"owner": "ml"}}, {"key": key()}, "CMK115", NOTE),
    "key is rotated by the vault": (
        {},
        {"key": key(rotationPolicy={"lifetimeActions": [{"action": {"type": "Rotate"}}]})},
        "CMK115",
        NOTE,
    ),
    "group has other tags": ({"tags": {"owner": "ml"}}, {"resource_group": {"tags": {"owner": "x"}}}, "CMK115", NOTE),
    "log analytics beside a given component": (
        {"associated_resources": {"application_insights": {"id": COMPONENT}, "log_analytics": {"name": "log-ml"}}},
        {},
        "CMK115",
        NOTE,
    ),
    "given account is elsewhere": (GIVEN_ACCOUNT, associated(location="westus"), "CMK115", NOTE),
    "given account is less strict": (GIVEN_ACCOUNT, associated(allowBlobPublicAccess=True), "CMK115", NOTE),
    "tier of a given account": (
        {"associated_resources": {"storage_account": {"id": ACCOUNT, "sku": "Standard_GRS"}}},
        associated(),
        "CMK115",
        NOTE,
    ),
    "identity needs more than the key": (WITH_IDENTITY, {"roles_of_identities": LACKING}, "CMK108", WARNING),
    "hub without high business impact": (
        {"workspace": {"kind": "hub", "high_business_impact": False}},
        {},
        "CMK151",
        WARNING,
    ),
    "service-side with an identity": (
        {"workspace": {"encryption": "service-side", "identity": IDENTITY}},
        {},
        "CMK152",
        WARNING,
    ),
    "hub with a vault of roles": (
        {"workspace": {"kind": "hub"}, "key_vault": {"authorization": "rbac"}},
        {},
        "CMK154",
        WARNING,
    ),
    "existing workspace without its grant": (
        {},
        {
            "workspace": {"properties": {"provisioningState": "Succeeded"}},
            "planned_changes": (Change("key_access", Action.CREATE, KEY, "key access", "", "no policy yet"),),
        },
        "CMK630",
        WARNING,
    ),
    "application id is not confirmed": (CHINA, {}, "CMK109", WARNING),
    "policy grants more": (
        {},
        {"key_vault": vault(accessPolicies=[policy(OBJECT_ID.upper(), "Get", "WrapKey", "UnwrapKey", "Purge")])},
        "CMK110",
        WARNING,
    ),
    "policy grants everything": (
        {},
        {"key_vault": vault(accessPolicies=[policy(OBJECT_ID, "all")])},
        "CMK110",
        WARNING,
    ),
    "policy names an application id": (
        {},
        {"key_vault": vault(accessPolicies=[policy(APP_ID.upper(), "get")])},
        "CMK111",
        WARNING,
    ),
    "policy names an application id of another cloud": (
        {},
        {"key_vault": vault(accessPolicies=[policy("57506a73-e302-42a9-b869-6f12d9ec29e9", "get")])},
        "CMK111",
        WARNING,
    ),
    "account refuses the keys of the datastores": (
        {"associated_resources": {"storage_account": {"name": "stml"}}},
        {
            "associated_resources": ObservedAssociated(
                {ACCOUNT: {"properties": {"allowSharedKeyAccess": False}}}, TENANT
            )
        },
        "CMK130",
        ERROR,
    ),
    "registry has no admin user": (
        {"associated_resources": {"container_registry": {"name": "crmlws"}}},
        {"associated_resources": ObservedAssociated({REGISTRY: {"properties": {"adminUserEnabled": False}}}, TENANT)},
        "CMK131",
        WARNING,
    ),
    "queues of the account keep Microsoft's key": (
        {**SERVICE_SIDE, **GIVEN_ACCOUNT},
        associated(
            encryption={
                "keySource": "Microsoft.Keyvault",
                "keyvaultproperties": {"keyvaulturi": "https://kv.vault.azure.net/", "keyname": "cmk"},
                "services": {"table": {"keyType": "Account"}},
            }
        ),
        "CMK707",
        WARNING,
    ),
    "vault's name is taken": (
        {},
        {"names_of_vaults": [taken("Microsoft.KeyVault/vaults", "kv-ml", "key_vault")]},
        "CMK160",
        ERROR,
    ),
    "vault was deleted in another region": (
        {},
        {"names_of_vaults": [taken("Microsoft.KeyVault/vaults", "kv-ml", "key_vault", {"location": "West US"})]},
        "CMK160",
        ERROR,
    ),
    "storage account's name is taken": (
        {},
        {"names_of_storage_accounts": [taken(STORAGE, "stml", "associated_resources.storage_account")]},
        "CMK160",
        ERROR,
    ),
    "registry's name is taken": (
        {},
        {
            "names_of_container_registries": [
                taken("Microsoft.ContainerRegistry/registries", "crml", "associated_resources.container_registry")
            ]
        },
        "CMK160",
        ERROR,
    ),
    "log analytics workspace was deleted here": (
        {},
        {"deleted_log_analytics_workspace": {"location": "East US 2"}},
        "CMK161",
        WARNING,
    ),
    "log analytics workspace was deleted elsewhere": (
        {},
        {"deleted_log_analytics_workspace": {"location": "westus"}},
        "CMK161",
        ERROR,
    ),
    "workspace is listed and cannot be read": ({}, {"list_of_workspaces": True}, "CMK162", ERROR),
    "region lacks a type": (
        {},
        {"regions_of_resource_types": {"Microsoft.Search/searchServices": ["East US", "West US"]}},
        "CMK163",
        ERROR,
    ),
    "region lacks zones": (ZONAL, skus("eastus", "westus3"), "CMK164", ERROR),
    "replication is restricted": (
        ZONAL,
        skus("eastus2", restrictions=[{"reasonCode": "NotAvailableForSubscription"}]),
        "CMK164",
        ERROR,
    ),
    "search services are used up": ({}, {"quota_of_search_services": Quota(12, 12, 1)}, "CMK165", ERROR),
    "one storage account is left of two": ({}, {"quota_of_storage_accounts": Quota(249, 250, 2)}, "CMK166", ERROR),
    "many cosmos accounts": ({}, {"number_of_cosmos_db_accounts": 50}, "CMK167", WARNING),
    "no access to cosmos in the region": (
        {},
        {"access_to_cosmos_db_in_the_region": {"properties": {"isSubscriptionRegionAccessAllowedForRegular": False}}},
        "CMK168",
        ERROR,
    ),
    "more tags than a key has": ({"tags": {f"t{each}": "x" for each in range(16)}}, {}, "CMK169", ERROR),
    "one vault for both": ({"associated_resources": {"key_vault": "same"}}, {}, "CMK112", WARNING),
    "one vault for both, by id": (
        {
            "associated_resources": {
                "key_vault": {"id": f"{GROUP}/providers/microsoft.keyvault/vaults/KV-ML".replace("rg-ml", "RG-ML")}
            }
        },
        {},
        "CMK112",
        WARNING,
    ),
}

SUBNET: Final = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-ml/subnets/snet-endpoints"
PRIVATE: Final[dict[str, Any]] = {"private_network": {"subnet": SUBNET}}
CLOSED: Final = {"workspace": {"public_network_access": "disabled"}}
ISOLATED: Final = {"managed_network": {"isolation_mode": "AllowOnlyApprovedOutbound"}}
ZONE: Final = f"{GROUP}/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
CREATED: Final[dict[str, Any]] = {"workspace": {"properties": {}}}
APPROVED: Final = [{"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}}]


def network(policies: str = "Disabled", name: str = "snet-endpoints") -> dict[str, Any]:
    """Return an existing virtual network with one subnet."""
    subnet = {"name": name, "properties": {"privateEndpointNetworkPolicies": policies}}
    return {"virtual_network": {"location": "eastus2", "properties": {"subnets": [subnet]}}}


def approving(scope: str) -> Change:
    """Return the change that assigns the role which approves private endpoints."""
    assignment = f"{scope}/providers/Microsoft.Authorization/roleAssignments/one"
    role = "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/b556d68e-0be0-4f35-a333-ad7ee1ce17ea"
    request = Request("PUT", assignment, "2022-04-01", {"properties": {"roleDefinitionId": role}})
    return Change("role_assignments", Action.CREATE, assignment, "role", "one", "does not exist", request=request)


def closed_registry() -> dict[str, Any]:
    """Return an existing registry without public access."""
    registry = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/crml5"
    closed = {"properties": {"publicNetworkAccess": "Disabled", "adminUserEnabled": True}}
    return {"associated_resources": ObservedAssociated({registry: closed}, TENANT)}


FIRES_IN_NETWORKS: Final = {
    "network for endpoints is absent": (PRIVATE, CREATED, "CMK140", ERROR),
    "subnet for endpoints is absent": (PRIVATE, CREATED | network(name="snet-other"), "CMK140", ERROR),
    "subnet has policies": (PRIVATE, CREATED | network("Enabled"), "CMK141", WARNING),
    "subnet of Azure Government has policies": (
        {**PRIVATE, "cloud": "AzureUSGovernment", "location": "usgovvirginia"},
        CREATED | network("Enabled"),
        "CMK141",
        ERROR,
    ),
    "closed workspace without an endpoint": (CLOSED, {}, "CMK142", WARNING),
    "closed storage account without endpoints": (
        {"associated_resources": {"storage_account": {"name": "stml"}}},
        associated(publicNetworkAccess="Disabled"),
        "CMK143",
        WARNING,
    ),
    "network of the managed group": (PRIVATE, network(), "CMK144", NOTE),
    "vault in a perimeter": ({}, {"key_vault": vault(publicNetworkAccess="SecuredByPerimeter")}, "CMK145", WARNING),
    "identity may not approve": (
        {"workspace": {**WITH_IDENTITY["workspace"], **ISOLATED}},
        {**CREATED, "approver_of_endpoints": Approver(IDENTITY, OBJECT_ID, (GROUP,))},
        "CMK146",
        WARNING,
    ),
    "closed registry without a compute": (
        {**PRIVATE, "associated_resources": {"container_registry": {"name": "crml5"}}},
        CREATED | network() | closed_registry(),
        "CMK147",
        WARNING,
    ),
    "serverless subnet beside a managed network": (
        {"workspace": {**ISOLATED, "serverless_compute": {"subnet": SUBNET}}},
        {},
        "CMK148",
        WARNING,
    ),
    "nodes without addresses and no endpoint": (
        {"workspace": {"serverless_compute": {"no_public_ip": True}}},
        {},
        "CMK148",
        WARNING,
    ),
    "zone without an endpoint": (
        {"private_network": {"subnet": SUBNET, "endpoints": ["file"], "dns": {"zones": [ZONE]}}},
        network(),
        "CMK149",
        WARNING,
    ),
}

REPORTING: Final = {**FIRES, **FIRES_IN_NETWORKS}

SILENT: Final = {
    "vault was deleted here, which the step compares": (
        {},
        {"names_of_vaults": [taken("Microsoft.KeyVault/vaults", "kv-ml", "key_vault", {"location": "East US 2"})]},
    ),
    "region has the type, as a display name": ({}, {"regions_of_resource_types": {"a/b": ["East US 2"]}}),
    "region has zones": (ZONAL, skus("EastUS2", "westus3")),
    "replication is listed nowhere": (ZONAL, {"replications_of_storage_accounts": []}),
    "last search service": ({}, {"quota_of_search_services": Quota(11, 12, 1)}),
    "no quota is needed": ({}, {"quota_of_search_services": None, "quota_of_storage_accounts": None}),
    "one cosmos account less than the default": ({}, {"number_of_cosmos_db_accounts": 49}),
    "cosmos gives no access flag": ({}, {"access_to_cosmos_db_in_the_region": {"properties": {}}}),
    "as many tags as a key has": ({"tags": {f"t{each}": "x" for each in range(15)}}, {}),
    "more tags for a key that exists": (
        {"tags": {f"t{each}": "x" for each in range(16)}},
        {"key": ObservedKey({"tags": {f"t{each}": "x" for each in range(16)}, "properties": {}}, NOW)},
    ),
    "caller has the right as one of several": (
        {},
        {
            "planned_changes": (NEW_VAULT,),
            "permissions": CallerPermissions(
                Caller("", "User"), {GROUP: [{"actions": ["*/read"]}, {"actions": ["microsoft.keyvault/*"]}]}
            ),
        },
    ),
    "scope of the right is unknown": (
        {},
        {"planned_changes": (NEW_VAULT,), "permissions": CallerPermissions(Caller("", "User"), {GROUP: None})},
    ),
    "lock is on another group": (
        {},
        {"planned_changes": (NEW_VAULT,), "locks": (replace(LOCK, id=LOCK.id.replace("rg-ml", "rg-ml-2")),)},
    ),
    "lock is against deletion": (
        {},
        {"planned_changes": (NEW_VAULT,), "locks": (replace(LOCK, level="CanNotDelete"),)},
    ),
    "last role assignment": (
        {},
        {"planned_changes": (NEW_GRANT,), "role_assignments_left": AssignmentsInUse(3999, 4000)},
    ),
    "subnet without policies": (PRIVATE, CREATED | network()),
    "closed storage account with an endpoint of others": (
        {"associated_resources": {"storage_account": {"name": "stml"}}},
        associated(publicNetworkAccess="Disabled", privateEndpointConnections=APPROVED),
    ),
    "closed registry with a compute": (
        {
            **PRIVATE,
            "associated_resources": {"container_registry": {"name": "crml5"}},
            "workspace": {"image_build_compute": "cpu"},
        },
        CREATED | network() | closed_registry(),
    ),
    "closed workspace with an endpoint": ({**PRIVATE, **CLOSED}, CREATED | network()),
    "closed workspace with an endpoint of others": (
        CLOSED,
        {"workspace": {"properties": {"privateEndpointConnections": APPROVED}}},
    ),
    "identity may approve": (
        {"workspace": {**WITH_IDENTITY["workspace"], **ISOLATED}},
        {**CREATED, "approver_of_endpoints": Approver(IDENTITY, OBJECT_ID, ())},
    ),
    "identity will approve once the plan is applied": (
        {"workspace": {**WITH_IDENTITY["workspace"], **ISOLATED}},
        {
            **CREATED,
            "approver_of_endpoints": Approver(IDENTITY, OBJECT_ID, (GROUP,)),
            "planned_changes": (approving(GROUP),),
        },
    ),
    "zone of an endpoint": (
        {"private_network": {"subnet": SUBNET, "endpoints": ["blob"], "dns": {"zones": [ZONE]}}},
        network(),
    ),
    "nothing is there yet": ({}, {}),
    "key is to expire and is absent": (EXPIRES, {}),
    "key expires when it is to": (EXPIRES, {"key": key(attributes={"exp": LATER})}),
    "subscription's state is not returned": ({}, {"subscription": {"tenantId": TENANT}}),
    "subscription is of the tenant": ({"tenant": TENANT.upper()}, {}),
    "subscription's tenant is not returned": ({"tenant": TENANT}, {"subscription": {}}),
    "vault is in the region, as a display name": ({}, {"key_vault": vault("East US 2")}),
    "vault has a firewall that trusted services pass": ({}, {"key_vault": vault(**DENY)}),
    "vault has no network rules": ({}, {"key_vault": vault(networkAcls=None)}),
    "access policies for its own identity": (SERVICE_SIDE, {"key_vault": vault(enableRbacAuthorization=False)}),
    "in-subscription on an RBAC vault": ({"key_vault": {"authorization": "rbac"}}, {}),
    "registry has an admin user": (
        {"associated_resources": {"container_registry": {"name": "crmlws"}}},
        {"associated_resources": ObservedAssociated({REGISTRY: {"properties": {"adminUserEnabled": True}}}, TENANT)},
    ),
    "datastores use identities": (
        {
            "associated_resources": {"storage_account": {"name": "stml"}},
            "workspace": {"datastore_access": "identity"},
        },
        {
            "associated_resources": ObservedAssociated(
                {ACCOUNT: {"properties": {"allowSharedKeyAccess": False}}}, TENANT
            )
        },
    ),
    "key is long": ({"key": {"size": 4096}}, {}),
    "key is as long as recommended": ({"key": {"size": 3072}}, {}),
    "vault only notifies": (
        {
            "key": {
                "expires": "2031-01-31",
                "rotation_policy": {"notify_before_expiry": "P30D", "expires_after": "P2Y"},
            }
        },
        {},
    ),
    "workspace uses the latest version": (
        {},
        {"key": key(keyUriWithVersion=f"{KEY}/new"), "workspace": workspace(f"{KEY}/new")},
    ),
    "workspace uses another key": (
        {},
        {"key": key(keyUriWithVersion=f"{KEY}/new"), "workspace": workspace(f"{KEY}-2/old")},
    ),
    "workspace has no key": ({}, {"key": key(keyUriWithVersion=f"{KEY}/new"), "workspace": {"properties": {}}}),
    "new key expires in a year": ({"key": {"expires": NOW + timedelta(days=365)}}, {}),
    "version in use is enabled and valid": ({}, in_use(enabled=True, nbf=NOW.timestamp(), exp=LATER)),
    "version in use is the latest, which the key step compares": (
        {},
        {
            "key": key(keyUriWithVersion=f"{KEY}/new", attributes={"enabled": False}),
            "key_in_use": KeyInUse(f"{KEY.upper()}/new", {"properties": {"attributes": {"enabled": False}}}, NOW),
        },
    ),
    "given account is as ours would be": (GIVEN_ACCOUNT, associated()),
    "setting of cmkctl's own run before the creation": ({"key_access": {"settle_seconds": 75}}, {}),
    "group and key have the tags, and others": (
        {"tags": {"owner": "ml"}},
        {
            "resource_group": {"tags": {"Owner": "ml", "team": "x"}},
            "key": ObservedKey({"tags": {"OWNER": "ml"}, "properties": {}}, NOW),
        },
    ),
    "key expires in a year": ({}, {"key": key(attributes={"exp": NOW.timestamp() + 365 * DAY})}),
    "key has expired, which is a conflict": ({}, {"key": key(attributes={"exp": NOW.timestamp() - DAY})}),
    "key never expires": ({}, {"key": key(attributes={"enabled": True})}),
    "workspace with an identity is there": (WITH_IDENTITY, {"workspace": {"properties": {}}}),
    "object id is in the profile": ({**CHINA, "key_access": {"cosmos_db_object_id": OBJECT_ID}}, {}),
    "no application to confirm": (
        CHINA,
        {"key_access": ObservedAccess(None, ObservedPrincipal("Azure Cosmos DB", APP_ID, None), None, NOW)},
    ),
    "policy grants what is needed": (
        {},
        {"key_vault": vault(accessPolicies=[policy(OBJECT_ID, "UnwrapKey", "get", "wrapKey")])},
    ),
    "another principal may do more": ({}, {"key_vault": vault(accessPolicies=[policy(TENANT, "all")])}),
    "policy has no keys": ({}, {"key_vault": vault(accessPolicies=[{"objectId": OBJECT_ID, "permissions": {}}])}),
}


@pytest.mark.parametrize(("sections", "parts", "code", "severity"), REPORTING.values(), ids=REPORTING)
def test_rule_reports(sections: dict[str, Any], parts: dict[str, Any], code: str, severity: Severity) -> None:
    """The rule reports its code with its severity, and no other rule reports anything."""
    assert [(code, severity)] == found(profile(**sections), seen(**parts))


@pytest.mark.parametrize(("sections", "parts"), SILENT.values(), ids=SILENT)
def test_rules_report_nothing(sections: dict[str, Any], parts: dict[str, Any]) -> None:
    """What is right, or unknown, is not reported."""
    assert [] == found(profile(**sections), seen(**parts))


def test_every_rule_has_a_case_in_which_it_reports() -> None:
    """A rule without a case is not tested."""
    reported = {(code, severity) for _, _, code, severity in REPORTING.values()}

    assert {(each.code.id, each.severity) for each in RULES if each.code.id not in DESCRIBING} == reported


@pytest.mark.parametrize(("sections", "parts", "code", "severity"), REPORTING.values(), ids=REPORTING)
def test_diagnostic_is_complete(sections: dict[str, Any], parts: dict[str, Any], code: str, severity: Severity) -> None:
    """It has a title without user data, a detail and a remedy that are sentences, and a subject."""
    (diagnostic,) = findings(profile(**sections), seen(**parts))

    assert (code, severity) == (diagnostic.code, diagnostic.severity)
    assert all(text.endswith(".") for text in (diagnostic.detail, diagnostic.remedy))
    assert not diagnostic.summary.endswith(".")
    assert "kv-ml" not in diagnostic.summary
    assert diagnostic.subject


def test_findings_show_the_observed_values() -> None:
    """Versions and dates are those that were read."""
    days = 40
    observed = seen(
        key=key(attributes={"exp": NOW.timestamp() + days * DAY + 1}, keyUriWithVersion=f"{KEY}/new"),
        workspace=workspace(f"{KEY}/old"),
    )

    details = [each.detail for each in findings(profile(), observed)]

    assert [
        "The key's latest version is new, the workspace uses old.",
        "It expires on 2026-12-31 12:00 UTC, in 40 days. Then the workspace's data is out of reach until it is extended.",
    ] == details


@pytest.mark.parametrize(
    ("flag", "described"), [(True, "only if the subscription never had a cluster"), (False, "Off: ")]
)
def test_a_new_workspace_comes_with_the_effect_of_high_business_impact(flag: bool, described: str) -> None:
    """The note states the effect and its limits, on and off, and only before the creation."""
    wanted = profile(workspace={"high_business_impact": flag})

    new = [each for each in judge(RULES, wanted, Facts(seen())) if each.code == "CMK150"]
    existing = [each for each in judge(RULES, wanted, Facts(seen(workspace=workspace("")))) if each.code == "CMK150"]

    assert [NOTE] == [each.severity for each in new]
    assert described in new[0].detail
    assert [] == existing


def test_each_limit_that_the_preview_had_is_a_warning_of_its_own() -> None:
    """An identity, a rotation and a closed vault are each named with the date of the evidence."""
    wanted = profile(
        workspace={"encryption": "service-side", "identity": IDENTITY},
        key={"rotation_policy": {"rotate_after": "P1Y"}},
        key_vault={"network": {"public_access": "disabled"}},
    )

    limits = [each for each in findings(wanted, seen()) if each.code == "CMK152"]

    assert ["workspace.identity", "key.rotation_policy", "key_vault.network"] == [each.subject for each in limits]
    assert all("28 January 2025" in " ".join(each.detail.split()) for each in limits)


def test_the_missing_role_comes_with_the_command_that_assigns_it() -> None:
    """The remedy can be pasted: role, scope and object id are those of the finding."""
    (finding,) = findings(profile(**WITH_IDENTITY), seen(roles_of_identities=LACKING))

    command = f'--assignee-object-id {OBJECT_ID} --assignee-principal-type ServicePrincipal --role "Contributor" --scope {GROUP}'
    assert command in finding.remedy


@pytest.mark.parametrize(
    ("sections", "parts", "reported"),
    [
        (SERVICE_SIDE, {}, True),
        ({}, {}, False),
        ({**SERVICE_SIDE, **GIVEN_ACCOUNT}, associated(encryption={"keySource": "Microsoft.Storage"}), True),
        ({**SERVICE_SIDE, **GIVEN_ACCOUNT}, associated(encryption={"keySource": "Microsoft.Keyvault"}), False),
        (
            {
                "workspace": {**SERVICE_SIDE["workspace"], "identity": {"create": "id-ml"}},
                "associated_resources": {"storage_account": {"encryption": "customer"}},
            },
            {},
            False,
        ),
        ({**SERVICE_SIDE, **GIVEN_ACCOUNT, "services": {"storage_accounts": [{"id": ACCOUNT.upper()}]}}, {}, False),
    ],
)
def test_the_storage_of_a_service_side_workspace_has_the_key_or_gets_it(
    sections: dict[str, Any], parts: dict[str, Any], reported: bool
) -> None:
    """The workspace's key does not cover the account (P88)."""
    codes = [each.code for each in judge(RULES, profile(**sections), Facts(seen(**parts)))]

    assert reported == ("CMK153" in codes)
