"""Container groups: a key is chosen when the group is created, with its version, and its reader is evaluated on it."""

import re

from cmkctl.sandbox.core import customer_keys, errors, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.latency import Duration
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.core.refusal import ours
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_managedidentity

COVERAGE = Area(
    "container groups",
    supported=(
        "PUT (201), PATCH of tags, GET, list, DELETE; secure values and workspace keys are not shown (recording 96)",
        "customer-managed keys: chosen at creation, with a version; the application or the identity that reads it is checked",
    ),
    differs=("a group is created without an operation to poll; Azure has one",),
    not_modelled=("running containers, logs, start and stop, networks, spot and confidential groups",),
    guesses=("the application needs get, wrapKey and unwrapKey here; Microsoft's page has get and unwrapKey",),
)
APP_ID = "6bb8e274-af5d-4df2-98a3-4fd78b4cafd9"
"""Azure Container Instance Service in the public cloud."""

group_key_fixed = errors.ErrorRow(
    400,
    "BadRequest",
    ours("that it is refused is documented; its wording is not"),
    "The encryption properties of a container group cannot change. Delete the group and create it again.",
)

CONTAINER = {"name": Required(str), "properties": dict}
GROUP = resources.ResourceType(
    type="Microsoft.ContainerInstance/containerGroups",
    versions=("2022-09-01", "2023-05-01", "2024-05-01-preview", "2025-09-01"),
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        "zones": [str],
        "identity": {
            "type": ("None", "SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned"),
            "userAssignedIdentities": shapes.MapOf(dict),
            "principalId": READ_ONLY,
            "tenantId": READ_ONLY,
        },
        "properties": Required(
            {
                "containers": Required([CONTAINER]),
                "initContainers": [CONTAINER],
                "osType": Required(("Linux", "Windows")),
                "sku": ("Standard", "Dedicated", "Confidential"),
                "restartPolicy": ("Always", "OnFailure", "Never"),
                "ipAddress": dict,
                "diagnostics": dict,
                "encryptionProperties": {
                    "vaultBaseUrl": Required(str),
                    "keyName": Required(str),
                    "keyVersion": Required(str),
                    "identity": str,
                },
                **dict.fromkeys(
                    ("imageRegistryCredentials", "volumes", "subnetIds", "dnsConfig", "extensions", "priority"),
                    shapes.NOT_MODELLED,
                ),
                **dict.fromkeys(
                    (
                        "provisioningState",
                        "instanceView",
                        "isCustomProvisioningTimeout",
                        "provisioningTimeoutInSeconds",
                    ),
                    READ_ONLY,
                ),
            }
        ),
    },
    name=re.compile(r"(?=.{1,63}$)[a-z0-9]+(?:-[a-z0-9]+)*"),
    name_rule="1-63 lower-case letters, digits and single hyphens",
)
GROUPS = resources.Resources(GROUP)


def put_group(tenant: Tenant, call: Call) -> Reply:
    """Create a group, 201, or update one that keeps its key, 200."""
    write = resources.begin_write(tenant, call, GROUP)
    sent = {name: value for name, value in write.body["properties"].items() if value is not None}
    before = write.existing["doc"]["properties"].get("encryptionProperties") if write.existing else None
    if write.existing is not None and before != sent.get("encryptionProperties"):
        raise group_key_fixed()
    identity = write.body.get("identity") or {}
    old = write.existing["doc"].get("identity") if write.existing else None
    own = microsoft_managedidentity.with_principal(tenant, write.id, identity, old) if identity.get("type") else None
    if write.existing is None and sent.get("encryptionProperties"):
        _check_key(tenant, sent["encryptionProperties"], own)
    if (sent.get("ipAddress") or {}).get("dnsNameLabel"):
        sent["ipAddress"] = _with_host(sent["ipAddress"], write.location)
    document = _group(write.id, write.name, write.location, sent)
    document |= {"tags": write.body.get("tags") or {}} | ({"identity": own} if own else {})
    document["properties"]["provisioningState"] = "Pending"
    record = resources.store(tenant, document, countdown=tenant.begin("container_group.create"))
    if tenant.over(record["countdown"]):
        resources.settle(tenant, record)
    return Reply(200 if write.existing else 201, document)


def _group(identifier: str, name: str, location: str, sent: Json) -> Json:
    properties = {"sku": "Standard", "isCustomProvisioningTimeout": False, "provisioningTimeoutInSeconds": 1800, **sent}
    return {
        "properties": _without_secrets(properties),
        "id": identifier,
        "name": name,
        "type": GROUP.type,
        "location": location,
        "tags": {},
    }


def _with_host(address: Json, location: str) -> Json:
    """Add the host name that a label leads to (recording 96)."""
    host = f"{address['dnsNameLabel']}.{location}.azurecontainer.io"
    return {"autoGeneratedDomainNameLabelScope": "Unsecure", **address, "fqdn": host}


def _without_secrets(value: object) -> object:
    """Leave out what Azure was recorded not to show."""
    if isinstance(value, dict):
        hidden = ("secureValue", "workspaceKey")
        return {name: _without_secrets(each) for name, each in value.items() if name not in hidden}
    return [*map(_without_secrets, value)] if isinstance(value, list) else value


def _check_key(tenant: Tenant, encryption: Json, identity: Json | None) -> None:
    """Refuse a key that neither the identity of the group nor Microsoft's application may use."""
    user = encryption.get("identity")
    reader = customer_keys.reader_of(tenant, identity, user) if user else _application(tenant)
    customer_keys.require_usable(
        tenant, encryption["vaultBaseUrl"], encryption["keyName"], encryption["keyVersion"], reader
    )


def _application(tenant: Tenant) -> str | None:
    principals = tenant.table("principals").items()
    return next((object_id for object_id, each in principals if each["appId"] == APP_ID), None)


def patch_group(tenant: Tenant, call: Call) -> Reply:
    """Update the tags, 200. PATCH has no other member but zones."""
    record = resources.existing(tenant, call, GROUP)
    body = shapes.accept({"tags": shapes.TAGS}, call.json(), call.api_version, partial=True)
    if body.get("tags") is not None:
        record["doc"]["tags"] = body["tags"]
    tenant.changed()
    return Reply(200, record["doc"])


def add_container_group(
    state: Arrangement, name: str, group: str = "rg", location: str = LOCATION, encryption: Json | None = None
) -> str:
    """Add a group of one container, with Microsoft's key unless `encryption` is given; return its id."""
    group_id = state.add_resource_group(group, location)
    state.register_provider("Microsoft.ContainerInstance")
    identifier = f"{group_id}/providers/{GROUP.type}/{name}"
    sent: Json = {"containers": [{"name": name, "properties": {"image": "alpine"}}], "osType": "Linux"}
    with state.arranging():
        document = _group(
            identifier, name, location, sent | ({"encryptionProperties": encryption} if encryption else {})
        )
        document["properties"]["provisioningState"] = "Succeeded"
        resources.store(state.tenant, document)
    return identifier


ROUTES = GROUPS.routes(put_group, patch_group)

PROVIDER = Provider(
    namespace="Microsoft.ContainerInstance",
    coverage=(COVERAGE,),
    routes=ROUTES,
    durations=(Duration("container_group.create", 20, "recording 96: two polls"),),
    arrange=(add_container_group,),
)
