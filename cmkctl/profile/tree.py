"""A parsed document in which every value knows where it was written.

Trees are immutable; `overlay` and `assign` make new ones. They are small and shallow: the parser refuses others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from cmkctl.diagnostics import Location

Path: TypeAlias = tuple[str | int, ...]
"""The way to a value: ``("key_vault", "network", "ip_rules", 0)``."""


class Unset:
    """A value that is unknown, because its environment variable is not set."""


UNSET = Unset()
PlainValue: TypeAlias = "bool | int | float | str | Unset | list[PlainValue] | dict[str, PlainValue] | None"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value. `text` is its text in the file, `value` its meaning once `variables` are filled in."""

    location: Location
    text: str
    plain: bool
    value: bool | int | float | str | Unset | None
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A value in a mapping, with the place of its key."""

    key: Location
    node: Node

    @property
    def place(self) -> Location:
        """The place to point at: a scalar itself, or the key of a mapping or list."""
        return self.node.location if isinstance(self.node, Scalar) else self.key


@dataclass(frozen=True, slots=True)
class Branch:
    """A mapping."""

    location: Location
    entries: Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    location: Location
    nodes: tuple[Node, ...]


Node: TypeAlias = Scalar | Branch | Items


def overlay(base: Branch, top: Branch) -> Branch:
    """Return `base` with everything in `top`: mappings are merged, lists and scalars replaced."""
    merged = dict(base.entries)
    for name, entry in top.entries.items():
        below = merged.get(name)
        if below and isinstance(below.node, Branch) and isinstance(entry.node, Branch):
            merged[name] = Entry(entry.key, overlay(below.node, entry.node))
        else:
            merged[name] = entry
    return Branch(top.location, merged)


def assign(branch: Branch, path: tuple[str, ...], node: Node) -> Branch:
    """Return `branch` with `node` at `path`; mappings on the way are made where there are none, and keep their places."""
    name, *rest = path
    old = branch.entries.get(name)
    if not rest:
        entry = Entry(node.location, node)
    elif old and isinstance(old.node, Branch):
        entry = Entry(old.key, assign(old.node, tuple(rest), node))
    else:
        entry = Entry(node.location, assign(Branch(node.location, {}), tuple(rest), node))
    return Branch(branch.location, {**branch.entries, name: entry})


def plain(node: Node) -> PlainValue:
    """Return the value without places. A null in a mapping means *not given*: it is left out, and the default applies."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Items):
        return [plain(each) for each in node.nodes]
    values = {name: plain(entry.node) for name, entry in node.entries.items()}
    return {name: value for name, value in values.items() if value is not None}


def find(root: Branch, path: Path) -> Node | None:
    """Return the node at `path`; None where there is none."""
    node: Node | None = root
    for step in path:
        if isinstance(node, Branch) and isinstance(step, str):
            node = node.entries[step].node if step in node.entries else None
        elif isinstance(node, Items) and isinstance(step, int):
            node = node.nodes[step] if step < len(node.nodes) else None
        else:
            return None
    return node


def place_of(root: Branch, path: Path) -> Location:
    """Return the place of the value at `path`, or else of the nearest value around it."""
    place = root.location
    node: Branch | Items = root
    for step in path:
        found = _child(node, step)
        if found is None:
            break
        place, inner = found
        if isinstance(inner, Scalar):
            break
        node = inner
    return place


def _child(node: Branch | Items, step: str | int) -> tuple[Location, Node] | None:
    if isinstance(node, Branch) and isinstance(step, str) and step in node.entries:
        return node.entries[step].place, node.entries[step].node
    if isinstance(node, Items) and isinstance(step, int) and step < len(node.nodes):
        return node.nodes[step].location, node.nodes[step]
    return None


def key_of(root: Branch, path: Path) -> Location:
    """Return the place of the key of the value at `path`."""
    around = find(root, path[:-1])
    last = path[-1] if path else ""
    if isinstance(around, Branch) and isinstance(last, str) and last in around.entries:
        return around.entries[last].key
    return place_of(root, path)


def scalars(node: Node, path: Path = ()) -> Iterator[tuple[Path, Scalar]]:
    """Yield every scalar with its path, in the order of the document."""
    if isinstance(node, Scalar):
        yield path, node
    elif isinstance(node, Items):
        for index, each in enumerate(node.nodes):
            yield from scalars(each, (*path, index))
    else:
        for name, entry in node.entries.items():
            yield from scalars(entry.node, (*path, name))


def dotted(path: Path) -> str:
    """Return a path as people write it: ``key_vault.network.ip_rules[0]``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")
