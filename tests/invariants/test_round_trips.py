"""How deep a plan is: reads that do not depend on each other go out together."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from azure.core.pipeline.transport import HttpTransport
from support.scenarios import InterceptingTransport, ProfileVariant, ScenarioBuilder, World

from cmkctl.profile.model import Profile

DEEPEST = 5
DEEPEST_WITH_EVERY_RULE = 6
SAMPLE = 0.05
"""Seconds between two looks at the process's own processor time."""
IDLE_SAMPLES = 6
IDLE = 0.001
"""Seconds of processor time a sample; below it, every thread of the process waits for a response."""


class RoundTrips(InterceptingTransport):
    """A transport that holds requests until the process is idle, then lets all of them through: one round trip.

    A request that depends on a response cannot be among those held, so the number of rounds is the plan's depth. A busy machine
    makes a round longer; it adds none, because a thread that is late still uses processor time before it sends.
    """

    def __init__(self, inner: HttpTransport[Any, Any]) -> None:
        super().__init__(inner)
        self.depth = 0
        self._held = 0
        self._condition = threading.Condition()

    def before(self, _request: Any) -> None:
        """Wait for the end of the round."""
        with self._condition:
            self._held += 1
            current = self.depth
            if self._held == 1:
                threading.Thread(target=self._end_round, daemon=True).start()
            self._condition.wait_for(lambda: self.depth > current)

    def _end_round(self) -> None:
        idle, used = 0, time.process_time()
        while idle < IDLE_SAMPLES:
            time.sleep(SAMPLE)
            now = time.process_time()
            idle, used = (idle + 1 if now - used < IDLE else 0), now
        with self._condition:
            self._held = 0
            self.depth += 1
            self._condition.notify_all()


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
    """The first two are the sign-in: where to ask for a token, and the token. The last reads depend on the writes."""
    profile = maker.make(wish, World(beginning))

    assert 2 < depth(maker, profile) <= DEEPEST


@pytest.mark.parametrize("registered", [False, True], ids=["new subscription", "registered"])
def test_a_plan_with_every_rule_is_at_most_six_round_trips_deep(maker: ScenarioBuilder, registered: bool) -> None:
    """A plan that creates everything asks about names, regions and quotas as well; a name that is taken asks once more."""
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
