"""Replications of a registry: further regions it has its images in. No recording has one; the form is the types'."""

from cmkctl.sandbox.core import errors, ids, operations, resources, shapes
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.regions import require_location
from cmkctl.sandbox.core.routing import Handler, Route
from cmkctl.sandbox.core.shapes import READ_ONLY
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_containerregistry import shape
from cmkctl.sandbox.providers.microsoft_containerregistry.shape import REGISTRY

TYPE = f"{REGISTRY.type}/replications"
SHAPE = {
    **shapes.TOP,
    "location": str,
    "tags": shapes.TAGS,
    "systemData": READ_ONLY,
    "properties": {
        "regionEndpointEnabled": bool,
        "zoneRedundancy": ("Enabled", "Disabled"),
        "provisioningState": READ_ONLY,
        "status": READ_ONLY,
    },
}


def put_replication(tenant: Tenant, call: Call) -> Reply:
    """Create or change a replication of a Premium registry: 201."""
    registry = resources.existing(tenant, call, REGISTRY)["doc"]
    if registry["sku"]["name"].lower() != "premium":
        raise errors.registry_needs_premium("A replication")
    body = shapes.accept(SHAPE, call.json(), call.api_version)
    if not body.get("location"):
        raise errors.location_required()
    location = require_location(body["location"], TYPE)
    document = _document(tenant, registry, call["replication"], location, body.get("tags"))
    document["properties"].update(body.get("properties") or {}, provisioningState=shape.IN_PROGRESS[shape.REPLICATE])
    resources.store(tenant, document)
    name = operations.start(tenant, shape.REPLICATE, document["id"])
    operations.settle(tenant)
    return Reply(201, document, shape.link(call, registry["id"], name, shape.REPLICATE))


def _document(tenant: Tenant, registry: Json, name: str, location: str, tags: Json | None) -> Json:
    return {
        "id": f"{registry['id']}/replications/{name}",
        "name": name,
        "type": TYPE,
        "location": location,
        "tags": tags or {},
        "properties": {
            "provisioningState": "Succeeded",
            "status": {"displayStatus": "Ready", "timestamp": tenant.timestamp()},
            "regionEndpointEnabled": True,
            "zoneRedundancy": "Disabled",
        },
    }


def _find(tenant: Tenant, call: Call) -> Json:
    registry = resources.existing(tenant, call, REGISTRY)["doc"]
    identifier = f"{registry['id']}/replications/{call['replication']}"
    operations.look(tenant, identifier)
    record = tenant.resource(identifier)
    if record is None:
        raise errors.resource_not_found(TYPE, f"{registry['name']}/{call['replication']}", call["group"])
    return record


def get_replication(tenant: Tenant, call: Call) -> Reply:
    """Answer one replication."""
    return Reply(200, _find(tenant, call)["doc"])


def list_replications(tenant: Tenant, call: Call) -> Reply:
    """Answer the replications of a registry; a Premium one has its home region among them."""
    registry = resources.existing(tenant, call, REGISTRY)["doc"]
    if registry["sku"]["name"].lower() != "premium":
        return Reply(200, {"value": []})
    home = _document(tenant, registry, registry["location"], registry["location"], None)
    rows = [record["doc"] for record in tenant.resources_in(registry["id"]) if record["doc"]["type"] == TYPE]
    return Reply(200, {"value": [home, *rows]})


def delete_replication(tenant: Tenant, call: Call) -> Reply:
    """Take a replication away: 200, or 204 when it is not there."""
    registry = resources.existing(tenant, call, REGISTRY)["doc"]
    key = ids.key(f"{registry['id']}/replications/{call['replication']}")
    gone = tenant.table("resources").pop(key, None)
    tenant.changed()
    return Reply(204) if gone is None else Reply(200)


def _route(method: str, end: str, handler: Handler) -> Route:
    return Route(method, f"{REGISTRY.path}/replications{end}", handler, TYPE, REGISTRY.versions)


ROUTES = (
    _route("PUT", "/{replication}", put_replication),
    _route("GET", "/{replication}", get_replication),
    _route("DELETE", "/{replication}", delete_replication),
    _route("GET", "", list_replications),
)
