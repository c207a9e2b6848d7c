"""The only loop: observe, plan, and make the plan true.

`make_plan` reads and computes; `apply_plan` walks the changes in the documented order. Neither knows what a key vault is,
and neither knows a terminal: what happens is told through events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

from azure.core.exceptions import AzureError

from cmkctl.azure.errors import AzureFailed, classify
from cmkctl.azure.session import Session, Snapshot
from cmkctl.checks.rules import check
from cmkctl.clock import Interrupted
from cmkctl.diagnostics import CmkctlError, Diagnostic, RefusedError, Severity
from cmkctl.digests import digest
from cmkctl.events import ChangeFailed, ChangeFinished, ChangeStarted, Emit, StepFinished, StepStarted
from cmkctl.patience import Patience, made_by_another, passes
from cmkctl.plan import Action, Change, Outputs, Plan, Subject, fulfils
from cmkctl.profile.model import Profile
from cmkctl.steps import SEQUENCE, AnyStep

T = TypeVar("T")

_GLANCE: Final = 0.5
"""Seconds for which the main thread waits in one piece. It runs the signal handlers, and waiting it may have missed one: the
system may give the signal to another thread, or before the main thread has gone to sleep."""


Observations: TypeAlias = Mapping[str, Any]
"""What each step observed, by step name."""


def make_plan(session: Session, profile: Profile, steps: Sequence[AnyStep] = SEQUENCE) -> Plan:
    """Read everything once, all steps at the same time, and compute what would be done.

    Sends no write. Raises CmkctlError when Azure does not let us see.
    """
    snapshot = session.snapshot()
    return plan_from(profile, observe(snapshot, profile, steps), steps)


def observe(azure: Snapshot, profile: Profile, steps: Sequence[AnyStep] = SEQUENCE) -> Observations:
    """What every step observes. No read depends on another step, so all go out together."""
    with _threads(len(steps), "observe") as pool:
        futures = {each.name: pool.submit(each.observe, azure, profile) for each in steps}
        subscription = pool.submit(azure.subscription)
        _attend(subscription, *futures.values())
        return {"subscription": subscription.result(), **{name: each.result() for name, each in futures.items()}}


def plan_from(profile: Profile, observations: Observations, steps: Sequence[AnyStep] = SEQUENCE) -> Plan:
    """The plan that follows from a profile and what was observed: pure."""
    known: dict[str, Outputs] = {}
    changes: list[Change] = []
    for step in steps:
        observed = observations[step.name]
        changes += step.plan(profile, observed, known)
        known[step.name] = step.outputs(profile, observed, known)
    subject = Subject(profile.cloud, profile.subscription, profile.location, profile.workspace_id)
    return Plan(subject, tuple(changes), tuple(check(profile, observations)), known, digest(observations))


def apply_plan(session: Session, profile: Profile, plan: Plan, emit: Emit, steps: Sequence[AnyStep] = SEQUENCE) -> Plan:
    """Make the plan true, and return the plan that is left: all no-op.

    Every step is observed and planned again before each of its writes, and after the last; it stops when a change is no
    longer the one that was shown. At the end everything is read once more. Raises RefusedError for a plan that is errored
    or no longer holds, and CmkctlError when a change fails, with everything that was done left as it is.
    """
    if plan.errored:
        raise RefusedError(*(each for each in plan.diagnostics if each.severity is Severity.ERROR), *_conflicts(plan))
    if not plan.pending:
        return plan
    _Run(session, profile, plan, emit, steps).walk()
    result = _patiently(session, "reading everything once more", lambda: make_plan(session, profile, steps))
    remaining = tuple(each for each in result.changes if each.action is not Action.NO_OP)
    if remaining or result.errored:
        raise CmkctlError(*(_not_right(each) for each in remaining), *result.diagnostics)
    return result


class _Run:
    """One walk over the steps of a plan: which are done, and what they handed on."""

    def __init__(self, session: Session, profile: Profile, plan: Plan, emit: Emit, steps: Sequence[AnyStep]) -> None:
        self._session = session
        self._profile = profile
        self._plan = plan
        self._emit = emit
        self._steps = steps
        self._known: dict[str, Outputs] = dict(plan.outputs)
        self._over = False
        """Whether a failure was told: from then on no step is begun, although the failed one may still be ending."""

    def walk(self) -> None:
        """Run each step when what it needs is done. A failure lets running steps end and starts no other."""
        pending = {each.step for each in self._plan.pending}
        waiting = {each.name: each for each in self._steps if each.name in pending}
        running: dict[Future[Outputs], AnyStep] = {}
        failures: list[CmkctlError] = []
        with _threads(len(self._steps), "step") as pool:
            while running or (waiting and not failures):
                held = {*waiting, *(each.name for each in running.values())}
                ready = [each for each in waiting.values() if not held.intersection(_all_needs(each, self._steps))]
                for step in ready if not (failures or self._over) else ():
                    running[pool.submit(self._run, waiting.pop(step.name))] = step
                done, _ = wait_for(running, timeout=_GLANCE, return_when=FIRST_COMPLETED)
                for future in done:
                    self._finished(running.pop(future), future, failures)
        if failures:
            refused = any(isinstance(each, RefusedError) for each in failures)
            kind = RefusedError if refused else CmkctlError
            raise kind(*(diagnostic for each in failures for diagnostic in each.diagnostics))

    def _finished(self, step: AnyStep, future: Future[Outputs], failures: list[CmkctlError]) -> None:
        try:
            self._known[step.name] = future.result()
        except CmkctlError as error:
            failures.append(error)

    def _run(self, step: AnyStep) -> Outputs:
        """Look, do what is ready, look again, until nothing is left to do.

        What was written once is not written again: until Azure shows it, it is waited for. So is what Azure refuses to
        create because somebody else was faster.
        """
        self._emit(StepStarted(step.name, step.title))
        settled: dict[str, CmkctlError] = {}
        patience = Patience(self._session, step.title)
        while True:
            observed = _patiently(self._session, step.title, lambda: self._look(step))
            due = self._due(step, observed)
            if not due:
                self._emit(StepFinished(step.name, step.title))
                return step.outputs(self._profile, observed, self._known)
            ready = [each for each in _ready(due) if each.resource_id not in settled]
            failed = self._make(step, ready)
            made = [each for each in ready if each.resource_id not in failed]
            settled |= {each.resource_id: _not_shown_yet(each) for each in made if each.action.writes}
            settled |= {resource: error for resource, error in failed.items() if made_by_another(error)}
            if made:
                patience = Patience(self._session, step.title)
                continue
            trouble = failed or {
                each.resource_id: settled[each.resource_id] for each in due if each.resource_id in settled
            }
            if not patience.waited([*trouble.values()]):
                self._give_up(due, trouble, patience.out_of_time())

    def _look(self, step: AnyStep) -> Any:
        return step.observe(self._session.snapshot(), self._profile)

    def _due(self, step: AnyStep, observed: Any) -> list[Change]:
        """What is left to do, all of it as it was shown. Raises RefusedError for anything else."""
        shown = {each.resource_id: each for each in self._plan.of(step.name)}
        due = [each for each in step.plan(self._profile, observed, self._known) if each.action is not Action.NO_OP]
        for each in due:
            _refuse_unless_shown(each, shown.get(each.resource_id))
        return due

    def _give_up(
        self, due: Sequence[Change], trouble: Mapping[str, CmkctlError], more: Sequence[Diagnostic]
    ) -> NoReturn:
        """Tell which changes were not made, and raise why; `more` is said beside it."""
        for each in due:
            if each.resource_id in trouble:
                self._tell_failed(each, trouble[each.resource_id])
        raise CmkctlError(*(diagnostic for each in trouble.values() for diagnostic in each.diagnostics), *more)

    def _make(self, step: AnyStep, changes: Sequence[Change]) -> dict[str, CmkctlError]:
        """Make changes at the same time. Those worth another look are returned by resource id, other failures raised."""
        with _threads(max(len(changes), 1), step.name) as pool:
            futures = {each.resource_id: pool.submit(self._make_one, step, each) for each in changes}
            outcomes = {resource: future.result() for resource, future in futures.items()}
        failed = {resource: outcome for resource, outcome in outcomes.items() if outcome is not None}
        final = [error for each in changes if (error := outcomes[each.resource_id]) and _is_final(each, error)]
        if final:
            raise CmkctlError(*(diagnostic for each in final for diagnostic in each.diagnostics))
        return failed

    def _make_one(self, step: AnyStep, change: Change) -> CmkctlError | None:
        began = self._session.clock.elapsed()
        self._emit(ChangeStarted(change))
        try:
            step.apply(self._session, change)
        except AzureError as error:
            failed: CmkctlError = AzureFailed(classify(error))
        except CmkctlError as error:
            failed = error
        else:
            self._emit(ChangeFinished(change, self._session.clock.elapsed() - began))
            return None
        if _is_final(change, failed):
            self._tell_failed(change, failed)
        return failed

    def _tell_failed(self, change: Change, error: CmkctlError) -> None:
        self._over = True
        self._emit(ChangeFailed(change, error.diagnostics))


@contextmanager
def _threads(count: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """Threads whose work is waited for; but not when the run is told to stop, for Azure may take minutes to answer."""
    pool = ThreadPoolExecutor(count, thread_name_prefix=name)
    wait = True
    try:
        yield pool
    except (KeyboardInterrupt, Interrupted):
        wait = False
        raise
    finally:
        pool.shutdown(wait=wait, cancel_futures=True)


def _attend(*futures: Future[Any]) -> None:
    """Wait until all have ended, well or not, and hear a signal meanwhile."""
    while wait_for(futures, timeout=_GLANCE).not_done:
        pass


def _all_needs(step: AnyStep, steps: Sequence[AnyStep]) -> set[str]:
    """What a step needs, and what that needs: a step in between that has nothing to do holds nobody up by itself."""
    direct = [each for each in steps if each.name in step.needs]
    return {*step.needs, *(name for each in direct for name in _all_needs(each, steps))}


def _patiently(session: Session, what: str, read: Callable[[], T]) -> T:
    """What a read says, asked again while its failures are such that pass. Raises CmkctlError for every other."""
    patience = Patience(session, what)
    while True:
        try:
            return read()
        except AzureFailed as error:
            if not passes(error):
                raise
            if not patience.waited([error]):
                raise CmkctlError(*error.diagnostics, *patience.out_of_time()) from error


def _is_final(change: Change, failed: CmkctlError) -> bool:
    """Whether another look cannot help."""
    return not passes(failed) and not (change.action is Action.CREATE and made_by_another(failed))


def _ready(changes: Iterable[Change]) -> list[Change]:
    """The changes that can be made now: those that no other unmade change of the step must come before."""
    unmade = [each for each in changes if each.action is not Action.NO_OP]
    held = {each.resource_id for each in unmade}
    return [each for each in unmade if not held.intersection(each.depends_on)]


def _refuse_unless_shown(now: Change, shown: Change | None) -> None:
    """A step may have less to do than was shown, never something else."""
    if now.action in (Action.NO_OP, Action.WAIT):
        return
    if shown is not None and shown.action is now.action and _same_request(shown, now):
        return
    raise RefusedError(
        Diagnostic(
            "CMK402",
            Severity.ERROR,
            "Azure is no longer as it was when the plan was made",
            f"{now.title}: planned {shown.action if shown else 'nothing'}, now {now.action} ({now.reason}). "
            "Nothing was written for it.",
            "Look at the new plan: cmkctl plan. What was done before this point stays done.",
            subject=now.resource_id,
        ),
        *([conflict_diagnostic(now)] if now.action is Action.CONFLICT else []),
    )


def _same_request(shown: Change, now: Change) -> bool:
    if shown.request is None or now.request is None:
        return shown.request is now.request
    one, other = shown.request, now.request
    return (one.method, one.path, one.api_version, one.host) == (
        other.method,
        other.path,
        other.api_version,
        other.host,
    ) and fulfils(one.body, other.body)


def _conflicts(plan: Plan) -> Iterable[Diagnostic]:
    return (conflict_diagnostic(each) for each in plan.changes if each.action is Action.CONFLICT)


def conflict_diagnostic(change: Change) -> Diagnostic:
    """A conflict as a diagnostic: the reason is its detail, the ways out are its remedy."""
    return Diagnostic(
        change.code,
        Severity.ERROR,
        "A conflict that cmkctl may not mend",
        f"{change.title}: {change.reason}.",
        "; or ".join(change.ways_out),
        subject=change.resource_id,
    )


def _not_shown_yet(change: Change) -> CmkctlError:
    return CmkctlError(_not_right(change))


def _not_right(change: Change) -> Diagnostic:
    return Diagnostic(
        "CMK401",
        Severity.ERROR,
        "The result is not what was asked for",
        f"{change.title}: it was applied, and {change.action} is still due: {change.reason}.",
        "Run cmkctl plan to see what differs. If it stays, report it together with the output of --record.",
        subject=change.resource_id,
    )
