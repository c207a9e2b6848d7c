"""The plan: values only. Steps make them, the engine orders and applies them, the views show them.

Nothing here reads, writes or decides. A `Plan` is what would be done; the request inside a `Change` is what will be
sent, body for body.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from cmkctl.diagnostics import Diagnostic, Severity

Json: TypeAlias = "bool | int | float | str | Unknown | Sequence[Json] | Mapping[str, Json] | None"
"""A JSON value, in which an `Unknown` may stand for a value that an earlier step will supply."""


class Action(StrEnum):
    """What a change does to its resource. `symbol` is what people see."""

    CREATE = "create"
    UPDATE = "update"
    NO_OP = "no-op"
    WAIT = "wait"
    CONFLICT = "conflict"

    @property
    def symbol(self) -> str:
        """The one-character sign of the action in the human plan: ``+ ~ = … !``."""
        return {"create": "+", "update": "~", "no-op": "=", "wait": "…", "conflict": "!"}[self.value]

    @property
    def writes(self) -> bool:
        """Whether this action sends a write to Azure."""
        return self in (Action.CREATE, Action.UPDATE)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that exists only after an earlier step: the step's name, and which of its outputs it is."""

    step: str
    output: str

    def __str__(self) -> str:
        return f"(known after {self.step.replace('_', ' ')})"


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """One attribute that caused a change: where it is, what Azure has (None: absent) and what is wanted."""

    path: str
    before: Json
    after: Json
    irreversible: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request to Azure Resource Manager or Microsoft Graph, as it will be sent.

    `path` starts with a slash and holds neither host nor query; `body` is the JSON document, None for a request without
    one. `host` is set only where it is not the cloud's Resource Manager endpoint.
    """

    method: str
    path: str
    api_version: str
    body: Mapping[str, Json] | None = None
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One intended write, or the reason why there is none.

    `resource_id` is the ARM id (or, for a directory object, its Graph path); `title` names the resource for people
    (``key vault kv-ml-01``); `reason` is a phrase saying why; `irreversible` lists, in words, what cannot be undone;
    `costs` what will be billed because of it; `ways_out` what the operator can do about a conflict; `depends_on` the resource
    ids of changes of the same step that must be done before this one. `request` is None unless the action writes.
    """

    step: str
    action: Action
    resource_id: str
    title: str
    reason: str
    attributes: tuple[AttributeChange, ...] = ()
    irreversible: tuple[str, ...] = ()
    costs: tuple[str, ...] = ()
    ways_out: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    request: Request | None = None
    code: str = ""
    """For a conflict: the diagnostic code to look up with ``cmkctl explain``."""
    may_result_from: tuple[str, ...] = ()
    """The resource ids of other changes that may bring this about as well, so that nothing is left to do for it."""
    earliest: datetime | None = None
    """The moment, in UTC, before which it is not sent: what it rests on is there and takes effect only then."""


Outputs: TypeAlias = Mapping[str, Json]
"""What a step hands to those after it, by name. A value is `Unknown` until the step has run."""

Known: TypeAlias = Mapping[str, Outputs]
"""The outputs of the steps before this one, by step name."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a plan is about, for its header: cloud, subscription id, location and the workspace's resource id."""

    cloud: str
    subscription: str
    location: str
    workspace_id: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Ordered changes, with the diagnostics found while planning and the outputs as far as they are known.

    A plan with an error or a conflict is errored: it can be looked at, never applied.
    """

    subject: Subject
    changes: tuple[Change, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    outputs: Known = field(default_factory=dict)
    observed: str = ""
    """The digest of what was observed when the plan was made."""

    @property
    def errored(self) -> bool:
        """Whether something stops this plan from being applied."""
        return any(each.severity is Severity.ERROR for each in self.diagnostics) or any(
            each.action is Action.CONFLICT for each in self.changes
        )

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that are still to happen: writes, and waits for something already under way."""
        return tuple(each for each in self.changes if each.action.writes or each.action is Action.WAIT)

    @property
    def irreversible(self) -> tuple[tuple[Change, str], ...]:
        """Everything that cannot be undone, with the change that does it."""
        return tuple((change, words) for change in self.changes for words in change.irreversible)

    def count(self, action: Action) -> int:
        """How many changes have this action."""
        return sum(each.action is action for each in self.changes)

    def of(self, step: str) -> tuple[Change, ...]:
        """The changes of one step, in order."""
        return tuple(each for each in self.changes if each.step == step)


def unknowns(value: Json, path: str = "") -> Iterator[tuple[str, Unknown]]:
    """Every `Unknown` inside a JSON value, with its dotted path."""
    if isinstance(value, Unknown):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from unknowns(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, inner in enumerate(value):
            yield from unknowns(inner, f"{path}[{index}]")


def fulfils(shown: Json, now: Json) -> bool:
    """Whether `now` is what was `shown`: equal, but for unknowns of the shown value, which may have become anything."""
    if isinstance(shown, Unknown):
        return True
    if isinstance(shown, Mapping):
        return isinstance(now, Mapping) and shown.keys() == now.keys() and all(fulfils(shown[k], now[k]) for k in shown)
    if isinstance(shown, Sequence) and not isinstance(shown, str):
        return (
            isinstance(now, Sequence)
            and not isinstance(now, str)
            and len(shown) == len(now)
            and all(fulfils(a, b) for a, b in zip(shown, now, strict=True))
        )
    return type(shown) is type(now) and shown == now
