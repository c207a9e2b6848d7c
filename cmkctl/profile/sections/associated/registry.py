"""The container registry of a workspace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.derived_names import DerivedName
from cmkctl.profile.section import SECTION, Contradiction, Nameable, key_of_a_given_resource
from cmkctl.profile.sections.associated.network import RuleSettings


class RegistryNetworkSettings(RuleSettings):
    """Network access to the registry. A registry that exists keeps what the profile leaves out."""

    public_access: field_types.Switch | None = Field(
        None,
        description="Whether the registry has a public endpoint. Left out: enabled for a new registry.",
        examples=["disabled"],
    )
    bypass: Literal["AzureServices", "None"] | None = Field(
        None,
        description="Whether trusted Azure services pass the firewall. Left out: AzureServices for a new registry.",
        examples=["AzureServices"],
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
    encryption: Literal["microsoft", "customer"] = Field(
        "microsoft",
        description=(
            "Whose key a new registry has, fixed at creation. customer: the profile's key, read by the user-assigned identity "
            "that reads the workspace's key (workspace.encryption_identity); it uses a new version of the key within an "
            "hour, also where key.version is set. It needs the tier Premium. microsoft: an existing registry keeps what it has."
        ),
        examples=["customer"],
    )
    admin_user: field_types.Switch | None = Field(
        None,
        description=(
            "Whether the registry has an admin user, whose password Azure Machine Learning pulls images with. When disabled, "
            "it pulls them as a user-assigned identity with the role AcrPull (workspace.identity). Left out: enabled for a "
            "new registry of a workspace without such an identity."
        ),
        examples=["disabled"],
    )
    network: RegistryNetworkSettings | None = Field(
        None,
        description="Network access, which needs the tier Premium. Left out: open to every network for a new registry.",
        examples=[{"public_access": "disabled"}],
    )
    tags: field_types.Tags = Field(
        default_factory=dict,
        max_length=50,
        description="Tags of the registry, beside those of the profile; the same name here wins.",
        examples=[{"data": "confidential"}],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield what is wrong with name and id, and what only the tier Premium has."""
        yield from super().contradictions()
        yield from key_of_a_given_resource(self, self.encryption, "use a registry that has the key already")
        if self.encryption == "customer" and self.sku != "Premium":
            yield Contradiction(
                "encryption",
                f"Only the tier Premium takes a key of the customer, and sku is {self.sku}.",
                f"Write {SECTION}.sku: Premium, or leave encryption out.",
            )
        if self.network is not None and self.sku != "Premium":
            yield Contradiction(
                "network",
                f"Only the tier Premium has network rules and can close the public endpoint, and sku is {self.sku}.",
                f"Write {SECTION}.sku: Premium, or leave network out.",
            )
