"""The children of a workspace that the sandbox does not create: lists are empty, a single one is not found."""

from cmkctl.sandbox.core import errors, resources
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_machinelearningservices.children import missing, parent
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import RESOURCE_TYPE, VERSIONS

EMPTY = ("codes", "components", "data", "environments", "jobs", "models", "schedules")
COVERAGE = Area(
    "Azure ML workspaces",
    supported=(
        "empty lists of models, environments, data, components, jobs and schedules",
        "listNotebookKeys, listStorageAccountKeys, privateLinkResources",
    ),
    guesses=("the wording for a model or an environment that is not there is that of Azure Resource Manager",),
)


def list_none(tenant: Tenant, call: Call) -> Reply:
    """Answer an empty list, if the workspace is there."""
    parent(tenant, call, f"{RESOURCE_TYPE.type}/{call.path.rpartition('/')[2]}")
    return Reply(200, {"value": []})


def get_none(tenant: Tenant, call: Call) -> Reply:
    """Refuse what is not there: 404."""
    kind = f"{RESOURCE_TYPE.type}/{call.path.split('/')[-2]}"
    parent(tenant, call, kind)
    raise missing(call, kind)


PRIVATE_LINK_TYPE = f"{RESOURCE_TYPE.type}/privateLinkResources"
ZONES = ("privatelink.api.azureml.ms", "privatelink.notebooks.azure.net")


def list_private_link(tenant: Tenant, call: Call) -> Reply:
    """Answer what a private endpoint of a workspace connects to, as documented for private endpoints of workspaces."""
    record = tenant.resource(resources.address(tenant, call, RESOURCE_TYPE))
    if record is None:
        raise errors.resource_not_found(RESOURCE_TYPE.type, call["name"], call["group"])
    row: Json = {
        "id": f"{record['doc']['id']}/privateLinkResources/amlworkspace",
        "name": "amlworkspace",
        "type": PRIVATE_LINK_TYPE,
        "location": record["doc"]["location"],
        "properties": {"groupId": "amlworkspace", "requiredMembers": ["default"], "requiredZoneNames": list(ZONES)},
    }
    return Reply(200, {"value": [row]})


ROUTES = (
    *(
        Route("GET", f"{RESOURCE_TYPE.path}/{name}", list_none, f"{RESOURCE_TYPE.type}/{name}", VERSIONS)
        for name in EMPTY
    ),
    *(
        Route("GET", f"{RESOURCE_TYPE.path}/{name}/{{child}}", get_none, f"{RESOURCE_TYPE.type}/{name}", VERSIONS)
        for name in EMPTY
    ),
    Route("GET", RESOURCE_TYPE.path + "/privateLinkResources", list_private_link, PRIVATE_LINK_TYPE, VERSIONS),
)
