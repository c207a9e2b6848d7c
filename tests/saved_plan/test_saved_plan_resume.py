"""Killed at any moment, the same command goes on; what was begun is noted in the file before it is sent."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from support.saved_plan import Bench, codes, refusal

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


def begin(bench: Bench) -> subprocess.Popen[str]:
    """Start an apply of the file."""
    arguments = ("apply", bench.file, "--yes", "--json", "--sandbox", "--state", bench.azure.state)
    process: subprocess.Popen[str] = bench.azure.command.begin(*arguments)
    return process


def killed(bench: Bench, happened: Callable[[], bool]) -> None:
    """Start an apply and kill it, as ``kill -9`` does, once something has happened."""
    process = begin(bench)
    deadline = time.monotonic() + 40
    while not happened() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    reached = happened()
    process.kill()
    said = bench.azure.command.end(process)
    assert (True, -signal.SIGKILL) == (reached, said.code), said.out


def killed_before(bench: Bench, target: str) -> None:
    """Start an apply whose write to a target Azure does not carry out, and kill it there."""
    state, before = bench.azure.running.state, len(bench.azure.running.writes)
    state.add_fault(f"error-504:1000@{target}")
    killed(bench, lambda: any(each.status == 504 for each in bench.azure.running.writes[before:]))
    state.clear_faults()


def gone_on(bench: Bench) -> None:
    """Time passes, and Azure is done with what it was at."""
    bench.azure.running.state.tenant.advance(3600)
    bench.azure.running.state.tenant.pace = Pace.none()


def ended_well(bench: Bench) -> None:
    """The same command once more: everything is right when it is read at the end, and nothing was made twice."""
    ran = bench.apply()
    assert (0, []) == (ran.code, bench.done_twice()), ran.out
    assert 16 == ran.of("apply_summary")[0]["verified"]


@pytest.mark.parametrize("target", WRITES.values(), ids=WRITES)
def test_killed_at_a_write_that_azure_did_not_do(approved: Bench, target: str) -> None:
    """What came before is done and noted; this one is noted and still due."""
    killed_before(approved, target)
    noted = [each.lower() for each in approved.document["begun"]]
    stopped_at = approved.azure.running.writes[-1].path.lower()

    assert any(stopped_at.startswith(each) for each in noted)
    ended_well(approved)


@pytest.mark.parametrize("kind", ["a provider", "the vault", "the storage account", "the workspace"])
def test_killed_while_azure_is_at_work(approved: Bench, kind: str) -> None:
    """What was begun is found being made, and waited for."""
    running, pattern = approved.azure.running, WRITES[kind].partition(":")[2]
    killed_before(approved, WRITES[kind])
    running.state.tenant.pace = SLOW
    killed(
        approved, lambda: any(fnmatchcase(each.path.lower(), pattern) and each.status < 400 for each in running.writes)
    )
    gone_on(approved)

    ended_well(approved)


def test_killed_again_and_again(approved: Bench) -> None:
    """Each run gets further."""
    for each in ("a provider", "the vault", "the workspace"):
        killed_before(approved, WRITES[each])

    ended_well(approved)


def test_a_timeout_is_gone_on_from(approved: Bench) -> None:
    """Given up early, as Azure is slow; with the time that it takes it ends well."""
    running = approved.azure.running
    running.state.tenant.pace = SLOW
    given_up = approved.apply("--timeout", "1s")
    gone_on(approved)

    assert (1, True) == (given_up.code, "CMK312" in codes(given_up))
    ended_well(approved)


def test_what_is_being_made_by_this_plan_is_waited_for(approved: Bench) -> None:
    """Twice given up during the same wait: the second run waits, and does not refuse."""
    running = approved.azure.running
    running.state.tenant.pace = SLOW
    approved.apply("--timeout", "1s")
    noted = approved.document["begun"]

    again = approved.apply("--timeout", "1s")

    waits = {each["resource_id"] for each in again.of("planned_change") if each["action"] == "wait"}
    assert (1, True) == (again.code, "CMK312" in codes(again)), again.out
    assert waits == set(noted)
    gone_on(approved)
    ended_well(approved)


def test_another_copy_of_the_file_does_not_know_what_was_begun(approved: Bench, tmp_path: Path) -> None:
    """To it, that is somebody else's doing: it refuses. The file that was applied goes on."""
    copy = tmp_path / "copy.json"
    copy.write_bytes(approved.file.read_bytes())
    killed_before(approved, WRITES["the key"])

    ran = approved.apply(file=copy)

    assert 3 == ran.code
    assert "resource group rg-ml-quickstart: approved to create, now no-op (already there)" in refusal(ran)
    ended_well(approved)


