"""What pydantic found, said to people: one diagnostic a cause, with the place, the value and what would be right."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from pydantic import ValidationError

from cmkctl.azure.redaction import shortened
from cmkctl.diagnostics import Diagnostic
from cmkctl.profile.environment import Filled
from cmkctl.profile.errors import problem
from cmkctl.profile.field_types import RULE
from cmkctl.profile.fields import ProfileField, path_of_error, profile_fields
from cmkctl.profile.model import Profile
from cmkctl.profile.parse import resolve
from cmkctl.profile.section import CONTRADICTION, SECTION, Contradiction, Section
from cmkctl.profile.tree import Branch, Items, Path, Scalar, dotted, find, key_of, place_of

_SECRETIVE: Final = ("SECRET", "PASSWORD", "TOKEN", "KEY")
_REFERENCE: Final = "See the profile reference: cmkctl schema."
_SHORT: Final = 60
_LONG: Final = 240
_WORDS: Final = {
    "string_type": "It takes text.",
    "string_unicode": "It takes text.",
    "int_type": "It takes a whole number.",
    "bool_type": "It takes true or false.",
    "tuple_type": "It takes a list.",
    "dict_type": "It takes a mapping of names to values.",
    "model_type": "It takes a mapping of fields.",
    "greater_than_equal": "It takes a whole number of at least {ge}.",
    "less_than_equal": "It takes a whole number of at most {le}.",
    "too_long": "It takes at most {max_length} entries.",
    "literal_error": "It takes {expected}.",
    "enum": "It takes {expected}.",
    RULE: "{words}",
}


def explain(error: ValidationError, filled: Filled, model: type[Section] = Profile) -> Iterator[Diagnostic]:
    """Yield the diagnostics of what pydantic refused. Fields without a value for want of a variable are left out."""
    explainer = _Explainer(filled.root, model, profile_fields(model))
    for each in error.errors(include_url=False, include_input=False):
        path = path_of_error(each["loc"], model)
        if not any(path[: len(unset)] == unset for unset in filled.unset):
            yield from explainer.diagnostics(each["type"], path, each.get("ctx", {}))


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
        else:
            yield self._wrong(kind, path, context)

    def _contradiction(self, found: Contradiction, section: Path) -> Diagnostic:
        path = (*section, *found.field.split("."))
        where, remedy = place_of(self.root, path), found.remedy.replace(SECTION, dotted(section))
        if found.missing:
            return problem("CMK005", found.detail, remedy, where, dotted(section))
        detail = f"{dotted(path)} is {shown(self.root, path)}. {found.detail}"
        return problem("CMK009", detail, remedy, where, dotted(path))

    def _unknown(self, path: Path) -> Diagnostic:
        name, section = str(path[-1]), dotted(path[:-1])
        where = f"in {section}" if section else "at the top of a profile"
        detail = f"There is no field {name!r} {where}; its value is {shown(self.root, path)}."
        return problem("CMK003", detail, self._suggestion(name, section), key_of(self.root, path), dotted(path))

    def _suggestion(self, name: str, section: str) -> str:
        here = [path.rpartition(".")[2] for path in self.fields if path.rpartition(".")[0] == section]
        near = get_close_matches(name.lower().replace("-", "_"), here, n=1)
        if near:
            return f"Did you mean {near[0]}?"
        elsewhere = [path for path in self.fields if path.rpartition(".")[2] == name]
        if elsewhere:
            return f"Write it as {' or '.join(elsewhere[:3])}."
        return f"Remove it, or use one of: {', '.join(here)}."

    def _missing(self, path: Path) -> Diagnostic:
        where, known = dotted(path), self.fields.get(dotted(path))
        about = f" {known.info.description}" if known else ""
        detail = f"{where} is required and not given.{about}"
        return problem("CMK005", detail, self._example(where), place_of(self.root, path), where)

    def _wrong(self, kind: str, path: Path, context: Mapping[str, Any]) -> Diagnostic:
        where = dotted(path)
        words = self._range(where, kind) or _WORDS.get(kind, "It takes another kind of value.")
        right = words.format_map(_readable(context))
        detail = f"{where} is {shown(self.root, path)}. {right}"
        return problem("CMK004", detail, self._remedy(kind, path), place_of(self.root, path), where)

    def _range(self, where: str, kind: str) -> str:
        """Return a range in full, although pydantic names only the end that was passed."""
        known = self.fields.get(where)
        if known is None or kind not in ("greater_than_equal", "less_than_equal", "int_type"):
            return ""
        ends = [getattr(each, end) for end in ("ge", "le") for each in known.info.metadata if hasattr(each, end)]
        return f"It takes a whole number from {ends[0]} to {ends[1]}." if len(ends) > 1 else ""

    def _remedy(self, kind: str, path: Path) -> str:
        node = find(self.root, path)
        if kind == "string_type" and isinstance(node, Scalar) and not node.variables:
            return (
                f'Put it in quotes: {path[-1]}: "{node.text}".'
                if isinstance(path[-1], str)
                else f'Write "{node.text}".'
            )
        if kind in ("int_type", "literal_error") and isinstance(node, Scalar) and _is_quoted_number(node):
            return f"Write {path[-1]}: {node.text}, without quotes."
        if kind == "bool_type" and isinstance(node, Scalar):
            return f"Write {path[-1]}: true or {path[-1]}: false, without quotes."
        return self._example(dotted(path))

    def _example(self, where: str) -> str:
        known = self.fields.get(where.partition("[")[0])
        return f"Write for example {known.name}: {_yaml(known.example)}" if known else _REFERENCE


def _readable(context: Mapping[str, Any]) -> Mapping[str, Any]:
    expected = str(context.get("expected", "")).replace("'", "")
    return {**context, "expected": expected}


def _is_quoted_number(node: Scalar) -> bool:
    return not node.plain and isinstance(resolve(node.text), int)


def _yaml(value: Any) -> str:
    """A value in YAML's flow style, without needless quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_yaml(each)}" for name, each in value.items()) + "}"
    return value if isinstance(value, str) else json.dumps(value)


def shown(root: Branch, path: Path) -> str:
    """The value at `path` for people. What came from a variable is shown only if short and not like a secret."""
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
