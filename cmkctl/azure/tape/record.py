"""Recording: a transport that keeps all exchanges, and a file that is written atomically."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

from azure.core.pipeline.transport import HttpTransport

from cmkctl import __version__
from cmkctl.azure.errors import UndecodableResponse
from cmkctl.azure.redaction import Redactor
from cmkctl.azure.tape.exchange import (
    RECORDED_AT,
    SCHEMA,
    Exchange,
    RecordedRequest,
    RecordedResponse,
    recorded_request,
    recorded_response,
    redacted_request,
    redacted_response,
)
from cmkctl.azure.tape.file import unwritable
from cmkctl.diagnostics import CmkctlError
from cmkctl.files import try_out, write_whole


class TapeWriter:
    """A tape being recorded: exchanges in memory, redacted before they are kept, and a file written atomically.

    The constructor checks that the file can be written, before any request is sent; raises `CmkctlError` CMK501. As a context
    manager it writes at the end of the run, also of a failed one, which is the one worth reading. Thread-safe.
    """

    def __init__(self, path: Path, *, cloud: str, redactor: Redactor | None = None) -> None:
        self.path = path
        self.cloud = cloud
        self.redactor = redactor or Redactor()
        self._exchanges: list[Exchange | None] = []
        self._lock = Lock()
        try:
            try_out(path)
        except OSError as error:
            raise unwritable(path, error) from error

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
            error.add_note(str(unwritten))  # the run's own error comes first

    def learn(self, *, secrets: Iterable[str] = (), client_ids: Iterable[str] = ()) -> None:
        """Redact these values, too, from now on and in what is already recorded."""
        with self._lock:
            self.redactor = self.redactor.with_values(secrets, client_ids)

    def reserve(self) -> int:
        """Return the place of a request that is about to be sent. Exchanges are written in the order of sending."""
        with self._lock:
            self._exchanges.append(None)
            return len(self._exchanges) - 1

    def put(self, place: int, exchange: Exchange) -> None:
        """Keep an exchange at the place that `reserve` gave out. A place that stays empty had no response."""
        with self._lock:
            self._exchanges[place] = exchange

    def write(self) -> None:
        """Write the tape: to a temporary file beside it, readable by its owner only, which then replaces it.

        Raises `CmkctlError` CMK501 when that fails and leaves an older tape in place.
        """
        text = json.dumps(self._document(), indent=2) + "\n"
        try:
            write_whole(self.path, text)
        except OSError as error:
            raise unwritable(self.path, error) from error

    def _document(self) -> dict[str, Any]:
        with self._lock:
            exchanges = [each for each in self._exchanges if each]
            redactor = self.redactor
        # Redacted again, for values that were learnt later.
        return {
            "schema": SCHEMA,
            "cmkctl": __version__,
            "cloud": self.cloud,
            "recorded_at": RECORDED_AT,
            "exchanges": [_as_json(each, redactor) for each in exchanges],
        }


class RecordingTransport(HttpTransport[Any, Any]):
    """A transport that passes every request to `inner` and records the exchange on a tape.

    The response is read into memory, even if the caller requested a stream. A request without a response (no connection, a
    timeout), or with an unreadable one, is not recorded.
    """

    def __init__(self, inner: HttpTransport[Any, Any], tape: TapeWriter) -> None:
        self._inner = inner
        self._tape = tape

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(self, *details: Any) -> None:  # noqa: PYI036  azure-core passes its arguments on
        self._inner.__exit__(*details)

    def open(self) -> None:
        """Open the inner transport."""
        self._inner.open()

    def close(self) -> None:
        """Close the inner transport. Several clients may share it, so only the writer writes the tape."""
        self._inner.close()

    def sleep(self, duration: float) -> None:
        """Sleep as the inner transport does; `duration` is in seconds."""
        self._inner.sleep(duration)

    def send(self, request: Any, **kwargs: Any) -> Any:
        """Send the request, keep the exchange, return the response. Errors of the inner transport pass through."""
        # Before sending: the inner transport may rewrite the request.
        sent = recorded_request(request, self._tape.redactor)
        url, place = request.url, self._tape.reserve()
        response = self._inner.send(request, **kwargs)
        with suppress(UndecodableResponse):  # the pipeline reports the error
            self._tape.put(place, Exchange(sent, recorded_response(url, response, self._tape.redactor)))
        return response


def _as_json(exchange: Exchange, redactor: Redactor) -> dict[str, Any]:
    request = redacted_request(exchange.request, redactor)
    response = redacted_response(exchange.request.url, exchange.response, redactor)
    return {"request": _side(request), "response": _side(response)}


def _side(message: RecordedRequest | RecordedResponse) -> dict[str, Any]:
    return {name: value for name, value in asdict(message).items() if name != "encoding" or value}
