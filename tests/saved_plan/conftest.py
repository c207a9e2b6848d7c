"""A quickstart profile, and the file to which its plan is saved."""

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.command_line import CommandLine
from support.saved_plan import Bench

from cmkctl.sandbox import SUBSCRIPTION_ID, Pace, Sandbox


@pytest.fixture
def bench(azure: Any, profiles: Path, tmp_path: Path) -> Bench:
    """Provide an empty sandbox without delays, and no plan."""
    return Bench(azure, Path(shutil.copy(profiles / "quickstart.yaml", tmp_path / "mine.yaml")), tmp_path / "plan.json")


@pytest.fixture
def approved(bench: Bench, saved: str) -> Bench:
    """Provide an empty sandbox with a plan that was made on another machine."""
    bench.file.write_text(saved, encoding="utf-8")
    return bench


@pytest.fixture
def built(bench: Bench, applied: dict[str, Any]) -> Bench:
    """Provide a sandbox in which the quickstart profile was applied before the test, and no plan."""
    tenant = bench.azure.running.state.tenant
    with tenant.lock:
        tenant.data = copy.deepcopy(applied)
        tenant.changed()
    return bench


@pytest.fixture(scope="session")
def applied(profiles: Path, tmp_path_factory: pytest.TempPathFactory, forks: bool) -> dict[str, Any]:
    """Provide what a sandbox holds after one apply of the quickstart profile, for every test that begins with it."""
    folder = tmp_path_factory.mktemp("applied")
    state = folder / "azure" / "sandbox.json"
    running = Sandbox(state, Pace.none()).serve()
    try:
        assert (
            0 == _in(folder, forks)("apply", profiles / "quickstart.yaml", "--yes", "--sandbox", "--state", state).code
        )
        return copy.deepcopy(running.state.tenant.data)
    finally:
        running.stop()


@pytest.fixture(scope="session")
def saved(profiles: Path, tmp_path_factory: pytest.TempPathFactory, forks: bool) -> str:
    """Provide the text of a saved plan."""
    folder = tmp_path_factory.mktemp("saved")
    plan = folder / "plan.json"
    arguments = ("plan", profiles / "quickstart.yaml", "--sandbox", "--state", folder / "s.json", "--out", plan)
    assert 0 == _in(folder, forks)(*arguments).code
    return plan.read_text(encoding="utf-8")


def _in(folder: Path, forks: bool) -> CommandLine:
    """Return the command line in a folder, with the sandbox's subscription in its environment."""
    return CommandLine(folder, {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID}, forks)
