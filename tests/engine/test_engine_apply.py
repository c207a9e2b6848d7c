"""The loop: it shows what it will do, does exactly that, in order, and looks before it writes again."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from support.toy_procedure import CREATING, OTHER, FakeStep, World, lost, refused, run

from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import Failure, FailureKind
from cmkctl.codes import CMK312
from cmkctl.diagnostics import CmkctlError, Code, RefusedError, Severity
from cmkctl.events import ChangeFailed, ChangeFinished, ChangeStarted, Event, StepFinished, StepStarted
from cmkctl.plan import Action, Request, Unknown

TOGETHER = 5.0
"""Seconds after which two things that should happen at the same time have failed to."""


def step(world: World, name: str, *needs: str, **wants: Any) -> FakeStep:
    """Return a step that wants some resources, or one with its own name."""
    return FakeStep(world, name, wants or {name: 1}, needs)


def codes(error: CmkctlError) -> list[str]:
    """Return the codes of the failures."""
    return [each.code for each in error.diagnostics]


# --- planning ---------------------------------------------------------------------------------------------------------


def test_plan_writes_nothing() -> None:
    """A plan only looks."""
    world = World()

    plan = run(world, step(world, "a"), step(world, "b", "a")).plan()

    assert ([], ["create", "create"]) == (world.writes, [str(each.action) for each in plan.changes])


def test_plan_has_the_changes_in_the_order_of_the_steps() -> None:
    """The documented order is the order of the plan, also where things happen at the same time."""
    world = World(state={"b": 1})

    plan = run(world, step(world, "a"), step(world, "b"), step(world, "c", "a")).plan()

    assert [("a", "create"), ("b", "no-op"), ("c", "create")] == [
        (each.step, str(each.action)) for each in plan.changes
    ]


def test_value_of_an_earlier_step_is_unknown_in_the_plan_and_real_when_applied() -> None:
    """What exists only later is shown as unknown, and filled in by the step that has it."""
    world = World()
    first = FakeStep(world, "a", {"a": 1}, gives="a")
    second = FakeStep(world, "b", {"b": Unknown("a", "value")}, ("a",))
    running = run(world, first, second)

    plan = running.plan()
    running.apply(plan)

    assert {"value": Unknown("a", "value")} == (plan.changes[1].request or Request("", "", "")).body
    assert {"a": 1, "b": "made a"} == world.state


# --- order ------------------------------------------------------------------------------------------------------------


def test_steps_run_when_what_they_need_is_done() -> None:
    """A chain stays a chain, in whichever order it is written down."""
    world = World()

    run(world, step(world, "c", "b"), step(world, "b", "a"), step(world, "a")).apply()

    assert ["a", "b", "c"] == world.writes


def test_step_waits_for_what_its_needs_need_although_those_are_right_already() -> None:
    """A workspace whose vault and key are there still waits for its provider to be registered."""
    world, order = World(state={"b": 1}), list[str]()
    first = step(world, "a")

    def slowly() -> None:
        threading.Event().wait(0.05)
        order.append("a")

    world.during = {"a": slowly, "c": lambda: order.append("c")}

    run(world, first, step(world, "b", "a"), step(world, "c", "b")).apply()

    assert ["a", "c"] == order


def test_steps_that_do_not_need_each_other_overlap() -> None:
    """The associated resources are made beside vault, key and grant."""
    world, meeting = World(), threading.Barrier(2, timeout=TOGETHER)
    world.during = {"b": meeting.wait, "c": meeting.wait}

    run(world, step(world, "a"), step(world, "b", "a"), step(world, "c", "a"), step(world, "d", "b", "c")).apply()

    assert ("a", {"b", "c"}, "d") == (world.writes[0], set(world.writes[1:3]), world.writes[3])


def test_a_step_starts_as_soon_as_what_it_needs_is_done() -> None:
    """Although something else that it does not need is still being made."""
    world, started, met = World(), threading.Event(), list[bool]()
    world.during = {"b": lambda: met.append(started.wait(TOGETHER)), "c": started.set}

    run(world, step(world, "a"), step(world, "b"), step(world, "c", "a")).apply()

    assert [True] == met


def test_changes_of_one_step_overlap_unless_one_comes_after_another() -> None:
    """Storage and Log Analytics are made together, Application Insights after Log Analytics."""
    world, meeting = World(), threading.Barrier(2, timeout=TOGETHER)
    world.during = {"x": meeting.wait, "y": meeting.wait}
    waves = FakeStep(world, "s", {"z": 1, "x": 1, "y": 1}, after={"z": ("y",)})

    run(world, waves).apply()

    assert ({"x", "y"}, "z") == (set(world.writes[:2]), world.writes[2])


def test_an_up_to_date_step_blocks_nothing() -> None:
    """A change does not wait for one that is not due."""
    world = World(state={"y": 1})
    waves = FakeStep(world, "s", {"y": 1, "z": 1}, after={"z": ("y",)})

    run(world, waves).apply()

    assert ["z"] == world.writes


# --- only what was shown ----------------------------------------------------------------------------------------------


def test_nothing_to_do_is_not_applied() -> None:
    """A plan of no-ops is the result, without another look."""
    world = World(state={"a": 1})
    running = run(world, step(world, "a"))
    plan = running.plan()

    result = running.apply(plan)

    assert (plan, ["look a"], []) == (result, world.log, running.events)


def test_each_step_is_looked_at_before_and_after_its_writes_and_at_the_end() -> None:
    """Nothing is written on the strength of an old look."""
    world = World()
    running = run(world, step(world, "a"))
    plan = running.plan()
    world.log.clear()

    running.apply(plan)

    assert ["look a", "write a", "look a", "look a"] == world.log


def test_apply_returns_what_is_left_all_no_op() -> None:
    """After apply, plan is all no-op."""
    world = World(state={"b": 2})

    left = run(world, step(world, "a"), step(world, "b", b=3)).apply()

    assert ({Action.NO_OP}, {"a": 1, "b": 3}) == ({each.action for each in left.changes}, world.state)


@pytest.mark.parametrize(
    ("meanwhile", "expected"), [(2, ["CMK402"]), (OTHER, ["CMK402", "CMK243"])], ids=["another action", "a conflict"]
)
def test_change_that_is_no_longer_the_one_shown_is_refused(meanwhile: Any, expected: list[str]) -> None:
    """After another change meanwhile nothing is written; a conflict is reported with its ways out."""
    world = World()
    running = run(world, step(world, "a"))
    plan = running.plan()
    world.state["a"] = meanwhile

    with pytest.raises(RefusedError) as caught:
        running.apply(plan)

    assert (expected, [], {"a": meanwhile}) == (codes(caught.value), world.writes, world.state)


def test_request_that_is_no_longer_the_one_shown_is_refused() -> None:
    """The same action with a different body is a different change."""
    world = World()
    running = run(world, step(world, "a"))
    plan = running.plan()
    running.steps[0].wants = {"a": 2}

    with pytest.raises(RefusedError) as caught:
        running.apply(plan)

    assert (["CMK402"], []) == (codes(caught.value), world.writes)


def test_change_that_was_not_shown_is_refused() -> None:
    """A step that was right when the plan was shown is not written to."""
    world = World(state={"b": 1})
    running = run(world, step(world, "s", a=1, b=1))
    plan = running.plan()
    del world.state["b"]

    with pytest.raises(RefusedError) as caught:
        running.apply(plan)

    assert (["CMK402"], []) == (codes(caught.value), world.writes)


def test_resource_that_was_not_in_the_plan_at_all_is_refused() -> None:
    """What is due now and was not even looked at then; the refusal names it."""
    world = World()
    running = run(world, step(world, "a"))
    plan = running.plan()
    running.steps[0].wants = {"a": 1, "new": 1}

    with pytest.raises(RefusedError) as caught:
        running.apply(plan)

    (diagnostic,) = caught.value.diagnostics
    assert ("CMK402", "new", []) == (diagnostic.code, diagnostic.subject, world.writes)
    assert "new: planned nothing, now create" in diagnostic.detail


def test_change_made_elsewhere_meanwhile_is_accepted() -> None:
    """Less to do than was shown is no surprise."""
    world = World()
    running = run(world, step(world, "a"), step(world, "b", "a"))
    plan = running.plan()
    world.state["a"] = 1

    running.apply(plan)

    assert (["b"], {"a": 1, "b": 1}) == (world.writes, world.state)


@pytest.mark.parametrize("when", ["before the plan", "after the plan"])
def test_what_is_being_made_is_waited_for_not_made_again(when: str) -> None:
    """An earlier run, or another client, has started it."""
    world = World(state={"a": CREATING} if when == "before the plan" else {})
    running = run(world, step(world, "a"), step(world, "b", "a"))
    plan = running.plan()
    world.state["a"] = CREATING

    running.apply(plan)

    assert (["b"], ["wait a"]) == (world.writes, [each for each in world.log if each.startswith("wait")])


def test_plan_with_a_conflict_is_never_applied() -> None:
    """It can be displayed; the refusal lists the ways out."""
    world = World(state={"b": OTHER})
    running = run(world, step(world, "a"), step(world, "b"))

    with pytest.raises(RefusedError) as caught:
        running.apply()

    (found,) = caught.value.diagnostics
    assert ("CMK243", "another one", "b") == (found.code, found.remedy, found.subject)
    assert ([], []) == (world.writes, running.events)


def test_plan_with_an_error_of_a_rule_is_never_applied() -> None:
    """A rule that makes an error refuses the plan, with that error alone."""
    world = World()
    running = run(world, step(world, "a"))
    warning = Code("CMK198", "a", "", "").warning("b", "c")
    error = Code("CMK199", "a", "", "").error("b", "c")

    with pytest.raises(RefusedError) as caught:
        running.apply(replace(running.plan(), diagnostics=(warning, error)))

    assert (["CMK199"], []) == (codes(caught.value), world.writes)


# --- failures ---------------------------------------------------------------------------------------------------------


def test_failure_lets_running_steps_end_and_starts_no_other() -> None:
    """Changes in progress are finished, no other one starts, and the next run knows both."""
    world, failed = World(), threading.Event()
    world.failures["a"] = [refused()]
    world.during["b"] = lambda: failed.wait(TOGETHER)
    running = run(world, step(world, "a"), step(world, "b"), step(world, "c", "a"), step(world, "d", "b"))
    running.on_event = lambda event: failed.set() if isinstance(event, ChangeFailed) else None

    with pytest.raises(CmkctlError) as caught:
        running.apply()

    assert (["CMK311"], {"b": 1}, {"a", "b"}) == (codes(caught.value), world.state, set(world.writes))
    assert {"a", "b"} == {each.step for each in running.events if isinstance(each, StepStarted)}


def test_no_change_starts_after_a_reported_failure() -> None:
    """Also while a slow terminal displays the failure: no step starts after the line "failed"."""
    world, failed, started = World(), threading.Event(), threading.Event()
    world.failures["a"] = [refused()]
    world.during = {"b": lambda: failed.wait(TOGETHER), "c": started.set}
    running = run(world, step(world, "a"), step(world, "b"), step(world, "c", "b"))

    def fail_slowly(event: Event) -> None:
        if isinstance(event, ChangeFailed):
            failed.set()
            started.wait(0.5)

    running.on_event = fail_slowly

    with pytest.raises(CmkctlError):
        running.apply()

    assert {"a": False, "b": True, "c": False} == {each: each in world.state for each in "abc"}


def test_simultaneous_failures_are_all_reported() -> None:
    """One run reports all of its failures."""
    world, meeting = World(), threading.Barrier(2, timeout=TOGETHER)
    world.failures["x"], world.failures["y"] = [refused()], [refused(FailureKind.DENIED)]
    world.during = {"x": meeting.wait, "y": meeting.wait}

    with pytest.raises(CmkctlError) as caught:
        run(world, step(world, "s", x=1, y=1)).apply()

    assert ["CMK303", "CMK311"] == sorted(codes(caught.value))


@pytest.mark.parametrize(
    "kind",
    [
        FailureKind.TERMINAL,
        FailureKind.DENIED,
        FailureKind.UNAUTHENTICATED,
        FailureKind.ABSENT,
        FailureKind.NOT_EFFECTIVE,
    ],
)
def test_refusal_that_will_not_pass_is_not_repeated(kind: FailureKind) -> None:
    """A retry would get the same response."""
    world = World()
    world.failures["a"] = [refused(kind)]

    with pytest.raises(CmkctlError):
        run(world, step(world, "a")).apply()

    assert (["a"], []) == (world.writes, world.clock.waits)


def test_throttled_write_waits_as_long_as_azure_requires_and_reads_before_it_is_sent_again() -> None:
    """Another client may have made it during the wait."""
    world = World()
    world.failures["a"] = [AzureFailed(Failure(FailureKind.THROTTLED, "TooManyRequests", "no", 429, retry_after="324"))]
    running = run(world, step(world, "a"))
    plan = running.plan()
    world.log.clear()

    running.apply(plan)

    assert [324.0] == world.clock.waits
    assert ["look a", "write a", "look a", "write a", "look a", "look a"] == world.log


def test_of_several_delays_that_azure_requires_the_longest_is_kept() -> None:
    """Both are sent again together, and neither before its time."""
    world = World()
    for name, seconds in (("x", "30"), ("y", "200"), ("z", "")):
        world.failures[name] = [AzureFailed(Failure(FailureKind.THROTTLED, "", "no", 429, retry_after=seconds))]
    world.failures["z"] = [refused(FailureKind.PASSING)]

    run(world, step(world, "s", x=1, y=1, z=1)).apply()

    assert ([200.0], {"x": 1, "y": 1, "z": 1}) == (world.clock.waits, world.state)


def test_a_timed_out_wait_is_reported_without_a_second_write() -> None:
    """The end of a wait (CMK312) is no refusal of Azure's: it goes on, and the next run, too."""
    world = World()
    world.failures["a"] = [CmkctlError(CMK312.error("b", "c"))]

    with pytest.raises(CmkctlError) as caught:
        run(world, step(world, "a")).apply()

    assert (["CMK312"], ["a"], []) == (codes(caught.value), world.writes, world.clock.waits)


