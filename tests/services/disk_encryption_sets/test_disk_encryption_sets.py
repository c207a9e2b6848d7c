"""Disk encryption sets on the sandbox: the grant before the key, rotation, and the loss of the key."""

from __future__ import annotations

import pytest
from support.sandbox import Client
from support.services import KEY, VAULT, Services

API = "2023-04-02"


@pytest.fixture
def encryption_set(services: Services) -> str:
    """Return a set with another key of the vault and one disk; its identity has no grant."""
    other = services.state.add_key(VAULT, "other")
    found: str = services.state.add_disk_encryption_set("des-data", other, "rg-ml")
    services.state.add_disk("disk", "rg-ml", encryption_set=found)
    return found


def _grant(services: Services, encryption_set: str) -> None:
    services.state.add_access_policy(VAULT, services.document(encryption_set)["identity"]["principalId"])


def _verdict(services: Services) -> tuple[str, str]:
    found = services.posture()[0]
    return found["verdict"], f"{found['key']}/{found['key_version']}"


def test_the_grant_comes_before_the_key_and_both_once(services: Services, encryption_set: str) -> None:
    """The set has a disk, so the sandbox refuses a key that its identity may not use; a second run sends no write."""
    services.name({"disk_encryption_sets": [{"id": encryption_set}]})

    first = services.encrypt()
    second = services.encrypt()

    assert (0, 0) == (first.code, second.code), first.err + first.out
    assert ["PUT accessPolicies/add", "PATCH diskEncryptionSets/des-data"] == services.writes()
    assert ("customer", services.key) == _verdict(services)
    active = services.document(encryption_set)["properties"]["activeKey"]
    assert services.vault == active["sourceVault"]["id"]


def test_a_set_follows_a_new_version_and_shows_a_lost_key(services: Services, encryption_set: str) -> None:
    """The new version is in use after an hour; a disabled key is shown an hour later, and its return."""
    services.name({"disk_encryption_sets": [{"id": encryption_set}]})
    assert 0 == services.encrypt().code
    before = services.key
    services.key = services.state.add_key(VAULT, KEY)
    seen = [_shown(services, encryption_set)]
    services.state.advance("1h1s")
    seen.append(_shown(services, encryption_set))
    _disable(services, enabled=False)
    services.state.advance("10m")
    seen.append(_shown(services, encryption_set))
    services.state.advance("51m")
    seen.append(_shown(services, encryption_set))
    verdict = _verdict(services)
    _disable(services, enabled=True)
    services.state.advance("2s")
    seen.append(_shown(services, encryption_set))

    key, lost = services.key, "KeyVaultKeyDisabled"
    assert [(before, ""), (key, ""), (key, ""), (key, lost), (key, "")] == seen
    assert ("customer-unusable", key) == verdict


def _shown(services: Services, encryption_set: str) -> tuple[str, str]:
    """Return the key and the code of the error that a GET of the set shows."""
    arm = Client(services.azure.running)  # a token lives for an hour
    properties = arm("GET", encryption_set, api=API).json()["properties"]
    return properties["activeKey"]["keyUrl"], (properties.get("autoKeyRotationError") or {}).get("code", "")


def _disable(services: Services, *, enabled: bool) -> None:
    arm = Client(services.azure.running)
    services.state.set_key_attributes(VAULT, KEY, enabled=enabled)
    arm("PUT", f"{services.vault}/accessPolicies/add", {"properties": {"accessPolicies": []}}, api="2023-07-01")


def test_the_sandbox_refuses_what_azure_is_documented_to_refuse(services: Services, encryption_set: str) -> None:
    """A disk with a set that may not use its key, is of another type or region, or is not there; a type without a set."""
    arm = Client(services.azure.running)
    group = encryption_set.partition("/providers/")[0]

    def put(encryption: dict[str, str], location: str = "eastus2") -> tuple[int, str]:
        properties = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4, "encryption": encryption}
        path = f"{group}/providers/Microsoft.Compute/disks/new"
        answer = arm("PUT", path, {"location": location, "properties": properties}, api=API)
        return answer.status_code, answer.json().get("error", {}).get("code", "")

    named = {"diskEncryptionSetId": encryption_set, "type": "EncryptionAtRestWithCustomerKey"}
    found = [put(named)]
    _grant(services, encryption_set)
    found += [
        put({**named, "type": "EncryptionAtRestWithPlatformAndCustomerKeys"}),
        put(named, "westus3"),
        put({**named, "diskEncryptionSetId": f"{encryption_set}x"}),
        put({"type": "EncryptionAtRestWithCustomerKey"}),
        put(named),
    ]

    assert [
        (400, "KeyVaultAccessForbidden"),
        (400, "InvalidParameter"),
        (400, "BadRequest"),
        (400, "BadRequest"),
        (400, "InvalidParameter"),
        (202, ""),
    ] == found


def test_a_user_assigned_identity_is_checked_at_each_write(services: Services, encryption_set: str) -> None:
    """Also for a set without disks, as a public report has it."""
    identity = services.state.add_identity("id-des", "rg-ml")
    arm = Client(services.azure.running)
    body = {
        "location": "eastus2",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}},
        "properties": {"activeKey": {"keyUrl": services.key}},
    }

    refused = arm("PUT", f"{encryption_set}-two", body, api=API)

    assert (400, "KeyVaultAccessForbidden") == (refused.status_code, refused.json()["error"]["code"])
    assert f"user-assigned identity '{identity}'" in refused.json()["error"]["message"]
