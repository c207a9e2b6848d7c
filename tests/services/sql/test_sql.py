"""Azure SQL on the sandbox: child resources, in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.sandbox import Client
from support.services import KEY, VAULT, Services

from cmkctl.sandbox import Pace


def _server(services: Services, **entry: str) -> str:
    server: str = services.state.add_sql_server("sql-data", "rg-ml")
    services.name({"sql_servers": [{"id": server, **entry}]})
    return server


def test_identity_grant_server_key_and_protector_in_this_order_and_once(services: Services) -> None:
    """The protector names the server key, so it comes last; a second run sends no write."""
    _server(services)
    version = services.key.rpartition("/")[2]

    first = services.encrypt()
    second = services.encrypt()

    assert (0, 0) == (first.code, second.code), first.err + first.out
    assert [
        "PATCH servers/sql-data",
        "PUT accessPolicies/add",
        f"PUT keys/{VAULT}_{KEY}_{version}",
        "PUT encryptionProtector/current",
    ] == services.writes()
    posture = services.posture()[0]
    assert ("customer", services.key) == (posture["verdict"], f"{posture['key']}/{posture['key_version']}")


def test_a_new_version_of_the_key_gets_a_server_key_of_its_own(services: Services) -> None:
    """Old versions stay on the server: backups need them."""
    server = _server(services)
    services.encrypt()
    services.key = services.state.add_key(VAULT, KEY)

    assert 0 == services.encrypt().code
    assert 6 == len(services.writes())
    assert services.key == services.document(f"{server}/encryptionProtector/current")["properties"]["uri"]


def test_a_user_assigned_identity_becomes_the_primary_one(services: Services) -> None:
    """The server reads the key as that identity."""
    identity = services.state.add_identity("id-sql", "rg-ml")
    server = _server(services, identity=identity)

    ran = services.encrypt()

    assert 0 == ran.code, ran.err
    # The server uses a primary identity at once, also for a key that it has: the page wants the grant before.
    assert ["PUT accessPolicies/add", "PATCH servers/sql-data"] == services.writes()[:2]
    assert identity == services.document(server)["properties"]["primaryUserAssignedIdentityId"]
    assert ["customer"] == services.verdicts()


def test_a_database_that_cannot_be_opened(services: Services) -> None:
    """Azure SQL reports it on the database."""
    server = _server(services)
    services.encrypt()
    services.state.add_sql_database(server, "db", status="Inaccessible")

    assert ["customer-unusable"] == services.verdicts()


def _statuses(services: Services, server: str) -> dict[str, str]:
    listed = Client(services.azure.running)("GET", f"{server}/databases", api="2023-08-01").json()["value"]
    return {each["name"]: each["properties"]["status"] for each in listed}


def test_databases_are_out_of_reach_ten_minutes_after_the_key_is_lost(services: Services) -> None:
    """Apart from one with a key of its own. Posture names the one whose encryption is off."""
    server = _server(services)
    services.state.add_sql_database(server, "db")
    services.state.add_sql_database(server, "bare", encrypted=False)
    services.state.add_sql_database(server, "own", encryptionProtector=services.key)
    services.encrypt()

    (found,) = services.posture()
    shown = [
        Client(services.azure.running)("GET", f"{server}/encryptionProtector/current", api=each).json()
        for each in ("2023-08-01", "2025-01-01")
    ]
    with services.state.tenant.lock:
        services.document(services.vault)["properties"]["accessPolicies"].clear()
    soon = _statuses(services, server)
    services.state.advance("10m")
    late = _statuses(services, server)

    assert "mixed" == found["verdict"]
    assert [None, found["key_version"]] == [each["properties"].get("keyVersion") for each in shown]
    assert "bare without transparent data encryption" in found["reason"]
    assert {"db": "Online", "bare": "Online", "own": "Online"} == soon
    assert {"db": "Inaccessible", "bare": "Online", "own": "Online"} == late


def test_the_own_key_of_a_database_is_read_by_its_user_assigned_identity(services: Services) -> None:
    """The sandbox refuses it without one, and with one that has no grant; its encryption can be turned off and on."""
    server = _server(services)
    identity = services.state.add_identity("id-db", "rg-ml")
    arm, database = Client(services.azure.running), f"{server}/databases/db"
    state = f"{database}/transparentDataEncryption/current"
    own = {"location": "eastus2", "properties": {"encryptionProtector": services.key}}
    named = {**own, "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}}

    refused = [arm("PUT", database, each, api="2023-08-01").status_code for each in (own, named)]
    services.state.add_access_policy(VAULT, services.document(identity)["properties"]["principalId"])
    made = arm("PUT", database, named, api="2023-08-01")
    found = arm("GET", database, api="2023-08-01").json()["properties"]
    turned = arm("PUT", state, {"properties": {"state": "Disabled"}}, api="2023-08-01")

    assert [400, 403, 202, 200] == [*refused, made.status_code, turned.status_code], made.text
    assert (services.key, "Online") == (found["encryptionProtector"], found["status"])
    assert "Disabled" == arm("GET", state, api="2023-08-01").json()["properties"]["state"]


def test_storage_and_sql_are_encrypted_together(services: Services) -> None:
    """One plan for every service of the profile."""
    account = services.state.add_storage_account("stdata", "rg-ml")
    server = services.state.add_sql_server("sql-data", "rg-ml")
    services.name({"storage_accounts": [{"id": account}], "sql_servers": [{"id": server}]})

    ran = services.encrypt()

    assert 0 == ran.code, ran.err
    assert ["customer", "mixed"] == services.verdicts()


def test_the_sandbox_refuses_what_azure_is_documented_to_refuse(services: Services) -> None:
    """A server key of another name, one that the server may not use, and a protector without its server key."""
    server = _server(services)
    arm, version = Client(services.azure.running), services.key.rpartition("/")[2]
    key = {"properties": {"serverKeyType": "AzureKeyVault", "uri": services.key}}
    name = f"{VAULT}_{KEY}_{version}"
    protector = {"properties": {"serverKeyType": "AzureKeyVault", "serverKeyName": name}}

    answers = [
        arm("PUT", f"{server}/keys/mine", key, api="2023-08-01"),
        arm("PUT", f"{server}/keys/{name}", key, api="2023-08-01"),
        arm("PUT", f"{server}/encryptionProtector/current", protector, api="2023-08-01"),
        arm("GET", f"{server}/encryptionProtector/current", api="2023-08-01"),
        arm("GET", f"{server}/keys", api="2023-08-01"),
    ]

    assert [400, 400, 400, 200, 200] == [each.status_code for each in answers]
    assert "ServiceManaged" == answers[3].json()["properties"]["serverKeyName"]
    assert ["ServiceManaged"] == [each["name"] for each in answers[4].json()["value"]]


def test_the_protector_waits_for_the_operation_of_the_server_key(rehearse: Any, tmp_path: Path) -> None:
    """At a pace of reads every operation takes polls, and the protector is sent once the server has the key."""
    services = Services(rehearse(Pace.reads(2)), tmp_path)
    _server(services)

    ran = services.encrypt()

    assert 0 == ran.code, ran.err + ran.out
    assert "PUT encryptionProtector/current" == services.writes()[-1]
    assert 4 == len(services.writes())
