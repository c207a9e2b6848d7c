"""The associated resources of a workspace as a profile has them: by name with their settings, or by id. Pure.

By name where cmkctl could have made the resource: in the profile's group and region. The caller plans the profile, and takes the
id for each resource that cmkctl would change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from cmkctl import codes
from cmkctl.azure.compare import same_location, same_resource_id, same_word
from cmkctl.azure.ids import KeyIdentifier
from cmkctl.importing.found import Found
from cmkctl.importing.words import at, given, on_off, parsed, switch
from cmkctl.profile.writing import Draft
from cmkctl.steps._tags import MARK

_SECTIONS: Final = {
    "storage_account": "storageAccount",
    "key_vault": "keyVault",
    "application_insights": "applicationInsights",
    "container_registry": "containerRegistry",
}
SECTION: Final = "associated_resources"
_AZURES_TAGS: Final = "hidden-"
"""The beginning of tags that Azure's portal sets for itself."""


def ids_of(found: Found) -> dict[str, str]:
    """Return the ids of the associated resources that the workspace names, by section; Log Analytics by what it feeds."""
    ids = {section: str(found.properties.get(name) or "") for section, name in _SECTIONS.items()}
    linked = at(found.document(ids["application_insights"]), "properties.WorkspaceResourceId")
    ids["log_analytics"] = str(linked or "")
    return {section: each for section, each in ids.items() if each}


def sections(draft: Draft, found: Found, by_id: AbstractSet[str]) -> dict[str, Any]:
    """Return the sections of the associated resources."""
    ids = ids_of(found)
    result: dict[str, Any] = {}
    for section in ("storage_account", "log_analytics", "application_insights", "key_vault", "container_registry"):
        resource = ids.get(section)
        if section == "log_analytics" and (resource is None or not _named(found, ids, "application_insights", by_id)):
            continue
        if resource is None:
            if section == "application_insights" and not found.offline:
                result[section] = {"enabled": False}
            continue
        if section == "key_vault" and same_resource_id(resource, str(found.key.get("keyVaultArmId") or "")):
            result[section] = "same"
        elif _named(found, ids, section, by_id):
            name = parsed(resource)
            result[section] = {"name": name.name if name else ""} | _SETTINGS[section](found, found.document(resource))
        else:
            result[section] = {"id": resource}
        if why := found.missing.get(resource.lower()):
            text = f"{codes.CMK673.id}: it could not be read, so its settings are not known: {why}"
            draft.comment((SECTION, section), text)
    return result


def _named(found: Found, ids: Mapping[str, str], section: str, by_id: AbstractSet[str]) -> bool:
    resource = ids.get(section, "")
    document, place = found.document(resource), parsed(resource)
    location = str(found.workspace.get("location") or "")
    return (
        section not in by_id
        and not found.offline
        and place is not None
        and bool(document)
        and same_word(place.resource_group, found.resource_group)
        and same_word(place.subscription, found.subscription)
        and same_location(str(document.get("location") or location), location)
        and (section != "application_insights" or bool(at(document, "properties.WorkspaceResourceId")))
    )


def _storage(found: Found, document: Mapping[str, Any]) -> dict[str, Any]:
    properties = document.get("properties") or {}
    encryption = properties.get("encryption") or {}
    key = encryption.get("keyvaultproperties") or {}
    used = f"{str(key.get('keyvaulturi') or '').rstrip('/')}/keys/{key.get('keyname')}"
    return given(
        sku=at(document, "sku.name"),
        shared_keys=on_off(properties.get("allowSharedKeyAccess")),
        infrastructure_encryption=encryption.get("requireInfrastructureEncryption") or None,
        encryption="customer" if _same_key(found, used) else None,
        network=_rules(properties, properties.get("networkAcls") or {}, several=True),
    )


def _same_key(found: Found, used: str) -> bool:
    """Return True where a resource has the workspace's key, whatever its version."""
    try:
        own, other = KeyIdentifier.parse(str(found.key.get("keyIdentifier"))), KeyIdentifier.parse(used)
    except ValueError:
        return False
    return same_word(own.host, other.host) and same_word(own.name, other.name)


