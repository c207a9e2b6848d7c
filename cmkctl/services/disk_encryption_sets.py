"""Disk encryption sets: the key of managed disks, and of the disks of Kubernetes clusters and Databricks workspaces.

A set always has a customer's key: disks without a set use Microsoft's. `key_of` gives the services whose resources name a set
what the set shows.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from cmkctl.azure.compare import same_key_identifier, same_resource_id
from cmkctl.azure.documents import at_path, text_at
from cmkctl.azure.ids import ResourceId, key_parts
from cmkctl.plan import AttributeChange, Json
from cmkctl.posture import PINNED, Check, Evidence, Follow, Follows, Posture, Rules, Verdict
from cmkctl.profile import field_types
from cmkctl.services.base import (
    ArmDocument,
    Documents,
    EncryptableService,
    KeyReference,
    OwnIdentity,
    OwnIdentitySettings,
    Read,
    Verb,
    Want,
    Write,
    another_region,
    not_accepted,
)

API_VERSION: Final = "2023-04-02"
HOURS: Final = 1
"""The longest time until a set that rotates by itself uses a new version of its key."""

_URL: Final = "properties.activeKey.keyUrl"
_VAULT: Final = "properties.activeKey.sourceVault.id"
_TYPE: Final = "properties.encryptionType"
_ROTATES: Final = "properties.rotationToLatestKeyVersionEnabled"
_ERROR: Final = "properties.autoKeyRotationError"
_PREVIOUS: Final = "properties.previousKeys"
_TENANT: Final = "properties.federatedClientId"
_TYPES: Final = {
    "encryptionatrestwithcustomerkey": "the set's disks are encrypted with the customer's key",
    "encryptionatrestwithplatformandcustomerkeys": (
        "the set's disks are encrypted twice: with the customer's key and with Microsoft's"
    ),
    "confidentialvmencryptedwithcustomerkey": (
        "the set's disks, those of confidential virtual machines, are encrypted with the customer's key"
    ),
}


class EncryptedDiskEncryptionSet(OwnIdentitySettings):
    """A disk encryption set."""

    id: Annotated[str, field_types.ArmId("Microsoft.Compute/diskEncryptionSets")] = Field(
        description="The ARM id of the disk encryption set.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.Compute"
                "/diskEncryptionSets/des-data"
            )
        ],
    )
    key_version: Literal["latest", "fixed"] = Field(
        "latest",
        description=(
            "latest: the set rotates to a new version of the key by itself. fixed: it keeps the version that was the "
            "latest when cmkctl encrypt ran, until cmkctl encrypt runs again."
        ),
        examples=["latest"],
    )


class DiskEncryptionSets(EncryptableService[EncryptedDiskEncryptionSet]):
    """``PATCH …/diskEncryptionSets/NAME`` with ``properties.activeKey``."""

    name = "disk_encryption_sets"
    title = "disk encryption set"
    resource_type = "Microsoft.Compute/diskEncryptionSets"
    api_version = API_VERSION
    verb = Verb.PATCH
    reader = OwnIdentity("SystemAssigned, UserAssigned")
    follows = Follows(Follow.ON_REQUEST, HOURS)
    revoked = "virtual machines with its disks shut down within about an hour, and do not start until the key is back"
    doc = "https://learn.microsoft.com/azure/virtual-machines/disk-encryption"
    rules = Rules(
        ("DP-5",),
        (
            Check(
                "Azure Policy",
                "ca91455f-eace-4f96-be59-e6e2c35b4816",
                "asks for encryption with both keys: a set with the customer's key alone is non-compliant",
            ),
            Check("CloudSploit", "vmDiskCMKRotation"),
        ),
    )
    settings = EncryptedDiskEncryptionSet

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the key of the set's disks."""
        return documents.not_visible("resource") or key_of(documents, "resource")

    def want(self, settings: EncryptedDiskEncryptionSet, documents: Documents, key: KeyReference) -> Want:
        """Return the PATCH of the set, nothing where it has the key already."""
        document = documents.find("resource")
        if other := _another_reader(settings, document):
            return other
        rotates = settings.key_version == "latest"
        before, flag = text_at(document, _URL), at_path(document, _ROTATES) is True
        if same_key_identifier(before, key.identifier) and flag == rotates:
            return ()
        if elsewhere := another_region(document, key, "Azure Disk Storage"):
            return elsewhere
        active: dict[str, Json] = {"keyUrl": key.identifier}
        if _same_subscription(settings.id, key.vault_id):
            active["sourceVault"] = {"id": key.vault_id}
        elif text_at(document, _VAULT):
            vault = text_at(document, _VAULT).rpartition("/")[2]
            return not_accepted(
                f"it names {vault} as its source vault, and a set names no vault of another subscription",
                f"set the key as a whole: az disk-encryption-set update --key-url {key.identifier}",
            )
        return (
            Write(
                settings.id,
                self.verb.value,
                self.api_version,
                {"properties": {"activeKey": active, "rotationToLatestKeyVersionEnabled": rotates}},
                self.title,
                settings.id.rpartition("/")[2],
                "the key is not set like this yet",
                attributes=(
                    AttributeChange("activeKey.keyUrl", before or None, key.identifier),
                    AttributeChange("rotationToLatestKeyVersionEnabled", flag, rotates),
                ),
            ),
        )


