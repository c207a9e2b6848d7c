"""A survey as JSON objects: the lines ``posture`` and ``posture_summary``. The protocol is docs/output.md."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from cmkctl.posture import Aspect, Assessment, Evidence, KeyState, KeyVersion, Outcome, Posture, Rules, Survey, Waiver
from cmkctl.views.posture.words import met_counts, verdict_counts

JsonObject = dict[str, Any]


def posture_object(assessment: Assessment) -> JsonObject:
    """Return the assessment of one resource, with all its fields."""
    posture = assessment.posture
    return {
        "service": assessment.service,
        "service_name": assessment.name_of_service,
        "resource_type": assessment.resource_type,
        "resource_id": assessment.resource_id,
        **_posture(posture),
        "set_by": assessment.set_by,
        "follows": assessment.follows,
        "revoked": assessment.revoked,
        "seen": "graph" if assessment.seen is assessment.seen.GRAPH else "get",
        "managed": assessment.managed,
        "belongs": [{"workspace_id": each.workspace_id, "relation": each.relation} for each in assessment.belongs],
        "key_state": None if assessment.key is None else _key_state(assessment.key),
        "newer_version": assessment.newer_version,
        "parts": [{"name": each.name, **_posture(each.posture)} for each in posture.parts],
        "aspects": [*map(_aspect, assessment.aspects)],
        "rules": _rules(assessment.rules),
        "outcome": None if assessment.outcome is None else _outcome(assessment.outcome),
    }


def summary_object(survey: Survey) -> JsonObject:
    """Return what concerns the survey as a whole: the scope, the counts, and what is missing in it."""
    return {
        "read_at": _moment(survey.at),
        "subscriptions": survey.subscriptions,
        "workspaces": survey.workspaces,
        "verdicts": {each.value: count for each, count in verdict_counts(survey.assessments).items()},
        "outcomes": {each.value: count for each, count in met_counts(survey.assessments).items()},
        "unseen": [{"id": each.resource_id, "reason": each.reason} for each in survey.unseen],
        "left_out": survey.left_out,
    }


def _posture(posture: Posture) -> JsonObject:
    return {
        "verdict": posture.verdict.value,
        "reason": posture.reason,
        "key": posture.key or None,
        "key_version": posture.key_version or None,
        "key_follows": None if posture.follows is None else str(posture.follows),
        "reader": posture.reader or None,
        "source": None if posture.source is None else posture.source.value,
        "evidence": _evidence(posture.evidence),
    }


def _evidence(evidence: Iterable[Evidence]) -> list[JsonObject]:
    return [
        {"resource_id": each.resource_id, "api_version": each.api_version, "path": each.path, "value": each.value}
        for each in evidence
    ]


def _aspect(aspect: Aspect) -> JsonObject:
    return {
        "topic": aspect.topic,
        "state": aspect.state.value,
        "reason": aspect.reason,
        "evidence": _evidence(aspect.evidence),
        "rules": None if aspect.rules is None else _rules(aspect.rules),
    }


def _rules(rules: Rules) -> JsonObject:
    return {
        "controls": rules.controls,
        "by_analogy": rules.by_analogy,
        "checks": [{"tool": each.tool, "id": each.id, "flaw": each.flaw or None} for each in rules.checks],
    }


def _key_state(key: KeyState) -> JsonObject:
    return {
        "identifier": key.identifier,
        "vault_id": key.vault_id or None,
        "newest": key.newest or None,
        "enabled": key.enabled,
        "expires": None if key.expires is None else _moment(key.expires),
        "reason": key.reason or None,
        "older": [*map(_key_version, key.older)],
    }


def _key_version(version: KeyVersion) -> JsonObject:
    return {
        "version": version.version,
        "enabled": version.enabled,
        "expires": None if version.expires is None else _moment(version.expires),
        "reason": version.reason or None,
    }


def _outcome(outcome: Outcome) -> JsonObject:
    return {
        "met": outcome.met.value,
        "reason": outcome.reason,
        "place": outcome.place or None,
        "questions": outcome.questions,
        "waiver": _waiver(outcome.waiver),
        "compared": [
            {
                "question": each.question,
                "met": each.met.value,
                "reason": each.reason,
                "place": each.place or None,
                "waiver": _waiver(each.waiver),
            }
            for each in outcome.compared
        ],
    }


def _waiver(waiver: Waiver | None) -> JsonObject | None:
    return None if waiver is None else {"reason": waiver.reason, "until": waiver.until.isoformat()}


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
