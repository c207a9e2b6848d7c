"""Explains a denial by Azure Policy: the denied resource, assignment and definition, and what would satisfy the policy.

The resource that a policy denies is not always the requested one: for an in-subscription workspace Microsoft creates a Cosmos DB
account, a search service and a storage account in a group that it manages. Only then is an exemption above that group, or
service-side encryption, the way out; a resource of our own has a profile field, or can be given by id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as with_default
from typing import Final

from cmkctl.azure.failures import Failure, PolicyDenial

_VAULTS: Final = "microsoft.keyvault/vaults"
_STORAGE: Final = "microsoft.storage/storageaccounts"
_WORKSPACES: Final = "microsoft.machinelearningservices/workspaces"
_VAULT_STEP: Final = "key_vault"
"""The step of the vault with the key; the workspace's own vault belongs to another step."""


@dataclass(frozen=True, slots=True)
class _Setting:
    """A profile field that sets a property, and its words for Azure's values in lower case; others are the same in both."""

    field: str
    words: Mapping[str, str] = with_default(default_factory=dict)
    closed: bool = False
    """True where the field cannot express a value of Azure that has no word."""

    def set_to(self, *values: str) -> str:
        """Return the instruction to set the field to one of some values; without a value, to look at it."""
        known = [self.words.get(each.lower(), "" if self.closed else each) for each in values if each]
        written = list(dict.fromkeys(filter(None, known)))
        if self.closed and any(values) and not written:
            return ""
        if written[1:]:
            return f"Set {self.field} to one of {', '.join(written)}"
        return f"Set {self.field}{f': {written[0]}' if written else ''}"


_SWITCH: Final = {"enabled": "enabled", "disabled": "disabled", "true": "enabled", "false": "disabled"}
_PUBLIC: Final = {"disabled": "disabled", "enabled": "enabled", "securedbyperimeter": "secured-by-perimeter"}
_OPPOSITE: Final = {"true": "disabled", "false": "enabled"}
_FLAG: Final = {"true": "true", "false": "false"}
_AUTHORIZATION: Final = {"true": "rbac", "false": "access-policy"}
_CUSTOMER: Final = {"microsoft.keyvault": "customer", "enabled": "customer"}
_ON: Final = {"true": "true"}
_IDENTITIES: Final = {
    "systemassigned": "system-assigned",
    "userassigned": "{user_assigned: [ID]}",
    "systemassigned,userassigned": "{system_assigned: true, user_assigned: [ID]}",
    "systemassigned, userassigned": "{system_assigned: true, user_assigned: [ID]}",
}
_KINDS: Final = {"default": "default", "hub": "hub", "featurestore": "feature-store"}

