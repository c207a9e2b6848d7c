"""A writer with colours and, on a terminal, live lines at the bottom that are redrawn in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TextIO

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

from cmkctl.views.streams import Line, columns_of, encodable, is_addressable, rows_of, width_of
from cmkctl.views.words import clean


class Terminal:
    """Lines in colour, and live lines below them. Redrawn on request only: no timer, no thread.

    The live lines are drawn here and not by rich's `Live`, which counts rows at the width at which it drew them: when the
    window is resized, the terminal wraps those lines anew, and rows of an older drawing stay behind. Here the rows are
    counted at the width of the moment of removal.
    """

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._stream = stream
        self._environ = environ
        self._addressable = is_addressable(stream, environ)
        self._drawn: list[int] = []
        # The decision about colours was made by the caller; rich's own look at the environment could only disagree.
        self._console = Console(
            file=stream, force_terminal=True, color_system="standard", no_color=False, width=10_000, _environ={}
        )

    @property
    def width(self) -> int:
        """The columns for text."""
        return width_of(self._stream, self._environ)

    @property
    def height(self) -> int | None:
        """The rows of the screen."""
        return rows_of(self._stream)

    def lines(self, lines: Iterable[Line]) -> None:
        """Write lines above the live ones, which are removed; the next `live` draws them again."""
        found = list(lines)
        if found:
            self._erase()
            # Not wrapped: the terminal wraps a long id or command, so that it can be copied as a whole.
            self._console.print(self._text(found), soft_wrap=True)

    def ask(self, question: str) -> None:
        """Write a question without ending its line."""
        self._erase()
        self._console.print(Text(encodable(clean(question), self._stream), style="bold"), end="", soft_wrap=True)
        self._stream.flush()

    def live(self, lines: Sequence[Line]) -> bool:
        """Replace the live lines; none removes them."""
        if not self._addressable:
            return False
        if not lines:
            with suppress(OSError):  # a closed terminal has no lines to remove
                self._erase()
            return True
        self._erase()
        room = max((self.height or len(lines) + 1) - 1, 1)
        # One column stays free: a terminal treats a full line differently from one that is a character longer.
        columns = max((columns_of(self._stream) or self.width) - 1, 1)
        drawn = [Line(each.text[:columns], each.style, each.marked) for each in lines[-room:]]
        self._console.print(self._text(drawn), end="", soft_wrap=True)
        self._stream.flush()
        self._drawn = [len(each.text) for each in drawn]
        return True

    def _erase(self) -> None:
        """Remove the live lines, however many rows they take now."""
        if not self._drawn:
            return
        columns = columns_of(self._stream) or self.width
        rows = sum(max(-(-length // columns), 1) for length in self._drawn)
        self._drawn = []
        up = ((ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2))
        self._console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2), *up * (rows - 1)))

    def _text(self, lines: Sequence[Line]) -> Text:
        return Text("\n").join(map(self._styled, lines))

    def _styled(self, line: Line) -> Text:
        text = Text(encodable(clean(line.text), self._stream))
        if line.style:
            text.stylize(line.style, 0, line.marked)
        return text