def _rules(properties: Mapping[str, Any], acls: Mapping[str, Any], *, several: bool = False) -> dict[str, Any]:
    """Return the network rules that restrict access, empty for a resource that is open to every network."""
    access = switch(str(properties.get("publicNetworkAccess") or "Enabled"))
    action = str(acls.get("defaultAction") or "Allow")
    if access == "enabled" and action == "Allow" and not acls.get("ipRules") and not acls.get("virtualNetworkRules"):
        return {}
    bypass = acls.get("bypass") or properties.get("networkRuleBypassOptions")
    words = [each.strip() for each in str(bypass or "").split(",") if each.strip() not in ("", "None")]
    rules = {
        "public_access": access,
        "default_action": action,
        "ip_rules": [str(each.get("value")) for each in acls.get("ipRules") or []],
        "subnets": [str(each.get("id")) for each in acls.get("virtualNetworkRules") or []],
        "resource_access_rules": [
            {"tenant": each.get("tenantId"), "resource": each.get("resourceId")}
            for each in acls.get("resourceAccessRules") or []
        ],
    }
    rules = given(**rules)
    if bypass:
        rules["bypass"] = words if several else (words or ["None"])[0]
    return rules


def _log_analytics(_found: Found, document: Mapping[str, Any]) -> dict[str, Any]:
    properties = document.get("properties") or {}
    cap = at(properties, "workspaceCapping.dailyQuotaGb")
    return given(
        retention_days=properties.get("retentionInDays"),
        daily_cap_gb=int(cap) if isinstance(cap, int | float) and cap >= 1 and cap == int(cap) else None,
        **_telemetry(properties),
        local_authentication=on_off(at(properties, "features.disableLocalAuth"), inverted=True),
    )


def _telemetry(properties: Mapping[str, Any]) -> dict[str, Any]:
    names = {"ingestion": "publicNetworkAccessForIngestion", "query": "publicNetworkAccessForQuery"}
    return {field: switch(str(properties[name])) for field, name in names.items() if properties.get(name)}


def _insights(_found: Found, document: Mapping[str, Any]) -> dict[str, Any]:
    properties = document.get("properties") or {}
    return given(
        type=properties.get("Application_Type"),
        retention_days=properties.get("RetentionInDays"),
        **_telemetry(properties),
        local_authentication=on_off(properties.get("DisableLocalAuth"), inverted=True),
    )


def _vault(_found: Found, document: Mapping[str, Any]) -> dict[str, Any]:
    properties = document.get("properties") or {}
    protection: dict[str, Any] = {} if properties.get("enablePurgeProtection") else {"purge_protection": False}
    return (
        given(soft_delete_days=properties.get("softDeleteRetentionInDays"))
        | protection
        | {
            field: bool(properties[name])
            for field, name in (
                ("enabled_for_deployment", "enabledForDeployment"),
                ("enabled_for_template_deployment", "enabledForTemplateDeployment"),
                ("enabled_for_disk_encryption", "enabledForDiskEncryption"),
            )
            if properties.get(name) is not None
        }
        | given(network=_rules(properties, properties.get("networkAcls") or {}))
    )


def _registry(found: Found, document: Mapping[str, Any]) -> dict[str, Any]:
    properties = document.get("properties") or {}
    encrypted = same_word(at(properties, "encryption.status"), "enabled")
    used = str(at(properties, "encryption.keyVaultProperties.keyIdentifier") or "")
    return given(
        sku=at(document, "sku.name"),
        encryption="customer" if encrypted and _same_key(found, used) else None,
        admin_user=on_off(properties.get("adminUserEnabled")),
        network=_rules(properties, properties.get("networkRuleSet") or {}),
    )


_SETTINGS: Final = {
    "storage_account": _storage,
    "log_analytics": _log_analytics,
    "application_insights": _insights,
    "key_vault": _vault,
    "container_registry": _registry,
}


def share_tags(draft: Draft, found: Found) -> None:
    """Write the tags: those that everything named by the profile has at its top, the others beside their resource."""
    held = {path: _tags(document) for path, document in _tagged(draft, found)}
    if not held:
        return
    first, *others = held.values()
    common = {name: value for name, value in first.items() if all(each.get(name) == value for each in others)}
    for path, tags in held.items():
        own = {name: value for name, value in tags.items() if common.get(name) != value}
        section: Any = draft.fields
        for part in path:
            section = section[part]
        if own and path[0] != "projects":
            section["tags"] = own
    if common:
        draft.fields["tags"] = common


def _tagged(draft: Draft, found: Found) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """Yield the sections whose resource gets the tags of the profile, with the resource's document."""
    yield ("workspace",), found.workspace
    if "name" in draft.fields["key_vault"]:
        yield ("key_vault",), found.document(str(found.key.get("keyVaultArmId") or ""))
    ids = ids_of(found)
    for section, settings in draft.fields[SECTION].items():
        if isinstance(settings, dict) and "name" in settings:
            yield (SECTION, section), found.document(ids.get(section))
    for place, project in enumerate(found.projects):
        yield ("projects", place), project


def _tags(document: Mapping[str, Any]) -> dict[str, str]:
    return {
        str(name): str(value)
        for name, value in (document.get("tags") or {}).items()
        if not str(name).lower().startswith((_AZURES_TAGS, MARK))
    }
