"""A toy procedure without Azure: resources are names with values, and steps bring them to the values they want."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from azure.core.exceptions import ServiceResponseError

from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import Failure, FailureKind
from cmkctl.engine import apply_plan, make_plan
from cmkctl.events import ChangeStarted, Event, WaitEnd
from cmkctl.facts import Rule
from cmkctl.plan import Action, AttributeChange, Change, Known, Output, Outputs, Plan, Request, Subject, Unknown
from cmkctl.procedures.base import Procedure
from cmkctl.profile.model import Profile

PROFILE: Final = Profile.model_validate(
    {
        "subscription": "11111111-1111-1111-1111-111111111111",
        "location": "eastus2",
        "resource_group": "rg-ml",
        "key_vault": {"name": "kv-ml"},
        "key": {"name": "cmk"},
        "workspace": {"name": "mlw", "high_business_impact": True, "encryption": "in-subscription"},
    }
)

CREATING: Final = "creating"
"""The value of a resource whose creation is in progress."""

OTHER: Final = "something else"
"""A value that only a conflict describes: no write may change it."""


def lost() -> ServiceResponseError:
    """Return azure-core's error for a missing response."""
    return ServiceResponseError("connection reset by peer")


def refused(kind: FailureKind = FailureKind.TERMINAL, code: str = "BadRequest") -> AzureFailed:
    """Return an error response of Azure."""
    return AzureFailed(Failure(kind, code, "no", 400))


