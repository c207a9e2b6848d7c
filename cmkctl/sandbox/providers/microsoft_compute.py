"""Disk encryption sets: PUT and PATCH are 202 with a body and both links (recording 73), with an identity of their own."""

import re

from cmkctl.sandbox.core import errors, operations, resources, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.latency import Duration
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_managedidentity

COVERAGE = Area(
    "disk encryption sets",
    supported=(
        "PUT and PATCH (202 with a body, polls), GET, list, DELETE; an identity of their own; the key of one vault",
    ),
    not_modelled=("disks; automatic rotation",),
)

WRITE = "des.write"
TYPES = (
    "EncryptionAtRestWithCustomerKey",
    "EncryptionAtRestWithPlatformAndCustomerKeys",
    "ConfidentialVmEncryptedWithCustomerKey",
)
KEY_URL = re.compile(r"https://([^/:]+)/keys/([A-Za-z0-9-]+)/([0-9a-fA-F]{32})/?")
RESOURCE_TYPE = resources.ResourceType(
    type="Microsoft.Compute/diskEncryptionSets",
    versions=(
        "2020-06-30",
        "2022-03-02",
        "2022-07-02",
        "2023-01-02",
        "2023-04-02",
        "2023-10-02",
        "2024-03-02",
        "2025-01-02",
    ),
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        "identity": {
            "type": Required(("SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned", "None")),
            "userAssignedIdentities": shapes.MapOf(dict),
            "principalId": READ_ONLY,
            "tenantId": READ_ONLY,
        },
        "properties": {
            "encryptionType": TYPES,
            "activeKey": {"sourceVault": {"id": str}, "keyUrl": Required(str)},
            "rotationToLatestKeyVersionEnabled": bool,
            "federatedClientId": str,
            **dict.fromkeys(
                ("previousKeys", "provisioningState", "lastKeyRotationTimestamp", "autoKeyRotationError"), READ_ONLY
            ),
        },
    },
    name=re.compile(r"[A-Za-z0-9_][\w-]{0,79}"),
    name_rule="1-80 letters, digits, - and _",
)
SETS = resources.Resources(RESOURCE_TYPE)


def put_set(tenant: Tenant, call: Call) -> Reply:
    """Create or replace a set: 202 with what is coming."""
    write = resources.begin_write(tenant, call, RESOURCE_TYPE)
    sent = {name: value for name, value in (write.body.get("properties") or {}).items() if value is not None}
    if "activeKey" not in sent:
        raise errors.property_refused("properties.activeKey", "is required")
    before = write.existing["doc"]["properties"] if write.existing else {}
    document = {
        "name": write.name,
        "id": write.id,
        "type": RESOURCE_TYPE.type,
        "location": write.location,
        **({"tags": write.body["tags"]} if write.body.get("tags") else {}),
        "identity": microsoft_managedidentity.with_principal(
            tenant,
            write.id,
            write.body.get("identity") or {"type": "SystemAssigned"},
            write.existing and write.existing["doc"]["identity"],
        ),
        "properties": {**before, **sent, "provisioningState": "Updating"},
    }
    return _accepted(tenant, call, document)


def patch_set(tenant: Tenant, call: Call) -> Reply:
    """Change the key, the rotation or the tags of a set: 202."""
    record = resources.existing(tenant, call, RESOURCE_TYPE)
    body = shapes.accept(RESOURCE_TYPE.shape, call.json(), call.api_version, partial=True)
    document = shapes.merge(record["doc"], body)
    document["properties"]["provisioningState"] = "Updating"
    return _accepted(tenant, call, document)


