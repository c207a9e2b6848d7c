"""The what-if operation: the changes of a deployment, compared with the resources' own GET.

The form is that of the reference of *Deployments - What If* (202 and a Location, then ``changes``); no recording has one.
"""

from collections.abc import Mapping
from typing import Any

from cmkctl.sandbox.core import ids
from cmkctl.sandbox.core.errors import AzureError
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.deployments import records
from cmkctl.sandbox.deployments.evaluate import evaluate
from cmkctl.sandbox.deployments.failures import ExpressionError

Json = dict[str, Any]
LATER = "An expression of the resource needs the state of another one, which is known once that is deployed."


def changes(tenant: Tenant, record: Json, *, whole: bool) -> list[Json]:
    """Return a change for each resource of the template, and ``Ignore`` for the others of the group.

    Args:
        tenant: the state.
        record: the deployment, prepared and not started.
        whole: show the resources before and after; else only their ids.

    """
    found = [_change(tenant, record, step, whole=whole) for step in record["steps"] if step["deployed"]]
    place = records.place_of(record)
    if place.group:
        mentioned = {ids.key(row["resourceId"]) for row in found}
        for row in tenant.resources_in(place.base):
            document = row["doc"]
            if document["type"].count("/") == 1 and ids.key(document["id"]) not in mentioned:
                shown = {"before": document, "after": document} if whole else {}
                found.append({"resourceId": document["id"], "changeType": "Ignore", **shown})
    return sorted(found, key=lambda row: str(row["resourceId"]).lower())


def _change(tenant: Tenant, record: Json, step: Json, *, whole: bool) -> Json:
    before = _before(tenant, record, step)
    try:
        body = dict(evaluate(step["raw"], records.scope_of(tenant, record).inside(step["loops"])))
    except (ExpressionError, AzureError):
        return {"resourceId": step["id"], "changeType": "Unsupported", "unsupportedReason": LATER}
    after = {"apiVersion": step["api"], "id": step["id"], "type": step["type"], "name": step["name"], **body}
    if before is None:
        return {"resourceId": step["id"], "changeType": "Create", **({"after": after} if whole else {})}
    delta = _delta(before, body)
    kind = "Modify" if delta else "NoChange"
    shown = {"before": before, "after": after, **({"delta": delta} if delta else {})} if whole else {}
    return {"resourceId": step["id"], "changeType": kind, **shown}


def _before(tenant: Tenant, record: Json, step: Json) -> Json | None:
    """Return what a GET answers for a resource; None when it is not there or cannot be read."""
    try:
        reply = records.world_of(tenant, record).send("GET", step["id"], step["api"])
    except AzureError:
        return None
    return dict(reply.body) if isinstance(reply.body, dict) else None


def _delta(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> list[Json]:
    """Return what a template states that is otherwise now. What it leaves out stays as it is."""
    names = {name.lower(): name for name in before}
    found: list[Json] = []
    for name, value in after.items():
        here = f"{path}.{name}" if path else name
        held = before.get(names.get(name.lower(), name))
        if value is None or _same(held, value):
            continue
        if isinstance(held, Mapping) and isinstance(value, Mapping):
            found += _delta(held, value, here)
        else:
            kind = "Create" if held is None else "Modify"
            found.append({"path": here, "propertyChangeType": kind, "before": held, "after": value})
    return found


def _same(held: Any, value: Any) -> bool:
    """Return whether two values are the same to Azure: words without case, regions without their spaces."""
    if isinstance(held, str) and isinstance(value, str):
        return held.lower().replace(" ", "") == value.lower().replace(" ", "")
    return bool(held == value)
