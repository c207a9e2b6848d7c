"""The user-assigned identity that the profile requests, with its principal in the directory.

It has no state to wait for. Its principal reaches all of Microsoft Entra ID seconds to minutes later: a grant that comes too
early is refused as PrincipalNotFound and sent again.
"""

from __future__ import annotations

from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_location
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Known, Output, Outputs, Phrase, Request, Settle
from cmkctl.profile.model import Profile
from cmkctl.steps._tags import TAGS_DIFFER, new_tags, tag_body, tag_drift
from cmkctl.steps.base import conflict, no_op

IDENTITY_PRINCIPAL: Final[Output[str]] = Output("managed_identity", "principal_id", "properties.principalId")
"""The object id of the identity that cmkctl creates."""
IDENTITY_CLIENT: Final[Output[str]] = Output("managed_identity", "client_id", "properties.clientId")
"""Its client id, by which a container registry refers to it."""

_KIND: Final = "managed identity"


class ManagedIdentity:
    """``PUT …/Microsoft.ManagedIdentity/userAssignedIdentities/NAME``; an existing one is adopted."""

    name = "managed_identity"
    title = "managed identity"
    needs = ("resource_providers", "resource_group")
    doc = "https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-manage-user-assigned-managed-identities"

    def types(self, profile: Profile) -> tuple[str, ...]:
        """Return the type of the identity, where the profile requests one."""
        return ("Microsoft.ManagedIdentity/userAssignedIdentities",) if profile.workspace.created_identity_id else ()

    def observe(self, azure: Snapshot, profile: Profile) -> ArmDocument | None:
        """Read the identity; None when it is absent, or not requested."""
        identity = profile.workspace.created_identity_id
        return azure.resource(identity, versions.MANAGED_IDENTITY) if identity else None

    def plan(self, profile: Profile, observed: ArmDocument | None, known: Known) -> list[Change]:  # noqa: ARG002
        """Create it, adopt it, or bring its tags in line. Nothing where the profile requests none."""
        identity = profile.workspace.created_identity_id
        if identity is None:
            return []
        name = ResourceId.parse(identity).name
        if observed is None:
            return [_create(profile, identity, name)]
        location = str(observed.get("location") or profile.location)
        if not same_location(location, profile.location):
            reason = f"it is in {location}, not in {profile.location}"
            return [
                conflict(
                    self.name,
                    identity,
                    _KIND,
                    name,
                    "CMK285",
                    reason,
                    f"use it where it is: write workspace.identity.user_assigned: [{identity}] instead of create",
                    "choose another name: workspace.identity.create",
                )
            ]
        drift = tag_drift(profile, observed)
        if not drift:
            return [no_op(self.name, identity, _KIND, name, "up to date")]
        return [
            Change(
                self.name,
                Action.UPDATE,
                identity,
                _KIND,
                name,
                TAGS_DIFFER,
                attributes=tuple(drift),
                request=Request("PATCH", identity, versions.MANAGED_IDENTITY, tag_body(profile, observed)),
                settle=_settle(identity),
            )
        ]

    def outputs(self, profile: Profile, observed: ArmDocument | None) -> Outputs:  # noqa: ARG002 - a step's signature
        """Return `IDENTITY_PRINCIPAL` and `IDENTITY_CLIENT`."""
        found = (observed or {}).get("properties", {})
        return {
            IDENTITY_PRINCIPAL: found.get("principalId") or IDENTITY_PRINCIPAL.unknown,
            IDENTITY_CLIENT: found.get("clientId") or IDENTITY_CLIENT.unknown,
        }


def _settle(identity: str) -> Settle:
    return Settle(identity, versions.MANAGED_IDENTITY)


def _create(profile: Profile, identity: str, name: str) -> Change:
    return Change(
        ManagedIdentity.name,
        Action.CREATE,
        identity,
        _KIND,
        name,
        "does not exist",
        attributes=(AttributeChange("location", None, profile.location, phrase=Phrase("")),),
        request=Request(
            "PUT", identity, versions.MANAGED_IDENTITY, {"location": profile.location, "tags": new_tags(profile)}
        ),
        settle=_settle(identity),
    )
