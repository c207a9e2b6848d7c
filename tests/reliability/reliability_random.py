"""Seeded random faults: one request in ten fails in some way; how many times the command has to be run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reliability_ground import PROFILES, Ended, Ground
from reliability_process import Starter
from reliability_verdict import FAILED, Inventory, Outcome, wrong_at_the_end
from reliability_watch import Counting

SECTION: Final = "random"
RATE: Final = 0.1
SEEDS: Final = 500
INVOCATIONS: Final = 3


@dataclass(frozen=True)
class Seed:
    """One seed of the random faults."""

    profile: str
    seed: int

    @property
    def group(self) -> str:
        """What its outcomes are counted under."""
        return self.profile


def cases(_counted: dict[str, Counting]) -> Iterator[Seed]:
    """Five hundred seeds, for the profiles in turn."""
    for seed in range(SEEDS):
        yield Seed(list(PROFILES)[seed % len(PROFILES)], seed)


def run(ground: Ground, _start: Starter, case: Seed, wanted: Inventory) -> Outcome:
    """Run the command until it ends well, three times at most; then look at what is there."""
    ground.begin(case.profile)
    ground.running.state.add_fault(f"random:{RATE}:{case.seed}")
    endings: list[Ended] = []
    while len(endings) < INVOCATIONS and (not endings or endings[-1].code):
        endings.append(ground.apply(case.profile))
    ground.running.state.clear_faults()
    if endings[-1].code:
        problems = [f"run {nth}: {each}" for nth, each in enumerate(endings, 1)]
    else:
        problems = wrong_at_the_end(ground, case.profile, wanted)
    verdict = FAILED if problems else f"converged in {len(endings)} invocation{'s' if len(endings) > 1 else ''}"
    notes = tuple(str(each) for each in endings if each.code)
    return Outcome(SECTION, case.group, f"seed {case.seed}", verdict, tuple(problems), notes)
