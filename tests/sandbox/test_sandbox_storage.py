"""Storage accounts with a customer key, their services, containers and encryption scopes; recordings 47 and 48."""

from collections.abc import Callable
from typing import Any

import pytest
from support.faults import Ready
from support.sandbox import Client

from cmkctl.sandbox.server import Running

ACCOUNT = "/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/stone"
API = "2023-05-01"
BODY: dict[str, Any] = {"location": "eastus2", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}


@pytest.fixture
def ready(instant: Running) -> Ready:
    """Return a subscription with a vault and a key."""
    return Ready(instant)


@pytest.fixture
def account(ready: Ready) -> Client:
    """Return a client of a sandbox with an account."""
    ready.arm("PUT", ACCOUNT, BODY, API)
    return ready.arm


def keyed(**more: str) -> dict[str, Any]:
    """Return the properties that encrypt an account with a customer-managed key."""
    key = {"keyname": "cmk", "keyvaulturi": "https://kv-cmk.vault.azure.net/", **more}
    return {"encryption": {"keySource": "Microsoft.Keyvault", "keyvaultproperties": key}}


def made_with_key(ready: Ready) -> dict[str, Any]:
    """Return the body of an account that is made with the key, which an identity of its own may use."""
    body = with_identity(ready)
    ready.state.add_access_policy("kv-cmk", principal_of(ready, body))
    return body


def with_identity(ready: Ready) -> dict[str, Any]:
    """Return the body of an account that is made with the key, for a user-assigned identity without any grant."""
    identity = ready.state.add_identity("id-st")
    properties = keyed()
    properties["encryption"]["identity"] = {"userAssignedIdentity": identity}
    return {
        **BODY,
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}},
        "properties": properties,
    }


def principal_of(ready: Ready, body: dict[str, Any]) -> str:
    """Return the object id of the identity in a body."""
    (identity,) = body["identity"]["userAssignedIdentities"]
    principal: str = ready.arm("GET", identity, api="2023-01-31").json()["properties"]["principalId"]
    return principal


def without_grant(ready: Ready) -> dict[str, Any]:
    """Return a body whose identity may not use the key."""
    return with_identity(ready)


def of_its_own_identity(ready: Ready) -> dict[str, Any]:  # noqa: ARG001 - the signature of the others
    """Return a body with a system-assigned identity, which cannot have a grant yet."""
    return {**BODY, "identity": {"type": "SystemAssigned"}, "properties": keyed()}


def of_an_identity_that_it_lacks(ready: Ready) -> dict[str, Any]:
    """Return a body that names an identity for the key and does not have it."""
    return {name: value for name, value in made_with_key(ready).items() if name != "identity"}


def of_a_disabled_key(ready: Ready) -> dict[str, Any]:
    """Return a body whose key is disabled."""
    ready.state.add_key("kv-cmk", "cmk", attributes={"enabled": False})
    return made_with_key(ready)


@pytest.mark.parametrize(
    ("status", "body"),
    [(400, without_grant), (400, of_its_own_identity), (400, of_an_identity_that_it_lacks), (400, of_a_disabled_key)],
)
def test_an_account_is_not_made_with_a_key_that_it_may_not_use(
    ready: Ready, status: int, body: Callable[[Ready], dict[str, Any]]
) -> None:
    """The creation is refused, and no account is left."""
    refused = ready.arm("PUT", ACCOUNT, body(ready), API)

    assert (status, 404) == (refused.status_code, ready.arm("GET", ACCOUNT, api=API).status_code)


def shown_key(arm: Client) -> dict[str, Any]:
    """Return what is shown of the key of the account."""
    found: dict[str, Any] = arm("GET", ACCOUNT, api=API).json()["properties"]["encryption"]["keyvaultproperties"]
    return found


def test_an_account_made_with_a_key_shows_its_version_and_two_dates(ready: Ready) -> None:
    """As from the first GET of recording 47 on."""
    ready.arm("PUT", ACCOUNT, made_with_key(ready), API)

    shown = shown_key(ready.arm)

    assert ready.key == shown["currentVersionedKeyIdentifier"]
    assert "1970-01-01T00:00:00.0000000Z" == shown["currentVersionedKeyExpirationTimestamp"]
    assert shown["lastKeyRotationTimestamp"]
    assert "keyversion" not in shown


def test_the_moment_of_the_key_changes_with_the_version_only(ready: Ready) -> None:
    """Every PATCH of recording 47 sends the key again, and the moment stays."""
    ready.arm("PUT", ACCOUNT, made_with_key(ready), API)
    first = shown_key(ready.arm)
    ready.arm("PATCH", ACCOUNT, {"properties": keyed()}, API)
    same = shown_key(ready.arm)
    ready.state.add_key("kv-cmk", "cmk")
    ready.arm("PATCH", ACCOUNT, {"properties": keyed()}, API)
    rotated = shown_key(ready.arm)

    assert first == same
    assert first["currentVersionedKeyIdentifier"] != rotated["currentVersionedKeyIdentifier"]
    assert first["lastKeyRotationTimestamp"] != rotated["lastKeyRotationTimestamp"]


