"""Connections of a workspace to other services (recordings 09, 10): kept, and nothing is connected."""

from cmkctl.sandbox.core import resources, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_machinelearningservices import children
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import RESOURCE_TYPE, VERSIONS

COVERAGE = Area(
    "Azure ML workspaces",
    supported=("connections: PUT, GET, list, DELETE; credentials are never shown (recordings 09, 10)",),
    not_modelled=("listsecrets, datastores, models and deployments of a connection",),
    guesses=("the `group` of a connection is recorded for a container registry only",),
)

TYPE = f"{RESOURCE_TYPE.type}/connections"
SHAPE = {
    **shapes.TOP,
    "location": str,
    "tags": shapes.TAGS,
    "identity": dict,  # templates of azure-ai-ml send one (recording 09)
    "properties": Required(
        {
            "authType": Required(str),
            "category": Required(str),
            "target": Required(str),
            "credentials": dict,
            "expiryTime": str,
            "isSharedToAll": bool,
            "sharedUserList": [str],
            "metadata": shapes.MapOf(str),
            "value": str,
            "valueFormat": str,
            "useWorkspaceManagedIdentity": bool,
            **dict.fromkeys(("group", "createdByWorkspaceArmId", "peRequirement", "peStatus", "error"), READ_ONLY),
        }
    ),
}
CATEGORIES = {"azuredatalakegen2": "ADLSGen2"}
"""Categories that come back under another name (recording 09)."""

MORE_SINCE = "2024-04-01"
"""The api-version from which a connection shows its group and its private endpoint (recordings 09, 10)."""


def put_connection(tenant: Tenant, call: Call) -> Reply:
    """Create or replace a connection: 200, without what it is opened with."""
    workspace = children.container(tenant, call)
    tenant.require_registered(call["subscription"], RESOURCE_TYPE.namespace)
    sent = call.json()
    resources.require_own_address(sent, call["child"], f"{workspace['id']}/connections/{call['child']}")
    body = shapes.accept(SHAPE, sent, call.api_version)
    before = children.find(tenant, workspace, TYPE, call["child"])
    document = _document(tenant, workspace, call["child"], body["properties"])
    document["systemData"] = tenant.system_data(before and before["doc"]["systemData"])
    return Reply(200, _view(children.store(tenant, workspace, document)["doc"], call))


def _document(tenant: Tenant, workspace: Json, name: str, sent: Json) -> Json:
    category = sent["category"]
    return {
        "tags": None,
        "location": None,
        "id": f"{workspace['id']}/connections/{name}",
        "name": name,
        "type": TYPE,
        "properties": {
            "authType": sent["authType"],
            **({} if sent["authType"].lower() == "none" else {"credentials": None}),
            "group": "Azure",
            "category": CATEGORIES.get(category.lower(), category),
            "expiryTime": sent.get("expiryTime"),
            "target": sent["target"],
            "createdByWorkspaceArmId": workspace["id"],
            "useWorkspaceManagedIdentity": sent.get("useWorkspaceManagedIdentity") or False,
            "isSharedToAll": sent.get("isSharedToAll") or False,
            "sharedUserList": sent.get("sharedUserList") or [],
            "peRequirement": "NotRequired",
            "peStatus": "NotApplicable",
            "error": None,
            "metadata": sent.get("metadata") or {},
        },
        "systemData": tenant.system_data(),
    }


def _view(document: Json, call: Call) -> Json:
    if call.api_version >= MORE_SINCE:
        return document
    young = ("group", "useWorkspaceManagedIdentity", "peRequirement", "peStatus", "error")
    return {
        **document,
        "properties": {name: value for name, value in document["properties"].items() if name not in young},
    }


def get_connection(tenant: Tenant, call: Call) -> Reply:
    """Answer one connection."""
    children.container(tenant, call)
    return Reply(200, _view(children.existing(tenant, call, TYPE)["doc"], call))


def list_connections(tenant: Tenant, call: Call) -> Reply:
    """Answer the connections of a workspace, of one category if the request names it."""
    children.container(tenant, call)
    rows = [_view(document, call) for document in children.listing(tenant, call, TYPE)]
    wanted = call.query.get("category", "").lower()
    return Reply(200, {"value": [row for row in rows if wanted in {"", row["properties"]["category"].lower()}]})


def delete_connection(tenant: Tenant, call: Call) -> Reply:
    """Take a connection away: 200, or 204 when it is not there."""
    workspace = children.container(tenant, call)
    record = children.find(tenant, workspace, TYPE, call["child"])
    if record is None:
        return Reply(204)
    children.remove(tenant, record["doc"])
    return Reply(200)


_ONE = RESOURCE_TYPE.path + "/connections/{child}"
ROUTES = (
    Route("GET", RESOURCE_TYPE.path + "/connections", list_connections, TYPE, VERSIONS),
    Route("GET", _ONE, get_connection, TYPE, VERSIONS),
    Route("PUT", _ONE, put_connection, TYPE, VERSIONS),
    Route("DELETE", _ONE, delete_connection, TYPE, VERSIONS),
)
