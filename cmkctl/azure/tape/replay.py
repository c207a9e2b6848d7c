"""Replay: a transport without a network, which answers recorded requests only."""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Any, Self
from urllib.parse import urlsplit

from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest as RestRequest
from pydantic import ValidationError

from cmkctl import codes
from cmkctl.azure.redaction import Redactor
from cmkctl.azure.tape.answers import LegacyAnswer, RestAnswer
from cmkctl.azure.tape.exchange import (
    REPEATS,
    Exchange,
    RecordedRequest,
    RecordedResponse,
    RequestKey,
    recorded_request,
    redacted_request,
    request_key,
)
from cmkctl.azure.tape.file import DOCUMENT, check_head, complaints, unreadable
from cmkctl.diagnostics import CmkctlError


class TapeMiss(CmkctlError):  # noqa: N818  as in "cache miss"
    """The tape has no response to a request. Terminal: a retry fails the same way.

    Its diagnostic (CMK504) shows the request, the nearest recorded exchange and their difference. It is not an AzureError,
    so no pipeline policy retries it, and it is never classified as a response of Azure.

    `request` and `nearest` (None: the tape is empty) are redacted; `diff` is a unified diff, empty when the nearest is the
    same request with all its responses used.
    """

    def __init__(self, request: RecordedRequest, nearest: Exchange | None, diff: str, detail: str) -> None:
        remedy = "Nothing was sent. If the request is right, record the run again: cmkctl … --record FILE"
        super().__init__(codes.CMK504.error(detail, remedy, subject=str(request)))
        self.request = request
        self.nearest = nearest
        self.diff = diff


