"""``cmkctl init``."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

import typer

from cmkctl.cli.exits import DONE
from cmkctl.cli.options import CONNECTION, DEFAULT_PROFILE, STANDARD_STREAM, Auth

_ANSWERS: Final = "Answers"


def command(
    *,
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="The file to write. `-` is standard output.")
    ] = DEFAULT_PROFILE,
    subscription: Annotated[
        str | None, typer.Option("--subscription", metavar="ID", rich_help_panel=_ANSWERS, help="The subscription.")
    ] = None,
    location: Annotated[
        str | None, typer.Option("--location", metavar="NAME", rich_help_panel=_ANSWERS, help="The region.")
    ] = None,
    resource_group: Annotated[
        str | None,
        typer.Option("--resource-group", metavar="NAME", rich_help_panel=_ANSWERS, help="The resource group."),
    ] = None,
    workspace: Annotated[
        str | None, typer.Option("--workspace", metavar="NAME", rich_help_panel=_ANSWERS, help="The new workspace.")
    ] = None,
    vault: Annotated[
        str | None,
        typer.Option(
            "--vault",
            metavar="NAME",
            rich_help_panel=_ANSWERS,
            help="The vault for the key: a name in the resource group, or the ARM id of one that exists.",
        ),
    ] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="NAME", rich_help_panel=_ANSWERS, help="The key.")] = None,
    encryption: Annotated[
        str | None,
        typer.Option(
            "--encryption", metavar="PLACE", rich_help_panel=_ANSWERS, help="in-subscription or service-side."
        ),
    ] = None,
    high_business_impact: Annotated[
        bool | None,
        typer.Option(
            "--high-business-impact/--no-high-business-impact",
            rich_help_panel=_ANSWERS,
            help="Whether Microsoft collects less diagnostic data.",
        ),
    ] = None,
    auth: Annotated[
        Auth | None,
        typer.Option(
            "--auth", metavar="METHOD", rich_help_panel=CONNECTION, help=f"How to sign in: {', '.join(Auth)}."
        ),
    ] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", rich_help_panel=CONNECTION, help="Offer what the embedded sandbox has.")
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state", metavar="FILE", rich_help_panel=CONNECTION, help="With --sandbox: the file that holds its state."
        ),
    ] = None,
) -> int:
    """Write a profile to start from; on a terminal, ask for what matters. An existing file is never overwritten."""
    given = {
        "subscription": subscription,
        "location": location,
        "resource_group": resource_group,
        "workspace": workspace,
        "vault": vault,
        "key": key,
        "encryption": encryption,
        "high_business_impact": None if high_business_impact is None else str(high_business_impact).lower(),
    }
    answers = {name: value for name, value in given.items() if value is not None}
    on_terminal = sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
    if not answers and not on_terminal:
        return write(path, files("cmkctl.cli").joinpath("starter.yaml").read_text(encoding="utf-8"), _STARTER)
    from cmkctl.cli.init_run import Connection, init  # noqa: PLC0415 - the starter needs no model

    return init(path, answers, Connection(auth, state, sandbox=sandbox), ask=on_terminal)


_STARTER: Final = "Edit its names. "


def write(path: Path, text: str, advice: str = "") -> int:
    """Write the profile to a new file, or to standard output for ``-``; return the exit code."""
    import shlex  # noqa: PLC0415 - not for --help

    from cmkctl.files import write_new  # noqa: PLC0415 - see above

    if path == STANDARD_STREAM:
        sys.stdout.write(text)
        return DONE
    try:
        write_new(path, text)
    except FileExistsError:
        return _failed(f"{path} already exists; not overwritten.")
    except OSError as error:
        return _failed(f"Cannot write {path}: {error.strerror}.")
    named = "" if path == DEFAULT_PROFILE else f" {shlex.quote(str(path))}"
    sys.stderr.write(
        f"Wrote {path}. {advice}Rehearse it without Azure:\n"
        f"  cmkctl plan{named} --sandbox\n"
        "Then sign in (az login) and plan it in Azure:\n"
        "  export AZURE_SUBSCRIPTION_ID=$(az account show --query id --output tsv)\n"
        f"  cmkctl validate{named}\n"
        f"  cmkctl plan{named}\n"
    )
    return DONE


def _failed(text: str) -> int:
    from cmkctl.cli import complain  # noqa: PLC0415 - only for an error

    return complain(text, ["init"], "cmkctl init", "Name a different file: cmkctl init PATH")
