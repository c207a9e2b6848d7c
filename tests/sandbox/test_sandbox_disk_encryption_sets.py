"""Disk encryption sets, held against recordings 59, 73, 74 and 84."""

import json
from typing import Any

import pytest
from support.faults import LOCATION, Ready
from support.reference import RECORDINGS, require_reference
from support.sandbox import code

from cmkctl.sandbox import Sandbox
from cmkctl.sandbox.server import Running

PATH = "/resourceGroups/rg/providers/Microsoft.Compute/diskEncryptionSets/des-one"
API = "2023-04-02"


@pytest.fixture
def ready(instant: Running) -> Ready:
    """Return a subscription with a vault and a key."""
    return Ready(instant)


def body(ready: Ready, **properties: Any) -> dict[str, Any]:
    """Return the body of a PUT."""
    key = {"sourceVault": {"id": ready.vault}, "keyUrl": ready.key}
    return {**LOCATION, "identity": {"type": "SystemAssigned"}, "properties": {"activeKey": key, **properties}}


def recorded(method: str, part: str) -> list[dict[str, Any]]:
    """Return the recorded answers to requests whose address has a part."""
    path = RECORDINGS / "73-des-cmk-cli.json"
    require_reference()
    rows = json.loads(path.read_text())["interactions"]
    return [row["response"] for row in rows if row["request"]["method"] == method and part in row["request"]["uri"]]


def test_a_set_is_created_as_recorded() -> None:
    """PUT 202 with a body and both links, an operation with the set in its end, then the set with its principal."""
    with Sandbox().serve() as running:
        ready = Ready(running)
        put = ready.arm("PUT", PATH, body(ready), API)
        polls = [ready.arm("GET", put.headers["Azure-AsyncOperation"]).json() for _ in range(3)]
        located = ready.arm("GET", put.headers["Location"]).json()
        shown = ready.arm("GET", PATH, api=API).json()
    first, ended, got = (
        recorded("PUT", "/diskEncryptionSets/")[0],
        recorded("GET", "/DiskOperations/")[0],
        recorded("GET", "/diskEncryptionSets/")[0],
    )

    assert (first["status"], "Updating") == (put.status_code, put.json()["properties"]["provisioningState"])
    assert set(first["body"]) == set(put.json())
    assert ["InProgress", "InProgress", "Succeeded"] == [poll["status"] for poll in polls]
    assert set(ended["body"]) == set(polls[-1])
    assert (set(got["body"]), set(got["body"]["properties"])) == (set(shown), set(shown["properties"]))
    assert set(got["body"]["identity"]) == set(shown["identity"])
    assert shown == located


def test_a_key_is_changed_by_patch(ready: Ready) -> None:
    """202 with the old document whole; the rest stays, and the moment of the change is shown (59)."""
    ready.arm("PUT", PATH, body(ready, rotationToLatestKeyVersionEnabled=True), API)
    before = ready.arm("GET", PATH, api=API).json()
    other = ready.state.add_key("kv-cmk", "other")

    patch = ready.arm("PATCH", PATH, {"properties": {"activeKey": {"keyUrl": other}}}, API)
    shown = ready.arm("GET", PATH, api=API).json()["properties"]

    old = {**before, "properties": {**before["properties"], "provisioningState": "Updating"}}
    assert (202, old) == (patch.status_code, patch.json())
    assert (other, True) == (shown["activeKey"]["keyUrl"], shown["rotationToLatestKeyVersionEnabled"])
    assert "lastKeyRotationTimestamp" not in before["properties"]
    assert shown["lastKeyRotationTimestamp"]


