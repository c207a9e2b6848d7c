"""The interpreter that forks: it imports all that cmkctl uses, then runs ``python -m cmkctl`` in a fork for each request.

Run as ``python -m support.warm.server SOCKET``. A client connects and sends the request with its three standard streams; the
response is a line with the process id, and in the end a line with the exit code. The interpreter ends with its standard input.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import os
import pkgutil
import selectors
import signal
import socket
import sys
import threading
import time
from typing import Any, NoReturn

import cmkctl
from support.warm.client import Request, received

MODULES = (
    "azure.ai.ml",
    "azure.identity",
    "azure.mgmt.keyvault",
    "azure.mgmt.resource.resources",
    "requests",
    "trustme",
    "uvicorn.lifespan.off",
    "uvicorn.protocols.http.h11_impl",
    "cmkctl.sandbox.providers.microsoft_resources",  # before its parts, which import one another
)
"""What commands import while they run, besides their own modules."""


def warm() -> None:
    """Import what commands import; no thread may be left running, because a fork would not have it."""
    for name in MODULES:
        importlib.import_module(name)
    for each in pkgutil.walk_packages(cmkctl.__path__, "cmkctl."):
        if not each.name.endswith("__main__"):
            importlib.import_module(each.name)
    assert [threading.main_thread()] == threading.enumerate(), threading.enumerate()
    gc.collect()
    gc.freeze()


class Server:
    """Forks a command for each connection and sends its process id and its exit code over the connection."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._running: dict[int, socket.socket] = {}

    def serve(self) -> None:
        """Serve until standard input ends."""
        ended, wakeup = os.pipe()
        for descriptor in (ended, wakeup):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as selector:
            for each in (0, ended, self._listener.fileno()):
                selector.register(each, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select()}
                if ended in ready:
                    os.read(ended, 1024)
                    self._collect()
                if self._listener.fileno() in ready:
                    self._accept()
                if 0 in ready and not os.read(0, 1024):
                    return

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        request, streams = received(connection)
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for stream in streams:
                os.set_inheritable(stream, True)
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            os.closerange(3, 1024)
            run(request)
        for stream in streams:
            os.close(stream)
        self._running[pid] = connection
        connection.sendall(b"%d\n" % pid)

    def _collect(self) -> None:
        """Send the exit codes of the commands that have ended; a client may have left by then."""
        for pid in list(self._running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                with self._running.pop(pid) as connection, contextlib.suppress(OSError):
                    connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def run(request: Request) -> NoReturn:
    """Run the command of a request as ``python -m cmkctl`` does, and end the process as Python does."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    time.tzset()
    sys.argv = [request["program"][-1], *request["arguments"]]
    sys.orig_argv = [*request["program"], *request["arguments"]]
    if request["program"][-2:] == ["-m", "cmkctl"]:
        sys.argv[0] = os.path.join(os.path.dirname(sys.modules["cmkctl"].__file__ or ""), "__main__.py")  # noqa: PTH118, PTH120 - a text
    sys.stdin, sys.stdout, sys.stderr = _reader(0), _writer(1, "surrogateescape"), _writer(2, "backslashreplace")
    code: Any = 1
    try:
        importlib.import_module("cmkctl.__main__").main()
    except SystemExit as end:
        code = end.code
    threading._shutdown()  # type: ignore[attr-defined]  # as Python does: threads that are no daemons are waited for
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code or 0)


def _reader(number: int) -> io.TextIOWrapper:
    return io.TextIOWrapper(open(number, "rb"), encoding="utf-8", errors="surrogateescape")


def _writer(number: int, errors: str) -> io.TextIOWrapper:
    """Open a standard stream as Python does at its start."""
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    binary: Any = open(number, "wb", 0 if unbuffered else -1)  # noqa: SIM115 - a descriptor, for as long as we run
    lines = os.isatty(number) or number == 2
    return io.TextIOWrapper(binary, encoding="utf-8", errors=errors, line_buffering=lines, write_through=unbuffered)


def main() -> None:
    """Serve the socket that the command line names. It accepts connections at once, and answers when everything is imported."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen(64)
        sys.stdout.write("\n")
        sys.stdout.flush()
        warm()
        Server(listener).serve()


if __name__ == "__main__":
    main()
