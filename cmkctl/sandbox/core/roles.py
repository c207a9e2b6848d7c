"""The built-in roles the sandbox knows, with what each allows: facts of Azure, declared once and used by all planes.

Ids come from Microsoft's Key Vault RBAC guide and Azure Verified Modules; permissions from learn.microsoft.com, "Azure
built-in roles" (general, security, AI + machine learning). An action is compared without case; ``*`` stands for
anything. What a role's ``notActions`` name, that role does not allow; another role of the same principal may.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

KEYS = "Microsoft.KeyVault/vaults/keys/"
_ALERTS_AND_SUPPORT = (
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
)
_VAULT_ACTIONS = (
    *_ALERTS_AND_SUPPORT,
    "Microsoft.KeyVault/checkNameAvailability/read",
    "Microsoft.KeyVault/deletedVaults/read",
    "Microsoft.KeyVault/locations/*/read",
    "Microsoft.KeyVault/vaults/*/read",
    "Microsoft.KeyVault/operations/read",
)
_USE_OF_KEYS = ("read", "update/action", "backup/action", "encrypt/action", "decrypt/action", "wrap/action",
                "unwrap/action", "sign/action", "verify/action")  # fmt: skip


@dataclass(frozen=True)
class Role:
    """A role: its definition's name, what it allows on the management plane and on data, its recorded text.

    `scopes` are its assignable scopes: ``/`` for a built-in role.
    """

    id: str
    name: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    description: str = ""
    not_data_actions: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("/",)

    def allows(self, action: str) -> bool:
        """Return whether the role allows an action of the management plane."""
        return _any(self.actions, action) and not _any(self.not_actions, action)

    def allows_data(self, action: str) -> bool:
        """Return whether the role allows an action on data."""
        return _any(self.data_actions, action) and not _any(self.not_data_actions, action)


def _any(patterns: tuple[str, ...], action: str) -> bool:
    """Return whether an action fits one of the patterns; ``vaults/*/read`` is meant to include ``vaults/read``, too."""
    forms = {form.lower() for pattern in patterns for form in (pattern, pattern.replace("/*/", "/"))}
    return any(fnmatchcase(action.lower(), form) for form in forms)


OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
ENCRYPTION_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
ROLES = (
    Role(
        ENCRYPTION_USER,
        "Key Vault Crypto Service Encryption User",  # recorded (40), fact 31
        description="Read metadata of keys and perform wrap/unwrap operations. Only works for key vaults that use the "
        "'Azure role-based access control' permission model.",
        actions=tuple(f"Microsoft.EventGrid/eventSubscriptions/{word}" for word in ("write", "read", "delete")),
        data_actions=(f"{KEYS}read", f"{KEYS}wrap/action", f"{KEYS}unwrap/action"),
    ),
    Role(
        "12338af0-0e69-4776-bea7-57ae8d297424",
        "Key Vault Crypto User",
        data_actions=tuple(f"{KEYS}{action}" for action in _USE_OF_KEYS),
    ),
    Role(
        "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
        "Key Vault Crypto Officer",
        actions=_VAULT_ACTIONS,
        data_actions=(f"{KEYS}*", "Microsoft.KeyVault/vaults/keyrotationpolicies/*"),
    ),
    Role(
        "08bbd89e-9f13-488c-ac41-acfcb10c90ab",
        "Key Vault Crypto Service Release User",
        data_actions=(f"{KEYS}release/action",),
    ),
    Role(
        "00482a5a-887f-4fb3-b363-3b7fe8e74483",
        "Key Vault Administrator",
        description="Perform all data plane operations on a key vault and all objects in it, including certificates, "
        "keys, and secrets. Cannot manage key vault resources or manage role assignments. Only works for key vaults that "
        "use the 'Azure role-based access control' permission model.",
        actions=_VAULT_ACTIONS,
        data_actions=("Microsoft.KeyVault/vaults/*",),
    ),
    Role(
        "f25e0fa2-a7c8-4377-a976-54943a77a395",
        "Key Vault Contributor",
        actions=(*_ALERTS_AND_SUPPORT, "Microsoft.KeyVault/*"),
        not_actions=(
            "Microsoft.KeyVault/locations/deletedVaults/purge/action",
            "Microsoft.KeyVault/hsmPools/*",
            "Microsoft.KeyVault/managedHsms/*",
        ),
    ),
    Role(
        "21090545-7ca7-4776-b22c-e363652d74d2",
        "Key Vault Reader",
        actions=_VAULT_ACTIONS,
        data_actions=("Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"),
    ),
    Role(
        "a68e7c17-0ab2-4c09-9a58-125dae29748c",
        "Key Vault Purge Operator",
        actions=(
            "Microsoft.KeyVault/locations/deletedVaults/purge/action",
            "Microsoft.KeyVault/deletedVaults/read",
            "Microsoft.KeyVault/locations/*/read",
        ),
    ),
    Role(
        "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
        "Key Vault Secrets Officer",
        actions=_VAULT_ACTIONS,
        data_actions=("Microsoft.KeyVault/vaults/secrets/*",),
    ),
    Role(
        "4633458b-17de-408a-b874-0445c86b69e6",
        "Key Vault Secrets User",
        data_actions=(
            "Microsoft.KeyVault/vaults/secrets/getSecret/action",
            "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
        ),
    ),
    Role(
        "a4417e6f-fecd-4de8-b567-7b0420556985",
        "Key Vault Certificates Officer",
        actions=_VAULT_ACTIONS,
        data_actions=(
            "Microsoft.KeyVault/vaults/certificatecas/*",
            "Microsoft.KeyVault/vaults/certificates/*",
            "Microsoft.KeyVault/vaults/certificatecontacts/write",
        ),
    ),
    Role(
        "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba",
        "Key Vault Certificate User",
        data_actions=(
            "Microsoft.KeyVault/vaults/certificates/read",
            "Microsoft.KeyVault/vaults/secrets/getSecret/action",
            "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
            f"{KEYS}read",
        ),
    ),
    Role(
        "8b54135c-b56d-4d72-a534-26097cfdc8d8",
        "Key Vault Data Access Administrator",
        actions=(
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "Microsoft.KeyVault/vaults/*/read",
            *_ALERTS_AND_SUPPORT,
        ),
    ),
    Role(
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
        "Contributor",
        actions=("*",),
        not_actions=(
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Blueprint/blueprintAssignments/write",
            "Microsoft.Blueprint/blueprintAssignments/delete",
            "Microsoft.Compute/galleries/share/action",
            "Microsoft.Purview/consents/write",
            "Microsoft.Purview/consents/delete",
        ),
    ),
    Role(
        "4d97b98b-1d4f-4787-a291-c67834d212e7",
        "Network Contributor",
        actions=(
            *_ALERTS_AND_SUPPORT,
            "Microsoft.Network/*",
            "Microsoft.ResourceHealth/availabilityStatuses/read",
        ),
    ),
    Role(
        "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        "Reader",
        description="View all resources, but does not allow you to make any changes.",
        actions=("*/read",),
    ),
    Role(OWNER, "Owner", actions=("*",)),
    Role(
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        "User Access Administrator",
        actions=("*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"),
    ),
    Role(
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        "Role Based Access Control Administrator",
        actions=(
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "*/read",
            "Microsoft.Support/*",
        ),
    ),
    Role(
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        "Storage Blob Data Reader",
        actions=(
            "Microsoft.Storage/storageAccounts/blobServices/containers/read",
            "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
        ),
        data_actions=("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",),
    ),
    Role(
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "Storage Blob Data Contributor",
        actions=(
            "Microsoft.Storage/storageAccounts/blobServices/containers/delete",
            "Microsoft.Storage/storageAccounts/blobServices/containers/read",
            "Microsoft.Storage/storageAccounts/blobServices/containers/write",
            "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
        ),
        data_actions=tuple(
            f"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/{action}"
            for action in ("delete", "read", "write", "move/action", "add/action")
        ),
    ),
    Role(
        "f6c7c914-8db3-469d-8ca1-694a8f32e121",
        "AzureML Data Scientist",
        actions=tuple(
            f"Microsoft.MachineLearningServices/workspaces/*/{action}"
            for action in ("read", "action", "delete", "write")
        ),
        not_actions=(
            "Microsoft.MachineLearningServices/workspaces/delete",
            "Microsoft.MachineLearningServices/workspaces/write",
            "Microsoft.MachineLearningServices/workspaces/computes/*/write",
            "Microsoft.MachineLearningServices/workspaces/computes/*/delete",
            "Microsoft.MachineLearningServices/workspaces/computes/listKeys/action",
            "Microsoft.MachineLearningServices/workspaces/listKeys/action",
        ),
    ),
    Role(
        "e503ece1-11d0-4e8e-8e2c-7a6c3bf38815",
        "AzureML Compute Operator",
        actions=(
            "Microsoft.MachineLearningServices/workspaces/computes/*",
            "Microsoft.MachineLearningServices/workspaces/notebooks/vm/*",
        ),
    ),
    Role(
        "43d0d8ad-25c7-4714-9337-8ba259a9fe05",
        "Monitoring Reader",
        actions=("*/read", "Microsoft.OperationalInsights/workspaces/search/action", "Microsoft.Support/*"),
    ),
    Role(
        "f1a07417-d97a-45cb-824c-7a7467783830",
        "Managed Identity Operator",
        description="Read and Assign User Assigned Identity",
        actions=(
            *_ALERTS_AND_SUPPORT,
            "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
            "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
        ),
    ),
    Role("b556d68e-0be0-4f35-a333-ad7ee1ce17ea", "Azure AI Enterprise Network Connection Approver"),
)
"""The last one approves private endpoint connections, which the sandbox has none of; its actions are left out."""

BY_ID = {role.id: role for role in ROLES}


def find(text: str) -> Role | None:
    """Return a role by its id, its definition's resource id, or its name; None when the sandbox knows no such role."""
    wanted = text.rstrip("/").rsplit("/", 1)[-1].lower()
    return next((role for role in ROLES if wanted in {role.id, role.name.lower()}), None)


@lru_cache(maxsize=256)
def allowing(action: str) -> frozenset[str]:
    """Return the ids of the roles that allow an action of the management plane."""
    return frozenset(role.id for role in ROLES if role.allows(action))


@lru_cache(maxsize=256)
def allowing_data(*actions: str) -> frozenset[str]:
    """Return the ids of the roles that allow every one of some actions on data; Owner is never among them (P24)."""
    return frozenset(role.id for role in ROLES if all(role.allows_data(action) for action in actions))
