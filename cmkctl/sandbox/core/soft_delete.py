"""Where deleted vaults and workspaces go: their names stay taken until they are purged or recovered."""

from datetime import UTC, datetime, timedelta

from cmkctl.sandbox.core import ids
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.state import Tenant

DEFAULT_RETENTION_DAYS = 90
WORKSPACE_RETENTION_DAYS = 14
SECONDS = "%Y-%m-%dT%H:%M:%SZ"


def soft_delete(tenant: Tenant, record: Json) -> None:
    """Note a resource that is being deleted, if its type is one that can be recovered."""
    kind = record["doc"]["type"].lower()
    if kind == "microsoft.keyvault/vaults":
        _delete_vault(tenant, record)
    elif kind == "microsoft.machinelearningservices/workspaces":
        tenant.table("deleted_workspaces")[ids.key(record["doc"]["id"])] = {
            "record": record,
            "deleted": tenant.timestamp(),
        }
        tenant.changed()


def _delete_vault(tenant: Tenant, record: Json) -> None:
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
