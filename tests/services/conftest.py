"""A sandbox with a vault and a key, for the tests of every service."""

from pathlib import Path
from typing import Any

import pytest
from support.services import Services


@pytest.fixture
def services(azure: Any, tmp_path: Path) -> Services:
    """Return a vault with access policies."""
    return Services(azure, tmp_path)


@pytest.fixture
def services_with_roles(azure: Any, tmp_path: Path) -> Services:
    """Return a vault with roles."""
    return Services(azure, tmp_path, rbac=True)
