"""The request log: in memory for tests, as JSON lines beside the state file for users. It contains no secret."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self, TextIO, overload

from cmkctl.sandbox.core.clouds import Service

READS = ("GET", "HEAD", "OPTIONS")
QUESTIONS = frozenset({"checkpolicyrestrictions", "checknameavailability", "validate", "resources"})
"""The last segments of the POST requests that only query, in lower case."""
KEPT = 4000
"""The number of requests kept in memory; beyond it the older half is dropped. The file keeps all."""

HEADERS_SENT = ("accept", "content-type", "user-agent", "x-ms-client-request-id", "x-ms-correlation-request-id")
HEADERS_ANSWERED = ("retry-after", "location", "azure-asyncoperation", "x-ms-request-id", "www-authenticate")
HEADER_LENGTH = 200
BODIES = ("body", "response")
TEXTS = ("body_text", "response_text")
LARGE = 65536
"""Longer bodies are in the file only, where there is one: every list of a full sandbox is megabytes."""


@dataclass(frozen=True)
class LoggedRequest:
    """One request and its answer.

    `body` is the request's body, parsed when it is JSON; None for requests to the login host, whose bodies carry
    secrets. `response` is the answer's body, None where there was none or it carried a secret. Both are kept as text, so
    that what is logged stays as it was. `duration` is in seconds, `started` in seconds since the epoch on this machine.
    Of the headers a few are kept, and never Authorization. `dropped` means that the client never got the response.
    """

    method: str
    host: str
    path: str
    query: str
    api_version: str
    status: int
    duration: float
    service: str
    started: float = 0.0
    dropped: bool = False
    sent: Mapping[str, str] = field(default_factory=dict)
    answered: Mapping[str, str] = field(default_factory=dict)
    body_text: str | None = None
    response_text: str | None = None

    @property
    def is_write(self) -> bool:
        """True if this may have changed something: neither GET nor HEAD nor a question, and to ARM, Graph or a vault."""
        if self.method == "POST" and self.path.rpartition("/")[2].lower() in QUESTIONS:
            return False
        return self.method not in READS and self.service in {
            Service.ARM.value,
            Service.GRAPH.value,
            Service.VAULT.value,
        }

    @property
    def body(self) -> Any:
        """The request's body."""
        return None if self.body_text is None else json.loads(self.body_text)

    @property
    def response(self) -> Any:
        """The answer's body."""
        return None if self.response_text is None else json.loads(self.response_text)

    def line(self) -> str:
        """Return the entry as one line of JSON."""
        names = [row.name for row in fields(self) if not row.name.endswith("_text")]
        head = json.dumps({name: getattr(self, name) for name in names}, separators=(",", ":"))
        return f'{head[:-1]},"body":{self.body_text or "null"},"response":{self.response_text or "null"}}}'

    @classmethod
    def of_line(cls, line: str) -> Self:
        """Read an entry from its line."""
        row: dict[str, Any] = json.loads(line)
        for name in BODIES:
            body = row.pop(name)
            row[f"{name}_text"] = None if body is None else json.dumps(body)
        return cls(**row)


class RequestLog(Sequence[LoggedRequest]):
    """The requests since the server started (or since `clear`), oldest first; also appended to a file, if there is one."""

    def __init__(self, path: Path | None = None) -> None:
        """Keep the log in memory, and in `path` as JSON lines unless that is None."""
        self.path = path
        self._entries: list[LoggedRequest] = []
        self._file = _private(path) if path else None

    def add(self, entry: LoggedRequest) -> None:
        """Append one request."""
        if self._file is not None:
            self._file.write(entry.line())
            self._file.write("\n")
            large: dict[str, Any] = {name: None for name in TEXTS if len(getattr(entry, name) or "") > LARGE}
            entry = replace(entry, **large) if large else entry
        self._entries.append(entry)
        if len(self._entries) > KEPT:
            del self._entries[: KEPT // 2]

    def clear(self) -> None:
        """Forget everything, in memory and in the file."""
        self._entries.clear()
        if self._file is not None:
            self._file.truncate(0)

    def flush(self) -> None:
        """Write out what is buffered."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def writes(self) -> list[LoggedRequest]:
        """Return the requests that may have changed something; token requests are not among them."""
        return [entry for entry in list(self._entries) if entry.is_write]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[LoggedRequest]:
        return iter(list(self._entries))

    @overload
    def __getitem__(self, index: int) -> LoggedRequest: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[LoggedRequest]: ...
    def __getitem__(self, index: int | slice) -> LoggedRequest | Sequence[LoggedRequest]:
        return self._entries[index]


def _private(path: Path) -> TextIO:
    """Open a file at its end; only the user may read it, also if it was made by an older cmkctl."""
    stream = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8")
    path.chmod(0o600)
    return stream


SECRET_ACTIONS = ("list", "regenerate", "generate", "sharedkeys")
TELEMETRY = re.compile(r"(?:dc\.services\.visualstudio\.com|(?:.*\.)?applicationinsights\.azure\.com)")
"""Hosts to which the az CLI and the SDKs send what they find out about their users."""


def is_telemetry(host: str) -> bool:
    """Return whether a host takes clients' telemetry: it is refused like any other, and not worth a line of the log."""
    return TELEMETRY.fullmatch(host) is not None


def carries_secret(service: Service, path: str) -> bool:
    """Return whether the bodies of a request must not be kept: tokens, and whatever an action on keys answers."""
    return service is Service.LOGIN or path.lower().rsplit("/", 1)[-1].startswith(SECRET_ACTIONS)


def kept(headers: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """Return those of some headers that are kept, each cut to `HEADER_LENGTH`."""
    return {name: value[:HEADER_LENGTH] for name, value in headers.items() if name.lower() in names}


def read_file(path: Path) -> list[LoggedRequest]:
    """Return the entries of a log file; a last line that is still being written is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [LoggedRequest.of_line(line) for line in lines if line]