def test_throttled_write_with_a_long_delay_is_reported() -> None:
    """Nothing is sent before Azure's time, and the run ends instead of waiting for a day."""
    world = World()
    world.failures["a"] = [
        AzureFailed(Failure(FailureKind.THROTTLED, "TooManyRequests", "no", 429, retry_after="86400"))
    ]

    with pytest.raises(CmkctlError) as caught:
        run(world, step(world, "a")).apply()

    assert (["CMK306"], ["a"], []) == (codes(caught.value), world.writes, world.clock.waits)
    assert "86400" in caught.value.diagnostics[0].detail


@pytest.mark.parametrize("kind", [FailureKind.CONFLICT, FailureKind.EXISTS])
def test_a_resource_created_elsewhere_first_is_found(kind: FailureKind) -> None:
    """A 409 on a creation may mean that it is there by now: it is looked for, and not written again."""
    world = World()
    world.failures["a"] = [(refused(kind),)]
    world.hidden["a"] = 2

    run(world, step(world, "a"), step(world, "b", "a")).apply()

    assert (["a", "b"], {"a": 1, "b": 1}) == (world.writes, world.state)


def test_persistent_conflict_is_reported_after_a_few_reads_without_a_second_write() -> None:
    """Ten seconds show whether another client made it; after them Azure's own error is reported."""
    world = World()
    world.failures["a"] = [refused(FailureKind.CONFLICT)]

    with pytest.raises(CmkctlError) as caught:
        run(world, step(world, "a")).apply()

    assert (["CMK308"], ["a"]) == (codes(caught.value), world.writes)
    assert 0 < world.clock.elapsed() <= 10


