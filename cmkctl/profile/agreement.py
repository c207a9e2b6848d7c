"""The lines of a profile that would agree with what a plan found. For the views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cmkctl.profile.writing import Draft

_ORDER: Final = ("location", "resource_group", "key_vault", "key", "key_access", "workspace")


def agreement_text(fields: Mapping[str, Any]) -> list[str]:
    """Return fields, by dotted path, as lines of YAML in the order of a profile. None becomes null, which leaves a field out."""
    nested: dict[str, Any] = {}
    for path, value in sorted(fields.items(), key=lambda pair: _place(pair[0])):
        *around, name = path.split(".")
        section = nested
        for part in around:
            section = section.setdefault(part, {})
        section[name] = _plain(value)
    lines = Draft(nested).text().text.splitlines()
    return [each for each in lines if each]


def _place(path: str) -> int:
    first = path.partition(".")[0]
    return _ORDER.index(first) if first in _ORDER else len(_ORDER)


def _plain(value: Any) -> Any:
    """Return a value of plain lists and mappings, as the writer takes it."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
