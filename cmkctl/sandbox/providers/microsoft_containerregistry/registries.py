"""Container registries: global names, 201 and a link for every write, Premium for a customer-managed key."""

import base64
import hashlib
from typing import Any

from cmkctl.sandbox.core import customer_keys, errors, ids, operations, resources, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_managedidentity
from cmkctl.sandbox.providers.microsoft_containerregistry import shape
from cmkctl.sandbox.providers.microsoft_containerregistry.shape import REGISTRY

COVERAGE = Area(
    "container registries",
    supported=(
        "PUT and PATCH (201 `Creating`, `Updating` and Azure-AsyncOperation: recording 71), GET, list, DELETE",
        "customer-managed key: Premium only, chosen once; `versionedKeyIdentifier`, `keyRotationEnabled` (71)",
        "`lastKeyRotationTimestamp` after a change of the key (71)",
        "properties by api-version, from the published types; policies and rules with their defaults (71)",
        "checkNameAvailability, listCredentials (azurerm reads them), replications",
    ),
    not_modelled=("images, tasks, webhooks, tokens, private endpoints, rules for virtual networks",),
    guesses=(
        "a PATCH or PUT of a registry that exists is asynchronous whatever it changes; recorded is one that changes the key",
        "a replication is made like a registry; the home region is in the list of a Premium registry (azurerm leaves it out)",
        "`roleAssignmentMode` is `LegacyRegistryPermissions` unless it was sent",
    ),
)
KEYS = "/keys/"
HOST_MASK = "/32"


def view(tenant: Tenant, record: Json, call: Call) -> Json:  # noqa: ARG001  every view has the same form
    """Show a registry as the api-version of the request has it, with its addresses in the cloud of the request."""
    document = record["doc"]
    name, properties = document["name"].lower(), document["properties"]
    server = f"{name}.{call.cloud.registry_suffix}"
    data = f"{name}.{document['location']}.data.{call.cloud.registry_suffix}"
    shown = {
        "loginServer": server,
        **properties,
        "dataEndpointHostNames": [data] if properties["dataEndpointEnabled"] else [],
    }
    return {**document, "properties": shape.known_to(shape.PROPERTIES, shown, call.api_version)}


REGISTRIES = resources.Resources(REGISTRY, view)


def put_registry(tenant: Tenant, call: Call) -> Reply:
    """Create a registry: 201 ``Creating`` (fact 39, recording 71); or update one."""
    write = resources.begin_write(tenant, call, REGISTRY)
    if write.existing is not None:
        return _update(tenant, call, write.existing, write.body)
    sent = _sent(write.body)
    sku = write.body["sku"]["name"]
    _require_premium(sku, sent)
    if _taken(tenant, write.name):
        raise errors.registry_name_taken(write.name.lower())
    document = {
        "id": write.id,
        "name": write.name,
        "type": REGISTRY.type,
        "location": write.location,
        "tags": write.body.get("tags") or {},
        "sku": {"name": sku, "tier": sku},
        **_identity(tenant, write.id, write.body.get("identity")),
        "properties": shapes.merge(_defaults(tenant, sku), _settled(sent)),
        "systemData": tenant.system_data(),
    }
    _require_key(tenant, document.get("identity"), document["properties"]["encryption"])
    _show_key(tenant, document["properties"], None)
    return _accepted(tenant, call, resources.store(tenant, document), shape.CREATE)


def patch_registry(tenant: Tenant, call: Call) -> Reply:
    """Change a registry: 201 ``Updating`` (recording 71)."""
    record = resources.existing(tenant, call, REGISTRY)
    return _update(tenant, call, record, shapes.accept(REGISTRY.shape, call.json(), call.api_version, partial=True))


def _update(tenant: Tenant, call: Call, record: Json, body: Json) -> Reply:
    document, sent = record["doc"], _sent(body)
    before = document["properties"]
    wanted = (sent.get("encryption") or {}).get("status")
    if wanted is not None and wanted.lower() != before["encryption"]["status"]:
        raise errors.registry_encryption_fixed()
    sku = (body.get("sku") or {}).get("name") or document["sku"]["name"]
    _require_premium(sku, shapes.merge(before, sent) if sku != document["sku"]["name"] else sent)
    merged = shapes.merge(before, _settled(sent))
    if _key_of(merged) != _key_of(before):
        identity = document.get("identity")
        if (body.get("identity") or {}).get("type"):
            identity = microsoft_managedidentity.shown_identity(
                tenant, document["id"], body["identity"], identity, partial=call.method == "PATCH"
            )
        _require_key(tenant, identity, merged["encryption"])
    document["properties"] = merged
    _note_policies(tenant, document["properties"]["policies"])
    _show_key(
        tenant, document["properties"], (before["encryption"].get("keyVaultProperties") or {}).get("keyIdentifier")
    )
    if body.get("tags") is not None:
        document["tags"] = body["tags"]
    document["sku"] = {"name": sku, "tier": sku}
    if (body.get("identity") or {}).get("type"):
        partial, old = call.method == "PATCH", document.pop("identity", None)
        document.update(_identity(tenant, document["id"], body["identity"], old, partial=partial))
    document["systemData"] = tenant.system_data(document["systemData"])
    return _accepted(tenant, call, record, shape.UPDATE)


