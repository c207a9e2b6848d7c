"""Values inside the documents that Azure answers, found by their dotted path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


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
