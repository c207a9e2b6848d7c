"""The plan: values only. Steps make them, the engine orders and applies them, the views show them.

Nothing here reads, writes or decides. A `Plan` lists intended changes; the request inside a `Change` is sent body for body.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Generic, TypeAlias, TypeVar, assert_never

from cmkctl.azure.failures import FailureKind
from cmkctl.diagnostics import Diagnostic, Severity

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Json: TypeAlias = "bool | int | float | str | Unknown | Sequence[Json] | Mapping[str, Json] | None"
"""A JSON value, in which an `Unknown` may hold the place of a value that an earlier step supplies."""


@dataclass(frozen=True, slots=True)
class ActionWords:
    """The words and the sign of an action, wherever people read it.

    `symbol` is its one-character sign, `planned` follows a count ("3 to create"), `doing` is used during it,
    `done` afterwards, and `approved` in the comparison with a saved plan.
    """

    symbol: str
    planned: str
    doing: str
    done: str
    approved: str


class Action(StrEnum):
    """The effect of a change on its resource."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    DISABLE = "disable"
    ENABLE = "enable"
    NO_OP = "no-op"
    WAIT = "wait"
    CONFLICT = "conflict"

    @property
    def words(self) -> ActionWords:  # noqa: PLR0911 - one return per action
        """The words of the action. A new action without words is a type error."""
        match self:
            case Action.CREATE:
                return ActionWords("+", "to create", "creating", "created", "approved to create")
            case Action.UPDATE:
                return ActionWords("~", "to update", "updating", "updated", "approved to update")
            case Action.DELETE:
                return ActionWords("-", "to delete", "deleting", "deleted", "approved to delete")
            case Action.DISABLE:
                return ActionWords("○", "to disable", "disabling", "disabled", "approved to disable")
            case Action.ENABLE:
                return ActionWords("●", "to enable", "enabling", "enabled", "approved to enable")
            case Action.NO_OP:
                return ActionWords("=", "up to date", "checking", "up to date", "approved as up to date")
            case Action.WAIT:
                return ActionWords("…", "to wait for", "waiting for it", "ready", "approved to wait for")
            case Action.CONFLICT:
                return ActionWords("!", "in conflict", "in conflict", "in conflict", "in conflict when approved")
            case _:
                assert_never(self)

    @property
    def symbol(self) -> str:
        """The one-character sign of the action."""
        return self.words.symbol

    @property
    def writes(self) -> bool:
        """True when the action sends a write to Azure."""
        match self:
            case Action.CREATE | Action.UPDATE | Action.DELETE | Action.DISABLE | Action.ENABLE:
                return True
            case Action.NO_OP | Action.WAIT | Action.CONFLICT:
                return False
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that exists only after an earlier step: the step's name and the name of its output."""

    step: str
    output: str

    def __str__(self) -> str:
        return f"(known after {self.step.replace('_', ' ')})"


@dataclass(frozen=True, slots=True)
class Output(Generic[T_co]):
    """One value that a step passes to later steps.

    `source` is the dotted path at which Azure shows it in the step's resource, empty for a value that follows from the
    profile alone; an export turns it into a reference.
    """

    step: str
    name: str
    source: str = field(default="", compare=False)

    @property
    def unknown(self) -> Unknown:
        """The placeholder until the step has run."""
        return Unknown(self.step, self.name)


