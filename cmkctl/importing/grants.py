"""The role assignments that a profile lists under ``grants``, and the scope of the grant on the key. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.ids import group_id, within
from cmkctl.importing.associated import ids_of
from cmkctl.importing.found import Found
from cmkctl.importing.words import given
from cmkctl.profile.writing import Draft
from cmkctl.steps._principals import CRYPTO_SERVICE_ENCRYPTION_USER
from cmkctl.steps._role_assignments import role_guid

_KINDS: Final = ("User", "Group", "ServicePrincipal", "ForeignGroup", "Device")


def key_access(found: Found, key: str) -> dict[str, Any]:
    """Return the section of the grant on the key: its scope, where every reader has its role on the key alone."""
    vault = str(found.key.get("keyVaultArmId") or "")
    scopes = {
        str(each["properties"].get("scope") or "").rstrip("/").lower()
        for each in found.assignments
        if _reads_key(each["properties"]) and within(str(each["properties"].get("scope") or ""), vault)
    }
    return {"scope": "key"} if scopes == {f"{vault}/keys/{key}".lower()} else {}


def _reads_key(properties: Mapping[str, Any]) -> bool:
    return role_guid(str(properties.get("roleDefinitionId"))) == CRYPTO_SERVICE_ENCRYPTION_USER


def rows(draft: Draft, found: Found) -> list[dict[str, Any]]:
    """Return the grants at the workspace and its resources. Those at the group and above are for others as well."""
    scopes = dict(_scopes(found))
    identities = dict(_identities(found))
    written: list[dict[str, Any]] = []
    azures = 0
    for each in found.assignments:
        properties = each["properties"]
        word = scopes.get(str(properties.get("scope") or "").rstrip("/").lower())
        principal = str(properties.get("principalId") or "").lower()
        if word is None or (word in ("key_vault", "key") and _reads_key(properties)):
            continue
        own = same_word(principal, str((found.workspace.get("identity") or {}).get("principalId") or ""))
        if own:
            azures += 1
            continue
        role = role_guid(str(properties.get("roleDefinitionId") or ""))
        kind = next((one for one in _KINDS if same_word(one, properties.get("principalType"))), None)
        identity = identities.get(principal)
        row = {"principal": identity or principal, "role": found.roles.get(role, role), "scope": word}
        row |= given(
            principal_type=None if identity else kind,
            description=properties.get("description"),
            condition=properties.get("condition") if properties.get("conditionVersion") == "2.0" else None,
        )
        if row not in written:
            written.append(row)
    if azures:
        text = (
            f"The {azures} role assignments of the workspace's own identity are left out: Azure Machine Learning makes them "
            "when it creates a workspace."
        )
        draft.comment(("grants",) if written else ("workspace", "identity"), text)
    return sorted(written, key=lambda row: (row["scope"], row["role"], row["principal"]))


def _identities(found: Found) -> Iterator[tuple[str, str]]:
    """Yield the object ids of the workspace's user-assigned identities, with their ARM ids: these are clearer."""
    for resource, shown in ((found.workspace.get("identity") or {}).get("userAssignedIdentities") or {}).items():
        if isinstance(shown, Mapping) and shown.get("principalId"):
            yield str(shown["principalId"]).lower(), str(resource)


def _scopes(found: Found) -> Iterator[tuple[str, str]]:
    """Yield the scopes in the profile's resource group by id in lower case, with their words."""
    group = group_id(found.subscription, found.resource_group)
    return ((each.rstrip("/").lower(), word) for each, word in _named(found) if within(each, group))


def _named(found: Found) -> Iterator[tuple[str, str]]:
    vault = str(found.key.get("keyVaultArmId") or "")
    key = str(found.key.get("keyIdentifier") or "").rstrip("/").split("/")
    named = {"workspace": str(found.workspace.get("id") or ""), **ids_of(found)}
    own = named.pop("key_vault", "")
    if not same_resource_id(own, vault):
        yield own, "workspace_key_vault"
    yield from ((resource, word) for word, resource in named.items())
    yield vault, "key_vault"
    yield f"{vault}/keys/{key[4] if len(key) > 4 else ''}", "key"
