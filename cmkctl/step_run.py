"""The run of one step: observe, send what is ready, observe again, until nothing is left. For `cmkctl.engine`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn, TypeAlias

from azure.core.exceptions import AzureError

from cmkctl import codes
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.errors import AzureFailed, classify, kind_of_failed_write
from cmkctl.azure.failures import Failure, FailureKind
from cmkctl.azure.ids import resource_type
from cmkctl.azure.session import Session
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.waiting import RetryBudget, is_transient, maybe_created_elsewhere, read_through_transients
from cmkctl.clock import Interrupted
from cmkctl.diagnostics import CmkctlError, Diagnostic, RefusedError
from cmkctl.events import (
    CURRENT_CHANGE,
    ChangeFailed,
    ChangeFinished,
    ChangeSkipped,
    ChangeStarted,
    Emit,
    StepFinished,
    StepStarted,
)
from cmkctl.plan import Action, Change, Known, Outputs, Plan, fulfils
from cmkctl.profile.model import Profile
from cmkctl.steps.base import AnyStep

_LOG: Final = logging.getLogger(__name__)
_WORKSPACES: Final = "microsoft.machinelearningservices/workspaces"

Send: TypeAlias = Callable[[Session, Change], ArmDocument | None]
"""Sends one change, waits for it and returns the last reading of its resource.

Raises azure-core's errors, AzureFailed or CmkctlError.
"""


@dataclass(slots=True)
class RunState:
    """The state that the steps of one run share: session, approved plan, receiver of events, and the outputs known so far."""

    session: Session
    profile: Profile
    plan: Plan
    emit: Emit
    send: Send
    known: Known
    failed: bool = False
    """True once a failure was emitted: no change starts after it, although running ones finish."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The end of one attempt: its failure, or the last reading of the resource where there is one."""

    error: CmkctlError | None = None
    reading: ArmDocument | None = None


