"""A quickstart profile beside the file that its plan is saved to."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from saved_plan_support import Bench


@pytest.fixture
def bench(azure: Any, profiles: Path, tmp_path: Path) -> Bench:
    """A sandbox that is done with everything at once, and nothing in it yet."""
    return Bench(azure, Path(shutil.copy(profiles / "quickstart.yaml", tmp_path / "mine.yaml")), tmp_path / "plan.json")
