"""What was asked and answered: in memory for tests, as JSON lines beside the state file for people. Never a secret."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, overload

from cmkctl.sandbox.clouds import Service

READS = ("GET", "HEAD", "OPTIONS")
_KEPT = 4000


@dataclass(frozen=True)
class LoggedRequest:
    """One request and its answer.

    `body` is the request's body, parsed when it is JSON; None for requests to the login host, whose bodies carry
    secrets. `response` is the answer's body, None where there was none or it carried a secret. `duration` is in
    seconds. The Authorization header is never kept.
    """

    method: str
    host: str
    path: str
    query: str
    api_version: str
    body: Any
    status: int
    response: Any
    duration: float
    service: str

    @property
    def is_write(self) -> bool:
        """Whether this may have changed something: not GET or HEAD, and to ARM, Graph or a vault."""
        return self.method not in READS and self.service in {
            Service.ARM.value,
            Service.GRAPH.value,
            Service.VAULT.value,
        }


class RequestLog(Sequence[LoggedRequest]):
    """The requests since the server started (or since `clear`), oldest first; also appended to a file, if there is one."""

    def __init__(self, path: Path | None = None) -> None:
        """Keep the log in memory, and in `path` as JSON lines unless that is None."""
        self.path = path
        self._entries: list[LoggedRequest] = []
        self._file = path.open("a", encoding="utf-8") if path else None

    def add(self, entry: LoggedRequest) -> None:
        """Append one request."""
        self._entries.append(entry)
        if len(self._entries) > 2 * _KEPT and self._file is not None:
            del self._entries[:_KEPT]
        if self._file is not None:
            json.dump(asdict(entry), self._file, separators=(",", ":"))
            self._file.write("\n")

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


def carries_secret(service: Service, path: str) -> bool:
    """Say whether the bodies of a request must not be kept: tokens, and whatever a list…Keys action answers."""
    return service is Service.LOGIN or path.lower().rsplit("/", 1)[-1].startswith("list")


def read_file(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a log file; a last line that is still being written is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines if line]
