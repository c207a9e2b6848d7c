"""``cmkctl version``."""

from __future__ import annotations

import sys

from cmkctl import __version__


def command() -> int:
    """Print the version."""
    sys.stdout.write(f"cmkctl {__version__}\n")
    return 0
