"""What is going on right now, told apart by thread.

The engine makes each change in a thread of its own, and whatever that thread waits for, it waits for because of that
change. So a wait needs no name tag: the thread it is heard from says whose it is.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from cmkctl.plan import Action, Change
from cmkctl.views.words import kind_and_name


@dataclass(frozen=True, slots=True)
class Row:
    """One thing under way: the change being made, if there is one; what is waited for, since which moment, until when."""

    change: Change | None
    since: float
    waiting_for: str = ""
    until: datetime | None = None

    @property
    def label(self) -> str:
        """What it is, in words that name the resource."""
        if self.change is None:
            return self.waiting_for
        name = kind_and_name(self.change)[1] or self.change.title
        if not self.waiting_for or self.waiting_for == self.change.title:
            return self.change.title
        return self.waiting_for if name in self.waiting_for else f"{self.change.title}: {self.waiting_for}"


class InFlight:
    """The changes that have begun and not ended, in the order in which they began, and at most one wait of no change.

    Guarded by the view's lock. `now` gives seconds since a fixed moment.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._rows: dict[str, Row] = {}
        self._wait: Row | None = None
        # Which change a thread makes. By the thread itself: the number of one that has ended is given to another.
        self._makes: WeakKeyDictionary[threading.Thread, str] = WeakKeyDictionary()
        self.made: Counter[Action] = Counter()
        """How many changes of each action were made."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """What is under way."""
        return (*self._rows.values(), *([self._wait] if self._wait else []))

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes that have begun and not ended."""
        return tuple(each.change for each in self._rows.values() if each.change is not None)

    def start(self, change: Change) -> None:
        """Note that this thread begins a change; a try before, in another thread, is over then."""
        self._rows.pop(change.resource_id, None)
        self._rows[change.resource_id] = Row(change, self._now())
        self._makes[threading.current_thread()] = change.resource_id

    def wait(self, what: str, seconds: float, until: datetime | None = None) -> Row:
        """Note that this thread waits, and return its row. A wait of no change is shown until the next thing happens."""
        self.forget_waits()
        mine = self._rows.get(self._makes.get(threading.current_thread(), ""))
        row = Row(mine.change if mine else None, self._now() - seconds, what, until)
        if row.change:
            self._rows[row.change.resource_id] = row
        else:
            self._wait = row
        return row

    def seconds(self, row: Row) -> float:
        """How long a row has been under way, or waited for."""
        return self._now() - row.since

    def finish(self, change: Change) -> None:
        """Note that a change is made."""
        self.made[change.action] += 1
        self.stop(change)

    def stop(self, change: Change) -> None:
        """Note that a change is over, whichever thread says so: the last word on one is not always its own thread's."""
        self._rows.pop(change.resource_id, None)
        self.forget_waits()

    def finish_step(self, step: str) -> None:
        """Note that a step has nothing left to do: none of its changes is under way."""
        self._rows = {key: row for key, row in self._rows.items() if row.change and row.change.step != step}
        self.forget_waits()

    def forget_waits(self) -> None:
        """Drop the wait that belongs to no change."""
        self._wait = None


class Throttle:
    """Lets a wait speak only now and then: first after `first` seconds of it, then every `every` seconds.

    Goes by the seconds it is told, so it needs no clock. A wait that starts over may speak again.
    """

    def __init__(self, first: float, every: float) -> None:
        self._first = first
        self._every = every
        self._last: dict[str, float] = {}

    def lets(self, what: str, seconds: float) -> bool:
        """Whether this is the moment to say it."""
        last = self._last.get(what)
        if last is not None and seconds < last:
            last = None
        due = seconds >= self._first if last is None else seconds >= last + self._every
        if due:
            self._last[what] = seconds
        elif last is None:
            self._last.pop(what, None)
        return due

    def note(self, what: str, seconds: float) -> None:
        """Note that somebody else has just said it."""
        self._last[what] = seconds
