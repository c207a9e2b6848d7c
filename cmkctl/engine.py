"""The only loop: observe, plan, apply.

`make_plan` reads and computes; `apply_plan` walks the changes in the documented order. Neither knows a key vault or a terminal:
a procedure brings the steps and rules, and progress is emitted as events.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeAlias

from azure.core.exceptions import AzureError

from cmkctl import codes
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.errors import AzureFailed, classify
from cmkctl.azure.send import send
from cmkctl.azure.session import Session, Snapshot
from cmkctl.azure.waiting import RetryBudget, is_transient, maybe_created_elsewhere, read_through_transients
from cmkctl.clock import Interrupted
from cmkctl.diagnostics import CmkctlError, Diagnostic, RefusedError, Severity
from cmkctl.digests import digest
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
from cmkctl.facts import Facts, RulePolicy, attempt, judge, needed
from cmkctl.plan import Action, Change, Known, Outputs, Plan, fulfils
from cmkctl.procedures.base import Procedure
from cmkctl.profile.model import Profile
from cmkctl.steps.base import AnyStep

_LOG: Final = logging.getLogger(__name__)

_SIGNAL_CHECK: Final = 0.5
"""Seconds that the main thread blocks at a time. It runs the signal handlers, and while blocked it can miss a signal that the
system delivered to a different thread."""

Send: TypeAlias = Callable[[Session, Change], ArmDocument | None]
"""Sends one change, waits for it and returns the last reading of its resource.

Raises azure-core's errors, AzureFailed or CmkctlError.
"""


def make_plan(session: Session, profile: Profile, procedure: Procedure, policy: RulePolicy | None = None) -> Plan:
    """Read everything once, all steps and facts at the same time, and compute the changes.

    Sends no write. Raises CmkctlError when a step cannot observe.
    """
    return plan_from(profile, observe(session.snapshot(), profile, procedure), procedure, policy or RulePolicy())


def observe(azure: Snapshot, profile: Profile, procedure: Procedure) -> Facts:
    """Read the observation of every step and the facts that the rules need. All reads are independent and start together.

    A fact that only rules need may be unreadable; an observation that a step needs may not.
    """
    steps = {each.name: each for each in procedure.steps}
    others = needed(procedure.rules, steps)
    with _threads(len(steps) + len(others), "observe") as pool:
        observed = {name: pool.submit(step.observe, azure, profile) for name, step in steps.items()}
        read = {fact.name: pool.submit(attempt, fact, azure, profile) for fact in others}
        _await(*observed.values(), *read.values())
        return Facts({name: future.result() for name, future in (observed | read).items()})


def plan_from(profile: Profile, facts: Facts, procedure: Procedure, policy: RulePolicy) -> Plan:
    """Compute the plan that follows from a profile and the facts. Pure."""
    known = Known()
    changes: list[Change] = []
    observations = {step.name: facts.observation(step.name) for step in procedure.steps}
    for step in procedure.steps:
        observed = observations[step.name]
        changes += step.plan(profile, observed, known)
        known = known.plus(step.outputs(profile, observed))
    findings = tuple(judge(procedure.rules, profile, facts, policy))
    return Plan(procedure.subject(profile), tuple(changes), findings, known, digest(observations))


def apply_plan(
    session: Session, profile: Profile, plan: Plan, procedure: Procedure, emit: Emit, send: Send = send
) -> Plan:
    """Apply the plan, and return the plan that is left: all no-op.

    Every step is observed and planned again before each of its writes, and after the last; a change that is no longer the one
    that was shown stops the run. At the end everything is read once more, and the procedure's proof is checked. Raises
    RefusedError for a plan that is errored or no longer holds, and CmkctlError when a change fails; what was done stays done.
    """
    if plan.errored:
        raise RefusedError(*(each for each in plan.diagnostics if each.severity is Severity.ERROR), *conflicts(plan))
    if not plan.pending:
        return plan
    _Run(session, profile, plan, procedure, emit, send).walk()
    result = read_through_transients(session, "reading everything back", lambda: make_plan(session, profile, procedure))
    remaining = tuple(each for each in result.changes if each.action is not Action.NO_OP)
    if remaining or result.errored:
        raise CmkctlError(*(_incomplete(each) for each in remaining), *_errors(result))
    problems = tuple(procedure.proof(session, profile, plan, result))
    if problems:
        raise CmkctlError(*problems)
    return result


def _errors(plan: Plan) -> Iterator[Diagnostic]:
    return (each for each in plan.diagnostics if each.severity is Severity.ERROR)


class _Run:
    """One walk over the steps of a plan."""

    def __init__(
        self, session: Session, profile: Profile, plan: Plan, procedure: Procedure, emit: Emit, send: Send
    ) -> None:
        self.session = session
        self.profile = profile
        self.plan = plan
        self.emit = emit
        self.send = send
        self.known = plan.known
        self.failed = False
        """True once a failure was emitted: no change starts after it, although running ones finish."""
        self._steps = procedure.steps

    def walk(self) -> None:
        """Run each step when the steps it needs are done. On the first failure no new step starts; running ones finish."""
        pending = {each.step for each in self.plan.pending}
        waiting = {each.name: each for each in self._steps if each.name in pending}
        running: dict[Future[Outputs], AnyStep] = {}
        failures: list[CmkctlError] = []
        with _threads(len(self._steps), "step") as pool:
            while running or (waiting and not failures):
                held = {*waiting, *(each.name for each in running.values())}
                ready = [each for each in waiting.values() if not held.intersection(_all_needs(each, self._steps))]
                for step in ready if not (failures or self.failed) else ():
                    running[pool.submit(_StepRun(self, step).run)] = waiting.pop(step.name)
                done, _ = wait_for(running, timeout=_SIGNAL_CHECK, return_when=FIRST_COMPLETED)
                for future in done:
                    self._collect(running.pop(future), future, failures)
        if failures:
            refused = any(isinstance(each, RefusedError) for each in failures)
            kind = RefusedError if refused else CmkctlError
            raise kind(*(diagnostic for each in failures for diagnostic in each.diagnostics))

    def _collect(self, step: AnyStep, future: Future[Outputs], failures: list[CmkctlError]) -> None:
        try:
            self.known = self.known.plus(future.result())
        except CmkctlError as error:
            _LOG.info("step %s failed: %s", step.name, error)
            failures.append(error)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The end of one attempt: its failure, or the last reading of the resource where there is one."""

    error: CmkctlError | None = None
    reading: ArmDocument | None = None


