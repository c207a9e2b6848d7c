"""What was shown and what is done: properties of the two functions that compare them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmkctl.plan import Action, Change, Plan, Subject, Unknown, fulfils, unknowns

names = st.text("abc", min_size=1, max_size=3)
leaves = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-3, 3) | st.text("xy", max_size=2)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3))
unknown_values = st.builds(Unknown, st.sampled_from(["key", "key_access"]), names)
partly_unknown = st.recursive(
    leaves | unknown_values,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(names, inner, max_size=3),
)


def filled(value: Any, fill: Any) -> Any:
    """Return the value with every unknown filled in."""
    if isinstance(value, Unknown):
        return fill
    if isinstance(value, dict):
        return {name: filled(inner, fill) for name, inner in value.items()}
    return [filled(each, fill) for each in value] if isinstance(value, list | tuple) else value


@given(values)
def test_a_value_fulfils_itself(value: Any) -> None:
    """What is as it was shown may be done."""
    assert fulfils(value, value)


@given(partly_unknown, values)
def test_an_unknown_may_have_become_anything(shown: Any, fill: Any) -> None:
    """What was shown as unknown is whatever the earlier step supplied."""
    assert fulfils(shown, filled(shown, fill))


@given(values, values)
def test_without_unknowns_only_equals_fulfil(shown: Any, now: Any) -> None:
    """JSON that would be written otherwise is something else: 1, 1.0 and true differ."""
    assert fulfils(shown, now) == (repr(_sorted(shown)) == repr(_sorted(now)) or _same_zero(shown, now))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


def _same_zero(shown: Any, now: Any) -> bool:
    return repr(_sorted(shown)).replace("-0.0", "0.0") == repr(_sorted(now)).replace("-0.0", "0.0")


@pytest.mark.parametrize(
    ("shown", "now"),
    [
        (1, True),
        (1, 1.0),
        (0, False),
        ("1", 1),
        ("ab", ["a", "b"]),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": Unknown("s", "o")}, {"a": 1}),
        ([1, 2], [2, 1]),
        ([1], [1, 1]),
        ({"a": None}, {}),
        (None, Unknown("s", "o")),
    ],
)
def test_what_does_not_fulfil(shown: Any, now: Any) -> None:
    """An added, missing or reordered member, another type, and a value that has become unknown are something else."""
    assert not fulfils(shown, now)


def test_tuples_and_lists_are_both_json_arrays() -> None:
    """A body is the same with either."""
    assert fulfils({"a": (1, 2)}, {"a": [1, 2]})


@given(values)
def test_a_value_without_unknowns_has_none(value: Any) -> None:
    """Nothing is found where there is nothing."""
    assert [] == list(unknowns(value))


@given(partly_unknown)
def test_every_unknown_is_found_under_its_path(value: Any) -> None:
    """There are as many as were put in, and each path leads to its unknown."""
    found = list(unknowns(value))

    assert repr(value).count("Unknown(") == len(found)
    assert all(_at(value, path) == each for path, each in found)


def _at(value: Any, path: str) -> Any:
    for part in path.replace("[", ".[").split("."):
        if part:
            value = value[int(part[1:-1])] if part.startswith("[") else value[part]
    return value


def test_paths_are_dotted_with_indexes_in_brackets() -> None:
    """As people write them."""
    value = {"properties": {"policies": [{"objectId": Unknown("key_access", "principal_object_id")}]}}

    assert [("properties.policies[0].objectId", Unknown("key_access", "principal_object_id"))] == list(unknowns(value))


def test_an_unknown_names_its_step() -> None:
    """There is no placeholder text."""
    assert "(known after key access)" == str(Unknown("key_access", "principal_object_id"))


@pytest.mark.parametrize(
    ("action", "symbol", "writes"),
    [
        (Action.CREATE, "+", True),
        (Action.UPDATE, "~", True),
        (Action.NO_OP, "=", False),
        (Action.WAIT, "…", False),
        (Action.CONFLICT, "!", False),
    ],
)
def test_actions(action: Action, symbol: str, writes: bool) -> None:
    """Each action has its sign, and two of them write."""
    assert (symbol, writes) == (action.symbol, action.writes)


def test_plan_counts_and_finds_its_changes() -> None:
    """What is still to happen are writes and waits; a conflict makes the plan errored."""
    changes = tuple(
        Change(step, action, step, "", step, "because", irreversible=("for ever",) if action is Action.CREATE else ())
        for step, action in zip("abcd", (Action.CREATE, Action.NO_OP, Action.WAIT, Action.CONFLICT), strict=True)
    )

    plan = Plan(Subject("AzureCloud", "s", "eastus2", "w"), changes)

    assert (("a", "c"), True) == (tuple(each.step for each in plan.pending), plan.errored)
    assert (1, changes[1:2]) == (plan.count(Action.WAIT), plan.of("b"))
    assert ((changes[0], "for ever"),) == plan.irreversible
