"""Locate the reference data: exchanges recorded from the real Azure and the official resource types.

They are beside the checkout and not part of it. Where the data is missing, the tests that need it are skipped, all for
one reason, and the summary reports them as one line with their number (see `one_place_for_missing_data`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

REFERENCE: Final = Path(__file__).parents[3] / "shared" / "reference"
RECORDINGS: Final = REFERENCE / "recordings"
ARM_TYPES: Final = REFERENCE / "arm-types"

MISSING: Final = (
    "../shared/reference, which holds the recordings and types of the real Azure, is not beside this checkout"
)

needs_reference: Final = pytest.mark.skipif(not REFERENCE.is_dir(), reason=MISSING)


def require_reference() -> None:
    """Skip the running test where the reference data is missing."""
    if not REFERENCE.is_dir():
        pytest.skip(MISSING)


def one_place_for_missing_data(report: pytest.TestReport) -> None:
    """Report every skip for want of reference data from one place: pytest folds such skips into one line."""
    if report.skipped and isinstance(report.longrepr, tuple) and "../shared/reference" in report.longrepr[2]:
        report.longrepr = ("tests/support/reference.py", None, f"Skipped: {MISSING}")  # type: ignore[assignment]
