"""Actions of a workspace: diagnose, keys, the managed network (recordings 01, 05)."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cmkctl.sandbox.core import errors, ids, operations, resources, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_storage
from cmkctl.sandbox.providers.microsoft_machinelearningservices import unpublished, workspaces
from cmkctl.sandbox.providers.microsoft_machinelearningservices.shape import RESOURCE_TYPE

COVERAGE = Area(
    "Azure ML workspaces",
    supported=("diagnose, listKeys, resyncKeys, provisionManagedNetwork",),
    differs=("a managed network has the rules of recording 29, and nothing is provisioned in it",),
)

RESULTS = (
    "userDefinedRouteResults", "networkSecurityRuleResults", "resourceLockResults", "dnsResolutionResults",
    "storageAccountResults", "keyVaultResults", "containerRegistryResults", "applicationInsightsResults", "otherResults",
)  # fmt: skip
CHECKED = {
    "storageAccount": "storageAccountResults",
    "keyVault": "keyVaultResults",
    "containerRegistry": "containerRegistryResults",
    "applicationInsights": "applicationInsightsResults",
}
DIAGNOSE = "workspace.diagnose"
RESYNC = "workspace.resyncKeys"
PROVISION = "workspace.provisionManagedNetwork"


def patch_workspace(tenant: Tenant, call: Call) -> Reply:
    """Change a workspace, passing over what azure-ai-ml adds to the published type."""
    body = json.dumps(unpublished.patch(call.json())).encode()
    return workspaces.patch_workspace(tenant, replace(call, body=body))


# --- operations with a result


def _begin(tenant: Tenant, call: Call, kind: str, headers: tuple[str, ...], **more: Any) -> Reply:
    """Begin an action: 202, empty, with those of the two links that it has."""
    document = resources.existing(tenant, call, RESOURCE_TYPE)["doc"]
    name = operations.start(tenant, kind, document["id"], **more)
    operations.settle(tenant)
    links = workspaces.links(call, name, document["location"])
    return Reply(202, headers={word: links[word] for word in headers})


# --- diagnose


def diagnose(tenant: Tenant, call: Call) -> Reply:
    """Begin a diagnosis: 202 with Location only; the 200 at its end is the diagnosis (recording 05)."""
    if call.body:
        shapes.accept({"value": dict}, call.json(), call.api_version)
    return _begin(tenant, call, DIAGNOSE, ("Location",))


@operations.finisher(DIAGNOSE)
def finish_diagnose(tenant: Tenant, operation: Json) -> None:
    """Look for associated resources that are gone, and for an image build compute that is none."""
    record = tenant.resource(operation["target"])
    found: dict[str, list[Json]] = {name: [] for name in RESULTS}
    if record is not None:
        for name, place in CHECKED.items():
            found[place] += _missing(tenant, name, record["doc"]["properties"].get(name))
        found["containerRegistryResults"] += _image_build(tenant, record["doc"])
    operation["result"] = {"value": found}


def _missing(tenant: Tenant, name: str, identifier: str | None) -> Iterator[Json]:
    """Yield what is wrong with an associated resource that was removed, in the recorded words (05)."""
    if not identifier or tenant.resource(identifier) is not None:
        return
    text = (
        f"Resource {identifier} has been removed, which is an essential resource to use Azure Machine Learning. "
        f"Please recover Resource {identifier}."
    )
    yield {"code": "DependencyResourceNotExist", "level": "Error", "message": text}
    if name != "applicationInsights":
        text = f"Unable to check settings on resource '{identifier}'."
        yield {"code": "UnableToCheckDependencyResource", "level": "Warning", "message": text}


def _image_build(tenant: Tenant, document: Json) -> Iterator[Json]:
    """Yield what is wrong with an image build compute that does not exist, in the recorded words (01)."""
    wanted = document["properties"].get("imageBuildCompute")
    names = [row["doc"]["name"] for row in tenant.resources_in(document["id"]) if "/computes/" in row["doc"]["id"]]
    if wanted and wanted not in names:
        text = (
            f"The compute '{wanted}' is invalid. Only computes of type AmlCompute are supported for the imageBuildCompute "
            "property. Valid AmlCompute compute names in your workspace for building container images are "
            f"[{', '.join(names)}]. See "
            "https://docs.microsoft.com/azure/machine-learning/how-to-secure-workspace-vnet#enable-azure-container-registry-acr"
        )
        yield {"code": "ImageBuildComputeNotValid", "level": "Error", "message": text}


# --- keys


def list_keys(tenant: Tenant, call: Call) -> Reply:
    """Answer the keys of a workspace's associated resources. They open nothing, and they are never logged."""
    properties = resources.existing(tenant, call, RESOURCE_TYPE)["doc"]["properties"]
    insights = tenant.resource(properties.get("applicationInsights") or "/")
    registry = properties.get("containerRegistry")
    keys = {
        "userStorageKey": storage_key(tenant, call, properties["storageAccount"]),
        "userStorageArmId": properties["storageAccount"],
        "userStorageResourceId": properties["storageAccount"],  # its name in older api-versions
        "appInsightsInstrumentationKey": insights and insights["doc"]["properties"]["InstrumentationKey"],
        "containerRegistryCredentials": _credentials(registry, call) if registry else None,
        "notebookAccessKeys": _notebook_keys(properties),
    }
    return Reply(200, {name: value for name, value in keys.items() if value is not None})


