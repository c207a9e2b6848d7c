"""Databases of a logical server: a key of their own, and whether they are encrypted. Nothing else of them is modelled."""

from cmkctl.sandbox.core import customer_keys, errors, ids, key_loss, operations, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.refusal import ours
from cmkctl.sandbox.core.shapes import NOT_MODELLED, READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_managedidentity
from cmkctl.sandbox.providers.microsoft_sql.servers import SERVER, URI, child, children, route_below, server_of, start
from cmkctl.sandbox.providers.microsoft_storage.accounts import PAIRS

KIND = "databases"
ENCRYPTED = "Enabled"
"""The state of transparent data encryption that is on."""

database_key_needs_identity = errors.ErrorRow(
    400,
    "InvalidDatabaseIdentity",
    ours("that a key of its own needs a user-assigned identity is documented; code and wording are not"),
    "The database '{name}' has a key of its own and no user-assigned identity that reads it.",
)

SHAPE = {
    **shapes.TOP,
    "kind": READ_ONLY,
    "location": Required(str),
    "tags": shapes.TAGS,
    "sku": dict,
    "identity": {
        "type": Required(("None", "UserAssigned")),
        "userAssignedIdentities": shapes.MapOf(dict),
        "tenantId": READ_ONLY,
    },
    "properties": {
        "encryptionProtector": str,
        "encryptionProtectorAutoRotation": bool,
        "collation": str,
        "catalogCollation": str,
        "maxSizeBytes": int,
        "zoneRedundant": bool,
        "licenseType": ("LicenseIncluded", "BasePrice"),
        "readScale": ("Enabled", "Disabled"),
        "isLedgerOn": bool,
        "requestedBackupStorageRedundancy": ("Geo", "Local", "Zone", "GeoZone"),
        **dict.fromkeys(
            ("createMode", "elasticPoolId", "federatedClientId", "keys", "sampleName", "sourceDatabaseId"), NOT_MODELLED
        ),
        **dict.fromkeys(
            (
                "status",
                "databaseId",
                "creationDate",
                "isInfraEncryptionEnabled",
                "currentServiceObjectiveName",
                "requestedServiceObjectiveName",
                "defaultSecondaryLocation",
                "maxLogSizeBytes",
                "currentSku",
                "currentBackupStorageRedundancy",
            ),
            READ_ONLY,
        ),
        "maintenanceConfigurationId": str,
        "availabilityZone": str,
    },
}
ENCRYPTION_SHAPE = {**shapes.TOP, "properties": Required({"state": Required(("Enabled", "Disabled"))})}


def put_database(tenant: Tenant, call: Call) -> Reply:
    """Create a database or change its key: 202 (recording 51)."""
    server = server_of(tenant, call)
    sent = shapes.accept(SHAPE, call.json(), call.api_version)
    named = child(server, KIND, call["child"])
    before = tenant.resource(named["id"])
    document = _database(tenant, before["doc"] if before else None, named, sent)
    key = document["properties"].get("encryptionProtector")
    if key and key != (before["doc"]["properties"].get("encryptionProtector") if before else None):
        _require_key(tenant, call, document, key)
    title = "UpdateLogicalDatabase" if before else "CreateLogicalDatabase"
    return start(tenant, call, "database", title, document)


def _database(tenant: Tenant, before: Json | None, named: Json, sent: Json) -> Json:
    given = {name: value for name, value in (sent.get("properties") or {}).items() if value is not None}
    known = before or _new_database(tenant, named, sent["location"])
    document: Json = {
        **known,
        "sku": sent.get("sku") or known["sku"],
        "properties": {**known["properties"], **given},
        **({"tags": sent["tags"]} if sent.get("tags") is not None else {}),
    }
    if (sent.get("identity") or {}).get("type"):
        held = (before or {}).get("identity")
        document["identity"] = microsoft_managedidentity.with_principal(tenant, named["id"], sent["identity"], held)
    return document


def _new_database(tenant: Tenant, named: Json, location: str) -> Json:
    """Return a database as a request without sizes makes it (recordings 50 and 51)."""
    size = {"name": "GP_Gen5", "tier": "GeneralPurpose", "family": "Gen5", "capacity": 2}
    return {
        "sku": size,
        "kind": "v12.0,user,vcore",
        "properties": {
            "collation": "SQL_Latin1_General_CP1_CI_AS",
            "maxSizeBytes": 34359738368,
            "status": "Online",
            "databaseId": ids.guid(named["id"]),
            "creationDate": tenant.timestamp(),
            "currentServiceObjectiveName": "GP_Gen5_2",
            "requestedServiceObjectiveName": "GP_Gen5_2",
            "defaultSecondaryLocation": PAIRS.get(location, location),
            "catalogCollation": "SQL_Latin1_General_CP1_CI_AS",
            "zoneRedundant": False,
            "licenseType": "LicenseIncluded",
            "maxLogSizeBytes": 193273528320,
            "readScale": "Disabled",
            "currentSku": size,
            "currentBackupStorageRedundancy": "Geo",
            "requestedBackupStorageRedundancy": "Geo",
            "maintenanceConfigurationId": (
                f"{'/'.join(named['id'].split('/')[:3])}/providers/Microsoft.Maintenance/publicMaintenanceConfigurations/SQL_Default"
            ),
            "isLedgerOn": False,
            "isInfraEncryptionEnabled": False,
            "availabilityZone": "NoPreference",
        },
        "location": location,
        **named,
    }


