"""The paths at which the document of a workspace names its key and what Microsoft manages for it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cmkctl.azure.documents import text_at

KEY_IDENTIFIER: Final = "properties.encryption.keyVaultProperties.keyIdentifier"
KEY_VAULT_ID: Final = "properties.encryption.keyVaultProperties.keyVaultArmId"
MANAGED_GROUP: Final = "properties.serviceProvisionedResourceGroup"

OWN_STORES: Final = tuple(
    f"properties.encryption.{each}ResourceId" for each in ("cosmosDb", "searchAccount", "storageAccount")
)
"""The paths at which it names the stores of its metadata: Microsoft's, or with api-version 2025-12-01 and later its own."""

ACCOUNTS: Final = "Microsoft.DocumentDB/databaseAccounts"
"""The type of the Azure Cosmos DB account in the managed resource group."""
KEY_STATUS: Final = "properties.customerManagedKeyStatus"
"""The path at which such an account reports its access to the key."""


def managed_group(workspace: Mapping[str, Any] | None) -> str:
    """Return the ARM id of the resource group that Microsoft manages for a workspace, empty without one."""
    return text_at(workspace, MANAGED_GROUP)
