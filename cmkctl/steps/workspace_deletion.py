"""Destroy, step 2: the workspace. Azure keeps a deleted one for 14 days, unless it is purged, now or later.

The purge is the same request with ``forceToPurge``. It is sent to a soft-deleted workspace as well, which no read finds: az sends
a read first, and fails (https://github.com/Azure/azure-cli/issues/33756).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import text_at
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.waiting import in_progress
from cmkctl.azure.workspaces import managed_group
from cmkctl.plan import AttributeChange, Change, Json, Known, Output, Outputs
from cmkctl.profile.model import Profile
from cmkctl.steps._deletion import SOFT_DELETE, Removal, Wanted, change_of, day, delete_request, left_of
from cmkctl.steps._tags import MARK, is_marked, mark
from cmkctl.steps._workspaces import ObservedWorkspaces, is_soft_deleted, observe_workspaces

LEFT: Final[Output[list[dict[str, Json]]]] = Output("workspace_deletion", "left")
CONTENTS: Final[Mapping[str, str]] = {
    "computes": "computes",
    "onlineEndpoints": "online endpoints",
    "batchEndpoints": "batch endpoints",
    "datastores": "datastores",
}
"""The contents of a workspace that are counted: each collection, with its name for people."""
DEPLOYMENTS: Final = "deployments of online endpoints"
_DELETING: Final = "deleting"


@dataclass(frozen=True, slots=True)
class ObservedDeletion:
    """The workspaces, and the number of each thing in the profile's (None: not readable); empty where it is gone."""

    workspaces: ObservedWorkspaces
    contents: Mapping[str, int | None]


class WorkspaceDeletion:
    """``DELETE …/workspaces/NAME``, with ``forceToPurge=true`` for one that Azure is not to keep."""

    name = "workspace_deletion"
    title = "deletion of the workspace"
    needs = ("project_deletion",)
    doc = "https://learn.microsoft.com/azure/machine-learning/concept-soft-delete"

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedDeletion:
        """Read the workspace, the list of the subscription, and what is in the workspace."""
        found = observe_workspaces(azure, profile)
        going = found.own is None or state_of(found.own) == _DELETING
        return ObservedDeletion(found, {} if going else _contents(azure, profile.workspace.resource_id))

    def plan(self, profile: Profile, observed: ObservedDeletion, known: Known) -> list[Change]:  # noqa: ARG002
        """Delete the workspace, wait for its deletion, purge it, leave it soft-deleted, or return its conflict."""
        return [change_of(self.name, each) for each in self._removals(profile, observed)]

    def outputs(self, profile: Profile, observed: ObservedDeletion) -> Outputs:
        """Return `LEFT`."""
        return {LEFT: left_of(self._removals(profile, observed))}

    def _removals(self, profile: Profile, observed: ObservedDeletion) -> list[Removal]:
        found, name = observed.workspaces, profile.workspace.name
        removal = removal_of(profile, profile.workspace.resource_id, "workspace", name, found, found.own, self._wanted)
        counted = tuple(
            AttributeChange(each, "not readable" if count is None else count, None)
            for each, count in observed.contents.items()
            if count != 0
        )
        if removal.request is not None:
            removal = replace(removal, attributes=counted)
        group = managed_group(found.own or found.deleted(profile))
        return [removal, *([_managed(group, found, self._wanted)] if group else [])]


def removal_of(
    profile: Profile,
    resource: str,
    kind: str,
    name: str,
    found: ObservedWorkspaces,
    own: ArmDocument | None,
    wanted: Wanted,
) -> Removal:
    """Return the removal of a workspace, or of a project of a hub; `own` is what a read of it finds."""
    removal = Removal(resource, kind, name, versions.WORKSPACES)
    document = own or found.row(resource)
    if document is None:
        return removal
    state = "" if own is None else state_of(own)
    if state == _DELETING:
        return replace(removal, state=state)
    if own is None and not wanted.purge:
        keep = "soft-deleted: its name stays taken for 14 days from its deletion; --purge ends that"
        return replace(removal, keep=keep, until=_until(found.at), costs=_costs(document))
    refused = _refused(profile, resource, document, state)
    return replace(removal, refused=refused) if refused else _deletion(removal, found.at, own, wanted)


