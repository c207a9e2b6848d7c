"""The events of a run: values only. The engine emits them, views and reports display them."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from cmkctl.diagnostics import Diagnostic
from cmkctl.plan import Change


class WaitEnd(StrEnum):
    """The reason why a wait ended."""

    DONE = "done"
    RESOURCE_READY = "the resource itself is ready"
    OPERATION_GONE = "Azure no longer knows the operation"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step with pending changes has started."""

    step: str
    title: str


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step has nothing left to do."""

    step: str
    title: str


@dataclass(frozen=True, slots=True)
class ChangeStarted:
    """A change is about to be sent, or the wait for its operation begins."""

    change: Change


@dataclass(frozen=True, slots=True)
class ChangeFinished:
    """A change was applied and Azure confirmed it, after `seconds`."""

    change: Change
    seconds: float


@dataclass(frozen=True, slots=True)
class ChangeSkipped:
    """A planned change turned out not to be needed: another change, or another run, had its effect already."""

    change: Change


@dataclass(frozen=True, slots=True)
class ChangeFailed:
    """A change failed, with the reasons."""

    change: Change
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A wait is in progress.

    `change` is the change that the wait belongs to, None for a wait of the run as a whole; `seconds` have passed; the wait
    ends at `until` (UTC).
    """

    change: Change | None
    what: str
    seconds: float
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class WaitEnded:
    """A wait is over, after `seconds`, for a reason."""

    change: Change | None
    what: str
    seconds: float
    reason: WaitEnd


Event: TypeAlias = (
    StepStarted | StepFinished | ChangeStarted | ChangeFinished | ChangeSkipped | ChangeFailed | Waiting | WaitEnded
)
Emit: TypeAlias = Callable[[Event], None]
"""Receives every event, from whichever thread it happens in."""

CURRENT_CHANGE: Final[ContextVar[Change | None]] = ContextVar("current_change", default=None)
"""The change that the running code works on. The engine sets it for each change, so that a wait deep in the transport knows
its change."""
