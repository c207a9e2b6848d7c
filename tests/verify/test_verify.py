"""``cmkctl verify`` beyond the plan: access that Azure reports, expiry, a diagnosis, what was not seen, the JUnit report."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest
import yaml
from support.scenarios import KEY, VAULT, ProfileVariant, ScenarioBuilder, World
from support.view_plans import everything

from cmkctl.cli import main
from cmkctl.clock import SystemClock
from cmkctl.diagnostics import Diagnostic
from cmkctl.engine import make_plan
from cmkctl.plan import Plan
from cmkctl.procedures.open_with_sdk import diagnose
from cmkctl.procedures.verify import verifying
from cmkctl.profile.model import Profile
from cmkctl.sandbox.core.directory import add_application
from cmkctl.views import shown as s
from cmkctl.views.junit import JUnitView

AN_HOUR: Final = 3700.0
DAY: Final = 86400
READER: Final = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


def _verify(builder: ScenarioBuilder, profile: Profile, days: int = 30) -> Plan:
    session = builder.client().session(profile)
    try:
        return make_plan(session, profile, verifying(days))
    finally:
        session.close()


def _of(plan: Plan, code: str) -> list[Diagnostic]:
    return [each for each in plan.diagnostics if each.code == code]


# --- what is found


def test_a_finished_workspace_matches(builder: ScenarioBuilder) -> None:
    """Nothing differs, and everything could be seen."""
    plan = _verify(builder, builder.make(ProfileVariant(), World("finished")))

    assert (True, True) == (s.Verified(plan).matches, s.Verified(plan).complete)


@pytest.mark.parametrize(
    ("doing", "cause"),
    [
        ("the key is disabled", "is disabled"),
        ("the key has expired", "has expired"),
        ("the policies are gone", "no sufficient grant"),
    ],
)
def test_lost_access_is_reported_with_its_cause(builder: ScenarioBuilder, doing: str, cause: str) -> None:
    """In Azure's words, and with what the key and the grant show."""
    profile = builder.make(ProfileVariant(), World("finished", (doing,)))
    _verify(builder, profile)  # the account notices the loss, and goes on with the key in its cache
    builder.running.state.tenant.advance(AN_HOUR)

    plan = _verify(builder, profile)

    (found,) = _of(plan, "CMK690")
    assert "currently revoked" in found.detail
    assert cause in found.detail
    assert not s.Verified(plan).matches


@pytest.mark.parametrize(("days", "found"), [(30, 0), (60, 1)])
def test_an_expiry_is_a_warning_within_the_days(builder: ScenarioBuilder, days: int, found: int) -> None:
    """The key expires in 40 days; a warning is no difference."""
    profile = builder.make(ProfileVariant(), World("finished"))
    builder.running.state.set_key_attributes(VAULT, KEY, exp=int(time.time()) + 40 * DAY)

    plan = _verify(builder, profile, days)

    assert found == len(_of(plan, "CMK107"))
    assert s.Verified(plan).matches


def test_a_rotation_that_is_pending_is_a_warning(builder: ScenarioBuilder) -> None:
    """The latest version is not the one in use."""
    profile = builder.make(ProfileVariant(), World("finished"))
    builder.running.state.add_key(VAULT, KEY)

    plan = _verify(builder, profile)

    assert _of(plan, "CMK106")


# --- what Azure Machine Learning itself finds


@pytest.mark.filterwarnings("ignore")  # of azure-ai-ml
def test_a_diagnosis_is_passed_on_in_azures_words(builder: ScenarioBuilder) -> None:
    """An associated resource is gone: an error of Azure Machine Learning, and a warning."""
    profile = builder.make(ProfileVariant(), World("finished"))
    storage = profile.associated_resources.storage_account.resource_id
    builder.running.state.tenant.data["resources"].pop(storage.lower())
    session = builder.client().session(profile)

    found = list(diagnose(session, profile))

    assert ["error", "warning"] == [each.severity.value for each in found]
    assert "DependencyResourceNotExist" in found[0].detail
    assert {"storage account"} == {each.subject for each in found}