class StepRun:
    """The changes of one step: each starts as soon as the changes it depends on are done.

    A change that was sent is not sent again: until Azure shows its effect, the step is observed again. The same goes for a
    resource that another run may have created first. `first` holds readings of this moment for the first observation.
    """

    def __init__(self, run: RunState, step: AnyStep, first: Snapshot | None = None) -> None:
        self._run = run
        self._first = first
        self._step = step
        self._settled: dict[str, CmkctlError] = {}
        """By resource id: why a change that was sent counts as failed if Azure never shows its effect."""
        self._failed: dict[str, CmkctlError] = {}
        """By resource id: the transient failure of the last attempt."""
        self._running: dict[Future[_Outcome], Change] = {}
        self._started: set[str] = set()
        self._written: set[str] = set()
        """The resource ids that this run has written: a difference there is its own, not a change by others."""
        self._waited: set[str] = set()
        """The resource ids of waits that have ended."""
        self._readings: dict[str, ArmDocument | None] = {}
        """By resource id: the last readings of changes that have settled since the last read."""
        self._current: set[str] = set()
        """The resource ids of changes whose last reading shows their effect."""
        self._bare_errors: set[str] = set()
        """The resource ids whose write was answered with a 500 without a cause."""
        self._view: Snapshot | None = None
        self._budget = self._new_budget()

    def run(self) -> Outputs:
        """Observe, send what is ready, observe again, until nothing is left; return the step's outputs."""
        step, run = self._step, self._run
        run.emit(StepStarted(step.name, step.title))
        with threads(max(len(run.plan.of(step.name)), 1), step.name) as pool:
            while True:
                observed = read_through_transients(run.session, step.title, self._observe)
                due = self._due(observed)
                if not due and not self._running:
                    self._emit_skipped()
                    run.emit(StepFinished(step.name, step.title))
                    outputs: Outputs = step.outputs(run.profile, observed)
                    return outputs
                for change in self._ready(due):
                    self._started.add(change.resource_id)
                    self._running[pool.submit(self._attempt, change)] = change
                failed = self._collect() if self._running else {each.resource_id: each for each in due}
                if failed:
                    self._wait_before_retry(failed)

    def _observe(self) -> Any:
        """Observe the step: everything at first, later only what this run has changed or may still change."""
        if self._view is None:
            self._view = self._first or self._run.session.snapshot()
        else:
            pending = {
                each.resource_id for each in self._run.plan.of(self._step.name) if each in self._run.plan.pending
            }
            readings, self._readings = self._readings, {}
            # The reading at the end of a wait does not reach a step that sees the resource in a list: the list is read again.
            self._current |= readings.keys() - self._waited
            running = {each.resource_id for each in self._running.values()}
            self._view = self._view.again(pending - self._current - running, readings)
        return self._step.observe(self._view, self._run.profile)

    def _due(self, observed: Any) -> list[Change]:
        """Return the remaining changes after checking that all are as shown. Raises RefusedError for a deviation."""
        shown = {each.resource_id: each for each in self._run.plan.of(self._step.name)}
        running = {each.resource_id for each in self._running.values()}
        planned = self._step.plan(self._run.profile, observed, self._run.known)
        due = [
            each
            for each in self._still_awaited(planned, shown)
            if each.action is not Action.NO_OP and each.resource_id not in running
        ]
        self._current -= {each.resource_id for each in due}
        for each in due:
            _refuse_unless_shown(each, shown.get(each.resource_id), written=each.resource_id in self._written)
        return due

    def _still_awaited(self, planned: Sequence[Change], shown: Mapping[str, Change]) -> Sequence[Change]:
        """Keep the waits that were shown for the effects of changes which are done by now, until each was waited for once.

        The step sees no reason for such a wait any more: the change that it rests on is done, its effect not visible yet.
        """
        awaited = [
            shown[each.resource_id]
            for each in planned
            if each.action is Action.CONFLICT
            and each.resource_id not in self._waited
            and each.resource_id in shown
            and shown[each.resource_id].action is Action.WAIT
            and shown[each.resource_id].may_result_from
        ]
        if not awaited:
            return planned
        held = {each.resource_id for each in awaited}
        now = [each for each in planned if each.resource_id not in held]
        # A step with a conflict plans nothing beyond it, so the rest of what was shown is still due as well.
        rest = [each for each in shown.values() if each.resource_id not in held | {one.resource_id for one in now}]
        return [*awaited, *now, *rest]

    def _ready(self, due: Sequence[Change]) -> list[Change]:
        """Return the changes to start now: not sent before, and all their dependencies finished."""
        unfinished = {each.resource_id for each in (*due, *self._running.values())}
        return [
            each
            for each in due
            if each.resource_id not in self._settled and not unfinished.intersection(each.depends_on)
        ]

    def _collect(self) -> dict[str, Change]:
        """Wait until a change ends after which the step must be read again; return the changes that failed transiently.

        Raises CmkctlError for a final failure, after the other running changes have finished.
        """
        held = {dependency for each in self._run.plan.of(self._step.name) for dependency in each.depends_on}
        while self._running:
            done, _ = wait_for(self._running, return_when=FIRST_COMPLETED)
            finished = [(self._running.pop(future), future.result()) for future in done]
            final = [each.error for change, each in finished if each.error and _is_final(change, each.error)]
            if final:
                self._finish_running(final)
            for change, outcome in finished:
                self._note(change, outcome)
            failed = {change.resource_id: change for change, outcome in finished if outcome.error}
            if failed or any(change.resource_id in held for change, _ in finished):
                return failed
        return {}

    def _finish_running(self, final: list[CmkctlError]) -> NoReturn:
        """Let the running changes finish, and raise every failure that is final."""
        for future, change in self._running.items():
            error = future.result().error
            if error and _is_final(change, error):
                final.append(error)
        raise CmkctlError(*(diagnostic for each in final for diagnostic in each.diagnostics))

    def _note(self, change: Change, outcome: _Outcome) -> None:
        error = outcome.error
        if error is None:
            self._failed.pop(change.resource_id, None)
            if outcome.reading is not None:
                self._readings[change.resource_id] = outcome.reading
            if change.action.writes:
                self._written.add(change.resource_id)
                self._settled[change.resource_id] = CmkctlError(incomplete(change))
            else:
                self._waited.add(change.resource_id)
            self._budget = self._new_budget()
        elif maybe_created_elsewhere(error):
            self._settled[change.resource_id] = error
        else:
            self._failed[change.resource_id] = error

    def _wait_before_retry(self, changes: Mapping[str, Change]) -> None:
        """Wait before the next read of changes that failed or are not visible yet.

        Raises CmkctlError when the budget is spent.
        """
        reasons = self._failed | self._settled
        trouble = {resource: reasons[resource] for resource in changes if resource in reasons}
        if self._budget.wait_before_retry([*trouble.values()]):
            return
        for resource, error in trouble.items():
            self._emit_failed(changes[resource], error)
        self._finish_running([*trouble.values(), CmkctlError(*self._budget.deadline_diagnostics())])

    def _attempt(self, change: Change) -> _Outcome:
        """Send one change and return its outcome."""
        session = self._run.session
        token = CURRENT_CHANGE.set(change)
        began = session.clock.elapsed()
        self._run.emit(ChangeStarted(change))
        try:
            reading = self._run.send(session, change)
        except AzureError as error:
            failed: CmkctlError = self._failed_write(change, classify(error))
        except AzureFailed as error:
            failed = self._failed_write(change, error.failure)
        except CmkctlError as error:
            failed = error
        else:
            self._run.emit(ChangeFinished(change, session.clock.elapsed() - began))
            return _Outcome(reading=reading)
        finally:
            CURRENT_CHANGE.reset(token)
        if _is_final(change, failed):
            self._emit_failed(change, failed)
        return _Outcome(failed)

    def _failed_write(self, change: Change, failure: Failure) -> AzureFailed:
        """Return the failure of a change. A workspace's 500 without a cause is final the second time (failures.md, P63)."""
        if _is_bare_workspace_error(change, failure):
            repeated = change.resource_id in self._bare_errors
            self._bare_errors.add(change.resource_id)
            failure = replace(failure, kind=FailureKind.TERMINAL) if repeated else failure
        return AzureFailed(replace(failure, kind=kind_of_failed_write(failure), step=change.step))

    def _emit_failed(self, change: Change, error: CmkctlError) -> None:
        self._run.failed = True
        self._run.emit(ChangeFailed(change, error.diagnostics))

    def _emit_skipped(self) -> None:
        for each in self._run.plan.of(self._step.name):
            if each in self._run.plan.pending and each.resource_id not in self._started:
                self._run.emit(ChangeSkipped(each))

    def _new_budget(self) -> RetryBudget:
        return RetryBudget(self._run.session, self._step.title)


