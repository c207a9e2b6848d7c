"""How a plan and a diagnostic are laid out for people: values in, lines out. Pure; knows columns, not terminals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Final

from cmkctl.diagnostics import Diagnostic, Severity
from cmkctl.plan import Action, AttributeChange, Change, Plan, Request
from cmkctl.views.streams import Line
from cmkctl.views.words import NOT_THERE, kind_and_name, phrase, pretty, said

_STYLES: Final = {
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.NO_OP: "dim",
    Action.WAIT: "cyan",
    Action.CONFLICT: "bold red",
}
_WORDS: Final = 38
"""The column at which the words behind a title begin, where title and words allow it."""

_CONTINUED: Final = "      "
_CANNOT_BE_UNDONE: Final = "  (cannot be undone)"


def plan_lines(plan: Plan, width: int, *, detailed: bool = False) -> Iterator[Line]:
    """A whole plan: what it is about, its changes, what cannot be undone, what it costs, and the sum of it."""
    yield from header(plan, width)
    yield from change_lines(plan.changes, width, detailed=detailed)
    yield Line()
    yield from irreversible_lines(plan, width)
    if costs := _costs(plan):
        yield from paragraph(f"Will cost: {'; '.join(costs)}", width, "  ")
    yield from paragraph(_sum(plan), width, "  ", style="bold")


def header(plan: Plan, width: int) -> Iterator[Line]:
    """The workspace, and where it is."""
    about = plan.subject
    name = about.workspace_id.rpartition("/")[2]
    what, where = f"Workspace {name} in {about.location}", f"{about.cloud}, subscription {about.subscription}"
    whole = f"{what} ({where})"
    yield from (Line(each, "bold") for each in ([whole] if len(whole) <= width else [what, f"  {where}"]))


def change_lines(changes: Iterable[Change], width: int, *, detailed: bool = False) -> Iterator[Line]:
    """The changes in their order. Those that say the same of several resources share a row, unless `detailed`."""
    for row in _rows(changes, detailed=detailed):
        yield from _row_lines(row, width)
        if detailed and row.change.request is not None:
            yield from _request_lines(row.change.request)


def irreversible_lines(plan: Plan, width: int) -> Iterator[Line]:
    """What cannot be undone, a paragraph for each resource."""
    if plan.irreversible:
        yield Line("Cannot be undone:", "bold yellow")
    for each in plan.changes:
        if each.irreversible:
            name = kind_and_name(each)[1] or each.title
            yield from paragraph(f"  {name}: {'; '.join(each.irreversible)}", width, "    ")


def diagnostic_lines(diagnostics: Iterable[Diagnostic], width: int) -> Iterator[Line]:
    """Diagnostics, with an empty line between them."""
    for index, each in enumerate(diagnostics):
        if index:
            yield Line()
        yield from _diagnostic(each, width)


def tally(plan: Plan) -> str:
    """How many of each: ``12 to create, 0 to update, 3 already right``."""
    waits, conflicts = plan.count(Action.WAIT), plan.count(Action.CONFLICT)
    parts = [
        f"{plan.count(Action.CREATE)} to create",
        f"{plan.count(Action.UPDATE)} to update",
        f"{waits} to wait for" if waits else "",
        f"{plan.count(Action.NO_OP)} already right",
        f"{conflicts} in conflict" if conflicts else "",
    ]
    return ", ".join(filter(None, parts))


def question(plan: Plan, width: int) -> list[str]:
    """The question whether to apply, with room on its last line for the answer."""
    what, how = f"Apply this plan ({tally(plan)})?", "Only yes applies it:"
    whole = f"{what} {how}"
    return [whole] if len(whole) + len(" yes") < width else [*_wrapped(what, width, "", "  "), how]


def _sum(plan: Plan) -> str:
    if plan.errored:
        return f"Plan: {tally(plan)}. This plan cannot be applied."
    if not plan.pending:
        return f"Nothing to do: {plan.count(Action.NO_OP)} already right."
    return f"Plan: {tally(plan)}."


def _costs(plan: Plan) -> list[str]:
    return list(dict.fromkeys(cost for change in plan.changes for cost in change.costs))


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the plan: a change, and the title and words for it and for those that share the row."""

    change: Change
    title: str
    words: str
    attributes: tuple[AttributeChange, ...] = ()


def _rows(changes: Iterable[Change], *, detailed: bool) -> Iterator[_Row]:
    alike: dict[object, list[Change]] = {}
    for each in changes:
        alike.setdefault(object() if detailed else _likeness(each), []).append(each)
    for first, *others in alike.values():
        if others:
            yield _shared_row([first, *others])
        else:
            yield _Row(first, first.title, _words(first, detailed=detailed), _shown(first, detailed=detailed))


def _likeness(change: Change) -> object:
    """What is equal for changes that can share a row: all that would be said, but for the name."""
    kind, name = kind_and_name(change)
    if not name or change.action in (Action.UPDATE, Action.CONFLICT) or change.irreversible or change.costs:
        return object()
    return change.step, change.action, kind, _words(change)


