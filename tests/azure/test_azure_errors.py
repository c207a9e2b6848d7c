"""Errors are classified once: what Azure really answered, and whatever else might come back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from hypothesis import given
from hypothesis import strategies as st
from support.reference import RECORDINGS, needs_reference
from support.scripted import Answer, http_error

from cmkctl.azure.error_documents import innermost
from cmkctl.azure.errors import AzureFailed, classify
from cmkctl.azure.failures import UNREADABLE, Failure, FailureKind
from cmkctl.azure.remedies import WITHOUT_A_REASON
from cmkctl.checks import CODES

FILES: Final = (
    "44-role-assignment-outcomes",
    "45-graph-serviceprincipals",
    "60-arm-errors",
    "61-lro-failed",
    "62-keyvault-dataplane-errors",
)

EXPECTED: Final = {
    "44-role-assignment-outcomes": {
        FailureKind.EXISTS: [0],
        FailureKind.PENDING: [1, 3],
        FailureKind.TERMINAL: [2, 4, 5, 6],
        FailureKind.DENIED: [7, 8],
    },
    "45-graph-serviceprincipals": {
        FailureKind.DENIED: [13, 14],
        FailureKind.TERMINAL: [15],
        FailureKind.ABSENT: [16, 17],
    },
    "60-arm-errors": {
        FailureKind.DENIED: [0, 1, 2, 3, 4, 5],
        FailureKind.NOT_REGISTERED: [6, 7, 8, 9],
        FailureKind.LOCKED: [10],
        FailureKind.CONFLICT: [14, 15],
        FailureKind.CAPACITY: [12, 13, 42],
        FailureKind.IN_PROGRESS: [11],
        FailureKind.THROTTLED: [16, 17, 18, 19, 20],
        FailureKind.PASSING: [21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32],
        FailureKind.UNAUTHENTICATED: [33, 34],
        FailureKind.ABSENT: [35, 36, 37, 39, 40],
        FailureKind.TERMINAL: [38, 41, 43, 44, 45, 46],
    },
    "61-lro-failed": {FailureKind.ABSENT: [18]},
    "62-keyvault-dataplane-errors": {
        FailureKind.UNAUTHENTICATED: [0, 1],
        FailureKind.DENIED: [2, 3],
        FailureKind.CONFLICT: [4, 5],
        FailureKind.ABSENT: [6, 7],
    },
}


def recorded(name: str) -> list[dict[str, Any]]:
    """Return the exchanges of a recording."""
    exchanges: list[dict[str, Any]] = json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"))["interactions"]
    return exchanges


def recorded_error(exchange: dict[str, Any]) -> HttpResponseError:
    """Return the error that the SDK makes of a recorded exchange."""
    answer, request = exchange["response"], exchange["request"]
    body = answer["body"].encode() if isinstance(answer["body"], str) else answer["body"]
    return http_error(Answer(answer["status"], body), request["method"], request["uri"])


@needs_reference
@pytest.mark.parametrize("name", FILES)
def test_every_recorded_error_is_of_the_expected_kind(name: str) -> None:
    """What Azure really answered is understood as what it means."""
    found: dict[FailureKind, list[int]] = {}

    for index, exchange in enumerate(recorded(name)):
        if exchange["response"]["status"] >= 400:
            found.setdefault(classify(recorded_error(exchange)).kind, []).append(index)

    assert EXPECTED[name] == found


@needs_reference
def test_a_recorded_error_has_request_and_response() -> None:
    """The failure names the request, the status, and Azure's own code and message."""
    exchange = recorded("60-arm-errors")[37]

    failure = classify(recorded_error(exchange))

    path = exchange["request"]["uri"].partition("?")[0]
    assert (404, "DeletedVaultNotFound", f"GET {path}") == (failure.status, failure.code, failure.request)
    assert failure.message.startswith("The specified deleted vault 'asotest-kv2-bwmgyc' does not exist.")


