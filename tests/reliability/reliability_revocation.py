"""``revoke``, ``revoke --grant`` and ``restore`` of a finished workspace, interrupted or disturbed at each of their requests."""

from __future__ import annotations

import copy
import json
import signal
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from reliability_disturbance import DISTURBED, SIGNALS
from reliability_faults import EXPECTED
from reliability_ground import POLICIES, ROLES, Ended, Ground
from reliability_process import Command, Starter
from reliability_verdict import FAILED, NEXT_RUN, SAME_RUN, Inventory, Outcome, differences, done_twice, inventory
from reliability_watch import ANY, At, Counting, Faulty

from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.sandbox.core.constants import CLIENT_OBJECT_ID
from cmkctl.sandbox.server.app import Moment

SECTION: Final = "revocation"
CRYPTO_OFFICER: Final = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"
NAME: Final = "mlw"
COMMANDS: Final = {
    "revoke": ("revoke", ("--yes-revoke", NAME), {}),
    "revoke --grant": ("revoke", ("--grant", "--yes-revoke", NAME), {"grant": "yes"}),
    "restore": ("restore", ("--yes",), {}),
}
"""By name: the procedure, the options of the command without a terminal, and the procedure's arguments."""

MOST: Final = {
    ("revoke", POLICIES): 28,
    ("revoke", ROLES): 32,
    ("revoke --grant", POLICIES): 26,
    ("revoke --grant", ROLES): 46,
    ("restore", POLICIES): 35,
    ("restore", ROLES): 51,
}
"""The requests of a run, and one more: a case beyond the last one is not reached, and does not disturb anything."""
WRITES: Final = 3
EVERY_POLITELY: Final = 5


@dataclass(frozen=True)
class DisturbedCommand:
    """A signal or a fault at the nth request of a run, before it is done or after."""

    command: str
    profile: str
    kind: str
    nth: int
    moment: str = "before"

    @property
    def group(self) -> str:
        """The name under which its outcomes are counted."""
        what = f"{self.kind} {self.moment} the request" if self.kind == "SIGKILL" else self.kind
        return f"{self.command}: {what if self.kind in SIGNALS else 'faults'}"

    def __str__(self) -> str:
        return f"{self.command}, {self.kind} {self.moment} {self.nth}: {self.profile}"


def cases(_counted: dict[str, Counting]) -> Iterator[DisturbedCommand]:
    """Every request of every command, before and after; every fault at every request or write."""
    for (command, profile), most in MOST.items():
        for nth in range(1, most + 1):
            yield from (DisturbedCommand(command, profile, "SIGKILL", nth, each.value) for each in Moment)
            if nth % EVERY_POLITELY == 0:
                yield DisturbedCommand(command, profile, "SIGINT", nth)
        for kind in DISTURBED:
            places = most if EXPECTED[kind].place == ANY else WRITES
            yield from (DisturbedCommand(command, profile, kind, nth) for nth in range(1, places + 1))


def run(ground: Ground, start: Starter, case: DisturbedCommand, _wanted: Inventory) -> Outcome:
    """Disturb a run, run the same command again, look at what is there, and bring the workspace back."""
    before = _begin(ground, case)
    moment = len(ground.running.writes)
    first, struck = _killed(ground, start, case) if case.kind in SIGNALS else _faulty(ground, case)
    ground.running.watch = None
    ground.running.state.clear_faults()
    half = _state(ground)
    again = _run(ground, case) if first.code else first
    problems = [] if again == Ended(0) else [f"run again: {again}"]
    whole = half in (before, _state(ground)) or case.command == "restore" or _takes_from_two(case)
    problems += [] if whole else [f"half a state: {half}"]
    problems += _at_the_end(ground, case, moment)
    verdict = FAILED if problems else (NEXT_RUN if first.code else SAME_RUN)
    return Outcome(SECTION, case.group, f"{case} {struck or 'was not reached'}", verdict, tuple(problems))


def _takes_from_two(case: DisturbedCommand) -> bool:
    """Return whether the command takes access from two principals. The workspace needs both, so that either is enough."""
    return (case.command, case.profile) == ("revoke --grant", ROLES)


