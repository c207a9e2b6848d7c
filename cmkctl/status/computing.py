"""Computes a status from documents of Azure. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Final

from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument, moment
from cmkctl.azure.ids import key_parts
from cmkctl.profile.field_types import days
from cmkctl.services.workspace import architecture, is_project
from cmkctl.status import (
    Due,
    DueKind,
    GrantStatus,
    KeyStatus,
    Leftover,
    Status,
    Unseen,
    Version,
    WorkspaceStatus,
)

COSMOS_DB: Final = "Azure Cosmos DB"
KEEP_OLD: Final = timedelta(hours=24)
"""Azure Cosmos DB may use the previous version for so long after a rotation.

Source: https://learn.microsoft.com/azure/cosmos-db/how-to-setup-customer-managed-keys#key-rotation
"""
SOFT_DELETED_DAYS: Final = 14
"""The retention of soft-deleted workspaces, of Azure Machine Learning and of Log Analytics.

Sources: https://learn.microsoft.com/azure/machine-learning/concept-soft-delete and
https://learn.microsoft.com/azure/azure-monitor/logs/delete-workspace
"""

_KEYS: Final = "Microsoft.KeyVault/vaults/keys/"
_USING: Final = tuple(f"{_KEYS}{each}/action" for each in ("wrap", "unwrap", "encrypt", "decrypt"))
_USING_BY_POLICY: Final = frozenset({"wrapkey", "unwrapkey", "encrypt", "decrypt", "all"})


Seen = ArmDocument | Unseen | None
"""A document of Azure, None for an absent one, or the reason why it was not read."""


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents of one status, and the time at which they were read.

    `workspace_id` is the requested workspace, `hub` that of a project; `key_id` the ARM id of its key, empty where
    neither the workspace nor a profile names one. `versions` and `assignments` are lists of Resource Manager; `definitions` are
    the roles in `assignments`. `deleted` are soft-deleted resources by kind. `managed_groups` and `listed` are the resource
    groups and the workspaces of the subscription, read where the workspace is absent.
    """

    at: datetime
    workspace_id: str
    workspace: Seen
    hub: Seen = None
    key_id: str = ""
    key: Seen = None
    versions: Seen = None
    vault: Seen = None
    assignments: Seen = None
    definitions: Sequence[ArmDocument] = ()
    cosmos_db: Seen = None
    managed_group: Seen = None
    accounts: Seen = None
    deleted: Mapping[str, Seen] = field(default_factory=dict)
    managed_groups: Seen = None
    listed: Seen = None

    @property
    def encrypted(self) -> Seen:
        """The workspace that has the key: the hub of a project, else the workspace itself."""
        return self.hub if is_project(_document(self.workspace)) else self.workspace


def status_of(found: Documents) -> Status:
    """Return the status that follows from the documents."""
    workspace = _workspace(found)
    key = _key(found)
    grants = _grants(found)
    due = sorted(_due(found, workspace, key, grants or ()), key=lambda each: (each.date or found.at, each.kind))
    return Status(found.at, workspace, key, grants, tuple(due), tuple(_leftovers(found)), tuple(_unseen(found)))


def encryption_of(workspace: Seen) -> Mapping[str, Any]:
    """Return the block of a workspace that names vault and key; empty without a customer-managed key."""
    encryption = _properties(workspace).get("encryption") or {}
    if not same_word(encryption.get("status"), "enabled"):
        return {}
    named: Mapping[str, Any] = encryption.get("keyVaultProperties") or {}
    return named


def _document(seen: Seen) -> ArmDocument:
    return {} if seen is None or isinstance(seen, Unseen) else seen


def _properties(seen: Seen) -> Mapping[str, Any]:
    return _document(seen).get("properties") or {}


