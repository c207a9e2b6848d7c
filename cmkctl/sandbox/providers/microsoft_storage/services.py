"""The services of an account and its containers, as far as Resource Manager has them (azurerm reads blobs and files).

The forms are those of the reference of *Blob Services*, *File Services* and *Blob Containers*; no recording has one.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from cmkctl.sandbox.core import errors, ids, resources, shapes
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Handler, Route
from cmkctl.sandbox.core.shapes import READ_ONLY
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_storage.accounts import RESOURCE_TYPE

CORS = {"corsRules": [dict]}
KEPT = {"enabled": bool, "days": int, "allowPermanentDelete": bool}
PROPERTIES: Mapping[str, Mapping[str, Any]] = {
    "blobServices": {
        "cors": CORS,
        "defaultServiceVersion": str,
        "deleteRetentionPolicy": KEPT,
        "containerDeleteRetentionPolicy": KEPT,
        "isVersioningEnabled": bool,
        "automaticSnapshotPolicyEnabled": bool,
        "changeFeed": dict,
        "restorePolicy": dict,
        "lastAccessTimeTrackingPolicy": dict,
    },
    "fileServices": {"cors": CORS, "shareDeleteRetentionPolicy": KEPT, "protocolSettings": dict},
    "queueServices": {"cors": CORS},
    "tableServices": {"cors": CORS},
}
"""The properties that a PUT of each service may change."""

FIRST: Mapping[str, Json] = {
    "blobServices": {
        "cors": {"corsRules": []},
        "deleteRetentionPolicy": {"allowPermanentDelete": False, "enabled": False},
    },
    "fileServices": {
        "protocolSettings": {"smb": {}},
        "cors": {"corsRules": []},
        "shareDeleteRetentionPolicy": {"enabled": True, "days": 7},
    },
    "queueServices": {"cors": {"corsRules": []}},
    "tableServices": {"cors": {"corsRules": []}},
}
"""The services of a new account. That deleted shares are kept for seven days is documented."""

CONTAINER = f"{RESOURCE_TYPE.type}/blobServices/containers"
CONTAINER_NAME = re.compile(r"\$root|\$web|\$logs|(?!.*--)[a-z0-9][a-z0-9-]{2,62}")
CONTAINER_SHAPE = {
    **shapes.TOP,
    "etag": READ_ONLY,
    "properties": {
        "publicAccess": ("None", "Blob", "Container"),
        "metadata": shapes.MapOf(str),
        "defaultEncryptionScope": str,
        "denyEncryptionScopeOverride": bool,
        **dict.fromkeys(("enableNfsV3RootSquash", "enableNfsV3AllSquash"), shapes.NOT_MODELLED),
        "immutableStorageWithVersioning": shapes.NOT_MODELLED,
        **dict.fromkeys(
            (
                "deleted",
                "remainingRetentionDays",
                "leaseStatus",
                "leaseState",
                "lastModifiedTime",
                "hasImmutabilityPolicy",
                "hasLegalHold",
            ),
            READ_ONLY,
        ),
    },
}


def _service(tenant: Tenant, call: Call, kind: str) -> Json:
    account = resources.existing(tenant, call, RESOURCE_TYPE)
    kept = account.setdefault("services", {}).get(kind, {})
    return {
        "sku": account["doc"]["sku"],
        "id": f"{account['doc']['id']}/{kind}/default",
        "name": "default",
        "type": f"{RESOURCE_TYPE.type}/{kind}",
        "properties": {**FIRST[kind], **kept},
    }


def _getter(kind: str) -> Handler:
    def get_service(tenant: Tenant, call: Call) -> Reply:
        return Reply(200, _service(tenant, call, kind))

    return get_service


def _lister(kind: str) -> Handler:
    def list_services(tenant: Tenant, call: Call) -> Reply:
        return Reply(200, {"value": [_service(tenant, call, kind)]})

    return list_services


def _putter(kind: str) -> Handler:
    shape = {**shapes.TOP, "sku": READ_ONLY, "properties": PROPERTIES[kind]}

    def put_service(tenant: Tenant, call: Call) -> Reply:
        account = resources.existing(tenant, call, RESOURCE_TYPE)
        sent = shapes.accept(shape, call.json(), call.api_version).get("properties") or {}
        kept = {name: value for name, value in sent.items() if value is not None}
        account.setdefault("services", {}).setdefault(kind, {}).update(kept)
        tenant.changed()
        return Reply(200, _service(tenant, call, kind))

    return put_service


# --- containers


def _container_id(tenant: Tenant, call: Call) -> str:
    account = resources.existing(tenant, call, RESOURCE_TYPE)["doc"]["id"]
    return f"{account}/blobServices/default/containers/{call['container']}"


def put_container(tenant: Tenant, call: Call) -> Reply:
    """Create a container, 201, or change one, 200."""
    identifier = _container_id(tenant, call)
    if not CONTAINER_NAME.fullmatch(call["container"]):
        raise errors.name_invalid(call["container"], CONTAINER, "3-63 lower-case letters, digits and -")
    sent = shapes.accept(CONTAINER_SHAPE, call.json() if call.body else {}, call.api_version).get("properties") or {}
    known = tenant.resource(identifier)
    now = tenant.timestamp()
    first = {
        "deleted": False,
        "remainingRetentionDays": 0,
        "defaultEncryptionScope": "$account-encryption-key",
        "denyEncryptionScopeOverride": False,
        "publicAccess": "None",
        "leaseStatus": "Unlocked",
        "leaseState": "Available",
        "hasImmutabilityPolicy": False,
        "hasLegalHold": False,
    }
    before = known["doc"]["properties"] if known else first
    kept = {name: value for name, value in sent.items() if value is not None}
    properties = {**before, **kept}
    properties.pop("lastModifiedTime", None)
    document = {
        "id": identifier,
        "name": call["container"],
        "type": CONTAINER,
        "etag": f'"0x{ids.hex_name(identifier, json.dumps(properties), length=15).upper()}"',
        "properties": {**properties, "lastModifiedTime": now},
    }
    resources.store(tenant, document)
    return Reply(201 if known is None else 200, document)


def get_container(tenant: Tenant, call: Call) -> Reply:
    """Answer one container."""
    record = tenant.resource(_container_id(tenant, call))
    if record is None:
        raise errors.container_not_found()
    return Reply(200, record["doc"])


def list_containers(tenant: Tenant, call: Call) -> Reply:
    """Answer the containers of an account."""
    account = resources.existing(tenant, call, RESOURCE_TYPE)["doc"]["id"]
    return Reply(
        200, {"value": [row["doc"] for row in tenant.resources_in(account) if row["doc"]["type"] == CONTAINER]}
    )


def delete_container(tenant: Tenant, call: Call) -> Reply:
    """Take a container away: 200, or 204 when it is not there."""
    gone = tenant.table("resources").pop(ids.key(_container_id(tenant, call)), None)
    tenant.changed()
    return Reply(204) if gone is None else Reply(200)


def _of_service(kind: str) -> tuple[Route, ...]:
    kinds, one = f"{RESOURCE_TYPE.type}/{kind}", f"{RESOURCE_TYPE.path}/{kind}"
    return (
        Route("GET", f"{one}/default", _getter(kind), kinds, RESOURCE_TYPE.versions),
        Route("PUT", f"{one}/default", _putter(kind), kinds, RESOURCE_TYPE.versions),
        Route("GET", one, _lister(kind), kinds, RESOURCE_TYPE.versions),
    )


def _of_containers(method: str, end: str, handler: Handler) -> Route:
    path = f"{RESOURCE_TYPE.path}/blobServices/default/containers{end}"
    return Route(method, path, handler, CONTAINER, RESOURCE_TYPE.versions)


ROUTES = (
    *(route for kind in PROPERTIES for route in _of_service(kind)),
    _of_containers("PUT", "/{container}", put_container),
    _of_containers("PATCH", "/{container}", put_container),
    _of_containers("GET", "/{container}", get_container),
    _of_containers("DELETE", "/{container}", delete_container),
    _of_containers("GET", "", list_containers),
)
