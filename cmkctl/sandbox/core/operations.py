"""ARM long-running operations: started by a write, advanced by reads or time, finished by the provider's own function."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from cmkctl.sandbox.core import errors, ids
from cmkctl.sandbox.core.messages import Call
from cmkctl.sandbox.core.state import Tenant

Json = dict[str, Any]
Finisher = Callable[[Tenant, Json], None]
FINISHERS: dict[str, Finisher] = {}
"""The function that ends an operation, by the operation's kind: the state file holds names only."""

CERTIFICATE_LENGTH = 2660
SIGNATURE_LENGTH = 342


def finisher(kind: str) -> Callable[[Finisher], Finisher]:
    """Register the decorated function as what ends operations of `kind`."""

    def register(function: Finisher) -> Finisher:
        FINISHERS[kind] = function
        return function

    return register


def start(
    tenant: Tenant,
    kind: str,
    target: str,
    *,
    failure: Json | None = None,
    factor: float = 1,
    takes: str = "",
    **more: Any,
) -> str:
    """Begin an operation and return its id.

    Args:
        tenant: the state.
        kind: a name in `FINISHERS`.
        target: the id of what is being worked on.
        failure: the ``error`` object the operation will end with, if it is to fail.
        factor: how much longer than usual it takes.
        takes: its kind in the latency profile, where that is not `kind`.
        more: whatever the finisher needs; must be JSON.

    """
    name = ids.guid("operation", kind, target, tenant.serial())
    tenant.table("operations")[name] = {
        "kind": kind,
        "target": target,
        "countdown": tenant.begin(takes or kind, factor),
        "created": tenant.timestamp(),
        "finished": False,
        "failure": failure,
        **more,
    }
    tenant.changed()
    return name


def get(tenant: Tenant, name: str) -> Json:
    """Return an operation.

    Raises:
        AzureError: 404 when there is none of that id.

    """
    found = tenant.table("operations").get(name.lower())
    if found is None:
        raise errors.operation_not_found(name)
    return found


def poll(tenant: Tenant, name: str) -> Json:
    """Count one read of an operation, finish it if it is over, and return it."""
    operation = get(tenant, name)
    if not operation["finished"] and tenant.tick(operation["countdown"]):
        _finish(tenant, operation)
    return operation


def look(tenant: Tenant, target: str) -> None:
    """Count one read of a resource towards whatever is being done to it.

    Who has lost the operation's URL, because the process was killed, still sees the end of it on the resource.
    """
    for name, operation in list(tenant.table("operations").items()):
        if not operation["finished"] and ids.key(operation["target"]) == ids.key(target):
            poll(tenant, name)


def settle(tenant: Tenant) -> None:
    """Finish whatever is over by now. Called before each request, so that time alone advances the tenant, too."""
    for operation in list(tenant.table("operations").values()):  # a deployment that goes on begins more of them
        if not operation["finished"] and tenant.over(operation["countdown"]):
            _finish(tenant, operation)


def _finish(tenant: Tenant, operation: Json) -> None:
    operation["finished"] = True
    operation["ended"] = tenant.timestamp()
    FINISHERS[operation["kind"]](tenant, operation)
    tenant.changed()


def link(call: Call, path: str, name: str, **params: str) -> str:
    """Return an absolute poll URL as long as Azure's, about 3,200 characters (recordings, fact 2).

    The ``h`` parameter is checked when the URL comes back, so that a client that rebuilds the URL is found out.
    """
    query = {
        "api-version": call.api_version,
        **params,
        "t": "638600000000000000",
        "c": _padding(name, CERTIFICATE_LENGTH),
        "s": _padding(name + "s", SIGNATURE_LENGTH),
        "h": ids.hex_name(name, "h", length=43),
    }
    return f"{call.url}{path}?{urlencode(query)}"


def _padding(seed: str, length: int) -> str:
    block = ids.hex_name(seed, length=64)
    return (block * (length // 64 + 1))[:length]


def require_verbatim(call: Call, name: str) -> None:
    """Refuse a poll URL that is not the one that was handed out."""
    if call.query.get("h") != ids.hex_name(name.lower(), "h", length=43):
        raise errors.property_refused("h", "of the operation's URL is not the one handed out: use the URL verbatim")
