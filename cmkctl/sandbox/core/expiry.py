"""What time alone does: soft deletes end, and operations long over are forgotten. Looked at once a second at most."""

from datetime import datetime

from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.soft_delete import WORKSPACE_RETENTION_DAYS
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_machinelearningservices import workspaces

DAY = 86400
FORGET_AFTER = 3600
"""Seconds after which a finished operation is forgotten."""

KEEP_OPERATIONS = 500
"""How many finished operations are kept at most, however young."""


def expire(tenant: Tenant) -> None:
    """End what has ended by now, if that has not been looked at within this second."""
    now = tenant.clock()
    if 0 <= now - tenant.swept < 1:
        return
    tenant.swept = now
    _end_vaults(tenant, now)
    _end_workspaces(tenant, now)
    _forget_operations(tenant, now)


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _end_vaults(tenant: Tenant, now: float) -> None:
    """Take away the vaults whose retention has ended, with their keys."""
    table = tenant.table("deleted_vaults")
    for name in [name for name, row in table.items() if _moment(row["scheduledPurgeDate"]) <= now]:
        del table[name]
        tenant.changed()


def _end_workspaces(tenant: Tenant, now: float) -> None:
    """Take away the workspaces deleted 14 days ago, with their managed resource groups (P69, P71)."""
    table = tenant.table("deleted_workspaces")
    ended = now - WORKSPACE_RETENTION_DAYS * DAY
    for key in [key for key, row in table.items() if _moment(row["deleted"]) <= ended]:
        workspaces.finish_delete(tenant, {"target": key, "purge": True})
        tenant.changed()


def _forget_operations(tenant: Tenant, now: float) -> None:
    table = tenant.table("operations")
    finished = [(name, row) for name, row in table.items() if row["finished"]]
    old = [name for name, row in finished if _ended(row) <= now - FORGET_AFTER]
    for name in {*old, *(name for name, _ in finished[:-KEEP_OPERATIONS])}:
        del table[name]
        tenant.advanced()


def _ended(operation: Json) -> float:
    return _moment(operation["ended"])