@needs_reference
@pytest.mark.parametrize(
    ("index", "code", "message"),
    [
        (0, "ExtensionOperationFailed", "The extension operation failed with the following error:"),
        (1, "BadRequest", "Could not find member 'securityProfile' on object of type 'Properties'."),
        (2, "UnsupportedProperty", "Property: .properties.services[].location is not supported."),
        (3, "InvalidParameter", "Required parameter 'platformFaultDomainCount' is missing (null)."),
        (8, "Conflict", "Another operation is pending on the specified resource."),
        (12, "GatewayError", ""),
        (20, "", "High availiability not supported for burstable server"),
    ],
)
def test_the_innermost_cause_of_a_recorded_failed_operation(index: int, code: str, message: str) -> None:
    """A failed operation carries its cause in details that nest, or as JSON inside a message; a stack is no cause."""
    body = recorded("61-lro-failed")[index]["response"]["body"]

    found = innermost(body["error"])

    assert (code, True) == (found[0], found[1].startswith(message)), found


@needs_reference
def test_every_recorded_failed_operation_has_a_cause() -> None:
    """Every recorded failed operation yields a code and a message."""
    bodies = [each["response"]["body"] for each in recorded("61-lro-failed")]

    assert [] == [each for each in bodies if innermost(each) == ("", "")]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        # On an RBAC vault Resource Manager answers a key's 403 as 400, with the code inside the text.
        (
            400,
            {"error": {"code": "BadRequest", "message": "[ForbiddenByRbac (Forbidden)] Caller is not …"}},
            FailureKind.DENIED,
        ),
        (403, {"error": {"code": "RequestDisallowedByPolicy", "message": "disallowed by policy"}}, FailureKind.POLICY),
        (403, b"", FailureKind.DENIED),
        (404, b"", FailureKind.ABSENT),
        (404, {"error": {"code": "SubscriptionNotFound", "message": "…"}}, FailureKind.TERMINAL),
        (409, {"error": {"code": "MissingSubscriptionRegistration", "message": "…"}}, FailureKind.NOT_REGISTERED),
        (409, {"error": {"code": "ConflictError", "message": "A vault with the same name …"}}, FailureKind.CONFLICT),
        (408, b"", FailureKind.PASSING),
        (429, b"", FailureKind.THROTTLED),
        (500, b"<html><body>nginx</body></html>", FailureKind.PASSING),
        (502, b'{"error": {"code": "Bad', FailureKind.PASSING),
        (400, {"error": {"code": "BadRequest", "message": "no"}}, FailureKind.TERMINAL),
        (412, {"error": {"code": "PreconditionFailed", "message": "no"}}, FailureKind.TERMINAL),
        # No refusal, and not what the request is answered with.
        (299, b"", FailureKind.UNREADABLE),
        (204, b"", FailureKind.UNREADABLE),
        (
            412,
            {
                "error": {
                    "code": "PreconditionFailed",
                    "message": "There is an operation in progress. Please retry the operation after sometime.",
                }
            },
            FailureKind.IN_PROGRESS,
        ),
        (409, {"error": {"code": "ServerIsBusy", "message": "busy"}}, FailureKind.IN_PROGRESS),
    ],
)
def test_kind_of_an_answer(status: int, body: Any, kind: FailureKind) -> None:
    """Only 404 means absent; a refusal, a throttle and a passing error are never taken for that."""
    assert kind == classify(http_error(Answer(status, body))).kind


