"""Recover: what is soft-deleted of the profile's names, in the order in which it is needed: vault, key, grants, logs, workspace.

The vault and key steps are those of ``apply``, with the recovery that ``key_vault.recover`` and ``key.recover`` request. No
documented request recovers a workspace: only a preview of 2022 has a property for it
(``allowRecoverSoftDeletedWorkspace``), so the portal's way is named. Its grants are planned again: a vault loses its role
assignments with its deletion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_location
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import text_at
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Output, Outputs, Phrase, Request, Settle
from cmkctl.profile.model import Profile
from cmkctl.steps._associated import specs_of
from cmkctl.steps._associated.log_analytics import LOG_ANALYTICS
from cmkctl.steps._associated.spec import Supplied
from cmkctl.steps._deletion import Wanted, change_of, left_of
from cmkctl.steps._workspaces import ObservedWorkspaces, observe_workspaces
from cmkctl.steps.associated_deletion import deleted_logs
from cmkctl.steps.base import conflict, no_op
from cmkctl.steps.key import Key, ObservedKey
from cmkctl.steps.key_access import KeyAccess, ObservedAccess
from cmkctl.steps.key_vault import RECOVERING, KeyVault, ObservedVault
from cmkctl.steps.workspace_deletion import removal_of

SOFT_DELETED: Final[Output[list[dict[str, Json]]]] = Output("workspace_recovery", "soft_deleted")
_THERE: Final = "is there"
_NOT_THERE: Final = "not there, and not soft-deleted"


def recovering(profile: Profile) -> Profile:
    """Return the profile with both recoveries requested."""
    vault = profile.key_vault.model_copy(update={"recover": True})
    key = profile.key.model_copy(update={"recover": True})
    return profile.model_copy(update={"key_vault": vault, "key": key})


class VaultRecovery(KeyVault):
    """``PUT …/vaults/NAME`` with ``createMode: recover`` for a soft-deleted vault."""

    title = "recovery of the vault"
    needs = ()

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedVault:
        """Read the vault, and the soft-deleted one."""
        return super().observe(azure, recovering(profile))

    def plan(self, profile: Profile, observed: ObservedVault, known: Known) -> list[Change]:
        """Recover the vault, or find that there is nothing to recover."""
        head = (self.name, profile.key_vault.resource_id, "key vault", profile.key_vault.resource_name)
        if observed.vault is not None or observed.deleted is None:
            return [no_op(*head, _THERE if observed.vault else _NOT_THERE)]
        return super().plan(recovering(profile), observed, known)

    def outputs(self, profile: Profile, observed: ObservedVault) -> Outputs:
        """Return the outputs of the vault."""
        return super().outputs(recovering(profile), observed)


class KeyRecovery(Key):
    """``POST https://VAULT/deletedkeys/NAME/recover`` for a soft-deleted key."""

    title = "recovery of the key"

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedKey:
        """Read the key, and the soft-deleted one."""
        return super().observe(azure, recovering(profile))

    def plan(self, profile: Profile, observed: ObservedKey, known: Known) -> list[Change]:
        """Recover the key, or find that there is nothing to recover. One in a soft-deleted vault returns with it."""
        head = (self.name, profile.key.resource_id, "key", profile.key.name)
        if observed.key is not None:
            return [no_op(*head, _THERE)]
        if observed.returns:
            return [no_op(*head, "returns with its vault")]
        if observed.deleted is None and not observed.unreadable:
            return [no_op(*head, _NOT_THERE)]
        return super().plan(recovering(profile), observed, known)


class GrantRecovery(KeyAccess):
    """The grants on the key, where the vault is there or returns."""

    title = "grants on the key"
    needs = ("key_vault", "key")

    def plan(self, profile: Profile, observed: ObservedAccess, known: Known) -> list[Change]:
        """Grant what is missing; nothing without a vault."""
        if observed.vault is None and known.get(RECOVERING) is not True:
            return []
        return super().plan(profile, observed, known)


@dataclass(frozen=True, slots=True)
class ObservedLogs:
    """The Log Analytics workspace (None: absent), and the soft-deleted one of its name and group."""

    logs: ArmDocument | None
    deleted: ArmDocument | None


