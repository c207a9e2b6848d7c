"""Storage accounts: global names, 202 with a Location while creating, and the defaults the service adds."""

import base64
import hashlib
import re

from cmkctl.sandbox.core import addresses, customer_keys, errors, ids, key_loss, operations, registry, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.clouds import Cloud
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_managedidentity
from cmkctl.sandbox.providers.microsoft_storage import capacity

COVERAGE = Area(
    "storage accounts",
    supported=(
        "PUT (202, polls), PATCH, GET, list, DELETE, listKeys, checkNameAvailability; names are global",
        "customer-managed keys: stored, with the version in use and the moment of its change (recording 47)",
        "the second region and its endpoints of GRS and RA-GRS accounts (47), by Azure's published pairs of regions",
        "blob, file, queue and table service: GET, list, PUT; containers; encryption scopes (48)",
        "the key of an encryption scope: the account's identity is checked on it",
    ),
    differs=("an account whose key has no version uses a new one exactly a day after it was made",),
    not_modelled=("blobs, files, queues and tables themselves; custom domains, zones, failover",),
    guesses=(
        "an account in a region without a pair has no second region; Azure may refuse it",
        "an account of any kind has encryption scopes, and one without a version stays at the version that it began with",
        "a key in use is kept with any identity (47); another user-assigned identity that is to read it is checked",
    ),
)

DAILY = 86400
"""The seconds after which an account uses a new version of a key that it names without a version."""

PAIRS = {
    "australiaeast": "australiasoutheast", "brazilsouth": "southcentralus", "canadacentral": "canadaeast",
    "centralindia": "southindia", "centralus": "eastus2", "centraluseuap": "eastus2euap", "eastasia": "southeastasia",
    "eastus": "westus", "eastus2": "centralus", "eastus2euap": "centraluseuap", "francecentral": "francesouth",
    "germanywestcentral": "germanynorth", "japaneast": "japanwest", "japanwest": "japaneast", "koreacentral": "koreasouth",
    "northcentralus": "southcentralus", "northeurope": "westeurope", "norwayeast": "norwaywest",
    "southafricanorth": "southafricawest", "southcentralus": "northcentralus", "southeastasia": "eastasia",
    "swedencentral": "swedensouth", "switzerlandnorth": "switzerlandwest", "uaenorth": "uaecentral", "uksouth": "ukwest",
    "ukwest": "uksouth", "westcentralus": "westus2", "westeurope": "northeurope", "westus": "eastus",
    "westus2": "westcentralus", "westus3": "eastus", "usgovarizona": "usgovtexas", "usgovtexas": "usgovarizona",
    "usgovvirginia": "usgovtexas", "chinaeast2": "chinanorth2", "chinanorth2": "chinaeast2", "chinaeast3": "chinanorth3",
    "chinanorth3": "chinaeast3",
}  # fmt: skip
"""The second region of each: Microsoft's list of paired regions, and recording 47 for the two of the canary."""

