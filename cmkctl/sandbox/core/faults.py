"""Named failures that can be switched on: counted, aimed, composable, and the same every time.

A fault is written ``NAME[:TIMES][~LENGTH][@TARGET]``: ``throttle-seconds:3@workspaces`` happens to the first three
requests whose path has ``workspaces`` in it. This module knows the names and the counting; what a fault does is
implemented in `planes/connection_faults.py`, `workspace_faults.py`, `spawned_faults.py`, and the callers of `Tenant.lag`.
"""

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.pace import Countdown, parse_span

COVERAGE = Area(
    "time and faults",
    supported=(
        "what takes time advances by reads, by seconds, or as long as in Azure (`--pace`, `--latency`); the clock can be put on",
        "named, counted, aimed faults: `cmkctl sandbox faults`",
    ),
    guesses=("`slow-grant` takes effect by counted reads; in Azure it is time, seconds to minutes",),
)

RANDOM = "random"
FORM = re.compile(r"(?P<name>[a-z0-9-]+)(?::(?P<times>[^~@]*))?(?:~(?P<length>[^@]*))?(?:@(?P<target>.*))?")
TARGET = re.compile(r"(?:(GET|HEAD|PUT|PATCH|POST|DELETE)(?::|$))?(.*)")


@dataclass(frozen=True)
class FaultKind:
    """The effect of a fault, and how often it occurs by default (0: always)."""

    name: str
    summary: str
    times: int = 1


KINDS = {
    kind.name: kind
    for kind in (
        FaultKind("throttle-seconds", "429 with Retry-After in seconds"),
        FaultKind("throttle-date", "429 with Retry-After as an HTTP date"),
        FaultKind("throttle-text", "429 that has the delay only in its text"),
        FaultKind("throttle-bare", "429 without a delay"),
        FaultKind("throttle-capital", "429 with Code and Message in capitals, and no error object"),
        FaultKind("throttle-retryable", "429 RetryableError with the reason in its details"),
        FaultKind("error-500", "500 InternalServerError and no more"),
        FaultKind("error-502", "502 BadGatewayConnection"),
        FaultKind("unavailable-once", "503 ServerTimeout"),
        FaultKind("error-504", "504 GatewayTimeout; nothing was done"),
        FaultKind("timeout-after-write", "504 GatewayTimeout to a write that was done, such as @PUT:vaults"),
        FaultKind("poll-html-500", "500 with a page of HTML to the poll of an operation, which goes on"),
        FaultKind("recover-500", '500 {"Message": "An error has occurred."} to the recovery of a vault'),
        FaultKind("reset-before-write", "a write is not done, and the connection closes without an answer"),
        FaultKind("reset-after-write", "a write is done, then the connection closes without an answer"),
        FaultKind("token-expired", "401 ExpiredAuthenticationToken to the poll of an operation"),
        FaultKind("short-tokens", "tokens last five seconds", 0),
        FaultKind("slow-grant", "a new grant takes effect later: after some ARM reads (the pace), or ~LENGTH", 0),
        FaultKind("slow-principal", "a new principal is not found by role assignments that do not name its type", 0),
        FaultKind("late-failure", "the creation of a workspace or disk encryption set fails late, with a nested cause"),
        FaultKind("failure-cached", "a workspace name that failed for want of permission fails on for a while", 0),
        FaultKind("vault-soft-deleted", "a vault that is created with a free name turns out to be soft-deleted"),
        FaultKind("workspace-soft-deleted", "a workspace that is to be created turns out to be soft-deleted"),
        FaultKind("policy-managed-group", "a policy denies what Azure ML makes in the managed resource group"),
        FaultKind("no-capacity", "Azure Cosmos DB has no capacity; then the half-made account is in the way"),
        FaultKind("search-quota", "the managed Azure AI Search service is over the quota"),
        FaultKind("graph-lag", "Resource Graph lacks resources, such as @workspaces/mlw-new, as it does new ones", 0),
        FaultKind(RANDOM, "random:RATE[:SEED]: any fault of the connection, at that rate", 0),
    )
}


