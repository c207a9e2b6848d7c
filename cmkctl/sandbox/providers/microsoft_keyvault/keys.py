"""Keys through ARM: PUT makes the first version and never a second; reading shows attributes and recovery level."""

import re

from cmkctl.sandbox.core import errors, ids, resources, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Handler, Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_keyvault import vaults
from cmkctl.sandbox.providers.microsoft_keyvault.soft_delete import DEFAULT_RETENTION_DAYS

COVERAGE = Area(
    "keys, through ARM",
    supported=("PUT (creates, and never makes a second version: fact 25), GET, list, versions, rotation policy kept",),
    not_modelled=("secrets and certificates",),
    guesses=("the refusals of ARM's own key API are worded after the data plane's",),
)

TYPE = "Microsoft.KeyVault/vaults/keys"
VERSIONS = tuple(version for version in vaults.VERSIONS if version >= "2019-09-01")
NAME = re.compile(r"[a-zA-Z0-9-]{1,127}")
SIZES = (2048, 3072, 4096)
CURVES = ("P-256", "P-384", "P-521", "P-256K")
RSA_OPERATIONS = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]
EC_OPERATIONS = ["sign", "verify"]
OF_THE_KEY = ("rotationPolicy",)
"""Properties a key has as a whole; every other property belongs to a version."""
SHAPE = {
    **shapes.TOP,
    "tags": shapes.TAGS,
    "location": READ_ONLY,
    "systemData": READ_ONLY,
    "properties": Required(
        {
            "kty": Required(("RSA", "RSA-HSM", "EC", "EC-HSM")),
            "keySize": int,
            "curveName": CURVES,
            "keyOps": [("encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey", "import", "release")],
            "attributes": {
                "enabled": bool,
                "nbf": int,
                "exp": int,
                "exportable": bool,
                "created": READ_ONLY,
                "updated": READ_ONLY,
                "recoveryLevel": READ_ONLY,
            },
            "rotationPolicy": {
                "attributes": {"expiryTime": str, "created": READ_ONLY, "updated": READ_ONLY},
                "lifetimeActions": [
                    {
                        "trigger": {"timeAfterCreate": str, "timeBeforeExpiry": str},
                        "action": {"type": ("rotate", "notify")},
                    }
                ],
            },
            "release_policy": {"contentType": str, "data": str},
            "keyUri": READ_ONLY,
            "keyUriWithVersion": READ_ONLY,
        }
    ),
}


MOST_TAGS = 15
"""The limit of a key's tags (learn.microsoft.com/azure/key-vault/keys/about-keys-details)."""


def _vault(tenant: Tenant, call: Call, action: str) -> Json:
    identifier = resources.address(tenant, call, vaults.RESOURCE_TYPE)
    vault = tenant.resource(identifier)
    if vault is None:
        raise errors.parent_not_found(action, "vaults/keys", identifier)
    return vault


def put_key(tenant: Tenant, call: Call) -> Reply:
    """Create a key, 200; an existing one comes back unchanged, whatever was sent (fact 25)."""
    vault = _vault(tenant, call, "write")
    tenant.require_registered(call["subscription"], vaults.RESOURCE_TYPE.namespace)
    if not NAME.fullmatch(call["key"]):
        raise errors.name_invalid(call["key"], TYPE, "1-127 letters, digits and hyphens")
    body = shapes.accept(SHAPE, call.json(), call.api_version)
    _check(vault, body["properties"])
    identifier = f"{vault['doc']['id']}/keys/{call['key']}"
    record = tenant.resource(identifier)
    if record is None:
        _refuse_deleted_name(tenant, vault, call["key"])
        if len(body.get("tags") or {}) > MOST_TAGS:
            raise errors.key_tags_exceeded(MOST_TAGS, len(body["tags"]))
        record = create_key(tenant, vault, call["key"], body["properties"], body.get("tags"))
    return Reply(200, view(tenant, vault, record, call))


def _refuse_deleted_name(tenant: Tenant, vault: Json, name: str) -> None:
    """Refuse the name of a key the data plane has soft-deleted (P22)."""
    deleted = vault.get("deletedKeys", {}).get(name.lower())
    if deleted is not None and deleted["scheduledPurgeDate"] > tenant.clock():
        raise errors.key_soft_deleted(name)


def _check(vault: Json, properties: Json) -> None:
    kty = properties["kty"].upper()
    hsm = kty.endswith("-HSM")
    if hsm and vault["doc"]["properties"]["sku"]["name"].lower() != "premium":
        raise errors.key_needs_premium(kty)
    if properties.get("keySize") is not None and kty.startswith("RSA") and properties["keySize"] not in SIZES:
        raise errors.key_size_unsupported(properties["keySize"], ", ".join(map(str, SIZES)))
    if kty.startswith("EC"):
        wrong = [name for name in properties.get("keyOps") or () if name.lower() not in EC_OPERATIONS]
        if wrong:
            quoted = ", ".join(f'"{name}"' for name in wrong)
            raise errors.key_operations_unsupported(quoted)
    attributes = properties.get("attributes") or {}
    if attributes.get("nbf") and attributes.get("exp") and attributes["exp"] <= attributes["nbf"]:
        raise errors.key_dates_reversed()


