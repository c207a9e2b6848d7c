"""Answers that are not what Azure sends, made of those that the sandbox sends: what a proxy, a gateway or a bug leaves.

The network is spoiled where `requests` meets it, so that azure-core's own transport, and whatever reads answers above it,
is what runs.
"""

from __future__ import annotations

import json
import os
import reprlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from io import BytesIO
from typing import Any, Final, Protocol, cast

import requests
from azure.core.pipeline.transport import RequestsTransport
from hypothesis import settings
from hypothesis import strategies as st
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

from support.scenarios import SAMPLED

MORE: Final = int(os.environ.get("CMKCTL_ANSWERS", "0"))
"""The number of examples for each property. Zero, unless the environment sets one: the sample then decides."""


def sampled(examples: int) -> settings:
    """So many examples, unless ``CMKCTL_ANSWERS`` sets more."""
    return settings(SAMPLED, max_examples=MORE or examples)


@dataclass(frozen=True)
class Answer:
    """An answer as it goes over the network."""

    status: int
    headers: dict[str, str]
    body: bytes


class Spoiler(Protocol):
    """What is done to an answer."""

    def __call__(self, answer: Answer) -> Answer:
        """Return the corrupted response."""
        ...


class Short:
    """A value whose repr stays short, however large what it holds."""

    def __repr__(self) -> str:
        shown = (f"{each.name}={reprlib.repr(getattr(self, each.name))}" for each in fields(cast("Any", self)))
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, repr=False)
class Body(Short):
    """Something else in the body's place."""

    body: bytes

    def __call__(self, answer: Answer) -> Answer:
        """Return the answer with this body."""
        return replace(answer, body=self.body)


