"""The model as a JSON Schema for editors, and as the tables of docs/profiles.md.

The schema describes files, the model describes values: in a file every value may be a ``${NAME}``, what has a default
may be null, and a profile with ``extends`` may omit inherited fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Final, TypeAlias

from pydantic_core import PydanticUndefined

from cmkctl.profile.fields import EXTENDS, ProfileField, profile_fields
from cmkctl.profile.model import Profile, Section

JsonSchema: TypeAlias = dict[str, Any]

_ANNOTATIONS: Final = ("description", "default", "examples")
_VARIABLE: Final = {"$ref": "#/$defs/Variable"}
_EXTENDS: Final = {
    "type": "string",
    "description": "Another profile, relative to this file, whose values apply where this one has none.",
    "examples": ["base.yaml"],
}


def profile_schema(root: type[Section] = Profile) -> JsonSchema:
    """Return the JSON Schema (draft 2020-12) of a profile file."""
    names = {each.section.__name__ for each in profile_fields(root).values() if each.section}
    model = root.model_json_schema()
    # A list replaces an inherited one, so its entries are complete.
    listed = {each.section.__name__ for each in profile_fields(root).values() if each.section and each.listed}
    sections = {
        name: _section(each, names) | ({"required": each.get("required", [])} if name in listed else {})
        for name, each in model.pop("$defs").items()
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:cmkctl:profile",
        "title": "cmkctl profile",
        "description": "The desired state: an Azure Machine Learning workspace with a customer-managed key.",
        "type": "object",
        "additionalProperties": False,
        "properties": {EXTENDS: _nullable(_EXTENDS), **_section(model, names)["properties"]},
        "if": {"not": {"required": ["extends"]}},
        "then": _required(root),
        "$defs": {**sections, "Variable": _variable()},
    }


def _variable() -> JsonSchema:
    return {
        "type": "string",
        "pattern": r"\$\{",
        "description": "A text with ${NAME} or ${NAME:-default}, filled in from the environment.",
    }


def _section(schema: JsonSchema, names: AbstractSet[str]) -> JsonSchema:
    """Return an object's schema for files; anything else is taken for a value."""
    if "properties" not in schema:
        return _value(schema, names)
    required = schema.get("required", [])
    fields = {name: _value(each, names) for name, each in schema["properties"].items()}
    return {
        "type": "object",
        "description": " ".join(schema.get("description", "").split()),
        "additionalProperties": False,
        "properties": {name: each if name in required else _nullable(each) for name, each in fields.items()},
    }


def _value(schema: JsonSchema, names: AbstractSet[str]) -> JsonSchema:
    """Return a value's schema, which also takes a variable, with its annotations outside the choice."""
    about, core = _parted(schema)
    if "items" in core:
        core["items"] = _value(core["items"], names)
    if "patternProperties" in core:
        return {**about, **_tags(core, names)}
    choices = [_parted(each)[1] for each in _choices(core) or [core]]
    if core == {"type": "string"} or core.get("type") == "array" or all(_is_section(each, names) for each in choices):
        return {**about, **core}
    return {**about, "anyOf": [*choices, _VARIABLE]}


def _parted(schema: JsonSchema) -> tuple[JsonSchema, JsonSchema]:
    """Return the annotations of a schema, and its rules."""
    about: JsonSchema = {name: schema[name] for name in _ANNOTATIONS if name in schema}
    dropped = {*_ANNOTATIONS, "title", "discriminator"}
    return about, {name: each for name, each in schema.items() if name not in dropped}


def _choices(schema: JsonSchema) -> list[JsonSchema]:
    return [each for name in ("anyOf", "oneOf") for each in schema.get(name, ())]


def _tags(schema: JsonSchema, names: AbstractSet[str]) -> JsonSchema:
    """Tags may be null, which takes an inherited one away."""
    tags = {name: _nullable(_value(each, names)) for name, each in schema["patternProperties"].items()}
    return {**schema, "patternProperties": tags, "additionalProperties": False}


