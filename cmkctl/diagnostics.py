"""Diagnostics: one problem each, as a value with a stable code.

A `Code` is declared once, with its title, meaning and remedy. A `Diagnostic` is made from its code (``CMK302.error(…)``), so the
same code has the same title wherever it is shown. The title holds no user data; the *detail* describes this case; the *remedy*
is something to do or to paste.

The codes are declared in `cmkctl.codes`, those of the preflight rules beside their rules in `cmkctl.checks`.
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
    """A place in the operator's input: a file with line and column (both counted from 1), or an option on the command line.

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
class Code:
    """The declaration of a diagnostic code.

    `id` is ``CMKnnn``; `title` the fixed summary; `meaning` explains why it matters; `remedy` the general way out, where a
    diagnostic has a more exact one; `source` the page it rests on, empty for none. A released code keeps its meaning, and a
    retired id is never reused.
    """

    id: str
    title: str
    meaning: str
    remedy: str
    source: str = ""

    def error(self, detail: str, remedy: str = "", subject: str = "", location: Location | None = None) -> Diagnostic:
        """Return a diagnostic that stops the run. The default `remedy` is the code's own."""
        return self.diagnostic(Severity.ERROR, detail, remedy, subject, location)

    def warning(self, detail: str, remedy: str = "", subject: str = "", location: Location | None = None) -> Diagnostic:
        """Return a warning, which does not stop the run."""
        return self.diagnostic(Severity.WARNING, detail, remedy, subject, location)

    def note(self, detail: str, remedy: str = "", subject: str = "", location: Location | None = None) -> Diagnostic:
        """Return a note, which is for information only."""
        return self.diagnostic(Severity.NOTE, detail, remedy, subject, location)

    def diagnostic(
        self, severity: Severity, detail: str, remedy: str = "", subject: str = "", location: Location | None = None
    ) -> Diagnostic:
        """Return a diagnostic whose severity is decided at run time."""
        return Diagnostic(self, severity, detail, remedy or self.remedy, subject, location)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem, made by its code.

    `subject` names the thing concerned, a profile field (``key_vault.name``) or a resource id; `location` is the place where the
    operator can change it, when that is known.
    """

    declared: Code
    severity: Severity
    detail: str
    remedy: str
    subject: str = ""
    location: Location | None = None

    @property
    def code(self) -> str:
        """The stable id, for ``cmkctl explain CODE``."""
        return self.declared.id

    @property
    def summary(self) -> str:
        """The title of the code."""
        return self.declared.title


class CmkctlError(Exception):
    """A run that cannot continue, with its diagnostics. Every expected failure reaches the user as one."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(f"{each.code} {each.summary}: {each.detail}" for each in diagnostics))
        self.diagnostics = diagnostics


class ProfileError(CmkctlError):
    """The command line or the profile is wrong (exit code 64)."""


class RefusedError(CmkctlError):
    """The plan has a conflict, a rule stops it, or Azure has changed since it was shown (exit code 3)."""
