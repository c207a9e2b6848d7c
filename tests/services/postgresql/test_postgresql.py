"""PostgreSQL servers on the sandbox: another key of a server that has one, and what Azure refuses."""

from __future__ import annotations

from typing import Any

from support.sandbox import Client
from support.services import KEY, VAULT, Services

URI = f"https://{VAULT}.vault.azure.net/keys/{KEY}"
ALL = ("get", "list", "wrapKey", "unwrapKey")
API = "2025-08-01"


def _server(services: Services, name: str = "psql-data", **encryption: str) -> str:
    server: str = services.state.add_postgresql_server(name, "rg-ml", dataEncryption=encryption)
    return server


def test_another_key_and_reader_are_set_by_one_patch_and_once(services: Services) -> None:
    """The reader is granted ``list`` as well. A key that is lost makes the server inaccessible an hour later."""
    before, after = (services.state.add_identity(each, "rg-ml") for each in ("id-before", "id-data"))
    server = _server(services, type="AzureKeyVault", primaryKeyURI=services.key, primaryUserAssignedIdentityId=before)
    services.name({"postgresql_servers": [{"id": server, "identity": after}]})

    first = services.encrypt()
    second = services.encrypt()
    (policy,) = services.document(services.vault)["properties"]["accessPolicies"]
    used = services.verdicts()
    services.state.set_key_attributes(VAULT, KEY, enabled=False)
    cached = services.verdicts()
    services.state.advance("2h")

    assert (0, 0) == (first.code, second.code), first.err + first.out
    assert [
        "PATCH flexibleServers/psql-data",
        "PUT accessPolicies/add",
        "PATCH flexibleServers/psql-data",
    ] == services.writes()
    assert {*ALL} == {*policy["permissions"]["keys"]}
    assert URI == services.document(server)["properties"]["dataEncryption"]["primaryKeyURI"]
    # The key itself shows it before the server does.
    assert (["customer"], ["customer-unusable"]) == (used, cached)
    assert ["customer-unusable"] == services.verdicts()


def test_a_server_without_a_key_is_a_conflict(services: Services) -> None:
    """Nothing is sent, neither an identity nor a grant."""
    server = _server(services, type="SystemManaged")
    identity = services.state.add_identity("id-data", "rg-ml")
    services.name({"postgresql_servers": [{"id": server, "identity": identity}]})

    ran = services.encrypt()

    assert 3 == ran.code
    assert ["CMK273"] == [each["code"] for each in ran.of("diagnostic")]
    assert [] == services.writes()
    assert ["microsoft"] == services.verdicts()


def test_the_sandbox_refuses_what_azure_is_documented_to_refuse(services: Services) -> None:
    """A reader without ``list`` or without its key, another kind of key, backups without a key, and an old version of TLS."""
    identity = services.state.add_identity("id-data", "rg-ml")
    principal = services.document(identity)["properties"]["principalId"]
    plain = _server(services, "psql-plain", type="SystemManaged")
    arm = Client(services.azure.running)
    key = {"type": "AzureKeyVault", "primaryKeyURI": services.key, "primaryUserAssignedIdentityId": identity}

    def put(encryption: Any, **more: Any) -> tuple[int, str]:
        body = {
            "location": "eastus2",
            "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}},
            "properties": {"dataEncryption": encryption, **more},
        }
        answer = arm("PUT", f"{plain}-new", body, API)
        return answer.status_code, answer.json().get("error", {}).get("message", "")

    services.state.add_access_policy(VAULT, principal)
    without_list = put(key)
    services.state.add_access_policy(VAULT, principal, ALL)
    without_key = put({**key, "primaryKeyURI": ""})
    foreign = put({**key, "primaryUserAssignedIdentityId": f"{identity}x"})
    backups = put(key, backup={"geoRedundantBackup": "Enabled"})
    later = arm("PATCH", plain, {"properties": {"dataEncryption": key}}, API)
    old = arm("PATCH", f"{plain}/configurations/ssl_min_protocol_version", {"properties": {"value": "TLSv1"}}, API)
    good = put(key)

    assert [400, 400, 400, 400, 202] == [each[0] for each in (without_list, without_key, foreign, backups, good)]
    assert "paired region" in backups[1]
    assert (400, 400) == (later.status_code, old.status_code)
    assert "fixed at its creation" in later.text
