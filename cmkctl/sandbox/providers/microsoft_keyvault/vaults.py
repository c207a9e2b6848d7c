"""Key vaults: created 200 while DNS is being registered, guarded by the rules that cannot be undone."""

import re
from typing import Any

from cmkctl.sandbox.core import addresses, errors, ids, resources, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.grants import note_new_grant
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_keyvault.soft_delete import DEFAULT_RETENTION_DAYS, soft_delete

COVERAGE = Area(
    "key vaults",
    supported=(
        "PUT (always 200, `RegisteringDns` first), PATCH, GET, list; purge protection and retention cannot be undone",
        "soft delete, `createMode: recover` with the keys; names are global and stay taken",
        "network rules as Azure shows them; the data plane obeys them",
    ),
    differs=("a property unknown to the api-version is refused by name; Azure often ignores it",),
    not_modelled=("private endpoints, token binding",),
    guesses=(
        "from api-version 2026-02-01 on a new vault without `enableRbacAuthorization` is an RBAC vault (documented as intent)",
        "which of two vaults created at the same time wins the name",
        "a recovered vault has the settings it had (10, Azure/azure-rest-api-specs#21306), whatever a request sends",
    ),
)

VERSIONS = (
    "2019-09-01", "2021-04-01-preview", "2021-06-01-preview", "2021-10-01", "2021-11-01-preview", "2022-02-01-preview",
    "2022-07-01", "2022-11-01", "2023-02-01", "2023-07-01", "2024-04-01-preview", "2024-11-01", "2024-12-01-preview",
    "2025-05-01", "2026-02-01", "2026-03-01-preview", "2026-05-15",
)  # fmt: skip
RBAC_BY_DEFAULT_SINCE = "2026-02-01"
LEAST_RETENTION_DAYS = 7
POLICY = {
    "tenantId": Required(str),
    "objectId": Required(str),
    "applicationId": str,
    "permissions": Required({"keys": [str], "secrets": [str], "certificates": [str], "storage": [str]}),
}
PROPERTIES = {
    "tenantId": Required(str),
    "sku": Required({"family": Required(("A",)), "name": Required(("standard", "premium"))}),
    "accessPolicies": [POLICY],
    "enabledForDeployment": bool,
    "enabledForDiskEncryption": bool,
    "enabledForTemplateDeployment": bool,
    "enableSoftDelete": bool,
    "softDeleteRetentionInDays": int,
    "enableRbacAuthorization": bool,
    "enablePurgeProtection": bool,
    "createMode": ("default", "recover"),
    "publicNetworkAccess": ("Enabled", "Disabled", "SecuredByPerimeter"),
    "networkAcls": {
        "bypass": ("AzureServices", "None"),
        "defaultAction": ("Allow", "Deny"),
        "ipRules": [{"value": Required(str)}],
        "virtualNetworkRules": [{"id": Required(str), "ignoreMissingVnetServiceEndpoint": bool}],
    },
    "vaultUri": shapes.IGNORED,
    "provisioningState": shapes.IGNORED,
    "tokenBindingParameters": shapes.NOT_MODELLED,
    "hsmPoolResourceId": READ_ONLY,
    "privateEndpointConnections": READ_ONLY,
}
RESOURCE_TYPE = resources.ResourceType(
    type="Microsoft.KeyVault/vaults",
    versions=VERSIONS,
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        "systemData": READ_ONLY,
        "properties": Required(PROPERTIES),
    },
    name=re.compile(r".*"),
    name_rule="",
)
NAME = re.compile(r"(?=.{3,24}$)[A-Za-z](?:[A-Za-z0-9]|-(?!-))*[A-Za-z0-9]")
NETWORK_DEFAULTS: Json = {"bypass": "AzureServices", "ipRules": [], "virtualNetworkRules": []}
"""The values Azure adds to network rules that leave them out (recording 16; ``bypass`` by its published type)."""
OPEN_NETWORK: Json = {**NETWORK_DEFAULTS, "defaultAction": "Allow"}
"""Network rules that let everybody in: Azure takes them and does not show them (recordings 16, 30, 70, 73)."""

