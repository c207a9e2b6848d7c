"""Comparison of an existing resource with the body of a new one, value by value. For the associated resources. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from cmkctl.azure.compare import same_word
from cmkctl.plan import AttributeChange, Json, Phrase

MISSING: Final = object()
"""The value at a path that a document does not have."""

TLS: Final = ("TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3")
"""The versions of TLS, from the weakest to the strongest."""

OPEN_CLOSED: Final = ("Enabled", "SecuredByPerimeter", "Disabled")
"""The values of publicNetworkAccess, from the least to the most strict."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One value that an existing resource is compared in, where the body of a new one has it.

    `field` is the field of the profile's section that sets it: without a value there, the resource keeps what it has. An empty
    field is a value that every resource of ours has. `order` lists its values from the least to the most strict: a stricter one
    than the profile requests is never loosened. `absent` is the meaning of a document without it.
    """

    path: str
    phrase: Phrase | None = None
    order: tuple[Json, ...] = ()
    absent: Json = None
    field: str = ""
    repaired: bool = True
    """False for a value that an existing resource keeps as it is."""
    fixed: bool = False
    """True for a value that no update changes."""
    key: str = ""
    """For a list: the property that identifies an entry. Entries of others stay; those of the profile are added."""
    words: bool = False
    """True for several words in one text, separated by commas, in any order."""
    whole: str = ""
    """The path of the object that an update sends as a whole, with what it has already."""
    keeps: tuple[str, ...] = ()
    """The properties of that object that are sent back; empty for all."""
    loses: str = ""
    """The effect of a lower number that cannot be undone, with `{}` for it."""


class Verdict(Enum):
    """The result of a comparison."""

    SAME = auto()
    DIFFERS = auto()
    STRICTER = auto()


def at(document: Any, path: str) -> Any:
    """Return the value at a dotted path, None where there is none."""
    found = _at(document, path)
    return None if found is MISSING else found


def _at(document: Any, path: str) -> Any:
    value: Any = document
    for part in path.split("."):
        value = value.get(part, MISSING) if isinstance(value, Mapping) else MISSING
    return value


def differences(
    compared: Sequence[Compared], body: Mapping[str, Json], found: Mapping[str, Any]
) -> Iterator[tuple[Compared, AttributeChange]]:
    """Yield the values that differ from those of the body. A stricter one is no difference."""
    for each, has, wanted in _pairs(compared, body, found):
        if verdict(each, has, wanted) is Verdict.DIFFERS:
            before, after = (_entries(each, one) for one in (has, _result(each, has, wanted)))
            yield each, AttributeChange(each.path, before, after, phrase=each.phrase)


def stricter(compared: Sequence[Compared], body: Mapping[str, Json], found: Mapping[str, Any]) -> Iterator[Compared]:
    """Yield the values that are stricter than those of the body."""
    for each, has, wanted in _pairs(compared, body, found):
        if verdict(each, has, wanted) is Verdict.STRICTER:
            yield each


def _pairs(
    compared: Sequence[Compared], body: Mapping[str, Json], found: Mapping[str, Any]
) -> Iterator[tuple[Compared, Any, Any]]:
    for each in compared:
        wanted = _at(body, each.path)
        if wanted is not MISSING and wanted != []:
            yield each, at(found, each.path), wanted


def verdict(compared: Compared, found: Any, wanted: Any) -> Verdict:
    """Compare a value with the wanted one: words in any casing, lists as sets of which the wanted one is a part."""
    has = compared.absent if found is None else found
    if compared.key:
        return Verdict.DIFFERS if _lacking(compared, has, wanted) else Verdict.SAME
    if compared.words:
        return Verdict.SAME if _words(has) == _words(wanted) else Verdict.DIFFERS
    if has == wanted or _same_text(has, wanted):
        return Verdict.SAME
    return Verdict.STRICTER if _rank(compared, has) > _rank(compared, wanted) >= 0 else Verdict.DIFFERS


def _result(compared: Compared, found: Any, wanted: Any) -> Any:
    return [*(found or []), *_lacking(compared, found, wanted)] if compared.key else wanted


def _entries(compared: Compared, value: Any) -> Any:
    """Return a value as the plan shows it: the entries of a list by what identifies them."""
    return [entry.get(compared.key) for entry in value] if compared.key and value is not None else value


def _lacking(compared: Compared, found: Any, wanted: Any) -> list[Any]:
    """Return the wanted entries of a list that are not in it."""
    held = {_identity(compared, each) for each in found or ()}
    return [each for each in wanted if _identity(compared, each) not in held]


def _identity(compared: Compared, entry: Any) -> str:
    # Azure returns a single address without its mask, and ids in a different casing.
    return str(entry.get(compared.key)).lower().removesuffix("/32")


def _words(text: Any) -> set[str]:
    return {each.strip().lower() for each in str(text or "").split(",")}


def _rank(compared: Compared, value: Any) -> int:
    """Return the place of a value in the order, -1 for one outside it."""
    ranks = [place for place, each in enumerate(compared.order) if each == value or _same_text(each, value)]
    return ranks[0] if ranks else -1


def _same_text(one: Any, other: Any) -> bool:
    return isinstance(one, str) and isinstance(other, str) and same_word(one, other)


def put(body: dict[str, Any], path: str, value: Any) -> None:
    """Set a value at a dotted path of a body."""
    *around, name = path.split(".")
    for part in around:
        body[part] = dict(body.get(part) or {})
        body = body[part]
    body[name] = value


def patch(changed: Sequence[Compared], body: Mapping[str, Json], found: Mapping[str, Any]) -> dict[str, Json]:
    """Return the body that brings these values in line; an object that is sent as a whole keeps what else it has."""
    sent: dict[str, Any] = {}
    for each in changed:
        if each.whole and _at(sent, each.whole) is MISSING:
            has = at(found, each.whole) or {}
            put(sent, each.whole, {name: has[name] for name in has if not each.keeps or name in each.keeps})
        put(sent, each.path, _result(each, at(found, each.path), _at(body, each.path)))
    return sent


def written(section: Any, field: str) -> bool:
    """Return True when a section of the profile has a value in a field, given by its dotted path."""
    for name in field.split("."):
        section = getattr(section, name, None)
        if section is None or section == ():
            return False
    return True
