"""A run: the part that every command that connects to Azure shares, from the options to an exit code.

`run` turns whatever happens into an exit code; commands catch nothing by themselves.
"""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Final, Protocol, TypeAlias

from azure.core.exceptions import AzureError

from cmkctl import codes
from cmkctl.azure.errors import AzureFailed, classify
from cmkctl.azure.redaction import Redactor
from cmkctl.azure.session import Session
from cmkctl.cli.account import account_of, claims_of
from cmkctl.cli.connection import Target, connect
from cmkctl.cli.exits import FAILED, INTERRUPTED, REFUSED, USAGE
from cmkctl.cli.files import refuse_to_overwrite
from cmkctl.cli.options import STANDARD_STREAM, Options, Part
from cmkctl.cli.reporting import Reporter
from cmkctl.clock import Interrupted, SystemClock
from cmkctl.diagnostics import CmkctlError, Diagnostic, ProfileError, RefusedError
from cmkctl.facts import RulePolicy
from cmkctl.plan import Plan
from cmkctl.profile.load import LoadedProfile, load_profile
from cmkctl.profile.model import Profile
from cmkctl.views import Shown, View, make_view
from cmkctl.views.shown import DiagnosticsShown, RunContext, RunInterrupted


@dataclass(frozen=True, slots=True)
class Opened:
    """An open connection of a command without a profile: options, the session, and the view."""

    options: Options
    session: Session
    view: View

    def show(self, shown: Shown) -> None:
        """Show a value."""
        self.view.show(shown)

    @property
    def sandbox(self) -> bool | None:
        """True when the run goes to the sandbox, False when it goes to Azure; None until a response shows it."""
        return True if self.options.sandbox else self.session.is_sandbox

    def show_context(self) -> None:
        """Show where the run goes, once Azure has answered: the sandbox, or the subscription's name and the account."""
        if self.sandbox:
            self.show(RunContext(sandbox=True))
        else:
            account = account_of(claims_of(self.session))
            self.show(RunContext(sandbox=False, account=account, subscription_name=self.session.subscription_name))


