"""Application Insights components and their billing features.

The values of the billing features are those of the published examples (azure-rest-api-specs, Microsoft.Insights
2015-05-01, ``CurrentBillingFeaturesGet`` and ``CurrentBillingFeaturesUpdate``), except the cap of a new component: azurerm
has 100 GB as the default of ``daily_data_cap_in_gb``. Terraform reads them and writes them back with every component it
creates.
"""

import re

from cmkctl.sandbox.core import errors, ids, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.refusal import ours
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant

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

DAYS = (30, 60, 90, 120, 180, 270, 365, 550, 730)
"""The values of ``RetentionInDays`` (documented)."""

STORAGE_TYPE = "Microsoft.Insights/components/linkedStorageAccounts"
STORAGE_VERSIONS = ("2020-03-01-preview",)
STORAGE_SHAPE = {**shapes.TOP, "properties": Required({"linkedStorageAccount": Required(str)})}
linked_storage_missing = errors.ErrorRow(
    400,
    "BadRequest",
    ours("what Azure does with an account that does not exist is unpublished"),
    "There is no storage account '{account}'.",
)

BILLING_TYPE = "Microsoft.Insights/components/currentbillingfeatures"
BILLING_VERSIONS = ("2015-05-01",)
BILLING_DEFAULTS: Json = {
    "CurrentBillingFeatures": ["Basic"],
    "DataVolumeCap": {
        "Cap": 100,
        "MaxHistoryCap": 500,
        "ResetTime": 16,
        "WarningThreshold": 90,
        "StopSendNotificationWhenHitThreshold": False,
        "StopSendNotificationWhenHitCap": False,
    },
}
BILLING_SHAPE = {
    "CurrentBillingFeatures": [("Basic", "Application Insights Enterprise")],
    "DataVolumeCap": {
        "Cap": float,
        "WarningThreshold": int,
        "StopSendNotificationWhenHitThreshold": bool,
        "StopSendNotificationWhenHitCap": bool,
        "ResetTime": shapes.IGNORED,
        "MaxHistoryCap": shapes.IGNORED,
    },
}


def put_component(tenant: Tenant, call: Call) -> Reply:
    """Create an Application Insights component or update one: 200, as in a deployment's operations (recordings 04, 07)."""
    write = resources.begin_write(tenant, call, COMPONENTS)
    logs = (write.body.get("properties") or {}).get("WorkspaceResourceId")
    days = (write.body.get("properties") or {}).get("RetentionInDays")
    if days is not None and days not in DAYS:
        raise errors.retention_refused(property="RetentionInDays", days=days, allowed=", ".join(map(str, DAYS)))
    if logs is not None and tenant.resource(logs) is None:
        raise errors.log_workspace_missing(logs)
    if write.existing is not None:
        return resources.update(tenant, write.existing, write.body)
    document = _new(tenant, write.id, write.name, write.location, write.body)
    return Reply(200, resources.store(tenant, document)["doc"])


def _new(tenant: Tenant, identifier: str, name: str, location: str, body: Json) -> Json:
    """Return the document of a new component."""
    properties = body.get("properties") or {}
    key, application = ids.guid("instrumentation", identifier), ids.guid("application", identifier)
    endpoint = f"https://{location}-0.in.applicationinsights.azure.com/"
    defaults = {
        "ApplicationId": name,
        "AppId": application,
        "Flow_Type": "Bluefield",
        "Request_Source": "rest",
        "InstrumentationKey": key,
        "ConnectionString": f"InstrumentationKey={key};IngestionEndpoint={endpoint}",
        "Name": name,
        "CreationDate": tenant.timestamp(),
        "TenantId": identifier.split("/")[2],
        "provisioningState": "Succeeded",
        "RetentionInDays": 90,
        "IngestionMode": "LogAnalytics" if properties.get("WorkspaceResourceId") else "ApplicationInsights",
        "publicNetworkAccessForIngestion": "Enabled",
        "publicNetworkAccessForQuery": "Enabled",
        "DisableIpMasking": False,
    }
    sent = {name: value for name, value in properties.items() if value is not None}
    return {
        "id": identifier.replace("Microsoft.Insights", "microsoft.insights"),
        "name": name,
        "type": "microsoft.insights/components",
        "location": location,
        "tags": body.get("tags") or {},
        **({"kind": body["kind"]} if body.get("kind") else {}),
        "properties": shapes.merge(defaults, sent),
    }


