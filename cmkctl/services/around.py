"""The resources around a workspace: those that its document, and the collections inside it, name. Pure.

Source: the published types of 2025-06-01 and 2026-05-01, recordings 01, 09, 10 and 29.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from cmkctl.azure.documents import at_path, text_at
from cmkctl.azure.ids import ResourceId, resource_id, within
from cmkctl.azure.workspaces import managed_group
from cmkctl.services.base import Documents, Reference

_OWN: Final = (
    ("storage account", "properties.storageAccount"),
    ("key vault", "properties.keyVault"),
    ("Application Insights", "properties.applicationInsights"),
    ("container registry", "properties.containerRegistry"),
    ("key vault of the key", "properties.encryption.keyVaultProperties.keyVaultArmId"),
    ("hub", "properties.hubResourceId"),
)
"""Relation and path of each resource that a workspace names."""

_SETS: Final = (
    ("project", "properties.associatedWorkspaces"),
    ("workspace of the hub", "properties.existingWorkspaces"),
    ("storage account of the hub", "properties.storageAccounts"),
    ("storage account of the hub", "properties.workspaceHubConfig.additionalWorkspaceStorageAccounts"),
    ("key vault of the hub", "properties.keyVaults"),
    ("container registry of the hub", "properties.containerRegistries"),
)
"""Relation and path of each list of ids."""

_METADATA: Final = (
    ("Azure Cosmos DB", "cosmosDbResourceId"),
    ("AI Search", "searchAccountResourceId"),
    ("storage account", "storageAccountResourceId"),
)
"""Relation and name of the stores of a workspace's metadata: Microsoft's in the managed resource group, or brought along."""

_ACCOUNTS: Final = {"azureblob": "blob", "azurefile": "file", "azuredatalakegen2": "dfs"}
"""The service of a storage account by the type of a datastore."""

_ENDPOINT: Final = "core.windows.net"
"""The end of the host of a storage account whose datastore names no endpoint."""

_LAKE: Final = "Microsoft.DataLakeStore/accounts"
_LAKE_HOST: Final = "azuredatalakestore.net"
_ONE_LAKE_HOST: Final = "onelake.dfs.fabric.microsoft.com"

_OF_AZURE: Final = frozenset(
    {
        "adlsgen2", "appinsights", "azureblob", "azuredatabricksdeltalake", "azuredatalakegen2", "azurekeyvault", "azuremysqldb",
        "azurepostgresdb", "azuresqldb", "azuresqlmi", "azuresynapseanalytics", "cognitivesearch", "containerregistry",
        "cosmosdb", "cosmosdbmongodbapi", "databricks",
    }
)  # fmt: skip
"""The categories of connections whose target is a service with data in Azure. The target of another can be anywhere."""

_SERVER: Final = re.compile(
    r"(?:^|;)\s*(?:server|data source|host|addr|address)\s*=\s*(?:tcp:)?([^,;:\s]+)", re.IGNORECASE
)
"""The server in a connection string."""

_ENDPOINT_OF_ARM: Final = re.compile(r"https://[^/]+(?=/subscriptions/)", re.IGNORECASE)
"""The start of an id that is written as the URL of a request."""

_HOST: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.IGNORECASE)


def around(documents: Documents) -> tuple[Reference, ...]:
    """Return the resources that a workspace refers to.

    What its own document names comes first. A collection adds only resources that nothing before it has named, because the
    usual datastores and required outbound rules repeat the workspace's own.
    """
    workspace = documents.find("resource")
    found = {_identity(each, with_relation=True): each for each in _named(workspace)}
    known = {_identity(each) for each in found.values()}
    for each in _inside(documents):
        if _identity(each) not in known:
            known.add(_identity(each))
            found[_identity(each, with_relation=True)] = each
    return tuple(found.values())


def not_followed(documents: Documents) -> tuple[str, ...]:
    """Return the datastores and connections whose target is not known as a resource in Azure, such as ``connection snow``."""
    return tuple(
        f"{word} {name}"
        for word, collection, of_item in (
            ("datastore", "datastores", _datastore),
            ("connection", "connections", _connection),
        )
        for name, properties in _items(documents, collection)
        if not any(of_item(name, properties))
    )


def _inside(documents: Documents) -> Iterator[Reference]:
    """Yield what the items of the collections name."""
    for name, properties in _items(documents, "computes"):
        yield from _by_id(f"attached compute {name}", text_at(properties, "resourceId"))
    for name, properties in _items(documents, "datastores"):
        yield from _datastore(name, properties)
    own = text_at(documents.find("resource"), "id").lower()
    for name, properties in _items(documents, "outboundRules"):
        if _destination(properties).lower() != own:
            yield from _by_id(f"outbound rule {name}", _destination(properties))
    for name, properties in _items(documents, "connections"):
        yield from _connection(name, properties)


def _identity(reference: Reference, *, with_relation: bool = False) -> tuple[str, str]:
    return reference.relation if with_relation else "", (reference.resource_id or reference.host).lower()


def _named(workspace: Mapping[str, Any] | None) -> Iterator[Reference]:
    """Yield what the document of the workspace names."""
    for relation, path in _OWN:
        yield from _by_id(relation, text_at(workspace, path))
    group = managed_group(workspace)
    if group:
        yield Reference("managed resource group", group)
    for relation, member in _METADATA:
        named = text_at(workspace, f"properties.encryption.{member}")
        where = "in the managed resource group" if group and within(named, group) else "for its metadata"
        yield from _by_id(f"{relation} {where}", named)
    for relation, path in _SETS:
        for each in _list(at_path(workspace, path)):
            yield from _by_id(relation, each)
    for each in _list(at_path(workspace, "properties.sharedPrivateLinkResources")):
        if isinstance(each, Mapping):
            yield from _by_id("shared private link", text_at(each, "properties.privateLinkResourceId"))
    rules = at_path(workspace, "properties.managedNetwork.outboundRules")
    for name, rule in rules.items() if isinstance(rules, Mapping) else ():
        if text_at(workspace, "id").lower() != _destination(rule).lower():
            yield from _by_id(f"outbound rule {name}", _destination(rule))


def _datastore(name: str, properties: Mapping[str, Any]) -> Iterator[Reference]:
    kind = text_at(properties, "datastoreType").lower()
    account, store = text_at(properties, "accountName"), text_at(properties, "storeName")
    if kind in _ACCOUNTS and account:
        host = f"{account}.{_ACCOUNTS[kind]}.{text_at(properties, 'endpoint') or _ENDPOINT}"
        yield from _store(f"datastore {name}", properties, "Microsoft.Storage/storageAccounts", account, host)
    elif kind == "azuredatalakegen1" and store:
        yield from _store(f"datastore {name}", properties, _LAKE, store, f"{store}.{_LAKE_HOST}")
    elif kind == "onelake":
        host = _host(text_at(properties, "endpoint")) or _ONE_LAKE_HOST
        yield Reference(f"datastore {name} in OneLake", host=host)


def _store(relation: str, properties: Mapping[str, Any], kind: str, account: str, host: str) -> Iterator[Reference]:
    """Yield the reference to an account by its id, or by its host where the datastore does not name its place."""
    subscription, group = text_at(properties, "subscriptionId"), text_at(properties, "resourceGroup")
    named = tuple(_by_id(relation, resource_id(subscription, group, kind, account))) if subscription and group else ()
    yield from named
    if not named and _HOST.fullmatch(host):
        yield Reference(relation, host=host.lower())


def _destination(rule: object) -> str:
    """Return the id of the resource to which an outbound rule opens a private endpoint."""
    return text_at(rule, "destination.serviceResourceId") if isinstance(rule, Mapping) else ""


def _connection(name: str, properties: Mapping[str, Any]) -> Iterator[Reference]:
    target, relation = text_at(properties, "target"), f"connection {name}"
    named = next((found for each in (_metadata_id(properties), target) for found in _by_id(relation, each)), None)
    if named is not None:
        yield named
    elif text_at(properties, "category").lower() in _OF_AZURE and (host := _host(target)):
        yield Reference(relation, host=host)


def _metadata_id(properties: Mapping[str, Any]) -> str:
    """Return the id in a connection's metadata, which is a free map: its member is written in several ways."""
    metadata = at_path(properties, "metadata")
    if not isinstance(metadata, Mapping):
        return ""
    return next((text_at(metadata, each) for each in metadata if str(each).lower() == "resourceid"), "")


