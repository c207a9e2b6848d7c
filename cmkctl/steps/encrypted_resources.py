"""Step 6, second part: the associated resources that are made with the customer's key from the start.

They wait for the key and for the grant of the identity that reads it: storage account and registry try the key when they are
created. All other associated resources are made beside vault, key and grant (`associated_resources`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id
from cmkctl.azure.decoding import ArmDocument, moment
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, Change, Json, Known, Outputs, Resend, Unknown
from cmkctl.profile.model import Profile
from cmkctl.steps._associated import specs_of
from cmkctl.steps._associated.spec import ResourceSpec, Supplied
from cmkctl.steps.associated_resources import ObservedAssociated, plan_one
from cmkctl.steps.key import KEY_URI
from cmkctl.steps.key_access import EFFECTIVE_AT
from cmkctl.steps.key_vault import URI
from cmkctl.steps.managed_identity import IDENTITY_CLIENT

_RESEND: Final = Resend(
    FailureKind.NOT_EFFECTIVE,
    interval=60.0,
    tries=10,
    over=frozenset({"", "failed"}),
    advice="Azure cannot use the key yet: a new grant can take minutes. The creation is sent again at {time}",
)


@dataclass(frozen=True, slots=True)
class ObservedEncrypted:
    """The resources with the customer's key by id, and the client id of the identity that reads it (None: absent)."""

    associated: ObservedAssociated
    client_id: str | None


class EncryptedResources:
    """One PUT for each absent resource with the customer's key, once key and grant are there."""

    name = "encrypted_resources"
    title = "associated resources with the customer's key"
    needs = ("resource_providers", "resource_group", "managed_identity", "key_vault", "key", "key_access")
    doc = "https://learn.microsoft.com/azure/storage/common/customer-managed-keys-configure-new-account"

    def types(self, profile: Profile) -> tuple[str, ...]:
        """Return the types of the resources with the customer's key."""
        return tuple(each.type for each in _specs(profile))

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedEncrypted | None:
        """Read the resources and the identity; None where the profile requests no such resource."""
        specs, identity = _specs(profile), profile.workspace.key_identity_id
        if not specs:
            return None
        ids = [each.resource_id(profile) or "" for each in specs]
        reads = (partial(azure.resource, one, spec.api_version) for one, spec in zip(ids, specs, strict=True))
        reader, *found = azure.gather(lambda: _read_identity(azure, identity), *reads)
        client_id = (reader or {}).get("properties", {}).get("clientId")
        return ObservedEncrypted(ObservedAssociated(dict(zip(ids, found, strict=True)), ""), client_id)

    def plan(self, profile: Profile, observed: ObservedEncrypted | None, known: Known) -> list[Change]:
        """Create, adopt or repair each of them. Nothing where the profile requests none."""
        if observed is None:
            return []
        supplied = Supplied(
            vault_uri=known.get(URI), key_uri=known.get(KEY_URI), client_id=_client_id(profile, observed, known)
        )
        planned = (plan_one(profile, spec, observed.associated, supplied) for spec in _specs(profile))
        return [_as_planned_here(each, known) for each in planned]

    def outputs(self, profile: Profile, observed: ObservedEncrypted | None) -> Outputs:  # noqa: ARG002
        """Return nothing: their ids follow from the profile."""
        return {}


def _specs(profile: Profile) -> list[ResourceSpec]:
    return [each for each in specs_of(profile) if each.encrypted(profile)]


def _read_identity(azure: Snapshot, identity: str | None) -> ArmDocument | None:
    return azure.resource(identity, versions.MANAGED_IDENTITY) if identity else None


def _client_id(profile: Profile, observed: ObservedEncrypted, known: Known) -> Json:
    settings = profile.workspace
    created = same_resource_id(settings.key_identity_id, settings.created_identity_id)
    return observed.client_id or (known.get(IDENTITY_CLIENT) if created else None)


def _as_planned_here(change: Change, known: Known) -> Change:
    change = replace(change, step=EncryptedResources.name)
    if change.action is not Action.CREATE:
        return change
    effective_at = known.get(EFFECTIVE_AT)
    earliest = None if isinstance(effective_at, Unknown) else moment(effective_at)
    return replace(change, earliest=earliest, resend=_RESEND)
