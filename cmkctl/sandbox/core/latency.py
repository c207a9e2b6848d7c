"""The time Azure takes for each kind of transition: the figures of the latency profile ``azure``.

Each provider declares its own (`Provider.durations`).

"Recordings" are the exchanges recorded from Azure by public test suites, "fact" a number in their index; "field" is the
collection of field reports. Where no figure is published the source is "guess".
"""

from dataclasses import dataclass
from functools import cache

from cmkctl.sandbox.core import registry

GUESS = "guess: no figure published"


@dataclass(frozen=True)
class Duration:
    """The seconds one kind of transition takes, and the source of the figure."""

    kind: str
    seconds: float
    source: str


DURATIONS = (Duration("principal", 39, "recordings, fact 32: PrincipalNotFound five times, then 201 after 39 s"),)
"""Transitions that belong to no provider."""

OTHERWISE = 5.0
"""The time of a transition that is in no table, in seconds."""


def durations() -> tuple[Duration, ...]:
    """Return every duration, those of the providers included."""
    return (*DURATIONS, *registry.durations())


@cache
def _seconds() -> dict[str, float]:
    return {row.kind: row.seconds for row in durations()}


def seconds(kind: str) -> float:
    """Return how many seconds Azure takes for one kind of transition."""
    return _seconds().get(kind, OTHERWISE)
