"""Accounts of Azure Cosmos DB: those that a caller creates, with their key, and those of managed resource groups."""

import re
from typing import Any

from cmkctl.sandbox.core import customer_keys, errors, ids, key_loss, offers, operations, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.clouds import Cloud
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.refusal import documented, ours
from cmkctl.sandbox.core.regions import LOCATIONS, normal
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required, Since
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_managedidentity
from cmkctl.sandbox.providers.microsoft_documentdb import managed
from cmkctl.sandbox.providers.microsoft_documentdb.key_status import STATUS
from cmkctl.sandbox.providers.microsoft_documentdb.principal import principal_of
from cmkctl.sandbox.providers.microsoft_documentdb.versions import SHOWS_THE_STATUS, SHOWS_THE_VERSION, VERSIONS

FIRST_PARTY, SYSTEM, USER = "FirstPartyIdentity", "SystemAssignedIdentity", "UserAssignedIdentity="
CASSANDRA = "enablecassandra"
SUFFIXES = {"AzureUSGovernment": "documents.azure.us", "AzureChinaCloud": "documents.azure.cn"}
"""Domains of the endpoints in clouds other than the public one."""

_KNOWN = ours("that it is refused is documented; its wording is not")
key_uri_with_version = errors.ErrorRow(
    400, "BadRequest", _KNOWN, "keyVaultKeyUri has to name a key without a version: '{uri}'."
)
account_key_stays = errors.ErrorRow(
    400, "BadRequest", _KNOWN, "The customer-managed key of an account can be replaced, and never taken away."
)
account_takes_no_key = errors.ErrorRow(
    400, "BadRequest", _KNOWN, "An existing account of the API for Cassandra takes no customer-managed key."
)
default_identity_missing = errors.ErrorRow(
    400, "BadRequest", _KNOWN, "The account does not have the identity that defaultIdentity names: '{identity}'."
)
account_revoked = errors.ErrorRow(
    403,
    "Forbidden",
    documented(
        "cmk-troubleshooting-guide: only the default identity can be updated, and the account deleted; wording ours"
    ),
    "{status}",
)

_LOCATION = {
    "id": READ_ONLY,
    "locationName": str,
    "documentEndpoint": READ_ONLY,
    "provisioningState": READ_ONLY,
    "failoverPriority": int,
    "isZoneRedundant": bool,
}
ACCOUNT = resources.ResourceType(
    type="Microsoft.DocumentDB/databaseAccounts",
    versions=VERSIONS,
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        "kind": ("GlobalDocumentDB", "MongoDB", "Parse"),
        "identity": {
            "type": ("None", "SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned"),
            "userAssignedIdentities": shapes.MapOf(dict),
            "principalId": READ_ONLY,
            "tenantId": READ_ONLY,
        },
        "properties": Required(
            {
                "databaseAccountOfferType": Required(("Standard",)),
                "locations": Required([_LOCATION]),
                "consistencyPolicy": {
                    "defaultConsistencyLevel": Required(
                        ("Eventual", "Session", "BoundedStaleness", "Strong", "ConsistentPrefix")
                    ),
                    "maxStalenessPrefix": int,
                    "maxIntervalInSeconds": int,
                },
                "capabilities": [{"name": str}],
                "ipRules": [{"ipAddressOrRange": str}],
                "virtualNetworkRules": [{"id": str, "ignoreMissingVNetServiceEndpoint": bool}],
                "cors": [dict],
                "backupPolicy": dict,
                "apiProperties": dict,
                "capacity": dict,
                "analyticalStorageConfiguration": dict,
                "networkAclBypass": ("None", "AzureServices"),
                "networkAclBypassResourceIds": [str],
                "publicNetworkAccess": ("Enabled", "Disabled", "SecuredByPerimeter"),
                "createMode": ("Default",),
                "keyVaultKeyUri": str,
                "defaultIdentity": str,
                "minimalTlsVersion": Since("2023-04-15", "2022-08-15-preview", ("Tls", "Tls11", "Tls12")),
                "defaultPriorityLevel": ("High", "Low"),
                **dict.fromkeys(
                    (
                        "isVirtualNetworkFilterEnabled",
                        "enableAutomaticFailover",
                        "enableMultipleWriteLocations",
                        "enableCassandraConnector",
                        "disableKeyBasedMetadataWriteAccess",
                        "enableFreeTier",
                        "enableAnalyticalStorage",
                        "disableLocalAuth",
                        "enablePartitionMerge",
                        "enableBurstCapacity",
                        "enablePerRegionPerPartitionAutoscale",
                        "enablePriorityBasedExecution",
                    ),
                    bool,
                ),
                **dict.fromkeys(("connectorOffer", "restoreParameters"), shapes.NOT_MODELLED),
                **dict.fromkeys(
                    (
                        "provisioningState",
                        "documentEndpoint",
                        "writeLocations",
                        "readLocations",
                        "failoverPolicies",
                        "privateEndpointConnections",
                        "instanceId",
                        "keysMetadata",
                        "customerManagedKeyStatus",
                        "keyVaultKeyUriVersion",
                        "EnabledApiTypes",
                        "enablePartitionKeyMonitor",
                        "configurationOverrides",
                    ),
                    READ_ONLY,
                ),
            }
        ),
    },
    name=re.compile(r"(?=.{3,44}$)[a-z0-9]+(?:-[a-z0-9]+)*"),
    name_rule="3-44 lower-case letters, digits and single hyphens",
)
KEY_URI = re.compile(r"(https://[^/]+)/keys/([A-Za-z0-9-]+)/?")
DISPLAY = LOCATIONS[LOCATION]


