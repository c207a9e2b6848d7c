"""One mistake in a profile is one diagnostic, which blames its cause: the cases of `cases_of_blame.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from support.profiles import GOOD

from cmkctl.cli import main
from cmkctl.cli.exits import DONE, USAGE

CASES = yaml.safe_load(Path(__file__).with_name("cases_of_blame.yaml").read_text(encoding="utf-8"))["cases"]


def validated(capsys: pytest.CaptureFixture[str], path: Path) -> tuple[int, list[str]]:
    """Validate a profile in this process; return the exit code and its diagnostics, each in one line."""
    code = main(["validate", str(path)])
    return code, [" ".join(each.split()) for each in capsys.readouterr().err.strip().split("\n\n") if each]


@pytest.mark.parametrize("case", CASES, ids=[each["promise"] for each in CASES])
def test_a_mistake_is_blamed_on_its_cause(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: dict[str, Any]
) -> None:
    """One error, with words of its cause and of no other."""
    for name, value in case.get("environ", {}).items():
        monkeypatch.setenv(name, value)
    old, new = case.get("replace", ("", ""))
    assert old in GOOD
    path = tmp_path / "p.yaml"
    path.write_text((GOOD.replace(old, new) if old else GOOD) + case.get("add", ""), encoding="utf-8")

    code, (error,) = validated(capsys, path)

    assert (USAGE, True) == (code, error.startswith(case["error"])), error
    assert [] == [each for each in case.get("words", ()) if each not in error], error
    assert [] == [each for each in case.get("absent", ()) if each in error], error


@pytest.mark.parametrize("more", ['tags: {a: "x\u00a0y"}', "# \u00a0a comment", "tags: {a: x\u00a0}"])
def test_a_space_that_is_part_of_a_text_stays(capsys: pytest.CaptureFixture[str], tmp_path: Path, more: str) -> None:
    """Only where a line is indented or a value begins is it taken for a space."""
    path = tmp_path / "p.yaml"
    path.write_text(GOOD + more, encoding="utf-8")

    assert (DONE, []) == validated(capsys, path)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/dev/zero", "it has more than 1 MiB"),
        ("big.yaml", "it has more than 1 MiB"),
        ("utf16.yaml", "The file is UTF-16"),
    ],
)
def test_what_is_no_profile_is_not_read_to_its_end(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, path: str, words: str
) -> None:
    """A device without an end, a text of megabytes, and UTF-16 without its mark."""
    contents = {"big.yaml": b"# " + b"x" * 2**20, "utf16.yaml": GOOD.encode("utf-16-le")}
    if path in contents:
        (tmp_path / path).write_bytes(contents[path])

    code, (error,) = validated(capsys, tmp_path / path)

    assert USAGE == code
    assert words in error
