"""Data factories on the sandbox: the whole factory is written again, while it is empty."""

from __future__ import annotations

import pytest
from support.sandbox import Client
from support.services import VAULT, Services


@pytest.fixture
def small_key(services: Services) -> Services:
    """Return services with a key of 2048 bits, the only size that Data Factory takes."""
    services.key = services.state.add_key(VAULT, "small", size=2048)
    return services


def _factory(services: Services) -> str:
    parameters = {"environment": {"type": "String", "value": "prod"}}
    factory: str = services.state.add_data_factory("adf-data", "rg-ml", globalParameters=parameters)
    services.name({"data_factories": [{"id": factory}]}, key={"name": "small", "size": 2048})
    return factory


def test_the_factory_is_written_as_a_whole_and_once(small_key: Services) -> None:
    """The existing settings are kept; a second run sends no write."""
    services, factory = small_key, _factory(small_key)

    first = services.encrypt()
    second = services.encrypt()

    assert (0, 0) == (first.code, second.code), first.err + first.out
    assert ["PATCH factories/adf-data", "PUT accessPolicies/add", "PUT factories/adf-data"] == services.writes()
    assert "prod" == services.document(factory)["properties"]["globalParameters"]["environment"]["value"]
    assert ["customer"] == services.verdicts()


def test_that_the_key_stays_for_ever_is_reported_before(small_key: Services) -> None:
    """The plan lists it under what cannot be undone."""
    _factory(small_key)

    shown = small_key.human("encrypt", "--dry-run")

    assert "keeps one for ever" in " ".join(shown.out.split())


@pytest.mark.parametrize("kind", ["pipelines", "linkedservices", "dataflows", "managedVirtualNetworks"])
def test_a_factory_that_is_not_empty_is_a_conflict(small_key: Services, kind: str) -> None:
    """Nothing is sent."""
    services, factory = small_key, _factory(small_key)
    services.state.add_to_data_factory(factory, kind, "one")

    ran = services.encrypt()

    assert 3 == ran.code
    assert ["CMK274"] == [each["code"] for each in ran.of("diagnostic")]
    assert [] == services.writes()


def test_a_key_of_another_size_is_a_conflict(services: Services) -> None:
    """The profile's key has 3072 bits."""
    factory = services.state.add_data_factory("adf-data", "rg-ml")
    services.name({"data_factories": [{"id": factory}]})

    ran = services.encrypt()

    assert 3 == ran.code
    assert ["CMK274"] == [each["code"] for each in ran.of("diagnostic")]


def test_a_new_version_is_set_by_the_next_run_also_with_contents(small_key: Services) -> None:
    """Only the first key needs an empty factory."""
    services, factory = small_key, _factory(small_key)
    services.encrypt()
    services.state.add_to_data_factory(factory, "pipelines", "one")
    services.key = services.state.add_key(VAULT, "small", size=2048)

    ran = services.encrypt()

    assert 0 == ran.code, ran.err + ran.out
    assert services.key.endswith(services.posture()[0]["key_version"])


def test_the_sandbox_refuses_what_azure_is_documented_to_refuse(small_key: Services) -> None:
    """Another size, a factory with contents, a new factory without a user-assigned identity, and taking the key away."""
    services, factory = small_key, _factory(small_key)
    arm = Client(services.azure.running)

    def put(**encryption: str) -> tuple[int, str]:
        properties = {"encryption": {"vaultBaseUrl": f"https://{VAULT}.vault.azure.net/", **encryption}}
        body = {
            "location": "eastus2",
            "identity": {"type": "SystemAssigned"},
            "properties": properties if encryption else {},
        }
        answer = arm("PUT", factory, body, api="2018-06-01")
        return answer.status_code, answer.json().get("error", {}).get("message", "")

    no_right = put(keyName="small")
    services.encrypt()
    taken_away = put()
    another_size = put(keyName="cmk")
    services.state.add_to_data_factory(full := services.state.add_data_factory("adf-full", "rg-ml"), "pipelines", "one")
    factory = full
    with_contents = put(keyName="small")
    factory = f"{full}x"
    new = put(keyName="small")

    assert (403, 400, 400, 400, 400) == (no_right[0], taken_away[0], another_size[0], with_contents[0], new[0])
    assert "cannot be removed" in taken_away[1]
    assert "2048" in another_size[1]
    assert "pipelines" in with_contents[1]
    assert "user-assigned identity" in new[1]
