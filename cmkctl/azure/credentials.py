"""Sign-in for people and for CI, in each cloud.

Source: https://learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenCredential, TokenRequestOptions
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline.transport import HttpTransport

from cmkctl import codes
from cmkctl.azure.clouds import CloudEndpoints
from cmkctl.azure.decoding import parse
from cmkctl.azure.errors import ForeignHost
from cmkctl.azure.failures import CLI_TIMEOUT, CREDENTIAL_FILE, UNREADABLE
from cmkctl.azure.reasons import PROXY, TLS, plain, reason_of
from cmkctl.azure.sign_in_errors import UNREACHED
from cmkctl.azure.workload import FILE, issuers_in, missing_variables, wanted_variables, workload_credential
from cmkctl.diagnostics import CmkctlError, Diagnostic

if TYPE_CHECKING:
    from cmkctl.azure.az_cli import Account

_REPLAYED_TOKEN_LIFETIME: Final = 86_400
_RENEWED_BEFORE: Final = 300
"""Seconds before its expiry at which a token is renewed, as in azure-core's policies."""

_RENEWAL_PAUSE: Final = 30.0
"""Seconds between two attempts to renew a token that is still valid."""

_USABLE: Final = 5.0
"""Seconds of validity that a token needs to be sent."""

_TENANT: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
"""A tenant: a GUID, or one of its domain names."""

_NEEDED: Final[Mapping[str | None, tuple[tuple[str, ...], ...]]] = {
    "environment": (
        ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"),
        ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH"),
        ("AZURE_CLIENT_ID", "AZURE_USERNAME", "AZURE_PASSWORD"),
    ),
}
"""The sets of variables that a way of signing in needs, one of them in full. The first is the usual one."""

_IDENTITY_ENDPOINTS: Final = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT", "IMDS_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST")
_IMDS: Final = "http://169.254.169.254"
"""The token endpoint of a virtual machine's managed identity; on other hosts the variables name it."""


def sign_in(
    way: str | None,
    endpoints: CloudEndpoints,
    transport: HttpTransport[Any, Any],
    prompt: Callable[[str], None] = lambda _text: None,
    environ: Mapping[str, str] = os.environ,
    account: Account | None = None,
) -> TokenCredential:
    """Return the credential for a way of signing in; None is azure-identity's default chain. No token is requested yet.

    `prompt` receives the instructions of an interactive sign-in, which azure-identity would print among the JSON lines. `account`
    is what the az CLI uses, instead of its current account. Raises CmkctlError when a setting of that way is missing
    (CMK319) or wrong (CMK326).
    """
    from azure import identity  # noqa: PLC0415 - a replay needs no credential and should not pay for this import

    _check_settings(way, environ)
    login = LoginTransport(transport, endpoints, environ)
    if way == "cli":
        return _az_cli(account, environ)
    if way == "managed-identity":
        return identity.ManagedIdentityCredential(client_id=environ.get("AZURE_CLIENT_ID") or None, transport=login)
    # azure-identity's own retries take over half a minute, and every token is needed by many reads.
    options: dict[str, Any] = {"authority": endpoints.authority, "retry_total": 2, "retry_backoff_factor": 0.4}
    try:
        if way == "workload":
            return workload_credential(environ, endpoints, login, options)
        return _of_way(way, {**options, "transport": login}, prompt, environ, account)
    except ValueError as error:
        raise CmkctlError(_invalid(plain(str(error)))) from error


def _of_way(
    way: str | None,
    options: dict[str, Any],
    prompt: Callable[[str], None],
    environ: Mapping[str, str],
    account: Account | None,
) -> TokenCredential:
    from azure import identity  # noqa: PLC0415 - see above

    tenant: dict[str, Any] = {"tenant_id": account.tenant} if account and account.tenant else {}
    match way:
        case "environment":
            return identity.EnvironmentCredential(**options)
        case "browser":
            return identity.InteractiveBrowserCredential(**tenant, **options)
        case "device":
            return identity.DeviceCodeCredential(
                prompt_callback=lambda page, code, _until: prompt(f"To sign in, open {page} and enter the code {code}"),
                **tenant,
                **options,
            )
        case _:
            chain = identity.DefaultAzureCredential(process_timeout=CLI_TIMEOUT, **options)
            chain.credentials = tuple(
                _az_cli(account, environ) if isinstance(each, identity.AzureCliCredential) else each
                for each in chain.credentials
            )
            return chain


