"""What the tests of unreadable answers share with the invariants: the worlds, and a sandbox that can be put into them."""

from collections.abc import Iterator

import pytest
from support.corrupted_responses import Network
from support.scenarios import ScenarioBuilder

from cmkctl.sandbox import Pace, Sandbox


@pytest.fixture(scope="module", autouse=True)
def maker() -> Iterator[ScenarioBuilder]:
    """Provide a sandbox that can be set to any state, with its environment as a user sets it."""
    with Sandbox(None, Pace.none()).serve() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        yield ScenarioBuilder(running)


@pytest.fixture(scope="module")
def network() -> Network:
    """Provide a network whose responses can be corrupted."""
    return Network()
