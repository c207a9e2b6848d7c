"""The settings that only hubs and feature stores have: as they are sent, and as Azure shows them. For `workspace`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.ids import group_id
from cmkctl.plan import AttributeChange, Json
from cmkctl.profile.model import Profile
from cmkctl.profile.sections.workspace import WorkspaceSettings

PROFILE_KINDS: Final = ("default", "hub", "feature-store")
"""The kinds that a profile can set."""
_KINDS: Final = {"default": "default", "hub": "hub", "featurestore": "feature-store"}


def kind_of(found: Mapping[str, Any]) -> str:
    """Return the kind of a workspace in the profile's words; one that a profile does not know in Azure's own."""
    kind = str(found.get("kind") or "Default")
    return _KINDS.get(kind.lower(), kind)


def feature_store(settings: WorkspaceSettings) -> dict[str, Json]:
    """Return ``featureStoreSettings`` with what the profile names; empty for nothing.

    Source: https://learn.microsoft.com/azure/templates/microsoft.machinelearningservices/workspaces#featurestoresettings
    """
    wanted = settings.feature_store
    if wanted is None:
        return {}
    names = {
        "offlineStoreConnectionName": wanted.offline_store_connection,
        "onlineStoreConnectionName": wanted.online_store_connection,
    }
    return {
        **({"computeRuntime": {"sparkRuntimeVersion": wanted.spark_version}} if wanted.spark_version else {}),
        **{name: value for name, value in names.items() if value is not None},
    }


def feature_store_drift(settings: WorkspaceSettings, properties: Mapping[str, Any]) -> list[AttributeChange]:
    """Return the settings of the feature store that differ from those that the profile names."""
    found = properties.get("featureStoreSettings") or {}
    return [
        AttributeChange(f"featureStoreSettings.{path}", _at(found, path), value)
        for path, value in _leaves(feature_store(settings))
        if not same_word(_at(found, path), value)
    ]


def hub_config(profile: Profile) -> dict[str, Json]:
    """Return ``workspaceHubConfig`` with what the profile names; empty for nothing.

    Source: https://learn.microsoft.com/azure/templates/microsoft.machinelearningservices/workspaces#workspacehubconfig
    """
    wanted = profile.workspace.hub
    if wanted is None:
        return {}
    group, accounts = wanted.default_project_resource_group, wanted.additional_storage_accounts
    return {
        **({"additionalWorkspaceStorageAccounts": list(accounts)} if accounts else {}),
        **({"defaultWorkspaceResourceGroup": group_id(profile.subscription, group)} if group else {}),
    }


def hub_section(properties: Mapping[str, Any]) -> dict[str, Json]:
    """Return the settings of a hub as the profile writes them: the reverse of `hub_config`."""
    config = properties.get("workspaceHubConfig") or {}
    group = str(config.get("defaultWorkspaceResourceGroup") or "").rstrip("/").rpartition("/")[2]
    accounts = list(config.get("additionalWorkspaceStorageAccounts") or ())
    return {
        **({"default_project_resource_group": group} if group else {}),
        **({"additional_storage_accounts": accounts} if accounts else {}),
    }


def fixed_settings(profile: Profile, found: ArmDocument) -> Iterator[tuple[str, ...]]:
    """Yield code, reason and ways out for each difference in the kind and in settings that no update changes."""
    properties, settings = found.get("properties", {}), profile.workspace
    if kind_of(found) != settings.kind:
        yield (
            "CMK286",
            f"its kind is {kind_of(found)}, not {settings.kind}, and the kind is fixed at creation",
            *([f"write workspace.kind: {kind_of(found)}"] if kind_of(found) in _KINDS.values() else []),
            "choose another workspace.name",
        )
    if settings.v1_legacy_mode is False and properties.get("v1LegacyMode"):
        yield (
            "CMK287",
            "v1 legacy mode is on, and cmkctl never turns it off: the v2 API is reached over the internet",
            "write workspace.v1_legacy_mode: true, or leave it out",
            (
                f"turn it off: az rest --method patch --url {settings.resource_id}?api-version={versions.WORKSPACES} "
                """--body '{"properties": {"v1LegacyMode": false}}'"""
            ),
        )
    isolated = bool(properties.get("enableDataIsolation"))
    if settings.data_isolation is not None and settings.data_isolation != isolated:
        yield (
            "CMK288",
            f"data isolation is {'on' if isolated else 'off'}, and is fixed at creation",
            f"write workspace.data_isolation: {str(isolated).lower()}, or leave it out",
            "choose another workspace.name",
        )
    yield from _hub_settings(profile, properties.get("workspaceHubConfig") or {})


def _hub_settings(profile: Profile, found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    wanted = hub_config(profile)
    group = wanted.get("defaultWorkspaceResourceGroup")
    if group and not same_resource_id(found.get("defaultWorkspaceResourceGroup"), str(group)):
        has = found.get("defaultWorkspaceResourceGroup") or "not set"
        yield (
            "CMK288",
            f"the default resource group of its projects is {has}, and no update changes it",
            "leave workspace.hub.default_project_resource_group out",
            "choose another workspace.name",
        )
    held = {str(each).rstrip("/").lower() for each in found.get("additionalWorkspaceStorageAccounts") or []}
    missing = [each for each in _accounts(profile) if each.rstrip("/").lower() not in held]
    if missing:
        yield (
            "CMK288",
            f"its projects may not use {', '.join(missing)}, and no update adds a storage account",
            "take it out of workspace.hub.additional_storage_accounts",
            "choose another workspace.name",
        )


def _accounts(profile: Profile) -> tuple[str, ...]:
    hub = profile.workspace.hub
    return hub.additional_storage_accounts if hub else ()


def _leaves(value: Mapping[str, Json], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _leaves(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(inner)


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