def _az_cli(account: Account | None, environ: Mapping[str, str]) -> TokenCredential:
    from cmkctl.azure.az_cli import AzureCliCredential  # noqa: PLC0415 - imports azure-identity

    return AzureCliCredential(account, CLI_TIMEOUT, environ)


def _check_settings(way: str | None, environ: Mapping[str, str]) -> None:
    tenant = environ.get("AZURE_TENANT_ID", "")
    if tenant and not _TENANT.fullmatch(tenant):
        raise CmkctlError(_invalid(f"AZURE_TENANT_ID is '{tenant}', which is neither a GUID nor a domain name."))
    if way == "workload" and (missing := missing_variables(environ)):
        raise CmkctlError(_missing("workload", (wanted_variables(environ),), {}, missing))
    for name in _files_read(way, environ):
        if reason := _unusable_file(environ[name]):
            raise CmkctlError(
                _invalid(f"{name} is '{environ[name]}': {reason}.", f"Correct {name}, or the file it names.")
            )
    needed = _NEEDED.get(way, ())
    if needed and not any(all(environ.get(name) for name in names) for names in needed):
        raise CmkctlError(_missing(str(way), needed, environ))


def _files_read(way: str | None, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the variables that name a file with a credential, where a way of signing in reads it."""
    if way in ("workload", None) and all(environ.get(name) for name in FILE):
        yield FILE[-1]
    certificate = _NEEDED["environment"][1]
    if way in ("environment", None) and not environ.get("AZURE_CLIENT_SECRET"):
        yield from certificate[-1:] if all(environ.get(name) for name in certificate) else ()


def _unusable_file(path: str) -> str:
    """Return why a file gives no credential; empty where it may."""
    try:
        return "" if Path(path).read_bytes().strip() else "the file is empty"
    except OSError as error:
        return error.strerror or str(error)


def _missing(
    way: str, needed: tuple[tuple[str, ...], ...], environ: Mapping[str, str], missing: Sequence[str] = ()
) -> Diagnostic:
    """Return the diagnostic with the variables missing from the most complete set."""
    closest = min(needed, key=lambda names: sum(not environ.get(name) for name in names))
    missing = missing or [name for name in closest if not environ.get(name)]
    listed = " and ".join((", ".join(missing[:-1]), missing[-1]) if missing[1:] else missing)
    detail = f"--auth {way} needs environment variables that are not set: {listed}."
    where = " ".join(text for name, text in _GIVEN_BY.items() if name in missing)
    return codes.CMK319.error(detail, f"{where or f'Set {listed}'}, or select another way of signing in with --auth.")


_GIVEN_BY: Final[Mapping[str, str]] = {
    "ACTIONS_ID_TOKEN_REQUEST_URL": "Give the job of GitHub Actions the permission that sets them (permissions: id-token: write)",
    "SYSTEM_ACCESSTOKEN": "Map the token of Azure Pipelines in the step (env: SYSTEM_ACCESSTOKEN: $(System.AccessToken))",
    "SYSTEM_OIDCREQUESTURI": "Run cmkctl in a job of Azure Pipelines that uses a service connection with workload identity",
}
"""The origin of a variable that is not set by hand."""


_TENANT_REMEDY: Final = (
    "Correct the variable, or unset it; az account show --query tenantId prints the tenant you are signed in to."
)


def _invalid(detail: str, remedy: str = _TENANT_REMEDY) -> Diagnostic:
    return codes.CMK326.error(detail, remedy)


class LoginTransport(HttpTransport[Any, Any]):
    """The transport to a login host. A response that is not JSON is an error, unless it is a server error.

    Entra's rejections are JSON, too. msal would report a proxy's page as a wrong tenant, or show the start of a token in an
    error. The addresses come from a response (OpenID discovery) and receive a secret, so only login hosts of the cloud are
    allowed, and the endpoints of managed identities and of the job's own tokens, which the machine's environment names.
    """

    def __init__(
        self, inner: HttpTransport[Any, Any], endpoints: CloudEndpoints, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._inner = inner
        self._endpoints = endpoints
        self._local = [
            _IMDS,
            *(value for name in _IDENTITY_ENDPOINTS if (value := environ.get(name))),
            *issuers_in(environ),
        ]

    def send(self, request: Any, **options: Any) -> Any:
        """Send a request.

        Raises ForeignHost for a host that must not get a secret, ServiceRequestError without a response, and
        ServiceResponseError for an unreadable one.
        """
        local = any(_same_place(request.url, each) for each in self._local)
        if not local and not self._endpoints.is_login(request.url):
            raise ForeignHost(request.url)
        try:
            response = self._inner.send(request, **options)
        except AzureError as error:
            reason = reason_of(error)
            if isinstance(error, ServiceRequestError | ServiceResponseTimeoutError) or reason.startswith((PROXY, TLS)):
                raise ServiceRequestError(f"{UNREACHED}. {reason}") from error
            raise _unreadable(reason) from error  # truncated, or it contradicts its headers
        if 300 <= response.status_code < 400:
            raise _unreadable(f"It redirects to {response.headers.get('Location')}")
        if response.status_code < 500 and not _is_object(response.body()):
            raise _unreadable(f"It is not a JSON object; it begins: {_start(response.body())}")
        return response

    def open(self) -> None:
        """Open the inner transport."""
        self._inner.open()

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


def _same_place(url: str, endpoint: str) -> bool:
    """Return True for a URL on the scheme, host and port of a local endpoint."""
    try:
        one, other = urlsplit(url), urlsplit(endpoint)
    except ValueError:
        return False
    return (one.scheme, one.netloc) == (other.scheme, other.netloc)


def _unreadable(what: str) -> ServiceResponseError:
    return ServiceResponseError(f"{UNREADABLE}. From the login host: {what}")


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(parse(body), dict)
    except ValueError:
        return False


def _start(body: bytes) -> str:
    """Return the start of a body, unless it may be the start of a token."""
    text = " ".join(body[:400].decode("utf-8", "replace").split())
    return f"{text[:100]}…" if text.startswith("<") else "(hidden, it may hold a token)"


class SharedCredential:
    """A thread-safe credential: one thread requests a token, all others share it.

    Some credentials do not cache tokens: the az CLI's starts a process each time. A failure is shared, too, with the
    threads that were waiting for the same token.
    """

    def __init__(self, credential: TokenCredential) -> None:
        self._credential = credential
        self._locks: defaultdict[tuple[Any, ...], threading.Lock] = defaultdict(threading.Lock)
        self._tokens: dict[tuple[Any, ...], AccessToken] = {}
        self._failures: dict[tuple[Any, ...], tuple[float, AzureError]] = {}

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """Return a token for `scopes`. Raises ClientAuthenticationError."""
        wanted = (scopes, tenant_id, enable_cae)
        options = {"claims": claims, "tenant_id": tenant_id, "enable_cae": enable_cae, **kwargs}
        requested = time.monotonic()
        with self._locks[wanted]:
            token = self._tokens.get(wanted)
            # Claims follow a challenge: the cached token was rejected.
            if token is not None and not claims and not self._is_due(wanted, token):
                return token
            failed_at, failure = self._failures.get(wanted, (0.0, None))
            if failure is not None and failed_at > requested:
                raise failure
            try:
                token = self._tokens[wanted] = self._request(scopes, options)
            except AzureError as error:
                self._failures[wanted] = (time.monotonic(), error)
                # A valid token is used to its end when it cannot be renewed, as after a federated login in CI.
                if token is None or claims or token.expires_on - time.time() < _USABLE:
                    raise
            return token

    def _request(self, scopes: tuple[str, ...], options: Mapping[str, Any]) -> AccessToken:
        """Request a token. A credential file that cannot be read any more is a failed sign-in, not an error of its own."""
        try:
            return self._credential.get_token(*scopes, **options)
        except (OSError, UnicodeDecodeError) as error:
            raise ClientAuthenticationError(message=f"{CREDENTIAL_FILE}: {error}") from error

    def _is_due(self, wanted: tuple[Any, ...], token: AccessToken) -> bool:
        """Return True when a token is due for renewal: near its expiry, and not right after a failed attempt."""
        left = token.expires_on - time.time()
        failed_at, _ = self._failures.get(wanted, (-_RENEWAL_PAUSE, None))
        resting = time.monotonic() - failed_at < _RENEWAL_PAUSE
        return left < _USABLE or (left < _RENEWED_BEFORE and not resting)

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token for `scopes` with its metadata. Raises ClientAuthenticationError."""
        token = self.get_token(*scopes, **(options or {}))
        return AccessTokenInfo(token.token, token.expires_on)


class ReplayCredential:
    """The credential of a replay. Its token is never sent."""

    def get_token(self, *_scopes: str, **_kwargs: Any) -> AccessToken:
        """Return a fixed token, which is not a secret."""
        return AccessToken("replayed", int(time.time()) + _REPLAYED_TOKEN_LIFETIME)
