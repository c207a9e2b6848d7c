"""What the tests of the tape share: an Azure made of a function, clients over a transport, reference recordings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests
from azure.core.credentials import AccessToken
from azure.core.pipeline import Pipeline
from azure.core.pipeline.transport import HttpTransport, RequestsTransport
from azure.core.rest import HttpRequest
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from cmkctl.azure.redaction import Redactor
from cmkctl.azure.tape import Exchange, RecordedRequest, RecordedResponse, Tape, recorded_request
from cmkctl.plan import Request, fulfils
from support.reference import RECORDINGS, require_reference

ARM = "https://management.azure.com"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
GROUP = f"{ARM}/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ml?api-version=2024-03-01"
VAULT = f"{ARM}/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ml/providers/Microsoft.KeyVault/vaults/kv?api-version=1"

Answer = tuple[int, Mapping[str, str], bytes]
Azure = Callable[[requests.PreparedRequest], Answer]


class FakeNetwork(BaseAdapter):
    """The network of a requests session, answered by a function, so that azure-core's real transport is what runs."""

    def __init__(self, azure: Azure) -> None:
        super().__init__()
        self._azure = azure

    def send(self, request: requests.PreparedRequest, *_args: Any, **_kwargs: Any) -> requests.Response:
        """Answer as a server would, with a body that can be read once."""
        status, headers, body = self._azure(request)
        response = requests.Response()
        response.status_code = status
        response.headers.update(headers)
        response.raw = HTTPResponse(BytesIO(body), headers=dict(headers), status=status, preload_content=False)
        response.request, response.url = request, request.url or ""
        return response

    def close(self) -> None:
        """Close nothing."""


def network(azure: Azure) -> RequestsTransport:
    """Azure-core's own transport, over a network that ends in `azure`."""
    session = requests.Session()
    session.mount("https://", FakeNetwork(azure))
    return RequestsTransport(session=session, session_owner=False)


def always(status: int, body: Any = None, **headers: str) -> Azure:
    """Make an Azure with one answer; header names are given with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return lambda _request: (status, named, content)


def send(transport: HttpTransport[Any, Any], method: str, url: str, body: Any = None) -> Any:
    """Send one rest request through a pipeline without policies; the response."""
    request = HttpRequest(method, url, content=body) if isinstance(body, bytes) else HttpRequest(method, url, json=body)
    return Pipeline(transport).run(request).http_response


class FixedCredential:
    """A credential whose token everybody may know."""

    def get_token(self, *_scopes: str, **_kwargs: Any) -> AccessToken:
        """Return the same token for every scope."""
        return AccessToken("a-token", 4102444800)


def exchange(
    method: str, url: str, body: Any = None, *, status: int = 200, answer: Any = None, **headers: str
) -> Exchange:
    """Make an exchange as it stands on a tape."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Exchange(RecordedRequest(method, url, body), RecordedResponse(status, named, answer))


def reference(name: str) -> Mapping[str, Any]:
    """One of the recordings of the real Azure; the test is skipped where they are not."""
    require_reference()
    document: Mapping[str, Any] = json.loads((RECORDINGS / name).read_text(encoding="utf-8"))
    return document


def from_recording(recording: Mapping[str, Any]) -> Tape:
    """Read a reference recording as a tape. Its form has `uri` for url, and request headers, which are ignored."""

    def one(interaction: Mapping[str, Any]) -> Exchange:
        request, response = interaction["request"], interaction["response"]
        return Exchange(
            RecordedRequest(request["method"], request["uri"], _body(request["body"])),
            RecordedResponse(response["status"], response["headers"], _body(response["body"])),
        )

    return Tape([one(each) for each in recording["interactions"]], cloud="AzureCloud")


def sent_again(each: Exchange) -> HttpRequest:
    """Make the request of an exchange, to be sent once more."""
    body = each.request.body
    content = body if body is None or isinstance(body, str) else json.dumps(body)
    return HttpRequest(each.request.method, each.request.url, content=content)


def recorded_writes(tape: Tape, resource: str) -> list[Exchange]:
    """Find the writes on a tape whose path ends in `resource`, a regular expression."""
    writes = (each for each in tape.exchanges if each.request.method not in {"GET", "HEAD"})
    return [each for each in writes if re.search(f"(?:{resource})$", urlsplit(each.request.url).path, re.IGNORECASE)]


def is_planned(planned: Request, recorded: Exchange, *, host: str = ARM) -> bool:
    """Return True if a recorded write is the planned one: same method and URL, and a body that fulfils the shown one."""
    url = f"{planned.host or host}{planned.path}?api-version={planned.api_version}"
    shown = recorded_request(HttpRequest(planned.method, url), Redactor())
    same = (shown.method, shown.url.lower()) == (recorded.request.method, recorded.request.url.lower())
    return same and fulfils(Redactor().redact(planned.body), recorded.request.body)


def _body(body: Any) -> Any:
    return None if body == "" else body
