"""Azure regions, as far as the sandbox needs them: names, display names, and whether there is such a place."""

from cmkctl.sandbox import errors
from cmkctl.sandbox.coverage import Area
from cmkctl.sandbox.messages import Call, Json, Reply
from cmkctl.sandbox.routing import Route
from cmkctl.sandbox.state import Tenant

COVERAGE = Area(
    "subscriptions, tenants, regions",
    supported=("list and get subscriptions, list tenants and regions",),
    differs=(
        "one subscription unless more are arranged; every region has every service",
        "Azure lists in pages; here a list is whole, except keys of the data plane",
    ),
    not_modelled=("management groups, tags API, locks",),
)

DISPLAY_NAMES = (
    "Australia East", "Brazil South", "Canada Central", "Central India", "Central US", "Central US EUAP", "East Asia",
    "East US", "East US 2", "East US 2 EUAP",
    "France Central", "Germany West Central", "Italy North", "Japan East", "Japan West", "Korea Central",
    "North Central US", "North Europe", "Norway East", "Poland Central", "Qatar Central", "South Africa North",
    "South Central US", "Southeast Asia", "Spain Central", "Sweden Central", "Switzerland North", "UAE North", "UK South",
    "UK West", "West Central US", "West Europe", "West US", "West US 2", "West US 3",
    "USGov Arizona", "USGov Texas", "USGov Virginia", "China East 2", "China East 3", "China North 2", "China North 3",
)  # fmt: skip
LOCATIONS = {name.lower().replace(" ", ""): name for name in DISPLAY_NAMES}
SUBSCRIPTION_VERSIONS = (
    "2014-04-01", "2016-06-01", "2018-06-01", "2019-06-01", "2019-11-01", "2020-01-01", "2021-01-01", "2021-04-01",
    "2022-09-01", "2022-12-01",
)  # fmt: skip


def normal(location: str) -> str:
    """Return a location's short form: ``West US 3`` is ``westus3``."""
    return location.lower().replace(" ", "")


def require_location(location: str, resource_type: str = "") -> str:
    """Return the short form of a location that exists.

    Raises:
        AzureError: 400 when the sandbox knows no such region.

    """
    short = normal(location)
    if short in LOCATIONS:
        return short
    if resource_type:
        raise errors.location_unavailable(location, resource_type)
    raise errors.group_location_unavailable(location)


def _subscription(tenant: Tenant, identifier: str) -> Json:
    return {
        "id": f"/subscriptions/{identifier}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": identifier,
        "tenantId": tenant.tenant_id,
        "displayName": tenant.data["subscriptions"][identifier],
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "Sandbox",
            "spendingLimit": "Off",
        },
    }


def list_subscriptions(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every handler has the same form
    """Answer the subscriptions, each with its tenant."""
    found = [_subscription(tenant, identifier) for identifier in tenant.data["subscriptions"]]
    return Reply(200, {"value": found, "count": {"type": "Total", "value": len(found)}})


def get_subscription(tenant: Tenant, call: Call) -> Reply:
    """Answer one subscription."""
    return Reply(200, _subscription(tenant, call["subscription"].lower()))


def list_tenants(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every handler has the same form
    """Answer the one directory."""
    one = {"id": f"/tenants/{tenant.tenant_id}", "tenantId": tenant.tenant_id, "tenantCategory": "Home"}
    return Reply(200, {"value": [{**one, "displayName": "cmkctl sandbox"}]})


def list_locations(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every handler has the same form
    """Answer the regions."""
    prefix = f"/subscriptions/{call['subscription']}/locations"
    rows = [
        {"id": f"{prefix}/{name}", "name": name, "type": "Region", "displayName": shown, "regionalDisplayName": shown}
        for name, shown in LOCATIONS.items()
    ]
    return Reply(200, {"value": rows})


_TYPE = "Microsoft.Resources/subscriptions"
ROUTES = (
    Route("GET", "/subscriptions", list_subscriptions, _TYPE, SUBSCRIPTION_VERSIONS),
    Route("GET", "/subscriptions/{subscription}", get_subscription, _TYPE, SUBSCRIPTION_VERSIONS),
    Route("GET", "/subscriptions/{subscription}/locations", list_locations, _TYPE, SUBSCRIPTION_VERSIONS),
    Route("GET", "/tenants", list_tenants, _TYPE, SUBSCRIPTION_VERSIONS),
)
