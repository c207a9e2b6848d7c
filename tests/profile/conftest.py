"""Fixtures of the profile's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.profiles import Files


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Provide a folder for profiles."""
    return Files(tmp_path)
