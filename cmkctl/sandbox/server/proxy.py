"""The CONNECT proxy: every tunnel ends at the sandbox's own listener, whatever its host. Nothing leaves the machine."""

import asyncio
import json
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

import h11

Control = Callable[[str, str, bytes], tuple[int, dict[str, Any]]]
"""Answers a control request: method, path, body → status, JSON."""

HEAD_LIMIT = 65536
BODY_LIMIT = 1048576
QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)
REFUSAL = (
    "This is the cmkctl sandbox, Azure on this machine. It only tunnels CONNECT (use https:// with HTTPS_PROXY set to this "
    "address); it forwards nothing to any other place.\n"
)


class Peer(asyncio.Protocol):
    """One end of a tunnel that hands everything to the other end."""

    def __init__(self, other: asyncio.Transport) -> None:
        """Write what arrives to `other`."""
        self.other = other

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, so that the other end can pause it."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Pass data on."""
        self.other.write(data)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        """Close the other end, too."""
        self.other.close()

    def pause_writing(self) -> None:
        """Stop reading at the other end while this one is full."""
        self.other.pause_reading()

    def resume_writing(self) -> None:
        """Read on at the other end."""
        self.other.resume_reading()


class Proxy(asyncio.Protocol):
    """A client's connection: reads one request head, then becomes a tunnel or answers and closes."""

    def __init__(self, listener_port: int, control: Control) -> None:
        """Tunnel to `listener_port` on this machine; give control requests to `control`."""
        self.listener_port = listener_port
        self.control = control
        self.head = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
        self.request: h11.Request | None = None
        self.body = b""
        self.early = b""
        self.upstream: asyncio.Transport | None = None
        self.connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)
        self._acknowledge()

    def data_received(self, data: bytes) -> None:
        """Pass data through the tunnel, or read on in the request head."""
        self._acknowledge()
        if self.upstream is not None:
            self.upstream.write(data)
            return
        if self.connecting is not None:
            self.early += data
            return
        try:
            self.head.receive_data(data)
            self._advance()
        except h11.RemoteProtocolError as problem:
            status = HTTPStatus(problem.error_status_hint)
            self._answer(status, f"{problem}\n".encode(), "text/plain; charset=utf-8")

    def _acknowledge(self) -> None:
        # urllib3, and with it every Azure SDK, leaves Nagle's delay on towards a proxy: a body that follows its head
        # would wait 40 ms for the kernel's delayed acknowledgement. Linux needs the option set each time.
        if QUICK_ACK is not None:
            self.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, QUICK_ACK, 1)

    def _advance(self) -> None:
        """Take what has arrived of the request; act once there is enough of it."""
        while True:
            event = self.head.next_event()
            if isinstance(event, h11.Request):
                self.request = event
                if event.method == b"CONNECT":
                    self._connect_upstream()
                    return
                if not event.target.startswith(b"/_sandbox/"):
                    self._refuse(HTTPStatus.NOT_IMPLEMENTED)
                    return
            elif isinstance(event, h11.Data):
                self.body += event.data
                if len(self.body) > BODY_LIMIT:
                    self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                    return
            elif isinstance(event, h11.EndOfMessage) and self.request is not None:
                self._control(self.request)
                return
            else:
                return

    def _connect_upstream(self) -> None:
        self.head.next_event()  # the end of the request; what follows belongs to the tunnel
        self.early = self.head.trailing_data[0]
        self.transport.pause_reading()  # or what a client sends before the answer would pile up here
        self.connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        upstream, _ = await loop.create_connection(lambda: Peer(self.transport), "127.0.0.1", self.listener_port)
        self.transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if self.early:
            upstream.write(self.early)
            self.early = b""
        self.upstream = upstream
        self.transport.resume_reading()

    def _control(self, request: h11.Request) -> None:
        if any(name == b"origin" for name, _ in request.headers):  # a page in a browser must not arrange anything
            self._refuse(HTTPStatus.FORBIDDEN)
            return
        method, target = request.method.decode("ascii"), request.target.decode("ascii")
        status, body = self.control(method, target, self.body)
        self._answer(HTTPStatus(status), json.dumps(body).encode(), "application/json")

    def _refuse(self, status: HTTPStatus) -> None:
        self._answer(status, REFUSAL.encode(), "text/plain; charset=utf-8")

    def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
        headers = {"Content-Type": content_type, "Content-Length": str(len(body)), "x-cmkctl-sandbox": "1"}
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
        self.transport.write("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body)
        self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        """Close the tunnel."""
        if self.connecting is not None and not self.connecting.done():
            self.connecting.cancel()
        if self.upstream is not None:
            self.upstream.close()

    def pause_writing(self) -> None:
        """Stop reading from the listener while the client is slow."""
        if self.upstream is not None:
            self.upstream.pause_reading()

    def resume_writing(self) -> None:
        """Read on from the listener."""
        if self.upstream is not None:
            self.upstream.resume_reading()
