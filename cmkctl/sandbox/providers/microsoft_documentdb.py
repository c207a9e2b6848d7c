"""Microsoft.DocumentDB: regions, accounts of managed resource groups; registering it adds the principal of Azure Cosmos DB."""

from cmkctl.sandbox.core import errors, ids, key_loss, offers
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.constants import (
    COSMOS_DB_APP_ID,
    COSMOS_DB_GOVERNMENT_APP_ID,
    COSMOS_DB_GOVERNMENT_OBJECT_ID,
    COSMOS_DB_OBJECT_ID,
)
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.latency import Duration
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.core.regions import LOCATIONS, normal, require_location
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant

PRINCIPALS = {"AzureUSGovernment": (COSMOS_DB_GOVERNMENT_APP_ID, COSMOS_DB_GOVERNMENT_OBJECT_ID)}
"""Application id and object id in the clouds that have their own; the other clouds share those of the public one."""


def add_principal(tenant: Tenant, cloud: str) -> None:
    """Create the service principal of Azure Cosmos DB, as the registration of the namespace does."""
    app_id, object_id = PRINCIPALS.get(cloud, (COSMOS_DB_APP_ID, COSMOS_DB_OBJECT_ID))
    tenant.add_principal(object_id, app_id, "Azure Cosmos DB")


TYPE = "Microsoft.DocumentDB/locations"
ACCOUNTS = "Microsoft.DocumentDB/databaseAccounts"
VERSIONS = ("2023-04-15", "2023-11-15", "2024-05-15", "2024-08-15", "2024-11-15", "2025-04-15", "2025-10-15")
SHOWS_THE_VERSION = "2025-10-15"
"""The first api-version with ``keyVaultKeyUriVersion``."""


def _region(tenant: Tenant, call: Call, name: str) -> Json:
    closed = tenant.table("closed_cosmos_regions").get(name, {})
    zones = name not in offers.WITHOUT_ZONES
    return {
        "id": f"/subscriptions/{call['subscription']}/providers/{TYPE}/{name}",
        "name": name,
        "type": TYPE,
        "properties": {
            "supportsAvailabilityZone": zones,
            "isResidencyRestricted": False,
            "backupStorageRedundancies": ["Geo", "Zone", "Local"] if zones else ["Geo", "Local"],
            "isSubscriptionRegionAccessAllowedForRegular": not closed,
            "isSubscriptionRegionAccessAllowedForAz": zones and not closed,
            "status": "Online",
        },
    }


def allowed(tenant: Tenant, location: str) -> bool:
    """Return whether the subscription may have accounts in a region."""
    return normal(location) not in tenant.table("closed_cosmos_regions")


def get_location(tenant: Tenant, call: Call) -> Reply:
    """Answer one region, with the subscription's access to it."""
    tenant.require_registered(call["subscription"], "Microsoft.DocumentDB")
    return Reply(200, _region(tenant, call, require_location(call["location"], TYPE)))


def list_locations(tenant: Tenant, call: Call) -> Reply:
    """Answer every region."""
    tenant.require_registered(call["subscription"], "Microsoft.DocumentDB")
    return Reply(200, {"value": [_region(tenant, call, each) for each in LOCATIONS]})


def list_accounts(tenant: Tenant, call: Call) -> Reply:
    """Answer the accounts of the subscription; those of others are arranged, and have a name and a region only."""
    tenant.require_registered(call["subscription"], "Microsoft.DocumentDB")
    head = f"/subscriptions/{call['subscription']}"
    own = _accounts_in(tenant, call, head)
    used, _ = offers.used(tenant, offers.COSMOS_DB_ACCOUNTS, call["subscription"])
    others = [
        {
            "id": f"{head}/resourceGroups/rg-others/providers/{ACCOUNTS}/cosmos-{number}",
            "name": f"cosmos-{number}",
            "type": ACCOUNTS,
            "location": DISPLAY,
            "properties": {"provisioningState": "Succeeded"},
        }
        for number in range(used - len(own))
    ]
    return Reply(200, {"value": [*own, *others]})


def list_in_group(tenant: Tenant, call: Call) -> Reply:
    """Answer the accounts of a resource group."""
    tenant.require_registered(call["subscription"], "Microsoft.DocumentDB")
    group = tenant.group(call["subscription"], call["group"])["doc"]["id"]
    return Reply(200, {"value": _accounts_in(tenant, call, group)})


def get_account(tenant: Tenant, call: Call) -> Reply:
    """Answer one account."""
    tenant.require_registered(call["subscription"], "Microsoft.DocumentDB")
    found = [
        each
        for each in _accounts_in(tenant, call, tenant.group(call["subscription"], call["group"])["doc"]["id"])
        if each["name"].lower() == call["name"].lower()
    ]
    if not found:
        raise errors.resource_not_found(ACCOUNTS, call["name"], call["group"])
    return Reply(200, found[0])


def _accounts_in(tenant: Tenant, call: Call, scope: str) -> list[Json]:
    rows = [each["doc"] for each in tenant.resources_in(scope) if each["doc"]["type"].lower() == ACCOUNTS.lower()]
    return [_view(tenant, call, each) for each in rows]


