"""Log Analytics clusters on the sandbox, and what has their key: workspaces and Application Insights behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.sandbox import Client
from support.services import KEY, VAULT, Services

from cmkctl.sandbox import Pace

API = "2023-09-01"


def _cluster(services: Services, **more: Any) -> str:
    found: str = services.state.add_log_cluster("logs", "rg-ml", **more)
    services.name({"log_analytics_clusters": [{"id": found}]})
    return found


def test_the_key_goes_to_the_cluster_and_application_insights_inherits_it(services: Services) -> None:
    """Identity and key are two updates, a second run sends none, and the survey follows both links."""
    cluster = _cluster(services, identity="None")
    logs = services.state.add_log_workspace("log", "rg-ml")
    services.state.add_component("appi", "rg-ml", workspace=logs)
    services.state.add_component("appi-classic", "rg-ml")
    services.state.add_search_service("srch", "rg-ml", enforcement="Enabled", plain_objects=1)

    first, second = services.encrypt(), services.encrypt()
    sent = services.writes()
    before = _verdicts(services)
    services.state.link_log_workspace(logs, cluster)
    after = _verdicts(services)

    assert (0, 0) == (first.code, second.code), first.err + first.out
    assert ["PATCH clusters/logs", "PUT accessPolicies/add", "PATCH clusters/logs"] == sent
    assert "the cluster is billed for 100 GB a day" in first.out
    assert {
        "logs": ("customer", KEY),
        "log": ("microsoft", ""),
        "appi": ("microsoft", ""),
        "appi-classic": ("microsoft", ""),
        "srch": ("not-knowable", ""),
        VAULT: ("not-choosable", ""),
    } == before
    assert {**before, "log": ("inherited", KEY), "appi": ("inherited", KEY)} == after


def _verdicts(services: Services) -> dict[str, tuple[str, str]]:
    """Return verdict and key of everything in the resource group, by name."""
    ran = services.azure("posture", "--resource-group", "rg-ml", "--json")
    assert ran.code == 0, ran.err
    found = ran.of("posture")
    return {
        each["resource_id"].rpartition("/")[2]: (each["verdict"], (each["key"] or "").rpartition("/")[2])
        for each in found
    }


def test_a_cluster_is_waited_for(rehearse: Any, tmp_path: Path) -> None:
    """A change of the key is an operation; the grant comes before it."""
    services = Services(rehearse(Pace.reads(2)), tmp_path)
    cluster = _cluster(services)

    ran = services.encrypt()

    assert 0 == ran.code, ran.err + ran.out
    assert ["PUT accessPolicies/add", "PATCH clusters/logs"] == services.writes()
    assert "Succeeded" == services.document(cluster)["properties"]["provisioningState"]


def test_the_sandbox_refuses_what_azure_is_documented_to_refuse(services: Services) -> None:
    """Updates of a cluster, each with the sentence of the refusal."""
    cluster = _cluster(services)
    abroad = services.state.add_vault("kv-abroad", "rg-ml", location="westus3")
    services.state.add_key("kv-abroad", KEY)
    principal = services.document(cluster)["identity"]["principalId"]
    services.state.add_access_policy("kv-abroad", principal)
    user = services.state.add_identity("id-logs", "rg-ml")
    key = {"keyVaultUri": f"https://{VAULT}.vault.azure.net", "keyName": KEY, "keyVersion": ""}
    one = {"type": "UserAssigned", "userAssignedIdentities": {user: {}}}
    refused = {
        "Failed to validate key": {"properties": {"keyVaultProperties": key}},
        "bad format": {"properties": {"keyVaultProperties": {**key, "keyName": ""}}},
        "must be in the same region": {
            "properties": {"keyVaultProperties": {**key, "keyVaultUri": "https://kv-abroad.vault.azure.net/"}}
        },
        "cannot change in the same update": {"identity": one, "properties": {"keyVaultProperties": key}},
        "has a single identity": {"identity": {**one, "type": "SystemAssigned,UserAssigned"}},
        "isDoubleEncryptionEnabled": {"properties": {"isDoubleEncryptionEnabled": False}},
        "No SKU was set": {"sku": {"name": "CapacityReservation", "capacity": 150}},
    }
    arm = Client(services.azure.running)
    services.state.add_access_policy(VAULT, services.document(user)["properties"]["principalId"])

    answers = {words: arm("PATCH", cluster, body, API) for words, body in refused.items()}
    raised = arm("PATCH", cluster, {"sku": {"name": "CapacityReservation", "capacity": 200}}, API)
    lowered = arm("PATCH", cluster, {"sku": {"name": "CapacityReservation", "capacity": 100}}, API)

    assert abroad
    assert dict.fromkeys(refused, (400, True)) == {
        words: (answer.status_code, words in answer.text) for words, answer in answers.items()
    }
    assert [200, 400] == [raised.status_code, lowered.status_code]
    assert "Capacity is locked" in lowered.text
    assert "keyVaultProperties" not in services.document(cluster)["properties"]


def test_links_show_on_both_sides_and_are_refused_where_azure_refuses_them(rehearse: Any, tmp_path: Path) -> None:
    """A cluster in creation, another region, a second cluster, a third link within a month, and a link in progress."""
    services = Services(rehearse(Pace.reads(2)), tmp_path)
    arm, state = Client(services.azure.running), services.state
    group = _cluster(services).partition("/providers/")[0] + "/providers/Microsoft.OperationalInsights"
    logs = state.add_log_workspace("log", "rg-ml")
    state.add_log_workspace("log-abroad", "rg-ml", "westus3")
    state.add_log_cluster("logs-2", "rg-ml")
    new = {"location": "eastus2", "sku": {"name": "CapacityReservation", "capacity": 100}}

    def link(workspace: str, cluster: str) -> tuple[int, str]:
        body = {"properties": {"writeAccessResourceId": f"{group}/clusters/{cluster}"}}
        answer = arm("PUT", f"{group}/workspaces/{workspace}/linkedServices/Cluster", body, "2020-08-01")
        return answer.status_code, answer.text

    created = arm("PUT", f"{group}/clusters/logs-new", new, API)
    in_creation, unknown, abroad = link("log", "logs-new"), link("log", "none"), link("log-abroad", "logs")
    first, in_process = link("log", "logs"), link("log", "logs")
    for _ in range(3):
        shown = arm("GET", f"{logs}/linkedServices/Cluster", api="2020-08-01").json()
    other, second = link("log", "logs-2"), link("log", "logs")
    for _ in range(3):
        arm("GET", f"{logs}/linkedServices", api="2020-08-01")
    third = link("log", "logs")
    linked = services.document(logs)["properties"]["features"]["clusterResourceId"]
    listed = [*services.document(f"{group}/clusters/logs")["properties"]["associatedWorkspaces"]]
    deleted = arm("DELETE", f"{group}/clusters/logs", api=API)

    assert [202, 400, 400, 400, 202, 409] == [
        created.status_code, *(each[0] for each in (in_creation, unknown, abroad, first, in_process))
    ]  # fmt: skip
    assert "ProvisioningAccount" in in_creation[1]
    assert "westus3" in abroad[1]
    assert "Succeeded" == shown["properties"]["provisioningState"]
    assert [400, 202, 400] == [each[0] for each in (other, second, third)]
    assert "2 times within 30 days" in third[1]
    assert f"{group}/clusters/logs" == linked
    assert [logs] == [each["resourceId"] for each in listed]
    assert 200 == deleted.status_code
    assert "clusterResourceId" not in services.document(logs)["properties"]["features"]
    assert "reserved" in arm("PUT", f"{group}/clusters/logs", new, API).text


def test_linked_storage_accounts_hold_queries_and_the_data_of_the_profiler(services: Services) -> None:
    """Links are shown; an account that does not exist, or of another kind, is refused."""
    arm, state = Client(services.azure.running), services.state
    logs, component = state.add_log_workspace("log", "rg-ml"), state.add_component("appi", "rg-ml")
    account = state.add_storage_account("stqueries", "rg-ml")
    profiler = f"{component}/linkedStorageAccounts/ServiceProfiler"
    preview = "2020-03-01-preview"

    answers = [
        arm(
            "PUT", f"{logs}/linkedStorageAccounts/query", {"properties": {"storageAccountIds": [account]}}, "2020-08-01"
        ),
        arm("GET", f"{logs}/linkedStorageAccounts", api="2020-08-01"),
        arm("PUT", f"{logs}/linkedStorageAccounts/alerts", {"properties": {"storageAccountIds": [logs]}}, "2020-08-01"),
        arm("GET", profiler, api=preview),
        arm("PUT", profiler, {"properties": {"linkedStorageAccount": account}}, preview),
        arm("GET", profiler, api=preview),
        arm("DELETE", profiler, api=preview),
        arm("DELETE", f"{logs}/linkedStorageAccounts/Query", api="2020-08-01"),
    ]

    assert [200, 200, 400, 404, 200, 200, 200, 200] == [each.status_code for each in answers]
    assert ["Query"] == [each["properties"]["dataSourceType"] for each in answers[1].json()["value"]]
    assert account == answers[5].json()["properties"]["linkedStorageAccount"]
