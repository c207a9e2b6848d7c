"""Private DNS zones and their links to virtual networks: PUT 202 with an operation. Record sets are not modelled."""

from collections.abc import Iterator

from cmkctl.sandbox.core import errors, ids, operations, resources, shapes
from cmkctl.sandbox.core.arrange import Arrangement
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_network import refusals
from cmkctl.sandbox.providers.microsoft_network.shape import (
    DNS_VERSIONS,
    LINK,
    NETWORK,
    ZONE,
    ZONE_NAME,
    dns_links,
    etag,
    poll,
    result,
)

CREATE = "network.createZone"
GROUP = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups"
LINKS = f"{ZONE.type}/virtualNetworkLinks"


def put_zone(tenant: Tenant, call: Call) -> Reply:
    """Create a zone or change its tags: 202."""
    if not ZONE_NAME.fullmatch(call["name"]):
        raise refusals.zone_name_invalid(call["name"])
    write = resources.begin_write(tenant, call, ZONE)
    if write.existing is None:
        resources.store(tenant, _zone(write.id, write.name, write.body.get("tags")))
    else:
        write.existing["doc"]["tags"] = write.body.get("tags") or {}
    return _accepted(tenant, call, write.id)


def _zone(identifier: str, name: str, tags: Json | None, state: str = "Creating") -> Json:
    return {
        "id": identifier,
        "name": name,
        "type": ZONE.type,
        "etag": etag(identifier),
        "location": "global",
        "tags": tags or {},
        "properties": {
            "maxNumberOfRecordSets": 25000,
            "numberOfRecordSets": 1,
            "maxNumberOfVirtualNetworkLinks": 1000,
            "numberOfVirtualNetworkLinks": 0,
            "maxNumberOfVirtualNetworkLinksWithRegistration": 100,
            "numberOfVirtualNetworkLinksWithRegistration": 0,
            "provisioningState": state,
        },
    }


def _view(tenant: Tenant, record: Json, _call: Call) -> Json:
    """Return a zone with the number of its record sets: its own, and one for each endpoint that is registered in it."""
    document: Json = record["doc"]
    groups = [each["doc"] for each in tenant.table("resources").values() if each["doc"]["type"] == GROUP]
    here = [
        len(config["properties"]["recordSets"])
        for group in groups
        for config in group["properties"]["privateDnsZoneConfigs"]
        if ids.key(config["properties"]["privateDnsZoneId"]) == ids.key(document["id"])
    ]
    own = document["properties"]["numberOfRecordSets"]
    return {**document, "properties": {**document["properties"], "numberOfRecordSets": own + sum(here)}}


ZONES = resources.Resources(ZONE, _view)


def _accepted(tenant: Tenant, call: Call, identifier: str, failure: Json | None = None) -> Reply:
    name = operations.start(tenant, CREATE, identifier, failure=failure)
    operations.settle(tenant)
    return Reply(202, headers=dns_links(call, name))


@operations.finisher(CREATE)
def finish_create(tenant: Tenant, operation: Json) -> None:
    """Set the zone or the link to ``Succeeded``; a link that was refused is not there afterwards."""
    record = tenant.resource(operation["target"])
    if record is None:
        return
    if operation["failure"] is not None:
        if record["doc"]["properties"]["provisioningState"] != "Succeeded":
            tenant.table("resources").pop(ids.key(operation["target"]), None)
        return
    record["doc"]["properties"]["provisioningState"] = "Succeeded"
    if record["doc"]["type"] == LINKS:
        record["doc"]["properties"]["virtualNetworkLinkState"] = "Completed"


def delete_zone(tenant: Tenant, call: Call) -> Reply:
    """Take a zone away that has no links: 200, or 204 when it is not there."""
    identifier = resources.address(tenant, call, ZONE)
    if any(True for _ in tenant.resources_in(identifier)):
        raise refusals.zone_in_use(identifier)
    return ZONES.delete(tenant, call)


# --- links


