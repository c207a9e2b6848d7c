"""``cmkctl explain``."""

from __future__ import annotations

import difflib
import sys
from typing import Annotated

import typer

from cmkctl.checks import CODES, explanation
from cmkctl.cli.exits import DONE, USAGE


def command(code: Annotated[str, typer.Argument(metavar="CODE", help="A diagnostic code, such as CMK210.")]) -> int:
    """Explain a diagnostic code: what it means, why it matters, what to do."""
    entry = CODES.get(code.upper())
    if entry is None:
        like = difflib.get_close_matches(code.upper(), CODES, n=len(CODES))
        # Codes that begin alike are about the same thing.
        near = sorted(like, key=lambda each: each[:5] != code.upper()[:5])[:3]
        sys.stderr.write(
            f"error: there is no code {code}.\n  → did you mean {', '.join(near) or 'CMK001 to CMK901'}?\n"
        )
        return USAGE
    sys.stdout.write(explanation(entry))
    return DONE
