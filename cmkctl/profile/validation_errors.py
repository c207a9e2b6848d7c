"""Diagnostics from pydantic's errors: one for each cause, with the place, the value and a valid one."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, get_args

from pydantic import ValidationError

from cmkctl.azure.redaction import shortened
from cmkctl.diagnostics import Diagnostic, Location
from cmkctl.profile.environment import Filled
from cmkctl.profile.errors import problem
from cmkctl.profile.field_types import RULE, Hint
from cmkctl.profile.fields import EXTENDS, ProfileField, field_name, path_of, path_of_error, profile_fields
from cmkctl.profile.model import Profile
from cmkctl.profile.parse import resolve
from cmkctl.profile.section import CONTRADICTION, SECTION, Contradiction, Nameable, Section
from cmkctl.profile.tree import Branch, Items, Path, Scalar, dotted, find, key_of, place_of

_SECRETIVE: Final = ("SECRET", "PASSWORD", "TOKEN", "KEY")
OPTION: Final = "--set"
"""The source of a value from the command line begins with this."""

_NAME: Final = "name of an entry"
"""The kind of an error about a free name in a mapping, which pydantic marks with ``[key]``."""

_SHORT: Final = 60
_LONG: Final = 240
_WORDS: Final = {
    "string_type": "Expected text.",
    "string_unicode": "Expected text.",
    "int_type": "Expected a whole number.",
    "bool_type": "Expected true or false.",
    "tuple_type": "Expected a list.",
    "dict_type": "Expected a mapping of names to values.",
    "model_type": "Expected a mapping of fields.",
    "greater_than_equal": "Expected a whole number of at least {ge}.",
    "less_than_equal": "Expected a whole number of at most {le}.",
    "too_long": "Expected at most {max_length} entries.",
    "literal_error": "Expected {expected}.",
    "enum": "Expected {expected}.",
    RULE: "{words}",
}


def explain(error: ValidationError, filled: Filled, model: type[Section] = Profile) -> Iterator[Diagnostic]:
    """Yield the diagnostics of pydantic's errors, one for each cause.

    Fields without a value for want of a variable are left out, and so is a required field that was misspelt.
    """
    explainer = _Explainer(filled.root, model, profile_fields(model))
    found = [
        (
            _NAME if each["loc"][-1:] == ("[key]",) else each["type"],
            path_of_error(each["loc"], model),
            each.get("ctx", {}),
        )
        for each in error.errors(include_url=False, include_input=False)
    ]
    misspelt = {(*path[:-1], explainer.near(path)) for kind, path, _ in found if kind == "extra_forbidden"}
    for kind, path, context in found:
        unset = any(path[: len(each)] == each for each in filled.unset)
        if not unset and not (kind == "missing" and path in misspelt):
            yield from explainer.diagnostics(kind, path, context)


_SYNONYMS: Final = {
    "region": "location",
    "rg": "resource_group",
    "hbi": "high_business_impact",
    "kty": "type",
    "acr": "container_registry",
}
"""The names that Azure and its users have for a field."""


def _written(path: Path) -> str:
    """Return the name of an unknown field as a profile spells names."""
    written = str(path[-1]).lower().replace("-", "_")
    return _SYNONYMS.get(written, written)


@dataclass(frozen=True, slots=True)
class _Explainer:
    """Makes diagnostics from pydantic's errors: `root` is the document, `fields` those of `model` by path."""

    root: Branch
    model: type[Section]
    fields: Mapping[str, ProfileField]

    def diagnostics(self, kind: str, path: Path, context: Mapping[str, Any]) -> Iterator[Diagnostic]:
        if kind == CONTRADICTION:
            yield from (self._contradiction(each, path) for each in context["found"])
        elif kind == "extra_forbidden":
            yield self._unknown(path)
        elif kind == "missing":
            yield self._missing(path)
        elif kind == _NAME:
            yield self._wrong_name(path, context)
        else:
            yield self._wrong(kind, path, context)

    def _contradiction(self, found: Contradiction, section: Path) -> Diagnostic:
        path = path_of(f"{dotted(section)}.{found.field}".removeprefix("."), self.model)
        where, remedy = place_of(self.root, path), found.remedy.replace(SECTION, dotted(section))
        if found.missing:
            return problem("CMK005", found.detail, remedy, where, dotted(section))
        detail = f"{dotted(path)} is {shown(self.root, path)}. {found.detail}"
        return problem("CMK009", detail, remedy, where, dotted(path))

    def _unknown(self, path: Path) -> Diagnostic:
        detail = f"Unknown field `{dotted(path)}`."
        return problem("CMK003", detail, self._suggestion(path), key_of(self.root, path), dotted(path))

    def _suggestion(self, path: Path) -> str:
        near, section = self.near(path), field_name(path[:-1])
        below = self._below(path)
        if below:
            return f"Write it as {' or '.join(below[:3])}."
        if near:
            return f"Did you mean {self._instead(path, near)}?"
        around = self.fields.get(section)
        bring = around is not None and around.section is not None and issubclass(around.section, Nameable)
        more = f" For other settings, create the resource yourself and write {section}.id." if bring else ""
        return f"Remove it, or use one of: {', '.join(self._names_in(section))}.{more}"

    def _instead(self, path: Path, name: str) -> str:
        node, place = find(self.root, path), key_of(self.root, path)
        if isinstance(node, Scalar) and place.source.startswith(OPTION):
            return _setting((*path[:-1], name), node.text, place)
        return name

    def _below(self, path: Path) -> list[str]:
        """Return the fields of that name in the sections inside; elsewhere resources have different settings of one name."""
        name, section = _written(path), field_name(path[:-1])
        if name in self._names_in(section):
            return []  # the same name in another spelling
        within = f"{section}.".removeprefix(".")
        return [each.path for each in self.fields.values() if each.name == name and each.path.startswith(within)]

    def near(self, path: Path) -> str:
        """Return the field that an unknown one was probably meant to be; empty when none is near."""
        names = self._names_in(field_name(path[:-1]))
        if self._below(path):
            return ""
        return next(iter(get_close_matches(_written(path), names, n=1)), "")

    def _names_in(self, section: str) -> list[str]:
        names = [each.name for each in self.fields.values() if each.path.rpartition(".")[0] == section]
        return names if section else [*names, EXTENDS]

    def _missing(self, path: Path) -> Diagnostic:
        where, known = dotted(path), self.fields.get(field_name(path))
        about = f" {known.info.description}" if known else ""
        place, node = place_of(self.root, path), find(self.root, path)
        if isinstance(node, Scalar) and node.variables:
            name = node.variables[0]
            detail = f"{where} takes its value from ${{{name}}}, and {name} is set to an empty text."
            remedy = f"Set it: export {name}=...; or give it a default: ${{{name}:-...}}; or use: --set {where}=..."
            return problem("CMK005", detail, remedy, place, where)
        return problem("CMK005", f"Missing required field `{where}`.{about}", self._example(path, place), place, where)

    def _wrong(self, kind: str, path: Path, context: Mapping[str, Any]) -> Diagnostic:
        where, hint = dotted(path), self._hint(path)
        words = self._range(where, kind) or _WORDS.get(kind, "Expected a different kind of value.")
        right = (hint.expected if hint and kind == RULE and context.get("form") else "") or words.format_map(
            _readable(context)
        )
        remedy = f"{self._remedy(kind, path, context)}\n{hint.remedy if hint else ''}".rstrip()
        detail = f"{where} is {shown(self.root, path)}. {right}"
        return problem("CMK004", detail, remedy, place_of(self.root, path), where)

    def _wrong_name(self, path: Path, context: Mapping[str, Any]) -> Diagnostic:
        detail = (
            f"{str(path[-1])!r} is not a valid name in {field_name(path[:-1])}. {context.get('words', '')}".rstrip()
        )
        place = key_of(self.root, path)
        return problem("CMK004", detail, "Correct the name, or remove the line.", place, dotted(path))

    def _hint(self, path: Path) -> Hint | None:
        known = self.fields.get(dotted(path))
        return next((each for each in known.info.metadata if isinstance(each, Hint)), None) if known else None

    def _range(self, where: str, kind: str) -> str:
        """Return a range in full, although pydantic names only the end that was passed."""
        known = self.fields.get(where)
        if known is None or kind not in ("greater_than_equal", "less_than_equal", "int_type"):
            return ""
        ends = [getattr(each, end) for end in ("ge", "le") for each in known.info.metadata if hasattr(each, end)]
        return f"Expected a whole number from {ends[0]} to {ends[1]}." if len(ends) > 1 else ""

    def _remedy(self, kind: str, path: Path, context: Mapping[str, Any]) -> str:
        node, place = find(self.root, path), place_of(self.root, path)
        if not isinstance(node, Scalar):
            return self._example(path, place)
        if kind == "string_type" and not node.variables:
            return f"Put it in quotes: {_setting(path, json.dumps(node.text, ensure_ascii=False), place)}"
        if kind in ("int_type", "literal_error") and _is_quoted_number(node):
            return f"Write it without quotes: {_setting(path, node.text, place)}"
        if kind == "bool_type":
            return f"Write {_setting(path, 'true', place)} or {_setting(path, 'false', place)}, without quotes."
        near = _near_choice(node.text, str(context.get("expected", "")))
        return f"Did you mean {_setting(path, near, place)}?" if near else self._example(path, place)

    def _example(self, path: Path, place: Location) -> str:
        known = self.fields.get(field_name(path))
        return example_of(known.path, place, self.model) if known else "Change it as described, or remove it."


