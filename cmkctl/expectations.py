"""Comparison of a survey with what was expected of it.

    Survey + Expectations + day ──judge──▶ Survey, with an Outcome beside each assessment ──remarks──▶ diagnostics

Everything but `load` is pure. A value that could not be read is never taken for the expected one.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final, assert_never

from cmkctl import codes
from cmkctl.diagnostics import Diagnostic, Location, ProfileError
from cmkctl.posture import KEY, Aspect, Assessment, Compared, Met, Outcome, Posture, State, Survey, Verdict, Waiver
from cmkctl.profile.environment import OR_SET
from cmkctl.profile.fields import path_of
from cmkctl.profile.load import LoadedProfile, load_section
from cmkctl.profile.model import Profile
from cmkctl.profile.parse import FIRST_LINES, WRITE_PROFILE
from cmkctl.profile.sections.posture import ExpectedWaiver, Holder, PostureSettings
from cmkctl.profile.tree import Branch, place_of
from cmkctl.services import services
from cmkctl.services.base import EncryptableService, Verb

_SECTION: Final = "posture"
_SOON: Final = timedelta(days=30)
"""The time before the end of a waiver in which a warning names it."""

_HIDDEN: Final = frozenset({State.NOT_SET, State.NOT_KNOWABLE})
"""The states of a protection with which Azure does not show it."""

_NAMED_AT_MOST: Final = 5


@dataclass(frozen=True, slots=True)
class Expectations:
    """The expectations of a survey, with the document that they are from.

    `root` is the document, and `section` the path of the expectations in it: empty for a file of their own.
    """

    settings: PostureSettings
    root: Branch = field(repr=False)
    section: str = ""

    def place(self, name: str) -> str:
        """Return the dotted path of a field of the expectations in their document, as `Outcome.place` has it."""
        return ".".join(each for each in (self.section, name) if each)

    def locate(self, place: str) -> Location:
        """Return file, line and column of the field at a path such as `Outcome.place`, or of the nearest one around it."""
        name = place.removeprefix(f"{self.section}.") if self.section else place
        above = (self.section,) if self.section else ()
        return place_of(self.root, (*above, *path_of(name, PostureSettings)))


def load(path: Path, environ: Mapping[str, str]) -> Expectations:
    """Return the expectations in a file, which has the fields of the profile's section ``posture`` at its top level.

    Raises ProfileError with one diagnostic for each cause: CMK001 to CMK009, each with its place.
    """
    try:
        return Expectations(*load_section(path, PostureSettings, environ))
    except ProfileError as error:
        raise ProfileError(*_about_a_file(error.diagnostics, path)) from None


def _about_a_file(found: Sequence[Diagnostic], path: Path) -> Iterator[Diagnostic]:
    """Yield diagnostics of a file of its own, whose remedies are not those of a profile."""
    unknown = [each for each in found if each.code == codes.CMK003.id]
    profile = {each.subject for each in unknown} & {*Profile.model_fields} - {_SECTION}
    if profile:
        detail = (
            f"{path} has fields of a profile, such as {min(profile)}, and --expect takes a file with expectations only."
        )
        remedy = f"Compare with the section posture of the profile: cmkctl posture {shlex.quote(str(path))}"
        yield codes.CMK003.error(detail, remedy, location=Location(str(path)))
        return
    for each in found:
        match each.code:
            case codes.CMK001.id:
                yield replace(each, remedy="Give the path of a file with expectations; docs/posture.md shows one.")
            case codes.CMK002.id if each.remedy in (WRITE_PROFILE, FIRST_LINES):
                yield replace(each, remedy="Begin with a line such as: default: customer")
            case codes.CMK003.id if each.subject == _SECTION:
                yield replace(each, remedy="Write the fields below it at the top level, without the line posture.")
            case codes.CMK006.id:
                yield replace(each, remedy=each.remedy.partition(OR_SET)[0])
            case _:
                yield each


def of_profile(loaded: LoadedProfile) -> Expectations | None:
    """Return the expectations of a profile; None for one without the section ``posture``."""
    settings = loaded.profile.posture
    return None if settings is None else Expectations(settings, loaded.root, _SECTION)


@dataclass(frozen=True, slots=True)
class _Answer:
    """The answer to one expectation of one resource: whether it is met, a sentence, the place, and the question."""

    met: bool
    reason: str
    place: str
    question: str = KEY


def judge(survey: Survey, expectations: Expectations, today: date) -> Survey:
    """Return the survey with the outcome of each assessment. `today` decides which waivers still count."""
    judge_of = _judge(survey, expectations, today)
    return replace(survey, assessments=tuple(judge_of.judged(each) for each in survey.assessments))


def _judge(survey: Survey, expectations: Expectations, today: date) -> _Judge:
    return _Judge(expectations, today, {each.resource_id.lower(): each for each in survey.assessments})


def unmet(survey: Survey) -> tuple[Assessment, ...]:
    """Return the assessments of a judged survey that are not as expected. With any, the exit code is 2."""
    return tuple(each for each in survey.assessments if each.outcome is not None and each.outcome.met is Met.NOT_MET)


@dataclass(frozen=True, slots=True)
class _Judge:
    """The expectations on a day, beside all assessments by their ids in lower case."""

    expectations: Expectations
    today: date
    by_id: Mapping[str, Assessment]

    def judged(self, assessment: Assessment) -> Assessment:
        return replace(assessment, outcome=self._outcome(assessment))

    def _outcome(self, assessment: Assessment) -> Outcome:
        found: dict[str, Compared] = {}
        for each in self.answers(assessment):
            found.setdefault(each.question, self._compared(assessment, each))
        return Outcome(tuple(found.values()))

    def _compared(self, assessment: Assessment, answer: _Answer) -> Compared:
        if answer.met:
            return Compared(answer.question, Met.MET, answer.reason, answer.place)
        waiver = self.waiver_of(assessment, answer)
        if waiver is None:
            return Compared(answer.question, Met.NOT_MET, answer.reason, answer.place)
        met = Met.NOT_MET if waiver.until < self.today else Met.WAIVED
        ended = _ended(waiver) if met is Met.NOT_MET else ""
        return Compared(answer.question, met, f"{answer.reason}{ended}", answer.place, _value(waiver))

    def answers(self, assessment: Assessment) -> tuple[_Answer, ...]:
        """Return the answers to everything that is expected of a resource."""
        return (*self._key(assessment), *self._protections(assessment))

    def waiver_of(self, assessment: Assessment, answer: _Answer) -> ExpectedWaiver | None:
        """Return the waiver of an answer that counts longest; None without one."""
        waivers = self.expectations.settings.waivers
        found = [
            each for each in waivers if _is_about(each, assessment) and (each.protection or KEY) == answer.question
        ]
        return max(found, key=lambda each: each.until, default=None)

    def _key(self, assessment: Assessment) -> Iterator[_Answer]:
        """Yield the answer to the expectation of who holds the key; none where nothing is expected."""
        named = _expected(self.expectations.settings, assessment)
        if named is not None:
            name, holder = named
            place = self.expectations.place(name)
            yield replace(self._held(assessment, holder), place=place)
        elif self.expectations.settings.default == "customer" and not _out_of_reach(assessment):
            yield replace(self._held(assessment, "customer"), place=self.expectations.place("default"))

    def _held(self, assessment: Assessment, holder: Holder) -> _Answer:
        posture = assessment.posture
        if holder == "microsoft":
            if posture.verdict is Verdict.CUSTOMER_UNUSABLE:
                return _Answer(False, f"its key is set and cannot be used: {posture.reason}", "")
            return _Answer(True, "Microsoft's key is allowed", "")
        verdict = self._source(assessment, frozenset()) if posture.verdict is Verdict.INHERITED else posture.verdict
        return _customers(verdict, posture)

    def _source(self, assessment: Assessment, seen: frozenset[str]) -> Verdict | None:
        """Return the verdict of the resource that an inherited key belongs to; None where that is not known.

        Where the posture does not have it, a resource of the survey has: the evidence names its ARM id.
        """
        posture = assessment.posture
        if posture.verdict is not Verdict.INHERITED:
            return posture.verdict
        if posture.source is not None and posture.source is not Verdict.INHERITED:
            return posture.source
        ids = {each.value.lower() for each in posture.evidence if isinstance(each.value, str)} - seen
        found = next((self.by_id[each] for each in sorted(ids) if each in self.by_id), None)
        return None if found is None else self._source(found, seen | {assessment.resource_id.lower(), *ids})

    def _protections(self, assessment: Assessment) -> Iterator[_Answer]:
        wanted = self.expectations.settings.protections
        for index, topic in enumerate(wanted):
            for each in assessment.aspects:
                if each.topic == topic and not (assessment.managed and each.state in _HIDDEN):
                    yield _protected(each, self.expectations.place(f"protections[{index}]"))


def _out_of_reach(assessment: Assessment) -> bool:
    """Return True for what a default does not expect: a key that cannot be chosen, and one that Azure keeps and hides."""
    verdict = assessment.posture.verdict
    return verdict is Verdict.NOT_CHOOSABLE or (assessment.managed and verdict is Verdict.NOT_KNOWABLE)


def _expected(settings: PostureSettings, assessment: Assessment) -> tuple[str, Holder] | None:
    """Return field and value of the expectation that names a resource or its service; by id before name before service."""
    for wanted in (assessment.resource_id, assessment.name):
        for name, holder in settings.resources.items():
            if name.lower() == wanted.lower():
                return f"resources.{name}", holder
    service = settings.services.get(assessment.name_of_service)
    return (f"services.{assessment.name_of_service}", service) if service is not None else None


def _customers(verdict: Verdict | None, posture: Posture) -> _Answer:
    """Return the answer where the customer's key is expected. A new verdict without one is a type error."""
    expected = "the customer's key is expected"
    match verdict:
        case Verdict.CUSTOMER:
            return _Answer(True, "the key is the customer's, as expected", "")
        case Verdict.MICROSOFT | Verdict.MIXED | Verdict.CUSTOMER_UNUSABLE | Verdict.NOT_CHOOSABLE | Verdict.RETIRED:
            return _Answer(False, f"{expected}: {posture.reason}", "")
        case Verdict.NOT_KNOWABLE | Verdict.NOT_VISIBLE | Verdict.INHERITED | None:
            return _Answer(False, f"{expected}, and could not be confirmed: {posture.reason}", "")
        case _:
            assert_never(verdict)


