"""Streams to look at, golden texts, and one session with a value of every kind."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cmkctl import events
from cmkctl.listing import ListedWorkspace
from cmkctl.posture import Verdict
from cmkctl.views import View
from cmkctl.views import shown as s
from cmkctl.views.human import HumanView
from cmkctl.views.json import JsonView
from support.view_plans import everything, new_workspace, up_to_date
from support.view_status import STATUS
from support.view_survey import EXAMPLE

GOLDEN: Final = Path(__file__).parents[1] / "views" / "golden"
NOW: Final = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
"""The moment of every line."""
UNTIL: Final = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)
_WORKSPACES: Final = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-ml/providers"
    "/Microsoft.MachineLearningServices/workspaces"
)
LISTED: Final = (
    ListedWorkspace(
        f"{_WORKSPACES}/hub-ml",
        "hub",
        "eastus2",
        Verdict.CUSTOMER,
        "in-subscription",
        "https://kv-ml.vault.azure.net/keys/cmk-ml",
        "0123456789abcdef0123456789abcdef",
        provisioning_state="Succeeded",
        high_business_impact=True,
    ),
    ListedWorkspace(
        f"{_WORKSPACES}/project-ml",
        "project",
        "eastus2",
        Verdict.INHERITED,
        "in-subscription",
        "https://kv-ml.vault.azure.net/keys/cmk-ml",
        "0123456789abcdef0123456789abcdef",
        f"{_WORKSPACES}/hub-ml",
        "Succeeded",
    ),
    ListedWorkspace(
        f"{_WORKSPACES.replace('rg-ml', 'rg-trial')}/mlw-of-the-team-that-forecasts-sales",
        "default",
        "germanywestcentral",
        Verdict.MICROSOFT,
        provisioning_state="Succeeded",
        high_business_impact=False,
    ),
    ListedWorkspace(
        f"{_WORKSPACES.replace('rg-ml', 'rg-trial')}/project-elsewhere",
        "project",
        "eastus2",
        Verdict.INHERITED,
        hub=f"{_WORKSPACES}/hub-of-others",
        provisioning_state="Failed",
    ),
)
UPDATE: Final = "CMKCTL_UPDATE_GOLDENS"
"""Set it to write what is seen instead of comparing: ``CMKCTL_UPDATE_GOLDENS=1 pytest tests/views``."""


class Pipe(io.StringIO):
    """A stream that is no terminal and counts how often it was flushed."""

    flushes = 0

    def flush(self) -> None:
        """Count."""
        self.flushes += 1


class Screen(Pipe):
    """A stream that is a terminal."""

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
        if json:
            self.view: View = JsonView(self.stdout, self.stderr, now=lambda: 100.0, wall=lambda: NOW)
            return
        self.view = HumanView(
            self.stdout,
            self.stderr,
            stream(typed),
            environ={"COLUMNS": str(columns), "TERM": "xterm-256color", **environ},
            now=lambda: 100.0,
            wall=lambda: NOW,
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


def show_everything(view: View) -> None:
    """One session with a value of every kind, in the order of an apply."""
    plan = everything()
    grant, workspace = plan.of("key_access")[0], plan.of("workspace")[0]
    skipped, kept = plan.of("associated_resources")[0], up_to_date(new_workspace()).changes[0]
    applied = replace(new_workspace(), changes=(grant, skipped, kept))
    after = up_to_date(replace(applied, changes=(grant, kept)))
    with view:
        view.show(s.RunContext(sandbox=True, account="ada@example.com", subscription_name="ML production"))
        view.show(events.Waiting(None, "Azure returned HTTP 429; next try in 2 s", 2))
        view.show(s.PlanShown(plan))
        view.show(s.PlanSaved("plan.json", dict.fromkeys(("profile", "plan"), "0" * 64), "cmkctl apply plan.json"))
        view.show(events.StepStarted("key_access", "key access"))
        view.show(events.ChangeStarted(grant))
        view.show(events.ChangeFinished(grant, 1.25))
        view.show(events.StepFinished("key_access", "key access"))
        view.show(events.ChangeSkipped(skipped))
        view.show(events.ChangeStarted(workspace))
        for seconds in (0.0, 5.0, 10.0, 15.5, 100.0):
            view.show(events.Waiting(workspace, workspace.title, seconds, UNTIL))
        view.show(events.Waiting(workspace, f"{workspace.title} to be ready", 12))
        view.show(events.WaitEnded(workspace, workspace.title, 100, events.WaitEnd.FAILED))
        view.show(events.ChangeFailed(workspace, plan.diagnostics))
        view.show(s.DiagnosticsShown(plan.diagnostics))
        view.show(s.LogText("GET /subscriptions 200"))
        view.show(s.Applied(applied, after, 723.4, "It is encrypted.", "cmkctl verify prod.yaml"))
        view.show(s.OutputsShown({"workspace_id": plan.subject.workspace_id, "managed_resource_group": None}))
        view.show(s.Verified(plan))
        view.show(s.ProfileValid("prod.yaml"))
        view.show(s.ProfileWritten("prod.yaml", ("location: eastus2",), "/w", "No changes.", "cmkctl plan prod.yaml"))
        view.show(s.CheckShown("Clock", s.CheckState.OK, "2 s ahead of Azure"))
        view.show(s.CheckShown("Sign-in", s.CheckState.FAILED, "no credential", "Sign in with: az login"))
        view.show(s.CheckShown("Permissions", s.CheckState.UNKNOWN, "the resource group does not exist yet"))
        view.show(s.Explained("code", "CMK210", "CMK210  The vault lacks purge protection\n"))
        view.show(s.PostureShown(EXAMPLE))
        view.show(s.StatusShown(STATUS, "AzureCloud", "00000000-0000-0000-0000-000000000000"))
        view.show(s.WorkspacesShown(LISTED))
        view.show(s.Cancelled())
        view.show(events.ChangeStarted(workspace))
    view.show(s.RunInterrupted("cmkctl apply profile.yaml"))
    view.show(s.RunEnded(130))
