"""Links of a Log Analytics workspace: to a cluster, and to the storage accounts that hold queries and custom logs."""

from email.utils import formatdate
from typing import Any

from cmkctl.sandbox.core import errors, ids, operations, resources, shapes
from cmkctl.sandbox.core.arrange import Arrangement
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.refusal import documented, ours
from cmkctl.sandbox.core.regions import normal
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_operationalinsights import clusters, workspaces

COVERAGE = Area(
    "Log Analytics clusters",
    supported=(
        "linkedServices/Cluster of a workspace: PUT and DELETE (202, polls), GET, list; sets `clusterResourceId`",
        "linkedStorageAccounts of a workspace: PUT, GET, list, DELETE; queries need StorageV2 in the same region",
        "refused: a cluster in creation, in another region or beside another one; a third link in 30 days",
    ),
    not_modelled=("linkedServices/Automation",),
    guesses=("the resource under linkedServices has the form of a published example; DELETE is answered as PUT is",),
)
SERVICES = "linked_services"
"""The link of each workspace to a cluster, by the id of the workspace, with the times of the last links."""
STORAGE = "linked_storage_accounts"
"""The linked storage accounts, by the id of the link."""

TYPE = "Microsoft.OperationalInsights/workspaces/linkedServices"
STORAGE_TYPE = "Microsoft.OperationalInsights/workspaces/linkedStorageAccounts"
VERSIONS = ("2020-08-01", "2023-09-01", "2025-02-01")
MONTH = 30 * 86400
LINKS = 2
"""The most links of a workspace in 30 days (documented)."""

cluster_missing = errors.ErrorRow(
    400,
    "BadRequest",
    documented("logs-dedicated-clusters"),
    "Cluster not found. The cluster you specified doesn't exist or was deleted.",
)
link_in_process = errors.ErrorRow(
    409, "Conflict", documented("logs-dedicated-clusters"), "Workspace link or unlink operation in process."
)
link_refused = errors.ErrorRow(
    400,
    "BadRequest",
    ours("that it is refused is documented"),
    "The workspace '{workspace}' cannot be linked to the cluster '{cluster}': {reason}.",
)
link_missing = errors.ErrorRow(
    404, "ResourceNotFound", ours("a link that is not there"), "The workspace has no link '{name}'."
)
storage_refused = errors.ErrorRow(
    400,
    "BadRequest",
    ours("the rules of linked storage accounts are documented"),
    "The storage account '{account}' cannot be linked: {reason}.",
)

SHAPE = {
    **shapes.TOP,
    "tags": shapes.TAGS,
    "properties": Required({"writeAccessResourceId": str, "resourceId": str, "provisioningState": READ_ONLY}),
}
SOURCES = ("Query", "Alerts", "CustomLogs", "AzureWatson", "Ingestion")
STORAGE_SHAPE = {**shapes.TOP, "properties": Required({"storageAccountIds": [str], "dataSourceType": READ_ONLY})}


def _workspace(tenant: Tenant, call: Call) -> Json:
    return resources.existing(tenant, call, workspaces.RESOURCE_TYPE)


def put_link(tenant: Tenant, call: Call) -> Reply:
    """Link a workspace to a cluster: 202."""
    workspace = _workspace(tenant, call)["doc"]
    if call["child"].lower() != "cluster":
        raise errors.not_modelled(f"the linked service '{call['child']}'")
    body = shapes.accept(SHAPE, call.json(), call.api_version)
    target = body["properties"].get("writeAccessResourceId") or ""
    cluster = tenant.resource(target)
    if cluster is None or cluster["doc"]["type"] != clusters.RESOURCE_TYPE.type:
        raise cluster_missing()
    operations.look(tenant, cluster["doc"]["id"])
    row = tenant.table(SERVICES).setdefault(ids.key(workspace["id"]), {"times": [], "running": False})
    _check(tenant, workspace, cluster["doc"], row)
    row |= {"times": [*row["times"], tenant.clock()], "running": True, "doc": _link(workspace, cluster["doc"])}
    return _start(tenant, call, workspace, cluster["doc"], link=True)


