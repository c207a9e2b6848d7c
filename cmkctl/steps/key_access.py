"""Step 5: Azure Cosmos DB may get, wrap and unwrap with the key, and nothing more.

The ids in Microsoft's pages are *application* ids, the same in every tenant. A grant takes the *object* id of the
application's service principal in this tenant; one that is given to the application id is accepted and grants nothing.
A workspace with a user-assigned identity reads the key through that identity as well.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.clouds import ENDPOINTS
from cmkctl.azure.compare import missing_permissions, same_resource_id, same_word
from cmkctl.azure.errors import AzureFailed, Kind
from cmkctl.azure.graph import SERVICE_PRINCIPALS
from cmkctl.azure.ids import ResourceId, role_assignment_id, role_definition_id
from cmkctl.azure.operations import FirstAnswer, finish, until
from cmkctl.azure.session import Document, Session, Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Outputs, Request, Unknown
from cmkctl.profile.model import Profile
from cmkctl.steps.base import conflict, no_op, wait

PERMISSIONS: Final = ("get", "wrapKey", "unwrapKey")
CRYPTO_SERVICE_ENCRYPTION_USER: Final = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
COSMOS_DB: Final = "Azure Cosmos DB"
DOCUMENT_DB: Final = "Microsoft.DocumentDB"
_MANAGEMENT_GROUPS: Final = "/providers/microsoft.management/managementgroups/"

_ASSIGNMENT_NAMES: Final = uuid.UUID("5f0c6a0e-9d0b-5c53-8f0e-6d1c3c8b7a21")
"""The name space of our role assignments, so that a grant has the same name on every run and is never made twice."""


@dataclass(frozen=True, slots=True)
class ObservedPrincipal:
    """Who is to be granted.

    `key` is what stays the same on every run and in every plan: an application id, or an identity's resource id.
    `object_id` is None when the principal is not there, `denied` says that we may not look.
    """

    label: str
    key: str
    object_id: str | None
    denied: bool = False
    roles: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class ObservedAccess:
    """The vault with its access policies (None when it is not there), and those who need the key."""

    vault: Document | None
    cosmos_db: ObservedPrincipal
    identity: ObservedPrincipal | None


class KeyAccess:
    """``PUT …/vaults/VAULT/accessPolicies/add``, which keeps everybody else's policy, or a role assignment."""

    name = "key_access"
    title = "key access"
    needs = ("key_vault", "key")
    doc = "https://learn.microsoft.com/azure/cosmos-db/how-to-setup-customer-managed-keys"

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedAccess:
        """Find the principals in the directory, and what they may do with the vault."""
        vault = ResourceId.parse(profile.vault_id)
        ours = vault.subscription.lower() == profile.subscription
        found, (cosmos_db, identity) = azure.both(
            lambda: azure.vault(vault) if ours else None,
            lambda: azure.both(lambda: _cosmos_db(azure, profile), lambda: _identity(azure, profile)),
        )
        if found is None or not _rbac(found):
            return ObservedAccess(found, cosmos_db, identity)
        cosmos_db, identity = azure.both(
            lambda: _with_roles(azure, profile, cosmos_db), lambda: identity and _with_roles(azure, profile, identity)
        )
        return ObservedAccess(found, cosmos_db, identity)

    def plan(self, profile: Profile, observed: ObservedAccess, known: Known) -> list[Change]:
        """Grant what is missing; make the service principal first, when the tenant does not have it."""
        changes = _principal_changes(profile, observed.cosmos_db, known)
        if any(each.action is Action.CONFLICT for each in changes):
            return changes
        principals = [observed.cosmos_db, *([observed.identity] if observed.identity else [])]
        for each in principals:
            # One after the other: of two changes to the policies of one vault at the same time, Key Vault refuses one.
            changes.append(_grant(profile, observed.vault, each, known, changes))
        return changes

    def outputs(self, profile: Profile, observed: ObservedAccess, known: Known) -> Outputs:  # noqa: ARG002
        """`principal_object_id`: the object id of Azure Cosmos DB's service principal in this tenant."""
        return {"principal_object_id": observed.cosmos_db.object_id or Unknown(self.name, "principal_object_id")}

    def apply(self, azure: Session, change: Change) -> None:
        """Make the service principal, or the grant. The answers are final; the grant is read back afterwards."""
        if change.request is None or change.request.body is None:
            return
        body: Any = dict(change.request.body)
        if change.request.host is not None:
            azure.graph.create_service_principal(body)
            until(
                azure,
                f"{change.title} to be found in the directory",
                lambda: azure.snapshot().service_principal(body["appId"]),
                lambda found: found is not None,
            )
        elif "/accessPolicies/" in change.request.path:
            vault = ResourceId.parse(change.resource_id)
            azure.key_vault.vaults.update_access_policy(vault.resource_group, vault.names[0], "add", body)
        else:
            answer = azure.resources.resources.begin_create_or_update_by_id(
                change.resource_id.lstrip("/"), body, api_version=change.request.api_version, polling=FirstAnswer()
            ).result()
            finish(azure, answer, change.title)


