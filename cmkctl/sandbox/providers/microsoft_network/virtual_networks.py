"""Virtual networks and their subnets: PUT 201 or 200 with an operation (recordings 10, 93).

Peerings, gateways and security groups are not modelled.
"""

from ipaddress import ip_network

from cmkctl.sandbox.core import errors, ids, operations, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_network import refusals
from cmkctl.sandbox.providers.microsoft_network.shape import (
    NAME,
    NAME_RULE,
    NETWORK,
    SUBNET,
    VERSIONS,
    etag,
    poll_links,
    subnet_of,
)

CREATE = "network.createNetwork"
RETRY_AFTER = 3
UPDATING, SUCCEEDED = "Updating", "Succeeded"
SUBNETS = f"{NETWORK.type}/subnets"
NETWORKS = resources.Resources(NETWORK)
_ONE = NETWORK.path + "/subnets/{child}"


def put_network(tenant: Tenant, call: Call) -> Reply:
    """Create a network, 201, or replace it, 200; a subnet that is left out is deleted unless it is in use."""
    write = resources.begin_write(tenant, call, NETWORK)
    properties = write.body["properties"]
    before = write.existing["doc"] if write.existing is not None else None
    sent = properties.get("subnets")
    if before is not None and sent is not None:
        kept = {each["name"].lower() for each in sent}
        for each in before["properties"]["subnets"]:
            if each["name"].lower() not in kept:
                _require_unused(each)
    subnets = [_subnet(tenant, write.id, each["name"], each.get("properties") or {}) for each in sent or ()]
    tags = write.body.get("tags")
    document: Json = {
        "id": write.id,
        "name": write.name,
        "type": NETWORK.type,
        "etag": etag(write.id),
        "location": write.location,
        **({} if tags is None else {"tags": tags}),
        "properties": {
            **{name: value for name, value in properties.items() if _is_shown(name, value)},
            "virtualNetworkPeerings": [],
            "subnets": subnets if sent is not None or before is None else before["properties"]["subnets"],
            "provisioningState": UPDATING,
            "resourceGuid": ids.guid("network", write.id),
        },
    }
    resources.store(tenant, document)
    return _accepted(tenant, call, document, write.location, 201 if before is None else 200)


def _is_shown(name: str, value: object) -> bool:
    """Return whether a network shows a property that was sent: not without a value, nor protection that is off."""
    return value is not None and (name, value) != ("enableVmProtection", False)


def _accepted(tenant: Tenant, call: Call, shown: Json, location: str, status: int) -> Reply:
    """Begin the operation that ends a write, and answer what is written as it is by now."""
    name = operations.start(tenant, CREATE, shown["id"])
    operations.settle(tenant)
    return Reply(status, shown, poll_links(call, name, location, RETRY_AFTER))


@operations.finisher(CREATE)
def finish_create(tenant: Tenant, operation: Json) -> None:
    """Set a network with its subnets, or one subnet, to ``Succeeded``."""
    record = tenant.resource(operation["target"])
    subnet = subnet_of(tenant, operation["target"])
    if record is not None:
        record["doc"]["properties"]["provisioningState"] = SUCCEEDED
    for each in (
        record["doc"]["properties"]["subnets"] if record is not None else [subnet] if subnet is not None else []
    ):
        _set_state(each, SUCCEEDED)


def _set_state(subnet: Json, state: str) -> None:
    for each in (subnet["properties"], *(subnet["properties"].get("serviceEndpoints") or ())):
        each["provisioningState"] = state


def _subnet(tenant: Tenant, network: str, name: str, properties: Json) -> Json:
    if not NAME.fullmatch(name):
        raise errors.name_invalid(name, SUBNETS, NAME_RULE)
    prefix = properties.get("addressPrefix") or next(iter(properties.get("addressPrefixes") or ()), None)
    try:
        ip_network(str(prefix))
    except ValueError:
        raise errors.property_refused("properties.addressPrefix", f"is {prefix!r}, which is no range") from None
    before = _find(tenant, network, name)
    kept = {
        word: before["properties"][word] for word in ("privateEndpoints",) if before and word in before["properties"]
    }
    subnet: Json = {
        "name": name,
        "id": f"{network}/subnets/{name}",
        "etag": etag(f"{network}/subnets/{name}"),
        "type": SUBNETS,
        "properties": {
            "privateEndpointNetworkPolicies": "Disabled",
            "privateLinkServiceNetworkPolicies": "Enabled",
            "delegations": [],
            **{word: value for word, value in properties.items() if value is not None},
            "addressPrefix": prefix,
            **kept,
        },
    }
    if properties.get("serviceEndpoints"):
        sent = properties["serviceEndpoints"]
        subnet["properties"]["serviceEndpoints"] = [{"locations": ["*"], **each} for each in sent]
    _set_state(subnet, UPDATING)
    return subnet


