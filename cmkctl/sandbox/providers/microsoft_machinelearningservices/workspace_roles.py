"""The management-plane rights that a user-assigned identity needs to act as an encrypted workspace (P37).

Microsoft's page requires Contributor on the workspace, its storage account, vault, registry and Application Insights; the service
reports one missing action at a time. Which actions it tries, and in which order, is published only in part: a field report has
that on the vault, another page those on storage accounts, search services and Cosmos DB accounts.
"""

from cmkctl.sandbox.core import errors, grants, ids, roles
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.state import Tenant

CLASSIC = ("Microsoft.DocumentDB/databaseAccounts/write", "Microsoft.Search/searchServices/write")
ON_RESOURCES = {
    "keyVault": "Microsoft.KeyVault/vaults/read",
    "storageAccount": "Microsoft.Storage/storageAccounts/write",
    "applicationInsights": "Microsoft.Insights/components/read",
    "containerRegistry": "Microsoft.ContainerRegistry/registries/read",
}
"""The action on each associated resource, by the property that names it."""


def acting(body: Json) -> str | None:
    """Return the user-assigned identity that a workspace acts as; None for its system-assigned one."""
    identity = body.get("identity") or {}
    named = body["properties"].get("primaryUserAssignedIdentity")
    users = list(identity.get("userAssignedIdentities") or {})
    alone = str(identity.get("type") or "").lower() == "userassigned" and len(users) == 1
    found: str | None = named or (users[0] if alone else None)
    return found


def refusal(tenant: Tenant, body: Json, workspace_id: str) -> errors.AzureError | None:
    """Return the refusal of the first action that the acting identity may not take; None when it may take all."""
    identity_id, properties = acting(body), body["properties"]
    if identity_id is None:
        return None
    identity = tenant.resource(identity_id)
    if identity is None:
        return errors.identity_missing(identity_id)
    inner = identity["doc"]["properties"]
    needed = [(action, properties[field]) for field, action in ON_RESOURCES.items() if properties.get(field)]
    if not properties.get("enableServiceSideCMKEncryption"):
        group = "/".join(workspace_id.split("/")[:5])
        needed += [(action, group) for action in CLASSIC]
    for action, scope in needed:
        if not grants.has_role(tenant, scope, inner["principalId"], roles.allowing(action)):
            return errors.identity_unauthorised(
                client_id=inner["clientId"], object_id=inner["principalId"], action=action, scope=scope
            )
    return None


def reader_refusal(body: Json) -> errors.AzureError | None:
    """Return the refusal of a reader of the key that is not one of the workspace's identities."""
    encryption = body["properties"].get("encryption") or {}
    reader = (encryption.get("identity") or {}).get("userAssignedIdentity")
    held = {ids.key(each) for each in (body.get("identity") or {}).get("userAssignedIdentities") or {}}
    return errors.reader_foreign(reader) if reader and ids.key(reader) not in held else None
