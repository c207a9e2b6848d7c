"""Differences of an existing workspace in what is fixed at creation. For `workspace`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from cmkctl.azure.compare import same_identity_type, same_key_identifier, same_location, same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument, moment
from cmkctl.azure.ids import key_parts
from cmkctl.plan import Json, Known, Unknown
from cmkctl.profile.model import Profile
from cmkctl.steps._workspace_kinds import fixed_settings
from cmkctl.steps._workspace_network import creation
from cmkctl.steps.key import IDENTIFIER
from cmkctl.steps.key_vault import RECOVERING

_NOT_OURS: Final = (
    "associatedWorkspaces",
    "featureStoreSettings",
    "hubResourceId",
    "imageBuildCompute",
    "privateEndpointConnections",
    "serverlessComputeSettings",
    "sharedPrivateLinkResources",
    "workspaceHubConfig",
)
_CREATION_TAKES_AT_MOST: Final = timedelta(hours=2)


def state_of(found: ArmDocument | None) -> str:
    """Return the provisioning state of a workspace in lower case, empty when it is absent."""
    return str((found or {}).get("properties", {}).get("provisioningState", "")).lower()


def failed_as_created(profile: Profile, found: ArmDocument) -> bool:
    """Return True for the remains of a failed creation: only its creator wrote to it, so there is nothing to lose.

    Azure stamps every write. A workspace that was ready once and failed in a later update may hold work, and a creation sent
    over it would reset every setting that it leaves out (docs/adr/0012-failed-creations.md).

    Source: https://learn.microsoft.com/rest/api/azureml/workspaces/get#systemdata and recordings of workspaces, where the two
    times are equal after a creation, to the last digit.
    """
    stamps = found.get("systemData") or {}
    made, last = moment(stamps.get("createdAt")), moment(stamps.get("lastModifiedAt"))
    if state_of(found) != "failed" or made is None or last is None or _set_by_others(profile, found):
        return False
    return last == made or (
        stamps.get("createdBy") == stamps.get("lastModifiedBy") and last - made < _CREATION_TAKES_AT_MOST
    )


def _set_by_others(profile: Profile, found: ArmDocument) -> list[str]:
    """Return the settings that are set, although our creation leaves them out."""
    properties = found.get("properties", {})
    ours = {
        "featureStoreSettings": profile.workspace.feature_store is not None,
        "workspaceHubConfig": profile.workspace.hub is not None,
    }
    isolated = not same_word((properties.get("managedNetwork") or {}).get("isolationMode", "Disabled"), "Disabled")
    found_set = [each for each in _NOT_OURS if _is_set(properties.get(each))] + (["managedNetwork"] if isolated else [])
    sent = creation(profile)
    return [each for each in found_set if each not in sent and not ours.get(each)]


def _is_set(value: Any) -> bool:
    """Return True for a setting that is set: Azure shows an unset one as nulls, false and empty lists."""
    if isinstance(value, Mapping):
        return any(_is_set(inner) for inner in value.values())
    return bool(value)


def on_or_off(flag: bool) -> str:
    """Return a flag in words."""
    return "on" if flag else "off"


def key_identifier(known: Known) -> Json:
    """Return the desired key identifier of the workspace, with its version."""
    return known.get(IDENTIFIER)


def conflicts_of(profile: Profile, found: ArmDocument, known: Known) -> Iterator[tuple[str, ...]]:
    """Yield code, reason and ways out for each difference that is fixed at creation."""
    properties = found.get("properties", {})
    if state_of(found) not in ("succeeded", "") and not failed_as_created(profile, found):
        yield "CMK251", f"Azure reports it as {state_of(found)}", *_ways_out_of(state_of(found), profile)
    recreate = "create a workspace with another name, and move the work there"
    location = str(found.get("location") or profile.location)
    if not same_location(location, profile.location):
        yield (
            "CMK260",
            f"it is in {location}, not in {profile.location}",
            f"write location: {location}, for everything",
            recreate,
        )
    yield from fixed_settings(profile, found)
    yield from ((*each, recreate) for each in _encryption(profile, properties, known))
    if bool(properties.get("hbiWorkspace")) != profile.workspace.high_business_impact:
        has = on_or_off(bool(properties.get("hbiWorkspace")))
        value = str(bool(properties.get("hbiWorkspace"))).lower()
        yield (
            "CMK255",
            f"high business impact is {has}, and is fixed at creation",
            f"write workspace.high_business_impact: {value}",
            recreate,
        )
    yield from _associations(profile, found)


def _ways_out_of(state: str, profile: Profile) -> tuple[str, str]:
    """Return what to do about a workspace that is in no state to be changed."""
    if state in ("deleting", "softdeleted"):
        return (
            "wait until Azure has deleted it, then run the same command again: it names the ways to recover it",
            "choose another workspace.name: a deleted name stays taken for 14 days",
        )
    return (
        f"find out why: az ml workspace diagnose --name {profile.workspace.name} --resource-group {profile.resource_group}",
        "fix the cause and choose another workspace.name: a deleted name stays taken for 14 days",
    )


def _encryption(profile: Profile, properties: Mapping[str, Any], known: Known) -> Iterator[tuple[str, ...]]:
    encryption = properties.get("encryption") or {}
    key = encryption.get("keyVaultProperties") or {}
    if not same_word(encryption.get("status"), "Enabled"):
        yield "CMK252", "it is encrypted with Microsoft's keys, and encryption is fixed at creation"
        return
    if not same_resource_id(key.get("keyVaultArmId"), profile.key_vault.resource_id):
        yield (
            "CMK253",
            f"its key is in {key.get('keyVaultArmId') or 'an unknown vault'}, and a workspace keeps its vault",
        )
    service_side = bool(properties.get("enableServiceSideCMKEncryption"))
    if service_side != (profile.workspace.encryption == "service-side"):
        yield (
            "CMK254",
            f"it is {'service-side' if service_side else 'in-subscription'}, and the architecture is fixed at creation",
            f"write workspace.encryption: {'service-side' if service_side else 'in-subscription'}",
        )
    named_so = f"/keys/{profile.key.name}/".lower() in str(key.get("keyIdentifier")).lower()
    if isinstance(key_identifier(known), Unknown) and named_so:
        # A key that returns with its vault is compared when it is there.
        if known.get(RECOVERING) is not True:
            yield (
                "CMK256",
                (
                    f"its key {key.get('keyIdentifier')} is no longer in the vault, and a new key of that name would be a "
                    "different key"
                ),
                "write key.recover: true to recover it",
                f"recover it: az keyvault key recover --vault-name {profile.key_vault.resource_name} --name {profile.key.name}",
            )
    elif not _same_key(key.get("keyIdentifier"), key_identifier(known)):
        yield (
            "CMK256",
            f"it uses a different key: {key.get('keyIdentifier') or 'one that Azure does not name'}",
            *_rotation(profile, properties, key_identifier(known)),
        )
    identity, wanted = (encryption.get("identity") or {}).get("userAssignedIdentity"), profile.workspace.key_identity_id
    if not same_resource_id(identity, wanted):
        yield (
            "CMK257",
            f"its key is read by {identity or 'the service'}, not by {wanted or 'the service'}",
            *([f"write workspace.encryption_identity: {identity}"] if identity else []),
        )


def _rotation(profile: Profile, properties: Mapping[str, Any], wanted: Json) -> tuple[str, ...]:
    """Return the command that moves the workspace to the profile's key: possible within one vault, for one that works."""
    key = (properties.get("encryption") or {}).get("keyVaultProperties") or {}
    (found, version), (wanted_key, _) = key_parts(str(key.get("keyIdentifier"))), key_parts(str(wanted))
    same_vault = found.partition("/keys/")[0] == wanted_key.partition("/keys/")[0]
    possible = same_vault and version and str(properties.get("provisioningState") or "").lower() in ("succeeded", "")
    return (f"move it to that key: cmkctl rotate PROFILE --key {profile.key.name}",) if possible else ()


