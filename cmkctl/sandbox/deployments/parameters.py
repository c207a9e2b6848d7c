"""The parameters of a template: what was given, what is the default, and what the template allows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cmkctl.sandbox.core import errors
from cmkctl.sandbox.deployments.evaluate import Scope, evaluate, find
from cmkctl.sandbox.deployments.failures import ExpressionError
from cmkctl.sandbox.deployments.functions_values import same

Json = dict[str, Any]
SECURE = {"securestring", "secureobject"}
TYPES: dict[str, tuple[str, type]] = {
    "string": ("String", str),
    "securestring": ("SecureString", str),
    "int": ("Int", int),
    "bool": ("Bool", bool),
    "object": ("Object", dict),
    "secureobject": ("SecureObject", dict),
    "array": ("Array", list),
}


@dataclass(frozen=True)
class Given:
    """The values of a template's parameters, and which of them must never be shown."""

    values: dict[str, Any]
    types: dict[str, str]

    def shown(self) -> Json:
        """Return the parameters as a deployment answers them: the secure ones without their value."""
        rows = {}
        for name, kind in self.types.items():
            secure = kind.lower() in SECURE
            rows[name] = {"type": kind} if secure else {"type": kind, "value": self.values[name]}
        return rows


def is_secure(declaration: Any) -> bool:
    """Return whether a parameter's value must never be shown or logged."""
    return isinstance(declaration, dict) and str(declaration.get("type", "")).lower() in SECURE


def take(declared: Mapping[str, Any], given: Mapping[str, Any], scope: Scope) -> Given:
    """Return the value of every parameter.

    Args:
        declared: the template's ``parameters``.
        given: the deployment's ``parameters``, each an object with ``value``.
        scope: what default values may refer to.

    Raises:
        AzureError: 400 `InvalidTemplate`: a value is missing, unknown, of another type or not allowed.

    """
    _refuse_unknown(declared, given)
    sent = {name: _sent(given[name], name) for name in given}
    values: dict[str, Any] = {}
    lazily = _Lazily(declared, sent, values, scope)
    types = {name: _type(declared[name], name) for name in declared}
    for name in declared:
        values[name] = lazily.value(name)
        _check(name, declared[name], values[name])
    return Given(values, types)


def _refuse_unknown(declared: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    unknown = [name for name in given if find(declared, name) is None]
    if unknown:
        supported = ", ".join(declared)
        raise errors.template_invalid(
            f"The template parameters '{', '.join(unknown)}' are not present in the template and can therefore not be "
            f"provided at deployment time. The only supported parameters for this template are '{supported}'"
        )


def _sent(entry: Any, name: str) -> Any:
    if isinstance(entry, dict) and "reference" in entry:
        raise errors.not_modelled(f"a parameter ('{name}') that is read from a key vault's secret")
    if not isinstance(entry, dict) or not set(entry) <= {"value", "metadata"}:
        raise errors.template_invalid(f"The parameter '{name}' must be an object with 'value'")
    return entry.get("value")


class _Lazily:
    """Default values may refer to other parameters, in any order; a circle of them is refused."""

    def __init__(self, declared: Mapping[str, Any], sent: Mapping[str, Any], values: Json, scope: Scope) -> None:
        """Serve `declared`, remembering in `values`."""
        self.declared = declared
        self.sent = sent
        self.values = values
        self.evaluating: list[str] = []
        self.scope = replace(scope, defaults=True, parameters={name: self._later(name) for name in declared})

    def _later(self, name: str) -> Callable[[], Any]:
        return lambda: self.value(name)

    def value(self, name: str) -> Any:
        """Return one parameter's value: what was sent, unless that is null (recording 01), else the default."""
        if name in self.values:
            return self.values[name]
        sent = find(self.sent, name)
        if sent is not None and self.sent[sent] is not None:
            return self.sent[sent]
        declaration = self.declared[name]
        if "defaultValue" not in declaration:
            if declaration.get("nullable"):
                return None
            raise errors.template_invalid(f"The value for the template parameter '{name}' is not provided")
        return self._default(name, declaration)

    def _default(self, name: str, declaration: Json) -> Any:
        if name in self.evaluating:
            raise errors.template_invalid(f"The default value of the template parameter '{name}' refers to itself")
        self.evaluating.append(name)
        try:
            self.values[name] = evaluate(declaration["defaultValue"], self.scope)
        except ExpressionError as problem:
            raise errors.template_invalid(
                f"The default value of the template parameter '{name}' is not valid: {problem}"
            ) from problem
        self.evaluating.remove(name)
        return self.values[name]


def _type(declaration: Any, name: str) -> str:
    if isinstance(declaration, dict) and "$ref" in declaration:
        raise errors.not_modelled(f"a parameter ('{name}') of a type the template defines")
    kind = str(declaration.get("type", "")).lower() if isinstance(declaration, dict) else ""
    if kind not in TYPES:
        raise errors.template_invalid(f"The template parameter '{name}' is of no known type")
    return TYPES[kind][0]


def _check(name: str, declaration: Json, value: Any) -> None:
    if value is None and declaration.get("nullable"):
        return
    wanted, kind = TYPES[declaration["type"].lower()]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise errors.template_invalid(f"The value of the template parameter '{name}' is not of type {wanted}")
    allowed = declaration.get("allowedValues")
    if allowed is not None and not any(same(value, one) for one in allowed):
        raise errors.template_value_not_allowed("" if is_secure(declaration) else value, name)
    _check_size(name, declaration, value)


def _check_size(name: str, declaration: Json, value: Any) -> None:
    what, size = ("Value", value) if isinstance(value, int) else ("Length", len(value))
    least, most = declaration.get(f"min{what}", size), declaration.get(f"max{what}", size)
    if not least <= size <= most:
        bounds = f"min{what} {least}" if size < least else f"max{what} {most}"
        raise errors.template_invalid(f"The value of the template parameter '{name}' is outside its {bounds}")
