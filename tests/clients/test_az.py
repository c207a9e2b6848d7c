"""The az CLI, unchanged, with nothing but the environment: what it prints, and how it shows what Azure refuses.

Each test is a story of its own in names of its own, so that the tests can be shared out among workers. Where az would
wait half a minute between two polls, ``--no-wait`` is the way it documents.
"""

import dataclasses
import zlib
from pathlib import Path
from typing import Any

import pytest
from support.clients import SUBSCRIPTION, WORKSPACE_VERSION, Program, vault_id, workspace_body, workspace_id

from cmkctl.sandbox import CLIENT_ID, CLIENT_OBJECT_ID, SUBSCRIPTION_ID, TENANT_ID
from cmkctl.sandbox.core.constants import COSMOS_DB_APP_ID, COSMOS_DB_OBJECT_ID
from cmkctl.sandbox.server import Running

pytestmark = pytest.mark.az
ENCRYPTION_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
TEMPLATE = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "parameters": {
        "name": {"type": "string"},
        "location": {"type": "string", "defaultValue": "[resourceGroup().location]"},
    },
    "resources": [
        {
            "type": IDENTITIES,
            "apiVersion": "2023-01-31",
            "name": "[parameters('name')]",
            "location": "[parameters('location')]",
        }
    ],
    "outputs": {
        "id": {"type": "string", "value": f"[resourceId('{IDENTITIES}', parameters('name'))]"},
        "principal": {
            "type": "string",
            "value": f"[reference(resourceId('{IDENTITIES}', parameters('name'))).principalId]",
        },
    },
}


def url(path: str, version: str = WORKSPACE_VERSION) -> str:
    """Return the URL of an ARM path for ``az rest``."""
    return f"https://management.azure.com{path}?api-version={version}"


def test_login_shows_the_sandboxs_account(az: Program) -> None:
    """``az login --service-principal`` and ``az account show``: tenant, subscription, and who is signed in."""
    account = az("account", "show").json

    assert account == {
        "environmentName": "AzureCloud",
        "homeTenantId": TENANT_ID,
        "id": SUBSCRIPTION_ID,
        "isDefault": True,
        "managedByTenants": [],
        "name": "cmkctl sandbox",
        "state": "Enabled",
        "tenantId": TENANT_ID,
        "user": {"name": CLIENT_ID, "type": "servicePrincipal"},
    }


def test_a_wrong_secret_is_shown_as_entra_words_it(az: Program, tmp_path: Path) -> None:
    """AADSTS7000215, as az prints it for a real tenant."""
    stranger = dataclasses.replace(az, folder=tmp_path)  # az keeps the secret it is given, also a wrong one

    done = stranger("login", "--service-principal", "-u", CLIENT_ID, "-p", "wrong", "--tenant", TENANT_ID)

    assert (1, "") == (done.code, done.out)
    assert "AADSTS7000215: Invalid client secret provided." in done.err


def test_a_provider_is_registered_and_waited_for(az: Program, running: Running) -> None:
    """``az provider register --wait`` ends when the state is Registered, as ``show`` then has it."""
    running.state.unregister_provider("Microsoft.Search")

    before = az("provider", "show", "-n", "Microsoft.Search", "--query", "registrationState").json
    done = az("provider", "register", "-n", "Microsoft.Search", "--wait")
    after = az("provider", "show", "-n", "Microsoft.Search", "--query", "registrationState").json

    assert ("NotRegistered", (0, ""), "Registered") == (before, (done.code, done.out), after)


def test_a_resource_group_comes_and_goes(az: Program) -> None:
    """``az group create``, ``show``, ``exists``, ``delete``."""
    made = az("group", "create", "-n", "rg-az", "-l", "westus3", "--tags", "team=ml").json
    shown = az("group", "show", "-n", "rg-az").json
    there = az("group", "exists", "-n", "rg-az").json
    gone = az("group", "delete", "-n", "rg-az", "--yes", "--no-wait")
    missing = az("group", "show", "-n", "rg-none")

    assert made == {
        "id": f"{SUBSCRIPTION}/resourceGroups/rg-az",
        "location": "westus3",
        "managedBy": None,
        "name": "rg-az",
        "properties": {"provisioningState": "Succeeded"},
        "tags": {"team": "ml"},
        "type": "Microsoft.Resources/resourceGroups",
    }
    assert (made, True, 0) == (shown, there, gone.code)
    assert (3, "ERROR: (ResourceGroupNotFound) Resource group 'rg-none' could not be found.") == (
        missing.code,
        missing.err.splitlines()[0],
    )


