"""Finding a sandbox that already runs over a state file, in this or another process."""

import http.client
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmkctl.sandbox.core import environment
from cmkctl.sandbox.core.store import Files, SandboxError

PATIENCE_SECONDS = 2.0


@dataclass(frozen=True)
class Elsewhere:
    """A running sandbox, as its sidecar describes it. It answered when it was found.

    One that is not `lasting` ends with the command that started it.
    """

    pid: int
    port: int
    ca: Path
    state: Path
    lasting: bool = True

    def environment(self) -> dict[str, str]:
        """Return the variables that make any Azure client use that sandbox."""
        return environment.variables(self.port, self.ca)

    @property
    def surrounds(self) -> bool:
        """Return True when this process has the environment of that sandbox, whose owner then waits for this process."""
        return os.environ.get("HTTPS_PROXY") == self.environment()["HTTPS_PROXY"]

    def call_control(self, method: str, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request to its control endpoint; see `control.Control`.

        Raises:
            SandboxError: it does not answer, or it refuses the request.

        """
        answer = _send(self.port, method, f"/_sandbox/{what}", json.dumps(body or {}))
        if "error" in answer:
            raise SandboxError(str(answer["error"]))
        return answer

    def reset(self) -> None:
        """Delete its whole state.

        Raises:
            SandboxError: it does not answer.

        """
        self.call_control("POST", "reset")

    def stop(self) -> None:
        """Stop it.

        Raises:
            SandboxError: it does not answer.

        """
        self.call_control("POST", "stop")


def find(state: Path) -> Elsewhere | None:
    """Return the sandbox that runs over `state`; None when there is none, or its sidecar is stale."""
    files = Files(state.expanduser().absolute())
    try:
        facts = json.loads(files.sidecar.read_text(encoding="utf-8"))
        found = Elsewhere(
            int(facts["pid"]),
            int(facts["port"]),
            Path(facts["ca"]),
            Path(facts["state"]),
            lasting=facts.get("lasting", True) is not False,
        )
        hello = _send(found.port, "GET", "/_sandbox/hello")
    except (OSError, ValueError, KeyError, TypeError, SandboxError):
        return None
    return found if hello.get("pid") == found.pid else None


def _send(port: int, method: str, path: str, body: str = "") -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request(method, path, body)
        answer = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException) as problem:
        raise SandboxError(f"the sandbox on port {port} does not answer: {problem}") from problem
    finally:
        connection.close()
    if not isinstance(answer, dict):
        raise SandboxError(f"what answers on port {port} is not a sandbox")
    return answer
