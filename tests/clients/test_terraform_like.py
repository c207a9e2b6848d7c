"""Terraform's azurerm provider, replayed from its sources: discovery, polling, data-plane keys, re-reads after create."""

from collections.abc import Iterator

import pytest
from support.clients import SUBSCRIPTION, vault_id, workspace_body, workspace_id
from support.terraform import Terraform, claims

from cmkctl.sandbox import CLIENT_ID, CLIENT_OBJECT_ID, TENANT_ID, Sandbox
from cmkctl.sandbox.core.constants import COSMOS_DB_APP_ID, COSMOS_DB_OBJECT_ID
from cmkctl.sandbox.server import Running

VAULTS = "2023-07-01"
PROVIDERS = "2022-09-01"
WORKSPACES = "2025-06-01"
DISCOVERY = {
    "management.azure.com": (
        "AzureCloud",
        "https://login.microsoftonline.com",
        "https://graph.microsoft.com/",
        "vault.azure.net",
    ),
    "management.usgovcloudapi.net": (
        "AzureUSGovernment",
        "https://login.microsoftonline.us",
        "https://graph.microsoft.us",
        "vault.usgovcloudapi.net",
    ),
    "management.chinacloudapi.cn": (
        "AzureChinaCloud",
        "https://login.chinacloudapi.cn",
        "https://microsoftgraph.chinacloudapi.cn",
        "vault.azure.cn",
    ),
}


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """Yield a sandbox at its default pace, every provider registered, with one resource group."""
    with Sandbox().serve() as server:
        server.state.register_provider()
        server.state.add_resource_group("rg")
        yield server


@pytest.fixture
def terraform(running: Running) -> Terraform:
    """Return a client that has discovered the public cloud and logged in."""
    return Terraform(running)


@pytest.mark.parametrize(("host", "expected"), DISCOVERY.items(), ids=DISCOVERY)
def test_each_cloud_publishes_its_endpoints(running: Running, host: str, expected: tuple[str, ...]) -> None:
    """Discovery needs no token, and what it names is what the sandbox answers for."""
    terraform = Terraform(running, host)
    cloud = terraform.cloud

    assert expected == (
        cloud["name"],
        cloud["authentication"]["loginEndpoint"],
        cloud["microsoftGraphResourceId"],
        cloud["suffixes"]["keyVaultDns"],
    )
    assert (TENANT_ID, CLIENT_OBJECT_ID, CLIENT_ID) == tuple(
        claims(terraform.token)[name] for name in ("tid", "oid", "appid")
    )
    assert terraform("GET", SUBSCRIPTION, "2022-12-01").status_code == 200


@pytest.mark.parametrize("audience", [0, 1])
def test_either_audience_of_the_discovery_document_opens_resource_manager(terraform: Terraform, audience: int) -> None:
    """With the slash at its end doubled, as clients make of it."""
    terraform.token = terraform.log_in(f"{terraform.cloud['authentication']['audiences'][audience]}/.default")

    assert terraform("GET", "/subscriptions", "2022-12-01").status_code == 200


def test_providers_are_listed_and_the_missing_ones_registered(terraform: Terraform, running: Running) -> None:
    """The provider registers what it needs and polls until it is Registered."""
    running.state.unregister_provider("Microsoft.Search")

    listed = terraform("GET", f"{SUBSCRIPTION}/providers", PROVIDERS).json()["value"]
    missing = [row["namespace"] for row in listed if row["registrationState"].lower() != "registered"]
    path = f"{SUBSCRIPTION}/providers/{missing[0]}"
    state = terraform("POST", f"{path}/register", PROVIDERS).json()["registrationState"]
    states = [terraform("GET", path, PROVIDERS).json()["registrationState"] for _ in range(3)]

    assert (["Microsoft.Search"], "Registering") == (missing, state)
    assert ["Registering", "Registering", "Registered"] == states


