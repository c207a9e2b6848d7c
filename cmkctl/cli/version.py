"""``cmkctl version``."""

from __future__ import annotations

import platform
import sys

from cmkctl import __version__


def command() -> int:
    """Print the version of cmkctl, of Python and of the platform."""
    sys.stdout.write(
        f"cmkctl {__version__} (Python {platform.python_version()}, {sys.platform} {platform.machine()})\n"
    )
    return 0
