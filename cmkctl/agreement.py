"""The fields that would make a profile agree with what is there, for each conflict. Pure.

A path is dotted, from the top of the profile. The value replaces what the profile has there; None means that the field has to be
left out. A conflict that no field of a profile settles, such as a failed workspace, has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.ids import KeyIdentifier
from cmkctl.clock import timestamp
from cmkctl.plan import Json
from cmkctl.profile.model import Profile
from cmkctl.steps._workspace_kinds import PROFILE_KINDS, hub_section, kind_of

Agreement = Mapping[str, Json]
_ASSOCIATED: Final = {
    "storageAccount": "storage_account",
    "keyVault": "key_vault",
    "applicationInsights": "application_insights",
    "containerRegistry": "container_registry",
}
_KEY_TYPES: Final = ("RSA", "RSA-HSM")


def with_workspace(profile: Profile, found: ArmDocument, code: str) -> Agreement:
    """Return the fields that settle a conflict of an existing workspace, by the code of the conflict."""
    settled = _BY_CODE.get(code)
    return settled(profile, found) if settled else {}


def _properties(found: Mapping[str, Any]) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = found.get("properties") or {}
    return properties


def _encryption(_profile: Profile, found: ArmDocument) -> Agreement:
    service_side = bool(_properties(found).get("enableServiceSideCMKEncryption"))
    return {"workspace.encryption": "service-side" if service_side else "in-subscription"}


def _reader(_profile: Profile, found: ArmDocument) -> Agreement:
    reader = ((_properties(found).get("encryption") or {}).get("identity") or {}).get("userAssignedIdentity")
    users = (found.get("identity") or {}).get("userAssignedIdentities") or {}
    own = any(same_resource_id(each, reader) for each in users)  # a profile takes no other one
    return {"workspace.encryption_identity": reader} if reader and own else {}


def _kind(_profile: Profile, found: ArmDocument) -> Agreement:
    return {"workspace.kind": kind_of(found)} if kind_of(found) in PROFILE_KINDS else {}


def _key(profile: Profile, found: ArmDocument) -> Agreement:
    """Return the vault and the key that the workspace names."""
    key = (_properties(found).get("encryption") or {}).get("keyVaultProperties") or {}
    vault, identifier = key.get("keyVaultArmId"), str(key.get("keyIdentifier") or "")
    fields: dict[str, Json] = {}
    if vault and not same_resource_id(vault, profile.key_vault.resource_id):
        fields["key_vault"] = {"id": vault}
    try:
        in_use = KeyIdentifier.parse(identifier)
    except ValueError:
        return fields
    if in_use.name.lower() != profile.key.name.lower():
        fields["key.name"] = in_use.name
    # The vault had a key of that name, which was deleted; the one there now has the name only.
    elif not fields and in_use.version and same_word(in_use.host.partition(".")[0], profile.key_vault.resource_name):
        fields["key.recover"] = True
    return fields


def _associated(profile: Profile, found: ArmDocument) -> Agreement:
    """Return the associated resources that differ, each by id as a whole section."""
    associated, properties = profile.associated_resources, _properties(found)
    wanted = {
        "storageAccount": associated.storage_account.resource_id,
        "keyVault": associated.key_vault_id,
        "applicationInsights": associated.application_insights_id,
        "containerRegistry": associated.container_registry_id,
    }
    fields: dict[str, Json] = {}
    for name, section in _ASSOCIATED.items():
        has = properties.get(name)
        if same_resource_id(has, wanted[name]) or (name == "containerRegistry" and wanted[name] is None):
            continue
        path = f"associated_resources.{section}"
        if name == "keyVault" and same_resource_id(has, profile.key_vault.resource_id):
            fields[path] = "same"
        elif has:
            fields[path] = {"id": has}
        elif name in ("applicationInsights", "containerRegistry"):
            fields[path] = {"enabled": False} if name == "applicationInsights" else None
    return fields


def identity_section(found: ArmDocument) -> Json:
    """Return the identities of a workspace in the form of ``workspace.identity``."""
    identity = found.get("identity") or {}
    users = [str(each) for each in identity.get("userAssignedIdentities") or {}]
    system = "systemassigned" in str(identity.get("type") or "").lower()
    if not users:
        return "system-assigned"
    if len(users) == 1 and not system:
        return users[0]
    primary = found.get("properties", {}).get("primaryUserAssignedIdentity")
    acting = next((each for each in users if same_resource_id(each, primary)), primary)
    several: dict[str, Json] = {"system_assigned": system, "user_assigned": list[Json](users)}
    return {**several, "primary": acting} if acting else several


def _identity(_profile: Profile, found: ArmDocument) -> Agreement:
    """Return the identities that the workspace has; no profile asks for none."""
    kind = str((found.get("identity") or {}).get("type") or "").lower()
    return {"workspace.identity": identity_section(found)} if "assigned" in kind else {}


def _fixed_settings(profile: Profile, found: ArmDocument) -> Agreement:
    properties = _properties(found)
    isolated, wanted = bool(properties.get("enableDataIsolation")), profile.workspace.data_isolation
    fields: dict[str, Json] = {}
    if wanted is not None and wanted != isolated:
        service_side = bool(properties.get("enableServiceSideCMKEncryption"))
        # A profile does not request an in-subscription workspace without one; left out, it agrees with either.
        fields["workspace.data_isolation"] = isolated if isolated or service_side else None
    if profile.workspace.hub is not None:
        fields["workspace.hub"] = hub_section(properties) or None
    return fields


_BY_CODE: Final[Mapping[str, Callable[[Profile, ArmDocument], Agreement]]] = {
    "CMK253": _key,
    "CMK254": _encryption,
    "CMK255": lambda _, found: {"workspace.high_business_impact": bool(_properties(found).get("hbiWorkspace"))},
    "CMK256": _key,
    "CMK257": _reader,
    "CMK258": _associated,
    "CMK259": _identity,
    "CMK260": lambda _, found: {"location": str(found.get("location"))},
    "CMK261": lambda _, _found: {"workspace.public_network_access": "disabled"},
    "CMK286": _kind,
    "CMK287": lambda _, _found: {"workspace.v1_legacy_mode": True},
    "CMK288": _fixed_settings,
}


def with_vault(profile: Profile, found: Mapping[str, Any], code: str) -> Agreement:
    """Return the fields that settle a conflict of the vault with the key, by the code of the conflict."""
    properties = _properties(found)
    model = "rbac" if properties.get("enableRbacAuthorization") else "access-policy"
    fields: Mapping[str, Agreement] = {
        "CMK207": {"key_vault.soft_delete_days": properties.get("softDeleteRetentionInDays", 90)},
        "CMK208": {"key_vault.authorization": model},
        "CMK209": {"key.type": "RSA"},
        "CMK211": {"key_vault.network": None},
        "CMK212": {"key_vault": {"id": profile.key_vault.resource_id}},
        "CMK213": {"key_vault.sku": str((properties.get("sku") or {}).get("name")).lower()},
    }
    return fields.get(code, {})


def with_key(found: Mapping[str, Any], code: str) -> Agreement:
    """Return the fields that settle a conflict of the key, by the code of the conflict; `found` are its properties."""
    attributes = found.get("attributes") or {}
    kind = next((each for each in _KEY_TYPES if each == str(found.get("kty")).upper()), None)
    fields: Mapping[str, Agreement] = {
        "CMK221": {"key.type": kind} if kind else {},
        "CMK222": {"key.size": found.get("keySize")},
        "CMK227": {"key.expires": _moment(attributes.get("exp")), "key.not_before": _moment(attributes.get("nbf"))},
    }
    return fields.get(code, {})


def _moment(seconds: int | None) -> str | None:
    return None if seconds is None else timestamp(seconds)
