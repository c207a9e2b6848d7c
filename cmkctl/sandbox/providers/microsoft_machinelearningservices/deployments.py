"""Deployments of online and batch endpoints: kept, and nothing is deployed."""

from typing import Any

from cmkctl.sandbox.core import errors, operations, resources, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.regions import require_location
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, MapOf, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_managedidentity
from cmkctl.sandbox.providers.microsoft_machinelearningservices import children, endpoints
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import RESOURCE_TYPE

COVERAGE = Area(
    "Azure ML workspaces",
    supported=(
        "deployments of online and batch endpoints: PUT 201, GET, list, DELETE; they go with their endpoint, at most 20 each",
    ),
    differs=("models, environments and code are names: none of them is looked for",),
    not_modelled=("PATCH of a deployment, its logs and SKUs; traffic to a deployment that is not there is accepted",),
    guesses=(
        "deployments have the form of the published types (2025-06-01): none is recorded",
        "the wording of the refusals of deployments; the limits are documented",
    ),
)

ONLINE = f"{endpoints.ONLINE}/deployments"
BATCH = f"{endpoints.BATCH}/deployments"
MOST = 20
"""The limit of deployments for an endpoint (learn.microsoft.com/azure/machine-learning/how-to-manage-quotas)."""

CREATE = "endpoint.deployment.create"
DELETE = "endpoint.deployment.delete"

_CODE = {"codeId": str, "scoringScript": Required(str)}
_PROBE = {"failureThreshold": int, "initialDelay": str, "period": str, "successThreshold": int, "timeout": str}
_COMMON: dict[str, Any] = {
    "codeConfiguration": _CODE,
    "description": str,
    "environmentId": str,
    "environmentVariables": MapOf(str),
    "properties": MapOf(str),
    "provisioningState": READ_ONLY,
}
_CONTAINER = {"cpu": str, "gpu": str, "memory": str}
_COLLECTION = {"clientId": str, "dataCollectionMode": ("Enabled", "Disabled"), "dataId": str, "samplingRate": float}
PROPERTIES: dict[str, dict[str, Any]] = {
    ONLINE: {
        **_COMMON,
        "appInsightsEnabled": bool,
        "containerResourceRequirements": {
            "containerResourceLimits": _CONTAINER,
            "containerResourceRequests": _CONTAINER,
        },
        "dataCollector": {
            "collections": Required(MapOf(_COLLECTION)),
            "requestLogging": {"captureHeaders": [str]},
            "rollingRate": ("Year", "Month", "Day", "Hour", "Minute"),
        },
        "egressPublicNetworkAccess": ("Enabled", "Disabled"),
        "endpointComputeType": Required(("Managed", "Kubernetes", "AzureMLCompute")),
        "instanceType": str,
        "livenessProbe": _PROBE,
        "model": str,
        "modelMountPath": str,
        "readinessProbe": _PROBE,
        "requestSettings": {"maxConcurrentRequestsPerInstance": int, "maxQueueWait": str, "requestTimeout": str},
        "scaleSettings": {
            "scaleType": Required(("Default", "TargetUtilization")),
            "maxInstances": int,
            "minInstances": int,
            "pollingInterval": str,
            "targetUtilizationPercentage": int,
        },
        "startupProbe": _PROBE,
    },
    BATCH: {
        **_COMMON,
        "compute": str,
        "deploymentConfiguration": {
            "deploymentConfigurationType": Required(("Model", "PipelineComponent")),
            "componentId": {"referenceType": Required(("Id",)), "assetId": Required(str)},
            "description": str,
            "settings": MapOf(str),
            "tags": MapOf(str),
        },
        "errorThreshold": int,
        "loggingLevel": ("Info", "Warning", "Debug"),
        "maxConcurrencyPerInstance": int,
        "miniBatchSize": int,
        "model": {
            "referenceType": Required(("Id", "DataPath", "OutputPath")),
            "assetId": str,
            "datastoreId": str,
            "jobId": str,
            "path": str,
        },
        "outputAction": ("SummaryOnly", "AppendRow"),
        "outputFileName": str,
        "resources": {"instanceCount": int, "instanceType": str, "properties": dict},
        "retrySettings": {"maxRetries": int, "timeout": str},
    },
}
"""The properties of a deployment by its type."""

_DEFAULTS: dict[str, Json] = {
    ONLINE: {
        "appInsightsEnabled": False,
        "egressPublicNetworkAccess": "Enabled",
        "scaleSettings": {"scaleType": "Default"},  # azure-ai-ml fails on a deployment without
    },
    BATCH: {
        "errorThreshold": -1,
        "loggingLevel": "Info",
        "maxConcurrencyPerInstance": 1,
        "miniBatchSize": 10,
        "outputAction": "AppendRow",
        "outputFileName": "predictions.csv",
    },
}
"""The defaults that the published types state, and scale settings."""


def _kind(call: Call) -> str:
    return f"{endpoints.kind_of(call)}/deployments"


def _shape(kind: str) -> dict[str, Any]:
    return {
        **shapes.TOP,
        "location": Required(str),
        "tags": shapes.TAGS,
        "kind": str,
        "sku": {"name": Required(str), "tier": str, "size": str, "family": str, "capacity": int},
        "identity": RESOURCE_TYPE.shape["identity"],
        "properties": Required(PROPERTIES[kind]),
    }


