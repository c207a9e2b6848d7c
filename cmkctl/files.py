"""Files that are written whole or not at all: tapes, saved plans, reports."""

from __future__ import annotations

import errno
import os
import shlex
import tempfile
from pathlib import Path


def try_out(path: Path) -> None:
    """Find out whether `write_whole` can write `path`, and leave no trace. Raises OSError when it cannot."""
    _temporary(_target(path)).unlink()


def write_whole(path: Path, text: str) -> None:
    """Write `text` to a temporary file beside `path`, readable by its owner only, which then takes its name.

    Raises OSError when that fails; what was at `path` before is then still there. A symbolic link stays one.
    """
    target = _target(path)
    temporary = _temporary(target)
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # or a power cut could leave the new name with nothing behind it
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def mend(option: str, path: Path) -> str:
    """Return the remedy for an option whose file cannot be written."""
    if not path.parent.exists():
        return f"Make its folder first: mkdir -p {shlex.quote(str(path.parent))}"
    return f"Name another file with {option}."


def _target(path: Path) -> Path:
    """Where to write. A folder or a device must not be replaced by a file: a careless root would lose /dev/null."""
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "It is no ordinary file")
    return target


def _temporary(target: Path) -> Path:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    os.close(handle)  # mkstemp makes it with mode 0600
    return Path(name)
