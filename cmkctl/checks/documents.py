"""Readings of observed documents that several rules share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cmkctl.steps.key import ObservedKey
    from cmkctl.steps.key_vault import ObservedVault


def vault_properties(observed: ObservedVault) -> Mapping[str, Any]:
    """Return the properties of an existing vault, empty for an absent one."""
    return (observed.vault or {}).get("properties") or {}


def key_attributes(observed: ObservedKey) -> Mapping[str, Any]:
    """Return the attributes (`enabled`, `exp`, `nbf`) of the latest key version, empty for an absent key."""
    return version_attributes(observed.key)


def version_attributes(document: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the attributes of a key version, empty for an absent one."""
    return ((document or {}).get("properties") or {}).get("attributes") or {}


def encryption_in_use(workspace: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the vault and key that a workspace uses (`keyVaultArmId`, `keyIdentifier`), empty for none."""
    encryption = ((workspace or {}).get("properties") or {}).get("encryption") or {}
    return encryption.get("keyVaultProperties") or {}


def identifier_in_use(workspace: Mapping[str, Any] | None) -> str:
    """Return the key identifier that a workspace uses, empty for none."""
    return str(encryption_in_use(workspace).get("keyIdentifier") or "")
