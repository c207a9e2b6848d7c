"""Puts into a sandbox what a profile names and cmkctl never makes: networks, zones, identities, vaults, destinations of logs.

It is read off the profile: every ARM id in it that no field of the profile makes is arranged by its type. A type that has no
entry in `_ARRANGED` is an error, so that a new field with an id does not go untested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from cmkctl.azure.ids import ResourceId
from cmkctl.profile.model import Profile
from cmkctl.profile.section import Nameable, Section
from cmkctl.sandbox.core.constants import COSMOS_DB_APP_ID, COSMOS_DB_OBJECT_ID

ROLES: Final = (
    "b24988ac-6180-42a0-ab88-20f7382dd24c",  # Contributor
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe",  # Storage Blob Data Contributor
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",  # Key Vault Secrets Officer, which gives no right on keys
)
"""The role on the resource group that an identity needs to act as the workspace."""

_ARRANGED: Final[Mapping[str, Callable[[Any, ResourceId, str], Any]]] = {
    "microsoft.network/virtualnetworks/subnets": lambda azure, at, location: azure.add_subnet(
        at.name, at.names[0], at.resource_group, location
    ),
    "microsoft.network/privatednszones": lambda azure, at, _: azure.add_private_dns_zone(at.name, at.resource_group),
    "microsoft.managedidentity/userassignedidentities": lambda azure, at, location: azure.add_identity(
        at.name, at.resource_group, location
    ),
    "microsoft.operationalinsights/workspaces": lambda azure, at, location: azure.add_log_workspace(
        at.name, at.resource_group, location
    ),
    "microsoft.insights/components": lambda azure, at, location: azure.add_component(
        at.name, at.resource_group, location
    ),
    "microsoft.storage/storageaccounts": lambda azure, at, location: azure.add_storage_account(
        at.name, at.resource_group, location
    ),
    "microsoft.eventhub/namespaces/authorizationrules": lambda *_: None,  # the sandbox does not know event hubs
}
"""By type in lower case: how one that exists is arranged, in a location."""


def arrange_what_it_names(azure: Any, profile: Profile) -> None:
    """Arrange the vault and key that exist, the other resources by id, the roles of the identity, and Azure Cosmos DB."""
    _vault_and_key(azure, profile)
    made = {each.lower() for each in _made(profile)} | {profile.key_vault.resource_id.lower()}
    for each in dict.fromkeys(_ids(profile.model_dump())):
        at = ResourceId.parse(each)
        if each.lower() not in made and "*" not in each:
            _ARRANGED[at.type.lower()](azure, at, profile.location)
    given = profile.workspace.identity_id
    if given is not None and given != profile.workspace.created_identity_id:
        identity = azure.resource(given)
        for role in ROLES:
            azure.assign_role(profile.resource_group_id, identity["properties"]["principalId"], role)
    if not profile.key_access.create_service_principal:
        azure.add_principal(COSMOS_DB_APP_ID, "Azure Cosmos DB", COSMOS_DB_OBJECT_ID)


def _vault_and_key(azure: Any, profile: Profile) -> None:
    """Arrange a vault that is given, holds a pinned version, or is to be recovered, as the profile describes it."""
    settings, key = profile.key_vault, profile.key
    if settings.id is None and key.version is None and not settings.recover:
        return
    at = ResourceId.parse(settings.resource_id)
    network = (
        {"defaultAction": settings.network.default_action, "bypass": settings.network.bypass}
        if settings.network
        else {}
    )
    addresses = [{"value": each} for each in settings.network.ip_rules] if settings.network else []
    azure.add_vault(
        at.name,
        at.resource_group,
        location=profile.location,
        rbac=settings.authorization == "rbac",
        sku=profile.vault_sku,
        purge_protection=not settings.allow_enabling_purge_protection,
        **({"networkAcls": {**network, "ipRules": addresses, "virtualNetworkRules": []}} if network else {}),
        **({"softDeleteRetentionInDays": settings.soft_delete_days} if settings.soft_delete_days else {}),
    )
    if key.version is not None or settings.recover:
        azure.add_key(at.name, key.name, kty=key.type, size=key.size)
    if key.version is not None:
        azure.tenant.resource(key.resource_id)["versions"][0]["version"] = key.version
    if settings.recover:
        azure.delete_vault(at.name)


def _made(section: Section) -> Iterator[str]:
    """Yield the ARM ids of the resources that the profile makes because it gives a name, or neither name nor id."""
    for name in type(section).model_fields:
        inner = getattr(section, name)
        if isinstance(inner, Nameable) and inner.id is None:
            yield inner.resource_id
        if isinstance(inner, Section):
            yield from _made(inner)


def _ids(value: Any) -> Iterator[str]:
    """Yield every ARM id in the fields of a profile, however deep."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _ids(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _ids(inner)
    elif isinstance(value, str) and value.startswith("/subscriptions/"):
        yield value
