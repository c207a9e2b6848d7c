"""Flexible servers of Azure Database for MySQL: a customer-managed key can be set, replaced and taken away at any time."""

import re
from typing import Any

from cmkctl.sandbox.core import customer_keys, errors, flexible_servers, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.flexible_servers import FlexibleServers, Parameter
from cmkctl.sandbox.core.latency import Duration
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.core.refusal import ours
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_managedidentity

COVERAGE = Area(
    "Azure Database for MySQL",
    supported=(
        "flexible servers: PUT and PATCH (202, polls), GET, list, DELETE (202), as recorded (54)",
        "a customer-managed key, set, replaced and taken away by PATCH",
        "its reader is evaluated on the key, `list` included in vaults with access policies",
        "a key with a date of expiry, and a vault that keeps deleted keys for other than 90 days, are refused",
        "the state `Inaccessible` of a server that lost its key",
        "the server parameters `require_secure_transport` and `tls_version`; databases by name: PUT, GET",
    ),
    differs=(
        "a server is inaccessible exactly one hour after its key is lost (Azure: within 10 minutes)",
        "a server comes back by itself; Azure waits for a request to validate the key again",
        "the capabilities of a region are one size, and names are never taken",
        "vault and server may be in two regions, as recorded (54); the documentation requires one",
    ),
    not_modelled=("replicas, restores, imports, other parameters, firewalls",),
    guesses=("a key without a version is taken, and its newest version used",),
)
VERSIONS = (
    *("2023-06-30", "2023-12-30", "2024-02-01-preview", "2024-12-30"),
    *("2025-06-01-preview", "2025-12-01-preview"),
)
DATABASES = "Microsoft.DBforMySQL/flexibleServers/databases"
DATABASE = {
    **shapes.TOP,
    **dict.fromkeys(("location", "charset", "collation"), shapes.IGNORED),  # az sends them beside the properties
    "properties": {"charset": str, "collation": str},
}
DAYS = 90
SIZE = "Standard_D2ds_v4"
NO_PRINCIPAL = "00000000-0000-0000-0000-000000000000"

_KNOWN = ours("that it is refused is documented; its wording is not")
mysql_key_expires = errors.ErrorRow(
    400, "BadRequest", _KNOWN, "The key '{key}' has a date of expiry, which a key of a MySQL server must not have."
)
mysql_vault_retention = errors.ErrorRow(
    400, "BadRequest", _KNOWN, "The vault '{vault}' has to keep deleted keys for 90 days; it keeps them for {days}."
)

SERVER = resources.ResourceType(
    type="Microsoft.DBforMySQL/flexibleServers",
    versions=VERSIONS,
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        "sku": {"name": Required(str), "tier": Required(("Burstable", "GeneralPurpose", "MemoryOptimized"))},
        "identity": {
            "type": ("UserAssigned",),
            "userAssignedIdentities": shapes.MapOf(dict),
            "principalId": READ_ONLY,
            "tenantId": READ_ONLY,
        },
        "properties": {
            "administratorLogin": str,
            "administratorLoginPassword": str,
            "version": str,
            "storage": {
                "storageSizeGB": int,
                "iops": int,
                "autoGrow": ("Enabled", "Disabled"),
                "logOnDisk": ("Enabled", "Disabled"),
                "storageSku": READ_ONLY,
                "autoIoScaling": ("Enabled", "Disabled"),
                "storageRedundancy": ("LocalRedundancy", "ZoneRedundancy"),
            },
            "dataEncryption": {
                name: shape for name, shape in flexible_servers.ENCRYPTION.items() if not name.endswith("KeyStatus")
            },
            "backup": {
                "backupRetentionDays": int,
                "backupIntervalHours": int,
                "geoRedundantBackup": ("Enabled", "Disabled"),
                "earliestRestoreDate": READ_ONLY,
            },
            "network": {
                "publicNetworkAccess": ("Enabled", "Disabled"),
                "delegatedSubnetResourceId": shapes.NOT_MODELLED,
                "privateDnsZoneResourceId": shapes.NOT_MODELLED,
            },
            "highAvailability": {
                "mode": ("Disabled", "ZoneRedundant", "SameZone"),
                "state": READ_ONLY,
                "standbyAvailabilityZone": str,
                "replicationMode": str,
            },
            "maintenanceWindow": {
                "customWindow": str,
                "startHour": int,
                "startMinute": int,
                "dayOfWeek": int,
                "batchOfMaintenance": str,
            },
            "maintenancePolicy": {"patchStrategy": str},
            "createMode": ("Default", "Create", "PointInTimeRestore", "Replica", "GeoRestore"),
            "sourceServerResourceId": str,
            "restorePointInTime": str,
            "availabilityZone": str,
            "replicationRole": ("None", "Source", "Replica"),
            "databasePort": int,
            "lowerCaseTableNames": int,
            "importSourceProperties": shapes.NOT_MODELLED,
            **dict.fromkeys(
                ("fullVersion", "state", "fullyQualifiedDomainName", "replicaCapacity", "privateEndpointConnections"),
                READ_ONLY,
            ),
        },
    },
    name=re.compile(r"(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*"),
    name_rule="3-63 lower-case letters, digits and single hyphens",
)