def _same_key(found: str | None, wanted: Json) -> bool:
    """Return True for the key of the profile in any version: a new version is followed by a rotation."""
    return isinstance(wanted, str) and same_key_identifier(_versionless(found or ""), _versionless(wanted))


def _versionless(identifier: str) -> str:
    return identifier.rpartition("/")[0]


_SECTIONS: Final = {
    "storageAccount": "storage_account",
    "keyVault": "key_vault",
    "applicationInsights": "application_insights",
    "containerRegistry": "container_registry",
}


def _ways_to_adopt(path: str, resource: str | None) -> tuple[str, ...]:
    return (f"write associated_resources.{_SECTIONS[path]}.id: {resource}",) if resource else ()


def _associations(profile: Profile, found: ArmDocument) -> Iterator[tuple[str, ...]]:
    properties = found.get("properties", {})
    wanted = {
        "storageAccount": profile.associated_resources.storage_account.resource_id,
        "keyVault": profile.associated_resources.key_vault_id,
        "applicationInsights": profile.associated_resources.application_insights_id,
        # A workspace without a registry gets one from the service when it first builds an environment.
        **(
            {"containerRegistry": profile.associated_resources.container_registry_id}
            if profile.associated_resources.container_registry_id
            else {}
        ),
    }
    for path, resource in wanted.items():
        if not same_resource_id(properties.get(path), resource):
            yield (
                "CMK258",
                f"its {path} is {properties.get(path) or 'not set'}",
                *_ways_to_adopt(path, properties.get(path)),
                "create a workspace with another name",
            )
    yield from _identities(profile, found)
    settings = profile.workspace
    wants_open = "public_network_access" in settings.model_fields_set and settings.public_network_access == "enabled"
    if wants_open and same_word(properties.get("publicNetworkAccess"), "Disabled"):
        yield (
            "CMK261",
            "public network access is disabled, and cmkctl never opens it",
            "write workspace.public_network_access: disabled, or leave it out",
            (
                f"open it: az ml workspace update --name {settings.name} --resource-group {profile.resource_group} "
                "--public-network-access Enabled"
            ),
        )


