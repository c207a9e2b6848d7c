"""The command as a process of its own, which can be killed: ``python -m cmkctl``, or the same forked from a warm interpreter.

Most of a short command is Python's start and the imports. A matrix of hundreds of them forks each from an interpreter that
has imported everything, and does nothing else; what is killed is a process like any other.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, Self

from reliability_ground import Ended

SECONDS = 120
WARM = (
    "azure.ai.ml",
    "azure.identity",
    "azure.mgmt.keyvault",
    "azure.mgmt.resource.resources",
    "requests",
    "cmkctl.cli.apply",
    "cmkctl.cli.run",
    "cmkctl.engine",
)


class Child(Protocol):
    """A process that was started, however it was."""

    pid: int

    def wait(self) -> int:
        """Wait for its end; the exit code, negative for a signal."""
        ...


class Command:
    """One run of cmkctl."""

    def __init__(self, child: Child, out: Path, err: Path) -> None:
        self._child = child
        self._over = threading.Event()
        self.out = out
        self.err = err

    def signal(self, number: int) -> None:
        """Send it a signal. Of SIGKILL the end is waited for: nothing of it goes on afterwards."""
        os.kill(self._child.pid, number)
        if number == signal.SIGKILL and not self._over.wait(SECONDS):
            raise TimeoutError

    def wait(self) -> Ended:
        """Wait for its end: exit code, and the codes of its diagnostics."""
        patience = threading.Timer(SECONDS, os.kill, (self._child.pid, signal.SIGKILL))
        patience.start()
        code = self._child.wait()
        patience.cancel()
        self._over.set()
        codes = dict.fromkeys(_codes(self.out.read_text(encoding="utf-8"))) if code >= 0 else ()
        return Ended(code, (*codes, *(["Traceback"] if "Traceback" in self.told() else [])))

    def told(self) -> str:
        """Return its output for people."""
        return self.err.read_text(encoding="utf-8")


def _codes(out: str) -> Iterator[str]:
    """Return the codes of errors and of conflicts among JSON lines."""
    for line in out.splitlines():
        said = json.loads(line) if line.startswith("{") else {}
        if said.get("severity") == "error" or said.get("action") == "conflict":
            yield str(said["code"])


class Starter:
    """Starts ``python -m cmkctl`` anew for each command."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "COLUMNS": "80", **environment}

    def __call__(self, *arguments: str | Path) -> Command:
        """Start a command and do not wait for it."""
        out, err = self._folder / "out.txt", self._folder / "err.txt"
        return Command(self._start([*map(str, arguments)], out, err), out, err)

    def _start(self, arguments: list[str], out: Path, err: Path) -> Child:
        with out.open("wb") as stdout, err.open("wb") as stderr:
            return subprocess.Popen(
                [sys.executable, "-m", "cmkctl", *arguments],
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )

    @property
    def anew(self) -> Starter:
        """The starter that starts Python anew."""
        return Starter(self._folder, self._environment)

    def close(self) -> None:
        """Nothing to end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


class ForkingStarter(Starter):
    """Starts the commands by forking a warm interpreter, see `serve`."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        super().__init__(folder, environment)
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env=self._environment,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _start(self, arguments: list[str], out: Path, err: Path) -> Child:
        self.tell({"arguments": arguments, "out": str(out), "err": str(err)})
        return _Forked(self, int(self.hear()))

    def tell(self, what: dict[str, Any]) -> None:
        """Send one line to the interpreter."""
        if self._process.stdin is not None:
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()

    def hear(self) -> str:
        """Read one line from it."""
        return self._process.stdout.readline() if self._process.stdout is not None else ""

    def close(self) -> None:
        """End the interpreter: it ends when nobody speaks to it any more."""
        self._process.communicate()


class _Forked:
    def __init__(self, starter: ForkingStarter, pid: int) -> None:
        self._starter = starter
        self.pid = pid

    def wait(self) -> int:
        return int(self._starter.hear())


def serve() -> None:
    """Fork a command for each line that is read; answer its process id, and in the end its exit code."""
    warm()
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            sys.exit(_command(asked))
        _answer(pid)
        _, status = os.waitpid(pid, 0)
        _answer(os.waitstatus_to_exitcode(status))


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _command(asked: dict[str, Any]) -> int:
    from cmkctl.cli import main  # noqa: PLC0415 - the tests import this module for its classes only

    sys.argv = ["cmkctl", *asked["arguments"]]
    for descriptor, name in ((1, asked["out"]), (2, asked["err"])):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    return main(asked["arguments"])


def warm() -> None:
    """Import what an apply imports."""
    for name in WARM:
        importlib.import_module(name)


def folder() -> tempfile.TemporaryDirectory[str]:
    """Provide a temporary folder."""
    return tempfile.TemporaryDirectory(prefix="cmkctl-reliability-", ignore_cleanup_errors=True)


if __name__ == "__main__":
    serve()
