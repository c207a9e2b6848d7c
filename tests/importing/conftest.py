"""The sandbox of the tests of imports."""

import pytest
from support.scenarios import ScenarioBuilder


@pytest.fixture(scope="module")
def maker(builder: ScenarioBuilder) -> ScenarioBuilder:
    """Provide a sandbox that can be set to any state, with its environment as a user sets it."""
    return builder
