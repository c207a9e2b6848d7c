"""The table of errors: rows are filled in completely, wherever they are raised."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import cmkctl.sandbox
from cmkctl.sandbox.core import errors, registry
from cmkctl.sandbox.core.refusal import OWN, TABLE, ErrorRow, Source

ROOT = Path(cmkctl.sandbox.__file__).parent
registry.providers()


def test_every_call_gives_a_row_the_values_it_needs() -> None:
    """Also those that no test reaches: calls are read from the source."""
    wrong = [problem for path in ROOT.rglob("*.py") for problem in _wrong_calls(path)]

    assert [] == wrong


def _wrong_calls(path: Path) -> list[str]:
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return [
        f"{path.relative_to(ROOT)}:{call.lineno} {call.func.attr}"
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "errors"
        and isinstance(getattr(errors, call.func.attr, None), ErrorRow)
        and not _complete(getattr(errors, call.func.attr), call)
    ]


def _complete(row: ErrorRow, call: ast.Call) -> bool:
    if any(isinstance(value, ast.Starred) for value in call.args):
        return True  # the number is known at run time only; ErrorRow refuses a wrong one
    given = [*row.names[: len(call.args)], *(keyword.arg or "" for keyword in call.keywords)]
    return sorted(given) == sorted(row.names)


def test_a_call_that_lacks_a_value_is_refused() -> None:
    """Or has one too many, or one twice."""
    for values, named in (((), {}), (("a", "b"), {}), (("a",), {"group": "b"}), ((), {"groups": "a"})):
        with pytest.raises(TypeError, match="ResourceGroupNotFound needs group"):
            errors.group_not_found(*values, **named)


def test_only_the_sandboxs_own_texts_are_marked() -> None:
    """By the origin, once, in front."""
    assert f"{OWN}There is no operation 'x'." == errors.operation_not_found("x").message
    assert errors.group_not_found("x").message == "Resource group 'x' could not be found."
    assert [] == [row.text for row in TABLE if row.origin.source is Source.OURS and OWN in row.text]
    assert [] == [row.text for row in TABLE if row.origin.source is not Source.PARTLY and OWN in str(row)]


def test_a_text_of_azure_names_its_source() -> None:
    """A recording, an issue or a page, so that it can be looked up."""
    assert [] == [
        row.text
        for row in TABLE
        if row.origin.source in {Source.RECORDED, Source.QUOTED, Source.DOCUMENTED, Source.PARTLY}
        and not row.origin.where
    ]


def test_details_repeat_the_text_where_azure_does() -> None:
    """Recordings 30, 31 and 60."""
    error = errors.not_registered("Microsoft.Storage").error()

    assert error["details"][0]["message"] == error["message"]
    assert error["details"][0]["target"] == "Microsoft.Storage"