def _endpoint(tenant: Tenant, call: Call, operation: str = "read") -> Json:
    """Return the document of the endpoint that a call goes into. Raises 404 `ParentResourceNotFound`."""
    kind = endpoints.kind_of(call)
    workspace = children.parent(tenant, call, kind, operation)
    record = children.find(tenant, workspace, kind, call["child"])
    if record is None:
        identifier = f"{workspace['id']}/{kind.rpartition('/')[2]}/{call['child']}"
        raise errors.parent_not_found(operation, _kind(call).partition("/")[2], identifier)
    document: Json = record["doc"]
    return document


def _find(tenant: Tenant, endpoint: Json, name: str) -> Json | None:
    return tenant.resource(f"{endpoint['id']}/deployments/{name}")


def put_deployment(tenant: Tenant, call: Call) -> Reply:
    """Create a deployment, 201 while it is provisioned, or change one, 200."""
    kind, name = _kind(call), call["deployment"]
    endpoint = _endpoint(tenant, call, "write")
    sent = call.json()
    if not endpoints.NAME.fullmatch(name):
        raise errors.name_invalid(name, kind, "3-32 letters, digits and hyphens, beginning with a letter")
    identifier = f"{endpoint['id']}/deployments/{name}"
    resources.require_own_address(sent, name, identifier)
    body = shapes.accept(_shape(kind), sent, call.api_version)
    before = _find(tenant, endpoint, name)
    _check(tenant, endpoint, kind, body["properties"])
    if before is None and sum(1 for _ in tenant.resources_in(f"{endpoint['id']}/deployments")) >= MOST:
        raise errors.too_many_deployments(endpoint["name"], MOST)
    document = _document(tenant, identifier, name, kind, body)
    held = before["doc"].get("identity") if before is not None else None
    if body.get("identity"):
        document["identity"] = microsoft_managedidentity.with_principal(tenant, identifier, body["identity"], held)
    if before is not None:
        document["properties"]["provisioningState"] = before["doc"]["properties"]["provisioningState"]
        document["systemData"] = tenant.system_data(before["doc"]["systemData"])
        before["doc"] = document
        tenant.changed()
        return Reply(200, document)
    children.store(tenant, children.parent(tenant, call, kind), document)
    operation = operations.start(tenant, CREATE, identifier)
    operations.settle(tenant)
    return Reply(201, document, {"Azure-AsyncOperation": endpoints.link(call, operation, document["location"])})


def _check(tenant: Tenant, endpoint: Json, kind: str, properties: Json) -> None:
    """Refuse a deployment that does not fit its endpoint, and a compute that is not there."""
    if kind == ONLINE:
        fits = "Kubernetes" if endpoint["properties"]["compute"] else "Managed"
        if properties["endpointComputeType"].lower() != fits.lower():
            raise errors.property_refused("properties.endpointComputeType", f"has to be {fits}, as the endpoint is")
        return
    compute = properties.get("compute")
    if compute is not None and tenant.resource(compute) is None:
        raise errors.property_refused("properties.compute", "is not a compute of the workspace")


def _document(tenant: Tenant, identifier: str, name: str, kind: str, body: Json) -> Json:
    sent = {word: value for word, value in body["properties"].items() if value is not None}
    absent = {word: None for word, shape in PROPERTIES[kind].items() if shape is not READ_ONLY}
    return {
        "id": identifier,
        "name": name,
        "type": kind,
        "location": require_location(body["location"], kind),
        "tags": body.get("tags") or {},
        **({"kind": body["kind"]} if body.get("kind") else {}),
        **({"sku": body["sku"]} if body.get("sku") else {}),
        "properties": {**absent, **_DEFAULTS[kind], "properties": {}, **sent, "provisioningState": "Creating"},
        "systemData": tenant.system_data(),
    }


operations.finisher(CREATE)(children.finish_create)


def get_deployment(tenant: Tenant, call: Call) -> Reply:
    """Answer one deployment."""
    endpoint = _endpoint(tenant, call)
    operations.look(tenant, f"{endpoint['id']}/deployments/{call['deployment']}")
    record = _find(tenant, endpoint, call["deployment"])
    if record is None:
        name = f"{call['name']}/{call['child']}/{call['deployment']}"
        raise errors.resource_not_found(_kind(call), name, call["group"])
    return Reply(200, record["doc"])


def list_deployments(tenant: Tenant, call: Call) -> Reply:
    """Answer the deployments of an endpoint."""
    rows = tenant.resources_in(f"{_endpoint(tenant, call)['id']}/deployments")
    return Reply(200, {"value": [row["doc"] for row in rows]})


def delete_deployment(tenant: Tenant, call: Call) -> Reply:
    """Delete a deployment: 202 with both links; 204 when it is not there."""
    record = _find(tenant, _endpoint(tenant, call, "delete"), call["deployment"])
    if record is None:
        return Reply(204)
    record["doc"]["properties"]["provisioningState"] = "Deleting"
    operation = operations.start(tenant, DELETE, record["doc"]["id"])
    operations.settle(tenant)
    link = endpoints.link(call, operation, record["doc"]["location"])
    return Reply(202, headers={"Azure-AsyncOperation": link, "Location": link})


operations.finisher(DELETE)(children.finish_delete)


def _routes(kind: str) -> tuple[Route, ...]:
    several = f"{RESOURCE_TYPE.path}/{kind.split('/')[-2]}/{{child}}/deployments"
    one = f"{several}/{{deployment}}"
    versions = endpoints.ENDPOINT_VERSIONS
    return (
        Route("GET", several, list_deployments, kind, versions),
        Route("GET", one, get_deployment, kind, versions),
        Route("PUT", one, put_deployment, kind, versions),
        Route("DELETE", one, delete_deployment, kind, versions),
    )


ROUTES = (*_routes(ONLINE), *_routes(BATCH))
