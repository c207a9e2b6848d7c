"""The default storage account of a workspace.

Source: https://learn.microsoft.com/rest/api/storagerp/storage-accounts/create
"""

from __future__ import annotations

from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.ids import ResourceId
from cmkctl.plan import Json, Phrase
from cmkctl.profile.model import Profile
from cmkctl.profile.sections.associated.storage import StorageNetworkSettings
from cmkctl.steps._associated.customer_key import KeyInUse, another_key, encrypted_with, user_assigned_identity
from cmkctl.steps._associated.shared import PASSES, PUBLIC_ACCESS, default_action, ip_rules, subnets
from cmkctl.steps._associated.spec import ResourceSpec, Supplied, given_values, has_id, named, switched
from cmkctl.steps._associated.values import TLS, Compared, at
from cmkctl.steps._tags import new_tags


def _body(profile: Profile, supplied: Supplied) -> dict[str, Json]:
    settings = profile.associated_resources.storage_account
    network = settings.network
    return {
        "location": profile.location,
        "tags": new_tags(profile, settings.tags),
        "sku": {"name": settings.sku},
        "kind": "StorageV2",
        **(user_assigned_identity(profile) if settings.encryption == "customer" else {}),
        "properties": {
            "supportsHttpsTrafficOnly": True,
            "minimumTlsVersion": "TLS1_2",
            "allowBlobPublicAccess": False,
            **({"allowSharedKeyAccess": settings.shared_keys == "enabled"} if settings.shared_keys else {}),
            **_network(network),
            **_encryption(profile, supplied),
        },
    }


def _network(network: StorageNetworkSettings | None) -> dict[str, Json]:
    if network is None:
        return {}
    bypass = ("AzureServices",) if network.bypass is None else network.bypass
    return {
        **({"publicNetworkAccess": switched(network.public_access)} if network.public_access else {}),
        "networkAcls": {
            "bypass": ", ".join(bypass) or "None",
            "defaultAction": network.default_action or "Allow",
            "ipRules": [{"value": each, "action": "Allow"} for each in network.ip_rules],
            "virtualNetworkRules": [{"id": each, "action": "Allow"} for each in network.subnets],
            "resourceAccessRules": [
                {"tenantId": each.tenant, "resourceId": each.resource} for each in network.resource_access_rules
            ],
        },
    }


def _encryption(profile: Profile, supplied: Supplied) -> dict[str, Json]:
    settings = profile.associated_resources.storage_account
    twice: dict[str, Json] = given_values(requireInfrastructureEncryption=settings.infrastructure_encryption)
    if settings.encryption == "customer":
        return {
            "encryption": {
                "keySource": _KEY_VAULT,
                # Without a version the account looks for a new one daily.
                "keyvaultproperties": {
                    "keyvaulturi": supplied.vault_uri,
                    "keyname": profile.key.name,
                    "keyversion": "",
                },
                "identity": {"userAssignedIdentity": profile.workspace.key_identity_id},
                **twice,
                # Only a new account can have queues and tables with the account's key.
                "services": {each: {"enabled": True, "keyType": "Account"} for each in _SERVICES},
            }
        }
    if not twice:
        return {}
    return {
        "encryption": {
            "keySource": "Microsoft.Storage",
            **twice,
            "services": {"blob": {"enabled": True}, "file": {"enabled": True}},
        }
    }


_KEY_VAULT: Final = "Microsoft.Keyvault"
_SERVICES: Final = ("blob", "file", "queue", "table")


_ZONE_REDUNDANT: Final = frozenset({"standard_zrs", "standard_gzrs", "standard_ragzrs"})


def _same_redundancy(found: str, wanted: str) -> bool:
    """Return True when both replicate over zones, or neither does: Azure converts between the two on request only.

    Source: https://learn.microsoft.com/azure/storage/common/redundancy-migration
    """
    return (found.lower() in _ZONE_REDUNDANT) == (wanted.lower() in _ZONE_REDUNDANT)


def _sku(profile: Profile) -> str | None:
    return named(profile.associated_resources.storage_account, "sku")


def _fixed(profile: Profile, found: ArmDocument, supplied: Supplied) -> tuple[str, ...]:
    return _other_redundancy(profile, found) or _other_key(profile, found, supplied)


