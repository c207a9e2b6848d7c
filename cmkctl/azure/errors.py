"""Classifies errors, once and in one place.

    AzureError (azure-core)  ──classify──▶  Failure: kind, HTTP status, Azure's own code and message
                                              │
                                              └──▶  AzureFailed, an exception that carries the diagnostic for the user

Only HTTP 404 means absent, and one 409: a subscription without a registered provider has no resource of that provider. A 403
or 429 on a read never means absent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from cmkctl.azure.error_documents import Cause, cause_of
from cmkctl.azure.failures import NOT_REPLICATED, UNREADABLE, Failure, FailureKind
from cmkctl.azure.reasons import reason_of
from cmkctl.azure.redaction import shortened
from cmkctl.azure.remedies import EXPLANATIONS, diagnose, explanation_of
from cmkctl.azure.sign_in_errors import ELSEWHERE, is_refusal, kind_of_sign_in, reasons, without_body
from cmkctl.diagnostics import CmkctlError, Diagnostic

_QUOTA_CODES = (
    "ServiceQuotaExceeded",
    "QuotaExceeded",
    "MaxStorageAccountsCountPerSubscriptionExceeded",
    "RoleAssignmentLimitExceeded",
    "SkuNotAvailable",
)
_RAW_START = 300
_PLACE_SHOWN = 100
_KEY_DENIED = frozenset({"Forbidden", "ForbiddenByRbac", "AccessDenied"})
_SERVICES_WORDS = (
    r"grant get, wrap and unwrap key permissions to"  # disk encryption sets
    r"|Failed to validate key in Key Vault"  # Log Analytics clusters
    r"|authentication issue on the key ?vault"  # storage accounts, and the one of a Databricks workspace
    r"|requires the following Azure Key Vault permissions"  # servers of Azure SQL and Azure Database (error 45330)
    r"|is missing required permissions on the Azure Key Vault"
)
"""The texts of services whose reader lacks permission on the key, as recorded, published or quoted in issue threads."""

_KEY_DENIED_IN_WORDS = re.compile(
    rf"ForbiddenByRbac|does not have keys \w+ permission|Caller is not authorized to perform action|{_SERVICES_WORDS}"
)
"""Key Vault's message to a service without permission to use a key (recorded, and quoted in issue threads)."""

_KEY_DENIED_TO_A_SERVICE = re.compile(rf"does not have keys \w+ permission on key vault|{_SERVICES_WORDS}")
"""Key Vault's text about the principal that reads a key, and those of services."""

_KEY_DENIED_CODES = frozenset(
    ("KeyVaultAuthenticationFailure", "AzureKeyVaultMissingPermissions", "AzureKeyVaultMissingPermissionsMessage")
)
"""The codes of services whose reader lacks permission on the key."""

_OTHER_PERMISSION = re.compile(r"authorization to perform action 'Microsoft\.(?!KeyVault/vaults/keys/)")
"""A missing permission that is not on a key: neither the grant nor waiting provides it."""


_BY_CODE: Mapping[str, FailureKind] = {
    # A 409 that is not a conflict.
    **dict.fromkeys(
        ("MissingSubscriptionRegistration", "SubscriptionNotRegistered", "InvalidSubscriptionRegistrationState"),
        FailureKind.NOT_REGISTERED,
    ),
    # 404s that are not about the resource.
    **dict.fromkeys(("SubscriptionNotFound", "InvalidSubscriptionId"), FailureKind.TERMINAL),
    **dict.fromkeys(("NoRegisteredProviderFound", "InvalidResourceType"), FailureKind.TERMINAL),
    "PrincipalNotFound": FailureKind.PENDING,
    # Also a 409, but waiting does not help: the lock must be removed.
    "ScopeLocked": FailureKind.LOCKED,
    # Also 409s that are not conflicts: the object exists, but is not visible everywhere yet.
    **dict.fromkeys(("RoleAssignmentExists", "Request_MultipleObjectsWithSameKeyValue"), FailureKind.EXISTS),
    "RequestDisallowedByPolicy": FailureKind.POLICY,
    **dict.fromkeys(_QUOTA_CODES, FailureKind.CAPACITY),
    **dict.fromkeys(("ForbiddenByRbac", "AuthorizationFailed", "LinkedAuthorizationFailed"), FailureKind.DENIED),
    **dict.fromkeys(
        ("TooManyRequests", "SubscriptionRequestsThrottled", "ResourceRequestsThrottled"), FailureKind.THROTTLED
    ),
    **dict.fromkeys(
        ("AnotherOperationInProgress", "OperationInProgress", "StorageAccountOperationInProgress", "ServerIsBusy"),
        FailureKind.IN_PROGRESS,
    ),
}
_BUSY_CODES = frozenset(
    {
        *("RetryableError", "RetryableErrorDueToAnotherOperation", "ReferencedResourceNotProvisioned"),
        *("StorageAccountIsNotProvisioned", "ConflictingConcurrentWriteNotAllowed", "AccountIsNotSucceeded"),
    }
)
_BUSY = re.compile(
    r"[Aa]nother operation|operation is (?:already |still )?in progress|being (?:created|updated|modified) by"
    r"|not in (?:a |the )?'?[Ss]ucceeded'? state|state must be '?Succeeded|[Rr]etry (?:\w+ ){0,3}(?:later|after)"
    r"|[Pp]lease retry|[Tt]ry again later|temporarily unavailable|[Ss]tatus: '?Conflict"
)
"""The words and codes of a refusal that waiting resolves, whatever its HTTP status: each service has its own."""

