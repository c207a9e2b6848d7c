"""A sample of the matrices, with every kind of place in it; whole they are run by matrix.py, see docs/reliability.md."""

from __future__ import annotations

import pytest
import reliability_concurrent as together
import reliability_destruction as destruction
import reliability_faults as faults
import reliability_interruptions as interruptions
import reliability_page
import reliability_random as random_faults
import reliability_revocation as revocation
import reliability_rotation as rotation
from matrix import Worker
from reliability_disturbance import Disturbance
from reliability_faults import EXPECTED, Expected, Fault
from reliability_ground import POLICIES, PRIVATE, ROLES
from reliability_interruptions import Interruption
from reliability_revocation import DisturbedCommand
from reliability_verdict import wrong_at_the_end
from reliability_watch import ANY, LOGIN, POLL, READ, WRITE
from support.sandbox import Client

from cmkctl.sandbox.core.faults import KINDS

KILLED = [
    Interruption(POLICIES, "SIGKILL", "after", 2, LOGIN),
    Interruption(ROLES, "SIGKILL", "before", 20, READ),  # started with a Python of its own
    Interruption(ROLES, "SIGKILL", "before", 2, WRITE),
    Interruption(ROLES, "SIGKILL", "after", 17, WRITE),
    Interruption(POLICIES, "SIGKILL", "before", 4, POLL),
    Interruption(PRIVATE, "SIGKILL", "after", 24, WRITE),
]
STOPPED = [Interruption(POLICIES, "SIGINT", "before", 9, WRITE), Interruption(ROLES, "SIGTERM", "before", 5, POLL)]


def at_one_place(kind: str, expected: Expected) -> Fault:
    """One case of a kind of fault, at a place that follows from its name."""
    profile = expected.profiles[len(kind) % len(expected.profiles)]
    if expected.written:
        return Fault(kind, profile, expected.written[-1])
    nth = {ANY: 3 + 7 * len(kind) % 70, WRITE: len(kind) % 14 + 1, POLL: len(kind) % 7 + 1}
    return Fault(kind, profile, nth=nth[expected.place])


@pytest.mark.parametrize("case", [*KILLED, *STOPPED], ids=str)
def test_an_interrupted_process_is_followed_by_one_that_converges(site: Worker, case: Interruption) -> None:
    """Killed or interrupted at that request: run again, the command succeeds, and nothing is there twice."""
    outcome = site.run(interruptions.SECTION, case)

    assert ((), True) == (outcome.problems, "not reached" not in outcome.case)


@pytest.mark.parametrize("kind", [each for each, expected in EXPECTED.items() if expected.place or expected.written])
def test_a_fault_is_come_through_or_ends_with_the_right_diagnostic(site: Worker, kind: str) -> None:
    """Each kind ends as one table allows, and nothing is made twice."""
    outcome = site.run(faults.SECTION, at_one_place(kind, EXPECTED[kind]))

    assert ((), True) == (outcome.problems, "did not strike" not in outcome.case)


@pytest.mark.parametrize("seed", range(4))
def test_random_faults_are_come_through_within_three_invocations(site: Worker, seed: int) -> None:
    """One request in ten fails in some way; the command is run again until it ends well."""
    case = random_faults.Seed((POLICIES, ROLES, PRIVATE)[seed % 3], seed)

    assert () == site.run(random_faults.SECTION, case).problems


@pytest.mark.parametrize("nth", [0, 25, 60, 110])
def test_two_simultaneous_applies_succeed_or_one_reports_the_other(site: Worker, nth: int) -> None:
    """Whenever the second begins, what is there in the end is whole."""
    case = together.TwoRuns((POLICIES, ROLES)[nth % 2], nth)

    assert () == site.run(together.SECTION, case).problems


