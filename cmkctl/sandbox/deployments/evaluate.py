"""Evaluates template expressions: a scope holds what they may refer to, `evaluate` walks a template's value."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from cmkctl.sandbox.core import errors, ids
from cmkctl.sandbox.deployments.failures import ExpressionError
from cmkctl.sandbox.deployments.functions_text import TEXTS, text
from cmkctl.sandbox.deployments.functions_values import VALUES, flag, number, shown
from cmkctl.sandbox.deployments.syntax import Function, Literal, Node, is_expression, literal_text, parse

PURE = VALUES | TEXTS
LAZY = frozenset({"if", "and", "or", "coalesce"})
DATE_WORDS = (("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S"))
Special = Callable[["Scope", tuple[Any, ...]], Any]


@dataclass(frozen=True)
class Scope:
    """The names an expression may refer to.

    Attributes:
        azure: functions that read the deployment and its surroundings, by lower-case name.
        parameters: their values; names are compared without case.
        variables: as the template has them, not evaluated.
        loops: the copy loops that are going on, by name, and the index each is at; "" is the innermost.
        defaults: whether a parameter's default value is being evaluated, where alone newGuid and utcNow may stand.
        evaluating: the variables whose value is just being worked out, so that a circle of them is noticed.
        seed: makes newGuid differ from deployment to deployment, and from call to call.
        now: seconds since the epoch.

    """

    azure: Mapping[str, Special]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    loops: Mapping[str, int] = field(default_factory=dict)
    defaults: bool = False
    evaluating: frozenset[str] = frozenset()
    seed: str = ""
    now: float = 0.0

    def within(self, loop: str, index: int) -> "Scope":
        """Return the scope of one turn of a copy loop."""
        return self.inside({loop.lower(): index, "": index})

    def inside(self, loops: Mapping[str, int]) -> "Scope":
        """Return the scope of one turn of several copy loops."""
        return replace(self, loops={**self.loops, **loops})


def evaluate(value: Any, scope: Scope) -> Any:
    """Return a value of a template with every expression in it replaced by what it is evaluate_node.

    Raises:
        ExpressionError: an expression has no value.
        AzureError: what it reads is not available.

    """
    if isinstance(value, str):
        return evaluate_node(parse(value), scope) if is_expression(value) else literal_text(value)
    if isinstance(value, list):
        return [evaluate(item, scope) for item in value]
    if isinstance(value, dict):
        return _object(value, scope)
    return value


def _object(value: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    made = {str(evaluate(name, scope)): evaluate(inner, scope) for name, inner in value.items() if name != "copy"}
    if isinstance(value.get("copy"), list):
        return made | looped(value["copy"], scope, "input")
    return made | ({"copy": evaluate(value["copy"], scope)} if "copy" in value else {})


def looped(loops: list[Any], scope: Scope, inner: str) -> dict[str, Any]:
    """Return the arrays that property or variable copy loops make, by name."""
    made = {}
    for loop in loops:
        if not isinstance(loop, dict) or not {"name", inner} <= set(loop):
            raise ExpressionError(f"a copy loop needs 'name', 'count' and '{inner}'")
        name, turns = evaluate(loop["name"], scope), count(loop.get("count"), scope)
        made[name] = [evaluate(loop[inner], scope.within(name, index)) for index in range(turns)]
    return made


def count(value: Any, scope: Scope) -> int:
    """Return how often a copy loop turns.

    Raises:
        ExpressionError: not a number from 0 to 800, as Azure allows.

    """
    turns = number(evaluate(value, scope))
    if not 0 <= turns <= 800:
        raise ExpressionError(f"a copy loop cannot turn {turns} times")
    return int(turns)


# --- expressions


def evaluate_node(node: Node, scope: Scope) -> Any:
    """Return what an expression that has been read is evaluate_node; raises as `evaluate` does."""
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Function):
        return _call(node, scope)
    return _member(evaluate_node(node.of, scope), evaluate_node(node.key, scope), node.optional)


def _call(node: Function, scope: Scope) -> Any:
    name = node.name.lower()
    if name in LAZY:
        return _lazy(name, node, scope)
    arguments = tuple(evaluate_node(argument, scope) for argument in node.arguments)
    if name in PURE:
        least, most, compute = PURE[name]
        if not least <= len(arguments) <= most:
            raise ExpressionError(f"the function '{node.name}' was given {len(arguments)} arguments")
        return compute(*arguments)
    if name in OWN:
        return OWN[name](scope, arguments)
    if name in scope.azure:
        return scope.azure[name](scope, arguments)
    if name.startswith("list") and "list" in scope.azure:
        return scope.azure["list"](scope, (node.name, *arguments))
    raise ExpressionError(f"the function '{node.name}' is not expected at this location")


def _lazy(name: str, node: Function, scope: Scope) -> Any:
    """Evaluate only the arguments that count: what is not chosen may refer to what is not there."""
    if name == "coalesce":
        values = (evaluate_node(argument, scope) for argument in node.arguments)
        return next((value for value in values if value is not None), None)
    if name != "if":
        want = name == "or"
        return want if any(flag(evaluate_node(argument, scope)) is want for argument in node.arguments) else not want
    if len(node.arguments) != 3:
        raise ExpressionError("if() needs a condition and two values")
    return evaluate_node(node.arguments[1 if flag(evaluate_node(node.arguments[0], scope)) else 2], scope)


def _member(of: Any, key: Any, optional: bool) -> Any:
    if isinstance(of, dict):
        found = find(of, text(key))
        if found is not None or optional:
            return None if found is None else of[found]
        available = ", ".join(of)
        raise ExpressionError(f"the property '{key}' doesn't exist, available properties are '{available}'")
    if isinstance(of, list) and isinstance(key, int):
        if -1 < key < len(of) or optional:
            return of[key] if -1 < key < len(of) else None
        raise ExpressionError(f"the index {key} is out of bounds of an array of {len(of)}")
    if optional and of is None:
        return None
    raise ExpressionError(f"there is no '{key}' in {shown(of)}")


def find(names: Mapping[str, Any], wanted: str) -> str | None:
    """Return the name that is `wanted` but for its case; None when there is none."""
    if wanted in names:
        return wanted
    return next((name for name in names if name.lower() == wanted.lower()), None)


# --- functions of the scope itself


def _parameter(scope: Scope, arguments: tuple[Any, ...]) -> Any:
    found = find(scope.parameters, text(arguments[0]) if arguments else "")
    if found is None:
        raise ExpressionError(f"the template parameter '{arguments[0] if arguments else ''}' is not found")
    value = scope.parameters[found]
    return value() if callable(value) else value


def _variable(scope: Scope, arguments: tuple[Any, ...]) -> Any:
    wanted = text(arguments[0]) if arguments else ""
    if wanted.lower() in scope.evaluating:
        raise ExpressionError(f"the template variable '{wanted}' refers to itself")
    own = replace(scope, loops={}, evaluating=scope.evaluating | {wanted.lower()})
    found = find(scope.variables, wanted)
    if found is not None and found != "copy":
        return evaluate(scope.variables[found], own)
    loops = [loop for loop in scope.variables.get("copy", ()) if str(loop.get("name")).lower() == wanted.lower()]
    if not loops:
        raise ExpressionError(f"the template variable '{wanted}' is not found")
    return next(iter(looped(loops, own, "input").values()))


def _copy_index(scope: Scope, arguments: tuple[Any, ...]) -> int:
    names = [value for value in arguments if isinstance(value, str)]
    offset = sum(int(number(value)) for value in arguments if not isinstance(value, str))
    index = scope.loops.get(names[0].lower() if names else "")
    if index is None:
        raise ExpressionError("the function 'copyIndex' is not expected at this location")
    return index + offset


def _new_guid(scope: Scope, arguments: tuple[Any, ...]) -> str:
    if not scope.defaults:
        raise ExpressionError("the function 'newGuid' is only expected in the default value of a parameter")
    return ids.guid("newGuid", scope.seed, *map(str, arguments))


def _utc_now(scope: Scope, arguments: tuple[Any, ...]) -> str:
    if not scope.defaults:
        raise ExpressionError("the function 'utcNow' is only expected in the default value of a parameter")
    pattern = text(arguments[0]) if arguments else "yyyyMMddTHHmmssZ"
    if re.search(r"[A-Za-z]", re.sub(r"yyyy|MM|dd|HH|mm|ss|[TZ]", "", pattern)):
        raise errors.not_modelled(f"the format '{pattern}' of utcNow()")
    for word, directive in DATE_WORDS:
        pattern = pattern.replace(word, directive)
    return datetime.fromtimestamp(scope.now, UTC).strftime(pattern)


OWN: dict[str, Special] = {
    "copyindex": _copy_index,
    "newguid": _new_guid,
    "parameters": _parameter,
    "utcnow": _utc_now,
    "variables": _variable,
}
