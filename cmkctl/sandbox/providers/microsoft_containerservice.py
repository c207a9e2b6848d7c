"""Kubernetes clusters: a disk encryption set is named when a cluster is created, and its nodes' disks have its key."""

import re
from typing import Any

from cmkctl.sandbox.core import errors, ids, key_loss, operations, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.latency import Duration
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.core.refusal import ours, quoted
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import NOT_MODELLED, READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_managedidentity
from cmkctl.sandbox.providers.microsoft_compute import disks, sets

COVERAGE = Area(
    "Kubernetes clusters",
    supported=(
        "PUT (201, polls, recording 97), PATCH of tags, GET, list, DELETE",
        "a disk encryption set, chosen at creation; a set whose identity may not use its key fails the creation at its end",
        "the node resource group, with a disk for each node of a pool with managed disks",
    ),
    differs=("the cluster's identity needs no role on the set; in Azure it needs Reader",),
    not_modelled=("Kubernetes itself, credentials, node pools apart from a cluster, upgrades, networks, etcd's key",),
    guesses=("the code of a set that does not exist", "names of the disks of nodes"),
)
VERSIONS = ("2022-07-01", "2024-05-01", "2025-05-01", "2026-04-01", "2026-05-01", "2026-06-01")
CREATE = "aks.create"
UPDATE = "aks.update"
DELETE = "aks.delete"
KUBERNETES = "1.33.3"

cluster_property_fixed = errors.ErrorRow(
    400,
    "PropertyChangeNotAllowed",
    quoted("Azure/azure-cli#24764, for another property"),
    "Changing property '{property}' is not allowed.",
    target="{property}",
)
cluster_set_missing = errors.ErrorRow(
    400,
    "BadRequest",
    ours("that it is refused is documented; its wording is not"),
    "The disk encryption set '{set}' does not exist.",
)
node_pool_failed = errors.ErrorRow(
    400,
    "CreateVMSSAgentPoolFailed",
    quoted("MicrosoftDocs/azure-docs#96319"),
    "Code=\"KeyVaultAccessForbidden\" Message=\"{message}  Target: 'VM: '{machine}', disk: 'OSDisk''.\"",
)

