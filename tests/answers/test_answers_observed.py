"""A tape and a log only observe: an unreadable response is handled as without them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.corrupted_responses import Both, Cut, Header, Network, Spoiler, Spoilt
from support.scenarios import Client, ProfileVariant, ScenarioBuilder, World

from cmkctl.azure.redaction import Redactor
from cmkctl.azure.tape import RecordingTransport, TapeWriter
from cmkctl.azure.traffic import ObservedExchange, ObservedTransport
from cmkctl.cli.debug import lines_of
from cmkctl.clock import SystemClock
from cmkctl.plan import Action

Observe = Callable[[Any], Any]


@pytest.fixture(params=["a tape", "a log"])
def observed(request: pytest.FixtureRequest, tmp_path: Path) -> Observe:
    """Wrap a transport with an observer."""
    if request.param == "a tape":
        return lambda inner: RecordingTransport(inner, TapeWriter(tmp_path / "t.json", cloud="AzureCloud"))

    def log(exchange: ObservedExchange) -> None:
        assert [*lines_of(exchange, Redactor())]

    return lambda inner: ObservedTransport(inner, SystemClock(), log)


@pytest.mark.parametrize(
    "how",
    [
        Header("Content-Encoding", "gzip"),
        Header("Content-Length", "many"),
        Both(Cut(50), Header("Content-Length", "9999")),
    ],
    ids=["not as declared", "no number", "broken off"],
)
def test_a_request_with_an_unreadable_response_is_sent_again(
    maker: ScenarioBuilder, network: Network, observed: Observe, how: Spoiler
) -> None:
    """The plan is made, as it is without a tape and a log."""
    profile = maker.make(ProfileVariant(), World("finished"))
    group = ("GET", f"https://management.azure.com{profile.resource_group_id}".lower())
    network.spoil([group], Spoilt(0, 1, 1, how))

    plan = Client(maker.running, lambda: observed(network.transport())).plan(profile)

    assert {Action.NO_OP} == {each.action for each in plan.changes}
    assert 1 < network.requested.count(group)