def test_only_another_key_counts_as_a_rotation(ready: Ready) -> None:
    """A PUT that names the vault beside the same key has no such moment (59/32), and 2020-06-30 never shows it (73)."""
    wanted = body(ready)
    vault = wanted["properties"]["activeKey"].pop("sourceVault")
    ready.arm("PUT", PATH, wanted, API)
    wanted["properties"]["activeKey"]["sourceVault"] = vault
    ready.arm("PUT", PATH, wanted, API)
    same = ready.arm("GET", PATH, api=API).json()["properties"]
    wanted["properties"]["activeKey"]["keyUrl"] = ready.state.add_key("kv-cmk", "other")
    answer = ready.arm("PUT", PATH, wanted, API).json()
    changed = ready.arm("GET", PATH, api=API).json()["properties"]
    old = ready.arm("GET", PATH, api="2020-06-30").json()["properties"]

    assert (vault, False) == (same["activeKey"]["sourceVault"], "lastKeyRotationTimestamp" in same)
    assert {"activeKey", "provisioningState"} == set(answer["properties"])  # what was sent, no more (59/51)
    assert (True, False) == ("lastKeyRotationTimestamp" in changed, "lastKeyRotationTimestamp" in old)


def test_a_vault_needs_no_purge_protection(ready: Ready) -> None:
    """Recordings 74 and 84: accepted, and Succeeded in the end."""
    ready.state.vault("kv-cmk")["doc"]["properties"].pop("enablePurgeProtection")

    put = ready.arm("PUT", PATH, body(ready), API)

    assert (202, "Succeeded") == (
        put.status_code,
        ready.arm("GET", put.headers["Azure-AsyncOperation"]).json()["status"],
    )


@pytest.mark.parametrize("spoil", ["version", "vault", "absent", "no key"])
def test_a_key_that_cannot_be_used_is_refused(ready: Ready, spoil: str) -> None:
    """At once, in the sandbox's own words."""
    wanted = body(ready)
    key = wanted["properties"]["activeKey"]
    if spoil == "version":
        key["keyUrl"] = ready.key.rpartition("/")[0]
    elif spoil == "vault":
        key["sourceVault"]["id"] = ready.state.add_vault("kv-two")
    elif spoil == "absent":
        key["keyUrl"] = f"{ready.key.rpartition('/')[0]}/{'0' * 32}"
    else:
        wanted["properties"] = {}

    answer = ready.arm("PUT", PATH, wanted, API)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("[sandbox]")


def test_a_set_goes_with_its_principal() -> None:
    """DELETE 202 with both links; meanwhile the set is there, then 404 `NotFound`, and a DELETE is 204."""
    with Sandbox().serve() as running:
        ready = Ready(running)
        ready.arm("PUT", PATH, body(ready), API)
        principal = ready.arm("GET", PATH, api=API).json()["identity"]["principalId"]
        known = principal in ready.state.tenant.table("principals")

        accepted = ready.arm("DELETE", PATH, api=API)
        meanwhile = ready.arm("GET", PATH, api=API)
        polls = [ready.arm("GET", accepted.headers["Azure-AsyncOperation"]).json() for _ in range(2)]
        located = ready.arm("GET", accepted.headers["Location"])
        gone = ready.arm("GET", PATH, api=API)
        again = ready.arm("DELETE", PATH, api=API)

        assert (True, 202, b"", 200) == (known, accepted.status_code, accepted.content, meanwhile.status_code)
        assert ["InProgress", "Succeeded"] == [poll["status"] for poll in polls]
        assert "properties" not in polls[-1]
        assert (200, b"") == (located.status_code, located.content)
        assert (404, {"error": {"code": "NotFound", "message": "DiskEncryptionSet 'des-one' was not found."}}) == (
            gone.status_code,
            gone.json(),
        )
        assert 204 == again.status_code
        assert principal not in ready.state.tenant.table("principals")


def test_a_set_made_again_has_its_principal_again(ready: Ready) -> None:
    """Recording 59 deletes a set and creates it within seconds."""
    ready.arm("PUT", PATH, body(ready), API)
    before = ready.arm("GET", PATH, api=API).json()["identity"]
    ready.arm("DELETE", PATH, api=API)
    ready.arm("PUT", PATH, body(ready), API)

    assert before == ready.arm("GET", PATH, api=API).json()["identity"]
    assert before["principalId"] in ready.state.tenant.table("principals")


def test_the_provider_has_to_be_registered(ready: Ready) -> None:
    """409 as everywhere."""
    ready.state.unregister_provider("Microsoft.Compute")

    assert (409, "MissingSubscriptionRegistration") == code(ready.arm("PUT", PATH, body(ready), API))
