"""Online and batch endpoints of a workspace: kept, and nothing answers at their addresses."""

import re
from typing import Any

from cmkctl.sandbox.core import errors, operations, resources, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.regions import require_location
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_managedidentity
from cmkctl.sandbox.providers.microsoft_machinelearningservices import children
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import RESOURCE_TYPE, VERSIONS

COVERAGE = Area(
    "Azure ML workspaces",
    supported=("online and batch endpoints: PUT 201, GET, list, DELETE; nothing answers there",),
    differs=("an endpoint for a compute has an address of http, without a network that leads there",),
    not_modelled=("PATCH of an endpoint, its keys and tokens",),
    guesses=(
        "endpoints have the form of the published types (2024-04-01, 2025-06-01): none is recorded",
        "the domain of endpoints in Azure Government and Azure in China",
    ),
)

ONLINE = f"{RESOURCE_TYPE.type}/onlineEndpoints"
BATCH = f"{RESOURCE_TYPE.type}/batchEndpoints"
NAME = re.compile(r"[a-zA-Z](?:[a-zA-Z0-9-]{1,30}[a-zA-Z0-9])")
DOMAINS = {"AzureUSGovernment": "inference.ml.azure.us", "AzureChinaCloud": "inference.ml.azure.cn"}
"""The domain of endpoints by cloud, where it is not that of the public one."""

_PROPERTIES: dict[str, Any] = {
    "authMode": Required(("AMLToken", "Key", "AADToken")),
    "description": str,
    "properties": shapes.MapOf(str),
    "keys": shapes.NOT_MODELLED,
    **dict.fromkeys(("provisioningState", "scoringUri", "swaggerUri"), READ_ONLY),
}
PROPERTIES: dict[str, dict[str, Any]] = {
    ONLINE: {
        **_PROPERTIES,
        "compute": str,
        "mirrorTraffic": shapes.MapOf(int),
        "publicNetworkAccess": ("Enabled", "Disabled"),
        "traffic": shapes.MapOf(int),
    },
    BATCH: {**_PROPERTIES, "defaults": {"deploymentName": str}},
}
"""The properties of an endpoint by its type."""

ENDPOINT_VERSIONS = ("2022-02-01-preview", *VERSIONS)
"""The first is that of azure-ai-ml for online endpoints."""

CREATE = "endpoint.create"
DELETE = "endpoint.delete"


def _shape(kind: str) -> dict[str, Any]:
    identity = RESOURCE_TYPE.shape["identity"]
    return {
        **shapes.TOP,
        "location": Required(str),
        "tags": shapes.TAGS,
        "kind": str,
        "sku": dict,
        "identity": identity,
        "properties": Required(PROPERTIES[kind]),
    }


def kind_of(call: Call) -> str:
    """Return the type of the endpoint that a call is about, or goes into."""
    return next(kind for kind in (ONLINE, BATCH) if f"/{kind.rpartition('/')[2]}".lower() in call.path.lower())


def put_endpoint(tenant: Tenant, call: Call) -> Reply:
    """Create an endpoint, 201 while it is provisioned, or change one, 200."""
    kind = kind_of(call)
    workspace = children.parent(tenant, call, kind)
    tenant.require_registered(call["subscription"], RESOURCE_TYPE.namespace)
    sent = call.json()
    if not NAME.fullmatch(call["child"]):
        raise errors.name_invalid(call["child"], kind, "3-32 letters, digits and hyphens, beginning with a letter")
    identifier = f"{workspace['id']}/{kind.rpartition('/')[2]}/{call['child']}"
    resources.require_own_address(sent, call["child"], identifier)
    body = shapes.accept(_shape(kind), sent, call.api_version)
    before = children.find(tenant, workspace, kind, call["child"])
    document = _document(tenant, call, identifier, body)
    held = before["doc"].get("identity") if before is not None else None
    if body.get("identity"):
        document["identity"] = microsoft_managedidentity.with_principal(tenant, identifier, body["identity"], held)
    if before is not None:
        document["properties"]["provisioningState"] = before["doc"]["properties"]["provisioningState"]
        document["systemData"] = tenant.system_data(before["doc"]["systemData"])
        before["doc"] = document
        tenant.changed()
        return Reply(200, document)
    children.store(tenant, workspace, document)
    name = operations.start(tenant, CREATE, identifier)
    operations.settle(tenant)
    return Reply(201, document, {"Azure-AsyncOperation": link(call, name, document["location"])})


