"""The one retry policy, as a policy of azure-core's pipeline, on tenacity.

It replaces azure-core's own, so nothing is retried twice. It retries only what is safe for any request: a read that was
throttled or failed transiently, and any request rejected because its token had just expired. A write that was throttled,
or whose response was lost, is left to the engine, which reads first: the write may have taken effect, or another run may
have created the resource (`cmkctl.engine`).

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

from cmkctl.azure.errors import body_text, requested_delay
from cmkctl.clock import Clock, at

ATTEMPTS: Final = 6
"""The number of attempts of a read that fails transiently."""

REQUEST_BUDGET: Final = 900.0
"""Seconds for all attempts of one request. Azure was recorded requesting a delay of 324 s; a longer one is reported."""

_READS: Final = frozenset({"GET", "HEAD"})
QUESTION: Final = "cmkctl_question"
"""The option of a request that reads although its method is POST."""
_LONGEST_BACKOFF: Final = 60.0
THROTTLED: Final = 429
_EXPIRED: Final = "The access token has expired"
"""The text of Resource Manager's challenge for an expired token (recorded). No other 401 is retried."""


class Notify(Protocol):
    """Receives every wait: before it begins, and during it."""

    def __call__(self, what: str, seconds: float, until: datetime | None = None) -> None:
        """Report a wait for `what` that has lasted `seconds`; the wait ends at `until`, if known."""


class RetryPolicy(HTTPPolicy[Any, Any]):
    """Retries reads that were throttled or failed transiently, with full jitter, and obeys `Retry-After`.

    It precedes the authentication policy, so that each attempt carries the token that is valid at that time. `deadline`
    returns the moment of the clock after which no wait begins.
    """

    def __init__(self, clock: Clock, notify: Notify, deadline: Callable[[], float | None] = lambda: None) -> None:
        super().__init__()
        self._clock = clock
        self._notify = notify
        self._deadline = deadline

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request, and retry it where that is safe. The last response or network error is the result."""
        read = request.http_request.method in _READS or request.context.options.pop(QUESTION, False)
        began = self._clock.elapsed()
        ends = began + REQUEST_BUDGET
        deadline = self._deadline()
        wait = _OneRequest(self._clock, self._notify, began, ends if deadline is None else min(ends, deadline))
        retrying = Retrying(
            retry=lambda state: _is_retryable(state, read),
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
    """The delays between the attempts of one request, and their end."""

    def __init__(self, clock: Clock, notify: Notify, began: float, ends: float) -> None:
        self._clock = clock
        self._notify = notify
        self._began = began
        self._ends = ends

    def delay(self, state: RetryCallState) -> float:
        """Return the delay: a backoff with full jitter, or the one Azure requests if that is longer."""
        backoff = wait_random_exponential(multiplier=0.5, max=_LONGEST_BACKOFF)(state)
        return max(backoff, seconds_of(_requested_delay(state), self._clock.now()) or 0.0)

    def enough(self, state: RetryCallState) -> bool:
        """Return True when the next attempt would be too late or, unless Azure throttles, exceed `ATTEMPTS`."""
        late = self._clock.elapsed() + state.upcoming_sleep > self._ends
        return late or (_status(state) != THROTTLED and stop_after_attempt(ATTEMPTS)(state))

    def announce(self, state: RetryCallState) -> None:
        """Report the last response and the delay before the next attempt."""
        status = _status(state)
        pause = state.next_action.sleep if state.next_action else 0.0
        cause = f"Azure answered HTTP {status}" if status else "No response"
        what = f"{cause}; retrying in {pause:.0f} s"
        self._notify(what, self._clock.elapsed() - self._began, at(self._clock, self._ends))


def retry_after(headers: Any, now: datetime) -> float | None:
    """Return the seconds of a `Retry-After` header in either form; None when absent or invalid."""
    return seconds_of(headers.get("Retry-After") or "", now)


def seconds_of(value: str, now: datetime) -> float | None:
    """Return the seconds of a `Retry-After` value, a number or a date; None for anything else.

    A repeated header arrives as one value with commas; its largest number counts.
    """
    try:
        return max((parsedate_to_datetime(value) - now).total_seconds(), 0.0)
    except (TypeError, ValueError, OverflowError):
        pass
    numbers = [seconds for part in value.split(",") if (seconds := _number(part)) is not None]
    return max(numbers, default=None)


def _number(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return max(seconds, 0.0) if isfinite(seconds) else None


def _is_retryable(state: RetryCallState, read: bool) -> bool:
    outcome = state.outcome
    if outcome is None:
        return False
    if outcome.failed:
        return read and isinstance(outcome.exception(), ServiceRequestError | ServiceResponseError)
    response = outcome.result().http_response
    return _expired(response) or (read and _is_transient(response.status_code))


def _is_transient(status: int) -> bool:
    """Return True for a throttled request and for an error of a server or a gateway."""
    return status >= 500 or status in (408, THROTTLED)


def _expired(response: Any) -> bool:
    """Return True when the token expired in transit; creating a workspace can take longer than a token lasts."""
    return response.status_code == 401 and _EXPIRED in response.headers.get("WWW-Authenticate", "")


def _requested_delay(state: RetryCallState) -> str:
    """Return the delay that the last response requests; empty without one."""
    outcome = state.outcome
    if outcome is None or outcome.failed:
        return ""
    response = outcome.result().http_response
    if isinstance(response, HttpResponse):
        response.read()  # the SDK streams responses, so the body is not read yet
    return requested_delay(response, body_text(response) if response.status_code == THROTTLED else "")


def _status(state: RetryCallState) -> int | None:
    """Return the HTTP status of the last attempt; None without a response."""
    outcome = state.outcome
    return None if outcome is None or outcome.failed else int(outcome.result().http_response.status_code)


def _last_outcome(state: RetryCallState) -> Any:
    if state.outcome is None:
        raise RuntimeError("tenacity stopped without an attempt")
    return state.outcome.result()