def test_a_vault_is_looked_for_made_waited_for_and_read_again(terraform: Terraform) -> None:
    """GET, deletedVaults, PUT, provisioningState to its end, the vault's own host, its contacts, GET."""
    path = vault_id("kv-tf")
    deleted = f"{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/eastus2/deletedVaults/kv-tf"
    properties = {
        "tenantId": TENANT_ID,
        "sku": {"family": "A", "name": "standard"},
        "accessPolicies": [],
        "enabledForDeployment": False,
        "enabledForDiskEncryption": False,
        "enabledForTemplateDeployment": False,
        "enableRbacAuthorization": False,
        "enableSoftDelete": True,
        "enablePurgeProtection": True,
        "softDeleteRetentionInDays": 90,
        "publicNetworkAccess": "Enabled",
    }
    rules = {
        "networkAcls": {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []},
    }

    absent = terraform("GET", path, VAULTS).status_code, terraform("GET", deleted, VAULTS).status_code
    made = terraform("PUT", path, VAULTS, {"location": "eastus2", "properties": properties | rules, "tags": {}})
    states = terraform.wait_for_state(path, VAULTS)
    read = terraform("GET", path, VAULTS).json()["properties"]
    reachable = terraform.http.get(read["vaultUri"])
    contacts = terraform.vault("GET", f"{read['vaultUri']}certificates/contacts")

    assert ((404, 404), 200, "RegisteringDns") == (
        absent,
        made.status_code,
        made.json()["properties"]["provisioningState"],
    )
    assert ["RegisteringDns", "RegisteringDns", "Succeeded"] == states
    assert properties == {name: read[name] for name in properties}
    assert "networkAcls" not in read  # rules that allow everyone are not shown (recording 16)
    assert (401, 403) == (reachable.status_code, contacts.status_code)


def test_a_key_is_made_in_the_data_plane_and_read_again(terraform: Terraform, running: Running) -> None:
    """GET (404), create, GET the newest, GET the rotation policy: api-version 7.4, challenge first."""
    running.state.add_vault("kv-tf-keys")
    entry = {
        "tenantId": TENANT_ID,
        "objectId": CLIENT_OBJECT_ID,
        "permissions": {"keys": ["Get", "Create", "Delete", "List", "Recover", "GetRotationPolicy"]},
    }
    policies = f"{vault_id('kv-tf-keys')}/accessPolicies"
    uri = "https://kv-tf-keys.vault.azure.net/keys/cmk"
    body = {"kty": "RSA", "key_size": 3072, "key_ops": ["wrapKey", "unwrapKey"], "attributes": {"enabled": True}}

    added = terraform("PUT", f"{policies}/add", VAULTS, {"properties": {"accessPolicies": [entry]}})
    absent = terraform.vault("GET", f"{uri}/")
    made = terraform.vault("POST", f"{uri}/create", body)
    read = terraform.vault("GET", f"{uri}/")
    policy = terraform.vault("GET", f"{uri}/rotationpolicy")

    assert (200, 404, 200, 200, 200) == tuple(each.status_code for each in (added, absent, made, read, policy))
    assert "KeyNotFound" == absent.json()["error"]["code"]
    assert made.json()["key"] == read.json()["key"]
    assert ["wrapKey", "unwrapKey"] == read.json()["key"]["key_ops"]
    assert policy.json()["id"] == f"{uri}/rotationpolicy"


def test_a_deleted_key_is_recovered_instead_of_made(terraform: Terraform, running: Running) -> None:
    """``recover_soft_deleted_keys``: create is 409, and recovering brings the same version back."""
    running.state.add_vault("kv-tf-back")
    running.state.add_access_policy("kv-tf-back", CLIENT_OBJECT_ID, ["all"])
    uri = "https://kv-tf-back.vault.azure.net"

    made = terraform.vault("POST", f"{uri}/keys/cmk/create", {"kty": "RSA", "key_size": 2048})
    terraform.vault("DELETE", f"{uri}/keys/cmk")
    waited = [terraform.vault("GET", f"{uri}/deletedkeys/cmk").status_code for _ in range(3)]
    again = terraform.vault("POST", f"{uri}/keys/cmk/create", {"kty": "RSA", "key_size": 2048})
    back = terraform.vault("POST", f"{uri}/deletedkeys/cmk/recover")

    assert (200, 200, 409, 200) == (made.status_code, waited[-1], again.status_code, back.status_code)
    assert made.json()["key"]["kid"] == back.json()["key"]["kid"]


def test_a_vault_is_found_by_its_name(terraform: Terraform, running: Running) -> None:
    """Imports look a vault's id up by a filter over the subscription's resources, five at a time."""
    running.state.add_vault("kv-tf-found")
    wanted = "resourceType eq 'Microsoft.KeyVault/vaults' and name eq 'kv-tf-found'"

    found = terraform("GET", f"{SUBSCRIPTION}/resources", "2020-06-01", **{"$filter": wanted, "$top": "5"}).json()

    assert {"value": [vault_id("kv-tf-found")]} == {**found, "value": [row["id"] for row in found["value"]]}


