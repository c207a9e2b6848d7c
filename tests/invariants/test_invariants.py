"""The invariants of the design, over the states that a sandbox can hold, judged by the requests it got."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, example, given, reject, settings
from support.scenarios import (
    FOREIGN,
    MENDABLE_WORLDS,
    SAMPLED,
    WISHES,
    WORLDS,
    ProfileVariant,
    ScenarioBuilder,
    World,
)
from support.sent import canonical, sent, shown

from cmkctl.diagnostics import RefusedError
from cmkctl.plan import Action, unknowns


def inside(value: Any) -> Iterator[tuple[str, Any]]:
    """Every name with its value, however deep in a body."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield name, inner
        yield from inside(inner)
    for inner in value if isinstance(value, list) else ():
        yield from inside(inner)


def vaults(maker: ScenarioBuilder) -> dict[str, dict[str, Any]]:
    """Return the policies of others in existing vaults, by id in lower case."""
    kept = maker.running.state.tenant.data["resources"]
    return {each: row["doc"]["properties"] for each, row in kept.items() if row["doc"]["type"].endswith("/vaults")}


def policies_of_others(properties: Mapping[str, Any]) -> list[str]:
    """Return the access policies of a vault that are not Azure Cosmos DB's."""
    return [canonical(each) for each in properties["accessPolicies"] if each["objectId"] in FOREIGN]


@given(wish=WISHES, world=WORLDS)
@settings(SAMPLED, max_examples=25)
@example(ProfileVariant(), World())
@example(ProfileVariant(), World("new", ("no provider is registered", "a vault is there", "the key is there")))
def test_a_plan_sends_no_write_whatever_it_finds(maker: ScenarioBuilder, wish: ProfileVariant, world: World) -> None:
    """Invariant 4: not for a provider that is not registered either, which the SDKs register by themselves."""
    profile = maker.make(wish, world)
    client = maker.client()
    began = client.moment

    client.plan(profile)

    assert [] == client.writes_since(began)


@given(wish=WISHES, world=MENDABLE_WORLDS)
@settings(SAMPLED, max_examples=8)
def test_after_apply_there_is_nothing_left_to_do(maker: ScenarioBuilder, wish: ProfileVariant, world: World) -> None:
    """Invariants 1 and 2: every change is a no-op with a reason, and a second apply sends no write."""
    profile = maker.make(wish, world)
    client = maker.client()
    first = client.plan(profile)
    assume(not first.errored)
    try:
        client.apply(profile, first)
    except RefusedError:  # what was waited for, or not to be seen yet, turned out otherwise: the next plan shows how
        again = client.plan(profile)
        assume(not again.errored)
        client.apply(profile, again)
    began = client.moment

    second = client.plan(profile)
    client.apply(profile)

    assert [Action.NO_OP] * len(second.changes) == [each.action for each in second.changes]
    assert [] == [each.title for each in second.changes if not each.reason]
    assert [] == [sent(each) for each in client.writes_since(began)]


@given(wish=WISHES, world=MENDABLE_WORLDS)
@settings(SAMPLED, max_examples=8)
@example(ProfileVariant(), World("new", ("others have policies", "the policy is partial")))
def test_apply_sends_what_the_plan_showed_body_for_body(
    maker: ScenarioBuilder, wish: ProfileVariant, world: World
) -> None:
    """Invariant 5: method, host, path, api-version, body. Only what had become right meanwhile may be missing."""
    profile = maker.make(wish, world)
    client = maker.client()
    plan = client.plan(profile)
    assume(not plan.errored)
    began = client.moment

    try:
        result = client.apply(profile, plan)
    except RefusedError:  # what was waited for, or not to be seen yet, turned out otherwise
        reject()

    due = {shown(each.request, plan, result): each for each in plan.changes if each.request}
    written = [sent(each) for each in client.writes_since(began)]
    assert sorted(set(written)) == sorted(written)
    assert [] == [each for each in written if each not in due]
    # Registering Microsoft.DocumentDB brings the principal; one that returns with its object id still has its access.
    spared = {change.title for key, change in due.items() if key not in written}
    returning = {"service principal Azure Cosmos DB", "key access for Azure Cosmos DB"}
    assert spared <= (
        returning if "the service principal is gone" in world.done else {"service principal Azure Cosmos DB"}
    )
    assert [] == [each for each in result.changes if each.request and [*unknowns(each.request.body)]]


