"""``cmkctl destroy`` on finished set-ups: the order, what stays, what is refused, interruptions."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from support.deletion import EVERYTHING, HUB, IDENTITY, Deletions, conflicts, deleted, reasons
from support.sandbox import Client
from support.scenarios import ScenarioBuilder, Stops

from cmkctl.clock import Interrupted
from cmkctl.diagnostics import Severity
from cmkctl.plan import Action
from cmkctl.sandbox import Pace
from cmkctl.sandbox.core.constants import CLIENT_OBJECT_ID

OFFICER = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
OPTIONS: dict[str, Any] = {name.replace("-", "_"): value for name, value in EVERYTHING.items()}


@pytest.fixture
def site(builder: ScenarioBuilder) -> Deletions:
    """Provide a workspace with roles, a private network and a grant."""
    return Deletions(builder)


def test_everything_goes_in_the_order_in_which_nothing_loses_its_key(site: Deletions) -> None:
    """Workspace, endpoints, links and zones, associated resources, grants, vault; then nothing is left to do."""
    result = site.apply(**OPTIONS)

    assert {Action.NO_OP} == {each.action for each in result.changes}
    order = [each.partition(" ")[2].partition("/")[0].lower() for each in site.writes]
    groups = ["workspaces", "privateendpoints", "virtualnetworklinks", "privatednszones", "storageaccounts"]
    places = [order.index(each) for each in groups]
    grants = [place for place, each in enumerate(order) if each == "roleassignments"]
    assert sorted(places) == places
    assert (True, "DELETE vaults/kv-cmk") == (min(grants) > places[-1], site.writes[-1])
    assert {"DELETE"} == {each.split()[0] for each in site.writes}
    left = site.left(result, **OPTIONS)
    assert {
        "resource group rg-ml",
        "soft-deleted key vault kv-cmk",
        "soft-deleted workspace key vault kv-mlw-0d7bbd1b",
        "soft-deleted Log Analytics workspace log-mlw-0d7bbd1b",
    } == set(left)
    before = site.writes
    site.apply(**OPTIONS)
    assert before == site.writes


def test_without_options_the_workspace_is_kept_for_14_days_with_all_that_it_needs(site: Deletions) -> None:
    """Endpoints and grants at the workspace go; the grant on the key stays until nothing can be recovered."""
    result = site.apply()

    left = site.left(result)
    assert (False, True) == (site.there(site.profile.workspace.resource_id), site.usable())
    assert "soft-deleted" in left["workspace mlw"]["reason"]
    managed = next(each for title, each in left.items() if title.startswith("managed resource group"))
    assert (left["workspace mlw"]["until"], True) == (managed["until"], "billed until then" in managed["costs"])
    assert {"storage account stml", "key vault kv-cmk", "key cmk"} < set(left)
    assert "CMK640" in [each.code for each in result.diagnostics if each.severity is Severity.NOTE]
    site.state.advance("15d")
    assert {"key", "key vault"} <= {each.kind for each in site.plan(delete_vault="yes").changes}
    assert ["role assignment", "key vault"] == deleted(site.plan(delete_vault="yes"))


def test_a_soft_deleted_workspace_is_purged_without_a_read_that_finds_it(site: Deletions) -> None:
    """P70: the name is free afterwards, and the managed resource group is gone."""
    site.apply()
    group = next(each for each in site.state.tenant.table("groups") if "azureml-rg" in each)

    plan = site.plan(purge="yes")
    site.apply(purge="yes")

    (change,) = [each for each in plan.changes if each.kind == "workspace"]
    assert change.request is not None
    assert ({"forceToPurge": "true"}, ("the workspace and everything in it",)) == (
        change.request.query,
        change.irreversible,
    )
    assert ({}, False) == (
        site.state.tenant.table("deleted_workspaces"),
        group in site.state.tenant.table("groups"),
    )


def test_what_has_no_mark_stays_with_the_reason(site: Deletions) -> None:
    """An account that was there before stays; a workspace or a vault that was there before is refused."""
    site.unmark(site.profile.associated_resources.storage_account.resource_id)
    plan = site.plan(**OPTIONS)
    assert "it has no tag cmkctl-workspace" in reasons(plan)["storage account stml"]

    site.unmark(site.profile.workspace.resource_id)
    site.unmark(site.profile.key_vault.resource_id)

    plan = site.plan(**OPTIONS)
    assert {"workspace": "CMK642", "key vault": "CMK642"} == conflicts(plan)
    (change,) = [each for each in plan.changes if each.kind == "workspace"]
    tag = change.ways_out[0].partition("--tags ")[2].split()[0]
    name, value = tag.split("=")
    body = {"operation": "Merge", "properties": {"tags": {name: value}}}
    client = Client(site.running)
    path = f"{site.profile.workspace.resource_id}/providers/Microsoft.Resources/tags/default"
    found = client("PATCH", path, body, "2021-04-01")
    assert (200, "delete") == (
        found.status_code,
        next(each.action for each in site.plan(purge="yes").changes if each.kind == "workspace"),
    )


@pytest.mark.parametrize("options", [{"associated": "yes"}, {"delete_key": "yes"}, {"delete_vault": "yes"}])
def test_nothing_that_a_recovery_needs_is_deleted_before_the_purge(site: Deletions, options: dict[str, str]) -> None:
    """Before the deletion, and while the workspace is soft-deleted."""
    wanted = {"CMK644"} if "associated" in options else {"CMK645"}
    assert wanted == set(site.refused(**options))

    site.apply()

    assert wanted == set(site.refused(**options))


def _another_user(site: Deletions) -> None:
    """Add a storage account that uses the key."""
    account = site.state.add_storage_account("stothers", "rg-others")
    properties = site.document(account)["properties"]
    properties["encryption"] = {
        "keySource": "Microsoft.Keyvault",
        "keyvaultproperties": {"keyvaulturi": "https://kv-cmk.vault.azure.net", "keyname": "cmk", "keyversion": ""},
    }


def test_a_key_that_something_else_uses_stays_and_so_does_its_grant(site: Deletions) -> None:
    """The refusal names the resource; without the option the run goes through and keeps the grant."""
    _another_user(site)

    plan = site.plan(**OPTIONS)

    assert {"key": "CMK646", "key vault": "CMK646"} == conflicts(plan)
    assert "stothers" in reasons(plan)["key vault kv-cmk"]
    kept = [reason for title, reason in reasons(plan).items() if "Azure Cosmos DB on vault" in title]
    assert ["stays: storage account stothers may rely on it"] == kept


def test_a_vault_with_other_keys_stays(site: Deletions) -> None:
    """They may be anyone's."""
    site.state.add_key("kv-cmk", "other")

    assert ["CMK648"] == site.refused(**OPTIONS)


