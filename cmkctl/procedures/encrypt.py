"""Encrypt: put the profile's key on the resources that it names under ``services``. No other resource is changed.

The order is that of every service's page: identity, grant, a wait until the grant takes effect, key. Where a resource names the
reader of its key beside its identities, it does so before the key; an identity that Azure makes together with the key gets its
access afterwards. Vault and key exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cmkctl.plan import Json, Known
from cmkctl.procedures._encryption import ENCRYPTING
from cmkctl.procedures.base import Procedure, workspace_subject
from cmkctl.profile.model import Profile
from cmkctl.steps.base import AnyStep
from cmkctl.steps.service_access import ServiceAccess
from cmkctl.steps.service_identities import ServiceIdentities
from cmkctl.steps.service_keys import ServiceKeys
from cmkctl.steps.service_late_access import ServiceLateAccess
from cmkctl.steps.service_readers import ServiceReaders

SEQUENCE: Final[tuple[AnyStep, ...]] = (
    ServiceIdentities(),
    ServiceAccess(),
    ServiceReaders(),
    ServiceKeys(),
    ServiceLateAccess(),
)


def _outputs(profile: Profile, known: Known) -> Mapping[str, Json]:  # noqa: ARG001 - a procedure's signature
    return {
        "key_id": profile.key.resource_id,
        "encrypted": [each.settings.id for each in profile.services.entries],
    }


def _conclusion(profile: Profile) -> str:
    count = len(profile.services.entries)
    if not count:
        return (
            "Nothing to encrypt. Name resources under services in the profile, or with --resource ID; docs/services.md has the "
            "services."
        )
    named = "The resource that is named uses" if count == 1 else f"All {count} resources that are named use"
    return f"{named} key {profile.key.name} in vault {profile.key_vault.resource_name}."


ENCRYPT: Final = Procedure(
    "encrypt", SEQUENCE, ENCRYPTING, workspace_subject, _outputs, conclusion=_conclusion, check="posture", template=True
)


def procedure(_arguments: Mapping[str, str]) -> Procedure:
    """Return the procedure of ``encrypt``."""
    return ENCRYPT
