"""Key vaults, soft-deleted vaults, access policies and keys."""

import re

import pytest
from support.sandbox import Client, code, vault_body, vault_path

from cmkctl.sandbox import TENANT_ID
from cmkctl.sandbox.server import Running

PRINCIPAL = "5e5e5e5e-0000-4000-8000-00000000cafe"
DELETED = "/providers/Microsoft.KeyVault/locations/eastus2/deletedVaults/kv-one"


@pytest.fixture
def group(quick: Client) -> Client:
    """Return a client in whose subscription a group is there."""
    quick("PUT", "/resourceGroups/rg", {"location": "eastus2"})
    return quick


def test_a_new_vault_is_200_while_its_dns_is_registered(arm: Client) -> None:
    """Facts 13-15: never 201; RegisteringDns, then Succeeded; no slash at the end of the PUT's vaultUri."""
    arm("PUT", "/resourceGroups/rg", {"location": "eastus2"})

    put = arm("PUT", vault_path("Kv-One"), vault_body())
    reads = [arm("GET", vault_path("kv-one")).json()["properties"] for _ in range(3)]

    assert (put.status_code, put.json()["properties"]["vaultUri"]) == (200, "https://Kv-One.vault.azure.net")
    assert [row["provisioningState"] for row in reads] == ["RegisteringDns", "RegisteringDns", "Succeeded"]
    assert {row["vaultUri"] for row in reads} == {"https://kv-one.vault.azure.net/"}


@pytest.mark.parametrize("name", ["1kv", "k", "kv--one", "kv-one-", "k" * 25, "kv_one"])
def test_a_vault_name_that_breaks_the_rules_is_refused(group: Client, name: str) -> None:
    """3-24 characters, a letter first, no double hyphen, none at the end."""
    assert code(group("PUT", vault_path(name), vault_body())) == (400, "VaultNameNotValid")


def test_purge_protection_is_never_false(group: Client) -> None:
    """The property accepts true or nothing (quoted), on PUT and on PATCH; absent stays absent."""
    body = vault_body(enablePurgeProtection=False)
    refused = [group("PUT", vault_path(), body)]
    created = group("PUT", vault_path(), vault_body(enablePurgeProtection=None)).json()
    refused.append(group("PATCH", vault_path(), {"properties": {"enablePurgeProtection": False}}))

    assert [code(answer) for answer in refused] == [(400, "BadRequest")] * 2
    assert 'The property "enablePurgeProtection" cannot be set to false.' in refused[0].json()["error"]["message"]
    assert "enablePurgeProtection" not in created["properties"]


def test_purge_protection_outlives_a_put_that_leaves_it_out(group: Client) -> None:
    """Irreversible means irreversible."""
    group("PUT", vault_path(), vault_body())

    again = group("PUT", vault_path(), vault_body(enablePurgeProtection=None))

    assert again.json()["properties"]["enablePurgeProtection"] is True


def test_retention_is_set_once(group: Client) -> None:
    """7 to 90 days, and never again."""
    assert code(group("PUT", vault_path(), vault_body(softDeleteRetentionInDays=6)))[0] == 400
    group("PUT", vault_path(), vault_body(softDeleteRetentionInDays=30))

    refused = group("PATCH", vault_path(), {"properties": {"softDeleteRetentionInDays": 31}})

    assert refused.status_code == 400
    assert group("GET", vault_path()).json()["properties"]["softDeleteRetentionInDays"] == 30


@pytest.mark.parametrize(("version", "expected"), [("2024-11-01", None), ("2026-02-01", True)])
def test_the_default_permission_model_depends_on_the_api_version(
    group: Client, version: str, expected: bool | None
) -> None:
    """RBAC from 2026-02-01 on; access policies, and no such property, before."""
    body = vault_body(enableRbacAuthorization=None)

    created = group("PUT", vault_path(), body, version).json()

    assert created["properties"].get("enableRbacAuthorization") is expected


def test_a_put_replaces_the_access_policies(group: Client) -> None:
    """P14: the trap that removes the workspace's own grants."""
    policy = {"tenantId": TENANT_ID, "objectId": PRINCIPAL, "permissions": {"keys": ["get"]}}
    group("PUT", vault_path(), vault_body(accessPolicies=[policy]))

    again = group("PUT", vault_path(), vault_body(accessPolicies=[]))

    assert again.json()["properties"]["accessPolicies"] == []


