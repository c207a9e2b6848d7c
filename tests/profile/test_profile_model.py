"""Defaults, normalisation, and the ids and names that follow from a profile."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError
from support.profiles import SUBSCRIPTION, Files

from cmkctl.azure.clouds import Cloud

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ml"


def test_defaults_are_microsofts_procedure(files: Files) -> None:
    """The values of a profile with nothing but what is required."""
    profile = files.load().profile

    assert profile.cloud is Cloud.AZURE
    assert profile.key_vault.authorization is None
    assert profile.key_vault.soft_delete_days is None
    assert profile.key_vault.network is None
    assert profile.key_vault.allow_enabling_purge_protection is False
    assert (profile.key.type, profile.key.size, profile.key.expires) == ("RSA", 3072, None)
    assert profile.key_access.create_service_principal is True
    assert profile.workspace.identity == "system-assigned"
    assert profile.workspace.identity_id is None


@pytest.mark.parametrize(
    ("overrides", "sku"),
    [([], "standard"), (["key.type=RSA-HSM"], "premium"), (["key_vault.sku=premium"], "premium")],
)
def test_the_vault_is_premium_when_the_key_needs_it(files: Files, overrides: list[str], sku: str) -> None:
    """RSA-HSM keys live in premium vaults."""
    assert files.load(overrides=overrides).profile.vault_sku == sku


def test_ids_are_put_together_once(files: Files) -> None:
    """Every ARM id that a step needs."""
    profile = files.load(overrides=["associated_resources.container_registry={}"]).profile

    assert profile.resource_group_id == GROUP
    assert profile.key_vault.resource_id == f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-ml"
    assert profile.key.resource_id == f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-ml/keys/cmk-ml"
    assert profile.workspace.resource_id == f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw-prod"
    assert profile.associated_resources.key_vault_id != profile.key_vault.resource_id
    suffix = profile.associated_resources.storage_account.resource_name.removeprefix("stmlwprod")
    assert profile.associated_resources.storage_account.resource_id.endswith(
        f"/Microsoft.Storage/storageAccounts/stmlwprod{suffix}"
    )
    assert profile.associated_resources.log_analytics.resource_id.endswith(
        f"/Microsoft.OperationalInsights/workspaces/log-mlw-prod-{suffix}"
    )
    assert profile.associated_resources.application_insights.resource_id.endswith(
        f"/Microsoft.Insights/components/appi-mlw-prod-{suffix}"
    )
    assert (
        profile.associated_resources.container_registry_id
        == f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/crmlwprod{suffix}"
    )


def test_ids_that_are_given_are_used_as_they_are(files: Files) -> None:
    """Existing resources in other groups keep their ids and give their names."""
    other = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other/providers"
    kinds = {
        "storage_account": "Microsoft.Storage/storageAccounts/st9",
        "log_analytics": "Microsoft.OperationalInsights/workspaces/log9",
        "application_insights": "microsoft.insights/components/appi9",
        "key_vault": "Microsoft.KeyVault/vaults/kv9",
        "container_registry": "Microsoft.ContainerRegistry/registries/cr999",
    }
    profile = files.load(
        overrides=[f"associated_resources.{name}.id={other}/{id_}" for name, id_ in kinds.items()]
    ).profile

    assert profile.associated_resources.storage_account.resource_id == f"{other}/{kinds['storage_account']}"
    assert (
        profile.associated_resources.storage_account.resource_name,
        profile.associated_resources.log_analytics.resource_name,
    ) == ("st9", "log9")
    assert (
        profile.associated_resources.application_insights.resource_name,
        profile.associated_resources.key_vault_name,
    ) == ("appi9", "kv9")
    assert profile.associated_resources.key_vault_id == f"{other}/{kinds['key_vault']}"
    assert profile.associated_resources.container_registry_id == f"{other}/{kinds['container_registry']}"
    assert profile.associated_resources.log_analytics.resource_id == f"{other}/{kinds['log_analytics']}"
    assert profile.associated_resources.application_insights.resource_id == f"{other}/{kinds['application_insights']}"


def test_a_vault_of_the_workspaces_own_gets_a_derived_name(files: Files) -> None:
    """An empty section requests one."""
    profile = files.load(overrides=["associated_resources.key_vault={}"]).profile

    assert profile.associated_resources.key_vault_name.startswith("kv-mlw-prod-")
    assert profile.associated_resources.key_vault_id != profile.key_vault.resource_id
    assert profile.associated_resources.container_registry_id is None
    assert profile.associated_resources.container_registry_name is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2031-01-31", datetime(2031, 1, 31, tzinfo=UTC)),
        ("2031-01-31T12:00:00Z", datetime(2031, 1, 31, 12, tzinfo=UTC)),
        ("2031-01-31 12:00+02:00", datetime(2031, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_an_expiry_is_a_moment_in_utc(files: Files, written: str, expected: datetime) -> None:
    """A bare date is its midnight."""
    assert files.load(overrides=[f"key.expires={written}"]).profile.key.expires == expected


def test_guids_and_regions_are_normalised(files: Files) -> None:
    """Azure compares them without regard to case and spaces."""
    profile = files.load(overrides=["subscription=AAAABBBB-0000-1111-2222-333344445555", "location=East US 2"]).profile

    assert (profile.subscription, profile.location) == ("aaaabbbb-0000-1111-2222-333344445555", "eastus2")


def test_a_profile_cannot_be_changed(files: Files) -> None:
    """Values, not objects with state."""
    profile: Any = files.load().profile

    with pytest.raises(ValidationError):
        profile.location = "westus"


def test_a_full_rotation_policy_is_taken(files: Files) -> None:
    """Rotation and notice before an expiry that both key and policy have."""
    policy = "{rotate_before_expiry: P30D, notify_before_expiry: P45D, expires_after: P1Y6M}"
    profile = files.load(overrides=[f"key.rotation_policy={policy}", "key.expires=2031-01-31"]).profile

    assert profile.key.rotation_policy is not None
    assert profile.key.rotation_policy.expires_after == "P1Y6M"


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("location", "2:11"), ("key_vault", "4:1"), ("key_vault.name", "5:9"), ("key_vault.sku", "4:1"),
        ("tags.a.b", "1:1"), ("nowhere.at.all", "1:1"), ("key_vault.network.ip_rules[3]", "4:1"), ("", "1:1"),
        ("location.deeper", "2:11"),
    ],
)  # fmt: skip
def test_every_field_can_be_located(files: Files, field: str, place: str) -> None:
    """The place of the field, or of the nearest section around it."""
    assert str(files.load().locate(field)).endswith(f"profile.yaml:{place}")
