"""Encrypt, step 1: each resource whose own identity is to read the key has that identity."""

from __future__ import annotations

from typing import Final

from cmkctl.azure.documents import at_path, text_at
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Outputs, Phrase, Request, Settle
from cmkctl.profile.model import Profile
from cmkctl.services.base import ArmDocument, Entry, OwnIdentity, Write, has_identity
from cmkctl.steps import _services
from cmkctl.steps._principals import ObservedPrincipal
from cmkctl.steps._services import ObservedEntry, ObservedServices, made_ids, own_identity, principal_id
from cmkctl.steps.base import conflict, no_op

_SYSTEM: Final = "SystemAssigned"
_USER: Final = "UserAssigned"


class ServiceIdentities:
    """``PATCH`` of the resource with ``identity``. Identities that it has are kept."""

    name = "service_identities"
    title = "identities of the services"
    needs = ()
    doc = "https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview"

    def types(self, profile: Profile) -> tuple[str, ...]:  # noqa: ARG002 - a step's signature
        """Return no type: the resources exist."""
        return ()

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedServices:
        """Read the resources."""
        return _services.observe(azure, profile)

    def plan(self, profile: Profile, observed: ObservedServices, known: Known) -> list[Change]:  # noqa: ARG002
        """Add each missing identity. A resource that is not visible is a conflict."""
        changes = [
            _hidden(entry, found)
            for entry, found in zip(profile.services.entries, observed.entries, strict=True)
            if found.documents.find("resource") is None
        ]
        for entry, found in _services.entries(profile, observed):
            if own_identity(entry.service) and not follows_grant(entry, found):
                changes.append(identity_change(self.name, entry, found))
            if (write := entry.service.prepare(entry.settings, found.documents)) is not None:
                changes.append(_prepared(write))
        return changes

    def outputs(self, profile: Profile, observed: ObservedServices) -> Outputs:
        """Return the object id of each identity."""
        identities = {
            principal_id(entry.settings): ((own := _own(found)) and own.object_id)
            or principal_id(entry.settings).unknown
            for entry, found in _services.entries(profile, observed)
            if own_identity(entry.service)
        }
        return {**identities, **made_ids(profile, observed, late=False)}


def _own(found: ObservedEntry) -> ObservedPrincipal | None:
    """Return the identity of a resource whose own identity reads the key."""
    return found.principals[0]


def _prepared(write: Write) -> Change:
    """Return the change by which Azure makes an identity."""
    return Change(
        ServiceIdentities.name,
        Action.UPDATE,
        write.resource_id,
        write.kind,
        write.name,
        write.reason,
        attributes=write.attributes,
        irreversible=write.irreversible,
        costs=write.costs,
        request=Request(write.method, write.resource_id, write.api_version, write.body),
        settle=Settle(write.resource_id, write.api_version),
    )


def _hidden(entry: Entry, found: ObservedEntry) -> Change:
    hidden = found.documents.not_visible("resource")
    return conflict(
        ServiceIdentities.name,
        entry.settings.id,
        entry.service.title,
        entry.name,
        "CMK272",
        hidden.reason if hidden else "",
        f"correct its id, in {entry.place}.id or --resource",
        "request the role Reader on it",
    )


def follows_grant(entry: Entry, found: ObservedEntry) -> bool:
    """Return True for an identity that reads the keys of the resource from the moment it is sent, so that its grant precedes it.

    That needs its object id, which a user-assigned identity has before.
    """
    own = _own(found)
    return bool(entry.service.identity_properties(entry.settings)) and own is not None and own.object_id is not None


def identity_change(step: str, entry: Entry, found: ObservedEntry) -> Change:
    """Return the change that gives a resource the identity it needs, or that it has it."""
    settings, service = entry.settings, entry.service
    document = found.documents.find("resource")
    kind = f"identity of {service.title}"
    own = _own(found)
    if settings.identity_id and (own is None or own.object_id is None):
        return conflict(
            step,
            settings.id,
            kind,
            entry.name,
            "CMK233",
            "there is no such user-assigned identity",
            "create it first: az identity create",
            f"correct {entry.place}.identity",
        )
    words = (
        f"identity {settings.identity_id.rpartition('/')[2]}" if settings.identity_id else "system-assigned identity"
    )
    added = added_identity(entry, document)
    if added is None:
        return no_op(step, settings.id, kind, entry.name, f"up to date: {words}")
    return Change(
        step,
        Action.UPDATE,
        settings.id,
        kind,
        entry.name,
        f"has no {words} yet",
        attributes=(
            AttributeChange("identity", text_at(document, "identity.type") or None, words, phrase=Phrase("{}")),
        ),
        request=Request("PATCH", settings.id, service.api_version, added),
        settle=Settle(settings.id, service.api_version),
    )


def added_identity(entry: Entry, document: ArmDocument | None) -> dict[str, Json] | None:
    """Return the body that gives a resource the identity it needs; None where it has it, or where another reader is needed."""
    own, settings = own_identity(entry.service), entry.settings
    if own is None:
        return None
    properties = entry.service.identity_properties(settings)
    held = all(_same(at_path(document, f"properties.{name}"), value) for name, value in properties.items())
    if has_identity(document, settings.identity_id) and held:
        return None
    identity = _body(document, settings.identity_id, own)
    return {"identity": identity, "properties": properties} if properties else {"identity": identity}


def _same(found: object, wanted: Json) -> bool:
    return str(found or "").rstrip("/").lower() == str(wanted or "").rstrip("/").lower()


def _body(document: ArmDocument | None, identity_id: str | None, own: OwnIdentity) -> Json:
    """Return the identities that the resource has and the one that it needs."""
    held = at_path(document, "identity.userAssignedIdentities") or {}
    users: dict[str, Json] = {each: {} for each in (*held, *([identity_id] if identity_id else ()))}
    system = identity_id is None or bool(text_at(document, "identity.principalId"))
    if not users:
        return {"type": _SYSTEM}
    return {"type": own.both if system else _USER, "userAssignedIdentities": users}
