"""Azure is not as it was when the plan was approved: nothing is written, and every difference is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.saved_plan import GROUP, VAULT, WORKSPACE, Bench, codes, refusal

RENAMED = ("--set", "workspace.friendly_name=Fraud", "--set", "workspace.description=Models")
COSMOS_DB = "a232010e-820c-4083-83bb-3ace5fc29d0b"


def refused(bench: Bench) -> list[str]:
    """Apply, see that it is refused and that nothing was written, and return the differences."""
    before = bench.azure.writes()
    ran = bench.apply()
    assert (3, before) == (ran.code, bench.azure.writes()), ran.out
    return refusal(ran)


def test_a_vault_that_somebody_made(bench: Bench) -> None:
    """With its group. That there is less to do does not make it what was approved."""
    bench.plan()
    bench.azure.running.state.add_vault("kv-ml-quickstart", "rg-ml-quickstart", softDeleteRetentionInDays=7)

    assert [
        "resource group rg-ml-quickstart: approved to create, now no-op (already there)",
        (
            "key vault kv-ml-quickstart: approved to create, now no-op (already right: purge protection on, soft delete 7 days, "
            "access policies)"
        ),
    ] == refused(bench)


def test_a_provider_that_somebody_registered(bench: Bench) -> None:
    """One change less."""
    bench.plan()
    bench.azure.running.state.register_provider("Microsoft.Search")

    assert ["resource provider Microsoft.Search: approved to create, now no-op (already registered)"] == refused(bench)


def test_a_provider_that_somebody_is_registering(bench: Bench) -> None:
    """It would be waited for, which is not what was approved."""
    bench.plan()
    providers = bench.azure.running.state.tenant.data["providers"]
    (table,) = providers.values()
    table["microsoft.search"].update(state="Registering", countdown={"reads": 50})

    assert ["resource provider Microsoft.Search: approved to create, now wait (being registered)"] == refused(bench)


def test_a_service_principal_that_somebody_made(bench: Bench) -> None:
    """It is in no plan any more; nor would the registration that was approved have brought it."""
    bench.plan()
    bench.azure.running.state.add_principal(COSMOS_DB, "Azure Cosmos DB", "c0ffee00-0000-4000-8000-0000c05b05db")

    assert ["service principal Azure Cosmos DB: approved to create, now no longer needed"] == refused(bench)


def test_a_key_that_was_disabled_is_a_conflict_and_a_difference(bench: Bench) -> None:
    """The plan is shown with its conflict, then what differs from the approved one."""
    assert 0 == bench.apply(file=bench.profile).code
    bench.plan(*RENAMED)
    bench.azure.running.state.set_key_attributes("kv-ml-quickstart", "cmk-ml", enabled=False)

    ran = bench.apply()

    assert (3, True) == (ran.code, ran.of("plan_summary")[0]["errored"])
    assert [
        (
            "key cmk-ml: approved as already right, now conflict (its latest version is disabled; cmkctl does not enable a key "
            "that somebody disabled)"
        )
    ] == refusal(ran)
    assert "PATCH" not in {each.partition(" ")[0] for each in bench.azure.writes()}


def _describe(bench: Bench) -> None:
    bench.properties(WORKSPACE)["description"] = "Models"


def _weaken(bench: Bench) -> None:
    bench.properties(bench.storage_id)["minimumTlsVersion"] = "TLS1_0"


def _mend(bench: Bench) -> None:
    bench.properties(WORKSPACE).update(friendlyName="Fraud", description="Models")


def _forget_policies(bench: Bench) -> None:
    bench.properties(VAULT)["accessPolicies"] = []


@pytest.mark.parametrize(
    ("doing", "lines"),
    [
        (
            _describe,
            ['workspace mlw-quickstart: the request differs in properties.description: "Models" → (nothing)'],
        ),
        (
            _weaken,
            ["storage account NAME: approved as already right, now update (less strict than it was made)"],
        ),
        (
            _mend,
            [
                (
                    "workspace mlw-quickstart: approved to update, now no-op (already right: encrypted with cmk-ml, "
                    "in-subscription, high business impact on)"
                )
            ],
        ),
        (
            _forget_policies,
            ["key access for Azure Cosmos DB: approved as already right, now create (no access policy yet)"],
        ),
    ],
    ids=["the request differs", "one more update", "mended by somebody", "a grant is gone"],
)
def test_a_finished_workspace_drifted_otherwise(bench: Bench, doing: Callable[[Bench], None], lines: list[str]) -> None:
    """An update of name and description was approved; then something happens."""
    assert 0 == bench.apply(file=bench.profile).code
    bench.plan(*RENAMED)
    doing(bench)

    storage = bench.storage_id.rpartition("/")[2]
    assert [each.replace("NAME", storage) for each in lines] == refused(bench)


def test_what_else_changed_is_nobodys_business(bench: Bench) -> None:
    """Tags of the vault, a resource beside: the same would be done, so it is done."""
    assert 0 == bench.apply(file=bench.profile).code
    bench.plan(*RENAMED)
    bench.azure.running.state.tenant.data["resources"][VAULT.lower()]["doc"]["tags"] = {"seen": "by somebody"}
    bench.azure.running.state.add_vault("kv-somebody", "rg-ml-quickstart")

    ran = bench.apply()

    assert (0, "Fraud") == (ran.code, bench.properties(WORKSPACE)["friendlyName"])
    assert [f"PATCH {WORKSPACE}".lower()] == [each.lower() for each in bench.azure.writes() if each.startswith("PATCH")]


def test_an_approved_wait_may_have_ended(bench: Bench) -> None:
    """What was under way when the plan was made is done now: that is what was waited for."""
    (table,) = bench.azure.running.state.tenant.data["providers"].values()
    table["microsoft.search"].update(state="Registering", countdown={"reads": 50})
    bench.plan()
    bench.azure.running.state.register_provider("Microsoft.Search")

    assert (0, []) == (bench.apply().code, bench.done_twice())


def test_an_approved_wait_that_came_to_nothing(bench: Bench) -> None:
    """It would have to be written now."""
    (table,) = bench.azure.running.state.tenant.data["providers"].values()
    table["microsoft.search"].update(state="Registering", countdown={"reads": 50})
    bench.plan()
    table["microsoft.search"] = {"namespace": "Microsoft.Search", "state": "NotRegistered"}

    assert [
        (
            "resource provider Microsoft.Search: approved to wait for, now create (not registered in this subscription "
            "(NotRegistered))"
        )
    ] == refused(bench)


def test_people_read_the_differences_one_a_line(bench: Bench) -> None:
    """On standard error, with what to do."""
    bench.plan()
    bench.azure.running.state.add_resource_group("rg-ml-quickstart", "eastus2")

    ran = bench.azure("apply", bench.file, "--yes")

    assert 3 == ran.code
    assert "\n  - resource group rg-ml-quickstart: approved to create, now no-op (already there)\n" in ran.err
    assert f"→ Plan again and approve the new plan: cmkctl plan PROFILE --out {bench.file}" in ran.err


def test_a_warning_that_is_new_stops_nothing(bench: Bench) -> None:
    """Approved is what is done. A warning is shown."""
    assert 0 == bench.apply(file=bench.profile).code
    bench.plan(*RENAMED)
    in_a_week = bench.azure.running.state.tenant.clock() + 7 * 86400
    bench.azure.running.state.set_key_attributes("kv-ml-quickstart", "cmk-ml", exp=int(in_a_week))

    ran = bench.apply()

    assert (0, True) == (ran.code, "CMK107" in codes(ran))


def test_an_id_in_another_casing_is_the_same(bench: Bench) -> None:
    """Azure answers ids in whatever casing it likes; what was begun here is known by it."""
    bench.plan()
    assert 0 == bench.apply().code
    document = bench.document
    bench.write({**document, "begun": [each.upper() for each in document["begun"]]})

    assert (0, True) == (bench.apply().code, GROUP.upper() in bench.document["begun"])
