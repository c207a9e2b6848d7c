"""The resource providers of the sandbox, found by looking into the package `cmkctl.sandbox.providers`.

A provider is a module or a package there with a `Provider` named ``PROVIDER``. Nothing else lists it. The modules are
imported at the first use of a provider, so that `core` depends on no provider.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cmkctl.sandbox.core.clouds import Cloud
    from cmkctl.sandbox.core.latency import Duration
    from cmkctl.sandbox.core.messages import Call
    from cmkctl.sandbox.core.provider import Provider
    from cmkctl.sandbox.core.routing import Route, Table
    from cmkctl.sandbox.core.state import Tenant

PACKAGE = "cmkctl.sandbox.providers"
Json = dict[str, Any]


@cache
def providers() -> "tuple[Provider, ...]":
    """Return every provider, in the order of their namespaces.

    Raises:
        ValueError: two modules declare the same namespace.

    """
    package = importlib.import_module(PACKAGE)
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__))
    found: dict[str, Provider] = {}
    for name in names:
        provider: Provider = importlib.import_module(f"{PACKAGE}.{name}").PROVIDER
        if found.setdefault(provider.namespace.lower(), provider) is not provider:
            raise ValueError(f"{PACKAGE}.{name} declares {provider.namespace}, which another module declares already")
    return tuple(found.values())


def provider(namespace: str) -> "Provider | None":
    """Return the provider of a namespace in any casing; None when the sandbox has none."""
    return next((each for each in providers() if each.namespace.lower() == namespace.lower()), None)


@cache
def arm_table() -> "Table[Route]":
    """Return the routes of Azure Resource Manager."""
    routing = importlib.import_module("cmkctl.sandbox.core.routing")
    table: Table[Route] = routing.Table(route for each in providers() for route in each.routes)
    return table


@cache
def versions() -> Mapping[str, tuple[str, ...]]:
    """Return the api-versions of each modelled resource type, by lower-case type."""
    return {route.type.lower(): route.versions for each in providers() for route in each.routes if route.type}


@cache
def durations() -> "tuple[Duration, ...]":
    """Return how long the transitions of all providers take."""
    return tuple(row for each in providers() for row in each.durations)


@cache
def arrangements() -> Mapping[str, Callable[..., Any]]:
    """Return what the providers arrange, by the functions' names."""
    return {function.__name__: function for each in providers() for function in each.arrange}


@cache
def row_views() -> "Mapping[str, Callable[[Tenant, Json, Call], Json]]":
    """Return, by lower-case type, what shows a record as a GET does, where records have other members."""
    return {kind: view for each in providers() for kind, view in each.row_views.items()}


@cache
def key_readers() -> "Mapping[str, Callable[[Tenant, Cloud, Json], str]]":
    """Return, by lower-case type, the function that returns why a resource cannot use its customer-managed key now."""
    return {kind: reader for each in providers() for kind, reader in each.key_readers.items()}


@cache
def key_seconds() -> Mapping[str, float]:
    """Return, by lower-case type, the seconds until the loss of a key is noticed, where that is not an hour."""
    return {kind: seconds for each in providers() for kind, seconds in each.key_seconds.items()}


def registered(tenant: "Tenant", namespace: str, cloud: str = "AzureCloud") -> None:
    """Do what the end of a registration brings with it, such as a service principal."""
    found = provider(namespace)
    if found is not None and found.on_registered is not None:
        found.on_registered(tenant, cloud)


def deleted(tenant: "Tenant", record: Json) -> None:
    """Note a resource that is deleted with its group, where its provider keeps deleted resources."""
    wanted = record["doc"]["type"].lower()
    for each in providers():
        if wanted in each.on_deleted:
            each.on_deleted[wanted](tenant, record)


def adapted(resource_type: str, body: Json) -> Json:
    """Return the body of a template's resource as a PUT of that type takes it.

    Raises:
        AzureError: `SandboxNotModelled` for a property that would change something.

    """
    for each in providers():
        change = each.adapt.get(resource_type.lower())
        if change is not None:
            return change(body)
    return body


def expire(tenant: "Tenant", now: float) -> None:
    """End what time alone ends, in every provider."""
    for each in providers():
        if each.expire is not None:
            each.expire(tenant, now)


def spawn(tenant: "Tenant", call: "Call") -> None:
    """Let the faults that are switched on create what a request is about to meet."""
    if not tenant.faults.active or call.method not in {"GET", "PUT"}:
        return
    for each in providers():
        if each.spawn is not None:
            each.spawn(tenant, call)


def read_action(posted: str) -> str | None:
    """Return the RBAC action of a POST that only reads; None for any other ``namespace/type``."""
    return next((each.read_actions[posted] for each in providers() if posted in each.read_actions), None)
