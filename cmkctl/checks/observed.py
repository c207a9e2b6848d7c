"""The facts that rules rest on: what the steps observe, and what only rules need.

A fact of a step has the step's name, so that a plan with that step reads it once. The steps are imported when a fact is read:
they bring the Azure SDK with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_key_identifier
from cmkctl.azure.ids import KeyIdentifier, ResourceId, group_id
from cmkctl.checks.documents import encryption_in_use
from cmkctl.facts import Fact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cmkctl.azure.decoding import ArmDocument
    from cmkctl.azure.snapshot import Snapshot
    from cmkctl.profile.model import Profile
    from cmkctl.steps._endpoints import ObservedEndpoints
    from cmkctl.steps.associated_resources import ObservedAssociated
    from cmkctl.steps.identity_roles import ObservedRoles
    from cmkctl.steps.key import ObservedKey
    from cmkctl.steps.key_access import ObservedAccess
    from cmkctl.steps.key_vault import ObservedVault


def _subscription(azure: Snapshot, _profile: Profile) -> Mapping[str, Any]:
    return azure.subscription()


def _registrations(azure: Snapshot, profile: Profile) -> Mapping[str, str | None]:
    from cmkctl.procedures.create import PROVIDERS  # noqa: PLC0415 - see the module's docstring

    return PROVIDERS.observe(azure, profile)


def _vault(azure: Snapshot, profile: Profile) -> ObservedVault:
    from cmkctl.steps.key_vault import KeyVault  # noqa: PLC0415 - see the module's docstring

    return KeyVault().observe(azure, profile)


def _key(azure: Snapshot, profile: Profile) -> ObservedKey:
    from cmkctl.steps.key import Key  # noqa: PLC0415 - see the module's docstring

    return Key().observe(azure, profile)


def _access(azure: Snapshot, profile: Profile) -> ObservedAccess:
    from cmkctl.steps.key_access import KeyAccess  # noqa: PLC0415 - see the module's docstring

    return KeyAccess().observe(azure, profile)


def _workspace(azure: Snapshot, profile: Profile) -> ArmDocument | None:
    from cmkctl.steps.workspace import Workspace  # noqa: PLC0415 - see the module's docstring

    return Workspace().observe(azure, profile)


def _identity_roles(azure: Snapshot, profile: Profile) -> ObservedRoles | None:
    """Read the roles of the workspace's identities; None where the workspace exists, or none is user-assigned."""
    from cmkctl.steps.identity_roles import observed_roles  # noqa: PLC0415 - see the module's docstring

    settings = profile.workspace
    needless = settings.assigns_roles or not (settings.identity_id or settings.key_identity_id)
    if needless or azure.resource(settings.resource_id, versions.WORKSPACES) is not None:
        return None
    return observed_roles(azure, profile)


def _group(azure: Snapshot, profile: Profile) -> ArmDocument | None:
    from cmkctl.steps.resource_group import ResourceGroup  # noqa: PLC0415 - see the module's docstring

    return ResourceGroup().observe(azure, profile)


def _associated(azure: Snapshot, profile: Profile) -> ObservedAssociated:
    from cmkctl.steps.associated_resources import AssociatedResources  # noqa: PLC0415 - see the module's docstring

    return AssociatedResources().observe(azure, profile)


@dataclass(frozen=True, slots=True)
class KeyInUse:
    """The key version that a workspace uses: its identifier, its document (None: it does not exist), and the time of the read."""

    identifier: str
    version: ArmDocument | None
    at: datetime


def _key_in_use(azure: Snapshot, profile: Profile) -> KeyInUse | None:
    """Read the version that the workspace uses; None without a workspace or key, or for a vault in a different subscription.

    The latest version comes with the key, which is read anyway.
    """
    settings = encryption_in_use(azure.resource(profile.workspace.resource_id, versions.WORKSPACES))
    identifier = str(settings.get("keyIdentifier") or "")
    try:
        used, vault = KeyIdentifier.parse(identifier), ResourceId.parse(str(settings.get("keyVaultArmId") or ""))
    except ValueError:
        return None
    if used.version is None or vault.subscription.lower() != profile.subscription:
        return None
    latest = azure.key(vault, used.name)
    if latest is None or not same_key_identifier(latest["properties"]["keyUriWithVersion"], identifier):
        return KeyInUse(identifier, azure.key_version(vault, used.name, used.version), azure.now())
    return KeyInUse(identifier, latest, azure.now())