@pytest.mark.parametrize(
    ("sku", "shown"),
    [
        ("Standard_LRS", set()),
        ("Standard_ZRS", set()),
        ("Standard_GRS", {"secondaryLocation", "statusOfSecondary"}),
        ("Standard_RAGRS", {"secondaryLocation", "statusOfSecondary", "secondaryEndpoints"}),
        ("Standard_RAGZRS", {"secondaryLocation", "statusOfSecondary", "secondaryEndpoints"}),
    ],
)
def test_a_redundant_account_has_a_second_region(ready: Ready, sku: str, shown: set[str]) -> None:
    """Its endpoints, without the one of files, with readable ones alone (recording 47)."""
    ready.arm("PUT", ACCOUNT, {**BODY, "sku": {"name": sku}}, API)

    properties = ready.arm("GET", ACCOUNT, api=API).json()["properties"]

    assert shown == {name for name in properties if "econdary" in name}
    if "secondaryLocation" in shown:
        assert "centralus" == properties["secondaryLocation"]
    if "secondaryEndpoints" in shown:
        assert {"dfs", "web", "blob", "queue", "table"} == set(properties["secondaryEndpoints"])
        assert "https://stone-secondary.blob.core.windows.net/" == properties["secondaryEndpoints"]["blob"]


@pytest.mark.parametrize("kind", ["blobServices", "fileServices", "queueServices", "tableServices"])
def test_a_service_is_read_and_changed(account: Client, kind: str) -> None:
    """200 each time; what is read can be written, and what was not sent stays."""
    path = f"{ACCOUNT}/{kind}/default"
    rule = {
        "allowedOrigins": ["*"],
        "allowedMethods": ["GET"],
        "maxAgeInSeconds": 1,
        "exposedHeaders": [],
        "allowedHeaders": [],
    }

    first = account("GET", path, api=API).json()
    changed = account("PUT", path, {"properties": {"cors": {"corsRules": [rule]}}}, API)
    after = account("GET", path, api=API).json()
    listed = account("GET", f"{ACCOUNT}/{kind}", api=API).json()["value"]

    assert ("default", {"corsRules": []}) == (first["name"], first["properties"]["cors"])
    assert (200, after, [after]) == (changed.status_code, changed.json(), listed)
    assert {**first["properties"], "cors": {"corsRules": [rule]}} == after["properties"]


def test_containers_come_and_go_with_their_account(account: Client) -> None:
    """201, 200, DELETE 200 and 204; a container does not outlive its account."""
    path = f"{ACCOUNT}/blobServices/default/containers/one"

    made = [account("PUT", path, {"properties": {}}, API).status_code for _ in range(2)]
    listed = [row["name"] for row in account("GET", path.removesuffix("/one"), api=API).json()["value"]]
    gone = [account("DELETE", path, api=API).status_code for _ in range(2)]
    absent = account("GET", path, api=API)
    account("PUT", path, {}, API)
    account("DELETE", ACCOUNT, api=API)
    account("PUT", ACCOUNT, BODY, API)

    assert ([201, 200], ["one"], [200, 204]) == (made, listed, gone)
    assert (404, "ContainerNotFound") == (absent.status_code, absent.json()["error"]["code"])
    assert 404 == account("GET", path, api=API).status_code
    assert 400 == account("PUT", f"{path.removesuffix('/one')}/Two", {}, API).status_code


def test_encryption_scopes_are_as_recorded(account: Client) -> None:
    """A PUT shows an empty ``keyVaultProperties``, PATCH, GET and list do not (48); lists come in pages."""
    scopes = f"{ACCOUNT}/encryptionScopes"
    wanted = {"properties": {"source": "Microsoft.Storage", "requireInfrastructureEncryption": True}}

    made = [account("PUT", f"{scopes}/{name}", wanted, API) for name in ("b", "a", "c")]
    changed = account("PATCH", f"{scopes}/c", {"properties": {"state": "Disabled"}}, API)
    page = account("GET", f"{scopes}?$maxpagesize=2", api=API).json()
    rest = account("GET", page["nextLink"], api=API).json()

    assert [201, 201, 201] == [answer.status_code for answer in made]
    assert {} == made[0].json()["properties"]["keyVaultProperties"]
    assert (200, "Disabled") == (changed.status_code, changed.json()["properties"]["state"])
    assert "keyVaultProperties" not in changed.json()["properties"]
    assert [["a", "b"], ["c"]] == [[row["name"] for row in each["value"]] for each in (page, rest)]
    assert "nextLink" not in rest
    assert changed.json() == account("GET", f"{scopes}/c", api=API).json()
    assert 404 == account("GET", f"{scopes}/d", api=API).status_code


@pytest.mark.parametrize("service", ["blob", "queue", "file"])
def test_the_services_of_an_account_answer_by_themselves(account: Client, service: str) -> None:
    """What azurerm waits for; a request without a signature, of another account or for data is refused."""
    url = f"https://stone.{service}.core.windows.net/"
    query = {"restype": "service", "comp": "properties"}
    session, signed = account.session, {"Authorization": "SharedKey stone:signature"}

    found = session.get(url, params=query, headers=signed)
    refused = session.get(url, params=query)
    absent = session.get(url.replace("stone", "none"), params=query, headers=signed)
    data = session.get(f"{url}container", params={"restype": "container"}, headers=signed)

    assert (200, "application/xml") == (found.status_code, found.headers["Content-Type"])
    assert "<StorageServiceProperties>" in found.text
    assert (403, 400, 400) == (refused.status_code, absent.status_code, data.status_code)
    assert "SandboxNotModelled" == data.json()["error"]["code"]
