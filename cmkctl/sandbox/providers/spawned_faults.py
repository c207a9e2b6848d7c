"""Faults that make something turn up: a vault or a workspace of the wanted name lies among the soft-deleted ones."""

import re

from cmkctl.sandbox.core import ids, resources
from cmkctl.sandbox.core.messages import Call, Json
from cmkctl.sandbox.core.regions import normal
from cmkctl.sandbox.core.soft_delete import soft_delete
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_keyvault import vaults
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import RESOURCE_TYPE

LOCATION = "eastus2"
_GROUP = r"/subscriptions/[^/]+/resourcegroups/(?P<group>[^/]+)/providers/"
VAULT = re.compile(_GROUP + r"microsoft\.keyvault/vaults/(?P<name>[^/]+)", re.IGNORECASE)
WORKSPACES = re.compile(_GROUP + r"microsoft\.machinelearningservices/workspaces/(?P<name>[^/]+)", re.IGNORECASE)
DELETED = re.compile(
    r"/providers/microsoft\.keyvault/locations/(?P<location>[^/]+)/deletedvaults/(?P<name>[^/]+)$", re.IGNORECASE
)


def spawn(tenant: Tenant, call: Call) -> None:
    """Let what the faults have turn up, just before a request that would meet it."""
    if not tenant.faults.active or call.method not in {"GET", "PUT"}:
        return
    vault, workspace = VAULT.fullmatch(call.path), WORKSPACES.fullmatch(call.path)
    if vault is not None:
        _vault(tenant, call, vault["group"], vault["name"])
    elif workspace is not None and call.method == "PUT":
        _workspace(tenant, call, workspace["name"])
    _follow(tenant, call)


def _vault(tenant: Tenant, call: Call, group: str, name: str) -> None:
    there = name.lower() in tenant.table("deleted_vaults") or vaults.taken(tenant, name)
    if there or not tenant.faults.strikes("vault-soft-deleted", call.path, method=call.method):
        return
    identifier = call.path if call.path.startswith("/") else f"/{call.path}"
    document = vaults.plain(tenant, identifier, name, _location(tenant, call, group))
    soft_delete(tenant, resources.store(tenant, document, turned_up=True))


def _follow(tenant: Tenant, call: Call) -> None:
    """Let a vault that turned up be where it is looked for: nothing but the asker knows where it has to be."""
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


def _workspace(tenant: Tenant, call: Call, name: str) -> None:
    key = ids.key(call.path)
    there = key in tenant.table("deleted_workspaces") or tenant.resource(call.path) is not None
    if there or not tenant.faults.strikes("workspace-soft-deleted", call.path, method=call.method):
        return
    location = _location(tenant, call, "")
    properties: Json = {"provisioningState": "Succeeded"}
    document = {
        "id": call.path,
        "name": name,
        "type": RESOURCE_TYPE.type,
        "location": location,
        "properties": properties,
    }
    soft_delete(tenant, {"doc": document})
