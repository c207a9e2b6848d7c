"""Rotate, step 1: the version that the workspace is to use exists.

Resource Manager creates the first version of a key and never a second one, so a new version is made through the vault's own
endpoint, by the operation rotate: Key Vault takes type, size and operations from the version before, and the expiry from the
rotation policy. A key that does not exist yet is created through Resource Manager.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from cmkctl.azure import versions
from cmkctl.azure.ids import KeyIdentifier
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Known, Outputs, Phrase, Plane, Request
from cmkctl.profile.model import Profile
from cmkctl.steps._rotation import TARGET, Aim, Decision, FirstSeen, ObservedRotation, RotationOptions, decide, observe
from cmkctl.steps.base import conflict, no_op
from cmkctl.steps.key import creation

_KIND = "key"


class KeyVersion:
    """``POST https://VAULT.vault.azure.net/keys/NAME/rotate``."""

    name = "key_version"
    title = "key version"
    needs: tuple[str, ...] = ()
    doc = "https://learn.microsoft.com/azure/key-vault/keys/how-to-configure-key-rotation"

    def __init__(self, options: RotationOptions, first: FirstSeen) -> None:
        self._options = options
        self._first = first

    def types(self, profile: Profile) -> tuple[str, ...]:  # noqa: ARG002 - a step's signature
        """Return the type of the key."""
        return ("Microsoft.KeyVault/vaults/keys",)

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedRotation:
        """Read the workspace and the versions of the key."""
        return observe(azure, profile, self._first, policy=self._options.due)

    def plan(self, profile: Profile, observed: ObservedRotation, known: Known) -> list[Change]:  # noqa: ARG002
        """Make the version, find it, or return why there can be none."""
        decision = decide(profile, self._options, observed)
        key, name = profile.key.resource_id, profile.key.name
        match decision.aim:
            case Aim.MAKE if observed.versions is None:
                return [replace(creation(profile, decision.reason), step=self.name)]
            case Aim.MAKE:
                return [_new_version(profile, observed, decision)]
            case Aim.REFUSE if decision.of_workspace:
                return [no_op(self.name, key, _KIND, name, "not changed")]
            case Aim.REFUSE:
                return [conflict(self.name, key, _KIND, name, decision.code, decision.reason, *decision.ways_out)]
            case Aim.TAKE:
                version = decision.version.name if decision.version else ""
                return [no_op(self.name, key, _KIND, name, f"version {version} {decision.reason}")]
            case Aim.STAY:
                return [no_op(self.name, key, _KIND, name, decision.reason)]
            case _:
                assert_never(decision.aim)

    def outputs(self, profile: Profile, observed: ObservedRotation) -> Outputs:
        """Return `TARGET`."""
        version = decide(profile, self._options, observed).version
        return {TARGET: version.identifier if version else TARGET.unknown}


def _new_version(profile: Profile, observed: ObservedRotation, decision: Decision) -> Change:
    """Return the rotation in the vault.

    Source: https://learn.microsoft.com/rest/api/keyvault/keys/rotate-key
    """
    latest = (observed.versions or ())[-1]
    return Change(
        KeyVersion.name,
        Action.CREATE,
        profile.key.resource_id,
        _KIND,
        profile.key.name,
        decision.reason,
        attributes=(AttributeChange("version", latest.name, TARGET.unknown, phrase=Phrase("a new version")),),
        request=Request(
            "POST",
            f"/keys/{profile.key.name}/rotate",
            versions.VAULT_KEYS,
            host=f"https://{KeyIdentifier.parse(latest.identifier).host}",
            plane=Plane.VAULT,
        ),
        verb=("rotating", "rotated"),
    )
