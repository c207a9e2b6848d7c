"""Lines of text with a style, and the plain writer; `terminal` has the one for colours and live lines."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TextIO

from cmkctl.views.words import clean

NARROWEST: Final = 40
WIDEST: Final = 120
"""Longer sentences are hard to read in any window."""

_USUAL: Final = 80


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output. The first `marked` characters, or all of them, have the style, which is the name of a rich style."""

    text: str = ""
    style: str = ""
    marked: int | None = None


class Writer(Protocol):
    """A destination of lines."""

    @property
    def width(self) -> int:
        """The columns for text, at this moment."""
        ...

    @property
    def height(self) -> int | None:
        """The rows of the screen at this moment, None without a screen."""
        ...

    def lines(self, lines: Iterable[Line]) -> None:
        """Write lines, above the live ones."""
        ...

    def ask(self, question: str) -> None:
        """Write a question and leave the cursor behind it."""
        ...

    def live(self, lines: Sequence[Line]) -> bool:
        """Display lines that the next call replaces; an empty sequence removes them. False where only lasting lines fit."""
        ...


class Plain:
    """Plain text: a pipe, a file, a terminal without colours."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._stream = stream
        self._environ = environ

    @property
    def width(self) -> int:
        """The columns for text."""
        return width_of(self._stream, self._environ)

    @property
    def height(self) -> int | None:
        """The rows of the screen."""
        return rows_of(self._stream)

    def lines(self, lines: Iterable[Line]) -> None:
        """Write lines and flush."""
        self._write("".join(f"{clean(each.text)}\n" for each in lines))

    def ask(self, question: str) -> None:
        """Write a question without ending its line."""
        self._write(clean(question))

    def live(self, lines: Sequence[Line]) -> bool:  # noqa: ARG002
        """Nothing: written lines last."""
        return False

    def _write(self, text: str) -> None:
        self._stream.write(encodable(text, self._stream))
        self._stream.flush()


_PLAIN_SIGNS: Final = str.maketrans({"✓": "+", "✗": "x", "↑": "^", "†": "*", "→": "->", "…": "..."})


def encodable(text: str, stream: TextIO) -> str:
    """Replace or escape characters that the stream's encoding lacks, so that a C locale cannot end a run.

    The signs of cmkctl become ASCII ones, those in columns of the same width.
    """
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_PLAIN_SIGNS)
    return text.encode(encoding, "backslashreplace").decode(encoding)


def is_colored(stream: TextIO, environ: Mapping[str, str], color: bool | None = None) -> bool:
    """Return True for colours: by `color`, else by ``NO_COLOR`` and ``FORCE_COLOR``, else on a terminal."""
    if color is not None:
        return color
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return is_addressable(stream, environ)


def is_addressable(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Return True for a terminal whose lines can be replaced."""
    return stream.isatty() and environ.get("TERM", "") not in ("dumb", "unknown")


def width_of(stream: TextIO, environ: Mapping[str, str]) -> int:
    """Return the columns for text: ``COLUMNS``, else the terminal's, else 80; between 40 and 120."""
    given = environ.get("COLUMNS", "")
    wanted = int(given) if given.isdecimal() else columns_of(stream) or _USUAL
    return min(max(wanted, NARROWEST), WIDEST)


def columns_of(stream: TextIO) -> int | None:
    """Return the columns of the terminal behind a stream, None without one."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def rows_of(stream: TextIO) -> int | None:
    """Return the rows of the terminal behind a stream, None without one."""
    try:
        return os.get_terminal_size(stream.fileno()).lines or None
    except (OSError, ValueError):
        return None
