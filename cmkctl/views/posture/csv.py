"""The CSV file of ``posture --csv``: a row for each resource and question. RFC 4180, UTF-8."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from cmkctl.posture import KEY, Rules
from cmkctl.views.posture import words
from cmkctl.views.posture.file import Collected, SurveyFile, failure_text
from cmkctl.views.posture.questions import Question, questions
from cmkctl.views.posture.words import evidence_text

COLUMNS: Final = (
    "subscription",
    "resource_group",
    "service",
    "name",
    "question",
    "part",
    "answer",
    "met",
    "reason",
    "key",
    "key_version",
    "newest_version",
    "key_expires",
    "key_follows",
    "reader",
    "waived_until",
    "waiver",
    "managed",
    "workspaces",
    "controls",
    "checks",
    "evidence",
    "seen",
    "resource_type",
    "resource_id",
)
"""The columns. More may be added at the end."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""The beginnings of a cell that a spreadsheet takes for a formula."""

_NOTHING: Final = dict.fromkeys(COLUMNS, "")


class CsvView(SurveyFile):
    """The rows of a survey."""

    option = "--csv"

    def text(self, collected: Collected) -> str:
        """Return the rows. What could not be seen has rows with the question ``visible``."""
        stream = io.StringIO()
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows({name: _guarded(cell) for name, cell in row.items()} for row in _rows(collected))
        return stream.getvalue()


def _guarded(cell: str) -> str:
    """Keep a spreadsheet from executing a cell: an apostrophe makes it text. Names and tags are chosen by others."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _rows(collected: Collected) -> Iterator[dict[str, str]]:
    survey = collected.survey
    if survey is None:
        yield _NOTHING | {"question": "run", "answer": "failed", "reason": failure_text(collected)}
        return
    yield from map(_row, questions(survey, parts=True))
    for each in survey.unseen:
        yield _NOTHING | {
            "question": "visible",
            "answer": "not-visible",
            "reason": each.reason,
            "resource_id": each.resource_id,
        }
    for text in survey.left_out:
        yield _NOTHING | {"question": "visible", "answer": "not-read", "reason": text}


def _row(question: Question) -> dict[str, str]:
    assessment = question.assessment
    parts = assessment.resource_id.split("/")
    waiver = question.waiver
    row = _NOTHING | {
        "subscription": parts[2] if len(parts) > 2 else "",
        "resource_group": parts[4] if len(parts) > 4 else "",
        "service": assessment.service,
        "name": assessment.name,
        "question": question.topic,
        "part": question.part,
        "answer": question.answer,
        "met": "" if question.part else question.met.value,
        "reason": question.explanation,
        "waived_until": f"{waiver.until:%Y-%m-%d}" if waiver else "",
        "waiver": waiver.reason if waiver else "",
        "managed": "yes" if assessment.managed else "no",
        "workspaces": " ".join(dict.fromkeys(each.workspace_id for each in assessment.belongs)),
        **_rules(question.rules),
        "evidence": "; ".join(map(evidence_text, question.evidence)),
        "seen": assessment.seen.value,
        "resource_type": assessment.resource_type,
        "resource_id": assessment.resource_id,
    }
    return row | (_key(question) if question.topic == KEY else {})


def _key(question: Question) -> dict[str, str]:
    assessment = question.assessment
    named = {each.name: each.posture for each in assessment.posture.parts}
    posture = named[question.part] if question.part else assessment.posture
    state, version = assessment.key, words.version_of(assessment, posture)
    return {
        "key": posture.key,
        "key_version": posture.key_version,
        "newest_version": state.newest if state and posture.key else "",
        "key_expires": f"{version.expires:%Y-%m-%dT%H:%M:%SZ}" if version and version.expires else "",
        "key_follows": "" if posture.follows is None else str(posture.follows),
        "reader": posture.reader,
    }


def _rules(rules: Rules | None) -> dict[str, str]:
    if rules is None:
        return {}
    controls = " ".join(rules.controls)
    return {
        "controls": f"{controls} (by analogy)" if controls and rules.by_analogy else controls,
        "checks": "; ".join(f"{each.tool} {each.id}" for each in rules.checks),
    }
