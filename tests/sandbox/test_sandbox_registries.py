"""Container registries, held against recording 71."""

import json
from typing import Any

import pytest
from support.faults import Ready
from support.reference import RECORDINGS, require_reference
from support.sandbox import Client

from cmkctl.sandbox import TENANT_ID, Sandbox
from cmkctl.sandbox.server import Running

REGISTRY = "/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/crone"
CHECK = "/providers/Microsoft.ContainerRegistry/checkNameAvailability"
API = "2023-11-01-preview"
PREMIUM = {"location": "eastus2", "sku": {"name": "Premium"}}


@pytest.fixture
def quickly(instant: Running) -> Client:
    """Return a client of a sandbox in which everything is done at once, with a group and every provider."""
    return Ready(instant).arm


def recorded(method: str) -> list[dict[str, Any]]:
    """Return the recorded answers of the registry itself."""
    require_reference()
    path = RECORDINGS.with_name("recordings-more") / "71-acr-cmk.json"
    rows = json.loads(path.read_text())["interactions"]
    return [
        row["response"]
        for row in rows
        if row["request"]["method"] == method and row["request"]["uri"].partition("?")[0].endswith("/testreg000006")
    ]


def form(body: Any) -> Any:
    """Return the names in a body, down to the last; what a dictionary of free names holds is of no interest."""
    if not isinstance(body, dict):
        return type(body).__name__
    return {name: form(value) for name, value in body.items() if name != "userAssignedIdentities"}


def encrypted(ready: Ready, key: str) -> dict[str, Any]:
    """Return the body of a registry with a customer-managed key and a user-assigned identity."""
    identity = ready.state.add_identity("id-acr")
    made = ready.arm("GET", identity, api="2023-01-31").json()["properties"]
    ready.state.add_access_policy("kv-cmk", made["principalId"])
    client = made["clientId"]
    properties = {"encryption": {"status": "enabled", "keyVaultProperties": {"keyIdentifier": key, "identity": client}}}
    return {
        **PREMIUM,
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}},
        "properties": properties,
    }


def test_a_registry_with_a_key_is_made_and_changed_as_recorded() -> None:
    """PUT 201 ``Creating``, PATCH 201 ``Updating``, each with its link alone, and the same names in every body."""
    with Sandbox().serve() as running:
        ready = Ready(running)
        body = encrypted(ready, ready.key)
        put = ready.arm("PUT", REGISTRY, body, API)
        created = [ready.arm("GET", put.headers["Azure-AsyncOperation"]) for _ in range(3)]
        shown = ready.arm("GET", REGISTRY, api=API).json()
        other = ready.state.add_key("kv-cmk", "other")
        body["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"] = other
        patch = ready.arm("PATCH", REGISTRY, body, API)
        updated = [ready.arm("GET", patch.headers["Azure-AsyncOperation"]) for _ in range(3)]
        changed = ready.arm("GET", REGISTRY, api=API).json()

    put_before, patch_before, get_before = recorded("PUT")[0], recorded("PATCH")[0], recorded("GET")
    assert (put_before["status"], patch_before["status"]) == (put.status_code, patch.status_code)
    assert form(put_before["body"]) == form(put.json())
    assert form(patch_before["body"]) == form(patch.json())
    assert [form(get_before[0]["body"]), form(get_before[-1]["body"])] == [form(shown), form(changed)]
    assert "userAssigned" == shown["identity"]["type"]
    assert ["Creating", "Creating", "Succeeded"] == [poll.json()["status"] for poll in created]
    assert ["Updating", "Updating", "Succeeded"] == [poll.json()["status"] for poll in updated]
    assert all("Azure-AsyncOperation" in poll.headers for poll in created + updated)
    assert not {"Location", "Retry-After"} & set(put.headers)
    assert (other, False) == (
        changed["properties"]["encryption"]["keyVaultProperties"]["versionedKeyIdentifier"],
        changed["properties"]["encryption"]["keyVaultProperties"]["keyRotationEnabled"],
    )


@pytest.mark.parametrize("client", ["the object id", "of another", "without a grant"])
def test_a_registry_is_not_made_with_a_key_that_it_may_not_use(instant: Running, client: str) -> None:
    """The identity is a client id of the registry's own, with a grant; no registry is left, and no changed key."""
    ready = Ready(instant)
    made = ready.arm("PUT", REGISTRY + "made", encrypted(ready, ready.key), API)
    body = encrypted(ready, ready.key)
    (identity,) = body["identity"]["userAssignedIdentities"]
    key = body["properties"]["encryption"]["keyVaultProperties"]
    if client == "without a grant":
        other = ready.state.add_identity("id-other")
        body["identity"]["userAssignedIdentities"] = {other: {}}
        key["identity"] = ready.arm("GET", other, api="2023-01-31").json()["properties"]["clientId"]
    else:
        properties = ready.arm("GET", identity, api="2023-01-31").json()["properties"]
        key["identity"] = properties["principalId"] if client == "the object id" else TENANT_ID

    refused = ready.arm("PUT", REGISTRY, body, API)
    changed = ready.arm("PATCH", REGISTRY + "made", body, API)

    assert (201, 403, 403) == (made.status_code, refused.status_code, changed.status_code)
    assert 404 == ready.arm("GET", REGISTRY, api=API).status_code


