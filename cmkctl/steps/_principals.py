"""The principals that need the key: Azure Cosmos DB, and the workspace's user-assigned identity. For `key_access`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from cmkctl.azure.clouds import ENDPOINTS
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.graph import SERVICE_PRINCIPALS
from cmkctl.azure.ids import provider_id
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Known, Output, Phrase, Plane, Request, Settle, Unknown
from cmkctl.profile.model import Profile
from cmkctl.services.base import PERMISSIONS
from cmkctl.steps._user_assigned import user_assigned
from cmkctl.steps.base import conflict, wait
from cmkctl.steps.managed_identity import IDENTITY_PRINCIPAL
from cmkctl.steps.resource_providers import REGISTERING

PRINCIPAL_OBJECT_ID: Final[Output[str]] = Output("key_access", "principal_object_id", "id")
"""The object id of Azure Cosmos DB in this tenant."""

STEP: Final = "key_access"
COSMOS_DB: Final = "Azure Cosmos DB"
DOCUMENT_DB: Final = "Microsoft.DocumentDB"
CRYPTO_SERVICE_ENCRYPTION_USER: Final = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
SERVICE_PRINCIPAL: Final = "service principal"
_TO_APPEAR: Final = 600.0
"""Seconds. Azure was recorded not seeing a new principal for 39; field reports mention minutes."""


@dataclass(frozen=True, slots=True)
class ObservedPrincipal:
    """A principal that needs the key.

    `roles` are role assignments. `key` is the same on every run and in every plan: an application id, or an identity's
    resource id. `object_id` is None for an absent principal, and then supplied by the output `after`; `denied` is True when the
    directory may not be read.
    """

    label: str
    key: str
    object_id: str | None
    denied: bool = False
    roles: tuple[ArmDocument, ...] = ()
    definitions: tuple[ArmDocument, ...] = ()
    """The definitions of its roles, where its assignments alone do not show that it may use the key."""
    after: Output[str] = PRINCIPAL_OBJECT_ID
    permissions: tuple[str, ...] = PERMISSIONS
    """The permissions on the key that it needs in a vault with access policies."""


def _given(profile: Profile) -> ObservedPrincipal:
    app_id = ENDPOINTS[profile.cloud].cosmos_db_app_id
    return ObservedPrincipal(COSMOS_DB, app_id, profile.key_access.cosmos_db_object_id)


def cosmos_db(azure: Snapshot, profile: Profile) -> ObservedPrincipal:
    """Read Azure Cosmos DB's object id: the profile's, else the directory's."""
    given = _given(profile)
    return given if given.object_id is not None else looked_up(azure, given)


def looked_up(azure: Snapshot, principal: ObservedPrincipal) -> ObservedPrincipal:
    """Read the object id of a principal that is named by its application id."""
    try:
        found = azure.service_principal(principal.key)
    except AzureFailed as error:
        if error.failure.kind is not FailureKind.DENIED:
            raise
        return replace(principal, denied=True)
    return replace(principal, object_id=str(found["id"]) if found else None)


def identity(azure: Snapshot, profile: Profile) -> ObservedPrincipal | None:
    """Read the user-assigned identity that reads the key; None where the service does."""
    identity_id = profile.workspace.key_identity_id
    if identity_id is None:
        return None
    found = user_assigned(azure, profile, identity_id)
    after = IDENTITY_PRINCIPAL if found.created else PRINCIPAL_OBJECT_ID
    return ObservedPrincipal(found.label, identity_id, found.object_id, after=after)


def role_scope(profile: Profile) -> str:
    """Return the ARM id at which the role on the key is assigned: that of the vault, or of the key."""
    return profile.key.resource_id if profile.key_access.scope == "key" else profile.key_vault.resource_id


