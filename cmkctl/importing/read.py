"""Reads a workspace and what is around it from Azure. Sends reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from cmkctl import codes
from cmkctl.azure import decoding, versions
from cmkctl.azure.clouds import Cloud
from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.ids import KeyIdentifier, ResourceId, group_id, role_assignments_id, subscription_id
from cmkctl.azure.session import Session
from cmkctl.azure.snapshot import Snapshot
from cmkctl.diagnostics import CmkctlError
from cmkctl.importing import associated
from cmkctl.importing.found import Found
from cmkctl.importing.words import at, parsed
from cmkctl.steps._role_assignments import role_guid

WORKSPACES: Final = "Microsoft.MachineLearningServices/workspaces"
_VERSIONS: Final = {
    "microsoft.storage/storageaccounts": versions.STORAGE,
    "microsoft.insights/components": versions.APPLICATION_INSIGHTS,
    "microsoft.operationalinsights/workspaces": versions.LOG_ANALYTICS,
    "microsoft.containerregistry/registries": versions.CONTAINER_REGISTRY,
    "microsoft.keyvault/vaults": versions.KEY_VAULT,
    "microsoft.network/privateendpoints": versions.NETWORK,
    WORKSPACES.lower(): versions.WORKSPACES,
}


@dataclass
class _Reader:
    """Reads resources, and notes those that may not be read or are not there."""

    azure: Snapshot
    documents: dict[str, ArmDocument] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def read(self, resources: Iterable[str]) -> None:
        """Read resources by id, all at the same time."""
        ids = [each for each in dict.fromkeys(resources) if each and each.lower() not in self.documents]
        for resource, found in zip(ids, self.azure.gather(*(partial(self._one, each) for each in ids)), strict=True):
            if found is not None:
                self.documents[resource.lower()] = found

    def _one(self, resource: str) -> ArmDocument | None:
        place = parsed(resource)
        version = _VERSIONS.get(place.type.lower()) if place else None
        if place is None or version is None:
            self.missing[resource.lower()] = "it is no id of a resource that cmkctl reads."
            return None
        return self.attempt(resource, lambda: self.azure.resource(resource, version))

    def attempt(self, resource: str, read: Callable[[], ArmDocument | None]) -> ArmDocument | None:
        """Perform a read; None, with the reason noted, for what is absent or may not be read."""
        try:
            found = read()
        except AzureFailed as error:
            if error.failure.kind is not FailureKind.DENIED:
                raise
            self.missing[resource.lower()] = "the signed-in account may not read it."
            return None
        if found is None:
            self.missing[resource.lower()] = "there is no such resource."
        return found


def read_workspace(azure: Snapshot, cloud: Cloud, identifier: str) -> Found:
    """Read a workspace by its id, and everything that a profile describes around it; for a project, its hub.

    Raises CmkctlError (CMK670) for a workspace that is not there, AzureFailed for one that may not be read.
    """
    workspace = _workspace(azure, identifier)
    hub = str(at(workspace, "properties.hubResourceId") or "")
    if same_word(workspace.get("kind"), "Project") and parsed(hub):
        return read_workspace(azure, cloud, hub)
    workspace = {"id": identifier} | workspace
    place = parsed(str(workspace["id"])) or ResourceId.parse(identifier)
    workspace |= {"name": place.name}
    key = at(workspace, "properties.encryption.keyVaultProperties") or {}
    reader = _Reader(azure)
    first = Found(cloud, place.subscription.lower(), place.resource_group, workspace, identifier)
    vault = str(key.get("keyVaultArmId") or "")
    reader.read([vault, *associated.ids_of(first).values()])
    seen = Found(
        cloud, place.subscription.lower(), place.resource_group, workspace, identifier, documents=reader.documents
    )
    reader.read([associated.ids_of(seen).get("log_analytics", "")])
    version = _keys(reader, vault, str(key.get("keyIdentifier") or ""))
    endpoints = _endpoints(reader, workspace)
    assignments = _assignments(reader, place)
    return Found(
        cloud,
        place.subscription.lower(),
        place.resource_group,
        workspace,
        identifier,
        tenant=str(azure.subscription().get("tenantId") or ""),
        documents=reader.documents,
        missing=reader.missing,
        key_version=version,
        projects=_projects(reader, workspace, place),
        endpoints=endpoints,
        assignments=assignments,
        roles=_role_names(azure, assignments),
        settings=_diagnostic_settings(reader, str(workspace["id"])),
        unread=tuple(_unread(reader, place)),
    )


def _diagnostic_settings(reader: _Reader, workspace: str) -> tuple[str, ...]:
    """Return the names of the workspace's diagnostic settings."""
    path = f"{workspace}/providers/Microsoft.Insights/diagnosticSettings"
    read = partial(reader.azure.listing, path, versions.DIAGNOSTIC_SETTINGS, decoding.DiagnosticSettings)
    rows = (reader.attempt(path, read) or {"value": []})["value"]
    return tuple(str(each.get("name")) for each in rows)