def _accepted(tenant: Tenant, call: Call, record: Json, kind: str) -> Reply:
    record["doc"]["properties"]["provisioningState"] = shape.IN_PROGRESS[kind]
    name = operations.start(tenant, kind, record["doc"]["id"])
    operations.settle(tenant)
    return Reply(201, view(tenant, record, call), shape.link(call, record["doc"]["id"], name, kind))


def _sent(body: Json) -> Json:
    return {name: value for name, value in (body.get("properties") or {}).items() if value is not None}


def _settled(sent: Json) -> Json:
    """Return what was sent as it is kept: words of status in lower case, and single addresses without their mask.

    That ``/32`` is dropped is in a comment of azurerm's registry resource.
    """
    rules = (sent.get("networkRuleSet") or {}).get("ipRules")
    if rules:
        plain = [{"action": "Allow", **rule, "value": rule["value"].removesuffix(HOST_MASK)} for rule in rules]
        sent = {**sent, "networkRuleSet": {**sent["networkRuleSet"], "ipRules": plain}}
    encryption = sent.get("encryption") or {}
    if encryption.get("status"):
        sent = {**sent, "encryption": {**encryption, "status": encryption["status"].lower()}}
    return sent


def _require_premium(sku: str, sent: Json) -> None:
    if sku.lower() == "premium":
        return
    if str((sent.get("encryption") or {}).get("status", "")).lower() == "enabled":
        raise errors.registry_needs_premium("A customer-managed key")
    if sent.get("networkRuleSet"):
        raise errors.registry_needs_premium("networkRuleSet")
    if str(sent.get("publicNetworkAccess", "")).lower() == "disabled":
        raise errors.registry_needs_premium("publicNetworkAccess Disabled")


def _taken(tenant: Tenant, name: str) -> bool:
    """Return whether a registry of that name exists anywhere in the sandbox: the names are global."""
    end = f"/providers/microsoft.containerregistry/registries/{name.lower()}"
    return any(key.endswith(end) for key in tenant.table("resources"))


def _identity(
    tenant: Tenant, identifier: str, sent: Json | None, before: Json | None = None, *, partial: bool = False
) -> Json:
    """Return the identity with its type as the service writes it, the first letter in lower case (recording 71)."""
    if not sent or not sent.get("type"):
        return {}
    made = microsoft_managedidentity.with_principal(tenant, identifier, sent, before, partial=partial)
    if made["type"].lower() == "none":
        return {}
    words = [word.strip() for word in made["type"].split(",")]
    return {"identity": {**made, "type": ", ".join(word[0].lower() + word[1:] for word in words)}}


def _defaults(tenant: Tenant, sku: str) -> Json:
    policies: Json = {
        "quarantinePolicy": {"status": "disabled"},
        "trustPolicy": {"type": "Notary", "status": "disabled"},
        "retentionPolicy": {"days": 7, "status": "disabled"},
        "exportPolicy": {"status": "enabled"},
        "azureADAuthenticationAsArmPolicy": {"status": "enabled"},
        "softDeletePolicy": {"retentionDays": 7, "status": "disabled"},
    }
    _note_policies(tenant, policies)
    return {
        "creationDate": tenant.timestamp(),
        "adminUserEnabled": False,
        **({"networkRuleSet": {"defaultAction": "Allow", "ipRules": []}} if sku.lower() == "premium" else {}),
        "policies": policies,
        "encryption": {"status": "disabled"},
        "dataEndpointEnabled": False,
        "privateEndpointConnections": [],
        "publicNetworkAccess": "Enabled",
        "networkRuleBypassOptions": "AzureServices",
        "networkRuleBypassAllowedForTasks": False,
        "zoneRedundancy": "Disabled",
        "anonymousPullEnabled": False,
        "metadataSearch": "Disabled",
        "roleAssignmentMode": "LegacyRegistryPermissions",
    }


def _note_policies(tenant: Tenant, policies: Json) -> None:
    """Set the moment of the two policies that have one: that of the latest write (recording 71)."""
    for name in ("retentionPolicy", "softDeletePolicy"):
        policies[name]["lastUpdatedTime"] = tenant.timestamp()


