"""Limits of storage in a subscription: accounts in a region, tiers in a region, and tags of an account."""

from cmkctl.sandbox.core import errors, offers
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.regions import LOCATIONS, require_location
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant

COVERAGE = Area(
    "storage accounts",
    supported=("usages of a region, and the tiers that each region offers; an account beyond them is refused",),
    differs=("the list of tiers has those of StorageV2 accounts only",),
    guesses=("the code and words of the refusal of an account beyond the quota, and of a tier that a region lacks",),
)
ZONAL = frozenset({"Standard_ZRS", "Standard_GZRS", "Standard_RAGZRS", "Premium_ZRS"})
LONGEST_TAG = 128
VERSIONS = (
    "2019-06-01", "2021-09-01", "2022-09-01", "2023-01-01", "2023-05-01", "2024-01-01", "2025-01-01", "2025-06-01",
    "2025-08-01",
)  # fmt: skip
SKUS = (
    "Standard_LRS", "Standard_GRS", "Standard_RAGRS", "Standard_ZRS", "Standard_GZRS", "Standard_RAGZRS", "Premium_LRS",
    "Premium_ZRS",
)  # fmt: skip


def offered(sku: str, location: str) -> bool:
    """Return whether a region offers a tier."""
    return sku not in ZONAL or location not in offers.WITHOUT_ZONES


def require(tenant: Tenant, subscription: str, location: str, body: Json) -> None:
    """Raise the refusal of an account that its region, the quota or the tags rule out."""
    sku = str(body["sku"]["name"])
    if not offered(sku, location):
        raise errors.storage_sku_unavailable(sku, location)
    for name in body.get("tags") or {}:
        if len(name) > LONGEST_TAG:
            raise errors.storage_tag_too_long(name, len(name), LONGEST_TAG)
    require_quota(tenant, subscription, location)


def require_quota(tenant: Tenant, subscription: str, location: str) -> None:
    """Raise the refusal of an account beyond the quota of its region."""
    offers.require_quota(
        tenant,
        offers.STORAGE_ACCOUNTS,
        subscription,
        location,
        lambda used, limit: errors.storage_quota(subscription, used, location, limit),
    )


def list_usages(tenant: Tenant, call: Call) -> Reply:
    """Answer the number of accounts in a region, and the limit."""
    location = require_location(call["location"], "Microsoft.Storage/locations/usages")
    return Reply(200, {"value": [offers.usages(tenant, offers.STORAGE_ACCOUNTS, call["subscription"], location)]})


def list_skus(_tenant: Tenant, _call: Call) -> Reply:
    """Answer the tiers of accounts, one row per tier and region."""
    rows = [
        {
            "resourceType": "storageAccounts",
            "name": sku,
            "tier": sku.partition("_")[0],
            "kind": "StorageV2",
            "locations": [location],
            "capabilities": [],
            "restrictions": [],
        }
        for sku in SKUS
        for location in LOCATIONS
        if offered(sku, location)
    ]
    return Reply(200, {"value": rows})


_PROVIDER = "/subscriptions/{subscription}/providers/Microsoft.Storage"
ROUTES = (
    Route(
        "GET", _PROVIDER + "/locations/{location}/usages", list_usages, "Microsoft.Storage/locations/usages", VERSIONS
    ),
    Route("GET", _PROVIDER + "/skus", list_skus, "Microsoft.Storage/skus", VERSIONS),
)
