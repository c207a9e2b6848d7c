"""What pydantic found, said to people: one diagnostic a cause, with the place, the value and what would be right."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from pydantic import ValidationError

from cmkctl.azure.clouds import Cloud
from cmkctl.azure.redaction import shortened
from cmkctl.diagnostics import Diagnostic
from cmkctl.profile.environment import Filled
from cmkctl.profile.fields import profile_fields
from cmkctl.profile.parse import resolve
from cmkctl.profile.problems import problem
from cmkctl.profile.rules import CONTRADICTION, RULE, Contradiction
from cmkctl.profile.tree import Branch, Items, Path, Scalar, dotted, find, key_of, place_of

_SECRETIVE: Final = ("SECRET", "PASSWORD", "TOKEN", "KEY")
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


def explain(error: ValidationError, filled: Filled) -> Iterator[Diagnostic]:
    """The diagnostics of what pydantic refused. What has no value for want of a variable is passed over."""
    for each in error.errors(include_url=False, include_input=False):
        path = _path_of(each["loc"])
        if not any(path[: len(unset)] == unset for unset in filled.unset):
            yield from _diagnostics(each["type"], path, each.get("ctx", {}), filled.root)


def _path_of(where: Iterable[str | int]) -> Path:
    path = tuple(where)
    if path[:2] == ("associated_resources", "key_vault"):
        # The third part names the form that was taken for meant, which nobody wrote.
        return (*path[:2], *path[3:])
    return path[:2] if path[:1] == ("tags",) else path


def _diagnostics(kind: str, path: Path, context: Mapping[str, Any], root: Branch) -> Iterator[Diagnostic]:
    if kind == CONTRADICTION:
        yield from (_contradiction(each, path, root) for each in context["found"])
    elif kind == "extra_forbidden":
        yield _unknown(path, root)
    elif kind == "missing":
        yield _missing(path, root)
    else:
        yield _wrong(kind, path, context, root)


def _contradiction(found: Contradiction, section: Path, root: Branch) -> Diagnostic:
    path = (*section, *found.field.split("."))
    where = place_of(root, path)
    if found.missing:
        return problem("CMK005", found.detail, found.remedy, where, dotted(section))
    detail = f"{dotted(path)} is {shown(root, path)}. {found.detail}"
    return problem("CMK009", detail, found.remedy, where, dotted(path))


def _unknown(path: Path, root: Branch) -> Diagnostic:
    name, section = str(path[-1]), dotted(path[:-1])
    where = f"in {section}" if section else "at the top of a profile"
    detail = f"There is no field {name!r} {where}; its value is {shown(root, path)}."
    return problem("CMK003", detail, _suggestion(name, section), key_of(root, path), dotted(path))


def _suggestion(name: str, section: str) -> str:
    here = [path.rpartition(".")[2] for path in profile_fields() if path.rpartition(".")[0] == section]
    near = get_close_matches(name.lower().replace("-", "_"), here, n=1)
    if near:
        return f"Did you mean {near[0]}?"
    elsewhere = [path for path in profile_fields() if path.rpartition(".")[2] == name]
    if elsewhere:
        return f"Write it as {' or '.join(elsewhere[:3])}."
    return f"Remove it, or use one of: {', '.join(here)}."


def _missing(path: Path, root: Branch) -> Diagnostic:
    where, known = dotted(path), profile_fields().get(dotted(path))
    about = f" {known.info.description}" if known else ""
    detail = f"{where} is required and not given.{about}"
    return problem("CMK005", detail, _example(where), place_of(root, path), where)


def _wrong(kind: str, path: Path, context: Mapping[str, Any], root: Branch) -> Diagnostic:
    where = dotted(path)
    words = _range(where, kind) or _WORDS.get(kind, "It takes another kind of value.")
    right = words.format_map(_readable(context))
    detail = f"{where} is {shown(root, path)}. {right}"
    return problem("CMK004", detail, _remedy(kind, path, root), place_of(root, path), where)


def _readable(context: Mapping[str, Any]) -> Mapping[str, Any]:
    expected = str(context.get("expected", "")).replace("'", "")
    return {**context, "expected": expected}


def _range(where: str, kind: str) -> str:
    """A range in full, although pydantic names only the end that was passed."""
    known = profile_fields().get(where)
    if known is None or kind not in ("greater_than_equal", "less_than_equal", "int_type"):
        return ""
    ends = [getattr(each, end) for end in ("ge", "le") for each in known.info.metadata if hasattr(each, end)]
    return f"It takes a whole number from {ends[0]} to {ends[1]}." if len(ends) > 1 else ""


def _remedy(kind: str, path: Path, root: Branch) -> str:
    node = find(root, path)
    if kind == "string_type" and isinstance(node, Scalar) and not node.variables:
        return f'Put it in quotes: {path[-1]}: "{node.text}".' if isinstance(path[-1], str) else f'Write "{node.text}".'
    if kind in ("int_type", "literal_error") and isinstance(node, Scalar) and _is_quoted_number(node):
        return f"Write {path[-1]}: {node.text}, without quotes."
    if kind == "bool_type" and isinstance(node, Scalar):
        return f"Write {path[-1]}: true or {path[-1]}: false, without quotes."
    return _example(dotted(path))


def _is_quoted_number(node: Scalar) -> bool:
    return not node.plain and isinstance(resolve(node.text), int)


def _example(where: str) -> str:
    known = profile_fields().get(where.partition("[")[0])
    if where == "cloud":
        return f"Write for example cloud: {Cloud.AZURE}."
    if known is None:
        return "See the profile reference: cmkctl schema."
    name = known.path.rpartition(".")[2]
    return f"Write for example {name}: {_yaml(known.example)}"


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
