"""Whatever is fed to the loader, only ProfileError comes out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from profile_support import GOOD, SUBSCRIPTION

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
@settings(max_examples=300, deadline=None)
def test_any_file_loads_or_is_explained(content: bytes) -> None:
    """Bytes, text, and what looks like YAML."""
    _load(content)


@given(st.dictionaries(st.sampled_from([*{path.split(".")[0] for path in sorted(profile_fields())}, "x"]), NESTED))
@settings(max_examples=200, deadline=None)
def test_any_nested_data_loads_or_is_explained(data: dict[str, Any]) -> None:
    """Right names, any values."""
    _load(yaml.safe_dump(data).encode())


@given(st.sampled_from(sorted(profile_fields())), NESTED.map(lambda value: json.dumps(value, default=str)))
@settings(max_examples=200, deadline=None)
def test_any_value_in_any_field_loads_or_is_explained(field: str, value: str) -> None:
    """An otherwise good profile with one field replaced."""
    _load(GOOD.encode(), f"{field}={value}")


@given(st.text(max_size=30) | st.from_regex(r"[a-z_.]{1,20}=.{0,20}", fullmatch=True))
@settings(max_examples=200, deadline=None)
def test_any_override_loads_or_is_explained(override: str) -> None:
    """Whatever stands after --set."""
    _load(GOOD.encode(), override)


@given(st.sampled_from(sorted(profile_fields())), st.text(max_size=40), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_variable_loads_or_is_explained(field: str, value: str, quoted: bool) -> None:
    """Whatever the environment holds, in quotes or without."""
    _load(GOOD.encode(), f'{field}="${{V}}"' if quoted else f"{field}=${{V}}", environ={"V": value})


def test_the_good_profile_is_good() -> None:
    """So that the properties above test what they say."""
    assert SUBSCRIPTION in GOOD
    _load(GOOD.encode())
