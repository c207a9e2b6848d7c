"""The run report of ``--report``: plan, results and requests as one JSON document. The format is docs/report.md.

It gets the values of the other views, and every request, and is written at the end however the run ended.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, assert_never

from cmkctl import __version__, codes, events
from cmkctl.azure.redaction import REDACTED, Redactor
from cmkctl.azure.traffic import ObservedExchange
from cmkctl.clock import Clock
from cmkctl.diagnostics import CmkctlError
from cmkctl.digests import digest
from cmkctl.files import try_out, unwritable_remedy, write_whole
from cmkctl.plan import Action, Change, Plan
from cmkctl.profile.model import Profile
from cmkctl.views import shown as s
from cmkctl.views.json_objects import change_object, diagnostic_object, plain, seconds_of
from cmkctl.views.unattended import UnattendedView

SCHEMA: Final = 2
"""The number of the format. It is raised when a reader of the older format would misread the newer one."""

MEANINGS: Final[Mapping[int, str]] = {
    0: "done, or nothing to do",
    1: "failed",
    2: "there are changes, or drift",
    3: "refused",
    4: "not everything could be seen",
    64: "the command line or the profile is wrong",
    130: "interrupted",
}

_NOT_STARTED: Final = "not started"
# Of a polling URL: a certificate, its signature, and what goes with them; and the signature of a shared access signature.
_SIGNED: Final = frozenset({"c", "s", "h", "t", "sig"})


class ReportView(UnattendedView):
    """A report being collected; `write` ends it. Safe for use by several threads.

    The constructor checks that the file can be written, before any request to Azure. Raises CmkctlError CMK531.
    """

    def __init__(self, path: Path, command: str, clock: Clock, redactor: Redactor, *, sandbox: bool = False) -> None:
        self._path = path
        self._command = command
        self._clock = clock
        self._redactor = redactor
        self._lock = threading.RLock()
        self._began = clock.now()
        self._since = clock.elapsed()
        self._context = s.RunContext(sandbox)
        self._plan: Plan | None = None
        self._profile: Profile | None = None
        self._tries: dict[str, dict[str, Any]] = {}
        self._steps: dict[str, dict[str, Any]] = {}
        self._requests: list[dict[str, Any]] = []
        self._waits: list[dict[str, Any]] = []
        self._found: list[dict[str, Any]] = []
        self._outputs: dict[str, Any] | None = None
        try:
            try_out(path)
        except OSError as error:
            raise _unwritable(path, error) from error

    # --- collecting

    def set_profile(self, profile: Profile) -> None:
        """Record the profile of the run."""
        self._profile = profile

    def add_request(self, exchange: ObservedExchange) -> None:
        """Record a request, with the ids that a support case needs."""
        path, query = exchange.parts(self._redactor)
        document = {
            "at": _moment(exchange.at),
            "method": exchange.method,
            "host": exchange.host,
            "path": path,
            "query": {name: REDACTED if name in _SIGNED else value for name, value in query.items()},
            "status": exchange.status,
            "error": exchange.error or None,
            "seconds": seconds_of(exchange.seconds),
            "correlation_id": exchange.correlation_id,
            "request_id": exchange.request_id,
        }
        with self._lock:
            self._requests.append(self._redactor.redact(document))

    def show(self, shown: s.Shown) -> None:  # noqa: C901, PLR0912 - one case for each kind of value
        """Record a value."""
        with self._lock:
            match shown:
                case s.RunContext():
                    self._context = shown
                case s.PlanShown(plan) | s.Verified(plan):
                    self._plan = plan
                    self._found += map(diagnostic_object, plan.diagnostics)
                case s.OutputsShown(values):
                    self._outputs = dict(values)
                case s.DiagnosticsShown(diagnostics):
                    self._found += map(diagnostic_object, diagnostics)
                case events.StepStarted(step):
                    self._steps[step] = {"state": "started", "started": self._clock.elapsed()}
                case events.StepFinished(step):
                    took = self._clock.elapsed() - self._steps[step]["started"]
                    self._steps[step] = {"state": "done", "seconds": seconds_of(took)}
                case events.ChangeStarted(change):
                    tried = self._tries.setdefault(change.resource_id, {"tries": 0})
                    tried |= {"tries": tried["tries"] + 1, "result": "interrupted"}
                case events.ChangeFinished(change, seconds):
                    self._tries[change.resource_id] |= {"result": "made", "seconds": seconds_of(seconds)}
                case events.ChangeSkipped(change):
                    self._tries.setdefault(change.resource_id, {"tries": 0})["result"] = "not needed"
                case events.ChangeFailed(change):
                    self._tries.setdefault(change.resource_id, {"tries": 0})["result"] = "failed"
                    self._steps.setdefault(change.step, {})["state"] = "failed"
                case events.WaitEnded(change, what, seconds, reason):
                    self._waits.append(
                        {
                            "resource_id": change and change.resource_id,
                            "waited_for": what,
                            "seconds": seconds_of(seconds),
                            "end": reason.value,
                        }
                    )
                case (
                    s.PlanSaved()
                    | s.ProfileValid()
                    | s.ProfileWritten()
                    | s.CheckShown()
                    | s.Explained()
                    | s.PostureShown()
                    | s.StatusShown()
                    | s.WorkspacesShown()
                    | s.Applied()
                    | s.Cancelled()
                    | s.RunInterrupted()
                    | s.LogText()
                    | s.RunEnded()
                    | events.Waiting()
                ):
                    pass  # the file, the changes, the requests and the exit code contain it
                case _:
                    assert_never(shown)

    # --- writing

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
            "sandbox": self._context.sandbox,
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
            "waits": self._waits,
            "requests": sorted(self._requests, key=lambda each: each["at"]),
        }

    def _step_documents(self) -> list[dict[str, Any]]:
        names = dict.fromkeys(each.step for each in (self._plan.changes if self._plan else ()))
        return [{"step": each, **self._step_document(each)} for each in names]

    def _step_document(self, step: str) -> dict[str, Any]:
        pending = self._plan is not None and any(each in self._plan.pending for each in self._plan.of(step))
        recorded = self._steps.get(step, {"state": _NOT_STARTED if pending else "nothing to do"})
        state = "interrupted" if recorded["state"] == "started" else recorded["state"]
        return {"state": state, "seconds": recorded.get("seconds")}

    def _change_document(self, change: Change) -> dict[str, Any]:
        idle = "nothing to do" if change.action is Action.NO_OP else _NOT_STARTED
        tried = self._tries.get(change.resource_id, {"tries": 0, "result": idle})
        return {
            **change_object(change),
            "result": tried["result"],
            "tries": tried["tries"],
            "seconds": tried.get("seconds"),
        }


def _moment(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _unwritable(path: Path, error: OSError) -> CmkctlError:
    return CmkctlError(
        codes.CMK531.error(
            f"{path}: {error.strerror or error}.", unwritable_remedy("--report", path), subject=str(path)
        )
    )
