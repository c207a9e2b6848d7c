"""The view for scripts: JSON lines on stdout and nothing else there. The protocol is docs/output.md."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TextIO

from cmkctl import __version__
from cmkctl.diagnostics import Diagnostic, Severity
from cmkctl.plan import Action, AttributeChange, Change, Plan, Request, Unknown
from cmkctl.views.inflight import InFlight, Throttle

if TYPE_CHECKING:
    from cmkctl.engine import Event

SCHEMA: Final = "1.0"
"""The version of the protocol. Minor: something was added. Major: something a reader may rely on changed or went."""

_HEARTBEAT: Final = 5.0
# JSON lets these stand as they are; a terminal obeys the first range, and some readers end a line at the others.
_UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029]")

Document = dict[str, Any]


class JsonView:
    """One JSON object a line, flushed one by one; what a line is about is its ``type``. Never asks."""

    can_ask: Final = False

    def __init__(self, stdout: TextIO, stderr: TextIO) -> None:
        self._stdout = stdout
        # Kept so that both views are made alike. Everything this view has to say is data.
        self._stderr = stderr
        self._lock = threading.RLock()
        self._in_flight = InFlight()
        self._throttle = Throttle(0, _HEARTBEAT)
        self._begun = False

    def plan(self, plan: Plan, *, detailed: bool = False) -> None:  # noqa: ARG002 - requests are always shown
        """``planned_change`` for each change, ``diagnostic`` for each finding, then ``plan_summary``."""
        with self._lock:
            self._in_flight.forget_waits()
            for each in plan.changes:
                self._line("planned_change", _change(each))
            self.diagnostics(plan.diagnostics)
            self._line("plan_summary", _summary(plan))

    def saved(self, file: str, digests: Mapping[str, str]) -> None:
        """``plan_saved``: the file, and the digests in it."""
        self._line("plan_saved", {"file": file, "digests": dict(digests)})

    def confirm(self, plan: Plan) -> bool:  # noqa: ARG002
        """No: a script says ``--yes`` beforehand."""
        return False

    def event(self, event: Event) -> None:
        """``apply_start``, ``apply_progress``, ``apply_complete`` or ``apply_errored``. Steps are not told of."""
        from cmkctl import engine  # noqa: PLC0415 - loaded already where there are events, not before

        with self._lock:
            match event:
                case engine.ChangeStarted(change):
                    self._in_flight.start(change)
                    self._line("apply_start", _who(change))
                case engine.ChangeFinished(change, seconds):
                    self._in_flight.finish(change)
                    self._line("apply_complete", {**_who(change), "seconds": _seconds(seconds)})
                case engine.ChangeFailed(change, diagnostics):
                    self._in_flight.stop()
                    self._line("apply_errored", {**_who(change), "diagnostics": [*map(_diagnostic, diagnostics)]})
                case engine.StepFinished(step):
                    self._in_flight.finish_step(step)

    def waiting(self, what: str, seconds: float, until: datetime | None = None) -> None:  # noqa: ARG002
        """``apply_progress``: at once, then about every five seconds of waiting for the same thing."""
        with self._lock:
            change = self._in_flight.wait(what, seconds).change
            if self._throttle.lets(what, seconds):
                who = _who(change) if change else dict.fromkeys(("step", "action", "resource_id", "title"))
                self._line("apply_progress", {**who, "waiting_for": what, "seconds": _seconds(seconds)})

    def outputs(self, values: Mapping[str, object]) -> None:
        """``outputs``: the values, by name."""
        self._line("outputs", dict(values))

    def diagnostics(self, diagnostics: Iterable[Diagnostic]) -> None:
        """``diagnostic`` for each."""
        with self._lock:
            for each in diagnostics:
                self._line("diagnostic", _diagnostic(each))

    def applied(self, before: Plan, after: Plan, seconds: float) -> None:
        """``apply_summary``: what was done, and what was right when everything was read at the end."""
        self._line(
            "apply_summary",
            {
                "created": self._in_flight.made[Action.CREATE],
                "updated": self._in_flight.made[Action.UPDATE],
                "waited_for": self._in_flight.made[Action.WAIT],
                "already_right": before.count(Action.NO_OP),
                "right_at_the_end": after.count(Action.NO_OP),
                "seconds": _seconds(seconds),
            },
        )

    def verified(self, plan: Plan) -> None:
        """The plan's lines, then ``verified``."""
        with self._lock:
            self.plan(plan)
            drift = [each for each in plan.changes if each.action is not Action.NO_OP]
            self._line("verified", {"as_asked_for": not drift and not plan.errored, "drift": [*map(_who, drift)]})

    def interrupted(self) -> None:
        """``interrupted``, with the changes that had begun: Azure goes on with those."""
        with self._lock:
            self._line("interrupted", {"in_flight": [*map(_who, self._in_flight.changes)]})

    def close(self) -> None:
        """Nothing to give back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _line(self, kind: str, document: Document) -> None:
        with self._lock:
            if not self._begun:
                self._begun = True
                self._line("version", {"cmkctl": __version__, "schema": SCHEMA})
            self._stdout.write(_encoded({**document, "type": kind}, self._stdout) + "\n")
            self._stdout.flush()


def _encoded(document: Document, stream: TextIO) -> str:
    ordered = {"type": document["type"], **document}
    text = json.dumps(ordered, ensure_ascii=False, separators=(",", ":"), default=_unknown)
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(ordered, separators=(",", ":"), default=_unknown)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _unknown(value: Any) -> Any:
    """What `json` cannot encode by itself: a value that is not known yet, and read-only mappings and sequences."""
    if isinstance(value, Unknown):
        return {"$unknown": f"{value.step}.{value.output}"}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _seconds(seconds: float) -> float:
    return round(float(seconds), 3)


def _who(change: Change) -> Document:
    return {
        "step": change.step,
        "action": change.action.value,
        "resource_id": change.resource_id,
        "title": change.title,
    }


def _change(change: Change) -> Document:
    return {
        **_who(change),
        "reason": change.reason,
        "attributes": [*map(_attribute, change.attributes)],
        "irreversible": change.irreversible,
        "costs": change.costs,
        "code": change.code or None,
        "ways_out": change.ways_out,
        "request": None if change.request is None else _request(change.request),
    }


def _attribute(attribute: AttributeChange) -> Document:
    after = attribute.after
    unknown = {"step": after.step, "output": after.output} if isinstance(after, Unknown) else None
    return {
        "path": attribute.path,
        "before": attribute.before,
        "after": None if unknown else after,
        "unknown": unknown,
        "irreversible": attribute.irreversible,
    }


def _request(request: Request) -> Document:
    return {
        "method": request.method,
        "host": request.host,
        "path": request.path,
        "api_version": request.api_version,
        "body": request.body,
    }


def _summary(plan: Plan) -> Document:
    subject = plan.subject
    return {
        "counts": {each.value: plan.count(each) for each in Action},
        "irreversible": len(plan.irreversible),
        "errors": sum(each.severity is Severity.ERROR for each in plan.diagnostics),
        "warnings": sum(each.severity is Severity.WARNING for each in plan.diagnostics),
        "errored": plan.errored,
        "cloud": str(subject.cloud),
        "subscription": subject.subscription,
        "location": subject.location,
        "workspace_id": subject.workspace_id,
    }


def _diagnostic(diagnostic: Diagnostic) -> Document:
    place = diagnostic.location
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "summary": diagnostic.summary,
        "detail": diagnostic.detail,
        "remedy": diagnostic.remedy,
        "subject": diagnostic.subject or None,
        "location": None if place is None else {"source": place.source, "line": place.line, "column": place.column},
    }
