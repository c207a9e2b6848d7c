"""A subset of the query language of Azure Resource Graph: ``resources | where … | project … | order by … | take N``.

A condition is made of comparisons joined by ``and``, ``or``, ``not(…)`` and parentheses. Everything else is
`SandboxNotModelled`.

Source: https://learn.microsoft.com/azure/governance/resource-graph/concepts/query-language
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cmkctl.sandbox.core import errors

Json = dict[str, Any]
Condition = Callable[[Json], bool]
Value = Callable[[Json], Any]
T = TypeVar("T")

TABLE = "resources"
COLUMNS = frozenset(
    (
        *("id", "name", "type", "tenantId", "kind", "location", "resourceGroup", "subscriptionId", "managedBy", "sku"),
        *("plan", "properties", "tags", "identity", "zones", "extendedLocation", "apiVersion"),
    )
)
TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|(?P<number>\d+)|(?P<name>!?[A-Za-z_][\w.]*~?)"""
    r"""|(?P<sign>==|!=|=~|!~|[()|,=]))"""
)
COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "=~": lambda one, other: one.lower() == other.lower(),
    "!~": lambda one, other: one.lower() != other.lower(),
    "contains": lambda one, other: other.lower() in one.lower(),
    "!contains": lambda one, other: other.lower() not in one.lower(),
    "startswith": lambda one, other: one.lower().startswith(other.lower()),
    "endswith": lambda one, other: one.lower().endswith(other.lower()),
}
MEMBERSHIPS = {"in": (False, False), "in~": (True, False), "!in": (False, True), "!in~": (True, True)}
"""The operators with a list: whether case is ignored, and whether the result is the opposite."""


@dataclass
class Query:
    """A parsed query: what a row must meet, the columns of the answer (None: all), the order, the largest number of rows."""

    conditions: list[Condition] = field(default_factory=list)
    columns: dict[str, Value] | None = None
    order: list[tuple[Value, bool]] = field(default_factory=list)
    limit: int | None = None

    @property
    def pages(self) -> bool:
        """True if the answer can have pages: only rows with an ``id`` can be continued."""
        return self.columns is None or "id" in self.columns

    def run(self, rows: Iterable[Json]) -> list[Json]:
        """Return the answer's rows."""
        found = [row for row in rows if all(meets(row) for meets in self.conditions)]
        for value, descending in reversed(self.order):
            found.sort(key=_folded(value), reverse=descending)
        found = found if self.limit is None else found[: self.limit]
        columns = self.columns
        return found if columns is None else [{name: value(row) for name, value in columns.items()} for row in found]


def parse(text: str) -> Query:
    """Return a query.

    Raises:
        AzureError: `SandboxNotModelled` for everything outside the subset.

    """
    table, *stages = _stages(_tokens(text), text)
    if [word.lower() for word in table] != [TABLE]:
        raise errors.not_modelled(f"the Resource Graph table {' '.join(table)!r}")
    query = Query()
    for stage in stages:
        _Stage(stage, text).read(query)
    return query


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    end = len(text.rstrip())
    while at < end:
        match = TOKEN.match(text, at)
        if match is None:
            raise errors.not_modelled(f"the Resource Graph query {text!r}, from {text[at : at + 20]!r} on")
        found.append(match[0].strip())
        at = match.end()
    return found


def _stages(tokens: Sequence[str], text: str) -> list[list[str]]:
    stages: list[list[str]] = [[]]
    for token in tokens:
        if token == "|":  # noqa: S105  a sign of the language
            stages.append([])
        else:
            stages[-1].append(token)
    if not all(stages):
        raise errors.not_modelled(f"the Resource Graph query {text!r}")
    return stages


def _text(value: Any) -> str:
    """Return a value as text, as ``tostring`` does: nothing for null, JSON for objects."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _folded(value: Value) -> Callable[[Json], str]:
    return lambda row: _text(value(row)).lower()


class _Stage:
    """One stage of a query, read from left to right."""

    def __init__(self, tokens: Sequence[str], text: str) -> None:
        self._tokens = list(tokens)
        self._text = text
        self._at = 0

    def read(self, query: Query) -> None:
        """Read the stage into a query."""
        word = self._next().lower()
        if word == "where":
            query.conditions.append(self._any())
        elif word == "project":
            query.columns = dict(self._listed(self._column))
        elif word in {"order", "sort"} and self._take("by"):
            query.order = self._listed(self._ordering)
        elif word in {"take", "limit"} and self._peek().isdecimal():
            query.limit = int(self._next())
        else:
            raise self._refusal()
        if self._at < len(self._tokens):
            raise self._refusal()

    def _refusal(self) -> errors.AzureError:
        near = " ".join(self._tokens[max(self._at - 2, 0) : self._at + 3])
        return errors.not_modelled(f"the Resource Graph query {self._text!r}, near {near!r}")

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        word = self._peek()
        self._at += 1
        return word

    def _take(self, word: str) -> bool:
        found = self._peek().lower() == word
        self._at += found
        return found

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise self._refusal()

    def _listed(self, read: Callable[[], T]) -> list[T]:
        found = [read()]
        while self._take(","):
            found.append(read())
        return found

    def _column(self) -> tuple[str, Value]:
        name = self._next()
        if self._take("="):
            return name, self._value()
        self._at -= 1
        return name, self._value()

    def _ordering(self) -> tuple[Value, bool]:
        value = self._value()
        if self._take("asc"):
            return value, False
        self._take("desc")  # the language's default
        return value, True

    def _any(self) -> Condition:
        parts = [self._all()]
        while self._take("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def _one(self) -> Condition:
        if self._take("("):
            inner = self._any()
            self._need(")")
            return inner
        word = self._peek().lower()
        if word in {"not", "isempty", "isnotempty"}:
            self._next()
            self._need("(")
            found = self._not() if word == "not" else self._emptiness(word == "isempty")
            self._need(")")
            return found
        return self._comparison()

    def _not(self) -> Condition:
        inner = self._any()
        return lambda row: not inner(row)

    def _emptiness(self, wanted: bool) -> Condition:
        value = self._value()
        return lambda row: (_text(value(row)) == "") == wanted

    def _comparison(self) -> Condition:
        value, operator = self._value(), self._next().lower()
        if operator in MEMBERSHIPS:
            return self._membership(value, *MEMBERSHIPS[operator])
        compare = COMPARISONS.get(operator)
        if compare is None:
            self._at -= 1
            raise self._refusal()
        other = self._literal()
        return lambda row: compare(_text(value(row)), other)

    def _membership(self, value: Value, ignoring_case: bool, opposite: bool) -> Condition:
        self._need("(")
        values = self._listed(self._literal)
        self._need(")")
        if ignoring_case:
            folded = {each.lower() for each in values}
            return lambda row: (_text(value(row)).lower() in folded) != opposite
        exact = set(values)
        return lambda row: (_text(value(row)) in exact) != opposite

    def _literal(self) -> str:
        token = self._next()
        if token[:1] in {"'", '"'}:
            return re.sub(r"\\(.)", r"\1", token[1:-1])
        if token.lower() in {"true", "false"}:
            return token.lower()
        self._at -= 1
        raise self._refusal()

    def _value(self) -> Value:
        """Read ``name``, ``name.name`` or ``tostring(name.name)``."""
        if self._take("tostring"):
            self._need("(")
            inner = self._value()
            self._need(")")
            return lambda row: _text(inner(row))
        first, *rest = self._next().split(".")
        if first not in COLUMNS:
            self._at -= 1
            raise self._refusal()
        return lambda row: _inside(row.get(first), rest)


def _inside(value: Any, names: Sequence[str]) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