def test_a_vault_is_created_shown_and_changed(az: Program) -> None:
    """``az keyvault create``, ``show``, ``set-policy`` for a service principal's name, ``update``, ``list``."""
    create = ("keyvault", "create", "-n", "kv-az-one", "-g", "rg", "-l", "eastus2", "--no-wait")
    made = az(*create, "--enable-rbac-authorization", "false", "--enable-purge-protection", "true")
    shown = az("keyvault", "show", "-n", "kv-az-one").json["properties"]
    policies = az(
        *("keyvault", "set-policy", "-n", "kv-az-one", "--spn", COSMOS_DB_APP_ID),
        *("--key-permissions", "get", "wrapKey", "unwrapKey", "--query", "properties.accessPolicies"),
    ).json
    changed = az("keyvault", "update", "-n", "kv-az-one", "--default-action", "Deny").json["properties"]
    listed = az("keyvault", "list", "-g", "rg", "--query", "[].name").json

    assert made.code == 0, made.err
    assert {
        "enablePurgeProtection": True,
        "enableRbacAuthorization": False,
        "enableSoftDelete": True,
        "softDeleteRetentionInDays": 90,
        "provisioningState": "Succeeded",
        "vaultUri": "https://kv-az-one.vault.azure.net/",
        "tenantId": TENANT_ID,
    }.items() <= shown.items()
    assert [CLIENT_OBJECT_ID, COSMOS_DB_OBJECT_ID] == [policy["objectId"] for policy in policies]
    assert {"get", "unwrapKey", "wrapKey"} == set(policies[1]["permissions"]["keys"])
    assert changed["networkAcls"] == {
        "bypass": "AzureServices",
        "defaultAction": "Deny",
        "ipRules": [],
        "virtualNetworkRules": [],
    }
    assert "kv-az-one" in listed


def test_a_vault_is_found_by_its_name_alone(az: Program, running: Running) -> None:
    """Without ``-g`` az looks the group up by a filter over the subscription's resources (recording 40)."""
    running.state.add_vault("kv-az-found")

    found = az("keyvault", "show", "-n", "kv-az-found", "--query", "id").json
    missing = az("keyvault", "show", "-n", "kv-az-none")

    assert vault_id("kv-az-found") == found
    assert (1, "ERROR: The Vault 'kv-az-none' not found within subscription.") == (missing.code, missing.err.strip())


def test_protection_is_not_taken_away(az: Program, running: Running) -> None:
    """Purge protection stays, a protected vault is soft-deleted, not purged, and comes back by ``recover``."""
    running.state.add_vault("kv-az-safe")

    weakened = az("keyvault", "update", "-n", "kv-az-safe", "-g", "rg", "--enable-purge-protection", "false")
    deleted = az("keyvault", "delete", "-n", "kv-az-safe", "-g", "rg")
    listed = az("keyvault", "list-deleted", "--resource-type", "vault").json
    purged = az("keyvault", "purge", "-n", "kv-az-safe", "-l", "eastus2")
    back = az("keyvault", "recover", "-n", "kv-az-safe", "-l", "eastus2", "--no-wait")
    state = az("keyvault", "show", "-n", "kv-az-safe", "--query", "properties.provisioningState").json

    assert (1, 0, 1, 0) == (weakened.code, deleted.code, purged.code, back.code), back.err
    assert (
        'ERROR: (BadRequest) The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection '
        "for a vault is an irreversible action."
    ) == weakened.err.splitlines()[0]
    assert [("kv-az-safe", vault_id("kv-az-safe"))] == [(row["name"], row["properties"]["vaultId"]) for row in listed]
    assert "ERROR: (MethodNotAllowed) Operation 'DeletedVaultPurge' is not allowed." == purged.err.splitlines()[0]
    assert state == "Succeeded"


