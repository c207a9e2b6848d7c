"""The offers of Azure to a subscription: the regions of each resource type, and the quotas of each region.

A test or a demo arranges them (`limit_regions`, `use_quota`). Reads and creations go by the same tables, so that what a read
shows is what a creation meets.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cmkctl.sandbox.core import errors
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.regions import DISPLAY_NAMES, LOCATIONS, normal
from cmkctl.sandbox.core.state import Tenant

WITHOUT_ZONES = frozenset(
    [
        "northcentralus", "westus", "ukwest", "westcentralus", "centraluseuap", "usgovarizona", "usgovtexas", "chinaeast2",
        "chinanorth2", "chinaeast3",
    ]
)  # fmt: skip
"""Regions of the sandbox that have no availability zones (learn.microsoft.com/azure/reliability/regions-list)."""


@dataclass(frozen=True)
class Quota:
    """A quota of a region or a subscription: its name, its usual limit, and the resource types that count."""

    namespace: str
    name: str
    limit: int
    type: str
    words: str


STORAGE_ACCOUNTS = Quota(
    "Microsoft.Storage", "StorageAccounts", 250, "Microsoft.Storage/storageAccounts", "Storage Accounts"
)
SEARCH_SERVICES = Quota("Microsoft.Search", "standard", 12, "Microsoft.Search/searchServices", "S - Standard")
COSMOS_DB_ACCOUNTS = Quota(
    "Microsoft.DocumentDB", "DatabaseAccounts", 50, "Microsoft.DocumentDB/databaseAccounts", "Database accounts"
)
"""It is a quota of the subscription, and no read shows it; reads list the accounts."""


def regions_of(tenant: Tenant, resource_type: str) -> list[str]:
    """Return the display names of the regions that offer a resource type."""
    limited = tenant.table("offered_regions").get(resource_type.lower())
    return [name for name in DISPLAY_NAMES if limited is None or normal(name) in limited]


def require_offered(tenant: Tenant, location: str, resource_type: str) -> None:
    """Raise `LocationNotAvailableForResourceType` for a region that does not offer a resource type."""
    offered = [normal(name) for name in regions_of(tenant, resource_type)]
    if normal(location) in LOCATIONS and normal(location) not in offered:
        raise errors.location_unavailable(location, resource_type, ",".join(offered))


def used(tenant: Tenant, quota: Quota, subscription: str, location: str = "") -> tuple[int, int]:
    """Return how much of a quota is used, and its limit. `location` is empty for a quota of the subscription."""
    row = tenant.table("quotas").get(_key(quota, location), {})
    there = sum(
        each["doc"]["type"].lower() == quota.type.lower() and location in ("", normal(each["doc"]["location"]))
        for each in tenant.resources_in(f"/subscriptions/{subscription}")
    )
    return there + int(row.get("others", 0)), int(row.get("limit", quota.limit))


def usages(tenant: Tenant, quota: Quota, subscription: str, location: str) -> Json:
    """Return one row of a list of usages."""
    current, limit = used(tenant, quota, subscription, normal(location))
    name = {"value": quota.name, "localizedValue": quota.words}
    return {"unit": "Count", "currentValue": current, "limit": limit, "name": name}


def require_quota(
    tenant: Tenant, quota: Quota, subscription: str, location: str, refusal: Callable[[int, int], Exception]
) -> None:
    """Raise the refusal, called with use and limit, when one more resource would exceed a quota."""
    current, limit = used(tenant, quota, subscription, normal(location))
    if current >= limit:
        raise refusal(current, limit)


def limit_regions(tenant: Tenant, resource_type: str, locations: tuple[str, ...]) -> None:
    """Offer a resource type in these regions only."""
    tenant.table("offered_regions")[resource_type.lower()] = {normal(each): True for each in locations}


def use_quota(tenant: Tenant, quota: Quota, location: str, others: int, limit: int | None) -> None:
    """Let resources of others use a quota, which keeps its usual limit unless `limit` is given."""
    row = {"others": others, "limit": quota.limit if limit is None else limit}
    tenant.table("quotas")[_key(quota, normal(location))] = row


def _key(quota: Quota, location: str) -> str:
    return f"{quota.namespace}/{location}/{quota.name}".lower()
