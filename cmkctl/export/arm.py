"""A plan as one ARM template at subscription scope: the resources that it creates, in its order. Pure.

Resource groups are resources of the template; everything else is in nested deployments, one for each run of resources in the
same resource group, each after the one before. A value that exists only after an earlier step becomes a ``reference()`` to the
resource that has it. A template can only create and replace: updates, registrations and requests to other APIs are left out.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/deploy-to-subscription
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.ids import parents, resource_type
from cmkctl.plan import Action, Change, Json, Known, Plan, Plane, Unknown, unknowns

_SCHEMAS: Final = "https://schema.management.azure.com/schemas"
_SUBSCRIPTION_SCHEMA: Final = f"{_SCHEMAS}/2018-05-01/subscriptionDeploymentTemplate.json#"
_GROUP_SCHEMA: Final = f"{_SCHEMAS}/2019-04-01/deploymentTemplate.json#"
_GROUPS: Final = "Microsoft.Resources/resourceGroups"
_DEPLOYMENTS: Final = "Microsoft.Resources/deployments"
_GROUP_DEPTH: Final = 4
"""Slashes in the id of a resource group."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A template, the changes that it contains, and those that it leaves out."""

    template: Mapping[str, Any]
    contained: tuple[Change, ...]
    left_out: tuple[Change, ...]

    @property
    def makes_groups(self) -> bool:
        """True where the template creates a resource group, which only a deployment to the subscription can."""
        return any(_is_group(each) for each in self.contained)

    def for_group(self) -> Mapping[str, Any]:
        """Return the template for a deployment to a resource group. Valid where it creates no group."""
        return {**self.template, "$schema": _GROUP_SCHEMA}


def arm_template(plan: Plan) -> Exported:
    """Return the plan as an ARM template."""
    writes = [each for each in plan.changes if each.action.writes]
    contained = _expressible(writes, plan)
    groups = [each for each in contained if _is_group(each)]
    others = [each for each in contained if not _is_group(each)]
    resources = [_group(each) for each in groups]
    before = [each.resource_id for each in groups]
    runs = groupby(others, key=lambda each: _group_of(each.resource_id))
    for number, (group, run) in enumerate(runs, 1):
        name = f"cmkctl-{number}"
        resources.append(_nested(name, group, list(run), before, plan))
        before = [*before[: len(groups)], f"{_subscription_of(group)}{_deployment_id(group, name)}"]
    return Exported(
        {"$schema": _SUBSCRIPTION_SCHEMA, "contentVersion": "1.0.0.0", "resources": resources},
        tuple(contained),
        tuple(each for each in writes if each not in contained),
    )


def _expressible(writes: Sequence[Change], plan: Plan) -> list[Change]:
    """Return the creations whose unknown values come from other creations in the template, and that follow no update."""
    contained = [each for each in writes if _is_creation(each)]
    while True:
        kept = [
            each
            for each in contained
            # A value of the same step comes from a request to another API, such as the directory's.
            if all(value.step != each.step and _source(value, contained, plan) for value in _unknown_in(each))
            and not _follows_what_is_left_out(each, writes, contained)
        ]
        if len(kept) == len(contained):
            return kept
        contained = kept


def _follows_what_is_left_out(change: Change, writes: Sequence[Change], contained: Sequence[Change]) -> bool:
    """Return True for a change after one that no template has, such as an update: without it Azure would refuse this one."""
    kept = {each.resource_id for each in contained}
    return any(each.resource_id in change.depends_on and each.resource_id not in kept for each in writes)


def _is_creation(change: Change) -> bool:
    request = change.request
    return (
        change.action is Action.CREATE
        and request is not None
        and request.plane is Plane.ARM
        and request.method == "PUT"
        and (_is_group(change) or _group_of(change.resource_id) != "")
    )


def _unknown_in(change: Change) -> list[Unknown]:
    return [value for _, value in unknowns(change.request.body if change.request else None)]


def _source(value: Unknown, changes: Iterable[Change], plan: Plan) -> tuple[Change, str] | None:
    """Return the creation that supplies a value and the path at which its resource shows it; None without one."""
    path = _path_of(value, plan.known)
    made = [each for each in changes if each.step == value.step and each.request]
    return (made[0], path) if path and len(made) == 1 else None


