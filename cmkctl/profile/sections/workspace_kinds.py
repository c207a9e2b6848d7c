"""The settings of hubs, projects and feature stores."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.section import Section


class HubSettings(Section):
    """Settings of a hub (workspaceHubConfig). Fixed at creation."""

    default_project_resource_group: field_types.GroupName | None = Field(
        None,
        description="The resource group in which people's new projects are placed by default; it exists already.",
        examples=["rg-ml-projects"],
    )
    additional_storage_accounts: Annotated[tuple[field_types.StorageId, ...], Field(strict=False)] = Field(
        (),
        description="The ARM ids of storage accounts that the hub's projects may use beside the default one.",
        examples=[
            [
                (
                    "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers"
                    "/Microsoft.Storage/storageAccounts/stdata"
                )
            ]
        ],
    )


class FeatureStoreSettings(Section):
    """Settings of a feature store (featureStoreSettings). One that is left out keeps Azure's value."""

    spark_version: str | None = Field(
        None, min_length=1, description="The version of the Spark runtime that materializes features.", examples=["3.3"]
    )
    offline_store_connection: str | None = Field(
        None, min_length=1, description="The name of the connection to the offline store.", examples=["offline-store"]
    )
    online_store_connection: str | None = Field(
        None, min_length=1, description="The name of the connection to the online store.", examples=["online-store"]
    )


class ProjectSettings(Section):
    """A project of the hub. It has the hub's key, architecture and associated resources."""

    name: field_types.WorkspaceName = Field(description="The project's name.", examples=["mlp-fraud"])
    friendly_name: str | None = Field(
        None, description="The name that people see in the studio.", examples=["Fraud models"]
    )
    description: str | None = Field(
        None, description="A text about the project.", examples=["Models of the fraud team"]
    )
