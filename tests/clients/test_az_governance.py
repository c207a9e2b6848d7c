"""The az CLI over registries, disk encryption sets, locks, tags, policies, features, Graph and what-if, unchanged."""

from typing import Any

import pytest
from support.clients import SUBSCRIPTION, Program

from cmkctl.sandbox.core.constants import COSMOS_DB_APP_ID
from cmkctl.sandbox.server import Running

pytestmark = pytest.mark.az
IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"


def test_a_registry_with_a_key_is_made_changed_and_deleted(az: Program, running: Running) -> None:
    """``az acr create``, ``encryption rotate-key``, ``update``, ``credential show``, ``replication``, ``delete``."""
    running.state.add_vault("kv-az-acr")
    first, second = (running.state.add_key("kv-az-acr", name) for name in ("first", "second"))
    identity = running.state.add_identity("id-az-acr")
    reader = running.state.resource(identity) or {}
    running.state.add_access_policy("kv-az-acr", reader["properties"]["principalId"])
    named = ("-n", "crazcmk")
    keyed = ("--identity", identity, "--key-encryption-key")
    shown = "encryption.keyVaultProperties.{key: versionedKeyIdentifier, at: lastKeyRotationTimestamp}"

    free = az("acr", "check-name", *named, "--query", "nameAvailable").json
    created = ("acr", "create", *named, "-g", "rg", "--sku", "Premium", "-l", "eastus2")
    made = az(*created, *keyed, first, "--query", shown).json
    rotated = az("acr", "encryption", "rotate-key", *named, *keyed, second, "--query", shown).json
    az("acr", "update", *named, "--admin-enabled", "true")
    user = az("acr", "credential", "show", *named, "--query", "username").json
    az("acr", "replication", "create", "-r", "crazcmk", "-l", "westus3")
    regions = az("acr", "replication", "list", "-r", "crazcmk", "--query", "[].location").json
    gone = az("acr", "delete", *named, "-y")

    assert (True, {"key": first, "at": None}) == (free, made)
    assert (second, True) == (rotated["key"], bool(rotated["at"]))
    assert ("crazcmk", ["eastus2", "westus3"], 0) == (user, regions, gone.code)


def test_a_disk_encryption_set_is_made_changed_and_deleted(az: Program, running: Running) -> None:
    """``az disk-encryption-set create``, ``update`` with another key, ``delete``, which az waits for."""
    running.state.add_vault("kv-az-des", purge_protection=False)
    first, second = (running.state.add_key("kv-az-des", name) for name in ("first", "second"))
    named = ("-n", "des-az", "-g", "rg")
    source = ("--source-vault", "kv-az-des", "--key-url")

    made = az(
        "disk-encryption-set", "create", *named, "-l", "eastus2", *source, first, "--query", "activeKey.keyUrl"
    ).json
    changed = az("disk-encryption-set", "update", *named, *source, second).json
    gone = az("disk-encryption-set", "delete", *named)
    absent = az("disk-encryption-set", "show", *named)

    assert (first, second) == (made, changed["activeKey"]["keyUrl"])
    assert changed["lastKeyRotationTimestamp"]
    assert (0, 3) == (gone.code, absent.code)
    assert "(NotFound) DiskEncryptionSet 'des-az' was not found." in absent.err


def test_a_lock_keeps_a_group(az: Program, running: Running) -> None:
    """``az lock create``, ``list``, ``delete``; the refusal is shown in Azure's words."""
    running.state.add_resource_group("rg-az-locked")
    group = ("-g", "rg-az-locked")

    az("lock", "create", "-n", "one", *group, "--lock-type", "CanNotDelete")
    names = az("lock", "list", *group, "--query", "[].name").json
    refused = az("group", "delete", "-n", "rg-az-locked", "-y")
    az("lock", "delete", "-n", "one", *group)
    gone = az("group", "delete", "-n", "rg-az-locked", "-y")

    assert (["one"], 0) == (names, gone.code)
    assert "(ScopeLocked) The scope" in refused.err


