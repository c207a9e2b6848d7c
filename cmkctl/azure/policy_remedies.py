"""Explains a denial by Azure Policy: the denied resource, assignment and definition, and what would satisfy the policy.

The resource that a policy denies is not always the requested one: for an in-subscription workspace Microsoft creates a Cosmos DB
account, a search service and a storage account in a group that it manages. Only then is an exemption above that group, or
service-side encryption, the way out; a resource of our own has a profile field, or can be given by id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from cmkctl.azure.failures import Failure, PolicyDenial

_GROUPS: Final = "microsoft.resources/subscriptions/resourcegroups"
_VAULTS: Final = "microsoft.keyvault/vaults"
_STORAGE: Final = "microsoft.storage/storageaccounts"
_WORKSPACES: Final = "microsoft.machinelearningservices/workspaces"

_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    _VAULTS: {
        "networkacls.defaultaction": "key_vault.network.default_action",
        "networkacls.bypass": "key_vault.network.bypass",
        "publicnetworkaccess": "key_vault.network.public_access",
        "enablerbacauthorization": "key_vault.authorization",
        "softdeleteretentionindays": "key_vault.soft_delete_days",
        "sku.name": "key_vault.sku",
    },
    f"{_VAULTS}/keys": {
        "keysize": "key.size",
        "kty": "key.type",
        "attributes.exp": "key.expires",
        "rotationpolicy.lifetimeactions": "key.rotation_policy",
    },
    _STORAGE: {
        "sku.name": "associated_resources.storage_account.sku",
        "allowsharedkeyaccess": "associated_resources.storage_account.shared_keys",
        "encryption.requireinfrastructureencryption": "associated_resources.storage_account.infrastructure_encryption",
        "networkacls.defaultaction": "associated_resources.storage_account.network.default_action",
        "publicnetworkaccess": "associated_resources.storage_account.network.public_access",
    },
    "microsoft.containerregistry/registries": {
        "sku.name": "associated_resources.container_registry.sku",
        "adminuserenabled": "associated_resources.container_registry.admin_user",
        "networkruleset.defaultaction": "associated_resources.container_registry.network.default_action",
        "publicnetworkaccess": "associated_resources.container_registry.network.public_access",
    },
    "microsoft.insights/components": {
        "disablelocalauth": "associated_resources.application_insights.local_authentication",
        "publicnetworkaccessforingestion": "associated_resources.application_insights.ingestion",
        "publicnetworkaccessforquery": "associated_resources.application_insights.query",
    },
    "microsoft.operationalinsights/workspaces": {
        "features.disablelocalauth": "associated_resources.log_analytics.local_authentication",
        "publicnetworkaccessforingestion": "associated_resources.log_analytics.ingestion",
        "publicnetworkaccessforquery": "associated_resources.log_analytics.query",
        "retentionindays": "associated_resources.log_analytics.retention_days",
    },
    _WORKSPACES: {
        "publicnetworkaccess": "workspace.public_network_access",
        "hbiworkspace": "workspace.high_business_impact",
        "encryption.status": "workspace.encryption",
        "primaryuserassignedidentity": "workspace.identity",
        "systemdatastoresauthmode": "workspace.datastore_access",
    },
}
"""The profile field that sets a property, by resource type and property, both in lower case."""

_OWN_VAULT: Final[Mapping[str, str]] = {
    "networkacls.defaultaction": "associated_resources.key_vault.network.default_action",
    "networkacls.bypass": "associated_resources.key_vault.network.bypass",
    "publicnetworkaccess": "associated_resources.key_vault.network.public_access",
    "softdeleteretentionindays": "associated_resources.key_vault.soft_delete_days",
}
"""The fields of the workspace's own vault, by property."""

_PUBLIC: Final = {"disabled": "disabled", "enabled": "enabled", "securedbyperimeter": "secured-by-perimeter"}
_SWITCHES: Final[Mapping[str, Mapping[str, str]]] = {
    "allowsharedkeyaccess": {"false": "disabled", "true": "enabled"},
    "adminuserenabled": {"false": "disabled", "true": "enabled"},
    "disablelocalauth": {"true": "disabled", "false": "enabled"},
    "features.disablelocalauth": {"true": "disabled", "false": "enabled"},
    "publicnetworkaccess": _PUBLIC,
    "publicnetworkaccessforingestion": _PUBLIC,
    "publicnetworkaccessforquery": _PUBLIC,
}
"""The words of the profile for the values of a property, both in lower case; other values are the same in both."""

_BY_ID: Final[Mapping[str, str]] = {
    _VAULTS: "associated_resources.key_vault.id",
    _STORAGE: "associated_resources.storage_account.id",
    "microsoft.insights/components": "associated_resources.application_insights.id",
    "microsoft.operationalinsights/workspaces": "associated_resources.log_analytics.id",
    "microsoft.containerregistry/registries": "associated_resources.container_registry.id",
}
"""The profile field that takes an existing resource of a type, so that its owner can make it comply."""

_TAG: Final = re.compile(r"tags(?:\[['\"]?|\.)([^'\"\]]+)", re.IGNORECASE)


def policies_of(failure: Failure) -> Iterator[str]:
    """One sentence for each policy that denied the request: resource, definition, assignment and condition."""
    for each in failure.policies:
        resource = " ".join(filter(None, (each.resource_type, f"'{failure.target}'" if failure.target else "")))
        denied = f"Denied {resource}: " if resource else "Denied: "
        definition = f"policy '{each.definition}' ({each.definition_id})"
        assigned = f"assigned as '{each.assignment}' ({each.assignment_id})"
        yield f"{denied}{definition}, {assigned}{_condition(each)}."


