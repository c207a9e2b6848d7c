"""Role assignments: their names, which are the same on every run, their requests, and their adoption by content. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.ids import role_assignment_id
from cmkctl.plan import Json, Request, Unknown

_NAMES: Final = uuid.UUID("5f0c6a0e-9d0b-5c53-8f0e-6d1c3c8b7a21")
"""The name space of our role assignments, so that a grant has the same name on every run and is never made twice."""


def role_guid(role: str) -> str:
    """Return the GUID of a role, given the GUID or any of the role definition's ids, in lower case.

    Azure returns the same built-in role under the subscription, a management group or the tenant.
    """
    return role.rstrip("/").rpartition("/")[2].lower()


def assignment_name(scope: str, principal: str, role: str) -> str:
    """Return the name of a role assignment: a UUID version 5 of scope, principal and role, the same on every run.

    `principal` is what represents the principal before it exists: an application id, the ARM id of an identity or of the
    workspace, or the object id of anyone else. `role` is the GUID or an id of the role definition. Casing does not matter.
    """
    return str(uuid.uuid5(_NAMES, f"{scope.rstrip('/')}|{principal}|{role_guid(role)}".lower()))


@dataclass(frozen=True, slots=True)
class Assignment:
    """A role assignment that is wanted.

    `scope` is an ARM id. `principal` identifies the principal before it exists, as in `assignment_name`; `object_id` is
    `Unknown` until then. `role` is the ARM id of the role definition. `principal_type` is explicit for a service principal, so
    that Azure does not look up one that was created seconds ago; None lets Azure look it up.
    """

    scope: str
    principal: str
    object_id: str | Unknown
    role: str
    principal_type: str | None = "ServicePrincipal"
    description: str | None = None
    condition: str | None = None

    @property
    def resource_id(self) -> str:
        """The ARM id that the assignment gets when cmkctl creates it."""
        return role_assignment_id(self.scope, assignment_name(self.scope, self.principal, self.role))

    @property
    def request(self) -> Request:
        """The request that creates the assignment.

        Source: https://learn.microsoft.com/rest/api/authorization/role-assignments/create
        """
        properties: dict[str, Json] = {"roleDefinitionId": self.role, "principalId": self.object_id}
        if self.principal_type is not None:
            properties["principalType"] = self.principal_type
        if self.description is not None:
            properties["description"] = self.description
        if self.condition is not None:
            properties |= {"condition": self.condition, "conditionVersion": "2.0"}
        return Request("PUT", self.resource_id, versions.ROLE_ASSIGNMENTS, {"properties": properties})

    def equal_among(self, found: Iterable[ArmDocument]) -> ArmDocument | None:
        """Return the assignment of the same role to the same principal at the same scope, whatever its name.

        Azure refuses a second one (RoleAssignmentExists), so there is at most one.
        """
        return next((each for each in found if self._equals(each.get("properties") or {})), None)

    def _equals(self, found: Mapping[str, Any]) -> bool:
        return (
            isinstance(self.object_id, str)
            and same_word(found.get("principalId"), self.object_id)
            and same_resource_id(found.get("scope"), self.scope)
            and role_guid(str(found.get("roleDefinitionId"))) == role_guid(self.role)
        )
