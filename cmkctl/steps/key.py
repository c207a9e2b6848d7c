"""Step 4: the RSA key, created through the management plane.

``create_if_not_exist`` creates the first version and returns an existing key unchanged: it neither rotates nor updates. So an
existing key is checked, and a difference is a conflict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.compare import missing_permissions, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Output, Outputs, Phrase, Request
from cmkctl.profile.model import KeySettings, Profile, RotationPolicy
from cmkctl.steps.base import conflict, no_op

OPERATIONS: Final = ("wrapKey", "unwrapKey")
IDENTIFIER: Final[Output[str]] = Output("key", "identifier", "properties.keyUriWithVersion")
"""The key identifier with its version, which the workspace stores."""

_KIND: Final = "key"


@dataclass(frozen=True, slots=True)
class ObservedKey:
    """The key with its latest version (None: absent), and the time of the reading, for its dates."""

    key: ArmDocument | None
    at: datetime


class Key:
    """``PUT …/vaults/VAULT/keys/NAME``: RSA, wrap and unwrap only."""

    name = "key"
    title = "key"
    needs = ("key_vault",)
    doc = "https://learn.microsoft.com/azure/machine-learning/how-to-setup-customer-managed-keys#create-a-key"

    def types(self, profile: Profile) -> tuple[str, ...]:  # noqa: ARG002 - a step's signature
        """Return the type of the key."""
        return ("Microsoft.KeyVault/vaults/keys",)

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedKey:
        """Read the key. A vault of another subscription is a conflict already, and is not read."""
        vault = ResourceId.parse(profile.key_vault.resource_id)
        ours = vault.subscription.lower() == profile.subscription
        return ObservedKey(azure.key(vault, profile.key.name) if ours else None, azure.now())

    def plan(self, profile: Profile, observed: ObservedKey, known: Known) -> list[Change]:  # noqa: ARG002
        """Create the key, or find it up to date, or return its conflicts."""
        name = profile.key.name
        if observed.key is None:
            return [_create(profile)]
        problems = _conflicts_of(profile, observed.key.get("properties", {}), observed.at)
        conflicts = [conflict(self.name, profile.key.resource_id, _KIND, name, *each) for each in problems]
        return conflicts or [
            no_op(self.name, profile.key.resource_id, _KIND, name, _up_to_date(observed.key["properties"]))
        ]

    def outputs(self, profile: Profile, observed: ObservedKey) -> Outputs:  # noqa: ARG002
        """Return `IDENTIFIER`."""
        properties = (observed.key or {}).get("properties", {})
        return {IDENTIFIER: properties.get("keyUriWithVersion") or IDENTIFIER.unknown}


def _create(profile: Profile) -> Change:
    body: dict[str, Json] = {"tags": profile.tags, "properties": _properties(profile.key)}
    expires = profile.key.expires
    return Change(
        Key.name,
        Action.CREATE,
        profile.key.resource_id,
        _KIND,
        profile.key.name,
        "does not exist",
        attributes=(
            AttributeChange("kty", None, profile.key.type, phrase=Phrase()),
            AttributeChange("keySize", None, profile.key.size, phrase=Phrase("{} bits")),
            AttributeChange("keyOps", None, list(OPERATIONS), phrase=Phrase()),
            *(
                [AttributeChange("expires", None, _date(expires.timestamp()), phrase=Phrase("expires {}"))]
                if expires
                else []
            ),
        ),
        request=Request("PUT", profile.key.resource_id, versions.KEY_VAULT, body),
    )


def _properties(key: KeySettings) -> dict[str, Json]:
    attributes: dict[str, Json] = {"enabled": True}
    if key.expires is not None:
        attributes["exp"] = int(key.expires.timestamp())
    properties: dict[str, Json] = {
        "kty": key.type,
        "keySize": key.size,
        "keyOps": list(OPERATIONS),
        "attributes": attributes,
    }
    if key.rotation_policy is not None:
        properties["rotationPolicy"] = _rotation_policy(key.rotation_policy)
    return properties


def _rotation_policy(policy: RotationPolicy) -> dict[str, Json]:
    """Source: https://learn.microsoft.com/azure/key-vault/keys/how-to-configure-key-rotation."""
    triggers = (
        ("rotate", "timeAfterCreate", policy.rotate_after),
        ("rotate", "timeBeforeExpiry", policy.rotate_before_expiry),
        ("notify", "timeBeforeExpiry", policy.notify_before_expiry),
    )
    return {
        "attributes": {"expiryTime": policy.expires_after} if policy.expires_after else {},
        "lifetimeActions": [
            {"trigger": {trigger: duration}, "action": {"type": action}}
            for action, trigger, duration in triggers
            if duration
        ],
    }


