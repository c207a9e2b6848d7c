"""The actions that a request needs follow from the request, and patterns are matched as Azure does."""

from __future__ import annotations

from typing import Any, Final

import pytest

from cmkctl.azure.actions import NeededAction, allows, needed_actions
from cmkctl.azure.ids import parents
from cmkctl.plan import Plane, Request

SUBSCRIPTION: Final = "/subscriptions/s"
GROUP: Final = f"{SUBSCRIPTION}/resourceGroups/g"
VAULT: Final = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
WORKSPACE: Final = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/w"
IDENTITY: Final = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
SUBNET: Final = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/v/subnets/sn"
ZONE: Final = f"{GROUP}/providers/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net"
ENDPOINT: Final = f"{GROUP}/providers/Microsoft.Network/privateEndpoints/pe"
LOGS: Final = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/log"
ASSIGN: Final = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
NETWORKS: Final = "Microsoft.Network/virtualNetworks"

CASES: Final[dict[str, tuple[Request, list[tuple[str, str]]]]] = {
    "registration": (
        Request("POST", f"{SUBSCRIPTION}/providers/Microsoft.Search/register", "1"),
        [("Microsoft.Search/register/action", SUBSCRIPTION)],
    ),
    "group": (
        Request("PUT", GROUP.replace("resourceGroups", "resourcegroups"), "1", {}),
        [("Microsoft.Resources/subscriptions/resourceGroups/write", GROUP.replace("resourceGroups", "resourcegroups"))],
    ),
    "vault": (Request("PATCH", VAULT, "1", {}), [("Microsoft.KeyVault/vaults/write", VAULT)]),
    "key": (Request("PUT", f"{VAULT}/keys/k", "1", {}), [("Microsoft.KeyVault/vaults/keys/write", f"{VAULT}/keys/k")]),
    "access policy": (
        Request("PUT", f"{VAULT}/accessPolicies/add", "1", {}),
        [("Microsoft.KeyVault/vaults/accessPolicies/write", VAULT)],
    ),
    "recovery": (
        Request("POST", f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st/regenerateKey", "1", {}),
        [
            (
                "Microsoft.Storage/storageAccounts/regenerateKey/action",
                f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st",
            )
        ],
    ),
    "deletion": (Request("DELETE", VAULT, "1"), [("Microsoft.KeyVault/vaults/delete", VAULT)]),
    "role assignment": (
        Request("PUT", f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/r", "1", {}),
        [
            (
                "Microsoft.Authorization/roleAssignments/write",
                f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/r",
            )
        ],
    ),
    "workspace with an identity, named twice": (
        Request(
            "PUT",
            WORKSPACE,
            "1",
            {"identity": {"userAssignedIdentities": {IDENTITY: {}}}, "properties": {"primary": IDENTITY}},
        ),
        [("Microsoft.MachineLearningServices/workspaces/write", WORKSPACE), (ASSIGN, IDENTITY)],
    ),
    "vault with a service endpoint": (
        Request("PUT", VAULT, "1", {"properties": {"networkAcls": {"virtualNetworkRules": [{"id": SUBNET}]}}}),
        [("Microsoft.KeyVault/vaults/write", VAULT), (f"{NETWORKS}/subnets/joinViaServiceEndpoint/action", SUBNET)],
    ),
    "private endpoint": (
        Request(
            "PUT",
            ENDPOINT,
            "1",
            {
                "properties": {
                    "subnet": {"id": SUBNET},
                    "privateLinkServiceConnections": [{"properties": {"privateLinkServiceId": VAULT}}],
                }
            },
        ),
        [
            ("Microsoft.Network/privateEndpoints/write", ENDPOINT),
            (f"{NETWORKS}/subnets/join/action", SUBNET),
            ("Microsoft.KeyVault/vaults/privateEndpointConnectionsApproval/action", VAULT),
        ],
    ),
    "zone group": (
        Request(
            "PUT",
            f"{ENDPOINT}/privateDnsZoneGroups/default",
            "1",
            {"properties": {"privateDnsZoneConfigs": [{"properties": {"privateDnsZoneId": ZONE}}]}},
        ),
        [
            (
                "Microsoft.Network/privateEndpoints/privateDnsZoneGroups/write",
                f"{ENDPOINT}/privateDnsZoneGroups/default",
            ),
            ("Microsoft.Network/privateDnsZones/join/action", ZONE),
        ],
    ),
    "diagnostic setting": (
        Request(
            "PUT",
            f"{VAULT}/providers/Microsoft.Insights/diagnosticSettings/d",
            "1",
            {"properties": {"workspaceId": LOGS}},
        ),
        [
            (
                "Microsoft.Insights/diagnosticSettings/write",
                f"{VAULT}/providers/Microsoft.Insights/diagnosticSettings/d",
            ),
            ("Microsoft.OperationalInsights/workspaces/sharedKeys/action", LOGS),
        ],
    ),
    "Graph": (Request("POST", "/v1.0/servicePrincipals", "v1.0", {}, plane=Plane.GRAPH), []),
}


@pytest.mark.parametrize(("request_", "expected"), CASES.values(), ids=CASES)
def test_a_request_needs_its_own_action_and_those_of_its_links(
    request_: Request, expected: list[tuple[str, str]]
) -> None:
    """Each once, with the id at which Azure checks it."""
    assert [NeededAction(*each) for each in expected] == list(needed_actions(request_))


@pytest.mark.parametrize(
    ("entry", "allowed"),
    [
        ({"actions": ["*"]}, True),
        ({"actions": ["Microsoft.KeyVault/*"]}, True),
        ({"actions": ["microsoft.keyvault/VAULTS/write"]}, True),
        ({"actions": ["Microsoft.KeyVault/*/write"]}, True),
        ({"actions": ["*/read"]}, False),
        ({"actions": ["Microsoft.KeyVault/vaults/writ?"]}, False),
        ({"actions": ["*"], "notActions": ["Microsoft.KeyVault/*"]}, False),
        ({"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]}, True),
        ({"notActions": []}, False),
    ],
)
def test_an_entry_allows_what_its_patterns_match(entry: dict[str, Any], allowed: bool) -> None:
    """In any casing; only the asterisk is a wildcard, and it crosses slashes."""
    assert allowed is allows(entry, "Microsoft.KeyVault/vaults/write")


def test_the_scopes_above_a_nested_id_end_at_the_subscription() -> None:
    """The scope of an extension resource is the resource it extends."""
    assert [VAULT, GROUP, SUBSCRIPTION] == list(parents(f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/r"))
