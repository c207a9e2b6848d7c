"""The container registry of a workspace."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.derived_names import DerivedName
from cmkctl.profile.section import Nameable


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
