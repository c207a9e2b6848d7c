"""The one retry policy, as a policy of azure-core's pipeline, on tenacity.

It replaces azure-core's own, so nothing is retried twice. Repeated here is only what is safe without knowing what the
request means: a read that was throttled or met a passing error, and whatever came with a token that had just ended. A
write that was throttled, or whose answer was lost, is for the engine, which looks first: meanwhile the write may have
taken effect, or somebody else may have made what it was to make (`cmkctl.engine`).

Source for Retry-After: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, Final, Protocol

from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy
from azure.core.rest import HttpResponse
from tenacity import RetryCallState, Retrying, stop_after_attempt, wait_random_exponential

from cmkctl.azure.errors import asked_delay, body_text
from cmkctl.clock import Clock, at

ATTEMPTS: Final = 6
"""How often a read that meets passing errors is asked."""

PATIENCE: Final = 900.0
"""How many seconds one request is waited for in all. Azure was recorded asking for 324; one that asks for longer is told of."""

_READS: Final = frozenset({"GET", "HEAD"})
_LONGEST_BACKOFF: Final = 60.0
THROTTLED: Final = 429
_EXPIRED: Final = "The access token has expired"
"""What Resource Manager's challenge says of it, as recorded; every other 401 stays one."""


class Notify(Protocol):
    """Hears of every wait before it begins, and while it goes on."""

    def __call__(self, what: str, seconds: float, until: datetime | None = None) -> None:
        """`what` is waited for, in words, for so many `seconds` already; at `until` it is given up, if that is known."""


class RetryPolicy(HTTPPolicy[Any, Any]):
    """Repeats reads that were throttled or met a passing error, with full jitter and `Retry-After` obeyed.

    It stands before the authentication policy, so that each attempt carries the token that is then the right one.
    `deadline` says after which moment of the clock nothing is waited for any more.
    """

    def __init__(self, clock: Clock, notify: Notify, deadline: Callable[[], float | None] = lambda: None) -> None:
        super().__init__()
        self._clock = clock
        self._notify = notify
        self._deadline = deadline

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request, again where that is safe. The last answer, or the last network error, is the result."""
        read = request.http_request.method in _READS
        began = self._clock.elapsed()
        ends = began + PATIENCE
        deadline = self._deadline()
        wait = _OneRequest(self._clock, self._notify, began, ends if deadline is None else min(ends, deadline))
        retrying = Retrying(
            retry=lambda state: _worth_repeating(state, read),
            stop=wait.enough,
            wait=wait.delay,
            sleep=self._clock.sleep,
            before_sleep=wait.announce,
            retry_error_callback=_last_outcome,
        )
        response: PipelineResponse[Any, Any] = retrying(self._send_once, request)
        return response

    def _send_once(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        return self.next.send(request)


class _OneRequest:
    """How long to wait between the attempts of one request, and when to stop."""

    def __init__(self, clock: Clock, notify: Notify, began: float, ends: float) -> None:
        self._clock = clock
        self._notify = notify
        self._began = began
        self._ends = ends

    def delay(self, state: RetryCallState) -> float:
        """As long as Azure asks, and with full jitter where it does not ask, or for less."""
        backoff = wait_random_exponential(multiplier=0.5, max=_LONGEST_BACKOFF)(state)
        return max(backoff, seconds_of(_asked(state), self._clock.now()) or 0.0)

    def enough(self, state: RetryCallState) -> bool:
        """Whether the next attempt would come too late, or, unless Azure throttles, be one too many."""
        late = self._clock.elapsed() + state.upcoming_sleep > self._ends
        return late or (_status(state) != THROTTLED and stop_after_attempt(ATTEMPTS)(state))

    def announce(self, state: RetryCallState) -> None:
        """Say what Azure answered, and how long that is waited for."""
        status = _status(state)
        pause = state.next_action.sleep if state.next_action else 0.0
        what = f"Azure answered {f'HTTP {status}' if status else 'nothing'}; asking again in {pause:.0f} s"
        self._notify(what, self._clock.elapsed() - self._began, at(self._clock, self._ends))


def retry_after(headers: Any, now: datetime) -> float | None:
    """The seconds that the header `Retry-After` asks to wait, from either of its forms; None when absent or unreadable."""
    return seconds_of(headers.get("Retry-After") or "", now)


def seconds_of(asked: str, now: datetime) -> float | None:
    """Return the seconds that a value of `Retry-After`, a number or a date, asks to wait; None for anything else.

    A header that came twice arrives as one value with commas: the longest of its numbers counts.
    """
    try:
        return max((parsedate_to_datetime(asked) - now).total_seconds(), 0.0)
    except (TypeError, ValueError, OverflowError):
        pass
    numbers = [seconds for part in asked.split(",") if (seconds := _number(part)) is not None]
    return max(numbers, default=None)


def _number(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return max(seconds, 0.0) if isfinite(seconds) else None


def _worth_repeating(state: RetryCallState, read: bool) -> bool:
    outcome = state.outcome
    if outcome is None:
        return False
    if outcome.failed:
        return read and isinstance(outcome.exception(), ServiceRequestError | ServiceResponseError)
    response = outcome.result().http_response
    return _expired(response) or (read and _passing(response.status_code))


def _passing(status: int) -> bool:
    """Whether it is throttled, or an error of a server, of whatever shape, or of the way to it."""
    return status >= 500 or status in (408, THROTTLED)


def _expired(response: Any) -> bool:
    """Whether the token ended on the way: the creation of a workspace can outlive one."""
    return response.status_code == 401 and _EXPIRED in response.headers.get("WWW-Authenticate", "")


def _asked(state: RetryCallState) -> str:
    """The delay that the last answer asks for, empty where it does not."""
    outcome = state.outcome
    if outcome is None or outcome.failed:
        return ""
    response = outcome.result().http_response
    if isinstance(response, HttpResponse):
        response.read()  # the SDK streams what it asks for, so the body is still on its way
    return asked_delay(response, body_text(response) if response.status_code == THROTTLED else "")


def _status(state: RetryCallState) -> int | None:
    """The HTTP status of the last attempt, None when no answer came."""
    outcome = state.outcome
    return None if outcome is None or outcome.failed else int(outcome.result().http_response.status_code)


def _last_outcome(state: RetryCallState) -> Any:
    if state.outcome is None:
        raise RuntimeError("tenacity stopped without an attempt")
    return state.outcome.result()
