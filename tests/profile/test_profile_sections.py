"""Sections: what they derive from the profile around them, and that one more needs no change elsewhere."""

from __future__ import annotations

import ast
import json
import pickle
from copy import deepcopy
from pathlib import Path

import jsonschema
import pytest
import yaml
from pydantic import Field
from support.profiles import GOOD, SUBSCRIPTION, Files

from cmkctl.diagnostics import ProfileError
from cmkctl.profile import field_types
from cmkctl.profile.derived_names import DerivedName
from cmkctl.profile.file_schema import profile_reference, profile_schema
from cmkctl.profile.load import load_profile
from cmkctl.profile.model import Profile
from cmkctl.profile.section import Nameable, Section
from cmkctl.profile.sections.associated.storage import StorageAccountSettings

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ml"


class ToySettings(Nameable):
    """A vault for toys."""

    resource_type = "Microsoft.KeyVault/vaults"
    derived = DerivedName("toy", 12)

    name: field_types.VaultName | None = Field(None, description="The toy's name.", examples=["toy-ml"])
    id: field_types.VaultId | None = Field(None, description="The toy's id.", examples=["/subscriptions/${S}/x"])
    labels: dict[str, str] = Field(default_factory=dict, description="Labels.", examples=[{"a": "b"}])
    count: int = Field(3, ge=1, le=9, description="How many.", examples=[5])


class ToyProfile(Profile):
    """A profile with one more section. This and `ToySettings` are all that a section takes."""

    toy: ToySettings = Field(default_factory=ToySettings, description="The toy.", examples=[{"name": "toy-ml"}])


def _load(files: Files, *overrides: str) -> ToyProfile:
    loaded = load_profile(files.write(GOOD), overrides=overrides, environ={}, model=ToyProfile)
    assert isinstance(loaded.profile, ToyProfile)
    return loaded.profile


def test_one_more_section_derives_its_name_and_id(files: Files) -> None:
    """From its own class attributes."""
    toy = _load(files).toy

    assert toy.resource_name.startswith("toy-mlw-prod-")
    assert toy.resource_id == f"{GROUP}/providers/Microsoft.KeyVault/vaults/{toy.resource_name}"


def test_one_more_section_takes_overrides_with_free_names(files: Files) -> None:
    """Also in the names of its mapping, which may have full stops."""
    toy = _load(files, "toy.name=toy-1", "toy.labels.cost.center=x").toy

    assert (toy.resource_name, toy.labels) == ("toy-1", {"cost.center": "x"})


@pytest.mark.parametrize(
    ("override", "code", "subject", "words"),
    [
        ("toy.count=12", "CMK004", "toy.count", "from 1 to 9"),
        ("toy.cuont=4", "CMK003", "toy.cuont", "count"),
        ("toy.labels.a=7", "CMK004", "toy.labels.a", "text"),
        (f"toy={{name: toy-1, id: {GROUP}/providers/Microsoft.KeyVault/vaults/t}}", "CMK009", "toy.id", "toy.name"),
    ],
)
def test_one_more_section_is_explained(files: Files, override: str, code: str, subject: str, words: str) -> None:
    """With the diagnostics of every other section."""
    with pytest.raises(ProfileError) as caught:
        _load(files, override)

    (found,) = caught.value.diagnostics
    assert (found.code, found.subject) == (code, subject)
    assert words in found.detail + found.remedy


def test_one_more_section_is_in_schema_and_reference() -> None:
    """Editors and readers learn of it by themselves."""
    schema = profile_schema(ToyProfile)
    valid = jsonschema.Draft202012Validator(schema).is_valid

    assert valid({**yaml.safe_load(GOOD), "toy": {"count": "${N}"}})
    assert not valid({**yaml.safe_load(GOOD), "toy": {"count": 12}})
    assert "### `toy`\n\nA vault for toys." in profile_reference(ToyProfile)
    assert "toy" not in json.dumps(profile_schema())


def test_a_section_is_compared_and_written_by_its_fields_alone(files: Files) -> None:
    """Derived values are no part of its value."""
    loaded = files.load().profile.associated_resources.storage_account
    elsewhere = files.load(overrides=["workspace.name=other"]).profile.associated_resources.storage_account

    assert loaded == elsewhere == StorageAccountSettings()
    assert loaded.model_dump(exclude_defaults=True) == {}
    assert loaded.resource_id != elsewhere.resource_id


def test_a_section_outside_a_profile_has_no_id() -> None:
    """Rather than an id with holes."""
    with pytest.raises(LookupError, match="not part of a profile"):
        _ = StorageAccountSettings().resource_id


def test_a_section_shared_by_two_profiles_keeps_its_place_in_each(files: Files) -> None:
    """Profiles place copies."""
    one = files.load().profile
    fields = {name: getattr(one, name) for name in Profile.model_fields}
    two = Profile(**{**fields, "resource_group": "rg-other"})

    assert one.workspace.resource_id.startswith(f"{GROUP}/")
    assert two.workspace.resource_id.startswith(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-other/")
    assert two.key.resource_id == f"{two.key_vault.resource_id}/keys/cmk-ml"


def test_names_and_ids_follow_a_changed_copy(files: Files) -> None:
    """`model_copy` validates nothing, and the derived values are right all the same."""
    profile = files.load().profile
    copy = profile.model_copy(update={"resource_group": "rg-other"})

    assert "/rg-other/" in copy.workspace.resource_id
    assert copy.associated_resources.storage_account.resource_name != (
        profile.associated_resources.storage_account.resource_name
    )
    assert "/rg-ml/" in profile.workspace.resource_id


def test_a_copied_profile_keeps_its_ids(files: Files) -> None:
    """Whichever way it is copied."""
    profile = files.load().profile

    for copy in (deepcopy(profile), pickle.loads(pickle.dumps(profile))):  # noqa: S301 - our own bytes
        assert copy == profile
        assert copy.workspace.resource_id == profile.workspace.resource_id


def test_no_module_but_the_sections_knows_a_section_by_name() -> None:
    """Loader, schema, reference and diagnostics read the model; a name of a section in them is a special case."""
    folder = Path(load_profile.__code__.co_filename).parent
    annotations = {name: info.annotation for name, info in Profile.model_fields.items()}
    sections = [name for name, found in annotations.items() if isinstance(found, type) and issubclass(found, Section)]

    assert {"key_vault", "associated_resources"} <= set(sections)
    for module in ("fields", "file_schema", "load", "tree", "validation_errors"):
        tree = ast.parse((folder / f"{module}.py").read_text(encoding="utf-8"))
        documentation = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
        texts = [
            each.value for each in ast.walk(tree) if isinstance(each, ast.Constant) and id(each) not in documentation
        ]
        assert [] == [each for each in texts if each in {*sections, "tags", "cloud"}], module
