"""Step 4: the RSA key, created through the management plane.

``create_if_not_exist`` creates the first version and returns an existing key unchanged: it neither rotates nor updates. So an
existing key is checked, and a difference is a conflict. What only the vault's own endpoint offers goes there, where the profile
requests it: the recovery of a deleted key, and the rotation policy of an existing one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cmkctl.agreement import with_key
from cmkctl.azure import versions
from cmkctl.azure.compare import missing_permissions, same_word
from cmkctl.azure.decoding import ArmDocument, moment
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.snapshot import Snapshot
from cmkctl.clock import date
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Output, Outputs, Phrase, Plane, Request, Settle
from cmkctl.profile.model import KeySettings, Profile, RotationPolicy
from cmkctl.steps._tags import new_tags
from cmkctl.steps.base import conflict, no_op
from cmkctl.steps.key_vault import URI

OPERATIONS: Final = ("wrapKey", "unwrapKey")
IDENTIFIER: Final[Output[str]] = Output("key", "identifier", "properties.keyUriWithVersion")
"""The key identifier with its version, which the workspace stores."""
KEY_URI: Final[Output[str]] = Output("key", "uri", "properties.keyUri")
"""The key identifier without a version: a resource that has it uses the latest one by itself."""

MOST_TAGS_OF_A_KEY: Final = 15

_KIND: Final = "key"
_NEW: Final = timedelta(hours=1)
_TO_RETURN: Final = 600.0
"""Seconds for a recovered key to appear in Resource Manager."""


@dataclass(frozen=True, slots=True)
class ObservedKey:
    """The key with its latest version (None: absent), and the time of the reading, for its dates.

    `version` is the version that the profile pins (None: absent, or none is pinned). `deleted` is the soft-deleted key, read
    only where the profile requests its recovery; `unreadable` is the cause of a failed read. `returns` is True where the key may
    come back with a vault that is to be recovered.
    """

    key: ArmDocument | None
    at: datetime
    version: ArmDocument | None = None
    deleted: ArmDocument | None = None
    unreadable: str = ""
    returns: bool = False

    @property
    def used(self) -> ArmDocument | None:
        """The version that the workspace gets: the pinned one, else the latest."""
        return self.version or self.key


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
        if vault.subscription.lower() != profile.subscription:
            return ObservedKey(None, azure.now())
        pinned = profile.key.version
        key, version = azure.gather2(
            lambda: azure.key(vault, profile.key.name),
            lambda: azure.key_version(vault, profile.key.name, pinned.lower()) if pinned else None,
        )
        if key is not None:
            return ObservedKey(key, azure.now(), version)
        return _absent(azure, profile, vault)

    def plan(self, profile: Profile, observed: ObservedKey, known: Known) -> list[Change]:
        """Create the key, recover it, find it up to date, set its rotation policy, or return its conflicts."""
        name = profile.key.name
        if observed.key is None:
            return [_without_key(profile, observed, known)]
        if profile.key.version is not None and observed.version is None:
            return [_no_such_version(profile, observed.key)]
        used = (observed.used or {}).get("properties", {})
        problems = _conflicts_of(profile, used, observed.at)
        conflicts = [
            conflict(self.name, profile.key.resource_id, _KIND, name, *each, agreement=with_key(used, each[0]))
            for each in problems
        ]
        if conflicts:
            return conflicts
        up_to_date = no_op(self.name, profile.key.resource_id, _KIND, name, _up_to_date(profile, used))
        return [_rotation_drift(profile, observed.key.get("properties", {}), known) or up_to_date]

    def outputs(self, profile: Profile, observed: ObservedKey) -> Outputs:
        """Return `IDENTIFIER` and `KEY_URI`. Those of a deleted key are known: a recovery brings it back with its versions."""
        used = observed.version if profile.key.version else observed.key
        identifier = (used or {}).get("properties", {}).get("keyUriWithVersion")
        if observed.key is None and observed.deleted is not None and profile.key.version is None:
            identifier = observed.deleted["key"]["kid"]
        if not identifier:
            return {each: each.unknown for each in (IDENTIFIER, KEY_URI)}
        return {IDENTIFIER: identifier, KEY_URI: str(identifier).rpartition("/")[0]}


def _absent(azure: Snapshot, profile: Profile, vault: ResourceId) -> ObservedKey:
    """Read what an absent key may come back from: the vault's deleted keys, or the deleted vault."""
    if not (profile.key.recover or profile.key_vault.recover):
        return ObservedKey(None, azure.now())
    found = azure.vault(vault)
    if found is None:
        returns = profile.key_vault.recover and azure.deleted_vault(vault.name, profile.location) is not None
        return ObservedKey(None, azure.now(), returns=returns)
    uri = str(found.get("properties", {}).get("vaultUri") or "")
    if not (profile.key.recover and uri):
        return ObservedKey(None, azure.now())
    try:
        return ObservedKey(None, azure.now(), deleted=azure.deleted_key(uri, profile.key.name))
    except AzureFailed as error:
        if error.failure.kind not in (FailureKind.DENIED, FailureKind.NETWORK):
            raise
        return ObservedKey(None, azure.now(), unreadable="" if _is_new(found, azure.now()) else str(error.failure.kind))


