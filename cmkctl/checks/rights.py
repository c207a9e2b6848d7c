"""Rules about what the caller may do: permissions at every scope of the plan, and role assignments left (failures.md, P34)."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from cmkctl.azure.actions import NeededAction, allows, needed_actions
from cmkctl.azure.ids import parents
from cmkctl.checks._builtin_roles import roles_with
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import PLANNED, Facts, Finding, PlannedFact, rule
from cmkctl.plan import Action, Change

if TYPE_CHECKING:
    from cmkctl.azure.governance import AssignmentsInUse, Caller
    from cmkctl.azure.snapshot import Snapshot
    from cmkctl.profile.model import Profile

ROLE_ASSIGNMENTS: Final = "/providers/microsoft.authorization/roleassignments/"

CMK191: Final = Code(
    "CMK191",
    "You lack the permission for a planned change",
    "Azure Resource Manager checks an action for every write, at the resource or above it, and for every resource that the write links to. cmkctl reads your permissions at each scope of the plan and compares them with the actions that the planned requests need. Writes before the denied one would stay, a purge-protected vault for 7 to 90 days after its deletion, so cmkctl refuses the plan.",
    "Have a role assigned that contains the action, or have an administrator make these changes: cmkctl plan --part admin.",
    "https://learn.microsoft.com/azure/role-based-access-control/role-definitions",
)
CMK193: Final = Code(
    "CMK193",
    "The subscription has too few role assignments left",
    "A subscription has a fixed number of role assignments, usually 4,000. The plan needs more than are left; creating a workspace also makes one for its own identity.",
    "Remove role assignments that are no longer used, such as those of deleted principals.",
    "https://learn.microsoft.com/azure/role-based-access-control/troubleshoot-limits",
)


@dataclass(frozen=True, slots=True)
class CallerPermissions:
    """The signed-in account, and its permissions at each scope; None where Azure knows no such scope."""

    caller: Caller
    entries: Mapping[str, Sequence[Mapping[str, Any]] | None]


def existing_scope(scope: str, changes: Iterable[Change]) -> str:
    """Return the nearest scope at or above an ARM id that exists before the changes are made."""
    created = {each.resource_id.lower() for each in changes if each.action is Action.CREATE}
    around = (scope, *parents(scope))
    found = next((each for each in around if _exists(each, created)), around[-1])
    return found.replace("/resourcegroups/", "/resourceGroups/")


def _exists(scope: str, created: set[str]) -> bool:
    if ROLE_ASSIGNMENTS in scope.lower():
        return False  # Azure has no permissions of a role assignment, only of what it is on
    return scope.lower() not in created and not any(each.lower() in created for each in parents(scope))


def needs_of(changes: Sequence[Change]) -> Iterator[tuple[NeededAction, str]]:
    """Yield each action that the writes of a plan need, with the existing scope at which it is checked."""
    seen: set[tuple[str, str]] = set()
    for each in changes:
        for need in needed_actions(each.request) if each.request else ():
            scope = existing_scope(need.scope, changes)
            key = (need.name.lower(), scope.lower())
            if key not in seen:
                seen.add(key)
                yield need, scope


def _permissions(azure: Snapshot, _profile: Profile, changes: Sequence[Change]) -> CallerPermissions | None:
    from cmkctl.azure import governance  # noqa: PLC0415 - rules load without the Azure SDK

    scopes = [scope for _, scope in needs_of(changes)]
    if not scopes:
        return None
    return CallerPermissions(governance.caller(azure), governance.gathered(azure, scopes, governance.permissions))


def _assignments(azure: Snapshot, profile: Profile, changes: Sequence[Change]) -> AssignmentsInUse | None:
    from cmkctl.azure import governance  # noqa: PLC0415 - rules load without the Azure SDK

    return governance.assignments_in_use(azure, profile.subscription) if _new_assignments(changes) else None


PERMISSIONS: Final = PlannedFact.of("permissions", _permissions)
"""The caller's permissions at every scope of the plan, None for a plan without writes."""

ASSIGNMENTS: Final = PlannedFact.of("role_assignments_left", _assignments)
"""The role assignments in use, None when the plan makes none."""


@rule(CMK191, severity=Severity.ERROR, needs=(PLANNED, PERMISSIONS))
def permissions_for_every_write(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require the action of every planned write at the nearest existing scope."""
    for each in lacking(facts):
        remedy = f"{each.remedy} Or have an administrator make these changes: cmkctl plan PROFILE --part admin."
        yield replace(each, remedy=remedy)


def lacking(facts: Facts) -> Iterator[Finding]:
    """Yield a finding for each scope at which the caller lacks an action that a planned write needs."""
    held = facts[PERMISSIONS]
    if held is None:
        return
    missing: dict[str, list[NeededAction]] = {}
    for need, scope in needs_of(facts[PLANNED]):
        entries = held.entries.get(scope)
        if entries is not None and not any(allows(each, need.name) for each in entries):
            missing.setdefault(scope, []).append(need)
    for scope, needs in missing.items():
        yield _missing(held.caller, scope, [each.name for each in needs])


def _missing(caller: Caller, scope: str, actions: Sequence[str]) -> Finding:
    listed = ", ".join(actions)
    commands = "; ".join(_assignment(caller, role, scope) for role in _smallest(actions))
    every = ", ".join(roles_with(actions))
    return Finding(
        f"Not allowed at {scope}: {listed}. Roles that contain {'it' if len(actions) == 1 else 'all of them'}: {every}.",
        f"Ask an owner of {scope} to run: {commands}.",
        scope,
    )


def _smallest(actions: Sequence[str]) -> list[str]:
    """Return one role that contains every action, other than Owner; else the narrowest for each."""
    common = [each for each in roles_with(actions) if each != "Owner"]
    return common[:1] or list(dict.fromkeys(roles_with([each])[0] for each in actions))


def _assignment(caller: Caller, role: str, scope: str) -> str:
    words = ("--assignee-object-id", caller.object_id or "YOUR_OBJECT_ID", "--assignee-principal-type", caller.kind)
    return shlex.join(("az", "role", "assignment", "create", *words, "--role", role, "--scope", scope))


def _new_assignments(changes: Sequence[Change]) -> int:
    """Return the number of role assignments that the plan makes, one of them by Azure for a new workspace's identity."""
    made = [each for each in changes if each.action is Action.CREATE and each.request]
    ours = sum(ROLE_ASSIGNMENTS in each.resource_id.lower() for each in made)
    return ours + sum("systemassigned" in _identity_type(each) for each in made if each.step == "workspace")


def _identity_type(change: Change) -> str:
    identity = (change.request.body or {}).get("identity") if change.request else None
    return str(identity.get("type", "")).lower() if isinstance(identity, Mapping) else ""


@rule(CMK193, severity=Severity.ERROR, needs=(PLANNED, ASSIGNMENTS))
def role_assignments_left(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require as many free role assignments as the plan makes."""
    found, needed = facts[ASSIGNMENTS], _new_assignments(facts[PLANNED])
    if found is not None and found.used + needed > found.limit:
        yield Finding(
            f"Subscription {profile.subscription} has {found.used} of {found.limit} role assignments; the plan makes {needed}.",
            "Remove unused ones, such as those of deleted principals. They have no principal name in: az role assignment list "
            "--all.",
            "subscription",
        )
