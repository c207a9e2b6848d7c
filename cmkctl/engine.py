"""The only loop: observe, plan, apply.

`make_plan` reads and computes; `apply_plan` walks the changes in the documented order. Neither knows a key vault or a terminal:
a procedure brings the steps and rules, and progress is emitted as events.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future
from concurrent.futures import wait as wait_for
from typing import Any, Final

from cmkctl.azure.send import send
from cmkctl.azure.session import Session
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.waiting import read_through_transients
from cmkctl.diagnostics import CmkctlError, Diagnostic, RefusedError, Severity
from cmkctl.digests import digest
from cmkctl.events import (
    Emit,
)
from cmkctl.facts import PLANNED, Fact, Facts, PlannedFact, RulePolicy, attempt, judge, needed
from cmkctl.plan import Action, Change, Known, Outputs, Plan
from cmkctl.procedures.base import Procedure
from cmkctl.profile.model import Profile
from cmkctl.step_run import RunState, Send, StepRun, conflicts, incomplete, threads
from cmkctl.steps.base import AnyStep

_LOG: Final = logging.getLogger(__name__)

_SIGNAL_CHECK: Final = 0.5
"""Seconds that the main thread blocks at a time. It runs the signal handlers, and while blocked it can miss a signal that the
system delivered to a different thread. The clock is checked as well: Python drops the KeyboardInterrupt of a handler that ran
inside a finalizer or a callback of a weak reference, as on an import, and the run would go on until the requests end."""


def make_plan(session: Session, profile: Profile, procedure: Procedure, policy: RulePolicy | None = None) -> Plan:
    """Read everything once, all steps and facts at the same time, and compute the changes; then read what depends on them.

    Sends no write. Raises CmkctlError when a step cannot observe.
    """
    azure = session.snapshot()
    facts = observe(azure, profile, procedure)
    dependent = [each for each in needed(procedure.rules) if isinstance(each, PlannedFact)]
    if dependent:
        changes, _known = _planned(profile, facts, procedure)
        facts = facts.plus(_read_all([each.given(changes) for each in dependent], azure, profile))
    return plan_from(profile, facts, procedure, policy or RulePolicy())


def observe(azure: Snapshot, profile: Profile, procedure: Procedure) -> Facts:
    """Read the observation of every step and the facts that the rules need. All reads are independent and start together.

    A fact that only rules need may be unreadable; an observation that a step needs may not.
    """
    steps = {each.name: each for each in procedure.steps}
    others = [each for each in needed(procedure.rules, {*steps, PLANNED.name}) if not isinstance(each, PlannedFact)]
    with threads(len(steps) + len(others), "observe") as pool:
        observed = {name: pool.submit(step.observe, azure, profile) for name, step in steps.items()}
        read = {fact.name: pool.submit(attempt, fact, azure, profile) for fact in others}
        _await(azure.check, *observed.values(), *read.values())
        return Facts({name: future.result() for name, future in (observed | read).items()})


def plan_from(profile: Profile, facts: Facts, procedure: Procedure, policy: RulePolicy) -> Plan:
    """Compute the plan that follows from a profile and the facts, and judge it. Pure."""
    changes, known = _planned(profile, facts, procedure)
    findings = tuple(judge(procedure.rules, profile, facts.plus({PLANNED.name: changes}), policy))
    observations = {step.name: facts.observation(step.name) for step in procedure.steps}
    return Plan(procedure.subject(profile), changes, findings, known, digest(observations), facts.awaiting_registration)


def _planned(profile: Profile, facts: Facts, procedure: Procedure) -> tuple[tuple[Change, ...], Known]:
    """Return the changes of all steps, and the outputs known so far."""
    known = Known()
    changes: list[Change] = []
    for step in procedure.steps:
        observed = facts.observation(step.name)
        changes += step.plan(profile, observed, known)
        known = known.plus(step.outputs(profile, observed))
    return tuple(changes), known


def _read_all(facts: Sequence[Fact[Any]], azure: Snapshot, profile: Profile) -> dict[str, Any]:
    """Read facts at the same time; return their values by name."""
    with threads(len(facts), "facts") as pool:
        read = {fact.name: pool.submit(attempt, fact, azure, profile) for fact in facts}
        _await(azure.check, *read.values())
        return {name: future.result() for name, future in read.items()}


def apply_plan(
    session: Session,
    profile: Profile,
    plan: Plan,
    procedure: Procedure,
    emit: Emit,
    send: Send = send,
    policy: RulePolicy | None = None,
) -> Plan:
    """Apply the plan, and return the plan that is left: all no-op.

    Every step is observed and planned again before each of its writes, and after the last; a change that is no longer the one
    that was shown stops the run. A rule that had to wait for a registration is judged before the first irreversible change. At
    the end everything is read once more, judged by the same `policy` as the plan, and the procedure's proof is checked. Raises
    RefusedError for a plan that is errored or no longer holds, and CmkctlError when a change fails; what was done stays done.
    """
    if plan.errored:
        raise RefusedError(*(each for each in plan.diagnostics if each.severity is Severity.ERROR), *conflicts(plan))
    if not plan.pending:
        return plan
    run = RunState(session, profile, plan, emit, send, plan.known)
    _Run(run, procedure.steps, lambda azure: _judge_again(azure, profile, procedure, plan.unread_facts, policy)).walk()
    result = read_through_transients(
        session, "reading everything back", lambda: make_plan(session, profile, procedure, policy)
    )
    remaining = tuple(each for each in result.changes if each.action is not Action.NO_OP)
    if remaining or result.errored:
        raise CmkctlError(*(incomplete(each) for each in remaining), *_errors(result))
    problems = tuple(procedure.proof(session, profile, plan, result))
    if problems:
        raise CmkctlError(*problems)
    return result


def _judge_again(
    azure: Snapshot, profile: Profile, procedure: Procedure, awaited: frozenset[str], policy: RulePolicy | None
) -> None:
    """Judge the rules that need `awaited` facts, all of their facts read anew. Raises RefusedError for an error."""
    rules = [each for each in procedure.rules if awaited.intersection(fact.name for fact in each.needs)]
    facts = Facts(_read_all(needed(rules), azure, profile))
    found = [each for each in judge(rules, profile, facts, policy) if each.severity is Severity.ERROR]
    if found:
        raise RefusedError(*found)


def _errors(plan: Plan) -> Iterator[Diagnostic]:
    return (each for each in plan.diagnostics if each.severity is Severity.ERROR)


class _Run:
    """One walk over the steps of a plan."""

    def __init__(self, state: RunState, steps: Sequence[AnyStep], judge_again: Callable[[Snapshot], None]) -> None:
        self._state = state
        self._steps = steps
        self._judge_again = judge_again
        self._unjudged = bool(state.plan.unread_facts)
        self._view: Snapshot | None = None
        """The readings of the second judgement, reused by the steps that start right after it."""

    def walk(self) -> None:
        """Run each step when the steps it needs are done. On the first failure no new step starts; running ones finish."""
        pending = {each.step for each in self._state.plan.pending}
        waiting = {each.name: each for each in self._steps if each.name in pending}
        running: dict[Future[Outputs], AnyStep] = {}
        failures: list[CmkctlError] = []
        with threads(len(self._steps), "step") as pool:
            while running or (waiting and not failures):
                held = {*waiting, *(each.name for each in running.values())}
                ready = [each for each in waiting.values() if not held.intersection(_all_needs(each, self._steps))]
                for step in ready if not (failures or self._state.failed) else ():
                    if not self._may_start(step, failures):
                        break
                    running[pool.submit(StepRun(self._state, step, self._view).run)] = waiting.pop(step.name)
                self._view = None
                done, _ = wait_for(running, timeout=_SIGNAL_CHECK, return_when=FIRST_COMPLETED)
                self._state.session.clock.check()
                for future in done:
                    self._collect(running.pop(future), future, failures)
        if failures:
            refused = any(isinstance(each, RefusedError) for each in failures)
            kind = RefusedError if refused else CmkctlError
            raise kind(*(diagnostic for each in failures for diagnostic in each.diagnostics))

    def _may_start(self, step: AnyStep, failures: list[CmkctlError]) -> bool:
        """Judge the rules that waited for a registration, once, before a step makes what cannot be undone."""
        if not self._unjudged or not any(each.irreversible for each in self._state.plan.of(step.name)):
            return True
        self._unjudged = False
        self._view = self._state.session.snapshot()
        try:
            self._judge_again(self._view)
        except CmkctlError as error:
            _LOG.info("step %s does not start: %s", step.name, error)
            failures.append(error)
        return not failures

    def _collect(self, step: AnyStep, future: Future[Outputs], failures: list[CmkctlError]) -> None:
        try:
            self._state.known = self._state.known.plus(future.result())
        except CmkctlError as error:
            _LOG.info("step %s failed: %s", step.name, error)
            failures.append(error)


def _await(check: Callable[[], None], *futures: Future[Any]) -> None:
    """Wait until all futures are done, and let signal handlers run meanwhile. `check` raises once the run was interrupted."""
    while wait_for(futures, timeout=_SIGNAL_CHECK).not_done:
        check()


def _all_needs(step: AnyStep, steps: Sequence[AnyStep]) -> set[str]:
    """Return all direct and indirect dependencies of a step: a step in between may have no change that blocks."""
    direct = [each for each in steps if each.name in step.needs]
    return {*step.needs, *(name for each in direct for name in _all_needs(each, steps))}
