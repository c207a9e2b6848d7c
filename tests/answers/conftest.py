"""What the tests of unreadable answers share with the invariants: the worlds, and a sandbox that can be put into them."""

import pytest
from support.corrupted_responses import Network
from support.scenarios import ScenarioBuilder


@pytest.fixture(scope="module", autouse=True)
def maker(builder: ScenarioBuilder) -> ScenarioBuilder:
    """Provide a sandbox that can be set to any state, with its environment as a user sets it."""
    return builder


@pytest.fixture(scope="module")
def network() -> Network:
    """Provide a network whose responses can be corrupted."""
    return Network()
