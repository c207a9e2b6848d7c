"""The output of a run: its view, and with ``--report`` and ``--debug`` the report and the log. All of it is redacted."""

from __future__ import annotations

import errno
import logging
import shlex
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cmkctl import codes
from cmkctl.azure.redaction import Redactor, shortened
from cmkctl.cli import ARGUMENTS, PROGRAM
from cmkctl.cli.exits import FAILED
from cmkctl.cli.options import Options
from cmkctl.clock import Clock
from cmkctl.diagnostics import CmkctlError, Diagnostic
from cmkctl.profile.model import Profile
from cmkctl.views import View
from cmkctl.views.redacting import RedactingView
from cmkctl.views.shown import DiagnosticsShown, LogText, RunEnded

if TYPE_CHECKING:
    from cmkctl.azure.traffic import ObservedExchange
    from cmkctl.views.junit import JUnitView
    from cmkctl.views.posture.file import SurveyFile
    from cmkctl.views.report import ReportView

_SHOWN: Final = 2000
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LOGGERS: Final = ("azure.identity", "msal")


class Reporter:
    """The views of one run. All output to a person, a script or a file goes through `view`, redacted."""

    def __init__(self, view: View, redactor: Redactor, clock: Clock) -> None:
        self._first = view
        self._redactor = redactor
        self._clock = clock
        self._report: ReportView | None = None
        self._junit: JUnitView | None = None
        self._surveys: list[SurveyFile] = []
        self._debug = False
        self.view: View = RedactingView(redactor, view)

    @property
    def command_line(self) -> str:
        """The command of this run, to be typed again. Each argument is redacted before quoting, which could split a secret."""
        return shlex.join((*PROGRAM.get(), *map(self._redactor.argument, ARGUMENTS.get())))

    def open(self, options: Options) -> None:
        """Start the files and the log that the options name. Raises CmkctlError CMK531 when a file cannot be written."""
        if options.report:
            from cmkctl.views.report import ReportView  # noqa: PLC0415 - only with --report

            self._report = ReportView(
                options.report, self.command_line, self._clock, self._redactor, sandbox=options.sandbox
            )
        if options.junit:
            from cmkctl.views.junit import JUnitView  # noqa: PLC0415 - only with --junit

            self._junit = JUnitView(options.junit, self._clock)
        self._surveys = [*self._survey_files(options)]
        others = [each for each in (self._report, self._junit, *self._surveys) if each is not None]
        self.view = RedactingView(self._redactor, self._first, *others)
        if options.debug:
            self._debug = True
            _start_logging(self.view)

    def _survey_files(self, options: Options) -> Iterator[SurveyFile]:
        if options.html:
            from cmkctl.views.posture.html import HtmlView  # noqa: PLC0415 - only with --html

            yield HtmlView(options.html, self.command_line, self._clock)
        if options.sarif:
            from cmkctl.views.posture.sarif import SarifView  # noqa: PLC0415 - only with --sarif

            yield SarifView(options.sarif, self.command_line, self._clock)
        if options.ocsf:
            from cmkctl.views.posture.ocsf import OcsfView  # noqa: PLC0415 - only with --ocsf

            yield OcsfView(options.ocsf, self.command_line, self._clock)
        if options.csv:
            from cmkctl.views.posture.csv import CsvView  # noqa: PLC0415 - only with --csv

            yield CsvView(options.csv, self.command_line, self._clock)

    def set_profile(self, profile: Profile) -> None:
        """Set the profile of the run, for the report."""
        if self._report:
            self._report.set_profile(profile)

    def observe(self, transport: Any) -> Any:
        """Wrap a transport to report every request; without ``--report`` and ``--debug`` return it unchanged."""
        if not self._report and not self._debug:
            return transport
        from cmkctl.azure.traffic import ObservedTransport  # noqa: PLC0415 - see above

        return ObservedTransport(transport, self._clock, self._record)

    def _record(self, exchange: ObservedExchange) -> None:
        if self._report:
            self._report.add_request(exchange)
        if self._debug:
            from cmkctl.cli.debug import lines_of  # noqa: PLC0415 - only with --debug

            self.view.show(LogText("\n".join(lines_of(exchange, self._redactor))))

    def defect(self, error: Exception) -> int:
        """Show an unexpected error, with --debug its traceback. Returns the exit code."""
        if self._debug:
            self.view.show(LogText("".join(traceback.format_exception(error))))
        self.view.show(DiagnosticsShown((defect(error),)))
        return FAILED

    def close(self, exit_code: int, *, silent: bool = False) -> int:
        """Stop logging, write the reports, and return the exit code. A report that cannot be written is a failure.

        `silent` when the output is closed.
        """
        if self._debug:
            _stop_logging()
        code = exit_code
        for write in self._writers(exit_code):
            try:
                write()
            except CmkctlError as error:
                code = exit_code or FAILED
                if not silent:
                    self.view.show(DiagnosticsShown(error.diagnostics))
        if not silent:
            with suppress(OSError):  # the reader may have gone after the last line
                self.view.show(RunEnded(code))
        return code

    def _writers(self, exit_code: int) -> Iterator[Callable[[], None]]:
        if self._report is not None:
            yield partial(self._report.write, exit_code)
        if self._junit is not None:
            yield self._junit.write
        for each in self._surveys:
            yield partial(each.write, exit_code)


def defect(error: Exception) -> Diagnostic:
    """Return the diagnostic of an unexpected error; a full disk is not a defect."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return codes.CMK541.error(
            f"{error.strerror}. Standard output or standard error cannot be written.",
            "Free some space or redirect the output, then run the same command again. Completed changes are kept.",
        )
    return codes.CMK901.error(
        f"{type(error).__name__}: {shortened(str(error), _SHOWN)}",
        "Run the same command again with --debug and report the output. Completed changes are kept.",
    )


class _Handler(logging.Handler):
    """Shows log records in a view."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record."""
        self._view.show(LogText(f"{record.name}: {shortened(record.getMessage(), _SHOWN)}"))


def _start_logging(view: View) -> None:
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.addHandler(_Handler(view))
        logger.setLevel(logging.INFO)


def _stop_logging() -> None:
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [each for each in logger.handlers if not isinstance(each, _Handler)]
        logger.setLevel(logging.NOTSET)