def test_conflict_on_an_update_is_reported_at_once() -> None:
    """The change cannot come from another client: the resource was read a moment ago."""
    world = World(state={"a": 0})
    world.failures["a"] = [refused(FailureKind.CONFLICT)]

    with pytest.raises(CmkctlError) as caught:
        run(world, step(world, "a")).apply()

    assert (["CMK308"], ["a"], []) == (codes(caught.value), world.writes, world.clock.waits)


def test_look_that_fails_for_a_while_does_not_end_the_run() -> None:
    """A read in the middle of an apply that meets a transient error is retried for minutes."""
    world = World()
    plan = run(world, step(world, "a"), step(world, "b", "a")).plan()
    world.blind["b"] = [refused(FailureKind.PASSING), refused(FailureKind.NETWORK)]

    run(world, step(world, "a"), step(world, "b", "a")).apply(plan)

    assert ({"a": 1, "b": 1}, 2) == (world.state, len(world.clock.waits))


def test_look_that_is_denied_ends_the_run() -> None:
    """A lasting failure is reported at once, and the changes that were made stay."""
    world = World()
    plan = run(world, step(world, "a"), step(world, "b", "a")).plan()
    world.blind["b"] = [refused(FailureKind.DENIED)]

    with pytest.raises(CmkctlError) as caught:
        run(world, step(world, "a"), step(world, "b", "a")).apply(plan)

    assert (["CMK303"], {"a": 1}) == (codes(caught.value), world.state)


