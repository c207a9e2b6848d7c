"""What Azure was recorded doing, fact by fact: the numbers are those of the recordings' index."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.scripted import ARM, Answer, Azure, azure, http_error, response_to

from cmkctl.azure.errors import AzureFailed, classify
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.waiting import poll_to_end, poll_until

RESOURCE = f"{ARM}/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/mlw"
NGINX = (
    b"<html>\r\n<head><title>500 Internal Server Error</title></head>\r\n<body>\r\n<center><h1>500 Internal Server Error"
    b"</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
LONG = (
    f"{ARM}/subscriptions/s/providers/Microsoft.MachineLearningServices/locations/eastus/workspaceOperationsStatus/1"
    f"?api-version=2024-04-01&type=async&t=638598&c={'MIIHhzCCBm%2BgAwIBAgI' * 140}&s={'Ab-_' * 80}%3D&h=Zx%2FyQ"
)
IN_PROGRESS = Answer(200, {"status": "InProgress"})
SUCCEEDED = Answer(200, {"status": "Succeeded", "percentComplete": 100.0})


def accepted(url: str = LONG) -> Answer:
    """Fact 1: 202 with an empty body and both headers."""
    return Answer(202, headers={"Azure-AsyncOperation": url, "Location": url.replace("async", "location")})


def followed(first: Answer, *replies: Any) -> Azure:
    """Follow the operation that a write began."""
    scripted = azure(*replies)
    poll_to_end(scripted.session, response_to("PUT", RESOURCE, first), "workspace mlw")
    return scripted


def test_fact_2_a_polling_url_of_three_thousand_characters_is_used_as_it_is() -> None:
    """Byte for byte, with its percent-encoding and the order of its query."""
    scripted = followed(accepted(), IN_PROGRESS, SUCCEEDED)

    assert len(LONG) > 3000
    assert [LONG, LONG] == [each.url for each in scripted.network.sent]


def test_fact_4_a_poll_that_answers_with_a_page_of_nginx_goes_on() -> None:
    """The creation goes on behind it; nothing is sent but polls."""
    page = Answer(500, NGINX, {"Content-Type": "text/html"})

    scripted = followed(accepted(), IN_PROGRESS, page, page, SUCCEEDED)

    assert ["GET"] * 4 == [each.method for each in scripted.network.sent]


def test_fact_8_a_token_that_ends_in_the_middle_of_a_creation() -> None:
    """A request with this 401 is sent again, with a new token."""
    challenge = (
        'Bearer authorization_uri="https://login.windows.net/t", error="invalid_token", '
        'error_description="The access token has expired."'
    )
    error = {"error": {"code": "ExpiredAuthenticationToken", "message": "The access token expiry UTC time is past."}}

    scripted = followed(accepted(), IN_PROGRESS, Answer(401, error, {"WWW-Authenticate": challenge}), SUCCEEDED)

    assert 3 == len(scripted.network.sent)


def test_fact_12_a_failed_operation_is_http_200_with_the_cause_as_json_in_a_message() -> None:
    """DeploymentFailed, ResourceDeploymentFailure, then the real cause, inside a string."""
    inner = {"error": {"code": "Forbidden", "message": "Caller is not authorized to perform action on resource."}}
    middle = {"code": "ResourceDeploymentFailure", "message": "reached 'Failed'.", "details": [inner["error"]]}
    details = [{"code": "Conflict", "message": json.dumps({"error": middle}, indent=2).replace("\n", "\r\n")}]
    error = {"code": "DeploymentFailed", "message": "At least one resource failed.", "details": details}

    with pytest.raises(AzureFailed) as caught:
        followed(accepted(), Answer(200, {"status": "Failed", "error": error}))

    assert ("Forbidden", FailureKind.NOT_EFFECTIVE) == (caught.value.failure.code, caught.value.failure.kind)


@pytest.mark.parametrize(
    "error", [{"message": "it broke"}, {"code": "", "message": "it broke"}, {"code": "GatewayError"}]
)
def test_fact_12_a_failure_may_lack_its_code_or_its_message(error: dict[str, str]) -> None:
    """It ends as a failure all the same, with whatever there is."""
    with pytest.raises(AzureFailed) as caught:
        followed(accepted(), Answer(200, {"status": "Failed", "error": error}))

    assert error.get("message", "Azure gives no reason.") == caught.value.failure.message
    assert (error.get("code") or "OperationFailed") == caught.value.failure.code


def test_fact_20_a_500_without_an_error_object_is_passing() -> None:
    """So a write is checked and sent again, and a read is sent again."""
    body = {"Message": "An error has occurred."}

    failure = classify(http_error(Answer(500, body), "PUT"))

    assert (FailureKind.PASSING, "An error has occurred.") == (failure.kind, failure.message)


def test_fact_22_a_gateway_timeout_of_a_write_is_passing() -> None:
    """The vault may be there or not: that is for the next look."""
    error = {
        "code": "GatewayTimeout",
        "message": "The gateway did not receive a response from 'Microsoft.KeyVault' within the specified time period.",
    }

    assert FailureKind.PASSING is classify(http_error(Answer(504, {"error": error}), "PUT")).kind


def test_fact_29_a_409_that_is_no_conflict() -> None:
    """The provider is not registered: the run waits for it instead of reporting a conflict."""
    error = {
        "code": "MissingSubscriptionRegistration",
        "message": "The subscription is not registered to use namespace 'Microsoft.KeyVault'.",
        "details": [{"code": "MissingSubscriptionRegistration", "target": "Microsoft.KeyVault", "message": "…"}],
    }

    assert FailureKind.NOT_REGISTERED is classify(http_error(Answer(409, {"error": error}), "PUT")).kind


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "PrincipalNotFound", FailureKind.PENDING),
        (409, "RoleAssignmentExists", FailureKind.EXISTS),
        (400, "UnmatchedPrincipalType", FailureKind.TERMINAL),
        (403, "AuthorizationFailed", FailureKind.DENIED),
    ],
)
def test_fact_32_what_role_assignments_answer(status: int, code: str, kind: FailureKind) -> None:
    """A principal that is not seen yet is waited for, a grant that is there already is looked for."""
    error = {"code": code, "message": "Principal c05305db00004000800000000000001a does not exist in the directory t."}

    assert kind is classify(http_error(Answer(status, {"error": error}), "PUT")).kind


def test_fact_33_a_location_on_a_200_is_no_operation() -> None:
    """Graph sends one that names itself."""
    first = Answer(200, {"value": []}, {"Location": "https://graph.microsoft.com"})

    assert [] == followed(first, SUCCEEDED).network.sent


def test_a_location_that_is_a_path_names_what_was_made() -> None:
    """Recorded of identities (15, 41): 201, and no operation to poll."""
    first = Answer(201, {"id": "/x"}, {"Location": "/subscriptions/s/resourcegroups/g/providers/Microsoft.X/xs/x"})

    assert [] == followed(first, SUCCEEDED).network.sent


@pytest.mark.parametrize(("found", "expected"), [([], None), ([{"id": "1", "appId": "a"}], "1")])
def test_fact_33_not_found_in_the_directory_is_an_empty_list(found: list[Any], expected: str | None) -> None:
    """200, and nothing in it."""
    scripted = azure(Answer(200, {"value": found}))

    principal = scripted.session.snapshot().service_principal("a")

    assert expected == (principal or {}).get("id")


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"error": {"code": "SubscriptionRequestsThrottled", "message": "Please try again after '324' seconds."}}, 324),
        ({"error": {"code": "ResourceRequestsThrottled", "message": "Please try again after '17' seconds."}}, 17),
        ({"error": {"code": "TooManyRequests", "message": "Too many requests. Please try again after sometime."}}, 0),
        ({"error": {"code": "RetryableError", "message": "A retryable error occurred.", "details": []}}, 0),
        ({"Code": "429", "Message": "Cannot acquire exclusive lock.", "Details": [], "Innererror": None}, 0),
    ],
)
def test_fact_36_every_recorded_shape_of_throttling_is_waited_for(body: dict[str, Any], seconds: int) -> None:
    """Also the delay that stands only in the text, and the answer with capitals and no error object."""
    scripted = azure(Answer(429, body), Answer(200, {"value": []}))

    scripted.session.snapshot().service_principal("a")

    assert 2 == len(scripted.network.sent)
    assert scripted.clock.elapsed() >= seconds
    assert FailureKind.THROTTLED is classify(http_error(Answer(429, body), "PUT")).kind


@pytest.mark.parametrize(
    ("status", "code"), [(504, "GatewayTimeout"), (502, "BadGatewayConnection"), (503, "ServerTimeout")]
)
def test_fact_36_errors_on_the_way_to_the_service_are_retried(status: int, code: str) -> None:
    """On the poll of an operation, too."""
    scripted = followed(accepted(), Answer(status, {"error": {"code": code, "message": "…"}}), SUCCEEDED)

    assert 2 == len(scripted.network.sent)


def test_fact_39_words_of_a_queue_are_no_end() -> None:
    """A 200 with both headers is followed; Enqueued and Dequeued are not the end."""
    first = Answer(200, {"properties": {"provisioningState": "Creating"}}, accepted().headers)

    scripted = followed(first, Answer(200, {"status": "Enqueued"}), Answer(200, {"status": "Dequeued"}), SUCCEEDED)

    assert 3 == len(scripted.network.sent)


def test_a_state_that_shows_its_end_is_read_no_more() -> None:
    """No request is sent once the end was seen."""
    scripted = azure(Answer(200, {"value": []}))

    poll_until(scripted.session, "it", lambda: 1, lambda found: found == 1)

    assert [] == scripted.network.sent
