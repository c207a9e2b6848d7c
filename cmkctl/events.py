"""What happens while a plan is made true: values only. The engine tells of them, views and reports hear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from cmkctl.diagnostics import Diagnostic
from cmkctl.plan import Change


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step with something to do has begun."""

    step: str
    title: str


@dataclass(frozen=True, slots=True)
class ChangeStarted:
    """A change is about to be made (or, for a wait, waited for)."""

    change: Change


@dataclass(frozen=True, slots=True)
class ChangeFinished:
    """A change was made and Azure confirmed it, after so many seconds."""

    change: Change
    seconds: float


@dataclass(frozen=True, slots=True)
class ChangeFailed:
    """A change was not made, with the reasons."""

    change: Change
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step has nothing left to do."""

    step: str
    title: str


Event: TypeAlias = StepStarted | ChangeStarted | ChangeFinished | ChangeFailed | StepFinished
Emit: TypeAlias = Callable[[Event], None]
"""Hears of every event, from whichever thread it happens in."""
