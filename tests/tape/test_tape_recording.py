"""Recording: what goes through the transport is on the tape, redacted, and can be replayed."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import requests
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline import Pipeline
from azure.core.pipeline.transport import HttpRequest as LegacyRequest
from azure.core.rest import HttpRequest
from azure.mgmt.resource.resources import ResourceManagementClient
from support.tapes import ARM, GROUP, SUBSCRIPTION, VAULT, Answer, FixedCredential, always, network, send

from cmkctl import __version__
from cmkctl.azure.redaction import CLIENT_ID, REDACTED, Redactor
from cmkctl.azure.tape import RecordingTransport, ReplayTransport, Tape, TapeMiss, TapeWriter
from cmkctl.diagnostics import CmkctlError

CLIENT = "5b3c9df4-1111-4222-8333-123456789abc"
WORKSPACE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ml/providers/Microsoft.MachineLearningServices/workspaces/w"
)


def read(path: Path) -> Any:
    """Return the document in a file."""
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_tape_has_the_documented_form(tmp_path: Path) -> None:
    """Request headers are not there, response headers are chosen, and no time is: this is the whole file."""
    azure = always(201, {"id": "x"}, Content_Type="application/json", Server="secret-machine", x_ms_request_id="r")

    with TapeWriter(tmp_path / "t.json", cloud="AzureCloud") as writer:
        send(RecordingTransport(network(azure), writer), "PUT", GROUP, {"location": "westus"})

    assert {
        "schema": 1,
        "cmkctl": __version__,
        "cloud": "AzureCloud",
        "recorded_at": "2001-02-03T04:05:06Z",
        "exchanges": [
            {
                "request": {"method": "PUT", "url": GROUP, "body": {"location": "westus"}},
                "response": {
                    "status": 201,
                    "headers": {"Content-Type": "application/json", "x-ms-request-id": "r"},
                    "body": {"id": "x"},
                },
            },
        ],
    } == read(tmp_path / "t.json")


def test_a_tape_is_for_its_owner_only_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    """Redacted or not, it shows much about a subscription."""
    with TapeWriter(tmp_path / "t.json", cloud="AzureCloud"):
        pass

    assert [(tmp_path / "t.json", 0o600)] == [(each, stat.S_IMODE(each.stat().st_mode)) for each in tmp_path.iterdir()]


def test_recording_the_same_traffic_twice_gives_the_same_file(tmp_path: Path) -> None:
    """So a diff of two tapes shows what Azure did differently."""
    for name in ("a.json", "b.json"):
        with TapeWriter(tmp_path / name, cloud="AzureCloud") as writer:
            send(RecordingTransport(network(always(200, {"b": 1, "a": 2})), writer), "GET", GROUP)

    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_the_tape_of_a_failed_run_is_written(tmp_path: Path) -> None:
    """A failed run is the one whose tape is needed."""

    def interrupted() -> None:
        with TapeWriter(tmp_path / "t.json", cloud="AzureCloud") as writer:
            send(RecordingTransport(network(always(500)), writer), "GET", GROUP)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [500] == [each.response.status for each in Tape.load(tmp_path / "t.json").exchanges]


@pytest.mark.parametrize("place", ["missing/t.json", "file/t.json", "folder"])
def test_a_tape_that_cannot_be_written_is_refused_before_anything_is_sent(tmp_path: Path, place: str) -> None:
    """A run of half an hour whose record is lost at the end would be worse than none."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()

    with pytest.raises(CmkctlError) as refused:
        TapeWriter(tmp_path / place, cloud="AzureCloud")

    assert [("CMK501", "Cannot write the tape")] == [(d.code, d.summary) for d in refused.value.diagnostics]


def test_a_failed_write_is_reported_and_leaves_the_old_tape(tmp_path: Path) -> None:
    """The folder may be gone by the time the run ends."""
    (tmp_path / "d").mkdir()
    (tmp_path / "t.json").write_text("old")
    writer = TapeWriter(tmp_path / "d" / ".." / "t.json", cloud="AzureCloud")
    (tmp_path / "d").rmdir()

    with pytest.raises(CmkctlError, match="CMK501"):
        writer.write()
    assert (tmp_path / "t.json").read_text() == "old"


def test_the_error_of_the_run_is_not_hidden_by_an_unwritten_tape(tmp_path: Path) -> None:
    """Why the run failed matters more; that there is no tape is a note to it."""
    (tmp_path / "d").mkdir()

    def failing() -> None:
        with TapeWriter(tmp_path / "d" / "t.json", cloud="AzureCloud"):
            (tmp_path / "d").rmdir()
            raise ValueError("the run")

    with pytest.raises(ValueError, match="the run") as failed:
        failing()
    assert "CMK501" in failed.value.__notes__[0]


