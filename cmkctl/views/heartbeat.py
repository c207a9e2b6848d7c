"""A sign of life for scripts: what is under way is told of again, also while nobody has anything new to say."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from cmkctl.plan import Change


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Something that is waited for: since which moment, when it was last told of, and when it is given up."""

    change: Change | None
    what: str
    since: float
    told: float
    until: datetime | None = None


class Pulse:
    """Everything under way, by what it is; says what is to be told of again. Guarded by the view's lock.

    `now` gives seconds since a fixed moment; nothing stays untold of for longer than `every` seconds and a tick.
    """

    def __init__(self, every: float, now: Callable[[], float]) -> None:
        self._every = every
        self._now = now
        self._under_way: dict[str, UnderWay] = {}

    def begin(self, change: Change) -> None:
        """Note that a change has begun, and was told of."""
        now = self._now()
        self._under_way[change.resource_id] = UnderWay(change, change.title, now, now)

    def wait(self, change: Change | None, what: str, seconds: float, until: datetime | None, *, told: bool) -> None:
        """Note that something is waited for, for so many seconds already; a wait of no change takes the place of others."""
        now, key = self._now(), change.resource_id if change else what
        self.forget(lambda each: each.change is None and each.what != what)
        before = self._under_way.get(key)
        last = now if told or before is None else before.told
        self._under_way[key] = UnderWay(change, what, now - seconds, last, until)

    def end(self, change: Change) -> None:
        """Note that a change is over."""
        self._under_way.pop(change.resource_id, None)

    def forget(self, over: Callable[[UnderWay], bool]) -> None:
        """Drop what is over."""
        self._under_way = {key: each for key, each in self._under_way.items() if not over(each)}

    def due(self) -> list[tuple[UnderWay, float]]:
        """What was not told of for too long, with the seconds it has taken; it counts as told of then."""
        now = self._now()
        due = {key: each for key, each in self._under_way.items() if now - each.told >= self._every}
        self._under_way |= {key: replace(each, told=now) for key, each in due.items()}
        return [(each, now - each.since) for each in due.values()]


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
        while not self._over.wait(self._every):
            self._tick()
