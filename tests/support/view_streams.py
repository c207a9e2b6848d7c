"""Streams to look at, goldens to compare with, and one session that holds everything a view can be told."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cmkctl import events
from cmkctl.views import View, make_view
from support.view_plans import everything, new_workspace

GOLDEN: Final = Path(__file__).parents[1] / "views" / "golden"
UNTIL: Final = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)
UPDATE: Final = "CMKCTL_UPDATE_GOLDENS"
"""Set it to write what is seen instead of comparing: ``CMKCTL_UPDATE_GOLDENS=1 pytest tests/views``."""


class Pipe(io.StringIO):
    """A stream that is no terminal and counts how often it was flushed."""

    flushes = 0

    def flush(self) -> None:
        """Count."""
        self.flushes += 1


class Screen(Pipe):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


class Seen:
    """A view with the streams it writes to."""

    def __init__(
        self,
        *,
        json: bool = False,
        terminal: bool = False,
        columns: int = 80,
        typed: str = "",
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        stream = Screen if terminal else Pipe
        self.stdout, self.stderr = stream(), stream()
        self.view: View = make_view(
            json=json,
            stdout=self.stdout,
            stderr=self.stderr,
            stdin=stream(typed),
            environ={"COLUMNS": str(columns), "TERM": "xterm-256color", **environ},
        )

    @property
    def out(self) -> str:
        """What is on stdout."""
        return self.stdout.getvalue()

    @property
    def err(self) -> str:
        """What is on stderr."""
        return self.stderr.getvalue()


def assert_golden(name: str, seen: str) -> None:
    """Compare with a golden, in which an escape character is written as ``␛`` and a carriage return as ``␍``."""
    path, text = GOLDEN / f"{name}.txt", seen.replace("\x1b", "␛").replace("\r", "␍")
    if os.environ.get(UPDATE):
        path.write_text(text, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == text


def tell_everything(view: View) -> None:
    """One session in which every method of a view is used, in the order of an apply."""
    plan = everything()
    grant, workspace = plan.of("key_access")[0], plan.of("workspace")[0]
    with view:
        view.waiting("Azure answered HTTP 429; asking again", 2)
        view.plan(plan)
        view.saved("plan.json", dict.fromkeys(("profile", "plan", "observations"), "0" * 64))
        view.event(events.StepStarted("key_access", "key access"))
        view.event(events.ChangeStarted(grant))
        view.event(events.ChangeFinished(grant, 1.25))
        view.event(events.StepFinished("key_access", "key access"))
        view.event(events.ChangeStarted(workspace))
        for seconds in (0.0, 5.0, 10.0, 15.5, 100.0):
            view.waiting(workspace.title, seconds, UNTIL)
        view.waiting(f"{workspace.title} to be ready", 12)
        view.event(events.ChangeFailed(workspace, plan.diagnostics))
        view.diagnostics(plan.diagnostics)
        done = new_workspace(registered=True)
        view.applied(done, done, 723.4)
        view.outputs({"workspace_id": plan.subject.workspace_id, "managed_resource_group": None})
        view.verified(plan)
        view.event(events.ChangeStarted(workspace))
    view.interrupted("cmkctl apply profile.yaml")