def patch_component(tenant: Tenant, call: Call) -> Reply:
    """Change a component's tags, 200."""
    record = resources.existing(tenant, call, COMPONENTS)
    return resources.update(
        tenant, record, shapes.accept({**shapes.TOP, "tags": shapes.TAGS}, call.json(), call.api_version, partial=True)
    )


def get_billing(tenant: Tenant, call: Call) -> Reply:
    """Answer a component's billing features, 200."""
    return Reply(200, _features(resources.existing(tenant, call, COMPONENTS)))


def put_billing(tenant: Tenant, call: Call) -> Reply:
    """Change a component's billing features, 200; what the service sets itself stays as it is."""
    record = resources.existing(tenant, call, COMPONENTS)
    sent = shapes.accept(BILLING_SHAPE, call.json(), call.api_version)
    record["billing"] = shapes.merge(
        _features(record), {name: value for name, value in sent.items() if value is not None}
    )
    tenant.changed()
    return Reply(200, record["billing"])


def _features(record: Json) -> Json:
    features: Json = record.get("billing") or BILLING_DEFAULTS
    return features


def add_component(
    state: Arrangement, name: str, group: str = "rg", location: str = LOCATION, workspace: str | None = None
) -> str:
    """Add an Application Insights component, with its Log Analytics workspace by the id; return the component's id."""
    identifier = f"{state.add_resource_group(group, location)}/providers/{COMPONENTS.type}/{name}"
    with state.arranging():
        body = {"kind": "web", "properties": {"WorkspaceResourceId": workspace}}
        resources.store(state.tenant, _new(state.tenant, identifier, name, location, body))
    return identifier


def put_storage(tenant: Tenant, call: Call) -> Reply:
    """Link the storage account of the profiler, 200."""
    record = resources.existing(tenant, call, COMPONENTS)
    sent = shapes.accept(STORAGE_SHAPE, call.json(), call.api_version)["properties"]["linkedStorageAccount"]
    account = tenant.resource(sent)
    if account is None or account["doc"]["type"].lower() != "microsoft.storage/storageaccounts":
        raise linked_storage_missing(sent)
    record["profiler"] = sent
    tenant.changed()
    return Reply(200, _storage(record))


def _storage(record: Json) -> Json:
    return {
        "id": f"{record['doc']['id']}/linkedStorageAccounts/ServiceProfiler",
        "name": "ServiceProfiler",
        "type": STORAGE_TYPE,
        "properties": {"linkedStorageAccount": record["profiler"]},
    }


def get_storage(tenant: Tenant, call: Call) -> Reply:
    """Answer the storage account of the profiler, or 404."""
    record = resources.existing(tenant, call, COMPONENTS)
    if "profiler" not in record:
        raise errors.resource_not_found(STORAGE_TYPE, f"{call['name']}/ServiceProfiler", call["group"])
    return Reply(200, _storage(record))


def delete_storage(tenant: Tenant, call: Call) -> Reply:
    """Unlink the storage account of the profiler: 200, or 204."""
    gone = resources.existing(tenant, call, COMPONENTS).pop("profiler", None)
    tenant.changed()
    return Reply(204) if gone is None else Reply(200)


_BILLING = f"{COMPONENTS.path}/currentbillingfeatures"
COVERAGE = Area(
    "Log Analytics, Application Insights",
    supported=(
        "PUT, PATCH, GET, list, DELETE of components; a component needs its workspace to exist",
        "currentBillingFeatures of a component: GET, PUT (Terraform writes them back)",
        "linkedStorageAccounts/ServiceProfiler of a component: PUT, PATCH, GET, DELETE",
    ),
)
_STORAGE = f"{COMPONENTS.path}/linkedStorageAccounts/ServiceProfiler"
ROUTES = (
    *INSIGHTS.routes(put_component, patch_component),
    Route("PUT", _STORAGE, put_storage, STORAGE_TYPE, STORAGE_VERSIONS),
    Route("PATCH", _STORAGE, put_storage, STORAGE_TYPE, STORAGE_VERSIONS),
    Route("GET", _STORAGE, get_storage, STORAGE_TYPE, STORAGE_VERSIONS),
    Route("DELETE", _STORAGE, delete_storage, STORAGE_TYPE, STORAGE_VERSIONS),
    Route("GET", _BILLING, get_billing, BILLING_TYPE, BILLING_VERSIONS),
    Route("PUT", _BILLING, put_billing, BILLING_TYPE, BILLING_VERSIONS),
)
