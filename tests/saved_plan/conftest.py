"""A quickstart profile, and the file to which its plan is saved."""

import copy
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
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
def applied(profiles: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Provide what a sandbox holds after one apply of the quickstart profile, for every test that begins with it."""
    folder = tmp_path_factory.mktemp("applied")
    state = folder / "azure" / "sandbox.json"
    running = Sandbox(state, Pace.none()).serve()
    try:
        _run(folder, "apply", profiles / "quickstart.yaml", "--yes", "--sandbox", "--state", state)
        return copy.deepcopy(running.state.tenant.data)
    finally:
        running.stop()


@pytest.fixture(scope="session")
def saved(profiles: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Provide the text of a saved plan."""
    folder = tmp_path_factory.mktemp("saved")
    plan = folder / "plan.json"
    _run(folder, "plan", profiles / "quickstart.yaml", "--sandbox", "--state", folder / "s.json", "--out", plan)
    return plan.read_text(encoding="utf-8")


def _run(folder: Path, *arguments: str | Path) -> None:
    """Run a command that has to succeed, in an environment of its own."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID}
    command = [sys.executable, "-m", "cmkctl", *map(str, arguments)]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
