"""Checks that no file of a command overwrites another one of the same command."""

from __future__ import annotations

import os
from itertools import combinations
from pathlib import Path

from cmkctl import codes
from cmkctl.cli.options import STANDARD_STREAM, SURVEY_FILES, Options
from cmkctl.diagnostics import ProfileError


def refuse_to_overwrite(options: Options) -> None:
    """Raise ProfileError CMK008 when a file to write is also named for something else, or is standard output and cannot be."""
    for name, path in (("report", options.report), *((each, getattr(options, each)) for each in SURVEY_FILES)):
        if path == STANDARD_STREAM:
            detail = f"--{name} takes the path of a file; standard output has the result of the command."
            raise ProfileError(codes.CMK008.error(detail, f"Write --{name} and the path of a file."))
    written = {
        "--out": options.out or options.destination,
        "--report": options.report,
        **{f"--{each}": getattr(options, each) for each in SURVEY_FILES},
        "--record": options.record,
    }
    # A command with a destination reads no profile.
    profile = options.origin if options.destination else options.path
    used = {"the profile": profile, "--replay": options.replay, "--expect": options.expect, "--state": options.state}
    named = [(name, path) for name, path in (written | used).items() if path not in (None, STANDARD_STREAM)]
    for (name, path), (other, another) in combinations(named, 2):
        if name in written and _same(path, another):
            both = f"{name} {path} and {other} are the same file; one would overwrite the other."
            raise ProfileError(codes.CMK008.error(both, f"Use a different file for {name}."))


def _same(one: Path, other: Path) -> bool:
    """Return True when two paths lead to the same file, through any links; the file need not exist."""
    try:
        return os.path.realpath(one) == os.path.realpath(other) or one.samefile(other)
    except OSError:  # one of them does not exist or cannot be read
        return False
