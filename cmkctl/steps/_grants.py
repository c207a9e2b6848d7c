"""The two forms of a grant on the key, access policy and role assignment, and its age. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.actions import allows_data
from cmkctl.azure.compare import missing_permissions, same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument, moment
from cmkctl.azure.ids import role_definition_id
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Phrase, Request
from cmkctl.profile.model import Profile
from cmkctl.steps._principals import CRYPTO_SERVICE_ENCRYPTION_USER, ObservedPrincipal, role_scope
from cmkctl.steps._role_assignments import Assignment, role_guid
from cmkctl.steps.base import conflict, no_op
from cmkctl.steps.key_vault import TENANT

_KEYS: Final = "Microsoft.KeyVault/vaults/keys/"
_DATA_ACTIONS: Final = (f"{_KEYS}read", f"{_KEYS}wrap/action", f"{_KEYS}unwrap/action")
"""The actions on data that a role must allow: those of Key Vault Crypto Service Encryption User."""
_MANAGEMENT_GROUPS: Final = "/providers/microsoft.management/managementgroups/"


def role_grant(
    step: str, profile: Profile, principal: ObservedPrincipal, kind: str, depends_on: tuple[str, ...]
) -> Change:
    """Return the role assignment on the vault or the key, a no-op where the role is held on the key, the vault or above.

    Source: https://learn.microsoft.com/azure/key-vault/general/rbac-guide
    """
    assignment = Assignment(
        role_scope(profile),
        principal.key,
        principal.object_id or principal.after.unknown,
        role_definition_id(profile.subscription, CRYPTO_SERVICE_ENCRYPTION_USER),
    )
    held = next(held_assignments(profile, principal), None)
    if held is not None:
        scope = held["properties"].get("scope")
        on = {profile.key_vault.resource_id: "on the vault", profile.key.resource_id: "on the key"}
        where = next((words for each, words in on.items() if same_resource_id(scope, each)), "inherited")
        return no_op(
            step,
            str(held.get("id", assignment.resource_id)),
            kind,
            "",
            f"up to date: {role_name(principal, held)}, {where}",
        )
    combined = combined_assignments(profile, principal)
    if combined:
        names = " and ".join(dict.fromkeys(role_name(principal, each) for each in combined))
        return no_op(
            step, str(combined[0].get("id", assignment.resource_id)), kind, "", f"up to date: {names} together"
        )
    in_place = next((each for each in principal.roles if _holds_the_place(each, assignment)), None)
    if in_place is not None:
        held_id = str(in_place.get("id", ""))
        return conflict(
            step,
            held_id or assignment.resource_id,
            kind,
            "",
            "CMK704",
            "it has the role with a condition, and Azure allows no second assignment of that role here",
            f"delete it, and cmkctl assigns the role without a condition: az role assignment delete --ids {held_id}",
            "have Key Vault Crypto User assigned instead, which suffices as well",
        )
    return Change(
        step,
        Action.CREATE,
        assignment.resource_id,
        kind,
        "",
        f"no role on the {profile.key_access.scope} yet",
        attributes=(
            AttributeChange("role", None, "Key Vault Crypto Service Encryption User", phrase=Phrase()),
            AttributeChange("principalId", None, assignment.object_id, phrase=Phrase("")),
        ),
        depends_on=depends_on,
        request=assignment.request,
    )


def _holds_the_place(found: ArmDocument, wanted: Assignment) -> bool:
    """Return True for an assignment of the same role at the same scope that does not count, for its condition."""
    properties = found.get("properties") or {}
    return (
        bool(properties.get("condition"))
        and same_resource_id(properties.get("scope"), wanted.scope)
        and role_guid(str(properties.get("roleDefinitionId", ""))) == CRYPTO_SERVICE_ENCRYPTION_USER
    )


def held_assignments(profile: Profile, principal: ObservedPrincipal) -> Iterator[ArmDocument]:
    """Yield the role assignments of a principal that let it use the key. One with a condition does not count."""
    sufficient = {
        CRYPTO_SERVICE_ENCRYPTION_USER,
        *(role_guid(each["id"]) for each in principal.definitions if _suffices(each)),
    }
    return (each for each in principal.roles if _covers(each, profile.key.resource_id, sufficient))


def combined_assignments(profile: Profile, principal: ObservedPrincipal) -> list[ArmDocument]:
    """Return the role assignments of a principal that only together let it use the key; none where one of them suffices."""
    definitions = {role_guid(each["id"]): each for each in principal.definitions}
    covering = [each for each in principal.roles if _covers(each, profile.key.resource_id, definitions.keys())]
    allowed = {
        action: [
            each
            for each in covering
            if _role_allows(definitions[role_guid(each["properties"]["roleDefinitionId"])], action)
        ]
        for action in _DATA_ACTIONS
    }
    if any(map(_suffices, definitions.values())) or not all(allowed.values()):
        return []
    return [each for each in covering if any(each in held for held in allowed.values())]


def _suffices(definition: ArmDocument) -> bool:
    """Return True for a role that allows every data action: built-in or custom, by name or by pattern."""
    return all(_role_allows(definition, action) for action in _DATA_ACTIONS)


def _role_allows(definition: ArmDocument, action: str) -> bool:
    return any(allows_data(each, action) for each in definition["properties"].get("permissions") or [])


def allows_nothing_more(principal: ObservedPrincipal, assignment: ArmDocument) -> bool:
    """Return True for a role that allows the use of keys and nothing more; False also where its definition was not read."""
    role = role_guid(assignment["properties"]["roleDefinitionId"])
    if role == CRYPTO_SERVICE_ENCRYPTION_USER:
        return True
    definition = next((each for each in principal.definitions if role_guid(each["id"]) == role), None)
    permissions = (definition or {}).get("properties", {}).get("permissions") or []
    allowed = [
        str(each).lower()
        for one in permissions
        for each in (*(one.get("actions") or ()), *(one.get("dataActions") or ()))
    ]
    return bool(allowed) and set(allowed) <= {each.lower() for each in _DATA_ACTIONS}


def role_name(principal: ObservedPrincipal, assignment: ArmDocument) -> str:
    """Return the name of the role of an assignment, its GUID where the definition has none."""
    role = role_guid(assignment["properties"]["roleDefinitionId"])
    found = (each for each in principal.definitions if role_guid(each["id"]) == role)
    named = next((str(each["properties"].get("roleName") or role) for each in found), "")
    return named or "Key Vault Crypto Service Encryption User"


def effective_at(
    profile: Profile, vault: ArmDocument | None, principal: ObservedPrincipal, at: datetime
) -> datetime | None:
    """Return the time from which a principal's grant can be relied on; None without a sufficient grant.

    `at` is the time of the reading. It replaces a time that Azure does not give, and a later one: clocks differ.
    """
    properties = (vault or {}).get("properties", {})
    if properties.get("enableRbacAuthorization"):
        made = [each["properties"].get("createdOn") for each in held_assignments(profile, principal)]
        if not made and (combined := combined_assignments(profile, principal)):
            # All of them are needed, so the youngest counts; ISO 8601 in UTC sorts by time.
            made = [max(str(each["properties"].get("createdOn") or at.isoformat()) for each in combined)]
    else:
        held = [key for each in policies_of(properties, principal.object_id) for key in each]
        # A policy has no time of its own: it is as old as the vault's last write, or older.
        written = ((vault or {}).get("systemData") or {}).get("lastModifiedAt")
        made = [] if missing_permissions(held, principal.permissions) else [written]
    if not made:
        return None
    return min([*(moment(each) or at for each in made), at]) + timedelta(seconds=profile.key_access.settle_seconds)


def _covers(assignment: Mapping[str, Any], key_id: str, sufficient: AbstractSet[str]) -> bool:
    """Return True when it grants such a role on the key, its vault, or above. Azure lists only management groups above."""
    properties = assignment.get("properties") or {}
    scope = str(properties.get("scope") or "nowhere").rstrip("/").lower()
    granted = role_guid(str(properties.get("roleDefinitionId", "")))
    above = f"{key_id.lower()}/".startswith(f"{scope}/") or scope.startswith(_MANAGEMENT_GROUPS)
    return granted in sufficient and not properties.get("condition") and above


def policy_grant(
    step: str,
    profile: Profile,
    vault: ArmDocument | None,
    principal: ObservedPrincipal,
    known: Known,
    kind: str,
    depends_on: tuple[str, ...],
) -> Change:
    """Return the access policy with the missing permissions; adding one keeps all others.

    Source: https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy
    """
    properties = (vault or {}).get("properties", {})
    held = [key for each in policies_of(properties, principal.object_id) for key in each]
    missing = missing_permissions(held, principal.permissions)
    # An access policy is no resource of its own: the vault's id and the principal's key identify it.
    policy = f"{profile.key_vault.resource_id}/accessPolicies/{principal.key.rpartition('/')[2]}"
    if not missing:
        return no_op(step, policy, kind, "", f"up to date: {', '.join(principal.permissions)} by access policy")
    object_id: Json = principal.object_id or principal.after.unknown
    tenant: Json = properties.get("tenantId") or known.get(TENANT)
    entry: Json = {"tenantId": tenant, "objectId": object_id, "permissions": {"keys": list(principal.permissions)}}
    return Change(
        step,
        Action.UPDATE if held else Action.CREATE,
        policy,
        kind,
        "",
        f"lacks {', '.join(missing)}" if held else "no access policy yet",
        attributes=(
            AttributeChange(
                "permissions.keys", list(held) or None, list(dict.fromkeys((*held, *missing))), phrase=Phrase()
            ),
            *(() if held else (AttributeChange("objectId", None, object_id, phrase=Phrase("")),)),
        ),
        depends_on=depends_on,
        request=Request(
            "PUT",
            f"{profile.key_vault.resource_id}/accessPolicies/add",
            versions.KEY_VAULT,
            {"properties": {"accessPolicies": [entry]}},
        ),
    )


def policies_of(properties: Mapping[str, Any], object_id: str | None) -> Iterator[list[str]]:
    """Yield the key permissions of each access policy of a principal."""
    for each in properties.get("accessPolicies") or []:
        # A policy with an applicationId is for that application on behalf of the principal, not for the principal.
        if same_word(each.get("objectId"), object_id) and not each.get("applicationId"):
            yield list((each.get("permissions") or {}).get("keys") or [])
