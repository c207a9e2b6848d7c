"""The files that one command names: none of them is written over another one."""

from __future__ import annotations

import os
from itertools import combinations
from pathlib import Path

from cmkctl import codes
from cmkctl.cli.options import Options
from cmkctl.diagnostics import ProfileError


def refuse_to_overwrite(options: Options) -> None:
    """Raise ProfileError CMK008 when a file would be written that the command line names for something else, too."""
    written = {"--out": options.out, "--report": options.report, "--record": options.record}
    used = {"the profile": options.profile, "--replay": options.replay, "--state": options.state}
    named = [(name, path) for name, path in (written | used).items() if path is not None]
    for (name, path), (other, another) in combinations(named, 2):
        if name in written and _same(path, another):
            both = f"{name} {path} and {other} are the same file, and one would be written over the other."
            raise ProfileError(codes.CMK008.error(both, f"Name another file with {name}."))


def _same(one: Path, other: Path) -> bool:
    """Whether two names are of one file, be it there or not, by whatever links."""
    try:
        return os.path.realpath(one) == os.path.realpath(other) or one.samefile(other)
    except OSError:  # one of them is not there, or may not be looked at
        return False
