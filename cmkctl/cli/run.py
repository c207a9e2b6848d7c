"""What every command that talks to Azure has in common: the sandbox or not, the profile, the session, the view.

`run` turns whatever happens into an exit code; no command catches anything by itself.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Protocol

from azure.core.exceptions import AzureError

from cmkctl import codes
from cmkctl.azure.errors import AzureFailed, classify
from cmkctl.azure.redaction import Redactor
from cmkctl.azure.session import Session
from cmkctl.cli.connection import connect
from cmkctl.cli.exits import FAILED, INTERRUPTED, REFUSED, USAGE
from cmkctl.cli.files import refuse_to_overwrite
from cmkctl.cli.options import Options
from cmkctl.cli.reporting import Reporter
from cmkctl.clock import Interrupted, SystemClock
from cmkctl.diagnostics import CmkctlError, Diagnostic, ProfileError, RefusedError
from cmkctl.events import Waiting
from cmkctl.plan import Plan
from cmkctl.profile.load import LoadedProfile, load_profile
from cmkctl.profile.model import Profile
from cmkctl.views import View, make_view


@dataclass(frozen=True, slots=True)
class Run:
    """An opened run: the profile with its places, the session, and the view that speaks."""

    loaded: LoadedProfile
    session: Session
    view: View

    @property
    def profile(self) -> Profile:
        """The operator's declared settings."""
        return self.loaded.profile

    def located(self, plan: Plan) -> Plan:
        """The same plan, whose diagnostics say where in the profile they can be mended."""
        return replace(plan, diagnostics=tuple(self._located(each) for each in plan.diagnostics))

    def _located(self, diagnostic: Diagnostic) -> Diagnostic:
        if diagnostic.location is not None or "/" in diagnostic.subject or not diagnostic.subject:
            return diagnostic
        return replace(diagnostic, location=self.loaded.locate(diagnostic.subject))


class Load(Protocol):
    """What makes a profile of the file that is named on the command line. Raises ProfileError."""

    def __call__(self, path: Path, *, overrides: Sequence[str], environ: Mapping[str, str]) -> LoadedProfile:
        """Load it."""
        ...


def run(options: Options, body: Callable[[Run], int], load: Load = load_profile) -> int:
    """Open a run, do its work, and return the exit code of whatever happened."""
    # Libraries log warnings of their own; what the operator has to know comes as a diagnostic.
    logging.getLogger().addHandler(logging.NullHandler())
    view = make_view(json=options.json, stdout=sys.stdout, stderr=sys.stderr)
    clock = _ReplayClock() if options.replay else SystemClock()
    reporter = Reporter(view, Redactor.for_display(os.environ), clock)
    try:
        refuse_to_overwrite(options)
        reporter.open(report=options.report, debug=options.debug)
    except CmkctlError as error:
        reporter.view.diagnostics(error.diagnostics)
        return _exit_code(error)
    try:
        code = _outcome(options, body, load, reporter, clock)
    except OSError:
        reporter.close(FAILED)  # nobody hears us any more; the report is for later
        raise
    return reporter.close(code)


def _outcome(options: Options, body: Callable[[Run], int], load: Load, reporter: Reporter, clock: SystemClock) -> int:
    view = reporter.view
    try:
        with _signals(clock), view, ExitStack() as stack:
            return body(_open(options, reporter, clock, stack, load))
    except CmkctlError as error:
        view.diagnostics(error.diagnostics)
        return _exit_code(error)
    except AzureError as error:
        view.diagnostics(AzureFailed(classify(error)).diagnostics)
        return FAILED
    except (KeyboardInterrupt, Interrupted):
        with suppress(OSError):  # a terminal that was closed hears no last word
            view.interrupted(reporter.command_line)
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the outermost boundary: no traceback is for a user
        return reporter.defect(error)


class _ReplayClock(SystemClock):
    """The clock of a replay: what the tape asks to wait for has already happened."""

    def sleep(self, seconds: float) -> None:  # noqa: ARG002
        """Return at once. Raises `Interrupted` when the run was told to stop."""
        super().sleep(0)


def _exit_code(error: CmkctlError) -> int:
    if isinstance(error, ProfileError):
        return USAGE
    return REFUSED if isinstance(error, RefusedError) else FAILED


def _open(options: Options, reporter: Reporter, clock: SystemClock, stack: ExitStack, load: Load) -> Run:
    if options.record and options.replay:
        both = "--record and --replay are both given: one asks Azure, the other must not."
        raise ProfileError(codes.CMK008.error(both, "Keep one of them."))
    if options.sandbox:
        os.environ.update(_sandbox(options.state, stack))
    loaded = load(options.profile, overrides=options.overrides, environ=os.environ)
    reporter.set_profile(loaded.profile)
    view = reporter.view
    transport, credential = connect(options, loaded.profile, view, stack, reporter.observe)
    session = Session(
        loaded.profile.cloud,
        loaded.profile.subscription,
        credential,
        transport,
        clock,
        emit=lambda each: view.waiting(each.what, each.seconds, each.until) if isinstance(each, Waiting) else None,
    )
    stack.callback(session.close)
    if options.timeout is not None:
        session.deadline = clock.elapsed() + options.timeout
    return Run(loaded, session, view)


def _sandbox(state: Path | None, stack: ExitStack) -> dict[str, str]:
    """The environment of the sandbox: of one that already runs over this state, else of one in this process."""
    from cmkctl import sandbox  # noqa: PLC0415 - only a rehearsal needs it

    path = state or sandbox.default_state_path()
    try:
        running = sandbox.find_running(path) or stack.enter_context(sandbox.Sandbox(path).serve())
        return running.environment()
    except sandbox.SandboxError as error:
        raise CmkctlError(
            codes.CMK511.error(
                str(error),
                "Name another file with --state, or start over with: cmkctl sandbox reset",
                subject=str(path),
            )
        ) from error


def _ending() -> Iterator[signal.Signals]:
    """The signals that end a run. Whoever starts it with nohup wants it to outlive the terminal."""
    yield from (signal.SIGINT, signal.SIGTERM)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        yield signal.SIGHUP


@contextmanager
def _signals(clock: SystemClock) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal end every wait, so that the run can say what goes on; a second one leaves at once."""
    told = False

    def stop(number: int, _frame: FrameType | None) -> None:
        nonlocal told
        if number not in (signal.SIGINT, signal.SIGTERM):
            # A terminal that is closed says so twice, itself and through the shell: nobody is impatient.
            signal.signal(number, signal.SIG_IGN)
        if told:
            os._exit(INTERRUPTED)
        told = True
        clock.stop()
        raise KeyboardInterrupt

    before = {each: signal.signal(each, stop) for each in _ending()}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is stop:
                signal.signal(number, handler)
