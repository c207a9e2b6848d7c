"""The vault for a workspace's own secrets."""

from __future__ import annotations

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.derived_names import DerivedName
from cmkctl.profile.section import Nameable


class WorkspaceVaultSettings(Nameable):
    """A vault of the workspace's own, for its secrets, apart from the vault that holds the key."""

    resource_type = "Microsoft.KeyVault/vaults"
    derived = DerivedName("kv", 12)

    name: field_types.VaultName | None = Field(
        None,
        description="The vault's name, in the profile's resource group. Left out: a stable name is derived.",
        examples=["kv-ml-prod"],
    )
    id: field_types.VaultId | None = Field(
        None,
        description="The ARM id of a vault that exists; cmkctl never changes it. Give name or id or neither.",
        examples=[
            "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.KeyVault/vaults/kv-ml-prod"
        ],
    )
