"""Disk encryption sets: every write is 202 with both links (recordings 59, 73, 74, 84), with an identity of their own."""

import re
from datetime import UTC, datetime
from typing import Any

from cmkctl.sandbox.core import customer_keys, errors, ids, key_loss, operations, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.clouds import Cloud
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.latency import Duration
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.refusal import quoted
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_managedidentity

COVERAGE = Area(
    "disk encryption sets",
    supported=(
        "PUT, PATCH and DELETE (202 and polls, recordings 59, 73, 74, 84), GET, list; an identity of their own",
        "accepted over a vault without purge protection (recordings 74, 84)",
        "`lastKeyRotationTimestamp` after each change of the key (recording 59)",
        "the identity on the key: of a user-assigned one at each write, of the set's own when the set has disks",
        "automatic rotation, an hour after a new version of the key; `autoKeyRotationError` where the key is lost",
    ),
    differs=("the new version is used by all disks at once, so that `previousKeys` stays empty",),
    guesses=(
        "a set that rotates by itself shows a lost key after an hour as `autoKeyRotationError`, and its return at once",
        "a set that never existed is `NotFound`, too: recorded is that code for a deleted one (74, 84)",
        "the Location of a DELETE is an empty 200 at its end",
    ),
)

WRITE = "des.write"
DELETE = "des.delete"
ROTATION_SINCE = "2020-12-01"
"""The first api-version with ``lastKeyRotationTimestamp``: 2020-06-30 lacks it (73), 2022-03-02 has it (59)."""
TYPES = (
    "EncryptionAtRestWithCustomerKey",
    "EncryptionAtRestWithPlatformAndCustomerKeys",
    "ConfidentialVmEncryptedWithCustomerKey",
)
ROTATION = 3600
"""Seconds after which a set that rotates by itself uses a new version of its key."""

set_may_not_use_key = errors.ErrorRow(
    400,
    "KeyVaultAccessForbidden",
    quoted("MicrosoftDocs/azure-docs#96319 and ansible-collections/azure#1676; their status is not shown"),
    "Unable to access key vault resource '{url}' to enable encryption at rest. Please grant get, wrap and unwrap key permissions "
    "to {reader}. Please visit https://aka.ms/keyvaultaccessssecmk for more information.",
)