class Tape:
    """A recorded tape, and the state of its replay. Thread-safe, also across transports.

    `exchanges` are in the order of sending; `source` is the file's name, for messages. `redactor` must have the same client
    ids as the recording's redactor, so that requests match after redaction.
    """

    def __init__(
        self, exchanges: Iterable[Exchange], *, cloud: str = "", source: str = "", redactor: Redactor | None = None
    ) -> None:
        self.exchanges = tuple(exchanges)
        self.cloud = cloud
        self.source = source
        self.redactor = redactor or Redactor()
        # Redacted again: a different tool or a person may have written the tape.
        self._requests = [redacted_request(each.request, self.redactor) for each in self.exchanges]
        self._keys = [request_key(each) for each in self._requests]
        self._waiting: dict[RequestKey, deque[int]] = {}
        for index, key in enumerate(self._keys):
            self._waiting.setdefault(key, deque()).append(index)
        self._used: set[int] = set()
        self._repeatable: dict[RequestKey, tuple[int, int]] = {}
        self._lock = Lock()

    @classmethod
    def load(cls, path: Path, redactor: Redactor | None = None) -> Tape:
        """Read the tape in `path`. Raises `ProfileError` CMK502 when it is missing, or not a tape of this schema."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            unreadable(path, getattr(error, "strerror", None) or "It is not a text file in UTF-8.")
        check_head(path, text)
        try:
            document = DOCUMENT.validate_json(text, strict=True)
        except ValidationError as error:
            unreadable(path, "\n".join(complaints(error)))
        return cls(document.exchanges, cloud=document.cloud, source=str(path), redactor=redactor)

    def unused(self) -> tuple[Exchange, ...]:
        """Return the exchanges that the run did not request, in recorded order: it deviates from the recording.

        Polls are left out, since their number depends on time: further responses to a read that the run did send, and reads of
        an operation that a replayed response points to.
        """
        with self._lock:
            polled = {self._keys[index] for index in self._used if self._requests[index].method == "GET"}
            polled |= set(map(request_key, self._operations()))
            return tuple(
                each
                for index, each in enumerate(self.exchanges)
                if index not in self._used and self._keys[index] not in polled
            )

    def _operations(self) -> Iterator[RecordedRequest]:
        """Yield the polls of the operations that replayed responses point to."""
        for index in self._used:
            for name, value in self.exchanges[index].response.headers.items():
                if name.lower() in ("location", "azure-asyncoperation"):
                    yield redacted_request(RecordedRequest("GET", value), self.redactor)

    def answer(self, request: RecordedRequest) -> RecordedResponse:
        """Return the recorded response to a redacted request, and count it as used. Raises `TapeMiss`.

        Equal requests get their responses in recorded order. A write gets as many responses as were recorded. A read may be
        repeated up to ten times when its last response was terminal (no operation in progress) and no write to that resource,
        its parents or children has been replayed since: a poll may repeat, but outdated state is never returned.
        """
        key = request_key(request)
        with self._lock:
            index = self._next(key)
            if index is None:
                raise self._miss(request, key)
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

    def _miss(self, request: RecordedRequest, key: RequestKey) -> TapeMiss:
        index = self._nearest(key)
        nearest = None if index is None else self.exchanges[index]
        diff = "" if index is None else self._diff(request, key, index)
        lines = [
            f"The tape {self.source} has no response to this request:" if self.source else _NO_RESPONSE,
            f"  {request}",
        ]
        lines += [self._describe(key, index)] if index is not None else ["The tape is empty."]
        lines += [diff] if diff else []
        return TapeMiss(request, nearest, diff, "\n".join(lines))

    def _describe(self, key: RequestKey, index: int) -> str:
        if self._keys[index] == key:
            times = self._keys.count(key)
            why = "a read can repeat only after a terminal response without a later write"
            rule = why if key.reads else "a write gets as many responses as were recorded"
            return f"The same request is on the tape {_times(times)}, and every response is used; {rule}."
        used = "used" if index in self._used else "not used yet"
        return f"The nearest recorded request is exchange {index + 1} of {len(self.exchanges)} ({used}):"

    def _diff(self, request: RecordedRequest, key: RequestKey, index: int) -> str:
        if self._keys[index] == key:
            return ""
        path = urlsplit(request.url).path
        # Resource Manager ignores the case of a path, so it is not shown as a difference.
        as_recorded = path if self._keys[index].path == key.path else urlsplit(self._requests[index].url).path
        recorded = self._keys[index].lines(as_recorded, self._requests[index].body)
        return "\n".join(
            difflib.unified_diff(recorded, key.lines(path, request.body), "recorded", "requested", lineterm="")
        )

    def _nearest(self, key: RequestKey) -> int | None:
        def likeness(index: int) -> tuple[float, bool, int]:
            return _likeness(self._keys[index], key), index not in self._used, -index

        return max(range(len(self._keys)), key=likeness, default=None)


class ReplayTransport(HttpTransport[Any, Any]):
    """A transport without a network: every response comes from the tape; other requests raise `TapeMiss`."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        """Close nothing."""

    def open(self) -> None:
        """Open nothing."""

    def close(self) -> None:
        """Close nothing; the state of the replay stays."""

    def sleep(self, duration: float) -> None:
        """Return at once: nothing on a tape takes time."""

    def send(self, request: Any, **_kwargs: Any) -> Any:
        """Answer from the tape, with a response of the request's own kind (legacy or rest). Raises `TapeMiss`."""
        answered = self._tape.answer(recorded_request(request, self._tape.redactor))
        return RestAnswer(request, answered) if isinstance(request, RestRequest) else LegacyAnswer(request, answered)


_NO_RESPONSE = "The tape has no response to this request:"
_TERMINAL_STATES = frozenset(
    {"succeeded", "failed", "canceled", "cancelled", "registered", "notregistered", "unregistered"}
)


def _is_terminal(answered: RecordedResponse) -> bool:
    settled = answered.status in {HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND}
    waits = any(name.lower() == "retry-after" for name in answered.headers)
    return settled and not waits and all(state.lower() in _TERMINAL_STATES for state in _states(answered.body))


def _states(body: Any) -> Iterator[str]:
    # An operation has "status", a resource "properties.provisioningState", a resource provider "registrationState".
    if isinstance(body, Mapping):
        inner = body.get("properties")
        found = [body.get("status"), body.get("registrationState")]
        found += [inner.get("provisioningState")] if isinstance(inner, Mapping) else []
        yield from (state for state in found if isinstance(state, str))


def _related(one: RequestKey, other: RequestKey) -> bool:
    shorter = min(len(one.path), len(other.path))
    return one.origin == other.origin and one.path[:shorter] == other.path[:shorter]


def _likeness(one: RequestKey, other: RequestKey) -> float:
    # The path identifies the intention best, then the method; for bodies a rough ratio is enough.
    path = difflib.SequenceMatcher(None, one.path, other.path, autojunk=False).ratio()
    body = difflib.SequenceMatcher(None, one.body, other.body).quick_ratio()
    return (
        3 * path + 2 * (one.method == other.method) + (one.origin == other.origin) + (one.query == other.query) + body
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
