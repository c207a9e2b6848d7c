"""`cmkctl sandbox faults`, `clock`, `principal` and `policy`: what is arranged in a sandbox, running or not."""

import json
from typing import Annotated, Any

import typer

from cmkctl.cli.sandbox_options import StateOption, ask, say

principal = typer.Typer(no_args_is_help=True, help="Service principals that can log in to the sandbox.")
policy = typer.Typer(no_args_is_help=True, help="Policies that deny resources by type and property.")
ScopeOption = Annotated[str | None, typer.Option("--scope", help="Where. Default: the subscription.", metavar="ID")]


def faults(
    put: Annotated[
        list[str] | None,
        typer.Option("--set", help="Switch a fault on in the running sandbox. Repeatable.", metavar="FAULT"),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Switch every fault off in the running sandbox.")] = False,
    active: Annotated[bool, typer.Option("--active", help="Only list what is switched on there.")] = False,
    state: StateOption = None,
) -> None:
    """List the failures that --fault can switch on; or switch them on and off while the sandbox runs."""
    from cmkctl.sandbox.core.faults import KINDS  # noqa: PLC0415  commands load lazily

    if put or clear or active:
        method = "POST" if put or clear else "GET"
        for text in ask(state, method, "faults", {"set": put or [], "clear": clear})["faults"]:
            typer.echo(text)
        return
    for kind in KINDS.values():
        often = "always" if kind.times == 0 else f"{kind.times} time" + ("s" if kind.times > 1 else "")
        typer.echo(f"{kind.name:23} {often:7} {kind.summary}")


def clock(
    advance: Annotated[
        str | None, typer.Option("--advance", help="Put the clock forward, such as 14d or 1d12h.", metavar="SPAN")
    ] = None,
    state: StateOption = None,
) -> None:
    """Print the sandbox's time; or put it forward, so that soft deletes, keys and tokens end."""
    method, asked = ("GET", {}) if advance is None else ("POST", {"advance": advance})
    shown = ask(state, method, "clock", asked, start=True)
    typer.echo(shown["now"])
    if shown["ahead"]:
        say(f"{shown['ahead'] / 86400:g} days ahead; cmkctl sandbox reset takes it back")


@principal.command("add")
def add_principal(
    name: Annotated[str, typer.Argument(help="Its display name.")],
    role: Annotated[str | None, typer.Option("--role", help="A built-in role, by name or id.", metavar="ROLE")] = None,
    scope: ScopeOption = None,
    graph: Annotated[
        list[str] | None,
        typer.Option(
            "--graph", help="Its permissions of Microsoft Graph. Default: Application.Read.All.", metavar="NAME"
        ),
    ] = None,
    no_graph: Annotated[bool, typer.Option("--no-graph", help="It has no permission of Microsoft Graph.")] = False,
    shell: Annotated[str, typer.Option(help="sh, fish or powershell.")] = "sh",
    state: StateOption = None,
) -> None:
    """Add a service principal, and print the environment that makes a client log in as it."""
    from cmkctl.sandbox.core import environment  # noqa: PLC0415  commands load lazily

    permissions = [] if no_graph else graph or ["Application.Read.All"]
    asked: dict[str, Any] = {"name": name, "role": role, "scope": scope, "graph": permissions}
    for line in environment.lines(ask(state, "POST", "principals", asked, start=True)["environment"], shell):
        typer.echo(line)


@policy.command("add")
def add_policy(
    name: Annotated[str, typer.Argument(help="The name of the policy and of its assignment.")],
    kind: Annotated[str, typer.Option("--type", help="The resource type; * is every type.", metavar="TYPE")],
    field: Annotated[
        str, typer.Option("--property", help="location, tags.NAME, or one of its properties.", metavar="NAME")
    ],
    allow: Annotated[list[str] | None, typer.Option("--allow", help="A value it may have. Repeatable.")] = None,
    deny: Annotated[list[str] | None, typer.Option("--deny", help="A value it may not have. Repeatable.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="What the refusal says.")] = "",
    scope: ScopeOption = None,
    state: StateOption = None,
) -> None:
    """Assign a policy: without --allow and --deny, the property must be there."""
    row = {"name": name, "type": kind, "field": field, "allow": allow or [], "deny": deny or [], "reason": reason}
    place = {} if scope is None else {"scope": scope}
    _show(ask(state, "POST", "policies", {"set": [{**row, **place}]}, start=True))


@policy.command("list")
def list_policies(state: StateOption = None) -> None:
    """List the policies, as JSON lines."""
    _show(ask(state, "GET", "policies", {}, start=True))


@policy.command("clear")
def clear_policies(state: StateOption = None) -> None:
    """Take every policy away."""
    _show(ask(state, "POST", "policies", {"clear": True}, start=True))


def _show(answer: dict[str, Any]) -> None:
    for row in answer["policies"]:
        typer.echo(json.dumps(row))
