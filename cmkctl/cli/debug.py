"""The lines of ``--debug``: each request with its response, redacted and shortened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from cmkctl.azure.errors import UndecodableResponse
from cmkctl.azure.redaction import Redactor
from cmkctl.azure.tape.exchange import recorded_request, recorded_response
from cmkctl.azure.traffic import ObservedExchange

_LONGEST: Final = 1000
_HEADERS: Final = ("Retry-After", "Location", "Azure-AsyncOperation", "WWW-Authenticate")


def lines_of(exchange: ObservedExchange, redactor: Redactor) -> Iterator[str]:
    """One line for the request, and one for each body and each header that decides what happens next."""
    status = exchange.status or f"no response ({exchange.error})"
    ids = f", correlation id {exchange.correlation_id}" if exchange.correlation_id else ""
    request = recorded_request(exchange.request, redactor)
    yield f"{exchange.at:%H:%M:%S.%f} {exchange.method} {_short(request.url)} {status}, {exchange.seconds:.2f} s{ids}"
    if request.body is not None:
        yield f"  > {_short(request.body)}"
    if exchange.response is None:
        return
    yield from (f"  {name}: {_short(redactor.text(value))}" for name in _HEADERS if (value := exchange.header(name)))
    try:
        response = recorded_response(exchange.request.url, exchange.response, redactor)
    except UndecodableResponse as error:  # the sender decodes it as well and reports the error
        yield f"  < {error}"
        return
    if response.body is not None:
        yield f"  < {_short(response.body)}"


def _short(body: Any) -> str:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
