"""Encryption scopes of an account, as recorded (48): a PUT shows ``keyVaultProperties``, a GET of a platform key does not.

A scope with a customer's key names it by its identifier; the identity of the account is evaluated on it.
"""

from cmkctl.sandbox.core import customer_keys, errors, resources, shapes
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.refusal import ours
from cmkctl.sandbox.core.routing import Handler, Route
from cmkctl.sandbox.core.shapes import READ_ONLY
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_storage.accounts import RESOURCE_TYPE

TYPE = f"{RESOURCE_TYPE.type}/encryptionScopes"
SHAPE = {
    **shapes.TOP,
    "properties": {
        "source": ("Microsoft.Storage", "Microsoft.KeyVault"),
        "state": ("Enabled", "Disabled"),
        "requireInfrastructureEncryption": bool,
        "keyVaultProperties": {
            "keyUri": str,
            "currentVersionedKeyIdentifier": READ_ONLY,
            "lastKeyRotationTimestamp": READ_ONLY,
        },
        "creationTime": READ_ONLY,
        "lastModifiedTime": READ_ONLY,
    },
}

scope_without_key = errors.ErrorRow(
    400,
    "InvalidRequestPropertyValue",
    ours("that keyUri is required with this source is in the published type; code and wording are not"),
    "The encryption scope '{name}' has the source Microsoft.KeyVault and no keyVaultProperties.keyUri.",
)


def _id(tenant: Tenant, call: Call) -> str:
    return f"{resources.existing(tenant, call, RESOURCE_TYPE)['doc']['id']}/encryptionScopes/{call['scope']}"


def _sent(call: Call, *, partial: bool) -> Json:
    sent = shapes.accept(SHAPE, call.json(), call.api_version, partial=partial).get("properties") or {}
    return {name: value for name, value in sent.items() if value is not None}


def put_scope(tenant: Tenant, call: Call) -> Reply:
    """Create a scope, 201, or change one, 200."""
    identifier, sent, now = _id(tenant, call), _sent(call, partial=False), tenant.timestamp()
    known = tenant.resource(identifier)
    first = {"source": "Microsoft.Storage", "keyVaultProperties": {}, "creationTime": now, "state": "Enabled"}
    before = known["doc"]["properties"] if known else first
    properties = {**shapes.merge(before, sent), "lastModifiedTime": now}
    _settle_key(tenant, call, before, properties)
    document = {"id": identifier, "type": TYPE, "name": call["scope"], "properties": properties}
    resources.store(tenant, document)
    return Reply(201 if known is None else 200, document)


def patch_scope(tenant: Tenant, call: Call) -> Reply:
    """Change a scope, 200."""
    document = _find(tenant, call)["doc"]
    changed = shapes.merge(document["properties"], _sent(call, partial=True))
    _settle_key(tenant, call, document["properties"], changed)
    document["properties"] = {**changed, "lastModifiedTime": tenant.timestamp()}
    tenant.changed()
    return Reply(200, _shown(document))


def _settle_key(tenant: Tenant, call: Call, before: Json, properties: Json) -> None:
    """Refuse a key that the account may not use, and show the version in use."""
    if properties["source"].lower() != "microsoft.keyvault":
        properties["keyVaultProperties"] = {}
        return
    uri: str = ((properties.get("keyVaultProperties") or {}).get("keyUri") or "").rstrip("/")
    if not uri:
        raise scope_without_key(call["scope"])
    if before["source"] == properties["source"] and uri == before["keyVaultProperties"].get("keyUri"):
        return
    vault, _, rest = uri.partition("/keys/")
    name, _, version = rest.partition("/")
    account = resources.existing(tenant, call, RESOURCE_TYPE)["doc"]
    user = (account["properties"]["encryption"].get("identity") or {}).get("userAssignedIdentity")
    reader = customer_keys.reader_of(tenant, account.get("identity"), user)
    record = customer_keys.require_usable(tenant, vault, name, version, reader)
    properties["keyVaultProperties"] = {
        "keyUri": uri,
        "currentVersionedKeyIdentifier": f"{vault}/keys/{name}/{version or record['versions'][-1]['version']}",
        "lastKeyRotationTimestamp": tenant.timestamp(),
    }


def _find(tenant: Tenant, call: Call) -> Json:
    record = tenant.resource(_id(tenant, call))
    if record is None:
        raise errors.resource_not_found(TYPE, f"{call['name']}/{call['scope']}", call["group"])
    return record


def _shown(document: Json) -> Json:
    properties = document["properties"]
    if properties.get("keyVaultProperties"):
        return document
    hidden = "keyVaultProperties"
    return {**document, "properties": {name: value for name, value in properties.items() if name != hidden}}


def get_scope(tenant: Tenant, call: Call) -> Reply:
    """Answer one scope."""
    return Reply(200, _shown(_find(tenant, call)["doc"]))


def list_scopes(tenant: Tenant, call: Call) -> Reply:
    """Answer the scopes from ``$skipToken`` on, ``$maxpagesize`` of them."""
    account = resources.existing(tenant, call, RESOURCE_TYPE)["doc"]["id"]
    first, most = call.query.get("$skiptoken", ""), call.query.get("$maxpagesize", "")
    if most and not most.isdecimal():
        raise errors.property_refused("$maxpagesize", f"is {most!r}, not a number")
    found = [row["doc"] for row in tenant.resources_in(account) if row["doc"]["type"] == TYPE]
    rows = sorted((row for row in found if row["name"] >= first), key=lambda row: str(row["name"]))
    size = int(most) if most else len(rows)
    answer: Json = {"value": [_shown(row) for row in rows[:size]]}
    if rows[size:]:
        rest = f"api-version={call.api_version}&$maxpagesize={size}&$skipToken={rows[size]['name']}"
        answer["nextLink"] = f"{call.url}{call.path}?{rest}"
    return Reply(200, answer)


def _route(method: str, end: str, handler: Handler) -> Route:
    return Route(method, f"{RESOURCE_TYPE.path}/encryptionScopes{end}", handler, TYPE, RESOURCE_TYPE.versions)


ROUTES = (
    _route("PUT", "/{scope}", put_scope),
    _route("PATCH", "/{scope}", patch_scope),
    _route("GET", "/{scope}", get_scope),
    _route("GET", "", list_scopes),
)
