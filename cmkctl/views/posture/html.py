"""The page of ``posture --html``: one self-contained file without scripts, readable in light and dark and on paper.

Everything in the page comes through jinja2 with autoescaping, and through `clean`, which shows control characters and reversed
reading directions as escapes. The page forbids scripts and requests for itself, with a Content-Security-Policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from cmkctl import __version__
from cmkctl.listing import AGE
from cmkctl.posture import KEY, MEANINGS, Assessment, Met, Posture, Rules, Survey, Verdict
from cmkctl.views.posture import words
from cmkctl.views.posture.file import Collected, SurveyFile, failure_text
from cmkctl.views.posture.picture import kind_of, picture_of
from cmkctl.views.words import clean

_OPEN_GROUPS: Final = 3
"""Workspaces whose resources are shown at once; with more, each is folded."""


_SHOWN_AT_ONCE: Final = 25
"""Resources that are not as expected and that are shown at once; the others are folded."""


class HtmlView(SurveyFile):
    """The page of a survey."""

    option = "--html"

    def text(self, collected: Collected) -> str:
        """Return the page. A run without a survey has a page with the reasons."""
        template = _environment().get_template("page.html")
        survey = collected.survey
        return template.render(
            run=collected,
            version=__version__,
            failure=failure_text(collected) if survey is None else "",
            page=None if survey is None else _page(survey, single=collected.single),
        )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("cmkctl.views.posture"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    environment.filters["shown"] = words.value_text
    return environment


def _shown(value: Any) -> Any:
    """Make a text harmless; markup that autoescaping has made already is of another type, and stays."""
    return clean(value) if type(value) is str else value


@dataclass(frozen=True, slots=True)
class _Key:
    """A row of the table of keys: a version in use, or the newest one."""

    identifier: str
    version: str
    use: str
    expiry: str
    soon: bool
    count: int


@dataclass(frozen=True, slots=True)
class _Resource:
    """A row of the table of resources, with everything below it."""

    assessment: Assessment
    kind: str
    sign: str
    scope: str
    key: str
    version: str
    marks: str
    transit: str
    outcome: str
    outcome_kind: str


@dataclass(frozen=True, slots=True)
class _Group:
    """The resources around a workspace; those without one have no id."""

    workspace_id: str
    resources: Sequence[_Resource]
    counts: str
    missed: int

    @property
    def name(self) -> str:
        """The name of the workspace."""
        return self.workspace_id.rpartition("/")[2] or "Without a workspace"


def _page(survey: Survey, *, single: bool) -> dict[str, Any]:
    """Return the values of the template."""
    labels = words.KeyLabels(words.keys_in_use(survey))
    rows = {id(each): _resource(each, survey.at, labels) for each in survey.assessments}
    groups = [
        _Group(
            workspace,
            [rows[id(each)] for each in found],
            words.counts_text(words.verdict_counts(found)),
            words.met_counts(found)[Met.NOT_MET],
        )
        for workspace, found in words.by_workspace(survey).items()
    ]
    met = words.met_counts(survey.assessments)
    return {
        "survey": survey,
        "single": single,
        "count": words.number(len(survey.assessments)),
        "verdicts": [
            (*_chip(each), each.value, count, MEANINGS[each])
            for each, count in words.verdict_counts(survey.assessments).items()
            if count
        ],
        "met": {each.value: count for each, count in met.items()},
        "expected": sum(met.values()) - met[Met.NOT_EXPECTED],
        "shown_at_once": _SHOWN_AT_ONCE,
        "missed": [rows[id(each)] for each in survey.assessments if words.met_of(each) is Met.NOT_MET],
        "waived": [(each, one) for each in survey.assessments for one in (each.outcome.waived if each.outcome else ())],
        "key_rows": _keys(survey),
        "groups": groups,
        "folded": len(groups) > _OPEN_GROUPS,
        "picture": picture_of(survey),
        "rules": _rules(survey.assessments),
        "age": AGE if words.from_graph(survey) else "",
    }


def _resource(assessment: Assessment, at: datetime, labels: words.KeyLabels) -> _Resource:
    posture = assessment.posture
    aspect = words.in_transit(assessment.aspects)
    outcome, kind = _outcome(assessment)
    marks = ["a newer version exists"] if assessment.newer_version else []
    version = assessment.version
    if version is not None and words.expires_soon(version, at):
        older = "this version" if assessment.newer_version else "newest version"
        marks.append(f"{older} {words.expiry_words(version.expires, at)}")
    return _Resource(
        assessment,
        kind_of(posture),
        words.sign(posture),
        words.scope_text(assessment.resource_id),
        labels[posture.key] if posture.key else "",
        posture.key_version[: words.SHORT_VERSION],
        ", ".join(marks),
        words.transit_word(aspect),
        outcome,
        kind,
    )


def _outcome(assessment: Assessment) -> tuple[str, str]:
    """Return the result of the comparison in words, and its CSS class."""
    match words.met_of(assessment):
        case Met.MET:
            return "as expected", "good"
        case Met.NOT_MET:
            return "not as expected", "bad"
        case Met.WAIVED:
            return "waived", "open"
        case Met.NOT_EXPECTED:
            return "", ""


def _chip(verdict: Verdict) -> tuple[str, str]:
    """Return the CSS class and the sign of a verdict. An inherited one can be good or bad: it depends on its source."""
    posture = Posture(verdict, "")
    return ("none", "→") if verdict is Verdict.INHERITED else (kind_of(posture), words.sign(posture))


def _keys(survey: Survey) -> list[_Key]:
    states = words.key_states(survey)
    users: dict[tuple[str, str], int] = {}
    names: dict[str, str] = {}
    for each in survey.assessments:
        for key in dict.fromkeys((one.key, one.key_version) for one in words.postures(each) if one.key):
            names.setdefault(key[0].lower(), key[0])
            users[key[0].lower(), key[1]] = users.get((key[0].lower(), key[1]), 0) + 1
    found = []
    for (identifier, version), count in users.items():
        state = states.get(identifier)
        used = state.of(version) if state and version else None
        newest = bool(state and used and used.version == state.newest)
        use = (
            "in use, the newest" if newest else "in use, a newer version exists" if state and state.newest else "in use"
        )
        use += ", DISABLED" if used and used.enabled is False else f", {used.reason}" if used and used.reason else ""
        expiry = words.expiry_words(used.expires, survey.at) if used else ""
        soon = words.expires_soon(used, survey.at)
        found.append(_Key(names[identifier], version, use if version else "version not shown", expiry, soon, count))
    for identifier, state in states.items():
        if state.newest and (identifier, state.newest) not in users and identifier in names:
            text = "the newest, not in use" if state.enabled is not False else "the newest, DISABLED"
            expiry = words.expiry_words(state.expires, survey.at)
            soon = words.expires_soon(state.of(state.newest), survey.at)
            found.append(_Key(names[identifier], state.newest, text, expiry, soon, 0))
        elif state.reason and identifier in names:
            found.append(_Key(names[identifier], "", f"not read: {state.reason}", "", soon=False, count=0))
    return sorted(found, key=lambda each: (each.identifier.lower(), -each.count))


def _rules(assessments: Iterable[Assessment]) -> list[tuple[str, str, Rules]]:
    """Return the rules of others by service and question, each once."""
    found: dict[tuple[str, str], Rules] = {}
    for each in assessments:
        found.setdefault((each.service, KEY), each.rules)
        for aspect in each.aspects:
            if aspect.rules is not None:
                found.setdefault((each.service, aspect.topic), aspect.rules)
    return [(service, topic, rules) for (service, topic), rules in sorted(found.items(), key=lambda each: each[0])]
