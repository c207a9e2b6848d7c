"""Long-running operations are followed to their end, by a clock that tests inject."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from azure.core.exceptions import AzureError
from hypothesis import given
from hypothesis import strategies as st
from support.scripted import ARM, NOON, Answer, Azure, Reply, azure, response_to

from cmkctl.azure.errors import AzureFailed, classify, kind_of_failed_operation
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.waiting import Wait, poll_to_end, poll_until
from cmkctl.diagnostics import CmkctlError

RESOURCE = f"{ARM}/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/mlw"
# Recorded: the URLs of Azure ML's operations hold a certificate and a signature, and are used letter for letter.
STATUS_URL = f"{ARM}/subscriptions/s/operationsStatus/1?api-version=2025-06-01&t=638&c=MIIHhz%2B&s=Sig%3D&h=x"
RESULT_URL = f"{ARM}/subscriptions/s/operationResults/1?api-version=2025-06-01&t=638"

BY_STATUS = {"Azure-AsyncOperation": STATUS_URL, "Location": RESULT_URL}
BY_LOCATION = {"Location": RESULT_URL}


def followed(first: Answer, *replies: Reply) -> Azure:
    """Follow the operation that an answer to a PUT began."""
    scripted = azure(*replies)
    poll_to_end(scripted.session, response_to("PUT", RESOURCE, first), "workspace mlw")
    return scripted


def status(word: str, **more: Any) -> Answer:
    """Return an answer to a poll."""
    return Answer(200, {"status": word, **more})


def test_operation_is_followed_by_its_status() -> None:
    """Azure-AsyncOperation goes before Location, and its URL is used exactly as Azure gave it."""
    scripted = followed(Answer(202, headers=BY_STATUS), status("InProgress"), status("Succeeded"))

    assert [STATUS_URL, STATUS_URL] == [each.url for each in scripted.network.sent]


@pytest.mark.parametrize(
    "word", ["InProgress", "Running", "Accepted", "Dequeued", "Enqueued", "NotStarted", "Updating"]
)
def test_any_word_that_is_not_terminal_goes_on(word: str) -> None:
    """Azure Cosmos DB shows Dequeued and Enqueued before it succeeds."""
    scripted = followed(Answer(200, headers=BY_STATUS), status(word), status("succeeded"))

    assert 2 == len(scripted.network.sent)


def test_operation_is_followed_by_location_until_it_is_no_202() -> None:
    """Without a status, the HTTP status alone shows the end."""
    scripted = followed(Answer(202, headers=BY_LOCATION), Answer(202), Answer(202), Answer(200, {"id": "x"}))

    assert [RESULT_URL] * 3 == [each.url for each in scripted.network.sent]


def test_each_202_may_give_a_new_location() -> None:
    """Deleting a group answers each poll with another Location."""
    other = f"{RESULT_URL}&next=2"

    scripted = followed(Answer(202, headers=BY_LOCATION), Answer(202, headers={"Location": other}), Answer(204))

    assert [RESULT_URL, other] == [each.url for each in scripted.network.sent]


@pytest.mark.parametrize(
    "first",
    [
        Answer(200, {"id": "x"}),
        Answer(201, {"id": "x"}),
        Answer(200, {"value": []}, {"Location": "https://graph.microsoft.com"}),  # recorded: names itself
        Answer(204),
    ],
)
def test_final_answer_is_no_operation(first: Answer) -> None:
    """A Location on a 200 begins nothing."""
    scripted = followed(first)

    assert [] == scripted.network.sent


def test_location_of_a_created_resource_is_an_operation() -> None:
    """A 201 with a Location is followed."""
    scripted = followed(Answer(201, headers=BY_LOCATION), Answer(200))

    assert [RESULT_URL] == [each.url for each in scripted.network.sent]


def test_retry_after_is_obeyed_of_every_answer() -> None:
    """Recorded: storage returns 17 first and 3 later."""
    first = Answer(202, headers={**BY_LOCATION, "Retry-After": "17"})

    scripted = followed(first, Answer(202, headers={"Retry-After": "3"}), Answer(200))

    assert [17.0, 3.0] == scripted.clock.waits


def test_polls_without_body_go_on() -> None:
    """A 202 means that the operation is in progress, with or without a status in its body."""
    scripted = followed(Answer(202, headers=BY_STATUS), Answer(202), status("Succeeded"))

    assert 2 == len(scripted.network.sent)


def test_result_without_a_status_is_success() -> None:
    """An operation's URL may answer the finished resource itself."""
    scripted = followed(Answer(202, headers=BY_STATUS), Answer(200, {"id": "x", "properties": {}}))

    assert 1 == len(scripted.network.sent)


