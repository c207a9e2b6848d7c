"""Storage accounts on the sandbox: encrypt, posture, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from support.sandbox import Client
from support.services import KEY, VAULT, Services

from cmkctl.plan import Action, Known
from cmkctl.profile.load import load_profile
from cmkctl.steps._services import ObservedServices
from cmkctl.steps.service_keys import ServiceKeys

LATEST = f"https://{VAULT}.vault.azure.net/keys/{KEY}/0123456789abcdef0123456789abcdef"
SENT = ["PATCH storageAccounts/stdata", "PUT accessPolicies/add", "PATCH storageAccounts/stdata"]


def _account(services: Services, **entry: str) -> str:
    account: str = services.state.add_storage_account("stdata", "rg-ml")
    services.name({"storage_accounts": [{"id": account, **entry}]})
    return account


def test_identity_grant_and_key_are_sent_in_this_order_and_once(services: Services) -> None:
    """A second run sends no write."""
    account = _account(services)

    first = services.encrypt()
    second = services.encrypt()

    assert (0, 0) == (first.code, second.code), first.err
    assert SENT == services.writes()
    encryption = services.document(account)["properties"]["encryption"]
    assert KEY == encryption["keyvaultproperties"]["keyname"]
    assert ["no-op"] * 3 == [each["action"] for each in second.of("planned_change")]


def test_a_dry_run_shows_the_requests_and_sends_none(services: Services) -> None:
    """The requests shown are the requests sent."""
    _account(services)

    shown = [each["request"] for each in services.encrypt("--dry-run").of("planned_change")]

    assert [] == services.writes()
    services.encrypt()
    sent = [(each.method, each.path) for each in services.azure.running.writes]
    assert sent == [(each["method"], each["path"]) for each in shown]


def test_posture_before_and_after(services: Services) -> None:
    """Queues and tables of an account that exists keep Microsoft's key."""
    account = _account(services)

    before = services.posture()
    services.encrypt()
    after = services.posture()

    assert ["microsoft"] == [each["verdict"] for each in before]
    assert [("mixed", account)] == [(each["verdict"], each["resource_id"]) for each in after]
    assert services.key == f"{after[0]['key']}/{after[0]['key_version']}"


def test_an_account_of_which_all_data_uses_the_key(services: Services) -> None:
    """The key type of queues and tables was chosen at creation."""
    keyed = {"keyType": "Account"}
    account = services.state.add_storage_account(
        "stall", "rg-ml", encryption={"services": {"queue": keyed, "table": keyed}}
    )
    services.name({"storage_accounts": [{"id": account}]})

    services.encrypt()

    assert ["customer"] == services.verdicts()


def test_a_vault_with_roles(services_with_roles: Services) -> None:
    """The grant is a role assignment."""
    services = services_with_roles
    _account(services)

    assert 0 == services.encrypt().code
    assert ["PATCH", "PUT", "PATCH"] == [each.split()[0] for each in services.writes()]
    assert "roleAssignments" in services.azure.writes()[1]
    assert ["mixed"] == services.verdicts()


def test_a_user_assigned_identity_is_added_and_reads_the_key(services: Services) -> None:
    """The account's other identities stay."""
    identity = services.state.add_identity("id-data", "rg-ml")
    account = _account(services)
    services.encrypt()

    services.name({"storage_accounts": [{"id": account, "identity": identity}]})
    ran = services.encrypt()

    assert 0 == ran.code, ran.err
    document = services.document(account)
    assert "SystemAssigned,UserAssigned" == document["identity"]["type"]
    assert identity.lower() == document["properties"]["encryption"]["identity"]["userAssignedIdentity"].lower()


def test_a_fixed_version_stays_until_the_next_run(services: Services) -> None:
    """The key gets a new version: the account keeps the old one, encrypt puts the new one."""
    account = _account(services, key_version="fixed")
    services.encrypt()
    fixed = services.document(account)["properties"]["encryption"]["keyvaultproperties"]["keyversion"]
    services.key = services.state.add_key("kv-services-77", KEY)

    services.encrypt()

    assert fixed not in services.key
    now = services.document(account)["properties"]["encryption"]["keyvaultproperties"]["keyversion"]
    assert services.key.endswith(now)


def test_two_accounts_are_granted_one_after_the_other(services: Services) -> None:
    """Key Vault refuses one of two concurrent changes to a vault's policies."""
    accounts = [services.state.add_storage_account(name, "rg-ml") for name in ("stone", "sttwo")]
    services.name({"storage_accounts": [{"id": each} for each in accounts]})

    assert 0 == services.encrypt().code
    assert 6 == len(services.writes())
    assert ["mixed", "mixed"] == services.verdicts()


def test_an_account_that_is_absent_is_a_conflict(services: Services) -> None:
    """Nothing is sent for the others either."""
    account = _account(services)
    services.name({"storage_accounts": [{"id": account}, {"id": f"{account}x"}]})

    ran = services.encrypt()

    assert 3 == ran.code
    assert ["CMK272"] == [each["code"] for each in ran.of("diagnostic")]
    assert [] == services.writes()
    assert ["microsoft", "not-visible"] == services.verdicts()


