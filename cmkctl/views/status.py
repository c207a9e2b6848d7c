"""The screen of ``cmkctl status`` for people: the workspace, its key, who may use it, what is due, what is left over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from cmkctl.status import GrantStatus, Leftover, Status, Version, WorkspaceStatus
from cmkctl.views.layout import SANDBOX, paragraph
from cmkctl.views.shown import RunContext, StatusShown
from cmkctl.views.streams import Line

_COLUMN: Final = 18
_NONE: Final = "(none)"


def status_lines(shown: StatusShown, context: RunContext, width: int) -> Iterator[Line]:
    """Yield a status: a header, the facts, then each list. A list without entries has no lines, except for what is due."""
    status = shown.status
    yield from _header(shown, context, width)
    yield from _rows(_facts(status), width)
    yield from _section("May use the key", _grants(status), width)
    yield from _section("Due", _due(status), width)
    yield from _section("Left over", ((each.kind, _leftover(each)) for each in status.leftovers), width)
    unseen = ((each.fact, f"{each.reason}{f'; needs {each.right}' if each.right else ''}") for each in status.unseen)
    yield from _section("Not visible", unseen, width)


def _header(shown: StatusShown, context: RunContext, width: int) -> Iterator[Line]:
    workspace = shown.status.workspace
    mark = f"{SANDBOX}: " if context.sandbox else ""
    name = context.subscription_name
    subscription = f"{name} ({shown.subscription})" if name else shown.subscription
    account = f", signed in as {context.account}" if context.account else ""
    place = f" in {workspace.location}" if workspace.location else ""
    yield Line(f"{mark}Workspace {workspace.resource_id.rpartition('/')[2]}{place}", "bold")
    yield from paragraph(f"  {shown.cloud}, subscription {subscription}{account}", width, "  ", style="bold")


def _facts(status: Status) -> Iterator[tuple[str, str]]:
    yield "workspace", _workspace(status.workspace)
    key = status.key
    if status.workspace.hub:
        yield "hub", f"{status.workspace.hub.rpartition('/')[2]}, whose key the project has"
    if status.workspace.holder == "microsoft":
        yield "encryption", "Microsoft's key"
    if key is None:
        return
    vault = key.resource_id.rpartition("/keys/")[0].rpartition("/")[2]
    where = f", {status.workspace.architecture}" if status.workspace.architecture else ""
    state = "" if key.exists else ", does not exist" if key.exists is False else ", not visible"
    yield "key", f"{key.resource_id.rpartition('/')[2]} in vault {vault}{where}{state}"
    if key.in_use is not None:
        yield "version in use", _version(key.in_use, status.at)
    if key.latest is not None and (key.pending or key.in_use is None):
        yield "latest version", _version(key.latest, status.at)
    if key.exists:
        yield "rotation policy", "; ".join(key.rotation) or _NONE
    yield from _managed(status.workspace)


def _workspace(workspace: WorkspaceStatus) -> str:
    if workspace.exists is None:
        return "not visible"
    if not workspace.exists:
        return "does not exist"
    impact = "on" if workspace.high_business_impact else "off"
    return f"{workspace.state}, kind {workspace.kind.lower()}, high business impact {impact}"


def _managed(workspace: WorkspaceStatus) -> Iterator[tuple[str, str]]:
    if workspace.managed_group:
        seen = "" if workspace.visible else " (not visible)"
        yield "managed group", f"{workspace.managed_group.rpartition('/')[2]}{seen}"
    if workspace.key_access:
        yield "Azure Cosmos DB", workspace.key_access


def _version(version: Version, at: datetime) -> str:
    states = {True: "enabled", False: "DISABLED", None: "state not visible"}
    parts = [version.name, states[version.enabled]]
    parts += [f"since {_date(version.created)}"] if version.created else []
    if version.expires is not None:
        parts.append(f"{'EXPIRED' if version.expires <= at else 'expires'} {_date(version.expires)}")
    elif version.enabled is not None:
        parts.append("no expiry")
    parts += [f"not valid before {_date(version.starts)}"] if version.starts and version.starts > at else []
    return ", ".join(parts)


def _grants(status: Status) -> Iterator[tuple[str, str]]:
    if status.grants is None:
        yield "", "not visible"
    elif status.key is not None and not status.grants:
        yield "", "no principal"
    yield from ((each.principal, _grant(each)) for each in status.grants or ())


def _grant(grant: GrantStatus) -> str:
    where = grant.scope.rpartition("/")[2]
    condition = ", with a condition" if grant.conditional else ""
    since = f"since {_date(grant.created)}" if grant.created else "Azure does not show since when"
    rights = f"{grant.rights} by access policy" if grant.form == "access-policy" else grant.rights
    return f"{rights} on {where}{condition}, {since}"


def _due(status: Status) -> Iterator[tuple[str, str]]:
    if not status.due:
        yield "", "nothing"
    for each in status.due:
        over = " (over)" if each.date is not None and each.date <= status.at else ""
        yield ("now" if each.date is None else f"{each.date:%Y-%m-%d}{over}"), each.text


def _leftover(left: Leftover) -> str:
    deleted = f", deleted {_date(left.deleted)}" if left.deleted else ""
    purged = f", purged {_date(left.purged)}" if left.purged else ""
    return f"{left.resource_id.rpartition('/')[2]}{deleted}{purged}: {left.effect}"


def _date(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _section(title: str, rows: Iterable[tuple[str, str]], width: int) -> Iterator[Line]:
    found = list(rows)
    if found:
        yield Line(title, "bold")
        yield from _rows(found, width)


def _rows(rows: Iterable[tuple[str, str]], width: int) -> Iterator[Line]:
    """Yield rows of a term and a text; a term that is too long for its column gets a line of its own."""
    indent = " " * (_COLUMN + 2)
    for term, text in rows:
        if len(term) < _COLUMN and " " not in text:
            yield Line(f"  {term:<{_COLUMN}}{text}".rstrip() if term else f"  {text}")  # a long name is not broken
        elif len(term) < _COLUMN:
            yield from paragraph(f"  {term:<{_COLUMN}}{text}" if term else f"  {text}", width, indent if term else "  ")
        else:
            yield Line(f"  {term}")
            yield from paragraph(f"{indent}{text}", width, indent)
