"""``cmkctl init``."""

from __future__ import annotations

import shlex
import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from cmkctl.cli import complain
from cmkctl.cli.exits import DONE
from cmkctl.cli.options import DEFAULT_PROFILE, STANDARD_STREAM


def command(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="The file to write. `-` is standard output.")
    ] = DEFAULT_PROFILE,
) -> int:
    """Write a commented profile to start from. An existing file is never overwritten."""
    text = files("cmkctl.cli").joinpath("starter.yaml").read_text(encoding="utf-8")
    if path == STANDARD_STREAM:
        sys.stdout.write(text)
        return DONE
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return _failed(f"{path} already exists; not overwritten.")
    except OSError as error:
        return _failed(f"Cannot write {path}: {error.strerror}.")
    named = "" if path == DEFAULT_PROFILE else f" {shlex.quote(str(path))}"
    sys.stderr.write(
        f"Wrote {path}. Edit its names. Rehearse it without Azure:\n"
        f"  cmkctl plan{named} --sandbox\n"
        "Then sign in (az login) and plan it in Azure:\n"
        "  export AZURE_SUBSCRIPTION_ID=$(az account show --query id --output tsv)\n"
        f"  cmkctl validate{named}\n"
        f"  cmkctl plan{named}\n"
    )
    return DONE


def _failed(text: str) -> int:
    return complain(text, ["init"], "cmkctl init", "Name a different file: cmkctl init PATH")
