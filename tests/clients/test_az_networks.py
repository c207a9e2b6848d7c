"""The az CLI with private endpoints, and the commands that cmkctl names as ways out."""

from typing import Any

import pytest
from support.clients import SUBSCRIPTION, Program

pytestmark = pytest.mark.az


def _properties(az: Program, resource: str) -> dict[str, Any]:
    found: dict[str, Any] | None = az.running.state.resource(resource)
    assert found is not None
    return dict(found["properties"])


def test_an_endpoint_is_made_approved_and_deleted(az: Program) -> None:
    """`az network private-endpoint create` makes one; ``approve`` and ``az resource delete`` are what CMK283 and CMK282 name."""
    state = az.running.state
    state.register_provider("Microsoft.Network")
    account = state.add_storage_account("staznetwork", "rg-az-network")
    subnet = state.add_subnet(network="vnet-az", group="rg-az-network")
    endpoint = f"{SUBSCRIPTION}/resourceGroups/rg-az-network/providers/Microsoft.Network/privateEndpoints/pe-az"
    made = ("--resource-group", "rg-az-network", "--name", "pe-az", "--location", "eastus2", "--subnet", subnet)
    target = ("--private-connection-resource-id", account, "--group-id", "blob", "--connection-name", "one")

    created = az("network", "private-endpoint", "create", *made, *target)
    state.set_endpoint_connection(endpoint, "Pending")
    (connection,) = _properties(az, account)["privateEndpointConnections"]
    approve = ("--id", connection["id"], "--description", "approved")
    approved = az("network", "private-endpoint-connection", "approve", *approve)
    status = _properties(az, endpoint)["privateLinkServiceConnections"][0]["properties"]
    deleted = az("resource", "delete", "--ids", endpoint)

    assert [0, 0, 0] == [created.code, approved.code, deleted.code], created.err + approved.err + deleted.err
    assert "Approved" == status["privateLinkServiceConnectionState"]["status"]
    assert state.resource(endpoint) is None
