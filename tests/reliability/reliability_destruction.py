"""``destroy --purge --associated --delete-vault`` of a finished workspace: interrupted, disturbed, or beside another one.

After every request of every case a workspace that is there, or that is soft-deleted, has a key that Azure Cosmos DB may use.
"""

from __future__ import annotations

import copy
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from reliability_disturbance import DISTURBED, SIGNALS, Disturbance, KeyWatch
from reliability_faults import EXPECTED
from reliability_ground import POLICIES, PRIVATE, Ended, Ground
from reliability_process import Command, Starter
from reliability_verdict import FAILED, NEXT_RUN, SAME_RUN, Inventory, Outcome, differences, inventory
from reliability_watch import ANY, At, Counting, Faulty

from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.sandbox.core import grants
from cmkctl.sandbox.core.constants import COSMOS_DB_OBJECT_ID
from cmkctl.sandbox.server.app import Moment

SECTION: Final = "destruction"
OPTIONS: Final = ("--purge", "--associated", "--delete-vault")
ARGUMENTS: Final = {each[2:]: "yes" for each in OPTIONS}
BESIDE: Final = "a second destroy"
MOST: Final = {POLICIES: 110, PRIVATE: 190}
"""The requests of a run, and a few more: a case beyond the last one is not reached, and does not disturb anything."""
WRITES: Final = {POLICIES: 6, PRIVATE: 15}
EVERY_POLITELY: Final = 5
_GROUP: Final = f"/subscriptions/{SUBSCRIPTION_ID}/resourcegroups/rg-ml"
VAULT: Final = f"{_GROUP}/providers/microsoft.keyvault/vaults/kv-cmk"
WORKSPACE: Final = f"{_GROUP}/providers/microsoft.machinelearningservices/workspaces/mlw"


def unusable(ground: Ground) -> str:
    """Return why a workspace that is there, or soft-deleted, has no key that may be used; empty for none."""
    tenant = ground.running.state.tenant
    if tenant.resource(WORKSPACE) is None and WORKSPACE not in tenant.table("deleted_workspaces"):
        return ""
    vault, record = tenant.resource(VAULT), tenant.resource(f"{VAULT}/keys/cmk")
    if vault is None or record is None:
        return "there is a workspace and no key"
    allowed = grants.may_use_key(tenant, vault, record["doc"]["id"], COSMOS_DB_OBJECT_ID)
    return "" if allowed else "there is a workspace, and Azure Cosmos DB may not use its key"


def cases(_counted: dict[str, Counting]) -> Iterator[Disturbance]:
    """Every request, before and after; every fault at every write or every fifth request; a second run at every fifth."""
    for profile, most in MOST.items():
        for nth in range(1, most + 1):
            yield from (Disturbance(profile, "SIGKILL", nth, each.value) for each in Moment)
            if nth % EVERY_POLITELY == 0:
                yield Disturbance(profile, "SIGINT", nth)
                yield Disturbance(profile, BESIDE, nth)
        for kind in DISTURBED:
            places = range(1, most + 1, EVERY_POLITELY) if EXPECTED[kind].place == ANY else range(1, WRITES[profile])
            yield from (Disturbance(profile, kind, nth) for nth in places)


def run(ground: Ground, start: Starter, case: Disturbance, _wanted: Inventory) -> Outcome:
    """Disturb a run, run the same command again, and look at what is there."""
    wanted = _begin(ground, case.profile)
    watched: list[KeyWatch] = []
    if case.kind == BESIDE:
        endings, struck = _beside(ground, case, watched)
    elif case.kind in SIGNALS:
        endings, struck = _killed(ground, start, case, watched)
    else:
        endings, struck = _faulty(ground, case, watched)
    ground.running.watch = None
    ground.running.state.clear_faults()
    again = _run(ground, case.profile) if any(each.code for each in endings) else endings[0]
    problems = [] if again == Ended(0) else [f"run again: {again}"]
    problems += [one for each in watched for one in each.problems]
    problems += differences(wanted, inventory(ground.running.state.tenant.data))
    moment = len(ground.running.writes)
    once_more = _run(ground, case.profile)
    problems += [] if once_more == Ended(0) else [f"once more: {once_more}"]
    problems += [f"once more it wrote {each.path}" for each in ground.running.writes[moment:]]
    verdict = FAILED if problems else (NEXT_RUN if any(each.code for each in endings) else SAME_RUN)
    return Outcome(SECTION, case.group, f"{case} {struck or 'was not reached'}", verdict, tuple(problems))


_finished: dict[str, tuple[dict[str, Any], Inventory]] = {}


def _begin(ground: Ground, profile: str) -> Inventory:
    """Put the finished workspace there, and return what an undisturbed run leaves."""
    if profile not in _finished:
        ground.begin(profile)
        ground.apply(profile)
        data = copy.deepcopy(ground.running.state.tenant.data)
        ended = _run(ground, profile)
        if ended != Ended(0):
            raise RuntimeError(f"undisturbed, destroy of {profile} ended with {ended}")
        _finished[profile] = (data, inventory(ground.running.state.tenant.data))
    data, wanted = _finished[profile]
    ground.begin(profile)
    with ground.running.state.tenant.lock:
        ground.running.state.tenant.data = copy.deepcopy(data)
    return wanted


def _run(ground: Ground, profile: str) -> Ended:
    return ground.carry_out(profile, "destroy", ARGUMENTS)


def _watching(ground: Ground, inner: Any, watched: list[KeyWatch]) -> None:
    watched.append(KeyWatch(ground, inner, unusable))
    ground.running.watch = watched[-1]


def _killed(ground: Ground, start: Starter, case: Disturbance, watched: list[KeyWatch]) -> tuple[list[Ended], str]:
    """Run the command as a process, and send it a signal at the request."""
    number = SIGNALS[case.kind]
    command: Future[Command] = Future()
    goes_on = number is not signal.SIGKILL
    watch = At(case.nth, lambda: command.result().signal(number), Moment(case.moment), goes_on=goes_on)
    _watching(ground, watch, watched)
    command.set_result(start("destroy", str(ground.path(case.profile)), *OPTIONS, "--yes"))
    return [command.result().wait()], watch.struck


def _faulty(ground: Ground, case: Disturbance, watched: list[KeyWatch]) -> tuple[list[Ended], str]:
    place = EXPECTED[case.kind].place
    if case.kind == "short-tokens":
        ground.running.state.add_fault(case.kind)
        watch: At | Faulty = At(case.nth, lambda: ground.running.state.advance(6.0), place=place)
    else:
        watch = Faulty(ground, case.kind, case.nth, place)
    _watching(ground, watch, watched)
    return [_run(ground, case.profile)], watch.struck


def _beside(ground: Ground, case: Disturbance, watched: list[KeyWatch]) -> tuple[list[Ended], str]:
    """Start a second run at the request of the first one."""
    now = threading.Event()
    watch = At(case.nth, now.set)
    _watching(ground, watch, watched)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(_run, ground, case.profile)
        first.add_done_callback(lambda _done: now.set())
        now.wait()
        second = pool.submit(_run, ground, case.profile)
        return [first.result(), second.result()], watch.struck
