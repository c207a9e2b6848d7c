"""The vault for a workspace's own secrets, apart from the vault that holds the key.

Source: https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/create-or-update
"""

from __future__ import annotations

from typing import Final

from cmkctl.azure import versions
from cmkctl.plan import Json
from cmkctl.profile.model import NetworkSettings, Profile
from cmkctl.steps._associated.spec import ResourceSpec, has_id
from cmkctl.steps._associated.values import Compared
from cmkctl.steps.key_vault import AUTHORIZATION, PURGE_PROTECTION, new_vault


def _body(profile: Profile, tenant: str) -> dict[str, Json]:
    return new_vault(profile, tenant, sku="standard", rbac=True, network=NetworkSettings())


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
    ),
)
