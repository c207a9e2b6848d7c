"""The view for scripts: JSON lines on stdout and nothing else there. The protocol is docs/output.md."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Final, Self, TextIO

from cmkctl import __version__, events
from cmkctl.diagnostics import Diagnostic
from cmkctl.events import Event
from cmkctl.plan import Action, Change, Plan
from cmkctl.views.heartbeat import Ticker
from cmkctl.views.json_objects import JsonObject, change_document, diagnostic_document, plain, seconds_of, summary, who
from cmkctl.views.streams import encodable
from cmkctl.views.watch import Watch
from cmkctl.views.words import clean

SCHEMA: Final = "1.1"
"""The version of the protocol. Minor: something was added. Major: something a reader may rely on changed or went."""

_HEARTBEAT: Final = 5.0
_TICK: Final = 2.0
"""Seconds. With the heartbeat it keeps silence below the ten seconds that are promised."""

# JSON lets these stand as they are; a terminal obeys the first range, and some readers end a line at the others.
_UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029]")


class JsonView:
    """One JSON object a line, flushed one by one; what a line is about is its ``type``. Never asks."""

    can_ask: Final = False

    def __init__(self, stdout: TextIO, stderr: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self._lock = threading.RLock()
        self._watch = Watch(0, _HEARTBEAT, now)
        self._ticker = Ticker(_TICK, self.beat)
        self._begun = False
        self._over = False

    def plan(self, plan: Plan, *, detailed: bool = False) -> None:  # noqa: ARG002 - requests are always shown
        """``planned_change`` for each change, ``diagnostic`` for each finding, then ``plan_summary``."""
        with self._lock:
            self._watch.settle()
            for each in plan.changes:
                self._line("planned_change", change_document(each))
            self.diagnostics(plan.diagnostics)
            self._line("plan_summary", summary(plan))

    def saved(self, file: str, digests: Mapping[str, str]) -> None:
        """``plan_saved``: the file, and the digests in it."""
        self._line("plan_saved", {"file": file, "digests": dict(digests)})

    def confirm(self, plan: Plan) -> bool:  # noqa: ARG002
        """No: a script says ``--yes`` beforehand."""
        return False

    def event(self, event: Event) -> None:
        """``apply_start``, ``apply_progress``, ``apply_complete`` or ``apply_errored``. A step is only told of by `beat`."""
        with self._lock:
            if self._over:
                return
            self._watch.hear(event)
            match event:
                case events.ChangeStarted(change):
                    self._line("apply_start", who(change))
                case events.ChangeFinished(change, seconds):
                    self._line("apply_complete", {**who(change), "seconds": seconds_of(seconds)})
                case events.ChangeFailed(change, diagnostics):
                    self._line(
                        "apply_errored", {**who(change), "diagnostics": [*map(diagnostic_document, diagnostics)]}
                    )

    def waiting(self, what: str, seconds: float, until: datetime | None = None) -> None:
        """``apply_progress``: at once, then about every five seconds of waiting for the same thing."""
        with self._lock:
            if self._over:
                return
            row, told = self._watch.wait(what, seconds, until)
            if told:
                self._progress(row.change, what, seconds, until)

    def beat(self) -> None:
        """``apply_progress`` of everything that was not told of for five seconds: also a silent Azure is a sign of life."""
        with self._lock:
            for each, seconds in [] if self._over else self._watch.due():
                self._progress(each.change, each.what, seconds, each.until)

    def _progress(self, change: Change | None, what: str, seconds: float, until: datetime | None) -> None:
        whose = who(change) if change else dict.fromkeys(("step", "action", "resource_id", "title"))
        ends = until and until.isoformat(timespec="seconds").replace("+00:00", "Z")
        self._line("apply_progress", {**whose, "waiting_for": what, "seconds": seconds_of(seconds), "until": ends})

    def outputs(self, values: Mapping[str, object]) -> None:
        """``outputs``: the values, by name."""
        self._line("outputs", dict(values))

    def diagnostics(self, diagnostics: Iterable[Diagnostic]) -> None:
        """``diagnostic`` for each."""
        with self._lock:
            for each in diagnostics:
                self._line("diagnostic", diagnostic_document(each))

    def applied(self, before: Plan, after: Plan, seconds: float) -> None:
        """``apply_summary``: what was done, and what was right when everything was read at the end."""
        self._line(
            "apply_summary",
            {
                "created": self._watch.in_flight.made[Action.CREATE],
                "updated": self._watch.in_flight.made[Action.UPDATE],
                "waited_for": self._watch.in_flight.made[Action.WAIT],
                "already_right": before.count(Action.NO_OP),
                "right_at_the_end": after.count(Action.NO_OP),
                "seconds": seconds_of(seconds),
            },
        )

    def verified(self, plan: Plan) -> None:
        """The plan's lines, then ``verified``."""
        with self._lock:
            self.plan(plan)
            drift = [each for each in plan.changes if each.action is not Action.NO_OP]
            self._line("verified", {"as_asked_for": not drift and not plan.errored, "drift": [*map(who, drift)]})

    def interrupted(self, command: str = "") -> None:
        """``interrupted``, with the changes that had begun, which Azure goes on with, and the command that goes on.

        What threads that were not waited for still tell comes too late, and is dropped.
        """
        with self._lock:
            self._over = True
            begun = [*map(who, self._watch.in_flight.changes)]
            self._line("interrupted", {"in_flight": begun, "command": command or None})

    def log(self, text: str) -> None:
        """The lines, on stderr: stdout is for data."""
        with self._lock:
            for line in text.splitlines():
                self._stderr.write(f"{encodable(clean(line), self._stderr)}\n")
            self._stderr.flush()

    def close(self) -> None:
        """End the heartbeat; there is nothing to give back."""
        self._ticker.stop()
        with self._lock:
            self._over = True

    def __enter__(self) -> Self:
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _line(self, kind: str, document: JsonObject) -> None:
        with self._lock:
            if not self._begun:
                self._begun = True
                self._line("version", {"cmkctl": __version__, "schema": SCHEMA})
            self._stdout.write(_encoded({**document, "type": kind}, self._stdout) + "\n")
            self._stdout.flush()


def _encoded(document: JsonObject, stream: TextIO) -> str:
    ordered = {"type": document["type"], **document}
    text = json.dumps(ordered, ensure_ascii=False, separators=(",", ":"), default=plain)
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(ordered, separators=(",", ":"), default=plain)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
