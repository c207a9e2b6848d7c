from __future__ import annotations

import dataclasses
import io
import os
import re
import termios
from collections.abc import Callable
from datetime import timedelta

import pytest
from support.view_plans import everything, new_workspace, up_to_date
from support.view_streams import NOW, UNTIL, Pipe, Screen, Seen, assert_golden, show_everything

from cmkctl import codes, events
from cmkctl.azure.redaction import Redactor
from cmkctl.diagnostics import Code, Location
from cmkctl.plan import Settle
from cmkctl.views import make_view
from cmkctl.views import shown as s
from cmkctl.views.activity import READING
from cmkctl.views.human import HumanView
from cmkctl.views.redacting import RedactingView
from cmkctl.views.streams import width_of

WORKSPACE = everything().changes[-1]


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_a_session_reads_like_this(terminal: bool) -> None:
    """Data on stdout, narration on stderr; on a terminal the live lines are redrawn and taken away."""
    seen = Seen(terminal=terminal)

    show_everything(seen.view)

    kind = "terminal" if terminal else "pipe"
    assert_golden(f"session-{kind}-stdout", seen.out)
    assert_golden(f"session-{kind}-stderr", seen.err)


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("yes\n", True),
        (" yes \n", True),
        ("y\n", True),
        ("Y\n", True),
        ("YES\n", True),
        ("yess\n", False),
        ("no\n", False),
        ("\n", False),
        ("", False),
    ],
)
def test_y_and_yes_confirm(typed: str, answer: bool) -> None:
    """In any case; everything else and the end of input do not."""
    seen = Seen(terminal=True, typed=typed)

    assert seen.view.can_ask
    assert answer is seen.view.confirm(everything())


def test_the_question_names_workspace_region_and_subscription() -> None:
    """It is printed on stderr, so that stdout can be redirected."""
    seen = Seen(terminal=True, typed="yes\n", environ={"NO_COLOR": "1"})

    seen.view.show(s.RunContext(sandbox=True, account="ada@example.com", subscription_name="ML production"))
    seen.view.confirm(new_workspace())

    assert_golden("confirm", seen.err)
    assert seen.out == ""


def test_the_question_shows_the_plan_when_stdout_is_elsewhere() -> None:
    """``apply > plan.txt``: what is approved is on the screen all the same."""
    screen = Screen()
    view = HumanView(Pipe(), screen, Screen("yes\n"), environ={"NO_COLOR": "1"})

    assert view.confirm(new_workspace())

    assert [] == [each.name for each in new_workspace().pending if each.name not in screen.getvalue()]


def test_no_question_in_a_pipe() -> None:
    """Without a terminal the answer is no, and nothing is written."""
    seen = Seen(typed="yes\n")

    assert not seen.view.can_ask
    assert not seen.view.confirm(everything())
    assert seen.out + seen.err == ""


