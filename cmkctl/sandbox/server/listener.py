"""The TLS listener: uvicorn's HTTP protocol on a socket of ours, without uvicorn's own server around it.

That server polls ten times a second to notice that it should stop, and sleeps while it does; a test suite that starts
a hundred sandboxes would spend most of its time there.
"""

import socket
import ssl
from typing import Any

import uvicorn


class Listener:
    """Serves one ASGI application over TLS on a free port of 127.0.0.1."""

    def __init__(self, application: Any, context: ssl.SSLContext) -> None:
        """Prepare to serve `application` with the certificates of `context`; nothing listens yet."""
        config = uvicorn.Config(
            application,
            ssl_context_factory=lambda _config, _default: context,
            http="h11",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,  # the application writes the time of the sandbox
            timeout_keep_alive=120,
            h11_max_incomplete_event_size=131072,
        )
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)

    async def start(self) -> int:
        """Begin to listen, and return the port."""
        # The protocol has to be named: asyncio switches Nagle's delay off only for sockets declared as TCP.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        await self._server.startup(sockets=[listener])
        port: int = listener.getsockname()[1]
        return port

    def drop(self, client: Any) -> None:
        """Close the connection of one client (the ASGI scope's ``client``) at once, without an answer."""
        for connection in list(self._server.server_state.connections):
            if getattr(connection, "client", None) == client:
                self._abort(connection)

    @staticmethod
    def _abort(connection: Any) -> None:
        connection.transport.abort()

    def stop(self) -> None:
        """Stop listening and close every connection."""
        for server in self._server.servers:
            server.close()
        for connection in list(self._server.server_state.connections):
            self._abort(connection)
