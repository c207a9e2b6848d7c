"""Azure changed since the plan was approved: nothing is written, and every difference is listed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.saved_plan import GROUP, VAULT, WORKSPACE, Bench, codes, refusal, unwrapped

RENAMED = ("--set", "workspace.friendly_name=Fraud", "--set", "workspace.description=Models")
COSMOS_DB = "a232010e-820c-4083-83bb-3ace5fc29d0b"


def refused(bench: Bench) -> list[str]:
    """Apply, assert a refusal without writes, and return the differences."""
    before = bench.azure.writes()
    ran = bench.apply()
    assert (3, before) == (ran.code, bench.azure.writes()), ran.out
    return refusal(ran)


def test_a_vault_created_by_someone_else(bench: Bench) -> None:
    """A vault that appeared, with its group, is a difference although fewer changes are due."""
    bench.plan()
    bench.azure.running.state.add_vault("kv-ml-quickstart", "rg-ml-quickstart", softDeleteRetentionInDays=7)

    assert [
        "resource group rg-ml-quickstart: approved to create, now no-op (exists)",
        (
            "key vault kv-ml-quickstart: approved to create, now no-op (up to date: purge protection on, soft delete 7 days, "
            "access policies)"
        ),
    ] == refused(bench)


def test_a_provider_registered_by_someone_else(bench: Bench) -> None:
    """A change that is no longer due is a difference."""
    bench.plan()
    bench.azure.running.state.register_provider("Microsoft.Search")

    assert ["resource provider Microsoft.Search: approved to create, now no-op (registered)"] == refused(bench)


def test_a_provider_being_registered_by_someone_else(bench: Bench) -> None:
    """A wait in place of an approved registration is a difference."""
    bench.plan()
    providers = bench.azure.running.state.tenant.data["providers"]
    (table,) = providers.values()
    table["microsoft.search"].update(
        state="Registering", countdown={"reads": 50}, beside={"reads": 5000}, cloud="AzureCloud"
    )

    assert ["resource provider Microsoft.Search: approved to create, now wait (registration in progress)"] == refused(
        bench
    )


def test_a_service_principal_created_by_someone_else(bench: Bench) -> None:
    """A service principal that exists is in no plan, and the approved registration did not create it."""
    bench.plan()
    bench.azure.running.state.add_principal(COSMOS_DB, "Azure Cosmos DB", "c0ffee00-0000-4000-8000-0000c05b05db")

    assert ["service principal Azure Cosmos DB: approved to create, now no longer needed"] == refused(bench)


def test_a_key_that_was_disabled_is_a_conflict_and_a_difference(built: Bench) -> None:
    """The plan is shown with its conflict, then its differences from the approved one."""
    built.plan(*RENAMED)
    built.azure.running.state.set_key_attributes("kv-ml-quickstart", "cmk-ml", enabled=False)

    ran = built.apply()

    assert (3, True) == (ran.code, ran.of("plan_summary")[0]["errored"])
    assert [
        (
            "key cmk-ml: approved as up to date, now conflict (its latest version is disabled: whatever uses it is out of "
            "reach, or will be within about an hour)"
        )
    ] == refusal(ran)
    assert "PATCH" not in {each.partition(" ")[0] for each in built.azure.writes()}


def _describe(bench: Bench) -> None:
    bench.properties(WORKSPACE)["description"] = "Models"


def _weaken(bench: Bench) -> None:
    bench.properties(bench.storage_id)["minimumTlsVersion"] = "TLS1_0"


def _repair(bench: Bench) -> None:
    bench.properties(WORKSPACE).update(friendlyName="Fraud", description="Models")


def _forget_policies(bench: Bench) -> None:
    bench.properties(VAULT)["accessPolicies"] = []


@pytest.mark.parametrize(
    ("doing", "lines"),
    [
        (
            _describe,
            ['workspace mlw-quickstart: the request differs in properties.description: "Models" → (absent)'],
        ),
        (
            _weaken,
            ["storage account NAME: approved as up to date, now update (less strict than it was created)"],
        ),
        (
            _repair,
            [
                (
                    "workspace mlw-quickstart: approved to update, now no-op (up to date: encrypted with cmk-ml, "
                    "in-subscription, high business impact on)"
                )
            ],
        ),
        (
            _forget_policies,
            ["key access for Azure Cosmos DB: approved as up to date, now create (no access policy yet)"],
        ),
    ],
    ids=["the request differs", "one more update", "repaired by someone else", "a grant is gone"],
)
def test_drift_after_the_approval_of_an_update(built: Bench, doing: Callable[[Bench], None], lines: list[str]) -> None:
    """An update of name and description was approved; then Azure changes."""
    built.plan(*RENAMED)
    doing(built)

    storage = built.storage_id.rpartition("/")[2]
    assert [each.replace("NAME", storage) for each in lines] == refused(built)


def test_unrelated_changes_are_ignored(built: Bench) -> None:
    """Tags of the vault or another resource leave the changes as approved, so they are applied."""
    built.plan(*RENAMED)
    built.azure.running.state.tenant.data["resources"][VAULT.lower()]["doc"]["tags"] = {"owner": "someone"}
    built.azure.running.state.add_vault("kv-other", "rg-ml-quickstart")

    ran = built.apply()

    assert (0, "Fraud") == (ran.code, built.properties(WORKSPACE)["friendlyName"])
    assert [f"PATCH {WORKSPACE}".lower()] == [each.lower() for each in built.azure.writes() if each.startswith("PATCH")]


def test_an_approved_wait_may_have_ended(bench: Bench) -> None:
    """A registration that was in progress when the plan was made has ended as expected."""
    (table,) = bench.azure.running.state.tenant.data["providers"].values()
    table["microsoft.search"].update(
        state="Registering", countdown={"reads": 50}, beside={"reads": 5000}, cloud="AzureCloud"
    )
    bench.plan()
    bench.azure.running.state.register_provider("Microsoft.Search")

    assert (0, []) == (bench.apply().code, bench.done_twice())


def test_an_approved_wait_that_failed(bench: Bench) -> None:
    """A write in place of an approved wait is a difference."""
    (table,) = bench.azure.running.state.tenant.data["providers"].values()
    table["microsoft.search"].update(
        state="Registering", countdown={"reads": 50}, beside={"reads": 5000}, cloud="AzureCloud"
    )
    bench.plan()
    table["microsoft.search"] = {"namespace": "Microsoft.Search", "state": "NotRegistered"}

    assert [
        (
            "resource provider Microsoft.Search: approved to wait for, now create (not registered in this subscription "
            "(NotRegistered))"
        )
    ] == refused(bench)


def test_differences_are_shown_one_per_line(bench: Bench) -> None:
    """Standard error has the differences and the remedy, with the flags of this run."""
    bench.plan()
    bench.azure.running.state.add_resource_group("rg-ml-quickstart", "eastus2")

    ran = bench.azure("apply", bench.file, "--yes")

    assert 3 == ran.code
    assert "\n  - resource group rg-ml-quickstart: approved to create, now no-op (exists)\n" in ran.err
    assert f"plan PROFILE --out {bench.file} --sandbox --state {bench.azure.state}" in unwrapped(ran.err)


def test_a_new_warning_does_not_refuse_the_plan(built: Bench) -> None:
    """Changes are compared; a new warning is only shown."""
    built.plan(*RENAMED)
    in_a_week = built.azure.running.state.tenant.clock() + 7 * 86400
    built.azure.running.state.set_key_attributes("kv-ml-quickstart", "cmk-ml", exp=int(in_a_week))

    ran = built.apply()

    assert (0, True) == (ran.code, "CMK107" in codes(ran))


def test_ids_are_compared_without_case(bench: Bench) -> None:
    """Azure returns ids in any casing; started changes are recognised regardless."""
    bench.plan()
    assert 0 == bench.apply().code
    document = bench.document
    bench.write({**document, "begun": [each.upper() for each in document["begun"]]})

    assert (0, True) == (bench.apply().code, GROUP.upper() in bench.document["begun"])


def test_a_field_that_the_profile_leaves_out_is_no_requirement_of_the_saved_plan(bench: Bench) -> None:
    """With its default written out, a workspace without public access was a conflict, in every new plan as well."""
    bench.azure("apply", bench.profile, "--yes", "--set", "workspace.public_network_access=disabled")
    bench.plan("--set", "tags.owner=me")

    ran = bench.apply()

    assert 0 == ran.code, ran.out
    assert [] == [each["code"] for each in ran.of("diagnostic") if each["severity"] != "note"]
