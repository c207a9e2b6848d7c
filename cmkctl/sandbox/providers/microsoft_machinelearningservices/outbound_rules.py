"""Outbound rules of a workspace's managed network (recording 29): kept with the network, and nothing is made of them."""

from typing import Any

from cmkctl.sandbox.core import errors, operations, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_machinelearningservices import children, workspaces
from cmkctl.sandbox.providers.microsoft_machinelearningservices.managed_network import shown
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import RESOURCE_TYPE, VERSIONS

COVERAGE = Area(
    "Azure ML workspaces",
    supported=("outbound rules of the managed network: PUT and DELETE 202, GET, list (recording 29)",),
)

TYPE = f"{RESOURCE_TYPE.type}/outboundRules"
SHAPE: dict[str, Any] = {
    **shapes.TOP,
    **dict.fromkeys(("tags", "location"), READ_ONLY),
    "properties": Required(
        {
            "type": Required(("FQDN", "PrivateEndpoint", "ServiceTag")),
            "category": ("Required", "Recommended", "UserDefined", "Dependency"),
            "destination": shapes.IGNORED,
            "fqdns": [str],
            "status": READ_ONLY,
            "parentRuleNames": READ_ONLY,
            "errorInformation": READ_ONLY,
        }
    ),
}
DESTINATIONS: dict[str, Any] = {
    "FQDN": Required(str),
    "PrivateEndpoint": Required(
        {
            "serviceResourceId": Required(str),
            "subresourceTarget": Required(str),
            "sparkEnabled": bool,
            "sparkStatus": READ_ONLY,
        }
    ),
    "ServiceTag": Required(
        {
            "serviceTag": Required(str),
            "protocol": str,
            "portRanges": str,
            "action": ("Allow", "Deny"),
            "addressPrefixes": [str],
        }
    ),
}
"""The shape of a rule's destination, by the rule's type."""

PUT = "workspace.putOutboundRule"
DELETE = "workspace.deleteOutboundRule"


def put_rule(tenant: Tenant, call: Call) -> Reply:
    """Create or replace a rule: 202 with both links, whose end is the rule."""
    workspace = children.parent(tenant, call, TYPE)
    sent = call.json()
    requested = shapes.accept(SHAPE, sent, call.api_version)["properties"]["type"]
    kind = next(word for word in DESTINATIONS if word.lower() == requested.lower())
    properties = {**SHAPE["properties"].shape, "destination": DESTINATIONS[kind]}
    body = shapes.accept({**SHAPE, "properties": Required(properties)}, sent, call.api_version)["properties"]
    if _network(workspace).get("isolationMode", "Disabled") == "Disabled":
        raise errors.network_not_isolated()
    return _accepted(tenant, call, workspace, PUT, rule={**body, "type": kind})


def _accepted(tenant: Tenant, call: Call, workspace: Json, kind: str, **more: Any) -> Reply:
    name = operations.start(tenant, kind, workspace["id"], name=call["child"], **more)
    operations.settle(tenant)
    return Reply(202, headers=workspaces.links(call, name, workspace["location"]))


def _network(workspace: Json) -> Json:
    network: Json = workspace["properties"].setdefault("managedNetwork", {})
    return network


def _rules(workspace: Json) -> dict[str, Json]:
    rules: dict[str, Json] = _network(workspace).get("outboundRules") or {}
    return rules


@operations.finisher(PUT)
def finish_put(tenant: Tenant, operation: Json) -> None:
    """Keep the rule with the workspace's network."""
    record = tenant.resource(operation["target"])
    if record is None:
        return
    _network(record["doc"])["outboundRules"] = {**_rules(record["doc"]), operation["name"]: shown(operation["rule"])}
    operation["result"] = _document(record["doc"], operation["name"])


def _document(workspace: Json, name: str) -> Json:
    return {
        "tags": None,
        "location": None,
        "id": f"{workspace['id']}/outboundRules/{name}",
        "name": name,
        "type": TYPE,
        "properties": shown(_rules(workspace)[name]),
        "systemData": None,
    }


def get_rule(tenant: Tenant, call: Call) -> Reply:
    """Answer one rule."""
    workspace = children.parent(tenant, call, TYPE)
    operations.look(tenant, workspace["id"])
    name = next((each for each in _rules(workspace) if each.lower() == call["child"].lower()), None)
    if name is None:
        raise children.missing(call, TYPE)
    return Reply(200, _document(workspace, name))


def list_rules(tenant: Tenant, call: Call) -> Reply:
    """Answer the rules of a workspace; in a list they have neither tags nor location."""
    workspace = children.parent(tenant, call, TYPE)
    rows = [_document(workspace, name) for name in _rules(workspace)]
    return Reply(200, {"value": [{key: row[key] for key in row if key not in {"tags", "location"}} for row in rows]})


def delete_rule(tenant: Tenant, call: Call) -> Reply:
    """Take a rule away: 202 with both links, whose end is the workspace; 204 when it is not there."""
    workspace = children.parent(tenant, call, TYPE, "delete")
    if call["child"] not in _rules(workspace):
        return Reply(204)
    return _accepted(tenant, call, workspace, DELETE)


@operations.finisher(DELETE)
def finish_delete(tenant: Tenant, operation: Json) -> None:
    """Take the rule out of the workspace's network."""
    record = tenant.resource(operation["target"])
    if record is not None:
        rules = {name: rule for name, rule in _rules(record["doc"]).items() if name != operation["name"]}
        _network(record["doc"])["outboundRules"] = rules


_ONE = RESOURCE_TYPE.path + "/outboundRules/{child}"
NETWORK_VERSIONS = tuple(version for version in VERSIONS if version >= "2023-04-01-preview")
ROUTES = (
    Route("GET", RESOURCE_TYPE.path + "/outboundRules", list_rules, TYPE, NETWORK_VERSIONS),
    Route("GET", _ONE, get_rule, TYPE, NETWORK_VERSIONS),
    Route("PUT", _ONE, put_rule, TYPE, NETWORK_VERSIONS),
    Route("DELETE", _ONE, delete_rule, TYPE, NETWORK_VERSIONS),
)
