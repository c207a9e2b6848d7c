"""Replaying: a transport without a network, strict about what it is asked."""

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
    Answered,
    Asked,
    Exchange,
    RequestKey,
    asked_of,
    redacted_asked,
    request_key,
)
from cmkctl.azure.tape.file import DOCUMENT, check_head, complaints, unreadable
from cmkctl.diagnostics import CmkctlError


class TapeMiss(CmkctlError):  # noqa: N818  a miss is what it is called
    """The tape has no answer to a request. Terminal: asking again is answered the same.

    Its diagnostic (CMK504) shows the request, the nearest recorded exchange and their difference. It is no AzureError, so
    no policy of a pipeline repeats it, and nothing takes it for something that Azure said.

    `asked` and `nearest` (None: the tape is empty) are redacted; `diff` is a unified diff, empty where the nearest is
    the same request and is used up.
    """

    def __init__(self, asked: Asked, nearest: Exchange | None, diff: str, detail: str) -> None:
        remedy = "Nothing was sent. If the request is right, record the run again: cmkctl … --record FILE"
        super().__init__(codes.CMK504.error(detail, remedy, subject=str(asked)))
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
            unreadable(path, getattr(error, "strerror", None) or "It is not a text file in UTF-8.")
        check_head(path, text)
        try:
            document = DOCUMENT.validate_json(text, strict=True)
        except ValidationError as error:
            unreadable(path, "\n".join(complaints(error)))
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
        return RestAnswer(request, answered) if isinstance(request, RestRequest) else LegacyAnswer(request, answered)


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
