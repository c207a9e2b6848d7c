"""The resource group Azure Machine Learning manages for a CMK workspace: what is made in it, and whether it can be."""

from cmkctl.sandbox.core import ids, policy, resources
from cmkctl.sandbox.core.errors import AzureError
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_storage

KINDS = {
    "cosmosDbResourceId": ("Microsoft.DocumentDB/databaseAccounts", "cosmosdb"),
    "storageAccountResourceId": ("Microsoft.Storage/storageAccounts", "sa"),
    "searchAccountResourceId": ("Microsoft.Search/searchServices", "azuremlrg"),
}
"""Type and name prefix of each managed resource, by the property of ``encryption`` that refers to it."""


SEARCH: Json = {
    "replicaCount": 1,
    "partitionCount": 1,
    "status": "running",
    "statusDetails": "",
    "provisioningState": "succeeded",
    "hostingMode": "default",
    "publicNetworkAccess": "Enabled",
    "networkRuleSet": {"ipRules": [], "bypass": "None"},
    "privateEndpointConnections": [],
    "sharedPrivateLinkResources": [],
    "encryptionWithCmk": {"enforcement": "Unspecified", "encryptionComplianceStatus": "Compliant"},
    "disableLocalAuth": False,
    "authOptions": {"apiKeyOnly": {}},
}
"""The properties of a search service as recorded (86); none is recorded in a managed resource group."""


def made_for(workspace_id: str) -> dict[str, tuple[str, str]]:
    """Return the type and name of each managed resource of a workspace, by the property that names it."""
    tail = ids.hex_name("managed", workspace_id, length=9)
    return {field: (kind, f"{head}{tail}") for field, (kind, head) in KINDS.items()}


def denial(tenant: Tenant, workspace_id: str, location: str, brought: Json) -> AzureError | None:
    """Return the refusal of a managed resource by a policy; None when none is refused.

    They are judged with nothing set that a policy could require: what the service really sends is not published.

    Args:
        tenant: the state.
        workspace_id: the workspace they are for.
        location: its region.
        brought: the workspace's ``encryption``; what it names already is not made.

    """
    subscription = f"/subscriptions/{ids.subscription_of(workspace_id)}"
    content = {"location": location, "tags": {}, "properties": {}}
    for field, (kind, name) in made_for(workspace_id).items():
        refused = None if brought.get(field) else policy.refusal(tenant, kind, subscription, name, content)
        if refused is not None:
            return refused
    return None


def _managed(tenant: Tenant, kind: str, identifier: str, workspace: Json) -> Json:
    """Return the document of a managed resource.

    The storage account is a whole one, encrypted with the workspace's key, as documented. Of the other two the Cosmos DB account
    names the key, without a version, as each such account does; the search service shows no key, which only its objects have.
    """
    name, location = identifier.rpartition("/")[2], workspace["location"]
    vault, _, key = workspace["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"].partition("/keys/")
    stub = {"id": identifier, "name": name, "type": kind, "location": location, "tags": {}}
    if field_of(kind) == "searchAccountResourceId":
        endpoint = f"https://{name}.search.windows.net"
        return {**stub, "sku": {"name": "standard"}, "properties": {**SEARCH, "endpoint": endpoint}}
    if field_of(kind) == "cosmosDbResourceId":
        return {**stub, "properties": {"keyVaultKeyUri": f"{vault}/keys/{key.partition('/')[0]}"}}
    named = {"keyname": key.partition("/")[0], "keyvaulturi": f"{vault}/"}
    encrypted = {"keySource": "Microsoft.Keyvault", "keyvaultproperties": named}
    body = {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {"encryption": encrypted}}
    account = microsoft_storage.new_account(tenant, identifier, name, location, body)
    return {**account, "properties": {**account["properties"], "provisioningState": "Succeeded"}}


def field_of(kind: str) -> str:
    """Return the property of ``encryption`` that names a managed resource of a type."""
    return next(field for field, (word, _) in KINDS.items() if word == kind)


def provision(tenant: Tenant, document: Json) -> None:
    """Make the group only Microsoft may change, with a Cosmos DB account, a storage account and a search service."""
    subscription = ids.subscription_of(document["id"])
    name = f"azureml-rg-{document['name']}_{ids.guid('managed', document['id'], document['properties']['workspaceId'])}"
    group_id = f"/subscriptions/{subscription}/resourceGroups/{name}"
    group = {
        "id": group_id,
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": document["location"],
        "managedBy": document["id"],
        "properties": {"provisioningState": "Succeeded"},
    }
    tenant.table("groups")[ids.key(group_id)] = {"doc": group, "owner": document["id"]}
    encryption = document["properties"]["encryption"]
    for field, (kind, resource_name) in made_for(document["id"]).items():
        identifier = f"{group_id}/providers/{kind}/{resource_name}"
        if field not in encryption:
            made = _managed(tenant, kind, identifier, document)
            resources.store(tenant, {**made, "managedBy": document["id"]}, owner=document["id"])
            encryption[field] = identifier
    document["properties"]["serviceProvisionedResourceGroup"] = group_id


def follow(tenant: Tenant, document: Json) -> None:
    """Move the managed accounts of a workspace to the key that the workspace was moved to."""
    encryption = document["properties"]["encryption"]
    identifier = encryption["keyVaultProperties"]["keyIdentifier"]
    database = tenant.resource(encryption.get("cosmosDbResourceId") or "/")
    if database is not None:
        database["doc"]["properties"]["keyVaultKeyUri"] = identifier.rpartition("/")[0]
    account = tenant.resource(encryption.get("storageAccountResourceId") or "/")
    if account is not None and account["doc"].get("managedBy"):
        microsoft_storage.follow_workspace(tenant, account["doc"], identifier)