def put_link(tenant: Tenant, call: Call) -> Reply:
    """Link a zone to a network: 202; a second zone of the same name fails in the operation."""
    zone = resources.existing(tenant, call, ZONE)["doc"]
    body = shapes.accept(LINK, call.json(), call.api_version)
    if str(body.get("location", "")).lower() != "global":
        raise errors.location_required()
    network = body["properties"]["virtualNetwork"]["id"]
    identifier = f"{zone['id']}/virtualNetworkLinks/{call['child']}"
    found = tenant.resource(network)
    if found is None or found["doc"]["type"] != NETWORK.type:
        raise refusals.reference_missing(network, identifier)
    existing = tenant.resource(identifier)
    if existing is not None:
        if ids.key(existing["doc"]["properties"]["virtualNetwork"]["id"]) != ids.key(network):
            raise refusals.link_moved(identifier, existing["doc"]["properties"]["virtualNetwork"]["id"])
        existing["doc"]["tags"] = body.get("tags") or {}
        return _accepted(tenant, call, identifier)
    other = next((each for each in _linked(tenant, network) if _overlap(each, zone["name"])), None)
    failure = None if other is None else refusals.overlapping_zones(zone["name"], other).error()
    resources.store(tenant, _link(identifier, body, network))
    return _accepted(tenant, call, identifier, failure)


def _linked(tenant: Tenant, network: str) -> Iterator[str]:
    """Yield the names of the zones that are linked to a network."""
    for record in list(tenant.table("resources").values()):
        document = record["doc"]
        if document["type"] == LINKS and ids.key(document["properties"]["virtualNetwork"]["id"]) == ids.key(network):
            yield document["id"].split("/")[8]


def _overlap(one: str, other: str) -> bool:
    """Return whether two zones overlap: here only those of one name, for parents and children are linked together in practice."""
    return one.lower() == other.lower()


def _link(identifier: str, body: Json, network: str, state: str = "Creating") -> Json:
    return {
        "id": identifier,
        "name": identifier.rpartition("/")[2],
        "type": LINKS,
        "etag": etag(identifier),
        "location": "global",
        "tags": body.get("tags") or {},
        "properties": {
            "registrationEnabled": bool((body.get("properties") or {}).get("registrationEnabled")),
            "virtualNetwork": {"id": network},
            "virtualNetworkLinkState": "InProgress" if state == "Creating" else "Completed",
            "provisioningState": state,
        },
    }


def _existing(tenant: Tenant, call: Call) -> Json:
    zone = resources.existing(tenant, call, ZONE)["doc"]
    identifier = f"{zone['id']}/virtualNetworkLinks/{call['child']}"
    operations.look(tenant, identifier)
    record = tenant.resource(identifier)
    if record is None:
        raise errors.resource_not_found(LINKS, f"{zone['name']}/{call['child']}", call["group"])
    return record


def get_link(tenant: Tenant, call: Call) -> Reply:
    """Answer one link."""
    return Reply(200, _existing(tenant, call)["doc"])


def list_links(tenant: Tenant, call: Call) -> Reply:
    """Answer the links of a zone."""
    zone = resources.existing(tenant, call, ZONE)["doc"]
    found = [each["doc"] for each in tenant.resources_in(zone["id"]) if each["doc"]["type"] == LINKS]
    return Reply(200, {"value": found})


def delete_link(tenant: Tenant, call: Call) -> Reply:
    """Take a link away: 202."""
    identifier = _existing(tenant, call)["doc"]["id"]
    tenant.table("resources").pop(ids.key(identifier), None)
    return _accepted(tenant, call, identifier)


def add_private_dns_zone(state: Arrangement, name: str, group: str = "rg-dns", network: str | None = None) -> str:
    """Add a zone, linked to a network if one is given; return its id."""
    identifier = f"{state.add_resource_group(group)}/providers/{ZONE.type}/{name}"
    with state.arranging():
        resources.store(state.tenant, _zone(identifier, name, None, "Succeeded"))
        if network is not None:
            link = f"{identifier}/virtualNetworkLinks/others"
            resources.store(state.tenant, _link(link, {}, network, "Succeeded"))
    return identifier


_DNS = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network"
ROUTES = (
    *ZONES.routes(put_zone, delete=delete_zone),
    Route("PUT", ZONE.path + "/virtualNetworkLinks/{child}", put_link, LINKS, DNS_VERSIONS),
    Route("GET", ZONE.path + "/virtualNetworkLinks/{child}", get_link, LINKS, DNS_VERSIONS),
    Route("DELETE", ZONE.path + "/virtualNetworkLinks/{child}", delete_link, LINKS, DNS_VERSIONS),
    Route("GET", ZONE.path + "/virtualNetworkLinks", list_links, LINKS, DNS_VERSIONS),
    ZONE.route("GET", _DNS + "/privateDnsOperationStatuses/{operation}", poll),
    ZONE.route("GET", _DNS + "/privateDnsOperationResults/{operation}", result),
)
