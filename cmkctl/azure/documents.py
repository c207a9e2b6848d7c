"""Values inside the documents that Azure answers, found by their dotted path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A value where a document should have a block. It proves nothing of what the block could have had."""

    value: Any

    def __str__(self) -> str:
        return str(self.value)


def reached(document: Mapping[str, Any] | None, path: str) -> tuple[str, Any]:
    """Return a dotted path with its value; where something other than a block is in the way, the path and value of that."""
    value: Any = document
    parts = path.split(".")
    for count, part in enumerate(parts):
        if value is not None and not isinstance(value, Mapping):
            return ".".join(parts[:count]), value
        value = None if value is None else value.get(part)
    return path, value


def at_path(document: Mapping[str, Any] | None, path: str) -> Any:
    """Return the value at a dotted path of a document; None where there is none."""
    value: Any = document
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def text_at(document: Mapping[str, Any] | None, path: str) -> str:
    """Return the text at a dotted path of a document; empty where there is none, or something other than text."""
    value = at_path(document, path)
    return value if isinstance(value, str) else ""
