"""The survey of ``cmkctl posture`` for people: one screen for a workspace, a summary for many.

One line a resource: sign, verdict, service and name, key and version, and the encryption of connections. The keys have a list of
their own with whole identifiers. With `evidence`, each resource has its reasons, evidence, parts, aspects and rules below it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from cmkctl.listing import AGE
from cmkctl.posture import KEY, Assessment, Evidence, KeyState, Met, Posture, Rules, Survey, Verdict
from cmkctl.views.layout import SANDBOX, paragraph
from cmkctl.views.posture import words
from cmkctl.views.shown import PostureShown, RunContext
from cmkctl.views.streams import Line

_GAP: Final = "  "
_INDENT: Final = "  "
_NEWER: Final = "↑"
_SOON: Final = "†"
_NO_KEY: Final = "-"
_HEADS: Final = ("verdict", "resource", "key", "transit")

_KEYS: Final = 8
_WORKSPACES: Final = 20
_NOT_MET: Final = 20
_OTHERS: Final = 10
"""Entries that a list has at most; the rest is counted."""

_ALIKE: Final = 4
"""Resources without a choice of a key that are shown one by one, for each service. Of more, the rest is counted."""


def posture_lines(shown: PostureShown, context: RunContext, width: int) -> Iterator[Line]:
    """Yield a survey."""
    survey = shown.survey
    yield from _header(survey, context, width)
    if not survey.assessments:
        yield from paragraph("No resource was found.", width, style="bold")
    else:
        yield from () if shown.single else _services(survey, width)
        yield from () if shown.single else _workspaces(survey, width)
        if shown.single or shown.evidence:
            yield from _table(survey, width, evidence=shown.evidence)
            yield from _keys(survey, width)
    yield from _outcomes(survey, width, single=shown.single)
    yield from _unseen(survey, width)
    yield from _conclusion(survey, width, single=shown.single, evidence=shown.evidence)


# --- the whole


def _header(survey: Survey, context: RunContext, width: int) -> Iterator[Line]:
    mark = f"{SANDBOX}: " if context.sandbox else ""
    count = len(survey.workspaces)
    one = f"Workspace {survey.workspaces[0].rpartition('/')[2]}" if count == 1 else ""
    what = one or (f"{count:,} workspaces" if count else "Resources")
    yield Line(f"{mark}{what}: who holds the keys", "bold")
    name = context.subscription_name if len(survey.subscriptions) == 1 else ""
    where = ", ".join(survey.subscriptions) if len(survey.subscriptions) <= 3 else f"{len(survey.subscriptions):,}"
    plural = "" if len(survey.subscriptions) == 1 else "s"
    subscription = f"{name} ({where})" if name else where
    account = f", signed in as {context.account}" if context.account else ""
    text = f"  subscription{plural} {subscription}{account}, {survey.at:%Y-%m-%d %H:%M} UTC"
    yield from paragraph(text, width, _INDENT, style="bold")


def _outcomes(survey: Survey, width: int, *, single: bool) -> Iterator[Line]:
    """Yield what was expected and is not so, and what was waived; of many, also the keys that a service cannot use."""
    missed = [each for each in survey.assessments if words.met_of(each) is Met.NOT_MET]
    waived = [text for each in survey.assessments for text in _waived(each)]
    texts = (_missed(each, single=single) for each in missed)
    yield from _list("Not as expected", texts, len(missed), _NOT_MET if single else _OTHERS, width, "bold red")
    if not single:
        unusable = [each for each in survey.assessments if each.posture.verdict is Verdict.CUSTOMER_UNUSABLE]
        texts = (f"✗ {_title(each, placed=True)}: {each.posture.reason}" for each in unusable)
        yield from _list("The key cannot be used", texts, len(unusable), _OTHERS, width, "bold red")
    yield from _list("Waived", waived, len(waived), _OTHERS, width, "bold")


def _missed(assessment: Assessment, *, single: bool) -> str:
    outcome = assessment.outcome
    place = f" ({outcome.place})" if single and outcome and outcome.place else ""
    return f"✗ {_title(assessment, placed=not single)}: {outcome.reason if outcome else ''}{place}"


def _waived(assessment: Assessment) -> Iterator[str]:
    """Yield each waiver that counts for a resource; a protection is named, the key is not."""
    for each in assessment.outcome.waived if assessment.outcome else ():
        topic = "" if each.question == KEY else f" ({each.question})"
        until = f"until {each.waiver.until:%Y-%m-%d}: {each.waiver.reason}" if each.waiver else ""
        yield f"{_title(assessment)}{topic}, {until}"


def _unseen(survey: Survey, width: int) -> Iterator[Line]:
    hidden = [each for each in survey.assessments if each.posture.verdict is Verdict.NOT_VISIBLE]
    unseen = [
        *(f"{_title(each)}: {each.posture.reason}" for each in hidden),
        *(f"{each.resource_id}: {each.reason}" for each in survey.unseen),
    ]
    yield from _list("Not visible", unseen, len(unseen), _OTHERS, width)
    if any("may not read" in each or "your roles" in each for each in unseen):
        remedy = "→ Ask for the role Reader on the subscription, then run the same command again."
        yield from paragraph(f"{_INDENT}{remedy}", width, _INDENT * 2)
    yield from _list("Left out", survey.left_out, len(survey.left_out), _OTHERS, width)
    if words.from_graph(survey):
        yield Line()
        yield from paragraph(f"{AGE}.", width, style="dim")


def _list(title: str, items: Iterable[str], count: int, most: int, width: int, style: str = "bold") -> Iterator[Line]:
    if not count:
        return
    yield Line()
    yield Line(title, style)
    for item, _ in zip(items, range(most), strict=False):
        yield from paragraph(f"{_INDENT}{item}", width, _INDENT * 2)
    if count > most:
        yield Line(f"{_INDENT}… and {count - most:,} more; --json and --csv have all")


def _conclusion(survey: Survey, width: int, *, single: bool, evidence: bool) -> Iterator[Line]:
    counts = words.counts_text(words.verdict_counts(survey.assessments))
    met = words.met_counts(survey.assessments)
    expected = sum(met.values()) - met[Met.NOT_EXPECTED]
    parts = [f"{words.number(len(survey.assessments))}: {counts}." if counts else ""]
    if expected:
        waived = f", {met[Met.WAIVED]:,} waived" if met[Met.WAIVED] else ""
        parts.append(f"Of {expected:,} expected, {met[Met.MET]:,} met{waived}, {met[Met.NOT_MET]:,} not met.")
    if survey.unseen:
        parts.append(f"{len(survey.unseen):,} more not visible.")
    text = " ".join(filter(None, parts))
    if text:
        yield Line()
        yield from paragraph(text, width, style="bold")
    if not single and len(survey.assessments):
        yield from paragraph("Every resource: --json, --csv FILE or --html FILE.", width, style="dim")
    if single and not evidence and len(survey.assessments):
        yield from paragraph("Reasons: --evidence. A word: cmkctl explain WORD, such as mixed.", width, style="dim")


# --- one workspace: a line a resource


@dataclass(frozen=True, slots=True)
class _Row:
    """The cells of a resource, without its sign."""

    assessment: Assessment
    cells: tuple[str, str, str, str]


def _table(survey: Survey, width: int, *, evidence: bool) -> Iterator[Line]:
    labels = words.KeyLabels(words.keys_in_use(survey))
    several = {key for key, versions in words.keys_in_use(survey).items() if len(versions) > 1}
    rows = [_row(each, survey, labels, None) for each in survey.assessments]
    widths = _widths(rows)
    if _total(widths) > width:  # a version that is the only one of its key is in the list of keys
        rows = [_row(each, survey, labels, several) for each in survey.assessments]
        widths = _widths(rows)
    widths[1] = max(min(widths[1], width - _total(widths) + widths[1]), len(_HEADS[1]))
    yield Line()
    if _total(widths) <= width:
        yield Line(f"  {_joined(_HEADS, widths)}".rstrip(), "dim")
    for each, more in ((each, 0) for each in rows) if evidence else _folded(rows):
        yield from _row_lines(each, widths, width)
        yield from _parts(each.assessment.posture, width)
        if evidence:
            yield from _evidence(each.assessment, width)
        if more:
            text = f"    … and {more:,} more: {each.assessment.service}, {each.cells[0]}; --json and --csv have all"
            yield from paragraph(text, width, "      ", style="dim")


def _folded(rows: Sequence[_Row]) -> Iterator[tuple[_Row, int]]:
    """Yield rows, each with the number of rows like it that are left out after it.

    Only rows in which nothing can be chosen are left out: those of computes and deployments, without a key of their own.
    """
    counts, seen = Counter(map(_likeness, rows)), Counter[tuple[str, ...]]()
    for each in rows:
        alike = _likeness(each)
        kept = counts[alike] if counts[alike] <= _ALIKE else _ALIKE - 1
        seen[alike] += 1
        if seen[alike] <= kept:
            yield each, counts[alike] - kept if seen[alike] == kept else 0


def _likeness(row: _Row) -> tuple[str, ...]:
    """Return what rows have in common that are shown once and counted; of any other row, its own id."""
    verdict, _, key, transit = row.cells
    fixed = row.assessment.posture.verdict in {Verdict.NOT_CHOOSABLE, Verdict.INHERITED} and key == _NO_KEY
    return (row.assessment.service, verdict, transit) if fixed else (row.assessment.resource_id,)


def _total(widths: Sequence[int]) -> int:
    return 2 + sum(widths) + len(_GAP) * (len(widths) - 1)


def _widths(rows: Iterable[_Row]) -> list[int]:
    return [max(map(len, column)) for column in zip(_HEADS, *(each.cells for each in rows), strict=True)]


def _joined(cells: Iterable[str], widths: Iterable[int]) -> str:
    return _GAP.join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))


def _row(assessment: Assessment, survey: Survey, labels: words.KeyLabels, versions_of: set[str] | None) -> _Row:
    """Return the cells. The version is in the cell of the key for the keys in `versions_of`; None is all."""
    posture = assessment.posture
    return _Row(
        assessment,
        (
            posture.verdict.value,
            _title(assessment),
            _key_cell(assessment, survey, labels, versions_of),
            words.transit_word(words.in_transit(assessment.aspects)),
        ),
    )


def _title(assessment: Assessment, *, placed: bool = False) -> str:
    """Return the service and the name; with `placed` also the resource group, where there are many."""
    scope = words.scope_text(assessment.resource_id) if placed else ""
    managed = " (managed)" if assessment.managed else ""
    return f"{assessment.service} {assessment.label}{f' ({scope})' if scope else ''}{managed}"


def _key_cell(
    assessment: Assessment, survey: Survey, labels: words.KeyLabels, versions_of: set[str] | None = None
) -> str:
    posture = assessment.posture
    if not posture.key:
        return _NO_KEY
    shown = versions_of is None or posture.key.lower() in versions_of
    version = f" {posture.key_version[: words.SHORT_VERSION]}" if posture.key_version and shown else ""
    newer = f" {_NEWER}" if assessment.newer_version else ""
    soon = f" {_SOON}" if words.expires_soon(assessment.version, survey.at) else ""
    return f"{labels[posture.key]}{version}{newer}{soon}"


def _row_lines(row: _Row, widths: Sequence[int], width: int) -> Iterator[Line]:
    """Yield the cells in one line; of a long name or in a narrow window, in two. A long name may use the room of the key."""
    posture = row.assessment.posture
    verdict, title, key, transit = row.cells
    head = f"{words.sign(posture)} {verdict:<{widths[0]}}{_GAP}"
    style, marked = _style(posture), len(verdict) + 2
    start = max(widths[1], len(title)) + len(_GAP)
    room = widths[1] + len(_GAP) + widths[2] - start
    line = f"{head}{title:<{start}}{key:<{max(room, 0)}}{_GAP}{transit}".rstrip()
    if len(key) <= room and len(line) <= width:
        yield Line(line, style, marked)
        return
    yield Line(f"{head}{title}", style, marked)
    indent = " " * (len(head) + widths[1] + len(_GAP))
    rest = f"{key:<{widths[2]}}{_GAP}{transit}".rstrip()
    if len(indent) + len(rest) <= width:
        yield Line(f"{indent}{rest}")
    else:
        yield from paragraph(f"    key {key}, transit {transit}", width, "      ")


def _parts(posture: Posture, width: int) -> Iterator[Line]:
    """Yield the parts of the data by verdict, where they differ."""
    found = words.differing_parts(posture)
    if found:
        text = "; ".join(f"{words.names_text(names)} {verdict.value}" for verdict, names in found.items())
        yield from paragraph(f"    {text}", width, "      ", style="dim")


def _keys(survey: Survey, width: int) -> Iterator[Line]:
    """Yield the keys with their whole identifiers, each with the versions in use and the newest one."""
    used = words.keys_in_use(survey)
    if not used:
        return
    names = {each.key.lower(): each.key for one in survey.assessments for each in words.postures(one) if each.key}
    yield Line()
    yield Line("Keys", "bold")
    for identifier, versions in list(used.items())[:_KEYS]:
        yield Line(f"{_INDENT}{names[identifier]}")
        for each in _key_facts(identifier, list(versions), survey):
            yield from paragraph(f"{_INDENT * 2}{each}", width, _INDENT * 3)
    if len(used) > _KEYS:
        yield Line(f"{_INDENT}… and {len(used) - _KEYS:,} more; --json has all")


def _key_facts(identifier: str, versions: Sequence[str], survey: Survey) -> Iterator[str]:
    state = words.key_states(survey).get(identifier)
    newest = state.newest if state else ""
    for version in versions:
        older = newest and version.lower() != newest.lower()
        place = f" {_NEWER} a newer version exists" if older else ", the newest" if newest else ""
        yield f"{version} in use{place}{_version_facts(state, version, survey)}"
    if not versions:
        yield "the version in use is not shown"
    if newest and newest.lower() not in [each.lower() for each in versions]:
        yield f"{newest} is the newest{_version_facts(state, newest, survey)}"
    if state and state.reason:
        yield f"its versions could not be read: {state.reason}"


def _version_facts(state: KeyState | None, version: str, survey: Survey) -> str:
    found = state.of(version) if state else None
    if found is None:
        return ""
    enabled = {True: "", False: ", DISABLED", None: ""}[found.enabled]
    expiry = words.expiry_words(found.expires, survey.at)
    soon = f" {_SOON}" if words.expires_soon(found, survey.at) else ""
    return f"{enabled}{f', {expiry}{soon}' if expiry else ''}{f', {found.reason}' if found.reason else ''}"


# --- many workspaces


def _services(survey: Survey, width: int) -> Iterator[Line]:
    """Yield the number of resources by service and verdict, as a table, in a narrow window as a list."""
    groups: dict[str, list[Assessment]] = {}
    for each in survey.assessments:
        groups.setdefault(each.service, []).append(each)
    counts = {service: words.verdict_counts(group) for service, group in sorted(groups.items())}
    seen = [each for each in Verdict if any(row[each] for row in counts.values())]
    rows = [(service, *(f"{row[each]:,}" if row[each] else "-" for each in seen)) for service, row in counts.items()]
    total = words.verdict_counts(survey.assessments)
    rows.append(("all", *(f"{total[each]:,}" for each in seen)))
    heads = ("service", *(each.value for each in seen))
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    yield Line()
    if _total(widths) <= width:
        for index, row in enumerate([heads, *rows]):
            cells = [f"{cell:>{wide}}" for cell, wide in zip(row[1:], widths[1:], strict=True)]
            yield Line(f"  {_GAP.join((f'{row[0]:<{widths[0]}}', *cells))}", "dim" if not index else "")
    else:
        for service, found in counts.items():
            yield from paragraph(f"  {service}: {words.counts_text(found)}", width, "    ")


def _workspaces(survey: Survey, width: int) -> Iterator[Line]:
    """Yield a line for each workspace, those first that need attention most."""
    groups = {each: group for each, group in words.by_workspace(survey).items() if each}
    if not groups:
        return
    ordered = sorted(groups, key=lambda each: _attention(groups[each]), reverse=True)
    lines = (f"{each.rpartition('/')[2]} ({words.scope_text(each)}): {_counted(groups[each])}" for each in ordered)
    yield from _list("Workspaces, with the resources around them", lines, len(ordered), _WORKSPACES, width)


def _attention(group: Iterable[Assessment]) -> tuple[int, ...]:
    """Return a key to sort by: resources that are not as expected, unusable keys, Microsoft's keys."""
    found = list(group)
    verdicts = words.verdict_counts(found)
    return (
        words.met_counts(found)[Met.NOT_MET],
        verdicts[Verdict.CUSTOMER_UNUSABLE],
        verdicts[Verdict.MICROSOFT] + verdicts[Verdict.MIXED],
    )