def _given(profile: Profile) -> ObservedPrincipal:
    app_id = ENDPOINTS[profile.cloud].cosmos_db_app_id
    return ObservedPrincipal(COSMOS_DB, app_id, profile.key_access.cosmos_db_object_id)


def _cosmos_db(azure: Snapshot, profile: Profile) -> ObservedPrincipal:
    given = _given(profile)
    if given.object_id is not None:
        return given
    try:
        found = azure.service_principal(given.key)
    except AzureFailed as error:
        if error.failure.kind is not Kind.DENIED:
            raise
        return replace(given, denied=True)
    return replace(given, object_id=str(found["id"]) if found else None)


def _identity(azure: Snapshot, profile: Profile) -> ObservedPrincipal | None:
    if profile.identity_id is None:
        return None
    found = azure.resource(profile.identity_id, versions.MANAGED_IDENTITY)
    label = f"identity {ResourceId.parse(profile.identity_id).name}"
    return ObservedPrincipal(label, profile.identity_id, (found or {}).get("properties", {}).get("principalId"))


def _with_roles(azure: Snapshot, profile: Profile, principal: ObservedPrincipal) -> ObservedPrincipal:
    if principal.object_id is None:
        return principal
    roles = azure.role_assignments(profile.vault_id, principal.object_id)
    return replace(principal, roles=tuple(roles))


def _rbac(vault: Mapping[str, Any]) -> bool:
    return bool(vault.get("properties", {}).get("enableRbacAuthorization"))


def _principal_changes(profile: Profile, cosmos_db: ObservedPrincipal, known: Known) -> list[Change]:
    if cosmos_db.object_id is not None:
        return []
    endpoints = ENDPOINTS[profile.cloud]
    resource = f"{SERVICE_PRINCIPALS}(appId='{endpoints.cosmos_db_app_id}')"
    title = f"service principal {COSMOS_DB}"
    look_up = f"az ad sp show --id {endpoints.cosmos_db_app_id} --query id"
    if cosmos_db.denied:
        reason = "the signed-in principal may not read the directory, so the object id cannot be looked up"
        way_out = f"have somebody run `{look_up}`, and write the answer as key_access.cosmos_db_object_id"
        return [conflict(KeyAccess.name, resource, title, "CMK231", reason, way_out)]
    if not profile.key_access.create_service_principal or not endpoints.cosmos_db_app_id_confirmed:
        registering = known.get("resource_providers", {}).get("registering")
        if isinstance(registering, list) and DOCUMENT_DB in registering:
            return [wait(KeyAccess.name, resource, title, "registering Microsoft.DocumentDB brings it")]
        reason = f"this tenant has no service principal for application {endpoints.cosmos_db_app_id}"
        return [
            conflict(
                KeyAccess.name,
                resource,
                title,
                "CMK232",
                reason,
                "register Microsoft.DocumentDB once more: az provider register --namespace Microsoft.DocumentDB",
                f"have a directory administrator run: az ad sp create --id {endpoints.cosmos_db_app_id}",
                "write its object id as key_access.cosmos_db_object_id",
            )
        ]
    return [
        Change(
            KeyAccess.name,
            Action.CREATE,
            resource,
            title,
            "not in this tenant yet",
            attributes=(AttributeChange("appId", None, endpoints.cosmos_db_app_id),),
            request=Request(
                "POST", SERVICE_PRINCIPALS, "v1.0", {"appId": endpoints.cosmos_db_app_id}, host=endpoints.graph
            ),
        )
    ]


def _grant(
    profile: Profile, vault: Document | None, principal: ObservedPrincipal, known: Known, before: list[Change]
) -> Change:
    title = f"key access for {principal.label}"
    if principal.object_id is None and principal.label != COSMOS_DB:
        return conflict(
            KeyAccess.name,
            profile.identity_id or "",
            title,
            "CMK233",
            "there is no such user-assigned identity",
            "create it first: az identity create",
            "correct workspace.identity",
        )
    rbac = _rbac(vault) if vault is not None else bool(known.get("key_vault", {}).get("rbac"))
    after = tuple(each.resource_id for each in before if each.action.writes)
    if rbac:
        return _role_grant(profile, principal, title, after)
    return _policy_grant(profile, vault, principal, known, after)