BY_CODE: Final = {
    FailureKind.TERMINAL: (
        "SubscriptionNotFound",
        "InvalidSubscriptionId",
        "NoRegisteredProviderFound",
        "InvalidResourceType",
    ),
    FailureKind.NOT_REGISTERED: ("MissingSubscriptionRegistration",),
    FailureKind.PENDING: ("PrincipalNotFound",),
    FailureKind.EXISTS: ("RoleAssignmentExists", "Request_MultipleObjectsWithSameKeyValue"),
    FailureKind.POLICY: ("RequestDisallowedByPolicy",),
    FailureKind.CAPACITY: ("ServiceQuotaExceeded", "QuotaExceeded"),
    FailureKind.DENIED: ("ForbiddenByRbac", "AuthorizationFailed", "LinkedAuthorizationFailed"),
    FailureKind.THROTTLED: ("TooManyRequests", "SubscriptionRequestsThrottled", "ResourceRequestsThrottled"),
    FailureKind.IN_PROGRESS: ("AnotherOperationInProgress", "OperationInProgress", "StorageAccountOperationInProgress"),
}


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in BY_CODE.items() for code in codes])
def test_azures_code_precedes_the_status(kind: FailureKind, code: str) -> None:
    """Whatever status it comes with: a 404 that is not about the resource does not mean that it is absent."""
    for status in (404, 409, 400):
        assert kind is classify(http_error(Answer(status, {"error": {"code": code, "message": "…"}}))).kind


def test_the_outer_code_counts_where_the_inner_is_less_specific() -> None:
    """The innermost cause is reported; an outer code may classify it."""
    error = {"code": "PrincipalNotFound", "message": "out", "details": [{"code": "Details", "message": "in"}]}

    failure = classify(http_error(Answer(400, {"error": error})))

    assert (FailureKind.PENDING, "Details", "in") == (failure.kind, failure.code, failure.message)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ServiceRequestError("no route to host"), FailureKind.NETWORK, "no route to host"),
        (ServiceResponseError("connection reset by peer"), FailureKind.NETWORK, "connection reset by peer"),
        (ClientAuthenticationError("no credential found"), FailureKind.UNAUTHENTICATED, "no credential found"),
        (AzureError("something of azure-core"), FailureKind.TERMINAL, "something of azure-core"),
        (HttpResponseError("without an answer"), FailureKind.TERMINAL, "without an answer"),
        (ClientAuthenticationError(f"Authentication failed: {UNREADABLE}."), FailureKind.PASSING, UNREADABLE),
        (ClientAuthenticationError("Authentication failed: HTTP Error: 503"), FailureKind.PASSING, "HTTP Error: 503"),
        (
            ClientAuthenticationError("Authentication failed: HTTP Error: 400"),
            FailureKind.UNAUTHENTICATED,
            "HTTP Error: 400",
        ),
        (
            ClientAuthenticationError("SSLError(certificate verify failed)"),
            FailureKind.NETWORK,
            "certificate verify failed",
        ),
        (
            ClientAuthenticationError("Read timed out. (read timeout=300)"),
            FailureKind.NETWORK,
            "Read timed out. (read timeout=300)",
        ),
    ],
)
def test_kind_of_an_error_without_an_answer(error: AzureError, kind: FailureKind, words: str) -> None:
    """Where no answer came, the exception gives the kind, and its words are kept without those of the libraries."""
    failure = classify(error)

    assert (kind, words, None) == (failure.kind, failure.message, failure.status)


def test_a_failed_credential_chain_lists_only_the_reasons() -> None:
    """The text of azure-identity around them fills a screen, and leads to a page about its classes."""
    error = ClientAuthenticationError(
        "DefaultAzureCredential failed to retrieve a token from the included credentials.\nAttempted credentials:\n"
        "\tAzureCliCredential: Please run 'az login' to set up an account\n"
        "To mitigate this issue, please refer to the troubleshooting guidelines here at https://aka.ms/x.\nAnd more."
    )

    assert "AzureCliCredential: Please run 'az login' to set up an account" == classify(error).message


