"""How long it is worth looking again, after failures that pass or for a write that does not show yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.operations import time_is_over, until_next_look
from cmkctl.azure.retry import PATIENCE, seconds_of
from cmkctl.azure.session import Session
from cmkctl.clock import at
from cmkctl.diagnostics import CmkctlError, Diagnostic

_USUAL: Final = 180.0
"""Seconds. Azure was recorded not seeing a new principal for 39 (recordings, fact 32); the field tells of minutes."""

_LONGEST: Final[Mapping[FailureKind | None, float]] = {
    # What somebody else made at the same moment shows at once, if that is why Azure reports a conflict.
    FailureKind.CONFLICT: 10.0,
    FailureKind.THROTTLED: PATIENCE,
}
"""Seconds for kinds that need less or more."""

_OVERLOADED: Final = frozenset({FailureKind.NETWORK, FailureKind.PASSING, FailureKind.THROTTLED})
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 30.0
_BETWEEN_WRITES: Final = 2.0
"""Seconds: most looks are followed by the write that failed."""

# A write whose answer was lost, or that Azure was not ready for, is looked at again before it is tried again.
_PASSING: Final = frozenset(
    {
        FailureKind.NETWORK,
        FailureKind.PASSING,
        FailureKind.PENDING,
        FailureKind.NOT_REGISTERED,
        FailureKind.IN_PROGRESS,
        FailureKind.EXISTS,
        FailureKind.THROTTLED,
    }
)


def passes(failed: CmkctlError) -> bool:
    """Whether a failure may be gone when Azure is looked at again."""
    return isinstance(failed, AzureFailed) and failed.failure.kind in _PASSING


def made_by_another(failed: CmkctlError) -> bool:
    """Whether a failure to create something may mean that somebody else has just made it."""
    return isinstance(failed, AzureFailed) and failed.failure.kind in (FailureKind.CONFLICT, FailureKind.EXISTS)


class Patience:
    """The looks at one thing that is not right yet: the pauses between them grow, and the last comes in a few minutes."""

    def __init__(self, session: Session, what: str) -> None:
        self._session = session
        self._what = what
        self._looks = 0
        self._began: float | None = None
        self._cut_short = False

    def waited(self, failures: Sequence[CmkctlError]) -> bool:
        """Wait before another look at what failed; False, without a wait, when it has stayed for too long."""
        clock = self._session.clock
        now = clock.elapsed()
        self._began = now if self._began is None else self._began
        asked = max(_asked(each, clock.now()) for each in failures)
        pause = max(self._pause(now - self._began, failures), asked)
        self._looks += 1
        enough = self._began + max(map(_longest, failures))
        ends = self._session.clamp_to_deadline(enough)
        if now + pause > ends:
            self._cut_short = ends < enough
            return False
        about = f"{self._what}: {failures[0].diagnostics[0].detail}"
        self._session.notify(about, now - self._began, at(clock, ends))
        clock.sleep(pause)
        return True

    def out_of_time(self) -> tuple[Diagnostic, ...]:
        """What is to be said beside the failures, when it was the run's time that ended the looks."""
        detail = (
            f"--timeout ends before {self._what} could be looked at again. Azure goes on with what it has begun: nothing was "
            "cancelled."
        )
        return (time_is_over(detail),) if self._cut_short else ()

    def _pause(self, waited: float, failures: Sequence[CmkctlError]) -> float:
        """Short, where Azure only has to show what is there; longer each time where more questions may make it worse."""
        if any(_kind(each) in _OVERLOADED for each in failures):
            return min(_FIRST_PAUSE * float(2**self._looks), _LONGEST_PAUSE)
        return until_next_look(waited, _BETWEEN_WRITES)


def _kind(failed: CmkctlError) -> FailureKind | None:
    return failed.failure.kind if isinstance(failed, AzureFailed) else None


def _longest(failed: CmkctlError) -> float:
    return _LONGEST.get(_kind(failed), _USUAL)


def _asked(failed: CmkctlError, now: datetime) -> float:
    """The seconds that Azure asks to wait before the next request."""
    said = failed.failure.retry_after if isinstance(failed, AzureFailed) else ""
    return seconds_of(said, now) or 0.0
