"""The SARIF log of ``posture --sarif``: what needs attention, with places in the profile. SARIF 2.1.0.

Only results that need attention are in it: what is not as expected, what is waived, and keys that a service cannot use. GitHub's
code scanning opens an alert for every result, whatever its `kind`, and rejects a log with a result that has no location.

Sources: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html,
https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning,
https://github.com/microsoft/PSRule/issues/955, https://github.com/github/codeql-action/issues/2459
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from cmkctl import __version__
from cmkctl.diagnostics import Diagnostic, Location, Severity
from cmkctl.posture import KEY, Met, Rules
from cmkctl.views.json_objects import plain
from cmkctl.views.posture.file import Collected, SurveyFile, failure_text
from cmkctl.views.posture.questions import Question, Result, questions

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_BENCHMARK: Final = "MCSB"
_PLACE: Final = re.compile(r"(?P<source>.+):(?P<line>\d+):(?P<column>\d+)")
_DESCRIBED: Final = 1024
"""Characters of a description that GitHub accepts."""

_KINDS: Final = {
    Result.FAIL: ("fail", "error"),
    Result.WAIVED: ("fail", "note"),
    Result.OPEN: ("open", "none"),
}
"""The results that need attention, with kind and level. A level other than none belongs to failures only."""

_SEVERITIES: Final = {Result.FAIL: 0, Result.OPEN: 1, Result.WAIVED: 2}
_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


class SarifView(SurveyFile):
    """The log of a survey."""

    option = "--sarif"
    most_results = 25_000
    """The results of a run that GitHub accepts. It keeps the first 5,000 by severity."""

    def text(self, collected: Collected) -> str:
        """Return the log: one run, or several of at most `most_results` results."""
        survey = collected.survey
        found = sorted(filter(_matters, questions(survey) if survey else ()), key=lambda each: _SEVERITIES[each.result])
        runs = [_run(part, collected, number) for number, part in enumerate(self._parts(found))]
        log = {"$schema": SCHEMA, "version": "2.1.0", "runs": runs}
        return f"{json.dumps(log, indent=2, ensure_ascii=False, default=plain)}\n"

    def _parts(self, found: Sequence[Question]) -> Sequence[Sequence[Question]]:
        most = self.most_results
        return [found[at : at + most] for at in range(0, len(found), most)] or [()]


def _matters(question: Question) -> bool:
    """Return True for what failed or was waived; for what is open only where something was expected."""
    return question.met is Met.NOT_MET if question.result is Result.OPEN else question.result in _KINDS


def _run(found: Sequence[Question], collected: Collected, number: int) -> dict[str, Any]:
    rules = {_rule_id(each): each for each in reversed(found)}
    ids = sorted(rules)
    controls = sorted({control for each in rules.values() if each.rules for control in each.rules.controls})
    suffix = f"{number + 1}/" if number else ""
    return {
        "tool": {
            "driver": {
                "name": "cmkctl",
                "version": __version__,
                "rules": [_rule(rules[each]) for each in ids],
                "supportedTaxonomies": [{"name": _BENCHMARK, "index": 0}],
            }
        },
        "automationDetails": {"id": f"cmkctl/posture/{suffix}"},
        "invocations": [_invocation(collected)],
        "taxonomies": [_benchmark(controls)],
        "results": [_result(each, ids.index(_rule_id(each)), collected) for each in found],
    }


# --- rules


def _rule_id(question: Question) -> str:
    return f"{question.assessment.name_of_service}/{question.topic}"


def _rule(question: Question) -> dict[str, Any]:
    service, topic = question.assessment.service, question.topic
    is_key = topic == KEY
    short = f"{service}: {'the key' if is_key else topic} is not as expected"
    revoked = f" When the key is lost: {question.assessment.revoked}." if is_key else ""
    what = "who holds the key that encrypts its data at rest" if is_key else f"the protection {topic}"
    full = f"cmkctl posture reads for each resource ({service}) {what}.{revoked}"
    text = " ".join(filter(None, (full, *_others(question.rules))))
    relationships = [
        {
            "target": {"id": each, "toolComponent": {"name": _BENCHMARK, "index": 0}},
            "kinds": ["relevant"],
        }
        for each in (question.rules.controls if question.rules else ())
    ]
    return {
        "id": _rule_id(question),
        "shortDescription": {"text": short},
        "fullDescription": {"text": full[:_DESCRIBED]},
        "help": {"text": text},
        "properties": {"tags": ["security", "encryption"], "security-severity": "6.0"},
        **({"relationships": relationships} if relationships else {}),
    }


def _others(rules: Rules | None) -> Iterator[str]:
    if rules is None:
        return
    if rules.controls:
        yield f"Control of the Microsoft cloud security benchmark{_analogy(rules)}: {', '.join(rules.controls)}."
    for each in rules.checks:
        yield f"{each.tool} {each.id} looks at the same{f'; it can be wrong: {each.flaw}' if each.flaw else ''}."


def _analogy(rules: Rules) -> str:
    return ", by analogy" if rules.by_analogy else ""


def _benchmark(controls: Iterable[str]) -> dict[str, Any]:
    return {
        "name": _BENCHMARK,
        "organization": "Microsoft",
        "fullName": "Microsoft cloud security benchmark",
        "informationUri": "https://learn.microsoft.com/security/benchmark/azure/overview",
        "taxa": [{"id": each} for each in controls],
    }


# --- results


def _result(question: Question, index: int, collected: Collected) -> dict[str, Any]:
    kind, level = _KINDS[question.result]
    assessment = question.assessment
    text = f"{assessment.service} {assessment.label}: {question.answer}. {question.explanation}."
    waiver = question.waiver
    justification = f"{waiver.reason} (until {waiver.until:%Y-%m-%d})" if waiver else ""
    return {
        "ruleId": _rule_id(question),
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": {"text": _text(text)},
        "locations": [_location(question, collected)],
        # GitHub identifies an alert by this one, so that it lasts from run to run.
        "partialFingerprints": {"primaryLocationLineHash": question.fingerprint},
        **(
            {"suppressions": [{"kind": "external", "status": "accepted", "justification": justification}]}
            if question.result is Result.WAIVED
            else {}
        ),
        "properties": {
            "verdict" if question.topic == KEY else "state": question.answer,
            "key": assessment.posture.key,
            "keyVersion": assessment.posture.key_version,
            "evidence": [
                {"path": each.path, "apiVersion": each.api_version, "value": each.value} for each in question.evidence
            ],
        },
    }


def _text(text: str) -> str:
    """Return a text without links: a name may look like one (``[text](target)``)."""
    return text.replace("](", "] (")


def _location(question: Question, collected: Collected) -> dict[str, Any]:
    """Return the resource, and the line of the profile that expects it, else that names the workspace."""
    assessment = question.assessment
    place = _place(question.compared.place if question.compared else "", collected)
    return {
        **({} if place is None else {"physicalLocation": place}),
        "logicalLocations": [
            {"name": assessment.name, "fullyQualifiedName": assessment.resource_id, "kind": "resource"}
        ],
    }


def _place(place: str, collected: Collected) -> dict[str, Any] | None:
    found = _PLACE.fullmatch(place)
    if found:
        return _physical(Location(found["source"], int(found["line"]), int(found["column"])))
    if collected.locate is None:
        return None
    return _physical(collected.locate(place or "workspace.name"))


def _physical(location: Location) -> dict[str, Any] | None:
    """Return a place in a file; None for an option of the command line and for standard input."""
    if location.line is None or location.source == "-":
        return None
    start = location.column or 1
    end = max(len(location.excerpt.rstrip()) + 1, start + 1)
    return {
        "artifactLocation": _artifact(location.source),
        "region": {
            "startLine": location.line,
            "startColumn": start,
            "endLine": location.line,
            "endColumn": end,
        },
    }


def _artifact(source: str) -> dict[str, Any]:
    relative = Path(os.path.relpath(source))
    if relative.parts[0] == os.pardir:
        return {"uri": Path(source).absolute().as_uri()}
    return {"uri": quote(relative.as_posix()), "uriBaseId": "%SRCROOT%"}


# --- the run


def _invocation(collected: Collected) -> dict[str, Any]:
    survey = collected.survey
    notes = [*map(_notification, collected.diagnostics)]
    if survey is None:
        notes.append({"level": "error", "message": {"text": _text(failure_text(collected))}})
    else:
        unseen = [f"{each.resource_id} is not visible: {each.reason}" for each in survey.unseen]
        notes += [{"level": "note", "message": {"text": _text(each)}} for each in (*unseen, *survey.left_out)]
    return {
        "executionSuccessful": survey is not None,
        "exitCode": collected.exit_code,
        "commandLine": collected.command,
        **({} if survey is None else {"endTimeUtc": _moment(survey.at)}),
        "toolExecutionNotifications": notes,
    }


def _notification(diagnostic: Diagnostic) -> dict[str, Any]:
    text = f"{diagnostic.summary}: {diagnostic.detail}"
    return {
        **({"descriptor": {"id": diagnostic.code}} if diagnostic.code else {}),
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": _text(text)},
    }


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