def policy_remedy(failure: Failure) -> str:
    """Return the remedy for a denied resource: the profile field that satisfies the policy, or an exemption."""
    if _managed(failure):
        return _managed_remedy(failure)
    exemption = _exemption(failure, _scope(failure))
    fields = list(dict.fromkeys(filter(None, (_field_remedy(each, failure) for each in failure.policies))))
    if fields:
        return f"{' '.join(fields)} If that is not possible, {exemption[0].lower()}{exemption[1:]}"
    if failure.policies:
        return f"No profile field sets that property. {exemption}"
    return f"Azure does not name the policy's condition. {exemption}"


def _condition(denial: PolicyDenial) -> str:
    """Describe the deny condition: the opposite of what the policy requires."""
    if not denial.field:
        return ""
    name, found = denial.field, f", found {denial.value}" if denial.value else ""
    match denial.operator.lower(), denial.target.lower():
        case "equals", _:
            words = f"denies {name} = {denial.target}"
        case "notequals", _:
            words = f"requires {name} = {denial.target}{found}"
        case "in", _:
            words = f"denies {name} = {denial.value or denial.target}"
        case "notin", _:
            words = f"requires {name} to be one of {denial.target}{found}"
        case "exists", "false":
            words = f"requires {name}"
        case _:
            words = f"denies {name} {denial.operator} {denial.target}".rstrip() + found
    return f", which {words}"


def _field_remedy(denial: PolicyDenial, failure: Failure) -> str:
    kind = denial.resource_type.lower()
    tag = _TAG.search(denial.field)
    if tag:
        return f"Add the tag to the profile: tags: {{{tag[1]}: {_wanted(denial) or 'VALUE'}}}."
    name = _property(denial)
    if name == "location":
        return f"Set location to a region that the policy allows{f': {denial.target}' if denial.target else ''}."
    field, by_id = _FIELDS.get(kind, {}).get(name, ""), _BY_ID.get(kind, "")
    setting = _setting(field, denial)
    if kind == _VAULTS:
        ours = f"{setting} if '{failure.target}' is the vault with the key. " if setting else ""
        own = _setting(_OWN_VAULT.get(name, ""), denial)
        way = f"{own[:1].lower()}{own[1:]}" if own else f"have one created that complies and set {by_id}"
        return f"{ours}For the workspace's own vault, {way}."
    if setting:
        return f"{setting}."
    if by_id:
        return f"Have a {kind.rpartition('/')[2].removesuffix('s')} created that complies, and set {by_id}."
    return ""


def _setting(field: str, denial: PolicyDenial) -> str:
    """Return the advice to set a field of the profile to what the policy wants, empty without a field."""
    wanted = _wanted(denial)
    wanted = _SWITCHES.get(_property(denial), {}).get(wanted.lower(), wanted)
    return f"Set {field}{f': {wanted}' if wanted else ''}" if field else ""


def _property(denial: PolicyDenial) -> str:
    """Return the property of a condition in lower case, without its resource type prefix."""
    name = denial.field.lower()
    return name.removeprefix(f"{denial.resource_type.lower()}/").removeprefix("properties.")


def _wanted(denial: PolicyDenial) -> str:
    """Return the value that would satisfy a condition, where the condition names one."""
    return denial.target if denial.operator.lower() in ("notequals", "notin") else ""


def _managed(failure: Failure) -> bool:
    """Return True when Microsoft creates the denied resource for a workspace and it was not requested directly."""
    kinds = {each.resource_type.lower() for each in failure.policies}
    requested = failure.request.rstrip("/").rpartition("/")[2].rpartition(" ")[2].lower()
    if failure.target and requested:
        about_workspace = f"/{_WORKSPACES}/" in failure.request.lower() or failure.request.startswith("workspace ")
        return about_workspace and failure.target.lower() != requested
    return any(each.startswith(("microsoft.documentdb/", "microsoft.search/")) for each in kinds)


def _managed_remedy(failure: Failure) -> str:
    scope = _subscription(failure) or "SUBSCRIPTION_SCOPE"
    return (
        "Microsoft creates this resource for the workspace and chooses its settings. Set workspace.encryption: service-side for "
        "a new workspace, which needs fewer resources in your subscription, or have an exemption created above the group that "
        f"Microsoft manages: {_command(failure, scope)}."
    )


def _exemption(failure: Failure, scope: str) -> str:
    return f"Ask the owner of the policy for an exemption: {_command(failure, scope)}."


def _command(failure: Failure, scope: str) -> str:
    assignment = failure.policies[0].assignment_id if failure.policies else ""
    return (
        f"az policy exemption create --name cmkctl --exemption-category Waiver --policy-assignment "
        f"{assignment or 'ASSIGNMENT_ID'} --scope {scope}"
    )


def _scope(failure: Failure) -> str:
    """Return the narrowest scope that exists before the resource does: its group, or the subscription for a group."""
    path = re.sub(r"^[A-Z]+ https?://[^/]+", "", failure.request)
    group = re.match(r"(/subscriptions/[^/]+/resourceGroups/[^/]+)/providers/", path, re.IGNORECASE)
    return group[1] if group else _subscription(failure) or "SCOPE"


def _subscription(failure: Failure) -> str:
    texts = (failure.request, *(each.assignment_id for each in failure.policies))
    found = next((match for each in texts if (match := re.search(r"/subscriptions/[^/\s]+", each))), None)
    return found[0] if found else ""
