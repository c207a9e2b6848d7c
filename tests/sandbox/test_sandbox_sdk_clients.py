"""Microsoft's own client libraries, unchanged, with nothing but the environment."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import ClientSecretCredential
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from support.sandbox import vault_body

from cmkctl.sandbox import CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION_ID, TENANT_ID
from cmkctl.sandbox.server import Running

pytestmark = pytest.mark.filterwarnings("ignore")
WORKSPACE = (
    f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/mlw"
)


@pytest.fixture
def credential(instant: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClientSecretCredential]:
    """Yield a credential in the sandbox's environment."""
    for name, value in instant.environment().items():
        monkeypatch.setenv(name, value)
    with ClientSecretCredential(TENANT_ID, CLIENT_ID, CLIENT_SECRET) as made:
        yield made


def body(instant: Running) -> dict[str, object]:
    """Arrange what a CMK workspace needs, and return its body."""
    state = instant.state
    state.register_provider()
    vault = state.add_vault("kv-cmk")
    key = state.add_key("kv-cmk", "cmk")
    state.add_access_policy("kv-cmk")
    encryption = {"status": "Enabled", "keyVaultProperties": {"keyVaultArmId": vault, "keyIdentifier": key}}
    properties = {"keyVault": vault, "storageAccount": state.add_storage_account("stmlw"), "encryption": encryption}
    return {"location": "eastus2", "identity": {"type": "SystemAssigned"}, "properties": properties}


def test_azure_identity_logs_in_and_reports_a_wrong_secret(credential: ClientSecretCredential) -> None:
    """A service principal's login, with authority discovery, against the real host name."""
    token = credential.get_token("https://management.azure.com/.default")

    assert token.token.count(".") == 2
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        ClientSecretCredential(TENANT_ID, CLIENT_ID, "wrong").get_token("https://management.azure.com/.default")


def test_mgmt_keyvault_creates_a_vault_and_a_key(instant: Running, credential: ClientSecretCredential) -> None:
    """With the SDK's own default api-version and its poller."""
    instant.state.add_resource_group("rg")
    client = KeyVaultManagementClient(credential, SUBSCRIPTION_ID, polling_interval=0)

    sent: Any = vault_body()  # the signature takes only the SDK's own generated type
    vault = client.vaults.begin_create_or_update("rg", "kv-one", sent).result()
    key = client.keys.create_if_not_exist("rg", "kv-one", "cmk", {"properties": {"kty": "RSA", "keySize": 3072}})

    assert vault.properties.vault_uri == "https://kv-one.vault.azure.net/"
    assert [row.name for row in client.keys.list("rg", "kv-one")] == [key.name]


def test_mgmt_resource_creates_a_workspace(instant: Running, credential: ClientSecretCredential) -> None:
    """By id, as cmkctl does, with the poller that follows Azure-AsyncOperation."""
    client = ResourceManagementClient(credential, SUBSCRIPTION_ID, polling_interval=0)

    made = client.resources.begin_create_or_update_by_id(
        WORKSPACE, parameters=body(instant), api_version="2025-06-01"
    ).result()

    assert made.properties is not None
    assert made.properties["provisioningState"] == "Succeeded"
    assert client.resource_groups.check_existence("rg") is True
    assert {"Registered"} == {row.registration_state for row in client.providers.list()}


def test_a_failed_operation_reaches_the_caller_with_azures_code(
    instant: Running, credential: ClientSecretCredential
) -> None:
    """The poller raises the operation's error."""
    wanted = body(instant)
    instant.state.vault("kv-cmk")["doc"]["properties"].pop("enablePurgeProtection")
    client = ResourceManagementClient(credential, SUBSCRIPTION_ID, polling_interval=0)

    poller = client.resources.begin_create_or_update_by_id(WORKSPACE, parameters=wanted, api_version="2025-06-01")

    with pytest.raises(HttpResponseError, match="purge protection"):
        poller.result()


def test_azure_ai_ml_reads_the_workspace(instant: Running, credential: ClientSecretCredential) -> None:
    """The finished workspace, as a data scientist's code will see it."""
    ml = importlib.import_module("azure.ai.ml")
    ResourceManagementClient(credential, SUBSCRIPTION_ID, polling_interval=0).resources.begin_create_or_update_by_id(
        WORKSPACE, parameters=body(instant), api_version="2025-06-01"
    ).result()

    found = ml.MLClient(credential, SUBSCRIPTION_ID, "rg").workspaces.get("mlw")

    assert found.name == "mlw"
    assert found.customer_managed_key.key_uri.startswith("https://kv-cmk.vault.azure.net/keys/cmk/")
