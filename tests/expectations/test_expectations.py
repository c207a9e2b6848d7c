"""Comparisons of a survey with expectations: an answer that could not be read never meets one."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.profiles import GOOD

from cmkctl.diagnostics import Location, ProfileError
from cmkctl.expectations import Expectations, judge, load, of_profile, remarks, unmet
from cmkctl.posture import Aspect, Assessment, Evidence, Met, Posture, Rules, Seen, State, Survey, Verdict
from cmkctl.profile.load import load_profile
from cmkctl.profile.sections.posture import PostureSettings
from cmkctl.profile.tree import Branch

HERE = Path(__file__).parent
ROOT = Path(__file__).parents[2]
TODAY = date(2026, 11, 27)
CASES = yaml.safe_load((HERE / "cases.yaml").read_text(encoding="utf-8"))["cases"]
NOWHERE = Branch(Location("expectations.yaml"), {})


def _assessment(found: Mapping[str, Any]) -> Assessment:
    name, reason = found["name"], found.get("reason", "because")
    shown = tuple(Evidence("", "", "path", each) for each in found.get("evidence", ()))
    source = Verdict(found["source"]) if "source" in found else None
    return Assessment(
        found["service"],
        found["service"],
        "",
        name if "." in name else f"/subscriptions/s/{name}",
        Posture(Verdict(found["verdict"]), reason, shown, source=source),
        "",
        "",
        "",
        Rules(()),
        Seen.GET,
        tuple(Aspect(topic, State(state), "it is so") for topic, state in found.get("aspects", {}).items()),
        managed=found.get("managed", False),
    )


def _survey(found: list[Mapping[str, Any]]) -> Survey:
    return Survey(tuple(map(_assessment, found)), (), (), datetime(2026, 11, 27, tzinfo=UTC))


def _outcome(assessment: Assessment) -> list[Any]:
    outcome = assessment.outcome
    assert outcome is not None
    return [
        outcome.met.value,
        outcome.reason,
        outcome.place,
        outcome.waiver and outcome.waiver.until.isoformat(),
    ]


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "expect.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("case", CASES, ids=[each["promise"] for each in CASES])
def test_a_survey_is_compared_with_what_was_expected(case: Mapping[str, Any], tmp_path: Path) -> None:
    """Each case, read from a file as people write it."""
    expectations = load(_file(tmp_path, yaml.safe_dump(case["expect"]) if case["expect"] else "default: microsoft"), {})

    judged = judge(_survey(case["found"]), expectations, TODAY)

    outcomes = {each.name: _outcome(each) for each in judged.assessments}
    assert case["outcomes"] == {name: outcomes[name][: len(wanted)] for name, wanted in case["outcomes"].items()}
    assert outcomes.keys() == case["outcomes"].keys()
    assert [each.code for each in remarks(judged, expectations, TODAY)] == case["remarks"]
    assert bool(unmet(judged)) == ("CMK711" in case["remarks"])


@pytest.mark.parametrize("verdict", Verdict)
def test_only_the_customers_key_is_the_customers_key(verdict: Verdict) -> None:
    """Of all verdicts one alone meets the expectation; a resource that inherits counts by its source."""
    expectations = Expectations(PostureSettings(services={"storage_accounts": "customer"}), NOWHERE)
    found = {"service": "storage_accounts", "name": "one"}

    (own,) = judge(_survey([{**found, "verdict": verdict}]), expectations, TODAY).assessments
    inherited = judge(_survey([{**found, "verdict": "inherited", "source": verdict}]), expectations, TODAY).assessments

    expected = Met.MET if verdict is Verdict.CUSTOMER else Met.NOT_MET
    assert {each.outcome and each.outcome.met for each in (own, *inherited)} == {expected}


def test_the_places_of_a_file_and_of_a_profile_are_found(tmp_path: Path) -> None:
    """An outcome leads to its line: also by the name of a resource with full stops, and by the index of a waiver."""
    text = """\
default: customer
services:
  storage_accounts: customer
resources:
  kv.vault.example: microsoft
waivers:
  - resource: one
    reason: ticket
    until: 2027-01-31
