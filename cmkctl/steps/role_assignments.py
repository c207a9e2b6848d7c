"""Step 8: the role assignments under ``grants``, for the workspace's identity, identities of computes, and people.

An assignment of the same role to the same principal at the same scope is adopted, whatever its name. Others are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.ids import ResourceId, role_definition_id, subscription_id
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Known, Outputs, Phrase
from cmkctl.profile.model import Profile
from cmkctl.profile.sections.grants import WORKSPACE, Grant
from cmkctl.steps._role_assignments import Assignment, role_guid
from cmkctl.steps.base import conflict, no_op
from cmkctl.steps.managed_identity import IDENTITY_PRINCIPAL
from cmkctl.steps.workspace import IDENTITY_OBJECT_ID

_KIND: Final = "role assignment"


@dataclass(frozen=True, slots=True)
class ObservedGrant:
    """Principal and role of one grant, as Azure has them.

    `principal` identifies the principal before it exists. `object_id` is None for an absent one; `denied` is True when the
    directory may not be read, `made` is True for an identity that this profile creates. `role` is the role definition's ARM id,
    None when there is no such role; `found` are the assignments of the principal at the scope and above, `named` is the
    assignment that has the name of ours.
    """

    principal: str
    object_id: str | None
    denied: bool
    made: bool
    role: str | None
    definition: ArmDocument | None
    found: tuple[ArmDocument, ...] = ()
    named: ArmDocument | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One grant of the profile, its scope's ARM id, and what was observed for it."""

    grant: Grant
    scope: str
    seen: ObservedGrant

    @property
    def label(self) -> str:
        """The grant in words for people, as in a title."""
        named = (self.seen.definition or {}).get("properties", {}).get("roleName")
        return f"{named or self.grant.role} for {_who(self.grant)} on {_where(self.grant)}"

    @property
    def assignment(self) -> Assignment:
        """The role assignment that is wanted."""
        return Assignment(
            self.scope,
            self.seen.principal,
            self.seen.object_id or (IDENTITY_PRINCIPAL if self.grant.identity_id else IDENTITY_OBJECT_ID).unknown,
            self.seen.role or "",
            self.grant.sent_type,
            self.grant.description,
            self.grant.condition,
        )


class RoleAssignments:
    """``PUT SCOPE/providers/Microsoft.Authorization/roleAssignments/NAME``, once for each grant that is missing."""

    name = "role_assignments"
    title = "role assignments"
    needs = ("managed_identity", "workspace")
    doc = "https://learn.microsoft.com/azure/machine-learning/how-to-assign-roles"

    def types(self, profile: Profile) -> tuple[str, ...]:  # noqa: ARG002 - a step's signature
        """Return no type: Microsoft.Authorization needs no registration."""
        return ()

    def observe(self, azure: Snapshot, profile: Profile) -> tuple[ObservedGrant, ...]:
        """Read principal and role of each grant, then the assignments of the principal."""
        return tuple(azure.gather(*(partial(_observe, azure, profile, each) for each in profile.grants)))

    def plan(self, profile: Profile, observed: tuple[ObservedGrant, ...], known: Known) -> list[Change]:  # noqa: ARG002
        """Create each assignment that is missing, find it up to date, or return its conflict. Empty without ``grants``."""
        pairs = zip(profile.grants, observed, strict=True)
        return [_plan(_Wanted(grant, _scope(profile, grant), seen)) for grant, seen in pairs]

    def outputs(self, profile: Profile, observed: tuple[ObservedGrant, ...]) -> Outputs:  # noqa: ARG002
        """Return nothing: no step needs it."""
        return {}


def assignment_of(azure: Snapshot, profile: Profile, grant: Grant) -> Assignment | None:
    """Return the role assignment of a grant, with the id that cmkctl gives it; None for a role that does not exist."""
    scope = _scope(profile, grant)
    role, _ = _role(azure, profile, grant, scope)
    if role is None:
        return None
    if grant.application_id is not None:
        principal = grant.application_id
    else:
        principal = profile.workspace.resource_id if grant.principal == WORKSPACE else str(grant.principal)
    return Assignment(scope, principal, "", role)


def label_of(grant: Grant) -> str:
    """Return a grant in words for people."""
    return f"{grant.role} for {_who(grant)} on {_where(grant)}"


def _scope(profile: Profile, grant: Grant) -> str:
    return profile.grant_scopes.get(grant.scope) or grant.scope


