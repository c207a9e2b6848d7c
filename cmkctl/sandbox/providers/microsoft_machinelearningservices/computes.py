"""Clusters (AmlCompute) of a workspace, as far as creating, reading and listing them goes; no node ever runs."""

import re

from cmkctl.sandbox.core import errors, resources, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.regions import require_location
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_machinelearningservices.datastores import parent
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import RESOURCE_TYPE, VERSIONS

COVERAGE = Area(
    "Azure ML workspaces",
    supported=("AmlCompute clusters: PUT, GET, list; no node ever runs",),
    not_modelled=("compute instances and attached computes",),
)

TYPE = f"{RESOURCE_TYPE.type}/computes"
NAME = re.compile(r"[a-zA-Z](?:[a-zA-Z0-9-]{0,30}[a-zA-Z0-9])")
SCALE = {
    "minNodeCount": int,
    "maxNodeCount": Required(int),
    "nodeIdleTimeBeforeScaleDown": str,
}
SHAPE = {
    **shapes.TOP,
    "location": str,
    "tags": shapes.TAGS,
    "sku": dict,
    "identity": dict,
    "systemData": READ_ONLY,
    "properties": Required(
        {
            "computeType": Required(str),
            "computeLocation": str,
            "description": str,
            "disableLocalAuth": bool,
            "resourceId": str,
            "properties": {
                "vmSize": Required(str),
                "vmPriority": ("Dedicated", "LowPriority"),
                "osType": ("Linux", "Windows"),
                "scaleSettings": SCALE,
                "userAccountCredentials": dict,
                "subnet": dict,
                "remoteLoginPortPublicAccess": ("Enabled", "Disabled", "NotSpecified"),
                "isolatedNetwork": bool,
                "enableNodePublicIp": bool,
                "virtualMachineImage": dict,
                "propertyBag": dict,
            },
            **dict.fromkeys(
                ("provisioningState", "createdOn", "modifiedOn", "provisioningErrors", "isAttachedCompute"), READ_ONLY
            ),
        }
    ),
}
STATES = ("preparing", "running", "idle", "unusable", "leaving", "preempted")


def put_compute(tenant: Tenant, call: Call) -> Reply:
    """Create a cluster, 201 while it is provisioned, or change one, 200. Other computes are not modelled."""
    workspace = parent(tenant, call, TYPE)
    tenant.require_registered(call["subscription"], RESOURCE_TYPE.namespace)
    sent = call.json()
    kind = (sent.get("properties") or {}).get("computeType")
    if kind is not None and str(kind).lower() != "amlcompute":
        raise errors.not_modelled(f"computes of type {kind}")
    if not NAME.fullmatch(call["child"]):
        raise errors.name_invalid(call["child"], TYPE, "2-32 letters, digits and hyphens, beginning with a letter")
    body = shapes.accept(SHAPE, sent, call.api_version)
    document = _cluster(tenant, workspace, call["child"], body)
    before = _find(tenant, workspace, call["child"])
    if before is not None:
        before["doc"] = {**document, "properties": {**document["properties"], "provisioningState": "Succeeded"}}
        tenant.changed()
        return Reply(200, before["doc"])
    record = resources.store(
        tenant, document, workspace=workspace["properties"]["workspaceId"], countdown=tenant.begin("compute.create")
    )
    if tenant.over(record["countdown"]):
        resources.settle(tenant, record)
    return Reply(201, record["doc"])


def _cluster(tenant: Tenant, workspace: Json, name: str, body: Json) -> Json:
    now = tenant.timestamp()
    sent = {word: value for word, value in (body["properties"].get("properties") or {}).items() if value is not None}
    sent.pop("userAccountCredentials", None)  # a password; Azure does not show it either
    usual = {"vmPriority": "Dedicated", "osType": "Linux", "remoteLoginPortPublicAccess": "NotSpecified"}
    inner = {
        **usual,
        "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT120S"},
        "allocationState": "Steady",
        "allocationStateTransitionTime": now,
        "currentNodeCount": 0,
        "targetNodeCount": 0,
        "nodeStateCounts": {f"{state}NodeCount": 0 for state in STATES},
        "errors": None,
        "enableNodePublicIp": True,
        **sent,
    }
    location = require_location(body.get("location") or workspace["location"], TYPE)
    return {
        "id": f"{workspace['id']}/computes/{name}",
        "name": name,
        "type": TYPE,
        "location": location,
        "tags": body.get("tags") or {},
        **({"identity": body["identity"]} if body.get("identity") else {}),
        "properties": {
            "createdOn": now,
            "modifiedOn": now,
            "disableLocalAuth": body["properties"].get("disableLocalAuth") or False,
            "description": body["properties"].get("description"),
            "resourceId": None,
            "computeType": "AmlCompute",
            "computeLocation": body["properties"].get("computeLocation") or location,
            "provisioningState": "Creating",
            "provisioningErrors": None,
            "isAttachedCompute": False,
            "properties": inner,
        },
        "systemData": tenant.system_data(),
    }


def _find(tenant: Tenant, workspace: Json, name: str) -> Json | None:
    """Return a cluster's record, unless it is left of an earlier workspace of the same name."""
    record = tenant.resource(f"{workspace['id']}/computes/{name}")
    return record if record is not None and _is_of(record, workspace) else None


def _is_of(record: Json, workspace: Json) -> bool:
    return bool(record.get("workspace") == workspace["properties"]["workspaceId"])


def _existing(tenant: Tenant, call: Call) -> Json:
    record = _find(tenant, parent(tenant, call, TYPE), call["child"])
    if record is None:
        raise errors.resource_not_found(TYPE, f"{call['name']}/{call['child']}", call["group"])
    return record


def get_compute(tenant: Tenant, call: Call) -> Reply:
    """Answer one cluster."""
    record = _existing(tenant, call)
    resources.settle(tenant, record)
    return Reply(200, record["doc"])


def list_computes(tenant: Tenant, call: Call) -> Reply:
    """Answer the clusters of a workspace."""
    workspace = parent(tenant, call, TYPE)
    rows = [row["doc"] for row in tenant.resources_in(f"{workspace['id']}/computes") if _is_of(row, workspace)]
    return Reply(200, {"value": rows})


ROUTES = (
    Route("GET", RESOURCE_TYPE.path + "/computes", list_computes, TYPE, VERSIONS),
    Route("GET", RESOURCE_TYPE.path + "/computes/{child}", get_compute, TYPE, VERSIONS),
    Route("PUT", RESOURCE_TYPE.path + "/computes/{child}", put_compute, TYPE, VERSIONS),
)
