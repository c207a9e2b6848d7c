"""One sandbox for a module, in memory and done with everything at once."""

from collections.abc import Iterator

import pytest
from support.scenarios import ScenarioBuilder

from cmkctl.sandbox import Pace, Sandbox


@pytest.fixture(scope="module")
def maker() -> Iterator[ScenarioBuilder]:
    """A sandbox that can be put into any world; the environment is the sandbox's, as a user sets it."""
    with Sandbox(None, Pace.none()).serve() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        yield ScenarioBuilder(running)
