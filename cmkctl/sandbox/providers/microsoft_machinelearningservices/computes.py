"""Computes of a workspace: clusters, compute instances, attached machines. They can be read; no node ever runs."""

import re
from typing import Any

from cmkctl.sandbox.core import errors, operations, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.regions import require_location
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_machinelearningservices import children
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import RESOURCE_TYPE, VERSIONS

COVERAGE = Area(
    "Azure ML workspaces",
    supported=(
        "compute clusters and instances, attached AKS, Databricks, Kubernetes, VirtualMachine: PUT, GET, list, DELETE",
    ),
    differs=(
        "no node ever runs",
        "an attached resource need not exist, and a virtual machine has no address",
    ),
    not_modelled=("PATCH of a compute, its start, stop and nodes; other kinds of compute",),
    guesses=(
        "a compute instance is `Running` when it is made (recorded are a cluster's and a machine's form only)",
        "secrets of attached resources, such as the key of a certificate, are not shown",
    ),
)

TYPE = f"{RESOURCE_TYPE.type}/computes"
NAME = re.compile(r"[a-zA-Z](?:[a-zA-Z0-9-]{0,30}[a-zA-Z0-9])")
KINDS: dict[str, Any] = {
    "AmlCompute": {
        "vmSize": Required(str),
        "vmPriority": ("Dedicated", "LowPriority"),
        "osType": ("Linux", "Windows"),
        "scaleSettings": {"minNodeCount": int, "maxNodeCount": Required(int), "nodeIdleTimeBeforeScaleDown": str},
        "userAccountCredentials": dict,
        "subnet": dict,
        "remoteLoginPortPublicAccess": ("Enabled", "Disabled", "NotSpecified"),
        "isolatedNetwork": bool,
        "enableNodePublicIp": bool,
        "virtualMachineImage": dict,
        "propertyBag": dict,
        **dict.fromkeys(
            (
                "allocationState", "allocationStateTransitionTime", "currentNodeCount", "targetNodeCount",
                "nodeStateCounts", "errors",
            ),
            READ_ONLY,
        ),
    },
    "ComputeInstance": {
        "vmSize": Required(str),
        "subnet": dict,
        "applicationSharingPolicy": ("Personal", "Shared"),
        "sshSettings": dict,
        "computeInstanceAuthorizationType": ("personal",),
        "personalComputeInstanceSettings": dict,
        "setupScripts": dict,
        "schedules": dict,
        "customServices": [dict],
        "idleTimeBeforeShutdown": str,
        "enableNodePublicIp": bool,
        "enableOSPatching": bool,
        "enableRootAccess": bool,
        "enableSSO": bool,
        "releaseQuotaOnStop": bool,
        **dict.fromkeys(
            (
                "applications", "connectivityEndpoints", "containers", "createdBy", "dataDisks", "dataMounts", "errors",
                "lastOperation", "osImageMetadata", "state", "versions",
            ),
            READ_ONLY,
        ),
    },
    "VirtualMachine": {
        "virtualMachineSize": str,
        "sshPort": int,
        "notebookServerPort": int,
        "address": str,
        "administratorAccount": dict,
        "isNotebookInstanceCompute": bool,
        **dict.fromkeys(("ipAddress", "imageVersion", "applicationUris", "createdBy"), READ_ONLY),
    },
    "AKS": {
        "clusterFqdn": str,
        "agentCount": int,
        "agentVmSize": str,
        "clusterPurpose": ("FastProd", "DenseProd", "DevTest"),
        "sslConfiguration": {
            "status": ("Disabled", "Enabled", "Auto"),
            "cert": shapes.IGNORED,
            "key": shapes.IGNORED,
            "cname": str,
            "leafDomainLabel": str,
            "overwriteExistingDomain": bool,
        },
        "aksNetworkingConfiguration": dict,
        "loadBalancerType": ("PublicIp", "InternalLoadBalancer"),
        "loadBalancerSubnet": str,
        "systemServices": READ_ONLY,
    },
    "Databricks": {"databricksAccessToken": shapes.IGNORED, "workspaceUrl": str},
    "Kubernetes": {
        "relayConnectionString": shapes.IGNORED,
        "serviceBusConnectionString": shapes.IGNORED,
        "extensionPrincipalId": str,
        "extensionInstanceReleaseTrain": str,
        "vcName": str,
        "namespace": str,
        "defaultInstanceType": str,
        "instanceTypes": dict,
    },
}  # fmt: skip
"""The inner properties of each kind of compute (published types 2024-04-01 and 2025-06-01)."""

