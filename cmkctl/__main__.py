"""The entry point of ``cmkctl`` and ``python -m cmkctl``.

It imports next to nothing before Ctrl-C is handled, so that an interruption during the imports is one line and exit code 130.
"""

import os
import signal
import sys
from typing import NoReturn


def _exit_interrupted(_number: int, _frame: object) -> NoReturn:
    """End the process at once: nothing has been started that needs an orderly end."""
    if sys.stderr is not None:
        os.write(2, b"\nInterrupted.\n")
    os._exit(130)


def main() -> NoReturn:
    """Run the process's command line."""
    signal.signal(signal.SIGINT, _exit_interrupted)
    from cmkctl.cli import run_and_exit  # noqa: PLC0415 - after the handler is in place

    run_and_exit()


if __name__ == "__main__":
    main()
