"""The diagnostics of a profile."""

from __future__ import annotations

from cmkctl import codes
from cmkctl.diagnostics import Diagnostic, Location


def problem(code: str, detail: str, remedy: str, location: Location, subject: str = "") -> Diagnostic:
    """A problem of a profile: always an error, always with its place."""
    return codes.declared(code).error(detail, remedy, subject=subject, location=location)
