"""The published types of what ARM takes and answers, from ``arm-types/compact``: one pool of kinds a provider.

A kind is text, a number, a truth value, an array, words of an enumeration (``o``: others may come), anything, or an object.
A property of an object is a kind and flags: 1 required, 2 read-only, 4 write-only, 8 part of the address. An object is
closed unless it defines further properties; a discriminated one (``disc``) is one of several, by the word in ``d``.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from support.reference import ARM_TYPES

COMPACT = ARM_TYPES / "compact"
REQUIRED, READ_ONLY, WRITE_ONLY, ADDRESS = 1, 2, 4, 8
BESIDE = frozenset({"id", "name", "type", "systemData", "etag", "location", "tags"})
"""Properties that ARM adds to every answer of any type."""

PLAIN = {"str": str, "int": int | float, "bool": bool, "arr": list, "obj": dict, "any": object}


@dataclass(frozen=True)
class Type:
    """One resource type at one api-version."""

    pool: tuple[Mapping[str, Any], ...]
    root: int

    def kind(self, index: int) -> Mapping[str, Any]:
        """Return a kind of the pool."""
        return self.pool[index]

    @property
    def top(self) -> Mapping[str, Any]:
        """The kind of the whole document."""
        return self.pool[self.root]

    def sent(self, body: Any) -> list[str]:
        """Return what is wrong with the body of a PUT, each problem beginning with the dotted path."""
        return list(self._sent(self.root, body, ""))

    def answered(self, body: Any) -> list[str]:
        """Return what is wrong with an answer: read-only properties belong in it, and what ARM adds."""
        return [each for each in self._answered(self.root, body, "") if each.partition(" ")[0] not in BESIDE]

    def forms(self, kind: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the objects that a discriminated kind may be."""
        elements = [self.pool[index] for index in kind["e"].values()]
        return [{**each, "p": {**kind["b"], **each["p"]}} for each in elements]

    def _chosen(self, kind: Mapping[str, Any], value: Any) -> Mapping[str, Any]:
        """Return which object a discriminated kind is here; what is of no known form may be anything."""
        if kind["k"] != "disc":
            return kind
        word = str(value.get(kind["d"], "")).lower() if isinstance(value, dict) else ""
        found: dict[str, Mapping[str, Any]] = dict(
            zip([name.lower() for name in kind["e"]], self.forms(kind), strict=True)
        )
        anything: Mapping[str, Any] = {"k": "obj", "p": {}, "a": None} if isinstance(value, dict) else {"k": "obj"}
        return found.get(word, anything)

    def _sent(self, index: int, value: Any, path: str) -> Iterator[str]:
        kind = self._chosen(self.pool[index], value)
        if value is None:
            return
        yield from _wrong(kind, value, path)
        if kind["k"] == "arr" and isinstance(value, list):
            for item in value:
                yield from self._sent(kind["i"], item, f"{path}[]")
        if kind["k"] != "obj" or not isinstance(value, dict):
            return
        for name, inner in value.items():
            here = f"{path}.{name}".strip(".")
            if name not in kind["p"]:
                yield from [f"{here} is unknown"] if kind["a"] is None else self._sent(kind["a"], inner, here)
            elif kind["p"][name][1] & READ_ONLY:
                yield f"{here} is read-only"
            else:
                yield from self._sent(kind["p"][name][0], inner, here)
        for name, (_, flags) in kind["p"].items():
            if flags & REQUIRED and not flags & ADDRESS and value.get(name) is None:
                yield f"{path}.{name} is required".strip(".")

    def _answered(self, index: int, value: Any, path: str) -> Iterator[str]:
        kind = self._chosen(self.pool[index], value)
        if value is None:
            return
        yield from _wrong(kind, value, path)
        if kind["k"] == "arr" and isinstance(value, list):
            for item in value:
                yield from self._answered(kind["i"], item, f"{path}[]")
        if kind["k"] != "obj" or not isinstance(value, dict):
            return
        for name, inner in value.items():
            here = f"{path}.{name}".strip(".")
            if name in kind["p"]:
                yield from self._answered(kind["p"][name][0], inner, here)
            elif kind["a"] is None:
                yield f"{here} is unknown"
            else:
                yield from self._answered(kind["a"], inner, here)


def _wrong(kind: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    if kind["k"] == "enum":
        words = [word.lower() for word in kind["v"]]
        if not isinstance(value, str) or (not kind["o"] and value.lower() not in words):
            yield f"{path} is {value!r}, not one of {', '.join(kind['v'])}"
    elif not isinstance(value, PLAIN[kind["k"]]) or (kind["k"] == "int" and isinstance(value, bool)):
        yield f"{path} is {value!r}, not {kind['k']}"


@cache
def _provider(namespace: str) -> Mapping[str, Any]:
    file = COMPACT / f"{namespace}.json.gz"
    found: dict[str, Any] = (
        json.loads(gzip.decompress(file.read_bytes())) if file.exists() else {"resources": {}, "pool": []}
    )
    return found


@cache
def versions(resource_type: str) -> Mapping[str, int]:
    """Return the api-versions a type is published for; none when it is not among the files."""
    resources = _provider(resource_type.partition("/")[0].lower())["resources"]
    named = {name.lower(): found for name, found in resources.items()}
    found: Mapping[str, int] = named.get(resource_type.lower(), {})
    return found


@cache
def published(resource_type: str, version: str) -> Type:
    """Return a type at an api-version. Raises KeyError when it is not published."""
    root = versions(resource_type)[version]
    return Type(tuple(_provider(resource_type.partition("/")[0].lower())["pool"]), root)
