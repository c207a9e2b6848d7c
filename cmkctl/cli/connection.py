"""The connection of a run: over the network, with a tape beside it, or from a tape; and its sign-in."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeAlias

from azure.core.credentials import TokenCredential
from azure.core.pipeline.transport import HttpTransport

from cmkctl import codes
from cmkctl.azure.clouds import ENDPOINTS, Cloud
from cmkctl.azure.credentials import ReplayCredential, SharedCredential, sign_in
from cmkctl.azure.policies import TOTAL_TIMEOUT
from cmkctl.azure.redaction import Redactor, secrets_of, weak_secrets
from cmkctl.cli.options import Options
from cmkctl.diagnostics import CmkctlError, Diagnostic
from cmkctl.profile.model import Profile
from cmkctl.views import View
from cmkctl.views.shown import DiagnosticsShown, LogText

Transport: TypeAlias = HttpTransport[Any, Any]

_SHORTEST_REQUEST: Final = 1.0
_CA_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""The variables from which `requests` takes its CA certificates, the first that is set."""


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a run: the cloud, the subscription and the tenant, each empty where it is not known beforehand.

    `names` are the texts in which a secret is shown as well: a redacted id is a wrong one.
    """

    cloud: Cloud
    subscription: str = ""
    tenant: str = ""
    names: str = ""

    @classmethod
    def of(cls, profile: Profile) -> Target:
        """Return the target of a profile."""
        return cls(profile.cloud, profile.subscription, profile.tenant or "", repr(profile))


def connect(
    options: Options, target: Target, view: View, stack: ExitStack, observe: Callable[[Transport], Transport]
) -> tuple[Transport, TokenCredential]:
    """Return the transport and the credential that the options select; `observe` wraps every transport.

    Raises CmkctlError for a tape that cannot be read or written, a CA bundle that cannot be read, and a way of signing in
    whose settings are missing or wrong.
    """
    if options.replay:
        return observe(_replaying(options.replay, view, stack)), ReplayCredential()
    weak = _weak_secrets(os.environ, target.names)
    if weak:
        view.show(DiagnosticsShown(tuple(weak)))
    _check_ca_bundle(os.environ)
    transport = observe(_transport())
    if options.record:
        transport = _recording(options.record, target.cloud, transport, stack)
    return transport, SharedCredential(_sign_in(options, target, view, observe))


def _sign_in(
    options: Options, target: Target, view: View, observe: Callable[[Transport], Transport]
) -> TokenCredential:
    # A real token would go to the sandbox, where nothing is secret: only its own service principal signs in there.
    from cmkctl.azure.az_cli import Account  # noqa: PLC0415 - imports azure-identity, which a replay does not need

    way = "environment" if options.sandbox else options.auth
    account = Account(target.cloud, target.subscription, target.tenant) if target.subscription else None
    login = observe(_transport(options.timeout))
    return sign_in(way, ENDPOINTS[target.cloud], login, _log_to(view), os.environ, account)


def _weak_secrets(environ: Mapping[str, str], named: str) -> list[Diagnostic]:
    """Warn of secrets that also occur in names of the profile: there they are shown, for a redacted id is a wrong one."""
    return [
        codes.CMK328.warning(
            f"The value of {name} occurs in the names or ids of the profile. It is redacted where it stands alone, and shown "
            "inside names and ids.",
            f"Replace the secret in {name} with a long random one.",
        )
        for name, value in weak_secrets(environ).items()
        if value in named
    ]


def _check_ca_bundle(environ: Mapping[str, str]) -> None:
    """Raise CmkctlError (CMK325) when the file of CA certificates that `requests` will use cannot be read."""
    name = next((name for name in _CA_BUNDLES if environ.get(name)), None)
    if name is None:
        return
    path = Path(environ[name])
    try:
        ssl.create_default_context(cafile=None if path.is_dir() else path, capath=path if path.is_dir() else None)
    except OSError as error:  # also ssl.SSLError, for a file that holds no certificate
        reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else str(error.strerror).lower()
        raise CmkctlError(
            codes.CMK325.error(
                f"{name} is set to {path}: {reason}.",
                f"Set {name} to a PEM file with the CA certificates to trust, or unset it.",
            )
        ) from error


def _log_to(view: View) -> Callable[[str], None]:
    return lambda text: view.show(LogText(text))


def _transport(longest: float | None = None) -> Transport:
    """Make a transport whose requests take no longer than `longest` seconds, or their usual total."""
    from cmkctl.azure.network import azure_transport  # noqa: PLC0415 - a replay has no network

    # Zero would be no time limit to urllib3 but an error.
    total = TOTAL_TIMEOUT if longest is None else min(max(longest, _SHORTEST_REQUEST), TOTAL_TIMEOUT)
    transport: Transport = azure_transport(total=total)
    return transport


def _recording(path: Path, cloud: Cloud, inner: Transport, stack: ExitStack) -> Transport:
    from cmkctl.azure.tape import RecordingTransport, TapeWriter  # noqa: PLC0415 - only with --record

    tape = stack.enter_context(TapeWriter(path, cloud=cloud, redactor=_tape_redactor(os.environ)))
    return RecordingTransport(inner, tape)


def _tape_redactor(environ: Mapping[str, str]) -> Redactor:
    """Return the redactor of tapes. A replay needs the same one, so that its requests match the recorded ones."""
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
    detail = f"{len(unused)} of {len(tape.exchanges)} exchanges were never requested:\n{listed}"
    remedy = f"If what changed is meant, record again: --record {path}"
    return [codes.CMK503.warning(detail, remedy, subject=str(path))]
