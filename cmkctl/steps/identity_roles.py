"""The roles that the user-assigned identities of the workspace need, where the profile requests their assignment.

Azure Machine Learning reports one missing action at a time and may remember a failure by the workspace's name, so all of them
are assigned before the workspace is created. A role that is held already, here or above, is not assigned again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import missing_permissions, same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument, moment
from cmkctl.azure.ids import ResourceId, role_definition_id
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Output, Outputs, Phrase, Request
from cmkctl.profile.model import Profile
from cmkctl.steps._identity_needs import KNOWN_PERMISSIONS, Need, held, needs_of
from cmkctl.steps._role_assignments import Assignment, role_guid
from cmkctl.steps._user_assigned import UserAssigned, user_assigned
from cmkctl.steps.base import conflict, no_op
from cmkctl.steps.key_vault import RBAC, TENANT

ROLES_EFFECTIVE_AT: Final[Output[str | None]] = Output("identity_roles", "effective_at")
"""The time, in ISO 8601, at which the youngest role takes effect; None where no role is assigned."""

_KIND: Final = "role assignment"

SECRETS: Final = ("get", "list", "set", "delete", "recover", "backup", "restore")
"""The permissions on secrets that the acting identity needs in a vault with access policies."""


@dataclass(frozen=True, slots=True)
class ObservedIdentity:
    """One user-assigned identity of the workspace: its principal, its role assignments by scope, and definitions by GUID."""

    identity: UserAssigned
    needs: tuple[Need, ...]
    roles: Mapping[str, tuple[ArmDocument, ...]]
    definitions: Mapping[str, ArmDocument]

    def holding(self, need: Need) -> ArmDocument | None:
        """Return the role assignment that meets a need."""
        return held(need, self.roles.get(need.scope, ()), self.definitions)

    @property
    def missing(self) -> list[Need]:
        """The roles that it lacks."""
        return [each for each in self.needs if self.holding(each) is None]


@dataclass(frozen=True, slots=True)
class ObservedRoles:
    """The identities, the vault with the workspace's secrets (None: absent), and the time of the reading."""

    identities: tuple[ObservedIdentity, ...]
    own_vault: ArmDocument | None
    at: datetime


class IdentityRoles:
    """``PUT …/roleAssignments/NAME`` for each role that an identity lacks; an access policy in a vault without roles."""

    name = "identity_roles"
    title = "roles of the workspace's identity"
    needs = ("managed_identity", "resource_group", "key_access", "associated_resources", "encrypted_resources")
    doc = "https://learn.microsoft.com/azure/machine-learning/how-to-identity-based-service-authentication#user-assigned-managed-identity"

    def types(self, profile: Profile) -> tuple[str, ...]:  # noqa: ARG002 - a step's signature
        """Return no type: Microsoft.Authorization is registered everywhere."""
        return ()

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedRoles | None:
        """Read the identities and their roles; None where the profile requests no roles."""
        return observed_roles(azure, profile) if profile.workspace.assigns_roles else None

    def plan(self, profile: Profile, observed: ObservedRoles | None, known: Known) -> list[Change]:
        """Assign each missing role. Nothing where the profile requests none."""
        changes: list[Change] = []
        for each in observed.identities if observed else ():
            changes += _of_one(profile, each)
        policy = _policy(profile, observed, known) if observed else None
        return [*changes, *([policy] if policy else [])]

    def outputs(self, profile: Profile, observed: ObservedRoles | None) -> Outputs:
        """Return `ROLES_EFFECTIVE_AT`."""
        if observed is None:
            return {ROLES_EFFECTIVE_AT: None}
        holdings = [each.holding(need) for each in observed.identities for need in each.needs]
        if any(each is None for each in holdings):
            return {ROLES_EFFECTIVE_AT: ROLES_EFFECTIVE_AT.unknown}
        made = [_made(each, observed.at) for each in holdings if each is not None]
        settled = max(made, default=observed.at) + timedelta(seconds=profile.key_access.settle_seconds)
        return {ROLES_EFFECTIVE_AT: settled.isoformat() if made else None}


def _made(assignment: ArmDocument, at: datetime) -> datetime:
    # A time that Azure does not give, or a later one than ours: clocks differ.
    return min(moment((assignment.get("properties") or {}).get("createdOn")) or at, at)


def observed_roles(azure: Snapshot, profile: Profile) -> ObservedRoles:
    """Read the user-assigned identities that act or read the key, and the roles that they hold."""
    settings, vault_id = profile.workspace, profile.associated_resources.key_vault_id
    ids = [each for each in (settings.identity_id, settings.key_identity_id) if each]
    distinct = list({each.lower(): each for each in ids}.values())
    vault = azure.vault(ResourceId.parse(vault_id)) if distinct else None
    reads = (partial(_observed, azure, profile, each, _uses_roles(profile, vault)) for each in distinct)
    return ObservedRoles(tuple(azure.gather(*reads)), vault, azure.now())


def _uses_roles(profile: Profile, own_vault: ArmDocument | None) -> bool:
    """Return True where the workspace's own vault has roles: as it is, or as it will be created."""
    if own_vault is not None:
        return bool(own_vault.get("properties", {}).get("enableRbacAuthorization"))
    shared = same_resource_id(profile.associated_resources.key_vault_id, profile.key_vault.resource_id)
    return not shared or profile.key_vault.authorization == "rbac"


