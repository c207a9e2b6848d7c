"""The CONNECT proxy: every tunnel ends at the sandbox's own listener, whatever host was asked for. Nothing leaves."""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any, cast

Control = Callable[[str, str, bytes], tuple[int, dict[str, Any]]]
"""Answers a control request: method, path, body → status, JSON."""

HEAD_LIMIT = 65536
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
        self.buffer = b""
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
        self.buffer += data
        if self.connecting is None and b"\r\n\r\n" in self.buffer:
            self._begin()
        elif len(self.buffer) > HEAD_LIMIT:
            self.transport.close()

    def _acknowledge(self) -> None:
        # urllib3, and with it every Azure SDK, leaves Nagle's delay on towards a proxy: a body that follows its head
        # would wait 40 ms for the kernel's delayed acknowledgement. Linux wants to be asked each time.
        if QUICK_ACK is not None:
            self.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, QUICK_ACK, 1)

    def _begin(self) -> None:
        head, _, rest = self.buffer.partition(b"\r\n\r\n")
        method, _, target = head.split(b"\r\n", 1)[0].decode("latin-1").rpartition(" ")[0].partition(" ")
        if method == "CONNECT":
            self.buffer = rest
            self.connecting = asyncio.get_running_loop().create_task(self._connect())
        elif target.startswith("/_sandbox/"):
            self._control(method, target, head, rest)
        else:
            self._answer(501, "Not Implemented", REFUSAL.encode(), "text/plain; charset=utf-8")

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        upstream, _ = await loop.create_connection(lambda: Peer(self.transport), "127.0.0.1", self.listener_port)
        self.transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if self.buffer:
            upstream.write(self.buffer)
            self.buffer = b""
        self.upstream = upstream

    def _control(self, method: str, target: str, head: bytes, rest: bytes) -> None:
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                length = int(value)
        if len(rest) < length:
            return  # wait for the rest of the body; data_received comes here again
        if b"\norigin:" in head.lower():  # a page in a browser must not arrange anything
            self._answer(403, "Forbidden", REFUSAL.encode(), "text/plain; charset=utf-8")
            return
        status, body = self.control(method, target, rest[:length])
        self._answer(status, "OK", json.dumps(body).encode(), "application/json")

    def _answer(self, status: int, reason: str, body: bytes, content_type: str) -> None:
        head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        self.transport.write(f"{head}x-cmkctl-sandbox: 1\r\nConnection: close\r\n\r\n".encode("latin-1") + body)
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