def test_deleted_vaults_are_listed_beside_managed_hsms(az: Program) -> None:
    """Without ``--resource-type`` az requests managed HSMs, too: there are none."""
    done = az("keyvault", "list-deleted", "--query", "[?type=='Microsoft.KeyVault/deletedManagedHSMs']")

    assert [] == done.json


def test_a_key_is_created_shown_listed_and_rotated(az: Program, running: Running) -> None:
    """``az keyvault key``: the data plane, challenge first, with a token of its own audience."""
    running.state.add_vault("kv-az-keys")
    running.state.add_access_policy("kv-az-keys", CLIENT_OBJECT_ID, ["all"])
    where = ("--vault-name", "kv-az-keys", "-n", "cmk")

    made = az(
        "keyvault", "key", "create", *where, "--kty", "RSA", "--size", "3072", "--ops", "wrapKey", "unwrapKey"
    ).json
    shown = az("keyvault", "key", "show", *where).json
    rotated = az("keyvault", "key", "rotate", *where, "--query", "key.kid").json
    versions = az("keyvault", "key", "list-versions", *where, "--query", "[].kid").json
    listed = az("keyvault", "key", "list", "--vault-name", "kv-az-keys", "--query", "[].[name, kid]").json

    assert ("RSA", ["wrapKey", "unwrapKey"]) == (made["key"]["kty"], made["key"]["keyOps"])
    assert ("Recoverable", True) == (made["attributes"]["recoveryLevel"], made["attributes"]["enabled"])
    assert made["key"] == shown["key"]
    assert {made["key"]["kid"], rotated} == set(versions)
    assert [["cmk", "https://kv-az-keys.vault.azure.net/keys/cmk"]] == listed


def test_a_caller_without_a_policy_may_not_touch_a_key(az: Program, running: Running) -> None:
    """Identity is evaluated in the data plane: Azure's 403, as az prints it."""
    running.state.add_vault("kv-az-shut")

    done = az("keyvault", "key", "list", "--vault-name", "kv-az-shut")

    assert done.code == 1
    assert "does not have keys list permission on key vault 'kv-az-shut;location=eastus2'" in done.err


def test_a_role_is_looked_up_and_assigned_once(az: Program, running: Running) -> None:
    """``az role definition list``, ``az role assignment create`` (twice), ``list`` and ``delete``."""
    scope = running.state.add_vault("kv-az-roles", rbac=True)
    role = "Key Vault Crypto Service Encryption User"
    grant = ("--role", role, "--scope", scope, "--assignee-object-id", COSMOS_DB_OBJECT_ID)

    defined = az("role", "definition", "list", "--name", role).json
    made = az("role", "assignment", "create", *grant, "--assignee-principal-type", "ServicePrincipal").json
    az("role", "assignment", "create", *grant, "--assignee-principal-type", "ServicePrincipal")
    listed = az("role", "assignment", "list", "--scope", scope).json
    mine = az("role", "assignment", "list", "--assignee", COSMOS_DB_APP_ID, "--all", "--query", "[].scope").json

    assert [ENCRYPTION_USER] == [row["name"] for row in defined]
    assert (scope, COSMOS_DB_OBJECT_ID, "ServicePrincipal") == (
        made["scope"],
        made["principalId"],
        made["principalType"],
    )
    assert [(made["id"], role, COSMOS_DB_APP_ID)] == [
        (row["id"], row["roleDefinitionName"], row["principalName"]) for row in listed
    ]
    assert scope in mine


def test_azure_cosmos_dbs_principal_is_shown_by_its_application_id(az: Program) -> None:
    """``az ad sp show --id``: the object id that grants take; and Graph's words for one that is not there."""
    found = az("ad", "sp", "show", "--id", COSMOS_DB_APP_ID).json
    missing = az("ad", "sp", "show", "--id", "00000000-1111-2222-3333-444444444444")

    assert (COSMOS_DB_OBJECT_ID, "Azure Cosmos DB") == (found["id"], found["displayName"])
    assert missing.code == 3
    assert "00000000-1111-2222-3333-444444444444' does not exist" in missing.err


