"""Tapes: HTTP exchanges with Azure, recorded on a file and replayed strictly. The seam is azure-core's transport.

    with TapeWriter(Path("run.json"), cloud="AzureCloud", redactor=redactor) as writer:
        transport = RecordingTransport(RequestsTransport(), writer)       # --record run.json

    tape = Tape.load(Path("run.json"))
    transport = ReplayTransport(tape)                                     # --replay run.json
    ...
    tape.unused()                                                         # what the run never asked for

A request matches a recorded one when method, scheme and host, path, query and body are the same, all after redaction
(`cmkctl.azure.redact`), for a tape holds only redacted requests. The order between different requests is free, because
reads go out at the same time; equal requests are answered in the order in which they were recorded. What is on a tape,
what never is, and how to read a miss: docs/record-and-replay.md.
"""

from __future__ import annotations

import base64
import difflib
import json
import os
import re
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, ClassVar, Literal, NoReturn, Self, TypeAlias
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import HttpRequest as LegacyRequest
from azure.core.pipeline.transport import HttpResponse as LegacyResponse
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest as RestRequest
from azure.core.rest import HttpResponse as RestResponse
from azure.core.utils import case_insensitive_dict
from pydantic import ConfigDict, TypeAdapter, ValidationError

from cmkctl import __version__
from cmkctl.azure.redact import Redactor, parse_json, scrub
from cmkctl.diagnostics import CmkctlError, Diagnostic, Location, ProfileError, Severity

SCHEMA = 1
"""The number of the tape format. It goes up when an older cmkctl could no longer read a tape rightly."""

RECORDED_AT = "2001-02-03T04:05:06Z"
"""What every tape says about when it was made. Fixed, so that recording the same traffic twice gives the same file and
a diff of two tapes shows what Azure did, not when; the true date is in the history of the repository."""

KEPT_HEADERS = frozenset(
    {
        *("content-type", "retry-after", "retry-after-ms", "x-ms-retry-after-ms"),
        *("location", "azure-asyncoperation", "operation-location", "www-authenticate"),
        *("x-ms-request-id", "x-ms-correlation-request-id", "x-ms-error-code"),
    },
)
"""The response headers that go on a tape, besides ``x-ms-ratelimit-…``. Of a request no header does."""

REPEATS = 10
"""How often a terminal answer to a read is given again after its recorded ones are used up."""

Encoding: TypeAlias = Literal["base64"] | None
"""How the body of a message on a tape is encoded: not at all (it is text or JSON), or as base64 (it is neither)."""

Request = LegacyRequest | RestRequest
Response = LegacyResponse | RestResponse


# --- the values -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """The request of an exchange, redacted: `method` in capitals, the whole `url`, the `body`.

    A body that is a JSON object or array is that value, any other text a string, None is no body; bytes that are no
    text are base64, and `encoding` says so.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    method: str
    url: str
    body: Any = None
    encoding: Encoding = None

    def __post_init__(self) -> None:
        if self.encoding:
            content_of(self)  # raises ValueError here, and not in the middle of a replay

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


@dataclass(frozen=True, slots=True)
class Answered:
    """The response of an exchange, redacted: HTTP status, the headers that are kept, and a body as in `Asked`."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    encoding: Encoding = None

    def __post_init__(self) -> None:
        if self.encoding:
            content_of(self)  # raises ValueError here, and not in the middle of a replay


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and the answer to it."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    request: Asked
    response: Answered

    def __str__(self) -> str:
        return f"{self.request} → {self.response.status}"


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What makes two requests the same: see `request_key`. Its text is what the diff of a miss compares."""

    method: str
    origin: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    body: str

    @property
    def reads(self) -> bool:
        """Whether the request changes nothing: a GET or HEAD."""
        return self.method in {"GET", "HEAD"}

    def lines(self, path: str, body: Any) -> list[str]:
        """Return the request for people, a line for each thing that can differ; `path` is in the spelling to show."""
        query = [f"  {'&' if index else '?'}{name}={value}" for index, (name, value) in enumerate(self.query)]
        shown = body if isinstance(body, str) else json.dumps(body, indent=2, sort_keys=True)
        return [f"{self.method} {self.origin}{unquote(path)}", *query, *([] if body is None else shown.splitlines())]


