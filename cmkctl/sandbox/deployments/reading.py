"""Reads of deployments: one, all, status, and the operations of one."""

import re
from urllib.parse import quote

from cmkctl.sandbox.core import errors, ids, operations
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.deployments import records
from cmkctl.sandbox.deployments.addresses import DEPLOYMENTS, Place

FILTER = re.compile(r"\s*provisioningState\s+eq\s+'(\w+)'\s*", re.IGNORECASE)
PAGE = 100


def place_in(tenant: Tenant, call: Call) -> Place:
    """Return where a call's deployment is, in the casing of the group it is in."""
    group = call.params.get("group")
    name = tenant.group(call["subscription"], group)["doc"]["name"] if group else ""
    return Place(call["subscription"], name, call.params.get("deployment", ""))


def get_deployment(tenant: Tenant, call: Call) -> Reply:
    """Answer one deployment."""
    return Reply(200, records.view(records.find(tenant, place_in(tenant, call))))


def head_deployment(tenant: Tenant, call: Call) -> Reply:
    """Answer 204 when there is such a deployment, an empty 404 when not."""
    return Reply(204 if ids.key(place_in(tenant, call).id) in records.table(tenant) else 404)


def list_deployments(tenant: Tenant, call: Call) -> Reply:
    """Answer the deployments of one scope, latest first, or those in one state."""
    prefix = ids.key(f"{place_in(tenant, call).base}/providers/{DEPLOYMENTS}") + "/"
    found = [records.view(record) for key, record in records.table(tenant).items() if key.startswith(prefix)]
    wanted = call.query.get("$filter", "")
    match = FILTER.fullmatch(wanted)
    if wanted and match is None:
        raise errors.not_modelled(f"the deployment filter {wanted!r}")
    if match:
        found = [row for row in found if row["properties"]["provisioningState"].lower() == match[1].lower()]
    return _paged(call, found[::-1])


def poll_deployment(tenant: Tenant, call: Call) -> Reply:
    """Answer ``Accepted``, ``Running`` or the outcome: always 200, also for a failure (fact 12)."""
    record = records.find(tenant, place_in(tenant, call))
    if record["number"] != call["status"]:
        raise errors.operation_not_found(call["status"])
    if record["state"] in {"Accepted", "Running"}:
        shown = record["state"]
        operations.poll(tenant, record["operation"])
        operations.settle(tenant)  # what this poll counted down goes on now, not at whichever request comes next
        return Reply(200, {"status": shown})
    failure = {"error": record["error"]} if "error" in record else {}
    return Reply(200, {"status": record["state"], **failure})


def list_operations(tenant: Tenant, call: Call) -> Reply:
    """Answer the operations the deployment has started so far."""
    return _paged(call, records.operation_views(records.find(tenant, place_in(tenant, call))))


def get_operation(tenant: Tenant, call: Call) -> Reply:
    """Answer one operation of a deployment."""
    for row in records.operation_views(records.find(tenant, place_in(tenant, call))):
        if row["operationId"].lower() == call["operation"].lower():
            return Reply(200, row)
    raise errors.operation_not_found(call["operation"])


def _paged(call: Call, rows: list[Json]) -> Reply:
    """Answer one page of a list: ``$top`` rows, 100 by default, and the link to the next page."""
    top, start = call.query.get("$top", ""), call.query.get("$skiptoken", "0")
    if not start.isdigit() or (top and not top.isdigit()):
        raise errors.property_refused("$top", "and $skiptoken must be whole numbers")
    size, first = int(top or PAGE) or PAGE, int(start)
    body: Json = {"value": rows[first : first + size]}
    if len(rows) > first + size:
        kept = {**call.query, "$skiptoken": str(first + size)}
        query = "&".join(f"{quote(name)}={quote(value)}" for name, value in kept.items())
        body["nextLink"] = f"{call.url}{call.path}?{query}"
    return Reply(200, body)
