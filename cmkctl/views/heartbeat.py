"""A sign of life: what is under way is told of again, also while nobody has anything new to say."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from cmkctl.plan import Change

ANSWERS: Final = "answers from Azure"
"""What is waited for when nobody has named anything: everything is read at the same time for a plan, and at the end."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Something that is waited for: since which moment, when it was last told of, and when it is given up."""

    change: Change | None
    what: str
    since: float
    told: float
    until: datetime | None = None


class Pulse:
    """Everything under way; says what is to be told of again. Guarded by the view's lock.

    `now` gives seconds since a fixed moment; there is no silence for longer than `every` seconds and a tick. Changes
    under way are told of one by one. Only without any, the wait that belongs to none is told of, else the step that
    began first, else `ANSWERS`: whoever reads may wait for minutes.
    """

    def __init__(self, every: float, now: Callable[[], float]) -> None:
        self._every = every
        self._now = now
        self._changes: dict[str, UnderWay] = {}
        self._steps: dict[str, UnderWay] = {}
        self._wait: UnderWay | None = None
        self._rest = UnderWay(None, ANSWERS, now(), now())

    def rest(self) -> None:
        """Note that something was said on its own. A wait of no change is over; from here on answers are waited for."""
        now = self._now()
        self.forget_wait()
        self._rest = UnderWay(None, ANSWERS, now, now)

    def begin_step(self, step: str, title: str) -> None:
        """Note that a step has begun. A wait of no change is over then, or the step's sign of life takes its place."""
        now = self._now()
        self._steps[step] = UnderWay(None, title, now, now)
        self.forget_wait()

    def begin(self, change: Change) -> None:
        """Note that a change has begun, and was told of."""
        now = self._now()
        self._changes[change.resource_id] = UnderWay(change, change.title, now, now)
        self.forget_wait()

    def wait(self, change: Change | None, what: str, seconds: float, until: datetime | None, *, told: bool) -> None:
        """Note that something is waited for, for so many seconds already; a wait of no change takes the place of others."""
        before = self._changes.get(change.resource_id) if change else self._wait
        now = self._now()
        here = UnderWay(change, what, now - seconds, now if told or before is None else before.told, until)
        if change:
            self._changes[change.resource_id] = here
        else:
            self._wait = here

    def end(self, change: Change) -> None:
        """Note that a change is over."""
        self._changes.pop(change.resource_id, None)
        self.forget_wait()

    def fail(self, change: Change) -> None:
        """Note that a change was not made: its step goes no further, and says no more."""
        self._steps.pop(change.step, None)
        self.end(change)

    def end_step(self, step: str) -> None:
        """Note that a step is over, and with it its changes."""
        self._steps.pop(step, None)
        self._changes = {key: each for key, each in self._changes.items() if each.change and each.change.step != step}
        self.rest()

    def forget_wait(self) -> None:
        """Drop the wait that belongs to no change: nobody says when it is over but whatever happens next."""
        self._wait = None

    def due(self) -> list[tuple[UnderWay, float]]:
        """What was not told of for too long, with the seconds it has taken; it counts as told of then."""
        now = self._now()
        late = {key: each for key, each in self._changes.items() if now - each.told >= self._every}
        self._changes |= {key: replace(each, told=now) for key, each in late.items()}
        due = [*late.values()] if self._changes else self._quiet(now)
        return [(each, now - each.since) for each in due]

    def _quiet(self, now: float) -> list[UnderWay]:
        """The wait of no change, else the first step, else the answers, when it was not told of for too long."""
        step, reading = next(iter(self._steps.items()), ("", self._rest))
        first = self._wait or reading
        if now - first.told < self._every:
            return []
        told = replace(first, told=now)
        if self._wait:
            self._wait = told
        elif step:
            self._steps[step] = told
        else:
            self._rest = told
        return [first]


class Ticker:
    """Calls `tick` every so many seconds, in a thread of its own, between `start` and `stop`."""

    def __init__(self, every: float, tick: Callable[[], None]) -> None:
        self._every = every
        self._tick = tick
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End. No tick begins after this; one that is under way is not waited for."""
        self._over.set()

    def _run(self) -> None:
        # What cannot be written, to a reader that left or a full disk, is met again by whoever speaks next; in this
        # thread nobody could answer for it.
        with suppress(OSError):
            while not self._over.wait(self._every):
                self._tick()
