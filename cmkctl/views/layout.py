"""The layout of plans and diagnostics for people: values in, lines out. Pure; it knows columns and rows, not terminals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from textwrap import wrap
from typing import Final, assert_never
from urllib.parse import urlencode

from cmkctl.diagnostics import Diagnostic, Location, Severity
from cmkctl.plan import Action, AttributeChange, Change, Plan, Plane, Request
from cmkctl.views.shown import RunContext
from cmkctl.views.streams import Line
from cmkctl.views.words import ABSENT, attribute_text, pretty, value_text

_CONTINUED: Final = "      "
_CANNOT_BE_UNDONE: Final = "  (cannot be undone)"
_NARROW: Final = 24
"""Columns below which a title gets no column of its own."""

SANDBOX: Final = "SANDBOX (not Azure)"


def style_of(action: Action) -> str:
    """Return the colour of an action. A new action without one is a type error."""
    match action:
        case Action.CREATE | Action.ENABLE:
            return "green"
        case Action.UPDATE:
            return "yellow"
        case Action.DELETE | Action.DISABLE:
            return "red"
        case Action.NO_OP:
            return "dim"
        case Action.WAIT:
            return "cyan"
        case Action.CONFLICT:
            return "bold red"
        case _:
            assert_never(action)


def style_of_severity(severity: Severity) -> str:
    """Return the colour of a severity. A new severity without one is a type error."""
    match severity:
        case Severity.ERROR:
            return "bold red"
        case Severity.WARNING:
            return "bold yellow"
        case Severity.NOTE:
            return "bold"
        case _:
            assert_never(severity)


def plan_lines(
    plan: Plan, context: RunContext, width: int, *, detailed: bool = False, rows: int | None = None
) -> list[Line]:
    """Yield a whole plan: header, changes, irreversible effects, costs and totals.

    With `rows`, the first form that fits into so many lines: the whole plan; without the resources that are up to date; also
    without a column for the descriptions; with the resources of each action in one paragraph. The header is not counted in
    the shorter forms, because the question repeats it.
    """
    head = list(header(plan, context, width))
    end = [*irreversible_lines(plan, width), *_cost_lines(plan, width), *_total_lines(plan, width)]
    whole = [*head, *change_lines(plan.changes, width, detailed=detailed), Line(), *end, *agreement_lines(plan)]
    if detailed or plan.errored or rows is None or len(whole) <= rows:
        return whole
    for form in (change_lines(plan.pending, width), change_lines(plan.pending, width, aligned=False)):
        changes = list(form)
        if len(changes) + len(end) <= rows:
            return [*head, *changes, *end]
    return [*head, *_paragraphs(plan, width), *end]


def agreement_lines(plan: Plan) -> Iterator[Line]:
    """Yield the lines of a profile that would settle the conflicts, not wrapped: they are pasted."""
    if plan.agreement:
        from cmkctl.profile.agreement import agreement_text  # noqa: PLC0415 - YAML, only for a conflict

        yield Line()
        yield Line("To keep what is there, put these lines in the profile, in place of its own:")
        yield Line()
        yield from (Line(f"  {each}" if each else "") for each in agreement_text(plan.agreement))


def _paragraphs(plan: Plan, width: int) -> Iterator[Line]:
    """Yield the pending changes, a paragraph for each action."""
    for action in Action:
        titles = [each.title for each in plan.pending if each.action is action]
        if titles:
            text = f"  {action.symbol} {action.words.planned}: {', '.join(titles)}"
            yield from paragraph(text, width, "    ", style=style_of(action))


def header(plan: Plan, context: RunContext, width: int) -> Iterator[Line]:
    """Yield the header: workspace, region, subscription, account, and a mark for the sandbox."""
    subject = plan.subject
    name = subject.workspace_id.rpartition("/")[2]
    mark = f"{SANDBOX}: " if context.sandbox else ""
    what = f"{mark}Workspace {name} in {subject.location}"
    account = f", signed in as {context.account}" if context.account else ""
    where = f"{subject.cloud}, subscription {subscription_text(plan, context)}{account}"
    whole = f"{what} ({where})"
    lines = [whole] if len(whole) <= width else [what, *_wrapped(where, width, "  ", "  ")]
    yield from (Line(each, "bold") for each in lines)


def subscription_text(plan: Plan, context: RunContext) -> str:
    """Return the subscription's name, if known, and its id."""
    identifier = plan.subject.subscription
    return f"{context.subscription_name} ({identifier})" if context.subscription_name else identifier


def change_lines(
    changes: Iterable[Change], width: int, *, detailed: bool = False, aligned: bool = True
) -> Iterator[Line]:
    """Yield the changes in order, as a table. Resources with the same description share a row, unless `detailed`.

    Without `aligned`, each description follows its title directly, which takes fewer lines.
    """
    rows = list(_rows(changes, detailed=detailed))
    column = _column(rows, width) if aligned else 0
    for row in rows:
        yield from _row_lines(row, column, width)
        if detailed and row.change.request is not None:
            yield from _request_lines(row.change.request)


