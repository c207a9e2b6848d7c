"""The associated resources: the body of each, the values it must have, and the values that no workspace accepts.

For `associated_resources`. Each body is one literal, for comparison with the resource's page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id
from cmkctl.plan import AttributeChange, Json, Phrase
from cmkctl.profile.model import NetworkSettings, Profile
from cmkctl.steps.key_vault import AUTHORIZATION, PURGE_PROTECTION, new_vault


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """One kind of associated resource: its name for people, its id, its body, and its required values.

    `wanted` lists dotted paths with the values that a resource of ours must have, and their words; `unfit` lists values that
    no workspace accepts, with the reason; `shown` lists further attributes of a new one for the plan.
    """

    kind: str
    field: str
    """The section of the profile."""
    type: str
    api_version: str
    resource_id: Callable[[Profile], str | None]
    given: Callable[[Profile], bool]
    body: Callable[[Profile, str], dict[str, Json]]
    wanted: tuple[tuple[str, Json, Phrase], ...] = ()
    unfit: tuple[tuple[str, Json, str], ...] = ()
    shown: Callable[[Profile], tuple[AttributeChange, ...]] = lambda _profile: ()
    depends_on: Callable[[Profile], tuple[str, ...]] = lambda _profile: ()
    feeds_only_the_workspace: bool = True
    """True when no other associated resource depends on it; such waits take turns, for the workspace needs all of them."""
    repairable: bool = False
    """True when a resource of ours that became less strict is set back."""
    sku: Callable[[Profile], str | None] = lambda _profile: None
    """The tier that the profile names, None where it names none: then an existing resource keeps its own."""
    may_become: Callable[[str, str], bool] = lambda _found, _wanted: True
    """True when Azure changes the first tier to the second by an update."""
    log_analytics: bool = False
    """True for the resource that stores its data in the profile's Log Analytics workspace."""


def _has_id(settings: object) -> bool:
    """Return True when the profile gives the resource by id: then it is not ours, and only read."""
    return getattr(settings, "id", None) is not None


def _named(settings: object, field: str) -> str | None:
    """Return the value of a field that the profile names, None for a default."""
    return getattr(settings, field) if field in getattr(settings, "model_fields_set", ()) else None


_ZONE_REDUNDANT: Final = frozenset({"standard_zrs", "standard_gzrs", "standard_ragzrs"})


def _same_redundancy(found: str, wanted: str) -> bool:
    """Return True when both replicate over zones, or neither does: Azure converts between the two on request only.

    Source: https://learn.microsoft.com/azure/storage/common/redundancy-migration
    """
    return (found.lower() in _ZONE_REDUNDANT) == (wanted.lower() in _ZONE_REDUNDANT)


def _storage(profile: Profile, _tenant: str) -> dict[str, Json]:
    return {
        "location": profile.location,
        "tags": profile.tags,
        "sku": {"name": profile.associated_resources.storage_account.sku},
        "kind": "StorageV2",
        "properties": {
            "supportsHttpsTrafficOnly": True,
            "minimumTlsVersion": "TLS1_2",
            "allowBlobPublicAccess": False,
        },
    }


def _log_analytics(profile: Profile, _tenant: str) -> dict[str, Json]:
    properties: Json = {"sku": {"name": "PerGB2018"}, "retentionInDays": 30}
    return {"location": profile.location, "tags": profile.tags, "properties": properties}


def _application_insights(profile: Profile, _tenant: str) -> dict[str, Json]:
    properties: Json = {
        "Application_Type": "web",
        "WorkspaceResourceId": profile.associated_resources.log_analytics.resource_id,
    }
    return {"location": profile.location, "tags": profile.tags, "kind": "web", "properties": properties}


def _vault(profile: Profile, tenant: str) -> dict[str, Json]:
    return new_vault(profile, tenant, sku="standard", rbac=True, network=NetworkSettings())


def _registry_sku(profile: Profile) -> str:
    registry = profile.associated_resources.container_registry
    return registry.sku if registry else "Premium"


def _registry(profile: Profile, _tenant: str) -> dict[str, Json]:
    return {
        "location": profile.location,
        "tags": profile.tags,
        "sku": {"name": _registry_sku(profile)},
        # Azure Machine Learning pulls images as the registry's admin user, or as a user-assigned identity with AcrPull.
        "properties": {"adminUserEnabled": profile.workspace.identity_id is None},
    }