def create_key(tenant: Tenant, vault: Json, name: str, properties: Json, tags: Json | None = None) -> Json:
    """Add a key with its first version to a vault. No key material is made: nothing needs any yet."""
    now = int(tenant.clock())
    rsa = properties["kty"].upper().startswith("RSA")
    sent = {key: value for key, value in (properties.get("attributes") or {}).items() if value is not None}
    kept = {
        "kty": properties["kty"],
        "keyOps": properties.get("keyOps") or (RSA_OPERATIONS if rsa else EC_OPERATIONS),
        **(
            {"keySize": properties.get("keySize") or SIZES[0]}
            if rsa
            else {"curveName": properties.get("curveName") or CURVES[0]}
        ),
        **{word: properties[word] for word in ("rotationPolicy", "release_policy") if properties.get(word)},
    }
    identifier = f"{vault['doc']['id']}/keys/{name}"
    version = {
        "version": ids.hex_name("key", identifier, tenant.serial()),
        "attributes": {"enabled": True, "exportable": False, **sent, "created": now, "updated": now},
    }
    document = {"id": identifier, "name": name, "type": TYPE, "location": vault["doc"]["location"], "tags": tags or {}}
    return resources.store(tenant, {**document, "properties": kept}, versions=[version])


def properties_of(record: Json, version: Json) -> Json:
    """Return a version's properties: its own, once it differs from the newest, and the rotation policy of the key."""
    of_key: Json = record["doc"]["properties"]
    if "properties" not in version:
        return of_key
    return {**version["properties"], **{name: of_key[name] for name in OF_THE_KEY if name in of_key}}


def recovery_level(vault: Json) -> str:
    """Return the recovery level in a key's attributes (fact 26)."""
    properties = vault["doc"]["properties"]
    days = properties.get("softDeleteRetentionInDays") or DEFAULT_RETENTION_DAYS
    level = "Recoverable" if days == DEFAULT_RETENTION_DAYS else "CustomizedRecoverable"
    return level if properties.get("enablePurgeProtection") else level + "+Purgeable"


def view(tenant: Tenant, vault: Json, record: Json, call: Call, version: Json | None = None) -> Json:  # noqa: ARG001
    """Show a key (its newest version) or one version of it."""
    document = record["doc"]
    shown = version or record["versions"][-1]
    attributes = shown["attributes"]
    order = ("enabled", "nbf", "exp", "created", "updated")
    rendered = {name: attributes[name] for name in order if name in attributes}
    uri = f"{vaults.vault_uri(vault['doc']['name'], call)}keys/{document['name']}"
    suffix = "" if version is None else f"/versions/{version['version']}"
    return {
        "id": document["id"] + suffix,
        "name": document["name"] if version is None else version["version"],
        "type": TYPE + ("" if version is None else "/versions"),
        "location": document["location"],
        **({"tags": document["tags"]} if document["tags"] else {}),
        "properties": {
            "attributes": {**rendered, "recoveryLevel": recovery_level(vault), "exportable": attributes["exportable"]},
            **properties_of(record, shown),
            "keyUri": uri,
            "keyUriWithVersion": f"{uri}/{shown['version']}",
        },
    }


def _existing(tenant: Tenant, call: Call) -> tuple[Json, Json]:
    vault = _vault(tenant, call, "read")
    record = tenant.resource(f"{vault['doc']['id']}/keys/{call['key']}")
    if record is None:
        raise errors.key_not_found(call["key"])
    return vault, record


def get_key(tenant: Tenant, call: Call) -> Reply:
    """Answer one key."""
    vault, record = _existing(tenant, call)
    return Reply(200, view(tenant, vault, record, call))


def list_keys(tenant: Tenant, call: Call) -> Reply:
    """Answer the keys of a vault."""
    vault = _vault(tenant, call, "read")
    rows = tenant.resources_in(vault["doc"]["id"])
    return Reply(200, {"value": [view(tenant, vault, row, call) for row in rows if row["doc"]["type"] == TYPE]})


def list_versions(tenant: Tenant, call: Call) -> Reply:
    """Answer the versions of a key."""
    vault, record = _existing(tenant, call)
    return Reply(200, {"value": [view(tenant, vault, record, call, version) for version in record["versions"]]})


def get_version(tenant: Tenant, call: Call) -> Reply:
    """Answer one version of a key."""
    vault, record = _existing(tenant, call)
    for version in record["versions"]:
        if version["version"] == call["version"].lower():
            return Reply(200, view(tenant, vault, record, call, version))
    raise errors.key_not_found(f"{call['key']}/{call['version']}")


def _route(method: str, suffix: str, handler: Handler) -> Route:
    return Route(method, f"{vaults.RESOURCE_TYPE.path}/keys{suffix}", handler, TYPE, VERSIONS)


ROUTES = (
    _route("PUT", "/{key}", put_key),
    _route("GET", "/{key}", get_key),
    _route("GET", "", list_keys),
    _route("GET", "/{key}/versions", list_versions),
    _route("GET", "/{key}/versions/{version}", get_version),
)
