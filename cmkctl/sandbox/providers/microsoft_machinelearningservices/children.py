"""Resources inside a workspace: found, listed and taken away with the workspace they were made in."""

from cmkctl.sandbox.core import errors, ids, key_loss, resources
from cmkctl.sandbox.core.messages import Call, Json
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import RESOURCE_TYPE


def parent(tenant: Tenant, call: Call, kind: str, operation: str = "read") -> Json:
    """Return the document of the workspace a call goes into.

    Raises:
        AzureError: 404 `ParentResourceNotFound`; 403 for a workspace that is without its key.

    """
    record = _workspace(tenant, call)
    if record is None:
        raise errors.parent_not_found(operation, kind.partition("/")[2], _requested(call))
    if key_loss.lost(tenant, call.cloud, record):
        raise errors.workspace_without_key(record["doc"]["name"])
    document: Json = record["doc"]
    return document


def container(tenant: Tenant, call: Call) -> Json:
    """Return the document of the workspace a call goes into, for a type whose service looks for it itself.

    Raises:
        AzureError: 404 `ResourceNotFound` about the workspace (recording 10, connections).

    """
    record = _workspace(tenant, call)
    if record is None:
        raise errors.resource_not_found(RESOURCE_TYPE.type, call["name"], call["group"])
    document: Json = record["doc"]
    return document


def _workspace(tenant: Tenant, call: Call) -> Json | None:
    """Return the workspace's record; None also when its group is gone: the answer is about the workspace (10)."""
    return tenant.resource(_requested(call))


def _requested(call: Call) -> str:
    head = f"/subscriptions/{call['subscription']}/resourceGroups/{call['group']}"
    return f"{head}/providers/{RESOURCE_TYPE.type}/{call['name']}"


def find(tenant: Tenant, workspace: Json, kind: str, name: str) -> Json | None:
    """Return a child's record, unless it is left of an earlier workspace of the same name."""
    record = tenant.resource(f"{workspace['id']}/{kind.rpartition('/')[2]}/{name}")
    return record if record is not None and _is_of(record, workspace) else None


def existing(tenant: Tenant, call: Call, kind: str) -> Json:
    """Return the record of the child a call addresses.

    Raises:
        AzureError: 404 `ParentResourceNotFound` or `ResourceNotFound`.

    """
    record = find(tenant, parent(tenant, call, kind), kind, call["child"])
    if record is None:
        raise missing(call, kind)
    return record


def missing(call: Call, kind: str) -> errors.AzureError:
    """Return the refusal of a child that is not there."""
    return errors.resource_not_found(kind, f"{call['name']}/{call['child']}", call["group"])


def listing(tenant: Tenant, call: Call, kind: str) -> list[Json]:
    """Return the documents of a workspace's children of one type."""
    workspace = parent(tenant, call, kind)
    rows = tenant.resources_in(f"{workspace['id']}/{kind.rpartition('/')[2]}")
    return [row["doc"] for row in rows if _is_of(row, workspace)]


def store(tenant: Tenant, workspace: Json, document: Json) -> Json:
    """Keep a child's document and return its record."""
    return resources.store(tenant, document, workspace=workspace["properties"]["workspaceId"])


def finish_create(tenant: Tenant, operation: Json) -> None:
    """Set the child that an operation creates to ``Succeeded``."""
    record = tenant.resource(operation["target"])
    if record is not None:
        record["doc"]["properties"]["provisioningState"] = "Succeeded"


def finish_delete(tenant: Tenant, operation: Json) -> None:
    """Take the child that an operation deletes away, with what is inside it."""
    record = tenant.resource(operation["target"])
    if record is not None:
        for each in tenant.resources_in(record["doc"]["id"]):
            remove(tenant, each["doc"])
        remove(tenant, record["doc"])


def remove(tenant: Tenant, document: Json) -> None:
    """Take a child away."""
    tenant.table("resources").pop(ids.key(document["id"]), None)
    tenant.changed()


def _is_of(record: Json, workspace: Json) -> bool:
    return bool(record.get("workspace") == workspace["properties"]["workspaceId"])
