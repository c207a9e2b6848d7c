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
    """Write `text` to a temporary file beside `path`, readable by its owner only, which then replaces `path`.

    Raises OSError when that fails and leaves the old file in place. A symbolic link is followed, not replaced.
    """
    target = _target(path)
    temporary = _temporary(target)
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # a power cut could otherwise leave an empty file under the new name
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_new(path: Path, text: str) -> None:
    """Write `text` to a new file, whole or not at all. Raises FileExistsError where there is one, OSError for other failures."""
    if path.exists() or path.is_symlink():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(temporary)  # unlike a rename, it never replaces a file that appeared meanwhile
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def unwritable_remedy(option: str, path: Path) -> str:
    """Return the remedy for an option whose file cannot be written."""
    if not path.parent.exists():
        return f"Create its folder first: mkdir -p {shlex.quote(str(path.parent))}"
    return f"Give {option} a different file."


def _target(path: Path) -> Path:
    """Return the path to write to. Refuses folders and devices: root could otherwise replace /dev/null by a file."""
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "Not a regular file")
    return target


def _temporary(target: Path) -> Path:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    os.close(handle)  # mkstemp makes it with mode 0600
    return Path(name)
