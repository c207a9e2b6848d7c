"""Take away the access to the key that ``key_access`` gives: that of Azure Cosmos DB, and of the identity that reads the key.

Exactly that access goes: a role assignment on the vault or the key that allows nothing more, or the three permissions of one
principal's access policy. Everything else is a conflict: what is inherited belongs to others, and a wider role or policy has
further uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.compare import excess_permissions, missing_permissions, same_resource_id
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Outputs, Request
from cmkctl.profile.model import Profile
from cmkctl.services.base import PERMISSIONS
from cmkctl.steps._grants import (
    allows_nothing_more,
    combined_assignments,
    held_assignments,
    policies_of,
    role_name,
)
from cmkctl.steps._principals import ObservedPrincipal
from cmkctl.steps.base import conflict, no_op
from cmkctl.steps.key_access import ObservedAccess, observed_access

_REVOKE_ALONE: Final = "disable the key version instead: cmkctl revoke PROFILE"


class KeyAccessRemoval:
    """``DELETE`` of a role assignment, or ``PUT …/vaults/VAULT/accessPolicies/remove`` with one principal's entry."""

    name = "key_access_removal"
    title = "key access"
    needs: tuple[str, ...] = ()
    doc = "https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy"

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedAccess:
        """Read the principals from the directory, and their rights on the vault."""
        return observed_access(azure, profile, every=True)

    def plan(self, profile: Profile, observed: ObservedAccess, known: Known) -> list[Change]:  # noqa: ARG002
        """Take the access of each principal away, find that done, or return the conflicts."""
        if profile.workspace.encryption == "service-side" and observed.identity is None:
            return [_managed_by_azure(profile)]
        if observed.vault is None:
            vault = profile.key_vault
            reason = "there is no such vault, so there is no access through it"
            return [no_op(self.name, vault.resource_id, "key vault", vault.resource_name, reason)]
        changes: list[Change] = []
        for each in observed.principals:
            changes += _removals(
                profile, observed.vault, each, [one.resource_id for one in changes if one.action.writes]
            )
        return changes

    def outputs(self, profile: Profile, observed: ObservedAccess) -> Outputs:  # noqa: ARG002 - a step's signature
        """Return nothing: no step comes after it."""
        return {}


def _kind(principal: ObservedPrincipal) -> str:
    return f"key access of {principal.label}"


def _policy_id(profile: Profile, principal: ObservedPrincipal) -> str:
    return f"{profile.key_vault.resource_id}/accessPolicies/{principal.key.rpartition('/')[2]}"


def _managed_by_azure(profile: Profile) -> Change:
    return conflict(
        KeyAccessRemoval.name,
        profile.key_vault.resource_id,
        "key access",
        "",
        "CMK625",
        "with service-side encryption and a system-assigned identity, Azure Machine Learning gives the workspace's identity its "
        "access by itself, so that taking away what the profile grants has no effect",
        _REVOKE_ALONE,
    )


def _removals(
    profile: Profile, vault: ArmDocument, principal: ObservedPrincipal, before: Sequence[str]
) -> list[Change]:
    if principal.object_id is None:
        if principal.denied:
            reason = "the signed-in principal may not read the directory, so the object id cannot be looked up"
            way_out = "write its object id as key_access.cosmos_db_object_id"
            return [
                conflict(
                    KeyAccessRemoval.name,
                    _policy_id(profile, principal),
                    _kind(principal),
                    "",
                    "CMK231",
                    reason,
                    way_out,
                )
            ]
        reason = "not in this tenant, so it has no access"
        return [no_op(KeyAccessRemoval.name, _policy_id(profile, principal), _kind(principal), "", reason)]
    properties = vault.get("properties", {})
    if properties.get("enableRbacAuthorization"):
        return _assignments(profile, principal)
    return [_policy(profile, properties, principal, before)]


