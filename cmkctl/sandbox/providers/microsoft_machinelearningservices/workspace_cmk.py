"""The rules of a workspace with a customer-managed key: what is refused at once, what fails the operation later.

Only two of these refusals have published words (purge protection; a user-assigned identity without rights). Everywhere
else the message begins with ``[sandbox]``: that Azure refuses is documented, how it says so is not.
"""

import re
from dataclasses import dataclass

from cmkctl.sandbox.core import errors, grants, ids
from cmkctl.sandbox.core.constants import COSMOS_DB_APP_ID, COSMOS_DB_GOVERNMENT_APP_ID
from cmkctl.sandbox.core.messages import Call, Json
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
        raise errors.cmk(f"keyIdentifier '{properties['keyIdentifier']}' is not the address of a key.")
    if match[3] is None:
        raise errors.cmk(f"keyIdentifier '{properties['keyIdentifier']}' must include the version of the key.")
    vault = ids.parse(properties["keyVaultArmId"])
    if vault is None or vault.full_type.lower() != "microsoft.keyvault/vaults":
        raise errors.cmk(f"keyVaultArmId '{properties['keyVaultArmId']}' is not the resource id of a key vault.")
    if vault.subscription.lower() != subscription.lower():
        raise errors.cmk(f"The key vault is in subscription {vault.subscription}, the workspace in {subscription}.")


def check_key(tenant: Tenant, call: Call, encryption: Json) -> Key:
    """Return the key a workspace is to be encrypted with.

    Raises:
        AzureError: becomes the error of the failed operation.

    """
    properties = encryption["keyVaultProperties"]
    vault = tenant.resource(properties["keyVaultArmId"])
    if vault is None:
        raise errors.cmk(f"The key vault '{properties['keyVaultArmId']}' does not exist.")
    if not vault["doc"]["properties"].get("enablePurgeProtection"):
        raise errors.purge_protection_required()
    match = IDENTIFIER.fullmatch(properties["keyIdentifier"])
    host, name, version = match.groups() if match else ("", "", "")
    expected = f"{vault['doc']['name'].lower()}.{call.cloud.vault_suffix}"
    if host.lower() != expected:
        raise errors.cmk(f"keyIdentifier is at '{host}', but the key vault is at '{expected}'.")
    record = tenant.resource(f"{vault['doc']['id']}/keys/{name}")
    found = [row for row in (record or {}).get("versions", ()) if row["version"] == version.lower()]
    if record is None or not found:
        raise errors.cmk(f"The key '{properties['keyIdentifier']}' does not exist.")
    _check_usable(tenant, record, found[0])
    return Key(vault, record, found[0])


def _check_usable(tenant: Tenant, record: Json, version: Json) -> None:
    properties, attributes, now = record["doc"]["properties"], version["attributes"], tenant.clock()
    if not attributes["enabled"]:
        # The verb is quoted from the EKM proxy API page (P20).
        raise errors.AzureError(400, "KeyDisabled", "Operation WrapKey is not allowed on a disabled key")
    if attributes.get("exp") and attributes["exp"] <= now:
        raise errors.cmk(f"The key '{record['doc']['name']}' has expired.")
    if attributes.get("nbf") and attributes["nbf"] > now:
        raise errors.cmk(f"The key '{record['doc']['name']}' is not valid yet.")
    if not properties["kty"].upper().startswith("RSA"):
        raise errors.cmk(
            f"The key '{record['doc']['name']}' is of type {properties['kty']}; it must be RSA or RSA-HSM."
        )
    if not {word.lower() for word in properties["keyOps"]} >= NEEDED_OPERATIONS:
        raise errors.cmk(f"The key '{record['doc']['name']}' does not permit wrapKey and unwrapKey.")


def check_grants(tenant: Tenant, call: Call, body: Json, key: Key) -> None:
    """Refuse when whoever has to use the key may not, as things are now.

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
        raise errors.cmk(
            "With a system-assigned identity, service-side encryption needs a vault with access policies: the "
            "workspace's identity does not exist yet, so no role can have been assigned to it."
        )
    if not properties.get("enableServiceSideCMKEncryption"):
        _check_cosmos(tenant, call, key)


def _check_identity(tenant: Tenant, identity_id: str, key: Key) -> None:
    identity = tenant.resource(identity_id)
    if identity is None:
        raise errors.cmk(f"The user-assigned identity '{identity_id}' does not exist.")
    inner = identity["doc"]["properties"]
    if not grants.may_read_vault(tenant, key.vault, inner["principalId"]):
        raise errors.identity_unauthorised(inner["clientId"], inner["principalId"], key.vault["doc"]["id"])
    if not grants.may_use_key(tenant, key.vault, key.record["doc"]["id"], inner["principalId"]):
        raise errors.AzureError(
            403, "Forbidden", f"{errors.OWN}The identity '{identity_id}' may not get, wrap and unwrap with the key."
        )


def _check_cosmos(tenant: Tenant, call: Call, key: Key) -> None:
    app_id = COSMOS_DB_GOVERNMENT_APP_ID if call.cloud.name == "AzureUSGovernment" else COSMOS_DB_APP_ID
    for namespace in ("Microsoft.DocumentDB", "Microsoft.Search", "Microsoft.Storage"):
        tenant.require_registered(call["subscription"], namespace)
    for object_id, principal in tenant.table("principals").items():
        if principal["appId"] == app_id and grants.may_use_key(tenant, key.vault, key.record["doc"]["id"], object_id):
            return
    raise errors.AzureError(
        403,
        "Forbidden",
        f"{errors.OWN}Azure Cosmos DB (application id {app_id}) may not get, wrapKey and unwrapKey with the key "
        f"'{key.record['doc']['name']}' of the vault '{key.vault['doc']['name']}'. Grants count by object id, not by "
        "application id, and may take a while to take effect.",
    )
