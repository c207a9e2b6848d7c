"""``extends``."""

from __future__ import annotations

import pytest
from support.profiles import GOOD, Files


def test_sections_are_merged_and_values_replaced(files: Files) -> None:
    """Mappings deep, lists and scalars whole, null takes away."""
    files.write(GOOD + "tags: {a: '1', b: '2'}\n", "base.yaml")
    profile = files.load("""\
        extends: base.yaml
        key_vault: {soft_delete_days: 7, network: {ip_rules: [1.2.3.4]}}
        tags: {a: x, b: null}
        """).profile

    assert (profile.key_vault.name, profile.key_vault.soft_delete_days) == ("kv-ml", 7)
    assert profile.key_vault.network is not None
    assert profile.key_vault.network.ip_rules == ("1.2.3.4",)
    assert profile.tags == {"a": "x"}


def test_a_chain_is_followed_relative_to_each_file(files: Files) -> None:
    """The last file with a value wins."""
    (files.folder / "sub").mkdir()
    files.write(GOOD + "tags: {a: one, b: one, c: one}\n", "sub/one.yaml")
    files.write("extends: one.yaml\ntags: {b: two, c: two}\n", "sub/two.yaml")

    assert files.load("extends: sub/two.yaml\ntags: {c: three}\n").profile.tags == {
        "a": "one",
        "b": "two",
        "c": "three",
    }


def test_values_are_located_in_their_file(files: Files) -> None:
    """Each value remembers its file."""
    files.write(GOOD, "base.yaml")
    loaded = files.load("extends: base.yaml\nlocation: westus\n")

    assert str(loaded.locate("location")).endswith("profile.yaml:2:11")
    assert str(loaded.locate("key_vault.name")).endswith("base.yaml:5:9")


def test_a_mistake_in_a_base_is_located_there(files: Files) -> None:
    """The diagnostic points at the file to correct."""
    files.write(GOOD.replace("eastus2", "1"), "base.yaml")

    assert files.place(files.the_problem("extends: base.yaml\n")) == "base.yaml:2:11"


def test_a_circle_is_one_diagnostic_with_the_chain(files: Files) -> None:
    """CMK007, at the extends that closes the circle."""
    files.write("extends: profile.yaml\n", "b.yaml")
    problem = files.the_problem("extends: b.yaml\n")

    assert (problem.code, files.place(problem)) == ("CMK007", "b.yaml:1:10")
    assert problem.detail.replace(f"{files.folder}/", "").endswith("profile.yaml → b.yaml → profile.yaml.")


def test_a_profile_that_extends_itself_is_a_circle(files: Files) -> None:
    """The shortest one."""
    assert files.the_problem("extends: ./profile.yaml\n").code == "CMK007"


@pytest.mark.parametrize("target", ["nope.yaml", ".", '"a\\0b"', "loop.yaml", "x" * 300])
def test_a_base_that_is_no_file_is_located_at_extends(files: Files, target: str) -> None:
    """CMK007 in the file that names it."""
    (files.folder / "loop.yaml").symlink_to("loop.yaml")
    problem = files.the_problem(f"extends: {target}\n")

    assert (problem.code, files.place(problem)) == ("CMK007", "profile.yaml:1:10")
    assert "cannot be read" in problem.detail


@pytest.mark.parametrize("value", ["7", "[a, b]", "{a: b}", "''"])
def test_extends_takes_one_path(files: Files, value: str) -> None:
    """Anything else is a wrong value."""
    problem = files.the_problem(f"extends: {value}\n")

    assert (problem.code, problem.subject) == ("CMK004", "extends")


def test_a_broken_base_is_reported_in_the_base(files: Files) -> None:
    """Not YAML is not YAML, wherever."""
    files.write("a: [", "base.yaml")
    problem = files.the_problem("extends: base.yaml\n")

    assert problem.code == "CMK002"
    assert "base.yaml" in files.place(problem)


def test_extends_may_come_from_the_environment(files: Files) -> None:
    """A variable that is not set is reported as such."""
    files.write(GOOD, "base-dev.yaml")

    assert files.load("extends: base-${STAGE}.yaml\n", environ={"STAGE": "dev"}).profile.location == "eastus2"
    assert files.the_problem("extends: base-${STAGE}.yaml\n").code == "CMK006"


def test_a_variable_of_an_overridden_value_is_not_needed(files: Files) -> None:
    """Only values that count are filled in."""
    files.write(GOOD.replace("eastus2", "${REGION}"), "base.yaml")

    assert files.load("extends: base.yaml\nlocation: westus\n").profile.location == "westus"