@dataclass(frozen=True)
class Cut:
    """A body that breaks off after so many percent."""

    percent: int

    def __call__(self, answer: Answer) -> Answer:
        """Return the answer with the beginning of its body."""
        return replace(answer, body=answer.body[: len(answer.body) * self.percent // 100])


@dataclass(frozen=True)
class Status:
    """Another status."""

    status: int

    def __call__(self, answer: Answer) -> Answer:
        """Return the answer with this status."""
        return replace(answer, status=self.status)


@dataclass(frozen=True)
class Header:
    """Another value of a header, or none."""

    name: str
    value: str | None

    def __call__(self, answer: Answer) -> Answer:
        """Return the answer with this header."""
        others = {name: value for name, value in answer.headers.items() if name.lower() != self.name.lower()}
        return replace(answer, headers=others if self.value is None else {**others, self.name: self.value})


@dataclass(frozen=True, repr=False)
class Edit(Short):
    """Another value, or none, somewhere in the document: `way` chooses among the members at each depth, and ends there."""

    way: tuple[int, ...]
    value: Any = None
    drop: bool = False

    def __call__(self, answer: Answer) -> Answer:
        """Return the answer with the document that came of it; one without a document stays."""
        try:
            document = json.loads(answer.body)
        except ValueError:
            return answer
        return replace(answer, body=json.dumps(self.inside(document)).encode())

    def inside(self, document: Any) -> Any:
        """Return the document with the edit."""
        return self._at(document, list(self.way))

    def _at(self, value: Any, way: list[int]) -> Any:
        if not way or not isinstance(value, dict | list) or not value:
            return self.value
        names = list(value) if isinstance(value, dict) else range(len(value))
        chosen = names[way[0] % len(names)]
        last = len(way) == 1
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        edited = {
            name: self._at(each, way[1:]) if name == chosen else each
            for name, each in pairs
            if not (self.drop and last and name == chosen)
        }
        return edited if isinstance(value, dict) else list(edited.values())


@dataclass(frozen=True)
class Both:
    """One after the other."""

    first: Spoiler
    second: Spoiler

    def __call__(self, answer: Answer) -> Answer:
        """Return the answer after both."""
        return self.second(self.first(answer))


PAGE: Final = (
    b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Corporate proxy: who are you?</body></html>"
)
BODIES: Final = (
    *(PAGE, b"", b"  \r\n", b"null", b"[]", b"{}", b"7", b'"text"', b"true", b"[null]", b"NaN", b"{'single': 1}"),
    *(
        b"\xff\xfe\x00\x80",
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"[" * 100_000,
        b'{"a":' * 990 + b"1" + b"}" * 990,
    ),
    *(b'{"error": "text"}', b'{"error": null}', b'{"error": {"code": 7, "message": ["x"], "details": {"a": 1}}}'),
    *(b'{"error": [{"code": "x"}]}', b'{"code": null, "message": {"value": null}}', b"9" * 5000, b'"\\ud800"'),
    *(b'{"status": null}', b'{"status": 7}', b'{"status": ["Succeeded"]}', b'{"status": "Failed", "error": [1]}'),
    *(b'{"value": null}', b'{"value": [null]}', b'{"value": {}, "nextLink": 7}', b'{"properties": null}'),
)
VALUES: Final[st.SearchStrategy[Any]] = st.sampled_from(
    (
        *(
            None,
            True,
            False,
            0,
            -1,
            7,
            10**30,
            1.5,
            float("inf"),
            float("nan"),
            "",
            "x",
            "unknown",
            "SUCCEEDED",
            "failed",
        ),
        *("\ud800", "\x00", "ä" * 10, "z" * 300_000, "https://[bad", "/relative", [], [None], [[]], ["x"], [7], {}),
        *({"a": None}, {"error": "text"}, {"code": 7}, "2026-13-45", "Deleting", "Enabled", "disabled"),
    )
)
WAYS: Final = st.lists(st.integers(0, 40), min_size=0, max_size=5).map(tuple)
LINKS: Final = (
    None,
    "",
    "nowhere",
    "/relative",
    "https://[bad",
    "https://management.azure.com:x/",
    "ftp://a/b",
    "https://\x7f",
)
HEADERS: Final = st.one_of(
    st.builds(
        Header,
        st.just("Content-Type"),
        st.sampled_from(
            (None, "", "text/html", "application/octet-stream", "application/json; charset=klingon", "text/xml", ";;=")
        ),
    ),
    st.builds(Header, st.just("Content-Encoding"), st.sampled_from(("gzip", "deflate", "br", "klingon"))),
    st.builds(Header, st.just("Content-Length"), st.sampled_from(("0", "1000000", "abc", "-1"))),
    st.builds(Header, st.sampled_from(("Location", "Azure-AsyncOperation")), st.sampled_from(LINKS)),
    st.builds(
        Header,
        st.just("Retry-After"),
        st.sampled_from(("", "soon", "-5", "nan", "inf", "1e300", "99999999999", "Tue, 99 Foo 2026 00:00:00 GMT")),
    ),
    st.builds(Header, st.just("WWW-Authenticate"), st.sampled_from(("", "Bearer", 'Bearer claims="%%%"', "Basic x"))),
)
# Without 404 and 429, whose meaning is relied on: not there, and not carried out.
STATUSES: Final = st.sampled_from((201, 202, 204, 206, 299, 302, 304, 307, 400, 401, 408, 412, 418, 500, 503, 599))
EDITS: Final = st.one_of(
    st.builds(Edit, WAYS, VALUES), st.builds(Edit, WAYS, VALUES), st.builds(Edit, WAYS, drop=st.just(True))
)
ONE: Final = st.one_of(
    EDITS,
    EDITS,
    st.sampled_from(BODIES).map(Body),
    st.builds(Cut, st.integers(0, 99)),
    STATUSES.map(Status),
    HEADERS,
)
SPOILERS: Final = st.one_of(ONE, ONE, st.builds(Both, ONE, ONE))


@dataclass(frozen=True)
class Spoilt:
    """Which answers are spoiled: those to one of the requests of a run, from the `first` on, `times` times; and how."""

    request: int
    first: int
    times: int
    how: Spoiler


def spoilt(how: st.SearchStrategy[Any] = SPOILERS) -> st.SearchStrategy[Spoilt]:
    """Any request, mostly the first time, once, a few times or for ever."""
    return st.builds(
        Spoilt, st.integers(0, 1000), st.sampled_from((1, 1, 2, 3)), st.sampled_from((1, 1, 2, 7, 1_000_000)), how
    )


@dataclass
class Network(HTTPAdapter):
    """The network of `requests`, with some of its answers spoiled; `requested` are the requests that went through, in order."""

    requested: list[tuple[str, str]] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        super().__init__(pool_maxsize=32, max_retries=0)
        self._lock = threading.Lock()
        self._plan: tuple[tuple[str, str], Spoilt] | None = None
        self._seen = 0

    def __hash__(self) -> int:
        return id(self)

    def quiet(self) -> None:
        """Leave every answer as it is, and forget the requests."""
        with self._lock:
            self.requested, self._plan, self._seen = [], None, 0

    def spoil(self, requests: Iterable[tuple[str, str]], spoilt: Spoilt) -> None:
        """Spoil the answers to one of these requests."""
        order = sorted(set(requests))
        self.quiet()
        self._plan = order[spoilt.request % len(order)], spoilt

    def transport(self) -> RequestsTransport:
        """Make azure-core's own transport over this network."""
        return _transport(self)

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """Send a request, and spoil its answer if that is the plan."""
        what = str(request.method), str(request.url).partition("?")[0].lower()
        how = self._how(what)
        response = super().send(request, *arguments, **{**options, "stream": True})
        if how is None:
            return response
        return _response(request, how(Answer(response.status_code, _plain(response.headers), response.content)))

    def close(self) -> None:
        """Keep the connections: many sessions come one after the other."""

    def _how(self, what: tuple[str, str]) -> Spoiler | None:
        with self._lock:
            self.requested.append(what)
            if self._plan is None or self._plan[0] != what:
                return None
            self._seen += 1
            spoilt = self._plan[1]
            return spoilt.how if spoilt.first <= self._seen < spoilt.first + spoilt.times else None


class Scripted(BaseAdapter):
    """A network on which every request is answered with one body."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self._answer = Answer(200, {"Content-Type": "application/json"}, body)

    def transport(self) -> RequestsTransport:
        """Make azure-core's own transport over this network."""
        return _transport(self)

    def send(self, request: requests.PreparedRequest, *_arguments: Any, **_options: Any) -> requests.Response:
        """Answer."""
        return _response(request, self._answer)

    def close(self) -> None:
        """Close nothing."""


def _transport(network: BaseAdapter) -> RequestsTransport:
    session = requests.Session()
    session.mount("https://", network)
    return RequestsTransport(session=session, session_owner=False)


def _plain(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers without those that describe how the body came, as it is already here."""
    return {
        name: value for name, value in headers.items() if name.lower() not in ("content-length", "content-encoding")
    }


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    headers = {"Content-Length": str(len(answer.body)), **answer.headers}
    response = requests.Response()
    response.status_code = answer.status
    response.headers.update(headers)
    response.raw = HTTPResponse(BytesIO(answer.body), headers=headers, status=answer.status, preload_content=False)
    response.request, response.url = request, str(request.url)
    return response
