"""Reads the status of a workspace and its key. Sends reads only, at most three deep; four for a project of a hub.

A document that may not be read, or is not readable, becomes `Unseen`, with the right that is missing; every other failure is
raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Required

from typing_extensions import TypedDict

from cmkctl.azure import decoding, versions
from cmkctl.azure.clouds import ENDPOINTS
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.ids import KeyIdentifier, ResourceId, group_id, subscription_id
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.workspaces import managed_group
from cmkctl.profile.model import Profile
from cmkctl.services.workspace import is_project
from cmkctl.status import Status, Unseen
from cmkctl.status.computing import Documents, Seen, encryption_of, status_of

_WORKSPACES: Final = "Microsoft.MachineLearningServices/workspaces"
_NOT_READ: Final[Mapping[FailureKind, str]] = {
    FailureKind.DENIED: "you may not read it",
    FailureKind.NETWORK: "it cannot be reached from here",
    FailureKind.UNREADABLE: "the response of Azure is not readable",
}


class _Group(TypedDict, total=False):
    name: Required[str]
    managedBy: str


class _Groups(TypedDict, total=False):
    value: Required[list[_Group]]
    nextLink: str


class _Workspace(TypedDict, total=False):
    id: Required[str]


class _Workspaces(TypedDict, total=False):
    value: Required[list[_Workspace]]
    nextLink: str


class _DeletedLog(TypedDict, total=False):
    id: Required[str]


class _DeletedLogs(TypedDict, total=False):
    value: Required[list[_DeletedLog]]
    nextLink: str


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a profile, which may have leftovers: key and vault with their region, and other resources by ARM id."""

    location: str
    vault_id: str
    key: str
    workspace_vault_id: str
    log_analytics_id: str


def names_of(profile: Profile) -> Names:
    """Return the names of a profile."""
    associated = profile.associated_resources
    return Names(
        profile.location,
        profile.key_vault.resource_id,
        profile.key.name,
        associated.key_vault_id,
        associated.log_analytics.resource_id,
    )


def read_status(azure: Snapshot, workspace_id: str, names: Names | None = None) -> Status:
    """Read the status of a workspace, with the leftovers of a profile's names.

    Raises AzureFailed when Azure fails a read. One that it denies is a part of the status.
    """
    _subscription, (found, logs) = azure.gather2(
        azure.subscription,
        lambda: azure.gather2(lambda: _present(azure, workspace_id, names), lambda: _logs(azure, names)),
    )
    deleted, whole = azure.gather2(
        lambda: _deleted_keys_and_vaults(azure, found, names), lambda: _soft_deleted(azure, found)
    )
    return status_of(replace(whole, deleted={**deleted, "Log Analytics workspace": logs}))


def _present(azure: Snapshot, workspace_id: str, names: Names | None) -> Documents:
    """Read the workspace and, at the same time, the key of the profile; then the key that the workspace uses."""
    ahead = Documents(azure.now(), workspace_id, None)
    expected = f"{names.vault_id}/keys/{names.key}" if names else ""
    with_key, found = azure.gather2(lambda: _with_key(azure, ahead, expected), lambda: _with_workspace(azure, ahead))
    used = _key_in_use(found.encrypted)
    if used and used.lower() != expected.lower():
        with_key = _with_key(azure, ahead, used)
    return replace(
        with_key,
        at=azure.now(),
        workspace=found.workspace,
        hub=found.hub,
        managed_group=found.managed_group,
        accounts=found.accounts,
    )


def _key_in_use(workspace: Seen) -> str:
    """Return the ARM id of the key that a workspace uses; empty without one."""
    named = encryption_of(workspace)
    try:
        key = KeyIdentifier.parse(str(named.get("keyIdentifier") or ""))
        vault = ResourceId.parse(str(named.get("keyVaultArmId") or ""))
    except ValueError:
        return ""
    return str(vault.child("keys", key.name))


