"""An Azure that answers from a script, and a clock that advances only by waits.

azure-core's own transport is what runs; only the network behind it ends in a function.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, Final

import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline import Pipeline
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from cmkctl.azure.clouds import Cloud
from cmkctl.azure.session import Session
from cmkctl.events import Event, Waiting

ARM: Final = "https://management.azure.com"
SUBSCRIPTION: Final = "11111111-1111-1111-1111-111111111111"
NOON: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class FakeClock:
    """A clock that advances only by waits; `waits` are the seconds that were waited, in order."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Noon, and what was waited since."""
        return NOON + timedelta(seconds=self.elapsed())

    def elapsed(self) -> float:
        """Return the seconds waited."""
        return sum(self.waits)

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        with self._lock:
            self.waits.append(seconds)

    def check(self) -> None:
        """Do nothing: no run is interrupted."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; a body that is not bytes is sent as JSON."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Reply = Answer | Exception
"""What comes back for one request: an answer, or what the network does instead."""


class ScriptedNetwork(BaseAdapter):
    """Answers requests in the order of a script, the last reply again and again; `sent` are the requests."""

    def __init__(self, replies: Iterable[Reply]) -> None:
        super().__init__()
        self._replies = _last_for_ever(replies)
        self._lock = threading.Lock()
        self.sent: list[requests.PreparedRequest] = []
        self.timeouts: list[Any] = []

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002
        timeout: Any = None,
        verify: Any = True,  # noqa: ARG002
        cert: Any = None,  # noqa: ARG002
        proxies: Any = None,  # noqa: ARG002
    ) -> requests.Response:
        """Answer, or fail as a network fails."""
        with self._lock:
            self.sent.append(request)
            self.timeouts.append(timeout)
            reply = next(self._replies)
        if isinstance(reply, Exception):
            raise reply
        return scripted_response(request, reply)

    def close(self) -> None:
        """Close nothing."""

    @property
    def requested(self) -> list[str]:
        """The requests: method and URL without its query."""
        return [f"{each.method} {str(each.url).partition('?')[0]}" for each in self.sent]


def _last_for_ever(replies: Iterable[Reply]) -> Iterator[Reply]:
    reply: Reply = Answer(500, "The script is empty.")
    for reply in replies:
        yield reply
    while True:
        yield reply


def scripted_response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    """Return an answer as the response to a request."""
    response = requests.Response()
    response.status_code = answer.status
    response.headers.update(answer.headers)
    body = answer.body if isinstance(answer.body, bytes) else b"" if answer.body is None else _json(answer.body)
    if not isinstance(answer.body, bytes) and answer.body is not None:
        response.headers.setdefault("Content-Type", "application/json")
    response.raw = HTTPResponse(BytesIO(body), headers=dict(answer.headers), preload_content=False)
    response.request, response.url = request, request.url or ""
    return response


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


def transport_to(network: ScriptedNetwork) -> RequestsTransport:
    """Azure-core's own transport, over a network that ends in a script."""
    session = requests.Session()
    session.mount("https://", network)
    session.mount("http://", network)
    return RequestsTransport(session=session, session_owner=False)


class FixedCredential:
    """A credential whose token everybody may know."""

    def __init__(self, token: str = "no-secret") -> None:  # noqa: S107 - a placeholder
        self._token = token

    def get_token(self, *_scopes: str, **_kwargs: Any) -> AccessToken:
        """Return a token that lasts."""
        return AccessToken(self._token, 4_102_444_800)


@dataclass
class Azure:
    """A session with an Azure that answers from a script, and everything there is to see about it."""

    session: Session
    network: ScriptedNetwork
    clock: FakeClock
    progress: list[tuple[str, float]]
    ends: list[datetime | None]


def azure(*replies: Reply) -> Azure:
    """Return a real session, over a scripted network and a fake clock."""
    network, clock, progress = ScriptedNetwork(replies), FakeClock(), list[tuple[str, float]]()
    ends: list[datetime | None] = []

    def emit(event: Event) -> None:
        if isinstance(event, Waiting):
            progress.append((event.what, event.seconds))
            ends.append(event.until)

    session = Session(
        Cloud.AZURE,
        SUBSCRIPTION,
        FixedCredential(),
        transport_to(network),
        clock,
        emit,
    )
    return Azure(session, network, clock, progress, ends)


def response_to(method: str, url: str, answer: Answer) -> Any:
    """Return the response of azure-core to one request, without any policy."""
    network = ScriptedNetwork([answer])
    return Pipeline(transport_to(network)).run(HttpRequest(method, url)).http_response


def http_error(answer: Answer, method: str = "GET", url: str = f"{ARM}/subscriptions/s") -> HttpResponseError:
    """Return the error that the SDK makes of an answer."""
    return HttpResponseError(response=response_to(method, url, answer))