def test_lost_answer_is_looked_at_and_not_written_again_when_it_took_effect() -> None:
    """Whether a write without an answer took effect is seen by looking, never by writing again."""
    world = World()
    world.failures["a"] = [(lost(),)]

    run(world, step(world, "a"), step(world, "b", "a")).apply()

    assert (["a", "b"], {"a": 1, "b": 1}) == (world.writes, world.state)


def test_lost_answer_is_written_again_when_it_had_no_effect() -> None:
    """Between the two writes there is a look, and a pause."""
    world = World()
    world.failures["a"] = [lost()]
    running = run(world, step(world, "a"))
    plan = running.plan()
    world.log.clear()

    running.apply(plan)

    assert ["look a", "write a", "look a", "write a", "look a", "look a"] == world.log
    assert 1 == len(world.clock.waits)


@pytest.mark.parametrize("kind", [FailureKind.PENDING, FailureKind.NOT_REGISTERED, FailureKind.IN_PROGRESS])
@pytest.mark.parametrize("seconds", [1.0, 39.0, 150.0])
def test_what_azure_was_not_ready_for_is_noticed_soon_and_not_by_writing_all_the_time(
    kind: FailureKind, seconds: float
) -> None:
    """A new principal was recorded missing for 39 seconds: two seconds later, or 5 %, the grant is there."""
    world = World()

    def not_ready() -> None:
        if world.clock.elapsed() < seconds:
            raise refused(kind)

    world.during = {"a": not_ready}

    run(world, step(world, "a")).apply()

    assert 1 == world.state["a"]
    assert world.clock.elapsed() - seconds <= max(2.0, 0.05 * seconds)
    assert len(world.writes) < 12 + seconds / 2


