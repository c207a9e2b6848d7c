"""Template functions of strings, and those that take strings, arrays and objects alike."""

import base64
import binascii
import hashlib
import json
import re
import uuid
from typing import Any
from urllib.parse import quote, unquote, urljoin

from cmkctl.sandbox.deployments.failures import ExpressionError
from cmkctl.sandbox.deployments.functions_values import MANY, Table, array, number, same, shown

PLACE = re.compile(r"\{(\d+)(?::([^}]*))?\}|\{\{|\}\}")
NAMESPACE = uuid.UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830")
"""The namespace in which ``guid()`` makes name-based GUIDs (documented with the template function)."""


def text(value: Any) -> str:
    """Return `value` if it is a string.

    Raises:
        ExpressionError: it is not.

    """
    if not isinstance(value, str):
        raise ExpressionError(f"a string was expected, not {shown(value)}")
    return value


def as_text(value: Any) -> str:
    """Return a value as ``string()`` and ``concat()`` write it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value)
    return "" if value is None else json.dumps(value, separators=(",", ":"))


def unique_string(*parts: Any) -> str:
    """Return 13 lower-case base-32 characters that are always the same for the same parts.

    Azure's function uses an unpublished hash; the value here differs.
    """
    digest = hashlib.sha256("-".join(text(part) for part in parts).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:13]


def _guid(*parts: Any) -> str:
    return str(uuid.uuid5(NAMESPACE, "-".join(text(part) for part in parts)))


def _concat(*values: Any) -> Any:
    if values and all(isinstance(value, list) for value in values):
        return [item for value in values for item in value]
    return "".join(as_text(value) for value in values)


def _contains(container: Any, wanted: Any) -> bool:
    if isinstance(container, str):
        return as_text(wanted) in container
    if isinstance(container, dict):
        return text(wanted).lower() in {name.lower() for name in container}
    return any(same(item, wanted) for item in array(container))


def _format(pattern: Any, *values: Any) -> str:
    def fill(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        if int(match[1]) >= len(values) or match[2]:
            raise ExpressionError(f"format() cannot fill {match[0]}")
        return as_text(values[int(match[1])])

    return PLACE.sub(fill, text(pattern))


def _substring(value: Any, start: Any, length: Any = None) -> str:
    whole, begin = text(value), int(number(start))
    end = len(whole) if length is None else begin + int(number(length))
    if not 0 <= begin <= end <= len(whole):
        raise ExpressionError("substring() reaches beyond the end of the string")
    return whole[begin:end]


def _split(value: Any, separators: Any) -> list[str]:
    marks = [separators] if isinstance(separators, str) else array(separators)
    return re.split("|".join(re.escape(text(mark)) for mark in marks), text(value))


def _edge(at: int) -> Any:
    def pick(value: Any) -> Any:
        if isinstance(value, str):
            return value[at] if value else ""
        return array(value)[at] if value else None

    return pick


def _sized(value: Any) -> str | list[Any]:
    return value if isinstance(value, str) else array(value)


def _length(value: Any) -> int:
    if not isinstance(value, str | list | dict):
        raise ExpressionError(f"length() needs a string, an array or an object, not {shown(value)}")
    return len(value)


def _index(pick: str) -> Any:
    def find(value: Any, wanted: Any) -> int:
        if isinstance(value, str):
            found: int = getattr(value.lower(), pick)(text(wanted).lower())
            return found
        places = [at for at, item in enumerate(array(value)) if same(item, wanted)]
        return (places[0] if pick == "find" else places[-1]) if places else -1

    return find


def _pad_left(value: Any, width: Any, character: Any = " ") -> str:
    if len(text(character)) != 1:
        raise ExpressionError("padLeft() needs one character to fill with")
    return as_text(value).rjust(int(number(width)), text(character))


def _decode(value: Any) -> str:
    try:
        return base64.b64decode(text(value), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as problem:
        raise ExpressionError("base64ToString() was given something that is no base 64") from problem


def _json_of(value: Any) -> Any:
    try:
        return json.loads(_decode(value))
    except ValueError as problem:
        raise ExpressionError("base64ToJson() was given something that is no JSON text") from problem


def _join(items: Any, separator: Any) -> str:
    return text(separator).join(as_text(item) for item in array(items))


TEXTS: Table = {
    "base64": (1, 1, lambda value: base64.b64encode(text(value).encode()).decode()),
    "base64tojson": (1, 1, _json_of),
    "base64tostring": (1, 1, _decode),
    "concat": (1, MANY, _concat),
    "contains": (2, 2, _contains),
    "empty": (1, 1, lambda value: value is None or _length(value) == 0),
    "endswith": (2, 2, lambda value, end: text(value).lower().endswith(text(end).lower())),
    "first": (1, 1, _edge(0)),
    "format": (1, MANY, _format),
    "guid": (1, MANY, _guid),
    "indexof": (2, 2, _index("find")),
    "join": (2, 2, _join),
    "last": (1, 1, _edge(-1)),
    "lastindexof": (2, 2, _index("rfind")),
    "length": (1, 1, _length),
    "padleft": (2, 3, _pad_left),
    "replace": (3, 3, lambda value, old, new: text(value).replace(text(old), text(new))),
    "skip": (2, 2, lambda value, count: _sized(value)[max(0, int(number(count))) :]),
    "split": (2, 2, _split),
    "startswith": (2, 2, lambda value, start: text(value).lower().startswith(text(start).lower())),
    "string": (1, 1, as_text),
    "substring": (2, 3, _substring),
    "take": (2, 2, lambda value, count: _sized(value)[: max(0, int(number(count)))]),
    "tolower": (1, 1, lambda value: text(value).lower()),
    "toupper": (1, 1, lambda value: text(value).upper()),
    "trim": (1, 1, lambda value: text(value).strip()),
    "uniquestring": (1, MANY, unique_string),
    "uri": (2, 2, lambda base, path: urljoin(text(base), text(path))),
    "uricomponent": (1, 1, lambda value: quote(text(value), safe="")),
    "uricomponenttostring": (1, 1, lambda value: unquote(text(value))),
}
