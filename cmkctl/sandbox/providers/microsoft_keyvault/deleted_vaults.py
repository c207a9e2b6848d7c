"""Soft-deleted vaults and names: look, purge (unless protected), and check whether a name is free."""

import base64

from cmkctl.sandbox.core import errors, operations
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.regions import normal
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_keyvault import vaults

COVERAGE = Area(
    "key vaults",
    supported=("deletedVaults: get, list, purge with polls (refused while protected); checkNameAvailability",),
)

TYPE = "Microsoft.KeyVault/deletedVaults"
RETRY_AFTER = 5


def _view(name: str, deleted: Json, subscription: str) -> Json:
    document = deleted["record"]["doc"]
    location = document["location"]
    protected = document["properties"].get("enablePurgeProtection")
    return {
        "id": f"/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{name}",
        "name": name,
        "type": TYPE,
        "properties": {
            "vaultId": document["id"],
            "location": location,
            "tags": document["tags"],
            "deletionDate": deleted["deletionDate"],
            "scheduledPurgeDate": deleted["scheduledPurgeDate"],
            **({"purgeProtectionEnabled": True} if protected else {}),
        },
    }


def _find(tenant: Tenant, call: Call) -> Json:
    deleted = tenant.table("deleted_vaults").get(call["name"].lower())
    if deleted is None or deleted["record"]["doc"]["location"] != normal(call["location"]):
        raise errors.deleted_vault_not_found(call["name"])
    return deleted


def get_deleted(tenant: Tenant, call: Call) -> Reply:
    """Answer one soft-deleted vault, or 404 `DeletedVaultNotFound`."""
    deleted = _find(tenant, call)
    return Reply(200, _view(deleted["record"]["doc"]["name"], deleted, call["subscription"]))


def list_deleted(tenant: Tenant, call: Call) -> Reply:
    """Answer all soft-deleted vaults of the subscription."""
    rows = tenant.table("deleted_vaults").values()
    return Reply(200, {"value": [_view(row["record"]["doc"]["name"], row, call["subscription"]) for row in rows]})


def purge(tenant: Tenant, call: Call) -> Reply:
    """Begin to purge, 202; refused while purge protection is on."""
    deleted = _find(tenant, call)
    document = deleted["record"]["doc"]
    if document["properties"].get("enablePurgeProtection"):
        raise errors.vault_purge_refused()
    name = operations.start(tenant, "vault.purge", document["name"].lower())
    return Reply(202, headers=_poll_headers(tenant, call, name))


def _poll_headers(tenant: Tenant, call: Call, operation: str) -> dict[str, str]:
    token = base64.urlsafe_b64encode(f"VUT|{operation}".encode()).decode().rstrip("=")
    provider = f"/subscriptions/{call['subscription']}/providers/Microsoft.KeyVault"
    path = f"{provider}/locations/{call['location']}/operationResults/{token}"
    return {"Location": operations.link(call, path, operation), "Retry-After": tenant.pace.retry_after(RETRY_AFTER)}


def poll_purge(tenant: Tenant, call: Call) -> Reply:
    """Answer 202 ``NotStarted`` until the vault is gone, then 200 ``Succeeded`` (fact 21)."""
    padded = call["result"] + "=" * (-len(call["result"]) % 4)
    name = base64.urlsafe_b64decode(padded).decode(errors="replace").removeprefix("VUT|")
    operations.require_verbatim(call, name)
    operation = operations.poll(tenant, name)
    created = operation["created"][:19].replace("T", " ") + "Z"
    if not operation["finished"]:
        return Reply(202, {"createdDateTime": created, "status": "NotStarted"}, _poll_headers(tenant, call, name))
    ended = operation["ended"][:19].replace("T", " ") + "Z"
    return Reply(200, {"createdDateTime": created, "lastActionDateTime": ended, "status": "Succeeded"})


@operations.finisher("vault.purge")
def finish_purge(tenant: Tenant, operation: Json) -> None:
    """Take the vault away for good."""
    tenant.table("deleted_vaults").pop(operation["target"], None)


def check_name(tenant: Tenant, call: Call) -> Reply:
    """Return whether a vault name is free; a soft-deleted vault's is not."""
    tenant.require_registered(call["subscription"], vaults.RESOURCE_TYPE.namespace)
    name = str(call.json().get("name", ""))
    if not vaults.NAME.fullmatch(name):
        text = errors.vault_name_invalid(name).message
        return Reply(200, {"nameAvailable": False, "reason": "AccountNameInvalid", "message": text})
    if name.lower() in tenant.table("deleted_vaults") or vaults.taken(tenant, name):
        text = errors.vault_name_taken(name).message
        return Reply(200, {"nameAvailable": False, "reason": "AlreadyExists", "message": text})
    return Reply(200, {"nameAvailable": True})


_PROVIDER = "/subscriptions/{subscription}/providers/Microsoft.KeyVault"
_ONE = _PROVIDER + "/locations/{location}/deletedVaults/{name}"
ROUTES = (
    Route("GET", _PROVIDER + "/deletedVaults", list_deleted, TYPE, vaults.VERSIONS),
    Route("GET", _ONE, get_deleted, TYPE, vaults.VERSIONS),
    Route("POST", _ONE + "/purge", purge, TYPE, vaults.VERSIONS),
    Route("GET", _PROVIDER + "/locations/{location}/operationResults/{result}", poll_purge),
    Route(
        "POST",
        _PROVIDER + "/checkNameAvailability",
        check_name,
        "Microsoft.KeyVault/checkNameAvailability",
        vaults.VERSIONS,
    ),
)
