"""Encrypt, step 3: resources that name the reader of their key beside their identities name that of the profile.

Where a reader can only be named together with a new identity, both are sent here. It reads the key that the resource has from
that moment on, so that its grant precedes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cmkctl.azure.compare import same_resource_id
from cmkctl.azure.documents import at_path
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Outputs, Request, Settle
from cmkctl.profile.model import Profile
from cmkctl.services.base import Entry
from cmkctl.steps import _services
from cmkctl.steps._services import ObservedEntry, ObservedServices, own_identity
from cmkctl.steps.base import no_op
from cmkctl.steps.service_access import RESEND, earliest
from cmkctl.steps.service_identities import follows_grant, identity_change


class ServiceReaders:
    """``PATCH`` of the resource with ``EncryptableService.reader_properties`` alone, after the grant and before the key."""

    name = "service_readers"
    title = "readers of the keys"
    needs = ("service_access",)
    doc = "https://learn.microsoft.com/azure/cosmos-db/how-to-setup-customer-managed-keys"

    def types(self, profile: Profile) -> tuple[str, ...]:  # noqa: ARG002 - a step's signature
        """Return no type: the resources exist."""
        return ()

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedServices:
        """Read the resources."""
        return _services.observe(azure, profile)

    def plan(self, profile: Profile, observed: ObservedServices, known: Known) -> list[Change]:
        """Name the identity where the resource names another reader. Most services have nothing of the kind."""
        changes: list[Change] = []
        for entry, found in _services.entries(profile, observed):
            if own_identity(entry.service) and follows_grant(entry, found):
                changes.append(_with_identity(entry, found, known))
            if wanted := entry.service.reader_properties(entry.settings):
                changes.append(_reader(entry, found, wanted, known))
        return changes

    def outputs(self, profile: Profile, observed: ObservedServices) -> Outputs:  # noqa: ARG002 - a step's signature
        """Return nothing: the next step reads the resource."""
        return {}


def _with_identity(entry: Entry, found: ObservedEntry, known: Known) -> Change:
    change = identity_change(ServiceReaders.name, entry, found)
    if change.request is None:
        return change
    return replace(change, resend=RESEND, earliest=earliest(entry, known))


def _reader(entry: Entry, found: ObservedEntry, wanted: Mapping[str, Json], known: Known) -> Change:
    resource_id, service = entry.settings.id, entry.service
    kind = f"reader of the key of {service.title}"
    shown = {name: at_path(found.documents.find("resource"), f"properties.{name}") for name in wanted}
    if all(same_resource_id(shown[name], str(value)) for name, value in wanted.items()):
        return no_op(ServiceReaders.name, resource_id, kind, entry.name, "up to date")
    return Change(
        ServiceReaders.name,
        Action.UPDATE,
        resource_id,
        kind,
        entry.name,
        "reads the key as another identity",
        attributes=tuple(AttributeChange(name, shown[name], value) for name, value in wanted.items()),
        request=Request("PATCH", resource_id, service.api_version, {"properties": {**wanted}}),
        settle=Settle(resource_id, service.api_version),
        resend=RESEND,
        earliest=earliest(entry, known),
    )
