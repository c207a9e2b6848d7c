"""Words for values: attributes, durations and moments as people read them. Pure, and independent of the terminal."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from cmkctl.plan import AttributeChange, Json, Unknown

ABSENT: Final = "(absent)"


def clean(text: str) -> str:
    r"""One line of text, safe for a terminal.

    Names and messages come from files and from Azure. Characters that move the cursor, change colours or reverse the reading
    direction are replaced by their escapes (``\x1b``), and so is the beginning of a command that a CI system would obey in its
    log (``::set-output``, ``##vso[``).
    """
    safe = text if text.isascii() and text.isprintable() else "".join(map(_harmless, text))
    if safe.lstrip().startswith("::"):
        safe = safe.replace("::", "\\x3a:", 1)
    return safe.replace("##vso[", "\\x23#vso[").replace("##[", "\\x23#[") if "##" in safe else safe


def duration(seconds: float) -> str:
    """Format a duration: ``8s``, ``1m 40s``, ``1h 02m``."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m {rest}s"
    return f"{minutes // 60}h {minutes % 60:02}m"


def local_time(moment: datetime) -> str:
    """Format a time in the operator's time zone, with the zone: ``16:06 CEST``."""
    return f"{moment.astimezone():%H:%M %Z}".strip()


def value_text(value: Json) -> str:
    """Format a JSON value for people: words bare, lists with commas, everything else as JSON."""
    if isinstance(value, Unknown):
        return str(value)
    if value is None:
        return ABSENT
    if isinstance(value, str):
        return value if value and not any(map(str.isspace, value)) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, Sequence):
        return ", ".join(map(value_text, value)) or "[]"
    return json.dumps(value, ensure_ascii=False, default=str)


def attribute_text(attribute: AttributeChange) -> str:
    """One attribute of a new resource in the words that it brings, else as path and value. Empty: the title has it."""
    phrase, value = attribute.phrase, attribute.after
    if phrase is None:
        return f"{attribute.path.removeprefix('properties.')} {value_text(value)}"
    if value is False and phrase.no:
        return phrase.no
    return phrase.text.replace("{}", value if isinstance(value, str) else value_text(value))


def pretty(body: Mapping[str, Json]) -> list[str]:
    """Format a request's body as lines of JSON; unknown values are in brackets, without quotes."""
    text = json.dumps(body, indent=2, ensure_ascii=False, default=_marked)
    return [line.replace(f'"{_MARK}', "(").replace(f'{_MARK}"', ")") for line in text.splitlines()]


_MARK: Final = "\ue000"
"""Marks a quote to remove. A private-use character: no name, id or setting of Azure can contain one."""


def _marked(value: Any) -> str:
    return f"{_MARK}{str(value).strip('()')}{_MARK}"


def _harmless(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape").decode()
    return character
