"""A survey as test cases: a suite for each workspace, a case for each question, and its ending. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import assert_never

from cmkctl.posture import Met, Survey, Verdict
from cmkctl.views.posture.questions import Question, Result, questions_of
from cmkctl.views.posture.words import by_workspace


class Ending(Enum):
    """The end of a test case. The values are the elements of a JUnit report; a case that passed has none."""

    PASSED = ""
    FAILED = "failure"
    ERROR = "error"
    SKIPPED = "skipped"


def suites_of(survey: Survey) -> Iterator[tuple[str, list[Question]]]:
    """Yield the ARM id of each workspace with the questions around it, then those of the resources without a workspace."""
    for workspace, group in by_workspace(survey).items():
        yield workspace or "without a workspace", [question for each in group for question in questions_of(each)]


def ending(question: Question) -> Ending:
    """Judge a question. Without an expectation nothing fails, apart from a key that the service cannot use.

    What was expected and is not so fails; what could not be seen is an error, and what cannot be known is skipped.
    """
    hidden = question.answer == Verdict.NOT_VISIBLE.value
    if question.met is Met.NOT_MET:
        return Ending.ERROR if hidden else Ending.FAILED
    match question.result:
        case Result.FAIL:
            return Ending.FAILED
        case Result.OPEN:
            return Ending.ERROR if hidden else Ending.SKIPPED
        case Result.WAIVED | Result.REVIEW | Result.NOT_APPLICABLE:
            return Ending.SKIPPED
        case Result.PASS | Result.INFORMATION:
            return Ending.PASSED
        case never:
            assert_never(never)
