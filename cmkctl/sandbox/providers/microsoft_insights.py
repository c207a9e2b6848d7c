"""Log Analytics workspaces and Application Insights components: what a workspace's telemetry goes to."""

import re

from cmkctl.sandbox.core import errors, ids, resources, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant

COVERAGE = Area(
    "Log Analytics, Application Insights",
    supported=("PUT, PATCH, GET, list, DELETE; a component needs its workspace to exist",),
    not_modelled=("queries, clusters, replication; telemetry sent to them",),
)

LOGS = resources.ResourceType(
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
        "systemData": READ_ONLY,
        "properties": {
            "sku": {"name": Required(str), "capacityReservationLevel": int, "lastSkuUpdate": READ_ONLY},
            "retentionInDays": int,
            "workspaceCapping": {"dailyQuotaGb": float},
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
LOG_WORKSPACES = resources.Resources(LOGS)
COMPONENTS = resources.ResourceType(
    type="Microsoft.Insights/components",
    versions=("2015-05-01", "2018-05-01-preview", "2020-02-02-preview", "2020-02-02"),
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        "etag": str,
        "kind": Required(str),
        "properties": {
            "Application_Type": Required(("web", "other")),
            "Flow_Type": str,
            "Request_Source": str,
            "HockeyAppId": str,
            "SamplingPercentage": int,
            "DisableIpMasking": bool,
            "ImmediatePurgeDataOn30Days": bool,
            "WorkspaceResourceId": str,
            "publicNetworkAccessForIngestion": ("Enabled", "Disabled"),
            "publicNetworkAccessForQuery": ("Enabled", "Disabled"),
            "IngestionMode": ("ApplicationInsights", "ApplicationInsightsWithDiagnosticSettings", "LogAnalytics"),
            "DisableLocalAuth": bool,
            "ForceCustomerStorageForProfiler": bool,
            "RetentionInDays": int,
            **dict.fromkeys(
                (
                    "ApplicationId", "AppId", "Name", "InstrumentationKey", "CreationDate", "TenantId", "provisioningState",
                    "ConnectionString", "LaMigrationDate", "PrivateLinkScopedResources", "HockeyAppToken",
                ),
                READ_ONLY,
            ),
        },
    },
    name=re.compile(r"(?=.{1,260}$)[^%&\\?/]*[^%&\\?/\s.]"),
    name_rule="1-260 characters, none of % & \\ ? /, not ending in a space or full stop",
)  # fmt: skip
INSIGHTS = resources.Resources(COMPONENTS)


def put_logs(tenant: Tenant, call: Call) -> Reply:
    """Create a Log Analytics workspace, 201 while it is provisioned, or update one, 200."""
    write = resources.begin_write(tenant, call, LOGS)
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
    return _create(tenant, write, LOGS.type, defaults)


def put_component(tenant: Tenant, call: Call) -> Reply:
    """Create an Application Insights component or update one: 200, as a deployment's operations say (recordings 04, 07)."""
    write = resources.begin_write(tenant, call, COMPONENTS)
    logs = (write.body.get("properties") or {}).get("WorkspaceResourceId")
    if logs is not None and tenant.resource(logs) is None:
        raise errors.vault_value(f"The Log Analytics workspace '{logs}' does not exist.")
    if write.existing is not None:
        return _update(tenant, write.existing, write.body)
    key, application = ids.guid("instrumentation", write.id), ids.guid("application", write.id)
    endpoint = f"https://{write.location}-0.in.applicationinsights.azure.com/"
    defaults = {
        "ApplicationId": write.name,
        "AppId": application,
        "Flow_Type": "Bluefield",
        "Request_Source": "rest",
        "InstrumentationKey": key,
        "ConnectionString": f"InstrumentationKey={key};IngestionEndpoint={endpoint}",
        "Name": write.name,
        "CreationDate": tenant.timestamp(),
        "TenantId": call["subscription"],
        "provisioningState": "Succeeded",
        "RetentionInDays": 90,
        "IngestionMode": "LogAnalytics" if logs else "ApplicationInsights",
        "publicNetworkAccessForIngestion": "Enabled",
        "publicNetworkAccessForQuery": "Enabled",
        "DisableIpMasking": False,
    }
    return _create(tenant, write, "microsoft.insights/components", defaults)


def _create(tenant: Tenant, write: resources.Write, resource_type: str, defaults: Json) -> Reply:
    sent = {name: value for name, value in (write.body.get("properties") or {}).items() if value is not None}
    document = {
        "id": write.id.replace("Microsoft.Insights", "microsoft.insights"),
        "name": write.name,
        "type": resource_type,
        "location": write.location,
        "tags": write.body.get("tags") or {},
        **({"kind": write.body["kind"]} if write.body.get("kind") else {}),
        "properties": shapes.merge(defaults, sent),
    }
    creating = document["properties"]["provisioningState"] == "Creating"
    record = resources.store(tenant, document, **({"countdown": tenant.begin("logs.create")} if creating else {}))
    if creating and tenant.over(record["countdown"]):
        resources.settle(tenant, record)
    return Reply(201 if creating else 200, document)


def _update(tenant: Tenant, record: Json, body: Json) -> Reply:
    document = record["doc"]
    sent = {name: value for name, value in (body.get("properties") or {}).items() if value is not None}
    document["properties"] = shapes.merge(document["properties"], sent)
    if body.get("tags") is not None:
        document["tags"] = body["tags"]
    tenant.changed()
    return Reply(200, document)


def patch_logs(tenant: Tenant, call: Call) -> Reply:
    """Change a Log Analytics workspace, 200."""
    record = resources.existing(tenant, call, LOGS)
    return _update(tenant, record, shapes.accept(LOGS.shape, call.json(), call.api_version, partial=True))


def patch_component(tenant: Tenant, call: Call) -> Reply:
    """Change a component's tags, 200."""
    record = resources.existing(tenant, call, COMPONENTS)
    return _update(
        tenant, record, shapes.accept({**shapes.TOP, "tags": shapes.TAGS}, call.json(), call.api_version, partial=True)
    )


ROUTES = (*LOG_WORKSPACES.routes(put_logs, patch_logs), *INSIGHTS.routes(put_component, patch_component))
