"""The reliability matrices, whole: prints what came of them, and keeps it for docs/reliability.md.

    python tests/reliability/matrix.py [--only PART] [--like TEXT] [--sample N] [--jobs N] [--write]

PART is interruptions, faults, random, together, revocation, rotation or destruction, and can be repeated. `--like` chooses the
cases that have TEXT in their group, `--sample N` every Nth. With `--write` the results are kept in results.json and the page is
made anew; a run of one part renews its own section. Exits with 1 when a case fails.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import reliability_concurrent
import reliability_destruction
import reliability_faults
import reliability_interruptions
import reliability_page
import reliability_random
import reliability_revocation
import reliability_rotation
from reliability_ground import PROFILES, Ended, Ground
from reliability_process import ForkingStarter, Starter, folder
from reliability_verdict import FAILED, Inventory, Outcome, inventory
from reliability_watch import Counting

from cmkctl.sandbox import Pace, Sandbox

SECTIONS: Final[Mapping[str, ModuleType]] = {
    each.SECTION: each
    for each in (
        reliability_interruptions,
        reliability_faults,
        reliability_random,
        reliability_concurrent,
        reliability_revocation,
        reliability_rotation,
        reliability_destruction,
    )
}
_EVERY: Final = 50


@dataclass
class Worker:
    """What a process of the pool has: its ground, its way to start commands, and what an undisturbed run leaves there."""

    ground: Ground
    start: Starter
    counted: dict[str, Counting]
    wanted: dict[str, Inventory]

    def run(self, section: str, case: Any) -> Outcome:
        """Run one case."""
        outcome: Outcome = SECTIONS[section].run(self.ground, self.start, case, self.wanted[case.profile])
        return outcome


def undisturbed(ground: Ground) -> tuple[dict[str, Counting], dict[str, Inventory]]:
    """Return the requests of an undisturbed run of each profile, and the resources after it."""
    counted, wanted = {}, {}
    for profile in PROFILES:
        ground.begin(profile)
        ground.running.watch = counted[profile] = Counting()
        ended = ground.apply(profile)
        ground.running.watch = None
        if ended != Ended(0):
            raise RuntimeError(f"undisturbed, {profile} ended with {ended}")
        wanted[profile] = inventory(ground.running.state.tenant.data)
    return counted, wanted


def worker(stack: ExitStack) -> Worker:
    """Start a sandbox and a warm interpreter for this process; its environment becomes the sandbox's."""
    logging.getLogger().addHandler(logging.NullHandler())  # a closed connection is no news here
    sys.path.insert(0, str(Path(__file__).parents[1]))  # as a script: tests/support
    from support.rotation import one_key_pair  # noqa: PLC0415 - see above

    path = Path(stack.enter_context(folder()))
    running = stack.enter_context(Sandbox(None, Pace.reads(2)).serve())
    running.state.tenant.key_pair = one_key_pair
    os.environ.update(running.environment())
    ground = Ground(running, path)
    return Worker(ground, ForkingStarter(path, running.environment()), *undisturbed(ground))


_here: list[Worker] = []
_stack = ExitStack()


def _begin() -> None:
    _here.append(worker(_stack))


def _cases(section: str) -> list[Any]:
    return list(SECTIONS[section].cases(_here[0].counted))


def _run(section: str, case: Any) -> Outcome:
    return _here[0].run(section, case)


@dataclass(frozen=True)
class Chosen:
    """The cases of a section that are run, of how many there are: one of each group first, then the others in no order.

    So a run that is cut short has a fair sample, with something of everything in it.
    """

    section: str
    cases: Sequence[Any]
    whole: int

    @classmethod
    def of(cls, pool: ProcessPoolExecutor, section: str, like: str, every: int) -> Chosen:
        """Choose the requested cases."""
        whole = [each for each in pool.submit(_cases, section).result() if like in each.group]
        cases = whole[::every]
        random.Random(section).shuffle(cases)  # noqa: S311 - repeatable, not secret
        ahead = {each.group: each for each in cases}
        return cls(section, [*ahead.values(), *(each for each in cases if each != ahead[each.group])], len(whole))

    def outcomes(self, pool: ProcessPoolExecutor) -> Iterator[Outcome]:
        """Run the cases, and yield what came of each as it ends. A crash is an outcome."""
        running: dict[Future[Outcome], Any] = {pool.submit(_run, self.section, each): each for each in self.cases}
        for each in as_completed(running):
            crash, case = each.exception(), running[each]
            failed = Outcome(self.section, case.group, str(case), FAILED, (repr(crash),))
            yield each.result() if crash is None else failed


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=sorted(SECTIONS), action="append")
    parser.add_argument("--like", default="", metavar="TEXT", help="only the cases that have TEXT in their group")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="every Nth case")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes that work at the same time")
    parser.add_argument("--write", action="store_true", help="keep the results, and make docs/reliability.md anew")
    return parser.parse_args()


def main() -> int:
    """Run the requested parts and return the exit code."""
    options = _options()
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=spawning, initializer=_begin) as pool:
        found = [_part(pool, each, options) for each in options.only or SECTIONS]
    return 1 if any(each.failed for part in found for each in part) else 0


def _part(pool: ProcessPoolExecutor, section: str, options: argparse.Namespace) -> list[Outcome]:
    """Run one part. Its results so far are kept now and then, so that a run that is cut short was not for nothing."""
    began = time.monotonic()
    chosen = Chosen.of(pool, section, options.like, options.sample)
    found: list[Outcome] = []
    for each in chosen.outcomes(pool):
        found.append(each)
        if len(found) % _EVERY == 0 or len(found) == len(chosen.cases):
            sys.stderr.write(f"{section}: {len(found)} of {len(chosen.cases)}\n")
            if options.write:
                reliability_page.keep(section, found, whole=chosen.whole, seconds=time.monotonic() - began)
    _print(section, found)
    return found


def _print(section: str, found: Sequence[Outcome]) -> None:
    for verdict, times in reliability_page.verdicts(found).items():
        sys.stdout.write(f"{section}: {times:5} {verdict}\n")
    failed = [each for each in found if each.failed]
    for each in failed:
        sys.stdout.write(
            f"FAILED {section}: {each.group}: {each.case}\n" + "".join(f"  {one}\n" for one in each.problems)
        )
    sys.stdout.write(f"{section}: {len(found)} cases, {len(failed)} failed\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