@pytest.mark.filterwarnings("ignore")  # of azure-ai-ml
def test_a_diagnosis_that_is_denied_is_a_note(builder: ScenarioBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything else is verified all the same."""
    profile = builder.make(ProfileVariant(), World("finished"))
    _sign_in_as_reader(builder, profile.resource_group_id, monkeypatch)
    session = builder.client().session(profile)

    found = list(diagnose(session, profile))

    assert [("CMK692", "note")] == [(each.code, each.severity.value) for each in found]


def _sign_in_as_reader(builder: ScenarioBuilder, scope: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = add_application(builder.running.state.tenant, "reader", ("Application.Read.All",))
    builder.running.state.assign_role(scope, reader.object_id, READER)
    monkeypatch.setenv("AZURE_CLIENT_ID", reader.app_id)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", reader.secret)


# --- what could not be seen, and exit codes


def _run(*arguments: str | Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[dict[str, Any]]]:
    code = main([*map(str, arguments), "--json"])
    return code, [json.loads(each) for each in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(("strict", "code"), [((), 0), (("--strict",), 4)], ids=["usual", "strict"])
def test_what_was_not_seen_is_a_note_and_with_strict_an_exit_code(
    builder: ScenarioBuilder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    strict: tuple[str, ...],
    code: int,
) -> None:
    """A reader of the resource group sees nothing of the managed one."""
    profile = builder.make(ProfileVariant(), World("finished"))
    _sign_in_as_reader(builder, profile.resource_group_id, monkeypatch)
    file = tmp_path / "profile.yaml"
    file.write_text(yaml.safe_dump(profile.model_dump(mode="json", exclude_unset=True)), encoding="utf-8")

    ran, lines = _run("verify", file, "--junit", tmp_path / "junit.xml", *strict, capsys=capsys)

    verified = next(each for each in lines if each["type"] == "verified")
    notes = [each for each in lines if each["type"] == "diagnostic" and each["code"] == "CMK190"]
    assert (True, False) == (verified["matches"], verified["complete"])
    assert "Azure Cosmos DB account" in notes[0]["detail"]
    assert code == ran
    suite = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314 - a file of this test
    assert ("0", "0") == (suite.get("failures"), suite.get("errors"))
    assert int(suite.get("tests") or 0) >= 10


def test_a_report_that_cannot_be_written_stops_the_run_beforehand(
    builder: ScenarioBuilder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No request is sent."""
    builder.make(ProfileVariant(), World("new"))
    before = len(builder.running.requests)

    code, lines = _run("verify", tmp_path / "profile.yaml", "--junit", tmp_path / "none" / "junit.xml", capsys=capsys)

    assert (1, ["CMK531"]) == (code, [each["code"] for each in lines if each["type"] == "diagnostic"])
    assert before == len(builder.running.requests)


# --- the JUnit report


def test_a_junit_report_has_a_case_for_each_resource_and_each_finding(tmp_path: Path) -> None:
    """A difference fails, a warning or note is skipped; hostile names stay text."""
    hostile = '<failure message="x"/>&\x00\x1b[31m\ud800 ]]>'
    plan = everything()
    first = replace(plan.changes[0], name=hostile, reason=hostile)
    view = JUnitView(tmp_path / "junit.xml", SystemClock())
    view.show(s.Verified(replace(plan, changes=(first, *plan.changes[1:]))))
    view.show(s.DiagnosticsShown(plan.diagnostics))

    view.write()

    root = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314 - a file of this test
    (suite,) = root
    cases = list(suite)
    differing = sum(each.action.value != "no-op" for each in plan.changes)
    errors = sum(each.severity.value == "error" for each in plan.diagnostics)
    assert ("testsuites", "testsuite", {"testcase"}) == (root.tag, suite.tag, {each.tag for each in cases})
    assert len(plan.changes) + 2 * len(plan.diagnostics) == len(cases) == int(root.get("tests") or 0)
    assert (
        differing + errors == int(root.get("failures") or 0) == sum(each.find("failure") is not None for each in cases)
    )
    assert errors == int(root.get("errors") or 0)
    assert '<failure message="x"/>&' in str(cases[0].get("name"))
