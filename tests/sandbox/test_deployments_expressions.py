"""The language of template expressions: how it is read, and what its functions are worth. No server is needed."""

import uuid
from typing import Any

import pytest

from cmkctl.sandbox.core.errors import AzureError
from cmkctl.sandbox.deployments.evaluate import Scope, evaluate
from cmkctl.sandbox.deployments.failures import ExpressionError
from cmkctl.sandbox.deployments.functions import require_known
from cmkctl.sandbox.deployments.syntax import Function, Literal, Member, parse

SCOPE = Scope(
    azure={},
    parameters={"Name": "kv", "rows": [{"id": 1}, {"id": 2}], "deep": {"Inner": {"leaf": "x"}}},
    variables={
        "joined": "[concat(parameters('name'), '-', variables('plain'))]",
        "plain": "p",
        "circle": "[concat(variables('Circle'))]",
        "copy": [{"name": "squares", "count": 3, "input": "[mul(copyIndex('squares'), copyIndex('squares'))]"}],
    },
    loops={"": 2, "disks": 2},
)


def test_an_expression_becomes_a_tree() -> None:
    """Calls, properties and indexes nest as they are written."""
    expected = Member(Member(Function("f", (Literal("it's"), Literal(-2))), Literal("a")), Literal(0))

    assert expected == parse("[f('it''s', -2).a[0]]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("[[literal]", "[literal]"),
        ("[not closed", "[not closed"),
        ("", ""),
        ("['only text']", "only text"),
    ],
)
def test_plain_text_is_not_evaluated(text: str, expected: str) -> None:
    """Two brackets are one bracket of text."""
    assert expected == evaluate(text, SCOPE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # strings
        ("concat('a', 1, true())", "a1True"),
        ("concat(createArray(1), createArray(2, 3))", [1, 2, 3]),
        ("format('{0}-{1:}{{x}}', 'a', 2)", "a-2{x}"),
        ("toUpper(toLower('aB'))", "AB"),
        ("substring('abcdef', 2)", "cdef"),
        ("substring('abcdef', 1, 2)", "bc"),
        ("replace('a.b.c', '.', '')", "abc"),
        ("split('a,b;c', createArray(',', ';'))", ["a", "b", "c"]),
        ("join(createArray('a', 2), '-')", "a-2"),
        ("trim('  a ')", "a"),
        ("padLeft(7, 3, '0')", "007"),
        ("startsWith('Abc', 'aB')", True),
        ("endsWith('abC', 'bc')", True),
        ("indexOf('aXbx', 'X')", 1),
        ("lastIndexOf('aXbx', 'x')", 3),
        ("base64ToString(base64('héllo'))", "héllo"),
        ("uri('https://a.b/c/', 'd')", "https://a.b/c/d"),
        ("uriComponentToString(uriComponent('a b/c'))", "a b/c"),
        ("string(createObject('a', 1))", '{"a":1}'),
        ("guid('a', 'b')", str(uuid.uuid5(uuid.UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830"), "a-b"))),
        # either
        ("length('abc')", 3),
        ("length(createObject('a', 1, 'b', 2))", 2),
        ("empty('')", True),
        ("empty(null())", True),
        ("empty(createArray(0))", False),
        ("contains('abc', 'b')", True),
        ("contains(createObject('Key', 1), 'key')", True),
        ("contains(createArray(1, 2), 3)", False),
        ("first('abc')", "a"),
        ("last(createArray(1, 2))", 2),
        ("skip(range(0, 5), 3)", [3, 4]),
        ("take('abc', 2)", "ab"),
        # logic
        ("if(true(), 'yes', parameters('notThere'))", "yes"),
        ("and(false(), parameters('notThere'))", False),
        ("or(true(), parameters('notThere'))", True),
        ("not(equals('a', 'A'))", True),
        ("equals(createObject('a', createArray(1)), json('{\"a\": [1]}'))", True),
        ("equals(true(), 1)", False),
        ("coalesce(null(), 'b', parameters('notThere'))", "b"),
        ("greater(2, 1)", True),
        ("lessOrEquals('a', 'a')", True),
        # numbers
        ("add(mul(2, 3), sub(5, 7))", 4),
        ("div(-7, 2)", -3),
        ("mod(-7, 2)", -1),
        ("max(1, 5, 3)", 5),
        ("min(createArray(4, 2))", 2),
        ("int('42')", 42),
        ("float('1.5')", 1.5),
        ("bool('True')", True),
        # arrays and objects
        ("union(createArray(1, 2), createArray(2, 3))", [1, 2, 3]),
        ("union(createObject('a', createObject('b', 1)), createObject('a', createObject('c', 2)))", {"a": {"b": 1, "c": 2}}),
        ("intersection(createArray(1, 2), createArray(2, 3))", [2]),
        ("array('a')", ["a"]),
        ("json('null')", None),
        ("items(createObject('b', 1, 'a', 2))", [{"key": "a", "value": 2}, {"key": "b", "value": 1}]),
        # what the scope knows
        ("variables('joined')", "kv-p"),
        ("variables('squares')", [0, 1, 4]),
        ("parameters('deep').inner['LEAF']", "x"),
        ("parameters('rows')[1].id", 2),
        ("parameters('deep').?nothing.?more", None),
        ("copyIndex()", 2),
        ("copyIndex('disks', 10)", 12),
    ],
)  # fmt: skip
def test_functions(text: str, expected: Any) -> None:
    """Every function of ordinary templates."""
    found = evaluate(f"[{text}]", SCOPE)

    assert expected == found
    assert type(expected) is type(found)


def test_unique_string_is_like_azures_in_form_and_always_the_same() -> None:
    """13 lower-case base-32 characters; other parts, another string."""
    one, again, other = (evaluate(f"[uniqueString({parts})]", SCOPE) for parts in ("'a', 'b'", "'a', 'b'", "'a', 'c'"))

    assert (len(one), set(one) <= set("abcdefghijklmnopqrstuvwxyz234567")) == (13, True)
    assert one == again
    assert one != other


def test_objects_are_evaluated_through_and_through_their_names_too() -> None:
    """And a property loop becomes an array under its name."""
    value = {
        "[parameters('name')]": ["[add(1, 1)]", {"x": "[[y]"}],
        "copy": [{"name": "disks", "count": 2, "input": {"lun": "[copyIndex('disks')]"}}],
    }

    assert {"kv": [2, {"x": "[y]"}], "disks": [{"lun": 0}, {"lun": 1}]} == evaluate(value, SCOPE)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("concat('a'", "the end where ',' or ')' was expected"),
        ("concat('a' 'b')", "''b'' where ',' or ')' was expected"),
        ("concat('a')) ", "the end was expected"),
        ("bare", "'(' was expected"),
        ("f(#)", "cannot be read at position 2"),
        ("parameters('nope')", "parameter 'nope' is not found"),
        ("variables('nope')", "variable 'nope' is not found"),
        ("parameters('deep').nope", "property 'nope' doesn't exist, available properties are 'Inner'"),
        ("parameters('rows')[2]", "index 2 is out of bounds"),
        ("concat('a').b", "no 'b' in a string"),
        ("div(1, 0)", "division by zero"),
        ("substring('abc', 2, 5)", "beyond the end"),
        ("if('true', 1, 2)", "true or false was expected"),
        ("length(1)", "length() needs"),
        ("toLower(1)", "a string was expected"),
        ("not(true(), true())", "was given 2 arguments"),
        ("reference('x')", "'reference' is not expected at this location"),
        ("newGuid()", "only expected in the default value"),
        ("copyIndex('other')", "'copyIndex' is not expected"),
        ("json('{')", "no JSON text"),
        ("int('x')", "no whole number"),
        ("range(0, 99999)", "cannot count"),
        ("padLeft('a', 3, 'xy')", "one character"),
        ("variables('circle')", "'Circle' refers to itself"),
    ],
)
def test_a_missing_value_has_a_reason(text: str, problem: str) -> None:
    """The text names the function, the property or the place."""
    with pytest.raises(ExpressionError) as refusal:
        evaluate(f"[{text}]", SCOPE)

    assert problem in str(refusal.value)


def test_an_unknown_function_is_refused_by_name_anywhere() -> None:
    """Also deep inside, in a name, and in an argument that would never be evaluated."""
    form = {"a": [{"[if(true(), 'x', frobnicate('y'))]": 1}]}

    with pytest.raises(ExpressionError, match="'frobnicate' is not valid"):
        require_known(form)


@pytest.mark.parametrize("text", ["[dateTimeAdd('a', 'b')]", "[contoso.name('a')]"])
def test_what_azure_has_and_the_sandbox_has_not_is_refused_as_that(text: str) -> None:
    """Not as a mistake in the template."""
    with pytest.raises(AzureError, match="SandboxNotModelled"):
        require_known({"a": text})
