"""Diagnostic settings of the resources that a workspace consists of: PUT, GET, list, DELETE.

The body is that of the published REST reference (Diagnostic Settings, 2021-05-01-preview). The refusal of a destination that is
used twice is quoted from a report of a deployment (Azure/terraform-azurerm-avm-ptn-aiml-landing-zone#19).
"""

from cmkctl.sandbox.core import errors, ids, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import Required
from cmkctl.sandbox.core.state import Tenant

COVERAGE = Area(
    "diagnostic settings",
    supported=(
        "PUT, GET, list, DELETE for workspaces, vaults, registries, storage accounts and their four services",
        "refused: no destination, nothing to send, a category that the type does not have, a storage account as its own archive",
        "409 for a second setting that sends the same category to the same destination",
    ),
    not_modelled=(
        "the logs themselves; retention policies; settings of other types, of a subscription or of Entra ID",
    ),
    guesses=(
        "a Log Analytics workspace or storage account that is to receive logs has to exist; what Azure does is unpublished",
        "a setting goes with its resource; Azure may keep it for a resource that is made again under the same name",
    ),
)
TYPE = "Microsoft.Insights/diagnosticSettings"
TABLE = "diagnostic_settings"
VERSIONS = ("2021-05-01-preview",)
SINKS = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId", "serviceBusRuleId")
ROW = {
    "category": str,
    "enabled": Required(bool),
    "retentionPolicy": {"enabled": bool, "days": int},
}
SHAPE = {
    **shapes.TOP,
    "location": str,
    "kind": str,
    "tags": shapes.IGNORED,
    "identity": shapes.IGNORED,
    "properties": Required(
        {
            **dict.fromkeys(SINKS, str),
            "eventHubName": str,
            "logAnalyticsDestinationType": ("Dedicated", "AzureDiagnostics"),
            "logs": [{**ROW, "categoryGroup": str}],
            "metrics": [{**ROW, "timeGrain": str}],
        }
    ),
}
_STORAGE = ("StorageRead", "StorageWrite", "StorageDelete")
_SERVICES = ("blobServices", "fileServices", "queueServices", "tableServices")
LOGS: dict[str, tuple[str, ...]] = {
    "microsoft.keyvault/vaults": ("AuditEvent", "AzurePolicyEvaluationDetails"),
    "microsoft.containerregistry/registries": ("ContainerRegistryLoginEvents", "ContainerRegistryRepositoryEvents"),
    "microsoft.storage/storageaccounts": (),
    **{f"microsoft.storage/storageaccounts/{each.lower()}": _STORAGE for each in _SERVICES},
    "microsoft.machinelearningservices/workspaces": (
        "AmlComputeClusterEvent", "AmlComputeClusterNodeEvent", "AmlComputeJobEvent", "AmlComputeCpuGpuUtilization",
        "AmlRunStatusChangedEvent", "ModelsChangeEvent", "ModelsReadEvent", "ModelsActionEvent", "DeploymentReadEvent",
        "DeploymentEventACI", "DeploymentEventAKS", "InferencingOperationAKS", "InferencingOperationACI",
        "EnvironmentChangeEvent", "EnvironmentReadEvent", "DataLabelChangeEvent", "DataLabelReadEvent",
        "ComputeInstanceEvent", "DataStoreChangeEvent", "DataStoreReadEvent", "DataSetChangeEvent", "DataSetReadEvent",
        "PipelineChangeEvent", "PipelineReadEvent", "RunEvent", "RunReadEvent",
    ),
}  # fmt: skip
"""The log categories of each type (Azure Monitor, supported resource log categories), by type in lower case."""

GROUPS = ("alllogs", "audit")
METRICS = ("allmetrics", "transaction", "capacity")


def put_setting(tenant: Tenant, call: Call) -> Reply:
    """Create a setting, or replace it as a whole: 200."""
    kind = _require_resource(tenant, call)
    tenant.require_registered(call["scope"].split("/")[2], "microsoft.insights")
    sent = shapes.accept(SHAPE, call.json(), call.api_version)["properties"]
    properties = {name: value for name, value in sent.items() if value is not None}
    _check_sinks(tenant, call, properties)
    _check_categories(kind, properties)
    for row in _of_resource(tenant, call["scope"]):
        if ids.key(row["id"]) != _key(call):
            _check_used(row, properties)
    shown = {**dict.fromkeys((*SINKS, "eventHubName", "logAnalyticsDestinationType")), **properties}
    document = {
        "id": f"{call['scope']}/providers/microsoft.insights/diagnosticSettings/{call['name']}",
        "type": TYPE,
        "name": call["name"],
        "location": None,
        "kind": None,
        "tags": None,
        "properties": {**shown, "logs": _shown(properties.get("logs")), "metrics": _shown(properties.get("metrics"))},
        "identity": None,
    }
    tenant.table(TABLE)[_key(call)] = document
    tenant.changed()
    return Reply(200, document)