POOL = {
    "name": Required(str),
    "count": int,
    "vmSize": str,
    "osDiskSizeGB": int,
    "osDiskType": ("Managed", "Ephemeral"),
    **dict.fromkeys(("kubeletDiskType", "workloadRuntime", "messageOfTheDay", "vnetSubnetID", "podSubnetID"), str),
    **dict.fromkeys(("osType", "osSKU", "type", "mode", "orchestratorVersion", "scaleDownMode"), str),
    **dict.fromkeys(("scaleSetPriority", "scaleSetEvictionPolicy", "podIPAllocationMode", "gpuInstanceProfile"), str),
    **dict.fromkeys(
        ("proximityPlacementGroupID", "capacityReservationGroupID", "hostGroupID", "nodePublicIPPrefixID"), str
    ),
    **dict.fromkeys(("maxPods", "maxCount", "minCount"), int),
    "spotMaxPrice": float,
    **dict.fromkeys(("enableAutoScaling", "enableNodePublicIP", "enableUltraSSD", "enableFIPS"), bool),
    "enableEncryptionAtHost": bool,
    **dict.fromkeys(("availabilityZones", "nodeTaints", "nodeInitializationTaints"), list),
    **dict.fromkeys(
        ("upgradeSettings", "tags", "nodeLabels", "kubeletConfig", "linuxOSConfig", "networkProfile"), dict
    ),
    **dict.fromkeys(("windowsProfile", "securityProfile", "gpuProfile", "gatewayProfile", "creationData"), dict),
    **dict.fromkeys(("virtualMachinesProfile", "powerState", "status", "localDNSProfile"), dict),
    **dict.fromkeys(("eTag", "provisioningState", "currentOrchestratorVersion", "nodeImageVersion"), READ_ONLY),
}
CLUSTER = resources.ResourceType(
    type="Microsoft.ContainerService/managedClusters",
    versions=VERSIONS,
    shape={
        **shapes.TOP,
        "eTag": READ_ONLY,
        "location": str,
        "tags": shapes.TAGS,
        "kind": str,
        "sku": {"name": str, "tier": str},
        "extendedLocation": NOT_MODELLED,
        "identity": {
            "type": Required(("SystemAssigned", "UserAssigned", "None")),
            "userAssignedIdentities": shapes.MapOf(dict),
            "delegatedResources": NOT_MODELLED,
            "principalId": READ_ONLY,
            "tenantId": READ_ONLY,
        },
        "properties": Required(
            {
                "agentPoolProfiles": [POOL],
                "diskEncryptionSetID": str,
                **dict.fromkeys(
                    ("kubernetesVersion", "dnsPrefix", "fqdnSubdomain", "nodeResourceGroup", "supportPlan"), str
                ),
                "publicNetworkAccess": str,
                **dict.fromkeys(("enableRBAC", "disableLocalAccounts"), bool),
                **dict.fromkeys(
                    ("linuxProfile", "windowsProfile", "servicePrincipalProfile", "addonProfiles", "networkProfile"),
                    dict,
                ),
                **dict.fromkeys(
                    ("oidcIssuerProfile", "nodeResourceGroupProfile", "aadProfile", "autoUpgradeProfile"), dict
                ),
                **dict.fromkeys(
                    ("upgradeSettings", "autoScalerProfile", "apiServerAccessProfile", "identityProfile"), dict
                ),
                **dict.fromkeys(("httpProxyConfig", "securityProfile", "storageProfile", "ingressProfile"), dict),
                **dict.fromkeys(("workloadAutoScalerProfile", "azureMonitorProfile", "serviceMeshProfile"), dict),
                **dict.fromkeys(("metricsProfile", "nodeProvisioningProfile", "bootstrapProfile"), dict),
                **dict.fromkeys(("aiToolchainOperatorProfile", "hostedSystemProfile", "schedulerProfile"), dict),
                **dict.fromkeys(("podIdentityProfile", "privateLinkResources"), NOT_MODELLED),
                **dict.fromkeys(
                    (
                        "provisioningState",
                        "powerState",
                        "maxAgentPools",
                        "currentKubernetesVersion",
                        "fqdn",
                        "privateFQDN",
                    ),
                    READ_ONLY,
                ),
                **dict.fromkeys(("azurePortalFQDN", "resourceUID", "status"), READ_ONLY),
            }
        ),
    },
    name=re.compile(r"[A-Za-z0-9](?:[\w-]{0,61}[A-Za-z0-9])?"),
    name_rule="1-63 letters, digits, _ and -, beginning and ending with a letter or digit",
    group_word="resourcegroups",  # as the service writes its own ids (recording 97)
)
CLUSTERS = resources.Resources(CLUSTER)


def put_cluster(tenant: Tenant, call: Call) -> Reply:
    """Create a cluster, 201, or update one, 200."""
    write = resources.begin_write(tenant, call, CLUSTER)
    # az sends empty texts for what the service is to choose.
    sent = {name: value for name, value in write.body["properties"].items() if value not in (None, "")}
    before = write.existing["doc"] if write.existing else None
    named = sent.get("diskEncryptionSetID") or ""
    if before is not None and ids.key(named or "/") != ids.key(before["properties"].get("diskEncryptionSetID") or "/"):
        raise cluster_property_fixed("properties.diskEncryptionSetID")
    failure = _failure(tenant, call, named, write.name) if before is None and named else None
    identity = write.body.get("identity") or {}
    document = before or _new(write.id, write.name, write.location)
    document = {**document, "properties": {**document["properties"], **sent, "provisioningState": "Creating"}}
    document |= {name: write.body[name] for name in ("tags", "sku") if write.body.get(name)}
    if identity.get("type"):
        document["identity"] = microsoft_managedidentity.with_principal(
            tenant, write.id, identity, (before or {}).get("identity")
        )
    _complete(document)
    if before is not None:
        document["properties"]["provisioningState"] = "Updating"
    resources.store(tenant, document)
    name = operations.start(tenant, CREATE if before is None else UPDATE, write.id, failure=failure)
    operations.settle(tenant)
    return Reply(201 if before is None else 200, document, _links(call, name, write.location))