def _with_workspace(azure: Snapshot, found: Documents) -> Documents:
    workspace = _read_workspace(azure, "workspace", found.workspace_id)
    hub: Seen = None
    if workspace is not None and not isinstance(workspace, Unseen) and is_project(workspace):
        hub = _read_workspace(azure, "hub of the project", str(workspace["properties"].get("hubResourceId") or ""))
    found = replace(found, workspace=workspace, hub=hub)
    group = _managed_group(found.encrypted)
    if not group:
        return found
    managed, accounts = azure.gather2(
        lambda: _seen(
            "managed resource group",
            group,
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            lambda: azure.document(group, versions.RESOURCES, decoding.ResourceGroup),
        ),
        lambda: _seen(
            "Azure Cosmos DB account",
            group,
            "Microsoft.DocumentDB/databaseAccounts/read",
            lambda: azure.cosmos_db_accounts(group),
        ),
    )
    return replace(found, managed_group=managed, accounts=accounts)


def _read_workspace(azure: Snapshot, fact: str, workspace_id: str) -> Seen:
    right = "Microsoft.MachineLearningServices/workspaces/read"
    return _seen(fact, workspace_id, right, lambda: azure.resource(workspace_id, versions.WORKSPACES))


def _managed_group(workspace: Seen) -> str:
    if workspace is None or isinstance(workspace, Unseen):
        return ""
    return managed_group(workspace)


def _with_key(azure: Snapshot, found: Documents, key_id: str) -> Documents:
    """Read a key with its versions, and who may use it."""
    if not key_id:
        return found
    vault_id = key_id.rpartition("/keys/")[0]
    (key, listed), (cosmos_db, vault) = azure.gather2(
        lambda: azure.gather2(
            lambda: _seen(
                "key",
                key_id,
                "Microsoft.KeyVault/vaults/keys/read",
                lambda: azure.document(key_id, versions.KEY_VAULT, decoding.Key),
            ),
            lambda: _seen(
                "versions of the key",
                key_id,
                "Microsoft.KeyVault/vaults/keys/versions/read",
                lambda: azure.listing(f"{key_id}/versions", versions.KEY_VAULT, decoding.KeyVersions),
            ),
        ),
        lambda: azure.gather2(lambda: _cosmos_db(azure), lambda: _vault(azure, vault_id, key_id)),
    )
    document, assignments, definitions = vault
    return replace(
        found,
        key_id=key_id,
        key=key,
        versions=listed,
        vault=document,
        assignments=assignments,
        definitions=definitions,
        cosmos_db=cosmos_db,
    )


def _cosmos_db(azure: Snapshot) -> Seen:
    """Read the service principal of Azure Cosmos DB, which gives an object id its name."""
    app_id = ENDPOINTS[azure.cloud].cosmos_db_app_id
    return _seen(
        "name of Azure Cosmos DB in the directory",
        app_id,
        "Application.Read.All of Microsoft Graph",
        lambda: azure.service_principal(app_id),
    )


def _vault(azure: Snapshot, vault_id: str, key_id: str) -> tuple[Seen, Seen, list[ArmDocument]]:
    """Read the vault and, where it uses roles, the assignments at the key and above with their definitions."""
    vault = _seen(
        "key vault",
        vault_id,
        "Microsoft.KeyVault/vaults/read",
        lambda: azure.resource(vault_id, versions.KEY_VAULT),
    )
    if vault is None or isinstance(vault, Unseen) or not vault["properties"].get("enableRbacAuthorization"):
        return vault, None, []
    assignments = _seen(
        "role assignments at the key",
        key_id,
        "Microsoft.Authorization/roleAssignments/read",
        lambda: azure.assignments_at(key_id),
    )
    if assignments is None or isinstance(assignments, Unseen):
        return vault, assignments, []
    roles = dict.fromkeys(str(each["properties"]["roleDefinitionId"]) for each in assignments["value"])
    found = azure.gather(*(partial(azure.role_definition, each) for each in roles))
    # Azure may return a definition under another scope; its id as assigned is the one to compare.
    named = [{**each, "id": role} for role, each in zip(roles, found, strict=True) if each is not None]
    if len(named) < len(roles):
        hidden = next(role for role, each in zip(roles, found, strict=True) if each is None)
        right = "Microsoft.Authorization/roleDefinitions/read"
        return vault, Unseen("roles that are assigned at the key", hidden, "a role cannot be read", right), named
    return vault, assignments, named


