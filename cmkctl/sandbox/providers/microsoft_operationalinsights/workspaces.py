"""Log Analytics workspaces: 201 while they are provisioned, 200 for an update."""

import base64
import hashlib
import re
from datetime import datetime

from cmkctl.sandbox.core import errors, ids, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant

RESOURCE_TYPE = resources.ResourceType(
    type="Microsoft.OperationalInsights/workspaces",
    versions=(
        "2015-03-20",
        "2020-08-01",
        "2020-10-01",
        "2021-06-01",
        "2021-12-01-preview",
        "2022-10-01",
        "2023-09-01",
        "2025-02-01",
        "2025-07-01",
    ),
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        "etag": str,
        "identity": dict,
        "properties": {
            "sku": {"name": Required(str), "capacityReservationLevel": int, "lastSkuUpdate": READ_ONLY},
            "retentionInDays": int,
            "workspaceCapping": {
                "dailyQuotaGb": float,
                "quotaNextResetTime": READ_ONLY,
                "dataIngestionStatus": READ_ONLY,
            },
            "publicNetworkAccessForIngestion": ("Enabled", "Disabled"),
            "publicNetworkAccessForQuery": ("Enabled", "Disabled"),
            "forceCmkForQuery": bool,
            "features": dict,
            "defaultDataCollectionRuleResourceId": str,
            **dict.fromkeys(("failover", "replication"), shapes.NOT_MODELLED),
            **dict.fromkeys(("provisioningState", "customerId", "createdDate", "modifiedDate"), READ_ONLY),
            "privateLinkScopedResources": READ_ONLY,
        },
    },
    name=re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]"),
    name_rule="4-63 letters, digits and hyphens, not at the ends",
)
RETENTION_SECONDS = 14 * 86400
"""The time in which a deleted workspace can be recovered (documented)."""

DAYS = (30, 730)
"""The least and most ``retentionInDays`` of the pricing tier PerGB2018 (documented)."""

LOG_WORKSPACES = resources.Resources(RESOURCE_TYPE)


def put_logs(tenant: Tenant, call: Call) -> Reply:
    """Create a Log Analytics workspace, 201 while it is provisioned, or update one, 200."""
    write = resources.begin_write(tenant, call, RESOURCE_TYPE)
    _check_retention(write.body)
    if write.existing is not None:
        return resources.update(tenant, write.existing, write.body)
    kept = tenant.table("deleted_logs").get(ids.key(write.id))
    if kept is not None and kept["doc"]["location"] != write.location:
        raise errors.log_workspace_recovered_elsewhere(write.name, kept["doc"]["location"], requested=write.location)
    if kept is not None:  # documented: to create it again in its group and region is to recover it
        del tenant.table("deleted_logs")[ids.key(write.id)]
        resources.store(tenant, kept["doc"])
        return resources.update(tenant, kept, write.body)
    document = _new(tenant, write.id, write.name, write.location, write.body)
    record = resources.store(tenant, document, countdown=tenant.begin("logs.create"))
    if tenant.over(record["countdown"]):
        resources.settle(tenant, record)
    return Reply(201, document)


def _new(tenant: Tenant, identifier: str, name: str, location: str, body: Json) -> Json:
    """Return the document of a new workspace that is being provisioned."""
    now = tenant.timestamp()
    defaults = {
        "customerId": ids.guid("customer", identifier, tenant.serial()),
        "provisioningState": "Creating",
        "sku": {"name": "PerGB2018", "lastSkuUpdate": now},
        "retentionInDays": 30,
        "features": {"legacy": 0, "searchVersion": 1, "enableLogAccessUsingOnlyResourcePermissions": True},
        "workspaceCapping": {"dailyQuotaGb": -1.0, "quotaNextResetTime": now, "dataIngestionStatus": "RespectQuota"},
        "publicNetworkAccessForIngestion": "Enabled",
        "publicNetworkAccessForQuery": "Enabled",
        "createdDate": now,
        "modifiedDate": now,
    }
    sent = {name: value for name, value in (body.get("properties") or {}).items() if value is not None}
    return {
        "id": identifier,
        "name": name,
        "type": RESOURCE_TYPE.type,
        "location": location,
        **({"tags": body["tags"]} if body.get("tags") else {}),  # absent in the list of recording 06
        "properties": shapes.merge(defaults, sent),
    }


def patch_logs(tenant: Tenant, call: Call) -> Reply:
    """Change a Log Analytics workspace, 200."""
    record = resources.existing(tenant, call, RESOURCE_TYPE)
    body = shapes.accept(RESOURCE_TYPE.shape, call.json(), call.api_version, partial=True)
    _check_retention(body)
    return resources.update(tenant, record, body)


