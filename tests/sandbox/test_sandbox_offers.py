"""The offers of a subscription: regions, tiers, quotas and names, as reads show them and as creations meet them."""

from __future__ import annotations

import pytest
from support.sandbox import Client, code

from cmkctl.sandbox.core import offers
from cmkctl.sandbox.server import Running

ACCOUNT = "/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/stml"
STORAGE = "/providers/Microsoft.Storage"
BODY = {"location": "eastus2", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}


@pytest.fixture
def ready(instant: Running) -> Client:
    """Provide a client of a registered subscription with a group."""
    instant.state.register_provider()
    instant.state.add_resource_group("rg")
    return Client(instant)


def test_a_provider_lists_the_regions_of_each_type(ready: Client, instant: Running) -> None:
    """Every region by default; the refusal of a creation lists the arranged ones."""
    before = ready("GET", STORAGE, api="2022-09-01").json()["resourceTypes"]
    instant.state.limit_regions("Microsoft.Storage/storageAccounts", "westus")
    after = ready("GET", STORAGE, api="2022-09-01").json()["resourceTypes"]
    refused = ready("PUT", ACCOUNT, BODY, api="2023-05-01")

    assert {"East US 2"} <= set(next(each["locations"] for each in before if each["resourceType"] == "storageAccounts"))
    assert ["West US"] == next(each["locations"] for each in after if each["resourceType"] == "storageAccounts")
    assert (400, "LocationNotAvailableForResourceType") == code(refused)
    assert refused.json()["error"]["message"].endswith("resource type is 'westus'.")


def test_the_usages_of_a_region_count_what_is_there(ready: Client, instant: Running) -> None:
    """Accounts of others count as well; at the limit the next one is refused."""
    instant.state.use_quota(offers.STORAGE_ACCOUNTS, others=248)
    made = ready("PUT", ACCOUNT, BODY, api="2023-05-01")
    usages = ready("GET", f"{STORAGE}/locations/eastus2/usages", api="2023-05-01").json()["value"]
    elsewhere = ready("GET", f"{STORAGE}/locations/westus/usages", api="2023-05-01").json()["value"]
    ready("PUT", f"{ACCOUNT}2", BODY, api="2023-05-01")
    refused = ready("PUT", f"{ACCOUNT}3", BODY, api="2023-05-01")

    assert made.status_code < 300
    assert [("StorageAccounts", 249, 250)] == [
        (each["name"]["value"], each["currentValue"], each["limit"]) for each in usages
    ]
    assert [0] == [each["currentValue"] for each in elsewhere]
    assert (409, "MaxStorageAccountsCountPerSubscriptionExceeded") == code(refused)


def test_zone_redundant_tiers_are_listed_for_regions_with_zones(ready: Client) -> None:
    """And an account in a region without zones is refused."""
    listed = ready("GET", f"{STORAGE}/skus", api="2023-05-01").json()["value"]
    refused = ready("PUT", ACCOUNT, {**BODY, "location": "westus", "sku": {"name": "Standard_ZRS"}}, api="2023-05-01")

    regions = {each["locations"][0] for each in listed if each["name"] == "Standard_ZRS"}
    assert ("eastus2" in regions, "westus" in regions) == (True, False)
    assert (400, "SkuNotAvailable") == code(refused)


def test_regions_of_cosmos_db_show_the_access(ready: Client, instant: Running) -> None:
    """One by one and as a list, with the published properties."""
    path = "/providers/Microsoft.DocumentDB/locations"
    instant.state.close_cosmos_region("eastus2")
    one = ready("GET", f"{path}/eastus2", api="2024-11-15").json()
    everything = ready("GET", path, api="2024-11-15").json()["value"]

    assert ("Online", False) == (
        one["properties"]["status"],
        one["properties"]["isSubscriptionRegionAccessAllowedForRegular"],
    )
    assert one in everything
    assert len(everything) > 1


def test_accounts_of_cosmos_db_of_others_are_listed(ready: Client, instant: Running) -> None:
    """As many as were arranged."""
    instant.state.use_quota(offers.COSMOS_DB_ACCOUNTS, others=3, location="")

    assert 3 == len(ready("GET", "/providers/Microsoft.DocumentDB/databaseAccounts", api="2024-11-15").json()["value"])


def test_questions_of_an_unregistered_provider_are_refused(instant: Running) -> None:
    """As Azure refuses everything of such a provider."""
    arm = Client(instant)

    answers = [
        arm("GET", "/providers/Microsoft.Search/locations/eastus2/usages", api="2025-05-01"),
        arm("GET", "/providers/Microsoft.DocumentDB/locations/eastus2", api="2024-11-15"),
        arm(
            "POST",
            "/providers/Microsoft.ContainerRegistry/checkNameAvailability",
            {"name": "crml1", "type": "Microsoft.ContainerRegistry/registries"},
            api="2025-11-01",
        ),
    ]

    assert {(409, "MissingSubscriptionRegistration")} == {code(each) for each in answers}


@pytest.mark.parametrize(
    ("value", "refusal"), [("10.0.0.0/8", "only public addresses"), ("203.0.113.8/31", "prefixes /31 and /32")]
)
def test_ip_rules_that_storage_documents_as_refused(ready: Client, value: str, refusal: str) -> None:
    """Addresses of private networks, and small ranges."""
    rules = {"networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": value}]}}

    refused = ready("PUT", ACCOUNT, {**BODY, "properties": rules}, api="2023-05-01")

    assert refusal in refused.json()["error"]["message"]