def _assignments(profile: Profile, principal: ObservedPrincipal) -> list[Change]:
    """Return the deletion of each role assignment on vault or key that lets the principal use the key."""
    held = [*held_assignments(profile, principal)] or combined_assignments(profile, principal)
    if not held:
        return [_without(profile, principal, "no role lets it use the key")]
    problems = [*_role_problems(profile, principal, held)]
    if problems:
        return problems
    return [_deletion(profile, principal, each) for each in held]


def _without(profile: Profile, principal: ObservedPrincipal, reason: str) -> Change:
    return no_op(
        KeyAccessRemoval.name, _policy_id(profile, principal), _kind(principal), "", f"has no access already: {reason}"
    )


def _role_problems(profile: Profile, principal: ObservedPrincipal, held: Iterable[ArmDocument]) -> Iterator[Change]:
    for each in held:
        scope = str(each["properties"].get("scope") or "")
        role, identifier = role_name(principal, each), str(each.get("id") or "")
        delete = f"delete it by hand, if nothing else needs it: az role assignment delete --ids {identifier}"
        if not any(same_resource_id(scope, one) for one in _ours(profile)):
            reason = f"its role {role} is inherited from {scope}, and reaches more than this vault"
        elif not allows_nothing_more(principal, each):
            reason = f"its role {role} on {scope} allows more than the use of keys"
        else:
            continue
        yield conflict(KeyAccessRemoval.name, identifier, _kind(principal), "", "CMK625", reason, _REVOKE_ALONE, delete)


def _ours(profile: Profile) -> tuple[str, str]:
    return profile.key_vault.resource_id, profile.key.resource_id


def _deletion(profile: Profile, principal: ObservedPrincipal, assignment: ArmDocument) -> Change:
    """Source: https://learn.microsoft.com/rest/api/authorization/role-assignments/delete."""
    scope, identifier = str(assignment["properties"].get("scope")), str(assignment["id"])
    where = "the vault, for all of its keys" if same_resource_id(scope, _ours(profile)[0]) else "the key"
    return Change(
        KeyAccessRemoval.name,
        Action.DELETE,
        identifier,
        _kind(principal),
        "",
        f"its role on {where}",
        attributes=(AttributeChange("role", role_name(principal, assignment), None),),
        request=Request("DELETE", identifier, versions.ROLE_ASSIGNMENTS),
    )


def _policy(
    profile: Profile, properties: Mapping[str, Any], principal: ObservedPrincipal, before: Sequence[str]
) -> Change:
    """Return the removal of the three permissions from the principal's policy. Key Vault keeps everything else.

    Source: https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy
    """
    held = [key for each in policies_of(properties, principal.object_id) for key in each]
    going = tuple(each for each in PERMISSIONS if not missing_permissions(held, (each,)))
    if "wrapKey" not in going and "unwrapKey" not in going:
        return _without(
            profile, principal, "its access policy lets it neither wrap nor unwrap" if held else "no access policy"
        )
    if "all" in {each.lower() for each in held}:
        return conflict(
            KeyAccessRemoval.name,
            _policy_id(profile, principal),
            _kind(principal),
            "",
            "CMK625",
            "its access policy is `all`, from which single permissions cannot be taken",
            _REVOKE_ALONE,
            f"have it listed first: az keyvault set-policy --name {profile.key_vault.resource_name} --object-id "
            f"{principal.object_id} --key-permissions {' '.join(PERMISSIONS)}",
        )
    kept = excess_permissions(held, going)
    entry: Json = {
        "tenantId": str(properties.get("tenantId") or ""),
        "objectId": str(principal.object_id),
        "permissions": {"keys": list(going)},
    }
    return Change(
        KeyAccessRemoval.name,
        Action.DELETE,
        _policy_id(profile, principal),
        _kind(principal),
        "",
        "its access policy on the vault, for all of its keys",
        attributes=(AttributeChange("permissions.keys", list(held), list(kept) or None),),
        # One after the other: Key Vault refuses one of two concurrent changes to the policies of one vault.
        depends_on=tuple(before),
        request=Request(
            "PUT",
            f"{profile.key_vault.resource_id}/accessPolicies/remove",
            versions.KEY_VAULT,
            {"properties": {"accessPolicies": [entry]}},
        ),
    )