SHOWN_SINCE = {"publicNetworkAccess": "2021-06-01-preview", "systemData": "2021-04-01-preview"}
"""Properties that older api-versions do not show (recordings 16, 20, 30, 70, 73)."""

ORDER = (
    "sku", "tenantId", "networkAcls", "accessPolicies", "enabledForDeployment", "enabledForDiskEncryption",
    "enabledForTemplateDeployment", "enableSoftDelete", "softDeleteRetentionInDays", "enableRbacAuthorization",
    "enablePurgeProtection", "vaultUri", "provisioningState", "publicNetworkAccess",
    "privateEndpointConnections",
)  # fmt: skip


def view(tenant: Tenant, record: Json, call: Call) -> Json:  # noqa: ARG001  every view has the same form
    """Show a vault: absent means absent, and ``vaultUri`` is of the cloud of the request."""
    document = record["doc"]
    uri = {"vaultUri": vault_uri(document["name"], call)}
    properties = {**document["properties"], **uri}
    if properties.get("networkAcls") is not None:
        rules = {name: value for name, value in properties["networkAcls"].items() if value is not None}
        properties["networkAcls"] = {**NETWORK_DEFAULTS, **rules}
        subnets = properties["networkAcls"]["virtualNetworkRules"]  # lower case, whatever was sent (recordings 25, 93)
        properties["networkAcls"]["virtualNetworkRules"] = [{**rule, "id": rule["id"].lower()} for rule in subnets]
    hidden = {name for name, since in SHOWN_SINCE.items() if call.api_version < since}
    if properties.get("networkAcls") == OPEN_NETWORK:
        hidden.add("networkAcls")
    shown = {name: properties[name] for name in ORDER if properties.get(name) is not None and name not in hidden}
    return {**{name: value for name, value in document.items() if name not in hidden}, "properties": shown}


def vault_uri(name: str, call: Call) -> str:
    """Return the vault's address with its trailing slash, lower-case, as every finished answer has it."""
    return f"https://{name.lower()}.{call.cloud.vault_suffix}/"


VAULTS = resources.Resources(RESOURCE_TYPE, view)


def put_vault(tenant: Tenant, call: Call) -> Reply:
    """Create, recover or replace a vault: always 200 (fact 13)."""
    if not NAME.fullmatch(call["name"]):
        tenant.group(call["subscription"], call["group"])
        raise errors.vault_name_invalid(call["name"])
    write = resources.begin_write(tenant, call, RESOURCE_TYPE)
    properties = write.body["properties"]
    _check(properties, write.existing)
    if (properties.pop("createMode", None) or "default").lower() == "recover" and write.existing is None:
        return _recover(tenant, call, write)
    if write.existing is not None:
        return _replace(tenant, call, write)
    return _create(tenant, call, write)


def _check(properties: Json, existing: Json | None) -> None:
    """Apply the rules that hold for PUT and PATCH alike."""
    before = existing["doc"]["properties"] if existing else {}
    if properties.get("enablePurgeProtection") is False:
        raise errors.purge_protection_stays()
    days = properties.get("softDeleteRetentionInDays")
    if days is not None and not LEAST_RETENTION_DAYS <= days <= DEFAULT_RETENTION_DAYS:
        raise errors.retention_out_of_range(days)
    kept = before.get("softDeleteRetentionInDays") or DEFAULT_RETENTION_DAYS
    if existing is not None and days is not None and days != kept:
        raise errors.retention_stays(kept)
    rules = (properties.get("networkAcls") or {}).get("ipRules") or []
    addresses.require_public([each["value"] for each in rules])
    tenant_id = properties.get("tenantId") or before.get("tenantId")
    check_policies(properties.get("accessPolicies") or (), tenant_id)


