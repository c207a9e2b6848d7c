"""A procedure is a value: the engine runs any steps and rules, and knows none of them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from support.toy_procedure import OTHER, PROFILE, FakeStep, World, procedure, refused, run, send

import cmkctl
from cmkctl.azure.failures import FailureKind
from cmkctl.diagnostics import CmkctlError, Code, Diagnostic, Severity
from cmkctl.engine import apply_plan, make_plan
from cmkctl.events import ChangeFinished, ChangeSkipped
from cmkctl.facts import Fact, Facts, Finding, RulePolicy, rule
from cmkctl.plan import Action

TOGETHER = 5.0
PRODUCT = Path(cmkctl.__file__).parent


def codes(diagnostics: Any) -> list[tuple[str, str]]:
    """Code and severity of some diagnostics."""
    return [(each.code, str(each.severity)) for each in diagnostics]


def finding(code: str, severity: Severity = Severity.WARNING) -> Diagnostic:
    """Return a finding of a rule."""
    return Code(code, "a", "b", "c").diagnostic(severity, "detail")


# --- order ------------------------------------------------------------------------------------------------------------


def test_a_change_starts_when_its_own_dependency_is_done_although_a_sibling_is_still_running() -> None:
    """Application Insights depends on Log Analytics, and not on the storage account beside it."""
    world, insights = World(), threading.Event()
    world.during = {"storage": lambda: insights.wait(TOGETHER), "insights": insights.set}
    steps = FakeStep(world, "s", {"storage": 1, "logs": 1, "insights": 1}, after={"insights": ("logs",)})
    running = run(world, steps)

    running.apply()

    finished = [each.change.name for each in running.events if isinstance(each, ChangeFinished)]
    assert ["logs", "insights", "storage"] == finished


def test_a_planned_change_that_is_not_needed_any_more_is_emitted_as_skipped() -> None:
    """Another run had its effect: the counts of a run add up to those of its plan."""
    world = World()
    running = run(world, FakeStep(world, "s", {"a": 1, "b": 1}))
    plan = running.plan()
    world.state["a"] = 1

    running.apply(plan)

    assert ["a"] == [each.change.name for each in running.events if isinstance(each, ChangeSkipped)]
    assert ["b"] == [each.change.name for each in running.events if isinstance(each, ChangeFinished)]


def test_a_resource_that_differs_after_its_own_write_is_a_failure_of_this_run() -> None:
    """Azure is blamed for a difference (CMK402) only when this run did not write the resource."""
    world = World()
    world.during["b"] = lambda: world.state.__setitem__("a", OTHER)
    running = run(world, FakeStep(world, "s", {"a": 1, "b": 1}, after={"b": ("a",)}))

    with pytest.raises(CmkctlError) as caught:
        running.apply()

    assert ["CMK401", "CMK243"] == [each.code for each in caught.value.diagnostics][:2]


# --- proof ------------------------------------------------------------------------------------------------------------


def test_a_failed_proof_fails_the_run_after_everything_was_applied() -> None:
    """The proof sees the plan before and after, and its findings are the run's failure."""
    world = World()
    seen: list[tuple[int, int]] = []

    def proof(_session: Any, _profile: Any, before: Any, after: Any) -> Iterator[Diagnostic]:
        seen.append((before.count(Action.CREATE), after.count(Action.NO_OP)))
        yield finding("CMK197", Severity.ERROR)

    toy = replace(procedure((FakeStep(world, "a", {"a": 1}),)), proof=proof)

    with pytest.raises(CmkctlError) as caught:
        apply_plan(world, PROFILE, make_plan(world, PROFILE, toy), toy, lambda _event: None, send)  # type: ignore[arg-type]

    assert ([("CMK197", "error")], [(1, 1)], {"a": 1}) == (codes(caught.value.diagnostics), seen, world.state)


# --- facts and rules --------------------------------------------------------------------------------------------------


QUOTA: Fact[int] = Fact("quota", lambda azure, _profile: cast("Any", azure).look("quota", {"left": 0})["left"] or 0)


LOW = Code("CMK196", "a", "b", "c")


@rule(LOW, severity=Severity.WARNING, needs=(QUOTA,))
def low_quota(_profile: Any, facts: Facts) -> Iterator[Finding]:
    """Judge a fact that no step observes."""
    if facts[QUOTA] < 1:
        yield Finding("b", "c")