SKUS = (
    "Standard_LRS", "Standard_GRS", "Standard_RAGRS", "Standard_ZRS", "Premium_LRS", "Premium_ZRS", "Standard_GZRS",
    "Standard_RAGZRS",
)  # fmt: skip
SERVICE = {"enabled": bool, "keyType": ("Account", "Service"), "lastEnabledTime": shapes.IGNORED}
PROPERTIES = {
    "accessTier": ("Hot", "Cool", "Premium", "Cold"),
    "allowBlobPublicAccess": bool,
    "allowCrossTenantReplication": bool,
    "allowedCopyScope": str,
    "allowSharedKeyAccess": bool,
    "defaultToOAuthAuthentication": bool,
    "dnsEndpointType": ("Standard", "AzureDnsZone"),
    "encryption": {
        "services": {"blob": SERVICE, "file": SERVICE, "queue": SERVICE, "table": SERVICE},
        "keySource": ("Microsoft.Storage", "Microsoft.Keyvault"),
        "requireInfrastructureEncryption": bool,
        "keyvaultproperties": {
            "keyname": str,
            "keyversion": str,
            "keyvaulturi": str,
            **dict.fromkeys(
                (
                    "currentVersionedKeyIdentifier",
                    "lastKeyRotationTimestamp",
                    "currentVersionedKeyExpirationTimestamp",
                ),
                READ_ONLY,
            ),
        },
        "identity": {"userAssignedIdentity": str, "federatedIdentityClientId": str},
    },
    "isHnsEnabled": bool,
    "isLocalUserEnabled": bool,
    "isNfsV3Enabled": bool,
    "isSftpEnabled": bool,
    "keyPolicy": dict,
    "largeFileSharesState": ("Enabled", "Disabled"),
    "minimumTlsVersion": ("TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"),
    "networkAcls": {
        "bypass": str,
        "defaultAction": Required(("Allow", "Deny")),
        "ipRules": [{"value": Required(str), "action": ("Allow",)}],
        "ipv6Rules": [{"value": Required(str), "action": ("Allow",)}],
        "virtualNetworkRules": [{"id": Required(str), "action": ("Allow",), "state": shapes.IGNORED}],
        "resourceAccessRules": [{"tenantId": str, "resourceId": str}],
    },
    "publicNetworkAccess": ("Enabled", "Disabled", "SecuredByPerimeter"),
    "routingPreference": dict,
    "sasPolicy": dict,
    "supportsHttpsTrafficOnly": bool,
    **dict.fromkeys(
        (
            "allowSharedKeyAccessForServices", "azureFilesIdentityBasedAuthentication", "customDomain",
            "dataCollaborationPolicyProperties", "dualStackEndpointPreference", "enableExtendedGroups",
            "geoPriorityReplicationStatus", "immutableStorageWithVersioning",
        ),
        shapes.NOT_MODELLED,
    ),
    **dict.fromkeys(
        (
            "provisioningState", "primaryEndpoints", "primaryLocation", "statusOfPrimary", "secondaryLocation",
            "statusOfSecondary", "secondaryEndpoints", "accountMigrationInProgress", "blobRestoreStatus", "failoverInProgress",
            "geoReplicationStats", "isSkuConversionBlocked", "lastGeoFailoverTime", "storageAccountSkuConversionStatus",
            "creationTime", "keyCreationTime", "privateEndpointConnections",
        ),
        READ_ONLY,
    ),
}  # fmt: skip
RESOURCE_TYPE = resources.ResourceType(
    type="Microsoft.Storage/storageAccounts",
    versions=(
        "2019-04-01", "2019-06-01", "2021-01-01", "2021-02-01", "2021-04-01", "2021-06-01", "2021-08-01", "2021-09-01",
        "2022-05-01", "2022-09-01", "2023-01-01", "2023-04-01", "2023-05-01", "2024-01-01", "2025-01-01", "2025-06-01",
        "2025-08-01", "2026-04-01",
    ),
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        **dict.fromkeys(("extendedLocation", "placement", "zones"), shapes.NOT_MODELLED),
        "sku": Required({"name": Required(SKUS), "tier": READ_ONLY}),
        "kind": Required(("Storage", "StorageV2", "BlobStorage", "FileStorage", "BlockBlobStorage")),
        "identity": {
            "type": Required(("None", "SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned")),
            "userAssignedIdentities": shapes.MapOf(dict),
            "principalId": READ_ONLY,
            "tenantId": READ_ONLY,
        },
        "properties": PROPERTIES,
    },
    name=re.compile(r"[a-z0-9]{3,24}"),
    name_rule="3-24 lower-case letters and digits",
)  # fmt: skip
RETRY_AFTER = 17
TEXT = "text/plain; charset=utf-8"
ENDPOINTS = ("dfs", "web", "blob", "queue", "table", "file")
"""The services of an account; an old one (``kind: Storage``) lacks the first two (recording 72)."""

IPV6_SINCE = "2023-05-01"
"""The first api-version recorded with ``networkAcls.ipv6Rules`` (72); 2021-04-01 (02) has none."""


