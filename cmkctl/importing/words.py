"""Small conversions from Azure's documents to the words of a profile. Pure."""

from __future__ import annotations

import re
from typing import Any

from cmkctl.azure.ids import ResourceId
from cmkctl.steps._associated.values import at

__all__ = ["at", "given", "on_off", "parsed", "switch"]


def given(**values: Any) -> dict[str, Any]:
    """Return the values that are set: neither None nor an empty text or list."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {}, ())}


def switch(value: str) -> str:
    """Return a state of a switch in the profile's words: ``SecuredByPerimeter`` is ``secured-by-perimeter``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", value).lower()


def on_off(value: bool | None, *, inverted: bool = False) -> str | None:
    """Return a flag as ``enabled`` or ``disabled``; None for a flag that is not set."""
    if value is None:
        return None
    return "enabled" if bool(value) is not inverted else "disabled"


def parsed(resource: str | None) -> ResourceId | None:
    """Return the parts of an ARM id; None for anything else."""
    try:
        return ResourceId.parse(resource or "")
    except ValueError:
        return None
