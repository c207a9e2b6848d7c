"""The handle of a forked command, and the interpreter behind it."""

from __future__ import annotations

import atexit
import os
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

from support.warm import client
from support.warm.client import Request, line, send

TESTS = Path(__file__).parents[2]
START_OF_PYTHON = ("COVERAGE_", "LANG", "LC_", "PYTHON")
"""What Python reads when it starts begins with one of these."""
STREAMS = frozenset(("stdin", "stdout", "stderr"))


class Process(Protocol):
    """What tests use of `subprocess.Popen[str]`."""

    pid: int
    stdin: IO[str] | None
    stdout: IO[str] | None
    stderr: IO[str] | None

    @property
    def returncode(self) -> int | Any:
        """The exit code, negative for a signal; None while it runs."""

    def poll(self) -> int | None:
        """Return the exit code if the command has ended."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; return the exit code."""

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:  # noqa: A002 - Popen's name
        """Send standard input, wait for the end, and return what was written to the piped streams."""

    def send_signal(self, sig: int) -> None:
        """Send a signal to a command that has not ended."""

    def kill(self) -> None:
        """End it at once."""

    def __enter__(self) -> Self:
        """Return itself."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the streams and wait."""


class Forked:
    """A command that was forked from a warm interpreter, to be used like `subprocess.Popen[str]`."""

    def __init__(
        self, address: str, request: Request, stdin: int | IO[Any], stdout: int | IO[Any], stderr: int | IO[Any]
    ) -> None:
        self.args = [*request["program"], *request["arguments"]]
        self.returncode: int | None = None
        self._lock = threading.Lock()
        with ExitStack() as given:
            theirs, self.stdin = self._stream(stdin, 0, given)
            out, self.stdout = self._stream(stdout, 1, given)
            err, self.stderr = (out, None) if stderr == subprocess.STDOUT else self._stream(stderr, 2, given)
            self._connection = send(address, request, [theirs, out, err])
        self.pid = line(self._connection)

    @staticmethod
    def _stream(wanted: int | IO[Any], number: int, given: ExitStack) -> tuple[int, IO[str] | None]:
        """Return the command's end of a stream, closed with `given`, and the test's end of a pipe."""
        if wanted == subprocess.DEVNULL:
            return given.enter_context(Path(os.devnull).open("r+b")).fileno(), None
        if wanted != subprocess.PIPE:
            return (wanted if isinstance(wanted, int) else wanted.fileno()), None
        ours, theirs = os.pipe() if number else os.pipe()[::-1]
        given.callback(os.close, theirs)
        return theirs, open(ours, "r" if number else "w", encoding="utf-8")  # noqa: PTH123 - a descriptor

    def poll(self) -> int | None:
        """Return the exit code if the command has ended."""
        with self._lock:
            if self.returncode is None and select.select([self._connection], [], [], 0)[0]:
                self._ended()
        return self.returncode

    def _ended(self) -> None:
        self.returncode = line(self._connection)
        self._connection.close()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; return the exit code. Raises subprocess.TimeoutExpired."""
        with self._lock:
            if self.returncode is None:
                if not select.select([self._connection], [], [], timeout)[0]:
                    raise subprocess.TimeoutExpired(self.args, timeout or 0)
                self._ended()
        return self.returncode  # type: ignore[return-value]  # it was just set

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:  # noqa: A002 - Popen's name
        """Send standard input, wait for the end, and return what was written to the piped streams."""
        read = {1: "", 2: ""}

        def drain(number: int, stream: IO[str]) -> None:
            read[number] = stream.read()

        piped = [(number, each) for number, each in ((1, self.stdout), (2, self.stderr)) if each and not each.closed]
        readers = [threading.Thread(target=drain, args=each, daemon=True) for each in piped]
        for reader in readers:
            reader.start()
        if self.stdin is not None:
            try:
                self.stdin.write(input or "")
                self.stdin.close()
            except BrokenPipeError:  # a command that reads nothing
                pass
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
            if reader.is_alive():  # something that the command started has the stream still
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return read[1], read[2]

    def send_signal(self, sig: int) -> None:
        """Send a signal to a command that has not ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        """Request its end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self.wait()


class WarmPython:
    """An interpreter in the background that has imported everything, and forks commands."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="cmkctl-warm-")
        self.address = str(Path(self._folder.name) / "socket")
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "HOME": self._folder.name,
            "LC_ALL": "C.UTF-8",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.warm.server", self.address],
            env=environment,
            cwd=self._folder.name,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._process.stdout.read(1)  # type: ignore[union-attr]  # it listens now
        self.programs = Path(self._folder.name) / "bin"
        """The folder with a program `cmkctl` for shells."""
        self.programs.mkdir()
        words = shlex.join([sys.executable, "-IS", client.__file__, self.address])
        (self.programs / "cmkctl").write_text(f'#!/bin/sh\nexec {words} "$0" "$@"\n', encoding="utf-8")
        (self.programs / "cmkctl").chmod(0o755)

    def begin(self, arguments: list[str], environment: Mapping[str, str], folder: Path, **streams: Any) -> Forked:
        """Start ``python -m cmkctl`` with these arguments, and do not wait for it."""
        request = Request(
            program=[sys.executable, "-m", "cmkctl"],
            arguments=arguments,
            environment=dict(environment),
            folder=str(folder),
        )
        return Forked(self.address, request, **streams)

    def close(self) -> None:
        """End the interpreter."""
        self._process.communicate()
        self._folder.cleanup()


@cache
def warm_python() -> WarmPython:
    """Return the interpreter of this test process. It starts when it is first needed and ends with the tests."""
    made = WarmPython()
    atexit.register(made.close)
    return made


def can_be_forked(environment: Mapping[str, str], options: Mapping[str, Any]) -> bool:
    """Return True when a fork is like a process that is started anew: Python's own start depends on nothing given here."""
    given = {name: value for name, value in environment.items() if name.startswith(START_OF_PYTHON)}
    return sys.platform == "linux" and given in ({}, {"LC_ALL": "C.UTF-8"}) and options.keys() <= STREAMS
