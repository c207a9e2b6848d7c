"""The run report of ``--report``: what was planned, done and asked, as one JSON document. The format is docs/report.md.

It hears what the other views hear, and of every request, and is written at the end however the run ended.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from cmkctl import __version__, codes, events
from cmkctl.azure.redaction import REDACTED, Redactor
from cmkctl.azure.traffic import ObservedExchange
from cmkctl.clock import Clock
from cmkctl.diagnostics import CmkctlError, Diagnostic
from cmkctl.digests import digest
from cmkctl.events import Event
from cmkctl.files import mend, try_out, write_whole
from cmkctl.plan import Action, Change, Plan
from cmkctl.profile.model import Profile
from cmkctl.views.json_objects import change_document, diagnostic_document, plain, seconds_of

SCHEMA: Final = 1
"""The number of the format. It goes up when a reader of an older report could no longer read a newer one rightly."""

MEANINGS: Final[Mapping[int, str]] = {
    0: "done, or nothing to do",
    1: "failed",
    2: "there are changes, or drift",
    3: "refused",
    64: "the command line or the profile is wrong",
    130: "interrupted",
}

_NOT_BEGUN: Final = "not begun"
# Of a polling URL: a certificate, its signature, and what goes with them; and the signature of a shared access signature.
_SIGNED: Final = frozenset({"c", "s", "h", "t", "sig"})


class ReportView:
    """A report being collected; `write` ends it. Safe for use by several threads.

    Making one tries out whether the file can be written, before anything is asked of Azure; CmkctlError CMK531 says why not.
    """

    can_ask: Final = False

    def __init__(self, path: Path, command: str, clock: Clock, redactor: Redactor) -> None:
        self._path = path
        self._command = command
        self._clock = clock
        self._redactor = redactor
        self._lock = threading.RLock()
        self._began = clock.now()
        self._since = clock.elapsed()
        self._plan: Plan | None = None
        self._profile: Profile | None = None
        self._tries: dict[str, dict[str, Any]] = {}
        self._steps: dict[str, dict[str, Any]] = {}
        self._requests: list[dict[str, Any]] = []
        self._found: list[dict[str, Any]] = []
        self._outputs: dict[str, Any] | None = None
        try:
            try_out(path)
        except OSError as error:
            raise _unwritable(path, error) from error

    # --- what is heard

    def set_profile(self, profile: Profile) -> None:
        """Note the profile that the run is about."""
        self._profile = profile

    def request(self, heard: ObservedExchange) -> None:
        """Note a request, with what a support case needs."""
        path, query = heard.parts(self._redactor)
        document = {
            "at": _moment(heard.at),
            "method": heard.method,
            "host": heard.host,
            "path": path,
            "query": {name: REDACTED if name in _SIGNED else value for name, value in query.items()},
            "status": heard.status,
            "error": heard.error or None,
            "seconds": seconds_of(heard.seconds),
            "correlation_id": heard.correlation_id,
            "request_id": heard.request_id,
        }
        with self._lock:
            self._requests.append(self._redactor.redact(document))

    def plan(self, plan: Plan, *, detailed: bool = False) -> None:  # noqa: ARG002 - requests are always kept
        """Note the plan, and what was found while planning."""
        with self._lock:
            self._plan = plan
            self.diagnostics(plan.diagnostics)

    def saved(self, file: str, digests: Mapping[str, str]) -> None:
        """Nothing: the saved plan says it itself."""

    def confirm(self, plan: Plan) -> bool:  # noqa: ARG002
        """No: nobody asks a report."""
        return False

    def event(self, event: Event) -> None:
        """Note what happened to a step or a change."""
        with self._lock:
            match event:
                case events.StepStarted(step):
                    self._steps[step] = {"state": "begun", "began": self._clock.elapsed()}
                case events.StepFinished(step):
                    took = self._clock.elapsed() - self._steps[step]["began"]
                    self._steps[step] = {"state": "done", "seconds": seconds_of(took)}
                case events.ChangeStarted(change):
                    tried = self._tries.setdefault(change.resource_id, {"tries": 0})
                    tried |= {"tries": tried["tries"] + 1, "result": "interrupted"}
                case events.ChangeFinished(change, seconds):
                    self._tries[change.resource_id] |= {"result": "made", "seconds": seconds_of(seconds)}
                case events.ChangeFailed(change):
                    self._fail(change)

    def _fail(self, change: Change) -> None:
        tried = self._tries.setdefault(change.resource_id, {"tries": 0})
        tried["result"] = "failed"
        self._steps.setdefault(change.step, {})["state"] = "failed"

    def waiting(self, what: str, seconds: float, until: datetime | None = None) -> None:
        """Nothing: the requests show how long what took."""

    def outputs(self, values: Mapping[str, object]) -> None:
        """Note the outputs."""
        self._outputs = dict(values)

    def diagnostics(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Note problems."""
        with self._lock:
            self._found += map(diagnostic_document, diagnostics)

    def applied(self, before: Plan, after: Plan, seconds: float) -> None:
        """Nothing: the changes say it."""

    def verified(self, plan: Plan) -> None:
        """Note what differs."""
        self.plan(plan)

    def interrupted(self, command: str = "") -> None:
        """Nothing: the exit code says it."""

    def log(self, text: str) -> None:
        """Nothing: a log is for a terminal."""

    def close(self) -> None:
        """Nothing yet: `write` comes later, with the exit code."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- what is written

    def write(self, exit_code: int) -> None:
        """Write the report, whole or not at all. Raises CmkctlError CMK531."""
        with self._lock:
            text = json.dumps(self._document(exit_code), indent=2, ensure_ascii=False, default=plain)
        # Half of a surrogate pair, from Azure or from the command line, is no character: it stays the escape it was.
        text = text.encode(errors="backslashreplace").decode()
        try:
            write_whole(self._path, text + "\n")
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def _document(self, exit_code: int) -> dict[str, Any]:
        subject = self._plan.subject if self._plan else None
        return {
            "cmkctl_report": SCHEMA,
            "cmkctl": __version__,
            "command": self._command,
            "began": _moment(self._began),
            "ended": _moment(self._clock.now()),
            "seconds": seconds_of(self._clock.elapsed() - self._since),
            "subject": subject
            and {
                "cloud": str(subject.cloud),
                "subscription": subject.subscription,
                "location": subject.location,
                "workspace_id": subject.workspace_id,
            },
            "profile_sha256": self._profile and digest(self._profile.model_dump(mode="json")),
            "outcome": {
                "exit_code": exit_code,
                "meaning": MEANINGS.get(exit_code, "unknown"),
                "diagnostics": self._found,
            },
            "steps": self._step_documents(),
            "changes": [self._change_document(each) for each in (self._plan.changes if self._plan else ())],
            "outputs": self._outputs,
            "requests": sorted(self._requests, key=lambda each: each["at"]),
        }

    def _step_documents(self) -> list[dict[str, Any]]:
        names = dict.fromkeys(each.step for each in (self._plan.changes if self._plan else ()))
        return [{"step": each, **self._step_document(each)} for each in names]

    def _step_document(self, step: str) -> dict[str, Any]:
        pending = self._plan is not None and any(each in self._plan.pending for each in self._plan.of(step))
        known = self._steps.get(step, {"state": _NOT_BEGUN if pending else "nothing to do"})
        state = "interrupted" if known["state"] == "begun" else known["state"]
        return {"state": state, "seconds": known.get("seconds")}

    def _idle(self, change: Change) -> str:
        """What became of a change that was due and never begun: when its turn came, something else may have brought it about."""
        return "not needed" if self._steps.get(change.step, {}).get("state") == "done" else _NOT_BEGUN

    def _change_document(self, change: Change) -> dict[str, Any]:
        idle = "nothing to do" if change.action is Action.NO_OP else self._idle(change)
        tried = self._tries.get(change.resource_id, {"tries": 0, "result": idle})
        return {
            **change_document(change),
            "result": tried["result"],
            "tries": tried["tries"],
            "seconds": tried.get("seconds"),
        }


def _moment(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _unwritable(path: Path, error: OSError) -> CmkctlError:
    return CmkctlError(
        codes.CMK531.error(f"{path}: {error.strerror or error}.", mend("--report", path), subject=str(path))
    )
