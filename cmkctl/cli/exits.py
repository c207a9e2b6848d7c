"""The exit codes that scripts rely on. See docs/output.md."""

from typing import Final

DONE: Final = 0
FAILED: Final = 1
CHANGES: Final = 2
REFUSED: Final = 3
INCOMPLETE: Final = 4
USAGE: Final = 64
INTERRUPTED: Final = 130