def request_key(asked: Asked) -> RequestKey:
    """Return what `asked` is matched by.

    Host names are compared without regard to case; so are paths on Azure Resource Manager, which does that itself (it
    returns ``Microsoft.Keyvault`` for ``Microsoft.KeyVault``), while Graph, Key Vault and everybody else get what they
    were asked. Segments and query are percent-decoded, the query's order is ignored, its values are exact. A JSON body
    is compared as a value: the order of names and the spacing are ignored, ``1``, ``1.0`` and ``true`` differ.
    """
    url = urlsplit(asked.url)
    host = (url.hostname or "").lower()
    port = "" if url.port in {None, {"http": 80, "https": 443}.get(url.scheme)} else f":{url.port}"
    path = url.path.lower() if host.startswith("management.") else url.path
    return RequestKey(
        asked.method.upper(),
        f"{url.scheme}://{host}{port}",
        tuple(unquote(segment) for segment in path.split("/")),
        tuple(sorted(parse_qsl(url.query, keep_blank_values=True))),
        f"{asked.encoding or ''}:{json.dumps(asked.body, sort_keys=True)}",
    )


# --- reading and writing of bodies and headers ------------------------------------------------------------------------


def asked_of(request: Request, redactor: Redactor) -> Asked:
    """Return the redacted `Asked` of an azure-core request, legacy or rest. Raises TypeError for a streamed body."""
    body, encoding = _decode(_sent_bytes(request))
    return redacted_asked(Asked(request.method.upper(), request.url, body, encoding), redactor)


def answered_of(url: str, response: Response, redactor: Redactor) -> Answered:
    """Return the redacted `Answered` of an azure-core response to a request for `url`; its body is read into memory."""
    body, encoding = _decode(response.read() if isinstance(response, RestResponse) else response.body())
    headers = {name: value for name, value in sorted(response.headers.items()) if _is_kept(name)}
    return redacted_answered(url, Answered(response.status_code, headers, body, encoding), redactor)


def redacted_asked(asked: Asked, redactor: Redactor) -> Asked:
    """Return the request without its secrets: those in its URL, in its body, and a body that sets a secret."""
    sets_secret = "/secrets/" in urlsplit(asked.url).path.lower()
    body, encoding = _redacted_body(asked, redactor, scrubbed=sets_secret)
    return Asked(asked.method, redactor.text(asked.url), body, encoding)


def redacted_answered(url: str, answered: Answered, redactor: Redactor) -> Answered:
    """Return the answer to a request for `url` without its secrets. Of listKeys and its like only the form is left."""
    secrets = answered.status < _ERROR and bool(_SECRET_ANSWERS.search(urlsplit(url).path))
    body, encoding = _redacted_body(answered, redactor, scrubbed=secrets)
    headers = {name: redactor.text(value) for name, value in answered.headers.items()}
    return Answered(answered.status, headers, body, encoding)


def content_of(message: Asked | Answered) -> bytes:
    """Return the bytes of a body on a tape. JSON is written anew, so spacing and a byte order mark are not kept.

    Raises ValueError for base64 that is none.
    """
    if message.body is None:
        return b""
    if message.encoding:
        return base64.b64decode(message.body, validate=True)
    return (message.body if isinstance(message.body, str) else json.dumps(message.body)).encode()


_ERROR = 400
_SECRET_ANSWERS = re.compile(
    r"/(?:list\w*(?:keys?|secrets?|credentials?|connectionstrings?|sas|tokens?)|regenerate\w*|oauth2(?:/v2\.0)?/token)/?$"
    r"|/secrets(?:/|$)",
    re.IGNORECASE,
)


def _is_kept(header: str) -> bool:
    return header.lower() in KEPT_HEADERS or header.lower().startswith("x-ms-ratelimit-")


def _sent_bytes(request: Request) -> bytes:
    content = request.content if isinstance(request, RestRequest) else request.files or request.data
    if isinstance(content, Mapping) and not getattr(request, "files", None):
        content = urlencode(content, doseq=True)  # a form; it is the transport that encodes it
    if content is None or isinstance(content, str):
        return (content or "").encode("utf-8", "surrogatepass")
    if isinstance(content, bytes):
        return content
    if isinstance(content, BytesIO):
        return content.getvalue()  # what the azure-mgmt clients make of a body that is given to them as a file
    raise TypeError("A streamed or multipart body cannot be put on a tape.")


def _decode(content: bytes) -> tuple[Any, Encoding]:
    if not content:
        return None, None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return base64.b64encode(content).decode(), "base64"
    document = parse_json(text)
    return text if document is None else document, None


