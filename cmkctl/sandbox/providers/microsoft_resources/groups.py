"""Resource groups: PUT 201 or 200, HEAD 204 or 404, DELETE 202 with polls, and everything in a group goes with it."""

import base64
import re

from cmkctl.sandbox.core import errors, ids, operations, registry, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.regions import normal, require_location
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant

COVERAGE = Area(
    "resource groups",
    supported=("PUT, PATCH, GET, HEAD, list, DELETE with polls; everything in a group goes with it",),
    differs=("`Retry-After` of a DELETE is 15 s in Azure and 1 s here (`--latency azure` sends Azure's)",),
)

VERSIONS = (
    "2015-11-01", "2016-02-01", "2016-07-01", "2016-09-01", "2017-05-10", "2018-02-01", "2018-05-01", "2019-03-01",
    "2019-05-01", "2019-05-10", "2019-07-01", "2019-08-01", "2019-10-01", "2020-06-01", "2020-08-01", "2020-10-01",
    "2021-01-01", "2021-04-01", "2022-09-01", "2023-07-01", "2024-03-01", "2024-07-01", "2024-11-01", "2025-03-01",
    "2025-04-01",
)  # fmt: skip
SHAPE = {
    **shapes.TOP,
    "location": shapes.Required(str),
    "tags": shapes.TAGS,
    "managedBy": str,
    "properties": {"provisioningState": shapes.IGNORED},
}
TYPE = "Microsoft.Resources/resourceGroups"
NAME = re.compile(r"[-\w._()]{0,89}[-\w_()]")
RETRY_AFTER = 15


def put_group(tenant: Tenant, call: Call) -> Reply:
    """Create a group (201) or set its tags (200)."""
    if not NAME.fullmatch(call["group"]):
        raise errors.name_invalid(call["group"], TYPE, "1-90 letters, digits, _ - . ( ), not ending in a full stop")
    body = shapes.accept(SHAPE, call.json(), call.api_version)
    location = require_location(body["location"])
    identifier = f"/subscriptions/{call['subscription']}/resourceGroups/{call['group']}"
    found = tenant.table("groups").get(ids.key(identifier))
    if found is not None:
        return _put_existing(tenant, found["doc"], body, location)
    document = {
        "id": identifier,
        "name": call["group"],
        "type": TYPE,
        "location": location,
        **({"tags": body["tags"]} if body.get("tags") is not None else {}),
        **({"managedBy": body["managedBy"]} if body.get("managedBy") else {}),
        "properties": {"provisioningState": "Succeeded"},
    }
    tenant.table("groups")[ids.key(identifier)] = {"doc": document}
    tenant.changed()
    return Reply(201, document)


def _put_existing(tenant: Tenant, document: Json, body: Json, location: str) -> Reply:
    if document["properties"]["provisioningState"] == "Deleting":
        raise errors.group_being_deleted(document["name"])
    if normal(document["location"]) != location:
        raise errors.group_location_conflict(requested=location, existing=document["location"])
    document.pop("tags", None)
    if body.get("tags") is not None:
        document["tags"] = body["tags"]
    tenant.changed()
    return Reply(200, document)


def patch_group(tenant: Tenant, call: Call) -> Reply:
    """Replace a group's tags, 200."""
    document = tenant.group(call["subscription"], call["group"])["doc"]
    body = shapes.accept(SHAPE, call.json(), call.api_version, partial=True)
    if "tags" in body:
        document["tags"] = body["tags"] or {}
    tenant.changed()
    return Reply(200, document)


def get_group(tenant: Tenant, call: Call) -> Reply:
    """Answer one group."""
    return Reply(200, tenant.group(call["subscription"], call["group"])["doc"])


def head_group(tenant: Tenant, call: Call) -> Reply:
    """Answer 204 when the group exists, an empty 404 when not."""
    key = ids.key(f"/subscriptions/{call['subscription']}/resourceGroups/{call['group']}")
    return Reply(204 if key in tenant.table("groups") else 404)


def list_groups(tenant: Tenant, call: Call) -> Reply:
    """Answer all groups of the subscription."""
    prefix = ids.key(f"/subscriptions/{call['subscription']}") + "/"
    found = [record["doc"] for key, record in tenant.table("groups").items() if key.startswith(prefix)]
    return Reply(200, {"value": found})


def delete_group(tenant: Tenant, call: Call) -> Reply:
    """Begin to delete a group, 202; a second DELETE meanwhile is 202, too (recording 81)."""
    record = tenant.group(call["subscription"], call["group"])
    if record["doc"]["properties"]["provisioningState"] != "Deleting":
        record["doc"]["properties"]["provisioningState"] = "Deleting"
        record["operation"] = operations.start(tenant, "group.delete", record["doc"]["id"])
    return Reply(202, headers=_poll_headers(tenant, call, record["operation"]))


def _poll_headers(tenant: Tenant, call: Call, operation: str) -> dict[str, str]:
    name = base64.urlsafe_b64encode(f"RESOURCEGROUPDELETIONJOB-{operation}".encode()).decode().rstrip("=")
    path = f"/subscriptions/{call['subscription']}/operationresults/{name}"
    return {"Location": operations.link(call, path, operation), "Retry-After": tenant.pace.retry_after(RETRY_AFTER)}


def poll_delete(tenant: Tenant, call: Call) -> Reply:
    """Answer 202 while the group is being deleted, then an empty 200."""
    padded = call["result"] + "=" * (-len(call["result"]) % 4)
    try:
        name = base64.urlsafe_b64decode(padded).decode().removeprefix("RESOURCEGROUPDELETIONJOB-")
    except ValueError as problem:
        raise errors.operation_not_found(call["result"]) from problem
    operations.require_verbatim(call, name)
    if operations.poll(tenant, name)["finished"]:
        return Reply(200)
    return Reply(202, headers=_poll_headers(tenant, call, name))


@operations.finisher("group.delete")
def finish_delete(tenant: Tenant, operation: Json) -> None:
    """Take the group and its contents; vaults and workspaces go to their soft-deleted lists."""
    prefix = ids.key(operation["target"])
    for key, record in [
        (key, record) for key, record in tenant.table("resources").items() if key.startswith(prefix + "/")
    ]:
        registry.deleted(tenant, record)
        tenant.table("resources").pop(key, None)
    for table in (tenant.table("assignments"), tenant.data.get("deployments", {})):
        for key in [key for key in table if key.startswith(prefix + "/")]:
            del table[key]
    tenant.table("groups").pop(prefix, None)


ONE = "/subscriptions/{subscription}/resourcegroups/{group}"
"""The route template of one group."""
ROUTES = (
    Route("PUT", ONE, put_group, TYPE, VERSIONS),
    Route("PATCH", ONE, patch_group, TYPE, VERSIONS),
    Route("GET", ONE, get_group, TYPE, VERSIONS),
    Route("HEAD", ONE, head_group, TYPE, VERSIONS),
    Route("DELETE", ONE, delete_group, TYPE, VERSIONS),
    Route("GET", "/subscriptions/{subscription}/resourcegroups", list_groups, TYPE, VERSIONS),
    Route("GET", "/subscriptions/{subscription}/operationresults/{result}", poll_delete),
)