def _other_key(profile: Profile, found: ArmDocument, supplied: Supplied) -> tuple[str, ...]:
    """Return the conflict with an account that lacks the key which the profile requests; empty without."""
    settings, identity = profile.associated_resources.storage_account, profile.workspace.key_identity_id
    if settings.encryption != "customer":
        return ()
    encrypt = (
        f"run cmkctl encrypt with services.storage_accounts: [{{id: {settings.resource_id}, identity: {identity}}}]"
    )
    has = at(found, "properties.encryption") or {}
    if not same_word(has.get("keySource"), _KEY_VAULT):
        return (
            "CMK266",
            "it has Microsoft's key, and cmkctl apply sets the customer's key only when it creates the account",
            encrypt,
            f"leave {STORAGE.field}.encryption out",
            f"choose another {STORAGE.field}.name for a new one",
        )
    used = _key_in_use(found) or KeyInUse("", "", "")
    return another_key(STORAGE.field, used, supplied.key_uri, identity, encrypt)


def _key_in_use(found: ArmDocument) -> KeyInUse | None:
    """Return the customer's key of an account; None for one with Microsoft's key."""
    has = at(found, "properties.encryption") or {}
    if not same_word(has.get("keySource"), _KEY_VAULT):
        return None
    key = has.get("keyvaultproperties") or {}
    return KeyInUse(
        f"{str(key.get('keyvaulturi') or '').rstrip('/')}/keys/{key.get('keyname')}",
        str(key.get("keyversion") or ""),
        str((has.get("identity") or {}).get("userAssignedIdentity") or ""),
    )


def _with_key(found: ArmDocument, key: str) -> dict[str, Json]:
    """Return the body that sets a key without a version; its reader stays."""
    vault, _, name = key.partition("/keys/")
    reader = at(found, "properties.encryption.identity.userAssignedIdentity")
    return {
        "properties": {
            "encryption": {
                "keySource": _KEY_VAULT,
                "keyvaultproperties": {"keyvaulturi": f"{vault}/", "keyname": name, "keyversion": ""},
                **({"identity": {"userAssignedIdentity": reader}} if reader else {}),
            }
        }
    }


def _other_redundancy(profile: Profile, found: ArmDocument) -> tuple[str, ...]:
    sku, has = _sku(profile), str(at(found, "sku.name"))
    if not sku or same_word(has, sku) or _same_redundancy(has, sku):
        return ()
    name = ResourceId.parse(profile.associated_resources.storage_account.resource_id).name
    return (
        "CMK245",
        f"it is {has}, not {sku}, and Azure converts between them only on request",
        f"write associated_resources.storage_account.sku: {has}, or leave it out",
        (
            f"request a conversion: az storage account migration start --sku {sku} --account-name "
            f"{name} --resource-group {profile.resource_group}"
        ),
    )


_ACLS: Final = "properties.networkAcls"

STORAGE: Final = ResourceSpec(
    kind="storage account",
    field="associated_resources.storage_account",
    type="Microsoft.Storage/storageAccounts",
    api_version=versions.STORAGE,
    resource_id=lambda profile: profile.associated_resources.storage_account.resource_id,
    given=lambda profile: has_id(profile.associated_resources.storage_account),
    body=_body,
    compared=(
        Compared("properties.supportsHttpsTrafficOnly", Phrase("https only", "http as well"), (False, True)),
        Compared("properties.minimumTlsVersion", Phrase(), TLS),
        Compared("properties.allowBlobPublicAccess", Phrase("public blobs", "no public blobs"), (True, False)),
        Compared(
            "properties.allowSharedKeyAccess",
            Phrase("shared keys", "no shared keys"),
            (True, False),
            absent=True,
            field="shared_keys",
        ),
        Compared(
            "properties.encryption.requireInfrastructureEncryption",
            Phrase("infrastructure encryption", ""),
            absent=False,
            field="infrastructure_encryption",
            fixed=True,
        ),
        PUBLIC_ACCESS,
        default_action(_ACLS),
        Compared(f"{_ACLS}.bypass", Phrase("bypass {}"), field="network.bypass", words=True, whole=_ACLS),
        ip_rules(_ACLS),
        subnets(_ACLS),
        Compared(
            f"{_ACLS}.resourceAccessRules", PASSES, field="network.resource_access_rules", key="resourceId", whole=_ACLS
        ),
    ),
    shown=lambda profile: encrypted_with(profile, profile.associated_resources.storage_account.encryption),
    sku=_sku,
    fixed=_fixed,
    key_in_use=_key_in_use,
    with_key=_with_key,
    unfit=(
        (
            "properties.isHnsEnabled",
            True,
            "it has a hierarchical namespace, which a workspace's default storage may not have",
        ),
        ("sku.tier", "Premium", "it is a premium account, which a workspace's default storage may not be"),
    ),
)
