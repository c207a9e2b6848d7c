"""What is on a tape: one request and the answer to it, redacted, and when two requests are the same."""

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
"""The number of the tape format. It goes up when an older cmkctl could no longer read a tape rightly."""

RECORDED_AT = "2001-02-03T04:05:06Z"
"""What every tape says about when it was made. Fixed, so that recording the same traffic twice gives the same file and
a diff of two tapes shows what Azure did, not when; the true date is in the history of the repository."""

KEPT_HEADERS = frozenset(
    {
        *("content-type", "retry-after", "retry-after-ms", "x-ms-retry-after-ms"),
        *("location", "azure-asyncoperation", "operation-location", "www-authenticate"),
        *("x-ms-request-id", "x-ms-correlation-request-id", "x-ms-error-code", SANDBOX_HEADER),
    },
)
"""The response headers that go on a tape, besides ``x-ms-ratelimit-…``. Of a request no header does."""

REPEATS = 10
"""How often a terminal answer to a read is given again after its recorded ones are used up."""

Encoding: TypeAlias = Literal["base64"] | None
"""How the body of a message on a tape is encoded: not at all (it is text or JSON), or as base64 (it is neither)."""

Request = LegacyRequest | RestRequest
Response = LegacyResponse | RestResponse


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


def asked_of(request: Request, redactor: Redactor) -> Asked:
    """Return the redacted `Asked` of an azure-core request, legacy or rest. Raises TypeError for a streamed body."""
    body, encoding = _decode(_sent_bytes(request))
    return redacted_asked(Asked(request.method.upper(), request.url, body, encoding), redactor)


def answered_of(url: str, response: Response, redactor: Redactor) -> Answered:
    """Return the redacted `Answered` of an azure-core response to a request for `url`; its body is read into memory.

    Raises UndecodableResponse for a body that breaks off or is not what its headers say.
    """
    body, encoding = _decode(body_of(response))
    headers = {name: value for name, value in sorted(response.headers.items()) if _is_kept(name)}
    return redacted_answered(url, Answered(response.status_code, headers, body, encoding), redactor)


def redacted_asked(asked: Asked, redactor: Redactor) -> Asked:
    """Return the request without its secrets: those in its URL, in its body, and a body that sets a secret."""
    sets_secret = "/secrets/" in urlsplit(asked.url).path.lower()
    body, encoding = _redacted_body(asked, redactor, scrubbed=sets_secret)
    return Asked(asked.method, redactor.text(asked.url), body, encoding)


def redacted_answered(url: str, answered: Answered, redactor: Redactor) -> Answered:
    """Return the answer to a request for `url` without its secrets. Of listKeys and its like only the form is left."""
    secrets = answered.status < ERROR and bool(_SECRET_ANSWERS.search(urlsplit(url).path))
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
