"""Registrations of resource providers: they go on by themselves, whatever a client reads meanwhile.

In Azure a registration takes about 70 s (recordings 30 and 31). At a pace of reads it advances with each read of the
provider's own document, as in the recordings; a client that reads something else only, such as Microsoft Graph or the
resource it wants to make, sees its end after `OTHERS` times as many requests.
"""

from collections.abc import Iterator

from cmkctl.sandbox.core import registry
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.state import Tenant

OTHERS = 10
"""The number of other requests that count as much as one read of the provider's document."""


def begin(tenant: Tenant, provider: Json, state: str, cloud: str) -> None:
    """Begin a registration (``Registering``) or its end (``Unregistering``) in the cloud of that name."""
    kind = "provider.register" if state == "Registering" else "provider.unregister"
    beside = tenant.begin(kind, OTHERS)
    provider.update(state=state, countdown=tenant.begin(kind), beside=beside, cloud=cloud)
    tenant.changed()


def read(tenant: Tenant, provider: Json) -> None:
    """Count a read of a provider's own document."""
    if "countdown" in provider and tenant.tick(provider["countdown"]):
        _end(tenant, provider)


def advance(tenant: Tenant) -> None:
    """Count a request for everything that is being registered."""
    for provider in _unfinished(tenant):
        if tenant.over(provider["countdown"]) or tenant.tick(provider["beside"]):
            _end(tenant, provider)


def forget(provider: Json) -> None:
    """Drop what is kept of a registration that goes on."""
    for name in ("countdown", "beside", "cloud"):
        provider.pop(name, None)


def _unfinished(tenant: Tenant) -> Iterator[Json]:
    for rows in tenant.data["providers"].values():
        for provider in rows.values():
            if "countdown" in provider:
                provider.setdefault("beside", {"reads": OTHERS})  # a state file of an older cmkctl has none
                yield provider


def _end(tenant: Tenant, provider: Json) -> None:
    cloud = provider.get("cloud") or "AzureCloud"
    forget(provider)
    provider["state"] = "Registered" if provider["state"] == "Registering" else "Unregistered"
    if provider["state"] == "Registered":
        registry.registered(tenant, provider["namespace"], cloud)
    tenant.changed()