def _counted(group: Sequence[Assessment]) -> str:
    if not group:
        return "no resource was found"
    missed = words.met_counts(group)[Met.NOT_MET]
    text = words.counts_text(words.verdict_counts(group))
    return f"{text}; {missed:,} not as expected" if missed else text


# --- evidence


def _evidence(assessment: Assessment, width: int) -> Iterator[Line]:
    posture = assessment.posture
    yield from _posture(posture, width, "    ")
    yield Line(f"    {assessment.resource_id}", "dim")
    ties = [f"{each.relation} of {each.workspace_id.rpartition('/')[2]}" for each in assessment.belongs]
    if ties:
        yield from paragraph(f"    {', '.join(ties)}", width, "      ", style="dim")
    for part in posture.parts:
        yield from paragraph(f"    {part.name}: {part.posture.verdict.value}", width, "      ")
        yield from _posture(part.posture, width, "      ")
    for aspect in assessment.aspects:
        yield from paragraph(f"    {aspect.topic}: {aspect.state.value}, {aspect.reason}", width, "      ")
        yield from _shown(aspect.evidence, width, "      ")
        if aspect.rules is not None:
            yield from _rules(aspect.rules, width, "      ")
    yield from _rules(assessment.rules, width, "    ")
    yield from paragraph(
        f"    key set: {assessment.set_by or 'not known'}; new versions followed: {assessment.follows or 'not known'}; "
        f"source: {assessment.seen.value}",
        width,
        "      ",
        style="dim",
    )


