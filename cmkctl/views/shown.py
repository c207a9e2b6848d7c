"""The values that a view can show: one closed union.

Every view matches over all of `Shown` and ends its match in `assert_never`, so a new member is a type error in every view until
it is handled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from cmkctl.diagnostics import Diagnostic, Location
from cmkctl.events import Event
from cmkctl.listing import ListedWorkspace
from cmkctl.plan import Action, Plan
from cmkctl.posture import Survey
from cmkctl.status import Status

_UNSEEN: Final = frozenset({"CMK190", "CMK692"})
"""The codes of notes about what could not be seen."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """The target of the run: the sandbox or Azure, the account, and the display name of the subscription.

    An empty text is not known.
    """

    sandbox: bool
    account: str = ""
    subscription_name: str = ""


@dataclass(frozen=True, slots=True)
class PlanShown:
    """A plan with its diagnostics; `detailed` adds every attribute and every request with its body."""

    plan: Plan
    detailed: bool = False


@dataclass(frozen=True, slots=True)
class PlanSaved:
    """A plan was saved to `file`; `digests` are those in the file, by name; `command` applies it."""

    file: str
    digests: Mapping[str, str]
    command: str


@dataclass(frozen=True, slots=True)
class OutputsShown:
    """The values that a script needs, by name. A value that is not known yet is `Unknown`."""

    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class DiagnosticsShown:
    """Problems, in order."""

    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """An apply is complete: the plan that was applied, the plan read back, and the duration in seconds.

    `conclusion` is one sentence that is true now; `check` is the command that checks it at any time.
    """

    before: Plan
    after: Plan
    seconds: float
    conclusion: str = ""
    check: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """The comparison of Azure with the profile."""

    plan: Plan

    @property
    def matches(self) -> bool:
        """True when nothing differs and no check failed."""
        return not self.plan.errored and all(each.action is Action.NO_OP for each in self.plan.changes)

    @property
    def complete(self) -> bool:
        """True when everything that was to be compared could be seen."""
        return not _UNSEEN.intersection(each.code for each in self.plan.diagnostics)


@dataclass(frozen=True, slots=True)
class ProfileValid:
    """A profile is valid, as far as that can be checked without Azure."""

    file: str


@dataclass(frozen=True, slots=True)
class ProfileWritten:
    """A profile was written, as `lines`: to `file`, or to standard output where `file` is empty.

    The lines are apart, because each is redacted by itself: a value never goes on in the next line. `conclusion` is one
    sentence about it; `command` is the next one to run. Both may be empty.
    """

    file: str
    lines: tuple[str, ...]
    workspace_id: str = ""
    conclusion: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """One answer of ``cmkctl explain``: a ``code``, ``topic``, ``field`` or an error of ``azure``, its name, and the text."""

    about: str
    name: str
    text: str


class CheckState(StrEnum):
    """The result of one check of ``cmkctl doctor``."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CheckShown:
    """One check of ``cmkctl doctor``: its name, its result, what was found, and what to do if it is not ok."""

    name: str
    state: CheckState
    found: str
    remedy: str = ""


Locate: TypeAlias = Callable[[str], Location]
"""A function from the path of a field to its place in a file, or that of the nearest field around it."""


@dataclass(frozen=True, slots=True)
class PostureShown:
    """The holder of each resource's key. `single` is True for one workspace or profile: its resources are shown one by one.

    With `evidence`, people get the evidence of each verdict as well. `locate` finds the places of outcomes in the
    operator's file; None where there is no file.
    """

    survey: Survey
    single: bool = True
    evidence: bool = False
    locate: Locate | None = None


@dataclass(frozen=True, slots=True)
class StatusShown:
    """The status of a workspace and its key, in a subscription of a cloud."""

    status: Status
    cloud: str
    subscription: str


@dataclass(frozen=True, slots=True)
class WorkspacesShown:
    """The workspaces that were found, in order; with `key`, those that use this key."""

    workspaces: tuple[ListedWorkspace, ...]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The question was not answered with yes; nothing was changed."""


@dataclass(frozen=True, slots=True)
class RunInterrupted:
    """The run was stopped; `command` continues it."""

    command: str = ""


@dataclass(frozen=True, slots=True)
class LogText:
    """Text for debugging (``--debug``), of one or more lines."""

    text: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run is over, with this exit code."""

    exit_code: int


Shown: TypeAlias = (
    RunContext
    | PlanShown
    | PlanSaved
    | OutputsShown
    | DiagnosticsShown
    | Applied
    | Verified
    | ProfileValid
    | ProfileWritten
    | CheckShown
    | Explained
    | PostureShown
    | StatusShown
    | WorkspacesShown
    | Cancelled
    | RunInterrupted
    | LogText
    | RunEnded
    | Event
)
