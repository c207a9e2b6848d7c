"""A quickstart profile, and the file to which its plan is saved."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.saved_plan import Bench

from cmkctl.sandbox import SUBSCRIPTION_ID


@pytest.fixture
def bench(azure: Any, profiles: Path, tmp_path: Path) -> Bench:
    """Provide an empty sandbox without delays, and no plan."""
    return Bench(azure, Path(shutil.copy(profiles / "quickstart.yaml", tmp_path / "mine.yaml")), tmp_path / "plan.json")


@pytest.fixture
def approved(bench: Bench, saved: str) -> Bench:
    """Provide an empty sandbox with a plan that was made on another machine."""
    bench.file.write_text(saved, encoding="utf-8")
    return bench


@pytest.fixture(scope="session")
def saved(profiles: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Provide the text of a saved plan."""
    folder = tmp_path_factory.mktemp("saved")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID}
    arguments = [profiles / "quickstart.yaml", "--sandbox", "--state", folder / "s.json", "--out", folder / "plan.json"]
    command = [sys.executable, "-m", "cmkctl", "plan", *map(str, arguments)]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
    return (folder / "plan.json").read_text(encoding="utf-8")
