"""Fields that are not there, and fields that are missing."""

from __future__ import annotations

import pytest
from support.profiles import GOOD, Files


@pytest.mark.parametrize(
    ("line", "place", "subject", "remedy"),
    [
        ("locatoin: x", "profile.yaml:12:1", "locatoin", "Did you mean location?"),
        ("size: 4096", "profile.yaml:12:1", "size", "Write it as key.size."),
        (
            "key_access:\n  cosmosDbObjectId: x",
            "profile.yaml:13:3",
            "key_access.cosmosDbObjectId",
            "cosmos_db_object_id",
        ),
        ("zzzz: 1", "profile.yaml:12:1", "zzzz", "use one of: cloud, subscription"),
        (
            "associated_resources:\n  key_vault:\n    nam: x",
            "profile.yaml:14:5",
            "associated_resources.key_vault.nam",
            "name",
        ),
    ],
)
def test_an_unknown_field_suggests_a_known_one(files: Files, line: str, place: str, subject: str, remedy: str) -> None:
    """CMK003 at the field's name, with the nearest field of that section, or the section that has one of that name."""
    problem = files.the_problem(f"{GOOD}{line}\n")

    assert (problem.code, files.place(problem), problem.subject) == ("CMK003", place, subject)
    assert remedy in problem.remedy
    assert subject.rpartition(".")[2] in problem.detail


@pytest.mark.parametrize(
    ("line", "place", "subject", "begins"),
    [
        ("location: eastus2\n", "profile.yaml:1:1", "location", "For example:"),
        ("  high_business_impact: true\n", "profile.yaml:7:1", "workspace.high_business_impact", "Write"),
        ("  encryption: in-subscription\n", "profile.yaml:8:1", "workspace.encryption", "Write"),
        ("key_vault:\n  name: kv-ml\n", "profile.yaml:1:1", "key_vault", "For example:"),
    ],
)
def test_a_missing_field_is_named_at_its_section(
    files: Files, line: str, place: str, subject: str, begins: str
) -> None:
    """CMK005 at the section it is missing from, with the field's purpose, and an example or all of its values."""
    problem = files.the_problem(GOOD.replace(line, ""))
    place = place if subject.count(".") == 0 else "profile.yaml:8:1"

    assert (problem.code, files.place(problem), problem.subject) == ("CMK005", place, subject)
    assert problem.remedy.startswith(f"{begins} {subject.rpartition('.')[2]}: ")
    assert problem.detail.startswith(f"Missing required field `{subject}`.")


def test_a_field_with_nothing_after_it_is_missing_there(files: Files) -> None:
    """An empty value is no value; the place is that of the field."""
    problem = files.the_problem(GOOD.replace("location: eastus2", "location:"))

    assert (problem.code, files.place(problem), problem.subject) == ("CMK005", "profile.yaml:2:10", "location")


def test_a_vault_without_name_and_id_is_one_diagnostic(files: Files) -> None:
    """One of two fields is required, and the remedy names both."""
    problem = files.the_problem(GOOD.replace("  name: kv-ml", "  sku: standard"))

    assert (problem.code, files.place(problem), problem.subject) == ("CMK005", "profile.yaml:4:1", "key_vault")
    assert "key_vault.name" in problem.remedy
    assert "key_vault.id" in problem.remedy


def test_an_empty_optional_section_means_its_defaults(files: Files) -> None:
    """All children commented out leaves a null, which is no mistake."""
    profile = files.load(GOOD + "key_access:\nassociated_resources:\ntags:\n").profile

    assert profile == files.load().profile
