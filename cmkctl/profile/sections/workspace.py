"""The Azure Machine Learning workspace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from cmkctl.profile import field_types
from cmkctl.profile.section import Contradiction, Section
from cmkctl.profile.sections.managed_network import ManagedNetworkSettings, ServerlessComputeSettings


class WorkspaceIdentities(Section):
    """Several identities of the workspace: its own, and user-assigned ones that exist."""

    system_assigned: bool = Field(
        True, description="Whether the workspace has a system-assigned identity as well.", examples=[True]
    )
    user_assigned: Annotated[tuple[field_types.IdentityId, ...], Field(strict=False, min_length=1)] = Field(
        description="The ARM ids of user-assigned identities that exist.",
        examples=[
            [
                (
                    "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ml/providers"
                    "/Microsoft.ManagedIdentity/userAssignedIdentities/id-ml"
                )
            ]
        ],
    )
    primary: field_types.IdentityId | None = Field(
        None,
        description=(
            "The user-assigned identity that the workspace acts as, which then reads the key as well. Left out: the "
            "system-assigned identity, or without one the only user-assigned identity."
        ),
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ml/providers"
                "/Microsoft.ManagedIdentity/userAssignedIdentities/id-ml"
            )
        ],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield a primary identity that the workspace does not have, or one that is needed and missing."""
        listed = [each.lower() for each in self.user_assigned]
        if self.primary is not None and self.primary.lower() not in listed:
            yield Contradiction(
                "primary",
                "The primary identity is not one of user_assigned.",
                "Add it to user_assigned, or leave primary out.",
            )
        if self.primary is None and not self.system_assigned and len(listed) > 1:
            yield Contradiction(
                "primary",
                "There is no system-assigned identity and several user-assigned ones, so a primary one is required.",
                "Write primary: one of the ids of user_assigned.",
                missing=True,
            )

    @property
    def acting(self) -> str | None:
        """The ARM id of the primary user-assigned identity; None where the system-assigned one acts."""
        return self.primary if self.primary or self.system_assigned else self.user_assigned[0]


def _identity_form(value: object) -> str:
    return "several" if isinstance(value, dict | WorkspaceIdentities) else "one"


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
    identity: Annotated[
        Annotated[field_types.Identity, Tag("one")] | Annotated[WorkspaceIdentities, Tag("several")],
        Discriminator(_identity_form),
    ] = Field(
        "system-assigned",
        description=(
            "The workspace's identity: system-assigned, or the ARM id of a user-assigned identity that exists, which then "
            "reads the key as well; or a mapping for several identities."
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
    managed_network: ManagedNetworkSettings | None = Field(
        None,
        description=(
            "The managed network of the computes. Left out: none for a new workspace, and whatever an existing one has."
        ),
        examples=[{"isolation_mode": "AllowOnlyApprovedOutbound"}],
    )
    serverless_compute: ServerlessComputeSettings | None = Field(
        None,
        description="Serverless compute. Left out: Azure's own settings, and whatever an existing workspace has.",
        examples=[{"no_public_ip": True}],
    )
    image_build_compute: str | None = Field(
        None,
        min_length=2,
        max_length=32,
        description=(
            "The name of a compute cluster of the workspace that builds images, which a registry without public access "
            "needs. It may be made later. Left out: the registry builds them."
        ),
        examples=["cpu-build"],
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

    datastore_access: Literal["access-key", "identity", "user-delegation-sas"] | None = Field(
        None,
        description=(
            "How the workspace's own datastores reach the storage account: with its keys, as the identity of the user or "
            "compute, or with a signature made for one. Left out: identity where the storage account has shared_keys: "
            "disabled, else the default of Azure, which is access-key."
        ),
        examples=["identity"],
    )
    tags: field_types.Tags = Field(
        default_factory=dict,
        max_length=50,
        description="Tags of the workspace, beside those of the profile; the same name here wins.",
        examples=[{"data": "confidential"}],
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
        """The ARM id of the user-assigned identity that acts and reads the key; None for the system-assigned one."""
        if isinstance(self.identity, WorkspaceIdentities):
            return self.identity.acting
        return None if self.identity == "system-assigned" else self.identity

    @property
    def user_assigned_ids(self) -> tuple[str, ...]:
        """The ARM ids of all user-assigned identities."""
        if isinstance(self.identity, WorkspaceIdentities):
            return self.identity.user_assigned
        return () if self.identity == "system-assigned" else (self.identity,)

    @property
    def identity_type(self) -> str:
        """The kinds of identity, in Azure's words."""
        system = (
            self.identity.system_assigned if isinstance(self.identity, WorkspaceIdentities) else not self.identity_id
        )
        return ",".join(
            [*(["SystemAssigned"] if system else []), *(["UserAssigned"] if self.user_assigned_ids else [])]
        )

    @property
    def identity_words(self) -> str:
        """The identities for people."""
        return (
            self.identity
            if isinstance(self.identity, str)
            else f"{self.identity_type}: {', '.join(self.user_assigned_ids)}"
        )
