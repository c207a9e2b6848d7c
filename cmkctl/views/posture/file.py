"""The part that the file formats of a survey share: they collect it, with the diagnostics of the run, and write it at the end."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, assert_never

from cmkctl import codes, events
from cmkctl.clock import Clock
from cmkctl.diagnostics import CmkctlError, Diagnostic
from cmkctl.files import try_out, unwritable_remedy, write_whole
from cmkctl.posture import Survey
from cmkctl.views import shown as s
from cmkctl.views.unattended import UnattendedView


@dataclass(frozen=True, slots=True)
class Collected:
    """A run, as far as it came. `survey` is None for one that ended before. `command` is the redacted command line.

    `ended` is the time of the end by this machine's clock. `single` is True for one workspace. `locate` finds places in the
    operator's file; None where there is no file.
    """

    survey: Survey | None
    context: s.RunContext
    diagnostics: tuple[Diagnostic, ...]
    exit_code: int
    command: str
    ended: datetime
    single: bool = True
    locate: s.Locate | None = None


class SurveyFile(UnattendedView, ABC):
    """A file with a survey. `write` ends it, however the run ended; without a survey the file has the reasons.

    The constructor checks that the file can be written, before any request to Azure. Raises CmkctlError CMK531.
    """

    option: ClassVar[str]

    def __init__(self, path: Path, command: str, clock: Clock) -> None:
        self._path = path
        self._command = command
        self._clock = clock
        self._lock = threading.RLock()
        self._survey: Survey | None = None
        self._single = True
        self._context = s.RunContext(sandbox=False)
        self._found: list[Diagnostic] = []
        self._locate: s.Locate | None = None
        try:
            try_out(path)
        except OSError as error:
            raise self._unwritable(error) from error

    @abstractmethod
    def text(self, collected: Collected) -> str:
        """Return the content of the file. Pure."""

    def show(self, shown: s.Shown) -> None:
        """Record a survey, and the diagnostics of the run."""
        with self._lock:
            match shown:
                case s.RunContext():
                    self._context = shown
                case s.PostureShown(survey, single, _, locate):
                    self._survey, self._single, self._locate = survey, single, locate
                case s.DiagnosticsShown(diagnostics):
                    self._found += diagnostics
                case (
                    s.PlanShown()
                    | s.PlanSaved()
                    | s.OutputsShown()
                    | s.Verified()
                    | s.ProfileValid()
                    | s.ProfileWritten()
                    | s.CheckShown()
                    | s.Explained()
                    | s.StatusShown()
                    | s.WorkspacesShown()
                    | s.Applied()
                    | s.Cancelled()
                    | s.RunInterrupted()
                    | s.LogText()
                    | s.RunEnded()
                    | events.StepStarted()
                    | events.StepFinished()
                    | events.ChangeStarted()
                    | events.ChangeFinished()
                    | events.ChangeSkipped()
                    | events.ChangeFailed()
                    | events.Waiting()
                    | events.WaitEnded()
                ):
                    pass  # a survey has none of them, or the file does not need it
                case _:
                    assert_never(shown)

    def write(self, exit_code: int) -> None:
        """Write the file, whole or not at all. Raises CmkctlError CMK531."""
        with self._lock:
            collected = Collected(
                self._survey,
                self._context,
                tuple(self._found),
                exit_code,
                self._command,
                self._clock.now(),
                self._single,
                self._locate,
            )
        # Half of a surrogate pair is no character: it becomes the escape that it was.
        text = self.text(collected).encode(errors="backslashreplace").decode()
        try:
            write_whole(self._path, text)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> CmkctlError:
        return CmkctlError(
            codes.CMK531.error(
                f"{self._path}: {error.strerror or error}.",
                unwritable_remedy(self.option, self._path),
                subject=str(self._path),
            )
        )


def failure_text(collected: Collected) -> str:
    """Return the reason why there is no survey, as one line."""
    found = "; ".join(f"{each.code} {each.summary}: {each.detail}".strip() for each in collected.diagnostics)
    return f"The run ended with exit code {collected.exit_code} and assessed nothing. {found}".strip()
