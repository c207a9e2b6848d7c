from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.view_plans import everything, new_workspace
from support.view_streams import UNTIL, UPDATE, Seen, tell_everything

from cmkctl import events
from cmkctl.cli import exits
from cmkctl.plan import Action

PAGE = Path(__file__).parents[2] / "docs" / "output.md"
SHOWN = re.compile(r"<!-- shown: (?P<name>[\w-]+) -->\n```\w+\n(?P<text>.*?)```\n", re.DOTALL)


def plan() -> str:
    """The plan of a new workspace."""
    seen = Seen()
    seen.view.plan(new_workspace(registered=True))
    return seen.out


def difficult() -> str:
    """The plan with one of everything."""
    seen = Seen()
    seen.view.plan(everything())
    return seen.out


def diagnostic() -> str:
    """One diagnostic."""
    seen = Seen()
    seen.view.diagnostics(everything().diagnostics[:1])
    return seen.err


def narration() -> str:
    """Two changes, made in a pipe."""
    seen = Seen()
    vault, workspace = new_workspace().of("key_vault")[0], new_workspace().of("workspace")[0]
    for change, length in ((vault, 14.0), (workspace, 605.0)):
        seen.view.event(events.ChangeStarted(change))
        for seconds in range(0, int(length), 300):
            seen.view.waiting(change.title, seconds, UNTIL)
        seen.view.event(events.ChangeFinished(change, length))
    before = replace(new_workspace(), changes=(vault, workspace))
    after = replace(before, changes=tuple(replace(each, action=Action.NO_OP) for each in before.changes))
    seen.view.applied(before, after, 640)
    return seen.err


def json_lines() -> dict[str, str]:
    """The most telling line of each type of the protocol, laid out on several lines."""
    seen = Seen(json=True)
    tell_everything(seen.view)
    lines = [json.loads(line) for line in seen.out.splitlines()]
    telling = {line["type"]: line for line in reversed(lines)}
    telling["planned_change"] = next(each for each in lines if each.get("step") == "workspace")
    telling["apply_progress"] = next(each for each in lines if each.get("seconds") == 100)
    return {name: json.dumps(line, indent=2, ensure_ascii=False) + "\n" for name, line in telling.items()}


def examples() -> dict[str, str]:
    """Everything that the page shows, as it is now."""
    human = {"plan": plan(), "difficult-plan": difficult(), "diagnostic": diagnostic(), "narration": narration()}
    lines = json_lines()
    return {**human, **lines, "diagnostic": human["diagnostic"], "diagnostic-line": lines["diagnostic"]}


def test_the_page_shows_what_is_written_now() -> None:
    """Each example of docs/output.md is made by the views; each type of the protocol has one."""
    now, page = examples(), PAGE.read_text(encoding="utf-8")
    if os.environ.get(UPDATE):
        page = SHOWN.sub(lambda found: _filled(found, now), page)
        PAGE.write_text(page, encoding="utf-8")

    assert now == {found["name"]: found["text"] for found in SHOWN.finditer(page)}


@pytest.mark.parametrize("name", ["DONE", "FAILED", "CHANGES", "REFUSED", "USAGE", "INTERRUPTED"])
def test_the_page_lists_every_exit_code(name: str) -> None:
    """With the number that the command line returns."""
    rows = re.findall(r"^\| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert str(getattr(exits, name)) in rows


def _filled(found: re.Match[str], now: dict[str, str]) -> str:
    fence, _, _ = found[0].partition("```")[2].partition("\n")
    return f"<!-- shown: {found['name']} -->\n```{fence}\n{now[found['name']]}```\n"
