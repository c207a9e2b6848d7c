"""A saved plan is applied only where it was made: to the sandbox, or to Azure."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.saved_plan import Bench, codes

HEADER = "x-cmkctl-sandbox"


@pytest.fixture
def tape(bench: Bench, tmp_path: Path) -> Path:
    """Provide a recorded plan whose responses come from Azure, as far as a run can see."""
    tape = tmp_path / "tape.json"
    assert 0 == bench.azure("plan", bench.profile, "--record", tape).code
    recorded = tape.read_text(encoding="utf-8")
    document = json.loads(recorded)
    tape.write_text(json.dumps(_without(document, HEADER)), encoding="utf-8")
    assert HEADER in recorded
    return tape


def _without(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {each: _without(inner, name) for each, inner in value.items() if each.lower() != name}
    return [_without(each, name) for each in value] if isinstance(value, list) else value


def elsewhere(bench: Bench, *arguments: str | Path) -> Any:
    """Run a command without ``--sandbox``."""
    return bench.azure.command(*arguments)


def remedy(ran: Any) -> str:
    """Return the remedy of the only diagnostic."""
    (found,) = ran.of("diagnostic")
    text: str = found["remedy"]
    return text


def test_a_plan_of_the_sandbox_is_refused_against_azure(bench: Bench, tape: Path) -> None:
    """It is refused before its differences are looked at, and the remedy has --sandbox."""
    bench.plan()

    ran = elsewhere(bench, "apply", bench.file, "--yes", "--json", "--replay", tape)

    assert (3, ["CMK529"], []) == (ran.code, codes(ran), bench.azure.writes())
    assert remedy(ran).endswith(f" apply {bench.file} --sandbox")


def test_a_plan_of_azure_is_refused_with_the_option_sandbox(bench: Bench, tape: Path) -> None:
    """It is refused without a request, and the remedy has no --sandbox."""
    assert 0 == elsewhere(bench, "plan", bench.profile, "--out", bench.file, "--replay", tape).code
    before = len(bench.azure.running.requests)

    ran = bench.apply()

    assert (False, before) == (bench.document["sandbox"], len(bench.azure.running.requests))
    assert (3, ["CMK529"]) == (ran.code, codes(ran))
    assert remedy(ran).endswith(f" apply {bench.file}")


def test_a_plan_of_azure_is_refused_in_the_environment_of_the_sandbox(bench: Bench, tape: Path) -> None:
    """The responses show where the run goes, also without --sandbox."""
    assert 0 == elsewhere(bench, "plan", bench.profile, "--out", bench.file, "--replay", tape).code
    there = bench.azure.command.within(**bench.azure.running.environment())

    ran = there("apply", bench.file, "--yes", "--json", "--auth", "environment")

    assert (3, ["CMK529"], []) == (ran.code, codes(ran), bench.azure.writes())
    assert remedy(ran).startswith("Unset the environment variables of the sandbox")


def test_a_plan_of_the_sandbox_is_applied_in_its_environment(bench: Bench) -> None:
    """The option and the environment lead to the same place."""
    bench.plan()
    there = replace(bench.azure, command=bench.azure.command.within(**bench.azure.running.environment()))

    ran = there.command("apply", bench.file, "--yes", "--json", "--auth", "environment")

    assert (0, True) == (ran.code, bench.azure.writes() != [])


def test_a_plan_of_azure_is_applied_to_azure(bench: Bench, tape: Path) -> None:
    """A replay of the same tape comes past the comparison of targets, to a request that the tape does not have."""
    assert 0 == elsewhere(bench, "plan", bench.profile, "--out", bench.file, "--replay", tape).code

    ran = elsewhere(bench, "apply", bench.file, "--yes", "--json", "--replay", tape)

    assert "CMK529" not in codes(ran)
    assert ran.of("apply_start")