def test_what_got_no_answer_is_no_exchange(tmp_path: Path) -> None:
    """A connection that fails is not Azure speaking."""

    def unreachable(_request: requests.PreparedRequest) -> Answer:
        raise requests.exceptions.ConnectionError("no route")

    with TapeWriter(tmp_path / "t.json", cloud="AzureCloud") as writer, pytest.raises(ServiceRequestError):
        send(RecordingTransport(network(unreachable), writer), "GET", GROUP)

    assert () == Tape.load(tmp_path / "t.json").exchanges


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"a": [1, 2.5, null, true, "\xc3\xbc"]}', b"<html>\n</html>", b'"text"', b"\xff\x00\xfe", b"12"],
)
@pytest.mark.parametrize("kind", [HttpRequest, LegacyRequest])
def test_what_is_recorded_is_replayed(tmp_path: Path, body: bytes, kind: type[Any]) -> None:
    """Empty, JSON, HTML, text or bytes, as request and as answer, with both kinds of request."""

    def request() -> Any:
        made = kind("POST", GROUP, content=body) if kind is HttpRequest else kind("POST", GROUP, data=body)
        made.headers["Content-Type"] = "text/html"
        return made

    with TapeWriter(tmp_path / "t.json", cloud="AzureCloud") as writer:
        live = Pipeline(RecordingTransport(network(always(200, body, Content_Type="text/html")), writer)).run(request())
    replayed = Pipeline(ReplayTransport(Tape.load(tmp_path / "t.json"))).run(request()).http_response

    assert body == _content(live.http_response)
    assert _meaning(body) == _meaning(_content(replayed))
    assert "text/html" == replayed.content_type


def _content(response: Any) -> bytes:
    content: bytes = response.content if hasattr(response, "content") else response.body()
    return content


def _meaning(body: bytes) -> Any:
    """Return a JSON document as a value, for spacing and escapes are not kept, and anything else as it is."""
    return json.loads(body) if body.startswith(b"{") else body


def test_a_streamed_answer_is_recorded_and_can_still_be_read(tmp_path: Path) -> None:
    """The operations of the azure-mgmt clients request a stream and read it themselves."""
    with TapeWriter(tmp_path / "t.json", cloud="AzureCloud") as writer:
        transport = RecordingTransport(network(always(200, {"x": 1})), writer)
        response = Pipeline(transport).run(HttpRequest("GET", GROUP), stream=True).http_response

    assert b'{"x": 1}' == b"".join(response.iter_bytes()) == response.read()
    assert {"x": 1} == Tape.load(tmp_path / "t.json").exchanges[0].response.body


def test_exchanges_are_written_in_the_order_of_sending(tmp_path: Path) -> None:
    """Not in that of the answers, which differs between two runs."""
    answered = Barrier(2)

    def slow_first(request: requests.PreparedRequest) -> Answer:
        answered.wait(5)
        if "first" in str(request.url):
            answered.wait(5)
        return 200, {}, b""

    with TapeWriter(tmp_path / "t.json", cloud="AzureCloud") as writer, ThreadPoolExecutor(2) as pool:
        transport = RecordingTransport(network(slow_first), writer)
        first = pool.submit(send, transport, "GET", GROUP + "&first")
        while not writer._exchanges:
            pass
        pool.submit(send, transport, "GET", GROUP + "&second").result(5)
        answered.wait(5)
        first.result(5)

    assert ["first", "second"] == [
        each.request.url.rpartition("&")[2] for each in Tape.load(tmp_path / "t.json").exchanges
    ]


def test_many_threads_lose_nothing(tmp_path: Path) -> None:
    """Reads go out in parallel."""
    urls = [f"{GROUP}&n={n}" for n in range(200)]

    with TapeWriter(tmp_path / "t.json", cloud="AzureCloud") as writer, ThreadPoolExecutor(16) as pool:
        transport = RecordingTransport(network(always(200)), writer)
        list(pool.map(lambda url: send(transport, "GET", url), urls))

    assert set(urls) == {each.request.url for each in Tape.load(tmp_path / "t.json").exchanges}


def test_a_client_id_learnt_late_is_redacted_in_what_was_recorded_early(tmp_path: Path) -> None:
    """Who the caller is may be known only after the first token."""
    with TapeWriter(tmp_path / "t.json", cloud="AzureCloud") as writer:
        send(RecordingTransport(network(always(200, {"who": CLIENT})), writer), "GET", GROUP)
        writer.learn(client_ids=[CLIENT])

    assert {"who": CLIENT_ID} == Tape.load(tmp_path / "t.json").exchanges[0].response.body


