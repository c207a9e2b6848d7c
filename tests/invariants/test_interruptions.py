"""Invariant 3: apply may be interrupted at any write, or lose its answer, and the next run goes on from there."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from azure.core.pipeline.transport import HttpTransport
from support.scenarios import ProfileVariant, ScenarioBuilder, Stops, World, done_twice

from cmkctl.clock import Interrupted
from cmkctl.plan import Action
from cmkctl.sandbox import Pace

WRITES = 15
"""How many writes set up a workspace in a new subscription."""


def stopping(transport: HttpTransport[Any, Any], at: int, *, sent: bool) -> Stops:
    """Return a transport that is interrupted at its nth write."""
    return Stops(transport, lambda _request, writes: writes == at, sent=sent)


@pytest.mark.parametrize("sent", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, WRITES, 2))
def test_an_interrupted_apply_goes_on_and_makes_nothing_twice(maker: ScenarioBuilder, at: int, sent: bool) -> None:
    """Stopped before or after its nth write was sent, while long operations are going on; then run once more."""
    profile = maker.make(ProfileVariant(authorization="rbac" if at % 4 == 1 else None), World())
    maker.running.state.tenant.pace = Pace.reads(2)
    began = maker.client().moment
    try:
        with pytest.raises(Interrupted):
            maker.client(partial(stopping, at=at, sent=sent)).apply(profile)

        result = maker.client().apply(profile)
    finally:
        maker.running.state.tenant.pace = Pace.none()

    assert {Action.NO_OP} == {each.action for each in result.changes}
    assert [] == done_twice(maker.client().writes_since(began))


@pytest.mark.parametrize(
    "path",
    [
        "*/microsoft.search/register",
        "*/resourcegroups/rg-ml",
        "*/vaults/kv-cmk",
        "*/keys/*",
        "*/accesspolicies/add",
        "*/storageaccounts/*",
        "*/components/*",
        "*/workspaces/mlw",
    ],
)
def test_a_write_whose_answer_is_lost_is_looked_at_and_not_sent_again(maker: ScenarioBuilder, path: str) -> None:
    """The connection closes after Azure has carried the write out; the same run ends well."""
    profile = maker.make(ProfileVariant(), World())
    maker.running.state.add_fault(f"reset-after-write@{path}")
    began = maker.client().moment
    try:
        result = maker.client().apply(profile)
    finally:
        maker.running.state.clear_faults()

    assert {Action.NO_OP} == {each.action for each in result.changes}
    assert [] == done_twice(maker.client().writes_since(began))


@pytest.mark.parametrize("fault", ["throttle-seconds:2", "throttle-date:2", "unavailable-once", "slow-grant"])
def test_a_fault_that_passes_is_waited_for(maker: ScenarioBuilder, fault: str) -> None:
    """Throttled, unavailable, or a grant that takes effect later: apply ends well, and nothing is made twice."""
    profile = maker.make(ProfileVariant(), World())
    maker.running.state.add_fault(fault)
    began = maker.client().moment
    try:
        result = maker.client().apply(profile)
    finally:
        maker.running.state.clear_faults()

    assert {Action.NO_OP} == {each.action for each in result.changes}
    assert [] == done_twice(maker.client().writes_since(began))
