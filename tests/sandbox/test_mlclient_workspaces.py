"""azure-ai-ml's MLClient, unchanged, on the sandbox by environment alone: what a data scientist's code does.

Its create deploys the template it carries; nothing of that template is here.
"""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from support.mlclient import Scientist

from cmkctl.sandbox import CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION_ID, TENANT_ID, Pace, Sandbox
from cmkctl.sandbox.server import Running

pytestmark = pytest.mark.filterwarnings("ignore")
ML = "Microsoft.MachineLearningServices/workspaces"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """Yield one sandbox for all tests; starting one for each would take longer than the tests."""
    with Sandbox(pace=Pace.none()).serve() as server:
        yield server


@pytest.fixture(scope="module")
def client() -> Any:
    """Return one client for all tests; its telemetry is off. Importing it takes seconds, so it is done here."""
    ml = pytest.importorskip("azure.ai.ml", reason="azure-ai-ml is not installed")
    credential = importlib.import_module("azure.identity").ClientSecretCredential(TENANT_ID, CLIENT_ID, CLIENT_SECRET)
    return ml.MLClient(credential, SUBSCRIPTION_ID, "rg", "mlw", enable_telemetry=False)


@pytest.fixture
def scientist(client: Any, running: Running, monkeypatch: pytest.MonkeyPatch) -> Scientist:
    """Return the client in a sandbox as new, with a group, a vault, a key and Azure Cosmos DB's grant."""
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)
    running.reset()
    state = running.state
    state.clear_faults()
    state.register_provider("Microsoft.DocumentDB", "Microsoft.Search")
    vault = state.add_vault("kv-cmk")
    key = state.add_key("kv-cmk", "cmk")
    state.add_access_policy("kv-cmk")
    return Scientist(client, running, vault, key)


def http_error(scientist: Scientist, definition: Any) -> str:
    """Return what creating a workspace fails with."""
    with pytest.raises(importlib.import_module("azure.core.exceptions").HttpResponseError) as refusal:
        scientist.create(definition)
    return str(refusal.value)


# --- create


def test_create_of_a_workspace_with_key_and_hbi_makes_it_and_what_it_needs(scientist: Scientist) -> None:
    """One deployment: key vault, storage, Log Analytics, Application Insights, workspace; one write."""
    made = scientist.create()

    assert (made.hbi_workspace, made.location, made.customer_managed_key.key_uri) == (True, "eastus2", scientist.key)
    assert made.customer_managed_key.key_vault == scientist.vault
    assert [line.split()[0] for line in scientist.sent()] == ["PUT"]
    assert "deployments/mlw-" in scientist.sent()[0]
    kinds = {record["doc"]["type"].lower() for record in scientist.running.state.tenant.resources_in("/subscriptions")}
    assert {
        "microsoft.keyvault/vaults",
        "microsoft.storage/storageaccounts",
        "microsoft.operationalinsights/workspaces",
        "microsoft.insights/components",
        ML.lower(),
    } <= kinds


def test_what_it_made_is_what_the_service_shows(scientist: Scientist) -> None:
    """The names of the user's own stores come back as ``…ResourceId`` (P96, fact 5); texts have become booleans."""
    made = scientist.create()

    shown = scientist.running.state.resource(made.id)
    assert shown is not None
    properties = shown["properties"]
    assert (properties["hbiWorkspace"], properties["provisioningState"]) == (True, "Succeeded")
    assert properties["serviceProvisionedResourceGroup"].endswith(
        "azureml-rg-mlw_" + properties["serviceProvisionedResourceGroup"][-36:]
    )
    assert sorted(properties["encryption"]) == [
        "cosmosDbResourceId",
        "identity",
        "keyVaultProperties",
        "searchAccountResourceId",
        "status",
        "storageAccountResourceId",
    ]
    assert not {"existingWorkspaces", "allowRecoverSoftDeletedWorkspace"} & set(properties)
    vault = scientist.running.state.resource(properties["keyVault"])
    assert vault is not None
    assert vault["properties"]["enableRbacAuthorization"] is True


def test_create_without_a_key_has_no_encryption(scientist: Scientist) -> None:
    """Absent, not null (fact 5); and the providers it needs were registered by the template."""
    made = scientist.create(scientist.workspace(description="plain"))

    assert (made.customer_managed_key, made.hbi_workspace, made.description) == (None, False, "plain")
    assert "encryption" not in (scientist.running.state.resource(made.id) or {})["properties"]