def irreversible_lines(plan: Plan, width: int) -> Iterator[Line]:
    """Yield the effects that cannot be undone. Resources with the same effects share a paragraph."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for each in plan.changes:
        if each.irreversible:
            alike.setdefault(each.irreversible, []).append(each.name or each.title)
    if alike:
        yield Line("Cannot be undone:", "bold yellow")
    for effects, names in alike.items():
        yield from paragraph(f"  {', '.join(names)}: {'; '.join(effects)}", width, "    ")


def diagnostic_lines(diagnostics: Iterable[Diagnostic], width: int) -> Iterator[Line]:
    """Diagnostics, with an empty line between them. Those with the same summary and remedy are shown once."""
    alike: dict[object, list[Diagnostic]] = {}
    for each in diagnostics:
        alike.setdefault((each.code, each.severity, each.summary, each.remedy), []).append(each)
    for index, group in enumerate(alike.values()):
        if index:
            yield Line()
        yield from _diagnostic(group, width)


def tally(plan: Plan) -> str:
    """Format the number of changes by action: ``12 to create, 3 up to date``."""
    return ", ".join(f"{count} {each.words.planned}" for each in Action if (count := plan.count(each))) or "no changes"


def question(plan: Plan, context: RunContext, width: int, typed: str = "") -> list[str]:
    """Return the question before an apply; the answer, `typed` where it is given, is typed after its last line."""
    name = plan.subject.workspace_id.rpartition("/")[2]
    where = f"{plan.subject.location}, subscription {subscription_text(plan, context)}"
    mark = f" in the {SANDBOX}" if context.sandbox else ""
    account = f" as {context.account}" if context.account else ""
    what = f"Apply this plan to workspace {name} in {where}{account}{mark}?"
    return [*_wrapped(what, width, "", "  "), f'Type "{typed or "yes"}" to apply:']


def _total_lines(plan: Plan, width: int) -> Iterator[Line]:
    return paragraph(_totals(plan), width, "  ", style="bold")


def _totals(plan: Plan) -> str:
    if plan.errored:
        return f"Plan: {tally(plan)}. This plan cannot be applied."
    if not plan.pending:
        return f"No changes. {up_to_date(plan.count(Action.NO_OP))}."
    return f"Plan: {tally(plan)}."


def up_to_date(count: int) -> str:
    """``1 resource is up to date``, ``16 resources are up to date``."""
    return f"{resources(count)} {'is' if count == 1 else 'are'} up to date"


def resources(count: int) -> str:
    """``1 resource``, ``16 resources``."""
    return f"{count} resource{'' if count == 1 else 's'}"


def _cost_lines(plan: Plan, width: int) -> Iterator[Line]:
    costs = list(dict.fromkeys(cost for change in plan.changes for cost in change.costs))
    return paragraph(f"Adds billable resources: {'; '.join(costs)}", width, "  ") if costs else iter(())


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the table: a change, and the title and words for it and for those that share the row."""

    change: Change
    title: str
    words: str
    attributes: tuple[AttributeChange, ...] = ()

    @property
    def head(self) -> str:
        """The sign and the title."""
        return f"  {self.change.action.symbol} {self.title}"


def _rows(changes: Iterable[Change], *, detailed: bool) -> Iterator[_Row]:
    alike: dict[object, list[Change]] = {}
    for each in changes:
        alike.setdefault(object() if detailed else _likeness(each), []).append(each)
    for first, *others in alike.values():
        if others:
            yield _shared_row([first, *others])
        else:
            yield _Row(first, first.title, _words(first, detailed=detailed), _attributes(first, detailed=detailed))


def _likeness(change: Change) -> object:
    """Return a key that is equal for changes that can share a row: everything displayed but the name."""
    alone = change.action in (Action.UPDATE, Action.CONFLICT)
    if not change.name or alone or change.irreversible or change.costs or change.ways_out:
        return object()
    return change.step, change.action, change.kind, _words(change)


def _shared_row(changes: list[Change]) -> _Row:
    first = changes[0]
    # A count is enough for what is up to date; the names of what changes are needed.
    names = ", ".join(each.name for each in changes)
    return _Row(first, f"{first.kind}s", f"{len(changes)} {_words(first)}" if first.action is Action.NO_OP else names)


def _words(change: Change, *, detailed: bool = False) -> str:
    """Return the description after a title: the attributes of a new resource, else the reason."""
    if change.action is Action.CONFLICT:
        return f"{change.code}: {change.reason}" if change.code else change.reason
    if change.action is Action.CREATE and not detailed:
        # Irreversible effects have their own place below, in whole sentences.
        words = filter(None, map(attribute_text, change.attributes))
        return (
            ", ".join(each for each in words if not any(each in effect for effect in change.irreversible))
            or change.reason
        )
    return change.reason


