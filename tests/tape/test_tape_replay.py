"""Replay is strict: what is not on the tape is a miss that explains itself."""

from __future__ import annotations

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from azure.core import PipelineClient
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.core.pipeline import Pipeline
from azure.core.pipeline.transport import HttpRequest as LegacyRequest
from azure.core.rest import HttpRequest
from azure.mgmt.resource.resources import ResourceManagementClient
from support.tapes import GROUP, SUBSCRIPTION, VAULT, FixedCredential, exchange, send

from cmkctl.azure.redaction import CLIENT_ID, Redactor
from cmkctl.azure.tape import Exchange, RecordedRequest, RecordedResponse, ReplayTransport, Tape, TapeMiss

KEY = "https://kv.vault.azure.net/keys/k?api-version=7.5"


def replaying(*exchanges: Exchange, **options: Any) -> ReplayTransport:
    """Return a replay transport over a tape of these exchanges."""
    return ReplayTransport(Tape(exchanges, **options))


@pytest.mark.parametrize(
    "url",
    [
        GROUP,
        GROUP.replace("management.azure.com", "MANAGEMENT.azure.com"),
        GROUP.replace("azure.com", "azure.com:443"),
        GROUP.replace("/resourceGroups/rg-ml", "/resourcegroups/RG-ML"),
        GROUP.replace("rg-ml", "rg%2Dml"),
    ],
)
def test_the_same_request_in_another_spelling_is_answered(url: str) -> None:
    """Case of the host, ARM's case of paths, the default port and percent-encoding do not make another request."""
    transport = replaying(exchange("GET", GROUP, answer={"name": "rg-ml"}))

    response = send(transport, "GET", url)

    assert (200, {"name": "rg-ml"}) == (response.status_code, response.json())


def test_the_order_of_the_query_and_of_json_names_does_not_matter() -> None:
    """A query is a set of pairs, a JSON body is a value."""
    transport = replaying(exchange("PUT", VAULT + "&a=1&b=", {"x": 1, "y": [1, 2]}, status=201))

    response = send(transport, "PUT", VAULT.replace("?", "?b=&a=1&"), b'{"y":[1,2],\n "x":1}')

    assert response.status_code == 201


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("PATCH", VAULT, {"x": 1}),
        ("PUT", VAULT.replace("https:", "http:"), {"x": 1}),
        ("PUT", VAULT.replace("management.", "management.eu."), {"x": 1}),
        ("PUT", VAULT.replace("vaults/kv", "vaults/kv/"), {"x": 1}),
        ("PUT", VAULT.replace("vaults/kv", "vaults%2Fkv"), {"x": 1}),
        ("PUT", VAULT.replace("api-version=1", "api-version=2"), {"x": 1}),
        ("PUT", VAULT + "&api-version=1", {"x": 1}),
        ("PUT", VAULT, {"x": True}),
        ("PUT", VAULT, {"x": 1.0}),
        ("PUT", VAULT, {"x": 1, "y": None}),
        ("PUT", VAULT, None),
    ],
)
def test_any_other_request_is_a_miss(method: str, url: str, body: Any) -> None:
    """Method, scheme, host, path, api-version and body: a difference in one of them is a miss."""
    transport = replaying(exchange("PUT", VAULT, {"x": 1}))

    with pytest.raises(TapeMiss):
        send(transport, method, url, body)


def test_outside_resource_manager_the_case_of_a_path_counts() -> None:
    """Only Azure Resource Manager promises that case does not matter."""
    transport = replaying(exchange("GET", KEY))

    with pytest.raises(TapeMiss):
        send(transport, "GET", KEY.replace("/k?", "/K?"))


