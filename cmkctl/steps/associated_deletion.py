"""Destroy, step 4: the associated resources that cmkctl created, on request, and the identity that it created.

None is deleted that another workspace names, or that a soft-deleted workspace needs to be recovered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import text_at
from cmkctl.azure.ids import ResourceId, provider_id
from cmkctl.azure.snapshot import Snapshot, unless_denied
from cmkctl.azure.workspaces import managed_group
from cmkctl.plan import Change, Json, Known, Output, Outputs
from cmkctl.profile.model import Profile
from cmkctl.steps._associated import specs_of
from cmkctl.steps._associated.application_insights import APPLICATION_INSIGHTS
from cmkctl.steps._associated.log_analytics import LOG_ANALYTICS
from cmkctl.steps._associated.registry import REGISTRY
from cmkctl.steps._associated.storage import STORAGE
from cmkctl.steps._associated.vault import VAULT
from cmkctl.steps._deletion import NO_MARK, SOFT_DELETE, Removal, Wanted, change_of, day, delete_request, left_of
from cmkctl.steps._tags import is_marked
from cmkctl.steps._workspaces import ObservedWorkspaces, observe_workspaces

LEFT: Final[Output[list[dict[str, Json]]]] = Output("associated_deletion", "left")
_IDENTITY: Final = "managed identity"
_LOST: Final[Mapping[str, str]] = {
    STORAGE.kind: "all data in the account: datasets, models, notebooks, logs of jobs",
    REGISTRY.kind: "all images in the registry",
    APPLICATION_INSIGHTS.kind: "the component, with its connection string",
}
_COSTS: Final[Mapping[str, str]] = {
    STORAGE.kind: "billed by what it stores",
    REGISTRY.kind: "billed by the day",
    LOG_ANALYTICS.kind: "billed by what it receives and keeps",
    APPLICATION_INSIGHTS.kind: "billed by what it receives",
    VAULT.kind: "billed by operations",
}


@dataclass(frozen=True, slots=True)
class ObservedAssociatedDeletion:
    """The workspaces, and each associated resource by its id (None: absent), the created identity among them.

    `deleted_vault` is the soft-deleted vault with the workspace's secrets, None without one.
    """

    workspaces: ObservedWorkspaces
    resources: Mapping[str, ArmDocument | None]
    deleted_vault: ArmDocument | None = None
    deleted_logs: ArmDocument | None = None
    """The soft-deleted Log Analytics workspace, None without one."""


class AssociatedDeletion:
    """``DELETE`` of each associated resource that cmkctl created, with ``--associated``."""

    name = "associated_deletion"
    title = "deletion of the associated resources"
    needs = ("project_deletion", "workspace_deletion", "network_deletion")
    doc = "https://learn.microsoft.com/azure/machine-learning/concept-workspace#associated-resources"

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedAssociatedDeletion:
        """Read them all at the same time."""
        return observe_associated(azure, profile)

    def plan(self, profile: Profile, observed: ObservedAssociatedDeletion, known: Known) -> list[Change]:  # noqa: ARG002
        """Delete each one that cmkctl created, or leave it with the reason."""
        return [change_of(self.name, each) for each in removals_of(profile, observed, self._wanted)]

    def outputs(self, profile: Profile, observed: ObservedAssociatedDeletion) -> Outputs:
        """Return `LEFT`."""
        found = left_of(removals_of(profile, observed, self._wanted))
        return {LEFT: [*found, *_soft_deleted(profile, observed)]}


def observe_associated(azure: Snapshot, profile: Profile) -> ObservedAssociatedDeletion:
    """Read the workspaces and the associated resources. Each read is shared with the other steps."""
    specs = {each.resource_id(profile) or "": each.api_version for each in specs_of(profile)}
    if profile.workspace.created_identity_id:
        specs[profile.workspace.created_identity_id] = versions.MANAGED_IDENTITY
    reads = [partial(azure.resource, each, version) for each, version in specs.items()]
    workspaces, found = azure.gather2(lambda: observe_workspaces(azure, profile), lambda: azure.gather(*reads))
    resources = dict(zip(specs, found, strict=True))
    own_vault = profile.associated_resources.key_vault_id
    absent = own_vault in resources and resources[own_vault] is None and not VAULT.given(profile)
    vault = partial(azure.deleted_vault, profile.associated_resources.key_vault_name, profile.location)
    logs = profile.associated_resources.log_analytics.resource_id
    no_logs = logs in resources and resources[logs] is None and not LOG_ANALYTICS.given(profile)
    return ObservedAssociatedDeletion(
        workspaces,
        resources,
        unless_denied(vault) if absent else None,
        deleted_logs(azure, profile) if no_logs else None,
    )


def deleted_logs(azure: Snapshot, profile: Profile) -> ArmDocument | None:
    """Read the soft-deleted Log Analytics workspace of the profile; None without one, or where the list may not be read."""
    logs = profile.associated_resources.log_analytics.resource_id
    path = f"{provider_id(profile.subscription, 'Microsoft.OperationalInsights')}/deletedWorkspaces"
    listed = unless_denied(lambda: azure.listing(path, versions.LOG_ANALYTICS)) or {"value": []}
    return next((each for each in listed["value"] if same_resource_id(text_at(each, "id"), logs)), None)


def going(profile: Profile, observed: ObservedAssociatedDeletion, wanted: Wanted) -> list[str]:
    """Return the ids of the resources that are deleted, and of the group that Microsoft deletes with the workspace."""
    found = observed.workspaces
    group = "" if found.recoverable(profile, wanted) else managed_group(found.own or found.deleted(profile))
    return [
        *(each.resource_id for each in removals_of(profile, observed, wanted) if each.request is not None),
        *([group] if group else []),
    ]


def removals_of(profile: Profile, observed: ObservedAssociatedDeletion, wanted: Wanted) -> list[Removal]:
    """Return the removal of each associated resource. A component goes before its workspace, an identity last."""
    found: list[Removal] = []
    # A component stores its data in the Log Analytics workspace, which goes after it.
    for spec in sorted(specs_of(profile), key=lambda each: each is LOG_ANALYTICS):
        resource = spec.resource_id(profile) or ""
        document = observed.resources.get(resource)
        before = tuple(
            each.resource_id for each in found if spec is LOG_ANALYTICS and each.kind == APPLICATION_INSIGHTS.kind
        )
        given = spec.given(profile)
        found.append(_removal(profile, observed, resource, spec.kind, document, wanted, before, given=given))
    identity = profile.workspace.created_identity_id
    if identity:
        document = observed.resources.get(identity)
        before = tuple(each.resource_id for each in found if each.request is not None)
        found.append(_removal(profile, observed, identity, _IDENTITY, document, wanted, before, given=False))
    return found


def _removal(
    profile: Profile,
    observed: ObservedAssociatedDeletion,
    resource: str,
    kind: str,
    found: ArmDocument | None,
    wanted: Wanted,
    before: tuple[str, ...],
    *,
    given: bool,
) -> Removal:
    version = _version(profile, resource)
    head = (resource, kind, ResourceId.parse(resource).name, version)
    if found is None:
        return Removal(*head)
    if text_at(found, "properties.provisioningState").lower() == "deleting":
        return Removal(*head, state="deleting")
    keep = "the profile gives it by id" if given else _reason_to_keep(profile, observed, resource, found, wanted)
    if keep:
        return Removal(*head, keep=keep, costs=_COSTS.get(kind, ""))
    if observed.workspaces.recoverable(profile, wanted):
        return Removal(*head, refused=_needed(observed))
    lost = _LOST.get(kind)
    return Removal(
        *head,
        request=delete_request(resource, version),
        reason=_reason(observed, kind, found),
        irreversible=(lost,) if lost else (),
        depends_on=before,
    )


def _reason_to_keep(
    profile: Profile, observed: ObservedAssociatedDeletion, resource: str, found: ArmDocument, wanted: Wanted
) -> str:
    """Return the reason why a resource that the profile names stays, empty for one to delete."""
    if not is_marked(profile, found):
        return NO_MARK
    if not wanted.associated:
        return "--associated deletes it"
    if users := observed.workspaces.users(profile, resource):
        return f"workspace {users[0]} uses it"
    if not observed.workspaces.complete:
        return "you may not list the workspaces of the subscription, so others that use it cannot be seen"
    return ""


def _version(profile: Profile, resource: str) -> str:
    return next(
        (each.api_version for each in specs_of(profile) if same_resource_id(each.resource_id(profile), resource)),
        versions.MANAGED_IDENTITY,
    )


def _needed(observed: ObservedAssociatedDeletion) -> tuple[str, ...]:
    until = day(observed.workspaces.at + SOFT_DELETE)
    return (
        "CMK644",
        f"the soft-deleted workspace cannot be recovered without it, which is possible until {until} at the latest",
        "add --purge, so that the workspace is deleted for good",
        "leave --associated out now, and give it once that date has passed",
    )


def _reason(observed: ObservedAssociatedDeletion, kind: str, found: ArmDocument) -> str:
    if kind == LOG_ANALYTICS.kind:
        return f"can be recovered until {day(observed.workspaces.at + SOFT_DELETE)}"
    if kind == VAULT.kind:
        days = (found.get("properties") or {}).get("softDeleteRetentionInDays") or 90
        return f"can be recovered for {days} days, and its name stays taken"
    return "cmkctl created it for this workspace"


def _soft_deleted(profile: Profile, observed: ObservedAssociatedDeletion) -> Iterator[dict[str, Json]]:
    """Yield the soft-deleted vault and Log Analytics workspace, which keep their names."""
    associated = profile.associated_resources
    if observed.deleted_vault is not None:
        until = text_at(observed.deleted_vault, "properties.scheduledPurgeDate")[:10]
        reason = "Key Vault keeps it, and its name with it"
        yield _kept(VAULT.kind, associated.key_vault_name, reason, until, associated.key_vault_id)
    if observed.deleted_logs is not None:
        name, until = associated.log_analytics.resource_name, day(observed.workspaces.at + SOFT_DELETE)
        reason = "Azure keeps it for 14 days from its deletion; cmkctl recover brings it back"
        yield _kept(LOG_ANALYTICS.kind, name, reason, until, associated.log_analytics.resource_id)


def _kept(kind: str, name: str, reason: str, until: str, resource: str) -> dict[str, Json]:
    return {
        "resource": f"soft-deleted {kind} {name}",
        "reason": reason,
        "until": until or None,
        "costs": None,
        "resource_id": resource,
    }
