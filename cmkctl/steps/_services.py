"""The observation of the resources in the profile's ``services`` section, for the three steps of ``cmkctl encrypt``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from cmkctl.azure import versions
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import at_path, text_at
from cmkctl.azure.ids import KeyIdentifier, ResourceId
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Change, Output, Outputs
from cmkctl.profile.model import Profile
from cmkctl.services.base import (
    Answer,
    Documents,
    Entry,
    FirstParty,
    KeyReference,
    MadeIdentity,
    OwnIdentity,
    Reader,
    Service,
    ServiceSettings,
    sets_key,
    with_linked,
)
from cmkctl.services.reading import answered
from cmkctl.steps._principals import ObservedPrincipal, looked_up, with_roles
from cmkctl.steps.base import no_op


@dataclass(frozen=True, slots=True)
class ObservedEntry:
    """The answers about one resource, and the principals that are to read its key, in the order of the service's readers.

    A principal is None for an application whose id is not known. There are none where the key cannot be set.
    """

    answers: tuple[Answer, ...]
    principals: tuple[ObservedPrincipal | None, ...]

    @property
    def documents(self) -> Documents:
        """The answers by name."""
        return Documents(self.answers)


@dataclass(frozen=True, slots=True)
class ObservedServices:
    """The vault and the key (None: absent), the resources in the order of the profile, and the time of the reading."""

    vault: ArmDocument | None
    key: ArmDocument | None
    entries: tuple[ObservedEntry, ...]
    at: datetime


def observe(azure: Snapshot, profile: Profile) -> ObservedServices:
    """Read vault, key and the named resources. A resource that may not be read is an answer."""
    vault, key = read_key(azure, profile)
    reference = key_reference(vault, key)
    entries = profile.services.entries
    answers = azure.gather(
        *(partial(answered, azure, each.service.reads_to_encrypt(each.settings, reference)) for each in entries)
    )
    documents = azure.gather(
        *(
            partial(with_linked, entry.service, Documents(each), partial(answered, azure))
            for entry, each in zip(entries, answers, strict=True)
        )
    )
    found = [
        ObservedEntry(each.answers, _principals(azure, profile, entry, each))
        for entry, each in zip(entries, documents, strict=True)
    ]
    return ObservedServices(vault, key, tuple(found), azure.now())


def elsewhere(profile: Profile) -> bool:
    """Return True for a vault of another subscription than the profile's, which is not read."""
    return ResourceId.parse(profile.key_vault.resource_id).subscription.lower() != profile.subscription


def read_key(azure: Snapshot, profile: Profile) -> tuple[ArmDocument | None, ArmDocument | None]:
    """Read the vault and its key. The management client is of one subscription: a vault of another is taken for absent."""
    if elsewhere(profile):
        return None, None
    vault = ResourceId.parse(profile.key_vault.resource_id)
    return azure.gather2(lambda: azure.vault(vault), lambda: azure.key(vault, profile.key.name))


def key_reference(vault: ArmDocument | None, key: ArmDocument | None) -> KeyReference | None:
    """Return the key as services name it, with its latest version; None where vault or key are absent."""
    uri = (vault or {}).get("properties", {}).get("vaultUri")
    vault_id = str((vault or {}).get("id", ""))
    properties = (key or {}).get("properties", {})
    if not uri or not properties.get("keyUriWithVersion"):
        return None
    found = KeyIdentifier.parse(properties["keyUriWithVersion"])
    return KeyReference(
        f"{uri.rstrip('/')}/",
        found.name,
        found.version or "",
        properties["kty"],
        properties.get("keySize"),
        vault_id,
        text_at(vault, "location"),
        expires=at_path(key, "properties.attributes.exp") is not None,
        retention_days=at_path(vault, "properties.softDeleteRetentionInDays"),
    )


def principal_id(settings: ServiceSettings) -> Output[str]:
    """Return the output with the object id of a resource's own identity."""
    return Output("service_identities", settings.id, "identity.principalId")


