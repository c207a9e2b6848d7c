r"""Reads Azure's error documents: every level, wherever a service nests it, and the cause that explains most.

    {"status": "Failed", "error": {"code": "ResourceDeploymentFailure", "details": [{"message": "{\"error\": {…}}"}]}}
      └─read as─▶ ResourceDeploymentFailure ─▶ RequestDisallowedByPolicy, with its additionalInfo

A level is nested in `error`, `details`, `innererror` or `additionalInfo`, in the `statusMessage` of a deployment's operation, or
as JSON inside a message, with any words around it and escaped any number of times. The code of a cause may also be in words:
``(BadRequest) CMK workspaces should …``, ``Status=403 Code="Forbidden" …``.

Source: https://learn.microsoft.com/azure/azure-resource-manager/management/common-api-version-errors,
https://github.com/microsoft/api-guidelines (OData v4 error), and the recordings of failed operations.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Final

from cmkctl.azure.failures import PolicyDenial

_NESTING: Final = (
    *("error", "odata.error", "details", "innererror", "innerError", "properties", "statusMessage"),
    *("value", "validationErrors", "errors"),
)
"""The members that may hold further levels; services also capitalise them."""

_FOR_SUPPORT: Final = frozenset(
    ("PolicyViolation", "ComponentName", "Correlation", "Environment", "Location", "Time", "InnerErrorCode")
)
"""Types of additionalInfo that hold no level. The details of a policy are read by themselves."""

_STACK: Final = "Exception"
"""The code of a service's exception with its stack, which explains less than the level around it."""

_DEEPEST: Final = 40
_MOST_EMBEDDED: Final = 20
"""The levels below each other, and the JSON values in one message, that are read. Azure has a handful of either."""

_JSON_START: Final = re.compile(r"\[\s*\{|\{")
_CODE_IN_WORDS: Final = re.compile(
    r"(?:^|[\s:>])\(([A-Z]\w{3,})\)|\b[Cc]ode[\"']?\s*[:=]\s*[\"']?([A-Z]\w{3,})|\[([A-Z]\w{3,}) \([A-Z]\w+\)\]"
)
_DISALLOWED: Final = re.compile(r"Resource '([^']+)' was disallowed by policy")


@dataclass(frozen=True, slots=True)
class Cause:
    """The content of an error document: code and message of the cause, and what the levels around it add.

    `codes` are those of every level, also those in words. `target` names the rejected resource, empty where Azure does not.
    """

    code: str
    message: str
    codes: frozenset[str]
    target: str
    policies: tuple[PolicyDenial, ...]


@dataclass(frozen=True, slots=True)
class _Level:
    code: str
    message: str
    document: Mapping[str, Any]
    inner: tuple[_Level, ...]

    def flat(self) -> Iterator[_Level]:
        yield self
        for each in self.inner:
            yield from each.flat()


def cause_of(document: Any, known: AbstractSet[str] = frozenset()) -> Cause:
    """Return the cause in an error document. A cause whose code is `known` precedes an earlier one. Never raises."""
    root = _level(document, 0)
    levels = list(root.flat())
    code, message = _innermost(root, known)
    codes = {each.code for each in levels}
    codes |= {found for each in levels for match in _CODE_IN_WORDS.finditer(each.message) for found in match.groups()}
    policies = tuple(dict.fromkeys(denial for each in levels for denial in _denials(each)))
    targets = [target for each in levels if (target := text_of(each.document, "target"))]
    denied = next((each.resource for each in policies if each.resource), "")
    return Cause(code, message, frozenset(filter(None, codes)), denied or (targets[-1] if targets else ""), policies)


def innermost(document: Any) -> tuple[str, str]:
    """Return code and message of the innermost cause; two empty strings for a document of unknown shape. Never raises."""
    return _innermost(_level(document, 0))


def text_of(error: Any, name: str) -> str:
    """Return a string member of an error object. Some services capitalise it, nest the text (OData v3) or send null."""
    if not isinstance(error, Mapping):
        return ""
    value = error.get(name, error.get(name.capitalize()))
    if isinstance(value, Mapping):
        value = value.get("value")
    return value if isinstance(value, str) else ""


def _innermost(level: _Level, known: AbstractSet[str] = frozenset()) -> tuple[str, str]:
    """Return code and message of the innermost cause of the first branch, a branch with a `known` code before all others."""
    for each in sorted(level.inner, key=lambda one: not any(found.code in known for found in one.flat())):
        code, message = _innermost(each, known)
        if (code, message) != ("", "") and code != _STACK:
            return code or level.code, message or level.message
    return level.code, level.message


def _level(found: Any, depth: int) -> _Level:
    """Return a level with all levels in it. Text is read as JSON, and as a level without a code where it is none."""
    if depth > _DEEPEST:
        return _Level("", "", {}, ())
    if isinstance(found, str):
        return _Level("", "", {}, tuple(_level(each, depth + 1) for each in _embedded(found)))
    if isinstance(found, list):
        return _Level("", "", {}, tuple(_level(each, depth + 1) for each in found))
    if not isinstance(found, Mapping):
        return _Level("", "", {}, ())
    message = _unquoted(text_of(found, "message"))
    nested = [*_nested(found), *_embedded(message)]
    return _Level(text_of(found, "code"), message, found, tuple(_level(each, depth + 1) for each in nested))