@dataclass(frozen=True, slots=True)
class Run(Opened):
    """An open run: options, the profile with its places, the session, and the view."""

    loaded: LoadedProfile

    @property
    def profile(self) -> Profile:
        """The operator's declared settings."""
        return self.loaded.profile

    def located(self, plan: Plan) -> Plan:
        """Return the plan with the warnings about the profile, and with places in the profile for its diagnostics."""
        policy = self.policy
        warnings = [policy.applied_to(each) for each in self.loaded.warnings]
        return replace(plan, diagnostics=(*warnings, *map(self.located_one, plan.diagnostics)))

    @property
    def policy(self) -> RulePolicy:
        """The operator's choices about findings."""
        return RulePolicy(frozenset(self.options.ignore), self.options.strict)

    def located_one(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return a diagnostic with its place in the profile, where its subject is a field."""
        if diagnostic.location is not None or "/" in diagnostic.subject or not diagnostic.subject:
            return diagnostic
        return replace(diagnostic, location=self.loaded.locate(diagnostic.subject))


class Load(Protocol):
    """A loader of the file on the command line. Raises ProfileError."""

    def __call__(self, path: Path, *, overrides: Sequence[str], environ: Mapping[str, str]) -> LoadedProfile:
        """Load it."""
        ...


def run(options: Options, body: Callable[[Run], int], load: Load = load_profile) -> int:
    """Open a run, do its work, and return the exit code of whatever happened."""
    return _run(options, lambda reporter, clock, stack: body(_open(options, reporter, clock, stack, load)))


def run_at(options: Options, body: Callable[[Opened], int], target: Callable[[], Target]) -> int:
    """Do the work of a command without a profile. `target` is called once the sandbox, if it is one, has its environment."""
    return _run(options, lambda reporter, clock, stack: body(_open_at(options, reporter, clock, stack, target)))


_Work: TypeAlias = Callable[[Reporter, SystemClock, ExitStack], int]


def _run(options: Options, work: _Work) -> int:
    # Libraries log warnings of their own; the operator gets diagnostics.
    logging.getLogger().addHandler(logging.NullHandler())
    view = make_view(
        json=options.json,
        # With ``--out -`` the saved plan is the data; the plan for people is narration then.
        # The commands for an administrator are the data as well.
        stdout=sys.stderr if options.out == STANDARD_STREAM or options.part is Part.ADMIN else sys.stdout,
        stderr=sys.stderr,
        sandbox=options.sandbox,
        color=False if options.no_color else None,
        debug=options.debug,
    )
    clock = _ReplayClock() if options.replay else SystemClock()
    reporter = Reporter(view, Redactor.for_display(os.environ), clock)
    try:
        _check(options)
        reporter.open(options)
    except CmkctlError as error:
        reporter.view.show(DiagnosticsShown(error.diagnostics))
        return reporter.close(_exit_code(error))
    try:
        code = _outcome(work, reporter, clock)
    except OSError:
        reporter.close(FAILED, silent=True)  # stdout is closed; still write the report
        raise
    return reporter.close(code)


def _outcome(work: _Work, reporter: Reporter, clock: SystemClock) -> int:
    view = reporter.view
    try:
        with _signals(clock), view, ExitStack() as stack:
            return work(reporter, clock, stack)
    except CmkctlError as error:
        view.show(DiagnosticsShown(error.diagnostics))
        return _exit_code(error)
    except AzureError as error:
        view.show(DiagnosticsShown(AzureFailed(classify(error)).diagnostics))
        return FAILED
    except (KeyboardInterrupt, Interrupted):
        with suppress(OSError):  # the terminal may be closed
            view.show(RunInterrupted(reporter.command_line))
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the outermost boundary: no traceback is for a user
        return reporter.defect(error)


class _ReplayClock(SystemClock):
    """The clock of a replay: a wait takes no time, and the clock is later by its length, so that the same polls are due."""

    def __init__(self) -> None:
        super().__init__()
        self._skipped = 0.0

    def now(self) -> datetime:
        """Return the date and time in UTC, with the skipped waits."""
        return super().now() + timedelta(seconds=self._skipped)

    def elapsed(self) -> float:
        """Return the seconds of the monotonic clock, with the skipped waits."""
        return super().elapsed() + self._skipped

    def sleep(self, seconds: float) -> None:
        """Return at once. Raises `Interrupted` when the run is stopped."""
        super().sleep(0)
        self._skipped += max(seconds, 0.0)


def _exit_code(error: CmkctlError) -> int:
    if isinstance(error, ProfileError):
        return USAGE
    return REFUSED if isinstance(error, RefusedError) else FAILED


def _check(options: Options) -> None:
    """Raise ProfileError CMK008 for options that exclude each other."""
    refuse_to_overwrite(options)
    if options.record and options.replay:
        both = "--record sends requests to Azure, and --replay sends none."
        raise ProfileError(codes.CMK008.error(both, "Use one of them."))
    if options.out == STANDARD_STREAM and options.json:
        both = "--out - and --json both write to standard output."
        raise ProfileError(codes.CMK008.error(both, "Save the plan to a file: --out FILE."))
    if options.part is Part.ADMIN and (options.out or options.json):
        other = "--out saves a plan" if options.out else "--json writes JSON lines"
        commands = f"--part admin writes commands to standard output, and {other}."
        raise ProfileError(codes.CMK008.error(commands, "Use --part admin alone, and redirect its output to a file."))
    if options.state and not options.sandbox:
        alone = "--state names the state of the sandbox, but without --sandbox the command would go to Azure."
        raise ProfileError(codes.CMK008.error(alone, "Add --sandbox, or remove --state."))


def _open(options: Options, reporter: Reporter, clock: SystemClock, stack: ExitStack, load: Load) -> Run:
    _enter_sandbox(options, clock, stack)
    loaded = _load(options, load, stack)
    reporter.set_profile(loaded.profile)
    session = _session(options, Target.of(loaded.profile), reporter, clock, stack)
    return Run(options, session, reporter.view, loaded)


def _open_at(
    options: Options, reporter: Reporter, clock: SystemClock, stack: ExitStack, target: Callable[[], Target]
) -> Opened:
    _enter_sandbox(options, clock, stack)
    return Opened(options, _session(options, target(), reporter, clock, stack), reporter.view)


def _enter_sandbox(options: Options, clock: SystemClock, stack: ExitStack) -> None:
    if options.sandbox:
        os.environ.update(_sandbox(options.state, stack, clock))


def _session(options: Options, target: Target, reporter: Reporter, clock: SystemClock, stack: ExitStack) -> Session:
    transport, credential = connect(options, target, reporter.view, stack, reporter.observe)
    session = Session(target.cloud, target.subscription, credential, transport, clock, emit=reporter.view.show)
    stack.callback(session.close)
    if options.timeout is not None:
        session.deadline = clock.elapsed() + options.timeout
    return session


def _load(options: Options, load: Load, stack: ExitStack) -> LoadedProfile:
    """Load the file of the command line, or standard input for ``-``, which may be a saved plan or a profile."""
    if options.path != STANDARD_STREAM:
        return load(options.path, overrides=options.overrides, environ=os.environ)
    content = sys.stdin.buffer.read()
    if content.lstrip().startswith(b"{"):  # a saved plan is read by its path
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cmkctl-")))
        copy = folder / "standard-input.json"
        copy.write_bytes(content)
        return load(copy, overrides=options.overrides, environ=os.environ)
    sys.stdin = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8")
    return load_profile(STANDARD_STREAM, overrides=options.overrides, environ=os.environ)


def _sandbox(state: Path | None, stack: ExitStack, clock: SystemClock) -> dict[str, str]:
    """Return the environment of the sandbox: the one that keeps running with this state, else one in this process."""
    from cmkctl import sandbox  # noqa: PLC0415 - only a rehearsal needs it

    path = state or sandbox.default_state_path()
    try:
        return stack.enter_context(sandbox.Sandbox(path).for_command(_waiting, clock.sleep))
    except sandbox.SandboxError as error:
        remedy = ""
        if isinstance(error.__cause__, OSError):
            remedy = "Give a file in a folder that you may write: --state FILE, or CMKCTL_SANDBOX_STATE."
        elif "in use" in str(error):
            remedy = "Wait for the other command to finish, or use another state file with --state."
        raise CmkctlError(codes.CMK511.error(str(error), remedy, subject=str(path))) from error


def _waiting(path: Path) -> None:
    sys.stderr.write(f"Waiting for the other command that uses the sandbox {path}.\n")


def _ending() -> Iterator[signal.Signals]:
    """Return the signals that end a run. With nohup a run outlives its terminal."""
    yield from (signal.SIGINT, signal.SIGTERM)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        yield signal.SIGHUP


@contextmanager
def _signals(clock: SystemClock) -> Iterator[None]:
    """End every wait at Ctrl-C, SIGTERM or a closed terminal, so that the run can show its state; exit at once at the second."""
    received: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        repeated = number in received
        received.append(number)
        if repeated and number not in _BY_HAND:
            return  # a closed terminal sends it twice, by itself and through the shell
        if received[1:]:
            os._exit(INTERRUPTED)
        clock.stop()
        raise KeyboardInterrupt

    before = {each: signal.signal(each, stop) for each in _ending()}
    with _without_dropped_interrupts():
        try:
            yield
        finally:
            for number, handler in before.items():
                # SIG_IGN would be reported on stderr if the second signal is on its way at this moment.
                if number in _BY_HAND or number not in received:
                    signal.signal(number, handler)


_BY_HAND: Final = (signal.SIGINT, signal.SIGTERM)
"""The signals whose repetition is a wish for a faster end."""


@contextmanager
def _without_dropped_interrupts() -> Iterator[None]:
    """Keep Python from reporting on stderr a KeyboardInterrupt that it drops; the clock keeps the interruption."""
    before = sys.unraisablehook

    def report(dropped: sys.UnraisableHookArgs) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            before(dropped)

    sys.unraisablehook = report
    try:
        yield
    finally:
        sys.unraisablehook = before
