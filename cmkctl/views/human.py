"""The view for people: a plan that fits on a screen, narration on stderr, live lines on a terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self, TextIO, assert_never

from cmkctl import events
from cmkctl.diagnostics import Diagnostic, Severity
from cmkctl.events import Event
from cmkctl.plan import Action, Change, Plan
from cmkctl.views import shown as s
from cmkctl.views.activity import Activity, ActivityLine, Heartbeat
from cmkctl.views.layout import (
    agreement_lines,
    change_lines,
    diagnostic_lines,
    header,
    paragraph,
    plan_lines,
    question,
    resources,
    style_of,
)
from cmkctl.views.listing import listing_lines
from cmkctl.views.posture.terminal import posture_lines
from cmkctl.views.status import status_lines
from cmkctl.views.streams import Line, Plain, Writer, is_colored
from cmkctl.views.words import duration, local_time

_EVERY: Final = 10.0
"""Seconds between two lines about the same wait, where lines cannot be replaced."""

_SENTENCE: Final = 80
"""Characters of a label above which it is an explanation and no name."""

_BEAT: Final = 1.0
"""Seconds between two redraws of the live lines."""

_NEAR_THE_END: Final = 0.1
"""The part of a wait, at its end, in which the moment of giving up is displayed."""

_SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_YES: Final = frozenset({"y", "yes"})
_QUESTION_ROWS: Final = 3
"""Rows of a screen that the question needs."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class HumanView:
    """Text for people. Colours and live lines as `streams.is_colored` and `streams.is_addressable` allow."""

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        stdin: TextIO | None,
        *,
        environ: Mapping[str, str],
        sandbox: bool = False,
        color: bool | None = None,
        debug: bool = False,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._stdin = stdin
        self._stdout_is_screen = stdout.isatty()
        self._out = _open_writer(stdout, environ, color)
        self._err = _open_writer(stderr, environ, color)
        self._lock = threading.RLock()
        self._activity = Activity(_EVERY, _EVERY, now)
        self._heartbeat = Heartbeat(_BEAT, self.beat)
        self._context = s.RunContext(sandbox)
        self._debug = debug
        self._now = now
        self._wall = wall
        self._started = now()
        self._explained: set[str] = set()
        self._closed = False
        self._written = False
        self.can_ask: bool = stdin is not None and stdin.isatty() and stderr.isatty()

    def show(self, shown: s.Shown) -> None:  # noqa: C901, PLR0912, PLR0915 - one case for each kind of value
        """Render a value: plans, verdicts and outputs on stdout, everything else on stderr."""
        with self._lock:
            match shown:
                case s.RunContext():
                    self._context = shown
                case s.PlanShown(plan, detailed):
                    self._show_plan(plan, detailed=detailed)
                case s.PlanSaved(file, _, command):
                    self._settle()
                    self._err.lines([Line(f"Saved the plan to {file}. Apply it with:"), Line(f"  {command}")])
                case s.OutputsShown(values):
                    self._show_outputs(values)
                case s.DiagnosticsShown(diagnostics):
                    self._show_diagnostics(diagnostics)
                case s.Applied():
                    self._show_applied(shown)
                case s.Verified(plan):
                    self._show_verified(plan)
                case s.ProfileValid(file):
                    self._settle()
                    self._out.lines([Line(f"{file} is valid. Not checked: everything that needs Azure.")])
                case s.ProfileWritten():
                    self._show_profile(shown)
                case s.CheckShown():
                    self._settle()
                    self._out.lines(_check_lines(shown, self._out.width))
                case s.Explained():
                    self._out.lines(map(Line, shown.text.splitlines()))
                case s.PostureShown():
                    self._settle()
                    self._out.lines(posture_lines(shown, self._context, self._out.width))
                case s.StatusShown():
                    self._settle()
                    self._out.lines(status_lines(shown, self._context, self._out.width))
                case s.WorkspacesShown(workspaces, key):
                    self._settle()
                    self._out.lines(listing_lines(workspaces, key, self._out.width))
                case s.Cancelled():
                    self._settle()
                    self._err.lines([Line("Cancelled. Nothing was changed.", "bold")])
                case s.RunInterrupted(command):
                    self._show_interrupted(command)
                case s.LogText(text):
                    self._err.lines([Line(line, "dim") for line in text.splitlines()])
                case s.RunEnded():
                    pass  # the shell has the exit code
                case (
                    events.StepStarted()
                    | events.StepFinished()
                    | events.ChangeStarted()
                    | events.ChangeFinished()
                    | events.ChangeSkipped()
                    | events.ChangeFailed()
                    | events.Waiting()
                    | events.WaitEnded()
                ):
                    if not self._closed:
                        self._show_event(shown)
                case _:
                    assert_never(shown)

    def confirm(self, plan: Plan, name: str = "") -> bool:
        """Ask on stderr. ``y`` and ``yes``, in any case, are a yes; everything else and the end of input are a no.

        With a `name`, only that name is a yes.
        """
        if self._stdin is None or not self.can_ask:
            return False
        with self._lock:
            self._settle()
            if not self._stdout_is_screen:  # the plan went elsewhere; what is being approved must be visible
                self._err.lines(plan_lines(plan, self._context, self._err.width, rows=self._rows_for_plan(self._err)))
            *lines, last = question(plan, self._context, self._err.width, name)
            self._err.lines([Line(each, "bold") for each in lines])
            _discard_typed(self._stdin)
            self._err.ask(f"{last} ")
            answer = self._answer(self._stdin)
            return answer == name if name else answer.casefold() in _YES

    def beat(self) -> None:
        """Redraw the live lines; where there are none, repeat every ten seconds what is in progress."""
        with self._lock:
            if self._closed or (self._activity.lines and self._draw()):
                return
            for each in self._activity.due():
                self._print(each)

    def close(self) -> None:
        """Remove the live lines."""
        with self._lock:
            self._err.live(())

    def __enter__(self) -> Self:
        self._heartbeat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._heartbeat.stop()
        with self._lock:
            self._closed = True
            self.close()

    def _answer(self, stdin: TextIO) -> str:
        """Read a line from the operator, and always continue output on a new line."""
        typed = ""
        try:
            typed = stdin.readline()
        finally:
            self._err.lines([] if typed.endswith("\n") else [Line()])
            self._activity.settle()
        return typed.strip()

    def _rows_for_plan(self, writer: Writer) -> int | None:
        height = writer.height if self.can_ask else None
        return None if height is None else height - _QUESTION_ROWS

    def _show_plan(self, plan: Plan, *, detailed: bool) -> None:
        self._settle()
        self._activity.expect(plan)
        rows = self._rows_for_plan(self._out)
        # Notes come first, so that the plan and its problems are what is on the screen when the question is asked.
        notes = [each for each in plan.diagnostics if each.severity is Severity.NOTE]
        self._show_diagnostics(notes)
        self._err.lines([Line()] if notes else [])
        self._out.lines(plan_lines(plan, self._context, self._out.width, detailed=detailed, rows=rows))
        self._show_diagnostics(each for each in plan.diagnostics if each.severity is not Severity.NOTE)

    def _show_outputs(self, values: Mapping[str, object]) -> None:
        """Write a line for each value: its name, two spaces or more, the whole value."""
        self._settle()
        longest = max(map(len, values), default=0)
        for name, value in values.items():
            first, *more = _output(value)
            self._out.lines([Line(f"{name:<{longest}}  {first}"), *(Line(f"{'':<{longest}}  {each}") for each in more)])

    def _show_diagnostics(self, diagnostics: Iterable[Diagnostic]) -> None:
        found = list(diagnostics)
        if found:
            apart = [Line()] if self._written else []
            self._settle()
            self._err.lines([*apart, *diagnostic_lines(found, self._err.width)])

    def _show_profile(self, written: s.ProfileWritten) -> None:
        """Write the profile to stdout, unless it went to a file; what is to be known about it to stderr."""
        self._settle()
        if not written.file:
            self._out.lines(map(Line, written.lines))
        text = f"Wrote {written.file}. " if written.file else ""
        about = f"{text}{written.conclusion}".strip()
        self._err.lines([*paragraph(about, self._err.width)] if about else [])
        self._err.lines([Line(f"  {each}") for each in written.command.splitlines()])

    def _show_applied(self, end: s.Applied) -> None:
        self._settle()
        width = self._err.width
        if end.before.pending:
            complete = f"Apply complete in {duration(end.seconds)}: {self._counts(end.before)}."
            count = end.after.count(Action.NO_OP)
            what = "profile" if end.check else "plan"
            checked = f"Verified: {'all ' if count > 1 else ''}{resources(count)} {_match(count)} the {what}."
            self._err.lines([Line(), *paragraph(complete, width, style="bold"), *paragraph(checked, width)])
        self._err.lines(paragraph(end.conclusion, width) if end.conclusion else ())
        self._err.lines([Line("Check it at any time with:"), Line(f"  {end.check}")] if end.check else [])

    def _counts(self, before: Plan) -> str:
        """Format counts that add up to the plan's total: ``14 created, 1 not needed, 2 up to date``."""
        made = [f"{count} {action.words.done}" for action in Action if (count := self._activity.done[action])]
        skipped = [f"{self._activity.skipped} not needed"] if self._activity.skipped else []
        kept = [f"{count} up to date"] if (count := before.count(Action.NO_OP)) else []
        return ", ".join([*made, *skipped, *kept])

    def _show_verified(self, plan: Plan) -> None:
        """Write the comparison to stdout, the verdict last."""
        self._settle()
        width = self._out.width
        # The attributes of what is missing would read like those of what is there.
        found = [replace(each, attributes=()) if each.action is Action.CREATE else each for each in plan.changes]
        self._out.lines([*header(plan, self._context, width), *change_lines(found, width), Line()])
        self._out.lines([Line(_verdict(plan), "bold"), *agreement_lines(plan)])
        self._show_diagnostics(plan.diagnostics)

    def _show_interrupted(self, command: str) -> None:
        """Write the changes in progress and the command that continues. Events of threads still running are dropped."""
        self._closed = True
        self.close()
        running = [Line(f"  … {each.title}") for each in self._activity.changes]
        azure = [Line("Azure may continue with:"), *running] if running else []
        again = f"To continue, run the same command again{':' if command else '.'}"
        self._err.lines(
            [Line("Interrupted.", "bold"), *azure, Line(again), *([Line(f"  {command}")] if command else [])]
        )

    def _show_event(self, event: Event) -> None:  # noqa: C901 - one case for each kind of event
        due = self._activity.record(event)
        match event:
            case events.ChangeStarted(change):
                self._written = True
                if not self._draw():
                    self._err.lines([Line(f"{change.action.symbol} {change.title}: {change.doing}")])
            case events.ChangeFinished(change, seconds):
                self._end(_finished(change, seconds), count=True)
            case events.ChangeSkipped(change):
                self._end(Line(f"= {change.title}: no longer needed", "dim"), count=True)
            case events.ChangeFailed(change, diagnostics):
                self._end(_failed(change, diagnostics), count=False)
            case events.Waiting():
                line = due or next((each for each in self._activity.lines if each.change == event.change), None)
                if line:
                    self._explain(line)
                if not self._draw() and due:
                    self._print(due)
            case events.WaitEnded(_, what, seconds, reason):
                if self._debug:
                    self._err.lines([Line(f"wait for {what}: {reason}, after {duration(seconds)}", "dim")])
            case events.StepStarted() | events.StepFinished():
                self._draw()
            case _:
                assert_never(event)

    def _end(self, line: Line, *, count: bool) -> None:
        """Write a permanent line for the end of a change, with its number in the plan."""
        total = self._activity.total
        suffix = f" ({self._activity.finished} of {total})" if count and total > 1 else ""
        self._err.lines([Line(f"{line.text}{suffix}", line.style, line.marked)])
        self._draw()

    def _explain(self, line: ActivityLine) -> None:
        """Print once, in full, a text that is too long for a live line and for repetition."""
        if len(line.label) > max(self._err.width, _SENTENCE) and line.label not in self._explained:
            self._explained.add(line.label)
            self._written = True
            self._err.lines(paragraph(f"… {line.label}", self._err.width, "  "))

    def _print(self, line: ActivityLine) -> None:
        self._written = True
        self._err.lines([Line(f"… {self._short(line)}, {self._times(line)}")])

    def _short(self, line: ActivityLine) -> str:
        return line.change.title if line.change and line.label in self._explained else line.label

    def _times(self, line: ActivityLine) -> str:
        """Return the elapsed time, the usual time where a source gives one, and near the end the time limit."""
        settle = line.change.settle if line.change else None
        usual = f" (usually {settle.usual})" if settle and settle.usual else ""
        return duration(self._activity.seconds(line)) + usual + self._gives_up(line)

    def _gives_up(self, line: ActivityLine) -> str:
        if line.until is None:
            return ""
        left = (line.until - self._wall()).total_seconds()
        near = left <= _NEAR_THE_END * (left + self._activity.seconds(line))
        return f" (gives up at {local_time(line.until)})" if near or self._debug else ""

    def _draw(self) -> bool:
        lines = [self._live(each) for each in self._activity.lines]
        total = self._activity.total
        if lines and total > 1:
            whole = duration(self._now() - self._started)
            lines.append(Line(f"  {self._activity.finished} of {total} done, {whole}", "dim"))
        return self._err.live(lines)

    def _live(self, line: ActivityLine) -> Line:
        """One line. Where it is too long, the times are shortened first, then the words; never the elapsed time."""
        seconds = self._activity.seconds(line)
        width = self._err.width - 1
        label, whole, brief = self._short(line), f"  {self._times(line)}", f"  {duration(seconds)}"
        times = whole if len(label) + len(whole) + 2 <= width else brief
        times = times if line.waiting_for or seconds >= 1 else ""
        room = max(width - len(times) - 2, 1)
        sign = _SPINNER[int(seconds) % len(_SPINNER)]
        return Line(f"{sign} {label if len(label) <= room else label[: room - 1] + '…'}{times}", "cyan", 1)

    def _settle(self) -> None:
        """Prepare for output on its own: waits of the run as a whole are over, live lines are removed."""
        self._written = True
        self._activity.settle()
        self.close()