# --- leftovers


def _logs(azure: Snapshot, names: Names | None) -> Seen:
    """Read the soft-deleted Log Analytics workspace of the profile's name."""
    if names is None:
        return None
    logs = ResourceId.parse(names.log_analytics_id)
    group = group_id(logs.subscription, logs.resource_group)
    found = _seen(
        "soft-deleted Log Analytics workspaces",
        group,
        "Microsoft.OperationalInsights/deletedWorkspaces/read",
        lambda: azure.listing(
            f"{group}/providers/{logs.provider}/deletedWorkspaces", versions.LOG_ANALYTICS, _DeletedLogs
        ),
    )
    if found is None or isinstance(found, Unseen):
        return found
    return next((each for each in found["value"] if each["id"].lower() == names.log_analytics_id.lower()), None)


def _deleted_keys_and_vaults(azure: Snapshot, found: Documents, names: Names | None) -> dict[str, Seen]:
    """Read what an absent vault or key may come back from. What exists has no soft-deleted namesake."""
    if names is None:
        return {}
    reads: dict[str, Callable[[], Seen]] = {}
    if found.vault is None:
        reads["key vault"] = partial(_deleted_vault, azure, names.vault_id, names.location)
    elif found.key is None and not isinstance(found.vault, Unseen):
        uri = str(found.vault["properties"].get("vaultUri") or "")
        reads["key"] = partial(_deleted_key, azure, uri, names)
    if found.workspace is None and names.workspace_vault_id.lower() != names.vault_id.lower():
        reads["workspace key vault"] = partial(_deleted_vault, azure, names.workspace_vault_id, names.location)
    return dict(zip(reads, azure.gather(*reads.values()), strict=True))


def _deleted_vault(azure: Snapshot, vault_id: str, location: str) -> Seen:
    return _seen(
        "soft-deleted key vault",
        vault_id,
        "Microsoft.KeyVault/locations/deletedVaults/read in the subscription",
        lambda: azure.deleted_vault(ResourceId.parse(vault_id).name, location),
    )


def _deleted_key(azure: Snapshot, uri: str, names: Names) -> Seen:
    return _seen(
        "soft-deleted key",
        f"{names.vault_id}/keys/{names.key}",
        "the permission get on keys of the vault, or the role Key Vault Crypto Officer",
        lambda: azure.deleted_key(uri, names.key),
    )


def _soft_deleted(azure: Snapshot, found: Documents) -> Documents:
    """Read what shows a soft-deleted workspace: its managed resource group, and the list of the subscription.

    Azure documents neither. The group is kept until the purge (concept-soft-delete); that the list shows such workspaces is
    reported: https://github.com/Azure/azure-powershell/issues/28286
    """
    if found.workspace is not None:
        return found
    scope = subscription_id(ResourceId.parse(found.workspace_id).subscription)
    groups, workspaces = azure.gather2(
        lambda: _seen(
            "resource groups, which show a soft-deleted workspace",
            scope,
            "Microsoft.Resources/subscriptions/resourceGroups/read in the subscription",
            lambda: azure.listing(f"{scope}/resourcegroups", versions.RESOURCES, _Groups),
        ),
        lambda: _seen(
            "workspaces, whose list shows a soft-deleted one",
            scope,
            "Microsoft.MachineLearningServices/workspaces/read in the subscription",
            lambda: azure.listing(f"{scope}/providers/{_WORKSPACES}", versions.WORKSPACES, _Workspaces),
        ),
    )
    return replace(found, managed_groups=groups, listed=workspaces)


def _seen(fact: str, resource_id: str, right: str, read: Callable[[], ArmDocument | None]) -> Seen:
    """Return the document of a read, or why it may not be read. Raises AzureFailed for any other failure."""
    try:
        return read()
    except AzureFailed as error:
        reason = _NOT_READ.get(error.failure.kind)
        if reason is None:
            raise
        return Unseen(fact, resource_id, reason, right if error.failure.kind is FailureKind.DENIED else "")
