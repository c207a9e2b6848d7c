"""Two applies of one profile at once: the second begins with the first, or at its nth request."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from reliability_ground import PROFILES, Ended, Ground, HastyClock
from reliability_process import Starter
from reliability_verdict import FAILED, Inventory, Outcome, differences, inventory, weakening
from reliability_watch import At, Counting

SECTION: Final = "together"
FRACTION: Final = 0.02
"""How much of each wait is waited for: two runs that wait for each other need some of it."""
# CMK160: the second run planned just after the first had created the vault, found the vault's name taken and reported it before
# it wrote anything. That is a report about the other run, and the next run finds the vault where it belongs and converges.
AT_WORK: Final = ("CMK160", "CMK307", "CMK308", "CMK402", "CMK404")
"""The codes of the run that is in the other's way: a name that the other has just taken, an operation in progress, a conflict,
a plan that no longer holds, a vault that the other created a moment before."""


@dataclass(frozen=True)
class TwoRuns:
    """A second apply that begins at the nth request of the first; 0 for both at the same moment."""

    profile: str
    nth: int

    @property
    def group(self) -> str:
        """What its outcomes are counted under."""
        return self.profile


def cases(counted: dict[str, Counting]) -> Iterator[TwoRuns]:
    """TwoRuns, several times, for it comes out differently; and at every request."""
    for profile in PROFILES:
        yield from (TwoRuns(profile, 0) for _ in range(10))
        yield from (TwoRuns(profile, nth) for nth in range(1, counted[profile].counts["any"] + 1))


def run(ground: Ground, _start: Starter, case: TwoRuns, wanted: Inventory) -> Outcome:
    """Run both to their ends. One may report that the other is at work; what is there in the end is whole."""
    ground.begin(case.profile)
    now = threading.Event()
    ground.running.watch = At(case.nth, now.set)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ground.apply, case.profile, HastyClock(FRACTION))
        first.add_done_callback(lambda _done: now.set())
        if case.nth:
            now.wait()
        second = pool.submit(ground.apply, case.profile, HastyClock(FRACTION))
        endings = [first.result(), second.result()]
    if all("CMK404" in each.codes for each in endings):
        # Each overwrote one of the two vaults that the other had created: the next run continues.
        endings.append(ground.apply(case.profile, HastyClock(FRACTION)))
    ground.running.watch = None
    problems = [*_unexpected(endings), *_wrong(ground, case, wanted)]
    verdict = FAILED if problems else _verdict(endings)
    return Outcome(SECTION, case.group, f"second at request {case.nth}", verdict, tuple(problems))


def _unexpected(endings: list[Ended]) -> list[str]:
    gave_way = [each for each in endings if each.code]
    strange = [each for each in gave_way if not set(each.codes) <= set(AT_WORK)]
    both = ["neither ended well"] if len(gave_way) == len(endings) else []
    return both + [f"{each}" for each in (gave_way if both else strange)]


def _wrong(ground: Ground, case: TwoRuns, wanted: Inventory) -> list[str]:
    """Two that write at once may both write a thing; what counts is that it is there once, and nothing is lost."""
    planned = ground.plans(case.profile)
    problems = [] if planned == Ended(0) else [f"the next plan: {planned}"]
    return [
        *problems,
        *weakening(ground.running.writes),
        *differences(wanted, inventory(ground.running.state.tenant.data)),
    ]


def _verdict(endings: list[Ended]) -> str:
    gave_way = [each for each in endings if each.code]
    if len(endings) > 2:
        return "both ended with CMK404, the next run well"
    return f"one ended well, one with {gave_way[0]}" if gave_way else "both ended well"
