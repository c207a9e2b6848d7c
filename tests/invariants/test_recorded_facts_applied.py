"""What Azure was recorded doing, in the middle of a whole apply: it ends well, and nothing that was done is sent again."""

from __future__ import annotations

import pytest
from support.scenarios import ProfileVariant, ScenarioBuilder, World, done_twice

from cmkctl.plan import Action
from cmkctl.sandbox import Pace


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (4, "poll-html-500:3"),
        (8, "token-expired"),
        (20, "error-500@PUT:vaults/kv-cmk"),
        (22, "timeout-after-write@PUT:vaults/kv-cmk"),
        (22, "error-504@PUT:vaults/kv-cmk"),
        (32, "slow-principal"),
        (36, "throttle-text:2@PUT:vaults"),
        (36, "throttle-capital:2@PUT:storageaccounts"),
        (36, "throttle-retryable:2@PUT:workspaces"),
    ],
)
def test_a_recorded_trouble_is_come_through(maker: ScenarioBuilder, number: int, fault: str) -> None:
    """In the same run, for a vault with roles and an identity of its own."""
    profile = maker.make(ProfileVariant(authorization="rbac"), World())
    maker.running.state.tenant.pace = Pace.reads(2)
    maker.running.state.add_fault(fault)
    client = maker.client()
    began = client.moment
    try:
        result = client.apply(profile)
    finally:
        maker.running.state.clear_faults()
        maker.running.state.tenant.pace = Pace.none()

    assert {Action.NO_OP} == {each.action for each in result.changes}, number
    assert [] == done_twice(client.writes_since(began))
