"""The resource group Azure Machine Learning manages for a CMK workspace: what is made in it, and whether it can be."""

from cmkctl.sandbox.core import ids, policy, resources
from cmkctl.sandbox.core.errors import AzureError
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.state import Tenant

KINDS = {
    "cosmosDbResourceId": ("Microsoft.DocumentDB/databaseAccounts", "cosmosdb"),
    "storageAccountResourceId": ("Microsoft.Storage/storageAccounts", "sa"),
    "searchAccountResourceId": ("Microsoft.Search/searchServices", "azuremlrg"),
}
"""Type and name prefix of each managed resource, by the property of ``encryption`` that refers to it."""


def made_for(workspace_id: str) -> dict[str, tuple[str, str]]:
    """Return the type and name of each managed resource of a workspace, by the property that names it."""
    tail = ids.hex_name("managed", workspace_id, length=9)
    return {field: (kind, f"{head}{tail}") for field, (kind, head) in KINDS.items()}


def denial(tenant: Tenant, workspace_id: str, location: str, brought: Json) -> AzureError | None:
    """Return the refusal of a managed resource by a policy; None when none is refused.

    They are judged with nothing set that a policy could ask for: what the service really sends is not published.

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
        stub = {"id": identifier, "name": resource_name, "type": kind, "location": document["location"], "tags": {}}
        if field not in encryption:
            resources.store(tenant, {**stub, "managedBy": document["id"], "properties": {}}, owner=document["id"])
            encryption[field] = identifier
    document["properties"]["serviceProvisionedResourceGroup"] = group_id
