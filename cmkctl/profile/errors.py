"""The diagnostics of a profile. Each code has one summary, which is defined here."""

from __future__ import annotations

from cmkctl.diagnostics import Diagnostic, Location, Severity

SUMMARIES = {
    "CMK001": "Cannot read the file",
    "CMK002": "Invalid YAML",
    "CMK003": "Unknown field",
    "CMK004": "Invalid value",
    "CMK005": "Missing required field",
    "CMK006": "Environment variable not set",
    "CMK007": "Cannot follow extends",
    "CMK008": "Invalid command line",
    "CMK009": "Conflicting fields",
    "CMK011": "Unknown region",
    "CMK012": "A secret would be stored in clear text",
}


def problem(code: str, detail: str, remedy: str, location: Location, subject: str = "") -> Diagnostic:
    """Return an error in a profile, with its place."""
    return Diagnostic(code, Severity.ERROR, SUMMARIES[code], detail, remedy, subject, location)


def caution(code: str, detail: str, remedy: str, location: Location, subject: str = "") -> Diagnostic:
    """Return a warning about a valid profile, with its place."""
    return Diagnostic(code, Severity.WARNING, SUMMARIES[code], detail, remedy, subject, location)
