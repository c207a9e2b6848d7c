"""What cmkctl has to say about a problem: a value with a stable code, never a loose string.

A diagnostic is written for somebody who is stuck. Its *summary* is a fixed sentence that people learn to recognise
(no user data in it), its *detail* says what is wrong here and why it matters, its *remedy* is something to do or paste.
The catalogue of codes, with the longer explanation behind ``cmkctl explain``, is `cmkctl.checks.catalogue`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """The effect of a diagnostic: an error stops the run; a warning or a note is shown and the run goes on."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Location:
    """A place the operator wrote: a file with line and column (both counted from 1), or an option on the command line.

    `line` and `column` are None where the source has none, as with ``--set key_vault.name=kv1``. `excerpt` is the text
    of that line; it takes no part in comparisons.
    """

    source: str
    line: int | None = None
    column: int | None = None
    excerpt: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.source, self.line, self.column) if part is not None)

    def pointer(self, width: int = 80) -> tuple[str, str] | None:
        """Return the source line, cut around the column to at most `width` characters, and a caret below the column.

        Characters that a terminal would interpret are replaced by "?". None where there is no excerpt.
        """
        if self.column is None or not self.excerpt.strip():
            return None
        shown = "".join(each if each.isprintable() else " " if each == "\t" else "?" for each in self.excerpt)
        at = min(self.column - 1, len(shown))
        start = max(0, at - width // 2) if len(shown) > width else 0
        return shown[start : start + width].rstrip(), " " * (at - start) + "^"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem, said properly.

    `code` is stable and can be looked up with ``cmkctl explain CODE``; `subject` names what it is about, a profile field
    (``key_vault.name``) or a resource id; `location` is where the operator can change it, when that is known.
    """

    code: str
    severity: Severity
    summary: str
    detail: str
    remedy: str
    subject: str = ""
    location: Location | None = None


def contradictory(detail: str, remedy: str) -> Diagnostic:
    """Options that exclude each other (CMK008)."""
    return Diagnostic("CMK008", Severity.ERROR, "The command line contradicts itself", detail, remedy)


class CmkctlError(Exception):
    """A run that cannot go on, with the diagnostics that say why. Every expected failure reaches the user as one."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(f"{each.code} {each.summary}: {each.detail}" for each in diagnostics))
        self.diagnostics = diagnostics


class ProfileError(CmkctlError):
    """The command line or the profile is wrong (exit code 64)."""


class RefusedError(CmkctlError):
    """The plan has a conflict, a rule stops it, or Azure is no longer as it was shown (exit code 3)."""
