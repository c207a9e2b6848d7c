"""Planning is a function of values: a profile and the documents of Azure give changes, each with its reason.

The cases are the files in cases/STEP/BEHAVIOUR.yaml; `support.planning` describes their form.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

import pytest
from support.planning import (
    CASES,
    HERE,
    OUTPUTS,
    STEPS,
    Case,
    Documents,
    at_path,
    known_from,
    load,
    merged,
    plain,
    rendered_outputs,
    right,
)
from support.step_sources import actions_in, codes_in

from cmkctl.plan import Action, Change, Output, unknowns
from cmkctl.profile.model import Profile

EACH_CASE: Final = pytest.mark.parametrize("case", CASES.values(), ids=CASES)

_PAIR: Final = frozenset({"associated_resources", "encrypted_resources"})
TOGETHER: Final = dict.fromkeys(_PAIR, _PAIR)
"""Steps that plan with the same functions: a case of one counts for the other."""

_REQUIRED: Final = {"promise", "documents", "changes", "outputs"}
_PARTS: Final = _REQUIRED | {"profile", "denied", "known"}
_REQUIRED_OF_A_CHANGE: Final = {"action", "kind", "id", "reason"}
_PARTS_OF_A_CHANGE: Final = _REQUIRED_OF_A_CHANGE | {
    *("name", "code", "ways_out", "attributes", "irreversible", "costs", "depends_on", "earliest", "verb"),
    *("request", "settle", "resend"),
}


def all_planned() -> Iterator[tuple[str, Change]]:
    """Yield every change of every case, with the case's name."""
    yield from ((name, each) for name, case in CASES.items() for each in case.plan())


@EACH_CASE
def test_plan_of_case(case: Case) -> None:
    """The documents and the profile give these changes, for these reasons, with these requests and waits."""
    assert case.expected == case.rendered()


@EACH_CASE
def test_outputs_of_case(case: Case) -> None:
    """Later steps get these values, unknown as long as they do not exist."""
    assert plain(case.text["outputs"]) == rendered_outputs(case.outputs())


@EACH_CASE
def test_case_is_complete(case: Case) -> None:
    """A case has a promise, documents, changes with reasons and the outputs, and no part that is not compared."""
    text = case.text

    assert (set(), set(), True) == (_REQUIRED - set(text), set(text) - _PARTS, text["promise"].endswith("."))
    assert [] == [each for each in text["changes"] if not all(each.get(part) for part in _REQUIRED_OF_A_CHANGE)]
    assert [] == [each for each in text["changes"] if set(each) - _PARTS_OF_A_CHANGE]


def test_steps_read_every_document_of_their_cases() -> None:
    """A document that the step does not read has no part in the case: it is a mistake, or an address with a typo."""
    unread = [(case.name, address) for case in CASES.values() for address in _unread(case)]

    assert [] == unread


def _unread(case: Case) -> set[str]:
    return case.addresses - _observed(case).requested


def test_every_step_has_cases_and_every_case_a_step() -> None:
    """A step without cases, or cases of a step that no longer exists, fail."""
    assert set(STEPS) == {each.step for each in CASES.values()}


def test_every_usual_part_is_used() -> None:
    """usual.yaml lists no kind and action that no case plans."""
    listed = {
        (step, kind, action)
        for step, kinds in load(HERE / "usual.yaml").items()
        for kind, actions in kinds.items()
        for action in actions
    }
    planned = {(each.step, each.kind, str(each.action)) for _, each in all_planned()}

    assert set() == listed - planned


@pytest.mark.parametrize("step", STEPS)
def test_every_action_of_a_step_has_a_case(step: str) -> None:
    """A step that can create, update, wait, stay or conflict shows each of them in a case."""
    steps = TOGETHER.get(step, {step})
    planned = {each.action for case in CASES.values() if case.step in steps for each in case.plan()}

    assert set().union(*map(actions_in, steps)) == planned


@pytest.mark.parametrize("step", STEPS)
def test_every_conflict_code_of_a_step_has_a_case(step: str) -> None:
    """A code in the source of a step is planned by a case of that step."""
    steps = TOGETHER.get(step, {step})
    planned = {each.code for case in CASES.values() if case.step in steps for each in case.plan() if each.code}

    assert set().union(*map(codes_in, steps)) == planned


def test_planning_leaves_its_input_unchanged() -> None:
    """Planning is pure: the observation stays as it was, and planning it again gives the same changes."""
    impure = [name for name, case in CASES.items() if not _pure(case)]

    assert [] == impure


def _pure(case: Case) -> bool:
    step, known = STEPS[case.step], known_from(case.known)
    observed = step.observe(case.azure(), case.profile)
    before = deepcopy(observed)
    first = step.plan(case.profile, observed, known)
    return bool((before, first) == (observed, step.plan(case.profile, observed, known)))


def test_a_plan_is_never_empty() -> None:
    """Doing nothing has a reason, too."""
    assert [] == [name for name, case in CASES.items() if not case.plan()]


def test_every_change_has_what_its_action_needs() -> None:
    """A write has a request, a conflict a code and a way out, a wait an end to wait for; nothing else has any of these."""
    wrong = [
        (name, each.title)
        for name, each in all_planned()
        if (each.request is not None, bool(each.code), bool(each.ways_out))
        != (each.action.writes, each.action is Action.CONFLICT, each.action is Action.CONFLICT)
        or (each.settle is None and each.action is Action.WAIT)
        or (each.settle is not None and not each.action.writes and each.action is not Action.WAIT)
    ]

    assert [] == wrong


