"""Planning is a function of values: what a profile wants and what Azure answered give changes, each with its reason.

The cases are the files in cases/STEP/BEHAVIOUR.yaml; `support.planning` says how they are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest
from support.planning import (
    HERE,
    STEPS,
    expected,
    known_of,
    load,
    observation,
    plain,
    profile_of,
    rendered,
    rendered_outputs,
)

from cmkctl.plan import Action, Change, unknowns

CASES: Final = {f"{each.parent.name}/{each.stem}": each for each in sorted((HERE / "cases").glob("*/*.yaml"))}
EACH_CASE: Final = pytest.mark.parametrize("name", CASES)

_PARTS: Final = {"promise", "profile", "observed", "known", "changes", "outputs"}
_PARTS_OF_A_CHANGE: Final = {"action", "id", "title", "reason", "code", "ways_out", "attributes", "irreversible"} | {
    "costs",
    "depends_on",
    "earliest",
    "request",
}
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


def all_planned() -> Iterator[tuple[str, Change]]:
    """Every change of every case, with the case's name."""
    yield from ((name, each) for name, path in CASES.items() for each in planned(path))


@EACH_CASE
def test_plan_of_case(name: str) -> None:
    """The promise is the case's own: what is desired and what was observed give these changes, for these reasons."""
    case = load(CASES[name])

    changes = planned(CASES[name])

    assert [expected(each) for each in case["changes"]] == [
        rendered(change, like=said) for change, said in zip(changes, case["changes"], strict=True)
    ]


@EACH_CASE
def test_outputs_of_case(name: str) -> None:
    """What later steps may use is what the case says, unknown as long as it does not exist."""
    case, step = load(CASES[name]), STEPS[CASES[name].parent.name]
    profile = profile_of(case)

    outputs = step.outputs(profile, observation(step.name, profile, case["observed"]), known_of(case))

    assert plain(case.get("outputs", outputs)) == rendered_outputs(outputs)


@EACH_CASE
def test_case_says_its_promise_and_every_reason(name: str) -> None:
    """A case that leaves out its promise or a reason, or says what nobody reads, is a mistake."""
    case = load(CASES[name])

    assert (set(), True, True) == (set(case) - _PARTS, case["promise"].endswith("."), "observed" in case)
    assert [] == [each for each in case["changes"] if not all(each.get(part) for part in _REQUIRED_OF_A_CHANGE)]
    assert [] == [each for each in case["changes"] if set(each) - _PARTS_OF_A_CHANGE]


def test_there_are_enough_cases() -> None:
    """Every step is described by as many cases as its decisions need."""
    counts = {step: sum(path.parent.name == step for path in CASES.values()) for step in STEPS}

    assert set(_ENOUGH) == set(counts)
    assert {} == {step: count for step, count in counts.items() if count < _ENOUGH[step]}


def test_plan_changes_nothing_it_was_given() -> None:
    """Planning is pure: what was observed stays as it was, and planning it again gives the same changes."""
    impure = []

    for name, path in CASES.items():
        case, step = load(path), STEPS[path.parent.name]
        profile, known = profile_of(case), known_of(case)
        observed = observation(step.name, profile, case["observed"])
        before = deepcopy(observed)
        first = step.plan(profile, observed, known)
        if (before, first) != (observed, step.plan(profile, observed, known)):
            impure.append(name)

    assert [] == impure


def test_every_plan_says_something() -> None:
    """A plan is never empty: doing nothing has a reason, too."""
    silent = [name for name, path in CASES.items() if not planned(path)]

    assert [] == silent


def test_every_change_says_what_its_action_needs() -> None:
    """A write has a request, a conflict a code and a way out, and nothing else has any of these."""
    wrong = [
        (name, each.title)
        for name, each in all_planned()
        if (each.request is not None, bool(each.code), bool(each.ways_out))
        != (each.action.writes, each.action is Action.CONFLICT, each.action is Action.CONFLICT)
    ]

    assert [] == wrong


def test_no_attribute_changes_into_itself() -> None:
    """An attribute that stays as it is did not cause the change, and is not shown with it."""
    same = [(name, each) for name, change in all_planned() for each in change.attributes if each.before == each.after]

    assert [] == same


def test_what_cannot_be_undone_is_said_and_marked() -> None:
    """A change with an irreversible attribute says in words what cannot be undone."""
    unsaid = [
        (name, change.title)
        for name, change in all_planned()
        if any(each.irreversible for each in change.attributes) != bool(change.irreversible)
    ]

    assert [] == unsaid


def test_no_request_weakens_protection() -> None:
    """Nothing that is sent turns a protection off, deletes or purges."""
    requests = [(name, each.request) for name, each in all_planned() if each.request is not None]

    assert [] == [(name, path) for name, each in requests for path in _weaker(each.body)]
    assert {"PUT", "PATCH", "POST"} == {each.method for _, each in requests}


def _weaker(body: Any) -> list[str]:
    if isinstance(body, list | tuple):
        return [name for each in body for name in _weaker(each)]
    if not isinstance(body, dict):
        return []
    protections = ("enablePurgeProtection", "enableSoftDelete", "supportsHttpsTrafficOnly")
    found = [name for name in protections if body.get(name) is False]
    return found + [name for inner in body.values() for name in _weaker(inner)]


def test_an_existing_vault_is_never_put() -> None:
    """A PUT of a vault replaces everybody's access policies, so an existing one is only patched or added to."""
    existing = [name for name, path in CASES.items() if name.startswith("key_vault") and _has_vault(path)]

    methods = {each.request.method for name in existing for each in planned(CASES[name]) if each.request is not None}

    assert {"PATCH"} == methods


def _has_vault(path: Path) -> bool:
    return load(path)["observed"].get("vault") is not None


def test_unknown_values_come_from_steps_that_are_waited_for() -> None:
    """A step waits for whatever supplies a value it does not know yet."""
    strangers = [
        (name, each)
        for name, change in all_planned()
        if change.request is not None
        for _, each in unknowns(change.request.body)
        if each.step not in (*STEPS[change.step].needs, change.step)
    ]

    assert [] == strangers


def test_what_comes_first_is_in_the_same_plan_or_given() -> None:
    """A change waits only for changes of its own step."""
    lost = [
        (name, change.title, each)
        for name, path in CASES.items()
        for change in planned(path)
        for each in set(change.depends_on) - {other.resource_id for other in planned(path)}
    ]

    assert [] == lost