def _redacted_body(message: Asked | Answered, redactor: Redactor, *, scrubbed: bool) -> tuple[Any, Encoding]:
    if scrubbed:
        return scrub(message.body), None
    if message.encoding is None:
        return redactor.redact(message.body), None
    # As latin-1 every byte is a character, so that a secret inside something binary is found, too.
    redacted = redactor.text(content_of(message).decode("latin-1")).encode("latin-1")
    return base64.b64encode(redacted).decode(), "base64"


# --- recording --------------------------------------------------------------------------------------------------------


class TapeWriter:
    """A tape being recorded: exchanges in memory, redacted before they are kept, and a file written in one go.

    Making one tries out whether the file can be written, before anything is sent to Azure; a `CmkctlError` CMK501 says
    why not. As a context manager it writes at the end however the run ended: the tape of a failed run is the one
    somebody will want to read. Safe for use by several threads.
    """

    def __init__(self, path: Path, *, cloud: str, redactor: Redactor | None = None) -> None:
        self.path = path
        self.cloud = cloud
        self.redactor = redactor or Redactor()
        self._exchanges: list[Exchange | None] = []
        self._lock = Lock()
        self._try_out()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.write()
        except CmkctlError as unwritten:
            if error is None:
                raise
            error.add_note(str(unwritten))  # why the run failed matters more than that there is no tape of it

    def learn(self, *, secrets: Iterable[str] = (), client_ids: Iterable[str] = ()) -> None:
        """Redact these values, too, from now on and in what is already recorded."""
        with self._lock:
            self.redactor = self.redactor.knowing(secrets, client_ids)

    def reserve(self) -> int:
        """Return the place of a request that is about to be sent. Exchanges are written in the order of sending."""
        with self._lock:
            self._exchanges.append(None)
            return len(self._exchanges) - 1

    def put(self, place: int, exchange: Exchange) -> None:
        """Keep an exchange at the place that `reserve` gave out. A place that stays empty had no answer."""
        with self._lock:
            self._exchanges[place] = exchange

    def write(self) -> None:
        """Write the tape: to a temporary file beside it, readable by its owner only, which then takes its name.

        Raises `CmkctlError` CMK501 when that fails; a tape that was there before is then still there.
        """
        text = json.dumps(self._document(), indent=2) + "\n"
        try:
            temporary = self._temporary()
            try:
                temporary.write_text(text, encoding="utf-8")
                temporary.replace(self.path)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def _document(self) -> dict[str, Any]:
        with self._lock:
            exchanges = [each for each in self._exchanges if each]
            redactor = self.redactor
        # Redacted a second time, for values that were learnt after an exchange was kept.
        return {
            "schema": SCHEMA,
            "cmkctl": __version__,
            "cloud": self.cloud,
            "recorded_at": RECORDED_AT,
            "exchanges": [_as_json(each, redactor) for each in exchanges],
        }

    def _try_out(self) -> None:
        try:
            if self.path.is_dir():
                raise IsADirectoryError(21, os.strerror(21))
            self._temporary().unlink()
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def _temporary(self) -> Path:
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.", suffix=".tmp")
        os.close(handle)  # mkstemp makes it with mode 0600
        return Path(name)


class RecordingTransport(HttpTransport[Any, Any]):
    """A transport that hands everything to `inner` and keeps what was asked and answered on a tape.

    The answer is read into memory, also when the caller wanted a stream. A request without an answer (no connection, a
    timeout) is not an exchange and is not kept.
    """

    def __init__(self, inner: HttpTransport[Any, Any], tape: TapeWriter) -> None:
        self._inner = inner
        self._tape = tape

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(self, *details: Any) -> None:  # noqa: PYI036  azure-core hands on what it was given
        self._inner.__exit__(*details)

    def open(self) -> None:
        """Open the inner transport."""
        self._inner.open()

    def close(self) -> None:
        """Close the inner transport. The tape is written by its writer, for several clients may share a transport."""
        self._inner.close()

    def sleep(self, duration: float) -> None:
        """Sleep as the inner transport does; `duration` is in seconds."""
        self._inner.sleep(duration)

    def send(self, request: Any, **kwargs: Any) -> Any:
        """Send the request, keep the exchange, return the response. Errors of the inner transport pass through."""
        asked = asked_of(request, self._tape.redactor)  # before sending: the inner transport may rewrite the request
        url, place = request.url, self._tape.reserve()
        response = self._inner.send(request, **kwargs)
        self._tape.put(place, Exchange(asked, answered_of(url, response, self._tape.redactor)))
        return response


