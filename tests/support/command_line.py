"""The command line as a user runs it: a process with an environment of its own, and the sandbox under it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cmkctl.sandbox.server import Running
from support.warm.process import Process, can_be_forked, warm_python

SECONDS = 60
"""How long a command may take before the test gives it up."""


@dataclass(frozen=True)
class Ran:
    """What a command left behind: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines. Raises ValueError when a line is none."""
        return [json.loads(each) for each in self.out.splitlines()]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the JSON lines of one type."""
        return [each for each in self.lines if each["type"] == kind]


@dataclass(frozen=True)
class CommandLine:
    """`cmkctl` in an environment of its own: nothing of this machine's proxies, accounts or settings is in it."""

    folder: Path
    more: Mapping[str, str]
    forks: bool = True
    """Whether commands are forked from an interpreter that has imported everything, where that makes no difference to them."""

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of a command."""
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        home = {"HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state")}
        return {**kept, **home, "COLUMNS": "80", "LC_ALL": "C.UTF-8", **self.more}

    @property
    def anew(self) -> CommandLine:
        """The same command line, which starts Python for each command."""
        return replace(self, forks=False)

    def begin(self, *arguments: str | Path, **more: Any) -> Process:
        """Start a command and do not wait for it."""
        typed = [*map(str, arguments)]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        if self.forks and can_be_forked(self.environment, pipes):
            return warm_python().begin(typed, self.environment, self.folder, **pipes)
        return subprocess.Popen(
            [sys.executable, "-m", "cmkctl", *typed],
            env=self.environment,
            cwd=self.folder,
            text=True,
            encoding="utf-8",
            **pipes,
        )

    def end(self, process: Process, given: str | None = None, seconds: float = SECONDS) -> Ran:
        """Wait for a command. Whatever happens to it, a user never sees a traceback."""
        with process:
            try:
                out, err = process.communicate(given, timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert "Traceback" not in out + err, err
        return Ran(process.returncode, out, err)

    def __call__(self, *arguments: str | Path, **more: Any) -> Ran:
        """Run a command to its end."""
        return self.end(self.begin(*arguments, **more))

    def within(self, **more: str) -> CommandLine:
        """Make the same command line with more in its environment."""
        return replace(self, more={**self.more, **more})


@dataclass(frozen=True)
class Rehearsal:
    """A command line whose ``--sandbox`` is one that runs already, at once done with everything, and open to tests."""

    command: CommandLine
    running: Running
    state: Path

    def __call__(self, *arguments: str | Path, **more: Any) -> Ran:
        """Run a command with ``--sandbox``."""
        return self.command(*arguments, "--sandbox", "--state", self.state, **more)

    def writes(self) -> list[str]:
        """Return the writes that the sandbox received, as method and path."""
        return [f"{each.method} {each.path}" for each in self.running.writes]
