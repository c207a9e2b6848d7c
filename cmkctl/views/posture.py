"""The table of ``cmkctl posture`` for people: one row a resource, and the evidence below it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import assert_never

from cmkctl.posture import Assessment, Evidence, Verdict
from cmkctl.views.layout import paragraph
from cmkctl.views.streams import Line


def posture_lines(assessments: Sequence[Assessment], width: int) -> Iterator[Line]:
    """Yield the rows, then the number of resources by verdict."""
    verdicts = max((len(each.posture.verdict.value) for each in assessments), default=0)
    for each in assessments:
        yield from _row(each, verdicts, width)
    counts = {verdict: sum(each.posture.verdict is verdict for each in assessments) for verdict in Verdict}
    summary = ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items() if count)
    yield Line()
    yield Line(f"{summary}." if summary else "The profile names no resource under services.", "bold")


def _row(assessment: Assessment, verdicts: int, width: int) -> Iterator[Line]:
    posture = assessment.posture
    sign, style = _sign(posture.verdict)
    head = f"{sign} {posture.verdict.value:<{verdicts}}  {assessment.service} {assessment.name}"
    yield Line(head, style, len(sign) + 1 + len(posture.verdict.value))
    yield from paragraph(f"    {posture.reason}", width, "    ")
    if posture.key:
        version = f", version {posture.key_version}" if posture.key_version else ""
        yield from paragraph(f"    key {posture.key}{version}", width, "      ")
    for each in posture.evidence:
        yield from paragraph(f"    {_shown(each)}", width, "      ", style="dim")


def _shown(evidence: Evidence) -> str:
    value = "absent" if evidence.value is None else json.dumps(evidence.value, ensure_ascii=False, default=str)
    return f"{evidence.path} = {value} (api-version {evidence.api_version})"


def _sign(verdict: Verdict) -> tuple[str, str]:
    """Return the sign and the colour of a verdict. A new verdict without them is a type error."""
    match verdict:
        case Verdict.CUSTOMER | Verdict.INHERITED:
            return "✓", "green"
        case Verdict.MIXED | Verdict.MICROSOFT | Verdict.RETIRED:
            return "!", "yellow"
        case Verdict.CUSTOMER_UNUSABLE:
            return "✗", "bold red"
        case Verdict.NOT_CHOOSABLE | Verdict.NOT_KNOWABLE | Verdict.NOT_VISIBLE:
            return "?", "yellow"
        case _:
            assert_never(verdict)