def _discard_typed(stdin: TextIO) -> None:
    """Discard the lines that were typed before the question was displayed: they do not answer it."""
    try:
        import termios  # noqa: PLC0415 - only on a terminal, and not on Windows
    except ImportError:
        return
    with suppress(termios.error, OSError):
        termios.tcflush(stdin.fileno(), termios.TCIFLUSH)


def _check_lines(check: s.CheckShown, width: int) -> Iterable[Line]:
    sign, style = _signs(check.state)
    yield from paragraph(f"{sign} {check.name}: {check.found}", width, "  ", style=style)
    # Not wrapped: a remedy may be a command to copy.
    yield from (Line(f"  → {each}") for each in check.remedy.splitlines())


def _signs(state: s.CheckState) -> tuple[str, str]:
    """Return the sign and the colour of a check's result. A new result without them is a type error."""
    match state:
        case s.CheckState.OK:
            return "✓", "green"
        case s.CheckState.FAILED:
            return "✗", "bold red"
        case s.CheckState.UNKNOWN:
            return "?", "yellow"
        case _:
            assert_never(state)


def _finished(change: Change, seconds: float) -> Line:
    text = f"{change.action.symbol} {change.title}: {change.done} in {duration(seconds)}"
    return Line(text, style_of(change.action), 1)