@dataclass
class Fault:
    """One switched-on fault: its kind, how many times it still strikes (None: always), how long, and what it is for."""

    kind: FaultKind
    left: int | None
    length: str = ""
    method: str = ""
    pattern: str = ""

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read ``NAME[:TIMES][~LENGTH][@TARGET]``.

        TIMES is 1 or more. LENGTH is a number of reads (``~5``) or a time (``~30s``), for faults that delay. TARGET is
        ``METHOD``, a part of the path, ``METHOD:PART``, or a path with ``*``.

        Raises:
            ValueError: there is no such fault, or it is not written so.

        """
        match = FORM.fullmatch(text)
        if match is None or match["name"] not in KINDS:
            raise ValueError(f"there is no fault {text.partition(':')[0]!r}; there are {', '.join(KINDS)}")
        times, length = match["times"] or "", match["length"] or ""
        if match["times"] is not None and (not times.isdigit() or int(times) == 0):
            raise ValueError(f"fault {text!r}: the number of times must be 1 or more")
        if length and not length.isdigit():
            parse_span(length)
        kind = KINDS[match["name"]]
        method, pattern = _target(match["target"] or "")
        return cls(kind, int(times) if times else (kind.times or None), length, method, pattern)

    @property
    def aimed(self) -> bool:
        """True if the fault is restricted to some requests."""
        return bool(self.method or self.pattern)

    def hits(self, subjects: Sequence[str], method: str = "") -> bool:
        """Return whether the fault is meant for something that is known by `subjects` (a path, or a path with its host)."""
        if self.left == 0 or (self.method and method and self.method != method):
            return False
        if not self.pattern or self.pattern == "*":
            return True
        pattern = self.pattern.lower()
        match = fnmatchcase if any(sign in pattern for sign in "*?[") else _within
        return any(match(subject.lower(), pattern) for subject in subjects)

    def count(self) -> "Fault":
        """Note that the fault has struck once more, and return it."""
        if self.left is not None:
            self.left -= 1
        return self

    def countdown(self, now: float) -> Countdown | None:
        """Return how long a delay lasts; None when the fault has no length."""
        if not self.length:
            return None
        return {"reads": int(self.length)} if self.length.isdigit() else {"until": now + parse_span(self.length)}

    def __str__(self) -> str:
        times = "" if self.left is None else f":{self.left}"
        length = f"~{self.length}" if self.length else ""
        target = ":".join(part for part in (self.method, self.pattern) if part)
        return f"{self.kind.name}{times}{length}{'@' + target if target else ''}"


def _target(text: str) -> tuple[str, str]:
    match = TARGET.fullmatch(text)
    return (match[1] or "", match[2]) if match else ("", text)


def _within(subject: str, pattern: str) -> bool:
    return pattern in subject


@dataclass
class Chance:
    """The opt-in randomness: each request is struck with a probability, from a seed, so that a run can be repeated."""

    rate: float
    seed: str
    generator: random.Random = field(default_factory=random.Random)

    @classmethod
    def parse(cls, text: str) -> "Chance":
        """Read ``random:0.1:SEED``; the seed may be left out.

        Raises:
            ValueError: the rate is not a number above 0 and up to 1.

        """
        rate, _, seed = text.removeprefix(f"{RANDOM}:").partition(":")
        try:
            value = float(rate)
        except ValueError as problem:
            raise ValueError(f"fault {text!r}: write random:RATE[:SEED], such as random:0.1:7") from problem
        if not 0 < value <= 1:
            raise ValueError(f"fault {text!r}: the rate must be above 0, and 1 at most")
        return cls(value, seed or "0", random.Random(seed or "0"))  # noqa: S311  repeatable, not secret

    def pick(self, names: Sequence[str]) -> str | None:
        """Return one of some faults, or none."""
        return self.generator.choice(names) if names and self.generator.random() < self.rate else None

    def __str__(self) -> str:
        return f"{RANDOM}:{self.rate}:{self.seed}"


@dataclass
class Faults:
    """The faults of one running sandbox."""

    active: list[Fault] = field(default_factory=list)
    chance: Chance | None = None

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "Faults":
        """Read several faults; see `Fault.parse` and `Chance.parse`."""
        faults = cls()
        for text in texts:
            faults.add(text)
        return faults

    def add(self, text: str) -> None:
        """Switch one more fault on; see `Fault.parse` and `Chance.parse`."""
        if text == RANDOM or text.startswith(f"{RANDOM}:"):
            self.chance = Chance.parse(text)
        else:
            self.active.append(Fault.parse(text))

    def clear(self) -> None:
        """Switch every fault off."""
        self.active.clear()
        self.chance = None

    def __bool__(self) -> bool:
        return bool(self.active) or self.chance is not None

    def texts(self) -> list[str]:
        """Return the faults that may still strike, as they are written, with what is left of them."""
        return [str(fault) for fault in self.active if fault.left != 0] + ([str(self.chance)] if self.chance else [])

    def strike(self, name: str, *subjects: str, method: str = "") -> Fault | None:
        """Return the fault of that name that happens now, counted; None when there is none."""
        for fault in self.active:
            if fault.kind.name == name and fault.hits(subjects, method):
                return fault.count()
        return None

    def strikes(self, name: str, *subjects: str, method: str = "") -> bool:
        """Return whether a fault of that name happens now, and count it."""
        return self.strike(name, *subjects, method=method) is not None
