"""Refusals about hardened resources: keys that are off, tiers, retentions, destinations of diagnostic settings."""

from __future__ import annotations

from typing import Any

import pytest
from support.faults import WORKSPACES, Ready
from support.sandbox import SUBSCRIPTION

from cmkctl.sandbox.server import Running

GROUP = "/resourceGroups/rg/providers"
STORAGE = f"{GROUP}/Microsoft.Storage/storageAccounts/sthard"
REGISTRY = f"{GROUP}/Microsoft.ContainerRegistry/registries/crhard"
LOGS = f"{GROUP}/Microsoft.OperationalInsights/workspaces/log-hard"
COMPONENT = f"{GROUP}/Microsoft.Insights/components/appi-hard"
ACCOUNT = {"location": "eastus2", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}


@pytest.fixture
def ready(instant: Running) -> Ready:
    """Return a sandbox in which everything is done at once, with a group and every provider."""
    return Ready(instant)


def put(ready: Ready, path: str, api: str, body: dict[str, Any], method: str = "PUT") -> tuple[int, str]:
    """Send a write; return the status and the text of the answer."""
    answer = ready.arm(method, path, body, api=api)
    return answer.status_code, answer.text


def test_infrastructure_encryption_is_set_once(ready: Ready) -> None:
    """An account that was created without it does not get it."""
    wanted = {"properties": {"encryption": {"requireInfrastructureEncryption": True}}}
    put(ready, STORAGE, "2025-08-01", ACCOUNT)

    status, text = put(ready, STORAGE, "2025-08-01", wanted, "PATCH")

    assert (400, True) == (status, "requireInfrastructureEncryption is set once" in text)


@pytest.mark.parametrize(("bypass", "status"), [("AzureServices, Metrics", 200), ("Everyone", 400)])
def test_a_bypass_has_known_words(ready: Ready, bypass: str, status: int) -> None:
    """Several are in one text, separated by commas."""
    rules = {"properties": {"networkAcls": {"defaultAction": "Deny", "bypass": bypass}}}
    put(ready, STORAGE, "2025-08-01", ACCOUNT)

    assert status == put(ready, STORAGE, "2025-08-01", rules, "PATCH")[0]


def test_a_registry_without_public_access_needs_premium(ready: Ready) -> None:
    """As a firewall does."""
    body = {"location": "eastus2", "sku": {"name": "Basic"}, "properties": {"publicNetworkAccess": "Disabled"}}

    status, text = put(ready, REGISTRY, "2025-11-01", body)

    assert (400, True) == (status, "needs the sku Premium" in text)


@pytest.mark.parametrize(("days", "status"), [(29, 400), (30, 201), (731, 400)])
def test_log_analytics_keeps_data_for_a_month_to_two_years(ready: Ready, days: int, status: int) -> None:
    """The limits of its pricing tier."""
    assert status == put(ready, LOGS, "2023-09-01", {"location": "eastus2", "properties": {"retentionInDays": days}})[0]


@pytest.mark.parametrize(("days", "status"), [(90, 200), (91, 400)])
def test_application_insights_has_a_list_of_retentions(ready: Ready, days: int, status: int) -> None:
    """Any other number of days is refused."""
    body = {
        "location": "eastus2",
        "kind": "web",
        "properties": {"Application_Type": "web", "RetentionInDays": days},
    }

    assert status == put(ready, COMPONENT, "2020-02-02", body)[0]


def setting(**properties: Any) -> dict[str, Any]:
    """Return the body of a diagnostic setting."""
    return {"properties": {"logs": [{"categoryGroup": "allLogs", "enabled": True}], "metrics": [], **properties}}


@pytest.fixture
def vault(ready: Ready) -> str:
    """Add a vault; return the path of its settings."""
    put(ready, LOGS, "2023-09-01", {"location": "eastus2", "properties": {}})
    put(ready, STORAGE, "2025-08-01", ACCOUNT)
    return f"{ready.state.add_vault('kv-hard', 'rg')}/providers/Microsoft.Insights/diagnosticSettings"


API = "2021-05-01-preview"


def test_a_setting_is_kept_as_sent(ready: Ready, vault: str) -> None:
    """GET and the list show it; a vault that does not exist has none."""
    logs = SUBSCRIPTION + LOGS

    created, _ = put(ready, f"{vault}/one", API, setting(workspaceId=logs))
    listed = ready.arm("GET", vault, api=API).json()["value"]
    absent = ready.arm("GET", vault.replace("kv-hard", "kv-gone"), api=API)

    assert (200, [("one", logs)], 404) == (
        created,
        [(each["name"], each["properties"]["workspaceId"]) for each in listed],
        absent.status_code,
    )


def test_a_destination_is_used_once_for_a_category(ready: Ready, vault: str) -> None:
    """409 in the words of the report; another destination is fine."""
    logs, account = SUBSCRIPTION + LOGS, SUBSCRIPTION + STORAGE
    put(ready, f"{vault}/one", API, setting(workspaceId=logs))

    status, text = put(ready, f"{vault}/two", API, setting(workspaceId=logs))

    assert (409, True) == (status, "is already used in diagnostic setting 'one' for category 'allLogs'" in text)
    assert 200 == put(ready, f"{vault}/two", API, setting(storageAccountId=account))[0]


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({}, "needs a Log Analytics workspace"),
        ({"workspaceId": "/subscriptions/x/none"}, "does not exist"),
        ({"workspaceId": LOGS, "logs": []}, "at least one log or metric"),
        (
            {"workspaceId": LOGS, "logs": [{"category": "StorageRead", "enabled": True}]},
            "'StorageRead' is not supported",
        ),
        ({"workspaceId": LOGS, "logs": [{"enabled": True}]}, "either a category or a categoryGroup"),
    ],
)
def test_a_setting_that_sends_nothing_or_nowhere_is_refused(
    ready: Ready, vault: str, properties: dict[str, Any], words: str
) -> None:
    """400, with what is wrong."""
    if properties.get("workspaceId") == LOGS:
        properties = {**properties, "workspaceId": SUBSCRIPTION + LOGS}

    status, text = put(ready, f"{vault}/one", API, setting(**properties))

    assert (400, True) == (status, words in text)


def test_a_storage_account_has_no_logs_and_holds_none_of_its_own(ready: Ready, vault: str) -> None:
    """Its services have the logs, and another account holds them."""
    account, logs = SUBSCRIPTION + STORAGE, SUBSCRIPTION + LOGS
    head = "/providers/Microsoft.Insights/diagnosticSettings/one"

    of_account = put(ready, account + head, API, setting(workspaceId=logs))
    of_blobs = put(ready, f"{account}/blobServices/default{head}", API, setting(workspaceId=logs))
    in_itself = put(ready, f"{account}/blobServices/default{head}", API, setting(storageAccountId=account))

    assert vault
    assert (400, 200, 400) == (of_account[0], of_blobs[0], in_itself[0])
    assert "its own logs" in in_itself[1]


@pytest.mark.parametrize(("mode", "status"), [(None, 403), ("AccessKey", 403), ("Identity", 202)])
def test_a_workspace_by_keys_needs_an_account_with_keys(ready: Ready, mode: str | None, status: int) -> None:
    """Its datastores use the keys of the account unless they are set to identities."""
    ready.grant()
    ready.arm("PATCH", ready.storage, {"properties": {"allowSharedKeyAccess": False}}, api="2025-08-01")
    properties = {"systemDatastoresAuthMode": mode} if mode else {}

    answer = ready.arm("PUT", f"{WORKSPACES}/mlw", ready.body(**properties), api="2025-06-01")

    assert status == answer.status_code
