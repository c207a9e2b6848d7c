"""Every wait for Azure: operations, resource states, retries of failed changes. One clock, one rule for intervals.

Azure answers most writes before they are done. A wait emits its progress through the session, notices its end within 5 % of its
length or two seconds, and ends with a named reason (`WaitEnd`) that is logged and emitted.

Source: https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from azure.core.exceptions import ResourceNotFoundError
from azure.core.polling import PollingMethod

from cmkctl import codes
from cmkctl.azure.errors import AzureFailed, UndecodableResponse, operation_failure
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.retry import REQUEST_BUDGET, retry_after, seconds_of
from cmkctl.clock import at
from cmkctl.diagnostics import CmkctlError, Diagnostic
from cmkctl.events import WaitEnd
from cmkctl.plan import FAILED_STATES, READY_STATES, USUAL_TIMEOUT

if TYPE_CHECKING:
    from cmkctl.azure.decoding import ArmDocument
    from cmkctl.azure.session import Session

T = TypeVar("T")

_LOG: Final = logging.getLogger(__name__)

_FIRST_INTERVAL: Final = 0.2
_LONGEST_INTERVAL: Final = 30.0
_USUAL_INTERVAL: Final = 1.9
"""Seconds. With a request's own time it keeps the end of a short wait within two seconds."""
_SHARE: Final = 0.045
"""A long wait is polled after this share of its length. With a request's own time it keeps its end within 5 %."""
_PROBING: Final = 3.5
"""Seconds in which every wait is polled often: most refusals come early, and so does a service that is instant."""
_EARLY: Final = 0.93
_LATE: Final = 1.1
"""Shares of the expected duration between which the end is most likely."""
_PROGRESS_EVERY: Final = 5.0
"""Seconds between two progress events of a plain delay."""
_TERMINAL: Final = READY_STATES | FAILED_STATES
_GOING: Final = frozenset({"deleting", "softdeleted"})

