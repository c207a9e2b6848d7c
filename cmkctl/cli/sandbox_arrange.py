"""`cmkctl sandbox faults`, `clock`, `principal` and `policy`: changes to a sandbox, running or not."""

import json
from typing import Annotated, Any

import typer

from cmkctl.cli.help import HelpCommand, HelpGroup
from cmkctl.cli.sandbox_options import StateOption, call_control, known_shell, notify

principal = typer.Typer(cls=HelpGroup, help="Add service principals that can sign in to the sandbox.")
policy = typer.Typer(cls=HelpGroup, help="Assign policies that deny resources by type and property.")
ScopeOption = Annotated[str | None, typer.Option("--scope", help="The scope. Default: the subscription.", metavar="ID")]


def faults(
    put: Annotated[
        list[str] | None,
        typer.Option("--set", help="Activate a fault in the running sandbox. Repeatable.", metavar="FAULT"),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Deactivate every fault in the running sandbox.")] = False,
    active: Annotated[
        bool, typer.Option("--active", help="List only the active faults of the running sandbox.")
    ] = False,
    state: StateOption = None,
) -> None:
    """List the faults that --fault can inject, or activate and deactivate them while the sandbox runs."""
    from cmkctl.sandbox.core.faults import KINDS, Faults  # noqa: PLC0415  commands load lazily

    try:
        Faults.parse(put or ())
    except ValueError as problem:
        raise typer.BadParameter(str(problem), param_hint="--set") from problem
    if put or clear or active:
        method = "POST" if put or clear else "GET"
        for text in call_control(state, method, "faults", {"set": put or [], "clear": clear})["faults"]:
            typer.echo(text)
        return
    for kind in KINDS.values():
        often = "always" if kind.times == 0 else f"{kind.times} time" + ("s" if kind.times > 1 else "")
        typer.echo(f"{kind.name:23} {often:7} {kind.summary}")


def clock(
    advance: Annotated[
        str | None, typer.Option("--advance", help="Move the clock forward, such as 14d or 1d12h.", metavar="SPAN")
    ] = None,
    state: StateOption = None,
) -> None:
    """Print the sandbox's time, or move it forward, so that soft deletes, keys and tokens expire."""
    from cmkctl.sandbox.core.pace import parse_span  # noqa: PLC0415  commands load lazily

    try:
        parse_span(advance or "0s")
    except ValueError as problem:
        raise typer.BadParameter(str(problem), param_hint="--advance") from problem
    method, body = ("GET", {}) if advance is None else ("POST", {"advance": advance})
    shown = call_control(state, method, "clock", body, start=True)
    typer.echo(shown["now"])
    if shown["ahead"]:
        notify(f"{shown['ahead'] / 86400:g} days ahead of the real time; cmkctl sandbox reset undoes that")


@principal.command("add", cls=HelpCommand)
def add_principal(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The display name.")],
    role: Annotated[str | None, typer.Option("--role", help="A built-in role, by name or id.", metavar="ROLE")] = None,
    scope: ScopeOption = None,
    graph: Annotated[
        list[str] | None,
        typer.Option(
            "--graph",
            help="A permission of Microsoft Graph. Repeatable. Default: Application.Read.All.",
            metavar="NAME",
        ),
    ] = None,
    no_graph: Annotated[bool, typer.Option("--no-graph", help="Grant no permission of Microsoft Graph.")] = False,
    shell: Annotated[str, typer.Option(metavar="SHELL", help="sh, bash, zsh, fish or powershell.")] = "sh",
    state: StateOption = None,
) -> None:
    """Add a service principal, and print the environment variables that make a client sign in as it."""
    from cmkctl.sandbox.core import environment  # noqa: PLC0415  commands load lazily

    kind = known_shell(shell)
    permissions = [] if no_graph else graph or ["Application.Read.All"]
    client: dict[str, Any] = {"name": name, "role": role, "scope": scope, "graph": permissions}
    for line in environment.lines(call_control(state, "POST", "principals", client, start=True)["environment"], kind):
        typer.echo(line)


@policy.command("add", cls=HelpCommand)
def add_policy(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the policy and of its assignment.")],
    kind: Annotated[str, typer.Option("--type", help="The resource type; * matches every type.", metavar="TYPE")],
    field: Annotated[
        str, typer.Option("--property", help="location, tags.NAME, or a property of the type.", metavar="NAME")
    ],
    allow: Annotated[
        list[str] | None, typer.Option("--allow", metavar="VALUE", help="An allowed value. Repeatable.")
    ] = None,
    deny: Annotated[
        list[str] | None, typer.Option("--deny", metavar="VALUE", help="A denied value. Repeatable.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason in the error message.")] = "",
    scope: ScopeOption = None,
    state: StateOption = None,
) -> None:
    """Assign a policy. Without --allow and --deny, the property is required."""
    row = {"name": name, "type": kind, "field": field, "allow": allow or [], "deny": deny or [], "reason": reason}
    place = {} if scope is None else {"scope": scope}
    _show(call_control(state, "POST", "policies", {"set": [{**row, **place}]}, start=True))


@policy.command("list", cls=HelpCommand)
def list_policies(state: StateOption = None) -> None:
    """List the policies, as JSON lines."""
    _show(call_control(state, "GET", "policies", {}, start=True))


@policy.command("clear", cls=HelpCommand)
def clear_policies(state: StateOption = None) -> None:
    """Remove every policy."""
    _show(call_control(state, "POST", "policies", {"clear": True}, start=True))


def _show(answer: dict[str, Any]) -> None:
    for row in answer["policies"]:
        typer.echo(json.dumps(row))