@pytest.mark.parametrize(
    "url",
    [
        f"{ARM}{WORKSPACE}/listKeys?api-version=1",
        f"{ARM}/subscriptions/s/providers/Microsoft.DocumentDB/databaseAccounts/d/listConnectionStrings?api-version=1",
        f"{ARM}/subscriptions/s/providers/Microsoft.ContainerRegistry/registries/r/listCredentials",
        f"{ARM}/subscriptions/s/providers/Microsoft.Storage/storageAccounts/s/ListAccountSas",
        "https://kv.vault.azure.net/secrets/s/1?api-version=7.5",
        "https://login.microsoftonline.com/tenant/oauth2/v2.0/token",
    ],
)
def test_of_an_answer_that_is_secrets_only_the_form_is_kept(tmp_path: Path, url: str) -> None:
    """Whatever the fields are called there."""
    with TapeWriter(tmp_path / "t.json", cloud="AzureCloud") as writer:
        send(RecordingTransport(network(always(200, {"thing": [{"x": "opaque", "on": True}]})), writer), "POST", url)

    assert {"thing": [{"x": REDACTED, "on": True}]} == Tape.load(tmp_path / "t.json").exchanges[0].response.body


def test_setting_a_secret_is_recorded_without_it(tmp_path: Path) -> None:
    """There the secret is in the request."""
    url = "https://kv.vault.azure.net/secrets/s?api-version=7.5"

    with TapeWriter(tmp_path / "t.json", cloud="AzureCloud") as writer:
        send(RecordingTransport(network(always(200)), writer), "PUT", url, {"value": "opaque"})

    assert {"value": REDACTED} == Tape.load(tmp_path / "t.json").exchanges[0].request.body


def long_running() -> Iterator[Answer]:
    """Answer a workspace PUT as Azure does: both polling URLs are signed and thousands of characters long."""
    signed = (
        f"{ARM}/operations/o?api-version=1&t=638790627322601512&c={'MIIH' * 600}&s={'I7W04Z4l' * 40}&h={'_gUy3' * 9}"
    )
    yield 202, {"Azure-AsyncOperation": signed + "&type=async", "Location": signed + "&type=location"}, b""
    yield 200, {}, b'{"status": "InProgress"}'
    yield 200, {}, b'{"status": "Succeeded"}'
    yield 200, {}, json.dumps({"id": WORKSPACE, "properties": {"hbiWorkspace": True}}).encode()


def test_a_long_running_operation_is_replayed_without_its_signature(tmp_path: Path) -> None:
    """The header of one exchange and the URL of the next are redacted alike, so the poller finds its way."""
    answers = long_running()

    def create(transport: Any) -> Any:
        client = ResourceManagementClient(FixedCredential(), SUBSCRIPTION, transport=transport, polling_interval=0)
        body = BytesIO(b'{"location": "westus"}')
        return client.resources.begin_create_or_update_by_id(WORKSPACE[1:], body, api_version="2024-04-01").result()

    with TapeWriter(tmp_path / "t.json", cloud="AzureCloud") as writer:
        live = create(RecordingTransport(network(lambda _request: next(answers)), writer))
    tape = Tape.load(tmp_path / "t.json")
    replayed = create(ReplayTransport(tape))

    text = (tmp_path / "t.json").read_text(encoding="utf-8")
    assert (live.as_dict(), ()) == (replayed.as_dict(), tape.unused())
    assert [] == [part for part in ("MIIHMIIH", "I7W04Z4l", "_gUy3") if part in text]
    assert "c=REDACTED-" in text


def test_two_signed_urls_stay_two(tmp_path: Path) -> None:
    """A fixed word in place of every signature would make them one."""
    urls = [f"{GROUP}&sig={'abc' * n}" for n in (5, 6)]

    with TapeWriter(tmp_path / "t.json", cloud="AzureCloud") as writer:
        transport = RecordingTransport(network(lambda r: (200, {}, str(len(str(r.url))).encode())), writer)
        live = [send(transport, "GET", url).content for url in urls]
    replay = ReplayTransport(Tape.load(tmp_path / "t.json"))

    assert live[::-1] == [send(replay, "GET", url).content for url in urls[::-1]]
    with pytest.raises(TapeMiss):
        send(replay, "GET", f"{GROUP}&sig=other")


def test_a_challenge_is_kept_and_lets_the_client_through_again(tmp_path: Path) -> None:
    """It names the tenant and the resource, and no token."""
    challenge = 'Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net"'

    with TapeWriter(tmp_path / "t.json", cloud="AzureCloud") as writer:
        send(RecordingTransport(network(always(401, WWW_Authenticate=challenge)), writer), "GET", VAULT)

    assert {"WWW-Authenticate": challenge} == dict(Tape.load(tmp_path / "t.json").exchanges[0].response.headers)


def test_the_inner_transport_is_opened_closed_and_slept_with(tmp_path: Path) -> None:
    """A recording is nothing that the session should notice."""
    calls: list[str] = []

    class Inner(type(network(always(200)))):  # type: ignore[misc]
        def open(self) -> None:
            calls.append("open")

        def close(self) -> None:
            calls.append("close")

        def sleep(self, duration: float) -> None:
            calls.append(f"sleep {duration}")

    with (
        TapeWriter(tmp_path / "t.json", cloud="c", redactor=Redactor()) as writer,
        RecordingTransport(Inner(), writer) as t,
    ):
        t.sleep(2.5)
        t.open()
        t.close()

    assert ["open", "sleep 2.5", "open", "close", "close"] == calls
