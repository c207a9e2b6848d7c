"""The view for people: a plan that fits on a screen, narration on stderr, live lines on a terminal."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Final, Self, TextIO

from cmkctl import events
from cmkctl.diagnostics import Diagnostic
from cmkctl.events import Event
from cmkctl.plan import Action, Change, Plan
from cmkctl.views.heartbeat import Ticker
from cmkctl.views.inflight import Row
from cmkctl.views.layout import (
    change_lines,
    diagnostic_lines,
    header,
    irreversible_lines,
    paragraph,
    plan_lines,
    question,
)
from cmkctl.views.streams import Line, Plain, Writer, is_styled, width_of
from cmkctl.views.watch import Watch
from cmkctl.views.words import doing, done, duration

_EVERY: Final = 10.0
"""Seconds of waiting for the same thing between two lines about it, where lines cannot be replaced."""

_SENTENCE: Final = 80
"""Characters of a label from which it explains something, and is no name."""

_TICK: Final = 1.0
"""Seconds between two looks at the clock: the times on live lines go on while Azure is silent."""


class HumanView:
    """Text for people; colours and live lines on a terminal, unless ``NO_COLOR`` or ``TERM=dumb`` is in `environ`."""

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        stdin: TextIO | None,
        *,
        environ: Mapping[str, str],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stdin = stdin
        self._out = _open_writer(stdout, environ)
        self._err = _open_writer(stderr, environ)
        self._lock = threading.RLock()
        self._watch = Watch(_EVERY, _EVERY, now)
        self._ticker = Ticker(_TICK, self.beat)
        self._explained: set[str] = set()
        self._over = False
        self._spoken = False
        self.can_ask: bool = stdin is not None and stdin.isatty() and stderr.isatty()

    def plan(self, plan: Plan, *, detailed: bool = False) -> None:
        """The plan on stdout, its diagnostics on stderr behind it."""
        with self._lock:
            self._settle()
            self._out.lines(plan_lines(plan, self._out.width, detailed=detailed))
            self.diagnostics(plan.diagnostics)

    def saved(self, file: str, digests: Mapping[str, str]) -> None:  # noqa: ARG002 - the file has them
        """Where the plan was saved and the command that applies it, on stderr."""
        with self._lock:
            self._settle()
            self._err.lines([Line(f"Saved to {file}. Apply it with: cmkctl apply {shlex.quote(file)}")])

    def confirm(self, plan: Plan) -> bool:
        """Say once more what cannot be undone, and ask. Only ``yes`` is a yes; the end of input is a no."""
        if self._stdin is None or not self.can_ask:
            return False
        with self._lock:
            self._settle()
            *lines, last = question(plan, self._err.width)
            self._err.lines([Line(), *irreversible_lines(plan, self._err.width), *map(Line, lines)])
            self._err.ask(f"{last} ")
            return self._answer(self._stdin) == "yes"

    def _answer(self, stdin: TextIO) -> str:
        """What is typed. However it ends, the next word begins a line, and nothing was waited for meanwhile."""
        typed = ""
        try:
            typed = stdin.readline()
        finally:
            self._err.lines([] if typed.endswith("\n") else [Line()])
            self._watch.settle()
        return typed.strip()

    def event(self, event: Event) -> None:
        """A line for each start, end and failure."""
        with self._lock:
            if self._over:
                return
            self._watch.hear(event)
            match event:
                case events.ChangeStarted(change):
                    self._begin(change)
                case events.ChangeFinished(change, seconds):
                    self._end(_finished(change, seconds))
                case events.ChangeFailed(change, diagnostics):
                    self._end(_failed(change, diagnostics))
                case events.StepFinished():
                    self._refresh()

    def waiting(self, what: str, seconds: float, until: datetime | None = None) -> None:
        """The live line of what is waited for; without a terminal a line, now and then."""
        with self._lock:
            if self._over:
                return
            row, told = self._watch.wait(what, seconds, until)
            self._explain(row)
            if not self._refresh() and told:
                self._tell(row)

    def beat(self) -> None:
        """Let the times on live lines go on; where there are none, say every ten seconds what is waited for."""
        with self._lock:
            if self._over or (self._watch.in_flight.rows and self._refresh()):
                return
            for each, _ in self._watch.due():
                self._tell(Row(each.change, each.since, each.what, each.until))

    def _explain(self, row: Row) -> None:
        """Say once, in full, what no live line has room for, and nobody wants to read every ten seconds."""
        if len(row.label) > max(self._err.width, _SENTENCE) and row.label not in self._explained:
            self._explained.add(row.label)
            self._spoken = True
            self._err.lines(paragraph(f"… {row.label}", self._err.width, "  "))

    def _tell(self, row: Row) -> None:
        self._spoken = True
        self._err.lines([Line(f"… {self._short(row)}: {self._waited(row)}")])

    def _short(self, row: Row) -> str:
        return row.change.title if row.change and row.label in self._explained else row.label

    def _waited(self, row: Row) -> str:
        ends = f", until {row.until:%H:%M} UTC at most" if row.until else ""
        return duration(self._watch.in_flight.seconds(row)) + ends

    def outputs(self, values: Mapping[str, object]) -> None:
        """A line for each value on stdout: its name, two spaces or more, the value whole."""
        with self._lock:
            self._settle()
            longest = max(map(len, values), default=0)
            self._out.lines(Line(f"{name:<{longest}}  {_output(value)}") for name, value in values.items())

    def diagnostics(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Each with what is wrong, why it matters, what to do and where to read more, on stderr."""
        with self._lock:
            found = list(diagnostics)
            if found:
                apart = [Line()] if self._spoken else []
                self._settle()
                self._err.lines([*apart, *diagnostic_lines(found, self._err.width)])

    def applied(self, before: Plan, after: Plan, seconds: float) -> None:
        """The closing sentence, on stderr."""
        with self._lock:
            self._settle()
            right = before.count(Action.NO_OP)
            if not before.pending:
                self._err.lines([Line(f"Nothing was written: {right} already right.", "bold")])
                return
            what = f"{_made(self._watch.in_flight.made)}, {right} already right"
            complete = paragraph(f"Apply complete in {duration(seconds)}: {what}.", self._err.width, style="bold")
            read = f"All {after.count(Action.NO_OP)} were read back and are as asked for."
            self._err.lines([Line(), *complete, *paragraph(read, self._err.width)])

    def verified(self, plan: Plan) -> None:
        """What is as asked for and what drifted, on stdout; the sentence that counts comes last."""
        with self._lock:
            self._settle()
            width = self._out.width
            self._out.lines([*header(plan, width), *change_lines(plan.changes, width), Line()])
            self._out.lines([Line(_verdict(plan), "bold")])
            self.diagnostics(plan.diagnostics)

    def interrupted(self, command: str = "") -> None:
        """What had begun, and how to go on, on stderr. What threads that were not waited for still tell is dropped."""
        with self._lock:
            self._over = True
            self.close()
            begun = [Line(f"  … {each.title}") for each in self._watch.in_flight.changes]
            goes_on = [Line("Azure may go on with what was begun:"), *begun] if begun else []
            again = f"Run the same command again to go on from here{':' if command else '.'}"
            written = [Line(f"  {command}")] if command else []
            self._err.lines([Line("Interrupted.", "bold"), *goes_on, Line(again), *written])

    def log(self, text: str) -> None:
        """The lines, dimmed, on stderr."""
        with self._lock:
            self._err.lines([Line(line, "dim") for line in text.splitlines()])

    def close(self) -> None:
        """Take the live lines away and give the cursor back."""
        with self._lock:
            self._err.now(())

    def __enter__(self) -> Self:
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ticker.stop()
        with self._lock:
            self._over = True
            self.close()

    def _begin(self, change: Change) -> None:
        self._spoken = True
        if not self._refresh():
            self._err.lines([Line(f"{change.action.symbol} {change.title}: {doing(change)}")])

    def _end(self, line: Line) -> None:
        self._refresh()
        self._err.lines([line])

    def _refresh(self) -> bool:
        return self._err.now([self._live(each) for each in self._watch.in_flight.rows])

    def _live(self, row: Row) -> Line:
        """One line. Where it has no room for all, the end gives way first, then words; never how long it takes."""
        seconds = self._watch.in_flight.seconds(row)
        label, whole = self._short(row), f"   {self._waited(row)}"
        waited = whole if len(label) + len(whole) + 2 <= self._err.width else f"   {duration(seconds)}"
        waited = waited if row.waiting_for or seconds >= 1 else ""
        room = max(self._err.width - len(waited) - 2, 1)
        return Line(f"… {label if len(label) <= room else label[: room - 1] + '…'}{waited}", "cyan", 1)

    def _settle(self) -> None:
        """What follows is said on its own: waits that belong to no change are over, live lines make room."""
        self._spoken = True
        self._watch.settle()
        self.close()


