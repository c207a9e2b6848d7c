"""``rotate`` of a finished workspace: interrupted, disturbed, or beside another one, at each of its requests.

After every request of every case the workspace's key has to be usable: the version that it names exists, is enabled, and Azure
Cosmos DB may use it.
"""

from __future__ import annotations

import copy
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from reliability_concurrent import AT_WORK
from reliability_disturbance import DISTURBED, SIGNALS, Disturbance, KeyWatch
from reliability_faults import EXPECTED
from reliability_ground import POLICIES, ROLES, Ended, Ground
from reliability_process import Command, Starter
from reliability_verdict import FAILED, NEXT_RUN, SAME_RUN, Inventory, Outcome, done_twice, weakening
from reliability_watch import ANY, At, Counting, Faulty

from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.sandbox.core import grants
from cmkctl.sandbox.core.constants import CLIENT_OBJECT_ID, COSMOS_DB_OBJECT_ID
from cmkctl.sandbox.server.app import Moment

SECTION: Final = "rotation"
CRYPTO_OFFICER: Final = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"
BESIDE: Final = "a second rotate"
MOST: Final = {POLICIES: 36, ROLES: 46}
"""The requests of a run, and a few more: a case beyond the last one is not reached, and does not disturb anything."""
WRITES: Final = 2
EVERY_POLITELY: Final = 5
VAULT: Final = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-ml/providers/Microsoft.KeyVault/vaults/kv-cmk"
WORKSPACE: Final = (
    f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-ml/providers/Microsoft.MachineLearningServices/workspaces/mlw"
)
_SETTLED: Final = ("CMK401", "CMK602", *AT_WORK)
"""The codes of a run beside another one: it read back a different version than it sent, or found the other one at work."""


def unusable(ground: Ground) -> str:
    """Return why the workspace's key is one that no service may use; empty for a usable one."""
    tenant = ground.running.state.tenant
    vault, record = tenant.resource(VAULT), tenant.resource(f"{VAULT}/keys/cmk")
    if vault is None or record is None:
        return "there is no key"
    row = next((each for each in record["versions"] if each["version"] == in_use(ground)), None)
    if row is None or not row["attributes"]["enabled"]:
        return f"version {in_use(ground)} is absent or disabled"
    allowed = grants.may_use_key(tenant, vault, record["doc"]["id"], COSMOS_DB_OBJECT_ID)
    return "" if allowed else "Azure Cosmos DB may not use it"


def in_use(ground: Ground) -> str:
    """Return the version that the workspace uses."""
    record = ground.running.state.tenant.resource(WORKSPACE) or {}
    identifier: str = record["doc"]["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"]
    return identifier.rpartition("/")[2]


def versions(ground: Ground) -> list[str]:
    """Return the versions of the key, oldest first."""
    record = ground.running.state.tenant.resource(f"{VAULT}/keys/cmk") or {}
    return [str(each["version"]) for each in record["versions"]]


def cases(_counted: dict[str, Counting]) -> Iterator[Disturbance]:
    """Every request, before and after; every fault at every request or write; a second run at every request."""
    for profile, most in MOST.items():
        for nth in range(1, most + 1):
            yield from (Disturbance(profile, "SIGKILL", nth, each.value) for each in Moment)
            yield Disturbance(profile, BESIDE, nth)
            if nth % EVERY_POLITELY == 0:
                yield Disturbance(profile, "SIGINT", nth)
        for kind in DISTURBED:
            places = most if EXPECTED[kind].place == ANY else WRITES
            yield from (Disturbance(profile, kind, nth) for nth in range(1, places + 1))