def _as_json(exchange: Exchange, redactor: Redactor) -> dict[str, Any]:
    asked = redacted_asked(exchange.request, redactor)
    answered = redacted_answered(exchange.request.url, exchange.response, redactor)
    return {"request": _side(asked), "response": _side(answered)}


def _side(message: Asked | Answered) -> dict[str, Any]:
    return {name: value for name, value in asdict(message).items() if name != "encoding" or value}


# --- replaying --------------------------------------------------------------------------------------------------------


class TapeMiss(CmkctlError):  # noqa: N818  a miss is what it is called
    """The tape has no answer to a request. Terminal: asking again is answered the same.

    Its diagnostic (CMK504) shows the request, the nearest recorded exchange and their difference. It is no AzureError, so
    no policy of a pipeline repeats it, and nothing takes it for something that Azure said.

    `asked` and `nearest` (None: the tape is empty) are redacted; `diff` is a unified diff, empty where the nearest is
    the same request and is used up.
    """

    def __init__(self, asked: Asked, nearest: Exchange | None, diff: str, detail: str) -> None:
        remedy = "Nothing was sent. If the request is right, record the run again: cmkctl … --record FILE"
        summary = "The tape has no such exchange"
        super().__init__(Diagnostic("CMK504", Severity.ERROR, summary, detail, remedy, subject=str(asked)))
        self.asked = asked
        self.nearest = nearest
        self.diff = diff


class Tape:
    """A recorded tape, and how far it is played. Safe for use by several threads, and by several transports at once.

    `exchanges` are in the order in which they were sent; `source` is the file's name, for messages. `redactor` is to
    know the client ids that the recording's redactor knew of this run, so that what is asked looks like what was asked.
    """

    def __init__(
        self, exchanges: Iterable[Exchange], *, cloud: str = "", source: str = "", redactor: Redactor | None = None
    ) -> None:
        self.exchanges = tuple(exchanges)
        self.cloud = cloud
        self.source = source
        self.redactor = redactor or Redactor()
        # Redacted here as well: a tape may have been made by another tool, or written by hand.
        self._asked = [redacted_asked(each.request, self.redactor) for each in self.exchanges]
        self._keys = [request_key(each) for each in self._asked]
        self._waiting: dict[RequestKey, deque[int]] = {}
        for index, key in enumerate(self._keys):
            self._waiting.setdefault(key, deque()).append(index)
        self._used: set[int] = set()
        self._repeatable: dict[RequestKey, tuple[int, int]] = {}
        self._lock = Lock()

    @classmethod
    def load(cls, path: Path, redactor: Redactor | None = None) -> Tape:
        """Read the tape in `path`. Raises `ProfileError` CMK502 when it is not there, or no tape of this schema."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            _unreadable(path, getattr(error, "strerror", None) or "It is not a text file in UTF-8.")
        _check_head(path, text)
        try:
            document = _DOCUMENT.validate_json(text, strict=True)
        except ValidationError as error:
            _unreadable(path, "\n".join(_complaints(error)))
        return cls(document.exchanges, cloud=document.cloud, source=str(path), redactor=redactor)

    def unused(self) -> tuple[Exchange, ...]:
        """Return the exchanges that nobody asked for, in recorded order: the run did not do what was recorded."""
        with self._lock:
            return tuple(each for index, each in enumerate(self.exchanges) if index not in self._used)

    def answer(self, asked: Asked) -> Answered:
        """Return the recorded answer to a redacted request, and count it as used. Raises `TapeMiss`.

        Equal requests get their answers in recorded order. A write is answered as often as it was recorded. A read may
        be asked up to ten times more when its last answer was terminal (nothing in it was still going on) and no write
        to that resource, to one above or below it, has been replayed since: polling may look once more, a second run of
        the same reads may not be told yesterday's truth.
        """
        key = request_key(asked)
        with self._lock:
            index = self._next(key)
            if index is None:
                raise self._miss(asked, key)
            self._used.add(index)
            return self.exchanges[index].response

    def _next(self, key: RequestKey) -> int | None:
        waiting = self._waiting.get(key)
        if waiting:
            index, left = waiting.popleft(), REPEATS
        elif key in self._repeatable:
            index, left = self._repeatable[key]
            left -= 1
        else:
            return None
        self._remember(key, index, left)
        return index

    def _remember(self, key: RequestKey, index: int, left: int) -> None:
        if not key.reads:
            self._repeatable = {each: kept for each, kept in self._repeatable.items() if not _related(each, key)}
        elif left > 0 and _is_terminal(self.exchanges[index].response):
            self._repeatable[key] = (index, left)
        else:
            self._repeatable.pop(key, None)

    def _miss(self, asked: Asked, key: RequestKey) -> TapeMiss:
        index = self._nearest(key)
        nearest = None if index is None else self.exchanges[index]
        diff = "" if index is None else self._diff(asked, key, index)
        told = [f"The tape {self.source} has no answer to this request:" if self.source else _NO_ANSWER, f"  {asked}"]
        told += [self._describe(key, index)] if index is not None else ["The tape is empty."]
        told += [diff] if diff else []
        return TapeMiss(asked, nearest, diff, "\n".join(told))

    def _describe(self, key: RequestKey, index: int) -> str:
        if self._keys[index] == key:
            times = self._keys.count(key)
            why = "a read is answered again only when its last answer was terminal and nothing was written since"
            rule = why if key.reads else "a write is answered as often as it was recorded"
            return f"The same request is on the tape {_times(times)}, and every answer is used; {rule}."
        used = "used" if index in self._used else "not used yet"
        return f"The nearest recorded is exchange {index + 1} of {len(self.exchanges)} ({used}):"

    def _diff(self, asked: Asked, key: RequestKey, index: int) -> str:
        if self._keys[index] == key:
            return ""
        path = urlsplit(asked.url).path
        # A path in another case is the same path on Resource Manager, so it is not shown as a difference.
        as_recorded = path if self._keys[index].path == key.path else urlsplit(self._asked[index].url).path
        recorded = self._keys[index].lines(as_recorded, self._asked[index].body)
        return "\n".join(difflib.unified_diff(recorded, key.lines(path, asked.body), "recorded", "asked", lineterm=""))

    def _nearest(self, key: RequestKey) -> int | None:
        def likeness(index: int) -> tuple[float, bool, int]:
            return _likeness(self._keys[index], key), index not in self._used, -index

        return max(range(len(self._keys)), key=likeness, default=None)


class ReplayTransport(HttpTransport[Any, Any]):
    """A transport without a network: every answer comes from the tape, everything else is a `TapeMiss`."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        """Close nothing."""

    def open(self) -> None:
        """Open nothing."""

    def close(self) -> None:
        """Close nothing; how far the tape is played stays."""

    def sleep(self, duration: float) -> None:
        """Return at once: what a tape is asked to wait for has already happened."""

    def send(self, request: Any, **_kwargs: Any) -> Any:
        """Answer from the tape, with a response of the request's own kind (legacy or rest). Raises `TapeMiss`."""
        answered = self._tape.answer(asked_of(request, self._tape.redactor))
        return _RestAnswer(request, answered) if isinstance(request, RestRequest) else _LegacyAnswer(request, answered)


