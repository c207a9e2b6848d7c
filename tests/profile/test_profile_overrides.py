"""``--set``."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import pytest
from support.profiles import GOOD, Files


@pytest.mark.parametrize(
    ("override", "field", "expected"),
    [
        ("location=westus", "location", "westus"),
        ("location=West US", "location", "westus"),
        ("key_vault.soft_delete_days=30", "key_vault.soft_delete_days", 30),
        ("key_vault.network.ip_rules=[1.2.3.4, 5.6.7.8]", "key_vault.network.ip_rules", ("1.2.3.4", "5.6.7.8")),
        ("tags={a: b}", "tags", {"a": "b"}),
        ("tags.cost.center=x", "tags", {"owner": "me", "cost.center": "x"}),
        ('tags.n="7"', "tags", {"owner": "me", "n": "7"}),
        ("tags.eq=a=b", "tags", {"owner": "me", "eq": "a=b"}),
        ("workspace.description=Note: this # here", "workspace.description", "Note: this # here"),
        ("workspace.description=&a *b", "workspace.description", "&a *b"),
        ("workspace.friendly_name='7'", "workspace.friendly_name", "7"),
        ("tags.owner=", "tags", {}),
        ("associated_resources.key_vault.name=kv-own", "associated_resources.key_vault.name", "kv-own"),
        ("tags.v=${V}", "tags", {"owner": "me", "v": "env"}),
    ],
)
def test_an_override_wins_over_the_file(files: Files, override: str, field: str, expected: Any) -> None:
    """The value is one YAML value: a scalar as it stands, or a quoted text, list or mapping."""
    loaded = files.load(GOOD + "tags: {owner: me}\n", overrides=[override], environ={"V": "env"})

    assert attrgetter(field)(loaded.profile) == expected


def test_a_later_override_wins(files: Files) -> None:
    """As on every command line."""
    assert files.load(overrides=["location=westus", "location=eastus"]).profile.location == "eastus"


def test_an_overridden_value_is_located_at_the_option(files: Files) -> None:
    """And the section around it stays where the file has it."""
    loaded = files.load(overrides=["key_vault.name=kv-new"])

    assert str(loaded.locate("key_vault.name")) == "--set key_vault.name=kv-new"
    assert str(loaded.locate("key_vault")).endswith("profile.yaml:4:1")


@pytest.mark.parametrize(
    "override",
    [
        "",
        "location",
        "=x",
        ".=x",
        "key_vault..name=x",
        "key_vault.=x",
        "tags.=x",
        " =x",
        "a." * 20 + "b=x",
        "extends=a.yaml",
    ],
)
def test_a_malformed_override_is_cmk008(files: Files, override: str) -> None:
    """At the option, with an example of a right one."""
    problem = files.the_problem(overrides=[override])

    assert (problem.code, files.place(problem)) == ("CMK008", f"--set {override}")
    assert "--set key_vault.name=" in problem.remedy


@pytest.mark.parametrize("value", ["[1, 2", "{a", '"x', "'a' b", "[a]: b", '"\udcff"', "[*a]"])
def test_an_override_whose_value_is_broken_is_cmk008(files: Files, value: str) -> None:
    """Also what cannot be encoded."""
    problem = files.the_problem(overrides=[f"location={value}"])

    assert problem.code == "CMK008"


def test_all_malformed_overrides_are_reported(files: Files) -> None:
    """Not one a run."""
    assert [each.code for each in files.problems(overrides=["a", "=b", "location=westus"])] == ["CMK008", "CMK008"]


@pytest.mark.parametrize(("override", "near"), [("key_valt.name=x", "key_vault"), ("key.sise=2048", "size")])
def test_an_unknown_path_is_cmk003_at_the_option(files: Files, override: str, near: str) -> None:
    """With the nearest field."""
    problem = files.the_problem(overrides=[override])

    assert (problem.code, files.place(problem)) == ("CMK003", f"--set {override}")
    assert near in problem.remedy


def test_an_override_may_replace_a_name_by_an_id(files: Files) -> None:
    """Null takes the name away."""
    vault = (
        "/subscriptions/11112222-3333-4444-5555-666677778888/resourceGroups/o/providers/Microsoft.KeyVault/vaults/kv9"
    )
    profile = files.load(overrides=["key_vault.name=null", f"key_vault.id={vault}"]).profile

    assert (profile.key_vault.resource_id, profile.key_vault.resource_name) == (vault, "kv9")
