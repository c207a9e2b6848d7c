"""Vaults that services may be unable to use: the plan says so, before anything is sent."""

from __future__ import annotations

import pytest
from support.services import VAULT, Services

from cmkctl.sandbox import SUBSCRIPTION_ID

OTHER = "22222222-2222-2222-2222-222222222222"


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ({"networkAcls": {"bypass": "None", "defaultAction": "Deny"}}, ["trusted Microsoft services are not exempt"]),
        ({"publicNetworkAccess": "Disabled"}, ["has no public access"]),
        ({"networkAcls": {"bypass": "AzureServices", "defaultAction": "Deny"}}, []),
    ],
)
def test_a_firewall_that_keeps_services_out_is_a_warning(
    services: Services, network: dict[str, object], words: list[str]
) -> None:
    """One service lets the way through a firewall be without the exception, so that the plan is not in conflict."""
    services.state.resource(services.vault)["properties"].update(network)
    services.name({"storage_accounts": [{"id": services.state.add_storage_account("stdata", "rg-ml")}]})

    ran = services.encrypt("--dry-run")

    shown = [each for each in ran.of("diagnostic") if each["code"] == "CMK103"]
    assert 0 == ran.code
    assert ["warning"] * len(words) == [each["severity"] for each in shown]
    assert all(word in each["detail"] for word, each in zip(words, shown, strict=True))


def test_a_vault_of_another_subscription_is_a_conflict_with_the_way_out(services: Services) -> None:
    """It is not taken for an absent one, and nothing is said of its key, which was not read."""
    services.name(
        {"storage_accounts": [{"id": services.state.add_storage_account("stdata", "rg-ml")}]},
        key_vault={"id": services.vault.replace(SUBSCRIPTION_ID, OTHER)},
    )

    ran = services.encrypt("--dry-run")

    shown = [each for each in ran.of("diagnostic") if each["code"] == "CMK271"]
    assert 3 == ran.code
    assert [VAULT in str(each) for each in shown] == [True]
    assert "another subscription" in shown[0]["detail"]
    assert f"subscription: {OTHER}" in shown[0]["remedy"]
