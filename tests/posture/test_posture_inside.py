"""A workspace in the sandbox as requests make it: what is inside it, and what Azure keeps for it, is part of a survey."""

from __future__ import annotations

import pytest
from support.sandbox import Client
from support.scenarios import ScenarioBuilder
from support.surveys import by_name, survey_in

from cmkctl.posture import Assessment, State, Verdict
from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.services import services
from cmkctl.survey.scope import Scope

WORKSPACE = "/resourceGroups/rg-ml/providers/Microsoft.MachineLearningServices/workspaces/mlw"
HERE = Scope((SUBSCRIPTION_ID,), (f"/subscriptions/{SUBSCRIPTION_ID}{WORKSPACE}",))


@pytest.fixture
def arm(builder: ScenarioBuilder) -> Client:
    """Provide a workspace with in-subscription encryption and high business impact, made by requests alone."""
    builder.running.reset()
    state = builder.running.state
    state.register_provider()
    vault, key = state.add_vault("kv-cmk", "rg-ml"), state.add_key("kv-cmk", "cmk")
    state.add_access_policy("kv-cmk")
    body = {
        "location": "eastus2",
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "storageAccount": state.add_storage_account("stmlw", "rg-ml"),
            "keyVault": vault,
            "hbiWorkspace": True,
            "encryption": {
                "status": "Enabled",
                "keyVaultProperties": {"keyVaultArmId": vault, "keyIdentifier": key},
            },
        },
    }
    client = Client(builder.running)
    assert client("PUT", WORKSPACE, body).status_code == 202
    assert client("GET", WORKSPACE).json()["properties"]["provisioningState"] == "Succeeded"
    return client


def states(found: Assessment) -> dict[str, State]:
    """Return the states of the protections by topic."""
    return {each.topic: each.state for each in found.aspects}


def test_what_azure_keeps_for_a_workspace_is_shown_as_managed(arm: Client, builder: ScenarioBuilder) -> None:
    """Azure Cosmos DB and storage show the key of the workspace; the search service cannot show one. No write is let in."""
    found = by_name(survey_in(builder, HERE))
    managed = {each.name_of_service: each for each in found.values() if each.managed}

    assert {name: each.posture.verdict for name, each in managed.items()} == {
        "cosmos_db_accounts": Verdict.CUSTOMER,
        "search_services": Verdict.NOT_KNOWABLE,
        "storage_accounts": Verdict.MIXED,
    }
    assert {each.set_by for each in managed.values()} == {"managed by Azure"}
    assert {each.posture.key for each in managed.values() if each.posture.key} == {found["mlw"].posture.key}
    versions = {each.name: each.api_version for each in services()}
    refused = [
        arm("PATCH", each.resource_id, {"tags": {"a": "b"}}, api=versions[name]) for name, each in managed.items()
    ]
    assert [403] * 3 == [each.status_code for each in refused], [each.text for each in refused]


def test_what_is_inside_a_workspace_follows_from_it(arm: Client, builder: ScenarioBuilder) -> None:
    """Clusters and managed endpoints have Microsoft's key; an attached cluster, and endpoints on it, that of the cluster."""
    cluster = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-ml/providers/Microsoft.HDInsight/clusters/none"
    attached = {"computeType": "Kubernetes", "resourceId": cluster}
    inside = {
        "computes/cpu": {
            "computeType": "AmlCompute",
            "properties": {"vmSize": "s", "scaleSettings": {"maxNodeCount": 1}},
        },
        "computes/k8s": attached,
        "onlineEndpoints/score": {"authMode": "Key"},
        "onlineEndpoints/score/deployments/blue": {"endpointComputeType": "Managed"},
        "onlineEndpoints/local": {"authMode": "Key", "compute": f"{HERE.workspaces[0]}/computes/k8s"},
        "onlineEndpoints/local/deployments/green": {"endpointComputeType": "Kubernetes"},
        "batchEndpoints/nightly": {"authMode": "AADToken"},
        "batchEndpoints/nightly/deployments/jobs": {"compute": f"{HERE.workspaces[0]}/computes/cpu"},
    }
    for path, properties in inside.items():
        assert arm("PUT", f"{WORKSPACE}/{path}", {"location": "eastus2", "properties": properties}).status_code == 201

    found = by_name(survey_in(builder, HERE))

    assert {path.rpartition("/")[2]: found[path.rpartition("/")[2]].posture.verdict for path in inside} == {
        "cpu": Verdict.NOT_CHOOSABLE,
        "k8s": Verdict.INHERITED,
        "score": Verdict.NOT_CHOOSABLE,
        "blue": Verdict.NOT_CHOOSABLE,
        "local": Verdict.INHERITED,
        "green": Verdict.INHERITED,
        "nightly": Verdict.NOT_CHOOSABLE,
        "jobs": Verdict.NOT_CHOOSABLE,
    }
    assert [(each.workspace_id, each.relation) for each in found["blue"].belongs] == [
        (HERE.workspaces[0], "online deployment")
    ]
    assert "compute k8s" in found["green"].posture.reason
    assert states(found["blue"]) == {"temporary-disks": State.ENFORCED}
    assert states(found["cpu"]) == {"in-transit": State.PLATFORM, "temporary-disks": State.ENFORCED}
    assert states(found["score"]) == {"in-transit": State.ENFORCED, "temporary-disks": State.ENFORCED}
    assert found["none"].posture.verdict is Verdict.NOT_KNOWABLE
    assert [each.relation for each in found["none"].belongs] == ["attached compute k8s"]
    assert states(found["mlw"])["diagnostic-data"] is State.ENFORCED


def test_the_data_of_a_workspace_with_a_lost_key_is_not_read_as_absent(arm: Client, builder: ScenarioBuilder) -> None:
    """The lists inside it are refused then: the survey goes on without them, and shows the workspace as unusable."""
    builder.running.state.set_key_attributes("kv-cmk", "cmk", enabled=False)
    assert arm("GET", f"{WORKSPACE}/computes").status_code == 200
    builder.running.state.advance("2h")

    found = survey_in(builder, HERE)

    assert by_name(found)["mlw"].posture.verdict is Verdict.CUSTOMER_UNUSABLE
    assert any("computes" in each.resource_id for each in found.unseen)
