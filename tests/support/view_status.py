"""A status to look at: something of everything that ``cmkctl status`` can show."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from cmkctl.status import (
    Due,
    DueKind,
    GrantStatus,
    KeyStatus,
    Leftover,
    Status,
    Unseen,
    Version,
    WorkspaceStatus,
)

_GROUP: Final = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-ml"
_VAULT: Final = f"{_GROUP}/providers/Microsoft.KeyVault/vaults/kv-ml-01"
_KEY: Final = "https://kv-ml-01.vault.azure.net/keys/cmk-ml"
_MANAGED: Final = f"{_GROUP.rpartition('/')[0]}/azureml-rg-mlw-prod_0f8fad5b-d9cb-469f-a165-70867728950e"
_COSMOS_DB: Final = "f4cf9b3c-5c1e-4e4a-9d4b-6a3f1d2c7b8a"
_OLD, _NEW = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"


def _at(day: int, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, 12, 0, tzinfo=UTC)


STATUS: Final = Status(
    _at(24),
    WorkspaceStatus(
        f"{_GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw-prod",
        exists=True,
        location="westeurope",
        kind="Default",
        state="Succeeded",
        holder="customer",
        architecture="in-subscription",
        high_business_impact=True,
        managed_group=_MANAGED,
        visible=True,
        cosmos_db_account=f"{_MANAGED}/providers/Microsoft.DocumentDB/databaseAccounts/cosmosdb0f8fad5b",
        key_access="Access to the configured customer managed key confirmed.",
    ),
    KeyStatus(
        f"{_VAULT}/keys/cmk-ml",
        exists=True,
        identifier=_KEY,
        in_use=Version(_OLD, enabled=True, created=_at(24, 12, 2025), expires=_at(24, 12)),
        latest=Version(_NEW, enabled=True, created=_at(20), expires=_at(20, 11, 2027)),
        rotation=("rotate timeBeforeExpiry P30D", "expires P1Y"),
    ),
    (
        GrantStatus(
            "Azure Cosmos DB",
            _COSMOS_DB,
            "ServicePrincipal",
            "role",
            "Key Vault Crypto Service Encryption User",
            _VAULT,
            _at(24, 12, 2025),
        ),
        GrantStatus(
            "0e984725-c51c-4bf4-9960-e1c80e27aba0",
            "0e984725-c51c-4bf4-9960-e1c80e27aba0",
            "User",
            "access-policy",
            "get, wrapKey, unwrapKey",
            _VAULT,
        ),
    ),
    (
        Due(
            DueKind.NEW_VERSION,
            None,
            f"{_KEY}/{_NEW}",
            f"the workspace uses an older version than {_NEW}, the latest; move it with: cmkctl rotate",
        ),
        Due(
            DueKind.EXPIRY,
            _at(24, 12),
            f"{_KEY}/{_OLD}",
            "the version in use expires: what it encrypts is then out of reach",
        ),
    ),
    (
        Leftover(
            "key vault",
            f"{_GROUP}/providers/Microsoft.KeyVault/vaults/kv-mlw-prod-0a1b2c3d",
            _at(1),
            _at(8),
            "its name is taken in all of Azure until then",
        ),
    ),
    (
        Unseen(
            "role assignments at the key",
            f"{_VAULT}/keys/cmk-ml",
            "you may not read it",
            "Microsoft.Authorization/roleAssignments/read",
        ),
        Unseen("a soft-deleted workspace of this name", "", "none was found, and Azure documents no list of them"),
    ),
)
"""A rotation is pending, the version in use expires in a month, a vault is left over, and two facts are not visible."""