def test_access_policies_add_merges(group: Client) -> None:
    """Fact 18: the answer is the merged entry; its id ends in /accessPolicies/, and it has no name."""
    policy = {"tenantId": TENANT_ID, "objectId": PRINCIPAL, "permissions": {"keys": ["get", "WrapKey"]}}
    group("PUT", vault_path(), vault_body(accessPolicies=[policy]))
    more = {"properties": {"accessPolicies": [{**policy, "permissions": {"keys": ["wrapKey", "unwrapKey"]}}]}}

    added = group("PUT", vault_path() + "/accessPolicies/add", more).json()

    assert added["properties"]["accessPolicies"][0]["permissions"]["keys"] == ["get", "WrapKey", "unwrapKey"]
    assert (added["id"].endswith("/vaults/kv-one/accessPolicies/"), "name" in added) == (True, False)


def test_access_policies_remove_takes_words_away(group: Client) -> None:
    """An identity without permissions left has no entry."""
    policy = {"tenantId": TENANT_ID, "objectId": PRINCIPAL, "permissions": {"keys": ["get"]}}
    group("PUT", vault_path(), vault_body(accessPolicies=[policy]))

    group("PUT", vault_path() + "/accessPolicies/remove", {"properties": {"accessPolicies": [policy]}})

    assert group("GET", vault_path()).json()["properties"]["accessPolicies"] == []


def test_a_policy_of_another_tenant_is_refused(group: Client) -> None:
    """All identities must be of the vault's tenant (published type)."""
    policy = {"tenantId": PRINCIPAL, "objectId": PRINCIPAL, "permissions": {"keys": ["get"]}}

    assert code(group("PUT", vault_path(), vault_body(accessPolicies=[policy]))) == (400, "BadRequest")


def test_a_soft_deleted_vault_keeps_its_name(group: Client) -> None:
    """P06, quoted; the name check agrees."""
    group("PUT", vault_path(), vault_body())
    assert group("DELETE", vault_path()).status_code == 200

    again = group("PUT", vault_path(), vault_body())
    body = {"name": "kv-one", "type": "Microsoft.KeyVault/vaults"}
    check = group("POST", "/providers/Microsoft.KeyVault/checkNameAvailability", body).json()

    assert code(again) == (409, "ConflictError")
    assert (check["nameAvailable"], check["reason"]) == (False, "AlreadyExists")
    assert code(group("GET", vault_path())) == (404, "ResourceNotFound")


def test_recovering_brings_vault_and_keys_back_but_no_role_assignment(group: Client) -> None:
    """Fact 20 and P08: 200 Succeeded at once; grants by role are gone."""
    state = group.running.state
    vault = state.add_vault("kv-one", rbac=True)
    identifier = state.add_key("kv-one", "cmk")
    state.assign_role(vault)
    group("DELETE", vault_path())
    body = vault_body(
        createMode="recover", accessPolicies=None, enablePurgeProtection=None, enableRbacAuthorization=None
    )

    recovered = group("PUT", vault_path(), body)

    assert (recovered.status_code, recovered.json()["properties"]["provisioningState"]) == (200, "Succeeded")
    assert group("GET", vault_path() + "/keys/cmk").json()["properties"]["keyUriWithVersion"] == identifier
    listing = group("GET", vault + "/providers/Microsoft.Authorization/roleAssignments")
    assert listing.json()["value"] == []


def test_recovering_what_was_never_deleted_is_refused(group: Client) -> None:
    """P07."""
    body = vault_body(createMode="recover", accessPolicies=None)

    assert code(group("PUT", vault_path(), body)) == (404, "SoftDeletedVaultDoesNotExist")


def test_purge_protection_prevents_the_purge(group: Client) -> None:
    """Quoted: Operation 'DeletedVaultPurge' is not allowed."""
    group.running.state.add_vault("kv-one")
    group("DELETE", vault_path())

    answer = group("POST", DELETED + "/purge")

    assert answer.json()["error"]["message"] == "Operation 'DeletedVaultPurge' is not allowed."


