"""A template, read: its resources as steps, each with its id, its dependencies and what is still to be evaluated."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from cmkctl.sandbox.core import errors, ids
from cmkctl.sandbox.core.regions import normal
from cmkctl.sandbox.deployments.addresses import DEPLOYMENTS, Place, resource_id
from cmkctl.sandbox.deployments.evaluate import Scope, count, evaluate
from cmkctl.sandbox.deployments.failures import ExpressionError

Json = dict[str, Any]
KNOWN = frozenset(
    (
        "$schema", "contentVersion", "languageVersion", "apiProfile", "metadata", "parameters", "variables", "resources",
        "outputs", "definitions", "functions", "imports",
    )
)  # fmt: skip
META = frozenset(
    (
        "type", "name", "apiVersion", "dependsOn", "condition", "copy", "scope", "comments", "resources", "resourceGroup",
        "subscriptionId", "existing", "metadata",
    )
)  # fmt: skip
"""Properties of a template's resource that are for the deployment, not for the provider."""


def check_form(template: Any) -> Json:
    """Return a template that has the parts it must have.

    Raises:
        AzureError: 400 `InvalidTemplate`, or `SandboxNotModelled` for parts the sandbox does not know.

    """
    if not isinstance(template, dict):
        raise errors.template_invalid("The template is not an object")
    unknown = sorted(set(template) - KNOWN)
    if unknown:
        raise errors.template_invalid(f"Could not find member '{unknown[0]}' on object of type 'Template'")
    if not isinstance(template.get("resources"), list | dict) or not template.get("$schema"):
        raise errors.template_invalid("Required properties '$schema' and 'resources' are missing or not of their type")
    for part in ("parameters", "variables", "outputs"):
        if not isinstance(template.get(part) or {}, dict):
            raise errors.template_invalid(f"'{part}' of the template is not an object")
    if any(not isinstance(row, dict) for row in (template.get("outputs") or {}).values()):
        raise errors.template_invalid("An output of the template is not an object")
    for part in ("functions", "definitions", "imports"):
        if template.get(part):
            raise errors.not_modelled(f"'{part}' in a template")
    return template


def steps_of(template: Json, place: Place, scope: Scope) -> list[Json]:
    """Return the resources of a template, copies made and children taken out of their parents, as steps.

    A step has ``id``, ``type``, ``name``, ``api``, ``symbol``, ``copy``, ``deployed`` (its condition), ``existing``,
    ``location``, ``wants`` (dependencies as written), ``raw`` (the resource, not evaluated) and ``loops``.

    Raises:
        AzureError: 400 `InvalidTemplate`.

    """
    resources = template["resources"]
    pairs = resources.items() if isinstance(resources, dict) else [("", resource) for resource in resources]
    steps = []
    for symbol, resource in pairs:
        for inner, loops, parent in _flattened(resource, scope, {}, None):
            steps.append(_step(inner, symbol, place, scope, loops, parent))
    _refuse_twins(steps)
    return steps


def _flattened(
    resource: Any, scope: Scope, loops: Mapping[str, int], parent: tuple[str, str] | None
) -> Iterator[tuple[Json, Mapping[str, int], tuple[str, str] | None]]:
    """Yield a resource once for each turn of its copy loop, and after each its children."""
    if not isinstance(resource, dict):
        raise errors.template_invalid("A resource of the template is not an object")
    for turn in _turns(resource, scope, loops):
        yield resource, turn, parent
        children = resource.get("resources") or []
        if children:
            name = _named(resource, scope.inside(turn), parent)
            for child in children:
                yield from _flattened(child, scope, turn, name)


def _turns(resource: Json, scope: Scope, loops: Mapping[str, int]) -> Iterator[Mapping[str, int]]:
    copy = resource.get("copy")
    if copy is None:
        yield loops
        return
    if not isinstance(copy, dict):
        raise errors.template_invalid("'copy' of a resource is not an object")
    name = str(copy.get("name", "")).lower()
    for index in range(_read(lambda: count(copy.get("count"), scope), f"copy loop '{name}'")):
        yield {**loops, name: index, "": index}


