"""Azure Container Registry: a key that a premium registry gets when it is created. Read only: `cmkctl apply` creates registries.

The registry reads the key as a user-assigned identity. Encryption cannot be switched on or off later.
"""

from __future__ import annotations

from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_word
from cmkctl.azure.ids import key_parts
from cmkctl.posture import PINNED, Evidence, Follow, Follows, Posture, Verdict
from cmkctl.services.base import Documents, OwnIdentity, Service, Verb

_STATUS: Final = "properties.encryption.status"
_KEY: Final = "properties.encryption.keyVaultProperties"
_HOURS: Final = 1
"""The longest time until a registry uses a new version of its key."""


class ContainerRegistries(Service):
    """``PUT …/registries/NAME`` with ``properties.encryption``, for a new premium registry alone."""

    name = "container_registries"
    title = "container registry"
    resource_type = "Microsoft.ContainerRegistry/registries"
    api_version = versions.CONTAINER_REGISTRY
    verb = Verb.CREATION
    reader = OwnIdentity("systemAssigned, userAssigned")
    follows = Follows(Follow.WHEN_TOLD, _HOURS)
    revoked = "all images are out of reach: pulls and pushes fail"
    doc = "https://learn.microsoft.com/azure/container-registry/tutorial-enable-customer-managed-keys"

    def posture(self, documents: Documents) -> Posture:
        """Return who holds the registry's key. Without a version in its identifier the registry follows new ones."""
        if hidden := documents.not_visible("resource"):
            return hidden
        status = documents.text("resource", _STATUS)
        shown: tuple[Evidence, ...] = (documents.evidence("resource", _STATUS),)
        if not status or same_word(status, "disabled"):
            return Posture(Verdict.MICROSOFT, "the registry is encrypted with Microsoft's key", shown)
        if not same_word(status, "enabled"):
            reason = f"the encryption status is {status}, which cmkctl does not know"
            return Posture(Verdict.NOT_KNOWABLE, reason, shown)
        shown += tuple(documents.evidence("resource", f"{_KEY}.{each}") for each in _SHOWN)
        key, version = key_parts(documents.text("resource", f"{_KEY}.keyIdentifier"))
        if not key:
            return Posture(Verdict.NOT_KNOWABLE, "encryption is enabled, but no key is named", shown)
        in_use = key_parts(documents.text("resource", f"{_KEY}.versionedKeyIdentifier"))[1]
        follows = PINNED if version else Follows(Follow.BY_ITSELF, _HOURS)
        reason = "the registry is encrypted with the customer's key"
        return Posture(Verdict.CUSTOMER, reason, shown, key, in_use or version, follows)


_SHOWN: Final = ("keyIdentifier", "versionedKeyIdentifier", "keyRotationEnabled")

SERVICE: Final = ContainerRegistries()
