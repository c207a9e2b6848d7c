"""Azure Data Factory: the key of a factory, beside the factory's own.

PATCH carries no encryption, so the whole factory is read, edited and PUT. Azure takes a key only while the factory is empty,
and never takes it away again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field

from cmkctl.azure.compare import same_resource_id, same_uri, same_word
from cmkctl.azure.documents import at_path, text_at
from cmkctl.azure.ids import resource_id
from cmkctl.plan import AttributeChange, Json
from cmkctl.posture import IN_TRANSIT, PINNED, Aspect, Check, Evidence, Posture, Rules, State, Verdict
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

_ENCRYPTION: Final = "properties.encryption"
_CONTENTS: Final = {"pipelines": "pipelines", "linkedservices": "linked services", "dataflows": "data flows"}
_READER: Final = f"{_ENCRYPTION}.identity.userAssignedIdentity"
_LINKED: Final = "linkedservices"
_MANAGED_NETWORKS: Final = "managedVirtualNetworks"
_READ_ONLY: Final = frozenset({"provisioningState", "createTime", "version"})
_SIZE: Final = 2048


class EncryptedDataFactory(OwnIdentitySettings):
    """An empty data factory."""

    id: Annotated[str, field_types.ArmId("Microsoft.DataFactory/factories")] = Field(
        description="The ARM id of the factory.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.DataFactory"
                "/factories/adf-data"
            )
        ],
    )


class DataFactories(EncryptableService[EncryptedDataFactory]):
    """``GET …/factories/NAME``, then ``PUT`` of the same document with ``properties.encryption``."""

    name = "data_factories"
    title = "data factory"
    resource_type = "Microsoft.DataFactory/factories"
    api_version = "2018-06-01"
    verb = Verb.EDIT
    reader = OwnIdentity()
    follows = PINNED
    revoked = "the factory and its data are out of reach"
    doc = "https://learn.microsoft.com/azure/data-factory/enable-customer-managed-key"
    protections = (IN_TRANSIT,)
    rules = Rules(
        ("DP-5",),
        (
            Check("Azure Policy", "4ec52d6d-beb7-40c4-9a9e-fe753254690e"),
            Check(
                "Checkov",
                "CKV2_AZURE_15",
                "tests for a linked service to a key vault and never looks at a key: passes without one, fails with one",
            ),
            Check("Steampipe", "azure_compliance.control.data_factory_encrypted_with_cmk"),
        ),
    )
    settings = EncryptedDataFactory

    def details(self, resource_id: str) -> tuple[Read, ...]:
        """Return the linked services: those of Azure Machine Learning name their workspace."""
        return (Read(_LINKED, f"{resource_id}/{_LINKED}", self.api_version, listing=True),)

    def owners(self, documents: Documents) -> tuple[str, ...]:
        """Return the workspaces that linked services of type AzureMLService name by literal values."""
        found = (_workspace(each) for each in documents.items(_LINKED) if isinstance(each, Mapping))
        return tuple(dict.fromkeys(each for each in found if each))

    def reads_to_encrypt(
        self,
        settings: EncryptedDataFactory,
        key: KeyReference | None,  # noqa: ARG002 - the same for every key
    ) -> tuple[Read, ...]:
        """Return the factory, and what has to be empty."""
        names = (*_CONTENTS, _MANAGED_NETWORKS)
        lists = (Read(each, f"{settings.id}/{each}", self.api_version, listing=True) for each in names)
        return (*self.reads(settings.id), *lists)

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the factory's key."""
        if hidden := documents.not_visible("resource"):
            return hidden
        paths = [f"{_ENCRYPTION}.{each}" for each in ("vaultBaseUrl", "keyName", "keyVersion")]
        shown: tuple[Evidence, ...] = tuple(documents.evidence("resource", each) for each in paths)
        vault, name, version = (documents.text("resource", each) for each in paths)
        if vault and name:
            key = f"{vault.rstrip('/')}/keys/{name}"
            reason = "the factory is encrypted with the customer's key, together with its own"
            # The type's text promises the newest version where none is named, and the page has the new version set by hand.
            follows = PINNED if version else None
            identity = (documents.evidence("resource", _READER),)
            return Posture(Verdict.CUSTOMER, reason, (*shown, *identity), key, version, follows, _reader(documents))
        if documents.value("resource", _ENCRYPTION) in (None, {}):
            return Posture(Verdict.MICROSOFT, "the factory is encrypted with Microsoft's key", shown)
        return Posture(Verdict.NOT_KNOWABLE, "the encryption block names no vault and key", shown)

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return the encryption of connections."""
        if documents.find("resource") is None:
            return ()
        reason = "the service takes TLS 1.2 or newer only; the factory has no setting for it"
        return (Aspect(IN_TRANSIT, State.PLATFORM, reason, rules=Rules(("DP-3",), by_analogy=True)),)

    def want(self, settings: EncryptedDataFactory, documents: Documents, key: KeyReference) -> Want:
        """Return the PUT of the factory with the key in it."""
        before = documents.value("resource", _ENCRYPTION) or {}
        if _is_set(settings, before, key):
            return ()
        if key.size != _SIZE:
            return not_accepted(
                f"Data Factory takes RSA keys of {_SIZE} bits, and {key.name} has {key.size or 'another size'}",
                f"use a key of {_SIZE} bits: another key.name with key.size: {_SIZE}",
            )
        if elsewhere := another_region(documents.find("resource"), key, "Data Factory"):
            return elsewhere
        if not before and (reason := _occupied(documents)):
            return not_accepted(reason, "create an empty factory, set the key, and deploy the contents there")
        document = documents.find("resource") or {}
        return (
            Write(
                settings.id,
                "PUT",
                self.api_version,
                _edited(document, _encryption(settings, key)),
                self.title,
                str(document.get("name", "")),
                _uses(before, key),
                attributes=tuple(
                    AttributeChange(f"encryption.{name}", at_path(before, name), value)
                    for name, value in _encryption(settings, key).items()
                ),
                irreversible=() if before else ("a factory with a customer-managed key keeps one for ever",),
            ),
        )


def _reader(documents: Documents) -> str:
    system = "system-assigned" if documents.text("resource", "identity.principalId") else ""
    return documents.text("resource", _READER) or system


def _workspace(linked: Mapping[str, Any]) -> str:
    """Return the ARM id of the workspace that a linked service names; empty for another type, and for expressions."""
    if not same_word(text_at(linked, "properties.type"), "AzureMLService"):
        return ""
    subscription, group, name = (
        text_at(linked, f"properties.typeProperties.{each}")
        for each in ("subscriptionId", "resourceGroupName", "mlWorkspaceName")
    )
    return resource_id(subscription, group, _WORKSPACES, name) if subscription and group and name else ""


_WORKSPACES: Final = "Microsoft.MachineLearningServices/workspaces"


def _is_set(settings: EncryptedDataFactory, found: Mapping[str, Any], key: KeyReference) -> bool:
    return (
        same_uri(found.get("vaultBaseUrl"), key.vault_uri)
        and same_word(found.get("keyName"), key.name)
        and same_word(found.get("keyVersion"), key.version)
        and same_resource_id((found.get("identity") or {}).get("userAssignedIdentity"), settings.identity_id)
    )


def _uses(before: Mapping[str, Any], key: KeyReference) -> str:
    """Return what a factory uses that does not use the key like this."""
    if not before:
        return "uses Microsoft's key"
    same = same_uri(before.get("vaultBaseUrl"), key.vault_uri) and same_word(before.get("keyName"), key.name)
    if not same:
        return "uses another key of a customer's"
    version = same_word(before.get("keyVersion"), key.version)
    return "reads the key as another identity" if version else "uses another version of the key"


def _occupied(documents: Documents) -> str:
    """Return why Azure would refuse the first key of a factory; empty for one that is empty."""
    names = [*_CONTENTS, _MANAGED_NETWORKS]
    if hidden := [each for each in names if documents.denied(each)]:
        return f"you may not list its {', '.join(hidden)}, and Azure takes a key only for an empty factory"
    if documents.items(_MANAGED_NETWORKS):
        return "it has a managed virtual network, and Azure takes a key for such a factory only when it is created"
    full = [words for each, words in _CONTENTS.items() if documents.items(each)]
    return f"it has {' and '.join(full)}, and Azure takes a key only for an empty factory" if full else ""


def _encryption(settings: EncryptedDataFactory, key: KeyReference) -> dict[str, Json]:
    encryption: dict[str, Json] = {"vaultBaseUrl": key.vault_uri, "keyName": key.name, "keyVersion": key.version}
    if settings.identity_id:
        encryption["identity"] = {"userAssignedIdentity": settings.identity_id}
    return encryption


def _edited(document: ArmDocument, encryption: Json) -> dict[str, Json]:
    """Return the factory as Azure answered it, without what it does not take back, and with the key."""
    properties = {name: value for name, value in document["properties"].items() if name not in _READ_ONLY}
    identity = document.get("identity") or {}
    users: dict[str, Json] = {each: {} for each in identity.get("userAssignedIdentities") or {}}
    kept: dict[str, Json] = {"type": identity.get("type")} | ({"userAssignedIdentities": users} if users else {})
    return {
        "location": document.get("location"),
        "tags": document.get("tags") or {},
        "identity": kept,
        "properties": {**properties, "encryption": encryption},
    }


SERVICE: Final = DataFactories()
