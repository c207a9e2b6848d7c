"""How a run reaches Azure: over the network, with a tape beside it, or from a tape; and how it signs in."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeAlias

from azure.core.credentials import TokenCredential
from azure.core.pipeline.transport import HttpTransport

from cmkctl import codes
from cmkctl.azure.clouds import ENDPOINTS
from cmkctl.azure.credentials import ReplayCredential, SharedCredential, sign_in
from cmkctl.azure.redaction import Redactor, secrets_of
from cmkctl.cli.options import Options
from cmkctl.diagnostics import CmkctlError, Diagnostic
from cmkctl.profile.model import Profile
from cmkctl.views import View
from cmkctl.views.shown import DiagnosticsShown, LogText

Transport: TypeAlias = HttpTransport[Any, Any]

_CONNECTIONS: Final = 32
_CONNECT_TIMEOUT: Final = 20
_READ_TIMEOUT: Final = 120


def connect(
    options: Options, profile: Profile, view: View, stack: ExitStack, observe: Callable[[Transport], Transport]
) -> tuple[Transport, TokenCredential]:
    """The transport to Azure and the credential, as the options say; `observe` is put around every transport.

    Raises CmkctlError for a tape that cannot be read or written, and for a way of signing in that cannot be used here.
    """
    if options.replay:
        return observe(_replaying(options.replay, view, stack)), ReplayCredential()
    transport = observe(_transport())
    if options.record:
        transport = _recording(options.record, profile, transport, stack)
    return transport, SharedCredential(_sign_in(options.auth, profile, view, observe))


def _sign_in(
    way: str | None, profile: Profile, view: View, observe: Callable[[Transport], Transport]
) -> TokenCredential:
    from azure.core.pipeline.transport import RequestsTransport  # noqa: PLC0415 - a replay has no network

    try:
        return sign_in(way, ENDPOINTS[profile.cloud].authority, observe(RequestsTransport()), _log_to(view))
    except ValueError as error:
        raise CmkctlError(
            codes.CMK302.error(
                f"--auth {way} cannot be used here: {error}",
                "Set the environment variables that it needs, or choose another --auth.",
            )
        ) from error


def _log_to(view: View) -> Callable[[str], None]:
    return lambda text: view.show(LogText(text))


def _transport() -> Transport:
    import requests  # noqa: PLC0415 - a replay has no network
    from azure.core.pipeline.transport import RequestsTransport  # noqa: PLC0415
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    session = requests.Session()
    # One connection for each read that goes out at the same time; what is sent again is decided in one place only.
    session.mount("https://", HTTPAdapter(pool_maxsize=_CONNECTIONS, max_retries=0))
    transport: Transport = RequestsTransport(
        session=session, connection_timeout=_CONNECT_TIMEOUT, read_timeout=_READ_TIMEOUT
    )
    return transport


def _recording(path: Path, profile: Profile, inner: Transport, stack: ExitStack) -> Transport:
    from cmkctl.azure.tape import RecordingTransport, TapeWriter  # noqa: PLC0415 - only with --record

    tape = stack.enter_context(TapeWriter(path, cloud=profile.cloud, redactor=_tape_redactor(os.environ)))
    return RecordingTransport(inner, tape)


def _tape_redactor(environ: Mapping[str, str]) -> Redactor:
    """What a tape loses. A replay needs the same: what is asked of a tape is compared with what was put on it."""
    client_ids = [value for name in _CLIENT_IDS if (value := environ.get(name))]
    return Redactor(secrets_of(environ), client_ids)


_CLIENT_IDS: Final = ("AZURE_CLIENT_ID",)


def _replaying(path: Path, view: View, stack: ExitStack) -> Transport:
    from cmkctl.azure.tape import ReplayTransport, Tape  # noqa: PLC0415 - only with --replay

    tape = Tape.load(path, _tape_redactor(os.environ))

    def report_unused(
        kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        # After a failure the rest of the tape cannot have been played, and the failure is what matters.
        if kind is None:
            view.show(DiagnosticsShown(tuple(_unused(tape, path))))

    stack.push(report_unused)
    return ReplayTransport(tape)


def _unused(tape: Any, path: Path) -> list[Diagnostic]:
    unused = tape.unused()
    if not unused:
        return []
    listed = "\n".join(str(each) for each in unused)
    detail = f"{len(unused)} of {len(tape.exchanges)} exchanges were never asked for:\n{listed}"
    remedy = f"If what changed is meant, record again: --record {path}"
    return [codes.CMK503.warning(detail, remedy, subject=str(path))]