def _nested(found: Mapping[str, Any]) -> Iterator[Any]:
    for name in _NESTING:
        value = found.get(name, found.get(name[:1].upper() + name[1:]))
        if isinstance(value, Mapping | list) or (value and name == "statusMessage"):
            yield value
    for each in _mappings(found.get("additionalInfo", found.get("AdditionalInfo"))):
        if each.get("type") not in _FOR_SUPPORT and isinstance(each.get("info"), Mapping):
            yield each["info"]


def _unquoted(message: str) -> str:
    """Return a message without the quotes of JSON that some services put around it."""
    found = _decoded(message) if message.startswith('"') else None
    return found if isinstance(found, str) else message


def _embedded(message: str) -> list[Any]:
    """Return the JSON objects and lists of objects in a message, also escaped ones."""
    found: list[Any] = []
    position = 0
    for _ in range(_MOST_EMBEDDED):
        start = _JSON_START.search(message, position)
        if start is None:
            break
        try:
            value, position = _DECODER.raw_decode(message, start.start())
            found.append(value)
        except (ValueError, RecursionError):
            position = start.start() + 1
    if not found and '\\"' in message:
        return _embedded(_unescaped(message))
    return found


_DECODER: Final = json.JSONDecoder()


def _unescaped(message: str) -> str:
    return re.sub(r"\\+(?=\")|\\+[rn]", "", message) if '\\\\"' not in message else message.replace("\\\\", "\\")


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


# Policies


def _denials(level: _Level) -> Iterator[PolicyDenial]:
    """Yield the policies that denied a resource: those of additionalInfo, else those that the message names."""
    disallowed = _DISALLOWED.search(level.message)
    resource = disallowed[1] if disallowed else text_of(level.document, "target")
    listed = _mappings(level.document.get("additionalInfo", level.document.get("AdditionalInfo")))
    found = [each.get("info") for each in listed if each.get("type") == "PolicyViolation"]
    infos = [each for each in found if isinstance(each, Mapping)]
    for info in infos:
        yield replace(denial_of(info), resource=resource)
    if disallowed and not infos:
        named = [
            one for each in _embedded(level.message) for one in _mappings(each if isinstance(each, list) else [each])
        ]
        yield from (_identified(each, resource) for each in named if "policyAssignment" in each)


def _identified(identifiers: Mapping[str, Any], resource: str) -> PolicyDenial:
    """Return the policy of a message: ``[{"policyAssignment": {"name": …, "id": …}, "policyDefinition": {…}}]``."""
    assignment, definition = identifiers.get("policyAssignment"), identifiers.get("policyDefinition")
    return PolicyDenial(
        definition=text_of(definition, "name"),
        definition_id=text_of(definition, "id"),
        assignment=text_of(assignment, "name"),
        assignment_id=text_of(assignment, "id"),
        resource=resource,
    )


def denial_of(info: Mapping[str, Any]) -> PolicyDenial:
    """Return the denial that the ``info`` of a policy violation describes."""
    details = info.get("evaluationDetails")
    rows = _mappings(details.get("evaluatedExpressions") if isinstance(details, Mapping) else None)
    types = [each for each in rows if text_of(each, "expression").lower() in _TYPE]
    conditions = [each for each in rows if each not in types and each.get("result") != "False"]
    # A policy about types alone has no other condition.
    condition = max(enumerate(conditions or types), key=_weight)[1] if conditions or types else {}
    return PolicyDenial(
        definition=text_of(info, "policyDefinitionDisplayName") or text_of(info, "policyDefinitionName"),
        definition_id=text_of(info, "policyDefinitionId"),
        assignment=text_of(info, "policyAssignmentDisplayName") or text_of(info, "policyAssignmentName"),
        assignment_id=text_of(info, "policyAssignmentId"),
        resource_type=_shown(types[0].get("expressionValue")) if types else "",
        field=text_of(condition, "expression") if conditions else "type" if types else "",
        operator=text_of(condition, "operator"),
        target=_shown(condition.get("targetValue")),
        value=_shown(condition.get("expressionValue")),
    )


_TYPE: Final = ("type", "field('type')", "[field('type')]")


def _weight(row: tuple[int, Mapping[str, Any]]) -> tuple[bool, bool, int]:
    """Order the conditions of a policy by how specific they are: lists of values, then properties, then the last one.

    The policy about allowed locations also requires a location other than ``global``, as its last condition.
    """
    index, condition = row
    name = text_of(condition, "expression").lower()
    return isinstance(condition.get("targetValue"), list), "/" in name or name.startswith("tags"), index


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _shown(value: Any) -> str:
    """Format a JSON value of a condition."""
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return "" if value is None else str(value)
