"""Soft-deleted vaults: their names stay taken until they are purged, recovered, or their retention ends."""

from datetime import UTC, datetime, timedelta

from cmkctl.sandbox.core import ids
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.state import Tenant

DEFAULT_RETENTION_DAYS = 90
SECONDS = "%Y-%m-%dT%H:%M:%SZ"


def soft_delete(tenant: Tenant, record: Json) -> None:
    """Move a vault and its keys to the soft-deleted ones."""
    document = record["doc"]
    prefix = ids.key(document["id"])
    now = datetime.fromtimestamp(tenant.clock(), UTC)
    days = document["properties"].get("softDeleteRetentionInDays") or DEFAULT_RETENTION_DAYS
    keys = {key: inner for key, inner in tenant.table("resources").items() if key.startswith(prefix + "/")}
    tenant.table("deleted_vaults")[document["name"].lower()] = {
        "record": record,
        "keys": keys,
        "deletionDate": now.strftime(SECONDS),
        "scheduledPurgeDate": (now + timedelta(days=days)).strftime(SECONDS),
    }
    for key in (*keys, prefix):
        tenant.table("resources").pop(key, None)
    # Role assignments disappear with the vault and do not come back when it is recovered (CIS benchmark 8.3.5).
    for key in [key for key in tenant.table("assignments") if key.startswith(prefix + "/")]:
        del tenant.table("assignments")[key]
    tenant.changed()


def expire(tenant: Tenant, now: float) -> None:
    """Remove the vaults whose retention has ended, with their keys."""
    table = tenant.table("deleted_vaults")
    for name in [
        name for name, row in table.items() if datetime.fromisoformat(row["scheduledPurgeDate"]).timestamp() <= now
    ]:
        del table[name]
        tenant.changed()
