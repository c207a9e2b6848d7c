"""Signing in, for people and for CI, in each cloud.

Source: https://learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final, Self

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenCredential, TokenRequestOptions
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import HttpTransport

from cmkctl.azure.decoding import parse
from cmkctl.azure.errors import UNREACHED
from cmkctl.azure.failures import UNREADABLE

_REPLAYED_TOKEN_LIFETIME: Final = 86_400
_RENEWED_BEFORE: Final = 300
"""How many seconds before its end a token is renewed, as azure-core's policies do."""


def sign_in(
    way: str | None,
    authority: str,
    transport: HttpTransport[Any, Any] | None = None,
    prompt: Callable[[str], None] = lambda _text: None,
) -> TokenCredential:
    """The credential for a way of signing in; None is azure-identity's default chain. No token is asked for yet.

    `authority` is the cloud's login host as a URL; `transport` is azure-core's own unless given. `prompt` hears what a person
    has to do, where signing in takes one: azure-identity would print it, among the JSON lines. Raises ValueError when the
    environment lacks what the way needs.
    """
    from azure import identity  # noqa: PLC0415 - a replay needs no credential and should not pay for this import
    from azure.core.pipeline.transport import RequestsTransport  # noqa: PLC0415 - see above

    ways: dict[str | None, Any] = {
        None: identity.DefaultAzureCredential,
        "environment": identity.EnvironmentCredential,
        "workload": identity.WorkloadIdentityCredential,
        "device": identity.DeviceCodeCredential,
        "browser": identity.InteractiveBrowserCredential,
    }
    if way == "cli":
        return identity.AzureCliCredential()
    if way == "managed-identity":
        return identity.ManagedIdentityCredential()
    options: dict[str, Any] = {}
    if way == "device":
        options["prompt_callback"] = lambda page, code, _until: prompt(
            f"To sign in, open {page} and enter the code {code}"
        )
    login = LoginTransport(transport or RequestsTransport())
    # azure-identity's own patience is over half a minute, and one of many reads is behind each token.
    credential: TokenCredential = ways[way](
        authority=authority, transport=login, retry_total=2, retry_backoff_factor=0.4, **options
    )
    return credential


class LoginTransport(HttpTransport[Any, Any]):
    """The way to a login host, on which an answer that is no JSON counts as none, unless it is a server error.

    Entra's refusals are JSON, too. msal would take a proxy's page for a wrong tenant, and an error of its own would show
    the start of a token.
    """

    def __init__(self, inner: HttpTransport[Any, Any]) -> None:
        self._inner = inner

    def send(self, request: Any, **options: Any) -> Any:
        """Send a request. Raises ServiceRequestError without an answer, ServiceResponseError for one that cannot be read."""
        try:
            response = self._inner.send(request, **options)
        except ServiceRequestError as error:  # no proxy, no such host, no certificate that we trust
            raise ServiceRequestError(f"{UNREACHED}. {error}") from error
        except AzureError as error:  # it broke off, or is not what its headers say
            raise _unreadable(str(error)) from error
        if 300 <= response.status_code < 400:
            raise _unreadable(f"It leads to {response.headers.get('Location')}")
        if response.status_code < 500 and not _is_object(response.body()):
            raise _unreadable(f"It is no JSON object; it begins: {_start(response.body())}")
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


def _unreadable(what: str) -> ServiceResponseError:
    return ServiceResponseError(f"{UNREADABLE}. On the way to the login host: {what}")


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(parse(body), dict)
    except ValueError:
        return False


def _start(body: bytes) -> str:
    """How it begins, unless it may be the beginning of a token."""
    text = " ".join(body[:400].decode("utf-8", "replace").split())
    return f"{text[:100]}…" if text.startswith("<") else "(not shown, for it may hold a token)"


class SharedCredential:
    """A credential for many threads and pipelines: one of them asks for a token, the others get the same one.

    Not every credential keeps its tokens: the one of the az CLI starts a process each time. A failure is shared as well,
    with those who were waiting for the same token when it came.
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
        """A token for `scopes`. Raises ClientAuthenticationError."""
        wanted = (scopes, tenant_id, enable_cae)
        asked = time.monotonic()
        with self._locks[wanted]:
            token = self._tokens.get(wanted)
            # Claims come with a challenge: the token so far was refused.
            if token is None or claims or token.expires_on - time.time() < _RENEWED_BEFORE:
                failed_at, failure = self._failures.get(wanted, (0.0, None))
                if failure is not None and failed_at > asked:
                    raise failure
                options = {"claims": claims, "tenant_id": tenant_id, "enable_cae": enable_cae, **kwargs}
                token = self._tokens[wanted] = self._ask(wanted, scopes, options)
            return token

    def _ask(self, wanted: tuple[Any, ...], scopes: tuple[str, ...], options: dict[str, Any]) -> AccessToken:
        try:
            return self._credential.get_token(*scopes, **options)
        except AzureError as error:
            self._failures[wanted] = (time.monotonic(), error)
            raise

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """A token for `scopes`, with what is known about it. Raises ClientAuthenticationError."""
        token = self.get_token(*scopes, **(options or {}))
        return AccessTokenInfo(token.token, token.expires_on)


class ReplayCredential:
    """Stands for a credential when a tape answers: the token is never sent anywhere."""

    def get_token(self, *_scopes: str, **_kwargs: Any) -> AccessToken:
        """A token that is no secret."""
        return AccessToken("replayed", int(time.time()) + _REPLAYED_TOKEN_LIFETIME)