def _protected(aspect: Aspect, place: str) -> _Answer:
    """Return the answer where a protection is expected. A new state without one is a type error."""
    match aspect.state:
        case State.ENFORCED | State.PLATFORM:
            return _Answer(True, f"{aspect.topic} is enforced, as expected", place, aspect.topic)
        case State.NOT_ENFORCED | State.NOT_SET:
            return _Answer(False, f"{aspect.topic} is expected: {aspect.reason}", place, aspect.topic)
        case State.INFORMATION | State.NOT_KNOWABLE | State.NOT_VISIBLE | State.NOT_READ:
            reason = f"{aspect.topic} is expected, and could not be confirmed: {aspect.reason}"
            return _Answer(False, reason, place, aspect.topic)
        case _:
            assert_never(aspect.state)


def _is_about(waiver: ExpectedWaiver, assessment: Assessment) -> bool:
    if waiver.service is not None:
        return waiver.service == assessment.name_of_service
    return (waiver.resource or "").lower() in {assessment.resource_id.lower(), assessment.name.lower()}


def _value(waiver: ExpectedWaiver) -> Waiver:
    return Waiver(waiver.reason, waiver.until)


def _ended(waiver: ExpectedWaiver) -> str:
    return f" (its waiver ended on {waiver.until.isoformat()}: {waiver.reason})"


