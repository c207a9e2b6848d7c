"""What several folders of tests use: the command line as a user runs it, and the sandbox under it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import is_hypothesis_test, settings
from support.reference import one_place_for_missing_data
from support.scenarios import ScenarioBuilder, served

from cmkctl.sandbox import SUBSCRIPTION_ID, Pace, Sandbox
from cmkctl.sandbox.server import Running

HERE = Path(__file__).parent

# How long an example takes says how busy the machine is, and nothing about cmkctl.
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

SECONDS = 60
"""How long a command may take before the test gives it up."""


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
    parser.addoption("--all", action="store_true", help="run every case of the tables in SAMPLED, not every second one")


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


@dataclass(frozen=True)
class Ran:
    """What a command left behind: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines. Raises ValueError when a line is none."""
        return [json.loads(each) for each in self.out.splitlines()]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the JSON lines of one type."""
        return [each for each in self.lines if each["type"] == kind]


@dataclass(frozen=True)
class CommandLine:
    """`cmkctl` in an environment of its own: nothing of this machine's proxies, accounts or settings is in it."""

    folder: Path
    more: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of a command."""
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        home = {"HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state")}
        return {**kept, **home, "COLUMNS": "80", "LC_ALL": "C.UTF-8", **self.more}

    def begin(self, *arguments: str | Path, **more: Any) -> subprocess.Popen[str]:
        """Start a command and do not wait for it."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen(
            [sys.executable, "-m", "cmkctl", *map(str, arguments)],
            env=self.environment,
            cwd=self.folder,
            text=True,
            encoding="utf-8",
            **pipes,
        )

    def end(self, process: subprocess.Popen[str], given: str | None = None, seconds: float = SECONDS) -> Ran:
        """Wait for a command. Whatever happens to it, a user never sees a traceback."""
        with process:
            try:
                out, err = process.communicate(given, timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert "Traceback" not in out + err, err
        return Ran(process.returncode, out, err)

    def __call__(self, *arguments: str | Path, **more: Any) -> Ran:
        """Run a command to its end."""
        return self.end(self.begin(*arguments, **more))

    def within(self, **more: str) -> CommandLine:
        """Make the same command line with more in its environment."""
        return CommandLine(self.folder, {**self.more, **more})


@dataclass(frozen=True)
class Rehearsal:
    """A command line whose ``--sandbox`` is one that runs already, at once done with everything, and open to tests."""

    command: CommandLine
    running: Running
    state: Path

    def __call__(self, *arguments: str | Path, **more: Any) -> Ran:
        """Run a command with ``--sandbox``."""
        return self.command(*arguments, "--sandbox", "--state", self.state, **more)

    def writes(self) -> list[str]:
        """Return the writes that the sandbox received, as method and path."""
        return [f"{each.method} {each.path}" for each in self.running.writes]


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
def cmkctl(tmp_path: Path) -> CommandLine:
    """`cmkctl`, in an empty folder, with nothing in its environment."""
    return CommandLine(tmp_path, {})


@pytest.fixture
def rehearse(tmp_path: Path) -> Iterator[Callable[..., Rehearsal]]:
    """Start a sandbox over a state file and return the command line that finds it there."""
    begun: list[Running] = []

    def start(pace: Pace | None = None, faults: tuple[str, ...] = ()) -> Rehearsal:
        state = tmp_path / "azure" / "sandbox.json"
        running = Sandbox(state, pace or Pace.none(), faults).serve()
        begun.append(running)
        return Rehearsal(CommandLine(tmp_path, {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID}), running, state)

    yield start
    for each in begun:
        each.stop()


@pytest.fixture
def azure(rehearse: Callable[..., Rehearsal]) -> Rehearsal:
    """Provide an instant sandbox."""
    return rehearse()