def _workspace(found: Documents) -> WorkspaceStatus:
    if found.workspace is None or isinstance(found.workspace, Unseen):
        return WorkspaceStatus(found.workspace_id, False if found.workspace is None else None)
    properties = _properties(found.workspace)
    group = str(_properties(found.encrypted).get("serviceProvisionedResourceGroup") or "")
    account: ArmDocument = next(iter(_document(found.accounts).get("value") or ()), {})
    return WorkspaceStatus(
        str(found.workspace.get("id") or found.workspace_id),
        exists=True,
        location=str(found.workspace.get("location") or ""),
        kind=str(found.workspace.get("kind") or "Default"),
        state=str(properties.get("provisioningState") or ""),
        hub=str(properties.get("hubResourceId") or "") if is_project(found.workspace) else "",
        holder=_holder(found.encrypted),
        architecture=architecture(_document(found.encrypted)),
        high_business_impact=bool(properties.get("hbiWorkspace")),
        managed_group=group,
        visible=(not isinstance(found.managed_group, Unseen) and found.managed_group is not None) if group else None,
        cosmos_db_account=str(account.get("id") or ""),
        key_access=str((account.get("properties") or {}).get("customerManagedKeyStatus") or ""),
    )


def _holder(encrypted: Seen) -> str:
    if encrypted is None or isinstance(encrypted, Unseen):
        return ""
    return "customer" if encryption_of(encrypted) else "microsoft"


# --- the key


def _key(found: Documents) -> KeyStatus | None:
    if not found.key_id:
        return None
    uri = str(_properties(found.key).get("keyUriWithVersion") or "")
    used = str(encryption_of(found.encrypted).get("keyIdentifier") or "")
    versions = {each.name: each for each in _versions(found)}
    in_use = _of(versions, used)
    older = (
        each
        for each in versions.values()
        if in_use and each.created and in_use.created and each.created < in_use.created and each.enabled
    )
    return KeyStatus(
        found.key_id,
        None if isinstance(found.key, Unseen) else found.key is not None,
        key_parts(uri or used)[0],
        in_use,
        _of(versions, uri),
        tuple(sorted(older, key=lambda each: each.created or found.at)),
        tuple(_rotation_words(found.key)),
    )


def _of(versions: Mapping[str, Version], identifier: str) -> Version | None:
    """Return the version of a key identifier: with its dates where it was listed, else its name alone."""
    name = key_parts(identifier)[1].lower()
    return versions.get(name) or (Version(name) if name else None)


def _versions(found: Documents) -> Iterator[Version]:
    """Yield the versions that were listed, and the latest one, which comes with the key."""
    key = _document(found.key)
    uri = str(_properties(key).get("keyUriWithVersion") or "")
    if uri:
        yield _version(_properties(key))
    for each in _document(found.versions).get("value") or ():
        yield _version(each["properties"])


def _version(properties: Mapping[str, Any]) -> Version:
    attributes = properties.get("attributes") or {}
    return Version(
        key_parts(str(properties["keyUriWithVersion"]))[1].lower(),
        attributes.get("enabled"),
        *(_time(attributes.get(each)) for each in ("created", "nbf", "exp")),
    )


def _time(seconds: object) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None


def _rotation_words(key: Seen) -> Iterator[str]:
    policy = _properties(key).get("rotationPolicy") or {}
    for each in policy.get("lifetimeActions") or ():
        action = str((each.get("action") or {}).get("type") or "").lower()
        for trigger, duration in (each.get("trigger") or {}).items():
            yield f"{action} {trigger} {duration}"
    expiry = (policy.get("attributes") or {}).get("expiryTime")
    if expiry:
        yield f"expires {expiry}"


# --- grants


def _grants(found: Documents) -> tuple[GrantStatus, ...] | None:
    if found.vault is None or isinstance(found.vault, Unseen) or isinstance(found.assignments, Unseen):
        return () if found.vault is None else None
    if _properties(found.vault).get("enableRbacAuthorization"):
        return tuple(_roles(found))
    return tuple(_policies(found))