_RETRY_BUDGET: Final = 180.0
"""Seconds. Azure was recorded not seeing a new principal for 39 (recordings, fact 32); field reports mention minutes."""
_RETRY_BUDGETS: Final[Mapping[FailureKind | None, float]] = {
    # A resource created by another run at the same moment shows at once, if it is the cause of the conflict.
    FailureKind.CONFLICT: 10.0,
    FailureKind.THROTTLED: REQUEST_BUDGET,
}
_BACK_OFF: Final = frozenset({FailureKind.NETWORK, FailureKind.PASSING, FailureKind.THROTTLED})
_FIRST_BACKOFF: Final = 0.2
_LONGEST_BACKOFF: Final = 30.0
_BETWEEN_WRITES: Final = 2.0
"""Seconds: most reads after a failed write are followed by that write."""
# A write whose response was lost, or that came too early, is followed by a read before it is sent again.
_TRANSIENT: Final = frozenset(
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


class InitialResponseOnly(PollingMethod[Any]):
    """Returns the response to a write as it is, so that `poll_to_end` follows the operation with our clock."""

    def initialize(self, client: Any, initial_response: Any, deserialization_callback: Any) -> None:  # noqa: ARG002
        """Keep the initial response."""
        self._response = initial_response

    def run(self) -> None:
        """Do nothing: the SDK does not poll."""

    def status(self) -> str:
        """Return the SDK's word for an operation that needs no polling."""
        return "succeeded"

    def finished(self) -> bool:
        """Return True: see `run`."""
        return True

    def resource(self) -> Any:
        """Return the HTTP response to the write."""
        return self._response.http_response


@dataclass(frozen=True, slots=True)
class _Poll:
    """The URL of an operation, and whether its body has a status or the HTTP status decides alone."""

    url: str
    by_status: bool


def poll_to_end(
    session: Session,
    response: Any,
    what: str,
    timeout: float = USUAL_TIMEOUT,
    ready: Callable[[], bool] | None = None,
    expected: float = 0.0,
) -> None:
    """Follow the operation that `response` started to its end.

    `response` is the HTTP response to a write; `what` names what is waited for, at most `timeout` seconds. `ready` reads the
    resource's own state; it is used where Azure spaces the polls of the operation wider than the wait's own intervals.
    `expected` is explained at `next_interval`. Raises `AzureFailed` with Azure's innermost cause when the operation fails,
    `CmkctlError` (CMK312) when the time is over first, while Azure goes on, and `UndecodableResponse` for an empty status. An
    operation that Azure no longer knows is over: the caller reads the resource next.
    """
    poll = _poll_of(response)
    if poll is None:
        return
    with _ended(session, what) as end:
        wait = Wait(session, what, timeout, expected)
        while True:
            if wait.once(response, ready):
                end(WaitEnd.RESOURCE_READY)
                return
            try:
                response = session.poll(poll.url)
            except ResourceNotFoundError:
                end(WaitEnd.OPERATION_GONE)
                return
            if not poll.by_status:
                if response.status_code != 202:
                    end(WaitEnd.DONE)
                    return
                poll = _poll_of(response) or poll
                continue
            document = _document(response)
            status = str(document.get("status", "")).lower()
            if status in _TERMINAL or (not status and response.status_code == 200):
                _raise_unless_succeeded(status, document, response, what)
                end(WaitEnd.DONE)
                return


def poll_until(
    session: Session,
    what: str,
    read: Callable[[], T],
    done: Callable[[T], bool],
    timeout: float = USUAL_TIMEOUT,
    expected: float = 0.0,
) -> T:
    """Read until `done` accepts the reading, and return it. Raises as `poll_to_end` does."""
    if done(reading := read()):
        return reading
    with _ended(session, what) as end:
        wait = Wait(session, what, timeout, expected)
        while True:
            wait.once(None)
            if done(reading := read()):
                end(WaitEnd.DONE)
                return reading


def in_progress(state: str) -> bool:
    """Return True unless the provisioning state (lower case) is terminal, 'deleting' or empty; unknown states are in progress.

    Source: https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations#provisioningstate-values
    """
    return state != "" and state not in _TERMINAL and state not in _GOING


def delay(session: Session, what: str, seconds: float) -> None:
    """Let `seconds` pass for `what`, which cannot be polled. Raises CmkctlError (CMK312) when the run's deadline is earlier."""
    clock = session.clock
    ends = clock.elapsed() + seconds
    if seconds > 0 and session.clamp_to_deadline(ends) < ends:
        raise CmkctlError(_gave_up(what, 0.0))
    waited = 0.0
    while waited < seconds:
        session.notify(what, waited, at(clock, ends))
        part = min(seconds - waited, _PROGRESS_EVERY)
        clock.sleep(part)
        waited += part


def next_interval(waited: float, expected: float = 0.0, usual: float = _USUAL_INTERVAL) -> float:
    """Return the next polling interval in seconds, so that the end is noticed within two seconds or 5 % of the wait.

    `expected` is the recorded duration of the operation in seconds, 0 where none is known. Until shortly before it, the
    interval is a sixteenth of it, since nothing was recorded to change earlier; around it, polls are closer together.
    """
    interval = max(_FIRST_INTERVAL, min(3 * waited, usual), min(waited * _SHARE, _LONGEST_INTERVAL))
    if _PROBING <= waited < _EARLY * expected:
        return max(interval, min(expected / 16, _EARLY * expected - waited))
    if _EARLY * expected <= waited < _LATE * expected:
        return max(usual, expected / 100)
    return interval


class Wait:
    """One wait: short intervals at first, longer ones later, never shorter than Azure requests, never past its end."""

    def __init__(self, session: Session, what: str, timeout: float = USUAL_TIMEOUT, expected: float = 0.0) -> None:
        self._session = session
        self._what = what
        self._expected = expected
        self._began = session.clock.elapsed()
        self._ends = session.clamp_to_deadline(self._began + timeout)

    def once(self, response: Any, ready: Callable[[], bool] | None = None) -> bool:
        """Wait before the next poll. Raises CmkctlError (CMK312) when the next poll would come too late.

        Where `response` requests a longer delay than the wait's own interval, `ready` is called at that interval meanwhile;
        True is returned as soon as it returns True.
        """
        clock = self._session.clock
        requested = (retry_after(response.headers, clock.now()) if response is not None else None) or 0.0
        due = clock.elapsed() + requested
        while True:
            waited = clock.elapsed() - self._began
            # A little jitter, so that many runs that started together do not poll together.
            own = next_interval(waited, self._expected) * random.uniform(0.95, 1.0)  # noqa: S311 - no secret depends on it
            left = due - clock.elapsed()
            early = ready is not None and left > own
            pause = own if early else max(own, left)
            self._session.notify(self._what, waited, at(clock, self._ends))
            if clock.elapsed() + pause > self._ends:
                raise CmkctlError(_gave_up(self._what, waited))
            clock.sleep(pause)
            if not early:
                return False
            if ready is not None and ready():
                return True


class RetryBudget:
    """The budget for reading again after transient failures, and after a write that is not visible yet."""

    def __init__(self, session: Session, what: str) -> None:
        self._session = session
        self._what = what
        self._reads = 0
        self._began: float | None = None
        self._cut_short = False

    def wait_before_retry(self, failures: Sequence[CmkctlError]) -> bool:
        """Wait before the next read of what failed; return False, without a wait, when the budget is spent."""
        clock = self._session.clock
        now = clock.elapsed()
        self._began = now if self._began is None else self._began
        requested = max(_requested(each, clock.now()) for each in failures)
        pause = max(self._pause(now - self._began, failures), requested)
        self._reads += 1
        budget = self._began + max(map(_budget_for, failures))
        ends = self._session.clamp_to_deadline(budget)
        if now + pause > ends:
            self._cut_short = ends < budget
            _LOG.info("%s: no further retry after %.1f s", self._what, now - self._began)
            return False
        _LOG.info("%s: next read in %.1f s after %s", self._what, pause, failures[0].diagnostics[0].code)
        self._session.notify(f"{self._what}: {failures[0].diagnostics[0].detail}", now - self._began, at(clock, ends))
        clock.sleep(pause)
        return True

    def deadline_diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return the diagnostic to show beside the failures when the run's deadline, not the budget, ended the retries."""
        detail = (
            f"--timeout ended before {self._what} could be read again. Operations already started continue in Azure."
        )
        return (timed_out(detail),) if self._cut_short else ()

    def _pause(self, waited: float, failures: Sequence[CmkctlError]) -> float:
        """Short where Azure only has to show what is there; growing where more requests may make things worse."""
        if any(_kind(each) in _BACK_OFF for each in failures):
            return min(_FIRST_BACKOFF * float(2**self._reads), _LONGEST_BACKOFF)
        return next_interval(waited, usual=_BETWEEN_WRITES)


def is_transient(failed: CmkctlError) -> bool:
    """Return True when the failure may be gone at the next read."""
    return isinstance(failed, AzureFailed) and failed.failure.kind in _TRANSIENT


def maybe_created_elsewhere(failed: CmkctlError) -> bool:
    """Return True when a failure to create something may mean that another run has just created it."""
    return isinstance(failed, AzureFailed) and failed.failure.kind in (FailureKind.CONFLICT, FailureKind.EXISTS)


def read_through_transients(session: Session, what: str, read: Callable[[], T]) -> T:
    """Return the result of a read, repeated while its failures are transient. Raises CmkctlError for every other failure."""
    budget = RetryBudget(session, what)
    while True:
        try:
            return read()
        except AzureFailed as error:
            if not is_transient(error):
                raise
            if not budget.wait_before_retry([error]):
                raise CmkctlError(*error.diagnostics, *budget.deadline_diagnostics()) from error


class Turns:
    """One lock per group of waits. Waits of one group poll one after the other.

    All of them have to end before anything else can start, so polling one at a time sends a fraction of the requests and
    notices the end of the last one just as soon.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: dict[str, threading.Lock] = {}

    def take(self, group: str) -> AbstractContextManager[object]:
        """Return the lock of a group; no lock for the empty group."""
        if not group:
            return nullcontext()
        with self._lock:
            return self._groups.setdefault(group, threading.Lock())


@contextmanager
def _ended(session: Session, what: str) -> Iterator[Callable[[WaitEnd], None]]:
    """Log and emit how a wait ends."""
    began = session.clock.elapsed()
    reason = WaitEnd.FAILED

    def end(how: WaitEnd) -> None:
        nonlocal reason
        reason = how

    try:
        yield end
    except CmkctlError as error:
        timed = any(each.code == "CMK312" for each in error.diagnostics)
        reason = WaitEnd.TIMED_OUT if timed else WaitEnd.FAILED
        raise
    except BaseException:
        reason = WaitEnd.INTERRUPTED
        raise
    finally:
        seconds = session.clock.elapsed() - began
        _LOG.info("wait for %s ended after %.1f s: %s", what, seconds, reason)
        session.wait_ended(what, seconds, reason)


def _poll_of(response: Any) -> _Poll | None:
    """Return the operation that a response started; None when the response is final.

    A ``Location`` on a 200 is no operation: Graph sends one that names itself. Nor is a path on a 201: it names the created
    resource (both recorded).
    """
    asynchronous = response.headers.get("Azure-AsyncOperation")
    if asynchronous:
        return _Poll(asynchronous, by_status=True)
    location = response.headers.get("Location", "")
    # Any other scheme is an address as well, and refused where it is followed: the operation has not ended.
    if response.status_code not in (201, 202) or "://" not in location:
        return None
    return _Poll(location, by_status=False)


def _raise_unless_succeeded(status: str, document: ArmDocument, response: Any, what: str) -> None:
    if status in ("", "succeeded"):
        return
    correlation_id = response.headers.get("x-ms-correlation-request-id", "")
    raise AzureFailed(operation_failure(document, what, status, correlation_id))


def _document(response: Any) -> ArmDocument:
    try:
        document = response.json()
    except ValueError as error:
        if response.status_code == 202:  # still in progress, by its status alone
            return {}
        raise UndecodableResponse("It is not JSON; it begins: (empty)", response) from error
    return document if isinstance(document, dict) else {}


def _kind(failed: CmkctlError) -> FailureKind | None:
    return failed.failure.kind if isinstance(failed, AzureFailed) else None


def _budget_for(failed: CmkctlError) -> float:
    return _RETRY_BUDGETS.get(_kind(failed), _RETRY_BUDGET)


def _requested(failed: CmkctlError, now: datetime) -> float:
    """Return the seconds that Azure requests before the next request."""
    header = failed.failure.retry_after if isinstance(failed, AzureFailed) else ""
    return seconds_of(header, now) or 0.0


def _gave_up(what: str, waited: float) -> Diagnostic:
    return timed_out(f"Waited {waited:.0f} s for {what}. The operation continues in Azure: nothing was cancelled.")


def timed_out(detail: str) -> Diagnostic:
    """Return the diagnostic of a timeout, of one wait or of the run (CMK312)."""
    return codes.CMK312.error(
        detail, "Run the same command again to continue from here, with a longer --timeout if one was given."
    )
