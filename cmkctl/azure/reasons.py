"""Reduces an error of the network libraries to its innermost reason, in one line without Python representations.

    ServiceRequestError ─▶ requests.ConnectionError ─▶ MaxRetryError ─▶ ProxyError ─▶ NewConnectionError ─▶ OSError
                                                                                            └─▶ "Connection refused"

azure-identity keeps only the text of an error, so the texts made here begin with words from which
`cmkctl.azure.errors` recovers the cause.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import Final

from azure.core.exceptions import AzureError

PROXY: Final = "The proxy cannot be used"
TLS: Final = "The TLS connection failed"
UNRESOLVED: Final = "The host name cannot be resolved"

_POOL: Final = re.compile(
    r"HTTPS?ConnectionPool\(host='([^']*)', port=\d+\): Max retries exceeded with url: \S+ \(Caused by (.*)\)"
)
_OBJECT: Final = re.compile(r"<[\w.]+ object at 0x[0-9a-fA-F]+>: |\b[A-Z]\w+(?:Error|Exception|Warning)\((.*)\)")
_SEPARATED: Final = re.compile(r"['\"], ?['\"]?")  # separates the arguments of a representation
_TUPLE: Final = re.compile(r"^\('([^']*)', ?(.*)\)$", re.DOTALL)
_C_SOURCE: Final = re.compile(r"\s*\(_\w+\.c:\d+\)")
_ERRNO: Final = re.compile(r"\[Errno -?\d+\] ")
_LONGEST_CHAIN: Final = 20
_MALFORMED: Final = frozenset({"LocationParseError", "InvalidProxyURL", "InvalidURL", "ProxySchemeUnknown"})
"""The words of urllib3 and requests for a malformed address."""


def reason_of(error: BaseException) -> str:
    """Return the reason of an error in one line, such as `The proxy cannot be used: Connection refused`."""
    if isinstance(error, AzureError) and error.inner_exception is None:
        return plain(str(error))  # the error carries cmkctl's own message
    chain = list(_chain(error))
    text = next((reason for each in reversed(chain) if (reason := _own_reason(each))), "") or plain(str(error))
    names = {type(each).__name__ for each in chain}
    if names & _MALFORMED:  # the URLs of Azure are well formed, so it is the proxy's; its text may hold a password
        text = "its address is not of the form http://HOST:PORT"
    elif any("SOCKS" in str(each) for each in chain[:2]):
        text = plain(str(error))
    elif "ProxyError" not in names:
        return _reason_without_proxy(chain, text)
    return f"{PROXY}: {text}"


def _reason_without_proxy(chain: Sequence[BaseException], text: str) -> str:
    if any(isinstance(each, ssl.SSLError) for each in chain):
        return f"{TLS}: {text}"
    if any(isinstance(each, socket.gaierror) for each in chain):
        return f"{UNRESOLVED}: {text}"
    return text


def plain(text: str) -> str:
    """Return a library's text without the representations of its objects, in one line."""
    text = _POOL.sub(r"\1: \2", " ".join(text.split()))
    for _ in range(_LONGEST_CHAIN):
        before, text = text, _TUPLE.sub(r"\1: \2", _OBJECT.sub(lambda found: (found[1] or "").strip("'\""), text))
        if before == text:
            break
        text = _SEPARATED.sub(": ", text)
    return _ERRNO.sub("", _C_SOURCE.sub("", text)).strip(" '\"")


def _own_reason(error: BaseException) -> str:
    """Return the reason in one error of a chain; empty for an error that only wraps its cause."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return str(error.reason or error.strerror or "").replace("_", " ").lower()
    if not isinstance(error, OSError):
        return ""
    if error.strerror:
        return plain(str(error.strerror))
    only = error.args[0] if len(error.args) == 1 else None
    # OSError("Tunnel connection failed: 407 Proxy Authentication Required"), and timeouts.
    return plain(only) if isinstance(only, str) else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, outermost first, through every attribute that the libraries use for a cause."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting and len(seen) < _LONGEST_CHAIN:
        each = waiting.pop(0)
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        names = ("inner_exception", "reason", "original_error", "__cause__", "__context__")
        waiting += [*each.args, *(getattr(each, name, None) for name in names)]
