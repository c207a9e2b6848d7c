"""The findings of ``posture --ocsf``: a Compliance Finding (2003) for each resource and question, as a JSON array. OCSF 1.8.0.

Source: https://schema.ocsf.io/1.8.0/classes/compliance_finding
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from cmkctl import __version__
from cmkctl.posture import KEY, Evidence, Rules, Verdict
from cmkctl.views.json_objects import plain
from cmkctl.views.posture.file import Collected, SurveyFile, failure_text
from cmkctl.views.posture.questions import Question, Result, questions

VERSION: Final = "1.8.0"
CLASS: Final = 2003
_CREATE: Final = 1
_AZURE_SUBSCRIPTION: Final = 13
_BENCHMARK: Final = "Microsoft cloud security benchmark"

_PASS, _WARNING, _FAIL, _OTHER = 1, 2, 3, 99
_COMPLIANCE: Final = {
    Result.PASS: (_PASS, "Pass"),
    Result.FAIL: (_FAIL, "Fail"),
    Result.WAIVED: (_FAIL, "Fail"),
    Result.OPEN: (_WARNING, "Warning"),
    Result.REVIEW: (_OTHER, "Not enforced, nothing expected"),
    Result.INFORMATION: (_OTHER, "Nothing expected"),
    Result.NOT_APPLICABLE: (_OTHER, "Not applicable"),
}
"""The status of compliance. OCSF calls it a warning where information for a result is missing."""

_NEW, _SUPPRESSED = (1, "New"), (3, "Suppressed")
_INFORMATIONAL, _LOW, _MEDIUM, _HIGH = (1, "Informational"), (2, "Low"), (3, "Medium"), (4, "High")


class OcsfView(SurveyFile):
    """The findings of a survey."""

    option = "--ocsf"

    def text(self, collected: Collected) -> str:
        """Return the findings. A run without a survey has one finding, which has the reason."""
        # A line each: there are two findings or more for each of thousands of resources.
        found = (json.dumps(each, ensure_ascii=False, default=plain) for each in _findings(collected))
        return "[\n" + ",\n".join(found) + "\n]\n"


def _findings(collected: Collected) -> Iterator[dict[str, Any]]:
    survey = collected.survey
    if survey is None:
        yield _failed(collected)
        return
    for each in questions(survey):
        yield _finding(each, survey.at)
    for unseen in survey.unseen:
        title = f"{unseen.resource_id} is not visible"
        yield {
            **_head(survey.at, _INFORMATIONAL),
            **_status(_NEW),
            "message": f"{title}: {unseen.reason}",
            "compliance": _compliance(Result.OPEN, "not-visible", unseen.reason, None),
            "finding_info": {"uid": f"unseen:{unseen.resource_id}", "title": title},
            "resources": [{"uid": unseen.resource_id}],
            "cloud": _cloud(unseen.resource_id),
        }


def _finding(question: Question, at: datetime) -> dict[str, Any]:
    assessment, posture = question.assessment, question.assessment.posture
    what = "key" if question.topic == KEY else question.topic
    title = f"{assessment.service} {assessment.label}: {what} {question.answer}"
    resource = {
        "uid": assessment.resource_id,
        "name": assessment.name,
        "type": assessment.resource_type,
        "labels": ["managed by Microsoft"] if assessment.managed else [],
    }
    found = {
        **_head(at, _severity(question)),
        **_status(_SUPPRESSED if question.result is Result.WAIVED else _NEW),
        "message": question.explanation,
        "compliance": _compliance(question.result, question.answer, question.explanation, question.rules),
        "finding_info": {"uid": question.fingerprint, "title": title, "desc": question.reason},
        "resources": [resource],
        "cloud": _cloud(assessment.resource_id),
        "evidences": [{"data": _evidence(each)} for each in question.evidence],
    }
    if question.topic == KEY and posture.key:
        state, version = assessment.key, assessment.version
        found["unmapped"] = {
            "key": posture.key,
            "key_version": posture.key_version,
            "newest_version": state.newest if state else "",
            "key_expires": None if version is None or version.expires is None else _milliseconds(version.expires),
        }
    return found


def _head(at: datetime, severity: tuple[int, str]) -> dict[str, Any]:
    return {
        "activity_id": _CREATE,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Compliance Finding",
        "type_uid": CLASS * 100 + _CREATE,
        "type_name": "Compliance Finding: Create",
        "severity_id": severity[0],
        "severity": severity[1],
        "time": _milliseconds(at),
        "metadata": {
            "version": VERSION,
            "profiles": ["cloud"],
            "product": {"name": "cmkctl", "version": __version__, "vendor_name": "cmkctl"},
        },
    }


def _status(status: tuple[int, str]) -> dict[str, Any]:
    return {"status_id": status[0], "status": status[1]}


def _severity(question: Question) -> tuple[int, str]:
    """Return the severity: high for a key that a service cannot use, medium for other failures."""
    if question.result is Result.FAIL:
        return _HIGH if question.answer == Verdict.CUSTOMER_UNUSABLE.value else _MEDIUM
    return _LOW if question.result in (Result.REVIEW, Result.WAIVED) else _INFORMATIONAL


def _compliance(result: Result, answer: str, explanation: str, rules: Rules | None) -> dict[str, Any]:
    identifier, word = _COMPLIANCE[result]
    found: dict[str, Any] = {
        "status_id": identifier,
        "status": word,
        "status_code": answer,
        "status_details": [explanation],
    }
    if rules is not None:
        analogy = " (by analogy)" if rules.by_analogy else ""
        found |= {"standards": [f"{_BENCHMARK}{analogy}"], "control": rules.controls[0]} if rules.controls else {}
        found |= {"requirements": [*rules.controls]} if rules.controls else {}
        checks = [
            {"name": each.tool, "uid": each.id, **({"desc": f"can be wrong: {each.flaw}"} if each.flaw else {})}
            for each in rules.checks
        ]
        found |= {"checks": checks} if checks else {}
    return found


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "resource_id": evidence.resource_id,
        "api_version": evidence.api_version,
        "path": evidence.path,
        "value": evidence.value,
    }


def _cloud(resource_id: str) -> dict[str, Any]:
    parts = resource_id.split("/")
    if len(parts) > 2 and parts[1].lower() == "subscriptions":
        account = {"uid": parts[2], "type_id": _AZURE_SUBSCRIPTION, "type": "Azure Subscription"}
        return {"provider": "Azure", "account": account}
    return {"provider": "Azure"}


def _failed(collected: Collected) -> dict[str, Any]:
    text = failure_text(collected)
    return {
        **_head(collected.ended, _MEDIUM),
        **_status(_NEW),
        "message": text,
        "compliance": {"status_id": 0, "status": "Unknown", "status_details": [text]},
        "finding_info": {"uid": "cmkctl-posture-run", "title": "cmkctl posture did not finish"},
        "cloud": {"provider": "Azure"},
    }


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