def _new(identifier: str, name: str, location: str) -> Json:
    group = identifier.split("/")[4]
    prefix = ids.hex_name(identifier, length=8)
    host = f"{name}-{prefix}.hcp.{location}.azmk8s.io"
    return {
        "id": identifier,
        "location": location,
        "name": name,
        "type": "Microsoft.ContainerService/ManagedClusters",
        "properties": {
            "powerState": {"code": "Running"},
            "kubernetesVersion": KUBERNETES,
            "fqdn": host,
            "azurePortalFQDN": host.replace(".hcp.", ".portal.hcp."),
            "nodeResourceGroup": f"MC_{group}_{name}_{location}",
            "enableRBAC": True,
            "maxAgentPools": 100,
            "securityProfile": {},
        },
        "sku": {"name": "Base", "tier": "Free"},
    }


def _complete(document: Json) -> None:
    """Add what the service chooses (recording 97)."""
    properties = document["properties"]
    properties["currentKubernetesVersion"] = properties["kubernetesVersion"]
    chosen = {
        "count": 1,
        "osDiskType": "Managed",
        "osType": "Linux",
        "mode": "System",
        "type": "VirtualMachineScaleSets",
    }
    properties["agentPoolProfiles"] = [
        {
            **chosen,
            "type": "VirtualMachineScaleSets",
            "orchestratorVersion": properties["kubernetesVersion"],
            "powerState": {"code": "Running"},
            **{name: value for name, value in pool.items() if value not in (None, "")},
            "provisioningState": "Succeeded",
        }
        for pool in properties.get("agentPoolProfiles") or []
    ]


def _failure(tenant: Tenant, call: Call, named: str, name: str) -> Json | None:
    """Return the error with which the creation of a cluster ends whose set cannot use its key; None where it can."""
    record = tenant.resource(named)
    if record is None or record["doc"]["type"] != sets.RESOURCE_TYPE.type:
        raise cluster_set_missing(named)
    lost = key_loss.lost(tenant, call.cloud, record)
    try:
        sets.require_grant(tenant, record["doc"])
    except errors.AzureError as refusal:
        return node_pool_failed(refusal.message, f"aks-{name}-vmss_0").error()
    return node_pool_failed(disks.disk_key_lost(named).message, f"aks-{name}-vmss_0").error() if lost else None


@operations.finisher(CREATE)
@operations.finisher(UPDATE)
def finish(tenant: Tenant, operation: Json) -> None:
    """End a write. A new cluster has a node resource group with a disk for each node."""
    record = tenant.resource(operation["target"])
    if record is None:
        return
    document = record["doc"]
    document["properties"]["provisioningState"] = "Failed" if operation["failure"] else "Succeeded"
    if not operation["failure"]:
        make_nodes(tenant, document)


def make_nodes(tenant: Tenant, document: Json) -> None:
    """Make the node resource group of a cluster, with the disks that do not exist yet."""
    subscription, properties = ids.subscription_of(document["id"]), document["properties"]
    name = properties["nodeResourceGroup"]
    group_id = f"/subscriptions/{subscription}/resourceGroups/{name}"
    group = {
        "id": group_id,
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": document["location"],
        "managedBy": document["id"],
        "properties": {"provisioningState": "Succeeded"},
    }
    tenant.table("groups").setdefault(ids.key(group_id), {"doc": group})
    for pool in properties["agentPoolProfiles"]:
        if pool["osDiskType"].lower() != "managed":
            continue
        for number in range(pool["count"]):
            disk = f"aks-{pool['name']}-vmss_{number}_OsDisk_1"
            identifier = f"{group_id}/providers/{disks.DISK.type}/{disk}"
            if tenant.resource(identifier) is None:
                made = disks.new_disk(tenant, identifier, disk, document["location"])
                if named := properties.get("diskEncryptionSetID"):
                    made["properties"]["encryption"] = {"type": disks.CUSTOMER[0], "diskEncryptionSetId": named}
                made["properties"] |= {"osType": pool["osType"], "diskState": "Attached"}
                resources.store(tenant, made)