def _roles(found: Documents) -> Iterator[GrantStatus]:
    definitions = {_guid(str(each.get("id"))): each["properties"] for each in found.definitions}
    for each in _document(found.assignments).get("value") or ():
        properties = each["properties"]
        definition = definitions.get(_guid(str(properties["roleDefinitionId"])))
        if definition is not None and _uses_keys(definition):
            object_id = str(properties.get("principalId") or "")
            yield GrantStatus(
                _name(found, object_id),
                object_id,
                str(properties.get("principalType") or ""),
                "role",
                str(definition.get("roleName") or properties["roleDefinitionId"]),
                str(properties["scope"]),
                moment(properties.get("createdOn")),
                bool(properties.get("condition")),
            )


def _guid(role: str) -> str:
    return role.rpartition("/")[2].lower()


def _uses_keys(definition: Mapping[str, Any]) -> bool:
    """Return True for a role that allows to wrap, unwrap, encrypt or decrypt with keys."""
    return any(_allows(each, action) for each in definition.get("permissions") or () for action in _USING)


def _allows(permission: Mapping[str, Any], action: str) -> bool:
    def named(member: str) -> bool:
        return any(fnmatchcase(action.lower(), each.lower()) for each in permission.get(member) or ())

    return named("dataActions") and not named("notDataActions")


def _policies(found: Documents) -> Iterator[GrantStatus]:
    for each in _properties(found.vault).get("accessPolicies") or ():
        held = [str(word) for word in (each.get("permissions") or {}).get("keys") or ()]
        if _USING_BY_POLICY.intersection(word.lower() for word in held):
            object_id = str(each["objectId"])
            behalf = " for an application on its behalf" if each.get("applicationId") else ""
            yield GrantStatus(
                f"{_name(found, object_id)}{behalf}",
                object_id,
                "",
                "access-policy",
                ", ".join(held),
                str(_document(found.vault).get("id") or found.key_id.rpartition("/keys/")[0]),
            )


def _name(found: Documents, object_id: str) -> str:
    """Return the name of a principal that the documents identify; its object id for any other."""
    identity = _document(found.encrypted).get("identity") or {}
    users = identity.get("userAssignedIdentities") or {}
    known = {
        str(_document(found.cosmos_db).get("id") or "").lower(): COSMOS_DB,
        str(identity.get("principalId") or "").lower(): "the workspace's identity",
        **{
            str(each.get("principalId") or "").lower(): f"identity {name.rpartition('/')[2]}"
            for name, each in users.items()
            if isinstance(each, Mapping)
        },
    }
    return known.get(object_id.lower(), object_id)


# --- due


def _due(
    found: Documents, workspace: WorkspaceStatus, key: KeyStatus | None, grants: Iterable[GrantStatus]
) -> Iterator[Due]:
    if key is not None:
        yield from _due_of_versions(found, key)
        yield from _due_by_policy(found, key)
    if workspace.exists is False and not list(_soft_deleted_workspaces(found)):
        yield from _grants_without_need(grants)


def _due_of_versions(found: Documents, key: KeyStatus) -> Iterator[Due]:
    if key.pending and key.latest is not None:
        text = f"the workspace uses an older version than {key.latest.name}, the latest; move it with: cmkctl rotate"
        yield Due(DueKind.NEW_VERSION, None, f"{key.identifier}/{key.latest.name}", text)
    shown = {
        each.name: (each, words)
        for each, words in ((key.latest, "latest version"), (key.in_use, "version in use"))
        if each
    }
    for version, words in shown.values():
        if version.expires is not None:
            over = version.expires <= found.at
            text = f"the {words} {'has expired' if over else 'expires'}: what it encrypts is then out of reach"
            yield Due(DueKind.EXPIRY, version.expires, f"{key.identifier}/{version.name}", text)
    changed = moment((_document(found.encrypted).get("systemData") or {}).get("lastModifiedAt"))
    for version in key.older:
        # The workspace was pointed at its version with its last change or before, so this date is never too early.
        date = changed + KEEP_OLD if changed is not None else None
        if date is not None:
            text = f"old version {version.name} is still enabled; disable it with: cmkctl rotate --retire-old"
            yield Due(DueKind.OLD_VERSION, date, f"{key.identifier}/{version.name}", text)


