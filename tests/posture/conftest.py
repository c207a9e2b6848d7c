"""A profile beside a vault and a key, for the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.services import Services


@pytest.fixture
def services(azure: Any, tmp_path: Path) -> Services:
    """Provide a sandbox with a vault and a key, and a profile."""
    return Services(azure, tmp_path)