def _refused(profile: Profile, resource: str, document: ArmDocument, state: str) -> tuple[str, ...]:
    """Return code, reason and ways out where a workspace may not be deleted; empty where it may."""
    if in_progress(state):
        return (
            "CMK641",
            f"an operation is in progress ({state})",
            "wait until it has ended, then run the same command again",
        )
    return () if is_marked(profile, document) else _not_ours(profile, resource)


def _deletion(removal: Removal, at: datetime, own: ArmDocument | None, wanted: Wanted) -> Removal:
    """Return the removal with its request; `own` is None for a soft-deleted workspace."""
    lost = (f"the {removal.kind} and everything in it",)
    if wanted.purge:
        request = delete_request(removal.resource_id, versions.WORKSPACES, forceToPurge="true")
        reason = "purged: it is gone for good, and its name is free" if own else "soft-deleted, and now purged for good"
        return replace(removal, request=request, reason=reason, irreversible=lost)
    request = delete_request(removal.resource_id, versions.WORKSPACES)
    if own is not None and not is_soft_deleted(own):
        reason = "gone at once: Azure keeps no workspace that has user-assigned identities only"
        return replace(removal, request=request, reason=reason, irreversible=lost)
    return replace(removal, request=request, reason=f"can be recovered until {_until(at)}")


def state_of(workspace: Mapping[str, Any]) -> str:
    """Return the provisioning state in lower case."""
    return text_at(workspace, "properties.provisioningState").lower()


def _not_ours(profile: Profile, resource: str) -> tuple[str, ...]:
    tag = f"{MARK}={mark(profile)}"
    return (
        "CMK642",
        f"it has no tag {tag}, so cmkctl did not create it, or an earlier version did",
        f"if it is to be deleted, hand it over: az tag update --operation Merge --tags {tag} --resource-id {resource}",
    )


def _until(at: datetime) -> str:
    return day(at + SOFT_DELETE)


def _costs(workspace: Mapping[str, Any]) -> str:
    service_side = bool((workspace.get("properties") or {}).get("enableServiceSideCMKEncryption"))
    return "Azure AI Search and storage on Microsoft's side are billed until then" if service_side else ""


def _managed(group: str, found: ObservedWorkspaces, wanted: Wanted) -> Removal:
    """Return what becomes of the resource group that Microsoft manages: cmkctl never touches it."""
    name, gone = group.rpartition("/")[2], "left to Microsoft, which deletes it when the workspace is purged"
    kept = found.own is None or (not wanted.purge and is_soft_deleted(found.own))
    return Removal(
        group,
        "managed resource group",
        name,
        keep=gone,
        until=_until(found.at) if kept else "",
        costs="Azure Cosmos DB, Azure AI Search and storage in it are billed until then" if kept else "",
    )


def _contents(azure: Snapshot, workspace: str) -> dict[str, int | None]:
    """Return the numbers of what is in a workspace."""
    rows = azure.gather(*(partial(_listed, azure, f"{workspace}/{each}") for each in CONTENTS))
    counts = {words: _count(each) for words, each in zip(CONTENTS.values(), rows, strict=True)}
    endpoints = rows[list(CONTENTS).index("onlineEndpoints")]
    ids = [text_at(each, "id") for each in (endpoints or {}).get("value", ())]
    if ids:
        found = azure.gather(*(partial(_listed, azure, f"{each}/deployments") for each in ids))
        counts[DEPLOYMENTS] = None if None in found else sum(_count(each) or 0 for each in found)
    return counts


def _listed(azure: Snapshot, path: str) -> ArmDocument | None:
    try:
        return azure.listing(path, versions.WORKSPACES) or {"value": []}
    except AzureFailed as error:
        if error.failure.kind is not FailureKind.DENIED:
            raise
        return None


def _count(page: ArmDocument | None) -> int | None:
    return None if page is None else len(page["value"])