def _accepted(tenant: Tenant, call: Call, document: Json) -> Reply:
    _require_key(tenant, call, document["properties"]["activeKey"])
    late = tenant.faults.strikes("late-failure", document["id"])
    failure = errors.failed_late(document["id"]).error() if late else None
    # As recorded: without id, name and type, and without the principal of a new identity.
    answer: Json = {name: document[name] for name in ("location", "tags") if name in document}
    own = ("principalId", "tenantId")
    answer["identity"] = {name: value for name, value in document["identity"].items() if name not in own}
    answer["properties"] = dict(document["properties"])
    resources.store(tenant, document)
    name = operations.start(tenant, WRITE, document["id"], failure=failure)
    operations.settle(tenant)
    return Reply(202, answer, _links(call, name, document["location"]))


def _require_key(tenant: Tenant, call: Call, key: Json) -> None:
    """Refuse a key that is not there, has no version, or lies in a vault without purge protection.

    That the service refuses is documented; the words are the sandbox's.
    """
    match = KEY_URL.fullmatch(key["keyUrl"])
    if match is None:
        raise errors.des_key_url_invalid(key["keyUrl"])
    wanted = (key.get("sourceVault") or {}).get("id")
    if not wanted:
        return
    vault = tenant.resource(wanted)
    if vault is None or match[1].lower() != f"{vault['doc']['name'].lower()}.{call.cloud.vault_suffix}":
        raise errors.des_key_elsewhere(key["keyUrl"], wanted)
    if not vault["doc"]["properties"].get("enablePurgeProtection"):
        raise errors.des_purge_protection(wanted)
    record = tenant.resource(f"{vault['doc']['id']}/keys/{match[2]}")
    if record is None or match[3].lower() not in {row["version"] for row in record["versions"]}:
        raise errors.des_key_missing(key["keyUrl"])


@operations.finisher(WRITE)
def finish_write(tenant: Tenant, operation: Json) -> None:
    """End a write: ``Succeeded``, or ``Failed``."""
    record = tenant.resource(operation["target"])
    if record is not None:
        properties = record["doc"]["properties"]
        properties.setdefault("encryptionType", TYPES[0])
        properties["provisioningState"] = "Succeeded" if operation["failure"] is None else "Failed"


def _links(call: Call, name: str, location: str) -> dict[str, str]:
    path = (
        f"/subscriptions/{call['subscription']}/providers/Microsoft.Compute/locations/{location}/DiskOperations/{name}"
    )
    return {
        "Azure-AsyncOperation": operations.link(call, path, name),
        "Location": operations.link(call, path, name, monitor="true"),
    }


def poll_write(tenant: Tenant, call: Call) -> Reply:
    """Answer the operation or, at its Location once it is over, the set."""
    operations.require_verbatim(call, call["operation"])
    operation = operations.poll(tenant, call["operation"])
    record = tenant.resource(operation["target"])
    if call.query.get("monitor") and operation["failure"] is None:
        return Reply(200, record["doc"]) if operation["finished"] and record else Reply(202)
    head: Json = {"startTime": operation["created"]}
    if not operation["finished"]:
        return Reply(200, {**head, "status": "InProgress", "name": call["operation"]})
    head["endTime"] = operation["ended"]
    if operation["failure"] is not None:
        return Reply(200, {**head, "status": "Failed", "error": operation["failure"], "name": call["operation"]})
    output = record["doc"] if record else None
    return Reply(200, {**head, "status": "Succeeded", "properties": {"output": output}, "name": call["operation"]})


def delete_set(tenant: Tenant, call: Call) -> Reply:
    """Take a set and its identity away: 200, or 204 when it is not there."""
    record = tenant.resource(resources.address(tenant, call, RESOURCE_TYPE))
    if record is not None:
        tenant.table("principals").pop(record["doc"]["identity"].get("principalId", ""), None)
    return SETS.delete(tenant, call)


ROUTES = (
    *SETS.routes(put_set, patch_set, delete_set),
    Route(
        "GET",
        "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/DiskOperations/{operation}",
        poll_write,
    ),
)

PROVIDER = Provider(
    namespace="Microsoft.Compute",
    coverage=(COVERAGE,),
    routes=ROUTES,
    durations=(Duration("des.write", 1, "recording 73: 0.1 and 0.8 s by the operation's own times"),),
)
