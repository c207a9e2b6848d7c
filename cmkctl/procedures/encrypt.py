"""Encrypt: put the profile's key on the resources that it names under ``services``. No other resource is changed.

The order is that of every service's page: identity, grant, a wait until the grant takes effect, key. Vault and key exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cmkctl.plan import Json, Known, Subject
from cmkctl.procedures.base import Procedure
from cmkctl.profile.model import Profile
from cmkctl.steps.base import AnyStep
from cmkctl.steps.service_access import ServiceAccess
from cmkctl.steps.service_identities import ServiceIdentities
from cmkctl.steps.service_keys import ServiceKeys

SEQUENCE: Final[tuple[AnyStep, ...]] = (ServiceIdentities(), ServiceAccess(), ServiceKeys())


def _subject(profile: Profile) -> Subject:
    return Subject(profile.cloud, profile.subscription, profile.location, profile.workspace.resource_id)


def _outputs(profile: Profile, known: Known) -> Mapping[str, Json]:  # noqa: ARG001 - a procedure's signature
    return {
        "key_id": profile.key.resource_id,
        "encrypted": [each.settings.id for each in profile.services.entries],
    }


ENCRYPT: Final = Procedure("encrypt", SEQUENCE, (), _subject, _outputs)
