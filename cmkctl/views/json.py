"""The view for scripts: JSON lines on stdout and nothing else there. The protocol is docs/output.md."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final, Self, TextIO, assert_never

from cmkctl import __version__, events
from cmkctl.diagnostics import Diagnostic
from cmkctl.events import Event
from cmkctl.plan import Action, Change, Plan
from cmkctl.views import shown as s
from cmkctl.views.activity import Activity, ActivityLine, Heartbeat
from cmkctl.views.json_objects import (
    JsonObject,
    change_object,
    conflicts,
    counts_of,
    diagnostic_object,
    identity,
    plain,
    seconds_of,
    status_objects,
    summary,
    workspace_object,
)
from cmkctl.views.posture.objects import posture_object, summary_object
from cmkctl.views.streams import encodable
from cmkctl.views.unattended import UnattendedView
from cmkctl.views.words import clean

SCHEMA: Final = "2.0"
"""The version of the protocol. Minor: an addition. Major: a field that readers may rely on has changed or is gone."""

_EVERY: Final = 5.0
_BEAT: Final = 2.0
"""Seconds. Together they keep silence below the ten seconds that are promised."""

_NO_CHANGE: Final = dict.fromkeys(("step", "action", "resource_id", "subject", "title"))

# JSON leaves these unescaped; a terminal obeys the first range, some readers end a line at the others, and CI systems obey
# commands in their logs.
_UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]|#(?=#vso\\[|#\\[)")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class JsonView(UnattendedView):
    """One JSON object a line, flushed one by one; `type` is the kind of the line. Never prompts."""

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        *,
        sandbox: bool = False,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self._lock = threading.RLock()
        self._activity = Activity(0, _EVERY, now)
        self._heartbeat = Heartbeat(_BEAT, self.beat)
        self._context = s.RunContext(sandbox)
        self._now = now
        self._wall = wall
        self._started = now()
        self._plan: Plan | None = None
        self._first = True
        self._closed = False

    def show(self, shown: s.Shown) -> None:  # noqa: C901, PLR0912, PLR0915 - one case for each kind of value
        """Write the lines of a value."""
        with self._lock:
            match shown:
                case s.RunContext():
                    self._context = shown
                case s.PlanShown(plan):
                    self._activity.expect(plan)
                    self._write_plan(plan)
                case s.PlanSaved(file, digests, command):
                    self._line("plan_saved", {"file": file, "digests": dict(digests), "command": command})
                case s.OutputsShown(values):
                    self._line("outputs", dict(values))
                case s.DiagnosticsShown(diagnostics):
                    self._write_diagnostics(diagnostics)
                case s.Applied():
                    self._write_applied(shown)
                case s.Verified(plan):
                    self._write_plan(plan)
                    drift = [*map(identity, (each for each in plan.changes if each.action is not Action.NO_OP))]
                    found = {"matches": shown.matches, "complete": shown.complete, "drift": drift}
                    self._line("verified", found)
                case s.ProfileValid(file):
                    self._line("profile_valid", {"file": file})
                case s.ProfileWritten(file, lines, workspace_id, conclusion, command):
                    document = {
                        "file": file or None,
                        "workspace_id": workspace_id or None,
                        "text": "".join(f"{line}\n" for line in lines),
                        "conclusion": conclusion or None,
                        "command": command or None,
                    }
                    self._line("profile", document)
                case s.CheckShown(name, state, found, remedy):
                    self._line("check", {"name": name, "state": state.value, "found": found, "remedy": remedy or None})
                case s.Explained(about, name, text):
                    self._line("explanation", {"about": about, "name": name, "text": text})
                case s.PostureShown(survey):
                    for each in survey.assessments:
                        self._line("posture", posture_object(each))
                    self._line("posture_summary", summary_object(survey))
                case s.StatusShown(status):
                    for kind, document in status_objects(status):
                        self._line(kind, document)
                case s.WorkspacesShown(workspaces):
                    for one in workspaces:
                        self._line("workspace", workspace_object(one))
                case s.Cancelled():
                    pass  # JSON runs never prompt
                case s.RunInterrupted(command):
                    # Later events of threads still running are dropped.
                    self._closed = True
                    running = [*map(identity, self._activity.changes)]
                    self._line("interrupted", {"in_flight": running, "command": command or None})
                case s.LogText(text):
                    self._write_log(text)
                case s.RunEnded(exit_code):
                    self._write_end(exit_code)
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
                        self._write_event(shown)
                case _:
                    assert_never(shown)

    def beat(self) -> None:
        """``apply_progress`` of everything that was not reported for five seconds, also while Azure sends nothing."""
        with self._lock:
            for each in [] if self._closed else self._activity.due():
                self._write_progress(each)

    def close(self) -> None:
        """End the heartbeat."""
        self._heartbeat.stop()
        with self._lock:
            self._closed = True

    def __enter__(self) -> Self:
        self._heartbeat.start()
        return self

    def _write_plan(self, plan: Plan) -> None:
        """``planned_change`` for each change, ``diagnostic`` for each finding and each conflict, then ``plan_summary``."""
        self._plan = plan
        self._activity.settle()
        for each in plan.changes:
            self._line("planned_change", change_object(each))
        conflicting = conflicts(plan) if plan.count(Action.CONFLICT) else ()
        findings = [*plan.diagnostics, *conflicting]
        self._write_diagnostics(findings)
        self._line("plan_summary", {**summary(plan, findings), "sandbox": self._context.sandbox})

    def _write_diagnostics(self, diagnostics: Iterable[Diagnostic]) -> None:
        for each in diagnostics:
            self._line("diagnostic", diagnostic_object(each))

    def _write_applied(self, end: s.Applied) -> None:
        """``apply_summary``: counts that add up to the plan's total, and how many resources were verified at the end."""
        self._line(
            "apply_summary",
            {
                **self._done(),
                "up_to_date": end.before.count(Action.NO_OP),
                "total": len(end.before.changes),
                "verified": end.after.count(Action.NO_OP),
                "conclusion": end.conclusion or None,
                "seconds": seconds_of(end.seconds),
            },
        )

    def _done(self) -> JsonObject:
        done = self._activity.done
        return {
            "created": done[Action.CREATE],
            "updated": done[Action.UPDATE],
            "deleted": done[Action.DELETE],
            "disabled": done[Action.DISABLE],
            "enabled": done[Action.ENABLE],
            "waited_for": done[Action.WAIT],
            "not_needed": self._activity.skipped,
        }

    def _write_end(self, exit_code: int) -> None:
        """``end``: the last line, whatever happened."""
        written = any(count for action, count in self._activity.done.items() if action.writes)
        self._line(
            "end",
            {
                "exit_code": exit_code,
                "changed": written,
                "counts": None if self._plan is None else counts_of(self._plan),
                "done": self._done(),
                "seconds": seconds_of(self._now() - self._started),
                "sandbox": self._context.sandbox,
            },
        )

    def _write_event(self, event: Event) -> None:
        due = self._activity.record(event)
        match event:
            case events.ChangeStarted(change):
                self._line("apply_start", identity(change))
            case events.ChangeFinished(change, seconds):
                self._line("apply_complete", {**identity(change), "seconds": seconds_of(seconds)})
            case events.ChangeSkipped(change):
                self._line("apply_skipped", identity(change))
            case events.ChangeFailed(change, diagnostics):
                codes = [*dict.fromkeys(each.code for each in diagnostics)]
                self._line("apply_errored", {**identity(change), "codes": codes})
            case events.Waiting():
                if due:
                    self._write_progress(due, event.seconds)
            case events.StepStarted() | events.StepFinished() | events.WaitEnded():
                pass  # these have no line of their own
            case _:
                assert_never(event)

    def _write_progress(self, line: ActivityLine, seconds: float | None = None) -> None:
        lasted = self._activity.seconds(line) if seconds is None else seconds
        self._line(
            "apply_progress",
            {
                **(identity(line.change) if line.change else _NO_CHANGE),
                "waiting_for": line.waiting_for or _title(line.change),
                "seconds": seconds_of(lasted),
                "until": line.until and _moment(line.until, "seconds"),
            },
        )

    def _write_log(self, text: str) -> None:
        """Write the lines to stderr: stdout is for data."""
        for line in text.splitlines():
            self._stderr.write(f"{encodable(clean(line), self._stderr)}\n")
        self._stderr.flush()

    def _line(self, kind: str, document: JsonObject) -> None:
        if self._first:
            self._first = False
            version = {"cmkctl": __version__, "schema": SCHEMA, "sandbox": self._context.sandbox}
            self._line("version", version)
        ordered = {"type": kind, "at": _moment(self._wall(), "milliseconds"), **document}
        self._stdout.write(_encoded(ordered, self._stdout) + "\n")
        self._stdout.flush()


def _title(change: Change | None) -> str:
    return change.title if change else ""


def _moment(moment: datetime, precision: str) -> str:
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def _encoded(document: JsonObject, stream: TextIO) -> str:
    text: Any = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=plain)
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(document, separators=(",", ":"), default=plain)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
