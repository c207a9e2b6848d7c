"""The JUnit report of ``--junit``: a test case for each resource and each finding of a comparison, for each question of a survey.

The format is the common one: ``testsuites``, ``testsuite``, and ``testcase`` with ``failure``, ``error`` or ``skipped``. Names
and messages come from Azure: the XML library escapes them, and a character that XML cannot hold is replaced.

Source: https://github.com/testmoapp/junitxml
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final, assert_never
from xml.etree import ElementTree as ET

from cmkctl import codes, events
from cmkctl.clock import Clock
from cmkctl.diagnostics import CmkctlError, Diagnostic, Severity
from cmkctl.files import try_out, unwritable_remedy, write_whole
from cmkctl.plan import Action, Change, Plan
from cmkctl.posture import Survey
from cmkctl.views import shown as s
from cmkctl.views.posture.endings import Ending, ending, suites_of
from cmkctl.views.posture.questions import Question
from cmkctl.views.posture.words import evidence_text
from cmkctl.views.unattended import UnattendedView

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML 1.0 cannot hold, not even escaped."""

_CLASS: Final = "cmkctl"


class JUnitView(UnattendedView):
    """A JUnit report being collected; `write` ends it. Raises CmkctlError CMK531 for a file that cannot be written."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.RLock()
        self._began = clock.now()
        self._since = clock.elapsed()
        self._plan: Plan | None = None
        self._survey: Survey | None = None
        self._found: list[Diagnostic] = []
        self._interrupted = False
        try:
            try_out(path)
        except OSError as error:
            raise _unwritable(path, error) from error

    def show(self, shown: s.Shown) -> None:
        """Record a comparison or a survey, and the diagnostics of a run that ended without one."""
        with self._lock:
            match shown:
                case s.Verified(plan):
                    self._plan = plan
                case s.PostureShown(survey):
                    self._survey = survey
                case s.DiagnosticsShown(diagnostics):
                    self._found += diagnostics
                case s.RunInterrupted():
                    self._interrupted = True
                case (
                    s.RunContext()
                    | s.PlanShown()
                    | s.PlanSaved()
                    | s.OutputsShown()
                    | s.ProfileValid()
                    | s.CheckShown()
                    | s.Explained()
                    | s.StatusShown()
                    | s.WorkspacesShown()
                    | s.ProfileWritten()
                    | s.Applied()
                    | s.Cancelled()
                    | s.LogText()
                    | s.RunEnded()
                    | events.StepStarted()
                    | events.StepFinished()
                    | events.ChangeStarted()
                    | events.ChangeFinished()
                    | events.ChangeSkipped()
                    | events.ChangeFailed()
                    | events.Waiting()
                    | events.WaitEnded()
                ):
                    pass  # a comparison has none of them, or the report does not need it
                case _:
                    assert_never(shown)

    def write(self) -> None:
        """Write the report, whole or not at all. Raises CmkctlError CMK531."""
        with self._lock:
            suites = [*self._suites()]
        root = ET.Element("testsuites")
        for name, cases in suites:
            suite = ET.SubElement(root, "testsuite", {"name": _text(name), **_counts(cases)})
            suite.set("timestamp", f"{self._began:%Y-%m-%dT%H:%M:%S}")
            suite.set("time", f"{self._clock.elapsed() - self._since:.3f}")
            suite.extend(cases)
        root.attrib.update(_counts([each for _, cases in suites for each in cases]))
        ET.indent(root)
        text = ET.tostring(root, encoding="unicode", xml_declaration=False)
        try:
            write_whole(self._path, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n')
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def _suites(self) -> Iterator[tuple[str, list[ET.Element]]]:
        if self._survey is None:
            yield self._name(), [*self._cases()]
            return
        for workspace, questions in suites_of(self._survey):
            yield f"cmkctl posture {workspace}", [*map(_question_case, questions)]
        missing = [_case("visible", each.resource_id) for each in self._survey.unseen]
        for case, unseen in zip(missing, self._survey.unseen, strict=True):
            _add(case, "error", "not-visible", unseen.reason, unseen.resource_id)
        skipped = [_case("read", each) for each in self._survey.left_out]
        for case, sentence in zip(skipped, self._survey.left_out, strict=True):
            _add(case, "skipped", "", sentence, sentence)
        rest = [*missing, *skipped, *(_finding(each, failed="error") for each in self._found)]
        if rest:
            yield "cmkctl posture: completeness", rest

    def _name(self) -> str:
        return _CLASS if self._plan is None else f"cmkctl verify {self._plan.subject.workspace_id}"

    def _cases(self) -> Iterator[ET.Element]:
        for change in () if self._plan is None else self._plan.changes:
            yield _change(change)
        for each in () if self._plan is None else self._plan.diagnostics:
            yield _finding(each)
        for each in self._found:
            yield _finding(each, failed="error")
        if self._plan is None and not any(each.severity is Severity.ERROR for each in self._found):
            case = _case("run", "the run")
            ended = "it was interrupted" if self._interrupted else "it ended early"
            _add(
                case, "error", "incomplete", f"{ended}, and nothing was compared", f"{ended}, and nothing was compared"
            )
            yield case


def _question_case(question: Question) -> ET.Element:
    """Return the case of a question."""
    assessment = question.assessment
    case = _case(assessment.name_of_service, f"{assessment.service} {assessment.name}: {question.topic}")
    end = ending(question)
    if end is not Ending.PASSED:
        lines = [question.explanation, *map(evidence_text, question.evidence), assessment.resource_id]
        _add(case, end.value, question.answer, f"{question.answer}: {question.explanation}", "\n".join(lines))
    return case


def _change(change: Change) -> ET.Element:
    case = _case(change.step, change.title)
    if change.action is not Action.NO_OP:
        kind = change.code or change.action.value
        lines = [change.reason, *(f"→ {each}" for each in change.ways_out), change.resource_id]
        _add(case, "failure", kind, change.reason, "\n".join(lines))
    return case


def _finding(finding: Diagnostic, failed: str = "failure") -> ET.Element:
    """Return the case of a finding: failed for an error, skipped for a warning or a note, which fail no comparison."""
    subject = f" ({finding.subject})" if finding.subject else ""
    case = _case(finding.code or _CLASS, f"{finding.summary}{subject}")
    element = failed if finding.severity is Severity.ERROR else "skipped"
    message = f"{finding.severity.value} {finding.code}: {finding.detail}"
    _add(case, element, finding.code, message, "\n".join([finding.detail, f"→ {finding.remedy}"]))
    return case


def _case(group: str, name: str) -> ET.Element:
    return ET.Element("testcase", {"classname": _text(f"{_CLASS}.{group}"), "name": _text(name)})


def _add(case: ET.Element, element: str, kind: str, message: str, text: str) -> None:
    attributes = {"message": _text(message)} | ({} if element == "skipped" else {"type": _text(kind)})
    ET.SubElement(case, element, attributes).text = _text(text)


def _counts(cases: list[ET.Element]) -> dict[str, str]:
    found = {word: sum(each.find(word) is not None for each in cases) for word in ("failure", "error", "skipped")}
    return {
        "tests": str(len(cases)),
        "failures": str(found["failure"]),
        "errors": str(found["error"]),
        "skipped": str(found["skipped"]),
    }


def _text(text: str) -> str:
    """Return a text that XML can hold."""
    return _NO_XML.sub("\ufffd", text)


def _unwritable(path: Path, error: OSError) -> CmkctlError:
    return CmkctlError(
        codes.CMK531.error(f"{path}: {error.strerror or error}.", unwritable_remedy("--junit", path), subject=str(path))
    )
