"""The rules of a workspace with a customer-managed key: what is refused at once, what fails the operation later.

Only two of these refusals have published words (purge protection; a user-assigned identity without rights). Everywhere
else the message begins with ``[sandbox]``: the refusal is documented, its wording is unpublished.
"""

import re
from dataclasses import dataclass

from cmkctl.sandbox.core import errors, grants, ids, key_loss
from cmkctl.sandbox.core.clouds import Cloud
from cmkctl.sandbox.core.constants import COSMOS_DB_APP_ID, COSMOS_DB_GOVERNMENT_APP_ID
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.state import Tenant

IDENTIFIER = re.compile(r"https://([^/:]+)(?::443)?/keys/([A-Za-z0-9-]+)(?:/([0-9a-fA-F]{32}))?/?")
NEEDED_OPERATIONS = {"wrapkey", "unwrapkey"}
LEAST_KEY_SIZE = 2048


@dataclass(frozen=True)
class Key:
    """The key a workspace names: its vault, its record and one version of it."""

    vault: Json
    record: Json
    version: Json


def check_body(encryption: Json, subscription: str) -> None:
    """Refuse at once what the body alone shows to be wrong.

    Raises:
        AzureError: 400, for an identifier without a version or a vault in another subscription.

    """
    properties = encryption["keyVaultProperties"]
    match = IDENTIFIER.fullmatch(properties["keyIdentifier"])
    if match is None:
        raise errors.key_identifier_invalid(properties["keyIdentifier"])
    if match[3] is None:
        raise errors.key_version_missing(properties["keyIdentifier"])
    vault = ids.parse(properties["keyVaultArmId"])
    if vault is None or vault.full_type.lower() != "microsoft.keyvault/vaults":
        raise errors.key_vault_id_invalid(properties["keyVaultArmId"])
    if vault.subscription.lower() != subscription.lower():
        raise errors.key_vault_elsewhere(vault=vault.subscription, workspace=subscription)


def check_key(tenant: Tenant, cloud: Cloud, encryption: Json) -> Key:
    """Return the key a workspace is to be encrypted with.

    Raises:
        AzureError: becomes the error of the failed operation.

    """
    properties = encryption["keyVaultProperties"]
    vault = tenant.resource(properties["keyVaultArmId"])
    if vault is None:
        raise errors.key_vault_missing(properties["keyVaultArmId"])
    if not vault["doc"]["properties"].get("enablePurgeProtection"):
        raise errors.purge_protection_required()
    match = IDENTIFIER.fullmatch(properties["keyIdentifier"])
    host, name, version = match.groups() if match else ("", "", "")
    expected = f"{vault['doc']['name'].lower()}.{cloud.vault_suffix}"
    if host.lower() != expected:
        raise errors.key_host_differs(host, expected)
    record = tenant.resource(f"{vault['doc']['id']}/keys/{name}")
    found = [row for row in (record or {}).get("versions", ()) if row["version"] == version.lower()]
    if record is None or not found:
        raise errors.workspace_key_missing(properties["keyIdentifier"])
    _check_usable(tenant, record, found[0])
    return Key(vault, record, found[0])


def _check_usable(tenant: Tenant, record: Json, version: Json) -> None:
    properties, attributes, now = record["doc"]["properties"], version["attributes"], tenant.clock()
    if not attributes["enabled"]:
        raise errors.workspace_key_disabled()
    if attributes.get("exp") and attributes["exp"] <= now:
        raise errors.workspace_key_expired(record["doc"]["name"])
    if attributes.get("nbf") and attributes["nbf"] > now:
        raise errors.workspace_key_not_yet_valid(record["doc"]["name"])
    if not properties["kty"].upper().startswith("RSA"):
        raise errors.workspace_key_type(record["doc"]["name"], properties["kty"])
    if not {word.lower() for word in properties["keyOps"]} >= NEEDED_OPERATIONS:
        raise errors.workspace_key_operations(record["doc"]["name"])


