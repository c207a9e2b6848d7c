"""Long-running operations and other waits, followed to their end by an injected clock.

Azure answers most writes before they are done. What is waited for, for how long already, and until when is told through
the session's progress; when a wait is over is noticed within 5% of its length, or two seconds.

Source: https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from azure.core.exceptions import ResourceNotFoundError
from azure.core.polling import PollingMethod

from cmkctl.azure.errors import AzureFailed, UndecodableResponse, innermost, kind_of_failed_operation
from cmkctl.azure.failures import Failure
from cmkctl.azure.retry import retry_after
from cmkctl.clock import at
from cmkctl.diagnostics import CmkctlError, Diagnostic, Severity

if TYPE_CHECKING:
    from cmkctl.azure.session import ArmDocument, Session

T = TypeVar("T")

_FIRST_DELAY: Final = 0.1
_LONGEST_DELAY: Final = 10.0
_TELLING: Final = 5.0
"""Seconds between two words about a pause."""
USUAL_PATIENCE: Final = 1800.0
"""Seconds after which a wait is given up unless told otherwise: the longest published figure is far below."""
_TERMINAL: Final = frozenset({"succeeded", "failed", "canceled", "cancelled"})
_GOING: Final = frozenset({"deleting", "softdeleted"})


class FirstAnswer(PollingMethod[Any]):
    """Hands over the answer to a write as it is, so that `finish` here follows the operation with our clock."""

    def initialize(self, client: Any, initial_response: Any, deserialization_callback: Any) -> None:  # noqa: ARG002
        """Keep the first answer."""
        self._answer = initial_response

    def run(self) -> None:
        """Nothing to do: the SDK does not poll."""

    def status(self) -> str:
        """The SDK's word for an operation that it need not follow."""
        return "succeeded"

    def finished(self) -> bool:
        """Always: see `run`."""
        return True

    def resource(self) -> Any:
        """The HTTP answer to the write."""
        return self._answer.http_response


@dataclass(frozen=True, slots=True)
class _Poll:
    """Where an operation is asked about, and how its answer is read: by ``status``, or by the HTTP status alone."""

    url: str
    by_status: bool


def finish(session: Session, answer: Any, what: str, patience: float = USUAL_PATIENCE) -> None:
    """Follow the operation that `answer` began to its end.

    `answer` is the HTTP response to a write; `what` says in words what is waited for, for `patience` seconds at most.
    Raises `AzureFailed` with Azure's innermost cause when the operation fails, and `CmkctlError` (CMK312) when the time
    is over first, or the session's; Azure goes on with the operation then. An operation that Azure does not remember
    any more is over: whoever waits reads the resource next. `UndecodableResponse` when its status is empty.
    """
    poll = _where(answer)
    if poll is None:
        return
    wait = Waiting(session, what, patience)
    while True:
        wait.once(answer)
        try:
            answer = session.poll(poll.url)
        except ResourceNotFoundError:
            return
        if not poll.by_status:
            if answer.status_code != 202:
                return
            poll = _where(answer) or poll
            continue
        document = _document(answer)
        status = str(document.get("status", "")).lower()
        if status in _TERMINAL or (not status and answer.status_code == 200):
            _raise_unless_succeeded(status, document, answer, what)
            return


def until(
    session: Session, what: str, read: Callable[[], T], done: Callable[[T], bool], patience: float = USUAL_PATIENCE
) -> T:
    """Read again and again until `done` says so, and return the last reading. Raises as `finish` does."""
    wait = Waiting(session, what, patience)
    while not done(reading := read()):
        wait.once(None)
    return reading


def under_way(state: str) -> bool:
    """Whether a provisioning state, in lower case, says that Azure is making or changing a resource: nobody else may now.

    Every word does, the ones we never heard of as well, but those for an end; those for what goes away are told apart. The
    empty state is that of no resource.

    Source: https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations#provisioningstate-values
    """
    return state != "" and state not in _TERMINAL and state not in _GOING