def test_tags_are_written_on_a_group_and_on_a_resource(az: Program, running: Running) -> None:
    """``az tag create`` and ``update``; ``az resource tag``, which sends back what it has read."""
    group = running.state.add_resource_group("rg-az-tags")
    running.state.add_storage_account("staztags", "rg-az-tags")
    at = ("--resource-id", group)

    az("tag", "create", *at, "--tags", "a=b")
    merged = az("tag", "update", *at, "--operation", "Merge", "--tags", "c=d", "--query", "properties.tags").json
    kind = ("--resource-type", "Microsoft.Storage/storageAccounts")
    tagged = az("resource", "tag", "-g", "rg-az-tags", "-n", "staztags", *kind, "--tags", "e=f", "--query", "tags").json

    assert ({"a": "b", "c": "d"}, {"e": "f"}) == (merged, tagged)


def test_policies_and_features_are_listed(az: Program, running: Running) -> None:
    """``az policy definition list`` and ``assignment list``, ``az feature register`` and ``show``."""
    running.state.add_policy("az-purge", "Microsoft.KeyVault/vaults", "enablePurgeProtection", allow=[True])
    feature = ("--namespace", "Microsoft.Compute", "-n", "EncryptionAtHost", "--query", "properties.state")
    try:
        listed = [az("policy", what, "list", "--query", "[].name").json for what in ("definition", "assignment")]
    finally:
        running.state.clear_policies()
    before = az("feature", "show", *feature).json
    az("feature", "register", *feature)

    assert [["az-purge"], ["az-purge"]] == listed
    assert ("NotRegistered", "Registered") == (before, az("feature", "show", *feature).json)


def test_a_principal_is_found_by_what_its_name_begins_with(az: Program) -> None:
    """``az ad sp list --display-name``; ``delete`` and ``create`` by its application id."""
    named = ("ad", "sp", "list", "--display-name", "azure cosmos", "--query", "[].appId")

    before = az(*named).json
    az("ad", "sp", "delete", "--id", COSMOS_DB_APP_ID)
    between = az(*named).json
    made = az("ad", "sp", "create", "--id", COSMOS_DB_APP_ID, "--query", "appId").json

    assert ([COSMOS_DB_APP_ID], [], COSMOS_DB_APP_ID) == (before, between, made)


def test_a_deployment_is_foretold_and_exported(az: Program, running: Running) -> None:
    """``az deployment group what-if`` and ``export``."""
    running.state.add_resource_group("rg-az-what")
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    resource: dict[str, Any] = {
        "type": IDENTITIES,
        "apiVersion": "2023-01-31",
        "name": "id-what",
        "location": "eastus2",
    }
    template = {"$schema": schema, "contentVersion": "1.0.0.0", "resources": [resource]}
    common = ("-g", "rg-az-what", "-n", "main")
    from_file = (*common, "--template-file", az.write("what.json", template))
    shown = ("--no-pretty-print", "--query", "changes[].{id: resourceId, type: changeType}")
    found = f"{SUBSCRIPTION}/resourceGroups/rg-az-what/providers/{IDENTITIES}/id-what"

    before = az("deployment", "group", "what-if", *from_file, *shown).json
    az("deployment", "group", "create", *from_file)
    after = az("deployment", "group", "what-if", *from_file, *shown).json
    exported = az("deployment", "group", "export", *common).json

    assert [{"id": found, "type": "Create"}] == before
    assert [{"id": found, "type": "NoChange"}] == after
    assert template == exported


def test_the_services_of_a_storage_account_are_shown(az: Program, running: Running) -> None:
    """Blob and file service, a container and an encryption scope by Resource Manager."""
    running.state.add_storage_account("stazserv")
    account = ("-g", "rg", "--query")

    blobs = az(
        "storage", "account", "blob-service-properties", "show", "-n", "stazserv", *account, "cors.corsRules"
    ).json
    shares = "shareDeleteRetentionPolicy.days"
    files = az("storage", "account", "file-service-properties", "show", "-n", "stazserv", *account, shares).json
    container = az(
        "storage", "container-rm", "create", "-n", "one", "--storage-account", "stazserv", *account, "name"
    ).json
    scope = ("storage", "account", "encryption-scope", "create", "-n", "scope", "--account-name", "stazserv")
    state = az(*scope, *account, "state").json

    assert ([], 7, "one", "Enabled") == (blobs, files, container, state)