def test_poll_that_fails_for_a_moment_is_repeated() -> None:
    """Recorded: a poll answered 500 with an nginx page while the workspace was being made."""
    page = Answer(500, b"<html><body>nginx</body></html>", {"Content-Type": "text/html"})

    scripted = followed(Answer(202, headers=BY_STATUS), page, status("InProgress"), page, status("Succeeded"))

    assert 4 == len(scripted.network.sent)


def test_failed_operation_raises_its_innermost_cause() -> None:
    """The innermost error is the one that is reported."""
    cause = {"code": "BadRequest", "message": "CMK workspaces should have purge protection enabled."}
    error = {"code": "ResourceDeploymentFailure", "message": "It failed.", "details": [cause]}

    with pytest.raises(AzureFailed) as caught:
        followed(Answer(202, headers=BY_STATUS), status("Failed", error=error))

    failure = caught.value.failure
    assert (FailureKind.TERMINAL, cause["code"], cause["message"]) == (failure.kind, failure.code, failure.message)


def test_failed_operation_names_its_change_and_correlation_id() -> None:
    """An operation has no method and path of its own; its last response has the correlation id."""
    ended = Answer(200, {"status": "Failed"}, {"x-ms-correlation-request-id": "c0ffee"})

    with pytest.raises(AzureFailed) as caught:
        followed(Answer(202, headers=BY_STATUS), ended)

    assert ("workspace mlw", "c0ffee") == (caught.value.failure.request, caught.value.failure.correlation_id)


def test_an_empty_status_is_no_success() -> None:
    """The result is unknown, as after a lost response: the writer reads the resource."""
    with pytest.raises(AzureError) as caught:
        followed(Answer(202, headers=BY_STATUS), Answer(200))

    assert FailureKind.PASSING is classify(caught.value).kind


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (status("Canceled"), "OperationCanceled", "Azure gives no reason."),
        (status("Cancelled"), "OperationCancelled", "Azure gives no reason."),
        (status("failed"), "OperationFailed", "Azure gives no reason."),
        (status("Failed", error={"code": "GatewayError", "message": ""}), "GatewayError", "Azure gives no reason."),
        (status("Failed", error={"code": "", "message": "no"}), "OperationFailed", "no"),
        (status("Failed", error=None), "OperationFailed", "Azure gives no reason."),
    ],
)
def test_operation_that_fails_without_a_cause(answer: Answer, code: str, message: str) -> None:
    """Recorded: a failed operation may have neither code nor message, and is a failure all the same."""
    with pytest.raises(AzureFailed) as caught:
        followed(Answer(202, headers=BY_STATUS), answer)

    assert (code, message) == (caught.value.failure.code, caught.value.failure.message)


def test_deadline_ends_the_waiting_not_the_operation() -> None:
    """When the time is over the run stops with a code to look up, and nothing is cancelled."""
    scripted = azure(status("InProgress"))
    scripted.session.deadline = 60.0

    with pytest.raises(CmkctlError) as caught:
        poll_to_end(scripted.session, response_to("PUT", RESOURCE, Answer(202, headers=BY_STATUS)), "workspace mlw")

    assert ["CMK312"] == [each.code for each in caught.value.diagnostics]
    assert 50 < scripted.clock.elapsed() <= 60
    assert {"GET"} == {each.method for each in scripted.network.sent}


def test_progress_has_subject_and_elapsed_time() -> None:
    """The progress of a wait has its subject and the time already waited."""
    scripted = followed(Answer(202, headers={**BY_LOCATION, "Retry-After": "10"}), Answer(202), Answer(200))

    assert [("workspace mlw", 0.0), ("workspace mlw", 10.0)] == scripted.progress


@given(st.floats(0, 7200))
def test_the_end_of_a_wait_is_noticed_soon(seconds: float) -> None:
    """The end is noticed within two seconds or 5 % of the duration, with a bounded number of polls."""
    scripted = azure()
    clock = scripted.clock

    poll_until(scripted.session, "something", clock.elapsed, lambda now: now >= seconds, timeout=seconds + 600)

    assert 0 <= clock.elapsed() - seconds <= max(2.0, 0.05 * seconds)
    assert len(clock.waits) < 100 + seconds / 8


