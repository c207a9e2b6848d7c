"""Arrangements of subscriptions, providers and groups for tests and demos."""

from typing import Any

from cmkctl.sandbox.core import ids, offers, registrations, registry
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.constants import SUBSCRIPTION_ID


def add_subscription(state: Arrangement, subscription: str, name: str = "another subscription") -> str:
    """Add a subscription in which everything is as in a new one; return its id."""
    with state.arranging():
        known = state.tenant.data["providers"][SUBSCRIPTION_ID]
        state.tenant.data["subscriptions"][subscription] = name
        state.tenant.data["providers"][subscription] = {key: dict(row) for key, row in known.items()}
    return subscription


def register_provider(state: Arrangement, *namespaces: str, subscription: str = SUBSCRIPTION_ID) -> None:
    """Register resource providers, with the principals that brings; no namespace means all of them."""
    with state.arranging():
        table = state.tenant.data["providers"][subscription]
        for namespace in namespaces or tuple(table):
            table[namespace.lower()].update(state="Registered")
            registrations.forget(table[namespace.lower()])
            registry.registered(state.tenant, namespace)


def unregister_provider(state: Arrangement, *namespaces: str, subscription: str = SUBSCRIPTION_ID) -> None:
    """Set resource providers to ``NotRegistered``."""
    with state.arranging():
        for namespace in namespaces:
            provider = state.tenant.data["providers"][subscription][namespace.lower()]
            provider.update(state="NotRegistered")
            registrations.forget(provider)


def add_resource_group(
    state: Arrangement, name: str, location: str = LOCATION, subscription: str = SUBSCRIPTION_ID, **more: Any
) -> str:
    """Add a resource group; `more` goes into the document (``tags=…``). Return its id."""
    identifier = f"/subscriptions/{subscription}/resourceGroups/{name}"
    kind = "Microsoft.Resources/resourceGroups"
    properties = {"provisioningState": "Succeeded"}
    with state.arranging():
        document = {
            "id": identifier,
            "name": name,
            "type": kind,
            "location": location,
            **more,
            "properties": properties,
        }
        state.tenant.table("groups").setdefault(ids.key(identifier), {"doc": document})
    return identifier


def limit_regions(state: Arrangement, resource_type: str, *locations: str) -> None:
    """Offer a resource type in these regions only."""
    with state.arranging():
        offers.limit_regions(state.tenant, resource_type, locations)


def use_quota(
    state: Arrangement, quota: offers.Quota, others: int, location: str = LOCATION, limit: int | None = None
) -> None:
    """Let resources of others use a quota of a region, or of the subscription with an empty `location`."""
    with state.arranging():
        offers.use_quota(state.tenant, quota, location, others, limit)


FUNCTIONS = (add_subscription, register_provider, unregister_provider, add_resource_group, limit_regions, use_quota)
