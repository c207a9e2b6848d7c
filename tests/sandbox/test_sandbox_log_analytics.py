"""Log Analytics workspaces that are deleted and come back, and their keys (Terraform reads both)."""

from __future__ import annotations

import pytest
from support.sandbox import SUBSCRIPTION, Client, code

from cmkctl.sandbox.server import Running

LOGS = "/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/logs"
DELETED = "/providers/Microsoft.OperationalInsights/deletedWorkspaces"


@pytest.fixture
def ready(instant: Running) -> Client:
    """Provide a workspace of 60 days' retention."""
    instant.state.register_provider()
    instant.state.add_resource_group("rg")
    arm = Client(instant)
    arm("PUT", LOGS, {"location": "eastus2", "properties": {"retentionInDays": 60}})
    return arm


def test_a_deleted_workspace_is_listed_and_recovered(ready: Client) -> None:
    """Documented: to create it again where it was is to recover it, with what it was."""
    before = ready("GET", LOGS).json()

    ready("DELETE", LOGS)
    listed = [ready("GET", path + DELETED, api="2022-10-01").json()["value"] for path in ("", "/resourceGroups/rg")]
    ready("PUT", LOGS, {"location": "eastus2"})
    after = ready("GET", LOGS).json()

    assert [[row["name"] for row in rows] for rows in listed] == [["logs"], ["logs"]]
    assert after["properties"]["customerId"] == before["properties"]["customerId"]
    assert after["properties"]["retentionInDays"] == 60
    assert ready("GET", DELETED, api="2022-10-01").json()["value"] == []


@pytest.mark.parametrize("how", ["force", "time"])
def test_a_workspace_is_gone_for_good(ready: Client, how: str) -> None:
    """By `force=true`, or 14 days later; then the name makes a new one."""
    before = ready("GET", LOGS).json()["properties"]["customerId"]

    ready("DELETE", LOGS + ("?force=true" if how == "force" else ""))
    if how == "time":
        ready.running.state.advance("14d")
        ready.token = ready.fetch_token("https://management.azure.com/.default")
    listed = ready("GET", DELETED, api="2022-10-01").json()["value"]
    ready("PUT", LOGS, {"location": "eastus2"})

    assert listed == []
    assert ready("GET", LOGS).json()["properties"]["customerId"] != before


def test_a_workspace_that_goes_with_its_group_is_kept(ready: Client) -> None:
    """Like one that is deleted by itself."""
    ready("DELETE", SUBSCRIPTION + "/resourceGroups/rg")

    assert [row["name"] for row in ready("GET", DELETED, api="2022-10-01").json()["value"]] == ["logs"]


def test_shared_keys_are_answered_and_never_logged(ready: Client) -> None:
    """Two keys, the same each time; none of a workspace that is not there."""
    first, second = (ready("POST", LOGS + "/sharedKeys").json() for _ in range(2))
    logged = "".join(entry.line() for entry in ready.running.requests)

    assert first == second
    assert sorted(first) == ["primarySharedKey", "secondarySharedKey"]
    assert [key for key in first.values() if key in logged] == []
    assert code(ready("POST", LOGS + "x/sharedKeys")) == (404, "ResourceNotFound")
