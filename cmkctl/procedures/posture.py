"""Assess who holds the key of each resource under the profile's ``services``. Sends reads only."""

from __future__ import annotations

from functools import partial

from cmkctl.azure.snapshot import Snapshot
from cmkctl.posture import Assessment
from cmkctl.profile.model import Profile
from cmkctl.services.base import Documents, Entry
from cmkctl.steps._services import key_reference, read, read_key


def assess(azure: Snapshot, profile: Profile) -> tuple[Assessment, ...]:
    """Return the assessment of each resource, in the order of the profile.

    Raises AzureFailed when Azure fails a read. One that it denies is a verdict.
    """
    reference = key_reference(*read_key(azure, profile))
    entries = profile.services.entries
    answers = azure.gather(*(partial(read, azure, each.service, each.settings, reference) for each in entries))
    return tuple(_assessment(entry, Documents(each)) for entry, each in zip(entries, answers, strict=True))


def _assessment(entry: Entry, documents: Documents) -> Assessment:
    service = entry.service
    return Assessment(
        service.title,
        service.resource_type,
        entry.settings.id,
        service.posture(documents),
        service.verb.value,
        str(service.follows),
    )
