"""Container registries: global names, 201 while creating, Premium for a customer-managed key."""

import re

from cmkctl.sandbox.core import errors, resources, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.latency import GUESS, Duration
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant

COVERAGE = Area(
    "container registries",
    supported=("PUT (201), PATCH, GET, list, DELETE; a customer-managed key needs Premium and is chosen once",),
    differs=("a key that the registry may not use is accepted all the same",),
    not_modelled=("images, tasks, listCredentials, private endpoints",),
)

RESOURCE_TYPE = resources.ResourceType(
    type="Microsoft.ContainerRegistry/registries",
    versions=("2019-05-01", "2021-09-01", "2022-12-01", "2023-07-01", "2025-04-01", "2025-11-01"),
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        "systemData": READ_ONLY,
        "sku": Required({"name": Required(("Basic", "Standard", "Premium")), "tier": READ_ONLY}),
        "identity": dict,
        "properties": {
            "adminUserEnabled": bool,
            "anonymousPullEnabled": bool,
            "networkRuleSet": dict,
            "policies": dict,
            "encryption": {
                "status": ("enabled", "disabled"),
                "keyVaultProperties": {"keyIdentifier": str, "identity": str},
            },
            "dataEndpointEnabled": bool,
            "publicNetworkAccess": ("Enabled", "Disabled"),
            "networkRuleBypassOptions": ("AzureServices", "None"),
            "zoneRedundancy": ("Enabled", "Disabled"),
            **dict.fromkeys(
                ("networkRuleBypassAllowedForTasks", "roleAssignmentMode", "storageAccount"), shapes.NOT_MODELLED
            ),
            **dict.fromkeys(("loginServer", "creationDate", "provisioningState", "status"), READ_ONLY),
        },
    },
    name=re.compile(r"[a-zA-Z0-9]{5,50}"),
    name_rule="5-50 letters and digits",
)


def view(tenant: Tenant, record: Json, call: Call) -> Json:  # noqa: ARG001  every view has the same form
    """Show a registry, with its address in the cloud that is asked."""
    document = record["doc"]
    server = f"{document['name'].lower()}.{call.cloud.registry_suffix}"
    return {**document, "properties": {"loginServer": server, **document["properties"]}}


REGISTRIES = resources.Resources(RESOURCE_TYPE, view)


def put_registry(tenant: Tenant, call: Call) -> Reply:
    """Create a registry, 201 ``Creating`` (fact 39), or update one, 200."""
    write = resources.begin_write(tenant, call, RESOURCE_TYPE)
    sent = {name: value for name, value in (write.body.get("properties") or {}).items() if value is not None}
    if write.existing is not None:
        return _update(tenant, call, write.existing, write.body)
    if (sent.get("encryption") or {}).get("status") == "enabled" and write.body["sku"]["name"].lower() != "premium":
        raise errors.registry_needs_premium()
    name = write.name.lower()
    if any(key.endswith(f"/microsoft.containerregistry/registries/{name}") for key in tenant.table("resources")):
        raise errors.registry_name_taken(write.name.lower())
    defaults = {
        "creationDate": tenant.timestamp(),
        "provisioningState": "Creating",
        "adminUserEnabled": False,
        "policies": {"quarantinePolicy": {"status": "disabled"}, "exportPolicy": {"status": "enabled"}},
        "encryption": {"status": "disabled"},
        "dataEndpointEnabled": False,
        "publicNetworkAccess": "Enabled",
        "networkRuleBypassOptions": "AzureServices",
        "zoneRedundancy": "Disabled",
    }
    sku = write.body["sku"]["name"]
    document = {
        "id": write.id,
        "name": write.name,
        "type": RESOURCE_TYPE.type,
        "location": write.location,
        "tags": write.body.get("tags") or {},
        "sku": {"name": sku, "tier": sku},
        **({"identity": write.body["identity"]} if write.body.get("identity") else {}),
        "properties": shapes.merge(defaults, sent),
        "systemData": tenant.system_data(),
    }
    record = resources.store(tenant, document, countdown=tenant.begin("registry.create"))
    if tenant.over(record["countdown"]):
        resources.settle(tenant, record)
    return Reply(201, view(tenant, record, call))


def patch_registry(tenant: Tenant, call: Call) -> Reply:
    """Change a registry, 200."""
    record = resources.existing(tenant, call, RESOURCE_TYPE)
    return _update(
        tenant, call, record, shapes.accept(RESOURCE_TYPE.shape, call.json(), call.api_version, partial=True)
    )


def _update(tenant: Tenant, call: Call, record: Json, body: Json) -> Reply:
    document = record["doc"]
    sent = {name: value for name, value in (body.get("properties") or {}).items() if value is not None}
    wanted = (sent.get("encryption") or {}).get("status")
    if wanted is not None and wanted != document["properties"]["encryption"]["status"]:
        raise errors.registry_encryption_fixed()
    document["properties"] = shapes.merge(document["properties"], sent)
    if body.get("tags") is not None:
        document["tags"] = body["tags"]
    if (body.get("sku") or {}).get("name"):
        document["sku"] = {"name": body["sku"]["name"], "tier": body["sku"]["name"]}
    tenant.changed()
    return Reply(200, view(tenant, record, call))


ROUTES = REGISTRIES.routes(put_registry, patch_registry)

PROVIDER = Provider(
    namespace="Microsoft.ContainerRegistry",
    coverage=(COVERAGE,),
    routes=ROUTES,
    durations=(Duration("registry.create", 10, GUESS),),
)
