"""The vault for a workspace's own secrets."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.derived_names import DerivedName
from cmkctl.profile.section import Nameable
from cmkctl.profile.sections.associated.network import SubnetRuleSettings


class WorkspaceVaultNetworkSettings(SubnetRuleSettings):
    """Network access to the data plane of the workspace's own vault. A vault that exists keeps what the profile leaves out."""

    public_access: field_types.Switch | None = Field(
        None,
        description="Whether the vault has a public endpoint. Left out: enabled for a new vault.",
        examples=["disabled"],
    )
    bypass: Literal["AzureServices", "None"] | None = Field(
        None,
        description="Whether trusted Microsoft services pass the firewall. Left out: AzureServices for a new vault.",
        examples=["AzureServices"],
    )


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
    soft_delete_days: int | None = Field(
        None,
        ge=7,
        le=90,
        description=(
            "How many days a deleted vault or secret can be recovered. Fixed when the vault is created. Left out: as for the "
            "vault that holds the key (key_vault.soft_delete_days)."
        ),
        examples=[30],
    )
    purge_protection: bool = Field(
        True,
        description=(
            "Whether a new vault gets purge protection. With false cmkctl does not turn it on: the vault then can be purged. "
            "It is never turned off."
        ),
        examples=[False],
    )
    network: WorkspaceVaultNetworkSettings | None = Field(
        None,
        description="Network access to the vault's data plane. Left out: open to every network for a new vault.",
        examples=[{"default_action": "Deny", "bypass": "AzureServices"}],
    )
    enabled_for_deployment: bool | None = Field(
        None, description="Whether virtual machines may retrieve certificates from the vault.", examples=[True]
    )
    enabled_for_template_deployment: bool | None = Field(
        None, description="Whether Azure Resource Manager may retrieve secrets from the vault.", examples=[True]
    )
    enabled_for_disk_encryption: bool | None = Field(
        None, description="Whether Azure Disk Encryption may retrieve secrets and unwrap keys.", examples=[True]
    )
    tags: field_types.Tags = Field(
        default_factory=dict,
        max_length=50,
        description="Tags of the vault, beside those of the profile; the same name here wins.",
        examples=[{"data": "confidential"}],
    )
