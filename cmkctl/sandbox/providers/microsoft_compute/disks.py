"""Managed disks, as far as their encryption is concerned: with Microsoft's key, or with that of a disk encryption set.

Properties and words are those of the published type of 2025-01-02, which the az CLI sends.
"""

import re
from typing import Any

from cmkctl.sandbox.core import errors, ids, key_loss, operations, resources, shapes
from cmkctl.sandbox.core.arrange import LOCATION, Arrangement
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.latency import Duration
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.refusal import documented, ours, quoted
from cmkctl.sandbox.core.regions import normal
from cmkctl.sandbox.core.shapes import NOT_MODELLED, READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_compute import sets

COVERAGE = Area(
    "managed disks",
    supported=(
        "PUT, PATCH and DELETE (202 and polls), GET, list of empty disks",
        "encryption with a disk encryption set of the same region and type, whose identity may use its key at that moment",
    ),
    differs=("the Location of a write answers the disk alone, as that of a set does",),
    not_modelled=("virtual machines, contents of disks, snapshots, access by SAS",),
    guesses=("statuses and wording of the refusals, where no quotation shows them",),
)
WRITE = "disk.write"
DELETE = "disk.delete"
PLATFORM = "EncryptionAtRestWithPlatformKey"
CUSTOMER = ("EncryptionAtRestWithCustomerKey", "EncryptionAtRestWithPlatformAndCustomerKeys")

_KNOWN = ours("that it is refused is documented; its wording is not")
disk_set_missing = errors.ErrorRow(
    400, "BadRequest", quoted("Azure/azure-cli#18355"), "DiskEncryptionSet '{set}' was not found."
)
disk_set_required = errors.ErrorRow(
    400, "InvalidParameter", _KNOWN, "The encryption type '{type}' needs the id of a disk encryption set."
)
disk_set_of_another_type = errors.ErrorRow(
    400, "InvalidParameter", _KNOWN, "The disk has encryption type '{type}', and its disk encryption set has '{found}'."
)
disk_set_elsewhere = errors.ErrorRow(
    400,
    "BadRequest",
    ours("documented: a disk and its set are in one region and subscription"),
    "The disk encryption set '{set}' is in another region or subscription than the disk.",
)
disk_key_lost = errors.ErrorRow(
    409,
    "OperationNotAllowed",
    documented(
        "virtual-machines/disk-encryption: I/O fails about an hour after the key is lost; the words are the sandbox's"
    ),
    "The key of the disk encryption set '{set}' is out of reach.",
)

DISK = resources.ResourceType(
    type="Microsoft.Compute/disks",
    versions=("2022-03-02", "2022-07-02", "2023-01-02", "2023-04-02", "2023-10-02", "2024-03-02", "2025-01-02"),
    shape={
        **shapes.TOP,
        "location": str,
        "tags": shapes.TAGS,
        "zones": [str],
        "sku": {
            "name": (
                "Premium_LRS",
                "Premium_ZRS",
                "PremiumV2_LRS",
                "StandardSSD_LRS",
                "StandardSSD_ZRS",
                "Standard_LRS",
                "UltraSSD_LRS",
            ),
            "tier": READ_ONLY,
        },
        "extendedLocation": NOT_MODELLED,
        **dict.fromkeys(("managedBy", "managedByExtended"), READ_ONLY),
        "properties": Required(
            {
                "creationData": Required({"createOption": Required(("Empty",)), **dict.fromkeys(
                    (
                        "elasticSanResourceId", "galleryImageReference", "imageReference", "instantAccessDurationMinutes",
                        "logicalSectorSize", "performancePlus", "provisionedBandwidthCopySpeed", "securityDataUri",
                        "securityMetadataUri", "sourceResourceId", "sourceUri", "storageAccountId", "uploadSizeBytes",
                    ),
                    NOT_MODELLED,
                ), "sourceUniqueId": READ_ONLY}),
                "encryption": {"diskEncryptionSetId": str, "type": (PLATFORM, *CUSTOMER)},
                "diskSizeGB": int,
                "osType": ("Windows", "Linux"),
                "hyperVGeneration": ("V1", "V2"),
                "networkAccessPolicy": ("AllowAll", "AllowPrivate", "DenyAll"),
                "publicNetworkAccess": ("Enabled", "Disabled"),
                "dataAccessAuthMode": ("AzureActiveDirectory", "None"),
                **dict.fromkeys(("burstingEnabled", "optimizedForFrequentAttach", "supportsHibernation"), bool),
                **dict.fromkeys(("diskIOPSReadOnly", "diskIOPSReadWrite", "maxShares"), int),
                **dict.fromkeys(("diskMBpsReadOnly", "diskMBpsReadWrite"), int),
                "tier": str,
                **dict.fromkeys(
                    (
                        "availabilityPolicy", "diskAccessId", "encryptionSettingsCollection", "purchasePlan", "securityProfile",
                        "supportedCapabilities", "completionPercent",
                    ),
                    NOT_MODELLED,
                ),
                **dict.fromkeys(
                    (
                        "burstingEnabledTime", "diskSizeBytes", "diskState", "LastOwnershipUpdateTime", "shareInfo",
                        "propertyUpdatesInProgress", "provisioningState", "timeCreated", "uniqueId",
                    ),
                    READ_ONLY,
                ),
            }
        ),
    },
    name=re.compile(r"[A-Za-z0-9_](?:[\w.-]{0,78}[A-Za-z0-9_])?"),
    name_rule="1-80 letters, digits, -, . and _",
)  # fmt: skip
DISKS = resources.Resources(DISK)