def view(tenant: Tenant, record: Json, call: Call) -> Json:
    """Show an account, with the endpoints of the cloud of the request, and its second region where it has one."""
    document = record["doc"]
    _follow(tenant, document)
    properties = {**document["properties"], "primaryEndpoints": _endpoints(document, call)}
    if call.api_version >= IPV6_SINCE and "networkAcls" in properties:
        properties["networkAcls"] = {"ipv6Rules": [], **properties["networkAcls"]}
    redundancy = document["sku"]["name"].upper().partition("_")[2]
    second = PAIRS.get(document["location"])
    if redundancy.endswith(("GRS", "GZRS")) and second is not None:
        properties |= {"secondaryLocation": second, "statusOfSecondary": "available"}
        if redundancy.startswith("RA"):
            properties["secondaryEndpoints"] = _endpoints(document, call, "-secondary", without=("file",))
    return {**document, "properties": properties}


def _endpoints(document: Json, call: Call, end: str = "", without: tuple[str, ...] = ()) -> dict[str, str]:
    services = ENDPOINTS if document.get("kind") == "StorageV2" else ENDPOINTS[2:]
    host = f"{document['name']}{end}"
    return {
        name: f"https://{host}.{'z1.' if name == 'web' else ''}{name}.{call.cloud.storage_suffix}/"
        for name in services
        if name not in without
    }


ACCOUNTS = resources.Resources(RESOURCE_TYPE, view)


def put_account(tenant: Tenant, call: Call) -> Reply:
    """Create an account: 202, empty, with Location (recording 02); or update one, 200."""
    write = resources.begin_write(tenant, call, RESOURCE_TYPE)
    if write.existing is not None:
        return _update(tenant, call, write.existing, write.body)
    if _taken(tenant, write.name):
        raise errors.storage_name_taken(write.name)
    capacity.require(tenant, call["subscription"], write.location, write.body)
    _check_network(write.body.get("properties") or {})
    if (write.body.get("properties") or {}).get("encryption"):
        # An account that is new has no identity yet; a system-assigned one of the request has no grant, so it is refused.
        nothing = {"id": write.id, "properties": {"encryption": {"keySource": "Microsoft.Storage"}}}
        _check_key(tenant, nothing, write.body, partial=False)
    record = resources.store(tenant, new_account(tenant, write.id, write.name, write.location, write.body))
    name = operations.start(tenant, "storage.create", write.id)
    if tenant.over(operations.get(tenant, name)["countdown"]):
        operations.settle(tenant)
        return Reply(200, view(tenant, record, call), content_type="application/json")
    return Reply(202, headers=_poll_headers(tenant, call, name, write.location), content_type=TEXT)


def _taken(tenant: Tenant, name: str) -> bool:
    """Return whether an account of that name exists anywhere in the sandbox: account names are global."""
    return any(
        key.endswith(f"/providers/microsoft.storage/storageaccounts/{name}") for key in tenant.table("resources")
    )


def check_name(tenant: Tenant, call: Call) -> Reply:
    """Return whether an account's name is free; the az CLI checks it before it creates one."""
    tenant.require_registered(call["subscription"], RESOURCE_TYPE.namespace)
    name = str(call.json().get("name", ""))
    if not RESOURCE_TYPE.name.fullmatch(name):
        text = errors.storage_name_invalid(name).message
        return Reply(200, {"nameAvailable": False, "reason": "AccountNameInvalid", "message": text})
    if _taken(tenant, name):
        text = errors.storage_name_taken(name).message
        return Reply(200, {"nameAvailable": False, "reason": "AlreadyExists", "message": text})
    return Reply(200, {"nameAvailable": True})


