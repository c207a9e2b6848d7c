"""The command line's help, compared with golden text 80 columns wide.

To write the golden texts anew, after looking at the difference:

    CMKCTL_WRITE_GOLDEN=1 python -m pytest tests/cli/test_cli_help.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cmkctl import __version__
from cmkctl.checks import CODES
from cmkctl.cli import main
from cmkctl.cli.complete import completions

GOLDEN = Path(__file__).parent / "golden"
COMMANDS = [
    "",
    "plan",
    "apply",
    "verify",
    "status",
    "list",
    "rotate",
    "revoke",
    "restore",
    "destroy",
    "recover",
    "import",
    "encrypt",
    "posture",
    "validate",
    "show",
    "doctor",
    "init",
    "schema",
    "explain",
    "sandbox",
    "completion",
    "version",
]
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
    """The bare command lists the commands."""
    assert cmkctl("--help").out == cmkctl().out


def test_version_is_the_version(cmkctl: Any) -> None:
    """One line, for scripts."""
    ran = cmkctl("version")

    assert (0, "") == (ran.code, ran.err)
    assert ran.out.startswith(f"cmkctl {__version__} (Python ")
    assert ran.out == cmkctl("-V").out == cmkctl("--version").out


def test_schema_is_a_json_schema_and_the_one_of_the_examples(cmkctl: Any, profiles: Path) -> None:
    """What the editors are given is what the command prints."""
    printed = json.loads(cmkctl("schema").out)

    jsonschema.Draft202012Validator.check_schema(printed)
    assert json.loads((profiles / "profile.schema.json").read_text(encoding="utf-8")) == printed


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained(capsys: pytest.CaptureFixture[str], code: str) -> None:
    """In either case of letters: code, title, and what to do."""
    assert 0 == main(["explain", code.lower()])
    captured = capsys.readouterr()

    assert (True, "") == (captured.out.startswith(code), captured.err)
    assert CODES[code].title in captured.out


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
    """An existing file stays as it is."""
    mine = cmkctl.folder / "cmkctl.yaml"
    mine.write_text("mine\n", encoding="utf-8")

    ran = cmkctl("init")

    assert (64, "", "mine\n") == (ran.code, ran.out, mine.read_text(encoding="utf-8"))
    assert "already exists; not overwritten." in ran.err


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("name", ["cmkctl", "plan", "sandbox"])
def test_help_uses_the_width_of_the_terminal(cmkctl: Any, name: str, columns: int) -> None:
    """Sentences are wrapped, never cut; only a command to copy or a name may be longer than a narrow window."""
    ran = cmkctl.within(COLUMNS=str(columns))(*HELPS[name])
    wide = cmkctl.within(COLUMNS="1000")(*HELPS[name])

    assert " ".join(wide.out.split()) == " ".join(ran.out.split())
    examples = ran.out.partition("Examples:\n")[2].partition("\n\n")[0].splitlines()
    long = [line for line in ran.out.splitlines() if len(line) > columns and line not in examples]
    assert [] == [line for line in long if len(line.split()) > 5]


def test_help_has_no_type_names_of_the_framework(cmkctl: Any) -> None:
    """They mean something to those who wrote it."""
    text = "".join(cmkctl(*each).out for each in HELPS.values())

    assert [] == [each for each in ("<str>", "<path>", "int range", "list[", "{PROFILE}", "[[") if each in text]


def test_help_is_a_command_too(cmkctl: Any) -> None:
    """``help COMMAND`` is ``COMMAND --help``."""
    assert cmkctl("help").out == cmkctl("--help").out
    assert cmkctl("help", "plan").out == cmkctl("plan", "--help").out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["apply", "a.yaml", "--auto-approve"], "Use --yes"),
        (["plan", "a.yaml", "-o", "json"], "Use --json"),
        (["plan", "a.yaml", "--output", "json"], "Use --json"),
        (["import", "a"], "cmkctl keeps no state"),
        (["aply", "a.yaml"], "Did you mean: cmkctl apply"),
        (["--sandbox", "plan", "a.yaml"], "cmkctl plan … --sandbox"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_habits_from_elsewhere_get_a_hint(cmkctl: Any, arguments: list[str], hint: str) -> None:
    """Each with the option or command that does the job here."""
    ran = cmkctl(*arguments)

    assert (64, "") == (ran.code, ran.out)
    assert hint in ran.err


def test_explain_lists_searches_and_explains_fields(cmkctl: Any) -> None:
    """Codes, words and fields."""
    assert set(CODES) == {line.split()[0] for line in cmkctl("explain").out.splitlines()}
    assert "CMK210" in cmkctl("explain", "purge").out
    assert cmkctl("explain", "key.size").out.startswith("key.size\n")
    assert "Did you mean" not in cmkctl("explain", "CMK999").err


def test_the_profile_of_the_folder_and_the_environment_are_defaults(cmkctl: Any) -> None:
    """``cmkctl.yaml``, ``CMKCTL_PROFILE``; an argument wins."""
    named = cmkctl.folder / "named.yaml"
    cmkctl("init")
    cmkctl("init", "named.yaml")
    command = cmkctl.within(AZURE_SUBSCRIPTION_ID="c0ffee00-0000-4000-8000-000000000001")

    assert "cmkctl.yaml is valid" in command("validate").out
    assert "named.yaml is valid" in command.within(CMKCTL_PROFILE=str(named))("validate").out
    assert "cmkctl.yaml is valid" in command.within(CMKCTL_PROFILE=str(named))("validate", "cmkctl.yaml").out


def test_validate_needs_neither_azure_nor_a_credential(cmkctl: Any) -> None:
    """A wrong profile is 64, as for every command."""
    (cmkctl.folder / "cmkctl.yaml").write_text("key: {sise: 3072}\n", encoding="utf-8")

    ran = cmkctl("validate", "--json")

    assert (64, 64) == (ran.code, ran.lines[-1]["exit_code"])
    assert "CMK003" in [each["code"] for each in ran.of("diagnostic")]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_each_shell_has_a_completion_script(cmkctl: Any, shell: str) -> None:
    """All of them call cmkctl itself."""
    ran = cmkctl("completion", shell)

    assert (0, True) == (ran.code, "cmkctl complete -- " in ran.out)


def test_bash_accepts_its_completion_script_and_completes(cmkctl: Any) -> None:
    """Through bash, as Tab does."""
    wrapper = cmkctl.folder / "cmkctl"
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} -m cmkctl "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    program = """
        eval "$(cmkctl completion bash)"
        COMP_WORDS=(cmkctl explain CMK21); COMP_CWORD=2; _cmkctl 2>/dev/null; echo "${COMPREPLY[@]}"
    """
    environment = {**cmkctl.environment, "PATH": f"{cmkctl.folder}:{os.environ['PATH']}"}

    ran = subprocess.run(["bash", "-c", program], env=environment, capture_output=True, text=True, check=True)

    assert [each for each in CODES if each.startswith("CMK21")] == ran.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["pla"], ["plan"]),
        (["plan", "--det"], ["--detailed-exitcode"]),
        (["plan", "--set", "key.siz"], ["key.size="]),
        (["apply", "--auth", "man"], ["managed-identity"]),
        (["explain", "CMK210"], ["CMK210"]),
        (["sandbox", "pol"], ["policy"]),
        (["sandbox", "policy", "add", "--prop"], ["--property"]),
        (["plan", "prod"], ["prod.yaml"]),
    ],
    ids=" ".join,
)
def test_completions(words: list[str], expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands, options, fields, codes, ways to sign in, profiles."""
    (tmp_path / "prod.yaml").touch()
    (tmp_path / "prod.txt").touch()
    monkeypatch.chdir(tmp_path)

    assert expected == completions(words)
