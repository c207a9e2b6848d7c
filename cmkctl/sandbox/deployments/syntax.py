"""Template expressions, read: ``[concat('a', parameters('b').c[0])]`` becomes a tree.

The language: a function call with arguments, a string in single quotes (``''`` is one quote), a number, and ``.name`` or
``[index]`` after any of them. A string that begins with ``[[`` is no expression, but one that begins with ``[``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cmkctl.sandbox.deployments.failures import ExpressionError

TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_$][\w$]*)|(?P<mark>[()\[\],.?]))"
)


@dataclass(frozen=True)
class Literal:
    """A string or a number."""

    value: str | int | float


@dataclass(frozen=True)
class Function:
    """A function call. `name` is as written; functions are compared without case."""

    name: str
    arguments: "tuple[Node, ...]"


@dataclass(frozen=True)
class Member:
    """A property of an object or an item of an array. `optional`: null where there is no such member (``.?name``)."""

    of: "Node"
    key: "Node"
    optional: bool = False


Node = Literal | Function | Member


def is_expression(text: str) -> bool:
    """Return whether a string of a template is an expression."""
    return text.startswith("[") and text.endswith("]") and not text.startswith("[[")


def literal_text(text: str) -> str:
    """Return what a string that is no expression stands for."""
    return text[1:] if text.startswith("[[") else text


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """Read one expression, its brackets included.

    Raises:
        ExpressionError: it is malformed; the text gives the place.

    """
    return _Reader(text[1:-1]).whole()


def functions_in(value: Any) -> Iterator[Function]:
    """Yield every function call in a template or a part of one, nested deployments included."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from functions_in(name)
            yield from functions_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from functions_in(inner)
    elif isinstance(value, str) and is_expression(value):
        yield from _calls(parse(value))


def _calls(node: Node) -> Iterator[Function]:
    if isinstance(node, Function):
        yield node
        for argument in node.arguments:
            yield from _calls(argument)
    elif isinstance(node, Member):
        yield from _calls(node.of)
        yield from _calls(node.key)


class _Reader:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        """Cut `text` into tokens."""
        self.text = text
        self.tokens = list(self._cut())
        self.position = 0

    def _cut(self) -> Iterator[tuple[str, str]]:
        at = 0
        end = len(self.text.rstrip())
        while at < end:
            match = TOKEN.match(self.text, at)
            if match is None or match.lastgroup is None:
                raise ExpressionError(f"the expression '{self.text}' cannot be read at position {at}")
            yield match.lastgroup, match[match.lastgroup]
            at = match.end()

    def whole(self) -> Node:
        """Read the expression to its end."""
        node = self._value()
        if self.position < len(self.tokens):
            raise self._unexpected("the end")
        return node

    def _value(self) -> Node:
        node = self._primary()
        while self._peek() in {".", "["}:
            node = self._index(node) if self._take() == "[" else self._property(node)
        return node

    def _primary(self) -> Node:
        kind, text = self.tokens[self.position] if self.position < len(self.tokens) else ("end", "")
        if kind not in {"string", "number", "name"}:
            raise self._unexpected("a value")
        self.position += 1
        if kind == "string":
            return Literal(text[1:-1].replace("''", "'"))
        if kind == "number":
            return Literal(float(text) if "." in text else int(text))
        return self._call(text)

    def _call(self, name: str) -> Node:
        while self._peek() == "." and self._after_dot_is_a_call():
            self.position += 1
            name += "." + self._take()
        self._expect("(")
        arguments: list[Node] = []
        while self._peek() != ")":
            if arguments:
                self._expect(",", "',' or ')'")
            arguments.append(self._value())
        self._expect(")")
        return Function(name, tuple(arguments))

    def _after_dot_is_a_call(self) -> bool:
        return self.tokens[self.position + 2 : self.position + 3] == [("mark", "(")]

    def _property(self, node: Node) -> Node:
        optional = self._optional()
        if self._kind() != "name":
            raise self._unexpected("a property's name")
        return Member(node, Literal(self._take()), optional)

    def _index(self, node: Node) -> Node:
        optional = self._optional()
        key = self._value()
        self._expect("]")
        return Member(node, key, optional)

    def _optional(self) -> bool:
        if self._peek() != "?":
            return False
        self.position += 1
        return True

    def _kind(self) -> str:
        return self.tokens[self.position][0] if self.position < len(self.tokens) else "end"

    def _peek(self) -> str:
        return self.tokens[self.position][1] if self._kind() == "mark" else ""

    def _take(self) -> str:
        self.position += 1
        return self.tokens[self.position - 1][1]

    def _expect(self, mark: str, wanted: str = "") -> None:
        if self._peek() != mark:
            raise self._unexpected(wanted or f"'{mark}'")
        self.position += 1

    def _unexpected(self, wanted: str) -> ExpressionError:
        found = f"'{self.tokens[self.position][1]}'" if self.position < len(self.tokens) else "the end"
        return ExpressionError(f"the expression '{self.text}' has {found} where {wanted} was expected")