SHAPE = {
    **shapes.TOP,
    "location": str,
    "tags": shapes.TAGS,
    "sku": dict,
    "identity": dict,
    "properties": Required(
        {
            "computeType": Required(str),
            "computeLocation": str,
            "description": str,
            "disableLocalAuth": bool,
            "resourceId": str,
            "properties": dict,
            **dict.fromkeys(
                (
                    "provisioningState", "createdOn", "modifiedOn", "provisioningErrors", "provisioningWarnings",
                    "isAttachedCompute",
                ),
                READ_ONLY,
            ),
        }
    ),
}  # fmt: skip
ATTACHED = ("AKS", "Databricks", "Kubernetes", "VirtualMachine")
"""The kinds of compute that are another resource."""

STATES = ("preparing", "running", "idle", "unusable", "leaving", "preempted")
PASSWORDS = ("userAccountCredentials", "administratorAccount")
CREATE = "compute.create"
DELETE = "compute.delete"


def put_compute(tenant: Tenant, call: Call) -> Reply:
    """Create a compute, 201 while it is provisioned, or change one, 200. Other kinds of compute are not modelled."""
    workspace = children.parent(tenant, call, TYPE)
    tenant.require_registered(call["subscription"], RESOURCE_TYPE.namespace)
    sent = call.json()
    if not NAME.fullmatch(call["child"]):
        raise errors.name_invalid(call["child"], TYPE, "2-32 letters, digits and hyphens, beginning with a letter")
    body = shapes.accept(SHAPE, sent, call.api_version)
    requested = body["properties"]["computeType"]
    kind = next((word for word in KINDS if word.lower() == requested.lower()), None)
    if kind is None:
        raise errors.not_modelled(f"computes of type {requested}")
    inner = {"properties": {"properties": body["properties"].get("properties") or {}}}
    if kind in ATTACHED and not body["properties"].get("resourceId"):
        raise errors.property_refused("properties.resourceId", "is required for a compute that is attached")
    accepted = shapes.accept({"properties": {"properties": KINDS[kind]}}, inner, call.api_version)
    body["properties"]["properties"] = accepted["properties"]["properties"]
    before = children.find(tenant, workspace, TYPE, call["child"])
    document = _document(tenant, workspace, call["child"], kind, body)
    if before is not None:
        kept = {name: before["doc"]["properties"][name] for name in ("createdOn", "provisioningState")}
        document["properties"] |= kept
        before["doc"] = document
        tenant.changed()
        return Reply(200, before["doc"])
    children.store(tenant, workspace, document)
    name = operations.start(tenant, CREATE, document["id"])
    operations.settle(tenant)
    return Reply(201, document, {"Azure-AsyncOperation": _link(call, name, document["location"])})


def _link(call: Call, name: str, location: str) -> str:
    path = (
        f"/subscriptions/{call['subscription']}/providers/Microsoft.MachineLearningServices/locations/{location}"
        f"/computeOperationsStatus/{name}"
    )
    return operations.link(call, path, name, service="new")


def _document(tenant: Tenant, workspace: Json, name: str, kind: str, body: Json) -> Json:
    now = tenant.timestamp()
    sent = {word: value for word, value in body["properties"]["properties"].items() if value is not None}
    for word in PASSWORDS:  # Azure does not show them either
        sent.pop(word, None)
    location = require_location(body.get("location") or workspace["location"], TYPE)
    return {
        "id": f"{workspace['id']}/computes/{name}",
        "name": name,
        "type": TYPE,
        "location": location,
        "tags": body.get("tags"),
        **({"identity": body["identity"]} if body.get("identity") else {}),
        "properties": {
            "createdOn": now,
            "modifiedOn": now,
            "disableLocalAuth": body["properties"].get("disableLocalAuth") or False,
            "description": body["properties"].get("description"),
            "resourceId": body["properties"].get("resourceId"),
            "computeType": kind,
            "computeLocation": body["properties"].get("computeLocation") or location,
            "provisioningState": "Creating",
            "provisioningErrors": None,
            "provisioningWarnings": None,
            "isAttachedCompute": kind in ATTACHED,
            "properties": {**_usual(tenant, kind, now), **sent},
        },
    }


