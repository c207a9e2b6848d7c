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
from types import FrameType, TracebackType
from typing import Any, Final, Protocol

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import HttpTransport

from cmkctl.azure.clouds import ENDPOINTS
from cmkctl.azure.credentials import ReplayCredential, SharedCredential, sign_in
from cmkctl.azure.errors import AzureFailed, classify
from cmkctl.azure.session import Session
from cmkctl.cli.exits import FAILED, INTERRUPTED, REFUSED, USAGE
from cmkctl.clock import Interrupted, SystemClock
from cmkctl.diagnostics import CmkctlError, Diagnostic, ProfileError, RefusedError, Severity
from cmkctl.plan import Plan
from cmkctl.profile.load import LoadedProfile, load_profile
from cmkctl.profile.model import Profile
from cmkctl.views import View, make_view

_CONNECTIONS: Final = 32
_CONNECT_TIMEOUT: Final = 20
_READ_TIMEOUT: Final = 120


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
    try:
        with _signals(clock), view, ExitStack() as stack:
            return body(_open(options, view, clock, stack, load))
    except CmkctlError as error:
        view.diagnostics(error.diagnostics)
        return _exit_code(error)
    except AzureError as error:
        view.diagnostics(AzureFailed(classify(error)).diagnostics)
        return FAILED
    except (KeyboardInterrupt, Interrupted):
        view.interrupted()
        return INTERRUPTED


class _ReplayClock(SystemClock):
    """The clock of a replay: what the tape asks to wait for has already happened."""

    def sleep(self, seconds: float) -> None:  # noqa: ARG002
        """Return at once. Raises `Interrupted` when the run was told to stop."""
        super().sleep(0)


def _exit_code(error: CmkctlError) -> int:
    if isinstance(error, ProfileError):
        return USAGE
    return REFUSED if isinstance(error, RefusedError) else FAILED


def _open(options: Options, view: View, clock: SystemClock, stack: ExitStack, load: Load) -> Run:
    if options.record and options.replay:
        raise ProfileError(_contradictory())
    if options.sandbox:
        os.environ.update(_sandbox(options.state, stack))
    loaded = load(options.profile, overrides=options.overrides, environ=os.environ)
    transport, credential = _connection(options, loaded.profile, view, stack)
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


def _connection(
    options: Options, profile: Profile, view: View, stack: ExitStack
) -> tuple[HttpTransport[Any, Any], TokenCredential]:
    if options.replay:
        return _replaying(options.replay, view, stack), ReplayCredential()
    transport: HttpTransport[Any, Any] = _transport()
    if options.record:
        transport = _recording(options.record, profile, transport, stack)
    return transport, SharedCredential(_sign_in(options.auth, profile))


def _sign_in(way: str | None, profile: Profile) -> TokenCredential:
    try:
        return sign_in(way, ENDPOINTS[profile.cloud].authority)
    except ValueError as error:
        raise CmkctlError(
            Diagnostic(
                "CMK302",
                Severity.ERROR,
                "Azure does not accept the credential",
                f"--auth {way} cannot be used here: {error}",
                "Set the environment variables that it needs, or choose another --auth.",
            )
        ) from error


def _transport() -> HttpTransport[Any, Any]:
    import requests  # noqa: PLC0415 - a replay has no network
    from azure.core.pipeline.transport import RequestsTransport  # noqa: PLC0415
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    session = requests.Session()
    # One connection for each read that goes out at the same time; what is sent again is decided in one place only.
    session.mount("https://", HTTPAdapter(pool_maxsize=_CONNECTIONS, max_retries=0))
    transport: HttpTransport[Any, Any] = RequestsTransport(
        session=session, connection_timeout=_CONNECT_TIMEOUT, read_timeout=_READ_TIMEOUT
    )
    return transport


def _recording(
    path: Path, profile: Profile, inner: HttpTransport[Any, Any], stack: ExitStack
) -> HttpTransport[Any, Any]:
    from cmkctl.azure.redact import Redactor  # noqa: PLC0415 - only with --record
    from cmkctl.azure.tape import RecordingTransport, TapeWriter  # noqa: PLC0415

    redactor = Redactor(
        secrets=[value for name in _SECRET_VARIABLES if (value := os.environ.get(name))],
        client_ids=[value for name in _CLIENT_IDS if (value := os.environ.get(name))],
    )
    return RecordingTransport(inner, stack.enter_context(TapeWriter(path, cloud=profile.cloud, redactor=redactor)))


_SECRET_VARIABLES: Final = ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD")
_CLIENT_IDS: Final = ("AZURE_CLIENT_ID",)


def _replaying(path: Path, view: View, stack: ExitStack) -> HttpTransport[Any, Any]:
    from cmkctl.azure.redact import Redactor  # noqa: PLC0415 - only with --replay
    from cmkctl.azure.tape import ReplayTransport, Tape  # noqa: PLC0415

    client_ids = [value for name in _CLIENT_IDS if (value := os.environ.get(name))]
    tape = Tape.load(path, Redactor(client_ids=client_ids))

    def report_unused(
        kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        # After a failure the rest of the tape cannot have been played, and the failure is what matters.
        if kind is None:
            view.diagnostics(_unused(tape, path))

    stack.push(report_unused)
    return ReplayTransport(tape)


def _unused(tape: Any, path: Path) -> list[Diagnostic]:
    unused = tape.unused()
    if not unused:
        return []
    listed = "\n".join(str(each) for each in unused)
    detail = f"{len(unused)} of {len(tape.exchanges)} exchanges were never asked for:\n{listed}"
    remedy = f"If what changed is meant, record again: --record {path}"
    return [Diagnostic("CMK503", Severity.WARNING, "The tape was not played to its end", detail, remedy, str(path))]


def _contradictory() -> Diagnostic:
    return Diagnostic(
        "CMK008",
        Severity.ERROR,
        "The command line contradicts itself",
        "--record and --replay are both given: one asks Azure, the other must not.",
        "Keep one of them.",
    )


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