def _read(compute: Any, what: str) -> Any:
    try:
        return compute()
    except ExpressionError as problem:
        raise errors.template_invalid(
            f"Unable to process template language expressions for {what}: {problem}"
        ) from problem


def _named(resource: Json, scope: Scope, parent: tuple[str, str] | None) -> tuple[str, str]:
    """Return a resource's full type and name. A child may have its full ones, as that of recording 09 has."""
    for word in ("type", "name", "apiVersion"):
        if not resource.get(word):
            raise errors.template_invalid(f"A resource of the template has no '{word}'")
    kind = str(_read(lambda: evaluate(resource["type"], scope), "a resource's type"))
    name = str(_read(lambda: evaluate(resource["name"], scope), f"the name of a resource of type '{kind}'"))
    if parent is None or kind.lower().startswith(f"{parent[0].lower()}/"):
        return kind, name
    return f"{parent[0]}/{kind}", f"{parent[1]}/{name}"


def _step(
    resource: Json, symbol: str, place: Place, scope: Scope, loops: Mapping[str, int], parent: tuple[str, str] | None
) -> Json:
    inside = scope.inside(loops)
    kind, name = _named(resource, inside, parent)
    what = f"resource '{name}' of type '{kind}'"

    def evaluate_node(word: str, usual: Any) -> Any:
        return _read(lambda: evaluate(resource.get(word, usual), inside), what)

    deployed = bool(evaluate_node("condition", True)) and not resource.get("existing")
    base = _base(resource, kind, place, evaluate_node) if deployed or "scope" in resource else place.base
    copy = str((resource.get("copy") or {}).get("name", ""))
    return {
        "id": resource_id(base, kind, name) if deployed or all(name.split("/")) else f"{base}/providers/{kind}/{name}",
        "type": kind,
        "name": name,
        "api": evaluate_node("apiVersion", ""),
        "symbol": symbol,
        "copy": copy,
        "batch": _batch(resource.get("copy") or {}),
        "deployed": deployed,
        "existing": bool(resource.get("existing")),
        "location": normal(str(evaluate_node("location", "") or "")) if deployed else "",
        "wants": [str(want) for want in evaluate_node("dependsOn", []) or []] if deployed else [],
        "raw": {key: value for key, value in resource.items() if key not in META},
        "loops": dict(loops),
    }


def _batch(copy: Json) -> int:
    """Return how many turns of a copy loop may go on at once; 0 for all of them."""
    return int(copy.get("batchSize") or 1) if str(copy.get("mode", "")).lower() == "serial" else 0


def _base(resource: Json, kind: str, place: Place, evaluate_node: Any) -> str:
    """Return the id of the scope a resource lies in: the deployment's by default."""
    if "scope" in resource:
        scope = str(evaluate_node("scope", ""))
        return scope.rstrip("/") if scope.startswith("/") else f"{place.base}/providers/{scope}"
    if kind.lower() != DEPLOYMENTS.lower() or not {"resourceGroup", "subscriptionId"} & set(resource):
        return place.base
    subscription = evaluate_node("subscriptionId", "") or place.subscription
    group = evaluate_node("resourceGroup", "") or ("" if "subscriptionId" in resource else place.group)
    return Place(str(subscription), str(group), "").base


def _refuse_twins(steps: list[Json]) -> None:
    seen: set[str] = set()
    for step in steps:
        key = ids.key(step["id"])
        if step["deployed"] and key in seen:
            raise errors.template_invalid(f"The resource '{step['id']}' is defined multiple times in the template")
        if step["deployed"]:
            seen.add(key)


def template_hash(template: Json) -> str:
    """Return a number that is the same for the same template. Azure's differs: its algorithm is unpublished."""
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()
    return str(int.from_bytes(digest[:8], "big"))
