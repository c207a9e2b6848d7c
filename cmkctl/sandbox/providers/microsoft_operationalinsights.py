"""Log Analytics workspaces: 201 while they are provisioned, 200 for an update."""

import re

from cmkctl.sandbox.core import ids, resources, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.latency import GUESS, Duration
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.provider import Provider
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
LOG_WORKSPACES = resources.Resources(RESOURCE_TYPE)


def put_logs(tenant: Tenant, call: Call) -> Reply:
    """Create a Log Analytics workspace, 201 while it is provisioned, or update one, 200."""
    write = resources.begin_write(tenant, call, RESOURCE_TYPE)
    if write.existing is not None:
        return _update(tenant, write.existing, write.body)
    now = tenant.timestamp()
    defaults = {
        "customerId": ids.guid("customer", write.id),
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
    sent = {name: value for name, value in (write.body.get("properties") or {}).items() if value is not None}
    document = {
        "id": write.id,
        "name": write.name,
        "type": RESOURCE_TYPE.type,
        "location": write.location,
        "tags": write.body.get("tags") or {},
        "properties": shapes.merge(defaults, sent),
    }
    record = resources.store(tenant, document, countdown=tenant.begin("logs.create"))
    if tenant.over(record["countdown"]):
        resources.settle(tenant, record)
    return Reply(201, document)


def patch_logs(tenant: Tenant, call: Call) -> Reply:
    """Change a Log Analytics workspace, 200."""
    record = resources.existing(tenant, call, RESOURCE_TYPE)
    return _update(tenant, record, shapes.accept(RESOURCE_TYPE.shape, call.json(), call.api_version, partial=True))


def _update(tenant: Tenant, record: Json, body: Json) -> Reply:
    document = record["doc"]
    sent = {name: value for name, value in (body.get("properties") or {}).items() if value is not None}
    document["properties"] = shapes.merge(document["properties"], sent)
    if body.get("tags") is not None:
        document["tags"] = body["tags"]
    tenant.changed()
    return Reply(200, document)


def of_template(body: Json) -> Json:
    """Return the body of a workspace without ``kind`` and ``Application_Type``: azure-ai-ml sends another type's."""
    properties = {name: value for name, value in (body.get("properties") or {}).items() if name != "Application_Type"}
    return {**{name: value for name, value in body.items() if name != "kind"}, "properties": properties}


PROVIDER = Provider(
    namespace="Microsoft.OperationalInsights",
    coverage=(
        Area(
            "Log Analytics, Application Insights",
            supported=("PUT, PATCH, GET, list, DELETE of Log Analytics workspaces",),
            not_modelled=("queries, clusters, replication; telemetry sent to them",),
        ),
    ),
    routes=LOG_WORKSPACES.routes(put_logs, patch_logs),
    durations=(Duration("logs.create", 10, GUESS),),
    adapt={RESOURCE_TYPE.type.lower(): of_template},
)
