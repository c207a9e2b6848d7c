"""Hubs and their projects: what a project shares with its hub, and what neither may have."""

from collections.abc import Iterator

from cmkctl.sandbox.core import errors, ids, resources
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.regions import normal
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import kind_of

SHARED = ("storageAccount", "keyVault", "applicationInsights", "containerRegistry")
OF_ONE_KIND = {"workspaceHubConfig": "Hub", "featureStoreSettings": "FeatureStore", "hubResourceId": "Project"}
"""The kind of workspace to which a property belongs."""


def check_kind(body: Json) -> None:
    """Refuse the settings of another kind.

    Raises:
        AzureError: 400.

    """
    kind = kind_of(body)
    for field, wanted in OF_ONE_KIND.items():
        if body["properties"].get(field) and kind != wanted:
            raise errors.settings_of_another_kind(field=field, wanted=wanted, kind=kind)


def with_stores_of_hub(tenant: Tenant, write: resources.Write) -> Json:
    """Return the properties of a project with what it shares with its hub.

    Raises:
        AzureError: 400 for a hub that is none, another region, or an encryption of its own.

    """
    properties = write.body["properties"]
    identifier = properties.get("hubResourceId") or ""
    hub = tenant.resource(identifier)
    if hub is None or hub["doc"].get("kind") != "Hub" or hub["doc"]["properties"]["provisioningState"] == "Failed":
        raise errors.hub_missing(identifier)
    if properties.get("encryption"):
        raise errors.project_encrypted(write.name)
    if normal(hub["doc"]["location"]) != normal(write.location):
        raise errors.project_elsewhere(name=write.name, location=hub["doc"]["location"])
    return {**properties, **{name: hub["doc"]["properties"].get(name) for name in SHARED}}


def projects_of(tenant: Tenant, hub_id: str) -> Iterator[Json]:
    """Yield the documents of a hub's projects."""
    for row in list(tenant.table("resources").values()):
        properties = row["doc"].get("properties") or {}
        if row["doc"].get("kind") == "Project" and ids.key(properties.get("hubResourceId") or "/") == ids.key(hub_id):
            yield row["doc"]


def require_unused(tenant: Tenant, hub: Json) -> None:
    """Refuse to delete a hub that has projects.

    Raises:
        AzureError: 409.

    """
    names = [each["name"] for each in projects_of(tenant, hub["id"])]
    if names:
        raise errors.hub_in_use(name=hub["name"], projects=", ".join(sorted(names)))