_NO_ANSWER = "The tape has no answer to this request:"
_TERMINAL_STATES = frozenset(
    {"succeeded", "failed", "canceled", "cancelled", "registered", "notregistered", "unregistered"}
)


def _is_terminal(answered: Answered) -> bool:
    settled = answered.status in {HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND}
    waits = any(name.lower() == "retry-after" for name in answered.headers)
    return settled and not waits and all(state.lower() in _TERMINAL_STATES for state in _states(answered.body))


def _states(body: Any) -> Iterator[str]:
    # An operation says "status", a resource "properties.provisioningState", a resource provider "registrationState".
    if isinstance(body, Mapping):
        inner = body.get("properties")
        found = [body.get("status"), body.get("registrationState")]
        found += [inner.get("provisioningState")] if isinstance(inner, Mapping) else []
        yield from (state for state in found if isinstance(state, str))


def _related(one: RequestKey, other: RequestKey) -> bool:
    shorter = min(len(one.path), len(other.path))
    return one.origin == other.origin and one.path[:shorter] == other.path[:shorter]


def _likeness(one: RequestKey, other: RequestKey) -> float:
    # The path says most about what was meant, then the method; of bodies any ratio is good enough to choose by.
    path = difflib.SequenceMatcher(None, one.path, other.path, autojunk=False).ratio()
    body = difflib.SequenceMatcher(None, one.body, other.body).quick_ratio()
    return (
        3 * path + 2 * (one.method == other.method) + (one.origin == other.origin) + (one.query == other.query) + body
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


# --- responses for azure-core -----------------------------------------------------------------------------------------


class _LegacyAnswer(LegacyResponse):
    """An answer from a tape as an azure.core.pipeline.transport response."""

    def __init__(self, request: LegacyRequest, answered: Answered) -> None:
        super().__init__(request, None)
        self.status_code = answered.status
        self.headers = case_insensitive_dict(answered.headers)
        self.reason = _reason(answered.status)
        self.content_type = self.headers.get("Content-Type")
        self._content = content_of(answered)

    def body(self) -> bytes:
        return self._content

    def stream_download(self, pipeline: Any, **_kwargs: Any) -> Iterator[bytes]:
        del pipeline  # nothing is left to download
        return iter([self._content])


class _RestAnswer(RestResponse):
    """An answer from a tape as an azure.core.rest response. It was never a stream, so all of it is there at once."""

    def __init__(self, request: RestRequest, answered: Answered) -> None:
        self._request = request
        self._status = answered.status
        self._headers = case_insensitive_dict(answered.headers)
        self._content = content_of(answered)
        self._encoding: str | None = None  # a tape holds text, which is written out as UTF-8 whatever it was once
        self._closed = False

    @property
    def request(self) -> RestRequest:
        return self._request

    @property
    def status_code(self) -> int:
        return self._status

    @property
    def headers(self) -> MutableMapping[str, str]:
        return self._headers

    @property
    def reason(self) -> str:
        return _reason(self._status)

    @property
    def content_type(self) -> str | None:
        return self._headers.get("Content-Type")

    @property
    def is_closed(self) -> bool:
        return self._closed

    @property
    def is_stream_consumed(self) -> bool:
        return self._closed

    @property
    def encoding(self) -> str | None:
        return self._encoding

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        self._encoding = value

    @property
    def url(self) -> str:
        return self._request.url

    @property
    def content(self) -> bytes:
        return self._content

    def text(self, encoding: str | None = None) -> str:
        return self._content.decode(encoding or self._encoding or "utf-8-sig", errors="replace")

    def json(self) -> Any:
        return json.loads(self.text())

    def raise_for_status(self) -> None:
        if self._status >= _ERROR:
            raise HttpResponseError(response=self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()

    def close(self) -> None:
        self._closed = True

    def read(self) -> bytes:
        self.close()
        return self._content

    def iter_raw(self, **_kwargs: Any) -> Iterator[bytes]:
        return iter([self.read()])

    def iter_bytes(self, **_kwargs: Any) -> Iterator[bytes]:
        return iter([self.read()])


def _reason(status: int) -> str:
    with suppress(ValueError):
        return HTTPStatus(status).phrase
    return ""


# --- the file and its diagnostics -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Document:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    schema: Literal[1]
    cmkctl: str
    cloud: str
    recorded_at: str
    exchanges: list[Exchange]


_DOCUMENT = TypeAdapter(_Document)


def _check_head(path: Path, text: str) -> None:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        _unreadable(path, f"It is not JSON: {error.msg}.", error.lineno, error.colno)
    except RecursionError:
        _unreadable(path, "It is nested too deeply to be a tape.")
    if not isinstance(document, dict) or not {"schema", "exchanges"} <= document.keys():
        _unreadable(path, "It is JSON but not a tape: a tape is an object with `schema` and `exchanges`.")
    if document["schema"] != SCHEMA:
        _unreadable(path, f"Its schema is {document['schema']!r}; this cmkctl ({__version__}) reads schema {SCHEMA}.")


def _complaints(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False, include_input=False):
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in each["loc"])
        yield f"{place.lstrip('.')}: {each['msg']}"


def _unreadable(path: Path, detail: str, line: int | None = None, column: int | None = None) -> NoReturn:
    raise ProfileError(
        Diagnostic(
            code="CMK502",
            severity=Severity.ERROR,
            summary="The tape cannot be read",
            detail=detail,
            remedy="Give --replay a file that --record wrote, or record the run again: cmkctl … --record FILE",
            subject=str(path),
            location=Location(str(path), line, column),
        )
    )


def _unwritable(path: Path, error: OSError) -> CmkctlError:
    return CmkctlError(
        Diagnostic(
            code="CMK501",
            severity=Severity.ERROR,
            summary="The tape cannot be written",
            detail=f"{path}: {error.strerror or error}. Nothing is kept of a run whose tape cannot be written.",
            remedy=f"Give --record a file in a folder that exists and that you may write to: mkdir -p {path.parent}",
            subject=str(path),
            location=Location("--record"),
        )
    )