def check_policies(policies: object, tenant_id: str | None) -> None:
    """Refuse policies of another tenant, of no identity, or with unknown words."""
    for policy in policies if isinstance(policies, list) else ():
        if policy["tenantId"].lower() != str(tenant_id).lower():
            raise errors.policy_tenant_differs()
        if not ids.is_guid(policy["objectId"]):
            raise errors.policy_identity_invalid(policy["objectId"])
        unknown = [word for word in policy["permissions"].get("keys") or () if word.lower() not in KEY_WORDS]
        if unknown:
            raise errors.key_permission_unknown(unknown[0])


KEY_WORDS = frozenset(
    [
        "all",
        "backup",
        "create",
        "decrypt",
        "delete",
        "encrypt",
        "get",
        "getrotationpolicy",
        "import",
        "list",
        "purge",
        "recover",
        "release",
        "restore",
        "rotate",
        "setrotationpolicy",
        "sign",
        "unwrapkey",
        "update",
        "verify",
        "wrapkey",
    ]
)


def _create(tenant: Tenant, call: Call, write: resources.Write) -> Reply:
    name = write.name.lower()
    if name in tenant.table("deleted_vaults"):
        raise errors.vault_soft_deleted()
    if taken(tenant, name):
        raise errors.vault_name_taken(write.name)
    properties = write.body["properties"]
    if properties.get("enableRbacAuthorization") is None and call.api_version >= RBAC_BY_DEFAULT_SINCE:
        properties["enableRbacAuthorization"] = True
    if properties.get("accessPolicies") is None:
        if not properties.get("enableRbacAuthorization"):
            raise errors.property_refused("properties.accessPolicies", "is required unless createMode is recover")
        properties["accessPolicies"] = []
    document = _document(tenant, write, {**properties, "provisioningState": "RegisteringDns"})
    record = resources.store(tenant, document, countdown=tenant.begin("vault.dns"))
    note_policies(tenant, document, ())
    shown = view(tenant, record, call)
    shown["properties"]["vaultUri"] = f"https://{write.name}.{call.cloud.vault_suffix}"  # no slash: fact 15
    if tenant.over(record["countdown"]):
        resources.settle(tenant, record)
    return Reply(200, shown)


def _document(tenant: Tenant, write: resources.Write, properties: Json) -> Json:
    defaults = {"enabledForDeployment": False, "enableSoftDelete": True, "publicNetworkAccess": "Enabled"}
    filled = {**defaults, **{name: value for name, value in properties.items() if value is not None}}
    previous = write.existing["doc"]["systemData"] if write.existing else None
    return {
        "id": write.id,
        "name": write.existing["doc"]["name"] if write.existing else write.name,
        "type": RESOURCE_TYPE.type,
        "location": write.location,
        "tags": write.body.get("tags") or {},
        "systemData": tenant.system_data(previous),
        "properties": {**filled, "enableSoftDelete": True},
    }


def plain(tenant: Tenant, identifier: str, name: str, location: str, **properties: Any) -> Json:
    """Return the document of a finished vault with purge protection and access policies, but for `properties`."""
    usual = {
        "sku": {"family": "A", "name": "standard"},
        "tenantId": tenant.tenant_id,
        "accessPolicies": [],
        "enabledForDeployment": False,
        "enableSoftDelete": True,
        "softDeleteRetentionInDays": DEFAULT_RETENTION_DAYS,
        "enableRbacAuthorization": False,
        "enablePurgeProtection": True,
        "provisioningState": "Succeeded",
        "publicNetworkAccess": "Enabled",
    }
    merged = {word: value for word, value in {**usual, **properties}.items() if value is not None}
    head = {"id": identifier, "name": name, "type": RESOURCE_TYPE.type, "location": location, "tags": {}}
    return {**head, "systemData": tenant.system_data(), "properties": merged}


