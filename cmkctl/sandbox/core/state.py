"""The tenant: everything the sandbox knows, as one JSON document, and the few queries that every service needs."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cmkctl.sandbox.core import errors, ids, key_pairs, registry
from cmkctl.sandbox.core import pace as paces
from cmkctl.sandbox.core.constants import CLIENT_ID, CLIENT_OBJECT_ID, SCHEMA, SUBSCRIPTION_ID, TENANT_ID
from cmkctl.sandbox.core.faults import Faults
from cmkctl.sandbox.core.key_pairs import PrivateKey
from cmkctl.sandbox.core.pace import Countdown, Pace
from cmkctl.sandbox.core.signing import SigningKey

Json = dict[str, Any]

_SIGNED_IN = "cmkctl-sandbox"
ADDED: dict[str, Callable[[], Any]] = {
    "ahead": float,
    "applications": dict,
    "offered_regions": dict,
    "quotas": dict,
    "caller_owns": lambda: True,
    "policies": dict,
}
"""Tables and values that state files of schema 1 got later, with their first values.

They are the seconds the clock is ahead, other service principals that can log in, the regions and quotas that were arranged,
whether the usual one is Owner, and deny policies.
"""


def new_document() -> Json:
    """Return the document of an unused sandbox: one subscription, one principal, no resource group."""
    return complete(
        {
            "schema": SCHEMA,
            "serial": 0,
            "subscriptions": {SUBSCRIPTION_ID: "cmkctl sandbox"},
            "providers": {SUBSCRIPTION_ID: {}},
            "groups": {},
            "resources": {},
            "principals": {
                CLIENT_OBJECT_ID: {"appId": CLIENT_ID, "displayName": _SIGNED_IN, "type": "ServicePrincipal"}
            },
            "assignments": {},
            "operations": {},
            "pending_grants": [],
        }
    )


def complete(document: Json) -> Json:
    """Return a document with the first state of everything that it lacks: tables, and the providers of subscriptions."""
    tables = {name: make for each in registry.providers() for name, make in each.tables.items()}
    first = {name: make() for name, make in (ADDED | tables).items()}
    return {**first, **document, "providers": {key: _first(rows) for key, rows in document["providers"].items()}}


def _first(rows: dict[str, Json]) -> dict[str, Json]:
    """Return the providers of a subscription, with those that were not known when it was saved."""
    listed = [each for each in registry.providers() if each.registration.value]
    new = {each.namespace.lower(): {"namespace": each.namespace, "state": each.registration.value} for each in listed}
    return {**new, **rows}


@dataclass
class Tenant:
    """The state of the sandbox. Hold `lock` while touching `data`; call `changed` after a write.

    Attributes:
        data: the JSON document that is kept in the state file.
        pace: how fast long-running things advance.
        faults: induced failures that are switched on.
        signing_key: the key of access tokens.
        wall: seconds since the epoch on this machine; `clock` is the sandbox's own time.
        key_pair: makes the key pair of a key's version from its properties.
        swept: when `expiry` last looked for what has ended.

    """

    data: Json = field(default_factory=new_document)
    pace: Pace = field(default_factory=Pace.reads)
    faults: Faults = field(default_factory=Faults)
    signing_key: SigningKey = field(default_factory=SigningKey)
    wall: Callable[[], float] = time.time
    key_pair: Callable[[Json], PrivateKey] = key_pairs.generate
    swept: float = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    must_save: bool = False
    may_save: bool = False

    def changed(self) -> None:
        """Note a change that has to be on disk before the request is answered."""
        self.must_save = True

    def advanced(self) -> None:
        """Note a change that a read made by advancing a transition; it may be saved later."""
        self.may_save = True

    def serial(self) -> str:
        """Return a number never returned before, for ids that must differ each time."""
        self.data["serial"] += 1
        self.changed()
        return str(self.data["serial"])

    def clock(self) -> float:
        """Return the sandbox's time, in seconds since the epoch."""
        return self.wall() + float(self.data["ahead"])

    def advance(self, seconds: float) -> None:
        """Put the sandbox's clock forward.

        Raises:
            ValueError: the clock would go back.

        """
        if not seconds >= 0:
            raise ValueError("the sandbox's clock only goes forward; reset takes it back to now")
        self.data["ahead"] += seconds
        self.changed()

    def timestamp(self) -> str:
        """Return the sandbox's time as Azure writes it."""
        return datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def table(self, name: str) -> dict[str, Json]:
        """Return one of the document's tables, such as ``resources``, keyed by lower-case id."""
        found: dict[str, Json] = self.data[name]
        return found

    # --- transitions

    def begin(self, kind: str = "", factor: float = 1) -> Countdown:
        """Start a transition of a kind (see `latency.DURATIONS`) at the tenant's pace."""
        return self.pace.start(self.clock(), factor, kind)

    def lag(self, fault: str, subject: str, kind: str) -> Countdown | None:
        """Return how long something new stays unseen; None when it is seen at once.

        It is unseen for a while when a fault strikes, and with a latency profile that includes the delay.
        """
        struck = self.faults.strike(fault, subject)
        if struck is not None:
            return struck.countdown(self.clock()) or self.pace.at_least_reads().start(self.clock(), kind=kind)
        return self.begin(kind) if self.pace.unit == "azure" else None

    def tick(self, countdown: Countdown) -> bool:
        """Count one read of a transition; return whether it is over."""
        over = paces.read(countdown, self.clock())
        self.advanced()
        return over

    def over(self, countdown: Countdown) -> bool:
        """Return whether a transition is over, without counting a read."""
        return paces.done(countdown, self.clock())

    # --- what is there

    def require_subscription(self, subscription: str) -> None:
        """Raise 404 `SubscriptionNotFound` unless the subscription exists."""
        if subscription.lower() not in self.data["subscriptions"]:
            raise errors.subscription_not_found(subscription)

    def group(self, subscription: str, name: str) -> Json:
        """Return the record of a resource group.

        Raises:
            AzureError: 404 `ResourceGroupNotFound`.

        """
        found = self.table("groups").get(ids.key(f"/subscriptions/{subscription}/resourceGroups/{name}"))
        if found is None:
            raise errors.group_not_found(name)
        return found

    def resource(self, resource_id: str) -> Json | None:
        """Return the record of a resource, whatever the casing of its id; None when there is none."""
        return self.table("resources").get(ids.key(resource_id))

    def resources_in(self, prefix: str) -> Iterator[Json]:
        """Yield the records whose id begins with `prefix` (a group's or subscription's id)."""
        start = ids.key(prefix) + "/"
        for key, record in list(self.table("resources").items()):
            if key.startswith(start):
                yield record

    def require_registered(self, subscription: str, namespace: str) -> None:
        """Raise 409 `MissingSubscriptionRegistration` unless the namespace is registered."""
        provider = self.data["providers"].get(subscription.lower(), {}).get(namespace.lower())
        if provider is None or provider["state"] != "Registered":
            raise errors.not_registered(namespace)

    def add_principal(
        self, object_id: str, app_id: str, name: str, *, managed_by: str = "", user_assigned: bool = False
    ) -> None:
        """Put a service principal into the directory, unless it is there; it may take a while to be seen everywhere.

        Args:
            object_id: its id in the directory.
            app_id: the id of its application, which is its client id.
            name: its display name.
            managed_by: the resource whose managed identity it is; empty for an application's.
            user_assigned: it is that of a user-assigned identity.

        """
        row: Json = {"appId": app_id, "displayName": name, "type": "ServicePrincipal"}
        if managed_by:
            row["managed"] = {"resource": managed_by, "explicit": user_assigned}
        if object_id not in self.table("principals"):
            countdown = self.lag("slow-principal", name, "principal")
            self.table("principals")[object_id] = row if countdown is None else {**row, "countdown": countdown}
            self.changed()

    def principal_type(self, object_id: str) -> str | None:
        """Return ``ServicePrincipal`` or another type from the directory; None when it has no such object id (yet)."""
        known = self.table("principals").get(object_id.lower())
        if known is None or ("countdown" in known and not self.tick(known["countdown"])):
            return None
        known.pop("countdown", None)
        return str(known["type"])

    def system_data(self, previous: Json | None = None) -> Json:
        """Return ``systemData`` for a write that happens now, keeping who created it."""
        now = self.timestamp()
        made = previous or {"createdBy": CLIENT_OBJECT_ID, "createdByType": "Application", "createdAt": now}
        last = {"lastModifiedBy": CLIENT_OBJECT_ID, "lastModifiedByType": "Application", "lastModifiedAt": now}
        return {**{name: made[name] for name in ("createdBy", "createdByType", "createdAt")}, **last}

    @property
    def tenant_id(self) -> str:
        """The directory every subscription of the sandbox belongs to."""
        return TENANT_ID
