"""The profile: everything an operator can declare, as frozen values with Azure's own rules.

A profile describes the desired resources, never the observed ones. Sections are immutable and refuse unknown fields;
types are strict, so ``"yes"`` is no boolean and ``90.0`` no whole number. The descriptions are the reference: the JSON
Schema and docs/profiles.md are made from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field

from cmkctl.azure.clouds import Cloud
from cmkctl.azure.ids import group_id, resource_id, subscription_id
from cmkctl.profile import field_types, regions
from cmkctl.profile.field_types import Hint
from cmkctl.profile.reserved_words import objection
from cmkctl.profile.section import Contradiction, Nameable, Placement, Section
from cmkctl.profile.sections.associated_resources import AssociatedResources
from cmkctl.profile.sections.diagnostics import DiagnosticSettings
from cmkctl.profile.sections.grants import Grant, contradictions_of
from cmkctl.profile.sections.key import KeySettings, RotationPolicy
from cmkctl.profile.sections.key_access import KeyAccessSettings
from cmkctl.profile.sections.key_vault import KeyVaultSettings, NetworkSettings
from cmkctl.profile.sections.posture import PostureSettings
from cmkctl.profile.sections.private_network import PrivateNetworkSettings
from cmkctl.profile.sections.workspace import WorkspaceSettings
from cmkctl.profile.sections.workspace_kinds import ProjectSettings
from cmkctl.services import ServicesSettings

__all__ = ["KeySettings", "KeyVaultSettings", "NetworkSettings", "Profile", "RotationPolicy", "Section"]


class Profile(Section):
    """The desired state: one workspace, its key and everything around it.

    Its sections give the ARM ids and names that follow from the fields.
    """

    cloud: Annotated[Cloud, Field(strict=False)] = Field(
        Cloud.AZURE, description="The Azure cloud, by its name in the az CLI.", examples=["AzureCloud"]
    )
    subscription: Annotated[
        field_types.Guid, Hint("Expected a subscription GUID.", "List yours with: az account list -o table")
    ] = Field(description="The id of the subscription that everything is in.", examples=["${AZURE_SUBSCRIPTION_ID}"])
    tenant: Annotated[
        field_types.Guid | None,
        Hint("Expected a tenant GUID.", "Show yours with: az account show --query tenantId -o tsv"),
    ] = Field(
        None,
        description="The id of the tenant. If given, cmkctl refuses a subscription of a different tenant.",
        examples=["${AZURE_TENANT_ID}"],
    )
    location: field_types.LocationName = Field(
        description="The Azure region of everything that is created.", examples=["eastus2"]
    )
    resource_group: field_types.GroupName = Field(
        description="The resource group: created if absent.", examples=["rg-ml-prod"]
    )
    key_vault: KeyVaultSettings = Field(
        description="The vault that holds the key.", examples=[{"name": "kv-ml-prod-cmk"}]
    )
    key: KeySettings = Field(description="The customer-managed key.", examples=[{"name": "cmk-ml-prod"}])
    key_access: KeyAccessSettings = Field(
        default_factory=KeyAccessSettings,
        description="The grant that lets Azure Cosmos DB use the key.",
        examples=[{"create_service_principal": False}],
    )
    workspace: WorkspaceSettings = Field(
        description="The Azure Machine Learning workspace.",
        examples=[{"name": "mlw-prod", "high_business_impact": True, "encryption": "in-subscription"}],
    )
    projects: Annotated[tuple[ProjectSettings, ...], Field(strict=False)] = Field(
        (),
        description="The projects of a hub (workspace.kind: hub): created if absent, in the profile's resource group.",
        examples=[[{"name": "mlp-fraud"}]],
    )
    associated_resources: AssociatedResources = Field(
        default_factory=AssociatedResources,
        description="What the workspace needs beside the key.",
        examples=[{"container_registry": {}}],
    )
    grants: Annotated[tuple[Grant, ...], Field(strict=False)] = Field(
        (),
        description="Role assignments for the workspace's identity, for identities of computes, and for people.",
        examples=[[{"principal": "workspace", "role": "Storage Blob Data Contributor", "scope": "storage_account"}]],
    )
    private_network: PrivateNetworkSettings | None = Field(
        None,
        description="Private endpoints and private DNS. Left out: none, and existing ones are left alone.",
        examples=[
            {
                "subnet": (
                    "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-net/providers/Microsoft.Network"
                    "/virtualNetworks/vnet-ml/subnets/snet-endpoints"
                )
            }
        ],
    )
    diagnostics: DiagnosticSettings | None = Field(
        None,
        description="Where the logs and metrics of the workspace and its resources are sent. Left out: cmkctl sets nothing.",
        examples=[
            {
                "log_analytics": (
                    "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ops/providers"
                    "/Microsoft.OperationalInsights/workspaces/log-central"
                )
            }
        ],
    )
    services: ServicesSettings = Field(
        default_factory=ServicesSettings,
        description="The resources around the workspace that cmkctl encrypt puts the key on.",
        examples=[{}],
    )
    posture: PostureSettings | None = Field(
        None,
        description="What cmkctl posture expects of the keys. Left out: it shows them, and expects nothing.",
        examples=[{"services": {"storage_accounts": "customer"}, "protections": ["in-transit"]}],
    )
    tags: dict[field_types.TagKey, field_types.TagValue] = Field(
        default_factory=dict,
        max_length=50,
        description="Tags of everything that is created; at most 50.",
        examples=[{"owner": "ml-platform"}],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield the contradictions between sections."""
        if self.key_vault.sku == "standard" and self.key.type == "RSA-HSM":
            yield Contradiction(
                "key_vault.sku",
                "A standard vault holds no RSA-HSM key.",
                "Write key_vault.sku: premium, or leave it out, or write key.type: RSA.",
            )
        yield from self._keys_of_an_account_without_keys()
        yield from self._registry_that_no_image_can_be_pulled_from()
        yield from self._customer_key_without_a_reader()
        yield from self._logs_of_an_account_in_itself()
        yield from self._location_of_another_cloud()
        yield from contradictions_of(
            self.grants, self.grant_scopes, system_assigned="SystemAssigned" in self.workspace.identity_type
        )
        yield from self._projects_that_cannot_be()
        yield from self._private_network_that_contradicts()
        yield from _reserved_names(self, "")
        yield from self._tags_that_azure_refuses()

    def _keys_of_an_account_without_keys(self) -> Iterator[Contradiction]:
        storage, access = self.associated_resources.storage_account, self.workspace.datastore_access
        if storage.shared_keys == "disabled" and access == "access-key":
            yield Contradiction(
                "workspace.datastore_access",
                "The storage account refuses requests that are signed with its keys.",
                "Write workspace.datastore_access: identity, or leave it out.",
            )

    def _registry_that_no_image_can_be_pulled_from(self) -> Iterator[Contradiction]:
        registry = self.associated_resources.container_registry
        if registry and registry.admin_user == "disabled" and self.workspace.identity_id is None:
            yield Contradiction(
                "associated_resources.container_registry.admin_user",
                "Azure Machine Learning pulls images as the registry's admin user, or as a user-assigned identity with the "
                "role AcrPull, and the workspace has no such identity.",
                "Write workspace.identity: the ARM id of a user-assigned identity with the role AcrPull, or admin_user: "
                "enabled.",
            )

    def _customer_key_without_a_reader(self) -> Iterator[Contradiction]:
        """Yield resources with the customer's key where no identity can have its grant before they exist.

        Source: https://learn.microsoft.com/azure/storage/common/customer-managed-keys-configure-new-account
        """
        associated = self.associated_resources
        sections = {"storage_account": associated.storage_account, "container_registry": associated.container_registry}
        if self.workspace.key_identity_id is not None:
            return
        for name, section in sections.items():
            if section is not None and section.encryption == "customer":
                yield Contradiction(
                    f"associated_resources.{name}.encryption",
                    "A resource that is created with the customer's key reads it as a user-assigned identity, and no such "
                    "identity reads the workspace's key.",
                    "Write workspace.identity: {create: id-ml} for an identity that cmkctl creates, or the ARM id of one that "
                    "exists.",
                )

    def _logs_of_an_account_in_itself(self) -> Iterator[Contradiction]:
        """Yield an archive in the account whose logs it would hold, which Azure refuses.

        Source: https://learn.microsoft.com/azure/storage/blobs/monitor-blob-storage#destination-limitations
        """
        archive = self.diagnostics.storage_account if self.diagnostics else None
        account = self.associated_resources.storage_account
        own = account.id or self.placement.resource_id(account.resource_type, account.resource_name)
        if (
            archive
            and self.diagnostics
            and archive.lower() == own.lower()
            and "storage_account" in self.diagnostics.resources
        ):
            yield Contradiction(
                "diagnostics.storage_account",
                "A storage account cannot hold its own logs, and this is the workspace's account.",
                "Write a different account, or leave storage_account out of diagnostics.resources.",
            )

    def _location_of_another_cloud(self) -> Iterator[Contradiction]:
        belongs = regions.cloud_of(self.location)
        if belongs is not self.cloud:
            yield Contradiction(
                "location",
                f"The region belongs to {belongs}, and the profile's cloud is {self.cloud}.",
                f"Write cloud: {belongs}, or a region of {self.cloud}, such as {regions.EXAMPLE[self.cloud]}.",
            )

    def _projects_that_cannot_be(self) -> Iterator[Contradiction]:
        """Yield projects without a hub, and names that are taken twice: a hub and its projects are all workspaces."""
        if self.projects and self.workspace.kind != "hub":
            yield Contradiction(
                "projects",
                f"Only a hub has projects, and the workspace's kind is {self.workspace.kind}.",
                "Write workspace.kind: hub, or leave projects out.",
            )
        taken = {self.workspace.name.lower()}
        for index, each in enumerate(self.projects):
            if each.name.lower() in taken:
                yield Contradiction(
                    f"projects[{index}].name",
                    f"The name {each.name} is used twice: a hub and its projects are all workspaces.",
                    "Choose a name of its own for each.",
                )
            taken.add(each.name.lower())

    def _private_network_that_contradicts(self) -> Iterator[Contradiction]:
        if self.private_network is not None:
            registry = self.associated_resources.container_registry
            sku = registry.sku if registry is not None and registry.id is None else None
            yield from self.private_network.objections(self.subscription, sku, registry=registry is not None)

    def _tags_that_azure_refuses(self) -> Iterator[Contradiction]:
        """Yield the limits that the type of a tag's name cannot know.

        Source: https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations
        """
        yield from self._too_many_tags()
        storage = self.associated_resources.storage_account
        for name in storage.tags:
            if len(name) > _LONGEST_STORAGE_TAG:
                yield Contradiction(
                    f"associated_resources.storage_account.tags.{name}",
                    f"A storage account's tags have names of at most {_LONGEST_STORAGE_TAG} characters.",
                    "Shorten the tag's name.",
                )
        first: dict[str, str] = {}
        for name in self.tags:
            other = first.setdefault(name.lower(), name)
            if other != name:
                yield Contradiction(
                    f"tags.{name}",
                    f"Azure compares tag names without regard to case, and there is a tag {other!r} as well.",
                    "Keep only one of them.",
                )
            if len(name) > _LONGEST_STORAGE_TAG and self.associated_resources.storage_account.id is None:
                yield Contradiction(
                    f"tags.{name}",
                    f"A storage account's tags have names of at most {_LONGEST_STORAGE_TAG} characters, and this one has "
                    f"{len(name)}.",
                    "Shorten the tag's name, or give a storage account that exists: "
                    "associated_resources.storage_account.id.",
                )

    def _too_many_tags(self) -> Iterator[Contradiction]:
        """Yield a resource whose tags and those of the profile are more than Azure takes, or the same but for their case."""
        for path, own in _tags_of_single_resources(self, ""):
            together = {name.lower() for name in (*self.tags, *own)}
            if len(together) > _MOST_TAGS:
                yield Contradiction(
                    path,
                    f"With the tags of the profile the resource would have {len(together)}, and Azure takes {_MOST_TAGS}.",
                    "Remove some of them.",
                )
            if len({name.lower() for name in own}) < len(own):
                yield Contradiction(
                    path,
                    "Azure compares tag names without regard to case, and two of these are the same.",
                    "Keep only one of them.",
                )

    def place_sections(self) -> None:
        """Give every section what it derives names and ids from."""
        vault = self.key_vault.id or resource_id(
            self.subscription, self.resource_group, self.key_vault.resource_type, self.key_vault.name or ""
        )
        self.place(Placement(self.subscription, self.resource_group, self.workspace.name, vault))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with `update`; names and ids follow from the new fields."""
        copy = super().model_copy(update=update, deep=deep)
        copy.place_sections()
        return copy

    @property
    def resource_group_id(self) -> str:
        """The ARM id of the resource group."""
        return group_id(self.subscription, self.resource_group)

    def project_id(self, project: ProjectSettings) -> str:
        """Return the ARM id of a project."""
        return self.workspace.placement.resource_id("Microsoft.MachineLearningServices/workspaces", project.name)

    @property
    def grant_scopes(self) -> Mapping[str, str | None]:
        """The ARM ids of the scopes that a grant can name; None for a resource that the profile does not have."""
        associated = self.associated_resources
        return {
            "subscription": subscription_id(self.subscription),
            "resource_group": self.resource_group_id,
            "workspace": self.workspace.resource_id,
            "key_vault": self.key_vault.resource_id,
            "key": self.key.resource_id,
            "storage_account": associated.storage_account.resource_id,
            "application_insights": associated.application_insights_id,
            "log_analytics": associated.log_analytics.resource_id,
            "container_registry": associated.container_registry_id,
            "workspace_key_vault": associated.key_vault_id,
        }

    @property
    def vault_sku(self) -> Literal["standard", "premium"]:
        """The tier that a new vault gets, which depends on the key."""
        return self.key_vault.sku or ("premium" if self.key.type == "RSA-HSM" else "standard")


_LONGEST_STORAGE_TAG: Final = 128
_MOST_TAGS: Final = 50


def _tags_of_single_resources(section: Section, prefix: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the tags of every section inside this one, with their dotted path."""
    for name in type(section).model_fields:
        inner = getattr(section, name)
        if isinstance(inner, Section):
            if own := getattr(inner, "tags", None):
                yield f"{prefix}{name}.tags", own
            yield from _tags_of_single_resources(inner, f"{prefix}{name}.")


def _reserved_names(section: Section, prefix: str) -> Iterator[Contradiction]:
    """Yield the names that are legal in themselves, but are derived with a word that Azure reserves."""
    for name in type(section).model_fields:
        inner = getattr(section, name)
        if isinstance(inner, Nameable) and inner.name is None and (found := objection(inner.resource_name)):
            yield Contradiction(
                prefix + name,
                f"Its derived name would be {inner.resource_name}. {found}",
                f"Write {prefix}{name}.name, or choose a different workspace.name.",
            )
        if isinstance(inner, Section):
            yield from _reserved_names(inner, f"{prefix}{name}.")
