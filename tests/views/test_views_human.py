from __future__ import annotations

import dataclasses
import io
import os
import re
import termios
from collections.abc import Callable

import pytest
from support.view_plans import everything, new_workspace
from support.view_streams import UNTIL, Pipe, Screen, Seen, assert_golden, tell_everything

from cmkctl import events
from cmkctl.views import make_view
from cmkctl.views.heartbeat import ANSWERS
from cmkctl.views.human import HumanView
from cmkctl.views.streams import width_of


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_a_session_reads_like_this(terminal: bool) -> None:
    """Data on stdout, narration on stderr; on a terminal the live lines are redrawn and taken away."""
    seen = Seen(terminal=terminal)

    tell_everything(seen.view)

    kind = "terminal" if terminal else "pipe"
    assert_golden(f"session-{kind}-stdout", seen.out)
    assert_golden(f"session-{kind}-stderr", seen.err)


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("yes\n", True), (" yes \n", True), ("y\n", False), ("YES\n", False), ("no\n", False), ("\n", False), ("", False)],
)
def test_only_yes_is_a_yes(typed: str, answer: bool) -> None:
    """The end of input is a no, as is everything that is not the whole word."""
    seen = Seen(terminal=True, typed=typed)

    assert seen.view.can_ask
    assert answer is seen.view.confirm(everything())


def test_the_question_says_once_more_what_cannot_be_undone() -> None:
    """It is asked on stderr, so that stdout can be redirected."""
    seen = Seen(terminal=True, typed="yes\n", environ={"NO_COLOR": "1"})

    seen.view.confirm(new_workspace())

    assert_golden("confirm", seen.err)
    assert seen.out == ""


def test_nobody_is_asked_in_a_pipe() -> None:
    """Without a terminal the answer is no, and nothing is written."""
    seen = Seen(typed="yes\n")

    assert not seen.view.can_ask
    assert not seen.view.confirm(everything())
    assert seen.out + seen.err == ""


