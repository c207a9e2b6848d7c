"""Recover: bring back what is soft-deleted of the profile's names, or purge a soft-deleted workspace.

Source: https://learn.microsoft.com/azure/machine-learning/concept-soft-delete
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from cmkctl import codes
from cmkctl.checks.locks import no_lock_on_what_is_written
from cmkctl.checks.rights import permissions_for_every_write
from cmkctl.diagnostics import Severity
from cmkctl.facts import PLANNED, Fact, Facts, Finding, rule
from cmkctl.plan import Action, Json, Known
from cmkctl.procedures.base import Procedure, workspace_subject
from cmkctl.profile.model import Profile
from cmkctl.steps._deletion import SOFT_DELETE, day
from cmkctl.steps._workspaces import ObservedWorkspaces
from cmkctl.steps.recovery import (
    SOFT_DELETED,
    GrantRecovery,
    KeyRecovery,
    LogsRecovery,
    VaultRecovery,
    WorkspaceRecovery,
)

if TYPE_CHECKING:
    from cmkctl.azure.snapshot import Snapshot

PURGE: Final = "purge"
"""The argument that purges the workspace and recovers nothing."""


def _provided(_azure: Snapshot, _profile: Profile) -> Any:
    raise LookupError("a step observes this fact")


WORKSPACES: Final[Fact[ObservedWorkspaces]] = Fact("workspace_recovery", _provided)


@rule(codes.CMK660, severity=Severity.WARNING, needs=(PLANNED, WORKSPACES))
def workspace_is_recovered_in_the_portal(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Name the portal's way for a soft-deleted workspace that is not purged."""
    found, workspace = facts[WORKSPACES], profile.workspace
    purged = any(each.action is Action.DELETE for each in facts[PLANNED])
    if found.deleted(profile) is not None and not purged:
        yield Finding(
            f"Workspace {workspace.name} is soft-deleted. It can be recovered for 14 days after its deletion, which Azure does "
            f"not date: until {day(found.at + SOFT_DELETE)} at the latest. Vault, key, storage account and Log Analytics "
            "workspace have to be there first.",
            codes.CMK660.remedy,
            workspace.resource_id,
        )


@rule(codes.CMK661, severity=Severity.NOTE, needs=(PLANNED, WORKSPACES))
def nothing_to_recover(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Report that nothing soft-deleted was found, and what a search cannot see."""
    found = facts[WORKSPACES]
    if not any(each.action is not Action.NO_OP for each in facts[PLANNED]) and found.deleted(profile) is None:
        hidden = (
            "" if found.complete else " The workspaces of the subscription may not be listed, so one may be hidden."
        )
        yield Finding(
            f"Nothing of the profile's names is soft-deleted, as far as Azure shows it.{hidden}", codes.CMK661.remedy
        )


_RULES: Final = (
    no_lock_on_what_is_written,
    permissions_for_every_write,
    workspace_is_recovered_in_the_portal,
    nothing_to_recover,
)


def _outputs(profile: Profile, known: Known) -> Mapping[str, Json]:
    return {"workspace_id": profile.workspace.resource_id, "soft_deleted": known.get(SOFT_DELETED)}


def _recovered(profile: Profile) -> str:
    return f"Vault, key and Log Analytics workspace of {profile.workspace.name} are as far back as Azure recovers them."


def _purged(profile: Profile) -> str:
    return f"No workspace {profile.workspace.name} is soft-deleted any more, and its name is free."


def procedure(arguments: Mapping[str, str]) -> Procedure:
    """Return the procedure of ``recover``; with the argument `PURGE`, that of ``recover --purge``."""
    purge = PURGE in arguments
    if unknown := arguments.keys() - {PURGE}:
        raise ValueError(f"recover has no argument {', '.join(sorted(unknown))}")
    recovering = () if purge else (VaultRecovery(), KeyRecovery(), GrantRecovery(), LogsRecovery())
    return Procedure(
        "recover",
        (*recovering, WorkspaceRecovery(purge=purge)),
        _RULES,
        workspace_subject,
        _outputs,
        conclusion=_purged if purge else _recovered,
        check="",
        arguments=arguments,
    )
