"""Comparison of an existing resource with the body of a new one, value by value. For the associated resources. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cmkctl.azure.compare import same_word
from cmkctl.plan import AttributeChange, Json, Phrase

MISSING: Final = object()
"""The value at a path that a document does not have."""

TLS: Final = ("TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3")
"""The versions of TLS, from the weakest to the strongest."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One value that an existing resource is compared in, where the body of a new one has it.

    `order` lists its values from the least to the most strict: a stricter one than the profile asks for is kept. `absent` is the
    meaning of a document without it.
    """

    path: str
    phrase: Phrase | None = None
    order: tuple[Json, ...] = ()
    absent: Json = None
    repaired: bool = True
    """False for a value that an existing resource keeps as it is."""


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
    for each in compared:
        wanted = _at(body, each.path)
        if wanted is MISSING:
            continue
        has = at(found, each.path)
        if not same(each, has, wanted):
            yield each, AttributeChange(each.path, has, wanted, phrase=each.phrase)


def same(compared: Compared, found: Any, wanted: Json) -> bool:
    """Compare a value with the wanted one: words in any casing; a stricter one satisfies a less strict one."""
    has = compared.absent if found is None else found
    if has == wanted or (isinstance(has, str) and isinstance(wanted, str) and same_word(has, wanted)):
        return True
    return rank(compared, has) > rank(compared, wanted) >= 0


def rank(compared: Compared, value: Any) -> int:
    """Return the place of a value in the order, -1 for one outside it."""
    ranks = [place for place, each in enumerate(compared.order) if each == value or _same_text(each, value)]
    return ranks[0] if ranks else -1


def _same_text(one: Any, other: Any) -> bool:
    return isinstance(one, str) and isinstance(other, str) and same_word(one, other)


def nested(values: Mapping[str, Json]) -> dict[str, Json]:
    """Return a body with each value at its dotted path."""
    body: dict[str, Any] = {}
    for path, value in values.items():
        *around, name = path.split(".")
        inner = body
        for part in around:
            inner = inner.setdefault(part, {})
        inner[name] = value
    return body
