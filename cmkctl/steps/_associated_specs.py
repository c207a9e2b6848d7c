"""The kinds of associated resources: what makes each, what it must be like, and what no workspace accepts.

For `associated_resources`. Each body is one literal, to be held against the resource's page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id
from cmkctl.plan import Json
from cmkctl.profile.model import NetworkSettings, Profile
from cmkctl.steps.key_vault import new_vault


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """One kind of associated resource: how it is called, where it is, what body makes it, and what it must be like.

    `wanted` are dotted paths with the values that a resource of ours must have; `unfit` is a value at a path that no
    workspace accepts, with the reason.
    """

    title: str
    api_version: str
    resource_id: Callable[[Profile], str | None]
    given: Callable[[Profile], bool]
    body: Callable[[Profile, str], dict[str, Json]]
    wanted: tuple[tuple[str, Json], ...] = ()
    unfit: tuple[tuple[str, Json, str], ...] = ()
    depends_on: Callable[[Profile], tuple[str, ...]] = lambda _profile: ()


def _has_id(settings: object) -> bool:
    """Whether the profile gives a resource by its id: then it is somebody else's, and only looked at."""
    return getattr(settings, "id", None) is not None


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
    properties: Json = {"Application_Type": "web", "WorkspaceResourceId": profile.log_analytics_id}
    return {"location": profile.location, "tags": profile.tags, "kind": "web", "properties": properties}


def _vault(profile: Profile, tenant: str) -> dict[str, Json]:
    return new_vault(profile, tenant, sku="standard", rbac=True, network=NetworkSettings())


def _registry(profile: Profile, _tenant: str) -> dict[str, Json]:
    registry = profile.associated_resources.container_registry
    return {
        "location": profile.location,
        "tags": profile.tags,
        "sku": {"name": registry.sku if registry else "Premium"},
        # Azure Machine Learning pulls images as the registry's admin user, or as a user-assigned identity with AcrPull.
        "properties": {"adminUserEnabled": profile.identity_id is None},
    }


STORAGE: Final = ResourceSpec(
    title="storage account",
    api_version=versions.STORAGE,
    resource_id=lambda profile: profile.storage_account_id,
    given=lambda profile: _has_id(profile.associated_resources.storage_account),
    body=_storage,
    wanted=(
        ("properties.supportsHttpsTrafficOnly", True),
        ("properties.minimumTlsVersion", "TLS1_2"),
        ("properties.allowBlobPublicAccess", False),
    ),
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
    title="Log Analytics workspace",
    api_version=versions.LOG_ANALYTICS,
    resource_id=lambda profile: profile.log_analytics_id,
    given=lambda profile: _has_id(profile.associated_resources.log_analytics),
    body=_log_analytics,
)
_APPLICATION_INSIGHTS: Final = ResourceSpec(
    title="Application Insights",
    api_version=versions.APPLICATION_INSIGHTS,
    resource_id=lambda profile: profile.application_insights_id,
    given=lambda profile: _has_id(profile.associated_resources.application_insights),
    body=_application_insights,
    depends_on=lambda profile: (profile.log_analytics_id,),
)
VAULT: Final = ResourceSpec(
    title="workspace key vault",
    api_version=versions.KEY_VAULT,
    resource_id=lambda profile: profile.workspace_vault_id,
    given=lambda profile: _has_id(profile.associated_resources.key_vault),
    body=_vault,
    wanted=(("properties.enablePurgeProtection", True), ("properties.enableRbacAuthorization", True)),
)
_REGISTRY: Final = ResourceSpec(
    title="container registry",
    api_version=versions.CONTAINER_REGISTRY,
    resource_id=lambda profile: profile.container_registry_id,
    given=lambda profile: _has_id(profile.associated_resources.container_registry),
    body=_registry,
)
ALL: Final = (STORAGE, _LOG_ANALYTICS, _APPLICATION_INSIGHTS, VAULT, _REGISTRY)


def specs_of(profile: Profile) -> list[ResourceSpec]:
    """The kinds that this profile needs: no registry unless asked for, no second vault when one serves both."""
    return [
        each
        for each in ALL
        if each.resource_id(profile) is not None and not same_resource_id(each.resource_id(profile), profile.vault_id)
    ]
