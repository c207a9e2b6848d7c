"""``cmkctl posture`` as a command: what it surveys, its exit codes, and that it sends reads only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.services import Services

from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.sandbox.core.constants import CLIENT_OBJECT_ID

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
"""The role Reader."""
WORKSPACE = "/subscriptions/{}/resourceGroups/rg-ml/providers/Microsoft.MachineLearningServices/workspaces/mlw"


@pytest.fixture
def account(services: Services) -> str:
    """Add an account with Microsoft's key, and name it."""
    found: str = services.state.add_storage_account("stdata", "rg-ml")
    services.name({"storage_accounts": [{"id": found}]})
    return found


def expecting(folder: Path, **expected: Any) -> Path:
    """Write a file with expectations."""
    path = folder / "expect.yaml"
    path.write_text(yaml.safe_dump(expected), encoding="utf-8")
    return path


def test_what_is_not_as_expected_has_exit_code_2_unless_it_is_waived(
    services: Services, account: str, tmp_path: Path
) -> None:
    """The waiver is part of the report. Nothing is written in either case."""
    expected = {"services": {"storage_accounts": "customer"}}
    waiver = {"resource": "stdata", "reason": "replaced in June", "until": "2031-06-30"}

    alone = services.azure("posture", "--json", "--expect", expecting(tmp_path, **expected))
    waived = services.azure("posture", "--json", "--expect", expecting(tmp_path, **expected, waivers=[waiver]))

    assert (2, 0) == (alone.code, waived.code), waived.err
    assert ["CMK711"] == [each["code"] for each in alone.of("diagnostic")]
    assert account in [each["resource_id"] for each in alone.of("posture")]
    assert [] == services.writes()


@pytest.mark.parametrize("option", ["--html", "--csv", "--report"])
def test_a_report_takes_the_path_of_a_file(option: str, services: Services) -> None:
    """A dash is standard output elsewhere; here it would be a file of that name, which a second one would overwrite."""
    ran = services.azure("posture", option, "-", "--json")

    assert (64, ["CMK008"]) == (ran.code, [each["code"] for each in ran.of("diagnostic")])
    assert [] == [*services.azure.running.requests]


def test_expectations_that_are_wrong_are_refused_before_the_first_request(services: Services, tmp_path: Path) -> None:
    """A misspelt service would expect nothing."""
    ran = services.azure("posture", "--expect", expecting(tmp_path, services={"storage": "customer"}))

    assert 64 == ran.code
    assert "storage" in ran.err
    assert [] == [*services.azure.running.requests]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["--workspace", WORKSPACE.format("x"), "--resource-group", "rg"], "--workspace and --resource-group"),
        (["{profile}", "--resource-group", "rg"], "PROFILE and --resource-group"),
        (["--workspace", "mlw"], "not the ARM id of a workspace"),
        (["--set", "key.size=4096"], "--set overrides a field of a profile, and no PROFILE is given"),
        (["{profile}", "--cloud", "AzureChinaCloud"], "PROFILE and --cloud each name a cloud"),
        (["--subscription", "Pay as you go"], "Subscription 'Pay as you go' is not an id"),
    ],
    ids=[
        "two ways",
        "a profile and a way",
        "a name",
        "a field without a profile",
        "two clouds",
        "a subscription's name",
    ],
)
def test_a_command_line_that_names_two_things_or_none_is_refused(
    services: Services, given: list[str], named: str
) -> None:
    """No request is sent."""
    ran = services.azure("posture", *(each.format(profile=services.path) for each in given))

    assert 64 == ran.code
    assert named in " ".join(ran.err.split())


def test_strict_exits_with_4_where_something_was_not_seen(services: Services, account: str) -> None:
    """A reader of one group cannot know what lies elsewhere."""
    services.state.assign_role(account.partition("/providers/")[0], CLIENT_OBJECT_ID, READER)
    services.state.disown()

    usual = services.azure("posture", "--resource-group", "rg-ml", "--json")
    strict = services.azure("posture", "--resource-group", "rg-ml", "--json", "--strict")

    assert (0, 4) == (usual.code, strict.code), strict.err
    assert account in [each["resource_id"] for each in strict.of("posture")]


def test_a_survey_is_written_in_every_format_also_with_exit_code_2(
    services: Services, account: str, tmp_path: Path
) -> None:
    """Each file has the resource that is not as expected; SARIF points at the line that expects it. Readable by its owner."""
    formats = ("html", "sarif", "ocsf", "csv", "junit")
    files = {each: tmp_path / f"survey.{each}" for each in formats}
    expected = expecting(tmp_path, default="microsoft", services={"storage_accounts": "customer"})

    options = [part for each, path in files.items() for part in (f"--{each}", path)]
    ran = services.azure("posture", "--expect", expected, "--evidence", *options)

    assert 2 == ran.code, ran.err
    texts = {each: path.read_text(encoding="utf-8") for each, path in files.items()}
    assert dict.fromkeys(formats, True) == {each: account in text for each, text in texts.items()}
    assert {0o600} == {path.stat().st_mode & 0o777 for path in files.values()}
    (found,) = [each for each in json.loads(texts["sarif"])["runs"][0]["results"] if each["kind"] == "fail"]
    assert 3 == found["locations"][0]["physicalLocation"]["region"]["startLine"]
    assert 'properties.encryption.keySource = "Microsoft.Storage"' in ran.out


def test_a_run_that_fails_is_written_as_one(services: Services, tmp_path: Path) -> None:
    """With the reason, and the exit code."""
    page = tmp_path / "posture.html"

    ran = services.azure("posture", tmp_path / "none.yaml", "--html", page)

    assert 64 == ran.code
    assert "Nothing was assessed." in page.read_text(encoding="utf-8")
    assert "CMK001" in page.read_text(encoding="utf-8")


def test_files_that_would_overwrite_each_other_are_refused(services: Services, tmp_path: Path) -> None:
    """Also a file of expectations."""
    expected = expecting(tmp_path, services={"storage_accounts": "customer"})

    twice = services.azure("posture", "--csv", tmp_path / "one", "--html", tmp_path / "one")
    over = services.azure("posture", "--expect", expected, "--sarif", expected)

    assert (64, 64) == (twice.code, over.code)
    assert "--html" in twice.err
    assert "--expect" in over.err
    assert expected.read_text(encoding="utf-8").startswith("services:")


def test_a_group_and_a_workspace_that_do_not_exist_are_errors_with_a_list_to_look_in(services: Services) -> None:
    """A name may be misspelt, and a survey of nothing is no success."""
    group = services.azure("posture", "--resource-group", "rg-missing")
    workspace = services.azure("posture", "--workspace", WORKSPACE.format(SUBSCRIPTION_ID))

    assert (1, 1) == (group.code, workspace.code)
    assert "There is no resource group rg-missing" in " ".join(group.err.split())
    assert "→ Correct the name. The groups: az group list" in group.err
    assert "There is no workspace mlw at" in " ".join(workspace.err.split())
    assert "→ Correct the id. The ids: az resource list" in workspace.err


def test_a_resource_of_the_expectations_that_was_not_found_counts_with_strict(
    services: Services, account: str, tmp_path: Path
) -> None:
    """Its name may be misspelt. Without --strict it is a warning."""
    expected = expecting(tmp_path, resources={"stdata": "microsoft", "stdatta": "customer"})

    plain, strict = (services.azure("posture", "--expect", expected, *more) for more in ([], ["--strict"]))

    assert (0, 4) == (plain.code, strict.code), account
    assert "CMK714" in strict.err
