"""A digest of values: the same for what is the same, whatever the order of its keys."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any


def digest(value: Any) -> str:
    """Return the hexadecimal SHA-256 of a value's canonical JSON. Raises TypeError for a value that JSON cannot hold.

    Mappings are sorted by key, dataclasses are mappings of their fields. Dates and times are ignored: the time of an
    observation is not part of it.
    """
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, datetime):
        return None
    if isinstance(value, AbstractSet):
        return sorted(map(digest, value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [*map(_plain, value)]
    return value