def new_account(tenant: Tenant, identifier: str, name: str, location: str, body: Json) -> Json:
    """Return the document of a new account: what was sent over what the service adds."""
    now = tenant.timestamp()
    enabled = {"keyType": "Account", "enabled": True, "lastEnabledTime": now}
    defaults: Json = {
        "keyCreationTime": {"key1": now, "key2": now},
        "allowCrossTenantReplication": False,
        "privateEndpointConnections": [],
        "minimumTlsVersion": "TLS1_0" if body["kind"] != "StorageV2" else "TLS1_2",
        "networkAcls": {"bypass": "AzureServices", "virtualNetworkRules": [], "ipRules": [], "defaultAction": "Allow"},
        "supportsHttpsTrafficOnly": True,
        "encryption": {"services": {"file": enabled, "blob": enabled}, "keySource": "Microsoft.Storage"},
        **({} if body["kind"] == "Storage" else {"accessTier": "Hot"}),  # recording 72
        "allowBlobPublicAccess": False,
        "provisioningState": "Creating",
        "creationTime": now,
        "primaryLocation": location,
        "statusOfPrimary": "available",
    }
    sent = {word: value for word, value in (body.get("properties") or {}).items() if value is not None}
    sku = body["sku"]["name"]
    properties = shapes.merge(defaults, sent)
    _settle_key(tenant, properties["encryption"])
    return {
        "sku": {"name": sku, "tier": sku.partition("_")[0]},
        "kind": body["kind"],
        "id": identifier,
        "name": name,
        "type": RESOURCE_TYPE.type,
        "location": location,
        "tags": body.get("tags") or {},
        **(
            {"identity": microsoft_managedidentity.with_principal(tenant, identifier, body["identity"])}
            if body.get("identity")
            else {}
        ),
        "properties": properties,
    }


@operations.finisher("storage.create")
def finish_create(tenant: Tenant, operation: Json) -> None:
    """Set the account to ``Succeeded``."""
    record = tenant.resource(operation["target"])
    if record is not None:
        record["doc"]["properties"]["provisioningState"] = "Succeeded"


def _poll_headers(tenant: Tenant, call: Call, operation: str, location: str) -> dict[str, str]:
    path = f"/subscriptions/{call['subscription']}/providers/Microsoft.Storage/locations/{location}/asyncoperations/{operation}"
    return {
        "Location": operations.link(call, path, operation, monitor="true"),
        "Retry-After": tenant.pace.retry_after(RETRY_AFTER),
    }


def poll_create(tenant: Tenant, call: Call) -> Reply:
    """Answer 202 while the account is being created, then the account itself."""
    operations.require_verbatim(call, call["operation"])
    operation = operations.poll(tenant, call["operation"])
    record = tenant.resource(operation["target"])
    if not operation["finished"] or record is None:
        headers = _poll_headers(tenant, call, call["operation"], call["location"])
        return Reply(202, headers=headers, content_type=TEXT)
    return Reply(200, view(tenant, record, call), content_type="application/json")


def patch_account(tenant: Tenant, call: Call) -> Reply:
    """Update an account, 200."""
    record = resources.existing(tenant, call, RESOURCE_TYPE)
    return _update(
        tenant, call, record, shapes.accept(RESOURCE_TYPE.shape, call.json(), call.api_version, partial=True)
    )


def _update(tenant: Tenant, call: Call, record: Json, body: Json) -> Reply:
    document = record["doc"]
    sent = {word: value for word, value in (body.get("properties") or {}).items() if value is not None}
    if "isHnsEnabled" in sent and sent["isHnsEnabled"] != document["properties"].get("isHnsEnabled", False):
        raise errors.storage_hns_fixed()
    _check_second_encryption(document["properties"]["encryption"], sent.get("encryption") or {})
    _check_network(sent)
    if "encryption" in sent:
        _check_key(tenant, document, body, partial=call.method == "PATCH")
    document["properties"] = shapes.merge(document["properties"], sent)
    _settle_key(tenant, document["properties"]["encryption"])
    if body.get("tags") is not None:
        document["tags"] = body["tags"]
    sku = (body.get("sku") or {}).get("name")
    if sku:
        document["sku"] = {"name": sku, "tier": sku.partition("_")[0]}
    if (body.get("identity") or {}).get("type"):
        document["identity"] = microsoft_managedidentity.with_principal(
            tenant, document["id"], body["identity"], document.get("identity"), partial=call.method == "PATCH"
        )
    tenant.changed()
    return Reply(200, view(tenant, record, call), content_type="application/json")


def delete_account(tenant: Tenant, call: Call) -> Reply:
    """Take an account away with all that is in it: 200, empty and yet with a Content-Type (recordings 04, 07), or 204."""
    prefix = ids.key(resources.address(tenant, call, RESOURCE_TYPE)) + "/"
    for key in [key for key in tenant.table("resources") if key.startswith(prefix)]:
        del tenant.table("resources")[key]
    reply = ACCOUNTS.delete(tenant, call)
    return Reply(200, content_type=TEXT) if reply.status == 200 else reply


