"""The injected clock: everything that waits or measures takes a `Clock`, so that tests do not wait."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Interrupted(BaseException):
    """The run was interrupted during a wait (Ctrl-C, SIGTERM). Like KeyboardInterrupt, it is not an error."""


class Clock(Protocol):
    """Current time, elapsed time and waiting."""

    def now(self) -> datetime:
        """Return the date and time, in UTC."""
        ...

    def elapsed(self) -> float:
        """Return seconds since a fixed but unspecified moment; never goes backwards."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait. Raises `Interrupted` when the run is interrupted meanwhile."""
        ...

    def check(self) -> None:
        """Raise `Interrupted` if the run was interrupted."""
        ...


def at(clock: Clock, moment: float) -> datetime:
    """Return the date and time, in UTC, of a moment of `clock.elapsed()`."""
    return clock.now() + timedelta(seconds=moment - clock.elapsed())


def date(seconds: float) -> str:
    """Format a Unix time in UTC, for people."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def timestamp(seconds: float) -> str:
    """Format a Unix time in UTC after RFC 3339, as profiles and commands take it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class SystemClock:
    """The machine's clock, whose every wait ends at once when `stop` is called.

    A signal handler calls `stop`, and it may interrupt a wait of its own thread: the lock has to be re-entrant, which that of
    `threading.Event` is not.
    """

    def __init__(self) -> None:
        self._stopped = False
        self._changed = threading.Condition(threading.RLock())

    def now(self) -> datetime:
        """Return the date and time, in UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> float:
        """Return the seconds of the monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait. Raises `Interrupted` as soon as `stop` is called."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped, min(max(seconds, 0), threading.TIMEOUT_MAX))
        self.check()

    def check(self) -> None:
        """Raise `Interrupted` if the run was interrupted."""
        if self._stopped:
            raise Interrupted

    def stop(self) -> None:
        """End every wait, now and from now on. May be called in a signal handler."""
        self._stopped = True
        with self._changed:
            self._changed.notify_all()