@pytest.mark.parametrize(
    "kind",
    [
        FailureKind.PASSING,
        FailureKind.PENDING,
        FailureKind.NOT_REGISTERED,
        FailureKind.IN_PROGRESS,
        FailureKind.NETWORK,
    ],
)
def test_refusal_that_passes_is_written_again_after_another_look(kind: FailureKind) -> None:
    """A principal that is not everywhere yet, a registration that needs a minute, a busy resource."""
    world = World()
    world.failures["a"] = [refused(kind), refused(kind)]

    run(world, step(world, "a")).apply()

    assert (["a", "a", "a"], {"a": 1}, 2) == (world.writes, world.state, len(world.clock.waits))


def test_only_the_failed_change_of_several_is_repeated() -> None:
    """What was written once is not written again because of its neighbour."""
    world = World()
    world.failures["x"] = [lost()]

    run(world, step(world, "s", x=1, y=1)).apply()

    assert ["x", "x", "y"] == sorted(world.writes)


def test_patience_ends() -> None:
    """A failure that lasts for three minutes is reported as it is."""
    world = World()
    world.failures["a"] = [lost() for _ in range(1000)]

    with pytest.raises(CmkctlError) as caught:
        run(world, step(world, "a")).apply()

    assert ["CMK310"] == codes(caught.value)
    assert 120 < world.clock.elapsed() <= 180
    assert len(world.writes) < 30


def test_patience_ends_with_the_time_that_was_given() -> None:
    """A run does not wait past its --timeout, and reports this as the reason, and that Azure continues."""
    world = World(deadline=10.0)
    world.failures["a"] = [lost() for _ in range(1000)]

    with pytest.raises(CmkctlError) as caught:
        run(world, step(world, "a")).apply()

    assert world.clock.elapsed() <= 10
    assert ["CMK310", "CMK312"] == codes(caught.value)


def test_looks_that_fail_end_with_the_time_that_was_given() -> None:
    """Also when it is a read that meets them."""
    world = World(deadline=10.0)
    running = run(world, step(world, "a"))
    plan = running.plan()
    world.blind["a"] = [refused(FailureKind.THROTTLED, "TooManyRequests") for _ in range(1000)]

    with pytest.raises(CmkctlError) as caught:
        running.apply(plan)

    assert ["CMK306", "CMK312"] == codes(caught.value)


def test_patience_is_anew_for_a_new_trouble() -> None:
    """A trouble that has passed does not shorten the patience for one that comes much later."""
    world = World()
    world.failures["a"], world.failures["b"] = [lost()], [lost()]
    world.during["b"] = lambda: world.clock.sleep(1000)
    waves = FakeStep(world, "s", {"a": 1, "b": 1}, after={"b": ("a",)})

    run(world, waves).apply()

    assert ["a", "a", "b", "b"] == world.writes