def check_grants(tenant: Tenant, cloud: Cloud, body: Json, key: Key) -> None:
    """Refuse while the principal that needs the key has no permission to use it.

    Raises:
        AzureError: becomes the error of the failed operation.

    """
    properties = body["properties"]
    identity_id = (properties["encryption"].get("identity") or {}).get("userAssignedIdentity")
    if identity_id:
        _check_identity(tenant, identity_id, key)
    elif properties.get("enableServiceSideCMKEncryption") and key.vault["doc"]["properties"].get(
        "enableRbacAuthorization"
    ):
        # A field report (P42): the identity does not exist before the create, and the service cannot assign roles.
        raise errors.service_side_needs_policies()
    if not properties.get("enableServiceSideCMKEncryption"):
        _check_cosmos(tenant, cloud, key)


def _check_identity(tenant: Tenant, identity_id: str, key: Key) -> None:
    identity = tenant.resource(identity_id)
    if identity is None:
        raise errors.identity_missing(identity_id)
    inner = identity["doc"]["properties"]
    if not grants.may_read_vault(tenant, key.vault, inner["principalId"]):
        raise errors.identity_unauthorised(
            client_id=inner["clientId"],
            object_id=inner["principalId"],
            action=grants.READ_OF_A_VAULT,
            scope=key.vault["doc"]["id"],
        )
    if not grants.may_use_key(tenant, key.vault, key.record["doc"]["id"], inner["principalId"]):
        raise errors.identity_may_not_use_key(identity_id)


def _check_cosmos(tenant: Tenant, cloud: Cloud, key: Key) -> None:
    app_id = COSMOS_DB_GOVERNMENT_APP_ID if cloud.name == "AzureUSGovernment" else COSMOS_DB_APP_ID
    for namespace in ("Microsoft.DocumentDB", "Microsoft.Search", "Microsoft.Storage"):
        tenant.require_registered(ids.subscription_of(key.vault["doc"]["id"]), namespace)
    for object_id, principal in tenant.table("principals").items():
        if principal["appId"] == app_id and grants.may_use_key(tenant, key.vault, key.record["doc"]["id"], object_id):
            return
    raise errors.cosmos_may_not_use_key(app_id, key.record["doc"]["name"], key.vault["doc"]["name"])


_WHY = {
    errors.key_vault_missing: key_loss.NO_VAULT,
    errors.workspace_key_missing: key_loss.NO_KEY,
    errors.cosmos_may_not_use_key: key_loss.NO_GRANT,
}


def why_out_of_reach(tenant: Tenant, cloud: Cloud, record: Json) -> str:
    """Return why a workspace cannot use its key now; empty when it can, or has none.

    For a while after a rotation it needs the key before as well. Service-side encryption with a system-assigned identity has no
    principal that is known to read the key.
    """
    properties = record["doc"]["properties"]
    encryption = properties.get("encryption")
    if encryption is None or properties["provisioningState"] not in ("Succeeded", "Updating"):
        return ""
    wraps = record.get("wraps")
    named = encryption["keyVaultProperties"]
    earlier = [] if wraps is None or tenant.over(wraps["countdown"]) else [wraps["identifier"]]
    for identifier in (named["keyIdentifier"], *earlier):
        used = {**encryption, "keyVaultProperties": {**named, "keyIdentifier": identifier}}
        why = _why_unusable(tenant, cloud, {**properties, "encryption": used})
        if why:
            return why
    return ""


def _why_unusable(tenant: Tenant, cloud: Cloud, properties: Json) -> str:
    encryption = properties["encryption"]
    try:
        key = check_key(tenant, cloud, encryption)
        if not properties.get("enableServiceSideCMKEncryption"):
            _check_cosmos(tenant, cloud, key)
    except errors.AzureError as refusal:
        return _WHY.get(refusal.row, key_loss.DISABLED)
    identity = tenant.resource((encryption.get("identity") or {}).get("userAssignedIdentity") or "")
    principal = identity and identity["doc"]["properties"]["principalId"]
    allowed = not principal or grants.may_use_key(tenant, key.vault, key.record["doc"]["id"], principal)
    return "" if allowed else key_loss.NO_GRANT