@contextmanager
def threads(count: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """Provide threads and wait for them at the end, except after an interruption: a response may take minutes."""
    pool = ThreadPoolExecutor(count, thread_name_prefix=name)
    wait = True
    try:
        yield pool
    except (KeyboardInterrupt, Interrupted):
        wait = False
        raise
    finally:
        pool.shutdown(wait=wait, cancel_futures=True)


def _is_bare_workspace_error(change: Change, failure: Failure) -> bool:
    """Return True for Azure Machine Learning's 500 that names no cause: it also rejects changes of fixed properties with it."""
    return (
        failure.kind is FailureKind.PASSING
        and failure.code == failure.message.strip().rstrip(".") == "InternalServerError"
        and resource_type(change.resource_id).lower() == _WORKSPACES
    )


def _is_final(change: Change, failed: CmkctlError) -> bool:
    """Return True when reading again cannot resolve the failure."""
    return not is_transient(failed) and not (change.action is Action.CREATE and maybe_created_elsewhere(failed))


def _refuse_unless_shown(now: Change, shown: Change | None, *, written: bool) -> None:
    """Raise RefusedError for a change other than the one shown. A step may have less to do than was shown."""
    if now.action in (Action.NO_OP, Action.WAIT):
        return
    if shown is not None and shown.action is now.action and _same_request(shown, now):
        return
    conflict = [conflict_diagnostic(now)] if now.action is Action.CONFLICT else []
    if written:
        # This run wrote it and the result differs: Azure did not change by itself.
        raise CmkctlError(incomplete(now), *conflict)
    raise RefusedError(
        codes.CMK402.error(
            f"{now.title}: planned {shown.action if shown else 'nothing'}, now {now.action} ({now.reason}). "
            "Nothing was written for it.",
            "Run cmkctl plan again and review the new plan. Changes applied before this point stay in place.",
            subject=now.resource_id,
        ),
        *conflict,
    )


def _same_request(shown: Change, now: Change) -> bool:
    if shown.request is None or now.request is None:
        return shown.request is now.request
    one, other = shown.request, now.request
    return (one.method, one.path, one.api_version, one.host, one.plane, one.query) == (
        other.method,
        other.path,
        other.api_version,
        other.host,
        other.plane,
        other.query,
    ) and fulfils(one.body, other.body)


def conflicts(plan: Plan) -> Iterable[Diagnostic]:
    """Return the conflicts of a plan as diagnostics."""
    return (conflict_diagnostic(each) for each in plan.changes if each.action is Action.CONFLICT)


def conflict_diagnostic(change: Change) -> Diagnostic:
    """Return a conflict as a diagnostic: its reason is the detail, its ways out are the remedy."""
    return codes.declared(change.code).error(
        f"{change.title}: {change.reason}.", "; or ".join(change.ways_out), subject=change.resource_id
    )


def incomplete(change: Change) -> Diagnostic:
    """Return the diagnostic of a change that was applied and is still due (CMK401)."""
    return codes.CMK401.error(
        f"{change.title}: it was applied, and {change.action} is still due: {change.reason}.",
        "Run cmkctl plan to see the difference. If it persists, report it together with the output of --record.",
        subject=change.resource_id,
    )