def _conflicts_of(profile: Profile, found: Mapping[str, Any], at: datetime) -> Iterator[tuple[str, ...]]:
    """Yield code, reason and ways out for each conflict of an existing key. Its type, size and operations never change."""
    wanted = profile.key
    if not same_word(found.get("kty"), wanted.type):
        yield "CMK221", f"it is an {found.get('kty')} key, not {wanted.type}", "choose another key.name"
    if found.get("keySize") not in (None, wanted.size):
        yield (
            "CMK222",
            f"it has {found['keySize']} bits, not {wanted.size}",
            f"write key.size: {found['keySize']}",
            "choose another key.name",
        )
    # An absent list allows every operation.
    missing = missing_permissions(found.get("keyOps") or OPERATIONS, OPERATIONS)
    if missing:
        yield "CMK223", f"it does not allow {' and '.join(missing)}", "choose another key.name"
    yield from _unusable(found.get("attributes") or {}, at.timestamp())
    yield from _dates_and_rotation(profile, found)


def _dates_and_rotation(profile: Profile, found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    wanted = profile.key
    key = f"--vault-name {profile.key_vault.resource_name} --name {wanted.name}"
    expiry = (found.get("attributes") or {}).get("exp")
    if wanted.expires is not None and expiry != int(wanted.expires.timestamp()) and not expiry_follows_rotation(wanted):
        yield (
            "CMK227",
            f"it {f'expires on {_date(expiry)}' if expiry else 'never expires'}, not on {_date(wanted.expires.timestamp())}",
            f"move the expiry: az keyvault key set-attributes {key} --expires {wanted.expires:%Y-%m-%dT%H:%M:%SZ}",
            "leave key.expires out",
        )
    policy = found.get("rotationPolicy")
    if wanted.rotation_policy is not None and policy and not same_rotation(wanted.rotation_policy, policy):
        yield (
            "CMK228",
            f"its rotation policy is {_rotation_words(policy)}, not {_rotation_words(_rotation_policy(wanted.rotation_policy))}",
            f"change the policy: az keyvault key rotation-policy update {key} --value POLICY.json",
            "write key.rotation_policy as it is, or leave it out",
        )


def expiry_follows_rotation(wanted: KeySettings) -> bool:
    """Return True where the policy makes new versions: the expiry of the latest is then the policy's, not key.expires."""
    policy = wanted.rotation_policy
    return policy is not None and bool(policy.rotate_after or policy.rotate_before_expiry)


def same_rotation(wanted: RotationPolicy, found: Mapping[str, Any]) -> bool:
    """Return True for a policy as the profile wants it. Azure adds a notification of its own, which is not compared."""
    desired = _rotation_policy(wanted)
    notifies = wanted.notify_before_expiry is not None
    return _comparable(desired, notifies=notifies) == _comparable(found, notifies=notifies)


def _comparable(policy: Mapping[str, Any], *, notifies: bool) -> set[tuple[str, ...]]:
    lifetime = str((policy.get("attributes") or {}).get("expiryTime") or "").upper()
    actions = {
        (str((each.get("action") or {}).get("type")).lower(), trigger, str(duration).upper())
        for each in policy.get("lifetimeActions") or []
        for trigger, duration in (each.get("trigger") or {}).items()
    }
    return {("expires", lifetime), *(each for each in actions if notifies or each[0] != "notify")}


def _rotation_words(policy: Mapping[str, Any]) -> str:
    parts = sorted(" ".join(filter(None, each)) for each in _comparable(policy, notifies=True) if each[-1])
    return ", ".join(parts) or "empty"


def _unusable(attributes: Mapping[str, Any], now: float) -> Iterator[tuple[str, ...]]:
    if attributes.get("enabled") is False:
        yield (
            "CMK224",
            "its latest version is disabled, and cmkctl does not enable a disabled key",
            "enable it, if you want it in use: az keyvault key set-attributes --enabled true",
        )
    if attributes.get("exp") is not None and attributes["exp"] <= now:
        yield (
            "CMK225",
            f"it expired on {_date(attributes['exp'])}",
            "extend it: az keyvault key set-attributes --expires",
        )
    if attributes.get("nbf") is not None and attributes["nbf"] > now:
        yield "CMK226", f"it is not valid before {_date(attributes['nbf'])}", "wait, or choose another key.name"


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _up_to_date(properties: Mapping[str, Any]) -> str:
    size = f" {properties['keySize']}" if properties.get("keySize") else ""
    expiry = (properties.get("attributes") or {}).get("exp")
    until = f", expires {_date(expiry)}" if expiry else ", no expiry"
    return f"up to date: {properties.get('kty')}{size}, wraps and unwraps, enabled{until}"
