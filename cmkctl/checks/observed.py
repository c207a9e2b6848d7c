"""The facts that rules rest on: what the steps observe, and what only rules need.

A fact of a step has the step's name, so that a plan with that step reads it once. The steps are imported when a fact is read:
they bring the Azure SDK with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cmkctl.azure.compare import same_key_identifier
from cmkctl.checks.documents import encryption_in_use
from cmkctl.facts import Fact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cmkctl.azure.decoding import ArmDocument
    from cmkctl.azure.snapshot import Snapshot
    from cmkctl.profile.model import Profile
    from cmkctl.steps.associated_resources import ObservedAssociated
    from cmkctl.steps.key import ObservedKey
    from cmkctl.steps.key_access import ObservedAccess
    from cmkctl.steps.key_vault import ObservedVault


def _subscription(azure: Snapshot, _profile: Profile) -> Mapping[str, Any]:
    return azure.subscription()


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
    from cmkctl.azure import versions  # noqa: PLC0415 - see the module's docstring
    from cmkctl.azure.ids import KeyIdentifier, ResourceId  # noqa: PLC0415 - see the module's docstring

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


SUBSCRIPTION: Final = Fact("subscription", _subscription)
"""The subscription's document, with `tenantId` and, where it may be read, `state`."""

KEY_VAULT: Final = Fact("key_vault", _vault)
"""The vault with the key, and a soft-deleted vault of its name."""

KEY: Final = Fact("key", _key)
"""The key with its latest version, and the time of the read."""

KEY_ACCESS: Final = Fact("key_access", _access)
"""The principals that need the key, and the vault's access policies."""

WORKSPACE: Final = Fact("workspace", _workspace)
"""The workspace's document, None when it does not exist."""

RESOURCE_GROUP: Final = Fact("resource_group", _group)
"""The resource group's document, None when it does not exist."""

ASSOCIATED: Final = Fact("associated_resources", _associated)
"""The associated resources by id, None for one that does not exist."""

KEY_IN_USE: Final = Fact("key_in_use", _key_in_use)
"""The key version that the workspace uses, None without one."""
