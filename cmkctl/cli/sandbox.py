"""`cmkctl sandbox`: Azure on this machine, for demos, tests and rehearsal."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cmkctl.cli import sandbox_arrange, sandbox_log
from cmkctl.cli.sandbox_options import FaultOption, LatencyOption, PaceOption, StateOption, fail, say

if TYPE_CHECKING:
    from cmkctl.sandbox import Sandbox

app = typer.Typer(
    name="sandbox",
    help="Azure on this machine, for demos, tests and rehearsal: any Azure client can use it, and nothing leaves the machine.",
    no_args_is_help=True,
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


@app.command()
def serve(
    port: Annotated[
        int, typer.Option(help="Port of the proxy on 127.0.0.1; 0 takes a free one.", min=0, max=65535)
    ] = 0,
    state: StateOption = None,
    pace: PaceOption = "reads",
    latency: LatencyOption = None,
    fault: FaultOption = None,
) -> None:
    """Run the sandbox until Ctrl-C (or SIGTERM, which scripts and CI send)."""
    import signal  # noqa: PLC0415  commands load lazily

    from cmkctl.sandbox import SandboxError  # noqa: PLC0415  commands load lazily

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sandbox = _sandbox(state, pace, latency, fault)
    try:
        running = sandbox.serve(port)
    except SandboxError as problem:
        fail(str(problem))
    with running:
        flag = f" --state {state}" if state else ""
        say("*" * 78)
        say("*" + "THIS IS NOT AZURE. It is the cmkctl sandbox, on this machine and made up.".center(76) + "*")
        say("*" * 78)
        say(f"proxy        {running.proxy}   (127.0.0.1 only; nothing leaves this machine)")
        say(f"certificate  {running.ca}")
        say(f"state        {sandbox.state}")
        say(f'in a shell   eval "$(cmkctl sandbox env{flag})"')
        say(f"one command  cmkctl sandbox run{flag} -- az group list")
        say("Ctrl-C stops it; the state stays.")
        try:
            running.wait()
        except KeyboardInterrupt:
            say("stopped")


@app.command()
def env(
    state: StateOption = None,
    shell: Annotated[str, typer.Option(help="sh, fish or powershell.")] = "sh",
) -> None:
    """Print the environment that makes any Azure client use the running sandbox."""
    from cmkctl.sandbox import default_state_path, find_running  # noqa: PLC0415  commands load lazily
    from cmkctl.sandbox.core import environment  # noqa: PLC0415  commands load lazily

    if shell not in environment.SHELLS:
        raise typer.BadParameter(
            f"there is no shell {shell!r} here; use {', '.join(environment.SHELLS)}", param_hint="--shell"
        )
    running = find_running(state)
    if running is None:
        path = state or default_state_path()
        fail(f"no sandbox is running over {path}. Start one with: cmkctl sandbox serve")
    for line in environment.lines(running.environment(), shell):
        typer.echo(line)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(
    context: typer.Context,
    state: StateOption = None,
    pace: PaceOption = "reads",
    latency: LatencyOption = None,
    fault: FaultOption = None,
) -> None:
    """Run a command inside the sandbox, started for it unless one is running; its exit code is ours."""
    from cmkctl.sandbox import SandboxError, find_running  # noqa: PLC0415  commands load lazily

    command = context.args
    if not command:
        raise typer.BadParameter("name a command after --, such as: cmkctl sandbox run -- az group list")
    elsewhere = find_running(state)
    if elsewhere is not None:
        raise typer.Exit(_call(command, elsewhere.environment()))
    try:
        with _sandbox(state, pace, latency, fault).serve() as running:
            code = _call(command, running.environment())
    except SandboxError as problem:
        fail(str(problem))
    raise typer.Exit(code)


def _call(command: list[str], environment: dict[str, str]) -> int:
    import os  # noqa: PLC0415  commands load lazily
    import subprocess  # noqa: PLC0415  running a command is what this is for

    try:
        code = subprocess.call(command, env={**os.environ, **environment})  # noqa: S603  the operator's own command
    except FileNotFoundError:
        say(f"cmkctl sandbox: there is no command {command[0]}")
        return 127
    return code if code >= 0 else 128 - code


@app.command()
def reset(state: StateOption = None) -> None:
    """Forget everything: the next command finds a new, empty Azure."""
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
    say(f"the sandbox {path} is as new")


app.command()(sandbox_log.log)
app.command()(sandbox_arrange.faults)
app.command()(sandbox_arrange.clock)
app.add_typer(sandbox_arrange.principal, name="principal")
app.add_typer(sandbox_arrange.policy, name="policy")
