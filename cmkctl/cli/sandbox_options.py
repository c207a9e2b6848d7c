"""The shared part of the sandbox's commands: options, messages on stderr, and requests to a server."""

import shlex
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="FILE",
        help="The state file. Default: $CMKCTL_SANDBOX_STATE, else a file in the user's state folder.",
    ),
]
PaceOption = Annotated[
    str, typer.Option("--pace", help="How long operations take: reads[:N], seconds[:N] or none.", metavar="PACE")
]
LatencyOption = Annotated[
    str | None,
    typer.Option(
        "--latency",
        help="Realistic durations for each kind of operation, instead of --pace: azure[:FACTOR], or none.",
        metavar="PROFILE",
    ),
]
FaultOption = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        help="Inject a fault: NAME[:TIMES][~LENGTH][@TARGET], such as throttle-seconds:2@workspaces. Repeatable.",
        metavar="FAULT",
    ),
]


def notify(text: str) -> None:
    """Print a line to stderr."""
    typer.echo(text, err=True)


def fail(text: str, remedy: str = "") -> NoReturn:
    """Print an error and exit with 1."""
    notify(f"error: {text}")
    if remedy:
        notify(f"  → {remedy}")
    raise typer.Exit(1)


def not_running(state: Path | None) -> NoReturn:
    """Exit with 1, because no sandbox runs over a state file."""
    from cmkctl.sandbox import default_state_path  # noqa: PLC0415  commands load lazily

    flag = f" --state {shlex.quote(str(state))}" if state else ""
    fail(
        f"No sandbox is running with the state {state or default_state_path()}.",
        f"Start one with: cmkctl sandbox serve{flag}",
    )


def known_shell(shell: str) -> str:
    """Return the syntax of a shell: bash and zsh use that of sh. Raises BadParameter for an unknown one."""
    from cmkctl.sandbox.core import environment  # noqa: PLC0415  commands load lazily

    kind = "sh" if shell in ("bash", "zsh") else shell
    if kind not in environment.SHELLS:
        raise typer.BadParameter(
            f"Unknown shell {shell!r}; use bash, zsh, {', '.join(environment.SHELLS)}", param_hint="--shell"
        )
    return kind


def call_control(
    state: Path | None, method: str, what: str, body: dict[str, Any], *, start: bool = False
) -> dict[str, Any]:
    """Send a request to the server of a state file; with `start`, start one for this request where there is none.

    Exits with 1 when that fails.
    """
    from cmkctl.sandbox import Sandbox, SandboxError, default_state_path, find_running  # noqa: PLC0415  lazily

    running = find_running(state)
    path = state or default_state_path()
    try:
        if running is not None:
            return running.call_control(method, what, body)
        if not start:
            not_running(state)
        with Sandbox(path).serve(lasting=False) as own:
            return own.call_control(method, what, body)
    except SandboxError as problem:
        fail(str(problem))
