"""The time with which Azure's dates are compared."""

from __future__ import annotations

from datetime import timedelta

from support.scenarios import ProfileVariant, ScenarioBuilder, World

from cmkctl.azure.session import Session

DAY = 86400


def test_the_time_is_that_of_azure_where_the_clocks_differ(builder: ScenarioBuilder) -> None:
    """A sandbox whose clock was advanced dates everything later than this machine does."""
    profile = ProfileVariant().profile()
    builder.make(ProfileVariant(), World("new"))
    session: Session = builder.client().session(profile)
    before = session.now()
    builder.running.state.tenant.advance(DAY)

    session.snapshot().subscription()

    assert timedelta(days=1) - timedelta(minutes=1) < session.now() - before < timedelta(days=1, minutes=1)
    builder.running.state.tenant.data["ahead"] = 0.0
    session.snapshot().resource_group("rg-none")
    assert session.now() - before < timedelta(minutes=1)