def made_id(settings: ServiceSettings, reader: MadeIdentity) -> Output[str]:
    """Return the output with the object id of an identity that Azure makes for a resource."""
    return Output("service_keys" if reader.late else "service_identities", f"{settings.id}#{reader.path}", reader.path)


def _principals(
    azure: Snapshot, profile: Profile, entry: Entry, documents: Documents
) -> tuple[ObservedPrincipal | None, ...]:
    """Read the principals that are to read the key, with their roles on the vault."""
    if not sets_key(entry.service.verb) or documents.find("resource") is None:
        return ()
    return tuple(_principal(azure, profile, entry, documents, each) for each in entry.service.readers(entry.settings))


def _principal(
    azure: Snapshot, profile: Profile, entry: Entry, documents: Documents, reader: Reader
) -> ObservedPrincipal | None:
    principal = _reader(azure, profile, entry, documents, reader)
    if principal is None:
        return None
    return with_roles(azure, profile, replace(principal, permissions=reader.permissions))


def _reader(
    azure: Snapshot, profile: Profile, entry: Entry, documents: Documents, reader: Reader
) -> ObservedPrincipal | None:
    settings = entry.settings
    if isinstance(reader, MadeIdentity):
        key = f"{settings.id}/{reader.path.split('.')[-2]}-{entry.name}"
        object_id = documents.text("resource", reader.path) or None
        label = f"{reader.words} of {entry.name}"
        return ObservedPrincipal(label, key, object_id, after=made_id(settings, reader))
    if isinstance(reader, FirstParty):
        app_id = reader.app_ids.get(profile.cloud)
        return looked_up(azure, ObservedPrincipal(reader.name, app_id, None)) if app_id else None
    if settings.identity_id is not None:
        found = azure.resource(settings.identity_id, versions.MANAGED_IDENTITY)
        label = f"identity {settings.identity_id.rpartition('/')[2]}"
        return ObservedPrincipal(label, settings.identity_id, (found or {}).get("properties", {}).get("principalId"))
    # The last segment names the principal in the id of its access policy, and resources of two types may have one name.
    key = f"{settings.id}/{entry.service.name}-{entry.name}"
    object_id = documents.text("resource", "identity.principalId") or None
    return ObservedPrincipal(f"{entry.service.title} {entry.name}", key, object_id, after=principal_id(settings))


def entries(profile: Profile, observed: ObservedServices) -> Iterator[tuple[Entry, ObservedEntry]]:
    """Yield each resource of the profile with what was observed of it, apart from those whose key cannot be set."""
    for entry, found in zip(profile.services.entries, observed.entries, strict=True):
        if found.documents.find("resource") is not None and sets_key(entry.service.verb):
            yield entry, found


def principals_of(entry: Entry, found: ObservedEntry, *, late: bool = False) -> tuple[ObservedPrincipal | None, ...]:
    """Return the principals that need access before the key is set; with `late` those that come with the key."""
    readers = entry.service.readers(entry.settings) if found.principals else ()
    return tuple(
        principal
        for reader, principal in zip(readers, found.principals, strict=True)
        if (isinstance(reader, MadeIdentity) and reader.late) == late
    )


def made_ids(profile: Profile, observed: ObservedServices, *, late: bool) -> Outputs:
    """Return the object ids of the identities that Azure makes: before the key is set, or with the key."""
    return {
        (output := made_id(entry.settings, reader)): (principal and principal.object_id) or output.unknown
        for entry, found in entries(profile, observed)
        for reader, principal in zip(entry.service.readers(entry.settings), found.principals, strict=True)
        if isinstance(reader, MadeIdentity) and reader.late == late
    }


def own_identity(service: Service) -> OwnIdentity | None:
    """Return the identity of the resource that reads the key; None for a service with another reader."""
    return service.reader if isinstance(service.reader, OwnIdentity) else None


def nothing_named(step: str, profile: Profile) -> Change:
    """Return the no-op of a profile that names no resource."""
    reason = "the profile names no resource under services, and there is no --resource"
    return no_op(step, profile.key.resource_id, "services", "", reason)
