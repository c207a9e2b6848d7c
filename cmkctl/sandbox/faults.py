"""Named failures that can be switched on: counted, composable, and the same every time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from email.utils import formatdate
from fnmatch import fnmatch

from cmkctl.sandbox.messages import Call, Reply

WRITES = ("PUT", "POST", "PATCH", "DELETE")


@dataclass(frozen=True)
class FaultKind:
    """What a fault does and how often it does so unless told otherwise (0 means always)."""

    name: str
    summary: str
    times: int


KINDS = {
    kind.name: kind
    for kind in (
        FaultKind("throttle-seconds", "429 with Retry-After in seconds, on any ARM request", 1),
        FaultKind("throttle-date", "429 with Retry-After as an HTTP date, on any ARM request", 1),
        FaultKind("unavailable-once", "503 ServerTimeout, on any ARM request", 1),
        FaultKind("reset-after-write", "an ARM write is done, then the connection closes without an answer", 1),
        FaultKind("slow-grant", "a new grant takes effect only after some reads (the pace)", 0),
    )
}


@dataclass
class Fault:
    """One switched-on fault: its kind, the paths it is for, and how many times it still strikes (None: always)."""

    kind: FaultKind
    left: int | None
    pattern: str = "*"

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read ``NAME``, ``NAME:3`` (three times) or ``NAME@PATTERN`` (only paths like ``*/workspaces/*``).

        Raises:
            ValueError: there is no such fault, or the number is not a number.

        """
        name, _, pattern = text.partition("@")
        name, _, times = name.partition(":")
        if name not in KINDS:
            raise ValueError(f"there is no fault {name!r}; there are {', '.join(KINDS)}")
        if times and (not times.isdigit() or int(times) == 0):
            raise ValueError(f"fault {text!r}: the number of times must be 1 or more")
        count = int(times) if times else KINDS[name].times
        return cls(KINDS[name], count or None, pattern or "*")

    def strike(self, path: str) -> bool:
        """Say whether the fault happens to a request for `path`, and count it."""
        if self.left == 0 or not fnmatch(path.lower(), self.pattern.lower()):
            return False
        if self.left is not None:
            self.left -= 1
        return True


@dataclass
class Faults:
    """The faults of one running sandbox."""

    active: list[Fault] = field(default_factory=list)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "Faults":
        """Read several faults; see `Fault.parse`."""
        return cls([Fault.parse(text) for text in texts])

    def add(self, text: str) -> None:
        """Switch one more fault on; see `Fault.parse`."""
        self.active.append(Fault.parse(text))

    def strikes(self, name: str, path: str) -> bool:
        """Say whether a fault of that name happens now, and count it."""
        return any(fault.kind.name == name and fault.strike(path) for fault in self.active)

    def before(self, call: Call, now: float) -> Reply | None:
        """Return the answer a fault gives instead of the service, if any."""
        if not self.active:
            return None
        if self.strikes("throttle-seconds", call.path):
            return _throttled("2")
        if self.strikes("throttle-date", call.path):
            return _throttled(formatdate(now + 2, usegmt=True))
        if self.strikes("unavailable-once", call.path):
            # The code was recorded from Azure (recording 60); the words are the sandbox's.
            return Reply(503, {"error": {"code": "ServerTimeout", "message": "[sandbox] The request timed out."}})
        return None

    def after(self, call: Call, reply: Reply) -> Reply:
        """Return what the client gets once the service has answered."""
        if self.active and call.method in WRITES and self.strikes("reset-after-write", call.path):
            return Reply(drop=True, status=reply.status, body=reply.body)
        return reply


def _throttled(retry_after: str) -> Reply:
    text = "[sandbox] Number of requests exceeded the limit. Please try again after the time in Retry-After."
    error = {"error": {"code": "SubscriptionRequestsThrottled", "message": text}}
    return Reply(429, error, {"Retry-After": retry_after})
