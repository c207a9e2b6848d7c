"""Planning is a function of values: what a profile wants and what Azure answered give changes, each with its reason.

The cases are the files in cases/STEP/BEHAVIOUR.yaml; `planning` says how they are written.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest
from planning import HERE, STEPS, expected, known_of, load, observation, plain, profile_of, told, told_outputs

from cmkctl.plan import Action, Change, unknowns

CASES: Final = sorted((HERE / "cases").glob("*/*.yaml"))
EACH_CASE: Final = pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")

_PARTS: Final = {"promise", "profile", "observed", "known", "changes", "outputs"}
_REQUIRED_OF_A_CHANGE: Final = {"action", "title", "reason"}
_ENOUGH: Final = {
    "resource_providers": 6,
    "resource_group": 4,
    "key_vault": 18,
    "key": 12,
    "key_access": 16,
    "associated_resources": 14,
    "workspace": 18,
}


def planned(path: Path) -> list[Change]:
    """The changes that the step plans for a case."""
    case = load(path)
    profile, step = profile_of(case), STEPS[path.parent.name]
    return step.plan(profile, observation(step.name, profile, case["observed"]), known_of(case))


@EACH_CASE
def test_plan_of_case(path: Path) -> None:
    """The promise is the case's own: what is desired and what was observed give these changes, for these reasons."""
    case = load(path)

    changes = planned(path)

    assert [expected(each) for each in case["changes"]] == [
        told(change, like=said) for change, said in zip(changes, case["changes"], strict=True)
    ]


@EACH_CASE
def test_outputs_of_case(path: Path) -> None:
    """What later steps may use is what the case says, unknown as long as it does not exist."""
    case = load(path)
    profile, step = profile_of(case), STEPS[path.parent.name]

    outputs = step.outputs(profile, observation(step.name, profile, case["observed"]), known_of(case))

    assert plain(case.get("outputs", outputs)) == told_outputs(outputs)


@EACH_CASE
def test_case_says_its_promise_and_every_reason(path: Path) -> None:
    """A case that leaves out its promise or a reason, or says what nobody reads, is a mistake."""
    case = load(path)

    assert (set(), True) == (set(case) - _PARTS, case["promise"].endswith("."))
    assert [] == [each for each in case["changes"] if not all(each.get(name) for name in _REQUIRED_OF_A_CHANGE)]
    assert "observed" in case


@EACH_CASE
def test_plan_changes_nothing_it_was_given(path: Path) -> None:
    """Planning is pure: what was observed stays as it was, and planning it again gives the same changes."""
    case = load(path)
    profile, step, known = profile_of(case), STEPS[path.parent.name], known_of(case)
    observed = observation(step.name, profile, case["observed"])
    before = deepcopy(observed)

    first = step.plan(profile, observed, known)

    assert (before, first) == (observed, step.plan(profile, observed, known))


@EACH_CASE
def test_every_change_says_what_its_action_needs(path: Path) -> None:
    """A write has a request and something it changes, a conflict a code and a way out, and nothing else has any."""
    changes = planned(path)

    assert changes
    assert [_shape(each.action) for each in changes] == [
        (each.request is not None, bool(each.attributes), bool(each.code), bool(each.ways_out)) for each in changes
    ]


def _shape(action: Action) -> tuple[bool, bool, bool, bool]:
    conflict = action is Action.CONFLICT
    return action.writes, action.writes, conflict, conflict


@EACH_CASE
def test_no_attribute_changes_into_itself(path: Path) -> None:
    """An attribute that stays as it is did not cause the change, and is not shown with it."""
    changes = planned(path)

    assert [] == [each for change in changes for each in change.attributes if each.before == each.after]


@EACH_CASE
def test_no_request_weakens_protection(path: Path) -> None:
    """Nothing that is sent turns a protection off, replaces a list of access policies, or purges."""
    requests = [each.request for each in planned(path) if each.request is not None]

    assert [] == [name for each in requests for name in _weaker(each.body)]
    assert {"PUT", "PATCH", "POST"} >= {each.method for each in requests}


def _weaker(body: Any) -> list[str]:
    if isinstance(body, list | tuple):
        return [name for each in body for name in _weaker(each)]
    if not isinstance(body, dict):
        return []
    protections = ("enablePurgeProtection", "enableSoftDelete", "supportsHttpsTrafficOnly")
    found = [name for name in protections if body.get(name) is False]
    return found + [name for inner in body.values() for name in _weaker(inner)]


@EACH_CASE
def test_unknown_values_come_from_steps_that_it_needs(path: Path) -> None:
    """A step waits for whatever supplies a value it does not know yet."""
    step = STEPS[path.parent.name]

    found = {each.step for change in planned(path) if change.request for _, each in unknowns(change.request.body)}

    assert found <= {*step.needs, step.name}


def test_there_are_enough_cases() -> None:
    """Every step is described by as many cases as its decisions need."""
    counts = {name: len([each for each in CASES if each.parent.name == name]) for name in STEPS}

    assert set(_ENOUGH) == set(counts)
    assert {} == {name: count for name, count in counts.items() if count < _ENOUGH[name]}
