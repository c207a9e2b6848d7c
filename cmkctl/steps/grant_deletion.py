"""Destroy, step 5: the role assignments that cmkctl created and that nothing else found relies on.

Their ids are derived from scope, principal and role, and mark them (docs/adr/0028-mark-of-what-was-created.md). The id has no
workspace in it: two workspaces with keys in one vault share the grant of Azure Cosmos DB. Access policies have no mark, and stay.
A grant on the key stays as long as a soft-deleted workspace can be recovered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.clouds import ENDPOINTS
from cmkctl.azure.compare import same_resource_id
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import at_path
from cmkctl.azure.ids import ResourceId, role_definition_id, within
from cmkctl.azure.snapshot import Snapshot
from cmkctl.consumers import Consumers
from cmkctl.plan import Change, Json, Known, Output, Outputs
from cmkctl.profile.model import Profile
from cmkctl.steps._deletion import Removal, Wanted, change_of, delete_request, left_of
from cmkctl.steps._identity_needs import needs_of
from cmkctl.steps._key_users import key_users, users_beside
from cmkctl.steps._principals import COSMOS_DB, CRYPTO_SERVICE_ENCRYPTION_USER, role_scope
from cmkctl.steps._role_assignments import Assignment
from cmkctl.steps._workspaces import ObservedWorkspaces
from cmkctl.steps.associated_deletion import going, observe_associated
from cmkctl.steps.role_assignments import assignment_of, label_of

LEFT: Final[Output[list[dict[str, Json]]]] = Output("grant_deletion", "left")
_KIND: Final = "role assignment"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A role assignment with the id that cmkctl gives: its ARM id, scope and label, and the identity that it is for.

    `identity` is empty for any other principal. `key` is True for a grant on the key.
    """

    resource_id: str
    scope: str
    label: str
    identity: str = ""
    key: bool = False


@dataclass(frozen=True, slots=True)
class ObservedAssignments:
    """The workspaces, the role assignments that exist, the vault (None: absent), and the users of its keys.

    `users` is None where no grant on the key may be deleted anyway.
    """

    workspaces: ObservedWorkspaces
    found: tuple[Candidate, ...]
    vault: ArmDocument | None
    users: Consumers | None
    going: tuple[str, ...] = ()
    """The ids of the associated resources that are deleted."""


class GrantDeletion:
    """``DELETE …/roleAssignments/NAME`` for each assignment of cmkctl that nothing else found relies on."""

    name = "grant_deletion"
    title = "deletion of the grants"
    needs = ("project_deletion", "workspace_deletion", "network_deletion", "associated_deletion")
    doc = "https://learn.microsoft.com/azure/role-based-access-control/role-assignments-remove"

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedAssignments:
        """Read each assignment that cmkctl may have created, by its id; then what uses the keys of the vault."""
        associated, vault = azure.gather2(
            lambda: observe_associated(azure, profile),
            lambda: azure.vault(ResourceId.parse(profile.key_vault.resource_id)),
        )
        workspaces, gone = associated.workspaces, tuple(going(profile, associated, self._wanted))
        candidates = list({each.resource_id.lower(): each for each in _candidates(azure, profile)}.values())
        read = azure.gather(*(partial(azure.role_assignment, each.resource_id) for each in candidates))
        found = tuple(each for each, document in zip(candidates, read, strict=True) if document is not None)
        needed = any(each.key for each in found) and not workspaces.recoverable(profile, self._wanted)
        users = key_users(azure, profile) if needed else None
        return ObservedAssignments(workspaces, found, vault, users, gone)

    def plan(self, profile: Profile, observed: ObservedAssignments, known: Known) -> list[Change]:  # noqa: ARG002
        """Delete each assignment that nothing else found relies on."""
        return [change_of(self.name, each) for each in self._removals(profile, observed)]

    def outputs(self, profile: Profile, observed: ObservedAssignments) -> Outputs:
        """Return `LEFT`."""
        return {LEFT: left_of(self._removals(profile, observed))}

    def _removals(self, profile: Profile, observed: ObservedAssignments) -> list[Removal]:
        return [
            *(self._removal(profile, observed, each) for each in observed.found),
            *_policies(profile, observed.vault),
        ]

    def _removal(self, profile: Profile, observed: ObservedAssignments, candidate: Candidate) -> Removal:
        keep = self._kept(profile, observed, candidate)
        return Removal(
            candidate.resource_id,
            _KIND,
            candidate.label,
            versions.ROLE_ASSIGNMENTS,
            request=None if keep else delete_request(candidate.resource_id, versions.ROLE_ASSIGNMENTS),
            reason="nothing else found relies on it",
            keep=keep,
            settled=False,
        )

    def _kept(self, profile: Profile, observed: ObservedAssignments, candidate: Candidate) -> str:
        """Return the reason why an assignment stays, empty for one that is deleted."""
        if within(candidate.scope, profile.workspace.resource_id):
            return ""
        if observed.workspaces.recoverable(profile, self._wanted):
            return "the soft-deleted workspace needs it to be recovered"
        if not observed.workspaces.complete:
            return "you may not list the workspaces of the subscription, so others that rely on it cannot be seen"
        users = observed.workspaces.users(profile, candidate.identity or candidate.scope)
        if users:
            return f"workspace {users[0]} may rely on it"
        if candidate.key and observed.users is not None:
            return users_beside(profile, observed.users, observed.going)
        return ""


