"""Private endpoint connections on the resources that are reached, and the private link groups that these have."""

from collections.abc import Iterator

from cmkctl.sandbox.core import ids, resources, shapes
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_storage
from cmkctl.sandbox.providers.microsoft_containerregistry.shape import REGISTRY
from cmkctl.sandbox.providers.microsoft_keyvault import vaults
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import RESOURCE_TYPE as WORKSPACE
from cmkctl.sandbox.providers.microsoft_network import refusals
from cmkctl.sandbox.providers.microsoft_network.shape import GROUPS

LISTS = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")
WORDS = {"Approved": "Auto-Approved", "Pending": "Awaiting Approval", "Rejected": "Rejected", "Disconnected": "Removed"}
SHAPE = {
    **shapes.TOP,
    "location": str,
    "tags": shapes.TAGS,
    "properties": shapes.Required(
        {
            "privateLinkServiceConnectionState": shapes.Required(
                {
                    "status": ("Approved", "Rejected", "Pending", "Disconnected"),
                    "description": str,
                    "actionsRequired": str,
                }
            ),
            **dict.fromkeys(("privateEndpoint", "groupIds", "provisioningState"), shapes.IGNORED),
        }
    ),
}
TARGETS = (
    WORKSPACE,
    vaults.RESOURCE_TYPE,
    REGISTRY,
    microsoft_storage.RESOURCE_TYPE,
)
"""The types whose connections are served."""


def of(endpoint: Json) -> Json:
    """Return the connection of an endpoint: it has exactly one."""
    found: Json = next(each for kind in LISTS for each in endpoint["properties"][kind])
    return found


def attach(tenant: Tenant, endpoint: Json, status: str) -> None:
    """Show the connection on its target, and its state on both."""
    connection = of(endpoint)["properties"]
    target = tenant.resource(connection["privateLinkServiceId"])
    if target is None:
        return
    document = target["doc"]
    name = f"{document['name']}.{ids.guid('connection', endpoint['properties']['resourceGuid'])}"
    row = {
        "id": f"{document['id']}/privateEndpointConnections/{name}",
        "name": name,
        "type": f"{document['type']}/privateEndpointConnections",
        "properties": {
            "privateEndpoint": {"id": endpoint["id"]},
            "groupIds": connection["groupIds"],
            "provisioningState": "Succeeded",
        },
    }
    rows = document["properties"].get("privateEndpointConnections") or []
    document["properties"]["privateEndpointConnections"] = [*rows, row]
    set_state(tenant, endpoint, status)


def set_state(tenant: Tenant, endpoint: Json, status: str) -> None:
    """Set the state of a connection on the endpoint and on its target."""
    state = {"status": status, "description": WORDS[status], "actionsRequired": "None"}
    of(endpoint)["properties"]["privateLinkServiceConnectionState"] = dict(state)
    for row in _rows(tenant, endpoint):
        row["properties"]["privateLinkServiceConnectionState"] = dict(state)
    tenant.changed()


def _rows(tenant: Tenant, endpoint: Json) -> list[Json]:
    target = tenant.resource(of(endpoint)["properties"]["privateLinkServiceId"])
    rows: list[Json] = (
        (target["doc"]["properties"].get("privateEndpointConnections") or []) if target is not None else []
    )
    return [each for each in rows if ids.key(each["properties"]["privateEndpoint"]["id"]) == ids.key(endpoint["id"])]


def detach(tenant: Tenant, endpoint: Json) -> None:
    """Remove the connection of an endpoint that is deleted from its target."""
    target = tenant.resource(of(endpoint)["properties"]["privateLinkServiceId"])
    if target is not None:
        gone = _rows(tenant, endpoint)
        rows = target["doc"]["properties"].get("privateEndpointConnections") or []
        target["doc"]["properties"]["privateEndpointConnections"] = [each for each in rows if each not in gone]


def disconnect(tenant: Tenant, target: Json) -> None:
    """Show the endpoints of a resource that is deleted as disconnected."""
    for row in target["properties"].get("privateEndpointConnections") or []:
        endpoint = tenant.resource(row["properties"]["privateEndpoint"]["id"])
        if endpoint is not None:
            set_state(tenant, endpoint["doc"], "Disconnected")


def _target(tenant: Tenant, call: Call) -> Json:
    parts = call.path.strip("/").split("/")
    record = tenant.resource("/" + "/".join(parts[:8]))
    if record is None:
        raise refusals.child_missing(f"/{'/'.join(parts[:8])}")
    document: Json = record["doc"]
    return document


def _row(tenant: Tenant, call: Call) -> Json:
    target = _target(tenant, call)
    rows = target["properties"].get("privateEndpointConnections") or []
    for row in rows:
        if row["name"].lower() == call["child"].lower():
            found: Json = row
            return found
    raise refusals.child_missing(f"connection {call['child']} of {target['id']}")


def get_connection(tenant: Tenant, call: Call) -> Reply:
    """Answer one connection."""
    return Reply(200, _row(tenant, call))


def list_connections(tenant: Tenant, call: Call) -> Reply:
    """Answer the connections of a resource."""
    return Reply(200, {"value": _target(tenant, call)["properties"].get("privateEndpointConnections") or []})


def put_connection(tenant: Tenant, call: Call) -> Reply:
    """Approve or reject a connection: 200."""
    row = _row(tenant, call)
    requested = shapes.accept(SHAPE, call.json(), call.api_version)["properties"]["privateLinkServiceConnectionState"]
    endpoint = tenant.resource(row["properties"]["privateEndpoint"]["id"])
    if endpoint is not None:
        word = next(each for each in WORDS if each.lower() == requested["status"].lower())
        set_state(tenant, endpoint["doc"], word)
    return Reply(200, _row(tenant, call))


def delete_connection(tenant: Tenant, call: Call) -> Reply:
    """Remove a connection: its endpoint is then disconnected."""
    row = _row(tenant, call)
    target = _target(tenant, call)
    endpoint = tenant.resource(row["properties"]["privateEndpoint"]["id"])
    rows = target["properties"]["privateEndpointConnections"]
    target["properties"]["privateEndpointConnections"] = [each for each in rows if each is not row]
    if endpoint is not None:
        set_state(tenant, endpoint["doc"], "Disconnected")
    tenant.changed()
    return Reply(200)


def list_groups(tenant: Tenant, call: Call) -> Reply:
    """Answer the groups that an endpoint can request from a resource."""
    target = _target(tenant, call)
    names = GROUPS[target["type"].lower()]
    rows = [
        {
            "id": f"{target['id']}/privateLinkResources/{each}",
            "name": each,
            "type": f"{target['type']}/privateLinkResources",
            "properties": {"groupId": each},
        }
        for each in names
    ]
    return Reply(200, {"value": rows})


def _routes(target: resources.ResourceType) -> Iterator[Route]:
    one, kind = target.path + "/privateEndpointConnections", f"{target.type}/privateEndpointConnections"
    groups = f"{target.type}/privateLinkResources"
    yield Route("GET", one, list_connections, kind, target.versions)
    yield Route("GET", one + "/{child}", get_connection, kind, target.versions)
    yield Route("PUT", one + "/{child}", put_connection, kind, target.versions)
    yield Route("DELETE", one + "/{child}", delete_connection, kind, target.versions)
    if target is not WORKSPACE:  # it serves its own
        yield Route("GET", target.path + "/privateLinkResources", list_groups, groups, target.versions)


ROUTES = tuple(route for target in TARGETS for route in _routes(target))
