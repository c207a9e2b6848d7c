"""Fixtures for several folders of tests, and the choice of the tests that run."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test, settings
from support.command_line import CommandLine, Rehearsal
from support.reference import one_place_for_missing_data
from support.scenarios import ScenarioBuilder, served

from cmkctl.sandbox import SUBSCRIPTION_ID, Pace, Sandbox
from cmkctl.sandbox.server import Running

HERE = Path(__file__).parent

# The duration of an example depends on the load of the machine, not on cmkctl.
settings.register_profile("cmkctl", deadline=None)
settings.load_profile("cmkctl")

SLOW_FOLDERS = frozenset(
    [
        *("answers", "clients", "contract", "invariants", "profiles", "recordings", "redaction"),
        *("reliability", "report", "sandbox", "saved_plan"),
    ]
)
"""The folders whose tests start a sandbox, another program or a process of their own, nearly all of them."""

SLOW_FIXTURES = frozenset(("azure", "cmkctl", "rehearse"))
"""Fixtures that start a sandbox or the command line as a process."""

SAMPLED = frozenset(("test_mutants.py", "test_saved_plan_resume.py", "test_saved_plan_differences.py"))
"""Files with large tables of slow cases of one kind. Every second case is run, so that all tests end within twenty minutes."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return the number of processes for ``-n auto``: two for each processor, since most slow tests wait for a process."""
    return 2 * (os.cpu_count() or 1)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave whole slow folders out of the quick loop: their imports alone would take most of its time."""
    quick = config.option.markexpr == "not slow"
    return True if quick and collection_path.parent == HERE and collection_path.name in SLOW_FOLDERS else None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--all``."""
    parser.addoption("--all", action="store_true", help="run all cases of SAMPLED, and start Python for each command")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark as slow what starts a sandbox or a process, and every property test; leave out the second half of large tables."""
    for item in items:
        if _is_slow(item):
            item.add_marker("slow")
    left_out = [] if config.getoption("--all") else list(_left_out(items))
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [each for each in items if each not in set(left_out)]


def _left_out(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Yield every second case of a table, which `--all` runs as well; the scheduled workflow does."""
    seen: dict[str, int] = {}
    for item in items:
        if not isinstance(item, pytest.Function) or item.path.name not in SAMPLED or "[" not in item.name:
            continue
        name = item.nodeid.partition("[")[0]
        seen[name] = seen.get(name, 0) + 1
        if seen[name] % 2 == 0:
            yield item


def _is_slow(item: pytest.Item) -> bool:
    if SLOW_FOLDERS.intersection(item.path.relative_to(HERE).parts[:1]):
        return True
    return isinstance(item, pytest.Function) and (
        not SLOW_FIXTURES.isdisjoint(item.fixturenames) or is_hypothesis_test(item.function)
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fold the tests whose data is not beside the checkout into one line of the summary."""
    report = yield
    one_place_for_missing_data(report)
    return report


@pytest.fixture(scope="session")
def profiles() -> Path:
    """Provide the folder of example profiles."""
    return Path(__file__).parents[1] / "profiles"


@pytest.fixture(scope="module")
def builder() -> Iterator[ScenarioBuilder]:
    """Provide one sandbox for a module, in memory and done with everything at once, and the environment that leads to it."""
    with served() as made:
        yield made


@pytest.fixture
def cmkctl(tmp_path: Path, forks: bool) -> CommandLine:
    """`cmkctl`, in an empty folder, with nothing in its environment."""
    return CommandLine(tmp_path, {}, forks)


@pytest.fixture(scope="session")
def forks(pytestconfig: pytest.Config) -> bool:
    """Provide True for commands forked from a warm interpreter; with `--all`, Python starts for each."""
    return not pytestconfig.getoption("--all")


@pytest.fixture
def rehearse(tmp_path: Path, forks: bool) -> Iterator[Callable[..., Rehearsal]]:
    """Start a sandbox over a state file and return the command line that finds it there."""
    started: list[Running] = []

    def start(pace: Pace | None = None, faults: tuple[str, ...] = ()) -> Rehearsal:
        state = tmp_path / "azure" / "sandbox.json"
        running = Sandbox(state, pace or Pace.none(), faults).serve()
        started.append(running)
        command = CommandLine(tmp_path, {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID}, forks)
        return Rehearsal(command, running, state)

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def azure(rehearse: Callable[..., Rehearsal]) -> Rehearsal:
    """Provide an instant sandbox."""
    return rehearse()
