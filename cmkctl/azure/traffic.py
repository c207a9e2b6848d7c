"""A transport that reports every request: when, what, how long, and the response. For `--report` and `--debug`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import HttpTransport

from cmkctl.azure.redaction import Redactor
from cmkctl.clock import Clock

_CORRELATION = "x-ms-correlation-request-id"
_OWN_IDS = ("x-ms-request-id", "request-id")  # Resource Manager's and Graph's


@dataclass(frozen=True, slots=True)
class ObservedExchange:
    """One HTTP exchange. Each retry is reported as its own exchange.

    `at` is the time of sending in UTC, `seconds` the duration until the response. Without a response `response` is None and
    `error` gives the reason.
    """

    at: datetime
    seconds: float
    request: Any
    response: Any
    error: str = ""

    @property
    def method(self) -> str:
        """The HTTP method."""
        return str(self.request.method)

    @property
    def host(self) -> str:
        """The host of the request."""
        return str(urlsplit(self.request.url).hostname or "")

    def parts(self, redactor: Redactor) -> tuple[str, dict[str, str]]:
        """Return the redacted path and query. The whole URL is redacted first, because a secret's place in it can matter."""
        url = urlsplit(redactor.text(self.request.url))
        return url.path, dict(parse_qsl(url.query, keep_blank_values=True))

    @property
    def status(self) -> int | None:
        """The HTTP status of the response."""
        return None if self.response is None else int(self.response.status_code)

    def header(self, *names: str) -> str | None:
        """Return the first of these headers that the response has."""
        headers = {} if self.response is None else self.response.headers
        return next((str(value) for name in names if (value := headers.get(name))), None)

    @property
    def correlation_id(self) -> str | None:
        """The id for Azure support."""
        return self.header(_CORRELATION)

    @property
    def request_id(self) -> str | None:
        """The service's own id of the request."""
        return self.header(*_OWN_IDS)


OnExchange: TypeAlias = Callable[[ObservedExchange], None]


class ObservedTransport(HttpTransport[Any, Any]):
    """A transport that hands everything to `inner` and reports it to `on_exchange`, from whichever thread it happens in."""

    def __init__(self, inner: HttpTransport[Any, Any], clock: Clock, on_exchange: OnExchange) -> None:
        self._inner = inner
        self._clock = clock
        self._on_exchange = on_exchange

    def send(self, request: Any, **options: Any) -> Any:
        """Send the request, report it, return the response. Errors of the inner transport pass through."""
        at, began = self._clock.now(), self._clock.elapsed()
        try:
            response = self._inner.send(request, **options)
        except AzureError as error:
            self._on_exchange(ObservedExchange(at, self._clock.elapsed() - began, request, None, str(error)))
            raise
        self._on_exchange(ObservedExchange(at, self._clock.elapsed() - began, request, response))
        return response

    def open(self) -> None:
        """Open the inner transport."""
        self._inner.open()

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()

    def sleep(self, duration: float) -> None:
        """Sleep as the inner transport does; `duration` is in seconds."""
        self._inner.sleep(duration)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *details: object) -> None:
        self.close()
