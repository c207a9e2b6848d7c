"""An apply that is killed at any moment resumes; each change is recorded in the file before it is sent."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from support.saved_plan import Bench, codes, refusal
from support.warm.process import Process

from cmkctl.sandbox import Pace

WRITES = {
    "a provider": "POST:*/microsoft.documentdb/register",
    "the group": "PUT:*/resourcegroups/rg-ml-quickstart",
    "the vault": "PUT:*/vaults/kv-ml-quickstart",
    "the key": "PUT:*/keys/cmk-ml",
    "the grant": "PUT:*/accesspolicies/add",
    "the storage account": "PUT:*/storageaccounts/*",
    "the workspace": "PUT:*/workspaces/mlw-quickstart",
}
SLOW = Pace.seconds(600)


def begin(bench: Bench) -> Process:
    """Start an apply of the file."""
    arguments = ("apply", bench.file, "--yes", "--json", "--sandbox", "--state", bench.azure.state)
    process: Process = bench.azure.command.begin(*arguments)
    return process


def killed(bench: Bench, happened: Callable[[], bool]) -> None:
    """Start an apply and kill it with SIGKILL once a condition holds."""
    process = begin(bench)
    deadline = time.monotonic() + 40
    while not happened() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    reached = happened()
    process.kill()
    ended = bench.azure.command.end(process)
    assert (True, -signal.SIGKILL) == (reached, ended.code), ended.out


def killed_before(bench: Bench, target: str) -> None:
    """Start an apply whose write to a target fails, and kill it there."""
    state, before = bench.azure.running.state, len(bench.azure.running.writes)
    state.add_fault(f"error-504:1000@{target}")
    killed(bench, lambda: any(each.status == 504 for each in bench.azure.running.writes[before:]))
    state.clear_faults()


def finish_operations(bench: Bench) -> None:
    """Complete all operations that are in progress in the sandbox."""
    bench.azure.running.state.tenant.advance(3600)
    bench.azure.running.state.tenant.pace = Pace.none()


def assert_resumes(bench: Bench) -> None:
    """Assert that the same command ends well: everything is verified and no write was carried out twice."""
    ran = bench.apply()
    assert (0, []) == (ran.code, bench.done_twice()), ran.out
    assert 16 == ran.of("apply_summary")[0]["verified"]


@pytest.mark.parametrize("target", WRITES.values(), ids=WRITES)
def test_killed_at_a_write_that_failed(approved: Bench, target: str) -> None:
    """Earlier changes are done and recorded; this one is recorded and still due."""
    killed_before(approved, target)
    noted = [each.lower() for each in approved.document["begun"]]
    stopped_at = approved.azure.running.writes[-1].path.lower()

    assert any(stopped_at.startswith(each) for each in noted)
    assert_resumes(approved)


@pytest.mark.parametrize("kind", ["a provider", "the vault", "the storage account", "the workspace"])
def test_killed_during_an_operation(approved: Bench, kind: str) -> None:
    """A resource that is being created is waited for."""
    running, pattern = approved.azure.running, WRITES[kind].partition(":")[2]
    killed_before(approved, WRITES[kind])
    running.state.tenant.pace = SLOW
    killed(
        approved, lambda: any(fnmatchcase(each.path.lower(), pattern) and each.status < 400 for each in running.writes)
    )
    finish_operations(approved)

    assert_resumes(approved)


def test_killed_repeatedly(approved: Bench) -> None:
    """Each run gets further."""
    for each in ("a provider", "the vault", "the workspace"):
        killed_before(approved, WRITES[each])

    assert_resumes(approved)


def test_resumes_after_a_timeout(approved: Bench) -> None:
    """A run that timed out resumes once the operations are complete."""
    running = approved.azure.running
    running.state.tenant.pace = SLOW
    given_up = approved.apply("--timeout", "1s")
    finish_operations(approved)

    assert (1, True) == (given_up.code, "CMK312" in codes(given_up))
    assert_resumes(approved)


def test_resources_being_created_by_this_plan_are_waited_for(approved: Bench) -> None:
    """A second run that times out during the same wait waits rather than refuses."""
    running = approved.azure.running
    running.state.tenant.pace = SLOW
    approved.apply("--timeout", "1s")
    noted = approved.document["begun"]

    again = approved.apply("--timeout", "1s")

    waits = {each["resource_id"] for each in again.of("planned_change") if each["action"] == "wait"}
    assert (1, True) == (again.code, "CMK312" in codes(again)), again.out
    # A change is noted before it is sent; on a busy machine the second ends before its request does.
    assert set() < waits <= set(noted)
    finish_operations(approved)
    assert_resumes(approved)


def test_a_copy_of_the_file_does_not_contain_started_changes(approved: Bench, tmp_path: Path) -> None:
    """A copy is refused; the file that was applied resumes."""
    copy = tmp_path / "copy.json"
    copy.write_bytes(approved.file.read_bytes())
    killed_before(approved, WRITES["the key"])

    ran = approved.apply(file=copy)

    assert 3 == ran.code
    assert "resource group rg-ml-quickstart: approved to create, now no-op (exists)" in refusal(ran)
    assert_resumes(approved)


def test_changes_by_others_are_found_after_an_interruption(approved: Bench) -> None:
    """Changes that this plan did not start are still compared."""
    killed_before(approved, WRITES["the group"])
    approved.azure.running.state.add_vault("kv-ml-quickstart", "rg-ml-quickstart", softDeleteRetentionInDays=7)
    before = approved.azure.writes()

    ran = approved.apply()

    # The group came with the vault, and this plan started it.
    assert (3, before) == (ran.code, approved.azure.writes())
    assert ["key vault kv-ml-quickstart"] == [each.partition(":")[0] for each in refusal(ran)]


def test_a_completed_plan_does_nothing(approved: Bench) -> None:
    """A second apply sends no write and needs no confirmation."""
    assert 0 == approved.apply().code
    written = approved.azure.writes()

    again = approved.azure("apply", approved.file)

    assert (0, written) == (again.code, approved.azure.writes())


def test_each_started_change_is_recorded(approved: Bench) -> None:
    """The file records all started changes, and no waits or no-ops."""
    before = approved.document
    created = [each["resource_id"] for each in before["changes"] if each["action"] == "create"]

    ran = approved.apply()

    started = [each["resource_id"] or each["subject"] for each in ran.of("apply_start")]
    assert sorted(set(started)) == approved.document["begun"]
    assert set(approved.document["begun"]) < set(created)
    assert before == {**approved.document, "begun": []}


def test_a_read_only_file_is_applied_with_a_warning(approved: Bench, tmp_path: Path) -> None:
    """A name that leaves no room for a temporary file beside it."""
    long = approved.file.rename(tmp_path / ("p" * 250))

    warned = approved.apply(file=long)

    assert (0, ["CMK526"]) == (warned.code, [each for each in codes(warned) if each >= "CMK5"])
    (line,) = [number for number, each in enumerate(warned.lines) if each.get("code") == "CMK526"]
    assert "apply_start" not in {each["type"] for each in warned.lines[:line]}


def test_a_read_only_file_cannot_be_resumed(approved: Bench, tmp_path: Path) -> None:
    """Its resources look like those of another run."""
    approved = replace(approved, file=approved.file.rename(tmp_path / ("p" * 250)))
    killed_before(approved, WRITES["the key"])

    assert 3 == approved.apply().code


@pytest.mark.parametrize("after", ["gone", "another plan", "no plan"])
def test_a_file_that_changes_during_an_apply(bench: Bench, after: str) -> None:
    """The apply continues, warns once, and leaves the file unchanged."""
    bench.plan("--set", "workspace.friendly_name=Other")
    other = bench.file.read_bytes()
    bench.plan()
    new = {"gone": None, "another plan": other, "no plan": b"{}"}[after]
    bench.azure.running.state.add_fault("throttle-seconds:1~1@*/register")
    process = begin(bench)
    assert process.stdout
    while "plan_summary" not in process.stdout.readline():
        pass
    bench.file.unlink()
    if new is not None:
        bench.file.write_bytes(new)
    ran = bench.azure.command.end(process)

    assert 0 == ran.code
    assert new == (bench.file.read_bytes() if bench.file.exists() else None)
    assert 1 == codes(ran).count("CMK526")


def test_two_concurrent_applies_of_one_file(approved: Bench) -> None:
    """The second run recognises the changes of the first by their records, and both succeed.

    It starts once the vault is written: of two runs that create one vault at the same moment, one ends with CMK404.
    """
    approved.azure.running.state.tenant.pace = Pace.seconds(2)
    first = begin(approved)
    deadline = time.monotonic() + 40
    while not any("vaults/" in each for each in approved.azure.writes()) and time.monotonic() < deadline:
        time.sleep(0.01)

    second = approved.apply()

    assert (0, 0) == (second.code, approved.azure.command.end(first).code)
    assert second.of("plan_summary")[0]["counts"]["create"] < 15