_FINAL_CODES = ("RequestDisallowedByPolicy", "ScopeLocked", *_QUOTA_CODES)
"""Codes that a failed operation may have at any level."""

_SPECIFIC = frozenset(_BY_CODE) - {"TooManyRequests", "Forbidden"}
"""Codes that name the cause, also where a service lists a vaguer one before it."""

_BY_STATUS: Mapping[int, FailureKind] = {
    401: FailureKind.UNAUTHENTICATED,
    403: FailureKind.DENIED,
    404: FailureKind.ABSENT,
    408: FailureKind.PASSING,
    409: FailureKind.CONFLICT,
    429: FailureKind.THROTTLED,
}


class UndecodableResponse(ServiceResponseError):  # noqa: N818 - names the response
    """A response that Azure does not send: a proxy's page, or a truncated one.

    The effect of the request is unknown, as after a lost response.
    """

    def __init__(self, what: str, response: Any) -> None:
        super().__init__(f"{UNREADABLE}. {what}")
        self.response = response


class ForeignHost(AzureError):  # noqa: N818 - names the response
    """A response named an address outside the profile's cloud. Nothing was sent to it."""

    def __init__(self, url: str) -> None:
        super().__init__(f"{ELSEWHERE}: {_place(url)}. Nothing was sent to it.")


class ForeignRedirect(UndecodableResponse):
    """A request was answered with a redirect to a host outside the profile's cloud. It was not followed."""

    def __init__(self, url: str, response: Any) -> None:
        super().__init__(f"It redirects to {_place(url)}. Nothing was sent there.", response)


class ResponseTooLarge(AzureError):  # noqa: N818 - names the response
    """A response body has more than `limit` bytes."""

    def __init__(self, limit: int, response: Any) -> None:
        super().__init__(f"The response has more than {limit // 1024 // 1024} MiB; it was not read further.")
        self.response = response


class DeadlinePassed(AzureError):  # noqa: N818 - names the event
    """The deadline of the run passed before the response, or before the request was sent."""

    def __init__(self) -> None:
        super().__init__("The time set by --timeout has passed. Operations already started continue in Azure.")


