"""Split duties: the administrator gets exact az commands, the rest is refused until they were run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from cmkctl.sandbox import SUBSCRIPTION_ID

PROFILE = f"""
subscription: {SUBSCRIPTION_ID}
location: eastus2
resource_group: rg-ml
key_vault: {{name: kv-ml-split, soft_delete_days: 7, authorization: rbac}}
key: {{name: cmk}}
workspace: {{name: mlw-split, high_business_impact: true, encryption: in-subscription}}
"""
APP_ID = "a232010e-820c-4083-83bb-3ace5fc29d0b"
COMMANDS = {
    "provider register": {"--namespace", "--wait"},
    "group create": {"--name", "--location", "--tags"},
    "rest": {"--method", "--url", "--body"},
    "role assignment create": {
        *("--assignee-object-id", "--assignee-principal-type", "--role", "--scope", "--name"),
    },
}
"""The commands of az that are printed, with those of their options that are used."""


def option(words: list[str], name: str) -> str:
    """Return the value of an option."""
    return words[words.index(name) + 1]


def carry_out(state: Any, lines: list[str]) -> None:
    """Do what the commands do, each word taken from them."""
    for line in lines:
        if line.startswith("OBJECT_ID=$("):
            assert f"az ad sp create --id {APP_ID} --query id --output tsv" in line
            continue  # the registration of Microsoft.DocumentDB brings it in the sandbox
        words = shlex.split(line)[1:]
        name = next(each for each in COMMANDS if words[: len(each.split())] == each.split())
        assert {each for each in words if each.startswith("--")} <= COMMANDS[name], line
        match name:
            case "provider register":
                state.register_provider(option(words, "--namespace"))
            case "group create":
                state.add_resource_group(option(words, "--name"), option(words, "--location"))
            case "rest":
                assert "/vaults/kv-ml-split?api-version=" in option(words, "--url")
                state.add_vault("kv-ml-split", "rg-ml", rbac=True, softDeleteRetentionInDays=7)
            case _:
                assert "$OBJECT_ID" == option(words, "--assignee-object-id")
                state.assign_role(option(words, "--scope"), role=option(words, "--role"))


def test_the_administrators_commands_leave_a_rest_without_them(rehearse: Any, tmp_path: Path) -> None:
    """Refused before with the same commands; afterwards the rest plans and applies without one of them."""
    azure = rehearse()
    profile = tmp_path / "profile.yaml"
    profile.write_text(PROFILE, encoding="utf-8")

    printed = azure("plan", profile, "--part", "admin")
    before = azure("plan", profile, "--part", "rest", "--json")
    written = azure.writes()
    carry_out(azure.running.state, printed.out.splitlines())
    after = azure("plan", profile, "--part", "rest", "--out", tmp_path / "rest.json")
    applied = azure("apply", tmp_path / "rest.json", "--yes")

    (refused,) = [each for each in before.of("diagnostic") if each["code"] == "CMK200"]
    assert (0, 3, [], 0, 0) == (printed.code, before.code, written, after.code, applied.code), after.err + applied.err
    assert printed.out.strip() == refused["remedy"].partition("\n")[2].strip()
    assert not [each for each in azure.writes() if "roleAssignments" in each or each.endswith("/register")]


def test_commands_go_to_standard_output_alone(rehearse: Any, tmp_path: Path) -> None:
    """With --out or --json the command line is refused."""
    azure = rehearse()
    profile = tmp_path / "profile.yaml"
    profile.write_text(PROFILE, encoding="utf-8")

    assert 64 == azure("plan", profile, "--part", "admin", "--json").code
    assert 64 == azure("plan", profile, "--part", "admin", "--out", tmp_path / "x").code