def test_somebody_elses_doing_is_still_found_after_an_interruption(approved: Bench) -> None:
    """What this plan has begun is no licence for the rest."""
    killed_before(approved, WRITES["the group"])
    approved.azure.running.state.add_vault("kv-ml-quickstart", "rg-ml-quickstart", softDeleteRetentionInDays=7)
    before = approved.azure.writes()

    ran = approved.apply()

    # The group came with the vault, and was begun here.
    assert (3, before) == (ran.code, approved.azure.writes())
    assert ["key vault kv-ml-quickstart"] == [each.partition(":")[0] for each in refusal(ran)]


def test_a_finished_plan_is_finished(approved: Bench) -> None:
    """Applied twice, it does nothing the second time, and needs no yes for that."""
    assert 0 == approved.apply().code
    written = approved.azure.writes()

    again = approved.azure("apply", approved.file)

    assert (0, written) == (again.code, approved.azure.writes())


def test_each_change_is_noted_before_it_is_sent(approved: Bench) -> None:
    """All that were made, and nothing that was only waited for or right already."""
    before = approved.document
    created = [each["resource_id"] for each in before["changes"] if each["action"] == "create"]

    ran = approved.apply()

    started = [each["resource_id"] for each in ran.of("apply_start")]
    assert sorted(set(started)) == approved.document["begun"]
    assert set(approved.document["begun"]) < set(created)
    assert before == {**approved.document, "begun": []}


def test_a_file_that_cannot_be_written_is_warned_of_and_applied(approved: Bench, tmp_path: Path) -> None:
    """Its name leaves no room for a temporary file beside it. Interrupted, it has to be planned again."""
    long = approved.file.rename(tmp_path / ("p" * 250))

    warned = approved.apply(file=long)

    assert (0, ["CMK526"]) == (warned.code, [each for each in codes(warned) if each >= "CMK5"])
    (line,) = [number for number, each in enumerate(warned.lines) if each.get("code") == "CMK526"]
    assert "apply_start" not in {each["type"] for each in warned.lines[:line]}


def test_a_file_that_cannot_be_written_cannot_go_on(approved: Bench, tmp_path: Path) -> None:
    """What it made looks like somebody else's doing."""
    approved = replace(approved, file=approved.file.rename(tmp_path / ("p" * 250)))
    killed_before(approved, WRITES["the key"])

    assert 3 == approved.apply().code


@pytest.mark.parametrize("after", ["gone", "another plan", "no plan"])
def test_a_file_that_changes_while_it_is_applied(bench: Bench, after: str) -> None:
    """Somebody deletes it or saves another plan there: the apply goes on, warns once, and leaves the file alone."""
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


def test_two_applies_of_one_file_at_once_both_end_well(approved: Bench) -> None:
    """The second knows by the notes that it is this plan's own doing, and goes on beside it."""
    approved.azure.running.state.tenant.pace = Pace.seconds(2)
    first = begin(approved)
    deadline = time.monotonic() + 40
    while not approved.azure.writes() and time.monotonic() < deadline:
        time.sleep(0.01)

    second = approved.apply()

    assert (0, 0) == (second.code, approved.azure.command.end(first).code)
    assert second.of("plan_summary")[0]["counts"]["create"] < 15