def test_the_key_alone_goes_through_the_vault_and_can_be_recovered(site: Deletions) -> None:
    """Without rights on keys it is refused beforehand; recover brings key and grant back."""
    options: dict[str, Any] = {"purge": "yes", "delete_key": "yes"}
    assert ["CMK649"] == site.refused(**options)
    site.state.assign_role(site.profile.key_vault.resource_id, CLIENT_OBJECT_ID, OFFICER)

    site.apply(**options)
    assert (False, True) == (
        site.there(site.profile.key.resource_id),
        site.there(site.profile.key_vault.resource_id),
    )
    result = site.apply("recover")

    assert {Action.NO_OP} == {each.action for each in result.changes}
    assert site.there(site.profile.key.resource_id)
    assert any("kv-cmk/" in each for each in site.state.tenant.table("assignments"))


def test_what_another_workspace_names_stays(site: Deletions) -> None:
    """Its storage account, the endpoints of the account, and the zone that both are registered in."""
    own = site.document(site.profile.workspace.resource_id)
    other = {**own, "id": own["id"].replace("/mlw", "/mlw-other"), "name": "mlw-other", "tags": {}}
    site.state.tenant.table("resources")[other["id"].lower()] = {"doc": other}

    plan = site.plan(purge="yes", associated="yes")

    found = reasons(plan)
    assert "stays: workspace mlw-other uses it" == found["storage account stml"]
    endpoints = {each.name: each for each in plan.changes if each.kind == "private endpoint"}
    assert [Action.DELETE, Action.NO_OP, Action.NO_OP] == [each.action for each in endpoints.values()]
    zone = next(each for each in plan.changes if each.name.startswith("privatelink.blob") and "zone" in each.kind)
    assert (Action.NO_OP, True) == (zone.action, "is registered in it" in zone.reason)


def test_records_that_people_made_keep_the_zone(site: Deletions) -> None:
    """The number of records is more than that of the endpoints."""
    zone = next(
        each for each in site.state.tenant.table("resources") if each.endswith("privatelink.blob.core.windows.net")
    )
    site.document(zone)["properties"]["numberOfRecordSets"] = 2

    plan = site.plan()

    name = "privatelink.blob.core.windows.net"
    assert {"stays: it holds records that no private endpoint made"} == {
        each.reason for each in plan.changes if each.name == name
    }


def test_a_lock_is_met_beforehand(site: Deletions) -> None:
    """A CanNotDelete lock on the resource group refuses every deletion in it."""
    site.state.add_lock(site.profile.resource_group_id)

    assert "CMK192" in site.refused(purge="yes")


def test_a_missing_right_is_met_beforehand(site: Deletions) -> None:
    """A reader is refused before anything is sent."""
    site.state.tenant.data["caller_owns"] = False
    site.state.assign_role(f"/subscriptions/{site.profile.subscription}", CLIENT_OBJECT_ID, READER)

    assert "CMK191" in site.refused(purge="yes")


