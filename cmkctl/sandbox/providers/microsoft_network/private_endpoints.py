"""Private endpoints: PUT 201 with an operation; the connection appears on the resource that is reached.

A connection is approved at once, as in Azure for a caller with the right to approve on the target; a manual one waits.
"""

from ipaddress import ip_network
from typing import Any

from cmkctl.sandbox.core import ids, operations, resources, shapes
from cmkctl.sandbox.core.arrange import Arrangement
from cmkctl.sandbox.core.clouds import Cloud
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.regions import normal
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_network import connections, refusals
from cmkctl.sandbox.providers.microsoft_network.shape import (
    ENDPOINT,
    GROUPS,
    INTERFACE,
    VERSIONS,
    ZONE,
    ZONE_GROUP,
    etag,
    poll,
    poll_links,
    subnet_of,
)

CREATE = "network.createEndpoint"
ENDPOINTS = resources.Resources(ENDPOINT)
INTERFACES = resources.Resources(INTERFACE)
GROUP_TYPE = f"{ENDPOINT.type}/privateDnsZoneGroups"
LISTS = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")
RESERVED = 5
"""The addresses of a subnet that Azure keeps."""

MOST_ZONES = 5


def put_endpoint(tenant: Tenant, call: Call) -> Reply:
    """Create an endpoint, 201, or change its tags, 200."""
    write = resources.begin_write(tenant, call, ENDPOINT)
    properties = write.body["properties"]
    sent = [(each, kind) for kind in LISTS for each in properties.get(kind) or ()]
    if len(sent) != 1 or len(sent[0][0]["properties"].get("groupIds") or ()) != 1:
        raise refusals.one_group(write.id)
    connection, kind = sent[0]
    if write.existing is not None:
        return _replace(tenant, call, write, connection)
    subnet = _subnet(tenant, write.id, properties["subnet"]["id"], write.location, call.cloud)
    target = _target(tenant, write.id, connection["properties"])
    document = _document(tenant, write, subnet, target, connection, kind)
    resources.store(tenant, document)
    subnet["properties"].setdefault("privateEndpoints", []).append({"id": write.id})
    connections.attach(tenant, document, "Pending" if kind == LISTS[1] else "Approved")
    name = operations.start(tenant, CREATE, write.id)
    operations.settle(tenant)
    return Reply(201, document, poll_links(call, name, write.location))


def _subnet(tenant: Tenant, endpoint: str, identifier: str, location: str, cloud: Cloud) -> Json:
    network = tenant.resource(identifier.rpartition("/subnets/")[0])
    subnet = subnet_of(tenant, identifier)
    if subnet is None or network is None or normal(network["doc"]["location"]) != location:
        raise refusals.reference_missing(identifier, endpoint)
    policies = str(subnet["properties"].get("privateEndpointNetworkPolicies", "")).lower()
    if policies == "enabled" and cloud.name != "AzureCloud":
        raise refusals.subnet_has_policies(endpoint, identifier)
    prefix = subnet["properties"]["addressPrefix"]
    if len(subnet["properties"].get("privateEndpoints") or ()) >= ip_network(prefix).num_addresses - RESERVED:
        raise refusals.subnet_full(subnet["name"], prefix, 1)
    return subnet


def _target(tenant: Tenant, endpoint: str, requested: Json) -> Json:
    record = tenant.resource(requested["privateLinkServiceId"])
    if record is None:
        raise refusals.target_missing(endpoint, requested["privateLinkServiceId"])
    document: Json = record["doc"]
    known = GROUPS.get(document["type"].lower(), ())
    if requested["groupIds"][0].lower() not in {each.lower() for each in known}:
        raise refusals.group_unknown(endpoint, document["id"], requested["groupIds"][0], ", ".join(known) or "none")
    if document["type"].lower().endswith("/registries") and document["sku"]["name"].lower() != "premium":
        raise refusals.tier_too_low(document["id"])
    if document["type"].lower().endswith("/storageaccounts") and _busy(tenant, document):
        raise refusals.account_busy()
    return document


def _busy(tenant: Tenant, account: Json) -> bool:
    """Return whether an endpoint of this account is being made."""
    made = [row for row in tenant.table("operations").values() if row["kind"] == CREATE and not row["finished"]]
    endpoints = [tenant.resource(row["target"]) for row in made]
    return any(
        each is not None
        and each["doc"]["type"] == ENDPOINT.type
        and ids.key(connections.of(each["doc"])["properties"]["privateLinkServiceId"]) == ids.key(account["id"])
        for each in endpoints
    )


