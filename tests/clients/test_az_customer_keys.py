"""The az CLI sets keys on services around a workspace, unchanged, and ``cmkctl posture`` finds the customer's key on each."""

from pathlib import Path

import pytest
from support.clients import Program
from support.command_line import CommandLine, Ran

from cmkctl.sandbox.server import Running

pytestmark = pytest.mark.az

VAULT = "kv-az-keys"
CONTAINER_INSTANCES = "6bb8e274-af5d-4df2-98a3-4fd78b4cafd9"
"""The application that reads the keys of container groups."""


def cmkctl(az: Program, *arguments: str | Path) -> Ran:
    """Run cmkctl in the environment of az."""
    return CommandLine(az.folder, {**az.environment, "CMKCTL_AUTH": "environment"})(*arguments)


def test_posture_finds_the_keys_that_az_sets(az: Program, running: Running) -> None:
    """An account with a scope, a server, a registry and a container group, each with Azure's own command."""
    state = running.state
    state.add_vault(VAULT)
    key = state.add_key(VAULT, "cmk")
    reader = state.resource(state.add_identity("id-az-keys")) or {}
    application = state.add_principal(CONTAINER_INSTANCES, "Azure Container Instance Service")
    for principal in (reader["properties"]["principalId"], application):
        state.add_access_policy(VAULT, principal)
    vault, here = f"https://{VAULT}.vault.azure.net/", ("-g", "rg", "-l", "eastus2")
    parts = ("--encryption-key-type-for-queue", "Account", "--encryption-key-type-for-table", "Account")
    group = {
        "apiVersion": "2023-05-01",
        "location": "eastus2",
        "name": "aciazkeys",
        "properties": {
            "containers": [{"name": "one", "properties": {"image": "alpine"}}],
            "encryptionProperties": {"vaultBaseUrl": vault, "keyName": "cmk", "keyVersion": key.rpartition("/")[2]},
            "osType": "Linux",
        },
    }

    account = az("storage", "account", "create", "-n", "stazkeys", *here, *parts, "--assign-identity").json
    state.add_access_policy(VAULT, account["identity"]["principalId"])
    named = ("--encryption-key-source", "Microsoft.Keyvault", "--encryption-key-vault", vault)
    az("storage", "account", "update", "-n", "stazkeys", *named, "--encryption-key-name", "cmk")
    scope = ("storage", "account", "encryption-scope", "create", "-n", "own", "--account-name", "stazkeys", "-g", "rg")
    scoped = az(*scope, "-s", "Microsoft.KeyVault", "-u", key.rpartition("/")[0]).json
    admin = ("-u", "admin1", "-p", "no-Secret-1")
    server = az("sql", "server", "create", "-n", "sqlazkeys", *here, *admin, "-i").json
    state.add_access_policy(VAULT, server["identity"]["principalId"])
    on = ("--server", "sqlazkeys", "-g", "rg", "--kid", key)
    az("sql", "server", "key", "create", *on)
    protector = az("sql", "server", "tde-key", "set", *on, "-t", "AzureKeyVault").json
    keyed = ("--identity", reader["id"], "--key-encryption-key", key.rpartition("/")[0])
    az("acr", "create", "-n", "crazkeys", *here, "--sku", "Premium", *keyed)
    az("container", "create", "-g", "rg", "--file", az.write("group.yaml", group))
    ran = cmkctl(az, "posture", "--resource-group", "rg", "--json")

    assert (key, key) == (scoped["keyVaultProperties"]["currentVersionedKeyIdentifier"], protector["uri"])
    assert 0 == ran.code, ran.err
    assert {"stazkeys": "customer", "sqlazkeys": "customer", "crazkeys": "customer", "aciazkeys": "customer"} == {
        each["resource_id"].rpartition("/")[2]: each["verdict"]
        for each in ran.of("posture")
        if each["resource_id"].endswith("azkeys")
    }
