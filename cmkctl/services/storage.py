"""Storage accounts: the key of an account, read by the account's identity.

An account has one key for its blobs and files. Queues and tables use it only where their key type is ``Account``, which is
chosen when the account is created: otherwise they keep Microsoft's key, and the account is `mixed`.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id, same_uri, same_word
from cmkctl.plan import AttributeChange, Json
from cmkctl.posture import PINNED, Evidence, Follow, Follows, Posture, Verdict
from cmkctl.profile import field_types
from cmkctl.services.base import (
    Documents,
    EncryptableService,
    KeyReference,
    OwnIdentity,
    OwnIdentitySettings,
    Verb,
    Want,
    Write,
)

_ENCRYPTION: Final = "properties.encryption"
_KEY: Final = f"{_ENCRYPTION}.keyvaultproperties"
_LATEST: Final = "latest"
_HOURS: Final = 24
"""The longest time until an account uses a new version of its key: it looks for one daily."""
_WITH_QUEUES: Final = frozenset({"storage", "storagev2"})
"""The kinds of account that have queues and tables."""


class EncryptedStorageAccount(OwnIdentitySettings):
    """A storage account, or Data Lake Storage Gen2."""

    id: field_types.StorageId = Field(
        description="The ARM id of the storage account.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.Storage"
                "/storageAccounts/stdata"
            )
        ],
    )
    key_version: Literal["latest", "fixed"] = Field(
        "latest",
        description=(
            "latest: the account looks for a new version of the key daily. fixed: it keeps the version that was the "
            "latest when cmkctl encrypt ran, until cmkctl encrypt runs again."
        ),
        examples=["latest"],
    )


class StorageAccounts(EncryptableService[EncryptedStorageAccount]):
    """``PATCH …/storageAccounts/NAME`` with ``properties.encryption``."""

    name = "storage_accounts"
    title = "storage account"
    resource_type = "Microsoft.Storage/storageAccounts"
    api_version = versions.STORAGE
    verb = Verb.PATCH
    reader = OwnIdentity()
    follows = Follows(Follow.WHEN_TOLD, _HOURS)
    revoked = "reads and writes of data are refused (403); management requests still work"
    doc = "https://learn.microsoft.com/azure/storage/common/customer-managed-keys-overview"
    settings = EncryptedStorageAccount

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the account's key."""
        if hidden := documents.not_visible("resource"):
            return hidden
        source = documents.text("resource", f"{_ENCRYPTION}.keySource")
        shown: tuple[Evidence, ...] = (documents.evidence("resource", f"{_ENCRYPTION}.keySource"),)
        if not source or same_word(source, "Microsoft.Storage"):
            return Posture(Verdict.MICROSOFT, "all data is encrypted with Microsoft's key", shown)
        if not same_word(source, "Microsoft.Keyvault"):
            return Posture(Verdict.NOT_KNOWABLE, f"the key source is {source}, which cmkctl does not know", shown)
        shown += tuple(documents.evidence("resource", f"{_KEY}.{each}") for each in ("keyvaulturi", "keyname"))
        name = documents.text("resource", f"{_KEY}.keyname")
        if not name:
            return Posture(Verdict.NOT_KNOWABLE, "the key source is a key vault, but no key is named", shown)
        key = f"{documents.text('resource', f'{_KEY}.keyvaulturi').rstrip('/')}/keys/{name}"
        version = _version(documents)
        follows = PINNED if documents.text("resource", f"{_KEY}.keyversion") else Follows(Follow.BY_ITSELF, _HOURS)
        if apart := _with_another_key(documents):
            shown += tuple(documents.evidence("resource", f"{_ENCRYPTION}.services.{each}.keyType") for each in apart)
            reason = f"blobs and files use the customer's key; {' and '.join(apart)} data keeps Microsoft's key"
            return Posture(Verdict.MIXED, reason, shown, key, version, follows)
        reason = "all data is encrypted with the customer's key"
        return Posture(Verdict.CUSTOMER, reason, shown, key, version, follows)

    def want(self, settings: EncryptedStorageAccount, documents: Documents, key: KeyReference) -> Want:
        """Return the PATCH of the account, nothing where it has the key already."""
        version = "" if settings.key_version == "latest" else key.version
        if _is_set(settings, documents, key, version):
            return ()
        shown = {each: documents.value("resource", f"{_KEY}.{each}") for each in ("keyname", "keyversion")}
        return (
            Write(
                settings.id,
                self.verb.value,
                self.api_version,
                {"properties": {"encryption": _encryption(settings, key, version)}},
                self.title,
                documents.text("resource", "name"),
                f"does not use the key like this yet{_stays_apart(documents)}",
                attributes=(
                    AttributeChange(
                        "encryption.keySource",
                        documents.value("resource", f"{_ENCRYPTION}.keySource"),
                        "Microsoft.Keyvault",
                    ),
                    AttributeChange("encryption.keyvaultproperties.keyname", shown["keyname"], key.name),
                    AttributeChange(
                        "encryption.keyvaultproperties.keyversion",
                        shown["keyversion"] or _LATEST,
                        version or _LATEST,
                    ),
                ),
            ),
        )


def _version(documents: Documents) -> str:
    """Return the version in use. ``currentVersionedKeyIdentifier`` shows it also where the account follows new versions."""
    current = documents.text("resource", f"{_KEY}.currentVersionedKeyIdentifier")
    return current.rstrip("/").rpartition("/")[2] or documents.text("resource", f"{_KEY}.keyversion")


def _with_another_key(documents: Documents) -> tuple[str, ...]:
    """Return the services that keep Microsoft's key. A service that is not listed has the key type ``Service``."""
    kind = documents.text("resource", "kind")
    if kind and kind.lower() not in _WITH_QUEUES:
        return ()
    return tuple(
        each
        for each in ("queue", "table")
        if not same_word(documents.text("resource", f"{_ENCRYPTION}.services.{each}.keyType"), "Account")
    )


def _stays_apart(documents: Documents) -> str:
    apart = _with_another_key(documents)
    return f"; {' and '.join(apart)} data keeps Microsoft's key, which only a new account changes" if apart else ""


def _is_set(settings: EncryptedStorageAccount, documents: Documents, key: KeyReference, version: str) -> bool:
    return (
        same_word(documents.text("resource", f"{_ENCRYPTION}.keySource"), "Microsoft.Keyvault")
        and same_uri(documents.text("resource", f"{_KEY}.keyvaulturi"), key.vault_uri)
        and same_word(documents.text("resource", f"{_KEY}.keyname"), key.name)
        and same_word(documents.text("resource", f"{_KEY}.keyversion"), version)
        and same_resource_id(
            documents.text("resource", f"{_ENCRYPTION}.identity.userAssignedIdentity"), settings.identity_id
        )
    )


def _encryption(settings: EncryptedStorageAccount, key: KeyReference, version: str) -> Json:
    return {
        "keySource": "Microsoft.Keyvault",
        "keyvaultproperties": {"keyvaulturi": key.vault_uri, "keyname": key.name, "keyversion": version},
        # The empty id takes away a user-assigned identity; Azure answers it for a system-assigned one (recording 47).
        "identity": {"userAssignedIdentity": settings.identity_id or ""},
        "services": {each: {"enabled": True, "keyType": "Account"} for each in ("blob", "file")},
    }


SERVICE: Final = StorageAccounts()
