"""The activity of a run: which changes and waits are in progress, and when to repeat them. Shared by the views."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, assert_never

from cmkctl import events
from cmkctl.events import Event
from cmkctl.plan import Action, Change, Plan

READING: Final = "reading from Azure"
"""The activity while nothing has a name: everything is read at the same time for a plan, and again at the end."""


@dataclass(frozen=True, slots=True)
class ActivityLine:
    """One activity: its change, if it belongs to one; the current wait; the moments it began and was last displayed.

    `until` is the moment, in UTC, at which the wait is given up.
    """

    change: Change | None
    since: float
    displayed: float
    waiting_for: str = ""
    until: datetime | None = None

    @property
    def label(self) -> str:
        """Words that name the resource and the wait."""
        if self.change is None:
            return self.waiting_for
        title = self.change.title
        if not self.waiting_for or self.waiting_for == title:
            return f"{title}: {self.change.doing}"
        return self.waiting_for if self.change.name in self.waiting_for else f"{title}: {self.waiting_for}"


class RateLimit:
    """Rate-limits progress messages: first after `first` seconds of a wait, then every `every` seconds.

    It counts the seconds of the wait itself, so it needs no clock. A wait that starts over is displayed again.
    """

    def __init__(self, first: float, every: float) -> None:
        self._first = first
        self._every = every
        self._last: dict[object, float] = {}

    def allows(self, key: object, seconds: float) -> bool:
        """Return True when a wait that has lasted `seconds` is due for display."""
        last = self._last.get(key)
        if last is not None and seconds < last:
            last = None
        due = seconds >= self._first if last is None else seconds >= last + self._every
        if due:
            self._last[key] = seconds
        elif last is None:
            self._last.pop(key, None)
        return due

    def displayed(self, key: object, seconds: float) -> None:
        """Record a display that was not subject to the limit."""
        self._last[key] = seconds


class Activity:
    """Everything in progress, with counts of what is done. Guarded by the view's lock.

    Changes are listed one by one. Only without any, the wait of the run as a whole is listed, else the step that started
    first, else `READING`. `now` gives seconds since a fixed moment; a wait is displayed after `first` seconds and then about
    every `every` seconds, whether new events arrive or not.
    """

    def __init__(self, first: float, every: float, now: Callable[[], float]) -> None:
        self._every = every
        self._now = now
        self._limit = RateLimit(first, every)
        self._changes: dict[str, ActivityLine] = {}
        self._steps: dict[str, ActivityLine] = {}
        self._wait: ActivityLine | None = None
        self._reading = self._new(READING)
        self.done: Counter[Action] = Counter()
        """The number of finished changes, by action."""
        self.skipped = 0
        """The number of changes that turned out not to be needed."""
        self.total = 0
        """The number of changes to make, from the plan."""

    def expect(self, plan: Plan) -> None:
        """Take the number of changes from a plan."""
        self.total = len(plan.pending)

    @property
    def finished(self) -> int:
        """The number of changes that need nothing more."""
        return self.done.total() + self.skipped

    @property
    def lines(self) -> tuple[ActivityLine, ...]:
        """The changes in progress, in the order in which they started, and the wait of the run as a whole."""
        return (*self._changes.values(), *([self._wait] if self._wait else []))

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes that have started and not ended."""
        return tuple(each.change for each in self._changes.values() if each.change is not None)

    def seconds(self, line: ActivityLine) -> float:
        """Seconds since an activity began."""
        return self._now() - line.since

    def record(self, event: Event) -> ActivityLine | None:
        """Record an event. Returns the line to display now for a wait that is due, else None."""
        match event:
            case events.StepStarted(step, title):
                self._steps[step] = self._new(title)
                self._wait = None
            case events.StepFinished(step):
                self._finish_step(step)
            case events.ChangeStarted(change):
                self._changes.pop(change.resource_id, None)  # an earlier try, without an event for its end
                self._changes[change.resource_id] = self._new("", change)
                self._wait = None
            case events.ChangeFinished(change):
                self.done[change.action] += 1
                self._end(change)
            case events.ChangeSkipped(change):
                self.skipped += 1
                self._end(change)
            case events.ChangeFailed(change):
                self._steps.pop(change.step, None)
                self._end(change)
            case events.Waiting():
                return self._record_wait(event)
            case events.WaitEnded():
                pass  # the change goes on, or ends with an event of its own
            case _:
                assert_never(event)
        return None

    def settle(self) -> None:
        """Record other output: the wait of the run as a whole is over, and from here on the run reads."""
        self._wait = None
        self._reading = self._new(READING)

    def due(self) -> list[ActivityLine]:
        """Return the overdue lines, and mark them as displayed now."""
        now = self._now()
        if self._changes:
            late = [key for key, each in self._changes.items() if now - each.displayed >= self._every]
            self._changes |= {key: replace(self._changes[key], displayed=now) for key in late}
            due = [self._changes[key] for key in late]
        else:
            due = self._due_without_changes(now)
        for each in due:
            self._limit.displayed(_key(each.change, each.waiting_for), now - each.since)
        return due

    def _new(self, waiting_for: str, change: Change | None = None) -> ActivityLine:
        now = self._now()
        return ActivityLine(change, now, now, waiting_for)

    def _record_wait(self, wait: events.Waiting) -> ActivityLine | None:
        now = self._now()
        before = self._changes.get(wait.change.resource_id) if wait.change else self._wait
        due = self._limit.allows(_key(wait.change, wait.what), wait.seconds)
        displayed = now if due or before is None else before.displayed
        line = ActivityLine(wait.change, now - wait.seconds, displayed, wait.what, wait.until)
        if wait.change is None:
            self._wait = line
        else:
            self._wait = None
            self._changes[wait.change.resource_id] = line
        return line if due else None

    def _end(self, change: Change) -> None:
        self._changes.pop(change.resource_id, None)
        self._wait = None

    def _finish_step(self, step: str) -> None:
        self._steps.pop(step, None)
        self._changes = {key: each for key, each in self._changes.items() if each.change and each.change.step != step}
        self.settle()

    def _due_without_changes(self, now: float) -> list[ActivityLine]:
        step, reading = next(iter(self._steps.items()), ("", self._reading))
        first = self._wait or reading
        if now - first.displayed < self._every:
            return []
        displayed = replace(first, displayed=now)
        if self._wait:
            self._wait = displayed
        elif step:
            self._steps[step] = displayed
        else:
            self._reading = displayed
        return [displayed]


def _key(change: Change | None, what: str) -> object:
    return change.resource_id if change else "", what


class Heartbeat:
    """Calls `beat` every so many seconds, in a thread of its own, between `start` and `stop`."""

    def __init__(self, every: float, beat: Callable[[], None]) -> None:
        self._every = every
        self._beat = beat
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop. No beat begins after this; one in progress is not waited for."""
        self._stopped.set()

    def _run(self) -> None:
        # An error of the stream, a closed pipe or a full disk, occurs again at the next regular output and is handled there.
        with suppress(OSError):
            while not self._stopped.wait(self._every):
                self._beat()