_finished: dict[str, dict[str, Any]] = {}


def _begin(ground: Ground, case: DisturbedCommand) -> tuple[Any, ...]:
    """Put the workspace there as it begins, with an operator who may change keys; return its state."""
    data = _finished.get(case.profile) or _make(ground, case.profile)
    ground.begin(case.profile)
    with ground.running.state.tenant.lock:
        ground.running.state.tenant.data = copy.deepcopy(data)
    if case.command == "restore":
        for each in ("revoke", "revoke --grant"):
            _run(ground, DisturbedCommand(each, case.profile, "", 0))
        ground.running.state.advance("2h")
    return _state(ground)


def _make(ground: Ground, profile: str) -> dict[str, Any]:
    ground.begin(profile)
    ground.apply(profile)
    vault = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-ml/providers/Microsoft.KeyVault/vaults/kv-cmk"
    if profile == ROLES:
        ground.running.state.assign_role(vault, CLIENT_OBJECT_ID, CRYPTO_OFFICER)
    else:
        ground.running.state.add_access_policy("kv-cmk", CLIENT_OBJECT_ID, ("get", "update"))
    _finished[profile] = copy.deepcopy(ground.running.state.tenant.data)
    return _finished[profile]


def _state(ground: Ground) -> tuple[Any, ...]:
    """Return what the commands change: the versions with their state, the policies and the assignments."""
    data = ground.running.state.tenant.data
    found = inventory(data)
    keys = [
        (version["version"], version["attributes"]["enabled"])
        for row in data["resources"].values()
        for version in row.get("versions", ())
    ]
    policies = [json.dumps(each) for name, each in sorted(found.items()) if name.endswith("/vaults/kv-cmk")]
    return keys, policies, found["role assignments"]


def _run(ground: Ground, case: DisturbedCommand) -> Ended:
    name, _, arguments = COMMANDS[case.command]
    return ground.carry_out(case.profile, name, arguments)


def _killed(ground: Ground, start: Starter, case: DisturbedCommand) -> tuple[Ended, str]:
    """Run the command as a process, and send it a signal at the request."""
    number = SIGNALS[case.kind]
    command: Future[Command] = Future()
    goes_on = number is not signal.SIGKILL
    watch = At(case.nth, lambda: command.result().signal(number), Moment(case.moment), goes_on=goes_on)
    ground.running.watch = watch
    name, options, _ = COMMANDS[case.command]
    command.set_result(start(name, str(ground.path(case.profile)), *options))
    return command.result().wait(), watch.struck


def _faulty(ground: Ground, case: DisturbedCommand) -> tuple[Ended, str]:
    place = EXPECTED[case.kind].place
    if case.kind == "short-tokens":
        ground.running.state.add_fault(case.kind)
        watch: At | Faulty = At(case.nth, lambda: ground.running.state.advance(6.0), place=place)
    else:
        watch = Faulty(ground, case.kind, case.nth, place)
    ground.running.watch = watch
    return _run(ground, case), watch.struck


def _at_the_end(ground: Ground, case: DisturbedCommand, since: int) -> list[str]:
    """Return the problems: a write that was done twice, a deletion, work that is left, and a restoration that is incomplete."""
    written = ground.running.writes[since:]
    deleted = [
        each.path for each in written if each.method == "DELETE" and "/roleassignments/" not in each.path.lower()
    ]
    problems = [*done_twice(written), *(f"deleted: {each}" for each in deleted)]
    moment = len(ground.running.writes)
    again = _run(ground, case)
    problems += [] if again == Ended(0) else [f"once more: {again}"]
    problems += [f"once more it wrote {each.path}" for each in ground.running.writes[moment:]]
    restored = ground.carry_out(case.profile, "restore", {})
    problems += [] if restored == Ended(0) else [f"restored: {restored}"]
    wanted = inventory(_finished[case.profile])
    return problems + differences(wanted, inventory(ground.running.state.tenant.data))
