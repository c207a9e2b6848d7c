"""Microsoft.DocumentDB: lists of regions and accounts; registering it brings the service principal of Azure Cosmos DB."""

from cmkctl.sandbox.core import offers
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.constants import (
    COSMOS_DB_APP_ID,
    COSMOS_DB_GOVERNMENT_APP_ID,
    COSMOS_DB_GOVERNMENT_OBJECT_ID,
    COSMOS_DB_OBJECT_ID,
)
from cmkctl.sandbox.core.coverage import Area
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
            supported=("regions of Azure Cosmos DB with the subscription's access, and the list of accounts",),
            not_modelled=("accounts and services that a caller creates",),
            guesses=("a region without access is refused with the words for missing capacity",),
        ),
    ),
    routes=(
        Route("GET", _HEAD + "/locations", list_locations, TYPE, VERSIONS),
        Route("GET", _HEAD + "/locations/{location}", get_location, TYPE, VERSIONS),
        Route("GET", _HEAD + "/databaseAccounts", list_accounts, ACCOUNTS, VERSIONS),
    ),
    tables={"closed_cosmos_regions": dict},
    arrange=(close_cosmos_region,),
    on_registered=add_principal,
)
