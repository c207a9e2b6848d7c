"""Logical servers of Azure SQL: server keys and the encryption protector."""

import re
from typing import Any

from cmkctl.sandbox.core import customer_keys, errors, ids, operations, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.clouds import Cloud
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.refusal import ours
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required, Since
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_managedidentity

COVERAGE = Area(
    "Azure SQL",
    supported=(
        "servers: PUT and PATCH (202, polls), GET, list, DELETE",
        "server keys: PUT (202, polls), GET, list; named VAULT_KEY_VERSION, with the server's identity checked on the key",
        "encryption protector: GET, PUT (202, polls); it names a server key (recording 50)",
        "databases: PUT (202, polls), GET and list; a key of its own, read by the identity of the database (recording 51)",
        "transparent data encryption of a database: GET and PUT",
        "a lost key: databases without a key of their own are `Inaccessible` 10 minutes later",
    ),
    differs=("databases come back by themselves however long the key was away; Azure stops doing so after 30 minutes",),
    not_modelled=(
        "server keys without a version; tiers, sizes, copies and deletion of databases, elastic pools, firewalls",
        "refused connections; the loss of the own key of a database",
    ),
    guesses=(
        "`createMode` is taken and not shown; az sends it with every new server",
        "`keyVersion` of a protector is the version alone, from 2025-01-01 on; no recording shows it",
    ),
)
SECONDS_TO_LOSS = 600
"""The seconds after which databases are out of reach without their key: connections are denied within 10 minutes."""
VERSIONS = ("2021-11-01", "2022-08-01-preview", "2023-08-01", "2024-11-01-preview", "2025-01-01")

key_name_wrong = errors.ErrorRow(
    400,
    "InvalidServerKeyName",
    ours("the form of the name is documented"),
    "The name of a server key must be VAULT_KEY_VERSION: '{name}' does not fit '{uri}'.",
)
server_key_missing = errors.ErrorRow(
    400, "ServerKeyNotFound", ours("that it is refused is documented"), "The server has no key '{name}'."
)

SERVER = resources.ResourceType(
    type="Microsoft.Sql/servers",
    versions=VERSIONS,
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        "kind": READ_ONLY,
        "identity": {
            "type": Required(("None", "SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned")),
            "userAssignedIdentities": shapes.MapOf(dict),
            "principalId": READ_ONLY,
            "tenantId": READ_ONLY,
        },
        "properties": {
            "administratorLogin": str,
            "administratorLoginPassword": str,
            "administrators": dict,
            "version": str,
            "minimalTlsVersion": ("None", "1.0", "1.1", "1.2", "1.3"),
            "publicNetworkAccess": ("Enabled", "Disabled", "SecuredByPerimeter"),
            "restrictOutboundNetworkAccess": ("Enabled", "Disabled"),
            "primaryUserAssignedIdentityId": str,
            "createMode": Since("2025-01-01", "2024-11-01-preview", ("Normal", "Restore")),
            "retentionDays": Since("2025-01-01", "2024-11-01-preview", int),
            "keyId": shapes.NOT_MODELLED,
            "federatedClientId": shapes.NOT_MODELLED,
            **dict.fromkeys(
                ("state", "fullyQualifiedDomainName", "privateEndpointConnections", "externalGovernanceStatus"),
                READ_ONLY,
            ),
        },
    },
    name=re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"),
    name_rule="1-63 lower-case letters, digits and hyphens, not beginning or ending with a hyphen",
)
KEY_SHAPE = {
    **shapes.TOP,
    **dict.fromkeys(("kind", "location"), READ_ONLY),
    "properties": Required(
        {
            "serverKeyType": Required(("ServiceManaged", "AzureKeyVault")),
            "uri": str,
            **dict.fromkeys(("thumbprint", "creationDate", "subregion", "autoRotationEnabled"), READ_ONLY),
        }
    ),
}
PROTECTOR_SHAPE = {
    **shapes.TOP,
    **dict.fromkeys(("kind", "location"), READ_ONLY),
    "properties": Required(
        {
            "serverKeyType": Required(("ServiceManaged", "AzureKeyVault")),
            "serverKeyName": str,
            "autoRotationEnabled": bool,
            **dict.fromkeys(("uri", "thumbprint", "subregion", "keyVersion"), READ_ONLY),
        }
    ),
}
KEY_VERSION_SINCE = "2025-01-01"
"""The first stable version of the API whose protector shows the version of its key."""
URI = re.compile(r"https://([^/:.]+)\.[^/]+/keys/([A-Za-z0-9-]+)/([0-9a-fA-F]{32})/?")
SERVERS = resources.Resources(SERVER)
OPERATIONS = ("server", "serverKey", "encryptionProtector", "database")
"""The words with which the names of operations begin (recording 50)."""