def test_a_wait_begins_when_it_begins() -> None:
    """The time of the run so far neither delays the first polls nor counts as waited."""
    scripted = azure(status("Succeeded"))
    scripted.clock.sleep(1000)

    poll_to_end(scripted.session, response_to("PUT", RESOURCE, Answer(202, headers=BY_STATUS)), "workspace mlw")

    assert [("workspace mlw", 0.0)] == scripted.progress
    assert scripted.clock.elapsed() - 1000 < 1


def test_until_returns_what_it_was_waiting_for() -> None:
    """What is right at once is not waited for."""
    scripted = azure()

    assert "ready" == poll_until(scripted.session, "it", lambda: "ready", lambda found: found == "ready")
    assert [] == scripted.clock.waits


def test_a_wait_is_never_shorter_than_azure_requires() -> None:
    """Also when it had waited for long already."""
    scripted = azure()
    wait = Wait(scripted.session, "it")
    scripted.clock.sleep(100)

    wait.once(response_to("GET", STATUS_URL, Answer(202, headers={"Retry-After": "60"})))

    assert [100, 60.0] == scripted.clock.waits


def test_an_operation_that_azure_does_not_remember_is_over() -> None:
    """After a long sleep of the machine its URL may be gone; the resource shows how it ended."""
    scripted = followed(
        Answer(202, headers=BY_STATUS), Answer(404, {"error": {"code": "NotFound", "message": "no such operation"}})
    )

    assert 1 == len(scripted.network.sent)


def test_a_wait_has_a_timeout_and_reports_it() -> None:
    """Without --timeout a wait ends, too; Azure goes on, and the same command goes on from there."""
    scripted = azure(status("InProgress"))
    first = response_to("PUT", RESOURCE, Answer(202, headers=BY_STATUS))

    with pytest.raises(CmkctlError) as caught:
        poll_to_end(scripted.session, first, "workspace mlw", timeout=100)

    assert ["CMK312"] == [each.code for each in caught.value.diagnostics]
    assert 90 <= scripted.clock.elapsed() <= 100
    assert {NOON + timedelta(seconds=100)} == set(scripted.ends)


def test_a_wait_without_a_timeout_ends_after_half_an_hour() -> None:
    """As docs/interruptions.md states; also one for a state that is only read."""
    scripted = azure(status("InProgress"))
    first = response_to("PUT", RESOURCE, Answer(202, headers=BY_STATUS))

    for wait in (
        lambda: poll_to_end(scripted.session, first, "vault"),
        lambda: poll_until(scripted.session, "vault", lambda: 0, bool),
    ):
        began = scripted.clock.elapsed()
        with pytest.raises(CmkctlError):
            wait()

        assert 1750 < scripted.clock.elapsed() - began <= 1800


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("Forbidden", "Caller is not authorized to perform action on resource.", FailureKind.NOT_EFFECTIVE),
        ("ForbiddenByRbac", "no", FailureKind.NOT_EFFECTIVE),
        ("AccessDenied", "no", FailureKind.NOT_EFFECTIVE),
        ("BadRequest", "[ForbiddenByRbac (Forbidden)] no", FailureKind.NOT_EFFECTIVE),
        ("BadRequest", "Caller is not authorized to perform action on resource.", FailureKind.NOT_EFFECTIVE),
        ("QuotaExceeded", "no", FailureKind.CAPACITY),
        ("ServiceQuotaExceeded", "no", FailureKind.CAPACITY),
        (
            "BadRequest",
            "The principal does not have keys get permission on key vault 'v;location=x'",
            FailureKind.NOT_EFFECTIVE,
        ),
        (
            "BadRequest",
            "The client 'c' does not have authorization to perform action 'Microsoft.KeyVault/vaults/read' over scope 's'.",
            FailureKind.TERMINAL,
        ),
        (
            "AuthorizationFailed",
            "not have authorization to perform action 'Microsoft.Search/x/write'",
            FailureKind.TERMINAL,
        ),
        (
            "AzureKeyVaultMissingPermissions",
            "The server 's' requires the following Azure Key Vault permissions: 'Get, WrapKey, UnwrapKey'.",
            FailureKind.NOT_EFFECTIVE,
        ),
        (
            "ApplicationUpdateFail",
            "The operation failed because of authentication issue on the keyvault.",
            FailureKind.NOT_EFFECTIVE,
        ),
        ("InternalServerError", "InternalServerError", FailureKind.TERMINAL),
        ("ServiceUnavailable", "high demand", FailureKind.CAPACITY),
    ],
)
def test_kind_of_a_failed_operation(code: str, message: str, kind: FailureKind) -> None:
    """A service that may not use the key yet is distinguished from rights that no grant on the key brings."""
    assert kind == kind_of_failed_operation(code, message)