"""
    of_a_file = load(_file(tmp_path, text), {})
    lines = [of_a_file.locate(each).line for each in ("default", "services.storage_accounts")]
    lines += [
        of_a_file.locate(each).line for each in ("resources.kv.vault.example", "waivers[0].until", "protections[0]")
    ]
    assert lines == [1, 3, 5, 9, 1]

    section = "posture:\n" + textwrap.indent(text, "  ")
    loaded = load_profile(_file(tmp_path, f"{GOOD.rstrip()}\n{section}"), environ={})
    of_its_profile = of_profile(loaded)
    assert of_its_profile is not None
    survey = _survey([{"service": "storage_accounts", "name": "s", "verdict": "mixed"}])
    (judged,) = judge(survey, of_its_profile, TODAY).assessments
    assert judged.outcome is not None
    assert judged.outcome.place == "posture.services.storage_accounts"
    assert "storage_accounts: customer" in of_its_profile.locate(judged.outcome.place).excerpt
    assert of_profile(load_profile(_file(tmp_path, GOOD), environ={})) is None


@pytest.mark.parametrize(
    ("text", "code", "line", "words"),
    [
        (
            "services: {storage_acount: customer}",
            "CMK004",
            1,
            "Expected the name of a service, such as storage_accounts",
        ),
        ("services: {storage_accounts: mine}", "CMK004", 1, "Expected customer or microsoft."),
        ("default: customer\nresources: {'/a/b': customer}", "CMK004", 2, "Expected the ARM id of a resource"),
        ("service: {}", "CMK003", 1, "Unknown field `service`"),
        ("protections: [In Transit]", "CMK004", 1, "lists them. Did you mean in-transit?"),
        (
            "waivers:\n  - {service: computes, protection: purge, reason: r, until: 2027-01-31}",
            "CMK004",
            2,
            "a protection",
        ),
        ("services: {Storage-Accounts: customer}", "CMK004", 1, "Did you mean storage_accounts?"),
        ("location: eastus2\nkey: {name: k}", "CMK003", None, "has fields of a profile, such as key"),
        ("waivers:\n  - {service: computes, until: 2027-01-31}", "CMK005", 2, "reason"),
        (
            "waivers:\n  - {service: computes, reason: ' ', until: 2027-01-31}",
            "CMK004",
            2,
            "Expected a reason in words.",
        ),
        ("waivers:\n  - {service: computes, reason: r, until: 20270131}", "CMK004", 2, "Expected a date, such as"),
        ("waivers:\n  - {service: computes, reason: r, until: 31.1.2027}", "CMK004", 2, "Expected a date, such as"),
        ("waivers:\n  - {service: computes, reason: r, until: 2027-02-30}", "CMK004", 2, "Expected a date, such as"),
        ("waivers:\n  - {reason: r, until: 2027-01-31}", "CMK005", 2, "Neither resource nor service is given."),
        (
            "waivers:\n  - {service: computes, resource: a, reason: r, until: 2027-01-31}",
            "CMK009",
            2,
            "Both resource and",
        ),
        ("default: ${NO_SUCH_VARIABLE}", "CMK006", 1, "NO_SUCH_VARIABLE"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(
    tmp_path: Path, text: str, code: str, line: int | None, words: str
) -> None:
    """A misspelt expectation would expect nothing, so nothing is ignored."""
    with pytest.raises(ProfileError) as refused:
        load(_file(tmp_path, text), {})

    (found,) = refused.value.diagnostics
    assert (found.code, found.location and found.location.line) == (code, line)
    assert words in found.detail


def test_the_example_of_the_page_is_valid(tmp_path: Path) -> None:
    """As a file of its own, and as the section of a profile, with the same meaning."""
    page = (ROOT / "docs" / "posture.md").read_text(encoding="utf-8")
    example = page.partition("## Compare with what you expect")[2].partition("```yaml\n")[2].partition("```")[0]

    alone = load(_file(tmp_path, example), {}).settings
    section = "posture:\n" + textwrap.indent(example, "  ")
    inside = load_profile(_file(tmp_path, f"{GOOD.rstrip()}\n{section}"), environ={}).profile.posture

    assert alone == inside
    assert alone.waivers


@pytest.mark.parametrize(
    ("text", "code", "remedy"),
    [
        (None, "CMK001", "Give the path of a file with expectations; docs/posture.md shows one."),
        ("# nothing", "CMK002", "Begin with a line such as: default: customer"),
        ("[]", "CMK002", "Begin with a line such as: default: customer"),
        ("default: ${UNSET}", "CMK006", "Set it: export UNSET=...; or give it a default: ${UNSET:-...}"),
        (
            "posture: {default: customer}",
            "CMK003",
            "Write the fields below it at the top level, without the line posture.",
        ),
    ],
)
def test_the_remedy_of_a_wrong_file_is_about_expectations(
    tmp_path: Path, text: str | None, code: str, remedy: str
) -> None:
    """Not about profiles, which have other fields, and --set."""
    with pytest.raises(ProfileError) as refused:
        load(tmp_path / "none.yaml" if text is None else _file(tmp_path, text), {})

    (found,) = refused.value.diagnostics
    assert (code, remedy) == (found.code, found.remedy)


def test_the_remedy_names_the_command_only_where_it_can_set_the_key() -> None:
    """Not for a service that takes a key only at creation, and not for a protection."""

    def remedy(service: str, verdict: str, **expected: Any) -> str:
        expectations = Expectations(PostureSettings(**expected), NOWHERE)
        judged = judge(_survey([{"service": service, "name": "s", "verdict": verdict}]), expectations, TODAY)
        (found,) = (each for each in remarks(judged, expectations, TODAY) if each.code == "CMK711")
        return found.remedy

    assert "cmkctl encrypt PROFILE --resource /" in remedy("storage_accounts", "microsoft", default="customer")
    for service, verdict in (("container_registries", "microsoft"), ("storage_accounts", "mixed")):
        assert remedy(service, verdict, default="customer").startswith("Set the key, change the expectation")