def _workspace(azure: Snapshot, identifier: str) -> ArmDocument:
    found = azure.resource(identifier, versions.WORKSPACES)
    if found is None:
        raise CmkctlError(codes.CMK670.error(f"There is no workspace {identifier}.", subject=identifier))
    return found


def _keys(reader: _Reader, vault: str, identifier: str) -> ArmDocument | None:
    """Read the key with its newest version; return the version that the workspace uses, None for the newest one."""
    place = parsed(vault)
    try:
        key = KeyIdentifier.parse(identifier)
    except ValueError:
        return None
    if place is None:
        return None
    resource = f"{vault}/keys/{key.name}"
    newest = reader.attempt(resource, lambda: reader.azure.key(place, key.name))
    if newest is None:
        return None
    reader.documents[resource.lower()] = newest
    last = str(at(newest, "properties.keyUriWithVersion") or "").rpartition("/")[2]
    version = (key.version or last).lower()
    if same_word(version, last):
        return None
    return reader.attempt(f"{resource}/versions/{version}", lambda: reader.azure.key_version(place, key.name, version))


def _endpoints(reader: _Reader, workspace: ArmDocument) -> tuple[ArmDocument, ...]:
    """Read the private endpoints of the workspace and its resources, each with its zone groups."""
    rows = [
        str(at(connection, "properties.privateEndpoint.id") or "")
        for document in (workspace, *reader.documents.values())
        for connection in at(document, "properties.privateEndpointConnections") or []
    ]
    subscription = ResourceId.parse(str(workspace["id"])).subscription
    ids = [
        each for each in dict.fromkeys(rows) if (place := parsed(each)) and same_word(place.subscription, subscription)
    ]
    reader.read(ids)
    found = [each for each in ids if each.lower() in reader.documents]
    groups = reader.azure.gather(*(partial(_zone_groups, reader, each) for each in found))
    return tuple(
        {**reader.documents.pop(each.lower()), "id": each, "zoneGroups": group["value"]}
        for each, group in zip(found, groups, strict=True)
    )


def _zone_groups(reader: _Reader, endpoint: str) -> ArmDocument:
    path = f"{endpoint}/privateDnsZoneGroups"
    read = partial(reader.azure.listing, path, versions.NETWORK, decoding.ZoneGroups)
    return reader.attempt(path, read) or {"value": []}


def _assignments(reader: _Reader, place: ResourceId) -> tuple[ArmDocument, ...]:
    """Read the role assignments in the workspace's resource group and above."""
    path = role_assignments_id(group_id(place.subscription, place.resource_group))
    read = partial(reader.azure.listing, path, versions.ROLE_ASSIGNMENTS, decoding.RoleAssignments)
    return tuple((reader.attempt(path, read) or {"value": []})["value"])


def _role_names(azure: Snapshot, assignments: Iterable[ArmDocument]) -> Mapping[str, str]:
    definitions = dict.fromkeys(str(each["properties"].get("roleDefinitionId") or "") for each in assignments)
    ids = [each for each in definitions if each]
    found = azure.gather(*(partial(azure.role_definition, each) for each in ids))
    names = {role_guid(each): at(document, "properties.roleName") for each, document in zip(ids, found, strict=True)}
    return {role: str(name) for role, name in names.items() if name}


def _projects(reader: _Reader, workspace: ArmDocument, place: ResourceId) -> tuple[ArmDocument, ...]:
    """Read the projects of a hub in its own resource group."""
    if not same_word(workspace.get("kind"), "Hub"):
        return ()
    rows = list_workspaces(reader.azure, place.subscription, place.resource_group)
    return tuple(each for each in rows if same_resource_id(at(each, "properties.hubResourceId"), str(workspace["id"])))


def list_workspaces(azure: Snapshot, subscription: str, resource_group: str | None = None) -> list[ArmDocument]:
    """Return the workspaces of a subscription or a resource group, also those without a customer-managed key."""
    scope = group_id(subscription, resource_group) if resource_group else subscription_id(subscription)
    found = azure.listing(f"{scope}/providers/{WORKSPACES}", versions.WORKSPACES)
    return [each for each in (found or {"value": []})["value"] if isinstance(each, dict)]


