"""The declaration of one resource provider: everything the sandbox knows of a namespace, as one value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.latency import Duration
from cmkctl.sandbox.core.routing import Route

if TYPE_CHECKING:
    from cmkctl.sandbox.core.clouds import Cloud
    from cmkctl.sandbox.core.messages import Call
    from cmkctl.sandbox.core.state import Tenant

Json = dict[str, Any]


class Registration(Enum):
    """The registration state of a namespace in a subscription that has never been used."""

    REGISTERED = "Registered"
    NOT_REGISTERED = "NotRegistered"
    UNLISTED = ""
    """The namespace needs no registration and is missing from the list of providers."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """One resource provider. Each module in `cmkctl.sandbox.providers` has one, named ``PROVIDER``.

    Attributes:
        namespace: such as ``Microsoft.Storage``, in Azure's casing.
        coverage: rows of the table in docs/sandbox.md.
        routes: the requests it serves; handlers are ``(tenant, call) -> Reply``.
        registration: its state in a new subscription.
        more_types: types it lists besides those of its routes, without the namespace.
        durations: the time its transitions take in Azure.
        tables: tables it adds to the tenant's document, and how each is created.
        arrange: functions ``(arrangement, ...)`` that tests and demos call as methods of `Arrangement`, by their names.
        on_registered: called when a registration ends, with the tenant and the cloud's name.
        on_deleted: called by lower-case type with the record of a resource that its group takes with it.
        adapt: by lower-case type, turns the body of a template's resource into that of a PUT.
        expire: ends what time alone ends; called at most once a second with the tenant and its time.
        spawn: creates what the faults that are switched on call for, before a request that would meet it.
        key_readers: by lower-case type, why a resource cannot use its customer-managed key now; empty when it can.
        key_seconds: by lower-case type, the seconds until the loss of a key is noticed, where that is not an hour.
        row_views: by lower-case type, shows a record as a GET with the newest api-version does, for rows of Resource Graph.
        read_actions: RBAC actions of POSTs that only read, by lower-case ``namespace/type``.

    """

    namespace: str
    coverage: tuple[Area, ...]
    routes: tuple[Route, ...] = ()
    registration: Registration = Registration.NOT_REGISTERED
    more_types: tuple[str, ...] = ()
    durations: tuple[Duration, ...] = ()
    tables: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    arrange: tuple[Callable[..., Any], ...] = ()
    on_registered: "Callable[[Tenant, str], None] | None" = None
    on_deleted: "Mapping[str, Callable[[Tenant, Json], None]]" = field(default_factory=dict)
    adapt: Mapping[str, Callable[[Json], Json]] = field(default_factory=dict)
    expire: "Callable[[Tenant, float], None] | None" = None
    spawn: "Callable[[Tenant, Call], None] | None" = None
    key_readers: "Mapping[str, Callable[[Tenant, Cloud, Json], str]]" = field(default_factory=dict)
    key_seconds: Mapping[str, float] = field(default_factory=dict)
    row_views: "Mapping[str, Callable[[Tenant, Json, Call], Json]]" = field(default_factory=dict)
    read_actions: Mapping[str, str] = field(default_factory=dict)

    @property
    def types(self) -> tuple[str, ...]:
        """The types it lists, without the namespace, each once."""
        head = f"{self.namespace.lower()}/"
        routed = [route.type[len(head) :] for route in self.routes if route.type.lower().startswith(head)]
        return tuple(dict.fromkeys((*routed, *self.more_types)))