def _shared_row(changes: list[Change]) -> _Row:
    first = changes[0]
    kind = kind_and_name(first)[0]
    # How many are right is enough to know; what is to be done to whom is said by the sign and the names.
    names = ", ".join(kind_and_name(each)[1] for each in changes)
    return _Row(first, f"{kind}s", f"{len(changes)} {_words(first)}" if first.action is Action.NO_OP else names)


def _words(change: Change, *, detailed: bool = False) -> str:
    """What a row says behind its title: what a new resource will be like, else why."""
    if change.action is Action.CONFLICT:
        return f"{change.code}: {change.reason}" if change.code else change.reason
    if change.action is Action.CREATE and not detailed:
        # What cannot be undone has its own place below, in whole sentences.
        said_here = (each for each in change.attributes if not (each.irreversible and change.irreversible))
        return ", ".join(filter(None, map(phrase, said_here))) or change.reason
    return change.reason


def _shown(change: Change, *, detailed: bool) -> tuple[AttributeChange, ...]:
    return change.attributes if detailed or change.action is Action.UPDATE else ()


def _row_lines(row: _Row, width: int) -> Iterator[Line]:
    symbol, style = row.change.action.symbol, _STYLES[row.change.action]
    whole = row.change.action in (Action.NO_OP, Action.CONFLICT)
    first, *following = _titled(f"  {symbol} {row.title}", row.words, width)
    yield Line(first, style, None if whole else 4)
    yield from (Line(each, style if whole else "") for each in following)
    updates = row.change.action is Action.UPDATE
    yield from (_attribute_line(each, updates=updates) for each in row.attributes)
    # Not wrapped: a way out may be a command to copy.
    yield from (Line(f"{_CONTINUED}→ {each}") for each in row.change.ways_out)


def _titled(title: str, words: str, width: int) -> list[str]:
    if not words:
        return [title]
    column = f"{title:<{_WORDS - 2}}  "
    if len(column) + len(words) <= width:
        return [column + words]
    # What does not fit on one line gets all the room there is.
    if len(title) + 2 + len(words.split(maxsplit=1)[0]) <= width:
        return _wrapped(words, width, f"{title}  ", _CONTINUED)
    return [title, *_wrapped(words, width, _CONTINUED, _CONTINUED)]


def _attribute_line(attribute: AttributeChange, *, updates: bool) -> Line:
    before, after = said(attribute.before), said(attribute.after)
    undone = _CANNOT_BE_UNDONE if attribute.irreversible else ""
    change = f"{before} → {after}" if updates or before != NOT_THERE else after
    return Line(f"{_CONTINUED}{attribute.path}  {change}{undone}", "yellow" if undone else "")


def _request_lines(request: Request) -> Iterator[Line]:
    # Where a host is given, it is the directory's, whose version is part of the path.
    version = "" if request.host else f"?api-version={request.api_version}"
    yield Line(f"{_CONTINUED}{request.method} {request.host or ''}{request.path}{version}", "bold")
    if request.body is not None:
        yield from (Line(f"{_CONTINUED}{each}", "dim") for each in pretty(request.body))


def _diagnostic(diagnostic: Diagnostic, width: int) -> Iterator[Line]:
    severity = diagnostic.severity.value
    style = "bold red" if diagnostic.severity is Severity.ERROR else "bold yellow"
    label = f"{severity} {diagnostic.code}:" if diagnostic.code else f"{severity}:"
    yield Line(f"{label} {diagnostic.summary}", style, len(label))
    yield from _detail(diagnostic.detail.splitlines(), width)
    # Not wrapped: a remedy may be a command to copy.
    yield from (Line(f"  → {each}") for each in diagnostic.remedy.splitlines())
    if diagnostic.location is not None:
        yield Line(f"  at {diagnostic.location}", "dim")
    elif diagnostic.subject:
        yield Line(f"  about {diagnostic.subject}", "dim")
    if diagnostic.code:
        yield Line(f"  cmkctl explain {diagnostic.code}", "dim")


def _detail(lines: Sequence[str], width: int) -> Iterator[Line]:
    """A detail. One of several lines, a difference or a list, was laid out by whoever wrote it, and stays so."""
    if len(lines) > 1:
        yield from (Line(f"  {each}") for each in lines)
    else:
        yield from (line for each in lines for line in paragraph(f"  {each}", width, "  "))


def paragraph(text: str, width: int, indent: str = "", *, style: str = "") -> Iterator[Line]:
    """A text in lines of at most `width`; those after the first are indented by `indent`."""
    first = text[: len(text) - len(text.lstrip())]
    yield from (Line(each, style) for each in _wrapped(text.lstrip(), width, first, indent))


def _wrapped(text: str, width: int, first: str, following: str) -> list[str]:
    """Text in lines of at most `width`; a word longer than that, an id for instance, is never broken."""
    return wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=following,
        break_long_words=False,
        break_on_hyphens=False,
    )
