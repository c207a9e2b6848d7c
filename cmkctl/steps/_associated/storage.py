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
from cmkctl.profile.sections.associated.storage import StorageAccountSettings, StorageNetworkSettings
from cmkctl.steps._associated.spec import ResourceSpec, Supplied, has_id, named, switched
from cmkctl.steps._associated.values import OPEN_CLOSED, TLS, Compared, at
from cmkctl.steps._tags import merged_tags


def _body(profile: Profile, supplied: Supplied) -> dict[str, Json]:  # noqa: ARG001 - the signature of every body
    settings = profile.associated_resources.storage_account
    network = settings.network
    return {
        "location": profile.location,
        "tags": merged_tags(profile, settings.tags),
        "sku": {"name": settings.sku},
        "kind": "StorageV2",
        "properties": {
            "supportsHttpsTrafficOnly": True,
            "minimumTlsVersion": "TLS1_2",
            "allowBlobPublicAccess": False,
            **({"allowSharedKeyAccess": settings.shared_keys == "enabled"} if settings.shared_keys else {}),
            **_network(network),
            **_encryption(settings),
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


def _encryption(settings: StorageAccountSettings) -> dict[str, Json]:
    if settings.infrastructure_encryption is None:
        return {}
    return {
        "encryption": {
            "keySource": "Microsoft.Storage",
            "requireInfrastructureEncryption": settings.infrastructure_encryption,
            "services": {"blob": {"enabled": True}, "file": {"enabled": True}},
        }
    }


_ZONE_REDUNDANT: Final = frozenset({"standard_zrs", "standard_gzrs", "standard_ragzrs"})


def _same_redundancy(found: str, wanted: str) -> bool:
    """Return True when both replicate over zones, or neither does: Azure converts between the two on request only.

    Source: https://learn.microsoft.com/azure/storage/common/redundancy-migration
    """
    return (found.lower() in _ZONE_REDUNDANT) == (wanted.lower() in _ZONE_REDUNDANT)


def _sku(profile: Profile) -> str | None:
    return named(profile.associated_resources.storage_account, "sku")


def _fixed(profile: Profile, found: ArmDocument) -> tuple[str, ...]:
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
_FROM: Final = Phrase("open for {}")

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
        Compared(
            "properties.publicNetworkAccess",
            Phrase("public access {}"),
            OPEN_CLOSED,
            absent="Enabled",
            field="network.public_access",
        ),
        Compared(
            f"{_ACLS}.defaultAction",
            Phrase("default action {}"),
            ("Allow", "Deny"),
            absent="Allow",
            field="network.default_action",
            whole=_ACLS,
        ),
        Compared(f"{_ACLS}.bypass", Phrase("bypass {}"), field="network.bypass", words=True, whole=_ACLS),
        Compared(f"{_ACLS}.ipRules", _FROM, field="network.ip_rules", key="value", whole=_ACLS),
        Compared(f"{_ACLS}.virtualNetworkRules", _FROM, field="network.subnets", key="id", whole=_ACLS),
        Compared(
            f"{_ACLS}.resourceAccessRules", _FROM, field="network.resource_access_rules", key="resourceId", whole=_ACLS
        ),
    ),
    sku=_sku,
    fixed=_fixed,
    unfit=(
        (
            "properties.isHnsEnabled",
            True,
            "it has a hierarchical namespace, which a workspace's default storage may not have",
        ),
        ("sku.tier", "Premium", "it is a premium account, which a workspace's default storage may not be"),
    ),
)
