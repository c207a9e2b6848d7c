"""The transport to Azure: azure-core's own, over a bounded `requests` session that adds no credentials.

    pipeline ──▶ RequestsTransport ──▶ Session (no netrc) ──▶ BoundedAdapter ──▶ urllib3
                                                               time of the whole exchange, size of the body

`requests` and urllib3 bound the time between two bytes, so a body that arrives one byte at a time never ends. Here each
exchange has a total time; after it, a timer shuts the socket down at any point of the exchange.

Source: https://requests.readthedocs.io/en/latest/user/advanced/#timeouts
"""

from __future__ import annotations

import socket
import threading
import zlib
from io import BytesIO
from types import TracebackType
from typing import Any, Final, Self

import requests
from azure.core.exceptions import ServiceResponseTimeoutError
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from cmkctl.azure.errors import ResponseTooLarge, UndecodableResponse
from cmkctl.azure.policies import TOTAL_TIMEOUT
from cmkctl.azure.reasons import reason_of

CONNECTIONS: Final = 32
CONNECT_TIMEOUT: Final = 20.0
"""Seconds for one attempt to connect, the TLS handshake included."""

LARGEST_BODY: Final = 16 * 1024 * 1024
"""Bytes that a response body may have, as received and decompressed. The largest recorded one has less than one MiB."""

_CHUNK: Final = 65_536
_GZIP: Final = 16 + zlib.MAX_WBITS
_running = threading.local()


def azure_transport(connect: float = CONNECT_TIMEOUT, total: float = TOTAL_TIMEOUT) -> RequestsTransport:
    """Return a transport whose requests end within `total` seconds; less where a request carries its own `read_timeout`."""
    session = requests.Session()
    # Without an `auth` of its own a session takes what ~/.netrc holds for the host, in place of the bearer token.
    session.auth = _NoAuth()
    adapter = BoundedAdapter(pool_maxsize=CONNECTIONS, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return RequestsTransport(session=session, connection_timeout=connect, read_timeout=total)


class _NoAuth(AuthBase):
    """Leaves a request as it is: the pipeline authenticates."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class BoundedAdapter(HTTPAdapter):
    """Sends requests and reads their responses to the end, within a total time and size."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make the pools, with connections that a `_TimeLimit` can end."""
        super().init_poolmanager(*arguments, **options)
        _watch_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Return the pools for a proxy, with connections that a `_TimeLimit` can end."""
        manager = super().proxy_manager_for(proxy, **options)
        _watch_pools(manager)
        return manager

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - see above; the body is always read here
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Send a request. The second of the two timeouts is the total.

        Raises ServiceResponseTimeoutError after the total, ResponseTooLarge, UndecodableResponse for a truncated body, and the
        errors of `requests`.
        """
        connect, total = timeout
        with _TimeLimit(total) as limit:
            try:
                response = super().send(
                    request,
                    stream=True,
                    timeout=(min(connect, total), total),
                    verify=verify,
                    cert=cert,
                    proxies=proxies,
                )
                _buffer(response)
            except (requests.RequestException, HTTPError, OSError, UndecodableResponse) as error:
                # The socket was shut down, or its own timeout came a moment earlier.
                if limit.passed or isinstance(error, requests.ReadTimeout):
                    raise _timed_out(request, total) from error
                raise
            # A body without a declared length looks complete when its connection is shut down.
            if limit.passed:
                raise _timed_out(request, total)
        return response


def _timed_out(request: requests.PreparedRequest, total: float) -> ServiceResponseTimeoutError:
    host = str(request.url).split("/", 3)[2].rpartition("@")[2]
    return ServiceResponseTimeoutError(f"{host} gave no complete response within {total:.0f} s")


def _buffer(response: requests.Response) -> None:
    """Read a body to its end and replace the network stream by the received bytes."""
    raw = response.raw
    content = bytearray()
    try:
        for chunk in raw.stream(_CHUNK, decode_content=False):
            content += chunk
            if len(content) > LARGEST_BODY:
                raise ResponseTooLarge(LARGEST_BODY, response)
    except (HTTPError, OSError) as error:
        raise UndecodableResponse(f"Cannot read its body: {reason_of(error)}", response) from error
    finally:
        raw.close() if len(content) > LARGEST_BODY else raw.release_conn()
    if _decompressed_size(response.headers.get("Content-Encoding", ""), bytes(content)) > LARGEST_BODY:
        raise ResponseTooLarge(LARGEST_BODY, response)
    headers = {name: value for name, value in raw.headers.items() if name.lower() != "transfer-encoding"}
    response.raw = HTTPResponse(
        BytesIO(content),
        headers=headers,
        status=raw.status,
        reason=raw.reason,
        preload_content=False,
        request_method=response.request.method,
    )


def _decompressed_size(encoding: str, content: bytes) -> int:
    """Return the size of a gzip or deflate body when decompressed, at most a little over `LARGEST_BODY`; 0 for others."""
    if encoding.lower() not in ("gzip", "x-gzip", "deflate"):
        return 0
    inflate = zlib.decompressobj(_GZIP if "gzip" in encoding.lower() else zlib.MAX_WBITS)
    try:
        return len(inflate.decompress(content, LARGEST_BODY + 1))
    except zlib.error:
        return 0  # the next policy reports the error


class _TimeLimit:
    """The time of one exchange. When it has passed, the connection in use is shut down."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._connection: HTTPConnection | None = None
        self._sock: Any = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        _running.limit = self
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._connection = self._sock = None
        _running.limit = None

    def watch(self, connection: HTTPConnection) -> None:
        """Set the connection of this exchange. Raises TimeoutError when the time has passed already."""
        with self._lock:
            if self.passed:
                raise TimeoutError("the time of the request has passed")
            self._connection, self._sock = connection, connection.sock

    def _end(self) -> None:
        with self._lock:
            self.passed = True
            # A connection that is about to close has passed its socket to the response.
            sock: Any = (self._connection and self._connection.sock) or self._sock
            if sock is not None:
                _shut_down(getattr(sock, "socket", sock))


def _shut_down(sock: socket.socket) -> None:
    try:
        # Not SSLSocket's own: it would drop the TLS state that the reading thread uses.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        return  # closed meanwhile


def _watched(connection: HTTPConnection) -> None:
    limit: _TimeLimit | None = getattr(_running, "limit", None)
    if limit is not None:
        limit.watch(connection)


class _Connection(HTTPConnection):
    def connect(self) -> None:
        _watched(self)
        super().connect()
        _watched(self)

    def request(self, *arguments: Any, **options: Any) -> None:
        _watched(self)
        super().request(*arguments, **options)


class _SecureConnection(HTTPSConnection):
    def connect(self) -> None:
        _watched(self)
        super().connect()
        _watched(self)

    def request(self, *arguments: Any, **options: Any) -> None:
        _watched(self)
        super().request(*arguments, **options)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def _watch_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
