"""Errors, classified once, where they are understood.

    AzureError (azure-core)  ──classify──▶  Failure: kind, HTTP status, Azure's own code and message
                                              │
                                              └──▶  AzureFailed, an exception that carries the diagnostic for the user

Only HTTP 404 means absent; one 409 does, too: nothing of a resource provider can exist in a subscription where the provider is
not registered. A 403 or 429 on a read is never taken for "not there".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from cmkctl.azure.failures import UNREADABLE, Failure, FailureKind, PolicyDenial
from cmkctl.azure.redaction import shortened
from cmkctl.azure.remedies import diagnose
from cmkctl.diagnostics import CmkctlError

_QUOTA_CODES = (
    "ServiceQuotaExceeded",
    "QuotaExceeded",
    "MaxStorageAccountsCountPerSubscriptionExceeded",
    "RoleAssignmentLimitExceeded",
    "SkuNotAvailable",
)
_RAW_START = 300

UNREACHED = "The login host cannot be reached"
"""How the message begins when no answer came from there; azure-identity hands on the message alone."""

_UNREACHABLE = re.compile(
    rf"{UNREACHED}|Max retries exceeded|Failed to establish a new connection|NameResolutionError|ProxyError|Connection refused"
    r"|(?:Cannot|Unable to) connect to proxy|Missing dependencies for SOCKS support"
    r"|SSLError|CERTIFICATE_VERIFY_FAILED|TLS CA certificate bundle|timed out"
)
"""How we say that a host could not be reached, and urllib3 and requests where azure-identity has a transport of its own."""

_POOL = re.compile(
    r"HTTPSConnectionPool\((host='[^']*'), port=\d+\): Max retries exceeded with url: \S+ \(Caused by (.*)\)"
)
"""What urllib3 says around the reason why no connection came about: without it the reason would be cut off."""

_CHAIN = re.compile(
    r"^DefaultAzureCredential failed to retrieve a token from the included credentials\.\s*Attempted credentials:"
    r"|To mitigate this issue, please refer to.*$",
    re.DOTALL,
)
"""What azure-identity says around the reasons."""

_BODY = re.compile(r"\s*Content: .*$", re.DOTALL)
"""What azure-core adds of an answer that it cannot decode: of a login host's it may hold a token."""

_SIGN_IN_DOWN = re.compile(r"HTTP Error: 5\d\d")
"""How msal says that the login host answered with a server error."""


_KEY_DENIED = frozenset({"Forbidden", "ForbiddenByRbac", "AccessDenied"})
_KEY_DENIED_IN_WORDS = re.compile(
    r"ForbiddenByRbac|does not have keys \w+ permission|Caller is not authorized to perform action"
)
"""How Key Vault tells a service that it may not use a key (recorded, and quoted in issue threads)."""

_KEY_DENIED_TO_A_SERVICE = re.compile(r"does not have keys \w+ permission on key vault")
"""Key Vault's text about the principal that reads a key."""

_ANOTHER_RIGHT = re.compile(r"authorization to perform action 'Microsoft\.(?!KeyVault/vaults/keys/)")
"""Resource Manager names a right that no grant on a key gives, and that no waiting brings."""