@pytest.mark.parametrize("kind", [ClientAuthenticationError, DecodeError])
def test_a_body_that_cannot_be_decoded_is_not_shown(kind: type[AzureError]) -> None:
    """azure-core adds it to its message; the answer of a login host holds a token."""
    error = kind('JSON is invalid: Unterminated string\nContent: {"access_token":"eyJ0eXAi')

    assert "eyJ0" not in str(classify(error))


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ({"code": "Outer", "message": "out"}, ("Outer", "out")),
        ({"error": {"code": "Outer", "message": "out"}}, ("Outer", "out")),
        ({"code": "Outer", "details": [{"code": "Inner", "message": "in"}]}, ("Inner", "in")),
        ({"code": "Outer", "message": "out", "details": [{"code": "Inner"}]}, ("Inner", "out")),
        ({"code": "Outer", "message": "out", "details": [{}, {"message": "in"}]}, ("Outer", "in")),
        (
            {"code": "Forbidden", "message": "no", "innererror": {"code": "ForbiddenByPolicy"}},
            ("ForbiddenByPolicy", "no"),
        ),
        ({"code": "Outer", "message": '{"error": {"code": "Inner", "message": "in"}}'}, ("Inner", "in")),
        ({"code": "Outer", "message": 'It failed: {"code": "Inner", "message": "in"}'}, ("Inner", "in")),
        ({"code": "Outer", "message": "{no JSON}"}, ("Outer", "{no JSON}")),
        ({"Code": "429", "Message": "later", "Details": [{"Message": "locked"}]}, ("429", "locked")),
        ({"code": "Denied", "message": {"lang": "en", "value": "no"}}, ("Denied", "no")),
        (
            {"code": "Outer", "message": "out", "details": [{"code": "Exception", "message": "  at X.Y()"}]},
            ("Outer", "out"),
        ),
        ({"code": None, "message": None, "details": None}, ("", "")),
        ({"code": 5, "message": ["a"], "details": "b"}, ("", "")),
        ("text", ("", "")),
        (None, ("", "")),
        ([{"code": "A"}], ("A", "")),
    ],
)
def test_innermost_cause(error: Any, cause: tuple[str, str]) -> None:
    """The deepest code and the deepest message that Azure names, wherever it puts them."""
    assert cause == innermost(error)


def test_nesting_without_end_is_no_crash() -> None:
    """A response nested deeper than Python can follow counts as one without a code and a message."""
    deep = b'{"error":' * 50_000 + b"1" + b"}" * 50_000

    failure = classify(http_error(Answer(500, deep)))

    assert (FailureKind.PASSING, "") == (failure.kind, failure.code)


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "code", "Code", "message", "details", "Details", "innererror", "value", "x"]),
            inner,
        )
    ),
    max_leaves=12,
)


def _bodies() -> st.SearchStrategy[bytes]:
    documents = JSON.map(lambda each: json.dumps(each).encode())
    truncated = st.tuples(documents, st.integers(0, 40)).map(lambda pair: pair[0][: pair[1]])
    return st.one_of(documents, truncated, st.binary(max_size=60), st.sampled_from([b"", b"<html></html>", b"null"]))


TYPES: Final = (
    "application/json",
    "text/html",
    "application/json; charset=utf-16",
    "text/plain; charset=no-such-thing",
    "",
)


@given(st.integers(200, 599), _bodies(), st.sampled_from(TYPES))
def test_no_answer_makes_classify_raise(status: int, body: bytes, content_type: str) -> None:
    """Every response is classified, and its failure can be displayed."""
    failure = classify(http_error(Answer(status, body, {"Content-Type": content_type})))

    assert status == failure.status
    assert list(_diagnosed(failure))


def _diagnosed(failure: Failure) -> Iterator[str]:
    for each in AzureFailed(failure).diagnostics:
        yield from (each.code, each.summary, each.detail, each.remedy)