class Known:
    """The outputs of the steps planned or applied so far. Immutable; `plus` returns an extended copy."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[Output[Any], Any] | None = None) -> None:
        self._values: Mapping[Output[Any], Any] = dict(values or {})

    def get(self, output: Output[T]) -> T | Unknown:
        """Return the value of an output, `Unknown` until its step supplies it."""
        value: T | Unknown = self._values.get(output, output.unknown)
        return value

    def declared(self, value: Unknown) -> Output[Any] | None:
        """Return the output that a value is unknown of; None for one that no step of the plan declares."""
        return next((each for each in self._values if each.unknown == value), None)

    def plus(self, values: Mapping[Output[Any], Any]) -> Known:
        """Return a copy with these outputs added or replaced."""
        return Known({**self._values, **values})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Known) and self._values == other._values

    def __hash__(self) -> int:
        return hash(frozenset(self._values))

    def __repr__(self) -> str:
        return f"Known({dict(self._values)!r})"


class Plane(StrEnum):
    """The Azure API that a request goes to."""

    ARM = "arm"
    GRAPH = "graph"
    VAULT = "vault"


@dataclass(frozen=True, slots=True)
class Phrase:
    """The words for an attribute in the short plan. `{}` in `text` is the value; `no` replaces `text` for False.

    An empty text leaves the attribute out of the short plan: the title or the list of irreversible effects has it.
    """

    text: str = "{}"
    no: str = ""


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """One attribute that causes a change: its path, the observed value (None: absent) and the desired one.

    `phrase` holds its words for the short plan; None shows path and value.
    """

    path: str
    before: Json
    after: Json
    irreversible: bool = False
    phrase: Phrase | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, as it will be sent.

    `path` starts with a slash and holds neither host nor query; `body` is the JSON document, None for a request without
    one. `host` is set only where it is not the cloud's Resource Manager endpoint. `query` holds the parameters beside the
    api-version.
    """

    method: str
    path: str
    api_version: str
    body: Mapping[str, Json] | None = None
    host: str | None = None
    plane: Plane = Plane.ARM
    query: Mapping[str, str] = field(default_factory=dict)


READY_STATES: Final = frozenset({"succeeded"})
GONE: Final = frozenset({""})
"""The states that end the wait for a deletion: that of an absent resource."""
FAILED_STATES: Final = frozenset({"failed", "canceled", "cancelled"})
USUAL_TIMEOUT: Final = 1800.0
"""Seconds after which a wait is given up unless its resource is known to take longer."""


@dataclass(frozen=True, slots=True)
class Settle:
    """The end of a write: the resource to read, and the states that end the wait.

    `state_path` is the dotted path of the state in the document; states are compared in lower case. A document without a
    state counts as `without_state`; an absent resource has the empty state. Any state outside `ready` and `failed` is still
    in progress. `timeout` is in seconds. On the Graph plane `resource_id` is an application id.
    """

    resource_id: str
    api_version: str
    state_path: str = "properties.provisioningState"
    ready: frozenset[str] = READY_STATES
    failed: frozenset[str] = FAILED_STATES
    without_state: str = "succeeded"
    timeout: float = USUAL_TIMEOUT
    plane: Plane = Plane.ARM
    expected: float = 0.0
    """The recorded duration in seconds, 0 where none is known: until then polls are far apart."""
    group: str = ""
    """Waits of one group poll one after the other; empty for a wait of its own."""
    usual: str = ""
    """The usual duration for people (``5-20 min``), only where a source gives one."""


