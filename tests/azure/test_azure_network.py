"""Every request ends, in time and in size, and carries no credential but the pipeline's. Over real sockets."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import AzureError, ServiceResponseTimeoutError
from azure.core.rest import HttpRequest

from cmkctl.azure.errors import AzureFailed, ResponseTooLarge, UndecodableResponse, classify
from cmkctl.azure.network import LARGEST_BODY, azure_transport

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
Conversation = Callable[[socket.socket, threading.Event], None]


@contextmanager
def served(*conversations: Conversation) -> Iterator[tuple[str, list[bytes]]]:
    """Serve each connection with the next conversation; yields the URL and, in order, what was received."""
    received: list[bytes] = []
    done = threading.Event()

    def serve(server: socket.socket) -> None:
        for conversation in conversations:
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    received.append(connection.recv(65_536))
                    conversation(connection, done)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/subscriptions", received
        finally:
            done.set()


def answers(head: bytes, body: bytes = b"") -> Conversation:
    """Send a whole response."""
    return lambda connection, _done: connection.sendall(head + b"\r\n" + body)


def drips(before: bytes, drop: bytes) -> Conversation:
    """Send something, and then the same byte again and again, faster than any timeout between two bytes."""

    def converse(connection: socket.socket, done: threading.Event) -> None:
        connection.sendall(before)
        while not done.wait(0.01):
            connection.sendall(drop)

    return converse


def silent(_connection: socket.socket, done: threading.Event) -> None:
    """Send nothing."""
    done.wait()


def get(url: str, total: float = 10.0) -> Any:
    """One GET through the transport, whose response is read as the SDK does."""
    with azure_transport(total=total) as transport:
        response = transport.send(HttpRequest("GET", url), stream=True)
        response.read()
        return response


@pytest.mark.parametrize(
    "conversation",
    [
        silent,
        drips(b"", b"H"),
        drips(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        drips(HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
        drips(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        drips(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
        drips(HEAD + b"Connection: close\r\n\r\n", b" "),
    ],
    ids=["silence", "status line", "header", "body", "chunks", "chunk size", "until closed"],
)
def test_a_response_that_never_ends_is_given_up(conversation: Conversation) -> None:
    """Each byte comes in time, and all of them take for ever."""
    with served(conversation) as (url, _), pytest.raises(ServiceResponseTimeoutError) as caught:
        get(url, total=0.3)

    (diagnostic,) = AzureFailed(classify(caught.value)).diagnostics
    assert ("CMK310", True) == (diagnostic.code, "no complete response within" in diagnostic.detail), diagnostic.detail


def test_a_whole_response_arrives_and_the_connection_is_used_again() -> None:
    """Reading to the end gives the connection back; the limit of one request does not reach the next."""

    def twice(connection: socket.socket, _done: threading.Event) -> None:
        for _ in range(2):
            connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")
            connection.recv(65_536)

    with served(twice) as (url, received), azure_transport() as transport:
        bodies = [transport.send(HttpRequest("GET", url), stream=True).read() for _ in range(2)]

    assert ([b"{}", b"{}"], 1) == (bodies, len(received))


def test_a_compressed_and_chunked_response_arrives_as_it_is() -> None:
    """The body is buffered as it came, and decompressed when it is read."""
    packed = gzip.compress(b'{"a": 1}')
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    with served(answers(HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", chunks)) as (url, _):
        response = get(url)

    assert {"a": 1} == response.json()


@pytest.mark.parametrize(
    "response",
    [
        (HEAD + b"Connection: close\r\n", b" " * (LARGEST_BODY + 1)),
        (HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n", gzip.compress(bytes(LARGEST_BODY + 1))),
    ],
    ids=["plain", "decompressed"],
)
def test_a_body_without_bounds_is_not_read(response: tuple[bytes, bytes]) -> None:
    """The largest recorded response has less than one MiB."""
    with served(answers(*response)) as (url, _), pytest.raises(ResponseTooLarge) as caught:
        get(url, total=60.0)

    (diagnostic,) = AzureFailed(classify(caught.value)).diagnostics
    assert ("CMK316", True) == (diagnostic.code, "16 MiB" in diagnostic.detail)


@pytest.mark.parametrize(
    "response",
    [
        (HEAD + b"Content-Length: 100\r\nConnection: close\r\n", b"{"),
        (HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n", b"5\r\n{"),
    ],
    ids=["length", "chunked"],
)
def test_a_body_that_breaks_off_is_unreadable(response: tuple[bytes, bytes]) -> None:
    """What a write did is not known then: its response is lost."""
    with served(answers(*response)) as (url, _), pytest.raises(UndecodableResponse):
        get(url)


def test_a_netrc_file_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A default entry would be sent to every host, in place of the token."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password a-secret-of-mine\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with served(answers(HEAD + b"Content-Length: 2\r\n", b"{}")) as (url, received), azure_transport() as transport:
        transport.send(HttpRequest("GET", url, headers={"Authorization": "Bearer token"}))

    assert (True, False) == (b"Authorization: Bearer token" in received[0], b"Basic" in received[0])


@pytest.mark.parametrize(
    ("variables", "code", "words"),
    [
        ({"HTTP_PROXY": "http://127.0.0.1:1"}, "CMK323", "Connection refused"),
        ({"HTTP_PROXY": "socks5://127.0.0.1:1"}, "CMK323", "Missing dependencies for SOCKS support"),
    ],
)
def test_a_proxy_that_cannot_be_used_has_a_diagnostic_of_its_own(
    variables: dict[str, str], code: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is one plain line, and no representation of Python's."""
    for name, value in variables.items():
        monkeypatch.setenv(name.lower(), value)

    with pytest.raises(AzureError) as caught:
        get("http://azure.invalid/")

    (diagnostic,) = AzureFailed(classify(caught.value)).diagnostics
    assert (code, True) == (diagnostic.code, words in diagnostic.detail), diagnostic.detail
    assert not {"(", "\n"} & {*diagnostic.detail}


@pytest.mark.parametrize(("port", "words"), [(1, "Connection refused"), (0, "")], ids=["refused", "TLS expected"])
def test_an_unreachable_host_is_reported_in_one_line(port: int, words: str) -> None:
    """Nothing of the libraries' objects and C sources remains."""
    with served(answers(b"HTTP/1.1 400 Bad Request\r\n")) as (url, _), pytest.raises(AzureError) as caught:
        get(url.replace("http:", "https:") if not port else f"https://127.0.0.1:{port}/")

    (diagnostic,) = AzureFailed(classify(caught.value)).diagnostics
    assert ("CMK310" if port else "CMK324", True) == (diagnostic.code, words in diagnostic.detail), diagnostic.detail
    assert not [each for each in ("Error(", "_ssl.c", "object at", "HTTPSConnectionPool") if each in diagnostic.detail]