def test_a_process_without_stdin_gets_no_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon has none."""
    monkeypatch.setattr("sys.stdin", None)

    view = make_view(json=False, stdout=Pipe(), stderr=Pipe(), environ={})

    assert not view.can_ask
    assert not view.confirm(everything())


def test_a_wait_is_displayed_every_ten_seconds_in_a_pipe() -> None:
    """By its own seconds; a wait that starts over is displayed again."""
    seen = Seen()

    for seconds in (0, 2, 9.9, 10, 15, 20.5, 30, 31, 0, 10):
        seen.view.show(events.Waiting(None, "workspace mlw-prod", seconds))

    expected = ["10s", "20s", "31s", "10s"]
    assert expected == [line.rpartition(", ")[2] for line in seen.err.splitlines()]


class Person(Screen):
    """A terminal whose user takes time to answer."""

    def __init__(self, typed: str, thinks: Callable[[], None]) -> None:
        super().__init__(typed)
        self._thinks = thinks

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override] # typeshed's bases disagree
        """Think, then type."""
        self._thinks()
        return super().readline(size)


class Watching:
    """A human view whose clock and ticker are driven by the test."""

    def __init__(self, *, terminal: bool, columns: int = 80, typed: str = "", thinks: int = 0) -> None:
        self.moment = 100.0
        self.stderr = Screen() if terminal else Pipe()
        environ = {"COLUMNS": str(columns), "TERM": "xterm-256color"}
        person = Person(typed, lambda: self.pass_unseen(thinks))
        self.view = HumanView(Pipe(), self.stderr, person, environ=environ, now=lambda: self.moment, wall=lambda: NOW)

    def pass_unseen(self, seconds: int) -> None:
        """Let time pass without a tick, as the view does during a question."""
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


def test_a_long_wait_is_printed_in_a_pipe() -> None:
    """A Retry-After of five minutes: the log of a pipeline goes on."""
    watching = Watching(terminal=False)
    watching.view.show(events.Waiting(None, "Azure returned HTTP 429; next try in 300 s", 0, UNTIL))

    watching.pass_by(30)

    line = "… Azure returned HTTP 429; next try in 300 s, {}s"
    assert [line.format(each) for each in (10, 20, 30)] == watching.stderr.getvalue().splitlines()


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_a_long_read_for_a_plan_is_displayed(terminal: bool) -> None:
    """While everything is read for the plan nothing has a name yet."""
    watching = Watching(terminal=terminal)

    watching.pass_by(21)

    assert ["… reading from Azure, 10s", "… reading from Azure, 20s"] == watching.stderr.getvalue().splitlines()


def test_no_progress_is_printed_during_the_question() -> None:
    """During a question the run waits for the answer, not for Azure."""
    watching = Watching(terminal=True, typed="yes\n", thinks=60)
    watching.view.show(s.PlanShown(new_workspace()))
    assert watching.view.confirm(new_workspace())

    watching.pass_by(9)

    assert READING not in watching.stderr.getvalue()


def test_an_answer_that_is_never_given_leaves_the_line() -> None:
    """Ctrl-D at the question; the next message begins a line."""
    watching = Watching(terminal=True, typed="")

    assert not watching.view.confirm(new_workspace())

    assert watching.stderr.getvalue().endswith("\n")


def test_a_live_line_has_the_elapsed_time() -> None:
    """Also while Azure sends nothing, and for a change whose request has no response yet."""
    watching = Watching(terminal=True)
    watching.view.show(events.ChangeStarted(WORKSPACE))
    watching.pass_by(3)
    before = watching.live
    watching.view.show(events.Waiting(WORKSPACE, WORKSPACE.title, 60, UNTIL))

    watching.pass_by(5)

    assert ["⠸ workspace mlw-prod: creating  3s"] == before
    assert ["⠴ workspace mlw-prod: creating  1m 5s"] == watching.live


@pytest.mark.parametrize(
    ("waited", "left", "shown"), [(60, 7200, False), (7200, 600, True), (100, 11, True), (100, 12, False)]
)
def test_the_end_of_a_wait_is_displayed_when_it_is_near(waited: int, left: int, shown: bool) -> None:
    """In its last tenth; two hours before, it would read as a forecast."""
    watching = Watching(terminal=False)
    until = NOW + timedelta(seconds=left)

    watching.view.show(events.Waiting(None, "workspace mlw-prod", waited, until))

    assert shown is ("(gives up at " in watching.stderr.getvalue())


def test_the_end_of_a_wait_is_in_local_time_and_always_there_with_debug() -> None:
    """With the zone, so that no conversion is needed."""
    stderr = Pipe()
    view = HumanView(Pipe(), stderr, Pipe(), environ={}, debug=True, wall=lambda: NOW)

    view.show(events.Waiting(None, "workspace mlw-prod", 100, UNTIL))

    assert f"… workspace mlw-prod, 1m 40s (gives up at {UNTIL.astimezone():%H:%M %Z})\n" == stderr.getvalue()


def test_a_usual_time_is_displayed_where_the_change_brings_one() -> None:
    """A view has no times of its own."""
    watching = Watching(terminal=False)
    change = dataclasses.replace(WORKSPACE, settle=Settle(WORKSPACE.resource_id, "2025-06-01", usual="5-20 min"))
    watching.view.show(events.ChangeStarted(change))

    watching.view.show(events.Waiting(change, change.title, 60))

    assert "… workspace mlw-prod: creating, 1m 0s (usually 5-20 min)" == watching.stderr.getvalue().splitlines()[-1]


def test_live_lines_show_how_much_is_done() -> None:
    """Changes that are done or not needed, of those that the plan has; and the time of the whole run."""
    watching = Watching(terminal=True)
    watching.view.show(s.PlanShown(everything()))
    watching.view.show(events.ChangeSkipped(everything().of("key_access")[0]))
    watching.view.show(events.ChangeStarted(WORKSPACE))

    watching.pass_by(3)

    assert ["⠸ workspace mlw-prod: creating  3s", "  1 of 7 done, 3s"] == watching.live


class Window(Screen):
    """A terminal that can be resized."""

    def __init__(self) -> None:
        super().__init__()
        self._pty, self._tty = os.openpty()
        self.resize(100)

    def resize(self, columns: int) -> None:
        """Change the width."""
        termios.tcsetwinsize(self._tty, (24, columns))
        self.columns = columns

    def fileno(self) -> int:
        """Return the terminal whose size is read."""
        return self._tty

    def close(self) -> None:
        """Close the terminal as well."""
        os.close(self._pty)
        os.close(self._tty)
        super().close()


class Emulator:
    """The part of a terminal that live lines need, with the reflow of tmux and most windows: it wraps lines anew."""

    def __init__(self) -> None:
        self.lines = [""]  # logical lines; the cursor is at the end of one of them, or at the beginning of a row

    def rows(self, columns: int) -> list[tuple[int, int]]:
        """Return the rows on the screen: index of the logical line, offset in it."""
        return [
            (index, offset) for index, line in enumerate(self.lines) for offset in range(0, max(len(line), 1), columns)
        ]

    def write(self, text: str, columns: int) -> None:
        """Obey what a view writes: text, newlines, CR, erase line, cursor up."""
        for token in re.findall(r"\x1b\[[0-9;?]*[a-zA-Z]|\r|\n|[^\x1b\r\n]+", text):
            if token == "\n":
                self.lines.append("")
            elif token.endswith("K"):
                # The cursor is on the last row: of a wrapped line only that row is erased.
                self.lines[-1] = self.lines[-1][: self.rows(columns)[-1][1]]
            elif token.endswith("A"):
                # The row was erased before. The row above it belongs to the same line, or to the previous one.
                if not self.lines[-1] and len(self.lines) > 1:
                    self.lines.pop()
            elif token == "\r" or token.startswith("\x1b"):
                pass
            else:
                self.lines[-1] += token


def test_no_live_line_is_left_behind_when_the_window_is_resized() -> None:
    """Narrower, much narrower, wider; between two redraws and several times."""
    window, emulator, moment = Window(), Emulator(), [0.0]
    view = HumanView(Pipe(), window, Pipe(), environ={"TERM": "xterm"}, now=lambda: moment[0], wall=lambda: NOW)
    for change in new_workspace().changes[:5]:
        view.show(events.ChangeStarted(change))
    for columns in (100, 60, 36, 120, 20, 45, 100):
        emulator.write(window.getvalue(), window.columns)
        window.truncate(0)
        window.seek(0)
        window.resize(columns)
        moment[0] += 1
        view.beat()
    for change in new_workspace().changes[:5]:
        view.show(events.ChangeFinished(change, 7))
    emulator.write(window.getvalue(), window.columns)

    left = [each for each in emulator.lines if each.strip()]
    assert [] == [each for each in left if any(sign in each for sign in "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")]
    assert 5 == len(left)
    window.close()


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"NO_COLOR": "1", "TERM": "xterm"}])
def test_a_terminal_without_colours_gets_lasting_lines(environ: dict[str, str]) -> None:
    """No escape sequence reaches it."""
    seen = Seen(terminal=True, environ=environ)

    show_everything(seen.view)

    assert "\x1b" not in seen.out + seen.err


def test_colours_can_be_forced_in_a_pipe_without_live_lines() -> None:
    """A CI log shows colours, and cannot replace lines."""
    seen = Seen(environ={"FORCE_COLOR": "1"})

    show_everything(seen.view)

    assert "\x1b[32m" in seen.out
    assert not re.search(r"\x1b\[\d*[AK]", seen.out + seen.err)


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_a_long_explanation_is_printed_once_and_the_time_stays_visible(terminal: bool) -> None:
    """A line that is cut off would hide what to do; the same lines every ten seconds would hide everything else."""
    watching = Watching(terminal=terminal, columns=40)
    watching.view.show(events.ChangeStarted(WORKSPACE))
    text = "the grant has not taken effect yet, and a retry too soon would extend the wait; next try at 14:00 UTC"
    watching.view.show(events.Waiting(WORKSPACE, text, 5, UNTIL))

    watching.pass_by(30)

    text = " ".join(watching.stderr.getvalue().split())
    assert 1 == text.count("next try at 14:00 UTC")
    last = watching.live[-1] if terminal else watching.stderr.getvalue().splitlines()[-1]
    assert last[2:] == ("workspace mlw-prod  35s" if terminal else "workspace mlw-prod, 35s")
    assert not terminal or [] == [each for each in watching.live if len(each) > 40]


def test_a_wait_names_the_change_it_belongs_to() -> None:
    """The event brings its change."""
    seen = Seen()
    seen.view.show(events.ChangeStarted(WORKSPACE))

    seen.view.show(events.Waiting(WORKSPACE, "Azure returned HTTP 429; next try in 2 s", 30))

    assert "… workspace mlw-prod: Azure returned HTTP 429; next try in 2 s, 30s" == seen.err.splitlines()[-1]


def test_a_try_that_failed_in_passing_leaves_no_row_behind() -> None:
    """It ends without an event; the end of its step clears it away."""
    change = WORKSPACE
    seen = Seen()
    seen.view.show(events.ChangeStarted(change))
    seen.view.show(events.ChangeStarted(change))
    seen.view.show(events.StepFinished(change.step, "workspace"))

    seen.view.show(s.RunInterrupted())

    assert "Interrupted.\nTo continue, run the same command again.\n" in seen.err


def test_an_error_alone_begins_on_the_first_line() -> None:
    """A profile error is all there is to see."""
    seen = Seen()

    seen.view.show(s.DiagnosticsShown(everything().diagnostics[:1]))

    assert seen.err.startswith("error CMK103: The service may be unable to reach the key\n")
    assert seen.out == ""


def test_a_diagnostic_without_code_place_and_subject_has_no_empty_lines() -> None:
    """What is not known is left out."""
    bare = Code("", everything().diagnostics[0].summary, "", "").error("", "x")
    seen = Seen()

    seen.view.show(s.DiagnosticsShown((bare,)))

    assert "error: The service may be unable to reach the key\n  → x\n" == seen.err


def test_identical_diagnostics_are_displayed_once_with_their_subjects() -> None:
    """Five denied requests are one problem."""
    one = codes.CMK303.error("Not allowed.", "Ask for the role.", subject="/a")
    seen = Seen()

    seen.view.show(s.DiagnosticsShown((one, dataclasses.replace(one, subject="/b"), everything().diagnostics[0])))

    assert 1 == seen.err.count("Permission denied")
    assert "  → Ask for the role.\n  about /a\n  about /b\n" in seen.err
    assert "CMK103" in seen.err


def test_an_apply_without_changes_shows_the_state_and_the_verify_command() -> None:
    """The plan has already shown that there is nothing to do."""
    plan = up_to_date(new_workspace())
    seen = Seen()

    seen.view.show(s.Applied(plan, plan, 0.5, "Workspace w is encrypted.", "cmkctl verify p.yaml --sandbox"))

    assert "Workspace w is encrypted.\nCheck it at any time with:\n  cmkctl verify p.yaml --sandbox\n" == seen.err


def test_the_counts_of_an_apply_add_up_to_the_plan() -> None:
    """Also when a change turned out not to be needed, which has a line of its own."""
    plan = new_workspace(registered=True)
    seen = Seen()
    seen.view.show(s.PlanShown(plan))
    for index, change in enumerate(plan.pending):
        seen.view.show(events.ChangeSkipped(change) if index == 5 else events.ChangeFinished(change, 1))

    seen.view.show(s.Applied(plan, up_to_date(plan), 60))

    assert "Apply complete in 1m 0s: 12 created, 1 not needed, 3 up to date.\n" in seen.err
    assert f"= {plan.pending[5].title}: no longer needed (6 of 13)\n" in seen.err


@pytest.mark.parametrize(
    ("count", "diagnosed", "last"),
    [
        (1, False, "OK: 1 of 1 resource matches the profile."),
        (2, False, "Drift: 1 of 2 resources differs from the profile."),
        (1, True, "Problem: 1 resource matches the profile, but a check failed."),
    ],
)
def test_verify_ends_with_its_verdict(count: int, diagnosed: bool, last: str) -> None:
    """The sentence that counts comes last on stdout."""
    plan = everything()
    plan = dataclasses.replace(plan, changes=plan.changes[:count], diagnostics=plan.diagnostics if diagnosed else ())
    seen = Seen()

    seen.view.show(s.Verified(plan))

    assert last == seen.out.splitlines()[-1]


def test_a_stream_that_cannot_hold_our_signs_does_not_end_the_run() -> None:
    """In an ASCII locale they are written as escapes."""
    raw = io.BytesIO()
    stdout = io.TextIOWrapper(raw, encoding="ascii")

    make_view(json=False, stdout=stdout, stderr=Pipe(), stdin=Pipe(), environ={}).show(s.PlanShown(everything()))

    assert b"-> choose a different key.name" in raw.getvalue()


@pytest.mark.parametrize(("columns", "width"), [("", 80), ("30", 40), ("100", 100), ("500", 120), ("wide", 80)])
def test_columns_are_those_requested_within_bounds(columns: str, width: int) -> None:
    """By default 80. Never below 40, where nothing can be read, nor above 120, where sentences cannot."""
    assert width == width_of(Pipe(), {"COLUMNS": columns})


def test_the_width_comes_from_the_terminal() -> None:
    """When COLUMNS does not."""
    leader, follower = os.openpty()
    termios.tcsetwinsize(follower, (24, 97))

    with os.fdopen(leader, "rb"), os.fdopen(follower, "w") as terminal:
        assert 97 == width_of(terminal, {})


def test_the_source_line_of_a_diagnostic_is_redacted() -> None:
    """It is shown with a caret, and takes no part in comparisons."""
    place = Location("prod.yaml", 1, 12, "password: planted-secret-0123456789")
    seen = Seen()

    RedactingView(Redactor(["planted-secret-0123456789"]), seen.view).show(
        s.DiagnosticsShown((codes.CMK003.error("Unknown field.", location=place),))
    )

    assert "planted" not in seen.err
    assert "    password: " in seen.err