def test_a_key_without_a_version_is_followed(instant: Running) -> None:
    """The identifier stays as it was sent, the version in use is shown."""
    ready = Ready(instant)
    versionless = ready.key.rpartition("/")[0]

    ready.arm("PUT", REGISTRY, encrypted(ready, versionless), API)
    shown = ready.arm("GET", REGISTRY, api=API).json()["properties"]["encryption"]["keyVaultProperties"]

    assert (versionless, ready.key, True) == (
        shown["keyIdentifier"],
        shown["versionedKeyIdentifier"],
        shown["keyRotationEnabled"],
    )


@pytest.mark.parametrize(
    ("version", "has", "lacks"),
    [
        ("2023-07-01", set(), {"anonymousPullEnabled", "metadataSearch", "roleAssignmentMode"}),
        ("2025-04-01", {"anonymousPullEnabled"}, {"metadataSearch", "roleAssignmentMode"}),
        ("2025-11-01", {"anonymousPullEnabled", "roleAssignmentMode"}, {"metadataSearch"}),
        ("2026-09-01-preview", {"metadataSearch", "roleAssignmentMode"}, set()),
    ],
)
def test_an_api_version_has_its_own_properties(quickly: Client, version: str, has: set[str], lacks: set[str]) -> None:
    """As the published types list them."""
    quickly("PUT", REGISTRY, PREMIUM, "2025-11-01")

    shown = set(quickly("GET", REGISTRY, api=version).json()["properties"])

    assert (has, set()) == (has & shown, lacks & shown)


def test_rules_need_premium_and_single_addresses_lose_their_mask(quickly: Client) -> None:
    """Rules are a Premium feature; azurerm compares 203.0.113.7 with 203.0.113.7/32."""
    rules = {"defaultAction": "Deny", "ipRules": [{"action": "Allow", "value": "203.0.113.7/32"}]}
    wanted = {**PREMIUM, "properties": {"networkRuleSet": rules}}

    refused = quickly("PUT", REGISTRY, {**wanted, "sku": {"name": "Basic"}}, API)
    taken = quickly("PUT", REGISTRY, wanted, API).json()["properties"]["networkRuleSet"]

    assert 400 == refused.status_code
    assert {**rules, "ipRules": [{"action": "Allow", "value": "203.0.113.7"}]} == taken


def test_a_name_is_free_until_it_is_taken(quickly: Client) -> None:
    """Anywhere, in any casing."""
    bodies = [
        {"name": name, "type": "Microsoft.ContainerRegistry/registries"} for name in ("crone", "CROne", "no-dashes")
    ]

    before = quickly("POST", CHECK, bodies[0], API).json()
    quickly("PUT", REGISTRY, PREMIUM, API)
    after = [quickly("POST", CHECK, each, API).json() for each in bodies[1:]]

    assert {"nameAvailable": True} == before
    assert ["AlreadyExists", "Invalid"] == [each["reason"] for each in after]


def test_the_admin_user_has_passwords_while_it_is_enabled(quickly: Client) -> None:
    """What azurerm reads with the registry; they are in no log."""
    quickly("PUT", REGISTRY, PREMIUM, API)
    refused = quickly("POST", f"{REGISTRY}/listCredentials", api=API)
    quickly("PATCH", REGISTRY, {"properties": {"adminUserEnabled": True}}, API)
    answer = quickly("POST", f"{REGISTRY}/listCredentials", api=API)

    assert (400, "UnAuthorizedForCredentialOperations") == (refused.status_code, refused.json()["error"]["code"])
    assert ["password", "password2"] == [row["name"] for row in answer.json()["passwords"]]
    assert quickly.running.requests[-1].response is None


def test_replications_come_and_go(quickly: Client) -> None:
    """The home region is in the list; a registry takes its replications with it."""
    west = f"{REGISTRY}/replications/westus3"
    quickly("PUT", REGISTRY, PREMIUM, API)

    made = quickly("PUT", west, {"location": "westus3", "properties": {"zoneRedundancy": "Disabled"}}, API)
    ended = quickly("GET", made.headers["Azure-AsyncOperation"]).json()["status"]
    listed = [row["location"] for row in quickly("GET", f"{REGISTRY}/replications", api=API).json()["value"]]
    gone = [quickly("DELETE", west, api=API).status_code for _ in range(2)]
    quickly("PUT", west, {"location": "westus3"}, API)
    quickly("DELETE", REGISTRY, api=API)
    quickly("PUT", REGISTRY, PREMIUM, API)

    assert (201, "Succeeded", ["eastus2", "westus3"], [200, 204]) == (made.status_code, ended, listed, gone)
    assert 404 == quickly("GET", west, api=API).status_code


def test_replications_need_premium(quickly: Client) -> None:
    """And a Basic registry lists none."""
    quickly("PUT", REGISTRY, {**PREMIUM, "sku": {"name": "Basic"}}, API)

    refused = quickly("PUT", f"{REGISTRY}/replications/westus3", {"location": "westus3"}, API)

    assert (400, []) == (refused.status_code, quickly("GET", f"{REGISTRY}/replications", api=API).json()["value"])
