"""One sandbox and one warm interpreter for the sampled matrices."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from matrix import Worker, worker


@pytest.fixture(scope="module")
def site() -> Iterator[Worker]:
    """Provide the ground of one process of the matrix; restores the environment afterwards."""
    before = dict(os.environ)
    with ExitStack() as stack:
        yield worker(stack)
    os.environ.clear()
    os.environ.update(before)