@pytest.mark.parametrize(
    "case",
    [
        DisturbedCommand("revoke", POLICIES, "SIGKILL", 18, "after"),
        DisturbedCommand("revoke --grant", ROLES, "reset-after-write", 1),
        DisturbedCommand("restore", POLICIES, "error-500", 12),
    ],
    ids=str,
)
def test_a_disturbed_revocation_or_restoration_ends_in_one_state(site: Worker, case: DisturbedCommand) -> None:
    """The same command again completes it, and a restoration brings back everything that was there."""
    outcome = site.run(revocation.SECTION, case)

    assert ((), True) == (outcome.problems, "not reached" not in outcome.case)


@pytest.mark.parametrize(
    "case",
    [
        Disturbance(POLICIES, "SIGKILL", 21, "after"),
        Disturbance(ROLES, "reset-after-write", 1),
        Disturbance(POLICIES, "timeout-after-write", 2),
        Disturbance(POLICIES, rotation.BESIDE, 20),
    ],
    ids=str,
)
def test_a_disturbed_rotation_ends_with_one_usable_version(site: Worker, case: Disturbance) -> None:
    """The same command again completes it, and at no moment is the workspace's key one that no service may use."""
    outcome = site.run(rotation.SECTION, case)

    assert ((), True) == (outcome.problems, "not reached" not in outcome.case)


@pytest.mark.parametrize(
    "case",
    [
        Disturbance(PRIVATE, "SIGKILL", 70, "after"),
        Disturbance(POLICIES, "reset-after-write", 1),
        Disturbance(POLICIES, destruction.BESIDE, 30),
    ],
    ids=str,
)
def test_a_disturbed_destroy_ends_as_an_undisturbed_one(site: Worker, case: Disturbance) -> None:
    """The same command again completes it, and at no moment is there a workspace whose key no service may use."""
    outcome = site.run(destruction.SECTION, case)

    assert ((), True) == (outcome.problems, "not reached" not in outcome.case)


def test_what_is_wrong_at_the_end_of_a_case_is_found(site: Worker) -> None:
    """A group that the profile does not name, a write that is sent again, a vault that is deleted, and a plan with work left."""
    site.ground.begin(POLICIES)
    site.ground.apply(POLICIES)
    site.ground.running.state.add_resource_group("rg-orphan")
    site.ground.running.state.delete_vault("kv-cmk")
    client = Client(site.ground.running)
    for _ in range(2):
        client("PUT", "/resourceGroups/rg-twice", {"location": "eastus2"})
    client("DELETE", "/resourceGroups/rg-gone")

    problems = wrong_at_the_end(site.ground, POLICIES, site.wanted[POLICIES])

    wanted = (
        "done 2 times: put",
        "weakens: DELETE",
        "rg-orphan: not there became",
        "vaults/kv-cmk: {",
        "the next plan: ",
    )
    assert [] == [each for each in wanted if not any(each in problem for problem in problems)]


def test_every_fault_of_the_sandbox_has_its_expected_outcome() -> None:
    """A fault that is new in the sandbox has to be thought about here. A lag of Resource Graph fails no request."""
    assert set(KINDS) - {"graph-lag"} == set(EXPECTED)


def test_the_page_is_made_from_the_results_that_are_kept() -> None:
    """docs/reliability.md, stale otherwise: python tests/reliability/matrix.py --write."""
    assert reliability_page.page(reliability_page.load()) == reliability_page.PAGE.read_text(encoding="utf-8")


def test_the_results_that_are_kept_cover_every_fault_and_every_part() -> None:
    """Every part of the matrix was run, and every kind of fault that can be switched on by itself."""
    results = reliability_page.load()

    assert {"interruptions", "faults", "random", "together", "revocation", "rotation", "destruction"} == set(results)
    assert set(KINDS) - {"random", "graph-lag"} == set(results["faults"]["groups"])


def test_the_results_that_are_kept_hold_no_failure() -> None:
    """A failure is fixed before the figures are published."""
    assert [] == [one for each in reliability_page.load().values() for one in each["failures"]]