class LogsRecovery:
    """``PUT …/Microsoft.OperationalInsights/workspaces/NAME``: creating a soft-deleted one again brings it back with its data."""

    name = "logs_recovery"
    title = "recovery of the Log Analytics workspace"
    needs: tuple[str, ...] = ()
    doc = "https://learn.microsoft.com/azure/azure-monitor/logs/delete-workspace"

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedLogs:
        """Read the workspace, and the list of soft-deleted ones; neither where the profile has none of its own."""
        if not _has_logs(profile):
            return ObservedLogs({}, None)
        found, deleted = azure.gather2(
            lambda: azure.resource(profile.associated_resources.log_analytics.resource_id, versions.LOG_ANALYTICS),
            lambda: deleted_logs(azure, profile),
        )
        return ObservedLogs(found, None if found else deleted)

    def plan(self, profile: Profile, observed: ObservedLogs, known: Known) -> list[Change]:  # noqa: ARG002
        """Recover it, or find that there is nothing to recover."""
        if not _has_logs(profile):
            return []
        settings = profile.associated_resources.log_analytics
        head = (self.name, settings.resource_id, LOG_ANALYTICS.kind, settings.resource_name)
        if observed.deleted is None:
            return [no_op(*head, _NOT_THERE if observed.logs is None else _THERE)]
        location = text_at(observed.deleted, "location") or profile.location
        if not same_location(location, profile.location):
            reason = f"it was deleted in {location}, and is recovered only there"
            command = f"az monitor log-analytics workspace recover --resource-group {profile.resource_group}"
            way = f"recover it there: {command} --workspace-name {settings.resource_name}"
            return [conflict(*head, "CMK662", reason, way)]
        # With the tags that it had, so that a mark neither appears nor is lost.
        body = {**LOG_ANALYTICS.body(profile, Supplied()), "tags": observed.deleted.get("tags") or {}}
        return [
            Change(
                self.name,
                Action.CREATE,
                settings.resource_id,
                LOG_ANALYTICS.kind,
                settings.resource_name,
                "is soft-deleted, and returns with its data",
                attributes=(AttributeChange("recovered", None, True, phrase=Phrase("recovered, with its data")),),
                request=Request("PUT", settings.resource_id, LOG_ANALYTICS.api_version, body),
                settle=Settle(settings.resource_id, LOG_ANALYTICS.api_version),
                verb=("recovering", "recovered"),
            )
        ]

    def outputs(self, profile: Profile, observed: ObservedLogs) -> Outputs:  # noqa: ARG002 - a step's signature
        """Return nothing: no step needs it."""
        return {}


def _has_logs(profile: Profile) -> bool:
    return LOG_ANALYTICS in specs_of(profile) and not LOG_ANALYTICS.given(profile)


class WorkspaceRecovery:
    """A look at the workspace; with `purge`, ``DELETE …/workspaces/NAME?forceToPurge=true`` for a soft-deleted one."""

    name = "workspace_recovery"
    title = "soft-deleted workspace"
    needs: tuple[str, ...] = ("key_vault", "key", "key_access", "logs_recovery")
    doc = "https://learn.microsoft.com/azure/machine-learning/concept-soft-delete"

    def __init__(self, *, purge: bool) -> None:
        self._wanted = Wanted(purge=purge)

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedWorkspaces:
        """Read the workspace, and the list of the subscription."""
        return observe_workspaces(azure, profile)

    def plan(self, profile: Profile, observed: ObservedWorkspaces, known: Known) -> list[Change]:  # noqa: ARG002
        """Purge a soft-deleted workspace, or change nothing: a live one stays in any case."""
        settings = profile.workspace
        head = (self.name, settings.resource_id, "workspace", settings.name)
        if observed.deleted(profile) is None:
            return [no_op(*head, _NOT_THERE if observed.own is None else _THERE)]
        if not self._wanted.purge:
            return [no_op(*head, "soft-deleted: recover it in the portal, under Recently deleted")]
        removal = removal_of(profile, settings.resource_id, "workspace", settings.name, observed, None, self._wanted)
        return [change_of(self.name, removal)]

    def outputs(self, profile: Profile, observed: ObservedWorkspaces) -> Outputs:
        """Return `SOFT_DELETED`."""
        settings = profile.workspace
        if observed.deleted(profile) is None:
            return {SOFT_DELETED: []}
        kept = removal_of(profile, settings.resource_id, "workspace", settings.name, observed, None, Wanted())
        return {SOFT_DELETED: left_of([kept])}