def _finished(change: Change, seconds: float) -> Line:
    return Line(f"{change.action.symbol} {change.title}: {done(change)} after {duration(seconds)}", "green", 1)


def _failed(change: Change, diagnostics: Iterable[Diagnostic]) -> Line:
    codes = ", ".join(dict.fromkeys(each.code for each in diagnostics))
    return Line(f"! {change.title}: failed{f', {codes}' if codes else ''}", "bold red")


def _made(made_of: Mapping[Action, int]) -> str:
    waited = made_of.get(Action.WAIT, 0)
    made = f"{made_of.get(Action.CREATE, 0)} created, {made_of.get(Action.UPDATE, 0)} updated"
    return f"{made}, {waited} waited for" if waited else made


def _verdict(plan: Plan) -> str:
    right = plan.count(Action.NO_OP)
    drifted = len(plan.changes) - right
    if drifted:
        return f"Drift: {drifted} not as asked for, {right} as asked for."
    if plan.errored:
        return "Everything is there as asked for, but a rule is broken."
    return f"As asked for: {right} of {right}."


def _output(value: object) -> str:
    return "(none)" if value is None else str(value)


def _open_writer(stream: TextIO, environ: Mapping[str, str]) -> Writer:
    """The writer that fits a stream."""
    width = width_of(stream, environ)
    if not is_styled(stream, environ):
        return Plain(stream, width)
    from cmkctl.views.terminal import Terminal  # noqa: PLC0415 - a pipe does without rich

    return Terminal(stream, width)