@operations.finisher(DELETE)
def finish_delete(tenant: Tenant, operation: Json) -> None:
    """Take a cluster, its identity and its node resource group away."""
    record = tenant.table("resources").pop(ids.key(operation["target"]), None)
    if record is None:
        return
    document = record["doc"]
    resources.end_identity(tenant, document)
    head = f"/subscriptions/{ids.subscription_of(document['id'])}"
    group = f"{head}/resourceGroups/{document['properties']['nodeResourceGroup']}"
    for each in list(tenant.resources_in(group)):
        tenant.table("resources").pop(ids.key(each["doc"]["id"]), None)
    tenant.table("groups").pop(ids.key(group), None)


def _links(call: Call, name: str, location: str) -> dict[str, str]:
    head = f"/subscriptions/{call['subscription']}/providers/Microsoft.ContainerService/locations/{location}"
    return {
        "Azure-AsyncOperation": operations.link(call, f"{head}/operations/{name}", name),
        "Location": operations.link(call, f"{head}/operationresults/{name}", name),
    }


def poll(tenant: Tenant, call: Call) -> Reply:
    """Answer an operation (recording 97) or, at its Location once it is over, the cluster, if there still is one."""
    operations.require_verbatim(call, call["operation"])
    operation = operations.poll(tenant, call["operation"])
    if "/operationresults/" in call.path.lower():
        record = tenant.resource(operation["target"])
        if not operation["finished"]:
            return Reply(202)
        return Reply(204) if record is None else Reply(200, record["doc"])
    head: Json = {"name": call["operation"], "status": "InProgress", "startTime": operation["created"]}
    if not operation["finished"]:
        return Reply(200, head)
    if operation["failure"]:
        return Reply(200, {**head, "status": "Failed", "endTime": operation["ended"], "error": operation["failure"]})
    return Reply(200, {**head, "status": "Succeeded", "endTime": operation["ended"]})


def patch_cluster(tenant: Tenant, call: Call) -> Reply:
    """Update the tags, 200. PATCH has no other member."""
    record = resources.existing(tenant, call, CLUSTER)
    body = shapes.accept({"tags": shapes.TAGS}, call.json(), call.api_version, partial=True)
    if body.get("tags") is not None:
        record["doc"]["tags"] = body["tags"]
    tenant.changed()
    return Reply(200, record["doc"])


def delete_cluster(tenant: Tenant, call: Call) -> Reply:
    """Begin to delete a cluster: 202; 204 when it is not there."""
    record = tenant.resource(resources.address(tenant, call, CLUSTER))
    if record is None:
        return Reply(204)
    name = operations.start(tenant, DELETE, record["doc"]["id"])
    operations.settle(tenant)
    return Reply(202, headers=_links(call, name, record["doc"]["location"]))


def add_kubernetes_cluster(
    state: Arrangement,
    name: str,
    group: str = "rg",
    location: str = LOCATION,
    encryption_set: str = "",
    **properties: Any,
) -> str:
    """Add a cluster of one node, with Microsoft's key unless the id of a set is given; return its id."""
    group_id = state.add_resource_group(group, location)
    state.register_provider("Microsoft.ContainerService")
    identifier = f"{group_id.replace('resourceGroups', 'resourcegroups')}/providers/{CLUSTER.type}/{name}"
    with state.arranging():
        document = _new(identifier, name, location)
        more: Json = {"diskEncryptionSetID": encryption_set} if encryption_set else {}
        pools = [{"name": "system"}]
        document["properties"].update(
            {"provisioningState": "Succeeded", "agentPoolProfiles": pools, **more, **properties}
        )
        _complete(document)
        resources.store(state.tenant, document)
        make_nodes(state.tenant, document)
    return identifier


_LOCATION = "/subscriptions/{subscription}/providers/Microsoft.ContainerService/locations/{location}"
ROUTES = (
    *CLUSTERS.routes(put_cluster, patch_cluster, delete_cluster),
    Route("GET", f"{_LOCATION}/operations/{{operation}}", poll),
    Route("GET", f"{_LOCATION}/operationresults/{{operation}}", poll),
)

PROVIDER = Provider(
    namespace="Microsoft.ContainerService",
    coverage=(COVERAGE,),
    routes=ROUTES,
    durations=(
        Duration(CREATE, 379, "recording 97: 6 minutes and 19 seconds by the operation's own times"),
        Duration(UPDATE, 60, "not recorded"),
        Duration(DELETE, 120, "not recorded"),
    ),
    arrange=(add_kubernetes_cluster,),
)