def test_azure_cosmos_dbs_principal_is_found_in_graph(terraform: Terraform) -> None:
    """The azuread provider's data source: by application id, with a token for Graph."""
    token = terraform.log_in(f"{terraform.cloud['microsoftGraphResourceId'].rstrip('/')}/.default")

    found = terraform.http.get(
        f"{terraform.cloud['microsoftGraphResourceId'].rstrip('/')}/v1.0/servicePrincipals",
        params={"$filter": f"appId eq '{COSMOS_DB_APP_ID}'"},
        headers={"Authorization": f"Bearer {token}"},
    ).json()

    assert [COSMOS_DB_OBJECT_ID] == [row["id"] for row in found["value"]]


def insights_of(terraform: Terraform, name: str) -> str:
    """Make an Application Insights component with its Log Analytics workspace as the provider does; return its id."""
    group = f"{SUBSCRIPTION}/resourceGroups/rg/providers"
    logs = {"location": "eastus2", "properties": {"sku": {"name": "PerGB2018"}, "retentionInDays": 30}}
    made = terraform("PUT", f"{group}/Microsoft.OperationalInsights/workspaces/log-{name}", "2022-10-01", logs)
    assert made.status_code in {200, 201}, made.text
    linked = {
        "Application_Type": "web",
        "WorkspaceResourceId": made.json()["id"],
        "RetentionInDays": 90,
        "SamplingPercentage": 100,
        "DisableIpMasking": False,
        "DisableLocalAuth": False,
        "ForceCustomerStorageForProfiler": False,
    }
    component = {"name": f"appi-{name}", "location": "eastus2", "kind": "web", "properties": linked, "tags": {}}
    made = terraform("PUT", f"{group}/Microsoft.Insights/components/appi-{name}", "2020-02-02", component)
    assert made.status_code in {200, 201}, made.text
    billing = f"{made.json()['id']}/currentbillingfeatures"
    features = terraform("GET", billing, "2015-05-01")
    assert features.json() == terraform("PUT", billing, "2015-05-01", features.json()).json()
    return str(made.json()["id"])


def test_a_workspace_is_put_polled_read_again_and_purged(terraform: Terraform, running: Running) -> None:
    """PUT 202, Azure-AsyncOperation verbatim to Succeeded, GET with all that the provider dereferences, DELETE."""
    vault = running.state.add_vault("kv-tf-ml")
    key = running.state.add_key("kv-tf-ml", "cmk")
    running.state.add_access_policy("kv-tf-ml")
    insights = insights_of(terraform, "tf")
    body = workspace_body(vault, key, running.state.add_storage_account("sttfml"))
    body["properties"]["encryption"]["identity"] = {}
    body["properties"] |= {
        "applicationInsights": insights,
        "enableServiceSideCMKEncryption": False,
        "provisionNetworkNow": False,
        "publicNetworkAccess": "Enabled",
        "systemDatastoresAuthMode": "accesskey",
        "v1LegacyMode": False,
    }
    more = {
        "name": "mlw-tf",
        "kind": "Default",
        "sku": {"name": "Basic", "tier": "Basic"},
        "tags": {},
        "identity": {"type": "SystemAssigned", "userAssignedIdentities": None},
    }
    path = workspace_id("mlw-tf")

    absent = terraform("GET", path, WORKSPACES)
    accepted = terraform("PUT", path, WORKSPACES, {**body, **more})
    statuses = terraform.wait_for_operation(accepted)
    read = terraform("GET", path, WORKSPACES).json()
    deleted = terraform("DELETE", path, WORKSPACES, forceToPurge="true")
    gone = terraform.wait_for_operation(deleted)

    assert (404, 202, b"", 202) == (absent.status_code, accepted.status_code, accepted.content, deleted.status_code)
    assert ({"InProgress"}, "Succeeded", "Succeeded") == (set(statuses[:-1]), statuses[-1], gone[-1])
    assert ("Basic", "Default", "Enabled", key) == (
        read["sku"]["name"],
        read["kind"],
        read["properties"]["publicNetworkAccess"],
        read["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"],
    )
    assert (vault.lower(), insights.lower()) == (
        read["properties"]["keyVault"].lower(),
        read["properties"]["applicationInsights"].lower(),
    )
    assert terraform("GET", path, WORKSPACES).status_code == 404
