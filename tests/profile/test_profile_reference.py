"""The schema, the reference and the examples agree with the model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from support.profiles import GOOD, SUBSCRIPTION

from cmkctl.profile.fields import profile_fields
from cmkctl.profile.file_schema import profile_reference, profile_schema
from cmkctl.profile.load import load_profile

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "profiles").glob("*.yaml"))
SCHEMA = profile_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture(scope="module")
def reference() -> str:
    """Provide the text of the reference, made once: it takes a second."""
    return profile_reference()


def _valid(data: Any) -> bool:
    return bool(VALIDATOR.is_valid(data))


def test_the_committed_schema_is_up_to_date() -> None:
    """To write it anew: cmkctl schema > profiles/profile.schema.json."""
    committed = json.loads((ROOT / "profiles/profile.schema.json").read_text(encoding="utf-8"))

    assert committed == SCHEMA, "write it anew: cmkctl schema > profiles/profile.schema.json"


def test_the_schema_is_a_schema() -> None:
    """Draft 2020-12, with an id."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    assert SCHEMA["$schema"].endswith("2020-12/schema")
    assert SCHEMA["$id"]


def test_the_committed_reference_is_up_to_date(reference: str) -> None:
    """To write it anew: UPDATE_DOCS=1 pytest tests/profile/test_profile_reference.py."""
    page = ROOT / "docs/profiles.md"
    written, marker, _ = page.read_text(encoding="utf-8").partition("test_profile_reference.py -->\n")
    expected = f"{written}{marker}\n{reference}\n"
    if os.environ.get("UPDATE_DOCS"):
        page.write_text(expected, encoding="utf-8")

    assert page.read_text(encoding="utf-8") == expected, (
        "write it anew: UPDATE_DOCS=1 pytest tests/profile/test_profile_reference.py"
    )


@pytest.mark.slow
@pytest.mark.parametrize("field", profile_fields().values(), ids=profile_fields())
def test_every_field_is_described_with_an_example_that_is_right(reference: str, field: Any) -> None:
    """In the model, the schema and the reference. An example that is wrong would mislead in every diagnostic."""
    assert field.info.description
    assert f"`{field.path.rpartition('.')[2]}`" in reference
    assert _valid({"extends": "base.yaml", **_example(field.path.split("."), "")})


def _example(names: list[str], around: str) -> Any:
    """Return the example of a field inside the sections around it. An entry of a list is complete."""
    name, *rest = names
    field = profile_fields()[f"{around}.{name}".removeprefix(".")]
    if not rest:
        return {name: field.example}
    inner = _example(rest, field.path)
    return {name: [{**field.example[0], **inner}] if field.listed else inner}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_loads_and_fits_the_schema(path: Path) -> None:
    """With nothing but a subscription in the environment."""
    text = path.read_text(encoding="utf-8")
    load_profile(path, environ={"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION})

    assert text.startswith("# yaml-language-server: $schema=profile.schema.json\n")
    VALIDATOR.validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({}, True),
        ({"location": None}, False),
        ({"tags": None}, True),
        ({"tags": {"a": None}}, True),
        ({"tags": {"a": 1}}, False),
        ({"key_vault": {"name": "kv-${X}"}}, True),
        ({"key_vault": {"name": "1kv"}}, False),
        ({"key_vault": {}}, False),
        ({"key_vault": {"name": "kv-ml", "soft_delete_days": "${DAYS:-90}"}}, True),
        ({"key_vault": {"name": "kv-ml", "soft_delete_days": "90"}}, False),
        ({"cloud": "${CLOUD}"}, True),
        ({"cloud": "Azure"}, False),
        ({"associated_resources": {"key_vault": {}}}, True),
        ({"associated_resources": {"key_vault": "other"}}, False),
        ({"unknown": 1}, False),
    ],
)
def test_the_schema_for_editors_agrees_with_the_loader(change: dict[str, Any], valid: bool) -> None:
    """Variables are allowed anywhere, null where there is a default, unknown fields nowhere."""
    assert _valid({**yaml.safe_load(GOOD), **change}) is valid


def test_a_profile_that_extends_may_leave_out_what_is_required() -> None:
    """The extended file has it."""
    assert _valid({"extends": "base.yaml", "workspace": {"name": "mlw"}})
    assert not _valid({"workspace": {"name": "mlw"}})


@pytest.mark.slow
def test_loading_a_profile_imports_no_azure_sdk() -> None:
    """The command line has a start budget, and the SDKs take seconds."""
    code = (
        "import sys, cmkctl.profile.load; "
        "print([n for n in sys.modules if n == 'azure' or n.startswith(('azure.', 'typer', 'rich'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout.strip() == "[]"