def pause(session: Session, what: str, seconds: float) -> None:
    """Let `seconds` pass for `what`, of which nothing can be asked. Raises CmkctlError (CMK312) for more than the run has."""
    clock = session.clock
    ends = clock.elapsed() + seconds
    if seconds > 0 and session.clamp_to_deadline(ends) < ends:
        raise CmkctlError(_gave_up(what, 0.0))
    waited = 0.0
    while waited < seconds:
        session.notify(what, waited, at(clock, ends))
        part = min(seconds - waited, _TELLING)
        clock.sleep(part)
        waited += part


def until_next_look(waited: float, usual: float = 1.0) -> float:
    """How many seconds to let pass when something was waited for so long already, in order to notice its end in time.

    `usual` is how many are long enough not to be a nuisance.
    """
    return max(_FIRST_DELAY, min(waited / 2, usual), min(waited / 25, _LONGEST_DELAY))


class Waiting:
    """One wait: short at first, longer as it goes on, never shorter than Azure asks, never past its end."""

    def __init__(self, session: Session, what: str, patience: float = USUAL_PATIENCE) -> None:
        self._session = session
        self._what = what
        self._began = session.clock.elapsed()
        self._ends = session.clamp_to_deadline(self._began + patience)

    def once(self, answer: Any) -> None:
        """Wait before the next question. Raises CmkctlError (CMK312) when the next would come too late."""
        clock = self._session.clock
        waited = clock.elapsed() - self._began
        delay = until_next_look(waited)
        asked = retry_after(answer.headers, clock.now()) if answer is not None else None
        # A little jitter, so that many runs that began together do not ask together.
        delay = max(delay * random.uniform(0.8, 1.0), asked or 0.0)  # noqa: S311 - no secret depends on it
        self._session.notify(self._what, waited, at(clock, self._ends))
        if clock.elapsed() + delay > self._ends:
            raise CmkctlError(_gave_up(self._what, waited))
        clock.sleep(delay)


def _where(answer: Any) -> _Poll | None:
    """Where to ask about the operation behind an answer; None when the answer is final.

    A ``Location`` on a 200 is no operation: Graph sends one that names itself. Nor is a path on a 201: it names what was made
    (both recorded).
    """
    asynchronous = answer.headers.get("Azure-AsyncOperation")
    if asynchronous:
        return _Poll(asynchronous, by_status=True)
    location = answer.headers.get("Location", "")
    # Any other scheme is an address, too, and refused where it is followed: the operation has not ended.
    if answer.status_code not in (201, 202) or "://" not in location:
        return None
    return _Poll(location, by_status=False)


def _raise_unless_succeeded(status: str, document: ArmDocument, answer: Any, what: str) -> None:
    if status in ("", "succeeded"):
        return
    code, message = innermost(document)
    failure = Failure(
        kind=kind_of_failed_operation(code, message),
        code=code or f"Operation{status.capitalize()}",
        message=message or "Azure gives no reason.",
        request=what,
        correlation_id=answer.headers.get("x-ms-correlation-request-id", ""),
    )
    raise AzureFailed(failure)


def _document(answer: Any) -> ArmDocument:
    try:
        document = answer.json()
    except ValueError as error:
        if answer.status_code == 202:  # it goes on, and says so with the status alone
            return {}
        raise UndecodableResponse("It is no JSON; it begins: (empty)", answer) from error
    return document if isinstance(document, dict) else {}


def _gave_up(what: str, waited: float) -> Diagnostic:
    return time_is_over(f"Waited {waited:.0f} s for {what}. Azure goes on with it: nothing was cancelled.")


def time_is_over(detail: str) -> Diagnostic:
    """Says that a wait, or the run, has had its time (CMK312)."""
    return Diagnostic(
        "CMK312",
        Severity.ERROR,
        "The time for waiting is over",
        detail,
        "Run the same command again to go on from here, with a longer --timeout if one was given.",
    )
