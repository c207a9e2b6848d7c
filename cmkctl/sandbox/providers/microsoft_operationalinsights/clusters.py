"""Dedicated Log Analytics clusters: 202 while one is made or its key changes (recording 57), 200 for every other update."""

import re
from email.utils import formatdate, parsedate_to_datetime
from typing import Any

from cmkctl.sandbox.core import customer_keys, errors, ids, operations, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.refusal import documented, ours
from cmkctl.sandbox.core.regions import normal
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_managedidentity

COVERAGE = Area(
    "Log Analytics clusters",
    supported=(
        "PUT (202, polls; 200 when no key changes), PATCH, GET, list, DELETE (recording 57 and documentation)",
        "customer-managed keys: the cluster's one identity is evaluated on the key, which lies in the cluster's region",
        "refused: identity and key in one update, an update during another one, a lower commitment within 31 days",
        "refused: a change of double encryption, a sixth cluster in a region, the name of a cluster deleted within 14 days",
    ),
    not_modelled=("replication of clusters; queries and ingestion, so that the loss of a key shows nowhere",),
    guesses=(
        "PATCH answers as the recorded PUT does: 202 for a change of the key, else 200",
        "a PUT or PATCH without a property keeps what the cluster has; the list of workspaces may be sent back unchanged",
    ),
)
RESERVED = "reserved_clusters"
"""The names of deleted clusters, by id, with the time of the deletion."""

RESERVED_SECONDS = 14 * 86400
LOCKED_SECONDS = 31 * 86400
ACTIVE = 5
"""The most clusters of a subscription in a region (documented)."""

TIERS = (100, 200, 300, 400, 500, 1000, 2000, 5000, 10000, 25000, 50000)
"""The commitment tiers in GB a day (documented)."""

POLL_VERSION = "2015-11-01-preview"
"""The api-version of operations (recording 57)."""

_PAGE = "logs-dedicated-clusters"
cluster_busy = errors.ErrorRow(
    400,
    "BadRequest",
    documented(_PAGE),
    "Operation can't be executed now. Async operation is in a state other than succeeded. Cluster must complete its operation "
    "before any update operation is performed.",
)
cluster_without_tier = errors.ErrorRow(
    400,
    "BadRequest",
    documented(_PAGE),
    "No SKU was set. Set the SKU name to capacityReservation and Capacity value to 100, 200, 300, 400, 500, 1,000, 2,000, 5,000, "
    "10,000, 25,000, or 50,000 GB per day.",
)
cluster_tier_locked = errors.ErrorRow(
    400,
    "BadRequest",
    documented(_PAGE),
    "Capacity is locked for 30 days. Decreasing capacity is permitted 30 days after update.",
)
cluster_key_format = errors.ErrorRow(
    400, "BadRequest", documented(_PAGE), "KeyVaultProperties isn't empty but has a bad format."
)
cluster_key_refused = errors.ErrorRow(
    400,
    "BadRequest",
    documented(_PAGE),
    "Failed to validate key in Key Vault. This error can occur due to lack of permissions or when the key doesn't exist.",
)
cluster_in_creation = errors.ErrorRow(
    409,
    "Conflict",
    documented(_PAGE),
    "Can't delete a cluster while in provisioning state. Wait for the async operation to complete and try again.",
)
cluster_two_changes = errors.ErrorRow(
    400,
    "BadRequest",
    ours("that identity and key change in two updates is documented"),
    "The identity and the key of the cluster '{name}' cannot change in the same update.",
)
cluster_fixed = errors.ErrorRow(
    400,
    "BadRequest",
    ours("that the property cannot change is documented"),
    "The property '{name}' of a cluster cannot change after its creation.",
)
cluster_one_identity = errors.ErrorRow(
    400,
    "BadRequest",
    ours("that a cluster has one identity is documented"),
    "A cluster has a single identity, and the cluster '{name}' would have several.",
)
cluster_elsewhere = errors.ErrorRow(
    400,
    "BadRequest",
    ours("that vault and cluster are in one region is documented"),
    "The key vault is in '{vault}' and the cluster in '{cluster}': they must be in the same region.",
)
cluster_name_reserved = errors.ErrorRow(
    409,
    "Conflict",
    ours("that the name is reserved for two weeks is documented"),
    "A cluster named '{name}' was deleted, and its name is reserved.",
)
clusters_too_many = errors.ErrorRow(
    400,
    "BadRequest",
    ours("the limit is documented"),
    "The region '{location}' has {count} clusters of this subscription already.",
)
cluster_workspaces_read_only = errors.ErrorRow(
    400, "BadRequest", ours("azurerm works around it"), "The property 'associatedWorkspaces' is read-only."
)

