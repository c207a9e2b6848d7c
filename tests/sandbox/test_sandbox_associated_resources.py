"""Storage accounts, Log Analytics, Application Insights, container registries."""

from typing import Any

import pytest
from support.sandbox import Client, code

PROVIDERS = "/resourceGroups/rg/providers/"
STORAGE = PROVIDERS + "Microsoft.Storage/storageAccounts/stone"
BODY = {"location": "eastus2", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {}}
OTHERS: dict[str, dict[str, Any]] = {
    "Microsoft.OperationalInsights/workspaces/log-one": {"location": "eastus2", "properties": {}},
    "Microsoft.Insights/components/ai-one": {
        "location": "eastus2",
        "kind": "web",
        "properties": {"Application_Type": "web"},
    },
    "Microsoft.ContainerRegistry/registries/crone": {"location": "eastus2", "sku": {"name": "Basic"}},
}


@pytest.fixture
def ready(arm: Client) -> Client:
    """Return a client in whose subscription everything is registered and a group is there."""
    arm.running.state.register_provider()
    arm("PUT", "/resourceGroups/rg", {"location": "eastus2"})
    return arm


def test_a_storage_account_takes_a_while(ready: Client) -> None:
    """Recording 02: 202, empty, Location and Retry-After; polls 202; then the account with its defaults."""
    put = ready("PUT", STORAGE, BODY)
    polls = [ready("GET", put.headers["Location"]) for _ in range(3)]

    assert (put.status_code, put.content, "Retry-After" in put.headers) == (202, b"", True)
    assert [poll.status_code for poll in polls] == [202, 202, 200]
    properties = polls[-1].json()["properties"]
    assert (properties["provisioningState"], properties["encryption"]["keySource"]) == (
        "Succeeded",
        "Microsoft.Storage",
    )
    assert properties["primaryEndpoints"]["blob"] == "https://stone.blob.core.windows.net/"


def test_storage_names_are_checked_and_global(ready: Client) -> None:
    """Lower-case letters and digits; taken in one group is taken in every group."""
    ready("PUT", "/resourceGroups/other", {"location": "eastus2"})
    ready("PUT", STORAGE, BODY)

    assert code(ready("PUT", STORAGE + "-x", BODY))[0] == 400
    taken = ready("PUT", STORAGE.replace("/rg/", "/other/"), BODY)
    assert code(taken) == (409, "StorageAccountAlreadyTaken")


def test_account_keys_are_answered_and_never_logged(ready: Client) -> None:
    """The log contains no key."""
    ready.running.state.add_storage_account("stone")

    keys = ready("POST", STORAGE + "/listKeys").json()["keys"]

    assert [row["keyName"] for row in keys] == ["key1", "key2"]
    assert ready.running.requests[-1].response is None


@pytest.mark.parametrize("path", OTHERS)
def test_the_other_associated_resources_come_and_go(ready: Client, path: str) -> None:
    """201 (Application Insights: 200, as recorded), then read to Succeeded; DELETE is 200, then 204.

    PUT again is 200; a registry answers every write with 201 (recording 71).
    """
    new = 200 if "components" in path else 201
    renewed = 201 if "registries" in path else 200
    whole = PROVIDERS + path

    made = ready("PUT", whole, OTHERS[path])
    states = [ready("GET", whole).json()["properties"]["provisioningState"] for _ in range(3)]
    again = ready("PUT", whole, OTHERS[path])
    gone = [ready("DELETE", whole).status_code for _ in range(2)]

    assert (made.status_code, states[-1], again.status_code, gone) == (new, "Succeeded", renewed, [200, 204])


def test_components_come_back_in_their_own_casing(ready: Client) -> None:
    """Fact 6: microsoft.insights, whatever was sent."""
    path = "Microsoft.Insights/components/ai-one"

    made = ready("PUT", PROVIDERS + path, OTHERS[path]).json()

    assert made["type"] == "microsoft.insights/components"
    assert made["properties"]["ConnectionString"].startswith("InstrumentationKey=")


def test_a_registry_with_a_key_must_be_premium(ready: Client) -> None:
    """CMK of a registry is Premium only, and chosen at creation."""
    path = PROVIDERS + "Microsoft.ContainerRegistry/registries/crone"
    encrypted = {
        **OTHERS["Microsoft.ContainerRegistry/registries/crone"],
        "properties": {"encryption": {"status": "enabled"}},
    }

    assert ready("PUT", path, encrypted).status_code == 400
    ready("PUT", path, {**encrypted, "properties": {}})
    assert ready("PUT", path, {**encrypted, "sku": {"name": "Premium"}}).status_code == 400