_SETTINGS: Final[Mapping[str, Mapping[str, _Setting]]] = {
    _VAULTS: {
        "networkacls.defaultaction": _Setting("key_vault.network.default_action"),
        "networkacls.bypass": _Setting("key_vault.network.bypass"),
        "publicnetworkaccess": _Setting("key_vault.network.public_access", _SWITCH),
        "enablerbacauthorization": _Setting("key_vault.authorization", _AUTHORIZATION),
        "softdeleteretentionindays": _Setting("key_vault.soft_delete_days"),
        "sku.name": _Setting("key_vault.sku"),
        "networkacls.iprules": _Setting("key_vault.network.ip_rules"),
        "networkacls.virtualnetworkrules": _Setting("key_vault.network.subnets"),
        "enabledfordeployment": _Setting("key_vault.enabled_for_deployment", _FLAG),
        "enabledfortemplatedeployment": _Setting("key_vault.enabled_for_template_deployment", _FLAG),
        "enabledfordiskencryption": _Setting("key_vault.enabled_for_disk_encryption", _FLAG),
    },
    f"{_VAULTS}/keys": {
        "keysize": _Setting("key.size"),
        "kty": _Setting("key.type"),
        "attributes.exp": _Setting("key.expires"),
        "attributes.nbf": _Setting("key.not_before"),
        # The names of the data plane's policies (Microsoft.KeyVault.Data).
        "keytype": _Setting("key.type"),
        "attributes.expireson": _Setting("key.expires"),
        "attributes.notbefore": _Setting("key.not_before"),
        "rotationpolicy.lifetimeactions": _Setting("key.rotation_policy"),
    },
    _STORAGE: {
        "sku.name": _Setting("associated_resources.storage_account.sku"),
        "allowsharedkeyaccess": _Setting("associated_resources.storage_account.shared_keys", _SWITCH),
        "encryption.requireinfrastructureencryption": _Setting(
            "associated_resources.storage_account.infrastructure_encryption", _FLAG
        ),
        "encryption.keysource": _Setting("associated_resources.storage_account.encryption", _CUSTOMER, closed=True),
        "networkacls.defaultaction": _Setting("associated_resources.storage_account.network.default_action"),
        "networkacls.bypass": _Setting("associated_resources.storage_account.network.bypass"),
        "networkacls.iprules": _Setting("associated_resources.storage_account.network.ip_rules"),
        "networkacls.virtualnetworkrules": _Setting("associated_resources.storage_account.network.subnets"),
        "networkacls.resourceaccessrules": _Setting(
            "associated_resources.storage_account.network.resource_access_rules"
        ),
        "publicnetworkaccess": _Setting("associated_resources.storage_account.network.public_access", _PUBLIC),
    },
    "microsoft.containerregistry/registries": {
        "sku.name": _Setting("associated_resources.container_registry.sku"),
        "adminuserenabled": _Setting("associated_resources.container_registry.admin_user", _SWITCH),
        "encryption.status": _Setting("associated_resources.container_registry.encryption", _CUSTOMER, closed=True),
        "networkruleset.defaultaction": _Setting("associated_resources.container_registry.network.default_action"),
        "networkruleset.iprules": _Setting("associated_resources.container_registry.network.ip_rules"),
        "networkrulebypassoptions": _Setting("associated_resources.container_registry.network.bypass"),
        "publicnetworkaccess": _Setting("associated_resources.container_registry.network.public_access", _PUBLIC),
    },
    "microsoft.insights/components": {
        "disablelocalauth": _Setting("associated_resources.application_insights.local_authentication", _OPPOSITE),
        "publicnetworkaccessforingestion": _Setting("associated_resources.application_insights.ingestion", _PUBLIC),
        "publicnetworkaccessforquery": _Setting("associated_resources.application_insights.query", _PUBLIC),
        "retentionindays": _Setting("associated_resources.application_insights.retention_days"),
        "application_type": _Setting("associated_resources.application_insights.type"),
    },
    "microsoft.operationalinsights/workspaces": {
        "features.disablelocalauth": _Setting("associated_resources.log_analytics.local_authentication", _OPPOSITE),
        "publicnetworkaccessforingestion": _Setting("associated_resources.log_analytics.ingestion", _PUBLIC),
        "publicnetworkaccessforquery": _Setting("associated_resources.log_analytics.query", _PUBLIC),
        "retentionindays": _Setting("associated_resources.log_analytics.retention_days"),
        "workspacecapping.dailyquotagb": _Setting("associated_resources.log_analytics.daily_cap_gb"),
    },
    _WORKSPACES: {
        "publicnetworkaccess": _Setting("workspace.public_network_access", _SWITCH),
        "hbiworkspace": _Setting("workspace.high_business_impact", _FLAG),
        "identity.type": _Setting("workspace.identity", _IDENTITIES, closed=True),
        "primaryuserassignedidentity": _Setting("workspace.identity.primary"),
        "encryption.identity.userassignedidentity": _Setting("workspace.encryption_identity"),
        "kind": _Setting("workspace.kind", _KINDS, closed=True),
        "managednetwork.isolationmode": _Setting("workspace.managed_network.isolation_mode"),
        "managednetwork.firewallsku": _Setting("workspace.managed_network.firewall_sku"),
        "serverlesscomputesettings.serverlesscomputecustomsubnet": _Setting("workspace.serverless_compute.subnet"),
        "serverlesscomputesettings.serverlesscomputenopublicip": _Setting(
            "workspace.serverless_compute.no_public_ip", _FLAG
        ),
        "imagebuildcompute": _Setting("workspace.image_build_compute"),
        "v1legacymode": _Setting("workspace.v1_legacy_mode", _FLAG),
        "enabledataisolation": _Setting("workspace.data_isolation", _FLAG),
        "systemdatastoresauthmode": _Setting(
            "workspace.datastore_access", {"identity": "identity", "accesskey": "access-key"}
        ),
    },
}
"""The profile field that sets a property, by resource type and property, both in lower case."""

