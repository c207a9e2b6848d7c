"""A survey as questions and answers: the form that SARIF, OCSF, JUnit and CSV need. Pure.

The first question about a resource is who holds its key; there is one more for each protection beside the key. A part of its
data with a key of its own is a question where a format has room for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from cmkctl.posture import KEY, Assessment, Compared, Evidence, Met, Posture, Rules, State, Survey, Verdict, Waiver


class Result(Enum):
    """The answer, judged. Nothing fails unless it was expected otherwise, or the service itself reports a failure."""

    PASS = auto()
    FAIL = auto()
    WAIVED = auto()
    OPEN = auto()
    """It could not be judged: something was not visible, is not knowable, or was not read."""
    REVIEW = auto()
    """Nothing was expected, and a person should look at it: a protection is not enforced."""
    INFORMATION = auto()
    """Nothing was expected."""
    NOT_APPLICABLE = auto()
    """The service offers no choice."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question about one resource, with its answer.

    `topic` is `KEY` or the topic of an aspect, `part` the part of the data, empty for all of it. `answer` is a verdict or a
    state, as text. `rules` are those of others about this question. `alone` is the judgement without any expectation.
    """

    assessment: Assessment
    topic: str
    part: str
    answer: str
    reason: str
    evidence: tuple[Evidence, ...]
    rules: Rules | None
    alone: Result

    @property
    def fingerprint(self) -> str:
        """The identity of the question, the same in every run: a SHA-256 of the resource, the topic and the part."""
        text = f"{self.assessment.resource_id.lower()}\n{self.topic}\n{self.part}"
        return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()

    @property
    def compared(self) -> Compared | None:
        """The comparison with what was expected about this question; None where nothing was, and for a part."""
        outcome = self.assessment.outcome
        return None if outcome is None or self.part else outcome.of(self.topic)

    @property
    def met(self) -> Met:
        """The result of the comparison."""
        return Met.NOT_EXPECTED if self.compared is None else self.compared.met

    @property
    def waiver(self) -> Waiver | None:
        """The waiver that excuses the answer; None without one that counts."""
        return self.compared.waiver if self.compared is not None and self.met is Met.WAIVED else None

    @property
    def explanation(self) -> str:
        """The reason, and the result of the comparison with what was expected."""
        if self.compared is None:
            return self.reason
        text, waiver = self.compared.reason, self.waiver
        until = f"; waived until {waiver.until:%Y-%m-%d}: {waiver.reason}" if waiver else ""
        shown = f"{text[:1].upper()}{text[1:]}{until}"
        return shown if self.reason in text else f"{self.reason}. {shown}"

    @property
    def result(self) -> Result:
        """The answer, judged: by what was expected, else by itself."""
        match self.met:
            case Met.MET:
                return Result.PASS
            case Met.WAIVED:
                return Result.WAIVED
            case Met.NOT_MET:
                return Result.OPEN if self.alone is Result.OPEN else Result.FAIL
            case Met.NOT_EXPECTED:
                return self.alone
            case never:
                assert_never(never)


def questions(survey: Survey, *, parts: bool = False) -> Iterator[Question]:
    """Yield the questions of each resource: the key, with `parts` each part of the data, then each aspect."""
    for each in survey.assessments:
        yield from questions_of(each, parts=parts)


def questions_of(assessment: Assessment, *, parts: bool = False) -> Iterator[Question]:
    """Yield the questions of one resource."""
    posture = assessment.posture
    yield _of_key(assessment, posture, "")
    for part in posture.parts if parts else ():
        yield _of_key(assessment, part.posture, part.name)
    for aspect in assessment.aspects:
        yield Question(
            assessment,
            aspect.topic,
            "",
            aspect.state.value,
            aspect.reason,
            aspect.evidence,
            aspect.rules,
            _by_state(aspect.state),
        )


def _of_key(assessment: Assessment, posture: Posture, part: str) -> Question:
    verdict = posture.verdict.value
    return Question(
        assessment, KEY, part, verdict, posture.reason, posture.evidence, assessment.rules, _by_verdict(posture)
    )


def _by_verdict(posture: Posture) -> Result:
    match posture.verdict:
        case Verdict.CUSTOMER:
            return Result.PASS
        case Verdict.INHERITED:
            # The verdict on the other resource counts. Without one, it was not read.
            return Result.OPEN if posture.source is None else _by_verdict(Posture(posture.source, posture.reason))
        case Verdict.CUSTOMER_UNUSABLE:
            return Result.FAIL
        case Verdict.MICROSOFT | Verdict.MIXED | Verdict.RETIRED:
            return Result.INFORMATION
        case Verdict.NOT_CHOOSABLE:
            return Result.NOT_APPLICABLE
        case Verdict.NOT_KNOWABLE | Verdict.NOT_VISIBLE:
            return Result.OPEN
        case never:
            assert_never(never)


def _by_state(state: State) -> Result:
    match state:
        case State.ENFORCED | State.PLATFORM:
            return Result.PASS
        case State.NOT_ENFORCED:
            return Result.REVIEW
        case State.NOT_SET | State.INFORMATION:
            return Result.INFORMATION
        case State.NOT_KNOWABLE | State.NOT_VISIBLE | State.NOT_READ:
            return Result.OPEN
        case never:
            assert_never(never)
