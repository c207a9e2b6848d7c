"""Lines of text with a little style, and the plain way to write them; the styled way, on rich, is `terminal`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TextIO

from cmkctl.views.words import clean

NARROWEST: Final = 40
WIDEST: Final = 120
"""Sentences longer than this are hard to read, however wide the window is."""

_USUAL: Final = 80


@dataclass(frozen=True, slots=True)
class Line:
    """One line to be written. The first `marked` characters, or all of them, carry the style: a rich style's name."""

    text: str = ""
    style: str = ""
    marked: int | None = None


class Writer(Protocol):
    """Where lines go. `width` is how many columns there are."""

    width: int

    def lines(self, lines: Iterable[Line]) -> None:
        """Write lines, above whatever is shown by `now`."""
        ...

    def ask(self, question: str) -> None:
        """Write a question, and leave the cursor behind it."""
        ...

    def now(self, lines: Sequence[Line]) -> bool:
        """Show lines that later calls replace; none takes them away. False where only lasting lines can be written."""
        ...


class Plain:
    """Plain text: a pipe, a file, a terminal without colours."""

    def __init__(self, stream: TextIO, width: int) -> None:
        self._stream = stream
        self.width = width

    def lines(self, lines: Iterable[Line]) -> None:
        """Write lines and hand them over at once."""
        self._write("".join(f"{clean(each.text)}\n" for each in lines))

    def ask(self, question: str) -> None:
        """Write a question without ending its line."""
        self._write(clean(question))

    def now(self, lines: Sequence[Line]) -> bool:  # noqa: ARG002
        """Nothing: what is written stays."""
        return False

    def _write(self, text: str) -> None:
        self._stream.write(encodable(text, self._stream))
        self._stream.flush()


def encodable(text: str, stream: TextIO) -> str:
    """The text with what the stream's encoding cannot hold written as escapes: a C locale must not end a run."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def is_styled(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether a stream takes colours: a terminal, unless ``NO_COLOR`` or ``TERM=dumb`` asks for plain text."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM", "") not in ("dumb", "unknown")


def width_of(stream: TextIO, environ: Mapping[str, str]) -> int:
    """How many columns to use: ``COLUMNS``, else those of the terminal, else 80; between 40 and 120."""
    given = environ.get("COLUMNS", "")
    wanted = int(given) if given.isdecimal() else _columns(stream)
    return min(max(wanted, NARROWEST), WIDEST)


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL
    except (OSError, ValueError):
        return _USUAL
