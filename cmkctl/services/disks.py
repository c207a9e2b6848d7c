"""Managed disks: encrypted with Microsoft's key, or with the customer's through a disk encryption set. Read only.

Disks are shown where another resource refers to them, such as a cluster to those of its node resource group. The disk itself is
judged: the profile of a virtual machine is not brought up to date when a disk of it is encrypted again.
"""

from __future__ import annotations

from typing import Final

from cmkctl.azure.compare import same_word
from cmkctl.posture import Check, Evidence, Follow, Follows, Posture, Rules, Verdict
from cmkctl.services.base import Documents, OtherResource, Read, Reference, Service, Verb
from cmkctl.services.disk_encryption_sets import HOURS, linked_set, of_linked_set

_TYPE: Final = "properties.encryption.type"
_SET: Final = "properties.encryption.diskEncryptionSetId"
_SECURITY: Final = "properties.securityProfile.securityType"
_CONFIDENTIAL_SET: Final = "properties.securityProfile.secureVMDiskEncryptionSetId"
_IN_GUEST: Final = "properties.encryptionSettingsCollection.enabled"
_CUSTOMER: Final = {
    "encryptionatrestwithcustomerkey": "the disk is encrypted with the customer's key",
    "encryptionatrestwithplatformandcustomerkeys": (
        "the disk is encrypted twice: with the customer's key and with Microsoft's"
    ),
}


class Disks(Service):
    """``PATCH …/disks/NAME`` with ``properties.encryption``, while no running virtual machine uses the disk."""

    name = "disks"
    title = "managed disk"
    resource_type = "Microsoft.Compute/disks"
    api_version = "2023-04-02"
    verb = Verb.PATCH
    reader = OtherResource("the identity of the disk encryption set")
    follows = Follows(Follow.ON_REQUEST, HOURS)
    revoked = (
        "the virtual machine that uses it shuts down within about an hour, and does not start until the key is back"
    )
    doc = "https://learn.microsoft.com/azure/virtual-machines/disk-encryption"
    rules = Rules(
        ("DP-5",),
        (
            Check(
                "Azure Policy",
                "702dd420-7fcc-42c5-afe8-4026edd20fe0",
                "reads the storage profile of the virtual machine, which keeps the old setting when a disk is encrypted again",
            ),
            Check("Azure Policy", "d461a302-a187-421a-89ac-84acdb4edc04"),
            Check(
                "Azure Policy",
                "ca91455f-eace-4f96-be59-e6e2c35b4816",
                "asks for encryption with both keys: the customer's key alone is non-compliant",
            ),
            Check("Checkov", "CKV_AZURE_93"),
            Check("Checkov", "CKV_AZURE_2", "passes any encryption block, also one with Microsoft's key"),
            Check("Checkov", "CKV2_AZURE_14"),
            Check("Prowler", "vm_ensure_attached_disks_encrypted_with_cmk"),
            Check("Prowler", "vm_ensure_unattached_disks_encrypted_with_cmk"),
            Check(
                "Trivy",
                "AZU-0038",
                "looks at encryption inside the virtual machine, and not at the disk encryption set",
            ),
            Check(
                "KICS",
                "a99130ab-4c0e-43aa-97f8-78d4fcb30024",
                "looks at encryption inside the virtual machine, and not at the disk encryption set",
            ),
            Check(
                "Steampipe",
                "azure_compliance.control.compute_os_and_data_disk_encrypted_with_cmk",
                "fails a disk that is encrypted with both keys",
            ),
            Check("CloudSploit", "diskByokEncryptionEnabled"),
            Check(
                "PSRule",
                "AZR-000252",
                "looks at encryption inside the virtual machine, and not at the disk encryption set",
            ),
        ),
    )

    def linked(self, documents: Documents) -> tuple[Read, ...]:
        """Return the disk encryption set."""
        return linked_set(_set_of(documents))

    def references(self, documents: Documents) -> tuple[Reference, ...]:
        """Return the disk encryption set."""
        found = _set_of(documents)
        return (Reference("disk encryption set", found),) if found else ()

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the disk's key."""
        if missing := documents.not_visible("resource") or documents.unknown_form("resource", _SECURITY):
            return missing
        kind = documents.text("resource", _TYPE)
        paths = (_TYPE, _SET, *((_SECURITY, _CONFIDENTIAL_SET) if documents.value("resource", _SECURITY) else ()))
        shown: tuple[Evidence, ...] = tuple(documents.evidence("resource", each) for each in paths)
        beside = ""
        if documents.value("resource", _IN_GUEST) is True:
            shown += (documents.evidence("resource", _IN_GUEST),)
            beside = "; the virtual machine encrypts its volumes as well (Azure Disk Encryption)"
        reason = _CUSTOMER.get(kind.lower(), "")
        if _confidential(documents):
            reason = "the disk of a confidential virtual machine is encrypted with the customer's key"
        if reason:
            return _through_the_set(documents, reason, beside, shown)
        if not isinstance(documents.value("resource", _SECURITY), str | None):
            reason = "securityType has another form than cmkctl knows, and decides for confidential virtual machines"
            return Posture(Verdict.NOT_KNOWABLE, reason, shown)
        if same_word(kind, "EncryptionAtRestWithPlatformKey"):
            return Posture(Verdict.MICROSOFT, f"the disk is encrypted with Microsoft's key{beside}", shown)
        if kind:
            return Posture(Verdict.NOT_KNOWABLE, f"the encryption type is {kind}, which cmkctl does not know", shown)
        return Posture(Verdict.NOT_KNOWABLE, f"the disk shows no type of encryption{beside}", shown)


def _through_the_set(documents: Documents, reason: str, beside: str, shown: tuple[Evidence, ...]) -> Posture:
    """Return the posture of a disk with a customer's key: it is that of its set."""
    if not _set_of(documents):
        return Posture(Verdict.CUSTOMER, f"{reason}{beside}; the disk encryption set is not shown", shown)
    found = of_linked_set(documents)
    more = "" if found.verdict is Verdict.CUSTOMER and found.key else f": {found.reason}"
    return Posture(
        found.verdict,
        f"{reason}{more}{beside}",
        (*shown, *found.evidence),
        found.key,
        found.key_version,
        found.follows,
        found.reader,
    )


def _confidential(documents: Documents) -> bool:
    return same_word(documents.text("resource", _SECURITY), "ConfidentialVM_DiskEncryptedWithCustomerKey")


def _set_of(documents: Documents) -> str:
    confidential = documents.text("resource", _CONFIDENTIAL_SET) if _confidential(documents) else ""
    return confidential or documents.text("resource", _SET)


SERVICE: Final = Disks()
