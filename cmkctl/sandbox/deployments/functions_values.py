"""Template functions of numbers, booleans, arrays and objects: pure, each with how many arguments it takes."""

import json
import operator
from collections.abc import Callable, Sequence
from typing import Any

from cmkctl.sandbox.deployments.failures import ExpressionError

MANY = 10_000
Table = dict[str, tuple[int, int, Callable[..., Any]]]
"""Lower-case name: least and most arguments, and what computes the value."""


def number(value: Any) -> int | float:
    """Return `value` if it is a number.

    Raises:
        ExpressionError: it is not.

    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExpressionError(f"a number was expected, not {shown(value)}")
    return value


def shown(value: Any) -> str:
    """Return a value for a message: its kind, and itself only where it is short."""
    kind = {str: "a string", bool: "a boolean", dict: "an object", list: "an array", type(None): "null"}
    return kind.get(type(value), f"the number {value}" if isinstance(value, int | float) else "something else")


def flag(value: Any) -> bool:
    """Return `value` if it is a boolean.

    Raises:
        ExpressionError: it is not.

    """
    if not isinstance(value, bool):
        raise ExpressionError(f"true or false was expected, not {shown(value)}")
    return value


def same(one: Any, other: Any) -> bool:
    """Compare as ``equals`` does: strings with their case, objects and arrays by content, true and 1 as different."""
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    return bool(one == other)


def _whole(quotient: Callable[[int, int], int]) -> Callable[[Any, Any], int]:
    def divide(one: Any, other: Any) -> int:
        if number(other) == 0:
            raise ExpressionError("a division by zero")
        return quotient(int(number(one)), int(other))

    return divide


def _towards_zero(one: int, other: int) -> int:
    quotient = abs(one) // abs(other)
    return quotient if (one < 0) == (other < 0) else -quotient


def _compared(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(one: Any, other: Any) -> bool:
        if isinstance(one, str) and isinstance(other, str):
            return test(one, other)
        return test(number(one), number(other))

    return compare


def _extreme(pick: Callable[[Sequence[int | float]], int | float]) -> Callable[..., int | float]:
    def choose(*values: Any) -> int | float:
        flat = values[0] if len(values) == 1 and isinstance(values[0], list) else values
        if not flat:
            raise ExpressionError("min and max need at least one number")
        return pick([number(value) for value in flat])

    return choose


def _integer(value: Any) -> int:
    try:
        return int(value) if isinstance(value, str) else int(number(value))
    except ValueError as problem:
        raise ExpressionError("int() was given a string that is no whole number") from problem


def _float(value: Any) -> float:
    try:
        return float(value) if isinstance(value, str) else float(number(value))
    except ValueError as problem:
        raise ExpressionError("float() was given a string that is no number") from problem


def _boolean(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in {"true", "false", "1", "0"}:
        return value.lower() in {"true", "1"}
    return value if isinstance(value, bool) else number(value) != 0


def _object(*pairs: Any) -> dict[str, Any]:
    if len(pairs) % 2:
        raise ExpressionError("createObject() needs a value for each name")
    return {str(pairs[at]): pairs[at + 1] for at in range(0, len(pairs), 2)}


def _range(start: Any, count: Any) -> list[int]:
    if not 0 <= number(count) <= MANY:
        raise ExpressionError(f"range() cannot count to {count}")
    return list(range(int(number(start)), int(start) + int(count)))


def _union(*values: Any) -> Any:
    if all(isinstance(value, dict) for value in values):
        merged: dict[str, Any] = {}
        for value in values:
            merged = _merged(merged, value)
        return merged
    return _distinct([item for value in values for item in array(value)])


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    both = dict(one)
    for name, value in other.items():
        known = both.get(name)
        both[name] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return both


def _distinct(items: list[Any]) -> list[Any]:
    kept: list[Any] = []
    for item in items:
        if not any(same(item, known) for known in kept):
            kept.append(item)
    return kept


def _intersection(first: Any, *others: Any) -> Any:
    if isinstance(first, dict):
        return {
            name: value
            for name, value in first.items()
            if all(isinstance(other, dict) and name in other and same(other[name], value) for other in others)
        }
    found = [item for item in array(first) if all(any(same(item, one) for one in array(other)) for other in others)]
    return _distinct(found)


def array(value: Any) -> list[Any]:
    """Return `value` if it is an array.

    Raises:
        ExpressionError: it is not.

    """
    if not isinstance(value, list):
        raise ExpressionError(f"an array was expected, not {shown(value)}")
    return value


def _items(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, dict):
        raise ExpressionError(f"items() needs an object, not {shown(value)}")
    return [{"key": name, "value": value[name]} for name in sorted(value)]


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError) as problem:
        raise ExpressionError("json() was given something that is no JSON text") from problem


VALUES: Table = {
    "add": (2, 2, lambda one, other: number(one) + number(other)),
    "array": (1, 1, lambda value: value if isinstance(value, list) else [value]),
    "bool": (1, 1, _boolean),
    "createarray": (0, MANY, lambda *items: list(items)),
    "createobject": (0, MANY, _object),
    "div": (2, 2, _whole(_towards_zero)),
    "equals": (2, 2, same),
    "false": (0, 0, lambda: False),
    "float": (1, 1, _float),
    "greater": (2, 2, _compared(operator.gt)),
    "greaterorequals": (2, 2, _compared(operator.ge)),
    "int": (1, 1, _integer),
    "intersection": (2, MANY, _intersection),
    "items": (1, 1, _items),
    "json": (1, 1, _json),
    "less": (2, 2, _compared(operator.lt)),
    "lessorequals": (2, 2, _compared(operator.le)),
    "max": (1, MANY, _extreme(max)),
    "min": (1, MANY, _extreme(min)),
    "mod": (2, 2, _whole(lambda one, other: one - other * _towards_zero(one, other))),
    "mul": (2, 2, lambda one, other: number(one) * number(other)),
    "not": (1, 1, lambda value: not flag(value)),
    "null": (0, 0, lambda: None),
    "range": (2, 2, _range),
    "sub": (2, 2, lambda one, other: number(one) - number(other)),
    "true": (0, 0, lambda: True),
    "union": (2, MANY, _union),
}
