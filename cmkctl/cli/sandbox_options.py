"""Shared by the sandbox's commands: options, messages on stderr, and requests to a running server."""

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state", metavar="FILE", help="State file. Default: $CMKCTL_SANDBOX_STATE, else one in your state folder."
    ),
]
PaceOption = Annotated[
    str, typer.Option("--pace", help="How slow things get done: reads[:N], seconds[:N] or none.", metavar="PACE")
]
LatencyOption = Annotated[
    str | None,
    typer.Option(
        "--latency",
        help="Instead of a pace, the time Azure takes for each kind of thing: azure[:FACTOR], or none.",
        metavar="PROFILE",
    ),
]
FaultOption = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        help="Switch a fault on: NAME[:TIMES][~LENGTH][@TARGET], such as throttle-seconds:2@workspaces. Repeatable.",
        metavar="FAULT",
    ),
]


def say(text: str) -> None:
    """Write a line of narration."""
    typer.echo(text, err=True)


def fail(text: str) -> NoReturn:
    """Say what is wrong and end with 1."""
    say(f"cmkctl sandbox: {text}")
    raise typer.Exit(1)


def ask(state: Path | None, method: str, what: str, body: dict[str, Any], *, start: bool = False) -> dict[str, Any]:
    """Ask the server that runs over a state file; with `start`, one that runs only for this where there is none.

    Ends the command with 1 and the reason where that cannot be done.
    """
    from cmkctl.sandbox import Sandbox, SandboxError, default_state_path, find_running  # noqa: PLC0415  lazily

    running = find_running(state)
    path = state or default_state_path()
    try:
        if running is not None:
            return running.ask(method, what, body)
        if not start:
            fail(f"no sandbox is running over {path}. Start one with: cmkctl sandbox serve")
        with Sandbox(path).serve() as own:
            return own.ask(method, what, body)
    except SandboxError as problem:
        fail(str(problem))
