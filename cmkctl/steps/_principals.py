"""Who needs the key: Azure Cosmos DB's service principal in this tenant, and the workspace's own identity. For `key_access`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.clouds import ENDPOINTS
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.graph import SERVICE_PRINCIPALS
from cmkctl.azure.ids import ResourceId, provider_id
from cmkctl.azure.session import ArmDocument, Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Known, Request
from cmkctl.profile.model import Profile
from cmkctl.steps.base import conflict, wait

STEP: Final = "key_access"
COSMOS_DB: Final = "Azure Cosmos DB"
DOCUMENT_DB: Final = "Microsoft.DocumentDB"


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
    roles: tuple[ArmDocument, ...] = ()


def _given(profile: Profile) -> ObservedPrincipal:
    app_id = ENDPOINTS[profile.cloud].cosmos_db_app_id
    return ObservedPrincipal(COSMOS_DB, app_id, profile.key_access.cosmos_db_object_id)


def cosmos_db(azure: Snapshot, profile: Profile) -> ObservedPrincipal:
    """Azure Cosmos DB: the object id that the profile gives, else the one that the directory knows."""
    given = _given(profile)
    if given.object_id is not None:
        return given
    try:
        found = azure.service_principal(given.key)
    except AzureFailed as error:
        if error.failure.kind is not FailureKind.DENIED:
            raise
        return replace(given, denied=True)
    return replace(given, object_id=str(found["id"]) if found else None)


def identity(azure: Snapshot, profile: Profile) -> ObservedPrincipal | None:
    """The user-assigned identity of the workspace; None for a system-assigned one."""
    if profile.identity_id is None:
        return None
    found = azure.resource(profile.identity_id, versions.MANAGED_IDENTITY)
    label = f"identity {ResourceId.parse(profile.identity_id).name}"
    return ObservedPrincipal(label, profile.identity_id, (found or {}).get("properties", {}).get("principalId"))


def with_roles(azure: Snapshot, profile: Profile, principal: ObservedPrincipal) -> ObservedPrincipal:
    """The same principal with the roles that it has on the vault and above."""
    if principal.object_id is None:
        return principal
    roles = azure.role_assignments(profile.vault_id, principal.object_id)
    return replace(principal, roles=tuple(roles))


def principal_changes(profile: Profile, principal: ObservedPrincipal, known: Known) -> list[Change]:
    """What has to happen before Azure Cosmos DB can be granted anything: nothing, where it is in the tenant."""
    if principal.object_id is not None:
        return []
    endpoints = ENDPOINTS[profile.cloud]
    resource = f"{SERVICE_PRINCIPALS}(appId='{endpoints.cosmos_db_app_id}')"
    title = f"service principal {COSMOS_DB}"
    look_up = f"az ad sp show --id {endpoints.cosmos_db_app_id} --query id"
    if principal.denied:
        reason = "the signed-in principal may not read the directory, so the object id cannot be looked up"
        way_out = f"have somebody run `{look_up}`, and write the answer as key_access.cosmos_db_object_id"
        return [conflict(STEP, resource, title, "CMK231", reason, way_out)]
    if not profile.key_access.create_service_principal or not endpoints.cosmos_db_app_id_confirmed:
        registering = known.get("resource_providers", {}).get("registering")
        if isinstance(registering, list) and DOCUMENT_DB in registering:
            return [wait(STEP, resource, title, "registering Microsoft.DocumentDB brings it")]
        reason = f"this tenant has no service principal for application {endpoints.cosmos_db_app_id}"
        return [
            conflict(
                STEP,
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
            STEP,
            Action.CREATE,
            resource,
            title,
            "not in this tenant yet",
            attributes=(AttributeChange("appId", None, endpoints.cosmos_db_app_id),),
            request=Request(
                "POST", SERVICE_PRINCIPALS, "v1.0", {"appId": endpoints.cosmos_db_app_id}, host=endpoints.graph
            ),
            may_result_from=(provider_id(profile.subscription, DOCUMENT_DB),),
        )
    ]