KEY_URL = re.compile(r"https://([^/:]+)/keys/([A-Za-z0-9-]+)/([0-9a-fA-F]{32})/?")
RESOURCE_TYPE = resources.ResourceType(
    type="Microsoft.Compute/diskEncryptionSets",
    versions=(
        "2020-06-30",
        "2020-12-01",
        "2021-04-01",
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


def view(tenant: Tenant, record: Json, call: Call) -> Json:  # noqa: ARG001  every view has the same form
    """Show a set as the api-version of the request has it."""
    document: Json = record["doc"]
    if call.api_version >= ROTATION_SINCE:
        return document
    hidden = "lastKeyRotationTimestamp"
    return {**document, "properties": {name: value for name, value in document["properties"].items() if name != hidden}}


SETS = resources.Resources(RESOURCE_TYPE, view)


def get_set(tenant: Tenant, call: Call) -> Reply:
    """Answer one set, or 404 ``NotFound`` in the provider's own words (recordings 74, 84)."""
    identifier = resources.address(tenant, call, RESOURCE_TYPE)
    operations.look(tenant, identifier)
    record = tenant.resource(identifier)
    if record is None:
        raise errors.des_not_found(call["name"])
    return Reply(200, view(tenant, record, call))


def put_set(tenant: Tenant, call: Call) -> Reply:
    """Create or replace a set: 202 with what was sent, and ``Updating``."""
    write = resources.begin_write(tenant, call, RESOURCE_TYPE)
    sent = {name: value for name, value in (write.body.get("properties") or {}).items() if value is not None}
    if "activeKey" not in sent:
        raise errors.property_refused("properties.activeKey", "is required")
    identity = write.body.get("identity") or {"type": "SystemAssigned"}
    before = write.existing["doc"]["properties"] if write.existing else {}
    identity_before = write.existing["doc"]["identity"] if write.existing else _former_identity(tenant, write.id)
    document = {
        "name": write.name,
        "id": write.id,
        "type": RESOURCE_TYPE.type,
        "location": write.location,
        **({"tags": write.body["tags"]} if write.body.get("tags") else {}),
        "identity": microsoft_managedidentity.with_principal(tenant, write.id, identity, identity_before),
        "properties": {**before, **sent, "provisioningState": "Updating"},
    }
    # As recorded: without id and type, without a name that was not sent, and without the principal of a new identity.
    answer: Json = {
        **({"name": write.name} if call.json().get("name") else {}),
        **{name: document[name] for name in ("location", "tags") if name in document},
        "identity": identity,
        "properties": {**sent, "provisioningState": "Updating"},
    }
    return _accepted(tenant, call, document, before, answer)


def _former_identity(tenant: Tenant, identifier: str) -> Json:
    """Return the identity of a deleted set of that id: it has the same principal again (recording 59)."""
    former: Json = tenant.table("former_set_identities").get(ids.key(identifier), {})
    return former


def patch_set(tenant: Tenant, call: Call) -> Reply:
    """Change the key, the rotation or the tags of a set: 202 with the old document whole, and ``Updating``."""
    record = resources.existing(tenant, call, RESOURCE_TYPE)
    body = shapes.accept(RESOURCE_TYPE.shape, call.json(), call.api_version, partial=True)
    before = record["doc"]["properties"]
    document = shapes.merge(record["doc"], body)
    if (body.get("identity") or {}).get("type"):
        document["identity"] = microsoft_managedidentity.with_principal(
            tenant, document["id"], body["identity"], record["doc"]["identity"], partial=True
        )
    document["properties"]["provisioningState"] = "Updating"
    shown = view(tenant, record, call)
    answer = {**shown, "properties": {**shown["properties"], "provisioningState": "Updating"}}
    return _accepted(tenant, call, document, before, answer)


def _accepted(tenant: Tenant, call: Call, document: Json, before: Json, answer: Json) -> Reply:
    """Begin a write: 202 with `answer`, both links, and at the end the moment at which the key was changed."""
    properties = document["properties"]
    _require_key(tenant, call, properties["activeKey"])
    if _users(document) or disks_of(tenant, document):
        require_grant(tenant, document)
    late = tenant.faults.strikes("late-failure", document["id"])
    failure = errors.failed_late(document["id"]).error() if late else None
    resources.store(tenant, document)
    key = properties["activeKey"]["keyUrl"]
    rotated = bool(before) and before["activeKey"]["keyUrl"] != key
    name = operations.start(tenant, WRITE, document["id"], failure=failure, rotated=rotated)
    operations.settle(tenant)
    return Reply(202, answer, links(call, name, document["location"]))


def _require_key(tenant: Tenant, call: Call, key: Json) -> None:
    """Refuse a key that is not there or has no version. Purge protection of its vault is not required (74, 84).

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
    record = tenant.resource(f"{vault['doc']['id']}/keys/{match[2]}")
    if record is None or match[3].lower() not in {row["version"] for row in record["versions"]}:
        raise errors.des_key_missing(key["keyUrl"])


def _users(document: Json) -> list[str]:
    return [*(document["identity"].get("userAssignedIdentities") or {})]


def disks_of(tenant: Tenant, document: Json) -> list[str]:
    """Return the ids of the disks that are encrypted with a set."""
    wanted = ids.key(document["id"])
    return [
        record["doc"]["id"]
        for record in tenant.table("resources").values()
        if record["doc"]["type"].lower() == "microsoft.compute/disks"
        and ids.key((record["doc"]["properties"].get("encryption") or {}).get("diskEncryptionSetId") or "/") == wanted
    ]


def require_grant(tenant: Tenant, document: Json) -> None:
    """Refuse a set whose identity may not use its key at this moment."""
    users = _users(document)
    refusal = _refusal(tenant, document)
    if refusal is not None and refusal.row is customer_keys.key_forbidden:
        reader = f"user-assigned identity '{users[0]}'" if users else f"disk encryption set '{document['name']}'"
        raise set_may_not_use_key(document["properties"]["activeKey"]["keyUrl"], reader)
    if refusal is not None:
        raise refusal


def _refusal(tenant: Tenant, document: Json) -> errors.AzureError | None:
    """Return why the identity of a set may not use its key; None where it may."""
    match = KEY_URL.fullmatch(document["properties"]["activeKey"]["keyUrl"])
    users = _users(document)
    reader = customer_keys.reader_of(tenant, document["identity"], users[0] if users else None)
    try:
        if match is not None:
            # Sets take a vault without purge protection (recordings 74, 84).
            uri, region = f"https://{match[1]}/", document["location"]
            customer_keys.require_usable(tenant, uri, match[2], match[3], reader, protected=False, region=region)
    except errors.AzureError as refusal:
        return refusal
    return None


def why_out_of_reach(tenant: Tenant, cloud: Cloud, record: Json) -> str:  # noqa: ARG001 - a reader's signature
    """Return why a set cannot use its key now; empty when it can. Before its first disk a set needs no key."""
    refusal = _refusal(tenant, record["doc"])
    if refusal is None:
        return ""
    if refusal.row is customer_keys.key_forbidden:
        return key_loss.NO_GRANT if disks_of(tenant, record["doc"]) else ""
    return key_loss.DISABLED


def expire(tenant: Tenant, now: float) -> None:
    """Rotate the sets that do so by themselves, and note on them that their key is lost."""
    for record in tenant.table("resources").values():
        properties = record["doc"]["properties"]
        if record["doc"]["type"] != RESOURCE_TYPE.type or not properties.get("rotationToLatestKeyVersionEnabled"):
            continue
        lost = key_loss.noticed(tenant, record)
        if lost:
            properties["autoKeyRotationError"] = ERRORS[lost]
        elif properties.pop("autoKeyRotationError", None) is None:
            _rotate(tenant, record["doc"], now)


ERRORS = {
    key_loss.NO_GRANT: {"code": "KeyVaultAccessForbidden", "message": "The identity of the set may not use its key."},
    key_loss.DISABLED: {"code": "KeyVaultKeyDisabled", "message": "The key of the set cannot be used."},
}
"""``autoKeyRotationError`` by why the key is lost. The codes beside the first, and all texts, are the sandbox's."""


def _rotate(tenant: Tenant, document: Json, now: float) -> None:
    match = KEY_URL.fullmatch(document["properties"]["activeKey"]["keyUrl"])
    record = customer_keys.find(tenant, f"https://{match[1]}/", match[2]) if match else None
    newest = record["versions"][-1] if record else None
    if match is None or newest is None or newest["version"] == match[3].lower():
        return
    if newest["attributes"]["created"] + ROTATION <= now:
        document["properties"]["activeKey"]["keyUrl"] = f"https://{match[1]}/keys/{match[2]}/{newest['version']}"
        document["properties"]["lastKeyRotationTimestamp"] = datetime.fromtimestamp(now, UTC).isoformat()


@operations.finisher(WRITE)
def finish_write(tenant: Tenant, operation: Json) -> None:
    """End a write: ``Succeeded``, or ``Failed``."""
    record = tenant.resource(operation["target"])
    if record is not None:
        properties = record["doc"]["properties"]
        properties.setdefault("encryptionType", TYPES[0])
        properties["provisioningState"] = "Succeeded" if operation["failure"] is None else "Failed"
        if operation.get("rotated") and operation["failure"] is None:
            properties["lastKeyRotationTimestamp"] = tenant.timestamp()


@operations.finisher(DELETE)
def finish_delete(tenant: Tenant, operation: Json) -> None:
    """Take a set and its identity away."""
    record = tenant.table("resources").pop(ids.key(operation["target"]), None)
    if record is not None:
        identity = record["doc"]["identity"]
        tenant.table("principals").pop(identity.get("principalId", ""), None)
        tenant.table("former_set_identities")[ids.key(operation["target"])] = identity


def links(call: Call, name: str, location: str) -> dict[str, str]:
    """Return the headers of an operation on a set or a disk."""
    path = (
        f"/subscriptions/{call['subscription']}/providers/Microsoft.Compute/locations/{location}/DiskOperations/{name}"
    )
    # Recordings 59, 74 and 84 have a parameter that 73, of an older api-version, has not.
    more = {"p": ids.guid("partition", location)} if call.api_version >= ROTATION_SINCE else {}
    return {
        "Azure-AsyncOperation": operations.link(call, path, name, **more),
        "Location": operations.link(call, path, name, **more, monitor="true"),
    }


def poll_write(tenant: Tenant, call: Call) -> Reply:
    """Answer the operation or, at its Location once it is over, the set or disk, if there still is one."""
    operations.require_verbatim(call, call["operation"])
    operation = operations.poll(tenant, call["operation"])
    record = tenant.resource(operation["target"])
    if call.query.get("monitor") and operation["failure"] is None:
        if not operation["finished"]:
            return Reply(202)
        return Reply(200) if record is None else Reply(200, view(tenant, record, call))
    head: Json = {"startTime": operation["created"]}
    if not operation["finished"]:
        return Reply(200, {**head, "status": "InProgress", "name": call["operation"]})
    head["endTime"] = operation["ended"]
    if operation["failure"] is not None:
        return Reply(200, {**head, "status": "Failed", "error": operation["failure"], "name": call["operation"]})
    output = {} if record is None else {"properties": {"output": view(tenant, record, call)}}
    return Reply(200, {**head, "status": "Succeeded", **output, "name": call["operation"]})


def delete_set(tenant: Tenant, call: Call) -> Reply:
    """Begin to delete a set: 202, empty, with both links (recordings 59, 74, 84); 204 when it is not there."""
    record = tenant.resource(resources.address(tenant, call, RESOURCE_TYPE))
    if record is None:
        return Reply(204)
    name = operations.start(tenant, DELETE, record["doc"]["id"])
    operations.settle(tenant)
    return Reply(202, headers=links(call, name, record["doc"]["location"]))


def add_disk_encryption_set(
    state: Arrangement, name: str, key: str, group: str = "rg", location: str = LOCATION, **properties: Any
) -> str:
    """Add a set with an identity of its own and a version of a key (by its identifier); return its id.

    The identity gets no grant: `add_access_policy` and `assign_role` give one.
    """
    group_id = state.add_resource_group(group, location)
    state.register_provider("Microsoft.Compute")
    identifier = f"{group_id}/providers/{RESOURCE_TYPE.type}/{name}"
    with state.arranging():
        identity = microsoft_managedidentity.with_principal(state.tenant, identifier, {"type": "SystemAssigned"})
        shown = {"activeKey": {"keyUrl": key}, "encryptionType": TYPES[0], "provisioningState": "Succeeded"}
        document = {
            "name": name,
            "id": identifier,
            "type": RESOURCE_TYPE.type,
            "location": location,
            "identity": identity,
            "properties": {**shown, **properties},
        }
        resources.store(state.tenant, document)
    return identifier


ROUTES = (
    *SETS.routes(put_set, patch_set, delete_set, get_set),
    Route(
        "GET",
        "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/DiskOperations/{operation}",
        poll_write,
    ),
)
DURATIONS = (
    Duration(WRITE, 1, "recording 73: 0.1 and 0.8 s by the operation's own times"),
    Duration(DELETE, 1, "recordings 59, 84: below 0.1 s by the operation's own times"),
)
