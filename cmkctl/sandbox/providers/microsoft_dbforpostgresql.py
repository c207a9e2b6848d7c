"""Flexible servers of Azure Database for PostgreSQL: whose key encrypts a server is decided when it is created."""

import re
from typing import Any

from cmkctl.sandbox.core import errors, flexible_servers, resources, shapes
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
    "Azure Database for PostgreSQL",
    supported=(
        "flexible servers: PUT and PATCH (202, polls), GET, list, DELETE (202), as recorded (53)",
        "a customer-managed key: its reader is evaluated on the key, `list` included in vaults with access policies",
        "the kind of key is fixed at creation; another key of the customer's is taken by PATCH",
        "`primaryEncryptionKeyStatus` and the state `Inaccessible` of a server that lost its key",
        "the server parameters `require_secure_transport` and `ssl_min_protocol_version`",
    ),
    differs=(
        "a server is inaccessible exactly one hour after its key is lost",
        "the capabilities of a region are one size, and names are never taken",
    ),
    not_modelled=("replicas, restores, other parameters, firewalls, databases; keys of another tenant",),
    guesses=(
        "a server with Microsoft's key shows `dataEncryption.type` SystemManaged",
        "the state of the key of geo-redundant backups is always Valid",
    ),
)
VERSIONS = (
    *("2022-12-01", "2023-12-01-preview", "2024-08-01", "2025-08-01"),
    "2026-04-01-preview",
)

encryption_mode_fixed = errors.ErrorRow(
    400,
    "BadRequest",
    ours("that the mode stays for the lifetime of a server is documented; its wording is not"),
    "The kind of key of a server is fixed at its creation: it is {before}, and cannot become {after}.",
)
geo_key_missing = errors.ErrorRow(
    400,
    "BadRequest",
    ours("that a second key and identity are needed is documented; the wording is not"),
    "A server with a customer-managed key and geo-redundant backups needs a key and an identity in the paired region as well.",
)

SIZE = "Standard_D2s_v3"
SERVER = resources.ResourceType(
    type="Microsoft.DBforPostgreSQL/flexibleServers",
    versions=VERSIONS,
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        "sku": {"name": Required(str), "tier": Required(("Burstable", "GeneralPurpose", "MemoryOptimized"))},
        "identity": {
            "type": Required(("None", "SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned")),
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
                "autoGrow": ("Enabled", "Disabled"),
                "tier": str,
                "iops": int,
                "throughput": int,
                "type": str,
            },
            "authConfig": {
                "activeDirectoryAuth": ("Enabled", "Disabled"),
                "passwordAuth": ("Enabled", "Disabled"),
                "tenantId": str,
            },
            "dataEncryption": {
                **flexible_servers.ENCRYPTION,
                "primaryFederatedIdentityClientId": shapes.NOT_MODELLED,
                "geoBackupFederatedIdentityClientId": shapes.NOT_MODELLED,
            },
            "backup": {
                "backupRetentionDays": int,
                "geoRedundantBackup": ("Enabled", "Disabled"),
                "earliestRestoreDate": READ_ONLY,
            },
            "network": {
                "publicNetworkAccess": ("Enabled", "Disabled"),
                "delegatedSubnetResourceId": shapes.NOT_MODELLED,
                "privateDnsZoneArmResourceId": shapes.NOT_MODELLED,
            },
            "highAvailability": {
                "mode": ("Disabled", "ZoneRedundant", "SameZone"),
                "state": READ_ONLY,
                "standbyAvailabilityZone": str,
            },
            "maintenanceWindow": {"customWindow": str, "startHour": int, "startMinute": int, "dayOfWeek": int},
            "createMode": (
                *("Default", "Create", "Update", "PointInTimeRestore", "GeoRestore", "Replica", "ReviveDropped"),
            ),
            "sourceServerResourceId": str,
            "pointInTimeUTC": str,
            "availabilityZone": str,
            "replicationRole": str,
            "replica": dict,
            "cluster": shapes.NOT_MODELLED,
            **dict.fromkeys(
                ("minorVersion", "state", "fullyQualifiedDomainName", "replicaCapacity", "privateEndpointConnections"),
                READ_ONLY,
            ),
        },
    },
    name=re.compile(r"(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*"),
    name_rule="3-63 lower-case letters, digits and single hyphens",
)


def _new(tenant: Tenant, sent: Json) -> Json:
    """Return the properties of a new server, with the defaults of recording 53."""
    return {
        "replica": {"role": "Primary", "capacity": 5},
        "storage": {"type": "", "iops": 500, "tier": "P10", "storageSizeGB": 128, "autoGrow": "Disabled"},
        "network": {"publicNetworkAccess": "Enabled"},
        "privateEndpointConnections": [],
        "authConfig": {"activeDirectoryAuth": "Disabled", "passwordAuth": "Enabled"},
        "version": str(sent.get("version") or "16"),
        "minorVersion": "14",
        "administratorLogin": "adminuser",
        "state": "Ready",
        "availabilityZone": "1",
        "backup": {
            "backupRetentionDays": 7,
            "geoRedundantBackup": "Disabled",
            "earliestRestoreDate": tenant.timestamp(),
        },
        "highAvailability": {"mode": "Disabled", "state": "NotEnabled"},
        "maintenanceWindow": {"customWindow": "Disabled", "dayOfWeek": 0, "startHour": 0, "startMinute": 0},
        "replicationRole": "Primary",
        "replicaCapacity": 5,
    }