def put_disk(tenant: Tenant, call: Call) -> Reply:
    """Create or replace a disk: 202 with what was sent, and ``Updating``."""
    write = resources.begin_write(tenant, call, DISK)
    before = write.existing["doc"] if write.existing else None
    sent = {name: value for name, value in write.body["properties"].items() if value is not None}
    document = before or new_disk(tenant, write.id, write.name, write.location)
    document = {**document, "properties": {**document["properties"], **sent}}
    document |= {name: write.body[name] for name in ("tags", "zones", "sku") if write.body.get(name)}
    answer: Json = {
        "location": write.location,
        **{name: document[name] for name in ("tags", "zones") if name in document},
        "properties": {**sent, "provisioningState": "Updating"},
    }
    return _accepted(tenant, call, document, answer)


def patch_disk(tenant: Tenant, call: Call) -> Reply:
    """Change the encryption, the size or the tags of a disk: 202."""
    record = resources.existing(tenant, call, DISK)
    body = shapes.accept(DISK.shape, call.json(), call.api_version, partial=True)
    document = shapes.merge(record["doc"], body)
    return _accepted(tenant, call, document, {**document, "properties": {**document["properties"]}})


def new_disk(tenant: Tenant, identifier: str, name: str, location: str) -> Json:
    """Return the document of a new disk with Microsoft's key."""
    return {
        "name": name,
        "id": identifier,
        "type": DISK.type,
        "location": location,
        "sku": {"name": "Premium_LRS", "tier": "Premium"},
        "properties": {
            "creationData": {"createOption": "Empty"},
            "encryption": {"type": PLATFORM},
            "networkAccessPolicy": "AllowAll",
            "publicNetworkAccess": "Enabled",
            "timeCreated": tenant.timestamp(),
            "diskState": "Unattached",
            "uniqueId": ids.guid("disk", identifier, tenant.serial()),
            "provisioningState": "Succeeded",
        },
    }


def _accepted(tenant: Tenant, call: Call, document: Json, answer: Json) -> Reply:
    properties = document["properties"]
    properties["encryption"] = checked(tenant, call, document)
    properties["provisioningState"] = "Updating"
    if size := properties.get("diskSizeGB"):
        properties["diskSizeBytes"] = size * 1024**3
    resources.store(tenant, document)
    name = operations.start(tenant, WRITE, document["id"])
    operations.settle(tenant)
    return Reply(202, answer, sets.links(call, name, document["location"]))


def checked(tenant: Tenant, call: Call, document: Json) -> Json:
    """Return the encryption of a disk as it is kept. Refuses a set that cannot be used."""
    wanted = {
        name: value for name, value in (document["properties"].get("encryption") or {}).items() if value is not None
    }
    kind, named = wanted.get("type"), wanted.get("diskEncryptionSetId")
    if not named:
        if kind and kind.lower() != PLATFORM.lower():
            raise disk_set_required(kind)
        return {"type": PLATFORM}
    record = tenant.resource(named)
    if record is None or record["doc"]["type"] != sets.RESOURCE_TYPE.type:
        raise disk_set_missing(named)
    found = record["doc"]["properties"].get("encryptionType", sets.TYPES[0])
    kind = kind or found
    if kind.lower() != found.lower():
        raise disk_set_of_another_type(kind, found)
    here = (ids.subscription_of(document["id"]), normal(document["location"]))
    if here != (ids.subscription_of(record["doc"]["id"]), normal(record["doc"]["location"])):
        raise disk_set_elsewhere(named)
    if key_loss.lost(tenant, call.cloud, record):
        raise disk_key_lost(named)
    sets.require_grant(tenant, record["doc"])
    return {"type": found, "diskEncryptionSetId": record["doc"]["id"]}


@operations.finisher(WRITE)
def finish_write(tenant: Tenant, operation: Json) -> None:
    """End a write."""
    record = tenant.resource(operation["target"])
    if record is not None:
        record["doc"]["properties"]["provisioningState"] = "Succeeded"


@operations.finisher(DELETE)
def finish_delete(tenant: Tenant, operation: Json) -> None:
    """Take a disk away."""
    tenant.table("resources").pop(ids.key(operation["target"]), None)


def delete_disk(tenant: Tenant, call: Call) -> Reply:
    """Begin to delete a disk: 202, empty, with both links; 204 when it is not there."""
    record = tenant.resource(resources.address(tenant, call, DISK))
    if record is None:
        return Reply(204)
    name = operations.start(tenant, DELETE, record["doc"]["id"])
    operations.settle(tenant)
    return Reply(202, headers=sets.links(call, name, record["doc"]["location"]))


def add_disk(
    state: Arrangement,
    name: str,
    group: str = "rg",
    location: str = LOCATION,
    encryption_set: str = "",
    **properties: Any,
) -> str:
    """Add a disk with Microsoft's key, or with that of a set (by its id); return its id."""
    group_id = state.add_resource_group(group, location)
    state.register_provider("Microsoft.Compute")
    identifier = f"{group_id}/providers/{DISK.type}/{name}"
    with state.arranging():
        document = new_disk(state.tenant, identifier, name, location)
        if encryption_set:
            document["properties"]["encryption"] = {"type": CUSTOMER[0], "diskEncryptionSetId": encryption_set}
        document["properties"].update(properties)
        resources.store(state.tenant, document)
    return identifier


ROUTES = DISKS.routes(put_disk, patch_disk, delete_disk)
DURATIONS = (
    Duration(WRITE, 2, "not recorded; that of sets, doubled"),
    Duration(DELETE, 1, "not recorded; that of sets"),
)