def _document(tenant: Tenant, write: resources.Write, subnet: Json, target: Json, connection: Json, kind: str) -> Json:
    state = {"status": "Approved", "description": "Auto-Approved", "actionsRequired": "None"}
    name = connection["name"]
    shown = {
        "name": name,
        "id": f"{write.id}/{kind}/{name}",
        "type": f"{ENDPOINT.type}/{kind}",
        "properties": {
            **{word: value for word, value in connection["properties"].items() if value is not None},
            "provisioningState": "Succeeded",
            "privateLinkServiceConnectionState": state,
        },
    }
    interface = _interface(tenant, write, subnet)
    used = len(subnet["properties"].get("privateEndpoints") or ())
    address = str(ip_network(subnet["properties"]["addressPrefix"])[RESERVED - 1 + used])
    host = f"{target['name'].lower()}.{connection['properties']['groupIds'][0].lower()}"
    return {
        "id": write.id,
        "name": write.name,
        "type": ENDPOINT.type,
        "etag": etag(write.id),
        "location": write.location,
        "tags": write.body.get("tags") or {},
        "properties": {
            "provisioningState": "Updating",
            "resourceGuid": ids.guid("endpoint", write.id, tenant.serial()),
            "subnet": {"id": subnet["id"]},
            **{each: [shown] if each == kind else [] for each in LISTS},
            "customNetworkInterfaceName": write.body["properties"].get("customNetworkInterfaceName") or "",
            "ipVersionType": "IPv4",
            "networkInterfaces": [{"id": interface}],
            "customDnsConfigs": [{"fqdn": host, "ipAddresses": [address]}],
        },
    }


def _interface(tenant: Tenant, write: resources.Write, subnet: Json) -> str:
    given = write.body["properties"].get("customNetworkInterfaceName")
    name = given or f"{write.name}.nic.{ids.guid('interface', write.id)}"
    identifier = f"{write.id.rpartition('/')[0].rpartition('/')[0]}/networkInterfaces/{name}"
    document = {
        "id": identifier,
        "name": name,
        "type": INTERFACE.type,
        "location": write.location,
        "tags": {},
        "properties": {
            "provisioningState": "Succeeded",
            "privateEndpoint": {"id": write.id},
            "ipConfigurations": [{"name": "privateEndpointIpConfig", "properties": {"subnet": {"id": subnet["id"]}}}],
        },
    }
    resources.store(tenant, document)
    return identifier


def _replace(tenant: Tenant, call: Call, write: resources.Write, connection: Json) -> Reply:
    """Change what may be changed: the tags. Raises AzureError for another subnet, target or group."""
    assert write.existing is not None  # noqa: S101 - the caller has looked
    document = write.existing["doc"]
    before = connections.of(document)["properties"]
    requested = connection["properties"]
    if ids.key(document["properties"]["subnet"]["id"]) != ids.key(write.body["properties"]["subnet"]["id"]):
        raise refusals.immutable("subnet", write.id)
    if ids.key(before["privateLinkServiceId"]) != ids.key(requested["privateLinkServiceId"]):
        raise refusals.immutable("target", write.id)
    if [each.lower() for each in before["groupIds"]] != [each.lower() for each in requested["groupIds"]]:
        raise refusals.immutable("group id", write.id)
    document["tags"] = write.body.get("tags") or {}
    name = operations.start(tenant, CREATE, write.id)
    operations.settle(tenant)
    return Reply(200, document, poll_links(call, name, write.location))


@operations.finisher(CREATE)
def finish_create(tenant: Tenant, operation: Json) -> None:
    """Set the endpoint to ``Succeeded``."""
    record = tenant.resource(operation["target"])
    if record is not None:
        record["doc"]["properties"]["provisioningState"] = "Succeeded"


def delete_endpoint(tenant: Tenant, call: Call) -> Reply:
    """Take an endpoint away, with its interface, its zone groups and its connection: 202, or 204 when it is not there."""
    record = tenant.resource(resources.address(tenant, call, ENDPOINT))
    if record is None:
        return Reply(204)
    document = record["doc"]
    connections.detach(tenant, document)
    subnet = subnet_of(tenant, document["properties"]["subnet"]["id"])
    if subnet is not None:
        users = subnet["properties"].get("privateEndpoints") or []
        subnet["properties"]["privateEndpoints"] = [
            each for each in users if ids.key(each["id"]) != ids.key(document["id"])
        ]
    for each in document["properties"]["networkInterfaces"]:
        tenant.table("resources").pop(ids.key(each["id"]), None)
    for each in list(tenant.resources_in(document["id"])):
        tenant.table("resources").pop(ids.key(each["doc"]["id"]), None)
    tenant.table("resources").pop(ids.key(document["id"]), None)
    name = operations.start(tenant, CREATE, document["id"])
    operations.settle(tenant)
    return Reply(202, headers=poll_links(call, name, document["location"]))


# --- zone groups


def put_group(tenant: Tenant, call: Call) -> Reply:
    """Register an endpoint in zones: 201 with an operation; 200 for a group that is there."""
    endpoint = resources.existing(tenant, call, ENDPOINT)["doc"]
    body = shapes.accept(ZONE_GROUP, call.json(), call.api_version)
    configs = body["properties"].get("privateDnsZoneConfigs") or []
    if not 1 <= len(configs) <= MOST_ZONES:
        raise refusals.group_needs_zones(endpoint["id"], len(configs))
    identifier = f"{endpoint['id']}/privateDnsZoneGroups/{call['child']}"
    for each in configs:
        zone = tenant.resource(each["properties"]["privateDnsZoneId"])
        if zone is None or zone["doc"]["type"] != ZONE.type:
            raise refusals.reference_missing(each["properties"]["privateDnsZoneId"], identifier)
    existing = tenant.resource(identifier)
    others = [each["doc"]["name"] for each in tenant.resources_in(endpoint["id"]) if each["doc"]["type"] == GROUP_TYPE]
    if existing is None and others:
        raise refusals.one_zone_group(endpoint["id"], others[0])
    document = {
        "name": call["child"],
        "id": identifier,
        "etag": etag(identifier),
        "type": GROUP_TYPE,
        "properties": {
            "provisioningState": "Updating",
            "privateDnsZoneConfigs": [_config(identifier, endpoint, each) for each in configs],
        },
    }
    resources.store(tenant, document)
    name = operations.start(tenant, CREATE, identifier)
    operations.settle(tenant)
    return Reply(201 if existing is None else 200, document, poll_links(call, name, endpoint["location"]))