def _posture(posture: Posture, width: int, indent: str) -> Iterator[Line]:
    yield from paragraph(f"{indent}{posture.reason}", width, f"{indent}  ")
    if posture.key:
        version = f", version {posture.key_version}" if posture.key_version else ""
        reader = f", read by {posture.reader}" if posture.reader else ""
        yield from paragraph(f"{indent}key {posture.key}{version}{reader}", width, f"{indent}  ")
    yield from _shown(posture.evidence, width, indent)


def _shown(evidence: Iterable[Evidence], width: int, indent: str) -> Iterator[Line]:
    for each in evidence:
        yield from paragraph(f"{indent}{words.evidence_text(each)}", width, f"{indent}  ", style="dim")


def _rules(rules: Rules, width: int, indent: str) -> Iterator[Line]:
    analogy = " (by analogy)" if rules.by_analogy and rules.controls else ""
    controls = [f"MCSB {', '.join(rules.controls)}{analogy}"] if rules.controls else []
    by_flaw: dict[str, dict[str, list[str]]] = {"": {}}
    for each in rules.checks:
        by_flaw.setdefault(each.flaw, {}).setdefault(each.tool, []).append(each.id)
    texts = {flaw: [f"{tool} {', '.join(ids)}" for tool, ids in tools.items()] for flaw, tools in by_flaw.items()}
    texts[""] = controls + texts[""]
    for flaw, named in texts.items():
        if named:
            mark = f" (can be wrong: {flaw})" if flaw else ""
            yield from paragraph(f"{indent}{'; '.join(named)}{mark}", width, f"{indent}  ", style="dim")


def _style(posture: Posture) -> str:
    """Return the colour of a verdict. A new verdict without one is a type error."""
    match words.effective(posture):
        case Verdict.CUSTOMER:
            return "green"
        case Verdict.MIXED | Verdict.MICROSOFT | Verdict.RETIRED:
            return "yellow"
        case Verdict.NOT_KNOWABLE | Verdict.NOT_VISIBLE | Verdict.INHERITED:
            return "yellow"
        case Verdict.NOT_CHOOSABLE:
            return "dim"
        case Verdict.CUSTOMER_UNUSABLE:
            return "bold red"
        case never:
            assert_never(never)