def test_create_on_a_workspace_that_exists_is_a_silent_update_that_drops_hbi(scientist: Scientist) -> None:
    """P65: no error, no deployment, and the requested value is absent."""
    scientist.create(scientist.workspace())
    scientist.running.requests.clear()

    again = scientist.client.workspaces.begin_create(
        scientist.workspace(hbi_workspace=True, customer_managed_key=None)
    ).result()

    assert again.hbi_workspace is False
    assert scientist.sent() == ["PATCH workspaces/mlw"]
    patch = scientist.running.writes[0].body
    assert "hbiWorkspace" not in patch["properties"]


def test_create_with_a_managed_network_and_provisioning_it(scientist: Scientist) -> None:
    """The template closes the dependents; the network is provisioned on request."""
    network = scientist.entities("ManagedNetwork")(isolation_mode="AllowInternetOutbound")
    made = scientist.create(scientist.workspace(managed_network=network))

    status = scientist.client.workspaces.begin_provision_network(workspace_name="mlw").result()

    assert made.managed_network.isolation_mode == "AllowInternetOutbound"
    assert (status.status, status.spark_ready) == ("Active", False)
    storage = scientist.running.state.resource(made.storage_account)
    assert storage is not None
    assert storage["properties"]["publicNetworkAccess"] == "Disabled"


# --- refusals of a create


def test_a_vault_without_purge_protection(scientist: Scientist) -> None:
    """The service's words, three errors deep."""
    vault = scientist.running.state.add_vault("kv-bare", purge_protection=False)
    key = scientist.running.state.add_key("kv-bare", "cmk")
    scientist.running.state.add_access_policy("kv-bare")

    text = http_error(
        scientist, scientist.workspace(customer_managed_key=scientist.key_of(key_vault=vault, key_uri=key))
    )

    assert text.startswith("(DeploymentFailed)")
    assert "ResourceDeploymentFailure" in text
    assert "CMK workspaces should have purge protection enabled on their CMK keyvault." in text


def test_a_missing_grant_for_cosmos_db(scientist: Scientist) -> None:
    """The workspace is left in state Failed, as the operation of a creation that failed leaves it."""
    vault = scientist.running.state.add_vault("kv-shut")
    key = scientist.running.state.add_key("kv-shut", "cmk")

    text = http_error(
        scientist, scientist.workspace(customer_managed_key=scientist.key_of(key_vault=vault, key_uri=key))
    )

    assert "Azure Cosmos DB (application id a232010e-820c-4083-83bb-3ace5fc29d0b) may not get, wrapKey" in text
    assert scientist.client.workspaces._operation.get("rg", "mlw").properties["provisioningState"] == "Failed"


def test_a_key_without_its_version(scientist: Scientist) -> None:
    """Refused at once by the service; the deployment hands on the answer as text."""
    bare = scientist.key.rsplit("/", 1)[0]

    text = http_error(scientist, scientist.workspace(customer_managed_key=scientist.key_of(key_uri=bare)))

    assert text.startswith("(DeploymentFailed)")
    assert "must include the version of the key" in text


def test_a_provider_that_only_the_service_needs_is_not_registered_by_the_template(scientist: Scientist) -> None:
    """Microsoft.DocumentDB is not in it (docs: supporting resources have to be registered by hand)."""
    scientist.running.state.unregister_provider("Microsoft.DocumentDB")

    text = http_error(scientist, scientist.workspace(customer_managed_key=scientist.key_of()))

    assert "not registered to use namespace 'Microsoft.DocumentDB'" in text


# --- read and update


def test_get_and_list(scientist: Scientist) -> None:
    """By name; all in the group; all in the subscription."""
    scientist.create()
    workspaces = scientist.client.workspaces

    assert workspaces.get("mlw").customer_managed_key.key_uri == scientist.key
    assert [each.name for each in workspaces.list()] == ["mlw"]
    assert [each.name for each in workspaces.list(scope="subscription")] == ["mlw"]


def test_update_to_another_key_of_the_vault(scientist: Scientist) -> None:
    """PATCH with keyIdentifier alone; the rest stays."""
    other = scientist.running.state.add_key("kv-cmk", "other")
    workspace = scientist.create()
    scientist.running.requests.clear()
    workspace.customer_managed_key.key_uri = other

    updated = scientist.client.workspaces.begin_update(workspace).result()

    assert (updated.customer_managed_key.key_uri, updated.hbi_workspace) == (other, True)
    assert scientist.sent() == ["PATCH workspaces/mlw"]
    assert scientist.running.writes[0].body["properties"]["encryption"] == {
        "keyVaultProperties": {"keyIdentifier": other}
    }