def with_roles(
    azure: Snapshot, profile: Profile, principal: ObservedPrincipal, *, every: bool = False
) -> ObservedPrincipal:
    """Read the roles that a principal has on the vault (or the key, where the profile sets that scope) and above.

    With `every`, read those on the vault, its keys and above, and all of their definitions.
    """
    if principal.object_id is None:
        return principal
    scope = profile.key_vault.resource_id if every else role_scope(profile)
    roles = azure.role_assignments(scope, principal.object_id)
    named = {str(each["properties"]["roleDefinitionId"]): None for each in roles}
    if not every and any(each.lower().endswith(CRYPTO_SERVICE_ENCRYPTION_USER) for each in named):
        return replace(principal, roles=tuple(roles))
    found = azure.gather(*(partial(azure.role_definition, each) for each in named))
    # Azure may return a definition under another scope; its id as assigned is the one to compare.
    definitions = tuple({**each, "id": one} for one, each in zip(named, found, strict=True) if each is not None)
    return replace(principal, roles=tuple(roles), definitions=definitions)


_BY_NAME: Final = (
    f"az ad sp list --display-name '{COSMOS_DB}' --query '[].{{objectId:id, applicationId:appId}}' --output table"
)
"""The look-up in a cloud whose application id is not published: a name is no proof, so the operator compares what is found."""


def principal_changes(profile: Profile, principal: ObservedPrincipal, known: Known) -> list[Change]:
    """Return the changes before Azure Cosmos DB can get a grant: none where it is in the tenant."""
    if principal.object_id is not None:
        return []
    endpoints = ENDPOINTS[profile.cloud]
    resource = f"{SERVICE_PRINCIPALS}(appId='{endpoints.cosmos_db_app_id}')"
    settle = Settle(endpoints.cosmos_db_app_id, "v1.0", state_path="", timeout=_TO_APPEAR, plane=Plane.GRAPH)
    confirmed = endpoints.cosmos_db_app_id_confirmed
    look_up = f"az ad sp show --id {endpoints.cosmos_db_app_id} --query id" if confirmed else _BY_NAME
    if principal.denied:
        reason = "the signed-in principal may not read the directory, so the object id cannot be looked up"
        way_out = (
            f"ask someone who can read the directory to run `{look_up}`, and set the result as "
            "key_access.cosmos_db_object_id"
        )
        return [conflict(STEP, resource, SERVICE_PRINCIPAL, COSMOS_DB, "CMK231", reason, way_out)]
    if not profile.key_access.create_service_principal or not confirmed:
        registering = known.get(REGISTERING)
        if not isinstance(registering, Unknown) and DOCUMENT_DB in registering:
            added_by = (provider_id(profile.subscription, DOCUMENT_DB),)
            return [
                wait(
                    STEP,
                    resource,
                    SERVICE_PRINCIPAL,
                    COSMOS_DB,
                    "registering Microsoft.DocumentDB adds it",
                    settle,
                    added_by,
                )
            ]
        reason = f"this tenant has no service principal for application {endpoints.cosmos_db_app_id}"
        create = f"have a directory administrator run: az ad sp create --id {endpoints.cosmos_db_app_id}"
        if not confirmed:
            reason += f", and Microsoft has not published the one of {profile.cloud}"
            create = f"look it up by its name, and compare what is found: {_BY_NAME}"
        return [
            conflict(
                STEP,
                resource,
                SERVICE_PRINCIPAL,
                COSMOS_DB,
                "CMK232",
                reason,
                "register Microsoft.DocumentDB again: az provider register --namespace Microsoft.DocumentDB",
                create,
                "write its object id as key_access.cosmos_db_object_id",
            )
        ]
    return [
        Change(
            STEP,
            Action.CREATE,
            resource,
            SERVICE_PRINCIPAL,
            COSMOS_DB,
            "not in this tenant yet",
            attributes=(AttributeChange("appId", None, endpoints.cosmos_db_app_id, phrase=Phrase("")),),
            request=Request(
                "POST",
                SERVICE_PRINCIPALS,
                "v1.0",
                {"appId": endpoints.cosmos_db_app_id},
                host=endpoints.graph,
                plane=Plane.GRAPH,
            ),
            settle=settle,
            may_result_from=(provider_id(profile.subscription, DOCUMENT_DB),),
        )
    ]