@given(wish=WISHES, world=WORLDS)
@settings(SAMPLED, max_examples=8)
@example(ProfileVariant(allow_purge_protection=True), World("new", ("a vault without purge protection is there",)))
@example(
    ProfileVariant(allow_purge_protection=True),
    World("new", ("others have policies", "a vault without purge protection is there", "others have policies")),
)
@example(ProfileVariant(), World("finished", ("others have policies", "the policy is partial")))
@example(ProfileVariant(elsewhere=True), World("new", ("others have policies",)))
def test_nothing_that_is_sent_weakens_protection(maker: ScenarioBuilder, wish: ProfileVariant, world: World) -> None:
    """Invariant 6: no protection is taken away, nothing deleted or purged, no other principal's access touched."""
    profile = maker.make(wish, world)
    client = maker.client()
    before = {name: policies_of_others(each) for name, each in vaults(maker).items()}
    protected = {name for name, each in vaults(maker).items() if each.get("enablePurgeProtection")}
    plan = client.plan(profile)
    began = client.moment
    with suppress(RefusedError):  # also later, when what was waited for turns out to be in conflict
        client.apply(profile, plan)

    written = client.writes_since(began)

    after = vaults(maker)
    managed = [key for key, row in maker.running.state.tenant.data["groups"].items() if row["doc"].get("managedBy")]
    sent = [pair for each in written for pair in inside(each.body)]
    assert [] == [each.path for each in written if each.method == "DELETE" or "purge" in each.path.lower()]
    assert [] == [pair for pair in sent if pair in (("enablePurgeProtection", False), ("enableSoftDelete", False))]
    assert [] == [pair for pair in sent if pair[0] == "createMode"]
    assert [] == [each.path for each in written if each.method == "PUT" and each.path.lower() in before]
    assert [] == [each.path for each in written if each.path.lower().endswith(("/replace", "/remove"))]
    assert [] == [each.path for each in written if any(each.path.lower().startswith(group) for group in managed)]
    assert before == {name: policies_of_others(after[name]) for name in before}
    assert protected <= {name for name, each in after.items() if each.get("enablePurgeProtection")}


@given(wish=WISHES, world=WORLDS)
@settings(SAMPLED, max_examples=25)
@example(ProfileVariant(), World("finished", ("the workspace has another impact",)))
@example(ProfileVariant(), World("finished", ("the workspace is not encrypted",)))
@example(ProfileVariant(), World("finished", ("the workspace has failed",)))
@example(ProfileVariant(), World("new", ("the vault is soft-deleted",)))
@example(ProfileVariant(), World("new", ("a vault without purge protection is there",)))
@example(ProfileVariant(), World("new", ("the key is there", "the key is disabled")))
@example(ProfileVariant(), World("new", ("the key is there", "the key has expired")))
@example(ProfileVariant(), World("new", ("the key has 2048 bits",)))
@example(ProfileVariant(), World("new", ("the key only signs",)))
@example(ProfileVariant(), World("new", ("the key is on a curve",)))
@example(ProfileVariant(), World("new", ("the storage account is hierarchical",)))
@example(ProfileVariant(days=90), World("new", ("a vault is there", "the vault keeps deleted things for 30 days")))
@example(ProfileVariant(authorization="rbac"), World("new", ("a vault is there",)))
@example(
    ProfileVariant(create_principal=False),
    World("new", ("every provider is registered", "the service principal is gone")),
)
def test_apply_refuses_an_errored_plan_and_sends_no_write(
    maker: ScenarioBuilder, wish: ProfileVariant, world: World
) -> None:
    """A conflict is reported with ways out; apply then refuses (exit code 3) before it has written anything."""
    profile = maker.make(wish, world)
    client = maker.client()
    plan = client.plan(profile)
    if not plan.errored:
        return
    began = client.moment

    with pytest.raises(RefusedError) as refused:
        client.apply(profile, plan)

    conflicts = [each for each in plan.changes if each.action is Action.CONFLICT]
    assert [] == client.writes_since(began)
    assert [] == [each.title for each in conflicts if not (each.ways_out and each.code)]
    assert {each.code for each in conflicts} <= {each.code for each in refused.value.diagnostics}


CONFLICTS = {
    "the vault is soft-deleted": ("new", "CMK205"),
    "a vault without purge protection is there": ("new", "CMK210"),
    "the key has 2048 bits": ("new", "CMK222"),
    "the key only signs": ("new", "CMK223"),
    "the key is on a curve": ("new", "CMK221"),
    "the key is disabled": ("finished", "CMK224"),
    "the key has expired": ("finished", "CMK225"),
    "the storage account is hierarchical": ("new", "CMK243"),
    "the workspace has another impact": ("finished", "CMK255"),
    "the workspace is not encrypted": ("finished", "CMK252"),
    "the workspace has failed": ("finished", "CMK251"),
    "the workspace has other storage": ("finished", "CMK258"),
    "the group is being deleted": ("finished", "CMK202"),
}


@pytest.mark.parametrize("doing", CONFLICTS)
def test_a_difference_without_a_permitted_write_is_a_conflict(maker: ScenarioBuilder, doing: str) -> None:
    """One state at a time, so that the code is the one to look up; apply refuses it with that code, and writes nothing."""
    beginning, code = CONFLICTS[doing]
    profile = maker.make(ProfileVariant(), World(beginning, (doing,)))
    client = maker.client()
    began = client.moment

    plan = client.plan(profile)
    with pytest.raises(RefusedError) as refused:
        client.apply(profile, plan)

    assert (True, []) == (code in [each.code for each in refused.value.diagnostics], client.writes_since(began))
    assert code in [each.code for each in plan.changes if each.action is Action.CONFLICT]
