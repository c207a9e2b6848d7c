"""Every known failure has an answer with a test, or a reason why not."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from support.docs import ROOT, commands, matches, run
from support.failures import ANSWERS, Failure, failures

from cmkctl.checks import CODES, RULES

TESTS: Final = Path(__file__).parents[1]
LISTED: Final = failures()
ROWS: Final = [f"P{number:02}" for number in range(1, 97)] + [f"G{number}" for number in range(1, 18)]
LEAST_ANSWERED: Final = 85
BEYOND: Final = frozenset(
    [
        "CMK101", "CMK112", "CMK115", "CMK140", "CMK141", "CMK142", "CMK143", "CMK147", "CMK148", "CMK149", "CMK154",
        "CMK161", "CMK163", "CMK164", "CMK166", "CMK169",
    ]
)  # fmt: skip
"""Rules about failures that are in neither list."""


@cache
def functions_of(path: Path) -> frozenset[str]:
    """Return the names of the test functions of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef))


def test_every_row_is_there() -> None:
    """None is left out, and none is invented."""
    assert ROWS == [each.id for each in LISTED]


@pytest.mark.parametrize("row", LISTED, ids=lambda each: each.id)
def test_a_row_has_an_answer_that_exists(row: Failure) -> None:
    """Its codes are declared and its test exists; without an answer it has a reason."""
    file, _, name = row.test.partition("::")

    assert row.answer in ANSWERS
    assert [] == [each for each in row.codes if each not in CODES]
    assert (row.answer == "none") == (not row.test)
    assert row.codes or row.note
    assert not file or (TESTS / file).is_file(), row.test
    assert not name or name in functions_of(TESTS / file), row.test


def test_enough_is_answered() -> None:
    """Of the 96 rows that were collected, nearly all."""
    assert LEAST_ANSWERED <= sum(each.answer != "none" for each in LISTED if each.id.startswith("P"))


def test_every_rule_answers_a_failure() -> None:
    """Or is named as going beyond the lists."""
    named = {code for each in LISTED for code in each.codes}

    assert [] == sorted({each.code.id for each in RULES} - named - BEYOND)
    assert [] == sorted(BEYOND & named)


@pytest.mark.slow
def test_the_commands_of_the_answers_run_as_written(tmp_path: Path) -> None:
    """In a fresh checkout, against the sandbox."""
    listed = commands((ROOT / "docs" / "how-do-i.md").read_text(encoding="utf-8"))

    outputs = run([each.typed for each in listed], tmp_path)

    assert [] != listed
    assert [] == [output for each, output in zip(listed, outputs, strict=True) if not matches(each.shown, output)]
