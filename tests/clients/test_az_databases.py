"""The commands of az for databases with a customer-managed key, unchanged, and what ``cmkctl posture`` reads then."""

from __future__ import annotations

import pytest
from support.clients import SUBSCRIPTION, Program
from support.sandbox import Client

from cmkctl.posture import Posture
from cmkctl.sandbox.server import Running
from cmkctl.services import service_of
from cmkctl.services.base import Answer, Documents

pytestmark = pytest.mark.az
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
PERMISSIONS = ("get", "list", "wrapKey", "unwrapKey")


def posture(running: Running, resource_type: str, name: str) -> Posture:
    """Return what the service makes of the resource as the sandbox answers it."""
    service = service_of(resource_type)
    assert service is not None
    arm = Client(running)
    reads = service.reads(f"{GROUP}/providers/{resource_type}/{name}")
    return service.posture(
        Documents(Answer(each, arm("GET", each.path, api=each.api_version).json()) for each in reads)
    )


def test_an_account_of_cosmos_db_is_created_with_a_key_and_moves_to_its_own_identity(
    az: Program, running: Running
) -> None:
    """``az cosmosdb create --key-uri``, ``identity assign``, ``update --default-identity`` and ``--key-uri``."""
    for name in ("kv-az-cosmos", "kv-az-cosmos-two"):
        running.state.add_vault(name)
        running.state.add_key(name, "cmk")
        running.state.add_access_policy(name)
    uri = "https://{}.vault.azure.net/keys/cmk".format
    names = ("-n", "cosmos-az", "-g", "rg")

    made = az("cosmosdb", "create", *names, "--locations", "regionName=eastus2", "--key-uri", uri("kv-az-cosmos")).json
    first = posture(running, "Microsoft.DocumentDB/databaseAccounts", "cosmos-az")
    identity = az("cosmosdb", "identity", "assign", *names).json
    running.state.add_access_policy("kv-az-cosmos", identity["principalId"])
    running.state.add_access_policy("kv-az-cosmos-two", identity["principalId"])
    moved = az("cosmosdb", "update", *names, "--default-identity", "SystemAssignedIdentity").json
    az("cosmosdb", "update", *names, "--key-uri", uri("kv-az-cosmos-two"))
    second = posture(running, "Microsoft.DocumentDB/databaseAccounts", "cosmos-az")

    assert (uri("kv-az-cosmos"), "Succeeded") == (made["keyVaultKeyUri"], made["provisioningState"])
    assert "SystemAssignedIdentity" == moved["defaultIdentity"]
    assert ("customer", "Azure Cosmos DB") == (first.verdict, first.reader)
    assert ("customer", uri("kv-az-cosmos-two"), "system-assigned") == (second.verdict, second.key, second.reader)