def _observe(azure: Snapshot, profile: Profile, grant: Grant) -> ObservedGrant:
    scope = _scope(profile, grant)
    (principal, object_id, denied), (role, definition) = azure.gather2(
        lambda: _principal(azure, profile, grant), lambda: _role(azure, profile, grant, scope)
    )
    made = grant.identity_id is not None and same_resource_id(grant.identity_id, profile.workspace.created_identity_id)
    seen = ObservedGrant(principal, object_id, denied, made, role, definition)
    if role is None:
        return seen
    # An object id never changes hands. Anything else can get a new one, and our name is then the old one's.
    named, found = azure.gather2(
        lambda: (
            None if grant.is_object_id else azure.role_assignment(_Wanted(grant, scope, seen).assignment.resource_id)
        ),
        lambda: azure.role_assignments(scope, object_id) if object_id else [],
    )
    return replace(seen, found=tuple(found), named=named)


def _principal(azure: Snapshot, profile: Profile, grant: Grant) -> tuple[str, str | None, bool]:
    """Return what identifies the principal, its object id, and True where the directory may not be read."""
    if grant.application_id is not None:
        try:
            found = azure.service_principal(grant.application_id)
        except AzureFailed as error:
            if error.failure.kind is not FailureKind.DENIED:
                raise
            return grant.application_id, None, True
        return grant.application_id, str(found["id"]) if found else None, False
    if grant.principal == WORKSPACE:
        workspace = azure.resource(profile.workspace.resource_id, versions.WORKSPACES) or {}
        return profile.workspace.resource_id, (workspace.get("identity") or {}).get("principalId"), False
    if grant.identity_id is not None:
        identity = azure.resource(grant.identity_id, versions.MANAGED_IDENTITY) or {}
        return grant.identity_id, identity.get("properties", {}).get("principalId"), False
    return str(grant.principal), grant.principal, False


def _role(azure: Snapshot, profile: Profile, grant: Grant, scope: str) -> tuple[str | None, ArmDocument | None]:
    """Return the id of the role definition, with the definition; None for a role that does not exist."""
    if _is_guid(role_guid(grant.role)):
        named = grant.role if grant.role.startswith("/") else role_definition_id(profile.subscription, grant.role)
        definition = azure.role_definition(named)
        return (named, definition) if definition else (None, None)
    definition = azure.role_named(_above(profile, scope), grant.role)
    if definition is None:
        return None, None
    return str(definition["id"]), definition


def _is_guid(text: str) -> bool:
    return [len(each) for each in text.split("-")] == [8, 4, 4, 4, 12] and " " not in text


def _above(profile: Profile, scope: str) -> str:
    """Return the subscription of a scope, or its management group: a scope that does not exist yet lists no roles."""
    parts = scope.split("/")
    if parts[1].lower() == "subscriptions":
        return subscription_id(parts[2])
    return scope if parts[1].lower() == "providers" else subscription_id(profile.subscription)


def _who(grant: Grant) -> str:
    if grant.application_id is not None:
        return f"application {grant.application_id}"
    if grant.principal == WORKSPACE:
        return "the workspace"
    return f"identity {ResourceId.parse(grant.identity_id).name}" if grant.identity_id else str(grant.principal)


def _where(grant: Grant) -> str:
    if not grant.scope.startswith("/"):
        return f"the {grant.scope.replace('_', ' ')}"
    return grant.scope.rpartition("/")[2]


def _plan(wanted: _Wanted) -> Change:
    stopped = _role_conflict(wanted) or _principal_conflict(wanted)
    if stopped is not None:
        return stopped
    seen, assignment = wanted.seen, wanted.assignment
    equal = assignment.equal_among((*seen.found, *([seen.named] if seen.named else [])))
    if equal is not None:
        return _adopt(wanted, equal)
    if seen.named is not None:
        return _left_over(wanted, seen.named)
    return Change(
        RoleAssignments.name,
        Action.CREATE,
        assignment.resource_id,
        _KIND,
        wanted.label,
        _missing(seen, wanted.scope),
        attributes=(
            AttributeChange("roleDefinitionId", None, assignment.role, phrase=Phrase("")),
            AttributeChange("principalId", None, assignment.object_id, phrase=Phrase("")),
            *_extras(wanted.grant, {}),
        ),
        request=assignment.request,
    )


def _extras(grant: Grant, found: Mapping[str, Any]) -> Iterable[AttributeChange]:
    """Return the differences in what may change: condition and description, where the profile gives them."""
    for path, wanted, words in (
        ("condition", grant.condition, "with a condition"),
        ("description", grant.description, ""),
    ):
        if wanted is not None and found.get(path) != wanted:
            yield AttributeChange(path, found.get(path), wanted, phrase=Phrase(words))