def _failed(change: Change, diagnostics: Iterable[Diagnostic]) -> Line:
    codes = ", ".join(dict.fromkeys(each.code for each in diagnostics))
    return Line(f"! {change.title}: failed{f', {codes}' if codes else ''}", "bold red")


def _match(count: int) -> str:
    return "matches" if count == 1 else "match"


def _verdict(plan: Plan) -> str:
    right, total = plan.count(Action.NO_OP), len(plan.changes)
    if drifted := total - right:
        return f"Drift: {drifted} of {resources(total)} {'differs' if drifted == 1 else 'differ'} from the profile."
    if plan.errored:
        return f"Problem: {resources(total)} {_match(total)} the profile, but a check failed."
    # A note names what was not compared or not checked; the verdict claims nothing about it.
    notes = sum(each.severity is Severity.NOTE for each in plan.diagnostics)
    beyond = f", apart from {notes} {'note' if notes == 1 else 'notes'} below" if notes else ""
    return f"OK: {right} of {resources(total)} {_match(total)} the profile{beyond}."


def _output(value: object) -> list[str]:
    """Return a value in words: texts of a list in a row; a line for each entry with values, without its ARM id."""
    if isinstance(value, list | tuple) and any(isinstance(each, Mapping) for each in value):
        return [one for each in value for one in _output(each)]
    if isinstance(value, list | tuple):
        return [", ".join(map(str, value)) or "(none)"]
    if isinstance(value, Mapping):
        return ["; ".join(str(each) for name, each in value.items() if each is not None and name != "resource_id")]
    return ["(none)" if value is None else str(value)]


def _open_writer(stream: TextIO, environ: Mapping[str, str], color: bool | None) -> Writer:
    """Return the writer for a stream."""
    # Live lines come with colours; a terminal without colours gets what a pipe gets.
    if not is_colored(stream, environ, color):
        return Plain(stream, environ)
    from cmkctl.views.terminal import Terminal  # noqa: PLC0415 - a pipe does without rich

    return Terminal(stream, environ)


__all__ = ["HumanView"]