KEY = ("keyVaultUri", "keyName", "keyVersion")
IDENTITY = {
    "type": shapes.Required(("None", "SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned")),
    "userAssignedIdentities": shapes.MapOf(dict),
    "principalId": READ_ONLY,
    "tenantId": READ_ONLY,
}
RESOURCE_TYPE = resources.ResourceType(
    type="Microsoft.OperationalInsights/clusters",
    versions=("2020-08-01", "2021-06-01", "2022-10-01", "2023-09-01", "2025-02-01", "2025-07-01"),
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        "identity": IDENTITY,
        "sku": {"name": ("CapacityReservation",), "capacity": int},
        "properties": {
            "isDoubleEncryptionEnabled": bool,
            "isAvailabilityZonesEnabled": bool,
            "billingType": ("Cluster", "Workspaces"),
            "keyVaultProperties": {**dict.fromkeys(KEY, str), "keyRsaSize": int},
            "capacityReservationProperties": {"lastSkuUpdate": READ_ONLY, "minCapacity": READ_ONLY},
            "associatedWorkspaces": list,
            "replication": shapes.NOT_MODELLED,
            **dict.fromkeys(("clusterId", "provisioningState", "lastModifiedDate", "createdDate"), READ_ONLY),
        },
    },
    name=re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]"),
    name_rule="4-63 letters, digits and hyphens, not at the ends",
)
CLUSTERS = resources.Resources(RESOURCE_TYPE)


def put_cluster(tenant: Tenant, call: Call) -> Reply:
    """Create a cluster, 202, or update one."""
    write = resources.begin_write(tenant, call, RESOURCE_TYPE)
    if write.existing is not None:
        listed = _sent(write.body).get("associatedWorkspaces")
        if listed and listed != write.existing["doc"]["properties"]["associatedWorkspaces"]:
            raise cluster_workspaces_read_only()
        return _update(tenant, call, write.existing, write.body)
    _check_place(tenant, call["subscription"], write.location, write.id)
    sku = write.body.get("sku") or {}
    if sku.get("capacity") not in TIERS:
        raise cluster_without_tier()
    document = _new(tenant, write.id, write.name, write.location, sku["capacity"])
    document["tags"] = write.body.get("tags") or {}
    _set_identity(tenant, document, write.body, partial=False)
    properties = _sent(write.body)
    properties.pop("associatedWorkspaces", None)
    key = properties.pop("keyVaultProperties", None)
    document["properties"] |= {**properties, "provisioningState": "ProvisioningAccount"}
    if key is not None:
        _set_key(tenant, document, key)
    return _start(tenant, call, "cluster.create", resources.store(tenant, document))


def _check_place(tenant: Tenant, subscription: str, location: str, identifier: str) -> None:
    deleted = tenant.table(RESERVED).get(ids.key(identifier))
    if deleted is not None and deleted["at"] > tenant.clock() - RESERVED_SECONDS:
        raise cluster_name_reserved(identifier.rpartition("/")[2])
    there = [
        each
        for each in tenant.resources_in(f"/subscriptions/{subscription}")
        if each["doc"]["type"] == RESOURCE_TYPE.type and normal(each["doc"]["location"]) == normal(location)
    ]
    if len(there) >= ACTIVE:
        raise clusters_too_many(location, len(there))


def _new(tenant: Tenant, identifier: str, name: str, location: str, capacity: int) -> Json:
    """Return the document of a new cluster (recording 57)."""
    now = formatdate(tenant.clock(), usegmt=True)
    return {
        "sku": {"name": "CapacityReservation", "capacity": capacity},
        "properties": {
            "provisioningState": "Succeeded",
            "clusterId": ids.guid("cluster", identifier, tenant.serial()),
            "billingType": "Cluster",
            "lastModifiedDate": now,
            "createdDate": now,
            "isDoubleEncryptionEnabled": True,
            "isAvailabilityZonesEnabled": False,
            "capacityReservationProperties": {"lastSkuUpdate": now, "minCapacity": TIERS[0]},
            "associatedWorkspaces": [],
        },
        "location": location,
        "tags": {},
        "id": identifier,
        "name": name,
        "type": RESOURCE_TYPE.type,
    }


def _sent(body: Json) -> Json:
    return {name: value for name, value in (body.get("properties") or {}).items() if value is not None}


