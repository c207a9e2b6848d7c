"""The reader of a key, whatever the service: here storage accounts, read by an application of Microsoft's for the test."""

from __future__ import annotations

from typing import Any

import pytest
from support.planning import Documents

from cmkctl.azure.clouds import Cloud
from cmkctl.azure.graph import SERVICE_PRINCIPALS
from cmkctl.plan import Change, Known
from cmkctl.profile.model import Profile
from cmkctl.services.base import FirstParty
from cmkctl.services.storage import StorageAccounts
from cmkctl.steps.service_access import ServiceAccess
from cmkctl.steps.service_identities import ServiceIdentities

APP_ID = "5c1c4f4d-0000-4000-8000-00000000000a"
OBJECT_ID = "5c1c4f4d-0000-4000-8000-00000000000b"
DIRECTORY = f"{SERVICE_PRINCIPALS}(appId='{APP_ID}')"
GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-ml/providers"
ACCOUNT = f"{GROUP}/Microsoft.Storage/storageAccounts/stdata"
VAULT = f"{GROUP}/Microsoft.KeyVault/vaults/kv-ml"
PROFILE = Profile.model_validate(
    {
        "subscription": "11111111-1111-1111-1111-111111111111",
        "location": "eastus2",
        "resource_group": "rg-ml",
        "key_vault": {"name": "kv-ml"},
        "key": {"name": "cmk"},
        "workspace": {"name": "mlw", "high_business_impact": True, "encryption": "in-subscription"},
        "services": {"storage_accounts": [{"id": ACCOUNT}]},
    }
)
DOCUMENTS: dict[str, Any] = {
    VAULT: {
        "properties": {"tenantId": "t", "vaultUri": "https://kv-ml.vault.azure.net/", "enablePurgeProtection": True}
    },
    f"{VAULT}/keys/cmk": {
        "properties": {"kty": "RSA", "keyUriWithVersion": "https://kv-ml.vault.azure.net/keys/cmk/1"}
    },
    ACCOUNT: {"properties": {}},
}


@pytest.fixture(autouse=True)
def first_party(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an application of Microsoft's read the keys of storage accounts."""
    monkeypatch.setattr(StorageAccounts, "reader", FirstParty("Contoso Storage", {Cloud.AZURE: APP_ID}))


def _grants(documents: dict[str, Any], *, denied: tuple[str, ...] = (), cloud: Cloud = Cloud.AZURE) -> list[Change]:
    location = "chinaeast2" if cloud is Cloud.CHINA else "eastus2"
    profile = PROFILE.model_copy(update={"cloud": cloud, "location": location})
    step = ServiceAccess()
    return step.plan(profile, step.observe(Documents(DOCUMENTS | documents, denied, cloud), profile), Known())


def test_the_application_gets_the_grant_by_its_object_id() -> None:
    """The account itself needs no identity."""
    (grant,) = _grants({DIRECTORY: {"id": OBJECT_ID}})
    step = ServiceIdentities()
    identities = step.plan(PROFILE, step.observe(Documents(DOCUMENTS), PROFILE), Known())

    assert grant.request is not None
    assert OBJECT_ID in str(grant.request.body)
    assert "key access for Contoso Storage" == grant.kind
    assert [] == [*identities]


def test_an_application_that_is_not_in_the_tenant_is_a_conflict() -> None:
    """A grant needs a principal."""
    assert ["CMK232"] == [each.code for each in _grants({})]


def test_a_directory_that_may_not_be_read_is_a_conflict() -> None:
    """The application is not taken for absent."""
    assert ["CMK231"] == [each.code for each in _grants({}, denied=(DIRECTORY,))]


def test_an_application_without_a_known_id_in_the_cloud_is_a_conflict() -> None:
    """No id is guessed."""
    (change,) = _grants({}, cloud=Cloud.CHINA)

    assert ("CMK232", ACCOUNT) == (change.code, change.resource_id)
    assert "AzureChinaCloud" in change.reason


def test_a_vault_without_purge_protection_is_a_conflict() -> None:
    """Every service requires it of a vault with its key."""
    vault = {"properties": {"tenantId": "t", "vaultUri": "https://kv-ml.vault.azure.net/"}}

    assert ["CMK271"] == [each.code for each in _grants({VAULT: vault, DIRECTORY: {"id": OBJECT_ID}})]
