"""Azure on this machine: a server any Azure client can talk to, unchanged, for demos, tests and rehearsal.

    with Sandbox(pace=Pace.none()).serve() as running:
        subprocess.run(["az", "group", "list"], env={**os.environ, **running.environment()})
        assert running.writes == []

The server listens on 127.0.0.1 only, answers for the real host names of the three clouds with a certificate of its own
authority, and refuses loudly what it does not model (``SandboxNotModelled``). Importing this package is cheap: what
serves is imported by `Sandbox.serve`.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cmkctl.sandbox.core.constants import CLIENT_ID, CLIENT_OBJECT_ID, CLIENT_SECRET, SUBSCRIPTION_ID, TENANT_ID
from cmkctl.sandbox.core.pace import Pace
from cmkctl.sandbox.core.store import SandboxError, StateInUseError, default_state_path

if TYPE_CHECKING:
    from cmkctl.sandbox.core.discovery import Elsewhere
    from cmkctl.sandbox.server import Running

__all__ = [
    "CLIENT_ID",
    "CLIENT_OBJECT_ID",
    "CLIENT_SECRET",
    "SUBSCRIPTION_ID",
    "TENANT_ID",
    "Pace",
    "Sandbox",
    "SandboxError",
    "default_state_path",
    "find_running",
]


PAUSE_SECONDS = 0.2
"""The time between two attempts to get a state file that another command uses."""


class Sandbox:
    """A sandbox to be served: where its state is kept, how fast it is, what goes wrong in it."""

    def __init__(self, state: Path | None = None, pace: Pace | None = None, faults: Iterable[str] = ()) -> None:
        """Describe a sandbox; nothing runs yet.

        Args:
            state: the state file; None keeps everything in memory. `default_state_path()` is the commands' default.
            pace: how fast long-running things advance; the default is `Pace.reads(2)`.
            faults: names of faults to switch on, such as ``throttle-seconds`` or ``slow-grant:2``.

        """
        self.state = state
        self.pace = pace or Pace.reads()
        self.faults = tuple(faults)

    def serve(self, port: int = 0, *, lasting: bool = True) -> "Running":
        """Start the server in a thread of its own and return it; use it as a context manager.

        Args:
            port: the proxy's port on 127.0.0.1; 0 takes a free one.
            lasting: it runs until it is stopped. Other commands do not rely on one that ends with the caller's command.

        Raises:
            SandboxError: the state file is in use, damaged or too new, or the port is taken.
            ValueError: there is no such fault.

        """
        from cmkctl.sandbox.core.faults import Faults  # noqa: PLC0415  importing the package stays cheap
        from cmkctl.sandbox.server import Running  # noqa: PLC0415  importing the package stays cheap

        return Running(self.state, self.pace, Faults.parse(self.faults), port, lasting=lasting).start()

    @contextmanager
    def for_command(self, waiting: Callable[[Path], None], pause: Callable[[float], None]) -> Iterator[dict[str, str]]:
        """Yield the environment of a server that runs as long as this command needs it.

        That is a lasting server over the same state file, else one of this command's own. While another command has such
        a server of its own, this one waits for its end.

        Args:
            waiting: called once, with the state file, before the first wait.
            pause: sleeps for some seconds; may raise, which ends the wait.

        Raises:
            SandboxError: the state file is damaged or too new, or cannot be written.

        """
        path = self.state or default_state_path()
        noted = False
        while True:
            found = find_running(path)
            if found is not None and (found.lasting or found.surrounds):
                yield found.environment()
                return
            try:
                running = self.serve(lasting=False)
            except StateInUseError:
                if not noted:
                    waiting(path)
                noted = True
                pause(PAUSE_SECONDS)
                continue
            with running:
                yield running.environment()
            return


def find_running(state: Path | None = None) -> "Elsewhere | None":
    """Return the server another process runs over this state file; None when there is none.

    Args:
        state: the state file; None is `default_state_path()`.

    """
    from cmkctl.sandbox.core.discovery import find  # noqa: PLC0415  importing the package stays cheap

    return find(state or default_state_path())