def view(tenant: Tenant, record: Json, call: Call) -> Json:
    """Show an account with its key and the state of its access to the key."""
    document: Json = record["doc"]
    if document.get("managedBy"):
        return managed.view(tenant, call, document)
    properties = document["properties"]
    if not properties.get("keyVaultKeyUri") or properties["provisioningState"] != "Succeeded":
        return document
    shown = {**properties}
    if call.api_version >= SHOWS_THE_STATUS:
        shown["customerManagedKeyStatus"] = STATUS[key_loss.lost(tenant, call.cloud, record)]
    if call.api_version >= SHOWS_THE_VERSION:
        shown["keyVaultKeyUriVersion"] = _newest(tenant, properties["keyVaultKeyUri"])
    return {**document, "properties": shown}


def _newest(tenant: Tenant, uri: str) -> str:
    """Return the newest version of a key that is enabled; empty where there is none."""
    named = KEY_URI.fullmatch(uri)
    vault = named and customer_keys.vault_at(tenant, named[1])
    record = tenant.resource(f"{vault['doc']['id']}/keys/{named[2]}") if named and vault else None
    enabled = [each["version"] for each in (record or {}).get("versions", ()) if each["attributes"]["enabled"]]
    return str(enabled[-1]) if enabled else ""


class Accounts(resources.Resources):
    """Reads of accounts, and their deletion, which is an operation."""

    def list_in_subscription(self, tenant: Tenant, call: Call) -> Reply:
        """Answer the accounts of the subscription; those of others are arranged, and have a name and a region only."""
        tenant.require_registered(call["subscription"], ACCOUNT.namespace)
        own = super().list_in_subscription(tenant, call).body["value"]
        head = f"/subscriptions/{call['subscription']}/resourceGroups/rg-others/providers/{ACCOUNT.type}"
        used, _ = offers.used(tenant, offers.COSMOS_DB_ACCOUNTS, call["subscription"])
        others = [
            {
                "id": f"{head}/cosmos-{number}",
                "name": f"cosmos-{number}",
                "type": ACCOUNT.type,
                "location": DISPLAY,
                "properties": {"provisioningState": "Succeeded"},
            }
            for number in range(used - len(own))
        ]
        return Reply(200, {"value": [*own, *others]})

    def list_in_group(self, tenant: Tenant, call: Call) -> Reply:
        """Answer the accounts of a resource group."""
        tenant.require_registered(call["subscription"], ACCOUNT.namespace)
        return super().list_in_group(tenant, call)

    def get(self, tenant: Tenant, call: Call) -> Reply:
        """Answer one account."""
        tenant.require_registered(call["subscription"], ACCOUNT.namespace)
        return super().get(tenant, call)

    def delete(self, tenant: Tenant, call: Call) -> Reply:
        """Take an account away: 202, or 204 when it is not there."""
        record = tenant.resource(resources.address(tenant, call, ACCOUNT))
        if record is None:
            return Reply(204)
        record["doc"]["properties"]["provisioningState"] = "Deleting"
        return Reply(202, None, _start(tenant, call, record["doc"], "delete"))