def test_update_to_a_key_of_another_vault_is_refused(scientist: Scientist) -> None:
    """And the workspace keeps its key."""
    scientist.create()
    vault = scientist.running.state.add_vault("kv-two")
    key = scientist.running.state.add_key("kv-two", "cmk")
    scientist.running.state.add_access_policy("kv-two")
    wanted = scientist.workspace(customer_managed_key=scientist.key_of(key_vault=vault, key_uri=key))

    with pytest.raises(importlib.import_module("azure.core.exceptions").HttpResponseError, match=r"kv-two\.vault"):
        scientist.client.workspaces.begin_update(wanted).result()

    assert scientist.client.workspaces.get("mlw").customer_managed_key.key_uri == scientist.key


def test_closing_public_access(scientist: Scientist) -> None:
    """The SDK adds networkAcls, which no published type has; they are the default, and are passed over."""
    scientist.create()
    scientist.running.requests.clear()

    updated = scientist.client.workspaces.begin_update(scientist.workspace(public_network_access="Disabled")).result()

    assert updated.public_network_access == "Disabled"
    assert "networkAcls" in scientist.running.writes[0].body["properties"]


# --- actions


def test_diagnose_finds_nothing_then_a_dependent_that_is_gone(scientist: Scientist) -> None:
    """Recording 05's words."""
    workspace = scientist.create()
    diagnose = scientist.client.workspaces.begin_diagnose

    before = diagnose("mlw").result()
    scientist.running.state.delete_vault(workspace.key_vault)
    after = diagnose("mlw").result()

    assert (before.key_vault_results, before.other_results) == ([], [])
    assert [(each.code, each.level) for each in after.key_vault_results] == [
        ("DependencyResourceNotExist", "Error"),
        ("UnableToCheckDependencyResource", "Warning"),
    ]
    assert workspace.key_vault in after.key_vault_results[0].message


def test_keys_are_answered_and_never_logged(scientist: Scientist) -> None:
    """Storage, telemetry, notebooks; and begin_sync_keys ends."""
    workspace = scientist.create()

    keys = scientist.client.workspaces.get_keys("mlw")
    scientist.client.workspaces.begin_sync_keys("mlw").result()

    assert keys.user_storage_resource_id == workspace.storage_account
    assert keys.notebook_access_keys.primary_access_key
    assert keys.user_storage_key
    assert keys.user_storage_key not in repr(list(scientist.running.requests))
    assert scientist.sent()[-2:] == ["POST mlw/listKeys", "POST mlw/resyncKeys"]


def test_datastores(scientist: Scientist) -> None:
    """The four every workspace has; their account is the workspace's."""
    workspace = scientist.create()
    number = workspace._workspace_id

    rows = {each.name: each for each in scientist.client.datastores.list()}

    assert {name: str(each.type) for name, each in rows.items()} == {
        "workspaceblobstore": "DatastoreType.AZURE_BLOB",
        "workspacefilestore": "DatastoreType.AZURE_FILE",
        "workspaceartifactstore": "DatastoreType.AZURE_BLOB",
        "workspaceworkingdirectory": "DatastoreType.AZURE_FILE",
    }
    assert rows["workspaceblobstore"].container_name == f"azureml-blobstore-{number}"
    assert {each.account_name for each in rows.values()} == {workspace.storage_account.rsplit("/", 1)[-1]}
    assert scientist.client.datastores.get_default().name == "workspaceblobstore"
    secret = scientist.client.datastores.get("workspacefilestore", include_secrets=True).credentials.account_key
    assert secret not in repr(list(scientist.running.requests))


def test_computes(scientist: Scientist) -> None:
    """None at first; a cluster that is created is listed."""
    scientist.create()
    computes = scientist.client.compute
    cluster = scientist.entities("AmlCompute")(name="cpu", size="Standard_DS3_v2", max_instances=2)

    before = list(computes.list())
    made = computes.begin_create_or_update(cluster).result()

    assert before == []
    assert (made.provisioning_state, made.max_instances) == ("Succeeded", 2)
    assert [(each.name, each.type, each.size) for each in computes.list()] == [("cpu", "amlcompute", "Standard_DS3_v2")]