def _config(group: str, endpoint: Json, sent: Json) -> Json:
    addresses = [each for row in endpoint["properties"]["customDnsConfigs"] for each in row["ipAddresses"]]
    zone = sent["properties"]["privateDnsZoneId"]
    target = connections.of(endpoint)["properties"]["privateLinkServiceId"]
    record = {
        "recordType": "A",
        "recordSetName": target.rpartition("/")[2].lower(),
        "ttl": 10,
        "ipAddresses": addresses,
    }
    return {
        "name": sent["name"],
        "id": f"{group}/privateDnsZoneConfigs/{sent['name']}",
        "properties": {"privateDnsZoneId": zone, "recordSets": [record]},
    }


def _group(tenant: Tenant, call: Call) -> Json:
    endpoint = resources.existing(tenant, call, ENDPOINT)["doc"]
    identifier = f"{endpoint['id']}/privateDnsZoneGroups/{call['child']}"
    operations.look(tenant, identifier)
    record = tenant.resource(identifier)
    if record is None:
        raise refusals.child_missing(f"zone group {call['child']} at {endpoint['id']}")
    return record


def get_group(tenant: Tenant, call: Call) -> Reply:
    """Answer one zone group."""
    return Reply(200, _group(tenant, call)["doc"])


def list_groups(tenant: Tenant, call: Call) -> Reply:
    """Answer the zone groups of an endpoint: at most one."""
    endpoint = resources.existing(tenant, call, ENDPOINT)["doc"]
    found = [each["doc"] for each in tenant.resources_in(endpoint["id"]) if each["doc"]["type"] == GROUP_TYPE]
    return Reply(200, {"value": found})


def delete_group(tenant: Tenant, call: Call) -> Reply:
    """Take a zone group away: 200."""
    tenant.table("resources").pop(ids.key(_group(tenant, call)["doc"]["id"]), None)
    tenant.changed()
    return Reply(200)


def add_private_endpoint(
    state: Arrangement,
    name: str,
    subnet: str,
    target: str,
    group_id: str,
    group: str = "rg-net",
    status: str = "Approved",
) -> str:
    """Add an endpoint that others made, with its connection in the given state; return its id."""
    with state.arranging():
        tenant = state.tenant
        found = subnet_of(tenant, subnet)
        record = tenant.resource(target)
        network = tenant.resource(subnet.rpartition("/subnets/")[0])
        if found is None or record is None or network is None:
            raise ValueError(f"there is no {subnet} or no {target}")
        parent = state.tenant.group(subnet.split("/")[2], group)["doc"]["id"]
        identifier = f"{parent}/providers/{ENDPOINT.type}/{name}"
        connection = {"name": name, "properties": {"privateLinkServiceId": target, "groupIds": [group_id]}}
        write = resources.Write(identifier, name, {"properties": {}}, None, network["doc"]["location"])
        document = _document(tenant, write, found, record["doc"], connection, LISTS[0])
        document["properties"]["provisioningState"] = "Succeeded"
        resources.store(tenant, document)
        found["properties"].setdefault("privateEndpoints", []).append({"id": identifier})
        connections.attach(tenant, document, status)
    return identifier


def set_endpoint_connection(state: Arrangement, endpoint: str, status: str) -> None:
    """Set the state of an endpoint's connection, as the owner of the target does."""
    with state.arranging():
        record = state.tenant.resource(endpoint)
        if record is None:
            raise ValueError(f"there is no {endpoint}")
        connections.set_state(state.tenant, record["doc"], status)


_GROUPS = ENDPOINT.path + "/privateDnsZoneGroups"
_POLL = "/subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}/operations/{operation}"
ROUTES: tuple[Any, ...] = (
    *ENDPOINTS.routes(put_endpoint, delete=delete_endpoint),
    Route("PUT", _GROUPS + "/{child}", put_group, GROUP_TYPE, VERSIONS),
    Route("GET", _GROUPS + "/{child}", get_group, GROUP_TYPE, VERSIONS),
    Route("DELETE", _GROUPS + "/{child}", delete_group, GROUP_TYPE, VERSIONS),
    Route("GET", _GROUPS, list_groups, GROUP_TYPE, VERSIONS),
    ENDPOINT.route("GET", _POLL, poll),
    INTERFACE.route("GET", INTERFACE.path, INTERFACES.get),
)