def _set_identity(tenant: Tenant, document: Json, body: Json, *, partial: bool) -> bool:
    """Give a cluster the identity of a body; return whether that changes it."""
    sent, before = body.get("identity") or {}, document.get("identity")
    if not sent.get("type"):
        return False
    shown = microsoft_managedidentity.shown_identity(tenant, document["id"], sent, before, partial=partial)
    if sorted(shown) == sorted(before or {}) and shown == before:
        return False
    if "," in sent["type"] or len(shown.get("userAssignedIdentities") or {}) > 1:
        raise cluster_one_identity(document["name"])
    document["identity"] = microsoft_managedidentity.with_principal(
        tenant, document["id"], sent, before, partial=partial
    )
    return True


def _key_of(properties: Json) -> tuple[str, ...]:
    key = properties.get("keyVaultProperties") or {}
    return tuple(str(key.get(each) or "").rstrip("/").lower() for each in KEY)


def _set_key(tenant: Tenant, document: Json, sent: Json) -> bool:
    """Give a cluster a key that its identity may use; return whether that changes it. Empty texts take the key away."""
    properties = document["properties"]
    wanted = {each: sent.get(each) or "" for each in KEY} | {
        name: each for name, each in sent.items() if name not in KEY
    }
    if _key_of({"keyVaultProperties": wanted}) == _key_of(properties):
        return False
    if bool(wanted["keyVaultUri"]) != bool(wanted["keyName"]):
        raise cluster_key_format()
    if wanted["keyName"]:
        identity = document.get("identity") or {}
        users = [*(identity.get("userAssignedIdentities") or {})]
        reader = customer_keys.reader_of(tenant, identity, users[0] if users else None)
        try:
            key = customer_keys.require_usable(
                tenant, wanted["keyVaultUri"], wanted["keyName"], wanted["keyVersion"], reader
            )
        except errors.AzureError as refusal:
            raise (cluster_key_refused() if refusal.row is customer_keys.key_forbidden else refusal) from refusal
        vault = tenant.resource(key["doc"]["id"].rpartition("/keys/")[0])
        if vault is not None and normal(vault["doc"]["location"]) != normal(document["location"]):
            raise cluster_elsewhere(vault["doc"]["location"], document["location"])
    properties["keyVaultProperties"] = wanted
    return True


def patch_cluster(tenant: Tenant, call: Call) -> Reply:
    """Update a cluster."""
    record = resources.existing(tenant, call, RESOURCE_TYPE)
    body = shapes.accept(RESOURCE_TYPE.shape, call.json(), call.api_version, partial=True)
    return _update(tenant, call, record, body, partial=True)


def _update(tenant: Tenant, call: Call, record: Json, body: Json, *, partial: bool = False) -> Reply:
    operations.look(tenant, record["doc"]["id"])
    before = record["doc"]
    if before["properties"]["provisioningState"] != "Succeeded":
        raise cluster_busy()
    document = {**before, "properties": {**before["properties"]}}
    sent = _sent(body)
    sent.pop("associatedWorkspaces", None)
    for name in ("isDoubleEncryptionEnabled", "isAvailabilityZonesEnabled"):
        if name in sent and sent[name] != before["properties"][name]:
            raise cluster_fixed(name)
    key = sent.pop("keyVaultProperties", None)
    changes_key = key is not None and _key_of({"keyVaultProperties": key}) != _key_of(before["properties"])
    changes_identity = _set_identity(tenant, document, body, partial=partial)
    if changes_key and changes_identity:
        raise cluster_two_changes(before["name"])
    if key is not None:
        _set_key(tenant, document, key)
    _set_tier(tenant, document, (body.get("sku") or {}).get("capacity"))
    document["properties"] = shapes.merge(document["properties"], sent)
    document["properties"]["lastModifiedDate"] = formatdate(tenant.clock(), usegmt=True)
    if body.get("tags") is not None:
        document["tags"] = body["tags"]
    if changes_key:
        document["properties"]["provisioningState"] = "Updating"
    resources.store(tenant, document)
    return _start(tenant, call, "cluster.key", {"doc": document}) if changes_key else Reply(200, document)


def _set_tier(tenant: Tenant, document: Json, capacity: int | None) -> None:
    if capacity is None or capacity == document["sku"]["capacity"]:
        return
    if capacity not in TIERS:
        raise cluster_without_tier()
    last = parsedate_to_datetime(document["properties"]["capacityReservationProperties"]["lastSkuUpdate"]).timestamp()
    if capacity < document["sku"]["capacity"] and tenant.clock() < last + LOCKED_SECONDS:
        raise cluster_tier_locked()
    document["sku"] = {**document["sku"], "capacity": capacity}
    now = formatdate(tenant.clock(), usegmt=True)
    document["properties"]["capacityReservationProperties"] = {"lastSkuUpdate": now, "minCapacity": TIERS[0]}


