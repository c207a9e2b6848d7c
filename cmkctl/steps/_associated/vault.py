"""The vault for a workspace's own secrets, apart from the vault that holds the key.

Source: https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/create-or-update
"""

from __future__ import annotations

from typing import Final

from cmkctl.azure import versions
from cmkctl.plan import Json, Phrase
from cmkctl.profile.model import Profile
from cmkctl.profile.sections.associated.vault import WorkspaceVaultNetworkSettings, WorkspaceVaultSettings
from cmkctl.steps._associated.shared import PUBLIC_ACCESS, bypass, default_action, ip_rules, subnets
from cmkctl.steps._associated.spec import ResourceSpec, Supplied, given_values, has_id
from cmkctl.steps._associated.values import Compared
from cmkctl.steps._tags import new_tags
from cmkctl.steps.key_vault import AUTHORIZATION, PURGE_PROTECTION, days_kept, what_cannot_be_undone


def _body(profile: Profile, supplied: Supplied) -> dict[str, Json]:
    settings = _settings(profile)
    purge_protection: dict[str, Json] = {"enablePurgeProtection": True} if settings.purge_protection else {}
    return {
        "location": profile.location,
        "tags": new_tags(profile, settings.tags),
        "properties": {
            "tenantId": supplied.tenant,
            "sku": {"family": "A", "name": "standard"},
            "accessPolicies": [],
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": _days(profile),
            **purge_protection,
            # Its default changes with the api-version: roles from 2026-02-01 on, access policies before.
            "enableRbacAuthorization": True,
            **given_values(
                enabledForDeployment=settings.enabled_for_deployment,
                enabledForTemplateDeployment=settings.enabled_for_template_deployment,
                enabledForDiskEncryption=settings.enabled_for_disk_encryption,
            ),
            **_network(settings.network or WorkspaceVaultNetworkSettings()),
        },
    }


def _network(network: WorkspaceVaultNetworkSettings) -> dict[str, Json]:
    return {
        "publicNetworkAccess": network.public_access or "enabled",
        "networkAcls": {
            "bypass": network.bypass or "AzureServices",
            "defaultAction": network.default_action or "Allow",
            "ipRules": [{"value": each} for each in network.ip_rules],
            "virtualNetworkRules": [{"id": each} for each in network.subnets],
        },
    }


def _settings(profile: Profile) -> WorkspaceVaultSettings:
    settings = profile.associated_resources.key_vault
    return WorkspaceVaultSettings() if settings == "same" else settings


def _days(profile: Profile) -> int:
    return days_kept(_settings(profile).soft_delete_days or profile.key_vault.soft_delete_days)


def _irreversible(profile: Profile) -> tuple[str, ...]:
    """Return the effects that cannot be undone: without purge protection a deleted vault can be purged, and there are none."""
    return what_cannot_be_undone(_days(profile)) if _settings(profile).purge_protection else ()


_ACLS: Final = "properties.networkAcls"

VAULT: Final = ResourceSpec(
    kind="workspace key vault",
    field="associated_resources.key_vault",
    type="Microsoft.KeyVault/vaults",
    api_version=versions.KEY_VAULT,
    resource_id=lambda profile: profile.associated_resources.key_vault_id,
    given=lambda profile: has_id(profile.associated_resources.key_vault),
    body=_body,
    compared=(
        Compared("properties.enablePurgeProtection", PURGE_PROTECTION, repaired=False),
        Compared("properties.enableRbacAuthorization", AUTHORIZATION, repaired=False),
        Compared(
            "properties.softDeleteRetentionInDays",
            Phrase("soft delete {} days"),
            absent=90,
            field="soft_delete_days",
            fixed=True,
        ),
        Compared("properties.enabledForDeployment", absent=False, field="enabled_for_deployment"),
        Compared("properties.enabledForTemplateDeployment", absent=False, field="enabled_for_template_deployment"),
        Compared("properties.enabledForDiskEncryption", absent=False, field="enabled_for_disk_encryption"),
        PUBLIC_ACCESS,
        default_action(_ACLS),
        bypass(f"{_ACLS}.bypass", _ACLS),
        ip_rules(_ACLS),
        subnets(_ACLS),
    ),
    irreversible=_irreversible,
)
