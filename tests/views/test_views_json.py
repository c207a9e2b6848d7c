from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.view_plans import COSMOS_APP, everything, new_workspace
from support.view_streams import Pipe, Seen, show_everything

from cmkctl import __version__, codes, events
from cmkctl.checks import CODES
from cmkctl.plan import Action
from cmkctl.views import make_view
from cmkctl.views import shown as s

PROTOCOL = json.loads((Path(__file__).parents[2] / "docs" / "output.schema.json").read_text(encoding="utf-8"))


def session() -> list[dict[str, Any]]:
    """Return the lines of a session with a value of every kind."""
    seen = Seen(json=True)
    show_everything(seen.view)
    return [json.loads(line) for line in seen.out.splitlines()]


def test_every_line_keeps_to_the_protocol() -> None:
    """One object a line, with exactly the fields of the schema, and of a type that it knows."""
    validator = jsonschema.Draft202012Validator(PROTOCOL)

    for line in session():
        assert [] == [error.message for error in validator.iter_errors(line)], line


def test_every_type_of_the_protocol_is_seen() -> None:
    """What is documented is written."""
    assert set(PROTOCOL["properties"]["type"]["enum"]) == {line["type"] for line in session()}


@pytest.mark.slow
def test_a_real_plan_keeps_to_the_protocol() -> None:
    """Also the plan that the steps make."""
    seen = Seen(json=True)

    seen.view.show(s.PlanShown(new_workspace()))

    for line in seen.out.splitlines():
        jsonschema.validate(json.loads(line), PROTOCOL)


def test_the_first_line_is_the_version_and_comes_once() -> None:
    """A reader checks it before anything else."""
    lines = session()

    assert {"type": "version", "cmkctl": __version__, "schema": "2.0", "sandbox": True} == {
        k: v for k, v in lines[0].items() if k != "at"
    }
    assert 1 == sum(line["type"] == "version" for line in lines)


def test_nothing_else_is_written() -> None:
    """No narration on stdout, and only the log on stderr; no prompt."""
    seen = Seen(json=True, terminal=True, typed="yes\n")

    show_everything(seen.view)

    assert seen.err == "GET /subscriptions 200\n"
    assert all(line.startswith('{"type":"') for line in seen.out.splitlines())
    assert not seen.view.can_ask
    assert not seen.view.confirm(everything())


def test_a_plan_is_its_changes_then_its_diagnostics_then_the_sum() -> None:
    """In the order of the plan, so that a reader can stop at the summary."""
    seen = Seen(json=True)

    seen.view.show(s.PlanShown(everything()))

    types = [json.loads(line)["type"] for line in seen.out.splitlines()]
    assert ["version", *["planned_change"] * 9, *["diagnostic"] * 3, "plan_summary"] == types


def test_the_sum_counts_every_action() -> None:
    """Those that do not occur are zero, not missing."""
    summary = next(line for line in session() if line["type"] == "plan_summary")

    assert len(everything().changes) == sum(summary["counts"].values())
    assert [each.value for each in Action] == list(summary["counts"])
    assert (2, True, 2, 1) == tuple(summary[each] for each in ("irreversible", "errored", "errors", "warnings"))


def test_what_is_not_known_yet_is_no_text() -> None:
    """In an attribute it stands beside a null, in a body it is an object that no Azure body holds."""
    change = next(line for line in session() if line["type"] == "planned_change" and line["step"] == "workspace")

    attribute = change["attributes"][1]
    assert (None, {"step": "key", "output": "identifier"}) == (attribute["after"], attribute["unknown"])
    key = change["request"]["body"]["properties"]["encryption"]["keyVaultProperties"]
    assert {"$unknown": "key.identifier"} == key["keyIdentifier"]


def test_progress_is_a_heartbeat() -> None:
    """At once, then about every five seconds, however often Azure is polled."""
    seen = Seen(json=True)

    for tenth in range(200):
        seen.view.show(events.Waiting(None, "workspace mlw-prod", tenth / 10))

    assert [0.0, 5.0, 10.0, 15.0] == [json.loads(line)["seconds"] for line in seen.out.splitlines()[1:]]


def test_every_line_is_flushed() -> None:
    """A reader sees a line when it happens."""
    seen = Seen(json=True)

    show_everything(seen.view)

    assert len(seen.out.splitlines()) == seen.stdout.flushes


def test_text_is_utf_8_and_harmless() -> None:
    """Letters stay letters; what a terminal or a line reader would obey is escaped."""
    seen = Seen(json=True)
    text = "Größe → \x1b[2J \x9b2J \u2028 \u202e \ufeff ##vso[x] \n"

    seen.view.show(s.DiagnosticsShown((codes.CMK001.error(text),)))

    line = seen.out.splitlines()[1]
    assert "Größe → \\u001b[2J \\u009b2J \\u2028 \\u202e \\ufeff \\u0023#vso[x] \\n" in line
    assert text == json.loads(line)["detail"]


@pytest.mark.parametrize("text", ["Größe → 😀", "half \ud800"])
def test_a_stream_that_cannot_hold_a_character_gets_its_escape(text: str) -> None:
    """Still JSON, still the same text."""
    raw = io.BytesIO()
    view = make_view(json=True, stdout=io.TextIOWrapper(raw, encoding="ascii"), stderr=Pipe())

    view.show(s.OutputsShown({"name": text}))

    assert text == json.loads(raw.getvalue().splitlines()[1])["name"]


def test_a_value_that_is_not_json_is_a_defect() -> None:
    """It is never converted to text."""
    with pytest.raises(TypeError, match="object is no JSON value"):
        Seen(json=True).view.show(s.OutputsShown({"thing": object()}))


def test_a_conflict_has_a_diagnostic_with_the_title_of_its_code() -> None:
    """With the ways out as its remedy; so a script finds every code among the diagnostics."""
    (found,) = [line for line in session() if line["type"] == "diagnostic" and line["code"] == "CMK224"][:1]

    assert CODES["CMK224"].title == found["summary"]
    assert "choose a different key.name" in found["remedy"]


def test_the_counts_of_an_apply_add_up_to_the_plan() -> None:
    """Each change is created, updated, waited for, not needed or up to date."""
    (summary,) = [line for line in session() if line["type"] == "apply_summary"]

    parts = ("created", "updated", "deleted", "disabled", "enabled", "waited_for", "not_needed", "up_to_date")
    assert 3 == summary["total"] == sum(summary[each] for each in parts)
    assert 1 == summary["not_needed"]


def test_a_resource_id_is_one_of_resource_manager() -> None:
    """Everything else is in `subject`; each change has one of the two."""
    changes = [line for line in session() if line["type"] == "planned_change"]

    assert all((line["resource_id"] is None) != (line["subject"] is None) for line in changes)
    assert {f"/v1.0/servicePrincipals(appId={COSMOS_APP!r})"} == {
        line["subject"] for line in changes if line["subject"]
    }


def test_the_last_line_is_the_end() -> None:
    """With the exit code, whether anything changed, and where the run went."""
    last = session()[-1]

    assert ("end", 130, True, True) == tuple(last[each] for each in ("type", "exit_code", "changed", "sandbox"))