def _view(tenant: Tenant, call: Call, document: Json) -> Json:
    """Return an account of a managed resource group, with its key and the state of its access to the key."""
    workspace = tenant.resource(document.get("managedBy") or "/") or _deleted_workspace(tenant, document)
    if workspace is None or not workspace["doc"]["properties"].get("encryption"):
        return document
    named = workspace["doc"]["properties"]["encryption"]["keyVaultProperties"]
    host, _, rest = _wrapped_with(tenant, workspace, named["keyIdentifier"]).partition("/keys/")
    name, _, version = rest.partition("/")
    shown = {
        "provisioningState": "Succeeded",
        "keyVaultKeyUri": f"{host}/keys/{name}",
        **({"keyVaultKeyUriVersion": version} if call.api_version >= SHOWS_THE_VERSION else {}),
        "customerManagedKeyStatus": STATUS[key_loss.lost(tenant, call.cloud, workspace)],
    }
    return {**document, "properties": {**document["properties"], **shown}}


def _wrapped_with(tenant: Tenant, workspace: Json, identifier: str) -> str:
    """Return the key identifier that the account uses: for a while after a rotation still the one before."""
    row = workspace.get("wraps")
    return identifier if row is None or tenant.tick(row["countdown"]) else str(row["identifier"])


def _deleted_workspace(tenant: Tenant, document: Json) -> Json | None:
    row: Json = tenant.data.get("deleted_workspaces", {}).get(ids.key(document.get("managedBy") or "/"), {})
    return row.get("record")


CONFIRMED = "Access to the configured customer managed key confirmed."
_REVOKED = (
    "Access to your account is currently revoked because {cause}; for more details about this error and how to restore access to "
    "your account please visit https://learn.microsoft.com/en-us/azure/cosmos-db/cmk-troubleshooting-guide{place}."
)
STATUS = {
    "": CONFIRMED,
    key_loss.NO_VAULT: _REVOKED.format(
        cause="the correspondent Azure Key Vault was not found", place="#azure-key-vault-resource-not-found (4017)"
    ),
    key_loss.NO_KEY: _REVOKED.format(
        cause="the correspondent key is not found on the specified Key Vault",
        place="#azure-key-vault-resource-not-found (4003)",
    ),
    key_loss.NO_GRANT: _REVOKED.format(
        cause="the current default identity no longer has permission to the associated Key Vault key",
        place="#default-identity-is-unauthorized-to-access-the-azure-key-vault-key (4002)",
    ),
    key_loss.DISABLED: _REVOKED.format(cause="the correspondent key is either disabled or expired", place=" (4018)"),
}
"""``customerManagedKeyStatus``, by why the key is lost: the published values of the property.

The one about a disabled key is not among them: its cause and number are from a public report of the data plane.
"""


DISPLAY = LOCATIONS[LOCATION]


def close_cosmos_region(state: Arrangement, location: str = LOCATION) -> None:
    """Take the subscription's access to Azure Cosmos DB in a region, as where capacity is short."""
    with state.arranging():
        state.tenant.table("closed_cosmos_regions")[normal(location)] = {"closed": True}


_HEAD = "/subscriptions/{subscription}/providers/Microsoft.DocumentDB"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.DocumentDB"
PROVIDER = Provider(
    namespace="Microsoft.DocumentDB",
    coverage=(
        Area(
            "Azure Cosmos DB, Azure AI Search",
            supported=(
                "regions of Azure Cosmos DB with the subscription's access, and the list of accounts",
                "accounts of managed resource groups, with `customerManagedKeyStatus` in the published words",
                "`keyVaultKeyUriVersion` of these accounts, which follows a rotation of the workspace later",
            ),
            differs=(
                "`customerManagedKeyStatus` changes exactly one hour after the key is lost",
                "rows of Resource Graph do not show the key of an account",
            ),
            not_modelled=("accounts and services that a caller creates",),
            guesses=(
                "a region without access is refused with the words for missing capacity",
                "`keyVaultKeyUriVersion` is the version alone; no recording shows the property",
                "the status of an account whose key is disabled; the values for other reasons are published",
            ),
        ),
    ),
    routes=(
        Route("GET", _HEAD + "/locations", list_locations, TYPE, VERSIONS),
        Route("GET", _HEAD + "/locations/{location}", get_location, TYPE, VERSIONS),
        Route("GET", _HEAD + "/databaseAccounts", list_accounts, ACCOUNTS, VERSIONS),
        Route("GET", _GROUP + "/databaseAccounts", list_in_group, ACCOUNTS, VERSIONS),
        Route("GET", _GROUP + "/databaseAccounts/{name}", get_account, ACCOUNTS, VERSIONS),
    ),
    durations=(
        Duration(key_loss.RETURN, 3600, "documentation: wait one hour for the account to recover (troubleshoot-cmk)"),
    ),
    tables={"closed_cosmos_regions": dict},
    arrange=(close_cosmos_region,),
    on_registered=add_principal,
)
