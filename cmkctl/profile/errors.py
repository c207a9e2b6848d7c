"""The diagnostics of a profile."""

from __future__ import annotations

from cmkctl import codes
from cmkctl.diagnostics import Diagnostic, Location


def problem(code: str, detail: str, remedy: str, location: Location, subject: str = "") -> Diagnostic:
    """Return an error in a profile, with its place."""
    return codes.declared(code).error(detail, remedy, subject=subject, location=location)


def caution(code: str, detail: str, remedy: str, location: Location, subject: str = "") -> Diagnostic:
    """Return a warning about a valid profile, with its place."""
    return codes.declared(code).warning(detail, remedy, subject=subject, location=location)