def _new(tenant: Tenant, sent: Json) -> Json:
    """Return the properties of a new server, with the defaults of recording 54."""
    return {
        "administratorLogin": "adminuser",
        "storage": {
            "storageSizeGB": 32,
            "iops": 396,
            "autoGrow": "Enabled",
            "autoIoScaling": "Disabled",
            "storageSku": "Premium_LRS",
            "logOnDisk": "Disabled",
            "storageRedundancy": "LocalRedundancy",
        },
        "version": str(sent.get("version") or "8.0.21"),
        "state": "Ready",
        "availabilityZone": "1",
        "maintenanceWindow": {"customWindow": "Disabled", "dayOfWeek": 0, "startHour": 0, "startMinute": 0},
        "replicationRole": "None",
        "replicaCapacity": 10,
        "network": {"publicNetworkAccess": "Enabled"},
        "backup": {
            "backupRetentionDays": 7,
            "backupIntervalHours": 24,
            "geoRedundantBackup": "Disabled",
            "earliestRestoreDate": tenant.timestamp(),
        },
        "highAvailability": {"mode": "Disabled", "state": "NotEnabled", "standbyAvailabilityZone": ""},
        "privateEndpointConnections": [],
    }


def _identity(tenant: Tenant, identifier: str, sent: Json, before: Json | None, partial: bool) -> Json:
    """Return the identities as recording 54 shows them: no principal of the server itself, and each identity with its tenant."""
    shown = microsoft_managedidentity.with_principal(tenant, identifier, sent, before, partial=partial)
    users = {
        name: {"principalId": each["principalId"], "tenantId": tenant.tenant_id}
        for name, each in (shown.get("userAssignedIdentities") or {}).items()
    }
    return {
        "userAssignedIdentities": users,
        "principalId": NO_PRINCIPAL,
        "type": shown["type"],
        "tenantId": tenant.tenant_id,
    }


def _check(tenant: Tenant, before: Json | None, wanted: Json, document: Json) -> None:  # noqa: ARG001  every check has this form
    """Refuse keys that expire, and vaults with another retention than the documented one."""
    for key, _ in flexible_servers.PARTS.values():
        named = flexible_servers.KEY_URI.fullmatch(wanted.get(key) or "")
        vault = named and customer_keys.vault_at(tenant, named[1])
        if named is None or not vault or wanted.get(key) == (before or {}).get(key):
            continue
        record = tenant.resource(f"{vault['doc']['id']}/keys/{named[2]}")
        versions = [
            each for each in (record or {}).get("versions", ()) if each["version"] == (named[3] or each["version"])
        ]
        if versions and versions[-1]["attributes"].get("exp"):
            raise mysql_key_expires(named[2])
        days = vault["doc"]["properties"].get("softDeleteRetentionInDays", DAYS)
        if days != DAYS:
            raise mysql_vault_retention(vault["doc"]["name"], days)


SERVERS = FlexibleServers(
    resource=SERVER,
    host="mysql",
    new=_new,
    identity=_identity,
    check=_check,
    parameters={
        "require_secure_transport": Parameter("ON", "ON|OFF"),
        "tls_version": Parameter("TLSv1.2", r"TLSv1(\.[123])?(,TLSv1(\.[123])?)*"),
    },
)


