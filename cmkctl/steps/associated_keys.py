"""Rotate, step 4: the associated resources with the customer's key use the key of the workspace, in its latest version.

Storage account and registry follow new versions by themselves unless something pinned a version, or the workspace moves to
another key. Then the key is set again without a version, as `cmkctl apply` sets it when it creates them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from cmkctl.azure.compare import same_key_identifier
from cmkctl.azure.decoding import ArmDocument, moment
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.ids import KeyIdentifier
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Known, Outputs, Request, Resend, Settle, Unknown
from cmkctl.profile.model import Profile
from cmkctl.steps._associated import specs_of
from cmkctl.steps._associated.spec import ResourceSpec
from cmkctl.steps._rotation import Aim, FirstSeen, ObservedRotation, RotationOptions, decide, observe
from cmkctl.steps.base import no_op
from cmkctl.steps.key_access import EFFECTIVE_AT

_RESEND: Final = Resend(
    FailureKind.NOT_EFFECTIVE,
    interval=60.0,
    tries=10,
    over=frozenset({"", "succeeded", "failed"}),
    advice="Azure cannot use the key yet: a new grant can take minutes. The change is sent again at {time}",
)


@dataclass(frozen=True, slots=True)
class ObservedAssociatedKeys:
    """The rotation as observed, and the documents of the resources with the customer's key (None: absent), in order."""

    rotation: ObservedRotation
    documents: tuple[ArmDocument | None, ...]


class AssociatedKeys:
    """``PATCH`` of the encryption of a storage account or registry."""

    name = "associated_keys"
    title = "keys of the associated resources"
    needs = ("key_version", "key_access")
    doc = "https://learn.microsoft.com/azure/storage/common/customer-managed-keys-configure-existing-account"

    def __init__(self, options: RotationOptions, first: FirstSeen) -> None:
        self._options = options
        self._first = first

    def types(self, profile: Profile) -> tuple[str, ...]:
        """Return the types of the resources with the customer's key."""
        return tuple(each.type for each in _specs(profile))

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedAssociatedKeys | None:
        """Read the resources; None where the profile requests none with the customer's key."""
        specs = _specs(profile)
        if not specs:
            return None
        rotation, documents = azure.gather2(
            lambda: observe(azure, profile, self._first, policy=self._options.due),
            lambda: azure.gather(*(partial(azure.resource, _id(profile, each), each.api_version) for each in specs)),
        )
        return ObservedAssociatedKeys(rotation, tuple(documents))

    def plan(self, profile: Profile, observed: ObservedAssociatedKeys | None, known: Known) -> list[Change]:
        """Set the key where another one, or a version, is named. Nothing where the workspace cannot be rotated."""
        if observed is None or decide(profile, self._options, observed.rotation).aim is Aim.REFUSE:
            return []
        key = _versionless(profile, observed.rotation)
        pairs = zip(_specs(profile), observed.documents, strict=True)
        return [_change(profile, spec, found, key, known) for spec, found in pairs if found is not None]

    def outputs(self, profile: Profile, observed: ObservedAssociatedKeys | None) -> Outputs:  # noqa: ARG002
        """Return nothing: no step follows."""
        return {}


def _specs(profile: Profile) -> list[ResourceSpec]:
    return [each for each in specs_of(profile) if each.encrypted(profile)]


def _id(profile: Profile, spec: ResourceSpec) -> str:
    return spec.resource_id(profile) or ""


def _versionless(profile: Profile, rotation: ObservedRotation) -> str:
    used = rotation.used
    host = used.host if used else KeyIdentifier.parse(rotation.identifier).host
    return f"https://{host}/keys/{profile.key.name}"


def _change(profile: Profile, spec: ResourceSpec, found: ArmDocument, key: str, known: Known) -> Change:
    resource, name = _id(profile, spec), _id(profile, spec).rpartition("/")[2]
    used = spec.key_in_use(found)
    if used is None:
        return no_op(AssociatedKeys.name, resource, spec.kind, name, "not changed: it has no customer's key")
    if same_key_identifier(used.uri, key) and not used.version:
        return no_op(AssociatedKeys.name, resource, spec.kind, name, "follows a new version by itself")
    reason = (
        f"stays at version {used.version}" if same_key_identifier(used.uri, key) else "uses another key of the vault"
    )
    effective_at = known.get(EFFECTIVE_AT)
    return Change(
        AssociatedKeys.name,
        Action.UPDATE,
        resource,
        spec.kind,
        name,
        reason,
        attributes=(AttributeChange("encryption key", f"{used.uri}/{used.version}".rstrip("/"), f"{key} (latest)"),),
        request=Request("PATCH", resource, spec.api_version, spec.with_key(found, key)),
        settle=Settle(resource, spec.api_version),
        resend=_RESEND,
        earliest=None if isinstance(effective_at, Unknown) else moment(effective_at),
    )