def _document(tenant: Tenant, call: Call, identifier: str, body: Json) -> Json:
    kind, name = kind_of(call), call["child"]
    location = require_location(body["location"], kind)
    sent = {word: value for word, value in body["properties"].items() if value is not None}
    compute = sent.get("compute")
    if compute is not None and tenant.resource(compute) is None:
        raise errors.property_refused("properties.compute", "is not a compute of the workspace")
    host = f"{name}.{location}.{DOMAINS.get(call.cloud.name, 'inference.ml.azure.com')}"
    root = f"http://10.0.0.4/api/v1/endpoint/{name}" if compute else f"https://{host}"
    online: Json = {
        "compute": None,
        "traffic": {},
        "mirrorTraffic": {},
        "publicNetworkAccess": "Enabled",
        "swaggerUri": f"{root}/swagger.json",
        "scoringUri": f"{root}/score",
    }
    batch: Json = {"defaults": None, "swaggerUri": None, "scoringUri": f"{root}/jobs"}
    return {
        "id": identifier,
        "name": name,
        "type": kind,
        "location": location,
        "tags": body.get("tags") or {},
        **({"kind": "K8S" if compute else "Managed"} if kind == ONLINE else {}),
        "properties": {
            "description": None,
            "properties": {},
            "provisioningState": "Creating",
            **(online if kind == ONLINE else batch),
            **sent,
        },
        "systemData": tenant.system_data(),
    }


operations.finisher(CREATE)(children.finish_create)


def get_endpoint(tenant: Tenant, call: Call) -> Reply:
    """Answer one endpoint."""
    kind = kind_of(call)
    operations.look(tenant, children.existing(tenant, call, kind)["doc"]["id"])
    return Reply(200, children.existing(tenant, call, kind)["doc"])


def list_endpoints(tenant: Tenant, call: Call) -> Reply:
    """Answer the endpoints of a workspace."""
    kind = kind_of(call)
    return Reply(200, {"value": [each for each in children.listing(tenant, call, kind) if each["type"] == kind]})


def delete_endpoint(tenant: Tenant, call: Call) -> Reply:
    """Delete an endpoint: 202 with both links; 204 when it is not there."""
    kind = kind_of(call)
    record = children.find(tenant, children.parent(tenant, call, kind, "delete"), kind, call["child"])
    if record is None:
        return Reply(204)
    record["doc"]["properties"]["provisioningState"] = "Deleting"
    name = operations.start(tenant, DELETE, record["doc"]["id"])
    operations.settle(tenant)
    where = link(call, name, record["doc"]["location"])
    return Reply(202, headers={"Azure-AsyncOperation": where, "Location": where})


operations.finisher(DELETE)(children.finish_delete)


def link(call: Call, name: str, location: str) -> str:
    """Return the poll URL of an operation on an endpoint or a deployment."""
    path = (
        f"/subscriptions/{call['subscription']}/providers/Microsoft.MachineLearningServices/locations/{location}"
        f"/mfeOperationsStatus/{name}"
    )
    return operations.link(call, path, name)


def poll(tenant: Tenant, call: Call) -> Reply:
    """Answer how far the creation or deletion of an endpoint is."""
    operations.require_verbatim(call, call["operation"])
    operation = operations.poll(tenant, call["operation"])
    return Reply(200, {"status": "Succeeded" if operation["finished"] else "InProgress"})


_STATUS = (
    "/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/{location}"
    "/mfeOperationsStatus/{operation}"
)


def _routes(kind: str) -> tuple[Route, ...]:
    several = f"{RESOURCE_TYPE.path}/{kind.rpartition('/')[2]}"
    one = f"{several}/{{child}}"
    return (
        Route("GET", several, list_endpoints, kind, ENDPOINT_VERSIONS),
        Route("GET", one, get_endpoint, kind, ENDPOINT_VERSIONS),
        Route("PUT", one, put_endpoint, kind, ENDPOINT_VERSIONS),
        Route("DELETE", one, delete_endpoint, kind, ENDPOINT_VERSIONS),
    )


ROUTES = (*_routes(ONLINE), *_routes(BATCH), Route("GET", _STATUS, poll, RESOURCE_TYPE.type, ENDPOINT_VERSIONS))