_BY_CODE: Mapping[str, FailureKind] = {
    # A 409 that is no conflict.
    "MissingSubscriptionRegistration": FailureKind.NOT_REGISTERED,
    # A 404 that is not about the resource.
    **dict.fromkeys(("SubscriptionNotFound", "InvalidSubscriptionId"), FailureKind.TERMINAL),
    **dict.fromkeys(("NoRegisteredProviderFound", "InvalidResourceType"), FailureKind.TERMINAL),
    "PrincipalNotFound": FailureKind.PENDING,
    # A 409 as well, but waiting does not end it: somebody has to remove the lock.
    "ScopeLocked": FailureKind.LOCKED,
    # Also 409s that are no conflict: what was to be made is there, only not everywhere yet.
    **dict.fromkeys(("RoleAssignmentExists", "Request_MultipleObjectsWithSameKeyValue"), FailureKind.EXISTS),
    "RequestDisallowedByPolicy": FailureKind.POLICY,
    **dict.fromkeys(_QUOTA_CODES, FailureKind.CAPACITY),
    **dict.fromkeys(("ForbiddenByRbac", "AuthorizationFailed", "LinkedAuthorizationFailed"), FailureKind.DENIED),
    **dict.fromkeys(
        ("TooManyRequests", "SubscriptionRequestsThrottled", "ResourceRequestsThrottled"), FailureKind.THROTTLED
    ),
    **dict.fromkeys(
        ("AnotherOperationInProgress", "OperationInProgress", "StorageAccountOperationInProgress"),
        FailureKind.IN_PROGRESS,
    ),
}
_BY_STATUS: Mapping[int, FailureKind] = {
    401: FailureKind.UNAUTHENTICATED,
    403: FailureKind.DENIED,
    404: FailureKind.ABSENT,
    408: FailureKind.PASSING,
    409: FailureKind.CONFLICT,
    429: FailureKind.THROTTLED,
}


class UndecodableResponse(ServiceResponseError):  # noqa: N818 - it says what came
    """An answer came that is not what Azure sends: somebody in between may have answered, or it broke off.

    What the request did is not known, as with an answer that was lost.
    """

    def __init__(self, what: str, response: Any) -> None:
        super().__init__(f"{UNREADABLE}. {what}")
        self.response = response