def _key_of(properties: Json) -> tuple[str, str]:
    """Return identifier and identity of the customer-managed key; empty texts without one."""
    key = properties["encryption"].get("keyVaultProperties") or {}
    return (key.get("keyIdentifier") or "").rstrip("/").lower(), (key.get("identity") or "").lower()


def _require_key(tenant: Tenant, identity: Json | None, encryption: Json) -> None:
    """Refuse a key that the registry's identity may not use.

    The identity is a client id; without one the system-assigned identity reads the key.
    """
    if encryption["status"] != "enabled":
        return
    key = encryption.get("keyVaultProperties") or {}
    host, _, rest = (key.get("keyIdentifier") or "").rstrip("/").partition(KEYS)
    name, _, version = rest.partition("/")
    customer_keys.require_usable(tenant, host, name, version, _reader_of(identity or {}, key.get("identity") or ""))


def _reader_of(identity: Json, client_id: str) -> str | None:
    """Return the object id of the identity that reads the key; None for a client id that the registry does not have."""
    if not client_id:
        return identity.get("principalId")
    held = (identity.get("userAssignedIdentities") or {}).values()
    return next((each["principalId"] for each in held if each["clientId"].lower() == client_id.lower()), None)


def _show_key(tenant: Tenant, properties: Json, before: str | None) -> None:
    """Show the version of the key that is in use; without a version in its identifier it is the newest."""
    key = properties["encryption"].get("keyVaultProperties")
    if not key or not key.get("keyIdentifier"):
        return
    identifier: str = key["keyIdentifier"].rstrip("/")
    follows = identifier.partition(KEYS)[2].count("/") == 0
    key["keyRotationEnabled"] = follows
    key["versionedKeyIdentifier"] = _newest(tenant, identifier) if follows else identifier
    if before is not None and before != key["keyIdentifier"]:
        key["lastKeyRotationTimestamp"] = tenant.timestamp()


def _newest(tenant: Tenant, identifier: str) -> str:
    host, _, name = identifier.removeprefix("https://").partition(KEYS)
    end = f"/providers/microsoft.keyvault/vaults/{host.partition('.')[0].lower()}/keys/{name.lower()}"
    found: list[Any] = [row["versions"] for key, row in tenant.table("resources").items() if key.endswith(end)]
    return f"{identifier}/{found[0][-1]['version']}" if found else identifier


def delete_registry(tenant: Tenant, call: Call) -> Reply:
    """Take a registry and its replications away: 200 (recording 04), or 204 when it is not there."""
    prefix = ids.key(resources.address(tenant, call, REGISTRY)) + "/"
    for key in [key for key in tenant.table("resources") if key.startswith(prefix)]:
        del tenant.table("resources")[key]
    return REGISTRIES.delete(tenant, call)


def check_name(tenant: Tenant, call: Call) -> Reply:
    """Return whether a registry's name is free; azurerm and the az CLI check it before they create one."""
    tenant.require_registered(call["subscription"], REGISTRY.namespace)
    name = str(call.json().get("name", ""))
    if not REGISTRY.name.fullmatch(name):
        text = errors.name_invalid(name, REGISTRY.type, REGISTRY.name_rule).message
        return Reply(200, {"nameAvailable": False, "reason": "Invalid", "message": text})
    if _taken(tenant, name):
        text = errors.registry_name_taken(name.lower()).message
        return Reply(200, {"nameAvailable": False, "reason": "AlreadyExists", "message": text})
    return Reply(200, {"nameAvailable": True})


def list_credentials(tenant: Tenant, call: Call) -> Reply:
    """Answer the admin user's two passwords, which open nothing; refused while there is no admin user."""
    document = resources.existing(tenant, call, REGISTRY)["doc"]
    if not document["properties"]["adminUserEnabled"]:
        raise errors.registry_without_admin(document["name"])
    rows = []
    for name in ("password", "password2"):
        value = base64.b64encode(hashlib.sha256(f"{document['id']}/{name}".encode()).digest()).decode()
        rows.append({"name": name, "value": value})
    return Reply(200, {"username": document["name"], "passwords": rows})


ROUTES = (
    *REGISTRIES.routes(put_registry, patch_registry, delete_registry),
    REGISTRY.route("POST", REGISTRY.path + "/listCredentials", list_credentials),
    REGISTRY.route("GET", REGISTRY.path + "/operationStatuses/{operation}", shape.poll),
    Route(
        "POST",
        "/subscriptions/{subscription}/providers/Microsoft.ContainerRegistry/checkNameAvailability",
        check_name,
        "Microsoft.ContainerRegistry/checkNameAvailability",
        REGISTRY.versions,
    ),
)
