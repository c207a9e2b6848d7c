"""Order of resources: the dependencies a template states, and those its references imply."""

from typing import Any

from cmkctl.sandbox.core import errors, ids
from cmkctl.sandbox.deployments.evaluate import Scope, evaluate_node
from cmkctl.sandbox.deployments.failures import ExpressionError
from cmkctl.sandbox.deployments.functions_azure import find_step
from cmkctl.sandbox.deployments.syntax import Function, functions_in

Json = dict[str, Any]


def connect(steps: list[Json], base: str, scope: Scope) -> None:
    """Give every step ``dependsOn``: the ids of the deployed steps that have to be done before it.

    ``asks`` are those among them whose state it reads in an api-version: a deployment shows them apart (recording 09).

    Raises:
        AzureError: 400 `InvalidTemplate`: a dependency is not in the template, or they go round in a circle.

    """
    for step in steps:
        wanted = [found for want in step["wants"] for found in _meant(steps, base, want)]
        wanted += _before_in_loop(step, steps)
        implied = [(other, more) for other, more in _implied(step, steps, base, scope) if other is not step]
        stated = _deployed_ids(step, [*wanted, *(other for other, more in implied if not more)])
        asks = [
            {"id": other["id"], **more} for other, more in implied if more and other["deployed"] and step["deployed"]
        ]
        step["asks"] = [row for number, row in enumerate(asks) if row not in asks[:number]]
        step["stated"] = stated
        step["dependsOn"] = _deployed_ids(step, [*wanted, *(other for other, _ in implied)])
    _refuse_circles(steps)


def _deployed_ids(step: Json, wanted: list[Json]) -> list[str]:
    keys = {ids.key(other["id"]): str(other["id"]) for other in wanted if other["deployed"] and other is not step}
    return list(keys.values()) if step["deployed"] else []


def _meant(steps: list[Json], base: str, want: str) -> list[Json]:
    """Return the steps a dependency means: a resource, or all turns of a copy loop."""
    loop = [step for step in steps if step["copy"] and step["copy"].lower() == want.lower()]
    loop += [step for step in steps if step["copy"] and step["symbol"] and step["symbol"].lower() == want.lower()]
    if loop:
        return loop
    found = find_step(steps, base, want)
    if found is None:
        raise errors.template_invalid(f"The resource '{want}' is not defined in the template")
    return [found]


def _implied(step: Json, steps: list[Json], base: str, scope: Scope) -> list[tuple[Json, Json]]:
    """Return the steps whose state a resource's properties read, as far as that is known beforehand, and how."""
    found = []
    for call in functions_in(step["raw"]) if step["deployed"] else ():
        if call.name.lower() == "reference" or call.name.lower().startswith("list"):
            target, version = (_argument(call, number, step, scope) for number in (0, 1))
            other = find_step(steps, base, target) if target else None
            found += [(other, {"apiVersion": version} if version else {})] if other is not None else []
    return found


def _argument(call: Function, number: int, step: Json, scope: Scope) -> str:
    if len(call.arguments) <= number:
        return ""
    try:
        return str(evaluate_node(call.arguments[number], scope.inside(step["loops"])))
    except ExpressionError:
        return ""  # it depends on a value that does not exist yet; the template has to state it


def _before_in_loop(step: Json, steps: list[Json]) -> list[Json]:
    """Return what a serial copy loop makes wait: the turn ``batchSize`` turns earlier."""
    if not step["batch"]:
        return []
    turns = [other for other in steps if other["copy"] == step["copy"]]
    size = step["batch"]
    batch = turns.index(step) // size
    return turns[(batch - 1) * size : batch * size] if batch else []


def _refuse_circles(steps: list[Json]) -> None:
    left = {ids.key(step["id"]): {ids.key(other) for other in step["dependsOn"]} for step in steps if step["deployed"]}
    while left:
        free = [key for key, wanted in left.items() if not wanted & set(left)]
        if not free:
            raise errors.template_invalid(f"Circular dependency detected on resource: '{next(iter(left))}'")
        for key in free:
            del left[key]
