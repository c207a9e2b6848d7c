"""The files of a sandbox: state, lock, log, authority, key of tokens, and the sidecar that names the running server.

For a state file ``sandbox.json`` they are ``sandbox.json.lock``, ``sandbox.log.jsonl``, ``sandbox.ca.pem`` (the
certificate to trust), ``sandbox.ca.key``, ``sandbox.signing.key`` and ``sandbox.running.json``, all in one folder.
"""

import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cmkctl.sandbox.core.constants import SCHEMA

STATE_VARIABLE = "CMKCTL_SANDBOX_STATE"


class SandboxError(Exception):
    """The sandbox cannot start or continue; the text gives the reason and the remedy."""


class StateInUseError(SandboxError):
    """Another server holds the state file."""


def default_state_path() -> Path:
    """Return ``$CMKCTL_SANDBOX_STATE``, else ``cmkctl/sandbox.json`` in the user's state folder."""
    named = os.environ.get(STATE_VARIABLE)
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return base / "cmkctl" / "sandbox.json"


@dataclass(frozen=True)
class Files:
    """The paths of a sandbox's files, derived from its state file."""

    state: Path

    @property
    def lock(self) -> Path:
        """Held by the one server that uses the state file."""
        return self.state.with_name(self.state.name + ".lock")

    @property
    def log(self) -> Path:
        """The requests, as JSON lines."""
        return self.state.with_suffix(".log.jsonl")

    @property
    def ca(self) -> Path:
        """The certificate clients have to trust."""
        return self.state.with_suffix(".ca.pem")

    @property
    def ca_key(self) -> Path:
        """Its private key, readable by the user alone."""
        return self.state.with_suffix(".ca.key")

    @property
    def signing_key(self) -> Path:
        """The private key of access tokens, readable by the user alone."""
        return self.state.with_suffix(".signing.key")

    @property
    def sidecar(self) -> Path:
        """Process id, port and certificate of the server that is running."""
        return self.state.with_suffix(".running.json")


def load(path: Path) -> dict[str, Any] | None:
    """Return the document in a state file; None when there is no file yet.

    Raises:
        SandboxError: the file is damaged or was written by a newer cmkctl. It is left as it is.

    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as problem:
        raise SandboxError(
            f"the sandbox's state file {path} cannot be read: {problem}. "
            "It was left as it is. Repair it, name another with --state, or move it away to start anew."
        ) from problem
    if not isinstance(document, dict) or not isinstance(document.get("schema"), int):
        raise SandboxError(
            f"{path} is not a state file of the cmkctl sandbox. It was left as it is; name another with --state."
        )
    if document["schema"] > SCHEMA:
        raise SandboxError(
            f"{path} was written by a newer cmkctl (schema {document['schema']}; this one knows {SCHEMA}). "
            "It was left as it is. Update cmkctl, or name another file with --state."
        )
    return document


def write_atomically(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file so that it is, at every moment, either the old one or the new one; durable on return."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class Lock:
    """Exclusive use of a state file. The operating system releases it when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        """Prepare a lock on `path`; nothing is taken yet."""
        self.path = path
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            SandboxError: another server has it.

        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor)
        except OSError as problem:
            os.close(descriptor)
            raise StateInUseError(
                f"another sandbox is using {self.path.with_suffix('')}. Use that one (cmkctl sandbox env), stop it, "
                "or name another state file with --state."
            ) from problem
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