def _is_section(schema: JsonSchema, names: AbstractSet[str]) -> bool:
    return schema == {"type": "null"} or schema.get("$ref", "").rpartition("/")[2] in names


def _nullable(schema: JsonSchema) -> JsonSchema:
    about, core = _parted(schema)
    choices = core["anyOf"] if set(core) == {"anyOf"} else [core]
    return {**about, "anyOf": [*(each for each in choices if each != {"type": "null"}), {"type": "null"}]}


def _required(root: type[Section]) -> JsonSchema:
    """Return the required fields of a profile that extends no other."""
    sections = {
        each.path: {"required": names}
        for each in profile_fields(root).values()
        if each.section
        and not each.listed
        and (names := [n for n, info in each.section.model_fields.items() if info.is_required()])
    }
    either = {
        each.path: {"anyOf": [{"required": ["name"]}, {"required": ["id"]}]}
        for each in profile_fields(root).values()
        if each.takes_name_or_id
    }
    top = [name for name, info in root.model_fields.items() if info.is_required()]
    return {"required": top, "properties": {**either, **sections}}


def profile_reference(root: type[Section] = Profile) -> str:
    """Return the profile's fields in Markdown: one table a section, in the order of the model."""
    return "\n\n".join("\n".join(lines) for lines in _tables(root))


def _tables(root: type[Section]) -> Iterator[list[str]]:
    yield [*_head("", root), *_rows("", root)]
    for each in profile_fields(root).values():
        if each.section is not None:
            title = f"{each.path}[]" if each.listed else each.path
            yield [*_head(title, each.section), *_rows(each.path, root)]


def _head(path: str, section: type[Section]) -> list[str]:
    title = f"### `{path}`" if path else "### The top of a profile"
    about = " ".join((section.__doc__ or "").partition("\n\n")[0].split())
    return [title, "", about, "", "| field | takes | default | meaning |", "|---|---|---|---|"]


def _rows(path: str, root: type[Section]) -> Iterator[str]:
    schema = root.model_json_schema()
    for each in profile_fields(root).values():
        if each.path.rpartition(".")[0] == path:
            yield f"| `{each.name}` | {_takes(each, schema)} | {_default(each)} | {each.info.description} |"


def _takes(field: ProfileField, schema: JsonSchema) -> str:
    node = schema
    for name in field.path.split("."):
        node = _object(node, schema)["properties"][name]
    return " or ".join(dict.fromkeys(_words(node, schema)))


def _object(node: JsonSchema, schema: JsonSchema) -> JsonSchema:
    """Return the object's schema behind references, choices and lists."""
    if "$ref" in node:
        return _object(schema["$defs"][node["$ref"].rpartition("/")[2]], schema)
    if "properties" in node:
        return node
    if "items" in node:
        return _object(node["items"], schema)
    choices = [_object(each, schema) for each in _choices(node)]
    return next((each for each in choices if "properties" in each), node)


def _words(node: JsonSchema, schema: JsonSchema) -> Iterator[str]:
    for choice in _choices(node) or [node]:
        found = schema["$defs"][choice["$ref"].rpartition("/")[2]] if "$ref" in choice else choice
        if "properties" in found:
            yield "a section"
        elif "enum" in found:
            yield ", ".join(f"`{each}`" for each in found["enum"])
        elif "const" in found:
            yield f"`{found['const']}`"
        elif found.get("type") != "null":
            yield _kind(found)


def _kind(schema: JsonSchema) -> str:
    if schema["type"] == "integer" and "maximum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    if schema["type"] == "integer":
        return f"{schema['minimum']} or more"
    return {"string": "text", "boolean": "`true`, `false`", "array": "a list", "object": "names with texts"}[
        schema["type"]
    ]


def _default(field: ProfileField) -> str:
    if field.info.is_required():
        return "**required**"
    value = field.info.default
    if value is PydanticUndefined:
        return "`{}`"
    if value is None:
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else '[]' if value == () else value}`"
