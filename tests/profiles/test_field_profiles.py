"""The configurations of the field, profiles/field/: planned, applied, planned again and verified in one sandbox."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from support.arranged import arrange_what_it_names
from support.scenarios import Client, ScenarioBuilder
from support.sent import sent, shown

from cmkctl.azure.clouds import ENDPOINTS
from cmkctl.diagnostics import Severity
from cmkctl.engine import apply_plan, make_plan
from cmkctl.plan import Action, Plan
from cmkctl.procedures.encrypt import ENCRYPT
from cmkctl.profile.load import load_profile
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.validation import validate

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "profiles" / "field"
NAMES: Final = sorted(each.stem for each in FOLDER.glob("*.yaml"))
SETTINGS: Final[list[dict[str, Any]]] = yaml.safe_load(
    Path(__file__).with_name("field_settings.yaml").read_text(encoding="utf-8")
)
UNNEEDED: Final = "other key operations than wrap and unwrap"
"""The setting that a workspace does not need, so that a configuration with nothing else is expressed without loss."""


@cache
def profile_of(name: str) -> Profile:
    """Load a profile of the field."""
    return load_profile(FOLDER / f"{name}.yaml", environ={"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID}).profile


def errors(plan: Plan) -> list[str]:
    """Return the errors and conflicts of a plan."""
    found = [f"{each.code} {each.detail}" for each in plan.diagnostics if each.severity is Severity.ERROR]
    return found + [f"{each.code} {each.reason}" for each in plan.changes if each.action is Action.CONFLICT]


def left(plan: Plan) -> list[tuple[str, str]]:
    """Return the changes of a plan that are no no-op, and those without a reason."""
    return [(each.title, each.reason) for each in plan.changes if each.action is not Action.NO_OP or not each.reason]


@pytest.mark.parametrize("name", NAMES)
def test_a_configuration_of_the_field_is_made_as_planned_and_then_right(
    builder: ScenarioBuilder, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Apply sends the plan's bodies, each accepted at once; then plan and verify find nothing, and apply sends nothing."""
    profile = profile_of(name)
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", ENDPOINTS[profile.cloud].authority)
    builder.running.reset()
    arrange_what_it_names(builder.running.state, profile)
    client = builder.client()

    began = client.moment
    plan = client.plan(profile)
    assert ([], []) == (errors(plan), client.writes_since(began))
    session = client.session(profile)
    found = validate(session, profile, plan)
    session.close()
    assert [] == [f"{each.code} {each.summary} {each.detail}" for each in found.diagnostics]
    result = client.apply(profile, plan)
    written = client.writes_since(began)
    encrypted = on_the_services(client, profile)
    done = client.moment
    again = client.apply(profile)

    due = {shown(each.request, plan, result): each.title for each in plan.changes if each.request}
    sents = [sent(each) for each in written]
    assert [] == [each for each in sents if each not in due or sents.count(each) > 1]
    # Registering Microsoft.DocumentDB brings the principal, and then no write creates it.
    assert [title for key, title in due.items() if key not in sents] in ([], ["service principal Azure Cosmos DB"])
    assert [] == [
        f"{each.method} {each.path}: {each.status}" for each in written if each.status >= HTTPStatus.BAD_REQUEST
    ]
    assert ([], [], []) == (left(again), errors(again), client.writes_since(done))
    assert ([], bool(profile.services.entries)) == encrypted


def on_the_services(client: Client, profile: Profile) -> tuple[list[tuple[str, str]], bool]:
    """Run encrypt where the profile lists services: what is left afterwards, and whether there was a plan to apply."""
    if not profile.services.entries:
        return [], False
    session = client.session(profile)
    try:
        plan = make_plan(session, profile, ENCRYPT)
        result = apply_plan(session, profile, plan, ENCRYPT, client.events.append)
    finally:
        session.close()
    return left(result), bool(plan.pending)


# --- the table


def value_at(profile: Profile, path: str) -> Any:
    """Return the field at a dotted path; None where a section on the way is left out."""
    found: Any = profile
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def has(name: str, setting: Mapping[str, Any]) -> bool:
    """Return True for a profile with the setting, in its fields or in its comment about what is outside cmkctl."""
    if "outside" in setting:
        return setting["outside"] in outside(name)
    for condition in setting["where"]:
        path, _, wanted = condition.partition(" = ")
        found = value_at(profile_of(name), path)
        if (str(found) == wanted) if wanted else found not in (None, (), {}, False):
            return True
    return False


def outside(name: str) -> list[str]:
    """Return what the comment of a profile lists as outside cmkctl, without remarks after a comma."""
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    found = re.search(r"^# Outside cmkctl: ((?:.*\n#? ?)*?.*)\.$", text, re.MULTILINE)
    return [each.partition(",")[0].strip() for each in found[1].split(";")] if found else []


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda each: each["setting"])
def test_a_setting_occurs_as_often_as_in_the_field(setting: Mapping[str, Any]) -> None:
    """The table of the field counts each setting over fifteen configurations."""
    assert setting["in"] == len([each for each in NAMES if has(each, setting)])


def test_four_of_fifteen_have_none_of_the_settings() -> None:
    """So many could be expressed before; the key operations that four of fifteen have beside are not needed."""
    settings = [each for each in SETTINGS if each["setting"] != UNNEEDED]

    assert (15, 4) == (len(NAMES), len([each for each in NAMES if not any(has(each, one) for one in settings)]))


def test_everything_outside_is_counted_and_explained() -> None:
    """Each setting that a comment leaves to other tools is a row of the table and of the page."""
    known = {each["outside"] for each in SETTINGS if "outside" in each}
    page = (ROOT / "docs" / "field.md").read_text(encoding="utf-8")

    assert known == {each for name in NAMES for each in outside(name)}
    assert [] == [each for each in known if f"| {each} |" not in page]
    assert [] == [name for name in NAMES if f"[{name}](../profiles/field/{name}.yaml)" not in page]
