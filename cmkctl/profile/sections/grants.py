"""Role assignments beside the grant on the key: for the workspace's identity, for identities of computes, and for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.section import Contradiction, Section

WORKSPACE: Final = "workspace"
"""As a principal: the system-assigned identity of the workspace."""

PrincipalType = Literal["User", "Group", "ServicePrincipal", "ForeignGroup", "Device"]


class Grant(Section):
    """A role for a principal at a scope. cmkctl adds role assignments and removes none."""

    principal: field_types.GrantPrincipal | None = Field(
        None,
        description=(
            "The principal: workspace, which is the workspace's system-assigned identity; the ARM id of a user-assigned "
            "identity, such as that of a compute; or an object id. Give either principal or application_id."
        ),
        examples=["workspace"],
    )
    application_id: field_types.Guid | None = Field(
        None,
        description=(
            "The application (client) id of the principal, whose object id cmkctl looks up in the directory. Give either "
            "principal or application_id."
        ),
        examples=["3f2b8c1e-0d4a-4c7b-9e65-1a2b3c4d5e6f"],
    )
    role: field_types.RoleReference = Field(
        description=(
            "The role: the name of a built-in or custom role of the subscription, or the GUID or ARM id of a role definition."
        ),
        examples=["AzureML Data Scientist"],
    )
    scope: field_types.GrantScope = Field(
        description=(
            "The scope: subscription, resource_group, workspace, key_vault, key, storage_account, application_insights, "
            "log_analytics, container_registry or workspace_key_vault of the profile, or an ARM id."
        ),
        examples=["workspace"],
    )
    principal_type: PrincipalType | None = Field(
        None,
        description=(
            "The kind of an object id, which Azure otherwise looks up in the directory. Identities and applications are "
            "service principals."
        ),
        examples=["Group"],
    )
    description: str | None = Field(
        None,
        max_length=1024,
        description="A text that Azure shows with the role assignment.",
        examples=["Data scientists of the fraud team"],
    )
    condition: str | None = Field(
        None,
        description=(
            "A condition in Azure's language for role assignments (version 2.0), which narrows the role. Left out: none, and "
            "the condition of an assignment that exists is kept."
        ),
        examples=[
            ("@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'features'")
        ],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield a principal that is given twice or not at all, and a wrong kind of one."""
        if (self.principal is None) == (self.application_id is None):
            yield Contradiction(
                "principal",
                "Neither principal nor application_id is given."
                if self.principal is None
                else "Both are given: a principal and an application_id.",
                "Write one of principal and application_id.",
                missing=self.principal is None,
            )
        elif self.principal_type not in (None, "ServicePrincipal") and not self.is_object_id:
            yield Contradiction(
                "principal_type",
                f"Identities and applications are service principals, and this says {self.principal_type}.",
                "Leave principal_type out.",
            )

    @property
    def is_object_id(self) -> bool:
        """True for a principal given by its object id."""
        return self.principal is not None and self.principal != WORKSPACE and not self.principal.startswith("/")

    @property
    def identity_id(self) -> str | None:
        """The ARM id of the user-assigned identity; None for any other principal."""
        return self.principal if self.principal is not None and self.principal.startswith("/") else None

    @property
    def sent_type(self) -> str | None:
        """The principal's type as it is sent: explicit for what cmkctl knows to be a service principal."""
        return self.principal_type if self.is_object_id else "ServicePrincipal"


def contradictions_of(
    grants: tuple[Grant, ...], scopes: Mapping[str, str | None], *, system_assigned: bool
) -> Iterator[Contradiction]:
    """Yield what the rest of the profile rules out: a scope without resource, the missing identity, a grant listed twice.

    `scopes` are the ARM ids of the named scopes, None where the profile has no such resource.
    """
    listed: set[tuple[str, str, str]] = set()
    for index, each in enumerate(grants):
        if scopes.get(each.scope, "") is None:
            yield Contradiction(
                f"grants[{index}].scope",
                f"The profile has no {each.scope.replace('_', ' ')}.",
                f"Write associated_resources.{each.scope}: {{}}, or another scope.",
            )
        if each.principal == WORKSPACE and not system_assigned:
            yield Contradiction(
                f"grants[{index}].principal",
                "The workspace has no system-assigned identity.",
                "Give the ARM id of its user-assigned identity, or write workspace.identity.system_assigned: true.",
            )
        key = (str(each.principal or each.application_id), each.role, scopes.get(each.scope) or each.scope)
        lowered = (key[0].lower(), key[1].lower(), key[2].rstrip("/").lower())
        if lowered in listed:
            yield Contradiction(
                f"grants[{index}]", "The same grant is listed above.", "Keep one of them: Azure has each grant once."
            )
        listed.add(lowered)
