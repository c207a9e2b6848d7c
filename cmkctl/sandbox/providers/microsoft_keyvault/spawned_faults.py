"""The fault ``vault-soft-deleted``: a vault of the wanted name is among the soft-deleted ones."""

import re

from cmkctl.sandbox.core import ids, resources
from cmkctl.sandbox.core.messages import Call
from cmkctl.sandbox.core.regions import normal
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_keyvault import vaults
from cmkctl.sandbox.providers.microsoft_keyvault.soft_delete import soft_delete

LOCATION = "eastus2"
_GROUP = r"/subscriptions/[^/]+/resourcegroups/(?P<group>[^/]+)/providers/"
VAULT = re.compile(_GROUP + r"microsoft\.keyvault/vaults/(?P<name>[^/]+)", re.IGNORECASE)
DELETED = re.compile(
    r"/providers/microsoft\.keyvault/locations/(?P<location>[^/]+)/deletedvaults/(?P<name>[^/]+)$", re.IGNORECASE
)


def spawn(tenant: Tenant, call: Call) -> None:
    """Put a soft-deleted vault of the name in the way of a request that would meet it."""
    vault = VAULT.fullmatch(call.path)
    if vault is not None:
        _vault(tenant, call, vault["group"], vault["name"])
    _follow(tenant, call)


def _vault(tenant: Tenant, call: Call, group: str, name: str) -> None:
    there = name.lower() in tenant.table("deleted_vaults") or vaults.taken(tenant, name)
    if there or not tenant.faults.strikes("vault-soft-deleted", call.path, method=call.method):
        return
    identifier = call.path if call.path.startswith("/") else f"/{call.path}"
    document = vaults.plain(tenant, identifier, name, _location(tenant, call, group))
    soft_delete(tenant, resources.store(tenant, document, turned_up=True))


def _follow(tenant: Tenant, call: Call) -> None:
    """Move a vault that this fault created to the region in which it is looked for: only the request names the region."""
    match = DELETED.search(call.path)
    row = tenant.table("deleted_vaults").get(match["name"].lower()) if match else None
    if match is not None and row is not None and row["record"].get("turned_up"):
        row["record"]["doc"]["location"] = normal(match["location"])


def _location(tenant: Tenant, call: Call, group: str) -> str:
    if call.method == "PUT" and call.json().get("location"):
        return normal(str(call.json()["location"]))
    subscription = ids.subscription_of(call.path)
    known = tenant.table("groups").get(ids.key(f"/subscriptions/{subscription}/resourceGroups/{group}"))
    return str(known["doc"]["location"]) if known else LOCATION