def test_endpoints(scientist: Scientist) -> None:
    """Online and batch endpoints that are created are listed with their addresses."""
    scientist.create()
    online, batch = scientist.client.online_endpoints, scientist.client.batch_endpoints

    made = online.begin_create_or_update(scientist.entities("ManagedOnlineEndpoint")(name="score")).result()
    batch.begin_create_or_update(scientist.entities("BatchEndpoint")(name="nightly")).result()

    assert (made.provisioning_state, made.scoring_uri) == (
        "Succeeded",
        "https://score.eastus2.inference.ml.azure.com/score",
    )
    assert [each.name for each in online.list()] == ["score"]
    assert [each.name for each in batch.list()] == ["nightly"]


def test_deployments_of_endpoints(scientist: Scientist) -> None:
    """One on machines of Microsoft's, and one on a cluster: both are created, and listed with what they run on."""
    scientist.create()
    client, entities = scientist.client, scientist.entities
    cluster = entities("AmlCompute")(name="cpu", size="Standard_DS3_v2", max_instances=2)
    compute = client.compute.begin_create_or_update(cluster).result().id
    client.online_endpoints.begin_create_or_update(entities("ManagedOnlineEndpoint")(name="score")).result()
    client.batch_endpoints.begin_create_or_update(entities("BatchEndpoint")(name="nightly")).result()
    model, environment = (
        f"{compute.rpartition('/computes/')[0]}/{each}/one/versions/1" for each in ("models", "environments")
    )
    of_all = {"model": model, "environment": environment}

    online = entities("ManagedOnlineDeployment")(
        name="blue", endpoint_name="score", instance_type="Standard_DS3_v2", instance_count=1, **of_all
    )
    batch = entities("ModelBatchDeployment")(name="jobs", endpoint_name="nightly", compute=compute, **of_all)
    client.online_deployments.begin_create_or_update(online).result()
    client.batch_deployments.begin_create_or_update(batch).result()

    assert [(each.name, each.instance_type) for each in client.online_deployments.list("score")] == [
        ("blue", "Standard_DS3_v2")
    ]
    assert [(each.name, each.compute) for each in client.batch_deployments.list("nightly")] == [("jobs", compute)]
    client.online_deployments.begin_delete("blue", "score").result()
    assert [*client.online_deployments.list("score")] == []


# --- delete


def test_delete_keeps_the_name_for_14_days_and_cannot_purge_afterwards(scientist: Scientist) -> None:
    """Soft-deleted; create reports it; the SDK reads before it purges and finds nothing (P70)."""
    scientist.create()

    scientist.client.workspaces.begin_delete("mlw", delete_dependent_resources=False).result()

    not_found = importlib.import_module("azure.core.exceptions").ResourceNotFoundError
    with pytest.raises(not_found):
        scientist.client.workspaces.begin_delete("mlw", delete_dependent_resources=False, permanently_delete=True)
    assert list(scientist.running.state.tenant.table("deleted_workspaces")) != []
    scientist.running.requests.clear()
    assert "Soft-deleted workspace exists" in http_error(scientist, scientist.workspace())


def test_permanent_delete_takes_the_managed_group_along(scientist: Scientist) -> None:
    """And the name is free again."""
    scientist.create()
    groups = scientist.running.state.tenant.table("groups")
    managed = [key for key in groups if "azureml-rg-mlw" in key]

    scientist.client.workspaces.begin_delete("mlw", delete_dependent_resources=False, permanently_delete=True).result()

    assert len(managed) == 1
    assert [key for key in groups if "azureml-rg-mlw" in key] == []
    assert list(scientist.running.state.tenant.table("deleted_workspaces")) == []


def test_deleting_the_dependents_deletes_them_before_the_workspace(scientist: Scientist) -> None:
    """P74: Log Analytics, insights, storage, key vault, and only then the workspace; the key's own vault stays."""
    scientist.create()
    scientist.running.requests.clear()

    scientist.client.workspaces.begin_delete("mlw", delete_dependent_resources=True, permanently_delete=True).result()

    assert [line.split("/")[0].lower() for line in scientist.sent()] == [
        "delete workspaces",
        "delete components",
        "delete storageaccounts",
        "delete vaults",
        "delete workspaces",
    ]
    assert {each.status for each in scientist.running.writes} == {200, 202}
    assert scientist.running.state.vault("kv-cmk")
