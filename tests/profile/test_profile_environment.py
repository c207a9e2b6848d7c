"""``${NAME}`` in a profile."""

from __future__ import annotations

import pytest
from support.profiles import GOOD, SUBSCRIPTION, Files


@pytest.mark.parametrize(
    ("written", "environ", "expected"),
    [
        ("${V}", {"V": "x"}, "x"),
        ("a-${V}-b", {"V": "x"}, "a-x-b"),
        ("${V:-d}", {}, "d"),
        ("${V:-d}", {"V": ""}, "d"),
        ("${V:-}x", {}, "x"),
        ("${V:-d}", {"V": "x"}, "x"),
        ("${V}${W}", {"V": "x", "W": "y"}, "xy"),
        ("$${V}", {}, "${V}"),
        ("$$${V}", {"V": "x"}, "$${V}"),
        ("$V", {"V": "x"}, "$V"),
        ('"${V}"', {"V": "7"}, "7"),
        ('"${V}"', {"V": ""}, ""),
        ("${V}", {"V": "${W}"}, "${W}"),
        ("${V}", {"V": "{a: b}"}, "{a: b}"),
        ("${V}", {"V": "x\nlocation: evil"}, "x\nlocation: evil"),
        ("${V}", {"V": "*alias"}, "*alias"),
        ("${V}", {"V": "a # b"}, "a # b"),
    ],
)
def test_a_variable_is_filled_in(files: Files, written: str, environ: dict[str, str], expected: str) -> None:
    """As a value: never as YAML structure, and never filled in twice."""
    loaded = files.load(f"{GOOD}tags:\n  t: {written}\n", environ=environ)

    assert loaded.profile.tags == {"t": expected}
    assert loaded.profile.location == "eastus2"


@pytest.mark.parametrize("environ", [{}, {"DAYS": "30"}, {"DAYS": " 30\n"}])
def test_without_quotes_the_result_is_read_as_a_yaml_scalar(files: Files, environ: dict[str, str]) -> None:
    """A number stays a number, with the default or without."""
    text = GOOD.replace("  name: kv-ml", "  name: kv-ml\n  soft_delete_days: ${DAYS:-90}")

    expected = int(environ.get("DAYS", "90"))

    assert files.load(text, environ=environ).profile.key_vault.soft_delete_days == expected


def test_in_quotes_the_result_stays_a_text(files: Files) -> None:
    """So a quoted number is refused where a number belongs."""
    text = GOOD.replace("  name: kv-ml", '  name: kv-ml\n  soft_delete_days: "${DAYS:-90}"')

    assert files.the_problem(text).code == "CMK004"


def test_a_variable_that_is_not_set_is_named_with_ways_to_set_it(files: Files) -> None:
    """One diagnostic for the variable, at the first place that needs it, and none about the fields without a value."""
    text = GOOD.replace(SUBSCRIPTION, "${SUB}").replace("mlw-prod", "${SUB}")

    problem = files.the_problem(text)

    assert (problem.code, files.place(problem), problem.subject) == ("CMK006", "profile.yaml:1:15", "subscription")
    assert "SUB is not set" in problem.detail
    for way in ("export SUB=", "${SUB:-", "--set subscription="):
        assert way in problem.remedy


def test_other_errors_are_reported_beside_an_unset_variable(files: Files) -> None:
    """The operator corrects everything in one go, from top to bottom."""
    text = GOOD.replace(SUBSCRIPTION, "${SUB}").replace("mlw-prod", "${WS}").replace("eastus2", "1")

    assert [each.code for each in files.problems(text)] == ["CMK006", "CMK004", "CMK006"]


@pytest.mark.parametrize("written", ["${}", "${1A}", "${A:?no}", "'${A'", "${A:-${B}}"])
def test_a_malformed_reference_is_a_wrong_value(files: Files, written: str) -> None:
    """Neither passed on as it is nor guessed at."""
    problem = files.the_problem(f"{GOOD}tags:\n  t: {written}\n", environ={"A": "x", "B": "y"})

    assert (problem.code, files.place(problem)) == ("CMK004", "profile.yaml:13:6")
    assert written.strip("'") in problem.detail
    assert "$${" in problem.remedy


@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [("REGION", "b@d", True), ("REGION", "b@d" * 30, False), ("MY_TOKEN", "b@d", False), ("db_password", "b@d", False)],
)
def test_a_value_from_a_variable_is_shown_only_if_harmless(
    files: Files, variable: str, value: str, shown: bool
) -> None:
    """The reference always; its value only when short and not like a secret."""
    problem = files.the_problem(GOOD.replace("eastus2", f"${{{variable}}}"), environ={variable: value})

    assert f"${{{variable}}}" in problem.detail
    assert shown == (value in str(problem))


def test_an_empty_variable_without_quotes_is_a_missing_value(files: Files) -> None:
    """CI systems set what they do not have to nothing."""
    problem = files.the_problem(GOOD.replace("eastus2", "${REGION}"), environ={"REGION": ""})

    assert (problem.code, files.place(problem)) == ("CMK005", "profile.yaml:2:11")


def test_names_of_fields_are_not_filled_in(files: Files) -> None:
    """A tag may be called ${X}."""
    assert files.load(f"{GOOD}tags:\n  '${{X}}': y\n").profile.tags == {"${X}": "y"}
