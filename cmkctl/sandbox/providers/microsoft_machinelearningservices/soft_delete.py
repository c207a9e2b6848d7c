"""Soft-deleted workspaces: kept for 14 days with their managed resource groups (P69, P71)."""

from datetime import datetime

from cmkctl.sandbox.core import ids
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.state import Tenant

RETENTION_DAYS = 14
DAY = 86400


def soft_delete(tenant: Tenant, record: Json) -> None:
    """Note a deleted workspace, so that its name stays taken."""
    row = {"record": record, "deleted": tenant.timestamp()}
    tenant.table("deleted_workspaces")[ids.key(record["doc"]["id"])] = row
    tenant.changed()


def purge(tenant: Tenant, key: str, record: Json | None = None) -> None:
    """Remove a workspace for good, with its managed resource group, whether it is soft-deleted or (`record`) not."""
    deleted = tenant.table("deleted_workspaces").pop(key, None)
    document = (record or (deleted or {}).get("record") or {}).get("doc")
    group = document and document["properties"].get("serviceProvisionedResourceGroup")
    if group:
        for inner in list(tenant.resources_in(group)):
            tenant.table("resources").pop(ids.key(inner["doc"]["id"]), None)
        tenant.table("groups").pop(ids.key(group), None)
    tenant.changed()


def expire(tenant: Tenant, now: float) -> None:
    """Purge the workspaces that were deleted 14 days ago."""
    ended = now - RETENTION_DAYS * DAY
    rows = tenant.table("deleted_workspaces").items()
    for key in [key for key, row in rows if datetime.fromisoformat(row["deleted"]).timestamp() <= ended]:
        purge(tenant, key)
