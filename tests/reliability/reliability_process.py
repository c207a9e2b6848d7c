"""The command as a process of its own, which can be killed: ``python -m cmkctl``, or the same forked from a warm interpreter.

Most of a short command is Python's start and the imports, so a matrix of hundreds of them forks each from an interpreter that
has imported everything. A forked command is a process like any other, and can be killed like one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from reliability_ground import Ended

SECONDS = 120


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
        return Ended(code, (*codes, *(["Traceback"] if "Traceback" in self.messages else [])))

    @property
    def messages(self) -> str:
        """Its output for people."""
        return self.err.read_text(encoding="utf-8")


def _codes(out: str) -> Iterator[str]:
    """Return the codes of errors and of conflicts among JSON lines."""
    for line in out.splitlines():
        found = json.loads(line) if line.startswith("{") else {}
        if found.get("severity") == "error" or found.get("action") == "conflict":
            yield str(found["code"])


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


class ForkingStarter(Starter):
    """Starts the commands by forking a warm interpreter: see `support.warm.process.WarmPython`."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        super().__init__(folder, environment)
        from support.warm.process import warm_python  # noqa: PLC0415 - a script finds tests/support only when it has started

        self._python = warm_python()

    def _start(self, arguments: list[str], out: Path, err: Path) -> Child:
        with out.open("wb") as stdout, err.open("wb") as stderr:
            return self._python.begin(
                arguments, self._environment, self._folder, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
            )


def folder() -> tempfile.TemporaryDirectory[str]:
    """Provide a temporary folder."""
    return tempfile.TemporaryDirectory(prefix="cmkctl-reliability-", ignore_cleanup_errors=True)
