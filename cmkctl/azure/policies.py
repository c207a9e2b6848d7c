"""The policies of cmkctl's own in the SDK's pipeline: where a request may go, for how long, and how headers are read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Any, Final

from azure.core.exceptions import AzureError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy, SansIOHTTPPolicy

from cmkctl.azure.clouds import CloudEndpoints
from cmkctl.azure.errors import DeadlinePassed, ForeignHost, ForeignRedirect
from cmkctl.azure.retry import seconds_of
from cmkctl.clock import Clock

SANDBOX_HEADER: Final = "x-cmkctl-sandbox"
"""Every response of the sandbox carries this header; no response of Azure does."""

TOTAL_TIMEOUT: Final = 120.0
"""Seconds for one request in all, from the connection to the last byte of the response."""

_LONGEST_RETRY_AFTER: Final = 10**9
_RETRY_AFTER: Final = "Retry-After"


class HostPolicy(SansIOHTTPPolicy[Any, Any]):
    """Allows only requests to hosts of the profile's cloud. It precedes authentication, so no other host gets a token.

    A `nextLink`, an `Azure-AsyncOperation` and a `Location` are used as Azure wrote them, so this is the one place where a
    response could send a token to a foreign host. Redirects are never followed; one to a foreign host is a separate error.
    """

    def __init__(self, endpoints: CloudEndpoints) -> None:
        super().__init__()
        self._endpoints = endpoints

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Raise ForeignHost for a URL outside the cloud."""
        if not self._endpoints.owns(request.http_request.url):
            raise ForeignHost(request.http_request.url)

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:  # noqa: ARG002
        """Raise ForeignRedirect for a redirect out of the cloud."""
        answer = response.http_response
        location = answer.headers.get("Location", "")
        if 300 <= answer.status_code < 400 and "://" in location and not self._endpoints.owns(location):
            raise ForeignRedirect(location, answer)


class HeaderPolicy(SansIOHTTPPolicy[Any, Any]):
    """Normalises response headers for the policies before it.

    The SDK parses `Retry-After` as an integer, and fails on a date, on `1.5`, and on a header that came twice. Here it
    becomes whole seconds, rounded up, or is removed. `on_sandbox` is called with True for a response of the sandbox, else
    False; `on_date` with the time at which a response was sent.
    """

    def __init__(
        self, clock: Clock, on_sandbox: Callable[[bool], None], on_date: Callable[[datetime], None] = lambda _date: None
    ) -> None:
        super().__init__()
        self._clock = clock
        self._on_sandbox = on_sandbox
        self._on_date = on_date

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:  # noqa: ARG002
        """Rewrite `Retry-After`, and report the time of the response and whether the sandbox sent it."""
        headers = response.http_response.headers
        self._on_sandbox(SANDBOX_HEADER in headers)
        sent = _date(headers.get("Date"))
        if sent is not None:
            self._on_date(sent)
        value = headers.get(_RETRY_AFTER)
        if value is None:
            return
        seconds = seconds_of(value, self._clock.now())
        if seconds is None:
            del headers[_RETRY_AFTER]
        else:
            headers[_RETRY_AFTER] = str(ceil(min(seconds, _LONGEST_RETRY_AFTER)))


def _date(text: str | None) -> datetime | None:
    """Return the time of a `Date` header; None without one, and for one that is no date."""
    try:
        found = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


class DeadlinePolicy(HTTPPolicy[Any, Any]):
    """Gives each request what is left of the run, and at most the total of one request. The last policy before the network.

    Sends nothing any more once the run was interrupted (`Interrupted`), or its deadline has passed (DeadlinePassed).
    `deadline` returns a moment of `clock.elapsed()`, None for never.
    """

    def __init__(self, clock: Clock, deadline: Callable[[], float | None]) -> None:
        super().__init__()
        self._clock = clock
        self._deadline = deadline

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request with the time that it may take as `read_timeout`."""
        self._clock.check()
        left = self._left()
        if left <= 0:
            raise DeadlinePassed
        request.context.options["read_timeout"] = min(left, TOTAL_TIMEOUT)
        try:
            return self.next.send(request)
        except AzureError as error:
            if self._left() <= 0:
                raise DeadlinePassed from error
            raise

    def _left(self) -> float:
        deadline = self._deadline()
        return TOTAL_TIMEOUT if deadline is None else deadline - self._clock.elapsed()