def test_a_miss_shows_the_request_the_nearest_exchange_and_the_difference() -> None:
    """The message can be acted upon without opening the tape; this is its exact text."""
    tape = Tape(
        [exchange("GET", VAULT), exchange("PUT", VAULT, {"location": "westus", "properties": {"sku": "premium"}})],
        source="run.json",
    )

    with pytest.raises(TapeMiss) as miss:
        send(
            ReplayTransport(tape),
            "PUT",
            VAULT.replace("=1", "=2"),
            {"properties": {"sku": "premium"}, "location": "eastus2"},
        )

    path = VAULT.partition("?")[0]
    assert [
        "The tape run.json has no response to this request:",
        f"  PUT {path}?api-version=2",
        "The nearest recorded request is exchange 2 of 2 (not used yet):",
        "--- recorded",
        "+++ requested",
        "@@ -1,7 +1,7 @@",
        f" PUT {path}",
        "-  ?api-version=1",
        "+  ?api-version=2",
        " {",
        '-  "location": "westus",',
        '+  "location": "eastus2",',
        '   "properties": {',
        '     "sku": "premium"',
        "   }",
    ] == miss.value.diagnostics[0].detail.splitlines()
    assert "Nothing was sent." in miss.value.diagnostics[0].remedy
    assert (2, tape.exchanges[1]) == (len(tape.unused()), miss.value.nearest)


def test_a_diff_shows_no_difference_that_is_none() -> None:
    """Another case of the path, another order of names: the lines with + and - are the reason of the miss."""
    transport = replaying(exchange("PUT", VAULT, {"a": 1, "b": 2}))

    with pytest.raises(TapeMiss) as miss:
        send(transport, "PUT", VAULT.replace("KeyVault", "Keyvault"), {"b": 3, "a": 1})

    assert ['-  "b": 2', '+  "b": 3'] == [line for line in miss.value.diff.splitlines()[2:] if line[0] in "+-"]


def test_a_write_beyond_the_recorded_ones_is_a_miss() -> None:
    """A second write is what the tape is there to find; there is no diff to show, so none is shown."""
    transport = replaying(exchange("PUT", VAULT, {"x": 1}))
    send(transport, "PUT", VAULT, {"x": 1})

    with pytest.raises(TapeMiss) as miss:
        send(transport, "PUT", VAULT, {"x": 1})

    assert "" == miss.value.diff
    assert "on the tape once, and every response is used; a write gets as many responses as were recorded." in str(
        miss.value
    )


def test_an_empty_tape_is_reported_as_empty() -> None:
    """There is no nearest exchange."""
    with pytest.raises(TapeMiss, match="The tape is empty") as miss:
        send(replaying(), "GET", GROUP)

    assert miss.value.nearest is None


def test_a_miss_shows_no_secret() -> None:
    """A request is redacted before it is compared, and so before it is shown."""
    transport = replaying(exchange("GET", GROUP), redactor=Redactor(["hunter2-hunter2"]))

    with pytest.raises(TapeMiss) as miss:
        send(transport, "POST", GROUP + "&sig=abcdefgh", {"password": "pw-pw-pw", "note": "hunter2-hunter2"})

    assert [] == [secret for secret in ("abcdefgh", "pw-pw-pw", "hunter2") if secret in str(miss.value)]


def test_a_miss_ends_a_client_call_and_nothing_is_used_up_by_it() -> None:
    """It passes the SDK's pipeline as no error of Azure's, so nothing repeats it or takes it for an answer."""
    tape = Tape([exchange("GET", VAULT)])
    client = ResourceManagementClient(FixedCredential(), SUBSCRIPTION, transport=ReplayTransport(tape))

    with pytest.raises(TapeMiss) as miss:
        client.resource_groups.get("rg-ml")

    assert not isinstance(miss.value, AzureError)
    assert tape.exchanges == tape.unused()


def test_equal_requests_are_answered_in_recorded_order() -> None:
    """Polling sees the states in the order in which Azure showed them."""
    states = ["Accepted", "Creating", "Succeeded"]
    transport = replaying(*(exchange("GET", VAULT, answer={"properties": {"provisioningState": s}}) for s in states))

    seen = [send(transport, "GET", VAULT).json()["properties"]["provisioningState"] for _ in states]

    assert states == seen


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, {"status": "Succeeded"}),
        (200, {"properties": {"provisioningState": "succeeded"}}),
        (200, {"registrationState": "Registered"}),
        (200, {"value": []}),
        (204, None),
        (404, {"error": {"code": "ResourceNotFound"}}),
    ],
)
def test_a_terminal_answer_to_a_read_is_given_ten_times_more(status: int, answer: Any) -> None:
    """Looking once more at what has settled is no difference; a loop that never ends is."""
    transport = replaying(exchange("GET", VAULT, status=status, answer=answer))

    seen = [send(transport, "GET", VAULT).status_code for _ in range(11)]

    assert [status] * 11 == seen
    with pytest.raises(TapeMiss, match="every response is used"):
        send(transport, "GET", VAULT)


