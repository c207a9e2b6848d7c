"""The Azure Machine Learning workspace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.section import Contradiction, Section


class WorkspaceSettings(Section):
    """The Azure Machine Learning workspace. Encryption and high_business_impact can never be changed afterwards."""

    name: field_types.WorkspaceName = Field(description="The workspace's name.", examples=["mlw-prod"])
    high_business_impact: bool = Field(
        description=(
            "Whether the workspace holds data of high business impact: Microsoft then collects less diagnostic data "
            "and encrypts more. Fixed at creation, so it has no default."
        ),
        examples=[True],
    )
    encryption: Literal["in-subscription", "service-side"] = Field(
        description=(
            "The place of the encrypted metadata: in-subscription keeps it in Cosmos DB, AI Search and storage in a "
            "Microsoft-managed resource group that you pay for; service-side keeps it on Microsoft's side. Fixed at "
            "creation, so it has no default."
        ),
        examples=["in-subscription"],
    )
    identity: field_types.Identity = Field(
        "system-assigned",
        description=(
            "The workspace's identity: system-assigned, or the ARM id of a user-assigned identity that exists, which then "
            "reads the key as well."
        ),
        examples=["system-assigned"],
    )
    friendly_name: str | None = Field(
        None, description="The name that people see in the studio.", examples=["Fraud models"]
    )
    description: str | None = Field(
        None, description="A text about the workspace.", examples=["Production models of the fraud team"]
    )
    public_network_access: field_types.Switch = Field(
        "enabled",
        description="Whether the workspace is reached from the internet. When disabled it needs a private endpoint.",
        examples=["enabled"],
    )
    cosmos_db_throughput: int | None = Field(
        None,
        ge=400,
        description=(
            "The throughput, in request units a second, of the Cosmos DB collections in the managed resource group. "
            "Only for in-subscription. Left out: the service decides."
        ),
        examples=[400],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield a throughput without the Cosmos DB that only the in-subscription architecture has."""
        if self.cosmos_db_throughput is not None and self.encryption == "service-side":
            yield Contradiction(
                "cosmos_db_throughput",
                "A service-side workspace has no Cosmos DB in your subscription whose throughput could be set.",
                "Leave workspace.cosmos_db_throughput out, or write workspace.encryption: in-subscription.",
            )

    @property
    def resource_id(self) -> str:
        """The ARM id of the workspace."""
        return self.placement.resource_id("Microsoft.MachineLearningServices/workspaces", self.name)

    @property
    def identity_id(self) -> str | None:
        """The ARM id of the user-assigned identity; None for the system-assigned one."""
        return None if self.identity == "system-assigned" else self.identity
