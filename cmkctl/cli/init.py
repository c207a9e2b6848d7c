"""``cmkctl init``."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from cmkctl.cli.exits import DONE, USAGE


def command(
    path: Annotated[Path, typer.Argument(metavar="[PATH]", help="Where to write it.")] = Path("cmkctl.yaml"),
) -> int:
    """Write a commented profile to start from. A file that is there already is never overwritten."""
    text = files("cmkctl.cli").joinpath("starter.yaml").read_text(encoding="utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        sys.stderr.write(
            f"error: {path} is there already, and nothing was written.\n  → name another file: cmkctl init PATH\n"
        )
        return USAGE
    except OSError as error:
        sys.stderr.write(
            f"error: {path} cannot be written: {error.strerror}.\n  → name another file: cmkctl init PATH\n"
        )
        return USAGE
    sys.stderr.write(f"Wrote {path}. Change its names, then: cmkctl plan {path}\n")
    return DONE
