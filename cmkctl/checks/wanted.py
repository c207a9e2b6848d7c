"""The resources that a plan would create, for the facts about their names, regions and quotas.

Each function reads through the snapshot, which shares its reads with the steps: a resource that exists is
not checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from cmkctl.azure import versions
from cmkctl.azure.ids import ResourceId
from cmkctl.facts import NotRegisteredYetError

if TYPE_CHECKING:
    from cmkctl.azure.snapshot import Snapshot
    from cmkctl.profile.model import Profile

STORAGE_ACCOUNTS: Final = "Microsoft.Storage/storageAccounts"
LOG_ANALYTICS: Final = "Microsoft.OperationalInsights/workspaces"
MANAGED_TYPES: Final = (
    "Microsoft.DocumentDB/databaseAccounts",
    "Microsoft.Search/searchServices",
    STORAGE_ACCOUNTS,
)
"""The resources that Microsoft creates for an in-subscription workspace, in the managed resource group."""

_REGISTERED: Final = "Registered"


@dataclass(frozen=True, slots=True)
class NewResource:
    """A resource that the plan would create: its type, its name, its id, and the section of the profile that names it."""

    type: str
    name: str
    id: str
    field: str
    kind: str
    """The resource's name for people."""


def new_resources(azure: Snapshot, profile: Profile) -> list[NewResource]:
    """Return the vaults, associated resources and the workspace that the profile names and that do not exist."""
    named = _named(profile)
    found = azure.gather(*(partial(_exists, azure, profile, each) for each in named))
    return [each for each, exists in zip(named, found, strict=True) if not exists]


def workspace_is_new(azure: Snapshot, profile: Profile) -> bool:
    """Return True when the workspace does not exist."""
    return not _exists(azure, profile, _workspace(profile))


def managed_in_subscription(azure: Snapshot, profile: Profile) -> bool:
    """Return True when Microsoft would create the managed resources of a new workspace in the subscription."""
    return profile.workspace.encryption == "in-subscription" and workspace_is_new(azure, profile)


def require_registered(azure: Snapshot, namespace: str) -> None:
    """Raise NotRegisteredYetError for a namespace whose reads Azure refuses for want of a registration."""
    if (azure.provider(namespace) or {}).get("registrationState") != _REGISTERED:
        raise NotRegisteredYetError(namespace)


def _workspace(profile: Profile) -> NewResource:
    settings = profile.workspace
    kind = "Microsoft.MachineLearningServices/workspaces"
    return NewResource(kind, settings.name, settings.resource_id, "workspace", "workspace")


def _named(profile: Profile) -> list[NewResource]:
    from cmkctl.steps._associated import specs_of  # noqa: PLC0415 - the steps bring the Azure SDK with them

    vault = profile.key_vault
    own = NewResource(vault.resource_type, vault.resource_name, vault.resource_id, "key_vault", "key vault")
    associated = [
        NewResource(each.type, ResourceId.parse(identifier).name, identifier, each.field, each.kind)
        for each in specs_of(profile)
        if not each.given(profile) and (identifier := each.resource_id(profile))
    ]
    return [*([] if vault.id else [own]), *associated, _workspace(profile)]


def _exists(azure: Snapshot, profile: Profile, wanted: NewResource) -> bool:
    from cmkctl.steps._associated import specs_of  # noqa: PLC0415 - the steps bring the Azure SDK with them

    if wanted.field == "key_vault":
        return azure.vault(ResourceId.parse(wanted.id)) is not None
    version = next((each.api_version for each in specs_of(profile) if each.field == wanted.field), versions.WORKSPACES)
    return azure.resource(wanted.id, version) is not None