def _adopt(wanted: _Wanted, equal: ArmDocument) -> Change:
    """Return a no-op, or the update of condition and description, which are all that Azure lets change.

    A principal of another type than the profile's is a conflict.
    """
    found, wants = equal["properties"], wanted.grant.principal_type
    if wants is not None and not same_word(found.get("principalType") or wants, wants):
        has = found["principalType"]
        reason = f"the principal is a {has}, not a {wants}"
        return _conflict(wanted, "CMK248", reason, f"write principal_type: {has}, or leave it out")
    assignment = str(equal.get("id") or wanted.assignment.resource_id)
    drift = tuple(_extras(wanted.grant, found))
    if not drift:
        condition = ", with a condition" if found.get("condition") else ""
        return no_op(
            RoleAssignments.name, assignment, _KIND, wanted.label, f"up to date: assigned at this scope{condition}"
        )
    kept = replace(
        wanted.assignment,
        role=str(found["roleDefinitionId"]),
        description=wanted.grant.description or found.get("description"),
        condition=wanted.grant.condition or found.get("condition"),
    )
    return Change(
        RoleAssignments.name,
        Action.UPDATE,
        assignment,
        _KIND,
        wanted.label,
        f"differs in {' and '.join(each.path for each in drift)}",
        attributes=drift,
        request=replace(kept.request, path=assignment),
    )


def _missing(seen: ObservedGrant, scope: str) -> str:
    role = role_guid(seen.role or "")
    elsewhere = [
        each["properties"] for each in seen.found if role_guid(str(each["properties"]["roleDefinitionId"])) == role
    ]
    above = [str(each["scope"]) for each in elsewhere if _covers(str(each["scope"]), scope)]
    return f"not assigned at this scope, only inherited from {above[0]}" if above else "not assigned"


def _conflict(wanted: _Wanted, code: str, reason: str, *ways_out: str) -> Change:
    resource = wanted.assignment.resource_id if wanted.seen.role else wanted.scope
    return conflict(RoleAssignments.name, resource, _KIND, wanted.label, code, reason, *ways_out)


def _role_conflict(wanted: _Wanted) -> Change | None:
    seen = wanted.seen
    if seen.role is None:
        return _conflict(
            wanted,
            "CMK248",
            f"there is no role {wanted.grant.role}, or you may not read it",
            "list the roles: az role definition list --query '[].roleName' --output tsv",
            "give the GUID of the role as role",
        )
    scopes = [str(each) for each in (seen.definition or {}).get("properties", {}).get("assignableScopes") or []]
    if scopes and not any(_covers(each, wanted.scope) for each in scopes):
        return _conflict(
            wanted,
            "CMK248",
            f"the role can be assigned at {' and '.join(scopes)}, not at {wanted.scope}",
            "have the scope added to the role: az role definition update",
            "choose another role or scope",
        )
    return None


def _covers(assignable: str, scope: str) -> bool:
    """Return True for a scope at or below an assignable one. What is below a management group is not known here."""
    above = assignable.rstrip("/").lower()
    return not above or "/managementgroups/" in above or f"{scope.lower()}/".startswith(f"{above}/")


def _principal_conflict(wanted: _Wanted) -> Change | None:
    grant, seen = wanted.grant, wanted.seen
    if seen.object_id is not None or grant.principal == WORKSPACE or seen.made:
        return None
    if grant.identity_id is not None:
        return _conflict(
            wanted,
            "CMK233",
            "there is no such user-assigned identity",
            "create it first: az identity create",
            "correct the grant's principal",
        )
    if seen.denied:
        return _conflict(
            wanted,
            "CMK231",
            "you may not read the directory, where its object id is looked up",
            f"ask someone who may for the result of `az ad sp show --id {grant.application_id} --query id`, and write it as "
            "principal in place of application_id",
        )
    return _conflict(
        wanted,
        "CMK232",
        f"this tenant has no service principal for application {grant.application_id}",
        f"have a directory administrator run: az ad sp create --id {grant.application_id}",
        "write the principal's object id as principal in place of application_id",
    )


def _left_over(wanted: _Wanted, named: ArmDocument) -> Change:
    """Return the conflict with an assignment of a principal that the one of the profile has replaced."""
    return _conflict(
        wanted,
        "CMK249",
        f"the name of this assignment belongs to {named['properties'].get('principalId')}, the principal that was there before",
        f"remove the old assignment: az role assignment delete --ids {wanted.assignment.resource_id}",
    )
