"""Arrangements of Key Vault for tests and demos. Everything arranged is finished at once."""

from collections.abc import Iterable
from typing import Any

from cmkctl.sandbox.core import resources
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.constants import COSMOS_DB_OBJECT_ID, SUBSCRIPTION_ID, TENANT_ID
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.providers.microsoft_keyvault import keys, vaults
from cmkctl.sandbox.providers.microsoft_keyvault.soft_delete import soft_delete

CMK_PERMISSIONS = ("get", "wrapKey", "unwrapKey")


def add_vault(
    state: Arrangement,
    name: str,
    group: str = "rg",
    *,
    purge_protection: bool = True,
    rbac: bool = False,
    sku: str = "standard",
    location: str = LOCATION,
    subscription: str = SUBSCRIPTION_ID,
    **properties: Any,
) -> str:
    """Add a vault (and its group, if need be) and return its id.

    `properties` are laid over the vault's own, such as ``softDeleteRetentionInDays=7``.
    """
    group_id = state.add_resource_group(group, location, subscription)
    identifier = f"{group_id}/providers/{vaults.RESOURCE_TYPE.type}/{name}"
    own = {"sku": {"family": "A", "name": sku}, "enableRbacAuthorization": rbac}
    protection = {} if purge_protection else {"enablePurgeProtection": None}
    with state.arranging():
        document = vaults.plain(state.tenant, identifier, name, location, **{**own, **protection, **properties})
        resources.store(state.tenant, document)
    return identifier


def add_key(state: Arrangement, vault: str, name: str, *, kty: str = "RSA", size: int = 3072, **properties: Any) -> str:
    """Add a key to a vault (by name or id) and return its identifier, with the version, in the public cloud.

    `properties` are those of a key PUT, such as ``attributes={"enabled": False}`` or ``keyOps=["sign"]``. Adding a
    key that exists gives it a new version.
    """
    with state.arranging():
        record = _find(state, vault)
        known = state.tenant.resource(f"{record['doc']['id']}/keys/{name}")
        sizes = {"keySize": size} if kty.upper().startswith("RSA") else {}
        made = keys.create_key(state.tenant, record, name, {"kty": kty, **sizes, **properties})
        if known is not None:
            made["versions"] = [*known["versions"], *made["versions"]]
    return f"https://{record['doc']['name'].lower()}.vault.azure.net/keys/{name}/{made['versions'][-1]['version']}"


def set_key_attributes(state: Arrangement, vault: str, name: str, **attributes: Any) -> None:
    """Change attributes of a key's newest version: ``enabled=False``, ``exp=1``."""
    with state.arranging():
        record = state.tenant.resource(f"{_find(state, vault)['doc']['id']}/keys/{name}")
        if record is None:
            raise LookupError(f"there is no key {name}")
        record["versions"][-1]["attributes"].update(attributes)


def add_access_policy(
    state: Arrangement, vault: str, object_id: str = COSMOS_DB_OBJECT_ID, permissions: Iterable[str] = CMK_PERMISSIONS
) -> None:
    """Give an identity key permissions on a vault, effective at once; by object id, Azure Cosmos DB's by default."""
    with state.arranging():
        policies = _find(state, vault)["doc"]["properties"]["accessPolicies"]
        policies.append({"tenantId": TENANT_ID, "objectId": object_id, "permissions": {"keys": list(permissions)}})


def delete_vault(state: Arrangement, vault: str) -> None:
    """Soft-delete a vault."""
    with state.arranging():
        soft_delete(state.tenant, _find(state, vault))


def vault(state: Arrangement, name: str) -> Json:
    """Return the record of a vault by name or id.

    Raises:
        LookupError: there is none.

    """
    return _find(state, name)


def _find(state: Arrangement, name: str) -> Json:
    wanted = name.lower().rsplit("/", 1)[-1]
    for record in state.tenant.table("resources").values():
        if record["doc"]["type"] == vaults.RESOURCE_TYPE.type and record["doc"]["name"].lower() == wanted:
            return record
    raise LookupError(f"there is no vault {name}")


FUNCTIONS = (add_vault, add_key, set_key_attributes, add_access_policy, delete_vault, vault)
