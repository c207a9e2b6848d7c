"""The roles that a user-assigned identity needs to act as the workspace or to read its key, and those that it holds. Pure.

The system-assigned identity needs none of them: Microsoft assigns its roles.

Source: https://learn.microsoft.com/azure/machine-learning/how-to-identity-based-service-authentication#user-assigned-managed-identity
and https://learn.microsoft.com/azure/machine-learning/how-to-assign-roles
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from cmkctl.azure.compare import same_resource_id
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.ids import ResourceId
from cmkctl.profile.model import Profile
from cmkctl.steps._role_assignments import role_guid

_MANAGEMENT_GROUPS: Final = "/providers/microsoft.management/managementgroups/"


@dataclass(frozen=True, slots=True)
class Role:
    """A built-in role: its GUID and its name."""

    guid: str
    name: str


CONTRIBUTOR: Final = Role("b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor")
OWNER: Final = Role("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner")
READER: Final = Role("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader")
BLOB_DATA_CONTRIBUTOR: Final = Role("ba92f5b4-2d11-453d-a403-e96b0029c9fe", "Storage Blob Data Contributor")
KEY_VAULT_ADMINISTRATOR: Final = Role("00482a5a-887f-4fb3-b363-3b7fe8e74483", "Key Vault Administrator")

_BLOBS: Final = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/"
_SECRETS: Final = "Microsoft.KeyVault/vaults/secrets/"

KNOWN_PERMISSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    CONTRIBUTOR.guid: ("*",),
    OWNER.guid: ("*",),
    READER.guid: ("*/read",),
}
"""The actions of the general roles, so that their definitions need no read. They allow nothing on data."""


@dataclass(frozen=True, slots=True)
class Need:
    """A role that an identity needs at a scope.

    `where` names the scope for people. A different role counts as well when it allows every one of `actions` on resources and of
    `data_actions` on their data.
    """

    role: Role
    scope: str
    where: str
    actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The role and its scope, for people."""
        return f"{self.role.name} on {self.where}"


def needs_of(profile: Profile, identity_id: str, *, own_vault_rbac: bool) -> list[Need]:
    """Return the roles that an identity of the workspace needs: to act as the workspace, to read the key, or both.

    Contributor on the resource group contains it for every resource in the group; one that is elsewhere is listed by itself.
    """
    acts = same_resource_id(identity_id, profile.workspace.identity_id)
    needs = [*_of_the_group(profile), *_elsewhere(profile), *_on_data(profile, own_vault_rbac)] if acts else []
    vault = profile.key_vault.resource_id
    reads = same_resource_id(identity_id, profile.workspace.key_identity_id)
    covered = [each.scope for each in needs if each.role is CONTRIBUTOR]
    if reads and not any(_within(vault, each) for each in covered):
        # Azure Machine Learning looks the vault up as the identity: crypto rights alone are refused with vaults/read.
        needs.append(_need(READER, vault, "key vault", "read"))
    return needs


def _of_the_group(profile: Profile) -> Iterator[Need]:
    classic = ("Microsoft.DocumentDB/databaseAccounts/write", "Microsoft.Search/searchServices/write")
    yield Need(
        CONTRIBUTOR,
        profile.resource_group_id,
        f"resource group {profile.resource_group}",
        (
            "Microsoft.MachineLearningServices/workspaces/write",
            "Microsoft.Storage/storageAccounts/write",
            *(classic if profile.workspace.encryption == "in-subscription" else ()),
        ),
    )


def _elsewhere(profile: Profile) -> Iterator[Need]:
    associated = profile.associated_resources
    kinds = {
        "storage account": associated.storage_account.resource_id,
        "key vault": associated.key_vault_id,
        "Application Insights": associated.application_insights_id,
        "container registry": associated.container_registry_id,
    }
    for kind, resource in kinds.items():
        # A vault that only holds the key gets Reader; for one that serves both, Contributor on it includes that.
        if resource and not _within(resource, profile.resource_group_id):
            yield _need(CONTRIBUTOR, resource, kind, "write")


def _on_data(profile: Profile, own_vault_rbac: bool) -> Iterator[Need]:
    storage, vault = profile.associated_resources.storage_account.resource_id, profile.associated_resources.key_vault_id
    blobs = (f"{_BLOBS}read", f"{_BLOBS}write", f"{_BLOBS}delete")
    yield Need(BLOB_DATA_CONTRIBUTOR, storage, f"storage account {_name(storage)}", data_actions=blobs)
    if own_vault_rbac:
        secrets = (f"{_SECRETS}getSecret/action", f"{_SECRETS}setSecret/action", f"{_SECRETS}delete")
        yield Need(KEY_VAULT_ADMINISTRATOR, vault, f"key vault {_name(vault)}", data_actions=secrets)


def _need(role: Role, resource: str, kind: str, verb: str) -> Need:
    return Need(role, resource, f"{kind} {_name(resource)}", (f"{ResourceId.parse(resource).type}/{verb}",))


def _name(resource: str) -> str:
    return ResourceId.parse(resource).name


def _within(resource: str, scope: str) -> bool:
    return f"{resource.lower()}/".startswith(f"{scope.rstrip('/').lower()}/")


def held(need: Need, roles: Collection[ArmDocument], definitions: Mapping[str, ArmDocument]) -> ArmDocument | None:
    """Return the role assignment that meets a need, None without one. One with a condition does not count.

    `definitions` are role definitions by GUID.
    """
    return next((each for each in roles if _meets(need, each.get("properties") or {}, definitions)), None)


def _meets(need: Need, assignment: Mapping[str, Any], definitions: Mapping[str, ArmDocument]) -> bool:
    scope = str(assignment.get("scope") or "nowhere")
    above = _within(need.scope, scope) or scope.lower().startswith(_MANAGEMENT_GROUPS)
    role = role_guid(str(assignment.get("roleDefinitionId", "")))
    if not above or assignment.get("condition"):
        return False
    if role == need.role.guid:
        return True
    if role in KNOWN_PERMISSIONS:
        return _all_allowed([{"actions": KNOWN_PERMISSIONS[role]}], need)
    permissions = (definitions.get(role) or {}).get("properties", {}).get("permissions") or []
    return _all_allowed(permissions, need)


def _all_allowed(permissions: Collection[Mapping[str, Any]], need: Need) -> bool:
    wanted = [("actions", "notActions", each) for each in need.actions]
    wanted += [("dataActions", "notDataActions", each) for each in need.data_actions]
    return all(any(_allows(each, *names) for each in permissions) for names in wanted)


def _allows(permission: Mapping[str, Any], member: str, excluded: str, action: str) -> bool:
    def named(where: str) -> bool:
        return any(fnmatchcase(action.lower(), each.lower()) for each in permission.get(where) or [])

    return named(member) and not named(excluded)