ACCOUNTS = Accounts(ACCOUNT, view)


def put_account(tenant: Tenant, call: Call) -> Reply:
    """Create an account, or update one: 200 with both headers (recording 70)."""
    write = resources.begin_write(tenant, call, ACCOUNT)
    if write.existing is not None:
        return _update(tenant, call, write.existing, write.body)
    document = _new_account(tenant, write.id, write.name, write.location, write.body)
    if (write.body.get("identity") or {}).get("type", "None") != "None":
        document["identity"] = microsoft_managedidentity.with_principal(tenant, write.id, write.body["identity"])
    sent = _sent(write.body)
    wanted = sent.get("defaultIdentity") or FIRST_PARTY
    _check(tenant, call.cloud, document, {**sent, "defaultIdentity": wanted})
    # Until the account is there it shows no default identity (recording 70).
    record = resources.store(tenant, document, default_identity=wanted)
    headers = _start(tenant, call, document, "create")
    return Reply(200, record["doc"], headers)


def patch_account(tenant: Tenant, call: Call) -> Reply:
    """Update an account: 200 with both headers."""
    record = resources.existing(tenant, call, ACCOUNT)
    return _update(tenant, call, record, shapes.accept(ACCOUNT.shape, call.json(), call.api_version, partial=True))


def _sent(body: Json) -> Json:
    return {name: value for name, value in (body.get("properties") or {}).items() if value is not None}


def _update(tenant: Tenant, call: Call, record: Json, body: Json) -> Reply:
    document, sent = record["doc"], _sent(body)
    before = document["properties"]
    if _locations(sent.pop("locations", None) or before["locations"]) != _locations(before["locations"]):
        raise errors.not_modelled("the change of an account's regions")
    identity = body.get("identity") or {}
    if identity.get("type", "").lower() not in ("", (document.get("identity") or {}).get("type", "").lower()) or any(
        ids.key(each) not in map(ids.key, (document.get("identity") or {}).get("userAssignedIdentities") or {})
        for each in identity.get("userAssignedIdentities") or {}
    ):
        # Azure takes an update with both and leaves the default identity as it was, without an error.
        sent.pop("defaultIdentity", None)
    if set(sent) - {"defaultIdentity"} and (why := key_loss.lost(tenant, call.cloud, record)):
        raise account_revoked(status=STATUS[why])
    if "keyVaultKeyUri" in sent and not sent["keyVaultKeyUri"]:
        if before.get("keyVaultKeyUri"):
            raise account_key_stays()
        del sent["keyVaultKeyUri"]
    if identity.get("type"):
        document["identity"] = (
            {"type": "None"}
            if identity["type"].lower() == "none"
            else microsoft_managedidentity.with_principal(
                tenant, document["id"], identity, document.get("identity"), partial=call.method == "PATCH"
            )
        )
    if not before.get("keyVaultKeyUri") and sent.get("keyVaultKeyUri") and _is_cassandra(before):
        raise account_takes_no_key()
    _check(tenant, call.cloud, document, {"defaultIdentity": before["defaultIdentity"], **_changed(before, sent)})
    document["properties"] = {**shapes.merge(before, sent), "provisioningState": "Updating"}
    if body.get("tags") is not None:
        document["tags"] = body["tags"]
    tenant.changed()
    return Reply(200, document, _start(tenant, call, document, "update"))


def _changed(before: Json, sent: Json) -> Json:
    """Return what decides about the use of the key, where the key or its reader changes."""
    names = ("keyVaultKeyUri", "defaultIdentity")
    if all(sent.get(name, before.get(name)) == before.get(name) for name in names):
        return {}
    return {name: value for name in names if (value := sent.get(name) or before.get(name))}


def _locations(locations: list[Json]) -> list[tuple[str, Any]]:
    return [(normal(each["locationName"]), each.get("failoverPriority")) for each in locations]