def _check(tenant: Tenant, workspace: Json, cluster: Json, row: Json) -> None:
    """Refuse what Azure is documented to refuse."""
    if row["running"]:
        raise link_in_process()
    names = (workspace["name"], cluster["name"])
    linked = workspace["properties"]["features"].get("clusterResourceId")
    if linked and ids.key(linked) != ids.key(cluster["id"]):
        raise link_refused(*names, f"it is linked to the cluster '{linked.rpartition('/')[2]}'")
    if cluster["properties"]["provisioningState"] != "Succeeded":
        raise link_refused(
            *names, f"the provisioning state of the cluster is {cluster['properties']['provisioningState']}"
        )
    if normal(cluster["location"]) != normal(workspace["location"]):
        raise link_refused(*names, f"the cluster is in {cluster['location']}, the workspace in {workspace['location']}")
    if len([each for each in row["times"] if each > tenant.clock() - MONTH]) >= LINKS:
        raise link_refused(*names, f"it was linked {LINKS} times within 30 days")


def _link(workspace: Json, cluster: Json) -> Json:
    return {
        "properties": {"writeAccessResourceId": cluster["id"], "provisioningState": "ProvisioningAccount"},
        "id": f"{workspace['id']}/linkedServices/Cluster".lower(),
        "name": f"{workspace['name']}/Cluster",
        "type": TYPE,
    }


def _start(tenant: Tenant, call: Call, workspace: Json, cluster: Json, *, link: bool) -> Reply:
    name = operations.start(tenant, "cluster.link", workspace["id"], cluster=cluster["id"], link=link)
    operations.settle(tenant)
    return Reply(202, None, clusters.headers(call, cluster, name))


@operations.finisher("cluster.link")
def finish(tenant: Tenant, operation: Json) -> None:
    """Link the workspace and the cluster, or unlink them."""
    key = ids.key(operation["target"])
    row = tenant.table(SERVICES).get(key)
    workspace, cluster = tenant.resource(operation["target"]), tenant.resource(operation["cluster"])
    if row is None or workspace is None:
        return
    row["running"] = False
    if operation["link"]:
        row["doc"]["properties"]["provisioningState"] = "Succeeded"
    else:
        row.pop("doc", None)
    if cluster is not None:
        connect(tenant, workspace["doc"], cluster["doc"], link=operation["link"])


def connect(tenant: Tenant, workspace: Json, cluster: Json, *, link: bool) -> None:
    """Let workspace and cluster show their link, or none."""
    listed = cluster["properties"]["associatedWorkspaces"]
    listed[:] = [each for each in listed if ids.key(each["resourceId"]) != ids.key(workspace["id"])]
    if not link:
        clusters.unlink({"doc": workspace})
        return
    properties = workspace["properties"]
    properties["features"] = {**properties["features"], "clusterResourceId": cluster["id"]}
    properties["sku"] = {**properties["sku"], "name": "LACluster"}
    listed.append(
        {
            "workspaceId": properties["customerId"],
            "workspaceName": workspace["name"],
            "resourceId": workspace["id"],
            "associateDate": formatdate(tenant.clock(), usegmt=True),
        }
    )


def get_link(tenant: Tenant, call: Call) -> Reply:
    """Answer the link to a cluster."""
    row = _row(tenant, _workspace(tenant, call)["doc"])
    if call["child"].lower() != "cluster" or row is None:
        raise link_missing(call["child"])
    return Reply(200, row["doc"])


def _row(tenant: Tenant, workspace: Json) -> Json | None:
    """Return the row of a workspace with a link; None for one without."""
    operations.look(tenant, workspace["id"])
    row: Json | None = tenant.table(SERVICES).get(ids.key(workspace["id"]))
    return (
        row if row and row.get("doc") and tenant.resource(row["doc"]["properties"]["writeAccessResourceId"]) else None
    )


def list_links(tenant: Tenant, call: Call) -> Reply:
    """Answer the links of a workspace."""
    row = _row(tenant, _workspace(tenant, call)["doc"])
    return Reply(200, {"value": [row["doc"]] if row else []})


def delete_link(tenant: Tenant, call: Call) -> Reply:
    """Unlink a workspace from its cluster: 202, or 204."""
    workspace = _workspace(tenant, call)["doc"]
    row = _row(tenant, workspace)
    if call["child"].lower() != "cluster" or row is None:
        return Reply(204)
    if row["running"]:
        raise link_in_process()
    row["running"] = True
    cluster = tenant.resource(row["doc"]["properties"]["writeAccessResourceId"])
    return _start(tenant, call, workspace, cluster["doc"] if cluster else {}, link=False)


