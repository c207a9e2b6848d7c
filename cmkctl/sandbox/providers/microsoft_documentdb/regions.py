"""Regions of Azure Cosmos DB, with the subscription's access to each."""

from cmkctl.sandbox.core import offers
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.regions import LOCATIONS, normal, require_location
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_documentdb.versions import VERSIONS

TYPE = "Microsoft.DocumentDB/locations"


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


def close_cosmos_region(state: Arrangement, location: str = LOCATION) -> None:
    """Take the subscription's access to Azure Cosmos DB in a region, as where capacity is short."""
    with state.arranging():
        state.tenant.table("closed_cosmos_regions")[normal(location)] = {"closed": True}


_HEAD = "/subscriptions/{subscription}/providers/Microsoft.DocumentDB"
ROUTES = (
    Route("GET", _HEAD + "/locations", list_locations, TYPE, VERSIONS),
    Route("GET", _HEAD + "/locations/{location}", get_location, TYPE, VERSIONS),
)