def remarks(survey: Survey, expectations: Expectations, today: date) -> tuple[Diagnostic, ...]:
    """Return what to know about a judged survey beside its outcomes, each with its place in the file of the expectations."""
    found = (
        *_failures(survey, expectations),
        *_waivers(survey, expectations, today),
        *_not_found(survey, expectations),
    )
    return tuple(found)


def _remedy(failed: Sequence[Assessment]) -> str:
    """Return the remedies of what is not as expected: `cmkctl encrypt` first, where it can put the key on a resource."""
    questions = {question for each in failed if each.outcome for question in each.outcome.questions}
    bare = (each for each in failed if each.posture.verdict is Verdict.MICROSOFT and not each.managed)
    settable = next((each for each in bare if _takes_key(each)), None)
    cause = (
        "Set the key"
        if questions == {KEY}
        else "Set the key or the protection"
        if KEY in questions
        else "Set the protection"
    )
    first = f"Put the key on it: cmkctl encrypt PROFILE --resource {settable.resource_id}\n" if settable else ""
    return f"{first}{cause}, change the expectation, or add a waiver with a reason and a last day."


def _takes_key(assessment: Assessment) -> bool:
    service = next((each for each in services() if each.name == assessment.name_of_service), None)
    return isinstance(service, EncryptableService) and service.verb in (Verb.PATCH, Verb.PUT, Verb.EDIT)