def test_a_process_without_stdin_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon has none."""
    monkeypatch.setattr("sys.stdin", None)

    view = make_view(json=False, stdout=Pipe(), stderr=Pipe(), environ={})

    assert not view.can_ask
    assert not view.confirm(everything())


def test_a_wait_is_told_every_ten_seconds_in_a_pipe() -> None:
    """By the seconds it is told, without a clock; a wait that starts over speaks again."""
    seen = Seen()

    for seconds in (0, 2, 9.9, 10, 15, 20.5, 30, 31, 0, 10):
        seen.view.waiting("workspace mlw-prod", seconds)

    expected = ["10s", "20s", "31s", "10s"]
    assert expected == [line.rpartition(": ")[2] for line in seen.err.splitlines()]


class Person(Screen):
    """Somebody at a terminal who thinks before an answer."""

    def __init__(self, typed: str, thinks: Callable[[], None]) -> None:
        super().__init__(typed)
        self._thinks = thinks

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override] # typeshed's bases disagree
        """Think, then type."""
        self._thinks()
        return super().readline(size)


class Watching:
    """A human view whose time passes when the test says so, and whose ticker is the test."""

    def __init__(self, *, terminal: bool, columns: int = 80, typed: str = "", thinks: int = 0) -> None:
        self.moment = 100.0
        self.stderr = Screen() if terminal else Pipe()
        environ = {"COLUMNS": str(columns), "TERM": "xterm-256color"}
        person = Person(typed, lambda: self.pass_unseen(thinks))
        self.view = HumanView(Pipe(), self.stderr, person, environ=environ, now=lambda: self.moment)

    def pass_unseen(self, seconds: int) -> None:
        """Let time pass without a tick, as the view does while it asks."""
        self.moment += seconds

    def pass_by(self, seconds: int) -> None:
        """Let time pass, with a tick every second."""
        for _ in range(seconds):
            self.moment += 1
            self.view.beat()

    @property
    def live(self) -> list[str]:
        """The live lines as they are now, without colours."""
        last = re.split(r"\x1b\[2K(?:\x1b\[1A\x1b\[2K)*", self.stderr.getvalue())[-1]
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", last).splitlines()


def test_a_long_pause_is_told_of_in_a_pipe() -> None:
    """Azure asked to come back in five minutes; the log of a pipeline goes on, and says until when."""
    watching = Watching(terminal=False)
    watching.view.waiting("Azure answered HTTP 429; asking again in 300 s", 0, UNTIL)

    watching.pass_by(30)

    line = "… Azure answered HTTP 429; asking again in 300 s: {}s, until 14:05 UTC at most"
    assert [line.format(each) for each in (10, 20, 30)] == watching.stderr.getvalue().splitlines()


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_a_silent_azure_is_told_of(terminal: bool) -> None:
    """While everything is read for the plan nothing has a name yet."""
    watching = Watching(terminal=terminal)

    watching.pass_by(21)

    assert ["… answers from Azure: 10s", "… answers from Azure: 20s"] == watching.stderr.getvalue().splitlines()


def test_nothing_is_said_of_the_time_in_which_a_person_thinks() -> None:
    """While the question stands nobody waits for Azure."""
    watching = Watching(terminal=True, typed="yes\n", thinks=60)
    watching.view.plan(new_workspace())
    assert watching.view.confirm(new_workspace())

    watching.pass_by(9)

    assert ANSWERS not in watching.stderr.getvalue()


def test_an_answer_that_is_never_given_leaves_the_line() -> None:
    """Ctrl-D at the question; whatever is said next begins a line."""
    watching = Watching(terminal=True, typed="")

    assert not watching.view.confirm(new_workspace())

    assert watching.stderr.getvalue().endswith("\n")


def test_a_live_line_counts_on_and_says_until_when() -> None:
    """Also while nobody has anything new to say, and for a change whose request is not answered."""
    watching = Watching(terminal=True)
    watching.view.event(events.ChangeStarted(everything().changes[-1]))
    watching.pass_by(3)
    silent = watching.live
    watching.view.waiting("workspace mlw-prod", 60, UNTIL)

    watching.pass_by(5)

    assert ["… workspace mlw-prod   3s"] == silent
    assert ["… workspace mlw-prod   1m 5s, until 14:05 UTC at most"] == watching.live


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_a_long_explanation_is_said_once_and_the_time_stays_in_sight(terminal: bool) -> None:
    """A line that is cut off would hide what to do; the same lines every ten seconds would hide everything else."""
    watching = Watching(terminal=terminal, columns=40)
    watching.view.event(events.ChangeStarted(everything().changes[-1]))
    watching.view.waiting(
        "the key may not be used yet, and asking again too soon makes it worse; sending the creation again at 14:00 UTC",
        5,
        UNTIL,
    )

    watching.pass_by(30)

    said = " ".join(watching.stderr.getvalue().split())
    assert 1 == said.count("sending the creation again at 14:00 UTC")
    last = watching.live[-1] if terminal else watching.stderr.getvalue().splitlines()[-1]
    assert last == ("… workspace mlw-prod   35s" if terminal else "… workspace mlw-prod: 35s, until 14:05 UTC at most")
    assert not terminal or [] == [each for each in watching.live if len(each) > 40]


def test_a_wait_names_the_change_it_belongs_to() -> None:
    """The thread that waits is the one that makes the change."""
    seen = Seen()
    seen.view.event(events.ChangeStarted(everything().changes[-1]))

    seen.view.waiting("Azure answered HTTP 429; asking again", 30)

    assert "… workspace mlw-prod: Azure answered HTTP 429; asking again: 30s" == seen.err.splitlines()[-1]


def test_a_try_that_failed_in_passing_leaves_no_row_behind() -> None:
    """It ends without an event; the end of its step clears it away."""
    change = everything().changes[-1]
    seen = Seen()
    seen.view.event(events.ChangeStarted(change))
    seen.view.event(events.ChangeStarted(change))
    seen.view.event(events.StepFinished(change.step, "workspace"))

    seen.view.interrupted()

    assert "Interrupted.\nRun the same command again to go on from here.\n" in seen.err


def test_an_error_alone_begins_on_the_first_line() -> None:
    """A profile error is all there is to see."""
    seen = Seen()

    seen.view.diagnostics(everything().diagnostics[:1])

    assert seen.err.startswith("error CMK103: The key cannot be reached by the service\n")
    assert seen.out == ""


def test_a_diagnostic_without_code_place_and_subject_has_no_empty_lines() -> None:
    """What is not known is left out."""
    bare = dataclasses.replace(everything().diagnostics[0], code="", subject="", location=None, detail="", remedy="x")
    seen = Seen()

    seen.view.diagnostics([bare])

    assert "error: The key cannot be reached by the service\n  → x\n" == seen.err


def test_nothing_to_do_is_one_sentence() -> None:
    """An apply that found everything right says so, and no more."""
    plan = dataclasses.replace(everything(), changes=everything().changes[:1], diagnostics=())
    seen = Seen()

    seen.view.applied(plan, plan, 0.5)

    assert "Nothing was written: 1 already right.\n" == seen.err


@pytest.mark.parametrize(
    ("count", "diagnosed", "last"),
    [
        (1, False, "As asked for: 1 of 1."),
        (2, False, "Drift: 1 not as asked for, 1 as asked for."),
        (1, True, "Everything is there as asked for, but a rule is broken."),
    ],
)
def test_verify_ends_with_its_verdict(count: int, diagnosed: bool, last: str) -> None:
    """The sentence that counts comes last on stdout."""
    plan = everything()
    plan = dataclasses.replace(plan, changes=plan.changes[:count], diagnostics=plan.diagnostics if diagnosed else ())
    seen = Seen()

    seen.view.verified(plan)

    assert last == seen.out.splitlines()[-1]


def test_a_stream_that_cannot_hold_our_signs_does_not_end_the_run() -> None:
    """In an ASCII locale they are written as escapes."""
    raw = io.BytesIO()
    stdout = io.TextIOWrapper(raw, encoding="ascii")

    make_view(json=False, stdout=stdout, stderr=Pipe(), stdin=Pipe(), environ={}).plan(everything())

    assert b"\\u2192 choose another key.name" in raw.getvalue()


@pytest.mark.parametrize(("columns", "width"), [("", 80), ("30", 40), ("100", 100), ("500", 120), ("wide", 80)])
def test_columns_are_those_asked_for_within_reason(columns: str, width: int) -> None:
    """Nothing said: 80. Never below 40, where nothing can be read, nor above 120, where sentences cannot."""
    assert width == width_of(Pipe(), {"COLUMNS": columns})


def test_a_terminal_says_itself_how_wide_it_is() -> None:
    """When COLUMNS does not."""
    leader, follower = os.openpty()
    termios.tcsetwinsize(follower, (24, 97))

    with os.fdopen(leader, "rb"), os.fdopen(follower, "w") as terminal:
        assert 97 == width_of(terminal, {})
