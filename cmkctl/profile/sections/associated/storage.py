"""The default storage account of a workspace."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.derived_names import DerivedName
from cmkctl.profile.section import Nameable


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
