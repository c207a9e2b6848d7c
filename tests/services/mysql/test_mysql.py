"""MySQL servers on the sandbox: the key of a server that exists, a new version, and what Azure refuses."""

from __future__ import annotations

from support.sandbox import Client
from support.services import KEY, VAULT, Services

ALL = ("get", "list", "wrapKey", "unwrapKey")
API = "2023-12-30"


def test_a_server_gets_a_key_and_the_next_run_its_new_version(services: Services) -> None:
    """A server follows no version by itself. A key that is lost makes the server inaccessible an hour later."""
    server = services.state.add_mysql_server("mysql-data", "rg-ml")
    identity = services.state.add_identity("id-data", "rg-ml")
    services.name({"mysql_servers": [{"id": server, "identity": identity}]})

    first = services.encrypt()
    services.key = services.state.add_key(VAULT, KEY)
    second = services.encrypt()
    used = services.verdicts()
    services.state.set_key_attributes(VAULT, KEY, enabled=False)
    cached = services.verdicts()
    services.state.advance("2h")

    assert (0, 0) == (first.code, second.code), first.err + first.out
    assert [
        "PATCH flexibleServers/mysql-data",
        "PUT accessPolicies/add",
        "PATCH flexibleServers/mysql-data",
        "PATCH flexibleServers/mysql-data",
    ] == services.writes()
    assert {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}} == services.azure.running.writes[0].body[
        "identity"
    ]
    assert services.key == services.document(server)["properties"]["dataEncryption"]["primaryKeyURI"]
    # The key itself shows it before the server does.
    assert (["customer"], ["customer-unusable"]) == (used, cached)
    assert ["customer-unusable"] == services.verdicts()


def test_a_second_identity_is_added_beside_the_first(services: Services) -> None:
    """A server shows zeros for a principal of its own, and has none: no system-assigned identity is requested."""
    before, after = (services.state.add_identity(each, "rg-ml") for each in ("id-before", "id-data"))
    encryption = {
        "type": "AzureKeyVault",
        "primaryKeyURI": services.key,
        "primaryUserAssignedIdentityId": before,
    }
    server = services.state.add_mysql_server("mysql-data", "rg-ml", dataEncryption=encryption)
    services.name({"mysql_servers": [{"id": server, "identity": after}]})

    ran = services.encrypt()

    assert 0 == ran.code, ran.err + ran.out
    assert 2 == len(services.document(server)["identity"]["userAssignedIdentities"])
    assert after == services.document(server)["properties"]["dataEncryption"]["primaryUserAssignedIdentityId"]


def test_the_sandbox_refuses_what_azure_is_documented_to_refuse(services: Services) -> None:
    """A reader without ``list``, a key that expires, a vault with another retention; a key that is taken away is no refusal."""
    identity = services.state.add_identity("id-data", "rg-ml")
    principal = services.document(identity)["properties"]["principalId"]
    server = services.state.add_mysql_server("mysql-data", "rg-ml")
    short = services.state.add_vault("kv-short", "rg-ml", softDeleteRetentionInDays=30)
    foreign = services.state.add_key("kv-short", KEY)
    arm = Client(services.azure.running)

    def patch(uri: str) -> tuple[int, str]:
        body = {
            "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}},
            "properties": {
                "dataEncryption": {
                    "type": "AzureKeyVault",
                    "primaryKeyURI": uri,
                    "primaryUserAssignedIdentityId": identity,
                }
            },
        }
        answer = arm("PATCH", server, body, API)
        return answer.status_code, answer.json().get("error", {}).get("message", "")

    services.state.add_access_policy(VAULT, principal)
    without_list = patch(services.key)
    services.state.add_access_policy(VAULT, principal, ALL)
    services.state.add_access_policy(short, principal, ALL)
    other_retention = patch(foreign)
    taken = patch(services.key)
    taken_away = arm("PATCH", server, {"properties": {"dataEncryption": {"type": "SystemManaged"}}}, API)
    services.state.set_key_attributes(VAULT, KEY, exp=4_000_000_000)
    expiring = patch(services.key)

    assert [400, 400, 202, 202, 400] == [
        without_list[0],
        other_retention[0],
        taken[0],
        taken_away.status_code,
        expiring[0],
    ]
    assert "90 days" in other_retention[1]
    assert "date of expiry" in expiring[1]