def test_write_that_does_not_show_yet_is_waited_for_not_repeated() -> None:
    """Azure's lists lag behind its writes: a grant that was made is not made twice."""
    world = World()
    world.hidden["a"] = 3

    run(world, step(world, "a"), step(world, "b", "a")).apply()

    assert (["a", "b"], 3) == (world.writes, len(world.clock.waits))


def test_write_that_never_shows_is_a_failure() -> None:
    """A write that Azure took and that is not to be seen is no success."""
    world = World()
    world.hidden["a"] = 10_000

    with pytest.raises(CmkctlError) as caught:
        run(world, step(world, "a")).apply()

    (found,) = caught.value.diagnostics
    assert ("CMK401", Severity.ERROR, "a") == (found.code, found.severity, found.subject)
    assert ["a"] == world.writes


def test_result_other_than_the_desired_one_is_a_failure() -> None:
    """At the end everything is read once more: here the second step undoes what the first has made."""
    world = World()
    world.during["b"] = lambda: world.state.pop("a")

    with pytest.raises(CmkctlError) as caught:
        run(world, step(world, "a"), step(world, "b", "a")).apply()

    assert (["CMK401"], ["a", "b"]) == (codes(caught.value)[:1], world.writes)


def test_an_interrupted_run_goes_on_where_it_was() -> None:
    """The same command again makes what is missing, and nothing twice."""
    world = World()
    world.failures["b"] = [refused()]
    steps = (step(world, "a"), step(world, "b", "a"), step(world, "c", "b"))

    with pytest.raises(CmkctlError):
        run(world, *steps).apply()
    run(world, *steps).apply()

    assert ["a", "b", "b", "c"] == world.writes


# --- events -----------------------------------------------------------------------------------------------------------


def test_events_are_emitted_in_order() -> None:
    """A step starts before its change and ends after it; a step without a change emits nothing."""
    world = World(state={"a": 1})
    running = run(world, step(world, "a"), step(world, "b", "a"))

    running.apply()

    assert [StepStarted, ChangeStarted, ChangeFinished, StepFinished] == [type(each) for each in running.events]
    assert ["b", "b"] == [each.step for each in running.events if isinstance(each, StepStarted | StepFinished)]


def test_a_finished_change_has_its_duration() -> None:
    """Not how long the run has taken so far."""
    world = World()
    world.clock.sleep(1000)
    world.during["a"] = lambda: world.clock.sleep(7)
    running = run(world, step(world, "a"))

    running.apply()

    assert [7.0] == [each.seconds for each in running.events if isinstance(each, ChangeFinished)]


def test_the_subject_of_a_wait_is_emitted() -> None:
    """The wait is announced with its reason."""
    world = World()
    world.failures["a"] = [refused(FailureKind.PENDING, "PrincipalNotFound")]

    run(world, step(world, "a")).apply()

    assert (1, True) == (len(world.announced), "PrincipalNotFound" in world.announced[0])


def test_failed_change_is_reported_with_its_reasons() -> None:
    """The event carries what the error carries."""
    world = World()
    world.failures["a"] = [refused()]
    running = run(world, step(world, "a"))

    with pytest.raises(CmkctlError) as caught:
        running.apply()

    assert [caught.value.diagnostics] == [each.diagnostics for each in running.events if isinstance(each, ChangeFailed)]


def test_change_that_is_given_up_is_reported() -> None:
    """Every change that was started is finished or failed in the end, also when patience ended."""
    world = World()
    world.failures["a"] = [lost() for _ in range(1000)]
    running = run(world, step(world, "a"))

    with pytest.raises(CmkctlError):
        running.apply()

    assert 1 == len([each for each in running.events if isinstance(each, ChangeFailed)])


def test_events_come_from_the_threads_in_which_things_happen() -> None:
    """Two concurrent changes are both emitted as started before either has finished."""
    world, meeting = World(), threading.Barrier(2, timeout=TOGETHER)
    world.during = {"x": meeting.wait, "y": meeting.wait}
    running = run(world, step(world, "s", x=1, y=1))

    running.apply()

    kinds: list[type[Event]] = [type(each) for each in running.events]
    assert [ChangeStarted, ChangeStarted, ChangeFinished, ChangeFinished] == kinds[1:-1]