def example_of(where: str, place: Location, model: type[Section] = Profile) -> str:
    """Return a right value of the field `where`, in the syntax that `place` is written in."""
    field, path = profile_fields(model)[where], path_of(where, model)
    choices = _choices(field)
    if choices:
        return f"Write {' or '.join(_setting(path, each, place) for each in choices)}."
    return f"For example: {_setting(path, as_yaml(field.example), place)}"


def _choices(field: ProfileField) -> list[str]:
    """Return the values of a required field that has few; naming one of them as the example would recommend it."""
    if not field.info.is_required():
        return []
    if field.info.annotation is bool:
        return ["true", "false"]
    return [str(each) for each in get_args(field.info.annotation) if isinstance(each, str)]


def _setting(path: Path, value: str, place: Location) -> str:
    """Return how to set a field: as an option where it was set by one, in YAML otherwise. `value` is YAML."""
    if place.source.startswith(OPTION):
        return f"{OPTION} {shlex.quote(f'{dotted(path)}={value}')}"
    return f"{path[-1]}: {value}" if isinstance(path[-1], str) else f"- {value}"


def _near_choice(text: str, expected: str) -> str:
    choices = {each.lower(): each for each in re.findall("'([^']*)'", expected)}
    return next((choices[each] for each in get_close_matches(text.lower(), choices, n=1, cutoff=0.7)), "")


