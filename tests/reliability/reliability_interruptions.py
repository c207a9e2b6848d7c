"""The process is killed at every request of an apply, before Azure did it and after; then the command is run again."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from reliability_ground import PROFILES, Ended, Ground
from reliability_process import Command, Starter
from reliability_verdict import FAILED, NEXT_RUN, SAME_RUN, Inventory, Outcome, wrong_at_the_end
from reliability_watch import ANY, At, Counting

from cmkctl.sandbox.server.app import Moment

SECTION: Final = "interruptions"
SIGNALS: Final = {"SIGKILL": signal.SIGKILL, "SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM}
EVERY_POLITELY: Final = 10
"""Ctrl-C and SIGTERM are tried at every so many requests; where exactly they fall matters less than for a kill."""
OPENED: Final = 1
"""The command ends with a look at the new workspace through azure-ai-ml, which an apply in this process does not have."""
EVERY_ANEW: Final = 10
"""Of so many commands one is started with a Python of its own; the others are forked from one that is warm."""


@dataclass(frozen=True)
class Interruption:
    """A signal at the nth request of a run (or the nth of a kind), before it is done or after."""

    profile: str
    signal: str
    moment: str
    nth: int
    place: str = ANY

    @property
    def group(self) -> str:
        """What its outcomes are counted under."""
        when = f" {self.moment} the request" if self.signal == "SIGKILL" else ""
        return f"{self.signal}{when}: {self.profile}"

    def __str__(self) -> str:
        return f"{self.signal} {self.moment} {self.place} {self.nth}: {self.profile}"


def cases(counted: dict[str, Counting]) -> Iterator[Interruption]:
    """Every request of every profile, before and after; fewer for the signals that can be handled."""
    for profile in PROFILES:
        requests = counted[profile].counts[ANY] + OPENED
        for nth in range(1, requests + 1):
            for moment in Moment:
                yield Interruption(profile, "SIGKILL", moment.value, nth)
        for nth in range(1, requests + 1, EVERY_POLITELY):
            yield Interruption(profile, "SIGINT", "before", nth)
            yield Interruption(profile, "SIGTERM", "before", nth)


def run(ground: Ground, start: Starter, case: Interruption, wanted: Inventory) -> Outcome:
    """Interrupt a run, run the same command again, and look at what is there."""
    ground.begin(case.profile)
    start = start.anew if case.nth % EVERY_ANEW == 0 else start
    command = ("apply", ground.path(case.profile), "--yes")
    first, struck, messages = _interrupted(ground, start, case, command)
    again = start(*command, "--json").wait() if first.code else first
    problems = [*_wrong_ending(case, first, messages), *([] if again.code == 0 else [f"run again: {again}"])]
    problems += wrong_at_the_end(ground, case.profile, wanted) if again.code == 0 else []
    verdict = FAILED if problems else (NEXT_RUN if first.code else SAME_RUN)
    return Outcome(SECTION, case.group, f"{case.nth} {struck}", verdict, tuple(problems))


def _interrupted(
    ground: Ground, start: Starter, case: Interruption, command: tuple[object, ...]
) -> tuple[Ended, str, str]:
    """Return how and at which request the run ended, and its messages. A killed run gets no response."""
    number = SIGNALS[case.signal]
    killed = number is signal.SIGKILL
    process: Future[Command] = Future()
    watch = At(case.nth, lambda: process.result().signal(number), Moment(case.moment), case.place, goes_on=not killed)
    ground.running.watch = watch
    process.set_result(start(*map(str, command)))
    ended = process.result().wait()
    ground.running.watch = None
    return ended, watch.struck or "was not reached", process.result().messages


def _wrong_ending(case: Interruption, first: Ended, messages: str) -> list[str]:
    """Return the problems of an interrupted run's end; a run that had finished has none."""
    if case.signal == "SIGKILL":
        return [] if first in (Ended(-9), Ended(0)) else [f"killed, it ended with {first}"]
    right = first == Ended(0) or (first == Ended(130) and "ame command again" in messages)
    return [] if right else [f"interrupted, it ended with {first} and printed {messages[-200:]!r}"]