def _check_retention(body: Json) -> None:
    days = (body.get("properties") or {}).get("retentionInDays")
    if days is not None and not DAYS[0] <= days <= DAYS[1]:
        raise errors.retention_refused(property="retentionInDays", days=days, allowed=f"{DAYS[0]} to {DAYS[1]}")


def keep_deleted(tenant: Tenant, record: Json) -> None:
    """Keep a workspace that is deleted, so that it can be recovered."""
    row = {"doc": record["doc"], "deleted": tenant.timestamp()}
    tenant.table("deleted_logs")[ids.key(record["doc"]["id"])] = row
    tenant.changed()


def delete_logs(tenant: Tenant, call: Call) -> Reply:
    """Delete a workspace: 200, or 204 when it is not there. It is kept for 14 days unless ``force=true``."""
    identifier = resources.address(tenant, call, RESOURCE_TYPE)
    record = tenant.resource(identifier)
    reply = LOG_WORKSPACES.delete(tenant, call)
    if record is not None and call.query.get("force", "false").lower() != "true":
        keep_deleted(tenant, record)
    return reply


def expire(tenant: Tenant, now: float) -> None:
    """Forget the workspaces that were deleted 14 days ago."""
    table = tenant.table("deleted_logs")
    for key, row in list(table.items()):
        if datetime.fromisoformat(row["deleted"]).timestamp() <= now - RETENTION_SECONDS:
            del table[key]
            tenant.changed()


def list_deleted(tenant: Tenant, call: Call) -> Reply:
    """Answer the workspaces of a subscription or group that can be recovered."""
    head = f"/subscriptions/{call['subscription']}"
    if "group" in call.params:
        head = tenant.group(call["subscription"], call["group"])["doc"]["id"]
    start = ids.key(head) + "/"
    rows = [row["doc"] for key, row in tenant.table("deleted_logs").items() if key.startswith(start)]
    return Reply(200, {"value": rows})


def shared_keys(tenant: Tenant, call: Call) -> Reply:
    """Answer the keys of a workspace. They open nothing, and they are never logged."""
    customer = resources.existing(tenant, call, RESOURCE_TYPE)["doc"]["properties"]["customerId"]
    keys = {f"{word}SharedKey": _key(customer, word) for word in ("primary", "secondary")}
    return Reply(200, keys)


def _key(customer: str, word: str) -> str:
    return base64.b64encode(hashlib.sha512(f"{customer}/{word}".encode()).digest()).decode()


def of_template(body: Json) -> Json:
    """Return the body of a workspace without ``kind`` and ``Application_Type``: azure-ai-ml sends another type's."""
    properties = {name: value for name, value in (body.get("properties") or {}).items() if name != "Application_Type"}
    return {**{name: value for name, value in body.items() if name != "kind"}, "properties": properties}


def add_log_workspace(state: Arrangement, name: str, group: str = "rg", location: str = LOCATION) -> str:
    """Add a Log Analytics workspace; return its id."""
    identifier = f"{state.add_resource_group(group, location)}/providers/{RESOURCE_TYPE.type}/{name}"
    with state.arranging():
        document = _new(state.tenant, identifier, name, location, {})
        document["properties"]["provisioningState"] = "Succeeded"
        resources.store(state.tenant, document)
    return identifier


COVERAGE = Area(
    "Log Analytics, Application Insights",
    supported=(
        "PUT, PATCH, GET, list, DELETE of Log Analytics workspaces; deletedWorkspaces, sharedKeys",
        "a deleted Log Analytics workspace is kept for 14 days unless `force=true`; PUT recovers it (documented)",
    ),
    not_modelled=("queries, replication; telemetry sent to them",),
)
_DELETED = "/providers/Microsoft.OperationalInsights/deletedWorkspaces"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
DELETED_TYPE = "Microsoft.OperationalInsights/deletedWorkspaces"

ROUTES = (
    *LOG_WORKSPACES.routes(put_logs, patch_logs, delete_logs),
    RESOURCE_TYPE.route("POST", RESOURCE_TYPE.path + "/sharedKeys", shared_keys),
    Route("GET", "/subscriptions/{subscription}" + _DELETED, list_deleted, DELETED_TYPE, RESOURCE_TYPE.versions),
    Route("GET", _GROUP + _DELETED, list_deleted, DELETED_TYPE, RESOURCE_TYPE.versions),
)