def run(ground: Ground, start: Starter, case: Disturbance, _wanted: Inventory) -> Outcome:
    """Disturb a run, run the same command again, and look at what is there."""
    _begin(ground, case.profile)
    before, moment = versions(ground), len(ground.running.writes)
    watched: list[KeyWatch] = []
    if case.kind == BESIDE:
        endings, struck = _beside(ground, case, watched)
    elif case.kind in SIGNALS:
        endings, struck = _killed(ground, start, case, watched)
    else:
        endings, struck = _faulty(ground, case, watched)
    ground.running.watch = None
    ground.running.state.clear_faults()
    again = _run(ground, case) if any(each.code for each in endings) else endings[0]
    problems = [] if again == Ended(0) else [f"run again: {again}"]
    if case.kind == BESIDE:
        problems += [f"{each}" for each in endings if not set(each.codes) <= set(_SETTLED)]
    problems += [one for each in watched for one in each.problems]
    problems += _at_the_end(ground, case, before, moment)
    verdict = FAILED if problems else (NEXT_RUN if any(each.code for each in endings) else SAME_RUN)
    return Outcome(SECTION, case.group, f"{case} {struck or 'was not reached'}", verdict, tuple(problems))


_finished: dict[str, dict[str, Any]] = {}


def _begin(ground: Ground, profile: str) -> None:
    """Put the finished workspace there, two days old, with an operator who may make versions."""
    data = _finished.get(profile) or _make(ground, profile)
    ground.begin(profile)
    with ground.running.state.tenant.lock:
        ground.running.state.tenant.data = copy.deepcopy(data)


def _make(ground: Ground, profile: str) -> dict[str, Any]:
    ground.begin(profile)
    ground.apply(profile)
    if profile == ROLES:
        ground.running.state.assign_role(VAULT, CLIENT_OBJECT_ID, CRYPTO_OFFICER)
    else:
        ground.running.state.add_access_policy("kv-cmk", CLIENT_OBJECT_ID, ("get", "rotate"))
    ground.running.state.advance("2d")
    _finished[profile] = copy.deepcopy(ground.running.state.tenant.data)
    return _finished[profile]


def _run(ground: Ground, case: Disturbance) -> Ended:
    return ground.carry_out(case.profile, "rotate", {})


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
    command.set_result(start("rotate", str(ground.path(case.profile)), "--yes"))
    return [command.result().wait()], watch.struck


def _faulty(ground: Ground, case: Disturbance, watched: list[KeyWatch]) -> tuple[list[Ended], str]:
    place = EXPECTED[case.kind].place
    if case.kind == "short-tokens":
        ground.running.state.add_fault(case.kind)
        watch: At | Faulty = At(case.nth, lambda: ground.running.state.advance(6.0), place=place)
    else:
        watch = Faulty(ground, case.kind, case.nth, place)
    _watching(ground, watch, watched)
    return [_run(ground, case)], watch.struck


def _beside(ground: Ground, case: Disturbance, watched: list[KeyWatch]) -> tuple[list[Ended], str]:
    """Start a second rotation at the request of the first one."""
    now = threading.Event()
    watch = At(case.nth, now.set)
    _watching(ground, watch, watched)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(_run, ground, case)
        first.add_done_callback(lambda _done: now.set())
        now.wait()
        second = pool.submit(_run, ground, case)
        return [first.result(), second.result()], watch.struck


def _at_the_end(ground: Ground, case: Disturbance, before: list[str], since: int) -> list[str]:
    """Return the problems: a second version, a version in use other than the newest, a deletion, work that is left."""
    made = len(versions(ground)) - len(before)
    most = 2 if case.kind == BESIDE else 1
    problems = [] if 1 <= made <= most else [f"{made} versions were made"]
    problems += [] if in_use(ground) == versions(ground)[-1] else ["the workspace does not use the newest version"]
    problems += [each] if (each := unusable(ground)) else []
    written = ground.running.writes[since:]
    problems += [*weakening(written), *(done_twice(written) if case.kind != BESIDE else ())]
    moment = len(ground.running.writes)
    again = ground.carry_out(case.profile, "rotate", {})
    planned = ground.plans(case.profile)
    problems += [] if again == planned == Ended(0) else [f"once more: {again}, the next plan: {planned}"]
    return problems + [f"once more it wrote {each.path}" for each in ground.running.writes[moment:]]