def _find(tenant: Tenant, network: str, name: str) -> Json | None:
    record = tenant.resource(network)
    found: list[Json] = record["doc"]["properties"]["subnets"] if record is not None else []
    return next((each for each in found if each["name"].lower() == name.lower()), None)


def _require_unused(subnet: Json) -> None:
    users = subnet["properties"].get("privateEndpoints") or []
    if users:
        raise refusals.subnet_in_use(subnet["id"], users[0]["id"])


def put_subnet(tenant: Tenant, call: Call) -> Reply:
    """Create or change a subnet: 201 or 200."""
    document = resources.existing(tenant, call, NETWORK)["doc"]
    shape = {**shapes.TOP, "properties": shapes.Required(SUBNET)}
    body = shapes.accept(shape, call.json(), call.api_version)
    subnet = _subnet(tenant, document["id"], call["child"], body["properties"])
    others = [each for each in document["properties"]["subnets"] if each["name"].lower() != call["child"].lower()]
    new = len(others) == len(document["properties"]["subnets"])
    document["properties"]["subnets"] = [*others, subnet]
    tenant.changed()
    return _accepted(tenant, call, subnet, document["location"], 201 if new else 200)


def get_subnet(tenant: Tenant, call: Call) -> Reply:
    """Answer one subnet."""
    identifier: str = _existing(tenant, call)["id"]
    for each in (identifier, identifier.rpartition("/subnets/")[0]):
        operations.look(tenant, each)
    return Reply(200, _existing(tenant, call))


def _existing(tenant: Tenant, call: Call) -> Json:
    document = resources.existing(tenant, call, NETWORK)["doc"]
    found = _find(tenant, document["id"], call["child"])
    if found is None:
        raise refusals.subnet_missing(f"{document['id']}/subnets/{call['child']}")
    return found


def list_subnets(tenant: Tenant, call: Call) -> Reply:
    """Answer the subnets of a network."""
    return Reply(200, {"value": resources.existing(tenant, call, NETWORK)["doc"]["properties"]["subnets"]})


def delete_subnet(tenant: Tenant, call: Call) -> Reply:
    """Take a subnet away that nothing uses: 200; without its group it is the network that is missing (recording 10)."""
    if ids.key(f"/subscriptions/{call['subscription']}/resourceGroups/{call['group']}") not in tenant.table("groups"):
        raise errors.resource_not_found(NETWORK.type, call["name"], call["group"])
    subnet = _existing(tenant, call)
    _require_unused(subnet)
    document = resources.existing(tenant, call, NETWORK)["doc"]
    document["properties"]["subnets"] = [each for each in document["properties"]["subnets"] if each is not subnet]
    tenant.changed()
    return Reply(200)


def delete_network(tenant: Tenant, call: Call) -> Reply:
    """Take a network away whose subnets nothing uses: 200, or 204 when it is not there."""
    record = tenant.resource(resources.address(tenant, call, NETWORK))
    for each in record["doc"]["properties"]["subnets"] if record is not None else ():
        _require_unused(each)
    return NETWORKS.delete(tenant, call)


def add_subnet(
    state: Arrangement,
    name: str = "snet-endpoints",
    network: str = "vnet-ml",
    group: str = "rg-net",
    location: str = LOCATION,
    prefix: str = "10.0.0.0/24",
    policies: str = "Disabled",
) -> str:
    """Add a subnet, and its network where there is none; return its id."""
    network_id = f"{state.add_resource_group(group, location)}/providers/{NETWORK.type}/{network}"
    with state.arranging():
        tenant = state.tenant
        record = tenant.resource(network_id)
        if record is None:
            properties: Json = {"addressSpace": {"addressPrefixes": ["10.0.0.0/8"]}, "subnets": []}
            document = {"id": network_id, "name": network, "type": NETWORK.type, "location": location}
            ready = {
                "virtualNetworkPeerings": [],
                "provisioningState": SUCCEEDED,
                "resourceGuid": ids.guid("network", network_id),
            }
            record = resources.store(tenant, {**document, "properties": {**properties, **ready}})
        of_subnet = {"addressPrefix": prefix, "privateEndpointNetworkPolicies": policies}
        subnets = record["doc"]["properties"]["subnets"]
        subnet = _subnet(tenant, network_id, name, of_subnet)
        _set_state(subnet, SUCCEEDED)
        subnets[:] = [*(each for each in subnets if each["name"] != name), subnet]
    return f"{network_id}/subnets/{name}"


ROUTES = (
    *NETWORKS.routes(put_network, delete=delete_network),
    Route("PUT", _ONE, put_subnet, SUBNETS, VERSIONS),
    Route("GET", _ONE, get_subnet, SUBNETS, VERSIONS),
    Route("DELETE", _ONE, delete_subnet, SUBNETS, VERSIONS),
    Route("GET", NETWORK.path + "/subnets", list_subnets, SUBNETS, VERSIONS),
)
