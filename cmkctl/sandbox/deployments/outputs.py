"""The outputs of a template, once its resources are there."""

from typing import Any

from cmkctl.sandbox.deployments.evaluate import Scope, count, evaluate
from cmkctl.sandbox.deployments.failures import ExpressionError
from cmkctl.sandbox.deployments.parameters import TYPES, is_secure

Json = dict[str, Any]


def evaluate_outputs(template: Json, scope: Scope) -> Json:
    """Return the outputs whose condition holds, each with its type; a secure one without its value.

    Raises:
        ExpressionError: one has no value, or a value of another type.

    """
    made = {}
    for name, declaration in (template.get("outputs") or {}).items():
        if evaluate(declaration.get("condition", True), scope):
            made[name] = _output(name, declaration, scope)
    return made


def _output(name: str, declaration: Json, scope: Scope) -> Json:
    kind = str(declaration.get("type", "")).lower()
    if kind not in TYPES:
        raise ExpressionError(f"the output '{name}' is of no known type")
    value = _value(declaration, scope)
    shown, wanted = TYPES[kind]
    if not isinstance(value, wanted) and not (value is None and declaration.get("nullable")):
        raise ExpressionError(f"the output '{name}' is not of type {shown}")
    return {"type": shown} if is_secure(declaration) else {"type": shown, "value": value}


def _value(declaration: Json, scope: Scope) -> Any:
    loop = declaration.get("copy")
    if loop is None:
        return evaluate(declaration.get("value"), scope)
    return [evaluate(loop["input"], scope.within("", index)) for index in range(count(loop.get("count"), scope))]
