from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.view_plans import everything, new_workspace
from support.view_streams import Pipe, Seen, tell_everything

from cmkctl import __version__, codes
from cmkctl.plan import Action
from cmkctl.views import make_view

PROTOCOL = json.loads((Path(__file__).parent / "protocol.schema.json").read_text(encoding="utf-8"))


def session() -> list[dict[str, Any]]:
    """The lines of a session in which everything is told."""
    seen = Seen(json=True)
    tell_everything(seen.view)
    return [json.loads(line) for line in seen.out.splitlines()]


def test_every_line_keeps_to_the_protocol() -> None:
    """One object a line, no field more or less than the schema says, and no type that it does not know."""
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

    seen.view.plan(new_workspace())

    for line in seen.out.splitlines():
        jsonschema.validate(json.loads(line), PROTOCOL)


def test_the_first_line_is_the_version_and_comes_once() -> None:
    """A reader checks it before anything else."""
    lines = session()

    assert {"type": "version", "cmkctl": __version__, "schema": "1.1"} == lines[0]
    assert 1 == sum(line["type"] == "version" for line in lines)


def test_nothing_else_is_written() -> None:
    """No narration on stdout, and none on stderr either; nobody is asked."""
    seen = Seen(json=True, terminal=True, typed="yes\n")

    tell_everything(seen.view)

    assert seen.err == ""
    assert all(line.startswith('{"type":"') for line in seen.out.splitlines())
    assert not seen.view.can_ask
    assert not seen.view.confirm(everything())


def test_a_plan_is_its_changes_then_its_diagnostics_then_the_sum() -> None:
    """In the order of the plan, so that a reader can stop at the summary."""
    seen = Seen(json=True)

    seen.view.plan(everything())

    types = [json.loads(line)["type"] for line in seen.out.splitlines()]
    assert ["version", *["planned_change"] * 6, *["diagnostic"] * 2, "plan_summary"] == types


def test_the_sum_counts_every_action() -> None:
    """Those that do not occur are zero, not missing."""
    summary = next(line for line in session() if line["type"] == "plan_summary")

    assert {"create": 2, "update": 1, "no-op": 1, "wait": 1, "conflict": 1} == summary["counts"]
    assert [each.value for each in Action] == list(summary["counts"])
    assert (2, True, 1, 1) == tuple(summary[each] for each in ("irreversible", "errored", "errors", "warnings"))


def test_what_is_not_known_yet_is_no_text() -> None:
    """In an attribute it stands beside a null, in a body it is an object that no Azure body holds."""
    change = next(line for line in session() if line["type"] == "planned_change" and line["step"] == "workspace")

    attribute = change["attributes"][1]
    assert (None, {"step": "key", "output": "identifier"}) == (attribute["after"], attribute["unknown"])
    key = change["request"]["body"]["properties"]["encryption"]["keyVaultProperties"]
    assert {"$unknown": "key.identifier"} == key["keyIdentifier"]


def test_progress_is_a_heartbeat() -> None:
    """At once, then about every five seconds, however often Azure is asked."""
    seen = Seen(json=True)

    for tenth in range(200):
        seen.view.waiting("workspace mlw-prod", tenth / 10)

    assert [0.0, 5.0, 10.0, 15.0] == [json.loads(line)["seconds"] for line in seen.out.splitlines()[1:]]


def test_every_line_is_flushed() -> None:
    """A reader sees a line when it happens."""
    seen = Seen(json=True)

    tell_everything(seen.view)

    assert len(seen.out.splitlines()) == seen.stdout.flushes


def test_text_is_utf_8_and_harmless() -> None:
    """Letters stay letters; what a terminal or a line reader would obey is escaped."""
    seen = Seen(json=True)
    text = "Größe → \x1b[2J \x9b2J \u2028 \n"

    seen.view.diagnostics([codes.CMK001.error("", "")])

    line = seen.out.splitlines()[1]
    assert "Größe → \\u001b[2J \\u009b2J \\u2028 \\n" in line
    assert text == json.loads(line)["summary"]


@pytest.mark.parametrize("text", ["Größe → 😀", "half \ud800"])
def test_a_stream_that_cannot_hold_a_character_gets_its_escape(text: str) -> None:
    """Still JSON, still the same text."""
    raw = io.BytesIO()
    view = make_view(json=True, stdout=io.TextIOWrapper(raw, encoding="ascii"), stderr=Pipe())

    view.outputs({"name": text})

    assert {"type": "outputs", "name": text} == json.loads(raw.getvalue().splitlines()[1])


def test_what_is_no_json_is_a_mistake_of_ours() -> None:
    """It is never turned into some text."""
    with pytest.raises(TypeError, match="object is no JSON value"):
        Seen(json=True).view.outputs({"thing": object()})
