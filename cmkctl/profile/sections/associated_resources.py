"""The resources that a workspace needs beside the key.

To add a resource, define its section in `cmkctl.profile.sections.associated` and give `AssociatedResources` a field of it:
schema, reference, overrides and diagnostics follow from the field.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from cmkctl.azure.ids import ResourceId
from cmkctl.profile.section import Section
from cmkctl.profile.sections.associated.application_insights import ApplicationInsightsSettings
from cmkctl.profile.sections.associated.log_analytics import LogAnalyticsSettings
from cmkctl.profile.sections.associated.registry import ContainerRegistrySettings
from cmkctl.profile.sections.associated.storage import StorageAccountSettings
from cmkctl.profile.sections.associated.vault import WorkspaceVaultSettings


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
    def application_insights_id(self) -> str | None:
        """The ARM id of the Application Insights component; None when the profile requests none."""
        return self.application_insights.resource_id if self.application_insights.enabled else None

    @property
    def container_registry_name(self) -> str | None:
        """The name of the container registry; None when the profile requests none."""
        return self.container_registry.resource_name if self.container_registry else None

    @property
    def container_registry_id(self) -> str | None:
        """The ARM id of the container registry; None when the profile requests none."""
        return self.container_registry.resource_id if self.container_registry else None