def test_a_key_that_does_not_exist_is_a_conflict(services: Services) -> None:
    """Encrypt creates no key."""
    account = _account(services)
    services.name({"storage_accounts": [{"id": account}]}, key={"name": "another"})

    ran = services.encrypt()

    assert 3 == ran.code
    assert ["CMK271"] == [each["code"] for each in ran.of("diagnostic")]


def test_a_profile_without_services_has_nothing_to_do(services: Services) -> None:
    """It is no error, and the plan gives the reason."""
    services.name({})

    ran = services.human("encrypt", "--yes")

    assert 0 == ran.code
    shown = " ".join(ran.out.split())
    assert shown.count("the profile names no resource under services") == 1
    assert "Nothing to encrypt. Name resources under services in the profile, or with --resource ID" in " ".join(
        ran.err.split()
    )


def test_the_sandbox_refuses_a_key_that_the_identity_may_not_use(services: Services) -> None:
    """The identity is evaluated on the key, as Azure does: without a grant there is no encryption."""
    account = _account(services)
    arm = Client(services.azure.running)
    key = {"keyvaulturi": f"https://{VAULT}.vault.azure.net/", "keyname": KEY}
    encryption = {"keySource": "Microsoft.Keyvault", "keyvaultproperties": key}
    body = {"identity": {"type": "SystemAssigned"}, "properties": {"encryption": encryption}}

    refused = arm("PATCH", account, body)
    without_purge_protection = services.state.add_vault("kv-plain", "rg-ml", purge_protection=False)
    services.state.add_key("kv-plain", KEY)
    key["keyvaulturi"] = "https://kv-plain.vault.azure.net/"
    unsafe = arm("PATCH", account, body)

    assert (400, 400) == (refused.status_code, unsafe.status_code), without_purge_protection
    assert "KeyVaultAuthenticationFailure" == refused.json()["error"]["code"]
    assert "purge protection" in unsafe.json()["error"]["message"]
    assert ["microsoft"] == services.verdicts()


def test_the_sandbox_evaluates_the_accounts_identity_on_the_key_of_a_scope(services: Services) -> None:
    """A scope without a key, and one that the account may not use, are refused; the version in use is shown."""
    account = _account(services)
    arm, scope = Client(services.azure.running), f"{account}/encryptionScopes/own"
    keyless: dict[str, object] = {"source": "Microsoft.KeyVault"}
    keyed = {**keyless, "keyVaultProperties": {"keyUri": services.key.rpartition("/")[0]}}

    first = [arm("PUT", scope, {"properties": each}).status_code for each in (keyless, keyed)]
    identity = arm("PATCH", account, {"identity": {"type": "SystemAssigned"}}).json()["identity"]
    services.state.add_access_policy(VAULT, identity["principalId"])
    made = arm("PUT", scope, {"properties": keyed})
    back = arm("PATCH", scope, {"properties": {"source": "Microsoft.Storage"}})

    assert [400, 403, 201, 200] == [*first, made.status_code, back.status_code], made.text
    assert services.key == made.json()["properties"]["keyVaultProperties"]["currentVersionedKeyIdentifier"]
    assert "keyVaultProperties" not in back.json()["properties"]


def test_a_grant_that_was_taken_away_is_given_again(services: Services) -> None:
    """An account that has the key and may not use it is repaired."""
    _account(services)
    services.encrypt()
    with services.state.tenant.lock:
        services.document(services.vault)["properties"]["accessPolicies"].clear()

    ran = services.encrypt()

    assert 0 == ran.code, ran.err
    assert ["PUT accessPolicies/add"] == services.writes()[3:]


def test_the_principal_of_an_account_stays_when_a_second_identity_is_added(services: Services) -> None:
    """The grant of the system-assigned identity stays good."""
    identity = services.state.add_identity("id-data", "rg-ml")
    account = _account(services)
    services.encrypt()
    principal = services.document(account)["identity"]["principalId"]

    services.name({"storage_accounts": [{"id": account, "identity": identity}]})
    services.encrypt()

    assert principal == services.document(account)["identity"]["principalId"]


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ({"kty": "EC"}, "its type is EC"),
        ({"keyOps": ["sign"]}, "its permitted operations are sign"),
        ({"attributes": {"enabled": False}}, "is disabled"),
    ],
)
def test_a_key_that_no_service_can_use_is_a_conflict(services: Services, shown: dict[str, Any], reason: str) -> None:
    """Nothing is sent for a key that cannot wrap, and the remedy names the key."""
    services.name({"storage_accounts": [{"id": _account(services)}]})
    profile = load_profile(services.path, environ={}).profile
    vault = {"properties": {"vaultUri": f"https://{VAULT}.vault.azure.net/"}}
    key = {"properties": {"kty": "RSA", "keyUriWithVersion": LATEST, **shown}}

    found = ServiceKeys().plan(profile, ObservedServices(vault, key, (), datetime.now(UTC)), Known({}))

    assert [Action.CONFLICT] == [each.action for each in found]
    assert "CMK271" == found[0].code
    assert reason in found[0].reason
