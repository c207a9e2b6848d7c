"""Every named fault of the sandbox at every request where it can occur, and what may come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from reliability_ground import POLICIES, PRIVATE, ROLES, Ended, Ground, HastyClock
from reliability_process import Starter
from reliability_verdict import (
    FAILED,
    NEXT_RUN,
    SAME_RUN,
    Inventory,
    Outcome,
    done_twice,
    weakening,
    wrong_at_the_end,
)
from reliability_watch import ANY, POLL, WRITE, At, Counting, Faulty

SECTION: Final = "faults"
COMES_THROUGH: Final = Ended(0)
WITHOUT_A_CAUSE: Final = Ended(1, ("CMK311",))
SHORT: Final = 6.0
"""Seconds after which a short token has ended."""


@dataclass(frozen=True)
class Expected:
    """What may come of a kind of fault.

    `place` is the kind of request it strikes, for faults of the connection; `written` are the ways the others are switched
    on. `first` are the endings that are right for the run it strikes; `then` those of the next run.
    `again` ends the path of a write that may be carried out again, because Azure failed at the first one.
    """

    place: str = ""
    written: tuple[str, ...] = ()
    first: tuple[Ended, ...] = (COMES_THROUGH,)
    then: tuple[Ended, ...] = (COMES_THROUGH,)
    again: str = ""
    profiles: tuple[str, ...] = field(default=(POLICIES, ROLES, PRIVATE))
    why: str = ""


_WORKSPACE: Final = "/workspaces/mlw"
_VAULTS: Final = ("kv-cmk", "kv-mlw-")
_TURNED_UP: Final = Ended(3, ("CMK205",))
EXPECTED: Final[dict[str, Expected]] = {
    **dict.fromkeys(
        (
            "throttle-seconds",
            "throttle-date",
            "throttle-text",
            "throttle-bare",
            "throttle-capital",
            "throttle-retryable",
            "error-500",
            "error-502",
            "unavailable-once",
            "error-504",
        ),
        Expected(ANY, why="sent again; before a write the resource is read"),
    ),
    **dict.fromkeys(
        ("timeout-after-write", "reset-before-write", "reset-after-write"),
        Expected(WRITE, why="the resource is read, and the write repeated only if it is missing"),
    ),
    "poll-html-500": Expected(POLL, why="polled again"),
    "token-expired": Expected(POLL, why="sent again with a new token"),
    "recover-500": Expected(written=("recover-500",), why="cannot occur: cmkctl never recovers a vault"),
    "short-tokens": Expected(ANY, why="every token expires before the request, which is sent again with a new one"),
    "slow-grant": Expected(
        written=("slow-grant~2", "slow-grant~10", "slow-grant~45s", "slow-grant~15m", "slow-grant~25m"),
        again=_WORKSPACE,
        why="the creation is repeated every ten minutes",
    ),
    "slow-principal": Expected(
        written=("slow-principal", "slow-principal~20"),
        profiles=(ROLES, PRIVATE),
        why="the grant names the principal's type",
    ),
    "failure-cached": Expected(
        written=(
            "failure-cached slow-grant~2",
            "failure-cached~5m slow-grant~45s",
            "failure-cached~25m slow-grant~45s",
        ),
        again=_WORKSPACE,
        why="as for a slow grant: the next attempt is ten minutes later",
    ),
    "late-failure": Expected(
        written=("late-failure",),
        first=(WITHOUT_A_CAUSE,),
        again=_WORKSPACE,
        why="Azure's cause is shown; the next run repeats the creation",
    ),
    "vault-soft-deleted": Expected(
        written=tuple(f"vault-soft-deleted@{method}vaults/{each}" for each in _VAULTS for method in ("", "PUT:")),
        first=(_TURNED_UP, Ended(1, ("CMK205",)), Ended(3, ("CMK402", "CMK205"))),
        then=(_TURNED_UP,),
        why="a conflict: recover the vault, or choose another name",
    ),
    "workspace-soft-deleted": Expected(
        written=("workspace-soft-deleted",),
        first=(Ended(1, ("CMK162",)),),
        then=(Ended(3, ("CMK162",)),),
        why="recover the workspace, or choose another name",
    ),
    "policy-managed-group": Expected(
        written=("policy-managed-group",),
        first=(Ended(1, ("CMK313",)),),
        again=_WORKSPACE,
        why="once the policy exempts it, the next run repeats the creation",
    ),
    "no-capacity": Expected(
        written=("no-capacity",),
        first=(Ended(1, ("CMK314",)),),
        then=(WITHOUT_A_CAUSE, Ended(1, ("CMK314",))),
        again=_WORKSPACE,
        why="the half-created account is in the way until the failed workspace is deleted",
    ),
    "search-quota": Expected(
        written=("search-quota",),
        first=(Ended(1, ("CMK314",)),),
        again=_WORKSPACE,
        why="once there is quota, the next run repeats the creation",
    ),
    "random": Expected(why="see the runs with random faults"),
}
"""One entry for each kind of the sandbox; tests/reliability holds the two lists together."""


@dataclass(frozen=True)
class Fault:
    """A fault, as it is written or for the nth request of its place. `process`: the command is a process, not a call."""

    kind: str
    profile: str
    written: str = ""
    nth: int = 0
    process: bool = False

    @property
    def group(self) -> str:
        """What its outcomes are counted under."""
        return self.kind

    def __str__(self) -> str:
        how = " as a process" if self.process else ""
        return f"{self.written or f'at {EXPECTED[self.kind].place} request {self.nth}'}{how}: {self.profile}"


def cases(counted: dict[str, Counting]) -> Iterator[Fault]:
    """Every kind at every place of every profile, and once with the command as a process."""
    for kind, expected in EXPECTED.items():
        for profile in expected.profiles:
            places = counted[profile].counts[expected.place] if expected.place else 0
            for nth in range(1, places + 1):
                yield Fault(kind, profile, nth=nth)
            for written in expected.written:
                yield Fault(kind, profile, written)
        if expected.place:
            yield Fault(kind, POLICIES, nth=counted[POLICIES].counts[expected.place] // 2, process=True)
        elif expected.written:
            yield Fault(kind, expected.profiles[0], expected.written[0], process=True)


def run(ground: Ground, start: Starter, case: Fault, wanted: Inventory) -> Outcome:
    """Apply with the fault, and again without it if that was not the end of it; look at what is there."""
    expected = EXPECTED[case.kind]
    ground.begin(case.profile)
    struck = _switched_on(ground, case)
    endings = [_apply(ground, start, case)]
    ground.running.watch = None
    ground.running.state.clear_faults()
    if endings[0] != COMES_THROUGH:
        endings.append(_apply(ground, start, case))
    problems = [*_unexpected(expected, endings), *_at_the_end(ground, case, endings, wanted)]
    verdict = FAILED if problems else _verdict(endings)
    return Outcome(SECTION, case.group, f"{case} {struck()}", verdict, tuple(problems))


def _switched_on(ground: Ground, case: Fault) -> Callable[[], str]:
    """Switch the fault on; return a function that names the request it struck."""
    if case.written:
        for each in case.written.split():
            ground.running.state.add_fault(each)
        return lambda: ""
    place = EXPECTED[case.kind].place
    if case.kind == "short-tokens":
        ground.running.state.add_fault(case.kind)
        watch: At | Faulty = At(case.nth, lambda: ground.running.state.advance(SHORT), place=place)
    else:
        watch = Faulty(ground, case.kind, case.nth, place)
    ground.running.watch = watch
    return lambda: watch.struck or "(did not strike)"


def _apply(ground: Ground, start: Starter, case: Fault) -> Ended:
    if case.process:
        return start("apply", ground.path(case.profile), "--yes", "--json").wait()
    skip = ground.running.state.advance if case.written else _nothing
    return ground.apply(case.profile, HastyClock(skip=skip))


def _nothing(_seconds: float) -> None:
    """Put no clock forward."""


def _unexpected(expected: Expected, endings: list[Ended]) -> list[str]:
    right = (expected.first, expected.then)
    return [
        f"run {nth}: {ended}, expected {' or '.join(map(str, allowed))}"
        for nth, (ended, allowed) in enumerate(zip(endings, right, strict=False), 1)
        if ended not in allowed
    ]


def _at_the_end(ground: Ground, case: Fault, endings: list[Ended], wanted: Inventory) -> list[str]:
    again = EXPECTED[case.kind].again
    if endings[-1] == COMES_THROUGH:
        return wrong_at_the_end(ground, case.profile, wanted, again=again)
    written = ground.running.writes
    return [*done_twice(written, again), *weakening(written)]


def _verdict(endings: list[Ended]) -> str:
    if endings[-1] == COMES_THROUGH:
        return SAME_RUN if len(endings) == 1 else f"ended with {endings[0]}, then {NEXT_RUN}"
    return f"ended with {endings[0]}, and again"