def test_an_operation_in_progress_is_not_cut_off(site: Deletions) -> None:
    """As that of a rotation that is running: the remedy is to wait, and afterwards the deletion is planned."""
    properties = site.document(site.profile.workspace.resource_id)["properties"]
    properties["provisioningState"] = "Updating"

    assert ["CMK641"] == site.refused(purge="yes")
    properties["provisioningState"] = "Succeeded"
    assert "workspace" in deleted(site.plan(purge="yes"))


def test_a_deletion_that_another_run_began_is_waited_for(site: Deletions) -> None:
    """Two people at once: both end well."""
    site.state.tenant.pace = Pace.reads(3)
    try:
        Client(site.running)("DELETE", f"{site.profile.workspace.resource_id}?forceToPurge=true")
        plan = site.plan(purge="yes")
        result = site.apply(purge="yes")
    finally:
        site.state.tenant.pace = Pace.none()

    assert Action.WAIT in [each.action for each in plan.changes]
    assert {Action.NO_OP} == {each.action for each in result.changes}
    assert not any("workspaces/mlw" in each for each in site.writes[1:])


def test_projects_go_before_their_hub_and_unknown_ones_are_refused(builder: ScenarioBuilder) -> None:
    """Azure deletes no hub that has projects."""
    site = Deletions(builder, HUB)
    site.apply(purge="yes")
    assert ["DELETE workspaces/mlp-one", "DELETE workspaces/mlw"] == site.writes[:2]

    site = Deletions(builder, {**HUB, "projects": []})
    project = {**site.document(site.profile.workspace.resource_id), "kind": "Project", "name": "mlp-theirs"}
    project["id"] = project["id"].replace("/mlw", "/mlp-theirs")
    project["properties"] = {**project["properties"], "hubResourceId": site.profile.workspace.resource_id}
    site.state.tenant.table("resources")[project["id"].lower()] = {"doc": project}
    assert ["CMK643"] == site.refused(purge="yes")


def test_a_workspace_with_user_assigned_identities_only_is_gone_at_once(builder: ScenarioBuilder) -> None:
    """Documented: no soft delete. Its identity and its roles were created by cmkctl, and go on request."""
    site = Deletions(builder, IDENTITY)
    plan = site.plan(associated="yes")
    (workspace,) = [each for each in plan.changes if each.kind == "workspace"]
    assert ("the workspace and everything in it",) == workspace.irreversible

    result = site.apply(associated="yes")

    assert {Action.NO_OP} == {each.action for each in result.changes}
    assert ({}, False) == (
        site.state.tenant.table("deleted_workspaces"),
        site.there(str(site.profile.workspace.created_identity_id)),
    )
    assert {} == {key: row for key, row in site.state.tenant.table("assignments").items() if "/rg-ml/" in key}


@pytest.mark.parametrize("sent", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", [1, 4, 9])
def test_an_interrupted_destroy_converges(site: Deletions, at: int, sent: bool) -> None:
    """Stopped at its nth write and run again: the same end, and never a workspace whose key is gone."""
    around = partial(Stops, at=lambda _request, writes: writes == at, sent=sent)

    with pytest.raises(Interrupted):
        site.apply(around=around, **OPTIONS)
    assert site.usable()
    result = site.apply(**OPTIONS)

    assert {Action.NO_OP} == {each.action for each in result.changes}
    assert "soft-deleted key vault kv-cmk" in site.left(result, **OPTIONS)


@pytest.mark.parametrize("fault", ["throttle-seconds:2", "unavailable-once", "reset-after-write@*/workspaces/mlw"])
def test_a_fault_that_passes_is_waited_for(site: Deletions, fault: str) -> None:
    """Throttled, unavailable, or the answer to the deletion is lost."""
    site.state.add_fault(fault)
    try:
        result = site.apply(**OPTIONS)
    finally:
        site.state.clear_faults()

    assert {Action.NO_OP} == {each.action for each in result.changes}


# --- recover


def test_recover_brings_back_what_was_deleted_and_names_the_portal_for_the_workspace(site: Deletions) -> None:
    """Vault with its key, grants and Log Analytics workspace; the workspace is shown with its date."""
    site.apply()
    with site.state.tenant.lock:
        site.state.delete_vault("kv-cmk")
    client = Client(site.running)
    client("DELETE", site.profile.associated_resources.log_analytics.resource_id)

    result = site.apply("recover")

    assert {Action.NO_OP} == {each.action for each in result.changes}
    assert site.usable()
    assert site.there(site.profile.associated_resources.log_analytics.resource_id)
    (found,) = [each for each in result.diagnostics if each.code == "CMK660"]
    assert (Severity.WARNING, True) == (found.severity, "Recently deleted" in found.remedy)


def test_recover_with_purge_ends_the_keeping_and_leaves_a_live_workspace_alone(site: Deletions) -> None:
    """The name is free afterwards."""
    assert [] == deleted(site.plan("recover", purge="yes"))
    site.apply()

    site.apply("recover", purge="yes")

    assert {} == site.state.tenant.table("deleted_workspaces")
    assert "CMK661" in [each.code for each in site.plan("recover").diagnostics]