def _due_by_policy(found: Documents, key: KeyStatus) -> Iterator[Due]:
    """Yield the next version that the rotation policy makes."""
    policy = _properties(found.key).get("rotationPolicy") or {}
    for each in policy.get("lifetimeActions") or ():
        if same_word((each.get("action") or {}).get("type"), "rotate"):
            date = _rotates(each.get("trigger") or {}, key.latest)
            if date is not None:
                text = "the rotation policy makes a new version; then move the workspace to it with: cmkctl rotate"
                yield Due(DueKind.ROTATION, date, key.identifier, text)


def _rotates(trigger: Mapping[str, str], latest: Version | None) -> datetime | None:
    """Return the date of a rotation; None where a date or a duration is not known."""
    after, before = trigger.get("timeAfterCreate"), trigger.get("timeBeforeExpiry")
    if latest is None:
        return None
    try:
        if after and latest.created:
            return latest.created + timedelta(days=days(after.upper()))
        if before and latest.expires:
            return latest.expires - timedelta(days=days(before.upper()))
    except ValueError:
        return None
    return None


def _grants_without_need(grants: Iterable[GrantStatus]) -> Iterator[Due]:
    for each in grants:
        if each.principal == COSMOS_DB:
            text = f"{COSMOS_DB} may use the key, and this workspace does not exist; other resources may need the grant"
            yield Due(DueKind.GRANT, None, each.object_id, text)


# --- leftovers, and what was not seen


def _leftovers(found: Documents) -> Iterator[Leftover]:
    yield from _soft_deleted_workspaces(found)
    for kind, seen in found.deleted.items():
        yield from _deleted(kind, _document(seen))


def _soft_deleted_workspaces(found: Documents) -> Iterator[Leftover]:
    """Yield an absent workspace that Azure still keeps: its managed resource group is there, or the list still shows it."""
    groups = [
        str(each.get("name"))
        for each in _document(found.managed_groups).get("value") or ()
        if same_resource_id(each.get("managedBy"), found.workspace_id)
    ]
    rows = [
        each
        for each in _document(found.listed).get("value") or ()
        if same_resource_id(each.get("id"), found.workspace_id)
    ]
    if not groups and not rows:
        return
    billed = f", and resource group {groups[0]} is billed" if groups else ""
    effect = f"soft-deleted for up to {SOFT_DELETED_DAYS} days: its name is taken{billed} until it is purged"
    yield Leftover("workspace", found.workspace_id, None, None, effect)


def _deleted(kind: str, document: ArmDocument) -> Iterator[Leftover]:
    if "key" in document:  # from the vault's own endpoint
        yield Leftover(
            kind,
            str(document["key"]["kid"]),
            _time(document.get("deletedDate")),
            _time(document.get("scheduledPurgeDate")),
            "its name is taken in the vault until then",
        )
    elif "vaultId" in _properties(document):
        properties = _properties(document)
        yield Leftover(
            kind,
            str(properties["vaultId"]),
            moment(properties.get("deletionDate")),
            moment(properties.get("scheduledPurgeDate")),
            "its name is taken in all of Azure until then",
        )
    elif document:
        yield Leftover(
            kind,
            str(document.get("id") or ""),
            None,
            None,
            f"kept for {SOFT_DELETED_DAYS} days: a new one of this name, group and region is this one, recovered",
        )


def _unseen(found: Documents) -> Iterator[Unseen]:
    seen = (
        *(found.workspace, found.hub, found.key, found.versions, found.vault, found.assignments, found.cosmos_db),
        *(found.managed_group, found.accounts, *found.deleted.values(), found.managed_groups, found.listed),
    )
    yield from (each for each in seen if isinstance(each, Unseen))
    if found.workspace is None and not list(_soft_deleted_workspaces(found)):
        yield Unseen(
            "a soft-deleted workspace of this name",
            found.workspace_id,
            "none was found, and Azure documents no list of them",
            "",
        )