def _require_key(tenant: Tenant, call: Call, document: Json, key: str) -> None:
    match = URI.fullmatch(key)
    if match is None:
        raise errors.property_refused("properties.encryptionProtector", f"is '{key}', no key identifier with a version")
    users = [*((document.get("identity") or {}).get("userAssignedIdentities") or {})]
    if not users:
        raise database_key_needs_identity(document["name"])
    reader = customer_keys.reader_of(tenant, document["identity"], users[0])
    customer_keys.require_usable(tenant, f"https://{match[1]}.{call.cloud.vault_suffix}/", match[2], match[3], reader)


@operations.finisher("sql.database")
def finish(tenant: Tenant, operation: Json) -> None:
    """Put the database of a finished operation into the tenant; a new one is encrypted."""
    before = tenant.resource(operation["document"]["id"])
    resources.store(tenant, operation["document"], encryption=before["encryption"] if before else ENCRYPTED)


def list_databases(tenant: Tenant, call: Call) -> Reply:
    """Answer the databases of a server."""
    server = server_of(tenant, call)
    lost = _lost(tenant, call, server)
    return Reply(200, {"value": [_shown(each, lost=lost) for each in children(tenant, server, KIND)]})


def get_database(tenant: Tenant, call: Call) -> Reply:
    """Answer one database."""
    server, record = _found(tenant, call)
    return Reply(200, _shown(record, lost=_lost(tenant, call, server)))


def _found(tenant: Tenant, call: Call) -> tuple[Json, Json]:
    server = server_of(tenant, call)
    record = tenant.resource(f"{server['id']}/{KIND}/{call['child']}")
    if record is None:
        raise errors.resource_not_found(f"{SERVER.type}/{KIND}", call["child"], call["group"])
    return server, record


def _lost(tenant: Tenant, call: Call, server: Json) -> bool:
    return bool(key_loss.lost(tenant, call.cloud, tenant.resource(server["id"]) or {}))


def _shown(record: Json, *, lost: bool) -> Json:
    """Show a database. Where its server lost the key, one without a key of its own that is encrypted is out of reach."""
    document: Json = record["doc"]
    if not lost or document["properties"].get("encryptionProtector") or record["encryption"] != ENCRYPTED:
        return document
    return {**document, "properties": {**document["properties"], "status": "Inaccessible"}}


def get_encryption(tenant: Tenant, call: Call) -> Reply:
    """Answer the transparent data encryption of a database."""
    return Reply(200, _encryption(_found(tenant, call)[1]))


def put_encryption(tenant: Tenant, call: Call) -> Reply:
    """Turn the transparent data encryption of a database on or off, 200."""
    _, record = _found(tenant, call)
    record["encryption"] = shapes.accept(ENCRYPTION_SHAPE, call.json(), call.api_version)["properties"]["state"]
    tenant.changed()
    return Reply(200, _encryption(record))


def _encryption(record: Json) -> Json:
    named = child(record["doc"], "transparentDataEncryption", "current")
    return {
        **named,
        "type": f"{record['doc']['type']}/transparentDataEncryption",
        "properties": {"state": record["encryption"]},
    }


def add_sql_database(
    state: Arrangement, server: str, name: str, *, encrypted: bool = True, **properties: object
) -> str:
    """Add a database to a server (by its id), without transparent data encryption if it is not `encrypted`; return its id."""
    named = child({"id": server}, KIND, name)
    with state.arranging():
        document = {"properties": {"status": "Online", **properties}, "location": LOCATION, **named}
        resources.store(state.tenant, document, encryption=ENCRYPTED if encrypted else "Disabled")
    return str(named["id"])


_CURRENT = f"{KIND}/{{child}}/transparentDataEncryption/current"
ROUTES = (
    route_below("PUT", f"{KIND}/{{child}}", put_database, KIND),
    route_below("GET", f"{KIND}/{{child}}", get_database, KIND),
    route_below("GET", KIND, list_databases, KIND),
    route_below("GET", _CURRENT, get_encryption, f"{KIND}/transparentDataEncryption"),
    route_below("PUT", _CURRENT, put_encryption, f"{KIND}/transparentDataEncryption"),
)