_OWN_VAULT: Final[Mapping[str, _Setting]] = {
    "networkacls.defaultaction": _Setting("associated_resources.key_vault.network.default_action"),
    "networkacls.bypass": _Setting("associated_resources.key_vault.network.bypass"),
    "publicnetworkaccess": _Setting("associated_resources.key_vault.network.public_access", _PUBLIC),
    "networkacls.iprules": _Setting("associated_resources.key_vault.network.ip_rules"),
    "networkacls.virtualnetworkrules": _Setting("associated_resources.key_vault.network.subnets"),
    "softdeleteretentionindays": _Setting("associated_resources.key_vault.soft_delete_days"),
    "enablepurgeprotection": _Setting("associated_resources.key_vault.purge_protection", _ON, closed=True),
    "enabledfordeployment": _Setting("associated_resources.key_vault.enabled_for_deployment", _FLAG),
    "enabledfortemplatedeployment": _Setting("associated_resources.key_vault.enabled_for_template_deployment", _FLAG),
    "enabledfordiskencryption": _Setting("associated_resources.key_vault.enabled_for_disk_encryption", _FLAG),
}
"""The fields of the workspace's own vault, by property."""

_BY_ID: Final[Mapping[str, str]] = {
    _VAULTS: "associated_resources.key_vault.id",
    _STORAGE: "associated_resources.storage_account.id",
    "microsoft.insights/components": "associated_resources.application_insights.id",
    "microsoft.operationalinsights/workspaces": "associated_resources.log_analytics.id",
    "microsoft.containerregistry/registries": "associated_resources.container_registry.id",
}
"""The profile field that takes an existing resource of a type, so that its owner can make it comply."""

_WORDS: Final[Mapping[str, str]] = {
    _VAULTS: "a vault",
    _STORAGE: "a storage account",
    "microsoft.insights/components": "an Application Insights component",
    "microsoft.operationalinsights/workspaces": "a Log Analytics workspace",
    "microsoft.containerregistry/registries": "a container registry",
}
"""One resource of a type, in words."""

_TAG: Final = re.compile(r"tags(?:\[['\"]?|\.)([^'\"\]]+)", re.IGNORECASE)


def policies_of(failure: Failure) -> Iterator[str]:
    """One sentence for each policy that denied the request: resource, definition, assignment and condition."""
    for each in failure.policies:
        name = each.resource or failure.target
        resource = " ".join(filter(None, (each.resource_type, f"'{name}'" if name else "")))
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
    if any(_property(each) == "encryption.status" and _kind(each) == _WORKSPACES for each in failure.policies):
        return f"cmkctl creates no workspace without a customer-managed key. {exemption}"
    if any(each.field for each in failure.policies):
        return f"No profile field sets that property. {exemption}"
    return f"Azure does not name the policy's condition: read the definition. {exemption}"


def _condition(denial: PolicyDenial) -> str:
    """Describe the deny condition: the opposite of what the policy requires."""
    if not denial.field:
        return ""
    operator = denial.operator.lower()
    words = "denies {name} {operator} {target}{found}"
    if operator == "exists":
        words = "requires {name}" if denial.target.lower() == "false" else "denies {name}"
    found = f", found {denial.value}" if denial.value else ""
    values = {"name": denial.field, "operator": denial.operator, "target": denial.target, "found": found}
    return f", which {_CONDITIONS.get(operator, words).format(**values, value=denial.value or denial.target)}".rstrip()


_CONDITIONS: Final[Mapping[str, str]] = {
    "equals": "denies {name} = {target}",
    "notequals": "requires {name} = {target}{found}",
    "in": "denies {name} = {value}",
    "notin": "requires {name} to be one of {target}{found}",
    "less": "requires {name} >= {target}{found}",
    "lessorequals": "requires {name} > {target}{found}",
    "greater": "requires {name} <= {target}{found}",
    "greaterorequals": "requires {name} < {target}{found}",
    "notlike": "requires {name} to be like {target}{found}",
    "notmatch": "requires {name} to be like {target}{found}",
    "notmatchinsensitively": "requires {name} to be like {target}{found}",
    "notcontains": "requires {name} to contain {target}{found}",
}
"""Descriptions of a requirement or denial, by the operator of the condition in lower case."""


def _field_remedy(denial: PolicyDenial, failure: Failure) -> str:
    kind, name = _kind(denial), _property(denial)
    if tag := _TAG.search(denial.field):
        return _tag_remedy(tag[1], denial)
    if name == "location":
        return _location_remedy(denial)
    if name == "name":
        wanted = ", ".join(_wanted(denial))
        return f"Choose a name that the policy allows{f': {wanted}' if wanted else ''}."
    return _type_remedy(kind, failure) if name == "type" else _property_remedy(denial, failure)


def _property_remedy(denial: PolicyDenial, failure: Failure) -> str:
    """Return the field that sets a property, or that takes a resource which complies; empty where there is none."""
    kind = _kind(denial)
    set_to, by_id = _set(_SETTINGS.get(kind, {}).get(_property(denial)), denial), _BY_ID.get(kind, "")
    if kind == _VAULTS:
        return _vault_remedy(denial, failure, set_to)
    if set_to or not by_id:
        return f"{set_to}." if set_to else ""
    return f"Have {_WORDS[kind]} created that complies, and set {by_id}."