def _is_cassandra(properties: Json) -> bool:
    return any(each["name"].lower() == CASSANDRA for each in properties.get("capabilities") or ())


def _check(tenant: Tenant, cloud: Cloud, document: Json, wanted: Json) -> None:
    """Refuse a default identity that the account does not have, and a key that it cannot use."""
    default = wanted["defaultIdentity"]
    reader = _reader(tenant, cloud, document.get("identity"), default)
    if reader is None and default.lower() != FIRST_PARTY.lower():
        raise default_identity_missing(default)
    if not wanted.get("keyVaultKeyUri"):
        return
    named = KEY_URI.fullmatch(wanted["keyVaultKeyUri"])
    if named is None:
        raise key_uri_with_version(wanted["keyVaultKeyUri"])
    customer_keys.require_usable(tenant, named[1], named[2], "", reader)


def _reader(tenant: Tenant, cloud: Cloud, identity: Json | None, default: str) -> str | None:
    """Return the object id of the identity that reads the key; None for one that there is not."""
    if default.lower() == FIRST_PARTY.lower():
        return principal_of(tenant, cloud.name)
    if default.lower() == SYSTEM.lower():
        return (identity or {}).get("principalId")
    if not default.lower().startswith(USER.lower()):
        return None
    user = default[len(USER) :].partition("&")[0]
    return customer_keys.reader_of(tenant, identity, user) if user else None


def why_out_of_reach(tenant: Tenant, cloud: Cloud, record: Json) -> str:
    """Return why an account cannot use its key now; empty when it can, has none, or has that of a workspace."""
    document = record["doc"]
    named = KEY_URI.fullmatch(document["properties"].get("keyVaultKeyUri") or "")
    if named is None or document.get("managedBy") or document["properties"]["provisioningState"] != "Succeeded":
        return ""
    reader = _reader(tenant, cloud, document.get("identity"), document["properties"]["defaultIdentity"])
    return customer_keys.why_unusable(tenant, named[1], named[2], "", reader)


# --- operations


def _start(tenant: Tenant, call: Call, document: Json, what: str) -> dict[str, str]:
    """Begin an operation on an account; return both headers (recording 70)."""
    domain = SUFFIXES.get(call.cloud.name, "documents.azure.com")
    # Recording 70: one poll more than most operations.
    factor = 1.5 if what == "create" else 1
    name = operations.start(tenant, f"cosmos.{what}", document["id"], factor=factor, domain=domain)
    operations.settle(tenant)
    head = (
        f"/subscriptions/{call['subscription']}/providers/{ACCOUNT.namespace}/locations/{normal(document['location'])}"
    )
    return {
        "Azure-AsyncOperation": operations.link(call, f"{head}/operationsStatus/{name}", name),
        "Location": operations.link(call, f"{document['id']}/operationResults/{name}", name),
    }


@operations.finisher("cosmos.create")
@operations.finisher("cosmos.update")
def finish(tenant: Tenant, operation: Json) -> None:
    """End the creation of an account, or an update."""
    record = tenant.resource(operation["target"])
    if record is None:
        return
    document = record["doc"]
    properties = document["properties"]
    if default := record.pop("default_identity", None):
        properties["defaultIdentity"] = default
    properties["provisioningState"] = "Succeeded"
    properties["documentEndpoint"] = f"https://{document['name']}.{operation['domain']}:443/"
    for kind in ("writeLocations", "readLocations", "locations"):
        for each in properties[kind]:
            endpoint = f"https://{each['id']}.{operation['domain']}:443/"
            each |= {"provisioningState": "Succeeded", "documentEndpoint": endpoint}


@operations.finisher("cosmos.delete")
def finish_deletion(tenant: Tenant, operation: Json) -> None:
    """Take an account away."""
    gone = tenant.table("resources").pop(ids.key(operation["target"]), None)
    if gone is not None:
        resources.end_identity(tenant, gone["doc"])


def poll(tenant: Tenant, call: Call) -> Reply:
    """Answer the state of an operation (recording 70)."""
    operations.require_verbatim(call, call["operation"])
    return Reply(200, {"status": "Succeeded" if operations.poll(tenant, call["operation"])["finished"] else "Dequeued"})