STORAGE: Final = ResourceSpec(
    kind="storage account",
    field="associated_resources.storage_account",
    type="Microsoft.Storage/storageAccounts",
    api_version=versions.STORAGE,
    resource_id=lambda profile: profile.associated_resources.storage_account.resource_id,
    given=lambda profile: _has_id(profile.associated_resources.storage_account),
    body=_storage,
    wanted=(
        ("properties.supportsHttpsTrafficOnly", True, Phrase("https only", "http as well")),
        ("properties.minimumTlsVersion", "TLS1_2", Phrase()),
        ("properties.allowBlobPublicAccess", False, Phrase("public blobs", "no public blobs")),
    ),
    repairable=True,
    sku=lambda profile: _named(profile.associated_resources.storage_account, "sku"),
    may_become=_same_redundancy,
    unfit=(
        (
            "properties.isHnsEnabled",
            True,
            "it has a hierarchical namespace, which a workspace's default storage may not have",
        ),
        ("sku.tier", "Premium", "it is a premium account, which a workspace's default storage may not be"),
    ),
)
_LOG_ANALYTICS: Final = ResourceSpec(
    kind="Log Analytics workspace",
    field="associated_resources.log_analytics",
    feeds_only_the_workspace=False,
    type="Microsoft.OperationalInsights/workspaces",
    shown=lambda _profile: (AttributeChange("retentionInDays", None, 30, phrase=Phrase("retention {} days")),),
    api_version=versions.LOG_ANALYTICS,
    resource_id=lambda profile: profile.associated_resources.log_analytics.resource_id,
    given=lambda profile: _has_id(profile.associated_resources.log_analytics),
    body=_log_analytics,
)
_APPLICATION_INSIGHTS: Final = ResourceSpec(
    kind="Application Insights",
    field="associated_resources.application_insights",
    type="microsoft.insights/components",
    shown=lambda profile: (
        AttributeChange(
            "WorkspaceResourceId",
            None,
            profile.associated_resources.log_analytics.resource_id,
            phrase=Phrase("in Log Analytics"),
        ),
    ),
    api_version=versions.APPLICATION_INSIGHTS,
    resource_id=lambda profile: profile.associated_resources.application_insights.resource_id,
    given=lambda profile: _has_id(profile.associated_resources.application_insights),
    body=_application_insights,
    log_analytics=True,
    depends_on=lambda profile: (profile.associated_resources.log_analytics.resource_id,),
)
VAULT: Final = ResourceSpec(
    kind="workspace key vault",
    field="associated_resources.key_vault",
    type="Microsoft.KeyVault/vaults",
    api_version=versions.KEY_VAULT,
    resource_id=lambda profile: profile.associated_resources.key_vault_id,
    given=lambda profile: _has_id(profile.associated_resources.key_vault),
    body=_vault,
    wanted=(
        ("properties.enablePurgeProtection", True, PURGE_PROTECTION),
        ("properties.enableRbacAuthorization", True, AUTHORIZATION),
    ),
)
_REGISTRY: Final = ResourceSpec(
    kind="container registry",
    field="associated_resources.container_registry",
    type="Microsoft.ContainerRegistry/registries",
    shown=lambda profile: (AttributeChange("sku", None, _registry_sku(profile), phrase=Phrase()),),
    api_version=versions.CONTAINER_REGISTRY,
    resource_id=lambda profile: profile.associated_resources.container_registry_id,
    given=lambda profile: _has_id(profile.associated_resources.container_registry),
    body=_registry,
    sku=lambda profile: _named(profile.associated_resources.container_registry, "sku"),
)
ALL: Final = (STORAGE, _LOG_ANALYTICS, _APPLICATION_INSIGHTS, VAULT, _REGISTRY)


def specs_of(profile: Profile) -> list[ResourceSpec]:
    """Return the resources that a profile needs.

    No registry by default, no second vault when one serves both, no Log Analytics workspace for a component that has its own.
    """
    return [
        each
        for each in ALL
        if each.resource_id(profile) is not None
        and not (each is _LOG_ANALYTICS and _APPLICATION_INSIGHTS.given(profile))
        and not same_resource_id(each.resource_id(profile), profile.key_vault.resource_id)
    ]