def _role_grant(profile: Profile, principal: ObservedPrincipal, title: str, after: tuple[str, ...]) -> Change:
    """Source: https://learn.microsoft.com/azure/key-vault/general/rbac-guide."""
    role = role_definition_id(profile.subscription, CRYPTO_SERVICE_ENCRYPTION_USER)
    held = next((each for each in principal.roles if _covers(each, profile.key_id, role)), None)
    assignment = role_assignment_id(profile.vault_id, _assignment_name(profile, principal))
    if held is not None:
        scope = held["properties"].get("scope")
        on = {profile.vault_id: "on the vault", profile.key_id: "on the key"}
        where = next((words for each, words in on.items() if same_resource_id(scope, each)), "inherited")
        return no_op(
            KeyAccess.name,
            str(held.get("id", assignment)),
            title,
            f"already right: Key Vault Crypto Service Encryption User, {where}",
        )
    object_id: Json = principal.object_id or Unknown(KeyAccess.name, "principal_object_id")
    body: dict[str, Json] = {
        "properties": {
            "roleDefinitionId": role,
            "principalId": object_id,
            # Said so that Azure does not look for a principal that was made seconds ago. That look is ours, before.
            "principalType": "ServicePrincipal",
        }
    }
    return Change(
        KeyAccess.name,
        Action.CREATE,
        assignment,
        title,
        "no role on the vault yet",
        attributes=(
            AttributeChange("role", None, "Key Vault Crypto Service Encryption User"),
            AttributeChange("principalId", None, object_id),
        ),
        after=after,
        request=Request("PUT", assignment, versions.ROLE_ASSIGNMENTS, body),
    )


def _covers(assignment: Mapping[str, Any], key_id: str, role: str) -> bool:
    """Whether it grants the role on the key, its vault, or above. Of management groups Azure lists only those above."""
    properties = assignment.get("properties") or {}
    scope = str(properties.get("scope") or "nowhere").rstrip("/").lower()
    granted = str(properties.get("roleDefinitionId", "")).rpartition("/")[2]
    above = f"{key_id.lower()}/".startswith(f"{scope}/") or scope.startswith(_MANAGEMENT_GROUPS)
    return same_word(granted, role.rpartition("/")[2]) and above


def _assignment_name(profile: Profile, principal: ObservedPrincipal) -> str:
    seed = f"{profile.vault_id}|{principal.key}|{CRYPTO_SERVICE_ENCRYPTION_USER}"
    return str(uuid.uuid5(_ASSIGNMENT_NAMES, seed.lower()))


def _policy_grant(
    profile: Profile, vault: Document | None, principal: ObservedPrincipal, known: Known, after: tuple[str, ...]
) -> Change:
    """Source: https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy."""
    title = f"key access for {principal.label}"
    properties = (vault or {}).get("properties", {})
    held = [key for each in _policies_of(properties, principal.object_id) for key in each]
    missing = missing_permissions(held, PERMISSIONS)
    # An access policy is no resource of its own: the vault's id and whom it is for stand for it.
    policy = f"{profile.vault_id}/accessPolicies/{principal.key.rpartition('/')[2]}"
    if not missing:
        return no_op(KeyAccess.name, policy, title, "already right: get, wrapKey, unwrapKey by access policy")
    object_id: Json = principal.object_id or Unknown(KeyAccess.name, "principal_object_id")
    tenant: Json = properties.get("tenantId") or known.get("key_vault", {}).get("tenant")
    entry: Json = {"tenantId": tenant, "objectId": object_id, "permissions": {"keys": list(PERMISSIONS)}}
    return Change(
        KeyAccess.name,
        Action.UPDATE if held else Action.CREATE,
        policy,
        title,
        f"lacks {', '.join(missing)}" if held else "no access policy yet",
        attributes=(
            AttributeChange("permissions.keys", list(held) or None, list(dict.fromkeys((*held, *missing)))),
            *(() if held else (AttributeChange("objectId", None, object_id),)),
        ),
        after=after,
        request=Request(
            "PUT",
            f"{profile.vault_id}/accessPolicies/add",
            versions.KEY_VAULT,
            {"properties": {"accessPolicies": [entry]}},
        ),
    )


def _policies_of(properties: Mapping[str, Any], object_id: str | None) -> Iterator[list[str]]:
    for each in properties.get("accessPolicies") or []:
        # A policy with an applicationId is for that application on behalf of the principal, not for the principal.
        if same_word(each.get("objectId"), object_id) and not each.get("applicationId"):
            yield list((each.get("permissions") or {}).get("keys") or [])