def list_notebook_keys(tenant: Tenant, call: Call) -> Reply:
    """Answer the keys of a workspace's notebooks. They open nothing, and they are never logged."""
    return Reply(200, _notebook_keys(resources.existing(tenant, call, RESOURCE_TYPE)["doc"]["properties"]))


def _notebook_keys(properties: Json) -> Json:
    words = ("primary", "secondary")
    return {f"{word}AccessKey": ids.hex_name("notebook", properties["workspaceId"], word) for word in words}


def list_storage_keys(tenant: Tenant, call: Call) -> Reply:
    """Answer the key of a workspace's storage account. It opens nothing, and it is never logged."""
    properties = resources.existing(tenant, call, RESOURCE_TYPE)["doc"]["properties"]
    return Reply(200, {"userStorageKey": storage_key(tenant, call, properties["storageAccount"])})


def storage_key(tenant: Tenant, call: Call, account: str) -> str | None:
    """Return the first key of a storage account; None when it is gone."""
    found = ids.parse(account)
    if found is None or tenant.resource(account) is None:
        return None
    params = {"subscription": found.subscription, "group": found.group, "name": found.name}
    keys = microsoft_storage.list_keys(tenant, replace(call, params=params)).body["keys"]
    return str(keys[0]["value"])


def _credentials(registry: str, call: Call) -> Json:
    name = registry.rsplit("/", 1)[-1]
    passwords = [{"name": word, "value": ids.hex_name(word, registry)} for word in ("password", "password2")]
    server = f"{name.lower()}.{call.cloud.registry_suffix}"
    return {"location": server, "username": name, "passwords": passwords}


def resync_keys(tenant: Tenant, call: Call) -> Reply:
    """Begin to read the associated resources' keys anew: 202 with both links (recording 01)."""
    return _begin(tenant, call, RESYNC, ("Azure-AsyncOperation", "Location"))


@operations.finisher(RESYNC)
def finish_resync(tenant: Tenant, operation: Json) -> None:  # noqa: ARG001  every finisher has the same form
    """End it; the sandbox's keys are always in step."""
    operation["result"] = None


# --- the managed network


def provision_network(tenant: Tenant, call: Call) -> Reply:
    """Begin to provision the managed network of a workspace that has one: 202 with both links."""
    sent = shapes.accept({"includeSpark": bool}, call.json() if call.body else {}, call.api_version)
    network = resources.existing(tenant, call, RESOURCE_TYPE)["doc"]["properties"].get("managedNetwork") or {}
    if network.get("isolationMode", "Disabled") == "Disabled":
        raise errors.network_not_isolated()
    spark = bool(sent.get("includeSpark"))
    return _begin(tenant, call, PROVISION, ("Azure-AsyncOperation", "Location"), spark=spark)


@operations.finisher(PROVISION)
def finish_provision(tenant: Tenant, operation: Json) -> None:
    """Set the managed network to ``Active``."""
    record = tenant.resource(operation["target"])
    operation["result"] = {"sparkReady": operation["spark"], "status": "Active"}
    if record is not None:
        record["doc"]["properties"]["managedNetwork"]["status"] = operation["result"]


ROUTES = (
    *workspaces.routes(patch_workspace),
    RESOURCE_TYPE.route("POST", RESOURCE_TYPE.path + "/diagnose", diagnose),
    RESOURCE_TYPE.route("POST", RESOURCE_TYPE.path + "/listKeys", list_keys),
    RESOURCE_TYPE.route("POST", RESOURCE_TYPE.path + "/listNotebookKeys", list_notebook_keys),
    RESOURCE_TYPE.route("POST", RESOURCE_TYPE.path + "/listStorageAccountKeys", list_storage_keys),
    RESOURCE_TYPE.route("POST", RESOURCE_TYPE.path + "/resyncKeys", resync_keys),
    RESOURCE_TYPE.route("POST", RESOURCE_TYPE.path + "/provisionManagedNetwork", provision_network),
)
