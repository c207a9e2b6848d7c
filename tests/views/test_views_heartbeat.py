"""Scripts and people are told at least every ten seconds that something is still going on, also while Azure is silent."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from support.view_plans import new_workspace
from support.view_streams import UNTIL, Pipe

from cmkctl import events
from cmkctl.views.heartbeat import ANSWERS, Ticker
from cmkctl.views.json import JsonView

WORKSPACE = new_workspace().of("workspace")[0]
VAULT = new_workspace().of("key_vault")[0]


class Listening:
    """A JSON view whose time passes when the test says so, and whose ticker is the test."""

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
        return [each for each in self.progress if each["waiting_for"] != ANSWERS]


def test_a_change_whose_request_is_not_answered_is_told_of() -> None:
    """Two minutes without an answer are no silence."""
    listening = Listening()
    listening.view.event(events.ChangeStarted(WORKSPACE))

    listening.pass_by(120)

    seconds = [each["seconds"] for each in listening.progress]
    assert {WORKSPACE.resource_id} == {each["resource_id"] for each in listening.progress}
    assert [] == [late for one, late in zip([0.0, *seconds], seconds, strict=False) if late - one > 10]
    assert seconds[-1] >= 110


def test_a_long_wait_is_told_of_with_its_end() -> None:
    """Azure asked to come back in five minutes: every line counts on, and says when it is given up."""
    listening = Listening()
    listening.view.event(events.ChangeStarted(WORKSPACE))
    listening.view.waiting("Azure answered HTTP 429; asking again in 300 s", 7.0, UNTIL)

    listening.pass_by(30)

    assert {"2026-11-24T14:05:00Z"} == {each["until"] for each in listening.progress}
    assert [7.0, 13.0, 19.0, 25.0, 31.0, 37.0] == [each["seconds"] for each in listening.progress]


def test_a_wait_of_no_change_is_told_of_until_the_plan_is_there() -> None:
    """Also while everything is read for the plan."""
    listening = Listening()
    listening.view.waiting("Azure answered HTTP 503; asking again in 20 s", 0.0)
    listening.pass_by(10)
    told = len(listening.progress)

    listening.view.plan(new_workspace())
    listening.pass_by(60)

    assert (2, 2) == (told, len(listening.named))


def test_reading_for_a_plan_is_told_of_while_azure_is_silent() -> None:
    """Nothing was planned yet, so nothing has a name; the same after the last change, while all is read once more."""
    listening = Listening()
    listening.pass_by(12)
    listening.view.plan(new_workspace())
    listening.view.event(events.StepStarted("workspace", "workspace"))
    listening.view.event(events.StepFinished("workspace", "workspace"))
    listening.pass_by(12)

    told = [(each["title"], each["waiting_for"], each["seconds"]) for each in listening.progress]
    assert [(None, ANSWERS, 6.0), (None, ANSWERS, 12.0)] * 2 == told


def test_what_is_over_is_not_told_of() -> None:
    """A change that was made or failed, and everything after the view is closed."""
    listening = Listening()
    listening.view.event(events.ChangeStarted(WORKSPACE))
    listening.view.event(events.ChangeFinished(WORKSPACE, 1.0))
    listening.pass_by(60)
    before = listening.progress
    listening.view.event(events.ChangeStarted(WORKSPACE))
    listening.view.close()
    listening.pass_by(60)

    assert [] == listening.named
    assert before == listening.progress


def test_the_ticker_ticks_until_it_is_stopped() -> None:
    """In a thread of its own, which does not outlive the view."""
    ticked = threading.Event()
    ticker = Ticker(0.01, ticked.set)

    ticker.start()
    began = ticked.wait(10)
    (thread,) = [each for each in threading.enumerate() if each.name == "heartbeat"]
    ticker.stop()
    thread.join(10)

    assert (True, False) == (began, thread.is_alive())


def elsewhere(tell: Callable[[], None]) -> None:
    """Tell it from another thread, as the engine does with every change."""
    thread = threading.Thread(target=tell)
    thread.start()
    thread.join()


def test_a_wait_that_is_over_is_not_told_of_beside_a_change() -> None:
    """A step looked, was throttled, looked again and began: from there on only the change is told of."""
    listening = Listening()
    listening.view.waiting("Azure answered HTTP 429; asking again in 2 s", 0.0)
    elsewhere(lambda: listening.view.event(events.ChangeStarted(WORKSPACE)))

    listening.pass_by(60)

    assert [WORKSPACE.title] * 10 == [each["title"] for each in listening.progress[1:]]


def test_a_step_whose_reading_is_not_answered_is_told_of() -> None:
    """Also after a change of another step has begun, waited and ended; never beside a change, never when it is over."""
    listening = Listening()
    listening.view.event(events.StepStarted("workspace", "workspace"))
    elsewhere(lambda: listening.view.event(events.ChangeStarted(VAULT)))
    listening.pass_by(12)
    elsewhere(lambda: listening.view.event(events.ChangeFinished(VAULT, 12)))
    listening.pass_by(12)
    listening.view.event(events.StepFinished("workspace", "workspace"))
    listening.pass_by(60)

    told = [(each["title"], each["waiting_for"]) for each in listening.named]
    assert [(VAULT.title, VAULT.title)] * 2 + [(None, "workspace")] * 2 == told


def test_a_step_that_failed_is_not_told_of() -> None:
    """No end is told of it but the failure of its change."""
    listening = Listening()
    listening.view.event(events.StepStarted(WORKSPACE.step, "workspace"))
    listening.view.event(events.ChangeStarted(WORKSPACE))
    listening.view.event(events.ChangeFailed(WORKSPACE, ()))

    listening.pass_by(60)

    assert [] == listening.named


READER_LEFT = """
import itertools, os, sys, time
from cmkctl.views.heartbeat import Ticker
from cmkctl.views.json import JsonView
view = JsonView(sys.stdout, sys.stderr, now=itertools.count(0, 10).__next__)
view.waiting("workspace", 0)
sys.stdin.readline()
Ticker(0.01, view.beat).start()
time.sleep(0.5)
os._exit(0)
"""


@pytest.mark.slow
def test_a_reader_that_left_is_no_traceback_of_the_ticker() -> None:
    """Whoever speaks next meets it; the heartbeat just ends."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", READER_LEFT], stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        told = [json.loads(process.stdout.readline())["type"] for _ in range(2)]
        process.stdout.close()
        process.stdin.write(b"\n")
        process.stdin.close()

        said = process.stderr.read()

    assert (["version", "apply_progress"], b"") == (told, said)