def _is_new(vault: ArmDocument, now: datetime) -> bool:
    """Return True for a vault created just now, by this run: it has no deleted keys, and rights on them may be missing yet."""
    created = moment((vault.get("systemData") or {}).get("createdAt"))
    return created is not None and now - created < _NEW


def _without_key(profile: Profile, observed: ObservedKey, known: Known) -> Change:
    if observed.unreadable:
        return conflict(
            Key.name,
            profile.key.resource_id,
            _KIND,
            profile.key.name,
            "CMK220",
            f"the deleted keys of the vault cannot be read through its own endpoint: {observed.unreadable}",
            "have the role Key Vault Crypto Officer assigned on the vault, or key permissions get and recover",
            "leave key.recover out",
        )
    if observed.deleted is not None:
        return _recovery(profile, observed.deleted, known)
    if profile.key.version is not None:
        return conflict(
            Key.name,
            profile.key.resource_id,
            _KIND,
            profile.key.name,
            "CMK229",
            f"there is no such key, so it has no version {profile.key.version}",
            "leave key.version out: Key Vault chooses the version of a new key",
            "correct key.name",
        )
    return creation(
        profile, "does not exist, unless it returns with the vault" if observed.returns else "does not exist"
    )


def _recovery(profile: Profile, deleted: ArmDocument, known: Known) -> Change:
    """Return the recovery of a soft-deleted key with all of its versions.

    Source: https://learn.microsoft.com/rest/api/keyvault/keys/recover-deleted-key
    """
    since = f" on {date(deleted['deletedDate'])}" if deleted.get("deletedDate") else ""
    return Change(
        Key.name,
        Action.CREATE,
        profile.key.resource_id,
        _KIND,
        profile.key.name,
        f"was deleted{since}, and returns with all of its versions",
        attributes=(
            AttributeChange("recovered", None, deleted["key"]["kid"], phrase=Phrase("recovered, with its versions")),
        ),
        request=Request(
            "POST",
            f"/deletedkeys/{profile.key.name}/recover",
            versions.VAULT_KEYS,
            host=_host(known),
            plane=Plane.VAULT,
        ),
        settle=Settle(profile.key.resource_id, versions.KEY_VAULT, state_path="", timeout=_TO_RETURN),
        verb=("recovering", "recovered"),
    )


def _host(known: Known) -> str:
    return str(known.get(URI)).rstrip("/")


def _no_such_version(profile: Profile, key: ArmDocument) -> Change:
    latest = str(key.get("properties", {}).get("keyUriWithVersion") or "").rpartition("/")[2]
    names = f"--vault-name {profile.key_vault.resource_name} --name {profile.key.name}"
    return conflict(
        Key.name,
        profile.key.resource_id,
        _KIND,
        profile.key.name,
        "CMK229",
        f"it has no version {profile.key.version}",
        f"write key.version: {latest}, which is the latest" if latest else "leave key.version out",
        f"list the versions: az keyvault key list-versions {names}",
    )


def _rotation_drift(profile: Profile, found: Mapping[str, Any], known: Known) -> Change | None:
    """Return the write of the rotation policy through the vault's own endpoint. Notifications that others set are kept.

    Source: https://learn.microsoft.com/rest/api/keyvault/keys/update-key-rotation-policy
    """
    wanted, policy = profile.key.rotation_policy, found.get("rotationPolicy") or {}
    if wanted is None or same_rotation(wanted, policy):
        return None
    desired = _rotation_policy(wanted)
    notified = [
        each for each in policy.get("lifetimeActions") or [] if same_word(each.get("action", {}).get("type"), "notify")
    ]
    kept = notified if wanted.notify_before_expiry is None and wanted.expires_after else []
    actions = [
        {"trigger": each["trigger"], "action": {"type": str(each["action"]["type"]).capitalize()}}
        for each in (*desired["lifetimeActions"], *kept)
    ]
    return Change(
        Key.name,
        Action.UPDATE,
        profile.key.resource_id,
        _KIND,
        profile.key.name,
        "its rotation policy differs",
        attributes=(
            AttributeChange("rotationPolicy", _rotation_words(policy) if policy else None, _rotation_words(desired)),
        ),
        request=Request(
            "PUT",
            f"/keys/{profile.key.name}/rotationpolicy",
            versions.VAULT_KEYS,
            {"lifetimeActions": actions, "attributes": desired["attributes"]},
            host=_host(known),
            plane=Plane.VAULT,
        ),
    )


