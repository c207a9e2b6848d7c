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
from cmkctl.steps._associated.spec import ResourceSpec, has_id, named
from cmkctl.steps._associated.values import TLS, Compared, at


def _body(profile: Profile, _tenant: str) -> dict[str, Json]:
    return {
        "location": profile.location,
        "tags": profile.tags,
        "sku": {"name": profile.associated_resources.storage_account.sku},
        "kind": "StorageV2",
        "properties": {
            "supportsHttpsTrafficOnly": True,
            "minimumTlsVersion": "TLS1_2",
            "allowBlobPublicAccess": False,
        },
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
