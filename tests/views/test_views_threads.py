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
from cmkctl.views.shown import RunInterrupted

THREADS = 8


def changes() -> list[Change]:
    """As many changes as threads, of different names."""
    last = everything().changes[-1]
    names = [f"mlw-{index}" for index in range(THREADS)]
    return [dataclasses.replace(last, name=each, resource_id=f"/x/{each}") for each in names]


def apply_change(view: View, change: Change, together: Barrier) -> None:
    """Return the events of one change, from the thread that applies it."""
    view.show(events.ChangeStarted(change))
    together.wait()
    for tenth in range(200):
        view.show(events.Waiting(change, "Azure returned HTTP 429; next try in 2 s", tenth / 10))
    together.wait()
    view.show(events.ChangeFinished(change, 20))


def show_concurrently(view: View) -> None:
    """All changes at once."""
    together = Barrier(THREADS)
    with view, ThreadPoolExecutor(THREADS) as pool:
        for each in [pool.submit(apply_change, view, change, together) for change in changes()]:
            each.result()


def test_json_lines_of_several_threads_stay_whole() -> None:
    """Each wait is displayed with its change."""
    seen = Seen(json=True)

    show_concurrently(seen.view)

    lines = [json.loads(line) for line in seen.out.splitlines()]
    assert "version" == lines[0]["type"]
    for kind in ("apply_start", "apply_complete"):
        assert {each.title for each in changes()} == {line["title"] for line in lines if line["type"] == kind}
    assert all(line["title"].startswith("workspace mlw-") for line in lines[1:])


@pytest.mark.parametrize("how", [{"json": True}, {}, {"terminal": True}], ids=["json", "pipe", "terminal"])
def test_events_after_an_interruption_are_dropped(how: dict[str, Any]) -> None:
    """Threads that are still running may emit events after the run was stopped."""
    seen = Seen(**how)
    change = changes()[0]
    seen.view.show(events.ChangeStarted(change))
    seen.view.show(RunInterrupted("cmkctl apply profile.yaml"))
    before = seen.out + seen.err

    seen.view.show(events.Waiting(change, "Azure returned HTTP 429; next try in 2 s", 20))
    seen.view.show(events.ChangeFinished(change, 20))

    assert before == seen.out + seen.err


@pytest.mark.slow
@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_text_of_several_threads_stays_whole(terminal: bool) -> None:
    """Each finished change has a line of its own, and nothing stays in progress."""
    seen = Seen(terminal=terminal)

    show_concurrently(seen.view)
    seen.view.show(RunInterrupted())

    for each in changes():
        assert f"{each.title}: created in 20s" in seen.err
    assert "Azure may continue" not in seen.err
    assert "\x1b[?25l" not in seen.err.replace("\x1b[?25l\x1b[?25h", "")


@pytest.mark.parametrize("json_lines", [False, True], ids=["human", "json"])
def test_a_failed_change_is_not_in_progress(json_lines: bool) -> None:
    """The engine reports it from another thread than the one of the last try."""
    seen, change = Seen(json=json_lines), changes()[0]
    with ThreadPoolExecutor(1) as pool:
        pool.submit(seen.view.show, events.ChangeStarted(change)).result()
    seen.view.show(events.ChangeFailed(change, ()))
    before = len(seen.out + seen.err)

    seen.view.show(RunInterrupted())

    assert change.title not in (seen.out + seen.err)[before:]


@pytest.mark.parametrize("json_lines", [False, True], ids=["human", "json"])
def test_a_change_between_two_tries_is_in_progress(json_lines: bool) -> None:
    """Its thread has ended, and other changes have started and ended since."""
    seen, (lost, *others) = Seen(json=json_lines), changes()
    for each in (lost, *others):
        thread = Thread(target=seen.view.show, args=(events.ChangeStarted(each),))
        thread.start()
        thread.join()
    for each in others:
        seen.view.show(events.ChangeFinished(each, 1))
    before = len(seen.out + seen.err)

    seen.view.show(RunInterrupted())

    assert lost.title in (seen.out + seen.err)[before:]


def test_a_terminal_shows_several_waits_at_once() -> None:
    """One live line for each change in progress, each with its own time."""
    seen = Seen(terminal=True)
    with ThreadPoolExecutor(2) as pool:
        together = Barrier(2)
        for index, change in enumerate(changes()[:2]):
            pool.submit(_begin, seen.view, change, 100 * index + 5, together)

    last = seen.err.rpartition("\x1b[2K")[2]
    assert ["workspace mlw-0: creating  5s", "workspace mlw-1: creating  1m 45s"] == sorted(
        line.replace("\x1b[36m", "").replace("\x1b[0m", "")[2:].strip() for line in last.splitlines()
    )


def _begin(view: View, change: Change, seconds: float, together: Barrier) -> None:
    view.show(events.ChangeStarted(change))
    together.wait()
    view.show(events.Waiting(change, change.title, seconds))
