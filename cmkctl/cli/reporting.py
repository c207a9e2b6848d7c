"""What a run says, and to whom: its view, and with ``--report`` and ``--debug`` whoever looks closer. All of it redacted."""

from __future__ import annotations

import errno
import logging
import shlex
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cmkctl import codes
from cmkctl.azure.redaction import Redactor, shortened
from cmkctl.cli import ARGUMENTS, PROGRAM
from cmkctl.cli.exits import FAILED
from cmkctl.clock import Clock
from cmkctl.diagnostics import CmkctlError, Diagnostic
from cmkctl.profile.model import Profile
from cmkctl.views import View
from cmkctl.views.redacting import RedactingView

if TYPE_CHECKING:
    from cmkctl.azure.traffic import ObservedExchange
    from cmkctl.views.report import ReportView

_SHOWN: Final = 2000
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LOGGERS: Final = ("azure.identity", "msal")


class Reporter:
    """The views of one run. Nothing reaches a person, a script or a file but through `view`, without secrets."""

    def __init__(self, view: View, redactor: Redactor, clock: Clock) -> None:
        self._spoken = view
        self._redactor = redactor
        self._clock = clock
        self._report: ReportView | None = None
        self._debug = False
        self.view: View = RedactingView(redactor, view)

    @property
    def command_line(self) -> str:
        """The command that runs, as it can be typed again. Each argument is redacted before it is quoted, which would part it."""
        return shlex.join((*PROGRAM.get(), *map(self._redactor.argument, ARGUMENTS.get())))

    def open(self, *, report: Path | None, debug: bool) -> None:
        """Begin to tell to a report and to a log. Raises CmkctlError CMK531 when the report cannot be written."""
        if report:
            from cmkctl.views.report import ReportView  # noqa: PLC0415 - only with --report

            self._report = ReportView(report, self.command_line, self._clock, self._redactor)
            self.view = RedactingView(self._redactor, self._spoken, self._report)
        if debug:
            self._debug = True
            _listen(self.view)

    def set_profile(self, profile: Profile) -> None:
        """Tell which profile the run is about."""
        if self._report:
            self._report.set_profile(profile)

    def observe(self, transport: Any) -> Any:
        """A transport of which every request is told; the same one when nobody wants to know."""
        if not self._report and not self._debug:
            return transport
        from cmkctl.azure.traffic import ObservedTransport  # noqa: PLC0415 - see above

        return ObservedTransport(transport, self._clock, self._hear)

    def _hear(self, heard: ObservedExchange) -> None:
        if self._report:
            self._report.request(heard)
        if self._debug:
            from cmkctl.cli.debug import lines_of  # noqa: PLC0415 - only with --debug

            self.view.log("\n".join(lines_of(heard, self._redactor)))

    def defect(self, error: Exception) -> int:
        """Tell of an error that nobody expected; with --debug where it happened, too. Returns the exit code."""
        if self._debug:
            self.view.log("".join(traceback.format_exception(error)))
        self.view.diagnostics([defect(error)])
        return FAILED

    def close(self, exit_code: int) -> int:
        """Listen no more, write the report if there is one, and return the exit code: one that cannot be written is a failure."""
        if self._debug:
            _listen_no_more()
        if self._report is None:
            return exit_code
        try:
            self._report.write(exit_code)
        except CmkctlError as error:
            self.view.diagnostics(error.diagnostics)
            return exit_code or FAILED
        return exit_code


def defect(error: Exception) -> Diagnostic:
    """The diagnostic of an error that nobody expected; a full disk is none of ours."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return codes.CMK541.error(
            f"{error.strerror}. Standard output or standard error goes to a place that takes no more.",
            "Make room, or send the output elsewhere; then run the same command again. What was done stays done.",
        )
    return codes.CMK901.error(
        f"{type(error).__name__}: {shortened(str(error), _SHOWN)}",
        "Run the same command again with --debug, which says where it happened, and report that. What was done stays done.",
    )


class _Handler(logging.Handler):
    """Hands log records to a view."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view

    def emit(self, record: logging.LogRecord) -> None:
        """Hand on one record."""
        self._view.log(f"{record.name}: {shortened(record.getMessage(), _SHOWN)}")


def _listen(view: View) -> None:
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.addHandler(_Handler(view))
        logger.setLevel(logging.INFO)


def _listen_no_more() -> None:
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [each for each in logger.handlers if not isinstance(each, _Handler)]
        logger.setLevel(logging.NOTSET)
