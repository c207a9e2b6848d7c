"""A command that is forked from a warm interpreter does what one does that starts Python: each command, and each exit path.

Most tests fork (`support.warm`), so that their time is that of the command and not of Python's start. With ``--all`` none does.
"""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.command_line import CommandLine, Ran, Rehearsal

from cmkctl.cli import COMMANDS
from cmkctl.sandbox import SUBSCRIPTION_ID

QUICK = "quickstart.yaml"
OFFLINE: dict[str, tuple[str, ...]] = {
    "validate": ("validate", "mine.yaml"),
    "show": ("show", "no-such-plan.json"),
    "init": ("init", "-"),
    "schema": ("schema",),
    "explain": ("explain", "CMK210"),
    "sandbox": ("sandbox", "log", "--state", "no-such-sandbox.json"),
    "completion": ("completion", "bash"),
    "import": ("import", "--from", "no-such-workspace.yaml"),
    "version": ("version",),
    "a wrong option": ("plan", "mine.yaml", "--no-such-option"),
    "a wrong profile": ("plan", "nowhere.yaml"),
}
"""Command lines that do not connect to anything, by command or by what is wrong with them."""
IN_A_SANDBOX = (
    "plan",
    "verify",
    "status",
    "list",
    "rotate",
    "revoke",
    "restore",
    "destroy",
    "recover",
    "posture",
    "encrypt",
    "doctor",
)
"""Commands that leave a new sandbox as it is, so that each can be run twice."""
WITHOUT_A_PROFILE = frozenset(("list",))


def both(command: CommandLine, *arguments: str | Path) -> tuple[Ran, Ran]:
    """Run a command line forked, and with a Python of its own."""
    return replace(command, forks=True)(*arguments), command.anew(*arguments)


@pytest.mark.parametrize("name", OFFLINE)
def test_a_fork_does_what_a_new_process_does(cmkctl: Any, profiles: Path, name: str) -> None:
    """Exit code and both streams are the same."""
    (cmkctl.folder / "mine.yaml").write_bytes((profiles / QUICK).read_bytes())

    forked, anew = both(cmkctl.within(AZURE_SUBSCRIPTION_ID=SUBSCRIPTION_ID), *OFFLINE[name])

    assert forked == anew


def timeless(text: str) -> str:
    """Return an output without the difference of two clocks, which `doctor` shows in seconds."""
    return re.sub(r"\d+ s (ahead of|behind)", "…", text)


@pytest.mark.parametrize("name", IN_A_SANDBOX)
def test_a_fork_does_what_a_new_process_does_in_a_sandbox(azure: Any, profiles: Path, name: str) -> None:
    """Nothing is applied yet: a plan with changes, drift, nothing to encrypt."""
    what = [] if name in WITHOUT_A_PROFILE else [profiles / QUICK]

    forked, anew = both(azure.command, name, *what, "--sandbox", "--state", azure.state)

    assert (forked.code, timeless(forked.out)) == (anew.code, timeless(anew.out))
    assert forked.err.splitlines()[1:] == anew.err.splitlines()[1:]


def test_a_new_process_applies(azure: Any, profiles: Path) -> None:
    """From the imports to the proof with azure-ai-ml, which an apply imports in the background."""
    arguments = ("apply", profiles / QUICK, "--yes", "--sandbox", "--state", azure.state)

    assert [0, 0] == [azure.command.anew(*arguments).code for _ in range(2)]


def test_every_command_is_started_as_a_new_process() -> None:
    """So that a new command is added to the tables of this file."""
    started = {each[0] for each in OFFLINE.values()} | {*IN_A_SANDBOX, "apply"}

    assert set(COMMANDS) == started


@pytest.mark.parametrize("forks", [True, False])
def test_a_killed_command_has_its_signal_as_exit_code(
    rehearse: Callable[..., Rehearsal], profiles: Path, forks: bool
) -> None:
    """As with `subprocess`."""
    azure = rehearse()
    command = replace(azure.command, forks=forks)
    process = command.begin("apply", profiles / QUICK, "--sandbox", "--state", azure.state, stdin=subprocess.PIPE)
    process.kill()

    assert -signal.SIGKILL == command.end(process).code
