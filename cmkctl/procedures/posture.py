"""Assess who holds the key of each resource under the profile's ``services``. Sends reads only."""

from __future__ import annotations

from functools import partial

from cmkctl.azure.snapshot import Snapshot
from cmkctl.posture import Assessment, Seen, Survey
from cmkctl.profile.model import Profile
from cmkctl.services.base import Documents, Entry
from cmkctl.services.reading import documents_of


def assess(azure: Snapshot, profile: Profile) -> Survey:
    """Return the assessment of each resource, in the order of the profile.

    Raises AzureFailed when Azure fails a read. One that it denies is a verdict.
    """
    entries = profile.services.entries
    found = azure.gather(*(partial(documents_of, azure, each.service, each.settings.id) for each in entries))
    assessments = tuple(_assessment(entry, each) for entry, each in zip(entries, found, strict=True))
    return Survey(assessments, (profile.workspace.resource_id,), (profile.subscription,), azure.now())


def _assessment(entry: Entry, documents: Documents) -> Assessment:
    service = entry.service
    return Assessment(
        service.title,
        service.name,
        service.resource_type,
        entry.settings.id,
        service.posture(documents),
        service.verb.value,
        str(service.follows),
        service.revoked,
        service.rules,
        Seen.GET,
        service.aspects(documents),
    )
