"""What the command line says about itself, held against golden text 80 columns wide.

To write the golden texts anew, after looking at the difference:

    CMKCTL_WRITE_GOLDEN=1 python -m pytest tests/cli/test_cli_help.py
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cmkctl import __version__
from cmkctl.checks import CODES
from cmkctl.cli import main

GOLDEN = Path(__file__).parent / "golden"
COMMANDS = ["", "plan", "apply", "verify", "encrypt", "posture", "init", "schema", "explain", "sandbox", "version"]
INNER = [
    "serve",
    "env",
    "run",
    "reset",
    "log",
    "faults",
    "clock",
    "principal add",
    "policy add",
    "policy list",
    "policy clear",
]
HELPS = {
    **{each or "cmkctl": [*each.split(), "--help"] for each in COMMANDS},
    **{f"sandbox-{each.replace(' ', '-')}": ["sandbox", *each.split(), "--help"] for each in INNER},
}


@pytest.mark.parametrize("name", HELPS)
def test_help_is_the_golden_text(cmkctl: Any, name: str) -> None:
    """Help goes to standard output, fits in 80 columns, and exits with 0."""
    ran = cmkctl(*HELPS[name])
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("CMKCTL_WRITE_GOLDEN"):
        golden.write_text(ran.out, encoding="utf-8")

    assert (0, "") == (ran.code, ran.err)
    assert golden.read_text(encoding="utf-8") == ran.out
    assert [] == [line for line in ran.out.splitlines() if len(line) > 80]


def test_every_command_that_help_names_has_its_own_help(cmkctl: Any) -> None:
    """So that a new command cannot go without a golden text."""
    listed = cmkctl("--help").out.partition("Commands:\n")[2].partition("\n\n")[0]

    assert COMMANDS[1:] == [line.split()[0] for line in listed.splitlines() if line[2:3] not in ("", " ")]


def test_nothing_at_all_shows_the_help(cmkctl: Any) -> None:
    """Somebody who types only the name learns what there is."""
    assert cmkctl("--help").out == cmkctl().out


def test_version_is_the_version(cmkctl: Any) -> None:
    """One line, for scripts."""
    ran = cmkctl("version")

    assert (0, f"cmkctl {__version__}\n", "") == (ran.code, ran.out, ran.err)


def test_schema_is_a_json_schema_and_the_one_of_the_examples(cmkctl: Any, profiles: Path) -> None:
    """What the editors are given is what the command prints."""
    printed = json.loads(cmkctl("schema").out)

    jsonschema.Draft202012Validator.check_schema(printed)
    assert json.loads((profiles / "profile.schema.json").read_text(encoding="utf-8")) == printed


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained(capsys: pytest.CaptureFixture[str], code: str) -> None:
    """In either case of letters: code, title, and what to do."""
    assert 0 == main(["explain", code.lower()])
    said = capsys.readouterr()

    assert (True, "") == (said.out.startswith(code), said.err)
    assert CODES[code].title in said.out


def test_an_unknown_code_is_a_usage_error_with_its_neighbours(cmkctl: Any) -> None:
    """A typo costs one look."""
    ran = cmkctl("explain", "CMK21O")

    assert (64, "") == (ran.code, ran.out)
    assert "CMK210" in ran.err


def test_init_writes_a_profile_that_plans(azure: Any) -> None:
    """From nothing to a plan in two commands."""
    folder = azure.command.folder
    written = azure.command("init", "mine.yaml")
    planned = azure("plan", folder / "mine.yaml")

    assert (0, "") == (written.code, written.out)
    assert 0 == planned.code


def test_init_overwrites_nothing(cmkctl: Any) -> None:
    """What somebody wrote stays."""
    mine = cmkctl.folder / "cmkctl.yaml"
    mine.write_text("mine\n", encoding="utf-8")

    ran = cmkctl("init")

    assert (64, "", "mine\n") == (ran.code, ran.out, mine.read_text(encoding="utf-8"))
    assert "is there already" in ran.err
