from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.view_plans import everything, new_workspace, up_to_date
from support.view_status import STATUS
from support.view_streams import UNTIL, UPDATE, Seen, show_everything
from support.view_survey import many, ordinary

from cmkctl import events
from cmkctl.cli import exits
from cmkctl.views import shown as s

PAGE = Path(__file__).parents[2] / "docs" / "output.md"
SHOWN = re.compile(r"<!-- shown: (?P<name>[\w-]+) -->\n```\w+\n(?P<text>.*?)```\n", re.DOTALL)


def plan() -> str:
    """Return the plan of a new workspace."""
    seen = Seen()
    seen.view.show(s.PlanShown(new_workspace(registered=True)))
    return seen.out


def difficult() -> str:
    """Return the plan with one of everything."""
    seen = Seen()
    seen.view.show(s.PlanShown(everything()))
    return seen.out


def diagnostic() -> str:
    """One diagnostic."""
    seen = Seen()
    seen.view.show(s.DiagnosticsShown(everything().diagnostics[:1]))
    return seen.err


def narration() -> str:
    """Three changes in a pipe, one of which is not needed."""
    seen = Seen()
    plan = new_workspace(registered=True)
    vault, access, workspace = (plan.of(each)[0] for each in ("key_vault", "key_access", "workspace"))
    before = replace(plan, changes=(plan.of("resource_providers")[1], vault, access, workspace))
    seen.view.show(s.PlanShown(before))
    seen.view.show(events.ChangeStarted(vault))
    seen.view.show(events.ChangeFinished(vault, 14))
    seen.view.show(events.ChangeSkipped(access))
    seen.view.show(events.ChangeStarted(workspace))
    for seconds in range(0, 605, 300):
        seen.view.show(events.Waiting(workspace, workspace.title, seconds, UNTIL))
    seen.view.show(events.ChangeFinished(workspace, 605))
    conclusion = "Workspace mlw-quickstart is encrypted with key cmk-ml in vault kv-ml-quickstart (in-subscription)."
    after = up_to_date(replace(before, changes=(before.changes[0], vault, workspace)))
    seen.view.show(s.Applied(before, after, 640, conclusion, "cmkctl verify profiles/quickstart.yaml"))
    return seen.err


def question() -> str:
    """Return the question, with an answer."""
    seen = Seen(terminal=True, typed="yes\n", environ={"NO_COLOR": "1"})
    seen.view.show(s.RunContext(sandbox=False, account="ada@example.com", subscription_name="ML production"))
    seen.view.confirm(new_workspace())
    return f"{seen.err}yes\n"


def status() -> str:
    """One screen."""
    seen = Seen()
    seen.view.show(s.StatusShown(STATUS, "AzureCloud", "00000000-0000-0000-0000-000000000000"))
    return seen.out


def posture() -> str:
    """Return the survey of one workspace."""
    seen = Seen()
    seen.view.show(s.PostureShown(ordinary()))
    return seen.out


def postures() -> str:
    """Return the survey of several workspaces."""
    seen = Seen()
    seen.view.show(s.PostureShown(many(6), single=False))
    return seen.out


def json_lines() -> dict[str, str]:
    """Return an example line of each type, formatted over several lines."""
    seen = Seen(json=True)
    show_everything(seen.view)
    lines = [json.loads(line) for line in seen.out.splitlines()]
    chosen = {line["type"]: line for line in reversed(lines)}
    chosen["planned_change"] = next(each for each in lines if each.get("step") == "workspace")
    chosen["apply_progress"] = next(each for each in lines if each.get("seconds") == 100)
    return {name: json.dumps(line, indent=2, ensure_ascii=False) + "\n" for name, line in chosen.items()}


def examples() -> dict[str, str]:
    """Everything that the page shows, as it is now."""
    human = {
        "plan": plan(),
        "difficult-plan": difficult(),
        "diagnostic": diagnostic(),
        "narration": narration(),
        "question": question(),
        "status-screen": status(),
        "posture-screen": posture(),
        "posture-summary": postures(),
    }
    lines = json_lines()
    return {**human, **lines, "diagnostic": human["diagnostic"], "diagnostic-line": lines["diagnostic"]}


def test_the_page_shows_what_is_written_now() -> None:
    """Each example of docs/output.md is made by the views; each type of the protocol has one."""
    now, page = examples(), PAGE.read_text(encoding="utf-8")
    if os.environ.get(UPDATE):
        page = SHOWN.sub(lambda found: _filled(found, now), page)
        PAGE.write_text(page, encoding="utf-8")

    assert now == {found["name"]: found["text"] for found in SHOWN.finditer(page)}


@pytest.mark.parametrize("name", ["DONE", "FAILED", "CHANGES", "REFUSED", "INCOMPLETE", "USAGE", "INTERRUPTED"])
def test_the_page_lists_every_exit_code(name: str) -> None:
    """With the number that the command line returns."""
    rows = re.findall(r"^\| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert str(getattr(exits, name)) in rows


def _filled(found: re.Match[str], now: dict[str, str]) -> str:
    fence, _, _ = found[0].partition("```")[2].partition("\n")
    return f"<!-- shown: {found['name']} -->\n```{fence}\n{now[found['name']]}```\n"