class _StepRun:
    """The changes of one step: each starts as soon as the changes it depends on are done.

    A change that was sent is not sent again: until Azure shows its effect, the step is observed again. The same goes for a
    resource that another run may have created first.
    """

    def __init__(self, run: _Run, step: AnyStep) -> None:
        self._run = run
        self._step = step
        self._settled: dict[str, CmkctlError] = {}
        """By resource id: why a change that was sent counts as failed if Azure never shows its effect."""
        self._failed: dict[str, CmkctlError] = {}
        """By resource id: the transient failure of the last attempt."""
        self._running: dict[Future[_Outcome], Change] = {}
        self._started: set[str] = set()
        self._readings: dict[str, ArmDocument | None] = {}
        """By resource id: the last readings of changes that have settled since the last read."""
        self._current: set[str] = set()
        """The resource ids of changes whose last reading shows their effect."""
        self._view: Snapshot | None = None
        self._budget = self._new_budget()

    def run(self) -> Outputs:
        """Observe, send what is ready, observe again, until nothing is left; return the step's outputs."""
        step, run = self._step, self._run
        run.emit(StepStarted(step.name, step.title))
        with _threads(max(len(run.plan.of(step.name)), 1), step.name) as pool:
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
            self._view = self._run.session.snapshot()
        else:
            pending = {
                each.resource_id for each in self._run.plan.of(self._step.name) if each in self._run.plan.pending
            }
            readings, self._readings = self._readings, {}
            self._current |= readings.keys()
            running = {each.resource_id for each in self._running.values()}
            self._view = self._view.again(pending - self._current - running, readings)
        return self._step.observe(self._view, self._run.profile)

    def _due(self, observed: Any) -> list[Change]:
        """Return the remaining changes after checking that all are as shown. Raises RefusedError for a deviation."""
        shown = {each.resource_id: each for each in self._run.plan.of(self._step.name)}
        running = {each.resource_id for each in self._running.values()}
        due = [
            each
            for each in self._step.plan(self._run.profile, observed, self._run.known)
            if each.action is not Action.NO_OP and each.resource_id not in running
        ]
        self._current -= {each.resource_id for each in due}
        for each in due:
            _refuse_unless_shown(each, shown.get(each.resource_id), sent=each.resource_id in self._settled)
        return due

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
                self._settled[change.resource_id] = CmkctlError(_incomplete(change))
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
            failed: CmkctlError = AzureFailed(classify(error))
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
def _threads(count: int, name: str) -> Iterator[ThreadPoolExecutor]:
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


def _await(*futures: Future[Any]) -> None:
    """Wait until all futures are done, and let signal handlers run meanwhile."""
    while wait_for(futures, timeout=_SIGNAL_CHECK).not_done:
        pass


def _all_needs(step: AnyStep, steps: Sequence[AnyStep]) -> set[str]:
    """Return all direct and indirect dependencies of a step: a step in between may have no change that blocks."""
    direct = [each for each in steps if each.name in step.needs]
    return {*step.needs, *(name for each in direct for name in _all_needs(each, steps))}


def _is_final(change: Change, failed: CmkctlError) -> bool:
    """Return True when reading again cannot resolve the failure."""
    return not is_transient(failed) and not (change.action is Action.CREATE and maybe_created_elsewhere(failed))


def _refuse_unless_shown(now: Change, shown: Change | None, *, sent: bool) -> None:
    """Raise RefusedError for a change other than the one shown. A step may have less to do than was shown."""
    if now.action in (Action.NO_OP, Action.WAIT):
        return
    if shown is not None and shown.action is now.action and _same_request(shown, now):
        return
    conflict = [conflict_diagnostic(now)] if now.action is Action.CONFLICT else []
    if sent:
        # This run wrote it and the result differs: Azure did not change by itself.
        raise CmkctlError(_incomplete(now), *conflict)
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
    return (one.method, one.path, one.api_version, one.host, one.plane) == (
        other.method,
        other.path,
        other.api_version,
        other.host,
        other.plane,
    ) and fulfils(one.body, other.body)


def conflicts(plan: Plan) -> Iterable[Diagnostic]:
    """Return the conflicts of a plan as diagnostics."""
    return (conflict_diagnostic(each) for each in plan.changes if each.action is Action.CONFLICT)


def conflict_diagnostic(change: Change) -> Diagnostic:
    """Return a conflict as a diagnostic: its reason is the detail, its ways out are the remedy."""
    return codes.declared(change.code).error(
        f"{change.title}: {change.reason}.", "; or ".join(change.ways_out), subject=change.resource_id
    )


def _incomplete(change: Change) -> Diagnostic:
    return codes.CMK401.error(
        f"{change.title}: it was applied, and {change.action} is still due: {change.reason}.",
        "Run cmkctl plan to see the difference. If it persists, report it together with the output of --record.",
        subject=change.resource_id,
    )