def _failures(survey: Survey, expectations: Expectations) -> Iterator[Diagnostic]:
    failed = unmet(survey)
    if failed:
        names = [f"{each.service} {each.name}" for each in failed[:_NAMED_AT_MOST]]
        rest = f" and {len(failed) - len(names)} more" if len(failed) > len(names) else ""
        detail = f"{len(failed)} of {len(survey.assessments)}: {', '.join(names)}{rest}."
        place = failed[0].outcome.place if failed[0].outcome else ""
        yield codes.CMK711.warning(detail, _remedy(failed), location=expectations.locate(place), subject=place)


def _waivers(survey: Survey, expectations: Expectations, today: date) -> Iterator[Diagnostic]:
    judge_of = _judge(survey, expectations, today)
    used = {
        judge_of.waiver_of(found, each)
        for found in survey.assessments
        for each in judge_of.answers(found)
        if not each.met
    }
    for index, each in enumerate(expectations.settings.waivers):
        place = expectations.place(f"waivers[{index}].until")
        where = expectations.locate(place)
        who = each.resource or each.service or ""
        if each not in used:
            detail = f"The waiver for {who} ({each.reason}) excuses nothing: nothing was found there that is not as expected."
            yield codes.CMK715.note(detail, location=where, subject=place)
        elif each.until < today:
            detail = (
                f"The waiver for {who} ended on {each.until.isoformat()} ({each.reason}), so the expectation counts."
            )
            yield codes.CMK712.warning(detail, location=where, subject=place)
        elif each.until - today < _SOON:
            detail = f"The waiver for {who} ends on {each.until.isoformat()} ({each.reason})."
            yield codes.CMK712.note(detail, location=where, subject=place)


def _not_found(survey: Survey, expectations: Expectations) -> Iterator[Diagnostic]:
    settings, seen = expectations.settings, survey.assessments
    services = {each.name_of_service for each in seen}
    for name, holder in settings.services.items():
        if holder == "customer" and name not in services:
            place = expectations.place(f"services.{name}")
            detail = f"Nothing of {name} was found, so nothing was compared."
            yield codes.CMK713.note(detail, location=expectations.locate(place), subject=place)
    topics = {aspect.topic for each in seen for aspect in each.aspects}
    for index, topic in enumerate(settings.protections):
        if topic not in topics:
            place = expectations.place(f"protections[{index}]")
            detail = f"No resource that was found has the protection {topic}, so nothing was compared."
            yield codes.CMK713.note(detail, location=expectations.locate(place), subject=place)
    names = {text.lower() for each in seen for text in (each.resource_id, each.name)}
    for name in settings.resources:
        if name.lower() not in names:
            place = expectations.place(f"resources.{name}")
            yield codes.CMK714.warning(f"{name} was not found.", location=expectations.locate(place), subject=place)