class AzureFailed(CmkctlError):  # noqa: N818 - names the event
    """Azure rejected a request, or could not be reached. `failure` classifies it; the diagnostic has the remedy."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(diagnose(failure))
        self.failure = failure


_OWN_REFUSALS: Mapping[type[AzureError], FailureKind] = {
    ForeignHost: FailureKind.FOREIGN_HOST,
    ForeignRedirect: FailureKind.FOREIGN_HOST,
    DeadlinePassed: FailureKind.DEADLINE,
    ResponseTooLarge: FailureKind.UNREADABLE,
}


def classify(error: AzureError) -> Failure:
    """Classify an exception of the Azure SDK. Never raises, even for a malformed response."""
    kind = next((kind for refusal, kind in _OWN_REFUSALS.items() if isinstance(error, refusal)), None)
    return _classify_foreign(error) if kind is None else _of_ours(error, kind)


def _of_ours(error: AzureError, kind: FailureKind) -> Failure:
    """Classify a failure that cmkctl itself raised, with the exchange if a response caused it."""
    response = getattr(error, "response", None)
    answered = () if response is None else (int(response.status_code), *exchange(response))
    return Failure(kind, "", str(error.message), *answered)


def _classify_foreign(error: AzureError) -> Failure:
    if isinstance(error, DecodeError):
        return Failure(FailureKind.PASSING, "", _first_lines(f"{UNREADABLE}. {without_body(str(error))}"))
    if isinstance(error, HttpResponseError) and error.response is not None:
        rejected = _rejected_by_login_host(error.response)
        return _classify_response(error) if rejected is None else rejected
    if isinstance(error, UndecodableResponse):
        message = _first_lines(str(error.message))
        return Failure(FailureKind.PASSING, "", message, int(error.response.status_code), *exchange(error.response))
    if isinstance(error, ClientAuthenticationError):
        return _classify_sign_in(error)
    if isinstance(error, ServiceRequestError | ServiceResponseError):
        return Failure(FailureKind.NETWORK, "", _first_lines(reason_of(error)))
    return Failure(FailureKind.TERMINAL, type(error).__name__, _first_lines(str(error)))


def _classify_sign_in(error: ClientAuthenticationError) -> Failure:
    refused = error.__cause__
    if isinstance(refused, HttpResponseError) and _has_claims_challenge(refused.response):
        # Azure requires a token with more claims, and azure-identity could not get one.
        return replace(_classify_response(refused), kind=FailureKind.CLAIMS)
    message = without_body(str(error.message))
    return Failure(kind_of_sign_in(message), "", reasons(message), refused=is_refusal(error))


def _rejected_by_login_host(response: Any) -> Failure | None:
    """Return the failure in a response of a login host, which has a form of its own; None for any other response.

    Source: https://www.rfc-editor.org/rfc/rfc6749#section-5.2
    """
    document = _json(body_text(response))
    message = document.get("error_description") if isinstance(document, Mapping) else None
    if not isinstance(message, str) or response.status_code not in (400, 401):
        return None
    return Failure(kind_of_sign_in(message), "", reasons(message), refused=True)


def _has_claims_challenge(response: Any) -> bool:
    """Return True for a 401 that requires a token with more claims, as Conditional Access does.

    Source: https://learn.microsoft.com/entra/identity-platform/claims-challenge
    """
    if response is None or response.status_code != 401:
        return False
    challenge = str(response.headers.get("WWW-Authenticate", ""))
    return "insufficient_claims" in challenge or "claims=" in challenge


def operation_failure(document: Any, operation: str, status: str, correlation_id: str = "") -> Failure:
    """Return the failure of a long-running operation.

    `document` is the body that ended it, `operation` names it in words, `status` is its terminal status.
    """
    cause = cause_of(document, _SPECIFIC)
    return Failure(
        _kind_of_operation(cause),
        cause.code or f"Operation{status.capitalize()}",
        cause.message or "Azure gives no reason.",
        request=operation,
        correlation_id=correlation_id,
        codes=cause.codes,
        target=cause.target,
        policies=cause.policies,
    )


def explained(text: str) -> Diagnostic | None:
    """Return the diagnostic for an error code or a message of Azure alone; None for one that the table does not know."""
    code = text if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]+", text) else ""
    names = {each.lower(): each for row in EXPLANATIONS for each in row.codes} | {
        each.lower(): each for each in _BY_CODE
    }
    known = names.get(code.lower(), "")
    if not known and (code or " " not in text):
        known = code if re.fullmatch(r"AADSTS\d+", code) else ""
        if not known:
            return None
    message = "" if known and known != code.upper() else text
    cause = Cause(known, message, frozenset((known,)), "", ()) if known else cause_of({"message": text}, _SPECIFIC)
    kind = _BY_CODE.get(cause.code) or next(
        (_BY_CODE[each] for each in _BY_CODE if each in cause.codes), FailureKind.TERMINAL
    )
    failure = Failure(kind, cause.code, cause.message, 400, codes=cause.codes, policies=cause.policies)
    return diagnose(failure) if known or explanation_of(failure) else None


def _kind_of_operation(cause: Cause) -> FailureKind:
    """Classify a failed operation. A lock or a policy at any level is the cause: waiting resolves neither."""
    kind = kind_of_failed_operation(cause.code, cause.message)
    found = next((_BY_CODE[each] for each in _FINAL_CODES if each in cause.codes), None)
    return found if found and kind is FailureKind.TERMINAL else kind


def kind_of_failed_operation(code: str, message: str) -> FailureKind:
    """Classify the innermost cause of a failed long-running operation.

    A key that the service may not use yet is a separate kind, not DENIED: grants take time to take effect.
    """
    # An HTTP 503 means "later"; an operation that ends with it means that the region has no capacity.
    if code in (*_QUOTA_CODES, "ServiceUnavailable"):
        return FailureKind.CAPACITY
    key_denied = code in _KEY_DENIED | _KEY_DENIED_CODES or _KEY_DENIED_IN_WORDS.search(message)
    return FailureKind.NOT_EFFECTIVE if key_denied and not _OTHER_PERMISSION.search(message) else FailureKind.TERMINAL


def kind_of_refused_write(failure: Failure) -> FailureKind:
    """Classify the refusal of a write to Resource Manager.

    A service passes on that Key Vault denies it the key: no denial of ours, since cmkctl sends Key Vault's data plane nothing.
    """
    denied = failure.kind in (FailureKind.DENIED, FailureKind.TERMINAL)
    of_key = failure.code in _KEY_DENIED_CODES or _KEY_DENIED_TO_A_SERVICE.search(failure.message)
    return FailureKind.NOT_EFFECTIVE if denied and of_key else failure.kind


def kind_of_failed_write(failure: Failure) -> FailureKind:
    """Classify the failure of a write. A 404 is about the group or parent, which was there when the step was planned.

    A new group or vault takes a moment to be visible to every part of Resource Manager.
    """
    return FailureKind.PENDING if failure.kind is FailureKind.ABSENT and failure.status == 404 else failure.kind


def _classify_response(error: HttpResponseError) -> Failure:
    response: Any = error.response
    status = int(response.status_code)
    body = body_text(response)
    cause = cause_of(_json(body), _SPECIFIC)
    kind = FailureKind.CLAIMS if _has_claims_challenge(response) else _kind(status, cause.codes, cause.message)
    message = cause.message or _first_lines(body) or str(getattr(response, "reason", "") or "")
    delay = requested_delay(response, body) if kind is FailureKind.THROTTLED else ""
    return Failure(
        kind,
        cause.code,
        message,
        status,
        *exchange(response),
        retry_after=delay,
        codes=cause.codes,
        target=cause.target,
        policies=cause.policies,
        challenge=_challenge(response) if kind is FailureKind.CLAIMS else "",
    )


def refusals_of(error: HttpResponseError) -> list[Failure]:
    """Return one failure for each resource that a refused validation lists; the whole one where it lists none."""
    whole = _classify_response(error)
    document = _json(body_text(error.response))
    top = document.get("error") if isinstance(document, Mapping) else None
    details = top.get("details") if isinstance(top, Mapping) else None
    causes = [cause_of(each, _SPECIFIC) for each in details if isinstance(each, Mapping)] if details else []
    return [
        replace(
            whole,
            kind=_kind(400, each.codes, each.message),
            code=each.code,
            message=each.message,
            codes=each.codes,
            target=each.target,
            policies=each.policies,
        )
        for each in causes
    ] or [whole]


def _challenge(response: Any) -> str:
    """Return the claims of a challenge, in base64 as Azure sends them and az takes them; empty without any."""
    found = re.search(r'\bclaims="([A-Za-z0-9+/_=-]+)"', str(response.headers.get("WWW-Authenticate", "")))
    return found[1] if found else ""


def exchange(response: Any) -> tuple[str, str]:
    """Return the request as method and path, and the correlation id of the response, empty without one."""
    request = f"{response.request.method} {response.request.url.partition('?')[0]}"
    return request, str(response.headers.get("x-ms-correlation-request-id", ""))


def requested_delay(response: Any, body: str) -> str:
    """Return the delay of a throttled response: its ``Retry-After``, or the seconds in its text (recorded).

    Resource Graph has a header of its own, ``hh:mm:ss``:
    https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests
    """
    found = re.search(r"try again after '?(\d+)'? seconds", body)
    return str(response.headers.get("Retry-After") or (found[1] if found else "") or _quota_reset(response))


def _quota_reset(response: Any) -> str:
    found = re.fullmatch(r"(\d+):(\d\d):(\d\d)", str(response.headers.get("x-ms-user-quota-resets-after") or ""))
    return str(int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3])) if found else ""


def _kind(status: int, codes: frozenset[str], message: str) -> FailureKind:
    """Classify by Azure's code before the HTTP status; Key Vault's code may be only in the message."""
    for code, kind in _BY_CODE.items():
        if code in codes:
            return kind
    if "ForbiddenByRbac" in message:
        return FailureKind.DENIED
    if re.search(NOT_REPLICATED, message):
        return FailureKind.PENDING
    if status < 400:  # a success with an unexpected body
        return FailureKind.UNREADABLE
    if status in (400, 409, 412) and (codes & _BUSY_CODES or _BUSY.search(message)):
        return FailureKind.IN_PROGRESS
    return _BY_STATUS.get(status, FailureKind.PASSING if status >= 500 else FailureKind.TERMINAL)


def body_text(response: Any) -> str:
    """Return the body of an HTTP response as text; empty when it cannot be read."""
    try:
        return str(response.text() if callable(response.text) else response.text)
    except (UnicodeDecodeError, AzureError):
        return ""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _place(url: str) -> str:
    """Return the origin of a URL, whose path may hold a secret; the start of a URL without a host."""
    start = re.match(r"[a-z][a-z0-9+.-]*://[^/?#\s]*", url, re.IGNORECASE)
    return shortened(re.sub(r"//[^/]*@", "//…@", start[0]) if start else url, _PLACE_SHOWN)


def _first_lines(text: str) -> str:
    return shortened(" ".join(text.split()), _RAW_START)