def creation(profile: Profile, reason: str) -> Change:
    """Return the creation of the key through Resource Manager, with its first version."""
    body: dict[str, Json] = {"tags": new_tags(profile, most=MOST_TAGS_OF_A_KEY), "properties": _properties(profile.key)}
    expires = profile.key.expires
    return Change(
        Key.name,
        Action.CREATE,
        profile.key.resource_id,
        _KIND,
        profile.key.name,
        reason,
        attributes=(
            AttributeChange("kty", None, profile.key.type, phrase=Phrase()),
            AttributeChange("keySize", None, profile.key.size, phrase=Phrase("{} bits")),
            AttributeChange("keyOps", None, list(OPERATIONS), phrase=Phrase()),
            *(
                [AttributeChange("expires", None, date(expires.timestamp()), phrase=Phrase("expires {}"))]
                if expires
                else []
            ),
        ),
        request=Request("PUT", profile.key.resource_id, versions.KEY_VAULT, body),
    )


def _properties(key: KeySettings) -> dict[str, Json]:
    attributes: dict[str, Json] = {"enabled": True}
    if key.not_before is not None:
        attributes["nbf"] = int(key.not_before.timestamp())
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


def _rotation_policy(policy: RotationPolicy) -> dict[str, Any]:
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
    yield from _unusable(profile, found.get("attributes") or {}, at.timestamp())
    yield from _dates(profile, found)


def _dates(profile: Profile, found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    wanted = profile.key
    key = f"--vault-name {profile.key_vault.resource_name} --name {wanted.name}"
    expiry = (found.get("attributes") or {}).get("exp")
    if wanted.expires is not None and expiry != int(wanted.expires.timestamp()) and not expiry_follows_rotation(wanted):
        yield (
            "CMK227",
            f"it {f'expires on {date(expiry)}' if expiry else 'never expires'}, not on {date(wanted.expires.timestamp())}",
            f"move the expiry: az keyvault key set-attributes {key} --expires {wanted.expires:%Y-%m-%dT%H:%M:%SZ}",
            "leave key.expires out",
        )
    start = (found.get("attributes") or {}).get("nbf")
    if wanted.not_before is not None and start != int(wanted.not_before.timestamp()):
        has = f"from {date(start)}" if start else "from the beginning"
        yield (
            "CMK227",
            f"it is valid {has}, not from {date(wanted.not_before.timestamp())}",
            f"move the date: az keyvault key set-attributes {key} --not-before {wanted.not_before:%Y-%m-%dT%H:%M:%SZ}",
            "leave key.not_before out",
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


def _unusable(profile: Profile, attributes: Mapping[str, Any], now: float) -> Iterator[tuple[str, ...]]:
    which = f"version {profile.key.version}" if profile.key.version else "its latest version"
    if attributes.get("enabled") is False:
        yield (
            "CMK224",
            f"{which} is disabled: whatever uses it is out of reach, or will be within about an hour",
            "find out who disabled it, and why",
            "give an existing workspace its access back: cmkctl restore PROFILE",
            "enable it for a new workspace: az keyvault key set-attributes --enabled true",
        )
    if attributes.get("exp") is not None and attributes["exp"] <= now:
        yield (
            "CMK225",
            f"it expired on {date(attributes['exp'])}",
            "extend it: az keyvault key set-attributes --expires",
        )
    if attributes.get("nbf") is not None and attributes["nbf"] > now:
        yield "CMK226", f"it is not valid before {date(attributes['nbf'])}", "wait, or choose another key.name"


def _up_to_date(profile: Profile, properties: Mapping[str, Any]) -> str:
    size = f" {properties['keySize']}" if properties.get("keySize") else ""
    expiry = (properties.get("attributes") or {}).get("exp")
    until = f", expires {date(expiry)}" if expiry else ", no expiry"
    pinned = f", version {profile.key.version}" if profile.key.version else ""
    return f"up to date: {properties.get('kty')}{size}, wraps and unwraps, enabled{until}{pinned}"
