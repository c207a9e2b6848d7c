"""What every command that talks to Azure has in common: the sandbox or not, the profile, the session, the view.

`run` turns whatever happens into an exit code; no command catches anything by itself.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Protocol

from azure.core.exceptions import AzureError

from cmkctl.azure.errors import AzureFailed, classify
from cmkctl.azure.redact import Redactor, secrets_of
from cmkctl.azure.session import Session
from cmkctl.cli.connection import connect
from cmkctl.cli.exits import FAILED, INTERRUPTED, REFUSED, USAGE
from cmkctl.cli.telling import Telling
from cmkctl.clock import Interrupted, SystemClock
from cmkctl.diagnostics import CmkctlError, Diagnostic, ProfileError, RefusedError, Severity
from cmkctl.plan import Plan
from cmkctl.profile.load import LoadedProfile, load_profile
from cmkctl.profile.model import Profile
from cmkctl.views import View, make_view


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator asked for on the command line, apart from the command itself."""

    profile: Path
    overrides: tuple[str, ...] = ()
    sandbox: bool = False
    state: Path | None = None
    json: bool = False
    auth: str | None = None
    record: Path | None = None
    replay: Path | None = None
    timeout: float | None = None
    report: Path | None = None
    debug: bool = False
    out: Path | None = None


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
    telling = Telling(view, Redactor(secrets_of(os.environ), identities=False), clock)
    try:
        _refuse_same_files(options)
        telling.begin(report=options.report, debug=options.debug)
    except CmkctlError as error:
        telling.view.diagnostics(error.diagnostics)
        return _exit_code(error)
    return telling.end(_outcome(options, body, load, telling, clock))


def _outcome(options: Options, body: Callable[[Run], int], load: Load, telling: Telling, clock: SystemClock) -> int:
    view = telling.view
    try:
        with _signals(clock), view, ExitStack() as stack:
            return body(_open(options, telling, clock, stack, load))
    except CmkctlError as error:
        view.diagnostics(error.diagnostics)
        return _exit_code(error)
    except AzureError as error:
        view.diagnostics(AzureFailed(classify(error)).diagnostics)
        return FAILED
    except (KeyboardInterrupt, Interrupted):
        view.interrupted(telling.command_line)
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the outermost boundary: no traceback is for a user
        return telling.defect(error)


class _ReplayClock(SystemClock):
    """The clock of a replay: what the tape asks to wait for has already happened."""

    def sleep(self, seconds: float) -> None:  # noqa: ARG002
        """Return at once. Raises `Interrupted` when the run was told to stop."""
        super().sleep(0)


def _exit_code(error: CmkctlError) -> int:
    if isinstance(error, ProfileError):
        return USAGE
    return REFUSED if isinstance(error, RefusedError) else FAILED


def _open(options: Options, telling: Telling, clock: SystemClock, stack: ExitStack, load: Load) -> Run:
    if options.record and options.replay:
        detail = "--record and --replay are both given: one asks Azure, the other must not."
        raise ProfileError(_contradictory(detail, "Keep one of them."))
    if options.sandbox:
        os.environ.update(_sandbox(options.state, stack))
    loaded = load(options.profile, overrides=options.overrides, environ=os.environ)
    telling.about(loaded.profile)
    view = telling.view
    transport, credential = connect(options, loaded.profile, view, stack, telling.heard)
    session = Session(
        loaded.profile.cloud, loaded.profile.subscription, credential, transport, clock, notify=view.waiting
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
            Diagnostic(
                "CMK511",
                Severity.ERROR,
                "The sandbox cannot start",
                str(error),
                "Name another file with --state, or start over with: cmkctl sandbox reset",
                subject=str(path),
            )
        ) from error


def _refuse_same_files(options: Options) -> None:
    """Refuse to write what a run reads, or to write two things to one file. Raises ProfileError CMK008."""
    read = {"the profile": options.profile, "--replay": options.replay, "--state": options.state}
    written = {"--report": options.report, "--record": options.record, "--out": options.out}
    seen = {os.path.realpath(path): name for name, path in read.items() if path}
    for option, path in written.items():
        other = seen.setdefault(os.path.realpath(path), option) if path else option
        if other != option:
            detail = f"{option} {path} names the same file as {other}: one would take the other's place."
            raise ProfileError(_contradictory(detail, f"Name another file with {option}."))


def _contradictory(detail: str, remedy: str) -> Diagnostic:
    return Diagnostic("CMK008", Severity.ERROR, "The command line contradicts itself", detail, remedy)


@contextmanager
def _signals(clock: SystemClock) -> Iterator[None]:
    """Ctrl-C and SIGTERM end every wait, so that the run can say what is still going on; a second one leaves at once."""
    told = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal told
        if told:
            os._exit(INTERRUPTED)
        told = True
        clock.stop()
        raise KeyboardInterrupt

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
