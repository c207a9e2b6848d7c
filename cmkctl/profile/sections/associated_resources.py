"""The resources that a workspace needs beside the key.

To add a resource, define its section here and give `AssociatedResources` a field of it: schema, reference, overrides and
diagnostics follow from the field.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from cmkctl.azure.ids import ResourceId
from cmkctl.profile import field_types
from cmkctl.profile.derived_names import DerivedName
from cmkctl.profile.section import Nameable, Section


class StorageAccountSettings(Nameable):
    """The workspace's default storage account."""

    resource_type = "Microsoft.Storage/storageAccounts"
    derived = DerivedName("st", 14, separator="")

    name: field_types.StorageName | None = Field(
        None,
        description="The account's name, in the profile's resource group. Left out: a stable name is derived.",
        examples=["stmlprod"],
    )
    id: field_types.StorageId | None = Field(
        None,
        description="The ARM id of an account that exists; cmkctl never changes it. Give name or id or neither.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.Storage"
                "/storageAccounts/stmlprod"
            )
        ],
    )
    sku: Literal[
        "Standard_LRS", "Standard_ZRS", "Standard_GRS", "Standard_GZRS", "Standard_RAGRS", "Standard_RAGZRS"
    ] = Field(
        "Standard_LRS",
        description="How a new account is replicated. Premium accounts cannot be a workspace's default storage.",
        examples=["Standard_ZRS"],
    )


class LogAnalyticsSettings(Nameable):
    """The Log Analytics workspace that stores the data of Application Insights."""

    resource_type = "Microsoft.OperationalInsights/workspaces"
    derived = DerivedName("log", 33)

    name: field_types.LogAnalyticsName | None = Field(
        None,
        description="Its name, in the profile's resource group. Left out: a stable name is derived.",
        examples=["log-ml-prod"],
    )
    id: field_types.LogAnalyticsId | None = Field(
        None,
        description="The ARM id of one that exists; cmkctl never changes it. Give name or id or neither.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ops/providers/Microsoft.OperationalInsights"
                "/workspaces/log-central"
            )
        ],
    )


class ApplicationInsightsSettings(Nameable):
    """The Application Insights component of the workspace."""

    resource_type = "Microsoft.Insights/components"
    derived = DerivedName("appi", 33)

    name: field_types.ComponentName | None = Field(
        None,
        description="Its name, in the profile's resource group. Left out: a stable name is derived.",
        examples=["appi-ml-prod"],
    )
    id: field_types.ComponentId | None = Field(
        None,
        description="The ARM id of one that exists; cmkctl never changes it. Give name or id or neither.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ops/providers/Microsoft.Insights"
                "/components/appi-central"
            )
        ],
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


class ContainerRegistrySettings(Nameable):
    """A container registry for the workspace's environments."""

    resource_type = "Microsoft.ContainerRegistry/registries"
    derived = DerivedName("cr", 33, separator="")

    name: field_types.RegistryName | None = Field(
        None,
        description="The registry's name, in the profile's resource group. Left out: a stable name is derived.",
        examples=["crmlprod"],
    )
    id: field_types.RegistryId | None = Field(
        None,
        description="The ARM id of a registry that exists; cmkctl never changes it. Give name or id or neither.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.ContainerRegistry"
                "/registries/crmlprod"
            )
        ],
    )
    sku: Literal["Basic", "Standard", "Premium"] = Field(
        "Premium",
        description="The tier of a new registry. Only Premium has private endpoints and keys of your own.",
        examples=["Premium"],
    )


def _vault_form(value: object) -> str:
    return "settings" if isinstance(value, dict | WorkspaceVaultSettings) else "same"


class AssociatedResources(Section):
    """The resources that a workspace needs beside the key: created with stable names in the profile's group, or given by id."""

    storage_account: StorageAccountSettings = Field(
        default_factory=StorageAccountSettings,
        description="The default storage account.",
        examples=[{"sku": "Standard_ZRS"}],
    )
    log_analytics: LogAnalyticsSettings = Field(
        default_factory=LogAnalyticsSettings,
        description="The Log Analytics workspace behind Application Insights.",
        examples=[{"name": "log-ml-prod"}],
    )
    application_insights: ApplicationInsightsSettings = Field(
        default_factory=ApplicationInsightsSettings,
        description="The Application Insights component.",
        examples=[{"name": "appi-ml-prod"}],
    )
    key_vault: Annotated[
        Annotated[Literal["same"], Tag("same")] | Annotated[WorkspaceVaultSettings, Tag("settings")],
        Discriminator(_vault_form),
    ] = Field(
        default_factory=WorkspaceVaultSettings,
        description=(
            "The vault for the workspace's own secrets. Left out, or {}: one apart from the vault with the key, with a "
            "derived name. Write same for one vault that serves both: the workspace's identity then has wide rights on "
            "the vault with the key."
        ),
        examples=["same"],
    )
    container_registry: ContainerRegistrySettings | None = Field(
        None,
        description=(
            "A container registry; {} for one with a derived name. Left out: none, and Azure Machine Learning makes "
            "one when an environment is first built."
        ),
        examples=[{"sku": "Premium"}],
    )

    @property
    def key_vault_name(self) -> str:
        """The name of the vault for the workspace's own secrets, which may be the one that holds the key."""
        return ResourceId.parse(self.key_vault_id).name

    @property
    def key_vault_id(self) -> str:
        """The ARM id of the vault for the workspace's own secrets, which may be the one that holds the key."""
        return self.placement.key_vault if self.key_vault == "same" else self.key_vault.resource_id

    @property
    def container_registry_name(self) -> str | None:
        """The name of the container registry; None when the profile asks for none."""
        return self.container_registry.resource_name if self.container_registry else None

    @property
    def container_registry_id(self) -> str | None:
        """The ARM id of the container registry; None when the profile asks for none."""
        return self.container_registry.resource_id if self.container_registry else None
