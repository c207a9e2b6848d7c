"""What goes wrong in a cloud goes wrong once: the same apply comes through, and what was made is not made again."""

from __future__ import annotations

import pytest
from support.scenarios import ProfileVariant, ScenarioBuilder, World, done_twice

from cmkctl.plan import Action
from cmkctl.sandbox import Pace


@pytest.mark.parametrize("operation", ["*/workspaceOperationsStatus/*"])
def test_a_poll_that_is_refused_for_its_expired_token_is_sent_again(maker: ScenarioBuilder, operation: str) -> None:
    """A poll is refused for its expired token, while Azure continues; it is sent again, and the same run succeeds."""
    profile = maker.make(ProfileVariant(), World())
    maker.running.state.tenant.pace = Pace.reads(2)
    maker.running.state.add_fault(f"token-expired@GET:{operation}")
    began = maker.client().moment
    try:
        result = maker.client().apply(profile)
    finally:
        maker.running.state.clear_faults()
        maker.running.state.tenant.pace = Pace.none()

    assert {Action.NO_OP} == {each.action for each in result.changes}
    assert 1 == len([each for each in maker.running.requests[began:] if each.status == 401])
    assert [] == done_twice(maker.client().writes_since(began))
