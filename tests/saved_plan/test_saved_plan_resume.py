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
from saved_plan_support import Bench, codes, refusal

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
    assert 16 == ran.of("apply_summary")[0]["right_at_the_end"]


@pytest.mark.parametrize("target", WRITES.values(), ids=WRITES)
def test_killed_at_a_write_that_azure_did_not_do(bench: Bench, target: str) -> None:
    """What came before is done and noted; this one is noted and still due."""
    bench.plan()
    killed_before(bench, target)
    noted = [each.lower() for each in bench.document["begun"]]
    stopped_at = bench.azure.running.writes[-1].path.lower()

    assert any(stopped_at.startswith(each) for each in noted)
    ended_well(bench)


@pytest.mark.parametrize("kind", ["a provider", "the vault", "the storage account", "the workspace"])
def test_killed_while_azure_is_at_work(bench: Bench, kind: str) -> None:
    """What was begun is found being made, and waited for."""
    running, pattern = bench.azure.running, WRITES[kind].partition(":")[2]
    bench.plan()
    killed_before(bench, WRITES[kind])
    running.state.tenant.pace = SLOW
    killed(bench, lambda: any(fnmatchcase(each.path.lower(), pattern) and each.status < 400 for each in running.writes))
    gone_on(bench)

    ended_well(bench)


def test_killed_again_and_again(bench: Bench) -> None:
    """Each run gets further."""
    bench.plan()
    for each in ("a provider", "the vault", "the workspace"):
        killed_before(bench, WRITES[each])

    ended_well(bench)


def test_a_timeout_is_gone_on_from(bench: Bench) -> None:
    """Given up early, as Azure is slow; with the time that it takes it ends well."""
    running = bench.azure.running
    running.state.tenant.pace = SLOW
    bench.plan()
    given_up = bench.apply("--timeout", "1s")
    gone_on(bench)

    assert (1, True) == (given_up.code, "CMK312" in codes(given_up))
    ended_well(bench)


def test_what_is_being_made_by_this_plan_is_waited_for(bench: Bench) -> None:
    """Twice given up during the same wait: the second run waits, and does not refuse."""
    running = bench.azure.running
    running.state.tenant.pace = SLOW
    bench.plan()
    bench.apply("--timeout", "1s")
    noted = bench.document["begun"]

    again = bench.apply("--timeout", "1s")

    waits = {each["resource_id"] for each in again.of("planned_change") if each["action"] == "wait"}
    assert (1, True) == (again.code, "CMK312" in codes(again)), again.out
    assert waits == set(noted)
    gone_on(bench)
    ended_well(bench)


def test_another_copy_of_the_file_does_not_know_what_was_begun(bench: Bench, tmp_path: Path) -> None:
    """To it, that is somebody else's doing: it refuses. The file that was applied goes on."""
    bench.plan()
    copy = tmp_path / "copy.json"
    copy.write_bytes(bench.file.read_bytes())
    killed_before(bench, WRITES["the key"])

    ran = bench.apply(file=copy)

    assert 3 == ran.code
    assert "resource group rg-ml-quickstart: approved to create, now no-op (already there)" in refusal(ran)
    ended_well(bench)


def test_somebody_elses_doing_is_still_found_after_an_interruption(bench: Bench) -> None:
    """What this plan has begun is no licence for the rest."""
    bench.plan()
    killed_before(bench, WRITES["the group"])
    bench.azure.running.state.add_vault("kv-ml-quickstart", "rg-ml-quickstart", softDeleteRetentionInDays=7)
    before = bench.azure.writes()

    ran = bench.apply()

    # The group came with the vault, and was begun here.
    assert (3, before) == (ran.code, bench.azure.writes())
    assert ["key vault kv-ml-quickstart"] == [each.partition(":")[0] for each in refusal(ran)]


def test_a_finished_plan_is_finished(bench: Bench) -> None:
    """Applied twice, it does nothing the second time, and needs no yes for that."""
    bench.plan()
    assert 0 == bench.apply().code
    written = bench.azure.writes()

    again = bench.azure("apply", bench.file)

    assert (0, written) == (again.code, bench.azure.writes())


def test_each_change_is_noted_before_it_is_sent(bench: Bench) -> None:
    """All that were made, and nothing that was only waited for or right already."""
    bench.plan()
    before = bench.document
    approved = [each["resource_id"] for each in before["changes"] if each["action"] == "create"]

    ran = bench.apply()

    started = [each["resource_id"] for each in ran.of("apply_start")]
    assert sorted(set(started)) == bench.document["begun"]
    assert set(bench.document["begun"]) < set(approved)
    assert before == {**bench.document, "begun": []}


def test_a_file_that_cannot_be_written_is_warned_of_and_applied(bench: Bench, tmp_path: Path) -> None:
    """Its name leaves no room for a temporary file beside it. Interrupted, it has to be planned again."""
    bench.plan()
    long = bench.file.rename(tmp_path / ("p" * 250))

    warned = bench.apply(file=long)

    assert (0, ["CMK526"]) == (warned.code, [each for each in codes(warned) if each >= "CMK5"])
    (line,) = [number for number, each in enumerate(warned.lines) if each.get("code") == "CMK526"]
    assert "apply_start" not in {each["type"] for each in warned.lines[:line]}


def test_a_file_that_cannot_be_written_cannot_go_on(bench: Bench, tmp_path: Path) -> None:
    """What it made looks like somebody else's doing."""
    bench.plan()
    bench = replace(bench, file=bench.file.rename(tmp_path / ("p" * 250)))
    killed_before(bench, WRITES["the key"])

    assert 3 == bench.apply().code


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