@dataclass(frozen=True, slots=True)
class Resend:
    """The conditions under which a failed write is sent again.

    It is sent up to `tries` times in all, `interval` seconds apart, after failures of kind `on`, as long as the resource is in
    one of the states `over` (the empty state: absent). With `of_identity` a refusal because the resource's own identity lacks a
    right counts as well: for an identity whose roles are assigned and take effect later. `advice` is shown during the wait;
    `{time}` in it is the next try.
    """

    on: FailureKind
    interval: float
    tries: int
    over: frozenset[str]
    advice: str = ""
    of_identity: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One intended write, or the reason why none is needed.

    `kind` and `name` identify the resource for people (``key vault``, ``kv-ml-01``); `reason` is the cause; `irreversible` lists
    effects that cannot be undone; `costs` lists what will be billed; `ways_out` lists the operator's options in a conflict,
    whose diagnostic code is `code`. `request` is None unless the action writes.
    """

    step: str
    action: Action
    resource_id: str
    kind: str
    name: str
    reason: str
    attributes: tuple[AttributeChange, ...] = ()
    irreversible: tuple[str, ...] = ()
    costs: tuple[str, ...] = ()
    ways_out: tuple[str, ...] = ()
    code: str = ""
    request: Request | None = None
    settle: Settle | None = None
    """The wait after the write, or instead of one for `Action.WAIT`."""
    resend: Resend | None = None
    depends_on: tuple[str, ...] = ()
    """Resource ids of changes of the same step that must be done before this one starts."""
    may_result_from: tuple[str, ...] = ()
    """Resource ids of other changes that can have this effect; when one did, this becomes a no-op."""
    earliest: datetime | None = None
    """The moment, in UTC, before which it is not sent: a grant it relies on takes effect only then."""
    agreement: Mapping[str, Json] = field(default_factory=dict)
    """In a conflict: the fields of the profile that would agree with what is there, by dotted path; None: to be left out."""
    verb: tuple[str, str] | None = None
    """The words for doing and done where the action's own do not fit (``registering``, ``registered``)."""

    @property
    def title(self) -> str:
        """Kind and name, for people."""
        return f"{self.kind} {self.name}".strip()

    @property
    def doing(self) -> str:
        """The word for the change in progress."""
        return self.verb[0] if self.verb and self.action.writes else self.action.words.doing

    @property
    def done(self) -> str:
        """The word for the change once it is done."""
        return self.verb[1] if self.verb and self.action.writes else self.action.words.done


Outputs: TypeAlias = Mapping[Output[Any], Any]
"""The values that a step passes to later steps; `Unknown` until the step has run."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The header of a plan: cloud, subscription id, location, and the workspace's resource id."""

    cloud: str
    subscription: str
    location: str
    workspace_id: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Ordered changes, with the diagnostics found while planning and the outputs known so far.

    A plan with an error or a conflict is errored: it can be shown, never applied.
    """

    subject: Subject
    changes: tuple[Change, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    known: Known = field(default_factory=Known)
    observed: str = ""
    """The digest of what the steps observed when the plan was made."""
    unread_facts: frozenset[str] = field(default=frozenset(), compare=False)
    """The names of the facts that wait for a registration. The rules that need them are judged before the first irreversible
    change."""

    @property
    def errored(self) -> bool:
        """True when something stops this plan from being applied."""
        return any(each.severity is Severity.ERROR for each in self.diagnostics) or any(
            each.action is Action.CONFLICT for each in self.changes
        )

    @property
    def agreement(self) -> Mapping[str, Json]:
        """The fields of the profile that would settle the conflicts, by dotted path; empty without any."""
        return {path: value for each in self.changes for path, value in each.agreement.items()}

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes still to happen: writes, and waits for operations already in progress."""
        return tuple(each for each in self.changes if each.action.writes or each.action is Action.WAIT)

    @property
    def irreversible(self) -> tuple[tuple[Change, str], ...]:
        """Every effect that cannot be undone, with its change."""
        return tuple((change, words) for change in self.changes for words in change.irreversible)

    def count(self, action: Action) -> int:
        """Return the number of changes with this action."""
        return sum(each.action is action for each in self.changes)

    def of(self, step: str) -> tuple[Change, ...]:
        """Return the changes of one step, in order."""
        return tuple(each for each in self.changes if each.step == step)


def unknowns(value: Json, path: str = "") -> Iterator[tuple[str, Unknown]]:
    """Yield every `Unknown` inside a JSON value, with its dotted path."""
    if isinstance(value, Unknown):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from unknowns(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, inner in enumerate(value):
            yield from unknowns(inner, f"{path}[{index}]")


def fulfils(shown: Json, now: Json) -> bool:
    """Return True when `now` equals `shown`; an unknown in `shown` matches any value."""
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