def _observed(azure: Snapshot, profile: Profile, identity_id: str, own_vault_rbac: bool) -> ObservedIdentity:
    identity = user_assigned(azure, profile, identity_id)
    needs = tuple(needs_of(profile, identity_id, own_vault_rbac=own_vault_rbac))
    if identity.object_id is None:
        return ObservedIdentity(identity, needs, {}, {})
    scopes = list(dict.fromkeys(each.scope for each in needs))
    found = azure.gather(*(partial(azure.role_assignments, each, identity.object_id) for each in scopes))
    roles = {scope: tuple(each) for scope, each in zip(scopes, found, strict=True)}
    return ObservedIdentity(identity, needs, roles, _definitions(azure, roles))


def _definitions(azure: Snapshot, roles: Mapping[str, tuple[ArmDocument, ...]]) -> dict[str, ArmDocument]:
    named = {
        role_guid(str(each["properties"]["roleDefinitionId"])): str(each["properties"]["roleDefinitionId"])
        for assignments in roles.values()
        for each in assignments
    }
    unknown = {guid: each for guid, each in named.items() if guid not in KNOWN_PERMISSIONS}
    found = azure.gather(*(partial(azure.role_definition, each) for each in unknown.values()))
    return {guid: each for guid, each in zip(unknown, found, strict=True) if each is not None}


def _of_one(profile: Profile, observed: ObservedIdentity) -> Iterator[Change]:
    identity = observed.identity
    if identity.absent:
        # The identity that reads the key is checked with the access to the key.
        if not same_resource_id(identity.id, profile.workspace.key_identity_id):
            yield conflict(
                IdentityRoles.name,
                identity.id,
                _KIND,
                f"for {identity.label}",
                "CMK233",
                "there is no such user-assigned identity",
                "create it first: az identity create",
                "correct workspace.identity",
            )
        return
    for need in observed.needs:
        assignment = observed.holding(need)
        if assignment is None:
            yield _assigned(profile, identity, need)
        else:
            inherited = not same_resource_id(assignment["properties"].get("scope"), need.scope)
            reason = f"up to date{': inherited' if inherited else ''}"
            yield no_op(
                IdentityRoles.name, str(assignment.get("id") or need.scope), _KIND, _name(identity, need), reason
            )


def _name(identity: UserAssigned, need: Need) -> str:
    return f"{need.role.name} for {identity.label} on {need.where}"


def _assigned(profile: Profile, identity: UserAssigned, need: Need) -> Change:
    role = role_definition_id(profile.subscription, need.role.guid)
    assignment = Assignment(need.scope, identity.id, identity.principal, role)
    return Change(
        IdentityRoles.name,
        Action.CREATE,
        assignment.resource_id,
        _KIND,
        _name(identity, need),
        "not assigned yet",
        attributes=(
            AttributeChange("role", None, need.role.name, phrase=Phrase("")),
            AttributeChange("principalId", None, identity.principal, phrase=Phrase("")),
        ),
        request=assignment.request,
    )


def _policy(profile: Profile, observed: ObservedRoles, known: Known) -> Change | None:
    """Return the access policy that lets the acting identity use the secrets of a vault without roles; None for one with roles.

    Source: https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy
    """
    settings, vault_id = profile.workspace, profile.associated_resources.key_vault_id
    acting = next(
        (each.identity for each in observed.identities if same_resource_id(each.identity.id, settings.identity_id)),
        None,
    )
    rbac = known.get(RBAC) if observed.own_vault is None else None
    if acting is None or acting.absent or _uses_roles(profile, observed.own_vault) or rbac is True:
        return None
    properties = (observed.own_vault or {}).get("properties", {})
    kind, name = f"secrets access for {acting.label}", ResourceId.parse(vault_id).name
    resource = f"{vault_id}/accessPolicies/{acting.id.rpartition('/')[2]}-secrets"
    found = [
        each
        for each in properties.get("accessPolicies") or []
        if same_word(each.get("objectId"), acting.object_id) and not each.get("applicationId")
    ]
    granted = [one for each in found for one in (each.get("permissions") or {}).get("secrets") or []]
    missing = missing_permissions(granted, SECRETS)
    if not missing:
        return no_op(IdentityRoles.name, resource, kind, name, f"up to date: {', '.join(SECRETS)} by access policy")
    tenant: Json = properties.get("tenantId") or known.get(TENANT)
    entry: Json = {"tenantId": tenant, "objectId": acting.principal, "permissions": {"secrets": list(SECRETS)}}
    return Change(
        IdentityRoles.name,
        Action.UPDATE if granted else Action.CREATE,
        resource,
        kind,
        name,
        f"lacks {', '.join(missing)}" if granted else "no access policy for secrets yet",
        attributes=(
            AttributeChange(
                "permissions.secrets",
                granted or None,
                list(dict.fromkeys((*granted, *missing))),
                phrase=Phrase(),
            ),
        ),
        request=Request(
            "PUT",
            f"{vault_id}/accessPolicies/add",
            versions.KEY_VAULT,
            {"properties": {"accessPolicies": [entry]}},
        ),
    )
