"""One sandbox for a module, in memory and done with everything at once."""

from collections.abc import Iterator

import pytest
from support.scenarios import ScenarioBuilder

from cmkctl.sandbox import Pace, Sandbox


@pytest.fixture(scope="module")
def maker() -> Iterator[ScenarioBuilder]:
    """Provide a sandbox that can be set to any state, with its environment as a user sets it."""
    with Sandbox(None, Pace.none()).serve() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        yield ScenarioBuilder(running)