def _virtual_network(azure: Snapshot, profile: Profile) -> ArmDocument | None:

    network = profile.private_network
    return azure.resource(network.network_id, versions.NETWORK) if network is not None else None


def _endpoints(azure: Snapshot, profile: Profile) -> ObservedEndpoints:
    from cmkctl.steps.private_endpoints import PrivateEndpoints  # noqa: PLC0415 - see the module's docstring

    return PrivateEndpoints().observe(azure, profile)


def _workspace_endpoint(azure: Snapshot, profile: Profile) -> ObservedEndpoints:
    from cmkctl.steps.workspace_endpoint import WorkspaceEndpoint  # noqa: PLC0415 - see the module's docstring

    return WorkspaceEndpoint().observe(azure, profile)


@dataclass(frozen=True, slots=True)
class Approver:
    """The identity that has to approve the private endpoints of a managed network, and where it may not.

    `without` lists the resource groups in which it has no role that is known to approve.
    """

    identity: str
    principal: str
    without: tuple[str, ...]


_APPROVING: Final = frozenset(
    {
        "b556d68e-0be0-4f35-a333-ad7ee1ce17ea",  # Azure AI Enterprise Network Connection Approver
        "b24988ac-6180-42a0-ab88-20f7382dd24c",  # Contributor
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",  # Owner
    }
)


def _approver(azure: Snapshot, profile: Profile) -> Approver | None:
    """Read the roles of the workspace's user-assigned identity; None without one, or without a managed network."""
    network, identity = profile.workspace.managed_network, profile.workspace.identity_id
    if network is None or not network.isolated or identity is None:
        return None
    principal = ((azure.resource(identity, versions.MANAGED_IDENTITY) or {}).get("properties") or {}).get("principalId")
    if principal is None:
        return None
    associated = profile.associated_resources
    reached = [
        profile.workspace.resource_id,
        associated.storage_account.resource_id,
        associated.key_vault_id,
        *([associated.container_registry_id] if associated.container_registry_id else []),
    ]
    parsed = [ResourceId.parse(each) for each in reached]
    groups = {group_id(each.subscription, each.resource_group).lower(): each for each in parsed}
    scopes = [group_id(each.subscription, each.resource_group) for each in groups.values()]
    without = [
        scope
        for scope in scopes
        if not any(
            str(each["properties"]["roleDefinitionId"]).rpartition("/")[2].lower() in _APPROVING
            for each in azure.role_assignments(scope, str(principal))
        )
    ]
    return Approver(identity, str(principal), tuple(without))


SUBSCRIPTION: Final = Fact("subscription", _subscription)
"""The subscription's document, with `tenantId` and, where it may be read, `state`."""

REGISTRATIONS: Final = Fact("resource_providers", _registrations)
"""The registration state of each resource provider that the procedure needs."""

KEY_VAULT: Final = Fact("key_vault", _vault)
"""The vault with the key, and a soft-deleted vault of its name."""

KEY: Final = Fact("key", _key)
"""The key with its latest version, and the time of the read."""

KEY_ACCESS: Final = Fact("key_access", _access)
"""The principals that need the key, and the vault's access policies."""

WORKSPACE: Final = Fact("workspace", _workspace)
"""The workspace's document, None when it does not exist."""

IDENTITY_ROLES: Final = Fact("roles_of_identities", _identity_roles)
"""The roles of the user-assigned identities of a new workspace, where cmkctl does not assign them."""

RESOURCE_GROUP: Final = Fact("resource_group", _group)
"""The resource group's document, None when it does not exist."""

ASSOCIATED: Final = Fact("associated_resources", _associated)
"""The associated resources by id, None for one that does not exist."""

KEY_IN_USE: Final = Fact("key_in_use", _key_in_use)
"""The key version that the workspace uses, None without one."""

VIRTUAL_NETWORK: Final = Fact("virtual_network", _virtual_network)
"""The network of the subnet for private endpoints; None when it does not exist, or the profile has none."""

PRIVATE_ENDPOINTS: Final = Fact("private_endpoints", _endpoints)
"""The private endpoints of the resources around the workspace, by the id that each has or would have."""

WORKSPACE_ENDPOINT: Final = Fact("workspace_endpoint", _workspace_endpoint)
"""The private endpoint of the workspace, by the id that it has or would have."""

APPROVER: Final = Fact("approver_of_endpoints", _approver)
"""The user-assigned identity that approves the endpoints of a managed network; None where none has to."""
