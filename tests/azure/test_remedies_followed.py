"""A remedy helps: after following it in the sandbox, the next run succeeds."""

from __future__ import annotations

from typing import Any

import pytest
from support.scenarios import ProfileVariant, ScenarioBuilder, World

from cmkctl.diagnostics import CmkctlError, Diagnostic
from cmkctl.profile.model import Profile


def refused(builder: ScenarioBuilder, profile: Profile) -> Diagnostic:
    """Return the first error of an apply."""
    return errors(builder, profile)[0]


def errors(builder: ScenarioBuilder, profile: Profile) -> tuple[Diagnostic, ...]:
    """Return the errors of an apply."""
    with pytest.raises(CmkctlError) as raised:
        builder.client().apply(profile)
    return raised.value.diagnostics


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

    assert "CMK194" == diagnostic.code
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

    assert diagnostic.remedy.startswith("Set key_vault.network.default_action: Deny.")
    assert not after.pending


def test_both_vaults_get_the_network_that_a_policy_wants(builder: ScenarioBuilder) -> None:
    """The workspace's own vault has a field as well (G6), and the denied vault is named with the policy."""
    profile = builder.make(ProfileVariant(), World("new"))
    builder.running.state.add_policy(
        "deny-open-vaults", "Microsoft.KeyVault/vaults", "networkAcls.defaultAction", allow=("Deny",)
    )

    remedies = [each.remedy.partition(". ")[0] for each in errors(builder, profile)]
    network = {"default_action": "Deny", "bypass": "AzureServices"}
    vault = {**profile.key_vault.model_dump(exclude_defaults=True), "network": network}
    associated = {**profile.associated_resources.model_dump(exclude_defaults=True), "key_vault": {"network": network}}
    after = builder.client().apply(changed(profile, key_vault=vault, associated_resources=associated))

    sections = ("key_vault", "associated_resources.key_vault")
    assert [f"Set {each}.network.default_action: Deny" for each in sections] == remedies
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


def test_a_region_that_a_policy_allows_is_the_location(builder: ScenarioBuilder) -> None:
    """A policy lists the allowed regions (P54): the remedy lists them as well."""
    profile = builder.make(ProfileVariant(), World("new"))
    builder.running.state.add_policy(
        "regions", "Microsoft.Resources/subscriptions/resourceGroups", "location", allow=("westus3", "northeurope")
    )

    diagnostic = refused(builder, profile)
    after = builder.client().apply(changed(profile, location="westus3"))

    assert diagnostic.remedy.startswith("Set location to a region that the policy allows: westus3, northeurope.")
    assert not after.pending


def test_an_allowed_region_also_serves_the_resources_that_microsoft_creates(builder: ScenarioBuilder) -> None:
    """The policy concerns every type: each remedy is the change of the location, after which nothing is denied."""
    profile = builder.make(ProfileVariant(), World("new"))
    builder.running.state.add_policy("regions", "*", "location", allow=("westus3",))

    denied = [each for each in builder.client().plan(profile).diagnostics if each.code in ("CMK194", "CMK195")]
    after = builder.client().plan(changed(profile, location="westus3")).diagnostics

    assert {"CMK194", "CMK195"} == {each.code for each in denied}
    assert {"Set location to a region that the policy allows: westus3"} == {
        each.remedy.split(".")[0] for each in denied
    }
    assert [] == [each for each in after if each.code in ("CMK194", "CMK195")]


def test_a_lock_is_removed_for_the_run(builder: ScenarioBuilder) -> None:
    """A read-only lock on the group (G16): its scope is named, and without it the run succeeds."""
    profile = builder.make(ProfileVariant(), World("new"))
    state = builder.running.state
    state.add_resource_group(profile.resource_group)
    lock = state.add_lock(profile.resource_group_id, "ReadOnly")

    diagnostic = refused(builder, profile)
    with state.tenant.lock:
        del state.tenant.table("locks")[lock.lower()]
    after = builder.client().apply(profile)

    assert "CMK192" == diagnostic.code
    assert diagnostic.remedy.startswith(f"Have it removed for the run: az lock delete --ids {lock}.")
    assert not after.pending


def test_service_side_encryption_needs_no_search_service_of_the_subscription(builder: ScenarioBuilder) -> None:
    """The quota of Azure AI Search is used up (P58), and stays so."""
    profile = builder.make(ProfileVariant(), World("new"))
    builder.running.state.add_fault("search-quota:99")

    diagnostic = refused(builder, profile)
    inner = {"name": "mlw-service-side", "encryption": "service-side"}
    workspace = {**profile.workspace.model_dump(exclude_defaults=True), **inner}
    after = builder.client().apply(changed(profile, workspace=workspace))
    builder.running.state.clear_faults()

    assert "CMK314" == diagnostic.code
    assert "workspace.encryption: service-side" in diagnostic.remedy
    assert not after.pending


def test_after_a_region_without_capacity_another_name_succeeds(builder: ScenarioBuilder) -> None:
    """Azure Cosmos DB has no capacity (P59), and the half-created account blocks the name afterwards (P60)."""
    profile = builder.make(ProfileVariant(), World("new"))
    builder.running.state.add_fault("no-capacity")

    first = refused(builder, profile)
    second = refused(builder, profile)
    inner = {"name": "mlw-other"}
    after = builder.client().apply(
        changed(profile, workspace={**profile.workspace.model_dump(exclude_defaults=True), **inner})
    )

    assert ("CMK314", True) == (first.code, "aka.ms/cosmosdbquota" in first.remedy)
    assert "choose another workspace.name" in second.remedy
    assert not after.pending


def test_a_workspace_name_that_is_soft_deleted_is_changed(builder: ScenarioBuilder) -> None:
    """A deleted workspace holds its name (P69)."""
    profile = builder.make(ProfileVariant(), World("new"))
    builder.running.state.add_fault("workspace-soft-deleted")

    diagnostic = refused(builder, profile)
    workspace = {**profile.workspace.model_dump(exclude_defaults=True), "name": "mlw-other"}
    after = builder.client().apply(changed(profile, workspace=workspace))

    assert "choose another workspace.name" in diagnostic.remedy
    assert not after.pending