class Clock:
    """A clock that advances only by waits."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def now(self) -> datetime:
        """Return a fixed date."""
        return datetime(2026, 11, 21, tzinfo=UTC)

    def elapsed(self) -> float:
        """Return the seconds waited."""
        return sum(self.waits)

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.waits.append(seconds)

    def check(self) -> None:
        """Do nothing: no run is interrupted."""


@dataclass
class World:
    """What there is, what happens when it is written, and everything that was done, in order.

    `failures` holds, by resource, the failures of its next writes: an error before the write takes effect, or ``(error,)``
    after it did, or None for nothing. `blind` holds, by step, the errors of its next reads. `hidden` is how often a written
    resource is still seen as it was before.
    """

    state: dict[str, Any] = field(default_factory=dict)
    failures: defaultdict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    hidden: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    blind: defaultdict[str, list[Exception]] = field(default_factory=lambda: defaultdict(list))
    during: dict[str, Callable[[], object]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)
    announced: list[str] = field(default_factory=list)
    deadline: float | None = None
    _seen: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def writes(self) -> list[str]:
        """The resources that were written, in order."""
        return [each.removeprefix("write ") for each in self.log if each.startswith("write ")]

    def check(self) -> None:
        """Do nothing: no run is interrupted."""

    def snapshot(self) -> World:
        """Return the world itself as the snapshot."""
        return self

    def again(self, _stale: object, _settled: object) -> World:
        """Look again at everything."""
        return self

    def clamp_to_deadline(self, moment: float) -> float:
        """When a wait really ends."""
        return moment if self.deadline is None else min(moment, self.deadline)

    def notify(self, what: str, _seconds: float, _until: datetime | None = None) -> None:
        """Keep what is waited for."""
        self.announced.append(what)

    def wait_ended(self, what: str, _seconds: float, _reason: WaitEnd) -> None:
        """Keep what was waited for."""
        self.announced.append(what)

    def look(self, step: str, names: Mapping[str, Any]) -> dict[str, Any]:
        """Return the observations of some resources."""
        with self._lock:
            self.log.append(f"look {step}")
            if self.blind[step]:
                raise self.blind[step].pop(0)
            return {name: self._look(name) for name in names}

    def _look(self, name: str) -> Any:
        if name in self.writes and self.hidden[name] > 0:
            self.hidden[name] -= 1
            return self._seen.get(name)
        return self.state.get(name)

    def write(self, name: str, value: Any) -> None:
        """Write a resource, with the next failure arranged for it."""
        with self._lock:
            self.log.append(f"write {name}")
            self._seen.setdefault(name, self.state.get(name))
            failure = self.failures[name].pop(0) if self.failures[name] else None
        self.during.get(name, lambda: None)()
        if isinstance(failure, Exception):
            raise failure
        self.state[name] = value
        if isinstance(failure, tuple):
            raise failure[0]


@dataclass
class FakeStep:
    """A step that wants resources to have values. `after` defines which resource must be made before which.

    A value may be an `Unknown`: then it is the output ``value`` of the step that it names.
    """

    world: World
    name: str
    wants: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    after: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gives: str = ""
    doc: str = "https://example.com"

    @property
    def title(self) -> str:
        """The name, for people."""
        return f"step {self.name}"

    def observe(self, azure: Any, profile: Profile) -> dict[str, Any]:  # noqa: ARG002
        """Return the values of the resources, None for absent ones."""
        world: World = azure
        return world.look(self.name, self.wants)

    def plan(self, profile: Profile, observed: Mapping[str, Any], known: Known) -> list[Change]:  # noqa: ARG002
        """Return the dependencies of each resource."""
        return [self._plan_one(name, observed[name], self._wanted(name, known)) for name in self.wants]

    def _wanted(self, name: str, known: Known) -> Any:
        value = self.wants[name]
        return known.get(Output(value.step, value.output)) if isinstance(value, Unknown) else value

    def _plan_one(self, name: str, found: Any, wanted: Any) -> Change:
        if found == wanted:
            return Change(self.name, Action.NO_OP, name, "", name, "right")
        if found == CREATING:
            return Change(self.name, Action.WAIT, name, "", name, "being made")
        if found == OTHER:
            return Change(self.name, Action.CONFLICT, name, "", name, "fixed", code="CMK243", ways_out=("another one",))
        return Change(
            self.name,
            Action.CREATE if found is None else Action.UPDATE,
            name,
            "",
            name,
            "does not exist" if found is None else "differs",
            attributes=(AttributeChange("value", found, wanted),),
            depends_on=self.after.get(name, ()),
            request=Request("PUT", f"/{name}", "1", {"value": wanted}),
        )

    def types(self, profile: Profile) -> tuple[str, ...]:  # noqa: ARG002
        """Create nothing that needs a registration."""
        return ()

    def outputs(self, profile: Profile, observed: Mapping[str, Any]) -> Outputs:  # noqa: ARG002
        """`value`: what the resource that is given away turned out to be."""
        if not self.gives:
            return {}
        value: Output[str] = Output(self.name, "value")
        return {value: value.unknown if observed[self.gives] is None else f"made {self.gives}"}


def send(world: Any, change: Change) -> None:
    """Write one resource, or wait until another run has made it."""
    if change.action is Action.WAIT:
        world.log.append(f"wait {change.resource_id}")
        world.state[change.resource_id] = 1
        return
    assert change.request is not None
    assert change.request.body is not None
    world.write(change.resource_id, change.request.body["value"])


def procedure(steps: tuple[FakeStep, ...], rules: tuple[Rule, ...] = ()) -> Procedure:
    """Return a procedure of these steps."""
    return Procedure(
        "toy",
        steps,
        rules,
        lambda profile: Subject(profile.cloud, profile.subscription, profile.location, profile.workspace.resource_id),
        lambda _profile, _known: {},
    )


@dataclass
class Run:
    """One plan of some steps, and its application."""

    world: World
    steps: tuple[FakeStep, ...]
    events: list[Event] = field(default_factory=list)
    on_event: Callable[[Event], object] = lambda _event: None
    rules: tuple[Rule, ...] = ()

    def plan(self) -> Plan:
        """Return the plan for the current state."""
        return make_plan(self._session, PROFILE, self._procedure)

    def apply(self, plan: Plan | None = None) -> Plan:
        """Apply a plan, or the one that follows from how things are now."""
        return apply_plan(self._session, PROFILE, plan or self.plan(), self._procedure, self._emit, send)

    @property
    def _procedure(self) -> Procedure:
        return procedure(self.steps, self.rules)

    def _emit(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)

    @property
    def started(self) -> list[str]:
        """The resources whose changes were started, in order."""
        return [each.change.resource_id for each in self.events if isinstance(each, ChangeStarted)]

    @property
    def _session(self) -> Any:
        return self.world


def run(world: World, *steps: FakeStep) -> Run:
    """Return these steps in a world."""
    return Run(world, steps)