def put_server(tenant: Tenant, call: Call) -> Reply:
    """Create a server, or update one: 202."""
    write = resources.begin_write(tenant, call, SERVER)
    before = write.existing["doc"] if write.existing else _new_server(write.id, write.name, write.location)
    return _write_server(tenant, call, before, write.body)


def patch_server(tenant: Tenant, call: Call) -> Reply:
    """Update a server: 202."""
    record = resources.existing(tenant, call, SERVER)
    return _write_server(
        tenant, call, record["doc"], shapes.accept(SERVER.shape, call.json(), call.api_version, partial=True)
    )


def _new_server(identifier: str, name: str, location: str) -> Json:
    return {
        "kind": "v12.0",
        "properties": {
            "version": "12.0",
            "state": "Ready",
            "fullyQualifiedDomainName": f"{name}.database.windows.net",
            "privateEndpointConnections": [],
            "publicNetworkAccess": "Enabled",
            "restrictOutboundNetworkAccess": "Disabled",
            "externalGovernanceStatus": "Disabled",
        },
        "location": location,
        "id": identifier,
        "name": name,
        "type": SERVER.type,
    }


def _write_server(tenant: Tenant, call: Call, before: Json, body: Json) -> Reply:
    sent = {name: value for name, value in (body.get("properties") or {}).items() if value is not None}
    sent.pop("administratorLoginPassword", None)  # a password; Azure does not show it either
    sent.pop("createMode", None)
    if not sent.get("administrators"):
        sent.pop("administrators", None)  # az sends it empty, and it is not shown (recording 50)
    document = {**before, "properties": shapes.merge(before["properties"], sent)}
    if body.get("tags") is not None:
        document["tags"] = body["tags"]
    if (body.get("identity") or {}).get("type"):
        document["identity"] = microsoft_managedidentity.with_principal(
            tenant, document["id"], body["identity"], before.get("identity"), partial=call.method == "PATCH"
        )
    return start(tenant, call, "server", "UpsertLogicalServer", document)


def server_of(tenant: Tenant, call: Call) -> Json:
    """Return the server of a path, or refuse its child."""
    record = tenant.resource(resources.address(tenant, call, SERVER))
    if record is None:
        raise errors.parent_not_found("read", _child_type(call), resources.address(tenant, call, SERVER))
    document: Json = record["doc"]
    return document


def _child_type(call: Call) -> str:
    """Return the type of the child that a path names, without its namespace (recording 60)."""
    parts = call.path.partition("/providers/Microsoft.Sql/")[2].split("/")
    return "/".join(parts[::2])


def start(tenant: Tenant, call: Call, kind: str, title: str, document: Json) -> Reply:
    """Begin an operation that puts a document into the tenant when it ends: 202 with both headers (recording 50)."""
    name = operations.start(tenant, f"sql.{kind}", document["id"], document=document)
    operations.settle(tenant)
    location = _server_location(tenant, document)
    head = f"/subscriptions/{call['subscription']}/resourceGroups/{call['group']}/providers/Microsoft.Sql/locations/{location}"
    headers = {
        "Azure-AsyncOperation": operations.link(call, f"{head}/{kind}AzureAsyncOperation/{name}", name),
        "Location": operations.link(call, f"{head}/{kind}OperationResults/{name}", name),
    }
    return Reply(202, {"operation": title, "startTime": tenant.timestamp()}, headers)