def _unread(reader: _Reader, place: ResourceId) -> Iterable[tuple[tuple[str | int, ...], str]]:
    path = role_assignments_id(group_id(place.subscription, place.resource_group))
    if path.lower() in reader.missing:
        yield ("workspace",), "the role assignments could not be read, so grants are left out."
    for resource in reader.missing:
        place_of = parsed(resource)
        if place_of is not None and place_of.type.lower().startswith("microsoft.network/privateendpoints"):
            yield ("workspace",), f"the private endpoint {resource} could not be read."


def read_key(azure: Snapshot, cloud: Cloud, vault: str, key: str) -> Found:
    """Read a vault and a key that no workspace uses yet. Raises CmkctlError (CMK670) where one of them is not there."""
    place, reader = ResourceId.parse(vault), _Reader(azure)
    reader.read([vault])
    newest = azure.key(place, key)
    uri = str(at(newest or {}, "properties.keyUriWithVersion") or "")
    if vault.lower() not in reader.documents or not uri:
        what = f"key {key} in vault {place.name}" if vault.lower() in reader.documents else f"vault {vault}"
        raise CmkctlError(codes.CMK670.error(f"There is no {what}.", subject=vault))
    reader.documents[f"{vault}/keys/{key}".lower()] = newest or {}
    document = reader.documents[vault.lower()]
    held = {"keyVaultProperties": {"keyVaultArmId": vault, "keyIdentifier": uri}, "status": "Enabled"}
    variables = (
        "Set the variables, or write the values here: a name, true or false, and in-subscription or service-side."
    )
    return Found(
        cloud,
        place.subscription.lower(),
        place.resource_group,
        {"location": str(document.get("location") or ""), "properties": {"encryption": held}},
        uri,
        tenant=str(azure.subscription().get("tenantId") or ""),
        documents=reader.documents,
        new=True,
        unread=((("workspace",), f"no workspace of the subscription uses this key yet. {variables}"),),
    )


def keys_of(azure: Snapshot, vault: str) -> list[str]:
    """Return the names of the keys in a vault, through the management plane."""
    found = azure.listing(f"{vault}/keys", versions.KEY_VAULT)
    return [str(each.get("name")) for each in (found or {"value": []})["value"] if isinstance(each, dict)]


def using_key(azure: Snapshot, subscription: str, vault: str, key: str | None) -> list[str]:
    """Return the ids of the workspaces of a subscription whose key is in a vault; of a single key where one is named."""
    return [str(each["id"]) for each in list_workspaces(azure, subscription) if _uses(each, vault, key)]


def _uses(workspace: Mapping[str, Any], vault: str, key: str | None) -> bool:
    held = at(workspace, "properties.encryption.keyVaultProperties") or {}
    named = f"/keys/{key}/".lower()
    return same_resource_id(held.get("keyVaultArmId"), vault) and (
        key is None or named in f"{str(held.get('keyIdentifier') or '').lower()}/"
    )


def find_vault(azure: Snapshot, subscription: str, host: str) -> str:
    """Return the id of the vault of a host name in a subscription. Raises CmkctlError (CMK670) where there is none."""
    name = host.partition(".")[0]
    for each in list_vaults(azure, subscription):
        if same_word(str(each.get("name")), name):
            return str(each["id"])
    raise CmkctlError(
        codes.CMK670.error(
            f"There is no vault {name} in subscription {subscription}, or the signed-in account may not see it.",
            "Name the vault's subscription with --subscription, or give its id: --vault ID.",
        )
    )


def list_vaults(azure: Snapshot, subscription: str) -> list[ArmDocument]:
    """Return the vaults of a subscription with their properties."""
    found = azure.listing(f"{subscription_id(subscription)}/providers/Microsoft.KeyVault/vaults", versions.KEY_VAULT)
    return [each for each in (found or {"value": []})["value"] if isinstance(each, dict) and parsed(each.get("id"))]


def list_subscriptions(session: Session) -> dict[str, str]:
    """Return the enabled subscriptions that the account sees, by id, with their names. Raises AzureError, AzureFailed."""
    url = f"{session.endpoints.arm}/subscriptions?api-version={versions.SUBSCRIPTIONS}"
    page = decoding.document(decoding.Listing, session.follow(url))
    rows = [each for each in page["value"] if isinstance(each, dict) and each.get("state", "Enabled") == "Enabled"]
    return {str(each.get("subscriptionId")): str(each.get("displayName") or "") for each in rows}