def result(tenant: Tenant, call: Call) -> Reply:
    """Answer the account that an operation made or updated, once it is over."""
    operations.require_verbatim(call, call["operation"])
    operation = operations.poll(tenant, call["operation"])
    if not operation["finished"]:
        return Reply(202)
    record = tenant.resource(operation["target"])
    return Reply(204) if record is None else Reply(200, view(tenant, record, call))


# --- documents


def _new_account(tenant: Tenant, identifier: str, name: str, location: str, body: Json) -> Json:
    """Return an account that is being created, as recording 70 shows it."""
    sent = _sent(body)
    regions = [
        {
            "id": f"{name}-{normal(each['locationName'])}",
            "locationName": LOCATIONS.get(normal(each["locationName"]), each["locationName"]),
            "provisioningState": "Creating",
            "failoverPriority": each.get("failoverPriority", 0),
            "isZoneRedundant": bool(each.get("isZoneRedundant")),
        }
        for each in sent["locations"]
    ]
    policies = [{key: each[key] for key in ("id", "locationName", "failoverPriority")} for each in regions]
    given = {key: value for key, value in sent.items() if key not in {"locations", "apiProperties"}}
    return {
        "id": identifier,
        "name": name,
        "location": LOCATIONS.get(location, location),
        "type": ACCOUNT.type,
        "kind": body.get("kind") or "GlobalDocumentDB",
        "tags": body.get("tags") or {},
        "systemData": {"createdAt": tenant.timestamp()},
        "properties": {
            "publicNetworkAccess": "Enabled",
            "enableAutomaticFailover": False,
            "enableMultipleWriteLocations": False,
            "enablePartitionKeyMonitor": False,
            "isVirtualNetworkFilterEnabled": False,
            "virtualNetworkRules": [],
            "EnabledApiTypes": "Sql",
            "disableKeyBasedMetadataWriteAccess": False,
            "enableFreeTier": False,
            "enableAnalyticalStorage": False,
            "analyticalStorageConfiguration": {"analyticalStorageSchemaType": "WellDefined"},
            "instanceId": ids.guid("cosmos", identifier),
            "createMode": "Default",
            "databaseAccountOfferType": "Standard",
            "networkAclBypass": "None",
            "disableLocalAuth": False,
            "consistencyPolicy": {
                "defaultConsistencyLevel": "Session",
                "maxIntervalInSeconds": 5,
                "maxStalenessPrefix": 100,
            },
            "configurationOverrides": {},
            "cors": [],
            "capabilities": [],
            "ipRules": [],
            "backupPolicy": {
                "type": "Periodic",
                "periodicModeProperties": {
                    "backupIntervalInMinutes": 240,
                    "backupRetentionIntervalInHours": 8,
                    "backupStorageRedundancy": "Geo",
                },
            },
            "networkAclBypassResourceIds": [],
            **given,
            "provisioningState": "Creating",
            "defaultIdentity": "",
            **{kind: [{**each} for each in regions] for kind in ("writeLocations", "readLocations", "locations")},
            "failoverPolicies": policies,
        },
        "identity": {"type": "None"},
    }


def add_cosmos_account(
    state: Arrangement, name: str, group: str = "rg", location: str = LOCATION, **properties: Any
) -> str:
    """Add an account with Microsoft's key, read by Azure Cosmos DB; return its id."""
    group_id = state.add_resource_group(group, location)
    state.register_provider(ACCOUNT.namespace)
    identifier = f"{group_id}/providers/{ACCOUNT.type}/{name}"
    body = {"properties": {"locations": [{"locationName": location, "failoverPriority": 0}], **properties}}
    with state.arranging():
        resources.store(
            state.tenant,
            _new_account(state.tenant, identifier, name, location, body),
            default_identity=FIRST_PARTY,
        )
        finish(state.tenant, {"target": identifier, "domain": "documents.azure.com"})
    return identifier


ROUTES = (
    *ACCOUNTS.routes(put_account, patch_account),
    Route(
        "GET",
        "/subscriptions/{subscription}/providers/Microsoft.DocumentDB/locations/{location}/operationsStatus/{operation}",
        poll,
    ),
    Route("GET", f"{ACCOUNT.path}/operationResults/{{operation}}", result),
)