def _server_location(tenant: Tenant, document: Json) -> str:
    server = tenant.resource("/".join(document["id"].split("/")[:9]))
    return str((server["doc"] if server else document)["location"])


@operations.finisher("sql.server")
@operations.finisher("sql.serverKey")
@operations.finisher("sql.encryptionProtector")
def finish(tenant: Tenant, operation: Json) -> None:
    """Put the document of a finished operation into the tenant."""
    resources.store(tenant, operation["document"])


def poll(tenant: Tenant, call: Call) -> Reply:
    """Answer the operation (recording 50) or, at its Location once it is over, the resource."""
    operations.require_verbatim(call, call["operation"])
    operation = operations.poll(tenant, call["operation"])
    if "operationresults/" in call.path.lower():
        return Reply(200, operation["document"]) if operation["finished"] else Reply(202)
    status = "Succeeded" if operation["finished"] else "InProgress"
    return Reply(200, {"name": call["operation"], "status": status, "startTime": operation["created"]})


def put_key(tenant: Tenant, call: Call) -> Reply:
    """Add a key to a server. The server's identity must be able to use it."""
    server = server_of(tenant, call)
    sent = shapes.accept(KEY_SHAPE, call.json(), call.api_version)["properties"]
    uri = sent.get("uri") or ""
    match = URI.fullmatch(uri)
    if match is None or call["child"].lower() != "_".join(match.groups()).lower():
        raise key_name_wrong(call["child"], uri)
    identity = server["properties"].get("primaryUserAssignedIdentityId")
    reader = customer_keys.reader_of(tenant, server.get("identity"), identity)
    vault = f"https://{match[1]}.{call.cloud.vault_suffix}/"
    customer_keys.require_usable_by_server(tenant, server["name"], vault, match[2], match[3], reader)
    document = {
        "kind": "azurekeyvault",
        "location": server["location"],
        "properties": {
            "serverKeyType": "AzureKeyVault",
            "uri": uri,
            "thumbprint": ids.hex_name(uri, length=40).upper(),
            "creationDate": tenant.timestamp(),
            "autoRotationEnabled": False,
        },
        **child(server, "keys", call["child"]),
    }
    return start(tenant, call, "serverKey", "UpsertLogicalServerEncryptionKeys", document)


def child(server: Json, kind: str, name: str) -> Json:
    """Return id, name and type of a child."""
    return {"id": f"{server['id']}/{kind}/{name}", "name": name, "type": f"{SERVER.type}/{kind}"}


def get_key(tenant: Tenant, call: Call) -> Reply:
    """Answer a server key."""
    server = server_of(tenant, call)
    record = tenant.resource(f"{server['id']}/keys/{call['child']}")
    if record is None:
        raise errors.resource_not_found(f"{SERVER.type}/keys", call["child"], call["group"])
    return Reply(200, record["doc"])


def list_keys(tenant: Tenant, call: Call) -> Reply:
    """Answer the keys of a server, and Microsoft's as the last one (recording 50)."""
    server = server_of(tenant, call)
    own: Json = {
        "kind": "servicemanaged",
        "properties": {"serverKeyType": "ServiceManaged", "autoRotationEnabled": False},
        **child(server, "keys", "ServiceManaged"),
    }
    return Reply(200, {"value": [*(each["doc"] for each in children(tenant, server, "keys")), own]})


def children(tenant: Tenant, server: Json, kind: str) -> list[Any]:
    """Return the records of the children of a server, of one kind."""
    return [each for each in tenant.resources_in(server["id"]) if each["doc"]["type"] == f"{SERVER.type}/{kind}"]