def test_an_identity_is_created_and_shown(az: Program) -> None:
    """``az identity create`` takes the group's location; its principal is in the directory at once."""
    made = az("identity", "create", "-n", "id-az", "-g", "rg").json
    shown = az("identity", "show", "-n", "id-az", "-g", "rg").json
    principal = az("ad", "sp", "show", "--id", made["principalId"], "--query", "appId").json

    assert (f"{SUBSCRIPTION}/resourcegroups/rg/providers/{IDENTITIES}/id-az", "eastus2") == (
        made["id"],
        made["location"],
    )
    assert (made, made["clientId"]) == (shown, principal)


def test_a_storage_account_is_created_and_shown(az: Program) -> None:
    """``az storage account create`` checks the name first, and shows Azure's words when it is taken elsewhere."""
    create = ("storage", "account", "create", "-n", "stazcmk", "-g", "rg", "--sku", "Standard_LRS")
    wanted = "{name: name, state: provisioningState, tls: minimumTlsVersion, blob: primaryEndpoints.blob}"
    made = az(*create, "-l", "eastus2", "--min-tls-version", "TLS1_2", "--query", wanted).json
    shown = az("storage", "account", "show", "-n", "stazcmk", "--query", wanted).json
    free = az("storage", "account", "check-name", "-n", "stazcmk").json
    elsewhere = az(*create, "-l", "westus2")

    assert {
        "name": "stazcmk",
        "state": "Succeeded",
        "tls": "TLS1_2",
        "blob": "https://stazcmk.blob.core.windows.net/",
    } == made
    assert made == shown
    assert {
        "nameAvailable": False,
        "reason": "AlreadyExists",
        "message": "The storage account named stazcmk is already taken.",
    } == free
    assert (
        "(InvalidResourceLocation) The resource 'stazcmk' already exists in location 'eastus2' in resource group 'rg'. "
        "A resource with the same name cannot be created in location 'westus2'. Please select a new resource name."
    ) in elsewhere.err


def test_a_resource_is_created_by_its_type(az: Program) -> None:
    """``az resource create``: az picks the api-version from those that the provider lists."""
    named = ("-g", "rg", "--resource-type", "Microsoft.OperationalInsights/workspaces", "-n", "log-az")
    made = az("resource", "create", *named, "-l", "eastus2", "--properties", '{"sku": {"name": "PerGB2018"}}').json
    shown = az("resource", "show", *named).json
    listed = az("resource", "list", "-g", "rg", "--resource-type", named[3], "--query", "[].name").json

    assert ("log-az", "PerGB2018", "Succeeded") == (
        made["name"],
        made["properties"]["sku"]["name"],
        made["properties"]["provisioningState"],
    )
    assert (made["id"], ["log-az"]) == (shown["id"], listed)


@pytest.fixture
def material(running: Running, request: pytest.FixtureRequest) -> dict[str, str]:
    """Arrange vault, key, grant and storage account for a workspace, in names of the test's own."""
    number = zlib.crc32(request.node.name.encode())
    vault = running.state.add_vault(f"kv-{number}")
    key = running.state.add_key(f"kv-{number}", "cmk")
    running.state.add_access_policy(f"kv-{number}")
    return {"vault": vault, "key": key, "storage": running.state.add_storage_account(f"st{number}")}


def test_a_cmk_workspace_is_put_by_rest(az: Program, material: dict[str, str]) -> None:
    """``az rest`` with the documented body: 202 and nothing to print, then the workspace with its encryption."""
    target = url(workspace_id("mlw-az"))
    missing = az("rest", "-m", "get", "-u", target)
    done = az("rest", "-m", "put", "-u", target, "--body", f"@{az.write('body.json', workspace_body(**material))}")
    made = az("rest", "-m", "get", "-u", target, "--query", "properties").json

    assert (1, 0, "") == (missing.code, done.code, done.out), done.err
    assert (
        'ERROR: Not Found({"error":{"code":"ResourceNotFound","message":"The Resource '
        "'Microsoft.MachineLearningServices/workspaces/mlw-az' under resource group 'rg' was not found."
    ) in missing.err
    assert ("Succeeded", True, "Enabled", material["key"]) == (
        made["provisioningState"],
        made["hbiWorkspace"],
        made["encryption"]["status"],
        made["encryption"]["keyVaultProperties"]["keyIdentifier"],
    )


