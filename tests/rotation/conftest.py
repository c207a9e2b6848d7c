"""One key pair for all versions: no test of this folder looks at one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.rotation import one_key_pair


@pytest.fixture(scope="module", autouse=True)
def key_pairs() -> Iterator[None]:
    """Make one key pair only."""
    with one_key_pair():
        yield