RULES = (low_quota,)


def test_a_rule_brings_its_own_fact() -> None:
    """One more fact is read without a change to the engine."""
    world = World()

    plan = replace(run(world, FakeStep(world, "a", {"a": 1})), rules=RULES).plan()

    assert ([("CMK196", "warning")], False) == (codes(plan.diagnostics), plan.errored)


def test_a_fact_that_cannot_be_read_skips_its_rules_with_a_note_and_keeps_the_plan() -> None:
    """What was not read is not absent, and the note names the codes that were not checked."""
    world = World()
    world.blind["quota"] = [refused(FailureKind.DENIED)]

    plan = replace(run(world, FakeStep(world, "a", {"a": 1})), rules=RULES).plan()

    (note,) = plan.diagnostics
    assert (Severity.NOTE, True, 1) == (note.severity, "CMK196" in note.detail, plan.count(Action.CREATE))


def test_facts_that_only_rules_need_are_no_part_of_the_digest() -> None:
    """A saved plan holds as long as what its steps observed holds."""
    world = World()
    running = replace(run(world, FakeStep(world, "a", {"a": 1})), rules=RULES)
    before = running.plan().observed
    world.state["left"] = 7

    assert before == running.plan().observed


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (RulePolicy(), ("warning", False)),
        (RulePolicy(strict=True), ("error", True)),
        (RulePolicy(ignore=("CMK196",)), ("note", False)),
        (RulePolicy(ignore=("CMK196",), strict=True), ("note", False)),
    ],
)
def test_the_operator_decides_how_a_finding_counts(policy: RulePolicy, expected: tuple[str, bool]) -> None:
    """--strict makes a warning an error; --ignore keeps a finding visible as a note."""
    world = World()
    toy = procedure((FakeStep(world, "a", {"a": 1}),), RULES)

    plan = make_plan(world, PROFILE, toy, policy)  # type: ignore[arg-type]

    assert expected == (str(plan.diagnostics[0].severity), plan.errored)


def test_an_ignored_finding_stays_ignored_when_everything_is_read_back() -> None:
    """An error that the operator ignored in the plan does not fail the run after its last write."""
    world = World()
    toy = procedure((FakeStep(world, "a", {"a": 1}),), (replace(low_quota, severity=Severity.ERROR),))
    policy = RulePolicy(ignore=("CMK196",))
    session: Any = world

    result = apply_plan(
        session, PROFILE, make_plan(session, PROFILE, toy, policy), toy, lambda _event: None, send, policy
    )

    assert ({"a": 1}, [("CMK196", "note")]) == (world.state, codes(result.diagnostics))


# --- structure --------------------------------------------------------------------------------------------------------


def test_the_engine_imports_no_step_and_no_rule() -> None:
    """It gets them with the procedure."""
    listing = (
        "import sys, cmkctl.engine; print([m for m in sys.modules if m.startswith(('cmkctl.steps', 'cmkctl.checks'))])"
    )

    found = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True).stdout

    assert "['cmkctl.steps', 'cmkctl.steps.base']" == found.strip()


def modules() -> list[Path]:
    """Return the modules of the product, without the sandbox."""
    return [each for each in PRODUCT.rglob("*.py") if "sandbox" not in each.relative_to(PRODUCT).parts]


WRITERS = {
    "begin_create_or_update",
    "begin_create_or_update_by_id",
    "begin_update_by_id",
    "begin_delete",
    "begin_delete_by_id",
    "begin_purge_deleted",
    "create_if_not_exist",
    "create_or_update",
    "patch",
    "register",
    "unregister",
    "update_access_policy",
}


def test_only_one_module_writes() -> None:
    """Every method of the SDK that writes is called in azure/send.py alone."""
    callers = {
        path.relative_to(PRODUCT).as_posix()
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in WRITERS
    }

    assert {"azure/send.py"} == callers


def test_no_output_is_looked_up_by_a_string() -> None:
    """Outputs are typed: a misspelt one is a type error."""
    texts = {path: path.read_text(encoding="utf-8") for path in modules()}

    assert [] == [
        path.name for path, text in texts.items() if 'known.get("' in text or re.search(r'known\["\w+"\]\["', text)
    ]
