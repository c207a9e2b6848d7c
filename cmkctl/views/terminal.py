"""A terminal with colours: rich writes, and keeps a few lines at the bottom that say what is waited for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from cmkctl.views.streams import Line, encodable
from cmkctl.views.words import clean


class Terminal:
    """Lines in colour, and live lines below them. Redrawn only when told: no timer, no thread."""

    def __init__(self, stream: TextIO, width: int) -> None:
        self.width = width
        self._stream = stream
        # Whether there are colours was decided before; rich's own look at the environment could only disagree.
        self._console = Console(
            file=stream, force_terminal=True, color_system="standard", no_color=False, width=width, _environ={}
        )
        self._live: Live | None = None

    def lines(self, lines: Iterable[Line]) -> None:
        """Write lines above the live ones."""
        found = list(lines)
        if found:
            # Soft: an id or a command longer than the line is left to the terminal, so that it can be copied whole.
            self._console.print(self._text(found), soft_wrap=True)

    def ask(self, question: str) -> None:
        """Write a question without ending its line."""
        self._console.print(Text(encodable(clean(question), self._stream), style="bold"), end="", soft_wrap=True)
        self._stream.flush()

    def now(self, lines: Sequence[Line]) -> bool:
        """Replace the live lines; none takes them away and gives the cursor back."""
        if not lines:
            self._stop()
            return True
        if self._live is None:
            self._live = self._start()
        self._live.update(self._text(lines, crop=True), refresh=True)
        return True

    def _start(self) -> Live:
        live = Live(
            console=self._console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        live.start()
        # A cursor that was never hidden need not be given back: not by Ctrl-Z, a second Ctrl-C or kill -9 either.
        self._console.show_cursor(show=True)
        return live

    def _stop(self) -> None:
        if self._live is not None:
            live, self._live = self._live, None
            with suppress(OSError):  # of a terminal that was closed nothing can be taken away
                live.stop()

    def _text(self, lines: Sequence[Line], *, crop: bool = False) -> Text:
        return Text("\n", no_wrap=crop, overflow="ellipsis" if crop else None).join(map(self._styled, lines))

    def _styled(self, line: Line) -> Text:
        text = Text(encodable(clean(line.text), self._stream))
        if line.style:
            text.stylize(line.style, 0, line.marked)
        return text
