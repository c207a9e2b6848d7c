"""The four datastores every workspace is created with."""

from cmkctl.sandbox.core import errors, ids
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_machinelearningservices.actions import storage_key
from cmkctl.sandbox.providers.microsoft_machinelearningservices.children import parent
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import RESOURCE_TYPE, VERSIONS

COVERAGE = Area("Azure ML workspaces", supported=("the four default datastores: list, get, listSecrets",))

TYPE = f"{RESOURCE_TYPE.type}/datastores"
DATASTORES = {
    "workspaceblobstore": ("AzureBlob", "containerName", "azureml-blobstore-{}"),
    "workspacefilestore": ("AzureFile", "fileShareName", "azureml-filestore-{}"),
    "workspaceartifactstore": ("AzureBlob", "containerName", "azureml"),
    "workspaceworkingdirectory": ("AzureFile", "fileShareName", "code-391ff5ac-6576-460f-ba4d-7e03433c68b6"),
}
"""Name: type, and which container or share; ``{}`` is the workspace's own GUID."""

DEFAULT_DATASTORE = "workspaceblobstore"


def _datastore(call: Call, workspace: Json, name: str) -> Json:
    kind, place, pattern = DATASTORES[name]
    properties = workspace["properties"]
    account = ids.parse(properties.get("storageAccount") or "")
    by_key = properties.get("systemDatastoresAuthMode", "accesskey").lower() == "accesskey"
    return {
        "id": f"{workspace['id']}/datastores/{name}",
        "name": name,
        "type": TYPE,
        "properties": {
            "description": None,
            "tags": None,
            "properties": None,
            "isDefault": name == DEFAULT_DATASTORE,
            "credentials": {"credentialsType": "AccountKey" if by_key else "None"},
            "intellectualProperty": None,
            "subscriptionId": account and account.subscription,
            "resourceGroup": account and account.group,
            "datastoreType": kind,
            "accountName": account and account.name,
            place: pattern.format(properties["workspaceId"]),
            "endpoint": call.cloud.storage_suffix,
            "protocol": "https",
            "serviceDataAccessAuthIdentity": "None",
        },
        "systemData": workspace["systemData"],
    }


def list_datastores(tenant: Tenant, call: Call) -> Reply:
    """Answer the datastores of a workspace, or the default one, or those named."""
    workspace = parent(tenant, call, TYPE)
    rows = [_datastore(call, workspace, name) for name in DATASTORES]
    wanted = call.query.get("isdefault", "").lower()
    if wanted:
        rows = [row for row in rows if str(row["properties"]["isDefault"]).lower() == wanted]
    names = [name for name in call.query.get("names", "").lower().split(",") if name]
    return Reply(200, {"value": [row for row in rows if not names or row["name"] in names], "nextLink": None})


def get_datastore(tenant: Tenant, call: Call) -> Reply:
    """Answer one datastore."""
    workspace = parent(tenant, call, TYPE)
    return Reply(200, _datastore(call, workspace, _known(call)))


def list_secrets(tenant: Tenant, call: Call) -> Reply:
    """Answer the key a datastore is opened with. It opens nothing, and it is never logged."""
    workspace, name = parent(tenant, call, TYPE), _known(call)
    if _datastore(call, workspace, name)["properties"]["credentials"]["credentialsType"] == "None":
        raise errors.datastore_without_secrets(name)
    key = storage_key(tenant, call, workspace["properties"]["storageAccount"])
    return Reply(200, {"secretsType": "AccountKey", "key": key})


def _known(call: Call) -> str:
    name = call["child"].lower()
    if name not in DATASTORES:
        raise errors.resource_not_found(TYPE, f"{call['name']}/{call['child']}", call["group"])
    return name


ROUTES = (
    Route("GET", RESOURCE_TYPE.path + "/datastores", list_datastores, TYPE, VERSIONS),
    Route("GET", RESOURCE_TYPE.path + "/datastores/{child}", get_datastore, TYPE, VERSIONS),
    Route("POST", RESOURCE_TYPE.path + "/datastores/{child}/listSecrets", list_secrets, TYPE, VERSIONS),
)
