"""Files that cannot be read, and files that are not YAML that a profile can be."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.profiles import GOOD, Files

from cmkctl.diagnostics import ProfileError
from cmkctl.profile.load import load_profile


def _problem(path: Path) -> tuple[str, str, str]:
    with pytest.raises(ProfileError) as caught:
        load_profile(path, environ={})
    (found,) = caught.value.diagnostics
    return found.code, str(found.location).replace(str(path.parent) + "/", ""), found.detail


def test_a_file_that_is_not_there_is_cmk001(tmp_path: Path) -> None:
    """The path is named."""
    code, place, detail = _problem(tmp_path / "nope.yaml")

    assert (code, place) == ("CMK001", "nope.yaml")
    assert "No such file" in detail


def test_a_directory_is_cmk001(tmp_path: Path) -> None:
    """A folder is no profile."""
    assert _problem(tmp_path)[0] == "CMK001"


def test_a_path_that_no_system_takes_is_cmk001(tmp_path: Path) -> None:
    """A NUL in a path raises ValueError in Python, which must not reach a user."""
    assert _problem(tmp_path / "a\0b")[0] == "CMK001"


def test_an_unreadable_file_is_cmk001(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason and a remedy that fits it."""
    (tmp_path / "p.yaml").write_text(GOOD)

    def denied(_: Path, *_arguments: str) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)

    with pytest.raises(ProfileError) as caught:
        load_profile(tmp_path / "p.yaml", environ={})

    (found,) = caught.value.diagnostics
    assert found.code == "CMK001"
    assert "Permission denied" in found.detail
    assert "ls -l" in found.remedy


@pytest.mark.parametrize(
    ("content", "place"), [(b"a: b\nc: \xff", "p.yaml:2:4"), ("a: b".encode("utf-16"), "p.yaml:1:1")]
)
def test_a_file_that_is_not_utf8_is_cmk001_at_the_byte(tmp_path: Path, content: bytes, place: str) -> None:
    """The place of the first byte that is not UTF-8."""
    (tmp_path / "p.yaml").write_bytes(content)

    code, found, detail = _problem(tmp_path / "p.yaml")

    assert (code, found) == ("CMK001", place)
    assert "0xff" in detail


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    """Some editors write one."""
    (tmp_path / "p.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())

    assert load_profile(tmp_path / "p.yaml", environ={}).profile.location == "eastus2"


BROKEN = [
    ("", "1:1", "empty", "cmkctl init"),
    ("# only a comment\n", "1:1", "only comments", "cmkctl init"),
    ("---\n", "1:1", "no fields", "cmkctl init"),
    ("- a\n", "1:1", "Expected a mapping", "location: eastus2"),
    ("just text\n", "1:1", "Expected a mapping", "location: eastus2"),
    ("a: b\n---\nc: d\n", "2:1", "several documents", "extends"),
    ("a: b\n\tc: d\n", "2:1", "cannot be parsed", "spaces"),
    ("a: b: c\n", "1:5", "'a: b: c'", "quotes"),
    ("tags: {a: ${B}}\n", "1:12", "tags: {a: ${B}}", "quotes"),
    ("a: [1, 2\n", "2:1", "cannot be parsed", "brackets"),
    ("a: 'x\n", "2:1", "cannot be parsed", "quotes"),
    ("a: \x07\n", "1:4", "U+0007", "Remove the character"),
    ("location: a\nlocation: b\n", "2:1", "Duplicate key `location` (first defined at 1:1).", "Keep one"),
    ("key: {name: a, name: b}\n", "1:16", "Duplicate key `name` (first defined at 1:7).", "Keep one"),
    ("a: *b\n", "1:4", "*b has no anchor", "&b"),
    ("a: &r\n  b: *r\n", "2:6", "*r contains itself", "Write the value out"),
    ("a: &r [*r]\n", "1:8", "*r contains itself", "Write the value out"),
    ("? [a]\n: b\n", "1:3", "name is not a text", "plain text"),
    ("a: !!python/object:os.system x\n", "1:4", "python/object", "Remove the tag"),
    ("a: !secret x\n", "1:4", "!secret", "Remove the tag"),
    ("<<: 3\n", "1:5", "no mapping", "ANCHOR"),
    ("a: " + "[" * 100 + "]" * 100, "1:35", "nested", "levels"),
]


@pytest.mark.parametrize(("text", "place", "detail", "remedy"), BROKEN, ids=[repr(each[0])[:30] for each in BROKEN])
def test_what_is_no_yaml_for_a_profile_is_cmk002(files: Files, text: str, place: str, detail: str, remedy: str) -> None:
    """One diagnostic with the place, what is wrong and what to do."""
    problem = files.the_problem(text)

    assert (problem.code, files.place(problem)) == ("CMK002", f"profile.yaml:{place}")
    assert detail in problem.detail
    assert remedy in problem.remedy


def test_aliases_that_multiply_are_refused(files: Files) -> None:
    """Nine anchors of ten aliases would be a billion values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]

    problem = files.the_problem("\n".join(lines) + "\n")

    assert problem.code == "CMK002"
    assert "more than 10000 values" in problem.detail


def test_anchors_aliases_and_merge_keys_work(files: Files) -> None:
    """They are YAML; a mapping's own values win over merged ones."""
    text = (
        GOOD
        + "tags: &t {owner: a, team: b}\nassociated_resources:\n  container_registry: {sku: &s Basic, name: crml5}\n"
    )
    profile = files.load(text.replace("  name: cmk-ml", "  <<: {name: merged, size: 2048}\n  name: &n cmk-ml")).profile

    assert (profile.key.name, profile.key.size) == ("cmk-ml", 2048)


@pytest.mark.parametrize("text", ["no", "off", "y", "2031-01-31", "1:30", "0x1F", "1_000", "12e03x"])
def test_scalars_have_the_types_of_yaml_1_2(files: Files, text: str) -> None:
    """The Norway problem and its relatives: these are texts."""
    assert files.load(f"{GOOD}tags:\n  t: {text}\n").profile.tags == {"t": text}