def _identity(tenant: Tenant, identifier: str, sent: Json, before: Json | None, partial: bool) -> Json:
    """Return the identities as recording 53 shows them: with a tenant, whatever their type."""
    shown = microsoft_managedidentity.with_principal(tenant, identifier, sent, before, partial=partial)
    return {**shown, "tenantId": tenant.tenant_id}


def _check(tenant: Tenant, before: Json | None, wanted: Json, document: Json) -> None:  # noqa: ARG001  every check has this form
    """Refuse another kind of key for a server that exists, and geo-redundant backups without a key of their own.

    The tenant of sign-ins with Entra ID is shown only where these are enabled (recording 53).
    """
    kind = str(wanted.get("type") or "SystemManaged")
    if before is not None and str(before.get("type") or "SystemManaged").lower() != kind.lower():
        raise encryption_mode_fixed(before.get("type") or "SystemManaged", kind)
    if document["properties"]["authConfig"]["activeDirectoryAuth"].lower() == "disabled":
        document["properties"]["authConfig"].pop("tenantId", None)
    redundant = document["properties"]["backup"]["geoRedundantBackup"].lower() == "enabled"
    if kind.lower() == "azurekeyvault" and redundant and not wanted.get("geoBackupKeyURI"):
        raise geo_key_missing()


SERVERS = FlexibleServers(
    resource=SERVER,
    host="postgres",
    new=_new,
    identity=_identity,
    check=_check,
    parameters={
        "require_secure_transport": Parameter("on", "on|off"),
        "ssl_min_protocol_version": Parameter("TLSv1.2", r"TLSv1\.[23]"),
    },
    shows_health=True,
    unencrypted={"type": "SystemManaged"},
)


def check_name(_tenant: Tenant, call: Call) -> Reply:
    """Answer that a name can be taken."""
    name = call.json().get("name")
    return Reply(200, {"name": name, "type": SERVER.type, "nameAvailable": True, "message": ""})


def capabilities(_tenant: Tenant, _call: Call) -> Reply:
    """Answer what a region, or a server in it, offers: one size, one size of disk, three versions, and no zones for a standby."""
    disks = [
        {
            "storageSizeMb": 131072,
            "supportedIops": 500,
            "defaultIopsTier": "P10",
            "supportedIopsTiers": [{"name": "P10", "iops": 500}],
        }
    ]
    edition = {
        "name": "GeneralPurpose",
        "defaultSkuName": SIZE,
        "supportedStorageEditions": [
            {"name": "ManagedDisk", "defaultStorageSizeMb": 131072, "supportedStorageMb": disks}
        ],
        "supportedServerSkus": [{"name": SIZE, "vCores": 2, "supportedZones": ["1", "2", "3"]}],
    }
    features = {"OfferRestricted": "Disabled", "ZoneRedundantHa": "Disabled", "GeoBackup": "Enabled"}
    offered = {
        "name": "FlexibleServerCapabilities",
        "supportedServerEditions": [edition],
        "supportedServerVersions": [{"name": each, "supportedVersionsToUpgrade": []} for each in ("13", "16", "17")],
        "supportedFeatures": [{"name": name, "status": status} for name, status in features.items()],
    }
    return Reply(200, {"value": [offered]})


def add_postgresql_server(
    state: Arrangement,
    name: str,
    group: str = "rg",
    location: str = LOCATION,
    parameters: Json | None = None,
    **properties: Any,
) -> str:
    """Add a flexible server; return its id."""
    return SERVERS.add(state, name, group, location, parameters or {}, properties)


PROVIDER = Provider(
    namespace=SERVER.namespace,
    coverage=(COVERAGE,),
    routes=(
        *SERVERS.routes(),
        Route(
            "GET",
            f"/subscriptions/{{subscription}}/providers/{SERVER.namespace}/locations/{{location}}/capabilities",
            capabilities,
        ),
        Route("GET", f"{SERVER.path}/capabilities", capabilities),
        *(
            Route("POST", f"/subscriptions/{{subscription}}/providers/{SERVER.namespace}/{each}", check_name)
            for each in ("checkNameAvailability", "locations/{location}/checkNameAvailability")
        ),
    ),
    durations=(
        Duration("microsoft.dbforpostgresql.write", 300, "recording 53: 303 s from the request to the end"),
        Duration("microsoft.dbforpostgresql.delete", 60, "guess: no figure published"),
        Duration("microsoft.dbforpostgresql.parameter", 30, "guess: no figure published"),
    ),
    arrange=(add_postgresql_server,),
    key_readers={SERVER.type.lower(): SERVERS.why_out_of_reach},
    read_actions={
        f"{SERVER.namespace.lower()}/checknameavailability": f"{SERVER.namespace}/checkNameAvailability/action"
    },
)
