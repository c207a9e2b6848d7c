"""A remedy helps: after following it in the sandbox, the next run succeeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.scenarios import ProfileVariant, ScenarioBuilder, World

from cmkctl.diagnostics import CmkctlError, Diagnostic
from cmkctl.profile.model import Profile
from cmkctl.sandbox import Pace, Sandbox


@pytest.fixture(scope="module")
def builder() -> Iterator[ScenarioBuilder]:
    """Provide a sandbox in this process, and the environment that leads to it."""
    with Sandbox(None, Pace.none()).serve() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        yield ScenarioBuilder(running)


def refused(builder: ScenarioBuilder, profile: Profile) -> Diagnostic:
    """Return the first error of an apply."""
    with pytest.raises(CmkctlError) as raised:
        builder.client().apply(profile)
    return raised.value.diagnostics[0]


def changed(profile: Profile, **sections: Any) -> Profile:
    """Return the profile with some sections replaced, as after an edit of the file."""
    return Profile.model_validate({**profile.model_dump(exclude_defaults=True), **sections})


def test_a_required_tag_is_added_to_the_profile(builder: ScenarioBuilder) -> None:
    """A policy wants CostCenter on groups (G8): nothing is created before it is there, and then everything is."""
    profile = builder.make(ProfileVariant(), World("new"))
    builder.running.state.add_policy(
        "need-cost-center", "Microsoft.Resources/subscriptions/resourceGroups", "tags.CostCenter"
    )

    diagnostic = refused(builder, profile)
    after = builder.client().apply(changed(profile, tags={"CostCenter": "4711"}))

    assert "CMK313" == diagnostic.code
    assert diagnostic.remedy.startswith("Add the tag to the profile: tags: {CostCenter: VALUE}.")
    assert not after.pending


def test_the_key_vault_gets_the_network_that_a_policy_wants(builder: ScenarioBuilder) -> None:
    """The vault with the key has a field for it (G6)."""
    profile = builder.make(ProfileVariant(same_vault=True), World("new"))
    builder.running.state.add_policy(
        "deny-open-vaults", "Microsoft.KeyVault/vaults", "networkAcls.defaultAction", allow=("Deny",)
    )

    diagnostic = refused(builder, profile)
    network = {"default_action": "Deny", "bypass": "AzureServices"}
    vault = {**profile.key_vault.model_dump(exclude_defaults=True), "network": network}
    after = builder.client().apply(changed(profile, key_vault=vault))

    assert "Set key_vault.network.default_action: Deny if" in diagnostic.remedy
    assert not after.pending


def test_both_vaults_get_the_network_that_a_policy_wants(builder: ScenarioBuilder) -> None:
    """The workspace's own vault has a field as well (G6), and the denied vault is named with the policy."""
    profile = builder.make(ProfileVariant(), World("new"))
    builder.running.state.add_policy(
        "deny-open-vaults", "Microsoft.KeyVault/vaults", "networkAcls.defaultAction", allow=("Deny",)
    )

    diagnostic = refused(builder, profile)
    network = {"default_action": "Deny", "bypass": "AzureServices"}
    vault = {**profile.key_vault.model_dump(exclude_defaults=True), "network": network}
    associated = {**profile.associated_resources.model_dump(exclude_defaults=True), "key_vault": {"network": network}}
    after = builder.client().apply(changed(profile, key_vault=vault, associated_resources=associated))

    assert "set associated_resources.key_vault.network.default_action: Deny." in diagnostic.remedy
    assert not after.pending


def test_a_storage_account_with_shared_keys_is_not_blamed_on_microsofts_group(builder: ScenarioBuilder) -> None:
    """A policy denies shared keys (G7): the denied account is named, and the field that turns them off makes it pass."""
    # service-side: Microsoft makes no storage account in the subscription, which the policy would deny as well
    profile = builder.make(ProfileVariant(service_side=True), World("new"))
    builder.running.state.add_policy(
        "deny-shared-keys", "Microsoft.Storage/storageAccounts", "allowSharedKeyAccess", allow=(False,)
    )

    diagnostic = refused(builder, profile)
    associated = profile.associated_resources.model_dump(exclude_defaults=True)
    storage = {**associated.get("storage_account", {}), "shared_keys": "disabled"}
    after = builder.client().apply(changed(profile, associated_resources={**associated, "storage_account": storage}))

    account = profile.associated_resources.storage_account.resource_id.rpartition("/")[2]
    assert f"Denied Microsoft.Storage/storageAccounts '{account}': policy 'deny-shared-keys'" in diagnostic.detail
    assert diagnostic.remedy.startswith("Set associated_resources.storage_account.shared_keys: disabled.")
    assert "service-side" not in diagnostic.remedy
    assert not after.pending
    workspace = builder.running.state.resource(profile.workspace.resource_id) or {}
    assert "identity" == workspace["properties"]["systemDatastoresAuthMode"].lower()


def test_service_side_encryption_avoids_a_denial_in_microsofts_group(builder: ScenarioBuilder) -> None:
    """A policy against local authentication hits the Cosmos DB account that Microsoft creates (P54)."""
    profile = builder.make(ProfileVariant(), World("new"))
    builder.running.state.add_fault("policy-managed-group")

    diagnostic = refused(builder, profile)
    builder.running.state.clear_faults()
    builder.running.state.add_fault("policy-managed-group")
    inner = {"name": "mlw-service-side", "encryption": "service-side"}
    workspace = {**profile.workspace.model_dump(exclude_defaults=True), **inner}
    after = builder.client().apply(changed(profile, workspace=workspace))
    left = builder.running.state.faults()
    builder.running.state.clear_faults()

    assert left
    assert "Denied Microsoft.DocumentDB/databaseAccounts '" in diagnostic.detail
    assert diagnostic.remedy.startswith("Microsoft creates this resource for the workspace")
    assert not after.pending
