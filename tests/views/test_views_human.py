from __future__ import annotations

import dataclasses
import io
import os
import termios

import pytest
from view_plans import everything, new_workspace
from view_streams import Pipe, Seen, assert_golden, tell_everything

from cmkctl import engine
from cmkctl.views import make_view
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


def test_a_wait_names_the_change_it_belongs_to() -> None:
    """The thread that waits is the one that makes the change."""
    seen = Seen()
    seen.view.event(engine.ChangeStarted(everything().changes[-1]))

    seen.view.waiting("Azure answered HTTP 429; asking again", 30)

    assert "… workspace mlw-prod: Azure answered HTTP 429; asking again: 30s" == seen.err.splitlines()[-1]


def test_a_try_that_failed_in_passing_leaves_no_row_behind() -> None:
    """It ends without an event; the end of its step clears it away."""
    change = everything().changes[-1]
    seen = Seen()
    seen.view.event(engine.ChangeStarted(change))
    seen.view.event(engine.ChangeStarted(change))
    seen.view.event(engine.StepFinished(change.step, "workspace"))

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
