"""The api-version sent for each resource type, in one table.

Each is stable, declares every property we send, and is the one that the newest released Terraform provider or SDK
calls in production. Why one table for every cloud: docs/adr/0009-api-versions.md.
"""

from typing import Final

SUBSCRIPTIONS: Final = "2022-12-01"
RESOURCES: Final = "2022-09-01"
"""Resource groups and the registration of resource providers."""

KEY_VAULT: Final = "2026-02-01"
"""Vaults, keys, access policies, deleted vaults. Older versions retire on 27 Feb 2027; from this one on, a new vault
without `enableRbacAuthorization` is an RBAC vault, which is why we always send the property."""

VAULT_KEYS: Final = "7.4"
"""Keys through a vault's own endpoint: deleted keys and rotation policies."""

ROLE_ASSIGNMENTS: Final = "2022-04-01"
STORAGE: Final = "2025-08-01"
LOG_ANALYTICS: Final = "2023-09-01"
LOG_ANALYTICS_LINKED_STORAGE: Final = "2020-08-01"
"""The storage accounts that hold queries of a Log Analytics workspace."""

APPLICATION_INSIGHTS: Final = "2020-02-02"
APPLICATION_INSIGHTS_LINKED_STORAGE: Final = "2020-03-01-preview"
"""The storage account of the profiler; it has no stable version."""

CONTAINER_REGISTRY: Final = "2025-11-01"
MANAGED_IDENTITY: Final = "2024-11-30"

DIAGNOSTIC_SETTINGS: Final = "2021-05-01-preview"
"""The newest version of all, and the only one with groups of categories; no stable version has resource logs."""

WORKSPACES: Final = "2025-06-01"
"""The first stable version with `enableServiceSideCMKEncryption`; older ones neither take nor show the flag."""

SEARCH: Final = "2025-05-01"
"""The usages of Azure AI Search in a region."""

COSMOS_DB: Final = "2024-11-15"
"""The regions and accounts of Azure Cosmos DB."""

COSMOS_DB_KEY_VERSION: Final = "2025-10-15"
"""The accounts of Azure Cosmos DB with `keyVaultKeyUriVersion`, which older versions do not show."""

PERMISSIONS: Final = "2022-04-01"
LOCKS: Final = "2020-05-01"
ASSIGNMENTS_USAGE: Final = "2019-08-01-preview"
"""The count of role assignments in a subscription; it has no stable version."""
POLICY_ASSIGNMENTS: Final = "2023-04-01"
POLICY_RESTRICTIONS: Final = "2023-03-01"
NETWORK: Final = "2024-05-01"
"""Virtual networks, private endpoints and their zone groups."""

PRIVATE_DNS: Final = "2024-06-01"
"""Private DNS zones and their links to networks."""

RESOURCE_GRAPH: Final = "2024-04-01"