def _path_of(value: Unknown, known: Known) -> str:
    output = known.declared(value)
    return output.source if output else ""


def _group(change: Change) -> dict[str, Any]:
    name = change.resource_id.rpartition("/")[2]
    request = change.request
    version = request.api_version if request else ""
    return {"type": _GROUPS, "apiVersion": version, "name": name, **_literal(request.body if request else None)}


def _nested(name: str, group: str, changes: Sequence[Change], before: Sequence[str], plan: Plan) -> dict[str, Any]:
    inner: dict[str, dict[str, Any]] = {}
    for index, each in enumerate(changes):
        # The plan's order: one resource after the other, as far as their steps differ or they depend on each other.
        earlier = [
            _id(other) for other in changes[:index] if other.step != each.step or other.resource_id in each.depends_on
        ]
        made = _resource(each, [other for other in dict.fromkeys(earlier) if other != _id(each)], plan)
        if _id(each) in inner:
            # Each policy of a vault is added by a request of its own to the same path; a template has the path once.
            inner[_id(each)]["properties"]["accessPolicies"] += made["properties"]["accessPolicies"]
        else:
            inner[_id(each)] = made
    return {
        "type": _DEPLOYMENTS,
        "apiVersion": versions.RESOURCES,
        "name": name,
        "resourceGroup": group.rpartition("/")[2],
        "subscriptionId": group.split("/")[2],
        "dependsOn": list(before),
        "properties": {
            "mode": "Incremental",
            "expressionEvaluationOptions": {"scope": "inner"},
            "template": {"$schema": _GROUP_SCHEMA, "contentVersion": "1.0.0.0", "resources": [*inner.values()]},
        },
    }


def _resource(change: Change, depends_on: Sequence[str], plan: Plan) -> dict[str, Any]:
    request = change.request
    path = _id(change)
    scope, _, own = path.rpartition("/providers/")
    extended = scope.partition("/providers/")[2]
    names = own.split("/")[2::2]
    return {
        "type": resource_type(path),
        "apiVersion": request.api_version if request else "",
        "name": "/".join(names),
        **({"scope": extended} if extended else {}),
        "dependsOn": list(depends_on),
        **_body(request.body if request else None, plan),
    }


def _body(body: Json, plan: Plan) -> dict[str, Any]:
    found = _value(body, plan)
    return found if isinstance(found, dict) else {}


def _value(value: Json, plan: Plan) -> Any:
    if isinstance(value, Unknown):
        return _reference(value, plan)
    if isinstance(value, Mapping):
        return {name: _value(inner, plan) for name, inner in value.items()}
    if isinstance(value, str):
        # A text that begins with a bracket would be an expression.
        return f"[{value}" if value.startswith("[") else value
    return [_value(inner, plan) for inner in value] if isinstance(value, list | tuple) else value


def _literal(body: Json) -> dict[str, Any]:
    return {**body} if isinstance(body, Mapping) else {}


def _reference(value: Unknown, plan: Plan) -> str:
    found = _source(value, plan.changes, plan)
    if found is None:
        raise ValueError(f"no resource of the plan supplies {value.step}.{value.output}")
    change, path = found
    version = change.request.api_version if change.request else ""
    head, _, rest = path.partition(".")
    if head == "properties":
        return f"[reference('{change.resource_id}', '{version}').{rest}]"
    return f"[reference('{change.resource_id}', '{version}', 'full').{path}]"


def _id(change: Change) -> str:
    """Return the id of the resource that a change sends, which differs from its own for a policy of a vault."""
    path = change.request.path if change.request else change.resource_id
    return path.replace("/resourcegroups/", "/resourceGroups/")


def _is_group(change: Change) -> bool:
    return change.resource_id.count("/") == _GROUP_DEPTH and resource_type(change.resource_id) == _GROUPS


def _group_of(resource_id: str) -> str:
    """Return the id of the resource group that a resource is in, empty without one."""
    return next(_groups_above(resource_id), "")


def _groups_above(resource_id: str) -> Iterator[str]:
    return (each for each in parents(resource_id) if each.count("/") == _GROUP_DEPTH)


def _subscription_of(group: str) -> str:
    return "/".join(group.split("/")[:3])


def _deployment_id(group: str, name: str) -> str:
    return f"/resourceGroups/{group.rpartition('/')[2]}/providers/{_DEPLOYMENTS}/{name}"
