"""Subscriptions, tenants and regions."""

from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.regions import LOCATIONS
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant

COVERAGE = Area(
    "subscriptions, tenants, regions",
    supported=("list and get subscriptions, list tenants and regions",),
    differs=(
        "one subscription unless more are arranged; every region has every service",
        "Azure lists in pages; here a list is whole, except keys of the data plane",
    ),
    not_modelled=("management groups",),
)

SUBSCRIPTION_VERSIONS = (
    "2014-04-01", "2016-06-01", "2018-06-01", "2019-06-01", "2019-11-01", "2020-01-01", "2021-01-01", "2021-04-01",
    "2022-09-01", "2022-12-01",
)  # fmt: skip


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