def put_storage(tenant: Tenant, call: Call) -> Reply:
    """Link storage accounts to a workspace for one kind of data: 200."""
    workspace = _workspace(tenant, call)["doc"]
    source = next((each for each in SOURCES if each.lower() == call["child"].lower()), "")
    if not source:
        raise errors.property_refused("dataSourceType", f"is {call['child']!r}, not one of {', '.join(SOURCES)}")
    sent = shapes.accept(STORAGE_SHAPE, call.json(), call.api_version)["properties"].get("storageAccountIds") or []
    for each in sent:
        _check_account(tenant, each, workspace, source)
    identifier = f"{workspace['id']}/linkedStorageAccounts/{source}"
    document: Json = {
        "properties": {"dataSourceType": source, "storageAccountIds": sent},
        "id": identifier,
        "name": source,
        "type": STORAGE_TYPE,
    }
    tenant.table(STORAGE)[ids.key(identifier)] = document
    tenant.changed()
    return Reply(200, document)


def _check_account(tenant: Tenant, account_id: str, workspace: Json, source: str) -> None:
    account = tenant.resource(account_id)
    if account is None or account["doc"]["type"].lower() != "microsoft.storage/storageaccounts":
        raise storage_refused(account_id, "there is no such storage account")
    document = account["doc"]
    if source in SOURCES[:2] and document["kind"] != "StorageV2":
        raise storage_refused(account_id, f"its kind is {document['kind']}, and must be StorageV2")
    if normal(document["location"]) != normal(workspace["location"]):
        raise storage_refused(account_id, f"it is in {document['location']}, the workspace in {workspace['location']}")


def get_storage(tenant: Tenant, call: Call) -> Reply:
    """Answer the linked storage accounts of one kind of data."""
    workspace = _workspace(tenant, call)["doc"]
    document = tenant.table(STORAGE).get(ids.key(f"{workspace['id']}/linkedStorageAccounts/{call['child']}"))
    if document is None:
        raise link_missing(call["child"])
    return Reply(200, document)


def list_storage(tenant: Tenant, call: Call) -> Reply:
    """Answer all linked storage accounts of a workspace."""
    head = ids.key(f"{_workspace(tenant, call)['doc']['id']}/linkedStorageAccounts/")
    return Reply(200, {"value": [each for key, each in tenant.table(STORAGE).items() if key.startswith(head)]})


def delete_storage(tenant: Tenant, call: Call) -> Reply:
    """Unlink storage accounts: 200, or 204."""
    workspace = _workspace(tenant, call)["doc"]
    gone = tenant.table(STORAGE).pop(ids.key(f"{workspace['id']}/linkedStorageAccounts/{call['child']}"), None)
    tenant.changed()
    return Reply(204) if gone is None else Reply(200)


def link_log_workspace(state: Arrangement, workspace: str, cluster: str) -> None:
    """Link a workspace to a cluster, both by their ids."""
    with state.arranging():
        found, target = (state.tenant.resource(each) for each in (workspace, cluster))
        if found is None or target is None:
            raise LookupError(f"there is no {workspace} or no {cluster}")
        connect(state.tenant, found["doc"], target["doc"], link=True)
        link = _link(found["doc"], target["doc"])
        link["properties"]["provisioningState"] = "Succeeded"
        state.tenant.table(SERVICES)[ids.key(workspace)] = {"times": [], "running": False, "doc": link}


def _route(method: str, path: str, handler: Any, kind: str) -> Route:
    return Route(method, f"{workspaces.RESOURCE_TYPE.path}/{path}", handler, kind, VERSIONS)


ROUTES = (
    _route("PUT", "linkedServices/{child}", put_link, TYPE),
    _route("GET", "linkedServices/{child}", get_link, TYPE),
    _route("DELETE", "linkedServices/{child}", delete_link, TYPE),
    _route("GET", "linkedServices", list_links, TYPE),
    _route("PUT", "linkedStorageAccounts/{child}", put_storage, STORAGE_TYPE),
    _route("GET", "linkedStorageAccounts/{child}", get_storage, STORAGE_TYPE),
    _route("DELETE", "linkedStorageAccounts/{child}", delete_storage, STORAGE_TYPE),
    _route("GET", "linkedStorageAccounts", list_storage, STORAGE_TYPE),
)
