"""Azure Container Registry: a key that a premium registry gets when it is created.

The registry reads the key as a user-assigned identity, which it names by its client id; the system-assigned identity can read
only a key that is set later. Encryption cannot be switched on or off later. ``cmkctl apply`` creates registries with the key,
and ``cmkctl rotate`` moves those to another key; no other registry is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import Field

from cmkctl.azure import versions
from cmkctl.azure.compare import same_key_identifier, same_word
from cmkctl.azure.documents import text_at
from cmkctl.azure.ids import key_parts
from cmkctl.posture import (
    IN_TRANSIT,
    PINNED,
    Aspect,
    Check,
    Evidence,
    Follow,
    Follows,
    Posture,
    Rules,
    State,
    Verdict,
)
from cmkctl.profile import field_types
from cmkctl.services.base import (
    Documents,
    EncryptableService,
    KeyReference,
    OwnIdentity,
    ServiceSettings,
    Verb,
    Want,
    only_at_creation,
)

_STATUS: Final = "properties.encryption.status"
_KEY: Final = "properties.encryption.keyVaultProperties"
_READER: Final = f"{_KEY}.identity"
_ADMIN: Final = "properties.adminUserEnabled"
_SYSTEM: Final = "system"
"""The word with which the service names the system-assigned identity, beside none at all."""
_HOURS: Final = 1
"""The longest time until a registry uses a new version of its key."""


class EncryptedRegistry(ServiceSettings):
    """A container registry."""

    id: field_types.RegistryId = Field(
        description="The ARM id of the registry.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-data/providers/Microsoft.ContainerRegistry"
                "/registries/crdata"
            )
        ],
    )


class ContainerRegistries(EncryptableService[EncryptedRegistry]):
    """``PUT …/registries/NAME`` with ``properties.encryption``, for a new premium registry alone."""

    name = "container_registries"
    title = "container registry"
    resource_type = "Microsoft.ContainerRegistry/registries"
    host_suffixes = ("azurecr.io", "azurecr.us", "azurecr.cn")
    api_version = versions.CONTAINER_REGISTRY
    verb = Verb.CREATION
    reader = OwnIdentity("systemAssigned, userAssigned")
    follows = Follows(Follow.ON_REQUEST, _HOURS)
    revoked = "all images are out of reach: pulls and pushes fail"
    doc = "https://learn.microsoft.com/azure/container-registry/tutorial-enable-customer-managed-keys"
    protections = (IN_TRANSIT,)
    rules = Rules(
        ("DP-5",),
        (
            Check("Azure Policy", "5b9159ae-1701-4a6f-9a7a-aa9c8ddd0580"),
            Check("Steampipe", "azure_compliance.control.container_registry_encrypted_with_cmk"),
            Check("CloudSploit", "acrCMKEncryption"),
        ),
    )
    settings = EncryptedRegistry

    def hosts(self, documents: Documents) -> tuple[str, ...]:
        """Return the host of the login server."""
        host = documents.text("resource", "properties.loginServer").lower()
        return (host,) if host else ()

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the registry's key. Without a version in its identifier the registry follows new ones."""
        if hidden := documents.not_visible("resource"):
            return hidden
        status = documents.text("resource", _STATUS)
        shown: tuple[Evidence, ...] = (documents.evidence("resource", _STATUS),)
        if same_word(status, "disabled") or documents.value("resource", "properties.encryption") in (None, {}):
            return Posture(Verdict.MICROSOFT, "the registry is encrypted with Microsoft's key", shown)
        if not same_word(status, "enabled"):
            reason = f"the encryption status is {status or 'not shown'}, which cmkctl does not know"
            return Posture(Verdict.NOT_KNOWABLE, reason, shown)
        shown += tuple(documents.evidence("resource", f"{_KEY}.{each}") for each in _SHOWN)
        key, version = key_parts(documents.text("resource", f"{_KEY}.keyIdentifier"))
        if not key:
            return Posture(Verdict.NOT_KNOWABLE, "encryption is enabled, but no key is named", shown)
        in_use = key_parts(documents.text("resource", f"{_KEY}.versionedKeyIdentifier"))[1]
        follows = PINNED if version else Follows(Follow.BY_ITSELF, _HOURS)
        reason = "the registry is encrypted with the customer's key"
        return Posture(Verdict.CUSTOMER, reason, shown, key, in_use or version, follows, _reader(documents))

    def aspects(self, documents: Documents) -> tuple[Aspect, ...]:
        """Return the encryption of connections, and the account with which workspaces can pull images."""
        if documents.find("resource") is None:
            return ()
        reason = "the service takes TLS 1.2 or newer only; the registry has no setting for it"
        return (
            Aspect(IN_TRANSIT, State.PLATFORM, reason, rules=Rules(("DP-3",), by_analogy=True)),
            _admin_account(documents),
        )

    def want(self, settings: EncryptedRegistry, documents: Documents, key: KeyReference) -> Want:
        """Return nothing where the registry has the key and follows its versions, and else what would be needed."""
        name, sku = settings.id.rpartition("/")[2], documents.text("resource", "sku.name")
        found = documents.text("resource", f"{_KEY}.keyIdentifier")
        leave = f"take {name} out of services.{self.name}"
        if not same_word(documents.text("resource", _STATUS), "enabled"):
            tier = (
                "" if same_word(sku, "Premium") else f", which has to be of tier Premium and is {sku or 'of another'}"
            )
            return only_at_creation(
                f"it was created with Microsoft's key, and Container Registry takes a key for a new registry alone{tier}",
                "create a new registry with the key: associated_resources.container_registry.encryption: customer with another "
                "name, and attach it to a new workspace",
                leave,
            )
        if same_key_identifier(found, key.versionless):
            return ()
        return only_at_creation(
            f"it was created with key {found}, and cmkctl changes the key of no registry that it has not created",
            f"set the key with: az acr encryption rotate-key --name {name} --key-encryption-key {key.versionless}",
            leave,
        )


_SHOWN: Final = (
    "keyIdentifier",
    "versionedKeyIdentifier",
    "keyRotationEnabled",
    "lastKeyRotationTimestamp",
    "identity",
)


def _reader(documents: Documents) -> str:
    """Return the identity that reads the key, found by its client id; the client id where the registry lacks the identity."""
    client_id = documents.text("resource", _READER)
    if not client_id or same_word(client_id, _SYSTEM):
        return "system-assigned" if documents.text("resource", "identity.principalId") else ""
    held = documents.value("resource", "identity.userAssignedIdentities")
    for identity, values in held.items() if isinstance(held, Mapping) else ():
        if same_word(text_at(values, "clientId") if isinstance(values, Mapping) else "", client_id):
            return str(identity)
    return f"client id {client_id}"


def _admin_account(documents: Documents) -> Aspect:
    """Return whether images can be pulled with the admin account: a workspace needs it, or an identity with AcrPull."""
    shown, value = (documents.evidence("resource", _ADMIN),), documents.value("resource", _ADMIN)
    topic = "admin-account"
    if value is True:
        reason = "the admin account is on: a workspace without a user-assigned identity pulls images with its password"
    elif value is False:
        reason = "the admin account is off: a workspace pulls images as a user-assigned identity with the role AcrPull"
    else:
        return Aspect(topic, State.NOT_KNOWABLE, "whether the admin account is on is not shown", shown)
    return Aspect(topic, State.INFORMATION, reason, shown)


SERVICE: Final = ContainerRegistries()
