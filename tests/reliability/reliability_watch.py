"""Watchers of the sandbox: they count requests, and do something at an exact one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from reliability_ground import Ground

from cmkctl.sandbox.core.clouds import Service
from cmkctl.sandbox.core.messages import Call
from cmkctl.sandbox.core.requestlog import QUESTIONS, READS
from cmkctl.sandbox.planes.connection_faults import is_poll
from cmkctl.sandbox.server.app import Moment

ANY = "any"
READ = "read"
WRITE = "write"
POLL = "poll"
LOGIN = "login"


def places(call: Call) -> tuple[str, ...]:
    """Return the categories of a request. A token request is a POST that changes nothing."""
    if call.service is Service.LOGIN:
        return ANY, LOGIN
    if call.method not in READS and call.path.rpartition("/")[2].lower() not in QUESTIONS:
        return ANY, WRITE
    return (ANY, POLL) if is_poll(call) else (ANY, READ)


def named(call: Call) -> str:
    """Return a request in a few words, for reports."""
    return f"{call.method} {call.host.partition('.')[0]}/…/{'/'.join(call.path.split('/')[-2:])}"


@dataclass
class Counting:
    """Counts the requests of a run, by kind of place."""

    counts: Counter[str] = field(default_factory=Counter)

    def __call__(self, moment: Moment, call: Call) -> bool:
        """Count one request."""
        if moment is Moment.BEFORE:
            self.counts.update(places(call))
        return True


@dataclass
class At:
    """Does something at the nth request of a kind, before it is done or after, and then lets the connection be or closes it."""

    nth: int
    do: Callable[[], None]
    moment: Moment = Moment.BEFORE
    place: str = ANY
    goes_on: bool = True
    seen: int = 0
    struck: str = ""

    def __call__(self, moment: Moment, call: Call) -> bool:
        """Count one request; strike at the one."""
        here = self.place in places(call)
        self.seen += here and moment is Moment.BEFORE
        if not here or self.struck or self.seen != self.nth or moment is not self.moment:
            return True
        self.struck = named(call)
        self.do()
        return self.goes_on


@dataclass
class Faulty:
    """Switches a fault on for exactly the nth request of a kind, and off behind it."""

    ground: Ground
    kind: str
    nth: int
    place: str
    seen: int = 0
    struck: str = ""

    def __call__(self, moment: Moment, call: Call) -> bool:
        """Count one request; aim the fault at the one."""
        state = self.ground.running.state
        if self.place not in places(call):
            return True
        self.seen += moment is Moment.BEFORE
        if self.seen == self.nth and moment is Moment.BEFORE:
            state.add_fault(f"{self.kind}:1@{call.method}:{call.host}{call.path}")
        elif self.seen == self.nth and not state.faults():
            self.struck = named(call)
        elif self.seen == self.nth:
            state.clear_faults()
        return True
