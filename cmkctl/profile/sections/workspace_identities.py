"""The identities of the workspace: its own, user-assigned ones that exist, and one that cmkctl creates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.section import Contradiction, Section

IDENTITY_TYPE: Final = "Microsoft.ManagedIdentity/userAssignedIdentities"

_EXAMPLE: Final = (
    "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ml/providers"
    "/Microsoft.ManagedIdentity/userAssignedIdentities/id-ml"
)


class WorkspaceIdentities(Section):
    """Several identities of the workspace: its own, user-assigned ones that exist, and one that cmkctl creates."""

    system_assigned: bool | None = Field(
        None,
        description=(
            "Whether the workspace has a system-assigned identity as well. Left out: true beside user_assigned, false "
            "beside create."
        ),
        examples=[True],
    )
    user_assigned: Annotated[tuple[field_types.IdentityId, ...], Field(strict=False)] = Field(
        (), description="The ARM ids of user-assigned identities that exist.", examples=[[_EXAMPLE]]
    )
    create: field_types.IdentityName | None = Field(
        None,
        description=(
            "The name of a user-assigned identity in the profile's resource group: created if absent, with the roles "
            "that the workspace needs."
        ),
        examples=["id-ml"],
    )
    primary: field_types.IdentityReference | None = Field(
        None,
        description=(
            "The user-assigned identity that the workspace acts as, which then reads the key as well: its ARM id, or the name "
            "in create. Left out: the system-assigned identity, or without one the only user-assigned identity."
        ),
        examples=[_EXAMPLE],
    )
    roles: Literal["assign", "check"] | None = Field(
        None,
        description=(
            "The roles that a user-assigned identity needs to act as the workspace: assign creates the missing ones, check "
            "names them in the plan of a new workspace and creates none. Left out: assign with create, else check."
        ),
        examples=["assign"],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield a mapping without user-assigned identity, and a primary one that is foreign, or needed and missing."""
        listed = [each.lower() for each in self.references]
        if not listed:
            yield Contradiction(
                "user_assigned",
                "There is no user-assigned identity.",
                "Write user_assigned with ARM ids or create with a name, or workspace.identity: system-assigned.",
                missing=True,
            )
        if self.primary is not None and self.primary.lower() not in listed:
            yield Contradiction(
                "primary",
                "The primary identity is not one of user_assigned.",
                "Add it to user_assigned, or leave primary out.",
            )
        if self.primary is None and not self.with_system and len(listed) > 1:
            yield Contradiction(
                "primary",
                "There is no system-assigned identity and several user-assigned ones, so a primary one is required.",
                "Write primary: one of the ids of user_assigned.",
                missing=True,
            )

    @property
    def references(self) -> tuple[str, ...]:
        """The user-assigned identities as the profile names them."""
        return (*self.user_assigned, *([self.create] if self.create else []))

    @property
    def with_system(self) -> bool:
        """True with a system-assigned identity."""
        return self.create is None if self.system_assigned is None else self.system_assigned

    @property
    def assigns_roles(self) -> bool:
        """True where cmkctl creates the roles that are missing."""
        return self.create is not None if self.roles is None else self.roles == "assign"

    @property
    def created(self) -> str | None:
        """The ARM id of the identity that cmkctl creates; None without one."""
        return self.create and self._id_of(self.create)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ARM ids of all user-assigned identities."""
        return tuple(map(self._id_of, self.references))

    @property
    def acting(self) -> str | None:
        """The ARM id of the primary user-assigned identity; None where the system-assigned one acts."""
        if self.primary is not None:
            return self._id_of(self.primary)
        return None if self.with_system else self._id_of(self.references[0])

    def _id_of(self, reference: str) -> str:
        return reference if reference.startswith("/") else self.placement.resource_id(IDENTITY_TYPE, reference)