def _start(tenant: Tenant, call: Call, kind: str, record: Json) -> Reply:
    """Begin an operation on a cluster: 202 with both headers (recording 57)."""
    name = operations.start(tenant, kind, record["doc"]["id"])
    operations.settle(tenant)
    return Reply(202, None, headers(call, record["doc"], name))


def headers(call: Call, cluster: Json, name: str) -> dict[str, str]:
    """Return the two headers of an operation (recording 57)."""
    head = f"/subscriptions/{call['subscription']}/providers/Microsoft.OperationalInsights/locations"
    status = f"{head}/{normal(cluster['location'])}/operationstatuses/{name}"
    return {
        "Azure-AsyncOperation": operations.link(call, status, name, **{"api-version": POLL_VERSION}),
        "Location": operations.link(call, f"{cluster['id']}/operationresults/{name}", name),
    }


@operations.finisher("cluster.create")
@operations.finisher("cluster.key")
def finish(tenant: Tenant, operation: Json) -> None:
    """End an operation: the cluster can be changed again."""
    record = tenant.resource(operation["target"])
    if record is not None:
        record["doc"]["properties"]["provisioningState"] = "Succeeded"


def poll(tenant: Tenant, call: Call) -> Reply:
    """Answer an operation (recording 57)."""
    operations.require_verbatim(call, call["operation"])
    operation = operations.poll(tenant, call["operation"])
    answer: Json = {
        "id": call.path,
        "name": call["operation"],
        "status": "Succeeded" if operation["finished"] else "InProgress",
        "startTime": operation["created"],
    }
    if operation["finished"]:
        answer |= {"endTime": operation["ended"], "properties": {}}
    return Reply(200, answer)


def poll_result(tenant: Tenant, call: Call) -> Reply:
    """Answer the cluster once its operation is over."""
    operations.require_verbatim(call, call["operation"])
    operation = operations.poll(tenant, call["operation"])
    record = tenant.resource(operation["target"])
    return Reply(200, record["doc"]) if operation["finished"] and record is not None else Reply(202)


def delete_cluster(tenant: Tenant, call: Call) -> Reply:
    """Delete a cluster, 200, or 204; its workspaces are linked to none then."""
    record = tenant.resource(resources.address(tenant, call, RESOURCE_TYPE))
    if record is not None and record["doc"]["properties"]["provisioningState"] == "ProvisioningAccount":
        raise cluster_in_creation()
    reply = CLUSTERS.delete(tenant, call)
    if record is not None:
        forget(tenant, record)
    return reply


def forget(tenant: Tenant, record: Json) -> None:
    """Reserve the name of a deleted cluster, and unlink its workspaces."""
    document = record["doc"]
    tenant.table(RESERVED)[ids.key(document["id"])] = {"at": tenant.clock()}
    for each in document["properties"]["associatedWorkspaces"]:
        workspace = tenant.resource(each["resourceId"])
        if workspace is not None:
            unlink(workspace)
    tenant.changed()


def unlink(workspace: Json) -> None:
    """Show a workspace that is linked to no cluster."""
    properties = workspace["doc"]["properties"]
    properties["features"].pop("clusterResourceId", None)
    properties["sku"] = {**properties["sku"], "name": "PerGB2018"}


def add_log_cluster(
    state: Arrangement,
    name: str,
    group: str = "rg",
    location: str = LOCATION,
    capacity: int = 100,
    key: dict[str, str] | None = None,
    identity: str = "SystemAssigned",
) -> str:
    """Add a cluster with its system-assigned identity; return its id.

    `key` is ``keyVaultProperties``, without a check of the key; with `identity` None the cluster has none.
    """
    group_id = state.add_resource_group(group, location)
    state.register_provider("Microsoft.OperationalInsights")
    identifier = f"{group_id}/providers/{RESOURCE_TYPE.type}/{name}"
    with state.arranging():
        document = _new(state.tenant, identifier, name, location, capacity)
        _set_identity(state.tenant, document, {"identity": {"type": identity}}, partial=False)
        if key is not None:
            document["properties"]["keyVaultProperties"] = key
        resources.store(state.tenant, document)
    return identifier


_OPERATIONS = "/subscriptions/{subscription}/providers/Microsoft.OperationalInsights/locations/{location}"
ROUTES: tuple[Any, ...] = (
    *CLUSTERS.routes(put_cluster, patch_cluster, delete_cluster),
    Route("GET", f"{_OPERATIONS}/operationstatuses/{{operation}}", poll),
    Route("GET", f"{RESOURCE_TYPE.path}/operationresults/{{operation}}", poll_result),
)
