"""`cmkctl sandbox`: an embedded Azure for demos, tests and rehearsals."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cmkctl.cli import sandbox_arrange, sandbox_log
from cmkctl.cli.help import HelpCommand, HelpGroup
from cmkctl.cli.sandbox_options import (
    FaultOption,
    LatencyOption,
    PaceOption,
    StateOption,
    fail,
    known_shell,
    not_running,
    notify,
)

if TYPE_CHECKING:
    from cmkctl.sandbox import Sandbox

app = typer.Typer(
    name="sandbox",
    cls=HelpGroup,
    help="Run and use the sandbox, an embedded Azure. Any Azure client can use it; nothing leaves the machine.",
)


def _sandbox(state: Path | None, pace: str, latency: str | None, faults: list[str] | None) -> "Sandbox":
    from cmkctl.sandbox import Pace, Sandbox, default_state_path  # noqa: PLC0415  commands load lazily
    from cmkctl.sandbox.core.faults import Faults  # noqa: PLC0415  commands load lazily

    try:
        Faults.parse(faults or ())
        speed = Pace.parse(pace) if latency is None else Pace.profile(latency)
        return Sandbox(state or default_state_path(), speed, faults or ())
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from problem


@app.command(cls=HelpCommand)
def serve(
    port: Annotated[
        int, typer.Option(metavar="PORT", help="Port of the proxy on 127.0.0.1; 0 is any free port.", min=0, max=65535)
    ] = 0,
    state: StateOption = None,
    pace: PaceOption = "reads",
    latency: LatencyOption = None,
    fault: FaultOption = None,
) -> None:
    """Run the sandbox until Ctrl-C or SIGTERM."""
    import signal  # noqa: PLC0415  commands load lazily

    from cmkctl.sandbox import SandboxError  # noqa: PLC0415  commands load lazily

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)
    sandbox = _sandbox(state, pace, latency, fault)
    try:
        running = sandbox.serve(port)
    except SandboxError as problem:
        fail(str(problem))
    with running:
        flag = f" --state {state}" if state else ""
        notify("*" * 78)
        notify("*" + "THIS IS NOT AZURE. It is the cmkctl sandbox on this machine.".center(76) + "*")
        notify("*" * 78)
        notify(f"proxy        {running.proxy}   (127.0.0.1 only; nothing leaves this machine)")
        notify(f"certificate  {running.ca}")
        notify(f"state        {sandbox.state}")
        notify(f'in a shell   eval "$(cmkctl sandbox env{flag})"')
        notify(f"one command  cmkctl sandbox run{flag} -- az group list")
        notify("Stop it with Ctrl-C; the state is kept.")
        try:
            running.wait()
        except KeyboardInterrupt:
            notify("Stopped.")


@app.command(cls=HelpCommand)
def env(
    state: StateOption = None,
    shell: Annotated[str, typer.Option(metavar="SHELL", help="sh, bash, zsh, fish or powershell.")] = "sh",
) -> None:
    """Print the environment variables that make any Azure client use the running sandbox."""
    from cmkctl.sandbox import find_running  # noqa: PLC0415  commands load lazily
    from cmkctl.sandbox.core import environment  # noqa: PLC0415  commands load lazily

    known = known_shell(shell)
    running = find_running(state)
    if running is None:
        not_running(state)
    for line in environment.lines(running.environment(), known):
        typer.echo(line)


@app.command(
    cls=HelpCommand,
    options_metavar="[OPTIONS] -- COMMAND...",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def run(
    context: typer.Context,
    state: StateOption = None,
    pace: PaceOption = "reads",
    latency: LatencyOption = None,
    fault: FaultOption = None,
) -> None:
    """Run a command in the sandbox, which is started if necessary; exits with the command's exit code."""
    import time  # noqa: PLC0415  commands load lazily

    from cmkctl.sandbox import SandboxError  # noqa: PLC0415  commands load lazily

    command = context.args
    if not command:
        raise typer.BadParameter("Name a command after --, for example: cmkctl sandbox run -- az group list")
    try:
        with _sandbox(state, pace, latency, fault).for_command(_waiting, time.sleep) as environment:
            code = _call(command, environment)
    except SandboxError as problem:
        fail(str(problem))
    raise typer.Exit(code)


def _waiting(path: Path) -> None:
    notify(f"Waiting for the other command that uses the sandbox {path}.")


def _call(command: list[str], environment: dict[str, str]) -> int:
    import os  # noqa: PLC0415  commands load lazily
    import signal  # noqa: PLC0415  commands load lazily
    import subprocess  # noqa: PLC0415  running a command is what this is for

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a terminal sends it to the command as well
    try:
        code = subprocess.call(command, env={**os.environ, **environment})  # noqa: S603  the operator's own command
    except FileNotFoundError:
        notify(f"error: Command not found: {command[0]}")
        return 127
    return code if code >= 0 else 128 - code


@app.command(cls=HelpCommand)
def reset(state: StateOption = None) -> None:
    """Delete the state: the next command finds a new, empty Azure."""
    from cmkctl.sandbox import SandboxError, default_state_path, find_running  # noqa: PLC0415  commands load lazily
    from cmkctl.sandbox.core.store import Files, Lock  # noqa: PLC0415  commands load lazily

    path = (state or default_state_path()).expanduser().absolute()
    try:
        running = find_running(path)
        if running is not None:
            running.reset()
        else:
            files = Files(path)
            with Lock(files.lock):
                for file in (files.state, files.log):
                    file.unlink(missing_ok=True)
    except SandboxError as problem:
        fail(str(problem))
    notify(f"Sandbox reset: {path}")


app.command(cls=HelpCommand)(sandbox_log.log)
app.command(cls=HelpCommand)(sandbox_arrange.faults)
app.command(cls=HelpCommand)(sandbox_arrange.clock)
app.add_typer(sandbox_arrange.principal, name="principal")
app.add_typer(sandbox_arrange.policy, name="policy")
