"""The built-in roles that an administrator is advised to assign, narrowest first, with the actions that they contain.

Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cmkctl.azure.actions import allows

_ROLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "Managed Identity Operator": {"actions": ["Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action"]},
    "Managed Identity Contributor": {
        "actions": [
            *(f"Microsoft.ManagedIdentity/userAssignedIdentities/{verb}" for verb in ("read", "write", "delete")),
            "Microsoft.ManagedIdentity/userAssignedIdentities/*/federatedIdentityCredentials/*",
        ]
    },
    "Private DNS Zone Contributor": {"actions": ["Microsoft.Network/privateDnsZones/*"]},
    "Application Insights Component Contributor": {"actions": ["Microsoft.Insights/components/*"]},
    "Log Analytics Contributor": {
        "actions": ["Microsoft.OperationalInsights/*", "Microsoft.Insights/diagnosticSettings/*"]
    },
    "Monitoring Contributor": {
        "actions": ["Microsoft.Insights/diagnosticSettings/*", "Microsoft.Insights/components/*"]
    },
    "Storage Account Contributor": {
        "actions": [
            "Microsoft.Storage/storageAccounts/*",
            "Microsoft.Insights/diagnosticSettings/*",
            "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
        ]
    },
    "Key Vault Contributor": {"actions": ["Microsoft.KeyVault/*"]},
    "Network Contributor": {"actions": ["Microsoft.Network/*"]},
    "Role Based Access Control Administrator": {
        "actions": ["Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete"]
    },
    "Contributor": {
        "actions": ["*"],
        "notActions": [
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Blueprint/blueprintAssignments/write",
            "Microsoft.Blueprint/blueprintAssignments/delete",
        ],
    },
    "Owner": {"actions": ["*"]},
}


def roles_with(actions: Iterable[str]) -> tuple[str, ...]:
    """Return the built-in roles that contain every one of some actions, narrowest first. Owner always does."""
    needed = tuple(actions)
    return tuple(name for name, entry in _ROLES.items() if all(_contains(entry, each) for each in needed))


def _contains(entry: Mapping[str, Any], action: str) -> bool:
    # In a built-in role, `userAssignedIdentities/*/assign/action` includes the action on the identity itself.
    forms = [each for pattern in entry["actions"] for each in (pattern, pattern.replace("/*/", "/"))]
    return allows({**entry, "actions": forms}, action)
