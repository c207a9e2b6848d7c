"""Disturbed runs of the commands of the key's life: the cases, and a watcher that looks at the key after every request."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from reliability_faults import EXPECTED
from reliability_ground import Ground
from reliability_watch import ANY, WRITE

from cmkctl.sandbox.core.messages import Call
from cmkctl.sandbox.server.app import Moment

SIGNALS: Final = {"SIGKILL": signal.SIGKILL, "SIGINT": signal.SIGINT}
DISTURBED: Final = tuple(kind for kind, expected in EXPECTED.items() if expected.place in (ANY, WRITE))
"""The faults of the connection and of a service that any command can meet."""


@dataclass(frozen=True)
class Disturbance:
    """A signal, a fault or a second run at the nth request of a run, before it is done or after."""

    profile: str
    kind: str
    nth: int
    moment: str = "before"

    @property
    def group(self) -> str:
        """The name under which its outcomes are counted."""
        if self.kind in DISTURBED:
            return "faults"
        return f"{self.kind} {self.moment} the request" if self.kind == "SIGKILL" else self.kind

    def __str__(self) -> str:
        return f"{self.kind} {self.moment} {self.nth}: {self.profile}"


@dataclass
class KeyWatch:
    """Watches, beside another watcher, that the workspace has a usable key after every request.

    `unusable` returns the reason for which it has none, empty for a usable one.
    """

    ground: Ground
    inner: Any
    unusable: Callable[[Ground], str]
    problems: list[str] = field(default_factory=list)

    def __call__(self, moment: Moment, call: Call) -> bool:
        """Look at the key after a request, then let the other watcher do its part."""
        if moment is Moment.AFTER and (problem := self.unusable(self.ground)):
            self.problems.append(f"after {call.method} {call.path}: {problem}")
        return bool(self.inner(moment, call))
