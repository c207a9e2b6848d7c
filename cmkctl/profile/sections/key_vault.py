"""The vault that holds the key, and its network rules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.section import Nameable, Section


class NetworkSettings(Section):
    """Network access to the data plane of the vault. Applied when cmkctl creates the vault."""

    public_access: field_types.Switch = Field(
        "enabled",
        description=(
            "Whether the vault has a public endpoint at all. Azure Cosmos DB cannot use a vault that only private "
            "endpoints reach; the way to a closed vault is enabled, default_action Deny and bypass AzureServices."
        ),
        examples=["enabled"],
    )
    default_action: Literal["Allow", "Deny"] = Field(
        "Allow",
        description="The action for callers that no rule matches. Deny is the vault firewall.",
        examples=["Deny"],
    )
    bypass: Literal["AzureServices", "None"] = Field(
        "AzureServices",
        description=(
            "Whether trusted Microsoft services pass the firewall. With default_action Deny the services that wrap the "
            "workspace's data keys need AzureServices."
        ),
        examples=["AzureServices"],
    )
    ip_rules: Annotated[tuple[field_types.IpRule, ...], Field(strict=False)] = Field(
        (),
        description="IPv4 addresses and CIDR ranges that pass the firewall.",
        examples=[["203.0.113.0/24"]],
    )
    subnets: Annotated[tuple[field_types.SubnetId, ...], Field(strict=False)] = Field(
        (),
        description="ARM ids of subnets that pass the firewall; each needs the Microsoft.KeyVault service endpoint.",
        examples=[
            [
                (
                    "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-net/providers/Microsoft.Network"
                    "/virtualNetworks/vnet-ml/subnets/snet-train"
                )
            ]
        ],
    )


class KeyVaultSettings(Nameable):
    """The vault that holds the key: one to create, or one that exists, in the workspace's subscription."""

    resource_type = "Microsoft.KeyVault/vaults"

    name: field_types.VaultName | None = Field(
        None,
        description=(
            "The vault's name, in the profile's resource group: created if absent, adopted if it is there. Unique in "
            "the whole cloud, soft-deleted vaults included. Give either name or id."
        ),
        examples=["kv-ml-prod-cmk"],
    )
    id: field_types.VaultId | None = Field(
        None,
        description=(
            "The ARM id of a vault that exists, in whatever resource group. cmkctl never creates it. Give either name "
            "or id."
        ),
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-security/providers/Microsoft.KeyVault"
                "/vaults/kv-central-cmk"
            )
        ],
    )
    authorization: Literal["access-policy", "rbac"] | None = Field(
        None,
        description=(
            "The vault's authorization model for keys. Left out: access-policy for a new vault, as in Microsoft's "
            "procedure, and whatever an existing vault has. cmkctl does not switch an existing vault."
        ),
        examples=["rbac"],
    )
    soft_delete_days: int | None = Field(
        None,
        ge=7,
        le=90,
        description=(
            "How many days a deleted vault or key can be recovered. Fixed when the vault is created. Left out: 90 for a "
            "new vault, and whatever an existing vault has."
        ),
        examples=[90],
    )
    sku: Literal["standard", "premium"] | None = Field(
        None,
        description="The vault's tier. Left out: premium when key.type is RSA-HSM, which needs it, otherwise standard.",
        examples=["premium"],
    )
    recover: bool = Field(
        False,
        description=(
            "Whether cmkctl recovers a soft-deleted vault of this name and resource group, with its keys, settings and "
            "access policies. Role assignments do not come back, and are planned again. False: such a vault is a conflict."
        ),
        examples=[True],
    )
    enabled_for_deployment: bool | None = Field(
        None,
        description=(
            "Whether virtual machines may get certificates from the vault. Left out: no for a new vault, and whatever an "
            "existing vault has."
        ),
        examples=[False],
    )
    enabled_for_template_deployment: bool | None = Field(
        None,
        description=(
            "Whether ARM templates may get secrets from the vault. Left out: no for a new vault, and whatever an existing "
            "vault has."
        ),
        examples=[False],
    )
    enabled_for_disk_encryption: bool | None = Field(
        None,
        description=(
            "Whether Azure Disk Encryption may get secrets and unwrap keys. Left out: no for a new vault, and whatever an "
            "existing vault has."
        ),
        examples=[False],
    )
    allow_enabling_purge_protection: bool = Field(
        False,
        description=(
            "Whether cmkctl may turn purge protection on in a vault that exists without it. It is required for a "
            "customer-managed key and can never be turned off again, so it needs this opt-in. A vault that "
            "cmkctl creates always has it."
        ),
        examples=[True],
    )
    network: NetworkSettings | None = Field(
        None,
        description=(
            "Network access to the vault's data plane. Left out: open to every network for a new vault, and whatever an "
            "existing vault has. cmkctl does not change the rules of an existing vault."
        ),
        examples=[{"default_action": "Deny", "bypass": "AzureServices"}],
    )
    tags: field_types.Tags = Field(
        default_factory=dict,
        max_length=50,
        description="Tags of the vault, beside those of the profile; the same name here wins.",
        examples=[{"data": "confidential"}],
    )

    @property
    def flags(self) -> dict[str, bool]:
        """The flags that the profile gives, by Azure's names."""
        given = {
            "enabledForDeployment": self.enabled_for_deployment,
            "enabledForTemplateDeployment": self.enabled_for_template_deployment,
            "enabledForDiskEncryption": self.enabled_for_disk_encryption,
        }
        return {name: value for name, value in given.items() if value is not None}
