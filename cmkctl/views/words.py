"""Plain words for values: how an attribute, a duration, a change are said to people. Pure, and without a terminal."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cmkctl.plan import Action, AttributeChange, Change, Json, Unknown

NOT_THERE: Final = "(absent)"

_PHRASES: Final[Mapping[str, str | tuple[str, str]]] = {
    "allowBlobPublicAccess": ("public blobs", "no public blobs"),
    "appId": "",
    "enablePurgeProtection": ("purge protection", "no purge protection"),
    "enableRbacAuthorization": ("roles", "access policies"),
    "encryption": "{} encryption",
    "hbiWorkspace": ("high business impact", "no high business impact"),
    "identity": "{}",
    "keyIdentifier": "key identifier {}",
    "keyOps": "{}",
    "keySize": "{} bits",
    "kty": "{}",
    "location": "in {}",
    "minimumTlsVersion": "{}",
    "objectId": "",
    "permissions.keys": "{}",
    "principalId": "",
    "registrationState": "to be registered",
    "role": "{}",
    "sku": "{}",
    "softDeleteRetentionInDays": "soft delete {} days",
    "supportsHttpsTrafficOnly": ("https only", "http as well"),
}
"""How the attributes of a new resource are said in the short plan; a pair is for true and false, and what the title
says already is empty. Any other attribute is said as its path and value."""

_DOING: Final = {Action.CREATE: "creating", Action.UPDATE: "updating", Action.WAIT: "waiting for it"}
_DONE: Final = {Action.CREATE: "created", Action.UPDATE: "updated", Action.WAIT: "ready"}
_REGISTRATION: Final = "register"


def clean(text: str) -> str:
    r"""One line of text, safe for a terminal.

    Names and messages come from files and from Azure; what could move the cursor, change colours or reverse the reading
    direction is shown as its escape (``\x1b``) instead of being obeyed.
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_harmless, text))


def duration(seconds: float) -> str:
    """A length of time: ``8s``, ``1m 40s``, ``1h 02m``."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m {rest}s"
    return f"{minutes // 60}h {minutes % 60:02}m"


def said(value: Json) -> str:
    """A JSON value as people read it: words bare, lists with commas, everything else as JSON."""
    if isinstance(value, Unknown):
        return str(value)
    if value is None:
        return NOT_THERE
    if isinstance(value, str):
        return value if value and not any(map(str.isspace, value)) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, Sequence):
        return ", ".join(map(said, value)) or "[]"
    return json.dumps(value, ensure_ascii=False, default=str)


def phrase(attribute: AttributeChange) -> str:
    """What a new resource will be like in one respect, in a few words; empty when its title says it already."""
    path = attribute.path.removeprefix("properties.")
    words = _PHRASES.get(path, f"{path} {{}}")
    if isinstance(words, tuple):
        return words[attribute.after is not True]
    return words.format(attribute.after if isinstance(attribute.after, str) else said(attribute.after))


def kind_and_name(change: Change) -> tuple[str, str]:
    """A title taken apart, ``key vault`` and ``kv-ml-01``; the name is empty where the title does not end with it."""
    kind, _, last = change.title.rpartition(" ")
    named = change.resource_id.rpartition("/")[2].casefold() == last.casefold()
    return (kind, last) if kind and named else (change.title, "")


def doing(change: Change) -> str:
    """What is being done to a resource: ``creating``."""
    return "registering" if _registers(change) else _DOING.get(change.action, str(change.action))


def done(change: Change) -> str:
    """What was done to a resource: ``created``."""
    return "registered" if _registers(change) else _DONE.get(change.action, str(change.action))


def pretty(body: Mapping[str, Json]) -> list[str]:
    """A request's body as the lines of a JSON document; what is not known yet is said in brackets, without quotes."""
    text = json.dumps(body, indent=2, ensure_ascii=False, default=_marked)
    return [line.replace(f'"{_MARK}', "(").replace(f'{_MARK}"', ")") for line in text.splitlines()]


_MARK: Final = "\ue000"
"""Stands where a quote is taken away. A private-use character: no name, id or setting of Azure can hold one."""


def _marked(value: Any) -> str:
    return f"{_MARK}{str(value).strip('()')}{_MARK}"


def _registers(change: Change) -> bool:
    return change.request is not None and change.request.path.rpartition("/")[2] == _REGISTRATION


def _harmless(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape").decode()
    return character