@pytest.mark.parametrize(
    ("status", "answer", "headers"),
    [
        (200, {"status": "InProgress"}, {}),
        (200, {"properties": {"provisioningState": "RegisteringDns"}}, {}),
        (200, {"registrationState": "Registering"}, {}),
        (200, {}, {"Retry_After": "5"}),
        (202, None, {}),
        (403, {"error": {"code": "AuthorizationFailed"}}, {}),
        (429, None, {}),
        (500, "<html>", {}),
    ],
)
def test_an_answer_that_is_still_going_on_is_given_once(status: int, answer: Any, headers: dict[str, str]) -> None:
    """Where Azure would by now answer something else, the tape does not pretend to know what."""
    transport = replaying(exchange("GET", VAULT, status=status, answer=answer, **headers))
    send(transport, "GET", VAULT)

    with pytest.raises(TapeMiss, match="a read can repeat only after"):
        send(transport, "GET", VAULT)


@pytest.mark.parametrize("written", ["", "/accessPolicies/add"])
def test_a_read_is_not_repeated_over_a_write_to_its_resource(written: str) -> None:
    """After a write to the resource, one above or one below, the old answer is yesterday's truth."""
    write = VAULT.replace("?", written + "?")
    transport = replaying(exchange("GET", VAULT), exchange("PUT", write))
    send(transport, "GET", VAULT)
    send(transport, "PUT", write)

    with pytest.raises(TapeMiss):
        send(transport, "GET", VAULT)


def test_a_write_elsewhere_leaves_a_read_repeatable() -> None:
    """A write is only news about its own resource."""
    other = VAULT.replace("vaults/kv", "vaults/kv2")
    transport = replaying(exchange("GET", VAULT), exchange("PUT", other))
    send(transport, "GET", VAULT)
    send(transport, "PUT", other)

    assert send(transport, "GET", VAULT).status_code == 200


def test_what_was_never_requested_is_known() -> None:
    """The command reports it: the run did not do what was recorded."""
    tape = Tape([exchange("GET", GROUP), exchange("PUT", VAULT), exchange("GET", VAULT)])
    send(ReplayTransport(tape), "GET", VAULT)

    assert [f"GET {GROUP} → 200", f"PUT {VAULT} → 200"] == [str(each) for each in tape.unused()]


def test_reads_that_go_out_together_each_get_their_own_answer() -> None:
    """Order between different requests is free, and no recorded answer is given twice or lost."""
    urls = [VAULT.replace("vaults/kv", f"vaults/kv{n}") for n in range(20)]
    recorded = [exchange("GET", url, answer={"status": "InProgress", "n": n}) for n in range(5) for url in urls]
    tape = Tape(recorded)
    transport = ReplayTransport(tape)

    with ThreadPoolExecutor(16) as pool:
        seen = list(pool.map(lambda url: send(transport, "GET", url).json()["n"], urls * 5))

    assert ([0, 1, 2, 3, 4] * 20, ()) == ([n for url in range(20) for n in sorted(seen[url::20])], tape.unused())


def test_waiting_takes_no_time() -> None:
    """The delays on a tape are over; an hour of Retry-After is over at once."""
    transport = replaying(
        exchange("GET", GROUP, status=429, Retry_After="3600"), exchange("GET", GROUP, answer={"id": "x"})
    )
    client = ResourceManagementClient(FixedCredential(), SUBSCRIPTION, transport=transport, api_version="2024-03-01")

    assert client.resource_groups.get("rg-ml").id == "x"


