"""The credential of the az CLI, for the account of the profile and not for the current one.

    az account get-access-token --subscription ID      the stored login that has the subscription, in that subscription's tenant
      └─ az does not know it, or the token is of another tenant ─▶ az account get-access-token --tenant ID

az takes one of the two options, never both. It may not know a subscription that is newer than the login; without a tenant in
the profile its current account is used then.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from azure import identity
from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError

from cmkctl.azure.clouds import Cloud
from cmkctl.azure.failures import CLI_FAILED, OTHER_CLOUD
from cmkctl.azure.tokens import tenant_of

_UNUSABLE_OUTPUT: Final = "its output is not the JSON of az account get-access-token"
_UNKNOWN_SUBSCRIPTION: Final = re.compile(r"[Ss]ubscription .*(?:not found|doesn't exist)")


@dataclass(frozen=True, slots=True)
class Account:
    """The account that a token is for: the profile's cloud, subscription and tenant. `tenant` is empty where it gives none."""

    cloud: Cloud
    subscription: str
    tenant: str = ""


class AzureCliCredential(identity.AzureCliCredential):
    """The az CLI, with a message for each way in which it gives no token. `timeout` is in seconds.

    Without an `account` it uses its current one.

    It has azure-identity's name, which the messages of a chain show.
    """

    def __init__(self, account: Account | None, timeout: int, environ: Mapping[str, str] = os.environ) -> None:
        super().__init__(subscription=account.subscription if account else None, process_timeout=timeout)
        self._account = account
        self._timeout = timeout
        self._environ = environ

    def get_token(self, *scopes: str, claims: str | None = None, **_options: Any) -> AccessToken:
        """Return a token for `scopes`, of the profile's tenant. Raises as `get_token_info` does."""
        options: TokenRequestOptions = {}
        if claims:
            options["claims"] = claims
        found = self.get_token_info(*scopes, options=options)
        return AccessToken(found.token, found.expires_on)

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token for `scopes` with its metadata. Raises ClientAuthenticationError and CredentialUnavailableError."""
        self._check_cloud()
        tenant = self._account.tenant if self._account else ""
        try:
            token = self._checked(super().get_token_info, *scopes, options=options)
        except ClientAuthenticationError as error:
            if not _UNKNOWN_SUBSCRIPTION.search(str(error.message)):
                raise
            return self._of_tenant(tenant, *scopes, options=options)
        issued = tenant_of(token.token)
        if tenant and issued and issued.lower() != tenant.lower():
            return self._of_tenant(tenant, *scopes, options=options)
        return token

    def _of_tenant(self, tenant: str, *scopes: str, options: TokenRequestOptions | None) -> AccessTokenInfo:
        """Return a token of a tenant; of the current account where none is given."""
        other = identity.AzureCliCredential(tenant_id=tenant, process_timeout=self._timeout)
        return self._checked(other.get_token_info, *scopes, options=options)

    def _checked(
        self, request: Callable[..., AccessTokenInfo], *scopes: str, options: TokenRequestOptions | None
    ) -> AccessTokenInfo:
        """Return the token that az prints. Raises its errors with the reason that azure-identity leaves out or mistakes.

        azure-identity reports a timeout as a failure to invoke az, output that is no token as a rejection, together with the
        output, which may hold a token, and fails on JSON that is not an object. Only an error with a code of Entra is a
        rejection.
        """
        try:
            token = request(*scopes, options=options)
        except ClientAuthenticationError as error:  # also CredentialUnavailableError
            reason = self._reason(error)
            if not reason:
                raise
            raise _gave_no_token(reason) from error.__cause__
        except (TypeError, AttributeError) as error:
            raise _gave_no_token(_UNUSABLE_OUTPUT) from error
        if not isinstance(token.token, str) or not token.token:
            raise _gave_no_token(_UNUSABLE_OUTPUT)
        return token

    def _reason(self, error: ClientAuthenticationError) -> str:
        """Return why az gave no token; empty where azure-identity's message names the reason."""
        message, cause = str(error.message), error.__cause__
        if isinstance(cause, subprocess.TimeoutExpired):
            return f"az gave no token within {self._timeout} s"
        if isinstance(cause, UnicodeDecodeError) or message.startswith("Unexpected output"):
            return _UNUSABLE_OUTPUT
        if isinstance(cause, OSError):
            return f"{message} ({cause.strerror})"
        if message == "Failed to invoke Azure CLI":
            return "it failed without a message"
        failed = isinstance(cause, subprocess.CalledProcessError) and cause.stderr and message.strip()
        return message.strip().removeprefix("ERROR: ") if failed and _is_own_error(message) else ""

    def _check_cloud(self) -> None:
        """Raise CredentialUnavailableError when az is set to a different cloud: its tokens are of no use in this one."""
        current = cloud_of_az(self._environ)
        if self._account and current and current != self._account.cloud:
            raise CredentialUnavailableError(
                f"{OTHER_CLOUD} {current}, and the profile's cloud is {self._account.cloud}"
            )


def _gave_no_token(reason: str) -> CredentialUnavailableError:
    return CredentialUnavailableError(f"{CLI_FAILED}: {reason}")


def _is_own_error(message: str) -> bool:
    """Return True for an error of az itself: neither a rejection by Entra nor the text for az that is missing or signed out."""
    known = ("AADSTS", "az login", "not found on path")
    return not any(each in message for each in known)


def subscription_of_az(environ: Mapping[str, str]) -> str:
    """Return the id of the az CLI's current subscription; empty where az is not signed in, or its file is not readable."""
    folder = environ.get("AZURE_CONFIG_DIR") or Path(environ.get("HOME") or "~").expanduser() / ".azure"
    try:
        found = json.loads(Path(folder, "azureProfile.json").read_text(encoding="utf-8-sig"))
        return next((str(each["id"]) for each in found["subscriptions"] if each.get("isDefault")), "")
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return ""


def cloud_of_az(environ: Mapping[str, str]) -> str:
    """Return the cloud that az is set to: ``AZURE_CLOUD_NAME``, else its configuration file; empty where neither names one."""
    if environ.get("AZURE_CLOUD_NAME"):
        return environ["AZURE_CLOUD_NAME"]
    folder = environ.get("AZURE_CONFIG_DIR") or Path(environ.get("HOME") or "~").expanduser() / ".azure"
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(Path(folder) / "config", encoding="utf-8")
        return parser.get("cloud", "name", fallback="")
    except (configparser.Error, OSError, ValueError):
        return ""