def _usual(tenant: Tenant, kind: str, now: str) -> Json:
    """Return what the service adds to a compute of a kind."""
    if kind == "AmlCompute":
        return {
            "vmPriority": "Dedicated",
            "osType": "Linux",
            "remoteLoginPortPublicAccess": "NotSpecified",
            "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT120S"},
            "allocationState": "Steady",
            "allocationStateTransitionTime": now,
            "currentNodeCount": 0,
            "targetNodeCount": 0,
            "nodeStateCounts": {f"{state}NodeCount": 0 for state in STATES},
            "errors": None,
            "enableNodePublicIp": True,
        }
    if kind == "ComputeInstance":
        by = tenant.system_data()["createdBy"]
        return {
            "applicationSharingPolicy": "Shared",
            "computeInstanceAuthorizationType": "personal",
            "enableNodePublicIp": True,
            "state": "Running",
            "applications": [],
            "createdBy": {"userName": None, "userOrgId": tenant.tenant_id, "userId": by},
            "errors": [],
            "lastOperation": {"operationName": "Create", "operationTime": now, "operationStatus": "Succeeded"},
        }
    if kind != "VirtualMachine":
        return {}
    empty = ("notebookServerPort", "address", "ipAddress", "administratorAccount", "imageVersion", "applicationUris")
    return {"virtualMachineSize": None, **dict.fromkeys(empty), "createdBy": None}


operations.finisher(CREATE)(children.finish_create)


def get_compute(tenant: Tenant, call: Call) -> Reply:
    """Answer one compute."""
    record = children.existing(tenant, call, TYPE)
    operations.look(tenant, record["doc"]["id"])
    return Reply(200, children.existing(tenant, call, TYPE)["doc"])


def list_computes(tenant: Tenant, call: Call) -> Reply:
    """Answer the computes of a workspace."""
    return Reply(200, {"value": children.listing(tenant, call, TYPE)})


def delete_compute(tenant: Tenant, call: Call) -> Reply:
    """Delete or detach a compute, as `underlyingResourceAction` requests: 202 with both links; 404 when it is not there."""
    workspace = children.parent(tenant, call, TYPE, "delete")
    action = call.query.get("underlyingresourceaction", "")
    if action.lower() not in {"delete", "detach"}:
        raise errors.compute_action_missing()
    record = children.find(tenant, workspace, TYPE, call["child"])
    if record is None:
        raise children.missing(call, TYPE)
    record["doc"]["properties"]["provisioningState"] = "Deleting"
    name = operations.start(tenant, DELETE, record["doc"]["id"])
    operations.settle(tenant)
    link = _link(call, name, record["doc"]["location"])
    return Reply(202, headers={"Azure-AsyncOperation": link, "Location": link})


operations.finisher(DELETE)(children.finish_delete)


def poll(tenant: Tenant, call: Call) -> Reply:
    """Answer how far the creation or deletion of a compute is."""
    operations.require_verbatim(call, call["operation"])
    operation = operations.poll(tenant, call["operation"])
    return Reply(
        200, {"status": "Succeeded", "percentComplete": 100.0} if operation["finished"] else {"status": "InProgress"}
    )


_ONE = RESOURCE_TYPE.path + "/computes/{child}"
_STATUS = (
    "/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/{location}"
    "/computeOperationsStatus/{operation}"
)
ROUTES = (
    Route("GET", RESOURCE_TYPE.path + "/computes", list_computes, TYPE, VERSIONS),
    Route("GET", _ONE, get_compute, TYPE, VERSIONS),
    Route("PUT", _ONE, put_compute, TYPE, VERSIONS),
    Route("DELETE", _ONE, delete_compute, TYPE, VERSIONS),
    RESOURCE_TYPE.route("GET", _STATUS, poll),
)
