"""The Azure Machine Learning workspace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from cmkctl.profile import field_types
from cmkctl.profile.section import Contradiction, Section
from cmkctl.profile.sections.managed_network import ManagedNetworkSettings, ServerlessComputeSettings
from cmkctl.profile.sections.workspace_identities import IDENTITY_TYPE, WorkspaceIdentities
from cmkctl.profile.sections.workspace_kinds import FeatureStoreSettings, HubSettings

Kind = Literal["default", "hub", "feature-store"]


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
    kind: Kind = Field(
        "default",
        description=(
            "The kind of workspace: default; hub, whose projects (projects) share its key and its resources; or "
            "feature-store. Fixed at creation."
        ),
        examples=["hub"],
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
            "reads the key as well; or a mapping for several identities, or for one that cmkctl creates."
        ),
        examples=["system-assigned"],
    )
    encryption_identity: field_types.IdentityReference | None = Field(
        None,
        description=(
            "The user-assigned identity that reads the key: its ARM id, or the name in workspace.identity.create. It is one of "
            "the workspace's identities. Left out: the user-assigned identity that the workspace acts as; without one, the "
            "service. Fixed at creation."
        ),
        examples=["id-ml"],
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

    v1_legacy_mode: bool | None = Field(
        None,
        description=(
            "Whether only the v1 API is offered, whose traffic stays inside the private network. Left out: Azure's default, "
            "false."
        ),
        examples=[False],
    )
    data_isolation: bool | None = Field(
        None,
        description=(
            "Whether the data of different workspaces on one storage account is kept apart (enableDataIsolation). Fixed at "
            "creation. Left out: the service decides."
        ),
        examples=[True],
    )
    hub: HubSettings | None = Field(
        None,
        description="Settings of a hub, only for kind: hub.",
        examples=[{"default_project_resource_group": "rg-ml"}],
    )
    feature_store: FeatureStoreSettings | None = Field(
        None,
        description="Settings of a feature store, only for kind: feature-store.",
        examples=[{"spark_version": "3.3"}],
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
        """Yield settings of another architecture or kind, and a reader of the key that the workspace does not have."""
        for field, kind in (("hub", "hub"), ("feature_store", "feature-store")):
            if getattr(self, field) is not None and self.kind != kind:
                yield Contradiction(
                    field,
                    f"These are settings of a {kind}, and the workspace's kind is {self.kind}.",
                    f"Write workspace.kind: {kind}, or leave workspace.{field} out.",
                )
        if self.data_isolation is False and self.encryption == "in-subscription":
            yield Contradiction(
                "data_isolation",
                "Azure Machine Learning turns data isolation on for an in-subscription workspace with a key.",
                "Write workspace.data_isolation: true, or leave it out.",
            )
        if self.encryption_identity is not None and not self._has(self.encryption_identity):
            yield Contradiction(
                "encryption_identity",
                "The identity that reads the key is not one of the workspace's identities.",
                "Add it to workspace.identity.user_assigned, or leave workspace.encryption_identity out.",
            )
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

    def _has(self, reference: str) -> bool:
        one = (self.identity,) if isinstance(self.identity, str) else self.identity.references
        return reference.lower() in [each.lower() for each in one]

    @property
    def azure_kind(self) -> str:
        """The kind in Azure's words."""
        return {"default": "Default", "hub": "Hub", "feature-store": "FeatureStore"}[self.kind]

    @property
    def identity_id(self) -> str | None:
        """The ARM id of the user-assigned identity that acts; None where the system-assigned one does."""
        if isinstance(self.identity, WorkspaceIdentities):
            return self.identity.acting
        return None if self.identity == "system-assigned" else self.identity

    @property
    def key_identity_id(self) -> str | None:
        """The ARM id of the user-assigned identity that reads the key; None where the service reads it."""
        named = self.encryption_identity
        if named is None or named.startswith("/"):
            return named or self.identity_id
        return self.placement.resource_id(IDENTITY_TYPE, named)

    @property
    def created_identity_id(self) -> str | None:
        """The ARM id of the user-assigned identity that cmkctl creates; None without one."""
        return self.identity.created if isinstance(self.identity, WorkspaceIdentities) else None

    @property
    def assigns_roles(self) -> bool:
        """True where cmkctl assigns the roles that the user-assigned identities of the workspace need."""
        return isinstance(self.identity, WorkspaceIdentities) and self.identity.assigns_roles

    @property
    def user_assigned_ids(self) -> tuple[str, ...]:
        """The ARM ids of all user-assigned identities."""
        if isinstance(self.identity, WorkspaceIdentities):
            return self.identity.ids
        return () if self.identity == "system-assigned" else (self.identity,)

    @property
    def identity_type(self) -> str:
        """The kinds of identity, in Azure's words."""
        system = self.identity.with_system if isinstance(self.identity, WorkspaceIdentities) else not self.identity_id
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
