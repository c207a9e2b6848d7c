"""Putting a sandbox into the state a test or a demo begins with, without going through HTTP.

Everything arranged is there at once and finished: vaults are ``Succeeded``, providers ``Registered``. Names are enough;
ids are returned. Nothing arranged is in the request log.
"""

from collections.abc import Iterable
from typing import Any

from cmkctl.sandbox.core import ids, resources
from cmkctl.sandbox.core.arrange_rules import Rules
from cmkctl.sandbox.core.constants import COSMOS_DB_OBJECT_ID, SUBSCRIPTION_ID, TENANT_ID
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.soft_delete import soft_delete
from cmkctl.sandbox.providers import microsoft_managedidentity, microsoft_storage
from cmkctl.sandbox.providers.microsoft_keyvault import keys, vaults
from cmkctl.sandbox.providers.microsoft_resources import resource_providers

CMK_PERMISSIONS = ("get", "wrapKey", "unwrapKey")
LOCATION = "eastus2"


class Arrangement(Rules):
    """Arranges and inspects the tenant of a running sandbox. Safe to use while it answers requests.

    Attributes:
        tenant: the tenant itself, for what the methods do not cover; hold ``tenant.lock`` while touching its data.

    """

    # --- subscription

    def add_subscription(self, subscription: str, name: str = "another subscription") -> str:
        """Add a subscription in which everything is as in a new one; return its id."""
        with self.tenant.lock:
            known = self.tenant.data["providers"][SUBSCRIPTION_ID]
            self.tenant.data["subscriptions"][subscription] = name
            self.tenant.data["providers"][subscription] = {key: dict(row) for key, row in known.items()}
            self._done()
        return subscription

    def register_provider(self, *namespaces: str, subscription: str = SUBSCRIPTION_ID) -> None:
        """Register resource providers, with the principals that brings; no namespace means all of them."""
        with self._arranging():
            table = self.tenant.data["providers"][subscription]
            for namespace in namespaces or tuple(table):
                table[namespace.lower()].update(state="Registered")
                table[namespace.lower()].pop("countdown", None)
                resource_providers.bring_principal(self.tenant, namespace)

    def unregister_provider(self, *namespaces: str, subscription: str = SUBSCRIPTION_ID) -> None:
        """Set resource providers to ``NotRegistered``."""
        with self.tenant.lock:
            for namespace in namespaces:
                self.tenant.data["providers"][subscription][namespace.lower()].update(state="NotRegistered")
            self._done()

    # --- resources

    def add_resource_group(
        self, name: str, location: str = LOCATION, subscription: str = SUBSCRIPTION_ID, **more: Any
    ) -> str:
        """Add a resource group; `more` goes into the document (``tags=…``). Return its id."""
        identifier = f"/subscriptions/{subscription}/resourceGroups/{name}"
        kind = "Microsoft.Resources/resourceGroups"
        state = {"properties": {"provisioningState": "Succeeded"}}
        with self.tenant.lock:
            document = {"id": identifier, "name": name, "type": kind, "location": location, **more, **state}
            self.tenant.table("groups").setdefault(ids.key(identifier), {"doc": document})
            self._done()
        return identifier

    def add_vault(
        self,
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
        group_id = self.add_resource_group(group, location, subscription)
        identifier = f"{group_id}/providers/{vaults.RESOURCE_TYPE.type}/{name}"
        own = {"sku": {"family": "A", "name": sku}, "enableRbacAuthorization": rbac}
        protection = {} if purge_protection else {"enablePurgeProtection": None}
        with self.tenant.lock:
            document = vaults.plain(self.tenant, identifier, name, location, **{**own, **protection, **properties})
            resources.store(self.tenant, document)
            self._done()
        return identifier

    def add_key(self, vault: str, name: str, *, kty: str = "RSA", size: int = 3072, **properties: Any) -> str:
        """Add a key to a vault (by name or id) and return its identifier, with the version, in the public cloud.

        `properties` are those of a key PUT, such as ``attributes={"enabled": False}`` or ``keyOps=["sign"]``. Adding a
        key that exists gives it a new version.
        """
        with self.tenant.lock:
            record = self.vault(vault)
            known = self.tenant.resource(f"{record['doc']['id']}/keys/{name}")
            sizes = {"keySize": size} if kty.upper().startswith("RSA") else {}
            made = keys.create_key(self.tenant, record, name, {"kty": kty, **sizes, **properties})
            if known is not None:
                made["versions"] = [*known["versions"], *made["versions"]]
            self._done()
        return f"https://{record['doc']['name'].lower()}.vault.azure.net/keys/{name}/{made['versions'][-1]['version']}"

    def set_key_attributes(self, vault: str, name: str, **attributes: Any) -> None:
        """Change attributes of a key's newest version: ``enabled=False``, ``exp=1``."""
        with self.tenant.lock:
            record = self.tenant.resource(f"{self.vault(vault)['doc']['id']}/keys/{name}")
            if record is None:
                raise LookupError(f"there is no key {name}")
            record["versions"][-1]["attributes"].update(attributes)
            self._done()

    def add_access_policy(
        self, vault: str, object_id: str = COSMOS_DB_OBJECT_ID, permissions: Iterable[str] = CMK_PERMISSIONS
    ) -> None:
        """Give an identity (by object id; Azure Cosmos DB unless told) key permissions on a vault, effective at once."""
        with self.tenant.lock:
            policies = self.vault(vault)["doc"]["properties"]["accessPolicies"]
            policies.append({"tenantId": TENANT_ID, "objectId": object_id, "permissions": {"keys": list(permissions)}})
            self._done()

    def add_identity(self, name: str, group: str = "rg", location: str = LOCATION) -> str:
        """Add a user-assigned identity; return its id."""
        group_id = self.add_resource_group(group, location)
        identifier = f"{group_id.replace('resourceGroups', 'resourcegroups')}/providers/{microsoft_managedidentity.RESOURCE_TYPE.type}/{name}"
        with self._arranging():
            resources.store(
                self.tenant, microsoft_managedidentity.new_identity(self.tenant, identifier, name, location)
            )
        return identifier

    def add_storage_account(self, name: str, group: str = "rg", location: str = LOCATION, **properties: Any) -> str:
        """Add a StorageV2 account; return its id."""
        group_id = self.add_resource_group(group, location)
        identifier = f"{group_id}/providers/{microsoft_storage.RESOURCE_TYPE.type}/{name}"
        with self.tenant.lock:
            body = {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": properties}
            document = microsoft_storage.new_account(self.tenant, identifier, name, location, body)
            document["properties"]["provisioningState"] = "Succeeded"
            resources.store(self.tenant, document)
            self._done()
        return identifier

    def delete_vault(self, vault: str) -> None:
        """Soft-delete a vault."""
        with self.tenant.lock:
            soft_delete(self.tenant, self.vault(vault))
            self._done()

    # --- looking

    def vault(self, vault: str) -> Json:
        """Return the record of a vault by name or id.

        Raises:
            LookupError: there is none.

        """
        wanted = vault.lower().rsplit("/", 1)[-1]
        for record in self.tenant.table("resources").values():
            if record["doc"]["type"] == vaults.RESOURCE_TYPE.type and record["doc"]["name"].lower() == wanted:
                return record
        raise LookupError(f"there is no vault {vault}")

    def resource(self, resource_id: str) -> Json | None:
        """Return a resource's document by id, without counting a read; None when there is none."""
        with self.tenant.lock:
            record = self.tenant.resource(resource_id)
            return None if record is None else dict(record["doc"])