def test_a_request_without_an_api_version_is_refused(az: Program) -> None:
    """Azure Resource Manager's own words, in the form ``az rest`` prints them."""
    done = az("rest", "-m", "get", "-u", f"https://management.azure.com{workspace_id('mlw-az')}")

    assert (1, "") == (done.code, done.out)
    assert (
        'ERROR: Bad Request({"error":{"code":"MissingApiVersionParameter","message":"The api-version query parameter '
        '(?api-version=) is required for all requests."}})'
    ) == done.err.strip()


def test_a_key_identifier_without_a_version_is_refused(az: Program, material: dict[str, str]) -> None:
    """A workspace takes one version of a key, not the key."""
    unversioned = {**material, "key": material["key"].rpartition("/")[0]}
    body = az.write("body.json", workspace_body(**unversioned))

    done = az("rest", "-m", "put", "-u", url(workspace_id("mlw-az-unversioned")), "--body", f"@{body}")

    assert done.code == 1
    assert "ERROR: Bad Request(" in done.err
    assert "must include the version of the key" in done.err


def deployed(az: Program, name: str, template: dict[str, Any], *parameters: str) -> dict[str, Any]:
    """Begin a deployment, wait for its end with a poll a second, and return its properties."""
    file = az.write(f"{name}.json", template)
    accepted = az("deployment", "group", "create", "-g", "rg", "-n", name, "-f", file, "-p", *parameters, "--no-wait")
    assert accepted.code == 0, accepted.err
    ended = "properties.provisioningState=='Succeeded' || properties.provisioningState=='Failed'"
    az("deployment", "group", "wait", "-g", "rg", "-n", name, "--custom", ended, "--interval", "1", "--timeout", "60")
    shown: dict[str, Any] = az("deployment", "group", "show", "-g", "rg", "-n", name, "--query", "properties").json
    return shown


def test_a_template_is_validated_deployed_and_shown(az: Program) -> None:
    """``az deployment group``: the body is az's own kind of JSON, and the outputs are evaluated."""
    file = az.write("valid.json", TEMPLATE)
    valid = az("deployment", "group", "validate", "-g", "rg", "-f", file, "-p", "name=id-az-template").json
    shown = deployed(az, "one", TEMPLATE, "name=id-az-template")
    steps = az("deployment", "operation", "group", "list", "-g", "rg", "-n", "one").json
    principal = az("identity", "show", "-n", "id-az-template", "-g", "rg", "--query", "principalId").json

    identifier = f"{SUBSCRIPTION}/resourceGroups/rg/providers/{IDENTITIES}/id-az-template"
    assert ("Succeeded", None) == (valid["properties"]["provisioningState"], valid["properties"]["error"])
    assert {"id": identifier, "principal": principal} == {
        name: output["value"] for name, output in shown["outputs"].items()
    }
    assert "Succeeded" in {step["properties"]["provisioningState"] for step in steps}


def test_a_vault_without_purge_protection_fails_the_deployment(
    az: Program, running: Running, material: dict[str, str]
) -> None:
    """Azure notices while the workspace is being made: the words of the failed operation reach the user."""
    del running.state.vault(material["vault"].rpartition("/")[2])["doc"]["properties"]["enablePurgeProtection"]
    body = workspace_body(**material)
    resource = {
        "type": "Microsoft.MachineLearningServices/workspaces",
        "apiVersion": WORKSPACE_VERSION,
        "name": "mlw-az-unprotected",
        **body,
    }
    template = {**TEMPLATE, "parameters": {"unused": {"type": "string"}}, "resources": [resource], "outputs": {}}

    shown = deployed(az, "two", template, "unused=x")

    assert ("Failed", "DeploymentFailed") == (shown["provisioningState"], shown["error"]["code"])
    assert "CMK workspaces should have purge protection enabled on their CMK keyvault." in str(shown["error"])
