"""The activity of a run is displayed at least every ten seconds, also while Azure sends nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import Any

from support.view_plans import new_workspace
from support.view_streams import UNTIL, Pipe

from cmkctl import events
from cmkctl.views.activity import READING, Heartbeat, RateLimit
from cmkctl.views.json import JsonView
from cmkctl.views.shown import PlanShown

WORKSPACE = new_workspace().of("workspace")[0]
VAULT = new_workspace().of("key_vault")[0]


class Watched:
    """A JSON view whose clock and heartbeat are driven by the test."""

    def __init__(self) -> None:
        self.moment = 100.0
        self.stdout = Pipe()
        self.view = JsonView(self.stdout, Pipe(), now=lambda: self.moment)

    def pass_by(self, seconds: float) -> None:
        """Let time pass, with a tick every two seconds."""
        ends = self.moment + seconds
        while self.moment < ends:
            self.moment += 2
            self.view.beat()

    @property
    def progress(self) -> list[dict[str, Any]]:
        """The lines of progress."""
        lines = [json.loads(line) for line in self.stdout.getvalue().splitlines()]
        return [each for each in lines if each["type"] == "apply_progress"]

    @property
    def named(self) -> list[dict[str, Any]]:
        """The lines of progress that name what is waited for."""
        return [each for each in self.progress if each["waiting_for"] != READING]


def test_a_change_whose_request_is_not_answered_is_displayed() -> None:
    """Two minutes without a response are displayed."""
    watched = Watched()
    watched.view.show(events.ChangeStarted(WORKSPACE))

    watched.pass_by(120)

    seconds = [each["seconds"] for each in watched.progress]
    assert {WORKSPACE.resource_id} == {each["resource_id"] for each in watched.progress}
    assert [] == [late for one, late in zip([0.0, *seconds], seconds, strict=False) if late - one > 10]
    assert seconds[-1] >= 110


def test_a_long_wait_is_displayed_with_its_end() -> None:
    """A Retry-After of five minutes: every line has the elapsed time and the end of the wait."""
    watched = Watched()
    watched.view.show(events.ChangeStarted(WORKSPACE))
    watched.view.show(events.Waiting(WORKSPACE, "Azure returned HTTP 429; next try in 300 s", 7.0, UNTIL))

    watched.pass_by(30)

    assert {"2026-11-24T14:05:00Z"} == {each["until"] for each in watched.progress}
    assert [7.0, 13.0, 19.0, 25.0, 31.0, 37.0] == [each["seconds"] for each in watched.progress]


def test_a_wait_of_no_change_is_displayed_until_the_plan_is_there() -> None:
    """Also while everything is read for the plan."""
    watched = Watched()
    watched.view.show(events.Waiting(None, "Azure returned HTTP 503; next try in 20 s", 0.0))
    watched.pass_by(10)
    displayed = len(watched.progress)

    watched.view.show(PlanShown(new_workspace()))
    watched.pass_by(60)

    assert (2, 2) == (displayed, len(watched.named))


def test_reading_for_a_plan_is_displayed_while_azure_is_silent() -> None:
    """Nothing has a name before the plan; the same after the last change, while everything is read again."""
    watched = Watched()
    watched.pass_by(12)
    watched.view.show(PlanShown(new_workspace()))
    watched.view.show(events.StepStarted("workspace", "workspace"))
    watched.view.show(events.StepFinished("workspace", "workspace"))
    watched.pass_by(12)

    displayed = [(each["title"], each["waiting_for"], each["seconds"]) for each in watched.progress]
    assert [(None, READING, 6.0), (None, READING, 12.0)] * 2 == displayed


def test_a_change_that_ended_is_not_displayed() -> None:
    """A change that was made or failed, and everything after the view is closed."""
    watched = Watched()
    watched.view.show(events.ChangeStarted(WORKSPACE))
    watched.view.show(events.ChangeFinished(WORKSPACE, 1.0))
    watched.pass_by(60)
    before = watched.progress
    watched.view.show(events.ChangeStarted(WORKSPACE))
    watched.view.close()
    watched.pass_by(60)

    assert [] == watched.named
    assert before == watched.progress


def test_the_heartbeat_ticks_until_it_is_stopped() -> None:
    """In a thread of its own, which does not outlive the view."""
    ticked = threading.Event()
    heartbeat = Heartbeat(0.01, ticked.set)

    heartbeat.start()
    began = ticked.wait(10)
    (thread,) = [each for each in threading.enumerate() if each.name == "heartbeat"]
    heartbeat.stop()
    thread.join(10)

    assert (True, False) == (began, thread.is_alive())


def test_a_wait_that_is_over_is_not_displayed_beside_a_change() -> None:
    """A step was throttled while it read, and then started a change: from there on only the change is displayed."""
    watched = Watched()
    watched.view.show(events.Waiting(None, "Azure returned HTTP 429; next try in 2 s", 0.0))
    watched.view.show(events.ChangeStarted(WORKSPACE))

    watched.pass_by(60)

    assert [WORKSPACE.title] * 10 == [each["title"] for each in watched.progress[1:]]


def test_a_step_whose_reading_is_not_answered_is_displayed() -> None:
    """Also after a change of another step has started and ended; never beside a change, never when the step is over."""
    watched = Watched()
    watched.view.show(events.StepStarted("workspace", "workspace"))
    watched.view.show(events.ChangeStarted(VAULT))
    watched.pass_by(12)
    watched.view.show(events.ChangeFinished(VAULT, 12))
    watched.pass_by(12)
    watched.view.show(events.StepFinished("workspace", "workspace"))
    watched.pass_by(60)

    displayed = [(each["title"], each["waiting_for"]) for each in watched.named]
    assert [(VAULT.title, VAULT.title)] * 2 + [(None, "workspace")] * 2 == displayed


def test_a_step_that_failed_is_not_displayed() -> None:
    """The failure of its change is the only event for its end."""
    watched = Watched()
    watched.view.show(events.StepStarted(WORKSPACE.step, "workspace"))
    watched.view.show(events.ChangeStarted(WORKSPACE))
    watched.view.show(events.ChangeFailed(WORKSPACE, ()))

    watched.pass_by(60)

    assert [] == watched.named


READER_LEFT = """
import itertools, os, sys, time
from cmkctl.events import Waiting
from cmkctl.views.activity import Heartbeat
from cmkctl.views.json import JsonView
view = JsonView(sys.stdout, sys.stderr, now=itertools.count(0, 10).__next__)
view.show(Waiting(None, "workspace", 0))
sys.stdin.readline()
Heartbeat(0.01, view.beat).start()
time.sleep(0.5)
os._exit(0)
"""


def test_a_reader_that_left_is_no_traceback_of_the_heartbeat() -> None:
    """The next regular output reports it; the heartbeat just ends."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", READER_LEFT], stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        displayed = [json.loads(process.stdout.readline())["type"] for _ in range(2)]
        process.stdout.close()
        process.stdin.write(b"\n")
        process.stdin.close()

        errors = process.stderr.read()

    assert (["version", "apply_progress"], b"") == (displayed, errors)


def test_a_wait_that_starts_over_is_displayed_again() -> None:
    """The limit counts the seconds of the wait itself, so it needs no clock."""
    limit = RateLimit(10, 10)

    allowed = [seconds for seconds in (0, 2, 9.9, 10, 15, 20.5, 30, 31, 0, 10) if limit.allows("workspace", seconds)]

    assert [10, 20.5, 31, 10] == allowed


def test_waits_of_several_changes_have_limits_of_their_own() -> None:
    """The same words for two changes are two waits."""
    watched = Watched()
    for change in (WORKSPACE, VAULT):
        watched.view.show(events.ChangeStarted(change))
    for change in (WORKSPACE, VAULT):
        watched.view.show(events.Waiting(change, "Azure returned HTTP 429; next try in 2 s", 0.0))

    assert [WORKSPACE.title, VAULT.title] == [each["title"] for each in watched.progress]