def test_a_purge_is_polled_to_its_end(arm: Client) -> None:
    """Fact 21: 202 with Location and Retry-After, 202 NotStarted, 200 Succeeded; then the name is free."""
    arm.running.state.add_vault("kv-one", purge_protection=False)
    arm("DELETE", vault_path())

    accepted = arm("POST", DELETED + "/purge")
    polls = [arm("GET", accepted.headers["Location"]) for _ in range(3)]

    assert (accepted.status_code, "Retry-After" in accepted.headers) == (202, True)
    assert [(poll.status_code, poll.json()["status"]) for poll in polls] == [
        (202, "NotStarted"),
        (202, "NotStarted"),
        (200, "Succeeded"),
    ]
    assert code(arm("GET", DELETED)) == (404, "DeletedVaultNotFound")


def test_a_key_is_created_once_and_never_changed_by_a_put(group: Client) -> None:
    """Facts 24 and 25: 200 both times, the same version, the first size."""
    group("PUT", vault_path(), vault_body())
    path = vault_path() + "/keys/cmk"

    first = group("PUT", path, {"properties": {"kty": "RSA", "keySize": 3072}})
    second = group("PUT", path, {"properties": {"kty": "RSA", "keySize": 4096, "attributes": {"enabled": False}}})

    assert (first.status_code, second.json()) == (200, first.json())
    assert re.fullmatch(
        r"https://kv-one\.vault\.azure\.net/keys/cmk/[0-9a-f]{32}", first.json()["properties"]["keyUriWithVersion"]
    )


@pytest.mark.parametrize(
    ("days", "protected", "level"),
    [
        (90, True, "Recoverable"),
        (7, True, "CustomizedRecoverable"),
        (90, False, "Recoverable+Purgeable"),
        (7, False, "CustomizedRecoverable+Purgeable"),
    ],
)
def test_the_recovery_level_shows_the_protection(instant: Running, days: int, protected: bool, level: str) -> None:
    """Fact 26."""
    instant.state.add_vault("kv-one", purge_protection=protected, softDeleteRetentionInDays=days)
    instant.state.add_key("kv-one", "cmk")

    key = Client(instant)("GET", vault_path() + "/keys/cmk").json()

    assert key["properties"]["attributes"]["recoveryLevel"] == level


@pytest.mark.parametrize(
    "properties",
    [
        {"kty": "RSA", "keySize": 1024},
        {"kty": "RSA-HSM"},
        {"kty": "EC", "keyOps": ["wrapKey"]},
        {"kty": "RSA", "keyOps": ["wrap"]},
        {"keySize": 3072},
    ],
)
def test_a_key_that_cannot_be_is_refused(group: Client, properties: dict[str, object]) -> None:
    """Size, HSM in a standard vault, operations an EC key has not, unknown words and missing properties."""
    group("PUT", vault_path(), vault_body())

    assert group("PUT", vault_path() + "/keys/cmk", {"properties": properties}).status_code == 400


def test_a_keys_versions_are_listed_and_read(instant: Running) -> None:
    """A second version, here arranged as a rotation would make it, is the one the key then shows."""
    instant.state.add_vault("kv-one")
    first = instant.state.add_key("kv-one", "cmk")
    second = instant.state.add_key("kv-one", "cmk")
    client = Client(instant)

    versions = client("GET", vault_path() + "/keys/cmk/versions").json()["value"]
    one = client("GET", vault_path() + "/keys/cmk/versions/" + first.rsplit("/", 1)[-1]).json()

    assert [row["properties"]["keyUriWithVersion"] for row in versions] == [first, second]
    assert one["properties"]["keyUriWithVersion"] == first
    assert client("GET", vault_path() + "/keys/cmk").json()["properties"]["keyUriWithVersion"] == second


def test_a_key_of_a_vault_that_is_not_there_has_no_parent(group: Client) -> None:
    """404 ParentResourceNotFound, as ARM words it."""
    answer = group("PUT", vault_path() + "/keys/cmk", {"properties": {"kty": "RSA"}})

    assert code(answer) == (404, "ParentResourceNotFound")
