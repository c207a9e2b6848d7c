"""Azure Cosmos DB on the sandbox: three writes to one account, in order, and what Azure refuses."""

from __future__ import annotations

from typing import Any

from support.sandbox import Client
from support.services import KEY, VAULT, Services

from cmkctl.posture import Verdict
from cmkctl.sandbox.core.constants import COSMOS_DB_OBJECT_ID
from cmkctl.services.base import Answer, Documents
from cmkctl.services.cosmos_db import SERVICE

URI = f"https://{VAULT}.vault.azure.net/keys/{KEY}"
API = "2025-10-15"


def test_identity_grant_reader_and_key_are_sent_in_this_order_and_once(services: Services) -> None:
    """No request has an identity and the default identity, which Azure does not take together."""
    account = services.state.add_cosmos_account("cosmos-data", "rg-ml")
    services.name({"cosmos_db_accounts": [{"id": account}]})

    before = services.verdicts()
    shown = " ".join(services.human("encrypt", "--dry-run").out.split())
    first = services.encrypt()
    second = services.encrypt()

    sent = [each.body for each in services.azure.running.writes if each.path == account]
    assert ["microsoft"] == before
    assert "keeps one for ever" in shown
    assert "request units" in shown
    assert (0, 0) == (first.code, second.code), first.err + first.out
    assert [
        "PATCH databaseAccounts/cosmos-data",
        "PUT accessPolicies/add",
        "PATCH databaseAccounts/cosmos-data",
        "PATCH databaseAccounts/cosmos-data",
    ] == services.writes()
    assert [
        {"identity": {"type": "SystemAssigned"}},
        {"properties": {"defaultIdentity": "SystemAssignedIdentity"}},
        {"properties": {"keyVaultKeyUri": URI}},
    ] == sent
    (posture,) = services.posture()
    assert ("customer", services.key) == (posture["verdict"], f"{posture['key']}/{posture['key_version']}")


def test_a_user_assigned_identity_takes_over_and_a_lost_key_is_reported(services: Services) -> None:
    """An account that Azure Cosmos DB itself reads the key for gets another reader, and is revoked when that loses the key."""
    identity = services.state.add_identity("id-data", "rg-ml")
    services.state.add_access_policy(VAULT, COSMOS_DB_OBJECT_ID)
    account = services.state.add_cosmos_account("cosmos-data", "rg-ml", keyVaultKeyUri=URI)
    services.name({"cosmos_db_accounts": [{"id": account, "identity": identity}]})

    ran = services.encrypt()
    used = services.verdicts()
    services.state.set_key_attributes(VAULT, KEY, enabled=False)
    cached = services.verdicts()
    services.state.advance("2h")
    lost = services.verdicts()
    refused = Client(services.azure.running)("PATCH", account, {"properties": {"disableLocalAuth": True}}, API)

    assert 0 == ran.code, ran.err + ran.out
    assert 4 == len(services.writes())
    assert f"UserAssignedIdentity={identity}" == services.document(account)["properties"]["defaultIdentity"]
    # The key itself shows it before the account does.
    assert (["customer"], ["customer-unusable"], ["customer-unusable"]) == (used, cached, lost)
    assert 403 == refused.status_code
    assert "currently revoked" in refused.text


def test_the_sandbox_refuses_what_azure_is_documented_to_refuse(services: Services) -> None:
    """And takes an update with a new identity and a default identity, of which only the first comes into effect."""
    account = services.state.add_cosmos_account("cosmos-data", "rg-ml")
    arm = Client(services.azure.running)

    def patch(identity: str = "", **properties: Any) -> tuple[int, str]:
        body = {"properties": properties} | ({"identity": {"type": identity}} if identity else {})
        answer = arm("PATCH", account, body, API)
        return answer.status_code, answer.json().get("error", {}).get("message", "")

    no_right = patch(keyVaultKeyUri=URI)
    services.state.add_access_policy(VAULT, COSMOS_DB_OBJECT_ID)
    versioned = patch(keyVaultKeyUri=services.key)
    no_identity = patch(defaultIdentity="SystemAssignedIdentity")
    taken = patch(keyVaultKeyUri=URI)
    taken_away = patch(keyVaultKeyUri="")
    silent = patch("SystemAssigned", defaultIdentity="SystemAssignedIdentity")
    document = arm("GET", account, api=API).json()
    cassandra = services.state.add_cosmos_account("cosmos-c", "rg-ml", capabilities=[{"name": "EnableCassandra"}])
    of_cassandra = arm("PATCH", cassandra, {"properties": {"keyVaultKeyUri": URI}}, API)

    assert [403, 400, 400, 200, 400, 200, 400] == [
        each[0] for each in (no_right, versioned, no_identity, taken, taken_away, silent)
    ] + [of_cassandra.status_code]
    assert "without a version" in versioned[1]
    assert "never taken away" in taken_away[1]
    assert ("FirstPartyIdentity", "SystemAssigned") == (
        document["properties"]["defaultIdentity"],
        document["identity"]["type"],
    )


def test_the_account_of_a_workspace_is_read_in_the_same_way(rehearse: Any, profiles: Any) -> None:
    """Its key is that of the workspace, and it confirms its access."""
    azure = rehearse()
    assert 0 == azure("apply", profiles / "quickstart.yaml", "--yes").code
    arm = Client(azure.running)

    (account,) = arm("GET", "/providers/Microsoft.DocumentDB/databaseAccounts", api=API).json()["value"]
    read = SERVICE.reads(account["id"])[0]
    found = SERVICE.posture(Documents([Answer(read, account)]))

    assert (Verdict.CUSTOMER, True) == (found.verdict, "confirms" in found.reason)
    assert found.key_version