def test_a_legacy_request_gets_a_legacy_response() -> None:
    """Polling code of the SDKs sends the one kind or the other, and reads the answer as its own kind."""
    with PipelineClient(
        "https://management.azure.com", pipeline=Pipeline(replaying(exchange("PUT", VAULT, {"x": 1}, answer={"y": 2})))
    ) as client:
        request = LegacyRequest("PUT", VAULT)
        request.set_json_body({"x": 1})
        response = client._pipeline.run(request).http_response

    assert (200, "OK", b'{"y": 2}', '{"y": 2}') == (
        response.status_code,
        response.reason,
        response.body(),
        response.text(),
    )
    assert b'{"y": 2}' == b"".join(response.stream_download(client._pipeline))


def test_a_rest_response_offers_all_that_the_sdks_use() -> None:
    """Streams, text, JSON, and a copy by pickle, of which continuation tokens are made."""
    transport = replaying(exchange("GET", VAULT, status=404, answer={"e": "ü"}, Content_Type="application/json"))

    response = send(transport, "GET", VAULT)

    assert (404, "Not Found", "application/json") == (response.status_code, response.reason, response.content_type)
    assert '{"e": "ü"}' == json.dumps(response.json(), ensure_ascii=False)
    assert response.content == b"".join(response.iter_bytes()) == b"".join(response.iter_raw()) == response.read()
    assert response.text() == pickle.loads(pickle.dumps(response)).text()  # noqa: S301  made in this line
    with pytest.raises(HttpResponseError):
        response.raise_for_status()


@pytest.mark.parametrize("body", ["<html>nginx</html>", "plain", '"a string"', "123", "null", " {broken", "\ufeffx"])
def test_a_body_that_is_no_json_object_comes_back_as_it_was(body: str) -> None:
    """An HTML error page in the middle of an operation is real (recording 27)."""
    response = send(replaying(exchange("GET", VAULT, status=500, answer=body)), "GET", VAULT)

    assert body.encode() == response.content


def test_a_missing_resource_is_the_sdks_own_error() -> None:
    """For a client, a tape behaves as Azure."""
    error = {"error": {"code": "ResourceGroupNotFound", "message": "Resource group 'rg-ml' could not be found."}}
    transport = replaying(exchange("GET", GROUP, status=404, answer=error, Content_Type="application/json"))
    client = ResourceManagementClient(FixedCredential(), SUBSCRIPTION, transport=transport, api_version="2024-03-01")

    with pytest.raises(ResourceNotFoundError) as absent:
        client.resource_groups.get("rg-ml")

    assert absent.value.error is not None
    assert absent.value.error.code == "ResourceGroupNotFound"


def test_a_request_with_the_callers_client_id_finds_its_recording() -> None:
    """The client ids of the recording and of the replay differ; both become the same value."""
    url = "https://graph.microsoft.com/v1.0/servicePrincipals?$filter=appId eq '{}'"
    mine = "5b3c9df4-1111-4222-8333-123456789abc"
    transport = replaying(exchange("GET", url.format(CLIENT_ID)), redactor=Redactor(client_ids=[mine]))

    assert send(transport, "GET", url.format(mine.upper())).status_code == 200


def test_a_form_is_matched_as_its_encoding() -> None:
    """Both kinds of request leave the encoding of a form to the transport."""
    transport = replaying(exchange("POST", GROUP, "a=1&b=x+y"), exchange("POST", GROUP, "a=1&b=x+y"))

    for request in (
        HttpRequest("POST", GROUP, data={"a": 1, "b": "x y"}),
        LegacyRequest("POST", GROUP, data={"a": 1, "b": "x y"}),
    ):
        assert Pipeline(transport).run(request).http_response.status_code == 200


def test_a_body_given_as_a_stream_of_unknown_content_is_refused() -> None:
    """Comparing it would consume the stream before it is sent."""
    with pytest.raises(TypeError, match="cannot be put on a tape"):
        Pipeline(replaying()).run(HttpRequest("PUT", GROUP, content=iter([b"x"])))


def test_an_answer_kept_as_bytes_comes_back_as_bytes() -> None:
    """What is no text is base64 on the tape."""
    tape = Tape([Exchange(RecordedRequest("GET", GROUP), RecordedResponse(200, {}, "//79", "base64"))])

    assert b"\xff\xfe\xfd" == send(ReplayTransport(tape), "GET", GROUP).content
