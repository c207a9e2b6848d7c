"""One request to the interpreter that forks. As a script, ``client.py SOCKET PROGRAM ARGUMENT...``, it stands in for ``cmkctl``.

It imports little, so that a script costs some milliseconds.
"""

import json
import os
import signal
import socket
import struct
import sys
from typing import TypedDict

_SIZE = struct.Struct("!I")


class Request(TypedDict):
    """What starts a command: the words before its arguments, its arguments, its environment, and the folder it runs in."""

    program: list[str]
    arguments: list[str]
    environment: dict[str, str]
    folder: str


def send(address: str, request: Request, streams: list[int]) -> socket.socket:
    """Send a request with standard input, output and error; return the connection on which the response arrives."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    body = json.dumps(request).encode()
    socket.send_fds(connection, [_SIZE.pack(len(body))], streams)
    connection.sendall(body)
    return connection


def received(connection: socket.socket) -> tuple[Request, list[int]]:
    """Return a request and its streams, on the other side of `send`."""
    head, streams, _, _ = socket.recv_fds(connection, _SIZE.size, 3)
    (size,) = _SIZE.unpack(head)
    body = b""
    while len(body) < size:
        body += connection.recv(size - len(body))
    return json.loads(body), streams


def line(connection: socket.socket) -> int:
    """Return the number in the next line of a response. Raises EOFError when there is none."""
    read = b""
    while not read.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            raise EOFError
        read += byte
    return int(read)


def main() -> None:
    """Run one command line, pass signals on to it, and end with its exit code."""
    address, program, *arguments = sys.argv[1:]
    request = Request(program=[program], arguments=arguments, environment=dict(os.environ), folder=os.getcwd())  # noqa: PTH109 - pathlib takes its time
    connection = send(address, request, [0, 1, 2])
    pid = line(connection)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda which, _: os.kill(pid, which))
    code = line(connection)
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
