"""How deep a plan is: reads that do not depend on each other go out together."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.pipeline.transport import HttpTransport
from support.round_trips import RoundTrips
from support.scenarios import ProfileVariant, ScenarioBuilder, World

from cmkctl.profile.model import Profile

DEEPEST = 5
DEEPEST_WITH_EVERY_RULE = 6


@pytest.mark.parametrize(
    ("wish", "beginning"),
    [
        (ProfileVariant(), "finished"),
        (ProfileVariant(authorization="rbac"), "finished"),
        (ProfileVariant(authorization="rbac", user_identity=True, registry=True), "finished"),
    ],
    ids=["access policies", "roles", "user-assigned identity"],
)
def test_a_plan_is_at_most_five_round_trips_deep(maker: ScenarioBuilder, wish: ProfileVariant, beginning: str) -> None:
    """The first two are the sign-in: the discovery of the token endpoint, and the token. The last reads depend on the writes."""
    profile = maker.make(wish, World(beginning))

    assert 2 < depth(maker, profile) <= DEEPEST


@pytest.mark.parametrize("registered", [False, True], ids=["new subscription", "registered"])
def test_a_plan_with_every_rule_is_at_most_six_round_trips_deep(maker: ScenarioBuilder, registered: bool) -> None:
    """A plan that creates everything reads names, regions and quotas as well; a name that is taken needs one more."""
    profile = maker.make(ProfileVariant(authorization="rbac", user_identity=True, registry=True), World("new"))
    if registered:
        maker.running.state.register_provider()
    maker.running.state.add_vault(profile.key_vault.resource_name, "rg-others")

    assert 2 < depth(maker, profile) <= DEEPEST_WITH_EVERY_RULE


def depth(maker: ScenarioBuilder, profile: Profile) -> int:
    """Return the round trips of a plan."""
    made: list[RoundTrips] = []

    def between(inner: HttpTransport[Any, Any]) -> RoundTrips:
        made.append(RoundTrips(inner))
        return made[0]

    maker.client(between).plan(profile)
    return made[0].depth