def _host(target: str) -> str:
    """Return the host name of a URL, of a connection string, or of a bare host, in lower case; empty for anything else."""
    if "://" in target:
        try:
            bare = urlsplit(target.removeprefix("jdbc:")).hostname or ""
        except ValueError:
            return ""
    else:
        found = _SERVER.search(target)
        bare = found[1] if found else target.partition("/")[0].partition(":")[0]
    return bare.lower() if _HOST.fullmatch(bare) else ""


def _by_id(relation: str, named: object) -> Iterator[Reference]:
    """Yield the reference to a resource, or to the one that contains it: a container's id names its storage account.

    People write ids in the metadata of connections, so that one can be a placeholder or a URL, or have white space around it.
    """
    if not isinstance(named, str):
        return
    try:
        found = ResourceId.parse(_ENDPOINT_OF_ARM.sub("", named.strip()))
    except ValueError:
        return
    yield Reference(relation, resource_id(found.subscription, found.resource_group, _top(found), found.names[0]))


def _top(found: ResourceId) -> str:
    return f"{found.provider}/{found.types[0]}"


def _items(documents: Documents, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield name and properties of the items of a collection."""
    for each in documents.items(name):
        properties = at_path(each, "properties") if isinstance(each, Mapping) else None
        if isinstance(properties, Mapping):
            yield text_at(each, "name"), properties


def _list(value: object) -> Iterable[Any]:
    return value if isinstance(value, list) else ()