def _readable(context: Mapping[str, Any]) -> Mapping[str, Any]:
    expected = str(context.get("expected", "")).replace("'", "")
    return {**context, "expected": expected}


def _is_quoted_number(node: Scalar) -> bool:
    return not node.plain and isinstance(resolve(node.text), int)


def as_yaml(value: Any) -> str:
    """Return a value in YAML's flow style, without needless quotes."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(json.dumps(each) if isinstance(each, str) else as_yaml(each) for each in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_inside(each)}" for name, each in value.items()) + "}"
    if isinstance(value, str):
        quoted = value.startswith(("@", "`", "*", "&", "!", "%", "[", "{", "#")) or not _is_text(value)
        return json.dumps(value) if quoted else value
    return json.dumps(value)


def _inside(value: Any) -> str:
    """Return a value inside a flow mapping, where commas and brackets of a text need quotes."""
    plain_text = isinstance(value, str) and re.fullmatch(r"[\w/.-][\w/. -]*", value) and _is_text(value)
    return json.dumps(value) if isinstance(value, str) and not plain_text else as_yaml(value)


def _is_text(value: str) -> bool:
    return isinstance(resolve(value), str)


def shown(root: Branch, path: Path) -> str:
    """Return the value at `path` for a message. A variable's value is left out if long or if it looks like a secret."""
    node = find(root, path)
    if isinstance(node, Branch):
        return "a mapping"
    if isinstance(node, Items):
        return "a list"
    if node is None or (node.plain and not node.text):
        return "not given"
    if not node.variables:
        return _shortened(node.text) if isinstance(node.value, str) else node.text
    reference = _shortened(node.text)
    text = str(node.value)
    secretive = any(word in name.upper() for name in node.variables for word in _SECRETIVE)
    return reference if secretive or len(text) > _SHORT else f"{reference}, which is {_shortened(text)} here"


def _shortened(text: str) -> str:
    return repr(shortened(text, _LONG))
