"""How deep a plan is: reads that do not depend on each other go out together."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from azure.core.pipeline.transport import HttpTransport
from support.scenarios import InterceptingTransport, ProfileVariant, ScenarioBuilder, World

DEEPEST = 4
TRIES = 4
LATENCY = 0.25
"""Seconds that every request takes here: far more than anything else does between two of them."""


class SlowTransport(InterceptingTransport):
    """A transport to a service that is far away, which notes when each request began and ended."""

    def __init__(self, inner: HttpTransport[Any, Any]) -> None:
        super().__init__(inner)
        self.requests: list[tuple[float, float]] = []
        self._began: dict[int, float] = {}

    def before(self, _request: Any) -> None:
        """Travel."""
        self._began[threading.get_ident()] = time.monotonic()
        time.sleep(LATENCY)

    def after(self, _request: Any) -> None:
        """Arrive."""
        self.requests.append((time.monotonic(), self._began[threading.get_ident()]))

    @property
    def depth(self) -> int:
        """How many requests at most each began when the one before had ended."""
        depth, free = 0, 0.0
        for ended, began in sorted(self.requests):
            if began >= free:
                depth, free = depth + 1, ended
        return depth


@pytest.mark.parametrize(
    ("wish", "beginning"),
    [
        (ProfileVariant(), "finished"),
        (ProfileVariant(authorization="rbac"), "finished"),
        (ProfileVariant(authorization="rbac", user_identity=True, registry=True), "finished"),
        (ProfileVariant(), "new"),
    ],
    ids=["access policies", "roles", "user-assigned identity", "new"],
)
def test_a_plan_is_at_most_four_round_trips_deep(maker: ScenarioBuilder, wish: ProfileVariant, beginning: str) -> None:
    """With the sign-in, which is the first two of them: where to ask for a token, and the token.

    Requests that overlap do not depend on each other, so one shallow plan is proof; a busy machine may need another try.
    """
    profile = maker.make(wish, World(beginning))

    depths: list[int] = []
    while not depths or (min(depths) > DEEPEST and len(depths) < TRIES):
        distant: list[SlowTransport] = []

        def between(inner: HttpTransport[Any, Any], made: list[SlowTransport] = distant) -> SlowTransport:
            made.append(SlowTransport(inner))
            return made[0]

        maker.client(between).plan(profile)
        depths.append(distant[0].depth)

    assert min(depths) <= DEEPEST, depths
