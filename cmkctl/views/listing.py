"""The table of ``cmkctl list`` for people: one row a workspace, under its resource group, with its key below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from cmkctl.listing import AGE, ListedWorkspace
from cmkctl.posture import Verdict
from cmkctl.views.layout import paragraph
from cmkctl.views.streams import Line

_GAP: Final = "  "
_INDENT: Final = "  "


def listing_lines(workspaces: Sequence[ListedWorkspace], key: str, width: int) -> Iterator[Line]:
    """Yield the rows by resource group, the number of workspaces, and the note on their age."""
    cells = {each.resource_id: _cells(each) for each in workspaces}
    widths = [max(map(len, column)) for column in zip(*cells.values(), strict=True)]
    for scope, group in groupby(workspaces, key=lambda each: each.scope.lower()):
        rows = list(group)
        yield from paragraph(_heading(rows[0].scope or scope), width, _INDENT, style="bold")
        for each in rows:
            yield from _row(each, cells[each.resource_id], widths, width)
    if workspaces:
        yield Line()
    yield from paragraph(_summary(workspaces, key), width, _INDENT, style="bold")
    yield from paragraph(f"{AGE}.", width, _INDENT, style="dim")


def _heading(scope: str) -> str:
    _, _, subscription, _, group = scope.split("/", 4)
    return f"{group} (subscription {subscription})"


def _cells(workspace: ListedWorkspace) -> tuple[str, ...]:
    impact = {True: "hbi", False: "no hbi", None: "hbi ?"}[workspace.high_business_impact]
    return (
        workspace.name,
        workspace.kind,
        workspace.location,
        workspace.architecture or "-",
        impact,
        workspace.provisioning_state or "-",
    )


def _row(workspace: ListedWorkspace, cells: Sequence[str], widths: Sequence[int], width: int) -> Iterator[Line]:
    padded = [f"{cell:<{widest}}" for cell, widest in zip(cells, widths, strict=True)]
    line = f"{_INDENT}{_GAP.join(padded)}".rstrip()
    if len(line) <= width:
        yield Line(line)
    else:  # a long name gets a line of its own
        yield Line(f"{_INDENT}{workspace.name}")
        yield from paragraph(f"{_INDENT * 2}{_GAP.join(cells[1:])}", width, _INDENT * 2)
    yield from paragraph(f"{_INDENT * 2}{_key(workspace)}", width, _INDENT * 3, style=_style(workspace.verdict))


def _key(workspace: ListedWorkspace) -> str:
    of_hub = f", of hub {workspace.hub.rpartition('/')[2]}" if workspace.hub else ""
    if workspace.key:
        host, _, name = workspace.key.removeprefix("https://").partition("/keys/")
        version = f", version {workspace.key_version}" if workspace.key_version else ""
        return f"key {name} in {host}{version}{of_hub}"
    if workspace.verdict is Verdict.INHERITED:
        return f"the key is that of its hub{of_hub.removeprefix(', of hub')}, which is not in this list"
    return "Microsoft's key" if workspace.verdict is Verdict.MICROSOFT else "the key is not shown"


def _style(verdict: Verdict) -> str:
    return "yellow" if verdict is Verdict.MICROSOFT else "dim"


def _summary(workspaces: Sequence[ListedWorkspace], key: str) -> str:
    count = len(workspaces)
    noun = "workspace" if count == 1 else "workspaces"
    if key:
        return f"{count} {noun} with key {key}."
    keyed = sum(bool(each.key) for each in workspaces)
    microsoft = sum(each.verdict is Verdict.MICROSOFT for each in workspaces)
    return f"{count} {noun}: {keyed} with a customer's key, {microsoft} with Microsoft's."