def _check_key(tenant: Tenant, document: Json, body: Json, *, partial: bool) -> None:
    """Refuse a customer-managed key that the account's identity may not use.

    The key that is in use already is accepted with any identity, or none (recording 47: 17, 23, 55). It is unknown what
    Azure does when another user-assigned identity is to read the same key; the sandbox checks that one.
    """
    before = document["properties"]["encryption"]
    encryption = shapes.merge(before, body["properties"]["encryption"])
    if str(encryption.get("keySource")).lower() != "microsoft.keyvault":
        return
    user = (encryption.get("identity") or {}).get("userAssignedIdentity")
    unchanged = (None, "", (before.get("identity") or {}).get("userAssignedIdentity"))
    if _key_of(encryption) == _key_of(before) and user in unchanged:
        return
    identity = document.get("identity")
    if (body.get("identity") or {}).get("type"):
        identity = microsoft_managedidentity.shown_identity(
            tenant, document["id"], body["identity"], identity, partial=partial
        )
    reader = customer_keys.reader_of(tenant, identity, user)
    key = encryption.get("keyvaultproperties") or {}
    try:
        customer_keys.require_usable(
            tenant, key.get("keyvaulturi") or "", key.get("keyname") or "", key.get("keyversion") or "", reader
        )
    except errors.AzureError as refusal:
        denied = refusal.row is customer_keys.key_forbidden
        raise (customer_keys.account_key_refused() if denied else refusal) from refusal


def why_out_of_reach(tenant: Tenant, cloud: Cloud, record: Json) -> str:
    """Return why an account cannot use its customer-managed key now; empty when it can, or uses Microsoft's.

    The account that Azure makes for a workspace has the workspace's key, and its fate.
    """
    encryption = record["doc"]["properties"].get("encryption") or {}
    if str(encryption.get("keySource")).lower() != "microsoft.keyvault":
        return ""
    if record.get("owner"):
        owner = tenant.resource(record["owner"])
        return registry.key_readers()[owner["doc"]["type"].lower()](tenant, cloud, owner) if owner else ""
    key = encryption.get("keyvaultproperties") or {}
    user = (encryption.get("identity") or {}).get("userAssignedIdentity")
    reader = customer_keys.reader_of(tenant, record["doc"].get("identity"), user)
    version = key.get("keyversion") or str(key.get("currentVersionedKeyIdentifier") or "").rpartition("/")[2]
    try:
        customer_keys.require_usable(tenant, key.get("keyvaulturi") or "", key.get("keyname") or "", version, reader)
    except errors.AzureError as refusal:
        return key_loss.NO_GRANT if refusal.row is customer_keys.key_forbidden else key_loss.DISABLED
    return ""


def _check_second_encryption(before: Json, sent: Json) -> None:
    wanted = sent.get("requireInfrastructureEncryption")
    if wanted is not None and wanted != before.get("requireInfrastructureEncryption", False):
        raise errors.storage_double_encryption_fixed()


BYPASSES = ("none", "logging", "metrics", "azureservices")


def _check_network(sent: Json) -> None:
    """Refuse an unknown word of ``bypass`` (several are separated by commas), and IP rules that Storage does not take."""
    for word in str((sent.get("networkAcls") or {}).get("bypass") or "None").split(","):
        if word.strip().lower() not in BYPASSES:
            raise errors.property_refused("properties.networkAcls.bypass", f"has the unknown word {word.strip()!r}")
    values = [each["value"] for each in (sent.get("networkAcls") or {}).get("ipRules") or ()]
    addresses.require_public(values)
    addresses.require_storage_ranges(values)


def _key_of(encryption: Json) -> tuple[str, ...]:
    """Return vault, name and version of the customer-managed key; empty texts for Microsoft's."""
    key = encryption.get("keyvaultproperties") or {}
    return tuple((key.get(name) or "").rstrip("/").lower() for name in ("keyvaulturi", "keyname", "keyversion"))