def linked_set(resource_id: str) -> tuple[Read, ...]:
    """Return the read of a set that another resource names; none for an empty id."""
    return (Read("disk_encryption_set", resource_id.rstrip("/"), API_VERSION),) if resource_id else ()


def of_linked_set(documents: Documents) -> Posture:
    """Return the posture of the set that another resource names. One that cannot be seen still has a customer's key."""
    if documents.find("disk_encryption_set") is not None:
        return key_of(documents, "disk_encryption_set")
    why = "may not be read" if documents.denied("disk_encryption_set") else "is not visible"
    return Posture(Verdict.CUSTOMER, f"the disk encryption set {why}, so that its key is not shown")


def key_of(documents: Documents, name: str) -> Posture:
    """Return who holds the key of the set whose document has this name; it has been read."""
    key, version = key_parts(documents.text(name, _URL))
    kind = documents.value(name, _TYPE)
    shown: tuple[Evidence, ...] = tuple(documents.evidence(name, each) for each in (_URL, _TYPE, _ROTATES))
    if not key:
        return Posture(Verdict.NOT_KNOWABLE, "the set names no key that cmkctl can read", shown)
    # A PUT without a type is answered with the first of them (recording 73).
    reason = _TYPES.get(str(kind or "EncryptionAtRestWithCustomerKey").lower())
    follows = Follows(Follow.BY_ITSELF, HOURS) if documents.value(name, _ROTATES) is True else PINNED
    reader = _reader(documents, name)
    if reason is None:
        reason = f"the encryption type is {kind}, which cmkctl does not know"
        return Posture(Verdict.NOT_KNOWABLE, reason, shown, key, version, follows, reader)
    if documents.text(name, _TENANT):
        shown += (documents.evidence(name, _TENANT),)
    if previous := documents.value(name, _PREVIOUS):
        shown += (documents.evidence(name, _PREVIOUS),)
        count = len(previous) if isinstance(previous, list) else 1
        reason += f"; a rotation is in progress: {count} earlier key{'s are' if count > 1 else ' is'} still in use"
    if error := documents.value(name, _ERROR):
        shown += (documents.evidence(name, _ERROR),)
        code = text_at(error, "code") if isinstance(error, dict) else ""
        reason = f"the set has a customer's key, and reports that its rotation failed{f': {code}' if code else ''}"
        return Posture(Verdict.CUSTOMER_UNUSABLE, reason, shown, key, version, follows, reader)
    return Posture(Verdict.CUSTOMER, reason, shown, key, version, follows, reader)


def _reader(documents: Documents, name: str) -> str:
    """Return the identity that reads the key; empty for a set with several, which does not show which of them it is."""
    held = _identities(documents.find(name))
    return held[0] if len(held) == 1 else ""


def _identities(document: ArmDocument | None) -> list[str]:
    users = at_path(document, "identity.userAssignedIdentities")
    own = ["system-assigned"] if "systemassigned" in text_at(document, "identity.type").lower() else []
    return [*own, *(users if isinstance(users, dict) else ())]


def _same_subscription(one: str, other: str) -> bool:
    parsed = [ResourceId.parse(each).subscription.lower() for each in (one, other) if each]
    return len(parsed) > 1 and parsed[0] == parsed[1]


def _another_reader(settings: EncryptedDiskEncryptionSet, document: ArmDocument | None) -> Want | None:
    """Return the refusal of a set with another identity than the one named: no page says which of two reads the key."""
    named = settings.identity_id or "system-assigned"
    others = [each for each in _identities(document) if not same_resource_id(each, named)]
    if not others:
        return None
    shown = others[0].rpartition("/")[2]
    return not_accepted(
        f"it has the identity {shown}, and with a second one it is not published which of them reads the key",
        f"write identity: {others[0]}",
    )


SERVICE: Final = DiskEncryptionSets()
