"""When an existing workspace differs in what is fixed at creation. For `workspace`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from cmkctl.azure.compare import same_identity_type, same_key_identifier, same_resource_id, same_word
from cmkctl.azure.decoding import moment
from cmkctl.azure.session import ArmDocument
from cmkctl.plan import Json, Known, Unknown
from cmkctl.profile.model import Profile

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
    """The provisioning state of a workspace in lower case, empty when there is none."""
    return str((found or {}).get("properties", {}).get("provisioningState", "")).lower()


def failed_as_created(found: ArmDocument) -> bool:
    """Whether this is what a failed creation left: nobody but its creator wrote to it, and there is nothing to lose.

    Azure stamps every write. A workspace that was ready once and failed in a later update carries somebody's work, and a
    creation sent over it would set back what it does not mention (docs/adr/0012-failed-creations.md).

    Source: https://learn.microsoft.com/rest/api/azureml/workspaces/get#systemdata and recordings of workspaces, where the two
    times are equal after a creation, to the last digit.
    """
    stamps = found.get("systemData") or {}
    made, last = moment(stamps.get("createdAt")), moment(stamps.get("lastModifiedAt"))
    if state_of(found) != "failed" or made is None or last is None or _set_by_others(found):
        return False
    return last == made or (
        stamps.get("createdBy") == stamps.get("lastModifiedBy") and last - made < _CREATION_TAKES_AT_MOST
    )


def _set_by_others(found: ArmDocument) -> list[str]:
    """The settings that a creation of ours does not mention and that somebody has set."""
    properties = found.get("properties", {})
    isolated = not same_word((properties.get("managedNetwork") or {}).get("isolationMode", "Disabled"), "Disabled")
    return [each for each in _NOT_OURS if _says_something(properties.get(each))] + (
        ["managedNetwork"] if isolated else []
    )


def _says_something(value: Any) -> bool:
    """Whether a setting is set: Azure shows one that is not as nulls, false and empty lists."""
    if isinstance(value, Mapping):
        return any(_says_something(inner) for inner in value.values())
    return bool(value)


def on_or_off(flag: bool) -> str:
    """A flag in words."""
    return "on" if flag else "off"


def key_identifier(known: Known) -> Json:
    """The key identifier that the workspace is to have, with its version."""
    return known.get("key", {}).get("identifier", Unknown("key", "identifier"))


def conflicts_of(profile: Profile, found: ArmDocument, known: Known) -> Iterator[tuple[str, ...]]:
    """What differs on an existing workspace and is fixed at creation: code, reason, ways out."""
    properties = found.get("properties", {})
    if state_of(found) not in ("succeeded", "") and not failed_as_created(found):
        yield (
            "CMK251",
            f"Azure reports it as {state_of(found)}",
            f"find out why: az ml workspace diagnose --name {profile.workspace.name} --resource-group {profile.resource_group}",
            "mend the cause, and choose another workspace.name: deleted, this one stays taken for 14 days",
        )
    recreate = "create a workspace with another name, and move the work there"
    yield from ((*each, recreate) for each in _encryption(profile, properties, known))
    if bool(properties.get("hbiWorkspace")) != profile.workspace.high_business_impact:
        has = on_or_off(bool(properties.get("hbiWorkspace")))
        yield "CMK255", f"high business impact is {has}, and is fixed at creation", recreate
    yield from _associations(profile, found)


def _encryption(profile: Profile, properties: Mapping[str, Any], known: Known) -> Iterator[tuple[str, ...]]:
    encryption = properties.get("encryption") or {}
    key = encryption.get("keyVaultProperties") or {}
    if not same_word(encryption.get("status"), "Enabled"):
        yield "CMK252", "it is encrypted with Microsoft's keys, and encryption is fixed at creation"
        return
    if not same_resource_id(key.get("keyVaultArmId"), profile.vault_id):
        yield "CMK253", f"its key is in {key.get('keyVaultArmId')}, and a workspace keeps its vault"
    service_side = bool(properties.get("enableServiceSideCMKEncryption"))
    if service_side != (profile.workspace.encryption == "service-side"):
        yield (
            "CMK254",
            f"it is {'service-side' if service_side else 'in-subscription'}, and the architecture is fixed at creation",
        )
    named_so = f"/keys/{profile.key.name}/".lower() in str(key.get("keyIdentifier")).lower()
    if isinstance(key_identifier(known), Unknown) and named_so:
        yield (
            "CMK256",
            f"its key {key.get('keyIdentifier')} is not in the vault any more, and a key made anew is another one",
            f"recover it: az keyvault key recover --vault-name {profile.key_vault_name} --name {profile.key.name}",
        )
    elif not _same_key(key.get("keyIdentifier"), key_identifier(known)):
        yield "CMK256", f"it uses another key: {key.get('keyIdentifier')}"
    identity = (encryption.get("identity") or {}).get("userAssignedIdentity")
    if not same_resource_id(identity, profile.identity_id):
        yield "CMK257", f"its key is read by {identity or 'the service'}, not by {profile.identity_id or 'the service'}"


def _same_key(found: str | None, wanted: Json) -> bool:
    """Whether it is the key of the profile in whichever version: following a new version is `cmkctl rotate`'s work."""
    return isinstance(wanted, str) and same_key_identifier(_versionless(found or ""), _versionless(wanted))


def _versionless(identifier: str) -> str:
    return identifier.rpartition("/")[0]


def _associations(profile: Profile, found: ArmDocument) -> Iterator[tuple[str, ...]]:
    properties = found.get("properties", {})
    wanted = {
        "storageAccount": profile.storage_account_id,
        "keyVault": profile.workspace_vault_id,
        "applicationInsights": profile.application_insights_id,
        # A workspace without a registry of its own gets one from the service when it first builds an environment.
        **({"containerRegistry": profile.container_registry_id} if profile.container_registry_id else {}),
    }
    for path, resource in wanted.items():
        if not same_resource_id(properties.get(path), resource):
            yield (
                "CMK258",
                f"its {path} is {properties.get(path) or 'not set'}",
                "write that id under associated_resources",
                "create a workspace with another name",
            )
    identity = (found.get("identity") or {}).get("type")
    if not same_identity_type(identity, "SystemAssigned" if profile.identity_id is None else "UserAssigned"):
        yield (
            "CMK259",
            f"its identity is {identity}",
            "write workspace.identity as it is",
            "change it with: az ml workspace update",
        )