def replicas(tenant: Tenant, call: Call) -> Reply:
    """Answer that a server has no replicas."""
    resources.existing(tenant, call, SERVER)
    return Reply(200, {"value": []})


def _database(record: Json, name: str) -> Json:
    identifier = f"{record['doc']['id']}/databases/{name}"
    return {"properties": record["databases"][name], "id": identifier, "name": name, "type": DATABASES}


def put_database(tenant: Tenant, call: Call) -> Reply:
    """Create a database: 202. It is there at once."""
    record = resources.existing(tenant, call, SERVER)
    sent = shapes.accept(DATABASE, call.json(), call.api_version).get("properties") or {}
    record.setdefault("databases", {})[call["database"]] = {"charset": "utf8", "collation": "utf8_general_ci"} | sent
    tenant.changed()
    return SERVERS.begin(tenant, call, "UpsertDatabaseManagementOperation", record["doc"], "parameter")


def get_database(tenant: Tenant, call: Call) -> Reply:
    """Answer a database."""
    record = resources.existing(tenant, call, SERVER)
    if call["database"] not in record.get("databases", {}):
        raise errors.resource_not_found(DATABASES, call["database"], call["group"])
    return Reply(200, _database(record, call["database"]))


def check_name(_tenant: Tenant, _call: Call) -> Reply:
    """Answer that a name can be taken."""
    return Reply(200, {"nameAvailable": True, "message": ""})


def capabilities(_tenant: Tenant, _call: Call) -> Reply:
    """Answer what a region offers: one size, and two versions."""
    sizes = [{"name": SIZE, "vCores": 2, "supportedIops": 3200, "supportedMemoryPerVCoreMB": 4096}]
    edition = {
        "name": "GeneralPurpose",
        "supportedStorageEditions": [
            {
                "name": "Premium",
                "minStorageSize": 20480,
                "maxStorageSize": 16777216,
                "minBackupRetentionDays": 1,
                "maxBackupRetentionDays": 35,
            }
        ],
        "supportedServerVersions": [{"name": each, "supportedSkus": sizes} for each in ("5.7", "8.0.21")],
    }
    offered = {
        "zone": "none",
        "supportedHAMode": ["SameZone"],
        "supportedGeoBackupRegions": [],
        "supportedFlexibleServerEditions": [edition],
    }
    return Reply(200, {"value": [offered]})


def add_mysql_server(
    state: Arrangement,
    name: str,
    group: str = "rg",
    location: str = LOCATION,
    parameters: Json | None = None,
    **properties: Any,
) -> str:
    """Add a flexible server; return its id."""
    return SERVERS.add(state, name, group, location, parameters or {}, properties)


_PLACE = f"/subscriptions/{{subscription}}/providers/{SERVER.namespace}/locations/{{location}}"
PROVIDER = Provider(
    namespace=SERVER.namespace,
    coverage=(COVERAGE,),
    routes=(
        *SERVERS.routes(),
        Route("GET", f"{_PLACE}/capabilities", capabilities),
        Route("GET", f"{SERVER.path}/replicas", replicas),
        Route("PUT", f"{SERVER.path}/databases/{{database}}", put_database, DATABASES, VERSIONS),
        Route("GET", f"{SERVER.path}/databases/{{database}}", get_database, DATABASES, VERSIONS),
        *(
            Route("POST", f"/subscriptions/{{subscription}}/providers/{SERVER.namespace}/{each}", check_name)
            for each in ("checkNameAvailability", "locations/{location}/checkNameAvailability")
        ),
    ),
    durations=(
        Duration("microsoft.dbformysql.write", 60, "recording 54: 64 s between two updates"),
        Duration("microsoft.dbformysql.delete", 60, "guess: no figure published"),
        Duration("microsoft.dbformysql.parameter", 30, "guess: no figure published"),
    ),
    arrange=(add_mysql_server,),
    key_readers={SERVER.type.lower(): SERVERS.why_out_of_reach},
    read_actions={
        f"{SERVER.namespace.lower()}/checknameavailability": f"{SERVER.namespace}/checkNameAvailability/action"
    },
)
