"""Reads azure-identity's messages about a missing token: which credentials were tried, and which of them Entra rejected.

azure-identity reports a host that is unreachable, a response that cannot be used and a rejection by Entra with one type of
error, and keeps only the text, so the text decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from azure.core.exceptions import ClientAuthenticationError

from cmkctl.azure import entra_errors
from cmkctl.azure.failures import CLI_FAILED, UNREADABLE, FailureKind
from cmkctl.azure.reasons import PROXY, TLS, UNRESOLVED, plain
from cmkctl.azure.redaction import shortened

ELSEWHERE: Final = "A response points outside the cloud of the profile"
"""The beginning of the message about a URL that was not followed."""

UNREACHED: Final = "Cannot reach the login host"
"""The beginning of the message about a login host without a response."""

_LONGEST: Final = 2000
"""Characters of a reason: Entra's are a few hundred, and a page of HTML in their place is cut."""

_NOT_SET_UP: Final = re.compile(
    r"unavailable|not found on path|not installed|az login'|azd auth login|Connect-AzAccount|no managed identity|No response"
    rf"|not fully configured|{CLI_FAILED}|Failed to (?:invoke|execute)|requires"
    r"|doesn't support|No accounts?|could not be found|is set to",
    re.IGNORECASE,
)
"""The messages about a credential that could not be tried. Every other reason ends the chain: a rejection."""

_REJECTED: Final = re.compile(r"AADSTS\d+")
"""Entra's code of a rejection; a chain goes on after that of a developer's tool."""

_UNREACHABLE: Final = re.compile(
    rf"{UNREACHED}|{PROXY}|{TLS}|{UNRESOLVED}|Max retries exceeded|Failed to establish a new connection|NameResolutionError"
    r"|ProxyError|Connection refused|(?:Cannot|Unable to) connect to proxy|SSLError|CERTIFICATE_VERIFY_FAILED"
    r"|TLS CA certificate bundle|timed out"
)
"""The messages about an unreachable host: ours, and those of urllib3 and requests in azure-identity's own transports."""

_CHAIN: Final = re.compile(
    r"^(\w+) failed to retrieve a token from the included credentials\.\s*Attempted credentials:\s*(.*?)"
    r"\s*(?:To mitigate this issue, please refer to.*)?$",
    re.DOTALL,
)
"""The frame of azure-identity's message about a chain of credentials, around the reasons."""

_ATTEMPT: Final = re.compile(r"(?:^|\n)\t?(\w+Credential): (.*?)(?=\n\t?\w+Credential: |\Z)", re.DOTALL)
_ADVICE_PAGE: Final = re.compile(
    r"\s*(?:Visit|See the troubleshooting guide|To mitigate this issue, please refer to)\b.*?https?://\S+[^.\n]*\.?",
    re.DOTALL,
)
_UNAVAILABLE: Final = re.compile(r"^\w+Credential authentication unavailable[.,:]?\s*")
_ANSWERED: Final = re.compile(r"^.*?(?=Token request error: )", re.DOTALL)
"""The beginning of azure-identity's message about a managed identity, whatever its endpoint answered."""
_SENTENCE_END: Final = re.compile(r"\.\s+(?=[A-Z])")

_BODY: Final = re.compile(r"\s*Content: .*$", re.DOTALL)
"""The start of an undecodable response, added by azure-core; a login host's may hold a token."""

_SIGN_IN_DOWN: Final = re.compile(r"HTTP Error: 5\d\d")
"""The message of msal about a server error of the login host."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One credential of a chain, with azure-identity's text."""

    name: str
    text: str
    last: bool

    @property
    def rejected(self) -> bool:
        """True when Entra, or the host of a managed identity, rejected it: the chain ended with it, or Entra's code is there."""
        return _REJECTED.search(self.text) is not None or (self.last and not _NOT_SET_UP.search(self.text))

    @property
    def line(self) -> str:
        """The name and the reason: all of it for a rejection, else its first sentence, for a chain has ten credentials."""
        reason = _reason(self.text)
        return f"{self.name}: {reason if self.rejected else _SENTENCE_END.split(reason)[0]}"


def without_body(message: str) -> str:
    """Return a message without the start of a response, which may hold a token."""
    return _BODY.sub("", message)


def kind_of_sign_in(message: str) -> FailureKind:
    """Classify a failed sign-in; azure-identity reports a login host that is unreachable or failing as one, too."""
    if ELSEWHERE in message:
        return FailureKind.FOREIGN_HOST
    if _UNREACHABLE.search(message):
        return FailureKind.NETWORK
    return FailureKind.PASSING if _is_transient(message) else FailureKind.UNAUTHENTICATED


def _is_transient(message: str) -> bool:
    return any(each.search(message) for each in (_SIGN_IN_DOWN, entra_errors.TRANSIENT)) or UNREADABLE in message


def reasons(message: str) -> str:
    """Return the reason for a missing token; for a chain one line for each credential that was tried, a rejected one first."""
    attempts = _attempts(message)
    if not attempts:
        return shortened(_reason(message), _LONGEST)
    ordered = sorted(attempts, key=lambda each: not each.rejected)
    return "\n".join(shortened(each.line, _LONGEST) for each in ordered)


def is_refusal(error: ClientAuthenticationError) -> bool:
    """Return True for a sign-in that was tried and rejected, False for one that is not set up."""
    attempts = _attempts(str(error.message))
    if not attempts:
        return type(error).__name__ != "CredentialUnavailableError"  # no import of azure-identity for its name
    return any(each.rejected for each in attempts)


def _attempts(message: str) -> list[_Attempt]:
    chain = _CHAIN.match(message)
    found = _ATTEMPT.findall(chain[2]) if chain else []
    return [_Attempt(name, text, index == len(found)) for index, (name, text) in enumerate(found, 1)]


def _reason(text: str) -> str:
    reason = plain(_ANSWERED.sub("", _UNAVAILABLE.sub("", _ADVICE_PAGE.sub("", text))))
    # The text of a rejection has its code; the trace ids after it stay, for Microsoft's support.
    return reason.removeprefix("Authentication failed: ").removeprefix("ERROR: ").rstrip(". ")