def _identities(profile: Profile, found: ArmDocument) -> Iterator[tuple[str, ...]]:
    """Yield a different kind of identity, a missing or further one, or a different primary one."""
    settings, identity = profile.workspace, found.get("identity") or {}
    users = [str(each) for each in identity.get("userAssignedIdentities") or {}]
    primary = found.get("properties", {}).get("primaryUserAssignedIdentity")
    if not same_identity_type(identity.get("type"), settings.identity_type):
        has = ", ".join([str(identity.get("type") or "none"), *users])
        yield (
            "CMK259",
            f"its identity is {has}, not {settings.identity_type}",
            *_ways_to_an_identity(identity, users, primary),
        )
        return
    missing = [
        each for each in settings.user_assigned_ids if users and not any(same_resource_id(each, one) for one in users)
    ]
    if missing:
        yield (
            "CMK259",
            f"it does not have the identity {', '.join(missing)}",
            *_ways_to_an_identity(identity, users, primary),
        )
        return
    further = [each for each in users if not any(same_resource_id(each, one) for one in settings.user_assigned_ids)]
    if further:
        ways = _ways_to_an_identity(identity, users, primary)
        yield "CMK259", f"it has the further identity {', '.join(further)}", *ways
        return
    if primary and settings.identity_id and not same_resource_id(primary, settings.identity_id):
        yield "CMK259", f"its primary identity is {primary}, not {settings.identity_id}", _CHANGE_IDENTITY


_CHANGE_IDENTITY: Final = "change it with: az ml workspace update"


def _ways_to_an_identity(identity: Mapping[str, Any], users: Sequence[str], primary: str | None) -> tuple[str, ...]:
    """Return what to write for the identity that the workspace has, where a profile can express it."""
    kind = str(identity.get("type") or "")
    system = "systemassigned" in kind.lower()
    if system and not users:
        return "write workspace.identity: system-assigned", _CHANGE_IDENTITY
    if len(users) == 1 and not system:
        return f"write workspace.identity: {users[0]}", _CHANGE_IDENTITY
    if users:
        acting = f", primary: {primary}" if primary else ""
        written = f"{{system_assigned: {str(system).lower()}, user_assigned: [{', '.join(users)}]{acting}}}"
        return f"write workspace.identity: {written}", _CHANGE_IDENTITY
    return (_CHANGE_IDENTITY,)