def test_the_diagnostic_has_what_a_support_case_needs() -> None:
    """The request, Azure's response and the correlation id."""
    body = {"error": {"code": "AuthorizationFailed", "message": "The client may not."}}
    answer = Answer(403, body, {"x-ms-correlation-request-id": "c0ffee"})

    (diagnostic,) = AzureFailed(
        classify(http_error(answer, "PUT", "https://management.azure.com/x?api-version=1"))
    ).diagnostics

    request = "PUT https://management.azure.com/x"
    response = "HTTP 403 AuthorizationFailed: The client may not."
    assert ("CMK303", request) == (diagnostic.code, diagnostic.subject)
    assert f"{request}: {response} Correlation id for a support case: c0ffee." == diagnostic.detail


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (Failure(FailureKind.NETWORK, "", "connection reset"), "connection reset"),
        (Failure(FailureKind.TERMINAL, "BadRequest", "purge protection"), "BadRequest: purge protection"),
        (Failure(FailureKind.PASSING, "", "down", 503), "HTTP 503 down"),
    ],
)
def test_a_failure_in_words(failure: Failure, words: str) -> None:
    """Only a request without a response is described as such: a failed operation had one."""
    assert words == str(failure)


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (
            Failure(FailureKind.DENIED, "Authorization_RequestDenied", "Insufficient privileges", 403),
            "belongs to the directory",
        ),
        (
            Failure(FailureKind.TERMINAL, "BadRequest", "Soft-deleted workspace exists. Please purge or recover it."),
            "14 days",
        ),
        (Failure(FailureKind.TERMINAL, "InternalServerError", "An error has occurred."), "run the same command again"),
        (Failure(FailureKind.TERMINAL, "SubscriptionNotFound", "not found", 404), "az account list"),
        (
            Failure(FailureKind.CONFLICT, "Conflict", "Workspace is in a failed provisioning state.", 409),
            "workspace.name",
        ),
        (Failure(FailureKind.TERMINAL, "RoleAssignmentUpdateNotPermitted", "no", 400), "az role assignment list"),
        (Failure(FailureKind.TERMINAL, "BadRequest", "The identity doesn't have enough permissions"), "vaults/read"),
        (Failure(FailureKind.TERMINAL, "", f"workspace mlw ended as Failed, {WITHOUT_A_REASON}."), "activity log"),
        (
            Failure(FailureKind.DENIED, "", "[ForbiddenByRbac (Forbidden)] Caller is not authorized", 400),
            "Crypto Officer",
        ),
        (
            Failure(
                FailureKind.TERMINAL,
                "BadRequest",
                "CMK workspaces should have purge protection enabled on their CMK keyvault.",
            ),
            "az keyvault update",
        ),
    ],
)
def test_a_known_refusal_has_a_remedy_of_its_own(failure: Failure, words: str) -> None:
    """Azure's own message chooses a better remedy where that of the failure's kind would mislead."""
    assert words in AzureFailed(failure).diagnostics[0].remedy


def test_the_reason_why_no_connection_came_about_is_shown() -> None:
    """A resource id is longer than there is room for; what comes behind it is what one has to know."""
    url = f"/subscriptions/{'0' * 300}?api-version=2025-06-01"
    message = (
        f"HTTPSConnectionPool(host='management.azure.com', port=443): Max retries exceeded with url: {url} (Caused by "
        "ProxyError('Unable to connect to proxy', NewConnectionError('[Errno 111] Connection refused')))"
    )

    failure = classify(ServiceRequestError(message))

    assert "management.azure.com: Unable to connect to proxy: Connection refused" == str(failure)
    assert "CMK323" == AzureFailed(failure).diagnostics[0].code


@pytest.mark.parametrize(
    ("header", "words"),
    [("45", "wait 45 s."), ("Wed, 25 Nov 2026 14:00:00 GMT", "wait Wed, 25 Nov 2026 14:00:00 GMT.")],
)
def test_a_delay_has_a_unit(header: str, words: str) -> None:
    """Retry-After has seconds or a date."""
    failure = Failure(FailureKind.THROTTLED, "TooManyRequests", "Slow down.", 429, retry_after=header)

    assert AzureFailed(failure).diagnostics[0].detail.endswith(words)


def test_every_kind_has_its_advice() -> None:
    """Whatever is wrong, there is a code to look up and something to do."""
    codes = [AzureFailed(Failure(kind, "", "")).diagnostics[0].code for kind in FailureKind]

    assert len({*codes}) == len(codes)
    assert {*CODES} >= {*codes}