def _shown(rows: list[Json] | None) -> list[Json]:
    return [{"category": None, "retentionPolicy": {"enabled": False, "days": 0}, **each} for each in rows or ()]


def get_setting(tenant: Tenant, call: Call) -> Reply:
    """Answer one setting, or 404."""
    _require_resource(tenant, call)
    document = tenant.table(TABLE).get(_key(call))
    if document is None:
        raise errors.diagnostic_setting_missing(call["name"])
    return Reply(200, document)


def list_settings(tenant: Tenant, call: Call) -> Reply:
    """Answer the settings of a resource."""
    _require_resource(tenant, call)
    return Reply(200, {"value": _of_resource(tenant, call["scope"])})


def delete_setting(tenant: Tenant, call: Call) -> Reply:
    """Take a setting away: 200, or 204."""
    gone = tenant.table(TABLE).pop(_key(call), None)
    tenant.changed()
    return Reply(204) if gone is None else Reply(200)


def _key(call: Call) -> str:
    return ids.key(f"{call['scope']}/providers/{TYPE}/{call['name']}")


def _of_resource(tenant: Tenant, scope: str) -> list[Json]:
    head = ids.key(f"{scope}/providers/{TYPE}/")
    return [row for key, row in tenant.table(TABLE).items() if key.startswith(head)]


def _require_resource(tenant: Tenant, call: Call) -> str:
    """Return the type of the resource in lower case. Raises 404 where it is absent."""
    found = ids.parse(call["scope"])
    if found is None:
        raise errors.not_modelled("diagnostic settings of a subscription or group")
    resource, kind = call["scope"], found.full_type.lower()
    if kind not in LOGS:
        raise errors.not_modelled(f"diagnostic settings of {found.full_type}")
    if kind.count("/") > 1:
        resource = "/".join(resource.rstrip("/").split("/")[:-2])
    if tenant.resource(resource) is None:
        raise errors.resource_not_found(found.full_type, found.name, found.group)
    return kind


def _check_sinks(tenant: Tenant, call: Call, properties: Json) -> None:
    if not any(properties.get(name) for name in SINKS):
        raise errors.diagnostic_sink_needed()
    rows = [*(properties.get("logs") or ()), *(properties.get("metrics") or ())]
    if not rows:
        raise errors.diagnostic_nothing_sent()
    for name in ("workspaceId", "storageAccountId"):
        if properties.get(name) and tenant.resource(properties[name]) is None:
            raise errors.diagnostic_sink_missing(properties[name])
    archive = ids.key(properties.get("storageAccountId") or "")
    if archive and f"{ids.key(call['scope'])}/".startswith(f"{archive}/"):
        raise errors.diagnostic_sink_is_source()


def _check_categories(kind: str, properties: Json) -> None:
    known = [each.lower() for each in LOGS[kind]]
    for row in properties.get("logs") or ():
        group, category = str(row.get("categoryGroup") or ""), str(row.get("category") or "")
        if bool(group) == bool(category):
            raise errors.property_refused("properties.logs", "needs either a category or a categoryGroup in each entry")
        if (group and (group.lower() not in GROUPS or not known)) or (category and category.lower() not in known):
            raise errors.diagnostic_category_unknown(group or category)
    for row in properties.get("metrics") or ():
        if str(row.get("category") or row.get("timeGrain") or "").lower() not in METRICS:
            raise errors.diagnostic_category_unknown(row.get("category"))


def _check_used(other: Json, properties: Json) -> None:
    """Refuse a category that another setting sends to the same destination."""
    has = other["properties"]
    for name in SINKS:
        if properties.get(name) and ids.key(properties[name]) == ids.key(has.get(name) or ""):
            for part in ("logs", "metrics"):
                for category in _sent(properties.get(part)) & _sent(has.get(part)):
                    raise errors.diagnostic_sink_used(sink=properties[name], setting=other["name"], category=category)


def _sent(rows: list[Json] | None) -> set[str]:
    return {str(each.get("categoryGroup") or each.get("category")) for each in rows or () if each["enabled"]}


_ALL = "{scope}/providers/" + TYPE
ROUTES = (
    Route("PUT", _ALL + "/{name}", put_setting, TYPE, VERSIONS),
    Route("GET", _ALL + "/{name}", get_setting, TYPE, VERSIONS),
    Route("DELETE", _ALL + "/{name}", delete_setting, TYPE, VERSIONS),
    Route("GET", _ALL, list_settings, TYPE, VERSIONS),
)