def _candidates(azure: Snapshot, profile: Profile) -> Iterator[Candidate]:
    """Yield the assignments that ``apply`` may have created for the profile."""
    on_key, settings = role_scope(profile), profile.workspace
    role = role_definition_id(profile.subscription, CRYPTO_SERVICE_ENCRYPTION_USER)
    where = f"{profile.key_access.scope} {ResourceId.parse(on_key).name}"
    readers = {COSMOS_DB: ENDPOINTS[profile.cloud].cosmos_db_app_id, "": settings.key_identity_id or ""}
    for label, principal in readers.items():
        if principal:
            who = label or f"identity {ResourceId.parse(principal).name}"
            title = f"Key Vault Crypto Service Encryption User for {who} on {where}"
            assigned = Assignment(on_key, principal, "", role)
            yield Candidate(assigned.resource_id, on_key, title, "" if label else principal, key=True)
    if settings.assigns_roles:
        yield from _of_identities(profile)
    for each in profile.grants:
        found = assignment_of(azure, profile, each)
        if found is not None:
            yield Candidate(found.resource_id, found.scope, label_of(each), each.identity_id or "")


def _of_identities(profile: Profile) -> Iterator[Candidate]:
    settings = profile.workspace
    for identity in {each.lower(): each for each in (settings.identity_id, settings.key_identity_id) if each}.values():
        for need in needs_of(profile, identity, own_vault_rbac=True):
            assigned = Assignment(need.scope, identity, "", role_definition_id(profile.subscription, need.role.guid))
            label = f"{need.title} for identity {ResourceId.parse(identity).name}"
            on_key = same_resource_id(need.scope, profile.key_vault.resource_id)
            yield Candidate(assigned.resource_id, need.scope, label, identity, key=on_key)


def _policies(profile: Profile, vault: ArmDocument | None) -> Iterator[Removal]:
    """Yield the access policies of the vault as one that stays: cmkctl's own has no mark."""
    properties = (vault or {}).get("properties", {})
    policies = at_path(vault, "properties.accessPolicies") or []
    if vault is not None and policies and not properties.get("enableRbacAuthorization"):
        resource = f"{profile.key_vault.resource_id}/accessPolicies"
        keep = "an access policy has no mark, and others may rely on it"
        yield Removal(resource, "access policies", f"of vault {profile.key_vault.resource_name}", keep=keep)