def test_no_attribute_changes_into_itself() -> None:
    """An attribute that stays as it is did not cause the change, and is not shown with it."""
    same = [(name, each) for name, change in all_planned() for each in change.attributes if each.before == each.after]

    assert [] == same


def test_an_irreversible_attribute_has_words_for_its_effect() -> None:
    """A change has irreversible effects in words exactly when one of its attributes is irreversible."""
    unmatched = [
        (name, change.title)
        for name, change in all_planned()
        if any(each.irreversible for each in change.attributes) != bool(change.irreversible)
    ]

    assert [] == unmatched


def test_no_request_weakens_protection() -> None:
    """No request turns a protection off, deletes or purges."""
    requests = [(name, each.request) for name, each in all_planned() if each.request is not None]

    assert [] == [(name, path) for name, each in requests for path in _weaker(each.body)]
    assert {"PUT", "PATCH", "POST"} == {each.method for _, each in requests}


_PROTECTIONS: Final = ("enablePurgeProtection", "enableSoftDelete", "supportsHttpsTrafficOnly")


def _weaker(body: Any) -> list[str]:
    if isinstance(body, list | tuple):
        return [name for each in body for name in _weaker(each)]
    if not isinstance(body, dict):
        return []
    found = [name for name in _PROTECTIONS if body.get(name) is False]
    return found + [name for inner in body.values() for name in _weaker(inner)]


def test_a_body_that_turns_a_protection_off_is_found() -> None:
    """The guard above finds each protection wherever it is in a body."""
    assert list(_PROTECTIONS) == _weaker({"properties": [{"a": dict.fromkeys(_PROTECTIONS, False)}, {"b": True}]})


def test_an_existing_vault_is_never_put() -> None:
    """A PUT of a vault replaces all of its access policies, so an existing one is only patched."""
    methods = {
        each.request.method
        for case in CASES.values()
        if case.step == "key_vault" and case.azure().resource(case.profile.key_vault.resource_id, "") is not None
        for each in case.plan()
        if each.request is not None
    }

    assert {"PATCH"} == methods


def test_a_soft_deleted_vault_is_read_only_where_the_vault_is_absent() -> None:
    """An existing vault holds its name itself, so the extra request would be for nothing."""
    needless = [name for name, case in CASES.items() if _names_read(case, "deletedvaults") & _existing_vaults(case)]

    assert [] == needless
    assert any(_names_read(case, "deletedvaults") for case in CASES.values())


def test_roles_are_read_only_in_a_vault_that_uses_them() -> None:
    """In a vault with access policies roles have no effect on keys."""
    cases = {name: case for name, case in CASES.items() if case.step == "key_access"}
    needless = [name for name, case in cases.items() if _reads_roles(case) and not _uses_roles(case)]

    assert [] == needless
    assert any(_reads_roles(case) for case in cases.values())


def _observed(case: Case) -> Documents:
    azure = case.azure()
    STEPS[case.step].observe(azure, case.profile)
    return azure


def _names_read(case: Case, resource_type: str) -> set[str]:
    found = (each.split("/") for each in _observed(case).requested)
    return {segments[-1] for segments in found if len(segments) > 1 and segments[-2] == resource_type}


def _existing_vaults(case: Case) -> set[str]:
    return {each for each in _names_read(case, "vaults") if any(a.endswith(f"/vaults/{each}") for a in case.documents)}


def _reads_roles(case: Case) -> bool:
    return any("/roleassignments?" in each for each in _observed(case).requested)


def _uses_roles(case: Case) -> bool:
    vault = case.azure().resource(case.profile.key_vault.resource_id, "")
    return bool(vault and vault["properties"].get("enableRbacAuthorization"))


def test_a_step_needs_earlier_steps() -> None:
    """The steps that a step needs come before it in the procedure."""
    order = list(STEPS)

    assert [] == [
        (name, each) for name, step in STEPS.items() for each in step.needs if each not in order[: order.index(name)]
    ]


@pytest.mark.parametrize("output", [each for each in OUTPUTS.values() if each.source], ids=lambda each: each.name)
def test_the_source_of_an_output_is_where_azure_shows_it(output: Output[Any]) -> None:
    """When everything is up to date, a document that the step reads has the output's value at its source."""
    # With an identity to create: a step that has nothing to do has no document.
    text = merged(right("profile"), {"workspace": {"identity": {"create": "id-ml"}}})
    step, profile, azure = STEPS[output.step], Profile.model_validate(text), Documents(right("documents"))
    value = step.outputs(profile, step.observe(azure, profile))[output]

    assert value is not None
    assert value in [at_path(document, output.source) for document in azure.read_documents]


def test_unknown_values_come_from_steps_that_are_waited_for() -> None:
    """A step needs every step that supplies a value it does not know yet."""
    foreign = [
        (name, each)
        for name, change in all_planned()
        if change.request is not None
        for _, each in unknowns(change.request.body)
        if each.step not in (*STEPS[change.step].needs, change.step)
    ]

    assert [] == foreign


def test_a_change_depends_on_changes_of_its_own_step() -> None:
    """A change depends on changes of the same plan only: the engine starts it when they are done."""
    dangling = [
        (name, each)
        for name, case in CASES.items()
        for each in {resource for change in case.plan() for resource in change.depends_on}
        - {change.resource_id for change in case.plan()}
    ]

    assert [] == dangling


def test_a_change_depends_on_the_changes_that_supply_its_values() -> None:
    """A request with a value that its own step supplies is sent after another change of that step, never beside it."""
    early = [
        (name, change.title)
        for name, change in all_planned()
        if change.request is not None
        and any(each.step == change.step for _, each in unknowns(change.request.body))
        and not change.depends_on
    ]

    assert [] == early
