"""One sandbox for a module, in memory and done with everything at once; examples that are the same on every run."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from worlds import Maker

from cmkctl.sandbox import Pace, Sandbox

settings.register_profile(
    "invariants",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
INVARIANTS = settings.get_profile("invariants")


@pytest.fixture(scope="module")
def maker() -> Iterator[Maker]:
    """A sandbox that can be put into any world; the environment is the sandbox's, as a user sets it."""
    with Sandbox(None, Pace.none()).serve() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        yield Maker(running)
