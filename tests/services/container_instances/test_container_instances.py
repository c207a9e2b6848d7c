"""Container groups on the sandbox: the key of a group that exists does not change."""

from __future__ import annotations

from typing import Any

from support.sandbox import Client
from support.services import KEY, VAULT, Services

APP_ID = "6bb8e274-af5d-4df2-98a3-4fd78b4cafd9"
"""Azure Container Instance Service, as Microsoft's page has it."""


def _encryption(services: Services) -> dict[str, str]:
    version = services.key.rpartition("/")[2]
    return {"vaultBaseUrl": f"https://{VAULT}.vault.azure.net/", "keyName": KEY, "keyVersion": version}


def test_a_group_with_microsofts_key_is_a_conflict(services: Services) -> None:
    """No identity, no grant and no key is sent for it."""
    group = services.state.add_container_group("aci", "rg-ml")
    services.name({"container_groups": [{"id": group}]})

    ran = services.encrypt()

    assert 3 == ran.code
    assert ["CMK273"] == [each["code"] for each in ran.of("diagnostic")]
    assert [] == services.writes()
    assert ["microsoft"] == services.verdicts()


def test_a_group_with_this_key_is_up_to_date(services: Services) -> None:
    """There is nothing to do and nothing to grant."""
    group = services.state.add_container_group("aci", "rg-ml", encryption=_encryption(services))
    services.name({"container_groups": [{"id": group}]})

    ran = services.encrypt()

    assert 0 == ran.code, ran.err + ran.out
    assert [] == services.writes()
    assert ["customer"] == services.verdicts()


def test_a_new_version_of_the_key_is_a_conflict(services: Services) -> None:
    """The service follows none, and offers no request."""
    group = services.state.add_container_group("aci", "rg-ml", encryption=_encryption(services))
    services.name({"container_groups": [{"id": group}]})
    services.state.add_key(VAULT, KEY)

    ran = services.encrypt()

    assert 3 == ran.code
    assert "create the group again" in " ".join(each["remedy"] for each in ran.of("diagnostic"))


def _body(encryption: dict[str, str]) -> dict[str, Any]:
    containers = [
        {
            "name": "one",
            "properties": {
                "image": "alpine",
                "environmentVariables": [{"name": "secretEnv", "secureValue": "not shown"}],
                "resources": {"requests": {"memoryInGB": 1.5, "cpu": 1}},
            },
        }
    ]
    properties = {"containers": containers, "osType": "Linux", "encryptionProperties": encryption}
    return {"location": "eastus2", "properties": properties}


def test_the_sandbox_creates_a_group_whose_reader_may_use_the_key(services: Services) -> None:
    """Azure Container Instance Service reads the key; a group keeps the key that it was created with."""
    group = services.state.add_container_group("another", "rg-ml").replace("another", "aci")
    arm, body = Client(services.azure.running), _body(_encryption(services))

    refused = arm("PUT", group, body, api="2023-05-01")
    reader = services.state.add_principal(APP_ID, "Azure Container Instance Service")
    services.state.add_access_policy(VAULT, reader)
    created = arm("PUT", group, body, api="2023-05-01")
    changed = arm("PUT", group, _body({**_encryption(services), "keyName": "other"}), api="2023-05-01")

    assert [403, 201, 400] == [each.status_code for each in (refused, created, changed)], created.text
    assert "not shown" not in created.text
    assert changed.json()["error"]["message"].startswith("[sandbox] The encryption properties of a container group")
