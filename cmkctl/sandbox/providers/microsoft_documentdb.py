"""Microsoft.DocumentDB: lists of regions and accounts; registering it brings the service principal of Azure Cosmos DB."""

from cmkctl.sandbox.core import errors, key_loss, offers
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
VERSIONS = ("2023-04-15", "2023-11-15", "2024-05-15", "2024-08-15", "2024-11-15", "2025-04-15")


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
    own = [each["doc"] for each in tenant.resources_in(head) if each["doc"]["type"].lower() == ACCOUNTS.lower()]
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


DISPLAY = LOCATIONS[LOCATION]


CONFIRMED = "Access to the configured customer managed key confirmed."
_GUIDE = "https://learn.microsoft.com/en-us/azure/cosmos-db/cmk-troubleshooting-guide"
_HELP = f"; for more details about this error and how to restore access to your account please visit {_GUIDE}"
_LOST = "Access to your account is currently revoked because the"
STATUS = {
    "": CONFIRMED,
    key_loss.DISABLED: f"{_LOST} correspondent key is either disabled or expired{_HELP} (4018).",
    key_loss.NO_GRANT: f"{_LOST} current default identity no longer has permission to the associated Key Vault key{_HELP}"
    "#default-identity-is-unauthorized-to-access-the-azure-key-vault-key (4002).",
    key_loss.NO_KEY: f"{_LOST} correspondent key is not found on the specified Key Vault{_HELP}"
    "#azure-key-vault-resource-not-found (4003).",
    key_loss.NO_VAULT: f"{_LOST} correspondent Azure Key Vault was not found{_HELP}"
    "#azure-key-vault-resource-not-found (4017).",
}
"""``customerManagedKeyStatus``, by why the key is lost: the published values of the property, as generated clients list them.

That about a disabled key is not among them; its first half and number are from a public report of the data plane.
"""


def get_account(tenant: Tenant, call: Call) -> Reply:
    """Answer the account that Azure made for a workspace, with the status of its key."""
    tenant.require_registered(call["subscription"], "Microsoft.DocumentDB")
    group = tenant.group(call["subscription"], call["group"])
    record = tenant.resource(f"{group['doc']['id']}/providers/{ACCOUNTS}/{call['name']}")
    if record is None:
        raise errors.resource_not_found(ACCOUNTS, call["name"], call["group"])
    workspace = tenant.resource(record["owner"])
    why = key_loss.lost(tenant, call.cloud, workspace) if workspace else ""
    document = record["doc"]
    shown = {**document["properties"], "provisioningState": "Succeeded", "customerManagedKeyStatus": STATUS[why]}
    return Reply(200, {**document, "kind": "GlobalDocumentDB", "properties": shown})


def close_cosmos_region(state: Arrangement, location: str = LOCATION) -> None:
    """Take the subscription's access to Azure Cosmos DB in a region, as where capacity is short."""
    with state.arranging():
        state.tenant.table("closed_cosmos_regions")[normal(location)] = {"closed": True}


_HEAD = "/subscriptions/{subscription}/providers/Microsoft.DocumentDB"
PROVIDER = Provider(
    namespace="Microsoft.DocumentDB",
    coverage=(
        Area(
            "Azure Cosmos DB, Azure AI Search",
            supported=(
                "regions of Azure Cosmos DB with the subscription's access, and the list of accounts",
                "the account of a workspace, with `customerManagedKeyStatus`: revoked one hour after the key is lost",
            ),
            not_modelled=("accounts and services that a caller creates",),
            guesses=(
                "a region without access is refused with the words for missing capacity",
                "the status of an account whose key is disabled; the values for other reasons are published",
            ),
        ),
    ),
    routes=(
        Route("GET", _HEAD + "/locations", list_locations, TYPE, VERSIONS),
        Route("GET", _HEAD + "/locations/{location}", get_location, TYPE, VERSIONS),
        Route("GET", _HEAD + "/databaseAccounts", list_accounts, ACCOUNTS, VERSIONS),
        Route(
            "GET",
            f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{ACCOUNTS}/{{name}}",
            get_account,
            ACCOUNTS,
            VERSIONS,
        ),
    ),
    durations=(
        Duration(key_loss.RETURN, 3600, "documentation: wait one hour for the account to recover (troubleshoot-cmk)"),
    ),
    tables={"closed_cosmos_regions": dict},
    arrange=(close_cosmos_region,),
    on_registered=add_principal,
)