def _attributes(change: Change, *, detailed: bool) -> tuple[AttributeChange, ...]:
    compared = change.action.writes and change.action is not Action.CREATE
    return change.attributes if detailed or compared else ()


def _column(rows: Sequence[_Row], width: int) -> int:
    """Return the column of the descriptions: after the longest title, within the first 48 % of the line."""
    widest = max((len(each.head) for each in rows), default=0) + 2
    return min(widest, max(width * 12 // 25, _NARROW))


def _row_lines(row: _Row, column: int, width: int) -> Iterator[Line]:
    style = style_of(row.change.action)
    whole = row.change.action in (Action.NO_OP, Action.CONFLICT)
    first, *following = _titled(row.head, row.words, column, width)
    yield Line(first, style, None if whole else 4)
    yield from (Line(each, style if whole else "") for each in following)
    yield from (_attribute_line(each, new=row.change.action is Action.CREATE) for each in row.attributes)
    # Not wrapped: a way out may be a command to copy.
    yield from (Line(f"{_CONTINUED}→ {each}") for each in row.change.ways_out)


def _titled(head: str, words: str, column: int, width: int) -> list[str]:
    if not words:
        return [head]
    if not column:
        return _wrapped(words, width, f"{head}  ", _CONTINUED)
    described = _wrapped(words, width, " " * column, " " * column)
    if len(head) + 2 <= column:
        return [f"{head:<{column}}{described[0][column:]}", *described[1:]]
    return [head, *described]


def _attribute_line(attribute: AttributeChange, *, new: bool) -> Line:
    before, after = value_text(attribute.before), value_text(attribute.after)
    undone = _CANNOT_BE_UNDONE if attribute.irreversible else ""
    change = after if new and before == ABSENT else f"{before} → {after}"
    return Line(f"{_CONTINUED}{attribute.path}  {change}{undone}", "yellow" if undone else "")


def _request_lines(request: Request) -> Iterator[Line]:
    # The directory's version is part of the path.
    version = (
        "" if request.plane is Plane.GRAPH else f"?{urlencode({'api-version': request.api_version, **request.query})}"
    )
    yield Line(f"{_CONTINUED}{request.method} {request.host or ''}{request.path}{version}", "bold")
    if request.body is not None:
        yield from (Line(f"{_CONTINUED}{each}", "dim") for each in pretty(request.body))


def _diagnostic(alike: Sequence[Diagnostic], width: int) -> Iterator[Line]:
    """Diagnostics that differ in detail, subject and location only."""
    first = alike[0]
    severity = first.severity.value
    label = f"{severity} {first.code}:" if first.code else f"{severity}:"
    yield Line(f"{label} {first.summary}", style_of_severity(first.severity), len(label))
    for detail in dict.fromkeys(each.detail for each in alike):
        yield from _detail(detail.splitlines(), width)
    # Not wrapped: a remedy may be a command to copy. The usual remedy of a note is left to `cmkctl explain`.
    usual = first.severity is Severity.NOTE and first.remedy == first.declared.remedy
    yield from (Line(f"  → {each}") for each in ([] if usual else first.remedy.splitlines()))
    for each in dict.fromkeys((each.location, _subject(each)) for each in alike):
        yield from _place(*each, width)
    if first.code:
        yield Line(f"  cmkctl explain {first.code}", "dim")


def _subject(diagnostic: Diagnostic) -> str:
    """Return the subject, unless the location or the beginning of the detail shows it."""
    shown = diagnostic.location is not None or diagnostic.detail.startswith(f"{diagnostic.subject}:")
    return "" if shown else diagnostic.subject


def _place(location: Location | None, subject: str, width: int) -> Iterator[Line]:
    """Yield the place where a diagnostic can be fixed, with the line of the source and a caret, else its subject."""
    if location is not None:
        yield Line(f"  at {location}", "dim")
        yield from (Line(f"    {each}", "dim") for each in location.pointer(width - 4) or ())
    elif subject:
        yield Line(f"  about {subject}", "dim")


def _detail(lines: Sequence[str], width: int) -> Iterator[Line]:
    """Yield a detail. A detail of several lines, such as a diff or a list, keeps its layout."""
    if len(lines) > 1:
        yield from (Line(f"  {each}") for each in lines)
    else:
        yield from chain.from_iterable(paragraph(f"  {each}", width, "  ") for each in lines)


def paragraph(text: str, width: int, indent: str = "", *, style: str = "") -> Iterator[Line]:
    """Wrap a text to `width`; lines after the first are indented by `indent`."""
    first = text[: len(text) - len(text.lstrip())]
    yield from (Line(each, style) for each in _wrapped(text.lstrip(), width, first, indent))


def _wrapped(text: str, width: int, first: str, following: str) -> list[str]:
    """Text in lines of at most `width`; a longer word, such as an id, is not broken."""
    return wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=following,
        break_long_words=False,
        break_on_hyphens=False,
    )
