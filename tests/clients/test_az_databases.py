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


def _key(running: Running, vault: str) -> tuple[str, str]:
    """Return a new version of a key, and the id of an identity that may use the key."""
    identity = running.state.add_identity(f"id-{vault}", "rg")
    running.state.add_vault(vault)
    key = running.state.add_key(vault, "cmk")
    principal = (running.state.resource(identity) or {})["properties"]["principalId"]
    running.state.add_access_policy(vault, principal, PERMISSIONS)
    return key, identity


def _create(az: Program, kind: str, name: str, key: str, identity: str, *more: str) -> None:
    signed_in = ("--admin-user", "ada", "--admin-password", "Sandbox-1-only")
    rest = ("-l", "eastus2", "--tier", "GeneralPurpose", "--public-access", "None", "--yes")
    made = az(
        *(kind, "flexible-server", "create", "-n", name, "-g", "rg", "--key", key, "--identity", identity),
        *(*signed_in, *rest, *more),
    )
    assert 0 == made.code, made.err


def test_a_postgresql_server_is_created_with_a_key_and_moves_to_another_version(az: Program, running: Running) -> None:
    """``az postgres flexible-server create --key --identity``, and ``update`` with both."""
    key, identity = _key(running, "kv-az-psql")
    _create(
        *(az, "postgres", "psql-az", key, identity),
        *("--sku-name", "Standard_D2s_v3", "--version", "16", "--storage-size", "128"),
    )

    first = posture(running, "Microsoft.DBforPostgreSQL/flexibleServers", "psql-az")
    newer = running.state.add_key("kv-az-psql", "cmk")
    changed = az(
        *("postgres", "flexible-server", "update", "-n", "psql-az", "-g", "rg"),
        *("--key", newer, "--identity", identity),
    )
    second = posture(running, "Microsoft.DBforPostgreSQL/flexibleServers", "psql-az")

    assert 0 == changed.code, changed.err
    assert ["customer", "customer"] == [first.verdict, second.verdict]
    assert [key, newer] == [f"{each.key}/{each.key_version}" for each in (first, second)]


def test_a_mysql_server_loses_its_key_and_gets_it_again(az: Program, running: Running) -> None:
    """``az mysql flexible-server create``, ``update --disable-data-encryption``, and ``update --key --identity``."""
    key, identity = _key(running, "kv-az-mysql")
    _create(
        *(az, "mysql", "mysql-az", key, identity),
        *("--sku-name", "Standard_D2ds_v4", "--version", "8.0.21", "--storage-size", "32"),
    )
    update = ("mysql", "flexible-server", "update", "-n", "mysql-az", "-g", "rg")

    found = [posture(running, "Microsoft.DBforMySQL/flexibleServers", "mysql-az").verdict]
    for more in (("--disable-data-encryption",), ("--key", key, "--identity", identity)):
        done = az(*update, *more)
        assert 0 == done.code, done.err
        found.append(posture(running, "Microsoft.DBforMySQL/flexibleServers", "mysql-az").verdict)

    assert ["customer", "microsoft", "customer"] == found
