"""The diagnostics of a profile: one function a code, so that the fixed sentences stand in one place."""

from __future__ import annotations

from cmkctl import codes
from cmkctl.diagnostics import Diagnostic, Location

SUMMARIES = {
    "CMK001": "The profile cannot be read",
    "CMK002": "The profile is not YAML that cmkctl accepts",
    "CMK003": "A field is not known",
    "CMK004": "A field has a wrong value",
    "CMK005": "A required field is missing",
    "CMK006": "An environment variable is not set",
    "CMK007": "The profile that this one extends cannot be followed",
    "CMK008": "An override on the command line is malformed",
    "CMK009": "Fields contradict each other",
}
"""The fixed sentence of each code of this room."""


def problem(code: str, detail: str, remedy: str, location: Location, subject: str = "") -> Diagnostic:
    """A problem of a profile: always an error, always with its place."""
    return codes.declared(code).error(detail, remedy, subject=subject, location=location)
