"""Whatever is fed to the loader, only ProfileError comes out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.profiles import GOOD, SUBSCRIPTION

from cmkctl.cli import main
from cmkctl.diagnostics import Diagnostic, ProfileError, Severity
from cmkctl.profile.fields import profile_fields
from cmkctl.profile.load import load_profile

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates()
NESTED = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
YAMLISH = st.text(alphabet="abkey_vault: -[]{}\"'&*!|>#%@`~\n\t$\\,?0.9<", max_size=80)


def _load(content: bytes, *overrides: str, environ: dict[str, str] | None = None) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "p.yaml")
        path.write_bytes(content)
        for each in _problems(path, overrides, environ or {}):
            assert each.code.startswith("CMK00")
            assert each.severity is Severity.ERROR
            assert each.detail
            assert each.remedy
            assert each.location


def _problems(path: Path, overrides: Sequence[str], environ: Mapping[str, str]) -> tuple[Diagnostic, ...]:
    try:
        load_profile(path, overrides=overrides, environ=environ)
    except ProfileError as error:
        return error.diagnostics or pytest.fail("a ProfileError without a diagnostic")
    return ()


@given(st.binary(max_size=200) | YAMLISH.map(str.encode) | st.text(max_size=100).map(str.encode))
@settings(max_examples=120, deadline=None)
def test_any_file_loads_or_is_explained(content: bytes) -> None:
    """Bytes, text, and what looks like YAML."""
    _load(content)


@given(st.dictionaries(st.sampled_from([*{path.split(".")[0] for path in sorted(profile_fields())}, "x"]), NESTED))
@settings(max_examples=80, deadline=None)
def test_any_nested_data_loads_or_is_explained(data: dict[str, Any]) -> None:
    """Right names, any values."""
    _load(yaml.safe_dump(data).encode())


@given(st.sampled_from(sorted(profile_fields())), NESTED.map(lambda value: json.dumps(value, default=str)))
@settings(max_examples=80, deadline=None)
def test_any_value_in_any_field_loads_or_is_explained(field: str, value: str) -> None:
    """An otherwise good profile with one field replaced."""
    _load(GOOD.encode(), f"{field}={value}")


@given(st.text(max_size=30) | st.from_regex(r"[a-z_.]{1,20}=.{0,20}", fullmatch=True))
@settings(max_examples=80, deadline=None)
def test_any_override_loads_or_is_explained(override: str) -> None:
    """Any text after --set."""
    _load(GOOD.encode(), override)


@given(st.sampled_from(sorted(profile_fields())), st.text(max_size=40), st.booleans())
@settings(max_examples=80, deadline=None)
def test_any_variable_loads_or_is_explained(field: str, value: str, quoted: bool) -> None:
    """Whatever the environment holds, in quotes or without."""
    _load(GOOD.encode(), f'{field}="${{V}}"' if quoted else f"{field}=${{V}}", environ={"V": value})


WRONG: tuple[Any, ...] = (
    None,
    True,
    7,
    -1.5,
    "",
    "unknown",
    "Enabled",
    "x" * 300,
    [],
    [None],
    {},
    {"unknown": None},
    [{}],
    "2026-13-45",
)


def _redact(data: Any, way: Sequence[str]) -> Any:
    rest = {name: each for name, each in data.items() if name != way[0]}
    inner = data.get(way[0])
    return {**rest, way[0]: _redact(inner, way[1:])} if way[1:] and isinstance(inner, dict) else rest


def _with(data: Any, way: Sequence[str], value: Any) -> Any:
    if not way:
        return value
    known = data if isinstance(data, dict) else {}
    return {**known, way[0]: _with(known.get(way[0], {}), way[1:], value)}


FIELDS = st.sampled_from(sorted(profile_fields())).map(lambda path: tuple(path.split(".")))
ANY_PROFILE = st.lists(
    st.tuples(FIELDS, st.just("left out") | st.sampled_from(WRONG).map(lambda value: (value,))), min_size=1, max_size=3
)


@given(ANY_PROFILE)
@settings(max_examples=60, deadline=None)
def test_any_profile_ends_the_command_with_a_diagnostic_and_never_with_a_traceback(
    edits: list[tuple[tuple[str, ...], Any]],
) -> None:
    """Fields left out, null, of another type, or with an unknown word: exit 64, with a diagnostic on standard error.

    One that is right all the same goes on to a tape that is not there (CMK502), and never to Azure.
    """
    data = yaml.safe_load(GOOD)
    for way, value in edits:
        data = _redact(data, way) if value == "left out" else _with(data, way, *value)

    code, out, err = _planned(yaml.safe_dump(data))

    assert (64, "", False) == (code, out, "Traceback" in err)
    assert "CMK00" in err or "CMK502" in err


@given(st.binary(max_size=100) | YAMLISH.map(str.encode))
@settings(max_examples=50, deadline=None)
def test_any_file_ends_the_command_with_a_diagnostic(content: bytes) -> None:
    """Arbitrary bytes and text."""
    code, out, err = _planned(content)

    assert (64, "") == (code, out)
    assert "CMK00" in err


def _planned(content: str | bytes) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a plan of this profile."""
    with TemporaryDirectory() as folder, redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        path = Path(folder, "p.yaml")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        code = main(["plan", str(path), "--replay", str(path.with_name("no-tape.json"))])
    return code, out.getvalue(), err.getvalue()


def test_the_good_profile_is_good() -> None:
    """So that the properties above start from a valid profile."""
    assert SUBSCRIPTION in GOOD
    _load(GOOD.encode())