def taken(tenant: Tenant, name: str) -> bool:
    """Return whether a vault of that name exists anywhere in the sandbox: vault names are global."""
    return any(
        key.endswith(f"/providers/microsoft.keyvault/vaults/{name.lower()}") for key in tenant.table("resources")
    )


def _replace(tenant: Tenant, call: Call, write: resources.Write) -> Reply:
    """PUT over an existing vault: what is sent replaces, accessPolicies as a whole (P14); protection stays."""
    record = write.existing or {}
    before = record["doc"]["properties"]
    policies = before["accessPolicies"]
    kept_names = (
        "enablePurgeProtection", "softDeleteRetentionInDays", "enableRbacAuthorization", "accessPolicies", "provisioningState",
        "privateEndpointConnections",
    )  # fmt: skip
    kept = {name: before.get(name) for name in kept_names}
    sent = {name: value for name, value in write.body["properties"].items() if value is not None}
    record["doc"] = _document(tenant, write, {**kept, **sent})
    note_policies(tenant, record["doc"], policies)
    tenant.changed()
    return Reply(200, view(tenant, record, call))


def _recover(tenant: Tenant, call: Call, write: resources.Write) -> Reply:
    """PUT with createMode recover: 200 Succeeded at once, with the keys; role assignments do not come back (fact 20).

    The vault comes back as it was, whatever is sent: access policies (recording 10: one is sent, two are answered), and
    network rules (Azure/azure-rest-api-specs#21306).
    """
    deleted = tenant.table("deleted_vaults").get(write.name.lower())
    if deleted is None or deleted["record"]["doc"]["location"] != write.location:
        raise errors.vault_not_deleted(write.name)
    record = deleted["record"]
    if ids.key(record["doc"]["id"]) != ids.key(write.id):
        raise errors.vault_not_deleted(write.name)
    record.pop("countdown", None)
    record["doc"]["properties"]["provisioningState"] = "Succeeded"
    record["doc"]["systemData"] = tenant.system_data(record["doc"]["systemData"])
    tenant.table("resources").update({ids.key(write.id): record, **deleted["keys"]})
    del tenant.table("deleted_vaults")[write.name.lower()]
    tenant.changed()
    return Reply(200, view(tenant, record, call))


def note_policies(tenant: Tenant, document: Json, before: object) -> None:
    """Note the grants that access policies made which were not there before."""
    old = before if isinstance(before, list) else []
    for policy in document["properties"]["accessPolicies"]:
        if policy not in old:
            note_new_grant(tenant, document["id"], policy["objectId"])


def patch_vault(tenant: Tenant, call: Call) -> Reply:
    """Change what is sent and leave the rest, 200; an accessPolicies array replaces the whole list here, too."""
    record = resources.existing(tenant, call, RESOURCE_TYPE)
    body = shapes.accept(RESOURCE_TYPE.shape, call.json(), call.api_version, partial=True)
    properties = {name: value for name, value in (body.get("properties") or {}).items() if value is not None}
    properties.pop("createMode", None)
    _check(properties, record)
    policies = record["doc"]["properties"]["accessPolicies"]
    document = record["doc"]
    document["properties"] = shapes.merge(document["properties"], properties)
    if body.get("tags") is not None:
        document["tags"] = body["tags"]
    document["systemData"] = tenant.system_data(document["systemData"])
    note_policies(tenant, document, policies)
    tenant.changed()
    return Reply(200, view(tenant, record, call))


def delete_vault(tenant: Tenant, call: Call) -> Reply:
    """Soft-delete a vault: 200 with no body, 204 when it is not there."""
    record = tenant.resource(resources.address(tenant, call, RESOURCE_TYPE))
    if record is None:
        return Reply(204)
    soft_delete(tenant, record)
    return Reply(200)


ROUTES = VAULTS.routes(put_vault, patch_vault, delete_vault)