def get_protector(tenant: Tenant, call: Call) -> Reply:
    """Answer the protector: Microsoft's key until another is set."""
    server = server_of(tenant, call)
    record = tenant.resource(f"{server['id']}/encryptionProtector/current")
    document = record["doc"] if record else _protector(server, "ServiceManaged", rotates=False)
    used = URI.fullmatch(document["properties"].get("uri") or "")
    if used is None or call.api_version < KEY_VERSION_SINCE:
        return Reply(200, document)
    return Reply(200, {**document, "properties": {**document["properties"], "keyVersion": used[3]}})


def _protector(server: Json, name: str, *, rotates: bool, uri: str = "") -> Json:
    kind = "AzureKeyVault" if uri else "ServiceManaged"
    properties = {"serverKeyName": name, "serverKeyType": kind, **({"uri": uri} if uri else {})}
    return {
        "kind": kind.lower(),
        "properties": {**properties, "autoRotationEnabled": rotates},
        **child(server, "encryptionProtector", "current"),
    }


def put_protector(tenant: Tenant, call: Call) -> Reply:
    """Choose the server key that protects the databases."""
    server = server_of(tenant, call)
    sent = shapes.accept(PROTECTOR_SHAPE, call.json(), call.api_version)["properties"]
    if sent["serverKeyType"].lower() == "servicemanaged":
        document = _protector(server, "ServiceManaged", rotates=False)
    else:
        name = sent.get("serverKeyName") or ""
        record = tenant.resource(f"{server['id']}/keys/{name}")
        if record is None:
            raise server_key_missing(name)
        uri = record["doc"]["properties"]["uri"]
        document = _protector(server, record["doc"]["name"], rotates=bool(sent.get("autoRotationEnabled")), uri=uri)
    return start(tenant, call, "encryptionProtector", "UpsertLogicalServerEncryptionprotector", document)


def why_out_of_reach(tenant: Tenant, cloud: Cloud, record: Json) -> str:
    """Return why a server cannot use its protector now; empty when it can, or has Microsoft's key."""
    server = record["doc"]
    protector = tenant.resource(f"{server['id']}/encryptionProtector/current")
    match = URI.fullmatch(((protector or {"doc": {"properties": {}}})["doc"]["properties"]).get("uri") or "")
    if match is None:
        return ""
    identity = server["properties"].get("primaryUserAssignedIdentityId")
    reader = customer_keys.reader_of(tenant, server.get("identity"), identity)
    return customer_keys.why_unusable(tenant, f"https://{match[1]}.{cloud.vault_suffix}/", match[2], match[3], reader)


def add_sql_server(state: Arrangement, name: str, group: str = "rg", location: str = LOCATION) -> str:
    """Add a server with Microsoft's key and no identity; return its id."""
    group_id = state.add_resource_group(group, location)
    state.register_provider("Microsoft.Sql")
    identifier = f"{group_id}/providers/{SERVER.type}/{name}"
    with state.arranging():
        resources.store(state.tenant, _new_server(identifier, name, location))
    return identifier


def route_below(method: str, path: str, handler: Any, kind: str) -> Route:
    """Return the route of a child."""
    return Route(method, f"{SERVER.path}/{path}", handler, f"{SERVER.type}/{kind}", VERSIONS)


_LOCATION = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Sql/locations/{location}"
ROUTES = (
    *SERVERS.routes(put_server, patch_server),
    route_below("PUT", "keys/{child}", put_key, "keys"),
    route_below("GET", "keys/{child}", get_key, "keys"),
    route_below("GET", "keys", list_keys, "keys"),
    route_below("PUT", "encryptionProtector/current", put_protector, "encryptionProtector"),
    route_below("GET", "encryptionProtector/current", get_protector, "encryptionProtector"),
    *(Route("GET", f"{_LOCATION}/{each}AzureAsyncOperation/{{operation}}", poll) for each in OPERATIONS),
    *(Route("GET", f"{_LOCATION}/{each}OperationResults/{{operation}}", poll) for each in OPERATIONS),
)
