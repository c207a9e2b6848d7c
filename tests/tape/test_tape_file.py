"""Reading a tape: another file is refused as such, and an error has its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cmkctl.azure.tape import Tape
from cmkctl.diagnostics import Diagnostic, ProfileError

GOOD: dict[str, Any] = {
    "schema": 1,
    "cmkctl": "0.1.0",
    "cloud": "AzureCloud",
    "recorded_at": "2001-02-03T04:05:06Z",
    "exchanges": [{"request": {"method": "GET", "url": "https://x/"}, "response": {"status": 200}}],
}


def complaint(path: Path) -> Diagnostic:
    """Return the diagnostic for the file in `path`."""
    with pytest.raises(ProfileError) as refused:
        Tape.load(path)

    (diagnostic,) = refused.value.diagnostics
    return diagnostic


def test_a_tape_is_read(tmp_path: Path) -> None:
    """Headers and bodies may be left out in a tape that is written by hand."""
    (tmp_path / "t.json").write_text(json.dumps(GOOD))

    tape = Tape.load(tmp_path / "t.json")

    assert ("AzureCloud", ["GET https://x/ → 200"]) == (tape.cloud, [str(each) for each in tape.exchanges])


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"schema": 2}, "Its schema is 2; this cmkctl (0.1.0) reads schema 1."),
        ({"schema": "1"}, "Its schema is '1'; this cmkctl (0.1.0) reads schema 1."),
        ({"exchanges": {}}, "exchanges: Input should be a valid array"),
        (
            {"exchanges": [{"request": {"method": "GET", "url": "u", "body": "?", "encoding": "base64"}}]},
            "exchanges[0].request: Value error, Only base64 data is allowed\nexchanges[0].response: Field required",
        ),
        ({"cloud": None}, "cloud: Input should be a valid string"),
        ({"exchanges": [{"request": {"method": "GET", "url": "u"}}]}, "exchanges[0].response: Field required"),
        (
            {"exchanges": [{"request": {"method": "GET"}, "response": {"status": "200"}}]},
            "exchanges[0].request.url: Field required\nexchanges[0].response.status: Input should be a valid integer",
        ),
    ],
)
def test_a_damaged_tape_is_reported_with_its_place(tmp_path: Path, change: dict[str, Any], detail: str) -> None:
    """The detail is a path into the document, to correct a file written by hand or by another version."""
    (tmp_path / "t.json").write_text(json.dumps(GOOD | change))

    diagnostic = complaint(tmp_path / "t.json")

    assert ("CMK502", "Cannot read the tape", detail) == (diagnostic.code, diagnostic.summary, diagnostic.detail)


@pytest.mark.parametrize("text", ["[]", "{}", "3", '{"interactions": []}'])
def test_json_of_another_kind_is_not_a_tape(tmp_path: Path, text: str) -> None:
    """A profile or a cassette of another tool is not read as an empty tape."""
    (tmp_path / "t.json").write_text(text)

    assert "not a tape" in complaint(tmp_path / "t.json").detail


def test_bad_json_is_reported_with_line_and_column(tmp_path: Path) -> None:
    """A merge conflict in a tape is found at its place."""
    (tmp_path / "t.json").write_text('{\n  "schema": 1,\n<<<<<<<')

    diagnostic = complaint(tmp_path / "t.json")

    assert f"{tmp_path / 't.json'}:3:1" == str(diagnostic.location)
    assert diagnostic.detail.startswith("It is not JSON: ")


@pytest.mark.parametrize(("content", "detail"), [(b"\xff\xfe", "UTF-8"), (b"[" * 100_000, "nested too deeply")])
def test_other_bytes_are_not_a_tape(tmp_path: Path, content: bytes, detail: str) -> None:
    """No file is a traceback."""
    (tmp_path / "t.json").write_bytes(content)

    assert detail in complaint(tmp_path / "t.json").detail


def test_a_missing_tape_is_reported(tmp_path: Path) -> None:
    """With the operating system's words."""
    assert "No such file or directory" in complaint(tmp_path / "missing.json").detail
