"""A tape and a log only listen: what cannot be read is dealt with as without them."""

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

Listen = Callable[[Any], Any]


@pytest.fixture(params=["a tape", "a log"])
def listen(request: pytest.FixtureRequest, tmp_path: Path) -> Listen:
    """Wrap a transport with a listener."""
    if request.param == "a tape":
        return lambda inner: RecordingTransport(inner, TapeWriter(tmp_path / "t.json", cloud="AzureCloud"))

    def listen(exchange: ObservedExchange) -> None:
        assert [*lines_of(exchange, Redactor())]

    return lambda inner: ObservedTransport(inner, SystemClock(), listen)


@pytest.mark.parametrize(
    "how",
    [
        Header("Content-Encoding", "gzip"),
        Header("Content-Length", "many"),
        Both(Cut(50), Header("Content-Length", "9999")),
    ],
    ids=["not what it says", "no number", "broken off"],
)
def test_an_answer_that_cannot_be_read_is_asked_for_again(
    maker: ScenarioBuilder, network: Network, listen: Listen, how: Spoiler
) -> None:
    """The plan is made, as it is when nobody listens."""
    profile = maker.make(ProfileVariant(), World("finished"))
    group = ("GET", f"https://management.azure.com{profile.resource_group_id}".lower())
    network.spoil([group], Spoilt(0, 1, 1, how))

    plan = Client(maker.running, lambda: listen(network.transport())).plan(profile)

    assert {Action.NO_OP} == {each.action for each in plan.changes}
    assert 1 < network.asked.count(group)
