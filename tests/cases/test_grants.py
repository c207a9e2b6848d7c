"""Role assignments of a profile (``grants``), against the sandbox: made, adopted, compared, and left alone."""

from __future__ import annotations

from typing import Any

import pytest
from support.scenarios import ProfileVariant, ScenarioBuilder, World

from cmkctl.plan import Action
from cmkctl.profile.model import Profile
from cmkctl.sandbox.core import ids

pytestmark = pytest.mark.slow

PERSON = "3f2b8c1e-0d4a-4c7b-9e65-1a2b3c4d5e6f"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ELSEWHERE = ids.guid("role", "Elsewhere")
BLOB_DATA = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"


def with_grants(profile: Profile, *grants: dict[str, Any]) -> Profile:
    """Return the profile with these grants."""
    return Profile.model_validate({**profile.model_dump(exclude_defaults=True), "grants": list(grants)})


def planned(builder: ScenarioBuilder, profile: Profile) -> list[tuple[Action, str]]:
    """Return the actions on role assignments, each with its reason or code."""
    changes = builder.client().plan(profile).of("role_assignments")
    return [(each.action, each.code or each.reason) for each in changes]


def test_grants_of_a_new_workspace_are_made_after_it_and_then_found(builder: ScenarioBuilder) -> None:
    """The workspace's identity is unknown until the workspace exists; the second plan finds every assignment."""
    new = builder.make(ProfileVariant(), World("new"))
    own = builder.running.state.add_role("Sampler", actions=["Microsoft.Storage/storageAccounts/read"])
    profile = with_grants(
        new,
        {"principal": "workspace", "role": "storage blob data contributor", "scope": "storage_account"},
        {"principal": "workspace", "role": own, "scope": "resource_group"},
        {"principal": PERSON, "principal_type": "User", "role": READER.upper(), "scope": "workspace"},
    )

    after = builder.client().apply(profile)

    assert [] == list(after.pending)
    assert [(Action.NO_OP, "up to date: assigned at this scope")] * 3 == planned(builder, profile)


def test_an_equal_assignment_of_others_is_adopted_and_further_ones_stay(builder: ScenarioBuilder) -> None:
    """Whatever its name; an assignment that the profile does not list is not touched."""
    profile = builder.make(ProfileVariant(), World("finished"))
    state = builder.running.state
    state.assign_role(profile.workspace.resource_id.upper(), PERSON, READER)
    further = state.assign_role(profile.workspace.resource_id, PERSON, BLOB_DATA)
    wanted = with_grants(profile, {"principal": PERSON, "role": READER, "scope": "workspace"})

    found = planned(builder, wanted)
    builder.client().apply(wanted)

    assert [(Action.NO_OP, "up to date: assigned at this scope")] == found
    assert further.lower() in state.tenant.table("assignments")


def test_a_condition_is_brought_in_line_and_kept_when_left_out(builder: ScenarioBuilder) -> None:
    """A condition narrows a role: cmkctl sets the profile's, and never takes one away."""
    profile = builder.make(ProfileVariant(), World("finished"))
    grant = {"principal": PERSON, "principal_type": "User", "role": BLOB_DATA, "scope": "storage_account"}
    narrowed = with_grants(profile, {**grant, "condition": "@Resource[a] StringEquals 'b'"})
    builder.client().apply(with_grants(profile, grant))

    before = planned(builder, narrowed)
    builder.client().apply(narrowed)

    assert [(Action.UPDATE, "differs in condition")] == before
    assert [(Action.NO_OP, "up to date: assigned at this scope, with a condition")] == planned(
        builder, with_grants(profile, grant)
    )


@pytest.mark.parametrize(
    ("grant", "code"),
    [
        ({"principal": "workspace", "role": "No such role"}, "CMK248"),
        ({"principal": "workspace", "role": "11111111-2222-4333-8444-555555555555"}, "CMK248"),
        ({"principal": "workspace", "role": ELSEWHERE}, "CMK248"),
        ({"application_id": "11111111-2222-4333-8444-555555555555", "role": READER}, "CMK232"),
    ],
)
def test_a_grant_that_azure_would_refuse_is_known_before_the_first_write(
    builder: ScenarioBuilder, grant: dict[str, str], code: str
) -> None:
    """An unknown role, a custom role for other scopes and an unknown application stop the plan, and no vault is made."""
    new = builder.make(ProfileVariant(), World("new"))
    builder.running.state.add_role("Elsewhere", scopes=[f"{new.resource_group_id}-2"])
    profile = with_grants(new, {**grant, "scope": "storage_account"})

    plan = builder.client().plan(profile)

    assert plan.errored
    assert [code] == [each.code for each in plan.of("role_assignments")]


def test_the_assignment_of_a_workspace_before_is_known_before_the_workspace_is_made(builder: ScenarioBuilder) -> None:
    """A workspace that is deleted and made again has a new identity, and Azure does not move an assignment to it."""
    new = builder.make(ProfileVariant(), World("new"))
    profile = with_grants(new, {"principal": "workspace", "role": READER, "scope": "resource_group"})
    state = builder.running.state
    (change,) = builder.client().plan(profile).of("role_assignments")
    state.assign_role(profile.resource_group_id, PERSON, READER)
    assignments = state.tenant.table("assignments")
    old = next(key for key, row in assignments.items() if row["doc"]["properties"]["principalId"] == PERSON)
    assignments[change.resource_id.lower()] = assignments.pop(old)

    (found,) = builder.client().plan(profile).of("role_assignments")

    assert ("CMK249", True) == (found.code, change.resource_id in found.ways_out[0])
