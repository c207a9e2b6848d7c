"""Locate the reference data: exchanges recorded from the real Azure and the official resource types.

They are beside the checkout and not part of it. Tests that need them carry the mark ``reference``; where the data is
missing, these tests are skipped and reported as one line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

REFERENCE: Final = Path(__file__).parents[3] / "shared" / "reference"
RECORDINGS: Final = REFERENCE / "recordings"
ARM_TYPES: Final = REFERENCE / "arm-types"