class AzureFailed(CmkctlError):  # noqa: N818 - it says what happened
    """Azure refused, or could not be reached; `failure` says how, the diagnostic says what to do."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(diagnose(failure))
        self.failure = failure


_NOT_REPLICATED = re.compile(r"Could not retrieve the Log Analytics workspace from ARM")
"""A 400 that a retry resolves: the workspace was created a moment ago, and Application Insights does not see it yet."""


def classify(error: AzureError) -> Failure:
    """What an exception of the Azure SDK means. Never raises, whatever the answer looks like."""
    if isinstance(error, DecodeError):
        return Failure(FailureKind.PASSING, "", _first_lines(f"{UNREADABLE}. {_BODY.sub('', str(error))}"))
    if isinstance(error, HttpResponseError) and error.response is not None:
        return _classify_response(error)
    if isinstance(error, UndecodableResponse):
        said = _first_lines(str(error.message))
        return Failure(FailureKind.PASSING, "", said, int(error.response.status_code), *exchange(error.response))
    if isinstance(error, ClientAuthenticationError):
        message = _BODY.sub("", str(error.message))
        return Failure(_kind_of_sign_in(message), "", _first_lines(_CHAIN.sub("", message)))
    if isinstance(error, ServiceRequestError | ServiceResponseError):
        return Failure(FailureKind.NETWORK, "", _first_lines(_POOL.sub(r"\1: \2", str(error))))
    return Failure(FailureKind.TERMINAL, type(error).__name__, _first_lines(str(error)))


def _kind_of_sign_in(message: str) -> FailureKind:
    """azure-identity reports a login host that it could not reach, or that is ill, as a failed authentication."""
    if _UNREACHABLE.search(message):
        return FailureKind.NETWORK
    return (
        FailureKind.PASSING if _SIGN_IN_DOWN.search(message) or UNREADABLE in message else FailureKind.UNAUTHENTICATED
    )


@dataclass(frozen=True, slots=True)
class _Cause:
    """The content of an ARM error object: innermost code and message, and what the levels around it add."""

    code: str
    message: str
    codes: frozenset[str]
    target: str
    policies: tuple[PolicyDenial, ...]


def _cause(document: Any) -> _Cause:
    code, message = innermost(document)
    try:
        levels = list(_levels(document))
    except RecursionError:
        levels = []
    codes = frozenset(filter(None, (_text(each, "code") for each in levels)))
    targets = [target for each in levels if (target := _text(each, "target"))]
    return _Cause(code, message, codes, targets[-1] if targets else "", _policies(levels))


def _levels(error: Any) -> Iterator[Mapping[str, Any]]:
    """Every error object of a document, from the outermost to the innermost."""
    if not isinstance(error, Mapping):
        return
    if isinstance(error.get("error"), Mapping):
        yield from _levels(error["error"])
        return
    yield error
    for inner in (*_details(error), _embedded(_text(error, "message"))):
        yield from _levels(inner)


def _policies(levels: list[Mapping[str, Any]]) -> tuple[PolicyDenial, ...]:
    """The policies that denied a request, each once."""
    found: dict[PolicyDenial, None] = {}
    for level in levels:
        for each in _mappings(level.get("additionalInfo")):
            if each.get("type") == "PolicyViolation" and isinstance(each.get("info"), Mapping):
                found[_denial(each["info"])] = None
    return tuple(found)


def _denial(info: Mapping[str, Any]) -> PolicyDenial:
    details = info.get("evaluationDetails")
    rows = _mappings(details.get("evaluatedExpressions") if isinstance(details, Mapping) else None)
    types = [each for each in rows if _text(each, "expression") == "type"]
    conditions = [each for each in rows if _text(each, "expression") != "type" and each.get("result") != "False"]
    condition = conditions[-1] if conditions else {}
    return PolicyDenial(
        definition=_text(info, "policyDefinitionDisplayName") or _text(info, "policyDefinitionName"),
        definition_id=_text(info, "policyDefinitionId"),
        assignment=_text(info, "policyAssignmentDisplayName") or _text(info, "policyAssignmentName"),
        assignment_id=_text(info, "policyAssignmentId"),
        resource_type=_shown(types[0].get("expressionValue")) if types else "",
        field=_text(condition, "expression"),
        operator=_text(condition, "operator"),
        target=_shown(condition.get("targetValue")),
        value=_shown(condition.get("expressionValue")),
    )


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _shown(value: Any) -> str:
    """A JSON value of a condition as text."""
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return "" if value is None else str(value)


def innermost(error: Any) -> tuple[str, str]:
    """The code and message of the innermost cause of an ARM error object.

    Details nest, and a failed deployment carries its cause as a JSON string inside a message (recorded so). An object of
    unknown shape gives two empty strings.

    Source: https://learn.microsoft.com/azure/azure-resource-manager/management/common-api-version-errors and
    https://github.com/microsoft/api-guidelines (OData v4 error).
    """
    try:
        return _innermost(error)
    except RecursionError:
        return "", ""


def _innermost(error: Any) -> tuple[str, str]:
    if not isinstance(error, Mapping):
        return "", ""
    if isinstance(error.get("error"), Mapping):
        return _innermost(error["error"])
    code, message = _text(error, "code"), _text(error, "message")
    for inner in (*_details(error), _embedded(message)):
        found = _innermost(inner)
        # An exception of the service, with its stack, explains less than the level around it.
        if found != ("", "") and found[0] != "Exception":
            return found[0] or code, found[1] or message
    return code, message


def operation_failure(document: Any, operation: str, status: str, correlation_id: str = "") -> Failure:
    """The failure of a long-running operation.

    `document` is the body that ended it, `operation` names it in words, `status` is its terminal status.
    """
    cause = _cause(document)
    return Failure(
        kind_of_failed_operation(cause.code, cause.message),
        cause.code or f"Operation{status.capitalize()}",
        cause.message or "Azure gives no reason.",
        request=operation,
        correlation_id=correlation_id,
        codes=cause.codes,
        target=cause.target,
        policies=cause.policies,
    )


def kind_of_failed_operation(code: str, message: str) -> FailureKind:
    """What the innermost cause of a long-running operation that failed means.

    That the service may not use the key is no denial of ours: grants take time, and so it is a kind of its own.
    """
    if code == "RequestDisallowedByPolicy":
        return FailureKind.POLICY
    # Of an HTTP answer 503 means "later"; of an operation it means that the region has nothing left to give.
    if code in (*_QUOTA_CODES, "ServiceUnavailable"):
        return FailureKind.CAPACITY
    key_denied = code in _KEY_DENIED or _KEY_DENIED_IN_WORDS.search(message)
    return FailureKind.NOT_EFFECTIVE if key_denied and not _ANOTHER_RIGHT.search(message) else FailureKind.TERMINAL


def kind_of_refused_write(failure: Failure) -> FailureKind:
    """What a refusal means for a write to Resource Manager.

    A service passes on that Key Vault denies it the key: no denial of ours, since cmkctl sends Key Vault's data plane nothing.
    """
    denied = failure.kind in (FailureKind.DENIED, FailureKind.TERMINAL)
    return FailureKind.NOT_EFFECTIVE if denied and _KEY_DENIED_TO_A_SERVICE.search(failure.message) else failure.kind


def _classify_response(error: HttpResponseError) -> Failure:
    response: Any = error.response
    status = int(response.status_code)
    body = body_text(response)
    cause = _cause(_json(body))
    kind = _kind(status, cause.codes, cause.message)
    message = cause.message or _first_lines(body) or str(getattr(response, "reason", "") or "")
    asked = asked_delay(response, body) if kind is FailureKind.THROTTLED else ""
    return Failure(
        kind,
        cause.code,
        message,
        status,
        *exchange(response),
        retry_after=asked,
        codes=cause.codes,
        target=cause.target,
        policies=cause.policies,
    )


def exchange(response: Any) -> tuple[str, str]:
    """What was asked, as method and path, and the correlation id of the answer, empty when it has none."""
    asked = f"{response.request.method} {response.request.url.partition('?')[0]}"
    return asked, str(response.headers.get("x-ms-correlation-request-id", ""))


def asked_delay(response: Any, body: str) -> str:
    """The delay a throttled answer asks for: its ``Retry-After``, or the seconds that stand only in its text (recorded)."""
    found = re.search(r"try again after '?(\d+)'? seconds", body)
    return str(response.headers.get("Retry-After") or (found[1] if found else ""))


def _kind(status: int, codes: frozenset[str], message: str) -> FailureKind:
    """Azure's code says more than the HTTP status; Key Vault's code may stand only inside the text."""
    for code, kind in _BY_CODE.items():
        if code in codes:
            return kind
    if "ForbiddenByRbac" in message:
        return FailureKind.DENIED
    if _NOT_REPLICATED.search(message):
        return FailureKind.PENDING
    if status < 400:  # no refusal, and yet not what the request is answered with
        return FailureKind.UNREADABLE
    return _BY_STATUS.get(status, FailureKind.PASSING if status >= 500 else FailureKind.TERMINAL)


def body_text(response: Any) -> str:
    """The body of an HTTP response as text, whatever it is; empty when it cannot be had."""
    try:
        return str(response.text() if callable(response.text) else response.text)
    except (UnicodeDecodeError, AzureError):
        return ""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(error: Any, name: str) -> str:
    """A string member of an error object; some services capitalise, some nest the text (OData v3), some send null."""
    if not isinstance(error, Mapping):
        return ""
    value = error.get(name, error.get(name.capitalize()))
    if isinstance(value, Mapping):
        value = value.get("value")
    return value if isinstance(value, str) else ""


def _details(error: Mapping[str, Any]) -> list[Any]:
    details = error.get("details", error.get("Details"))
    inner = error.get("innererror")
    return [*(details if isinstance(details, list) else []), *([inner] if isinstance(inner, Mapping) else [])]


def _embedded(message: str) -> Any:
    start = message.find("{")
    return _json(message[start:]) if start >= 0 else None


def _first_lines(text: str) -> str:
    return shortened(" ".join(text.split()), _RAW_START)
