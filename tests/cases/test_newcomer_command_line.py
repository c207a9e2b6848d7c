"""Wrong command lines (newcomer.md, section 3): one style of error, one exit code, and a hint that works when it is pasted.

Each list has the observed case first and siblings of it after that.
"""

from __future__ import annotations

import json

import pytest

from cmkctl.cli import main
from cmkctl.cli.exits import DONE, USAGE


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = USAGE) -> str:
    """Run a command line in this process and return its standard error in one line. Nothing is on standard output."""
    assert code == main(arguments)
    captured = capsys.readouterr()
    assert "" == captured.out
    return " ".join(captured.err.split())


@pytest.mark.parametrize("command", ["plan", "posture"])
def test_an_option_without_its_value_refers_to_the_help_of_its_command(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """It is noticed before the command is known to the parser."""
    assert f"→ See: cmkctl {command} --help" in error_of(capsys, command, "--set")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["pln"], "cmkctl plan"),
        (["verfy"], "cmkctl verify"),
        (["sandbox", "rest"], "cmkctl sandbox reset"),
        (["sandbox", "sreve"], "cmkctl sandbox serve"),
        (["sandbox", "policy", "ad"], "cmkctl sandbox policy add"),
        (["sandbox", "principal", "dad"], "cmkctl sandbox principal add"),
    ],
    ids=" ".join,
)
def test_a_misspelt_command_is_suggested_once_and_in_full(
    capsys: pytest.CaptureFixture[str], arguments: list[str], meant: str
) -> None:
    """Newcomer 3: a suggestion of a subcommand names its group."""
    text = error_of(capsys, *arguments)

    assert f"→ Did you mean: {meant} →" in text
    assert 1 == text.count("Did you mean")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["plan", "--ot", "p"], "Did you mean --out?"),
        (["plan", "--sandbx"], "Did you mean --sandbox?"),
        (["apply", "--time-out", "5m"], "Did you mean --timeout?"),
        (["plan", "--output", "json"], "Use --json"),
        (["plan", "-ojson"], "Use --json"),
        (["apply", "--auto-approve"], "Use --yes"),
        (["plan", "--var", "a=b"], "Use --set"),
        (["apply", "--dry-run"], "cmkctl plan PROFILE"),
    ],
    ids=" ".join,
)
def test_a_wrong_option_has_the_right_one_and_no_other(
    capsys: pytest.CaptureFixture[str], arguments: list[str], hint: str
) -> None:
    """Newcomer 3: ``--output json`` was answered with ``--out``, the wrong one."""
    text = error_of(capsys, *arguments)

    assert hint in text
    assert "Possible options" not in text


@pytest.mark.parametrize("option", ["--nope", "--zzz", "-q"])
def test_an_option_like_no_other_gets_no_suggestion(capsys: pytest.CaptureFixture[str], option: str) -> None:
    """Newcomer 3: a suggestion that is not near is noise."""
    assert "Did you mean" not in error_of(capsys, "plan", option)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sandbox", "serve", "--port", "99999"], "'--port': the limit is 65535"),
        (["sandbox", "serve", "--port", "-1"], "'--port': the limit is 0"),
        (["sandbox", "serve", "--port", "http"], "'--port': expected a whole number"),
        (["sandbox", "serve", "--pace", "fast"], "pace 'fast'"),
        (["sandbox", "faults", "--set", "thrtle"], "'thrtle'"),
        (["sandbox", "clock", "--advance", "2x"], "'2x'"),
        (["sandbox", "env", "--shell", "tcsh"], "'tcsh'"),
        (["plan", "--timeout", "0s"], "longer than 0 s"),
        (["plan", "--timeout", "soon"], "90s, 45m or 1h30m"),
        (["plan", "--auth", "clii"], "'cli'"),
        (["plan", "--ignore", "CMK99"], "CMK99"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_a_wrong_value_is_a_usage_error_in_our_words(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    """Newcomer 3: exit codes differed, and pydantic's words came through."""
    text = error_of(capsys, *arguments)

    assert words in text
    assert text.startswith("error CMK008: Invalid command line")
    assert [] == [each for each in ("Value error", "Input should", "valid integer", "is not a valid") if each in text]
    group = " ".join(each for each in arguments[:2] if not each.startswith("-"))
    assert f"See: cmkctl {group} --help" in text


@pytest.mark.parametrize("arguments", [["plan", ""], ["apply", "", "--yes"], ["validate", "--set", ""]], ids=str)
def test_an_empty_argument_is_an_unset_variable(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """Newcomer 5: ``plan ''`` complained about the directory '.'."""
    assert "An argument is empty: a shell variable in the command may not be set." in error_of(capsys, *arguments)


@pytest.mark.parametrize(
    "arguments", [["plan", "--nope", "--json"], ["demolish", "--json"], ["plan", "", "--json"]], ids=str
)
def test_usage_errors_are_json_lines_too(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """Newcomer 6: ``--json --nope`` gave no JSON line, and text on stderr."""
    assert USAGE == main(arguments)
    captured = capsys.readouterr()

    assert "" == captured.err
    lines = [json.loads(each) for each in captured.out.splitlines()]
    assert ["version", "diagnostic", "end"] == [each["type"] for each in lines]
    assert ("CMK008", USAGE) == (lines[1]["code"], lines[2]["exit_code"])


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("purge", "CMK210"),
        ("key.size", "key.size"),
        ("cmk210", "CMK210"),
        ("soft_delete", "key_vault.soft_delete_days"),
        ("throttl", "CMK306"),
    ],
)
def test_explain_finds_codes_fields_and_words(capsys: pytest.CaptureFixture[str], word: str, found: str) -> None:
    """Newcomer 3: ``explain purge`` was answered "did you mean CMK101 to CMK901?"."""
    assert DONE == main(["explain", word])
    assert found in capsys.readouterr().out


def test_the_hint_to_start_a_sandbox_keeps_its_state_file(capsys: pytest.CaptureFixture[str], tmp_path: object) -> None:
    """Newcomer 4: a hint that loses a flag leads elsewhere."""
    text = error_of(capsys, "sandbox", "env", "--state", f"{tmp_path}/my state.json", code=1)

    assert f"cmkctl sandbox serve --state '{tmp_path}/my state.json'" in text
