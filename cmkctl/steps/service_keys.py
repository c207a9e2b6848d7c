"""Encrypt, step 4: each resource uses the profile's key. The services decide what to send; this step knows none by name."""

from __future__ import annotations

from collections.abc import Iterable

from cmkctl.azure.documents import at_path, text_at
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, Change, Known, Outputs, Request, Settle
from cmkctl.profile.model import Profile
from cmkctl.services.base import Documents, Entry, KeyReference, Refusal, Write
from cmkctl.steps import _services
from cmkctl.steps._services import ObservedEntry, ObservedServices, key_reference, made_ids, nothing_named
from cmkctl.steps.base import conflict, no_op
from cmkctl.steps.service_access import RESEND, earliest
from cmkctl.steps.service_identities import added_identity


class ServiceKeys:
    """The writes that a service wants, in its order, and one resource beside the other."""

    name = "service_keys"
    title = "keys of the services"
    needs = ("service_access", "service_readers")
    doc = "https://learn.microsoft.com/azure/security/fundamentals/encryption-customer-managed-keys-support"

    def types(self, profile: Profile) -> tuple[str, ...]:
        """Return the types of the resources."""
        return tuple(dict.fromkeys(each.service.resource_type for each in profile.services.entries))

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedServices:
        """Read the key and the resources."""
        return _services.observe(azure, profile)

    def plan(self, profile: Profile, observed: ObservedServices, known: Known) -> list[Change]:
        """Set the key where it is missing. A key that cannot be used is a conflict, and so is what a service refuses."""
        key = key_reference(observed.vault, observed.key)
        unusable = _unusable(profile, observed)
        if _services.elsewhere(profile):
            return []  # the access to it has the reason
        if key is None or unusable:
            reason, way_out = unusable or ("there is no such key", "create vault and key first: cmkctl apply PROFILE")
            return [conflict(self.name, profile.key.resource_id, "key", profile.key.name, "CMK271", reason, way_out)]
        changes: list[Change] = []
        for entry, found in zip(profile.services.entries, observed.entries, strict=True):
            if found.documents.find("resource") is not None:
                changes += _changes(entry, found, key, known)
        return changes if profile.services.entries else [nothing_named(self.name, profile)]

    def outputs(self, profile: Profile, observed: ObservedServices) -> Outputs:
        """Return the object ids of the identities that come with a key."""
        return made_ids(profile, observed, late=True)


def _unusable(profile: Profile, observed: ObservedServices) -> tuple[str, str] | None:
    """Return why no service can use the key, and the way out; None for a usable key."""
    attributes = at_path(observed.key, "properties.attributes") or {}
    named = f"--vault-name {profile.key_vault.resource_name} --name {profile.key.name}"
    set_attributes = f"az keyvault key set-attributes {named}"
    now = observed.at.timestamp()
    kind, allowed = text_at(observed.key, "properties.kty"), at_path(observed.key, "properties.keyOps")
    if kind and not kind.upper().startswith("RSA"):
        return f"its type is {kind}, and services take RSA keys alone", "choose another key.name, with key.type: RSA"
    if (
        isinstance(allowed, list)
        and allowed
        and not {"wrapkey", "unwrapkey"} <= {str(each).lower() for each in allowed}
    ):
        reason = f"its permitted operations are {', '.join(map(str, allowed))}, and services need wrapKey and unwrapKey"
        return reason, f"permit them: {set_attributes} --ops wrapKey unwrapKey"
    if attributes.get("enabled") is False:
        return "its latest version is disabled", f"enable it: {set_attributes} --enabled true"
    if attributes.get("exp") is not None and attributes["exp"] <= now:
        return "its latest version has expired", f"extend it: {set_attributes} --expires YYYY-MM-DDTHH:MM:SSZ"
    if attributes.get("nbf") is not None and attributes["nbf"] > now:
        return "its latest version is not valid yet", "wait, or choose another key.name"
    return None


def _changes(entry: Entry, found: ObservedEntry, key: KeyReference, known: Known) -> Iterable[Change]:
    service, settings = entry.service, entry.settings
    wanted = service.want(settings, _after_identities(entry, found), key)
    if isinstance(wanted, Refusal):
        reason, ways_out = wanted.reason, wanted.ways_out
        return [conflict(ServiceKeys.name, settings.id, service.title, entry.name, wanted.code, reason, *ways_out)]
    if not wanted:
        reason = f"up to date: encrypted with key {key.name}"
        return [no_op(ServiceKeys.name, settings.id, service.title, entry.name, reason)]
    changes: list[Change] = []
    for each in wanted:
        changes.append(_change(entry, each, known, tuple(before.resource_id for before in changes)))
    return changes


def _after_identities(entry: Entry, found: ObservedEntry) -> Documents:
    """Return the documents as they are once the resource has its identity: a service may send its document back as a whole."""
    document = found.documents.find("resource")
    added = added_identity(entry, document)
    if document is None or added is None:
        return found.documents
    return found.documents.replacing("resource", {**document, "identity": added["identity"]})


def _change(entry: Entry, write: Write, known: Known, before: tuple[str, ...]) -> Change:
    return Change(
        ServiceKeys.name,
        Action.CREATE if write.creates else Action.UPDATE,
        write.resource_id,
        write.kind,
        write.name,
        write.reason,
        attributes=tuple(each for each in write.attributes if each.before != each.after) or write.attributes,
        irreversible=write.irreversible,
        costs=write.costs,
        request=Request(write.method, write.resource_id, write.api_version, write.body),
        settle=Settle(write.resource_id, write.api_version),
        resend=RESEND,
        depends_on=before,
        earliest=earliest(entry, known),
    )
