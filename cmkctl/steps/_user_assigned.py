"""A user-assigned identity of the workspace: one that exists, or the one that cmkctl creates."""

from __future__ import annotations

from dataclasses import dataclass

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Unknown
from cmkctl.profile.model import Profile
from cmkctl.steps.managed_identity import IDENTITY_PRINCIPAL


@dataclass(frozen=True, slots=True)
class UserAssigned:
    """An identity by its ARM id. `object_id` is None for an absent one; `created` is True for one that cmkctl creates."""

    id: str
    object_id: str | None
    created: bool

    @property
    def label(self) -> str:
        """The identity for people."""
        return f"identity {ResourceId.parse(self.id).name}"

    @property
    def absent(self) -> bool:
        """True for an identity that does not exist and that cmkctl does not create."""
        return self.object_id is None and not self.created

    @property
    def principal(self) -> str | Unknown:
        """The object id, or the placeholder until the identity is created."""
        return self.object_id or IDENTITY_PRINCIPAL.unknown


def user_assigned(azure: Snapshot, profile: Profile, identity_id: str) -> UserAssigned:
    """Read a user-assigned identity of the workspace."""
    found = azure.resource(identity_id, versions.MANAGED_IDENTITY)
    object_id = (found or {}).get("properties", {}).get("principalId")
    return UserAssigned(identity_id, object_id, same_resource_id(identity_id, profile.workspace.created_identity_id))
