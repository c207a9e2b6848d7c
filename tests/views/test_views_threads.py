from __future__ import annotations

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread
from typing import Any

import pytest
from support.view_plans import everything
from support.view_streams import Seen

from cmkctl import events
from cmkctl.plan import Change
from cmkctl.views import View

THREADS = 8


def changes() -> list[Change]:
    """As many changes as threads, of different names."""
    last = everything().changes[-1]
    names = [f"mlw-{index}" for index in range(THREADS)]
    return [dataclasses.replace(last, title=f"workspace {each}", resource_id=f"/x/{each}") for each in names]


def make(view: View, change: Change, together: Barrier) -> None:
    """What the engine tells of one change, from the thread that makes it."""
    view.event(events.ChangeStarted(change))
    together.wait()
    for tenth in range(200):
        view.waiting("Azure answered HTTP 429; asking again", tenth / 10)
    together.wait()
    view.event(events.ChangeFinished(change, 20))


def tell_at_the_same_time(view: View) -> None:
    """All changes at once."""
    together = Barrier(THREADS)
    with view, ThreadPoolExecutor(THREADS) as pool:
        for each in [pool.submit(make, view, change, together) for change in changes()]:
            each.result()


def test_json_lines_of_several_threads_stay_whole() -> None:
    """And each wait is told with the change of its own thread."""
    seen = Seen(json=True)

    tell_at_the_same_time(seen.view)

    lines = [json.loads(line) for line in seen.out.splitlines()]
    assert "version" == lines[0]["type"]
    for kind in ("apply_start", "apply_complete"):
        assert {each.title for each in changes()} == {line["title"] for line in lines if line["type"] == kind}
    assert all(line["title"].startswith("workspace mlw-") for line in lines[1:])


@pytest.mark.parametrize("how", [{"json": True}, {}, {"terminal": True}], ids=["json", "pipe", "terminal"])
def test_nothing_is_said_after_the_last_word(how: dict[str, Any]) -> None:
    """A thread that was not waited for hears of its end only after the run was told to stop."""
    seen = Seen(**how)
    change = changes()[0]
    seen.view.event(events.ChangeStarted(change))
    seen.view.interrupted("cmkctl apply profile.yaml")
    said = seen.out + seen.err

    seen.view.waiting("Azure answered HTTP 429; asking again", 20)
    seen.view.event(events.ChangeFinished(change, 20))

    assert said == seen.out + seen.err


@pytest.mark.slow
@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_text_of_several_threads_stays_whole(terminal: bool) -> None:
    """Each finished change has a line of its own, and nothing stays under way."""
    seen = Seen(terminal=terminal)

    tell_at_the_same_time(seen.view)
    seen.view.interrupted()

    for each in changes():
        assert f"{each.title}: created after 20s" in seen.err
    assert "Azure may go on" not in seen.err
    assert "\x1b[?25l" not in seen.err.replace("\x1b[?25l\x1b[?25h", "")


@pytest.mark.parametrize("json_lines", [False, True], ids=["human", "json"])
def test_a_change_that_was_given_up_is_not_under_way(json_lines: bool) -> None:
    """The engine says so from the step's thread, after the last try ended in a thread of its own."""
    seen, change = Seen(json=json_lines), changes()[0]
    with ThreadPoolExecutor(1) as pool:
        pool.submit(seen.view.event, events.ChangeStarted(change)).result()
    seen.view.event(events.ChangeFailed(change, ()))
    before = len(seen.out + seen.err)

    seen.view.interrupted()

    assert change.title not in (seen.out + seen.err)[before:]


@pytest.mark.parametrize("json_lines", [False, True], ids=["human", "json"])
def test_a_change_between_two_tries_is_under_way_whoever_else_begins(json_lines: bool) -> None:
    """Its answer was lost, and its thread has ended; a thread of another change may get the number of that one."""
    seen, (lost, *others) = Seen(json=json_lines), changes()
    for each in (lost, *others):
        thread = Thread(target=seen.view.event, args=(events.ChangeStarted(each),))
        thread.start()
        thread.join()
    for each in others:
        seen.view.event(events.ChangeFinished(each, 1))
    before = len(seen.out + seen.err)

    seen.view.interrupted()

    assert lost.title in (seen.out + seen.err)[before:]


def test_a_terminal_shows_several_waits_at_once() -> None:
    """One live line for each change under way, each with its own time."""
    seen = Seen(terminal=True)
    with ThreadPoolExecutor(2) as pool:
        together = Barrier(2)
        for index, change in enumerate(changes()[:2]):
            pool.submit(_begin, seen.view, change, 100 * index + 5, together)

    last = seen.err.rpartition("\x1b[2K")[2]
    assert ["… workspace mlw-0   5s", "… workspace mlw-1   1m 45s"] == sorted(
        line.replace("\x1b[36m", "").replace("\x1b[0m", "").strip() for line in last.splitlines()
    )


def _begin(view: View, change: Change, seconds: float, together: Barrier) -> None:
    view.event(events.ChangeStarted(change))
    together.wait()
    view.waiting(change.title, seconds)