def _settle_key(tenant: Tenant, encryption: Json) -> None:
    """Show the version of a customer-managed key that is in use, and since when (recording 47).

    With Microsoft's keys there is none (recording 72).
    """
    if encryption["keySource"] == "Microsoft.Storage":
        encryption.pop("keyvaultproperties", None)
    sent = encryption.get("keyvaultproperties") or {}
    vault, name = sent.get("keyvaulturi", "").rstrip("/"), sent.get("keyname", "")
    host = vault.removeprefix("https://").partition(".")[0].lower()
    for key, record in tenant.table("resources").items():
        if vault and key.endswith(f"/providers/microsoft.keyvault/vaults/{host}/keys/{name.lower()}"):
            version = sent.get("keyversion") or record["versions"][-1]["version"]
            current = f"{vault}/keys/{name}/{version}"
            if sent.get("currentVersionedKeyIdentifier") != current:
                sent["currentVersionedKeyIdentifier"] = current
                sent["lastKeyRotationTimestamp"] = tenant.timestamp()
            sent["currentVersionedKeyExpirationTimestamp"] = "1970-01-01T00:00:00.0000000Z"


def _follow(tenant: Tenant, document: Json) -> None:
    """Move a versionless key to a version that is a day old: the service looks for a new one daily."""
    key = document["properties"]["encryption"].get("keyvaultproperties") or {}
    current = str(key.get("currentVersionedKeyIdentifier") or "")
    if key.get("keyversion") or document.get("managedBy") or not current:
        return
    base = current.rpartition("/")[0]
    host, name = base.removeprefix("https://").partition(".")[0].lower(), base.rpartition("/")[2].lower()
    suffix = f"/providers/microsoft.keyvault/vaults/{host}/keys/{name}"
    record = next((each for where, each in tenant.table("resources").items() if where.endswith(suffix)), None)
    newest = record["versions"][-1] if record else None
    if newest and newest["attributes"]["enabled"] and newest["attributes"]["created"] + DAILY <= tenant.clock():
        _use(key, f"{base}/{newest['version']}", tenant.timestamp())


def _use(key: Json, identifier: str, at: str) -> None:
    if key.get("currentVersionedKeyIdentifier") != identifier:
        key["currentVersionedKeyIdentifier"] = identifier
        key["lastKeyRotationTimestamp"] = at


def follow_workspace(tenant: Tenant, document: Json, identifier: str) -> None:
    """Move the account that Azure manages for a workspace to the workspace's key."""
    key = document["properties"]["encryption"].get("keyvaultproperties")
    if key:
        key["keyname"] = identifier.split("/")[-2]
        _use(key, identifier, tenant.timestamp())


def list_keys(tenant: Tenant, call: Call) -> Reply:
    """Answer two account keys. They open nothing, and they are never logged."""
    record = resources.existing(tenant, call, RESOURCE_TYPE)
    created = record["doc"]["properties"]["keyCreationTime"]
    rows = []
    for name in ("key1", "key2"):
        value = base64.b64encode(hashlib.sha512(f"{record['doc']['id']}/{name}".encode()).digest()).decode()
        rows.append({"creationTime": created[name], "keyName": name, "value": value, "permissions": "FULL"})
    return Reply(200, {"keys": rows})


def add_storage_account(
    state: Arrangement, name: str, group: str = "rg", location: str = LOCATION, **properties: object
) -> str:
    """Add a StorageV2 account; return its id."""
    group_id = state.add_resource_group(group, location)
    identifier = f"{group_id}/providers/{RESOURCE_TYPE.type}/{name}"
    with state.arranging():
        body = {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": properties}
        document = new_account(state.tenant, identifier, name, location, body)
        document["properties"]["provisioningState"] = "Succeeded"
        resources.store(state.tenant, document)
    return identifier


ROUTES = (
    *ACCOUNTS.routes(put_account, patch_account, delete_account),
    RESOURCE_TYPE.route("POST", RESOURCE_TYPE.path + "/listKeys", list_keys),
    Route(
        "POST",
        "/subscriptions/{subscription}/providers/Microsoft.Storage/checkNameAvailability",
        check_name,
        "Microsoft.Storage/checkNameAvailability",
        RESOURCE_TYPE.versions,
    ),
    Route(
        "GET",
        "/subscriptions/{subscription}/providers/Microsoft.Storage/locations/{location}/asyncoperations/{operation}",
        poll_create,
    ),
)
