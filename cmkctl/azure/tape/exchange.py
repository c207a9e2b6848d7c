"""The exchange on a tape: one request with its response, redacted, and the equality of requests."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, ClassVar, Literal, TypeAlias
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from azure.core.pipeline.transport import HttpRequest as LegacyRequest
from azure.core.pipeline.transport import HttpResponse as LegacyResponse
from azure.core.rest import HttpRequest as RestRequest
from azure.core.rest import HttpResponse as RestResponse
from pydantic import ConfigDict

from cmkctl.azure.decoding import body_of
from cmkctl.azure.policies import SANDBOX_HEADER
from cmkctl.azure.redaction import Redactor, parse_json, scrub

SCHEMA = 1
"""The version of the tape format. It increases when older versions of cmkctl would misread a tape."""

RECORDED_AT = "2001-02-03T04:05:06Z"
"""The recording date on every tape. Fixed, so that recording the same traffic twice gives the same file and a diff of two
tapes shows only what Azure did; the true date is in the history of the repository."""

KEPT_HEADERS = frozenset(
    {
        *("content-type", "retry-after", "retry-after-ms", "x-ms-retry-after-ms"),
        *("location", "azure-asyncoperation", "operation-location", "www-authenticate"),
        *("x-ms-request-id", "x-ms-correlation-request-id", "x-ms-error-code", SANDBOX_HEADER),
    },
)
"""The response headers that are recorded, besides ``x-ms-ratelimit-…``. Request headers are not recorded."""

REPEATS = 10
"""The number of times that a terminal response to a read is repeated after the last recorded one."""

Encoding: TypeAlias = Literal["base64"] | None
"""The encoding of a body on a tape: None for text and JSON, base64 for other bytes."""

Request = LegacyRequest | RestRequest
Response = LegacyResponse | RestResponse


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """The request of an exchange, redacted: `method` in capitals, the whole `url`, the `body`.

    A JSON object or array is stored as that value, any other text as a string, a missing body as None; bytes that are not
    text are stored as base64, with `encoding` set.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    method: str
    url: str
    body: Any = None
    encoding: Encoding = None

    def __post_init__(self) -> None:
        if self.encoding:
            content_of(self)  # raises ValueError at loading, not during a replay

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """The response of an exchange, redacted: HTTP status, the headers that are kept, and a body as in `RecordedRequest`."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    encoding: Encoding = None

    def __post_init__(self) -> None:
        if self.encoding:
            content_of(self)  # raises ValueError at loading, not during a replay


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with its response."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    request: RecordedRequest
    response: RecordedResponse

    def __str__(self) -> str:
        return f"{self.request} → {self.response.status}"


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The part of a request that must match: see `request_key`. The diff of a miss compares its text."""

    method: str
    origin: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    body: str

    @property
    def reads(self) -> bool:
        """True for a request that changes nothing: GET and HEAD."""
        return self.method in {"GET", "HEAD"}

    def lines(self, path: str, body: Any) -> list[str]:
        """Format the request for people, one line for each part that can differ; `path` is the spelling to show."""
        query = [f"  {'&' if index else '?'}{name}={value}" for index, (name, value) in enumerate(self.query)]
        shown = body if isinstance(body, str) else json.dumps(body, indent=2, sort_keys=True)
        return [f"{self.method} {self.origin}{unquote(path)}", *query, *([] if body is None else shown.splitlines())]


def request_key(request: RecordedRequest) -> RequestKey:
    """Return the key by which a request is matched.

    Host names are compared without regard to case; so are paths on Azure Resource Manager, which does that itself (it
    returns ``Microsoft.Keyvault`` for ``Microsoft.KeyVault``); those of Graph, Key Vault and all other hosts are exact.
    Segments and query are percent-decoded; the order of the query is ignored, its values are exact. JSON bodies are compared
    as values: the order of names and the spacing are ignored, ``1``, ``1.0`` and ``true`` differ.
    """
    url = urlsplit(request.url)
    host = (url.hostname or "").lower()
    port = "" if url.port in {None, {"http": 80, "https": 443}.get(url.scheme)} else f":{url.port}"
    path = url.path.lower() if host.startswith("management.") else url.path
    return RequestKey(
        request.method.upper(),
        f"{url.scheme}://{host}{port}",
        tuple(unquote(segment) for segment in path.split("/")),
        tuple(sorted(parse_qsl(url.query, keep_blank_values=True))),
        f"{request.encoding or ''}:{json.dumps(request.body, sort_keys=True)}",
    )


def recorded_request(request: Request, redactor: Redactor) -> RecordedRequest:
    """Return the redacted `RecordedRequest` of an azure-core request, legacy or rest. Raises TypeError for a streamed body."""
    body, encoding = _decode(_sent_bytes(request))
    return redacted_request(RecordedRequest(request.method.upper(), request.url, body, encoding), redactor)


def recorded_response(url: str, response: Response, redactor: Redactor) -> RecordedResponse:
    """Return the redacted `RecordedResponse` of an azure-core response to a request for `url`; its body is read into memory.

    Raises UndecodableResponse for a body that is truncated or contradicts its headers.
    """
    body, encoding = _decode(body_of(response))
    headers = {name: value for name, value in sorted(response.headers.items()) if _is_kept(name)}
    return redacted_response(url, RecordedResponse(response.status_code, headers, body, encoding), redactor)


def redacted_request(request: RecordedRequest, redactor: Redactor) -> RecordedRequest:
    """Return the request without its secrets: those in its URL, in its body, and a body that sets a secret."""
    sets_secret = "/secrets/" in urlsplit(request.url).path.lower()
    body, encoding = _redacted_body(request, redactor, scrubbed=sets_secret)
    return RecordedRequest(request.method, redactor.text(request.url), body, encoding)


def redacted_response(url: str, answered: RecordedResponse, redactor: Redactor) -> RecordedResponse:
    """Return the response to a request for `url` without its secrets. Of listKeys and similar only the structure remains."""
    secrets = answered.status < ERROR and bool(_SECRET_ANSWERS.search(urlsplit(url).path))
    body, encoding = _redacted_body(answered, redactor, scrubbed=secrets)
    headers = {name: redactor.text(value) for name, value in answered.headers.items()}
    return RecordedResponse(answered.status, headers, body, encoding)


def content_of(message: RecordedRequest | RecordedResponse) -> bytes:
    """Return the bytes of a body on a tape. JSON is serialised again, without its spacing and byte order mark.

    Raises ValueError for invalid base64.
    """
    if message.body is None:
        return b""
    if message.encoding:
        return base64.b64decode(message.body, validate=True)
    return (message.body if isinstance(message.body, str) else json.dumps(message.body)).encode()


ERROR = 400
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
        content = urlencode(content, doseq=True)  # a form, which the transport encodes
    if content is None or isinstance(content, str):
        return (content or "").encode("utf-8", "surrogatepass")
    if isinstance(content, bytes):
        return content
    if isinstance(content, BytesIO):
        return content.getvalue()  # the azure-mgmt clients pass a file body this way
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


def _redacted_body(
    message: RecordedRequest | RecordedResponse, redactor: Redactor, *, scrubbed: bool
) -> tuple[Any, Encoding]:
    if scrubbed:
        return scrub(message.body), None
    if message.encoding is None:
        return redactor.redact(message.body), None
    # In latin-1 every byte is a character, so secrets in binary data are found, too.
    redacted = redactor.text(content_of(message).decode("latin-1")).encode("latin-1")
    return base64.b64encode(redacted).decode(), "base64"