def _set(setting: _Setting | None, denial: PolicyDenial) -> str:
    """Return the instruction to set a field as a policy wants it; empty where no field can."""
    return setting.set_to(*_wanted(denial)) if setting else ""


def _type_remedy(kind: str, failure: Failure) -> str:
    """Return the remedy for a type that a policy does not allow: no setting of the resource changes that."""
    field = "key_vault.id" if failure.step == _VAULT_STEP else _BY_ID.get(kind, "")
    if not field:
        return "No setting makes the policy allow this type."
    return f"No setting makes the policy allow this type: set {field} to {_WORDS[kind]} that exists."


def _tag_remedy(tag: str, denial: PolicyDenial) -> str:
    if denial.operator.lower() in ("equals", "in", "exists") and denial.target.lower() != "false":
        return f"Remove or change the tag {tag} under tags in the profile."
    wanted, operator = ", ".join(_wanted(denial)), denial.operator.lower()
    if wanted and operator != "notequals":
        kind = "one of" if operator == "notin" else "like"
        return f"Set the tag in the profile: tags: {{{tag}: VALUE}}, with a value that is {kind} {wanted}."
    return f"Add the tag to the profile: tags: {{{tag}: {wanted or 'VALUE'}}}."


def _location_remedy(denial: PolicyDenial) -> str:
    wanted = ", ".join(_wanted(denial))
    if wanted:
        return f"Set location to a region that the policy allows: {wanted}."
    return f"Set location to a region other than {denial.value or denial.target}."


def _vault_remedy(denial: PolicyDenial, failure: Failure, set_to: str) -> str:
    """Return the remedy for one of the two vaults: the one with the key, or the workspace's own."""
    way = _set(_OWN_VAULT.get(_property(denial)), denial)
    way = way or f"Have one created that complies, and set {_BY_ID[_VAULTS]}"
    if failure.step == _VAULT_STEP:
        return f"{set_to}." if set_to else "Have a vault created that complies, and set key_vault.id."
    if failure.step:
        return f"{way}."
    ours = f"{set_to} if '{denial.resource or failure.target}' is the vault with the key. " if set_to else ""
    return f"{ours}For the workspace's own vault, {way[0].lower()}{way[1:]}."


def _kind(denial: PolicyDenial) -> str:
    """Return the resource type in lower case; policies of Key Vault's data plane have a namespace of their own."""
    return denial.resource_type.lower().replace("microsoft.keyvault.data/", "microsoft.keyvault/")


def _property(denial: PolicyDenial) -> str:
    """Return the property of a condition in lower case, without its resource type prefix and the marks of a list."""
    name = denial.field.lower().removeprefix(f"{denial.resource_type.lower()}/").removeprefix("properties.")
    return re.sub(r"\[\*\].*$", "", name)


def _wanted(denial: PolicyDenial) -> tuple[str, ...]:
    """Return the values that would satisfy a condition, where the condition names some."""
    operator, target = denial.operator.lower(), denial.target
    if operator == "notin":
        return tuple(target.split(", "))
    if operator in ("notequals", "less", "greater", "notlike", "notmatch", "notmatchinsensitively", "notcontains"):
        return (target,) if target else ()
    opposite = {"true": "false", "false": "true", "enabled": "Disabled", "disabled": "Enabled", "allow": "Deny"}
    found = opposite.get(target.lower(), "") if operator == "equals" else ""
    return (found,) if found else ()


def _managed(failure: Failure) -> bool:
    """Return True when Microsoft creates the denied resource for a workspace and it was not requested directly."""
    kinds = {each.resource_type.lower() for each in failure.policies}
    requested = failure.request.rstrip("/").rpartition("/")[2].rpartition(" ")[2].lower()
    denied = {(each.resource or failure.target).lower() for each in failure.policies} or {failure.target.lower()}
    if requested and any(denied):
        about_workspace = f"/{_WORKSPACES}/" in failure.request.lower() or failure.request.startswith("workspace ")
        return about_workspace and requested not in denied
    return any(each.startswith(("microsoft.documentdb/", "microsoft.search/")) for each in kinds)


def _managed_remedy(failure: Failure) -> str:
    scope = _subscription(failure) or "SUBSCRIPTION_SCOPE"
    # It is created in the workspace's region.
    located = [_location_remedy(each) for each in failure.policies if _property(each) == "location"]
    if located and len(located) == len(failure.policies):
        return f"{' '.join(dict.fromkeys(located))} Microsoft creates this resource in the workspace's region."
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
