"""The decision of a rotation: the version that the workspace is to use, or why none can be taken. Pure, apart from `observe`.

    workspace + versions of the key ──decide──▶ MAKE a version, TAKE one that exists, STAY with the one in use, or REFUSE

Each step decides anew from what it observed, so that a rotation by another run is seen, and an interrupted one continues.
Sources: https://learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys and
https://learn.microsoft.com/azure/key-vault/keys/how-to-configure-key-rotation.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final

from cmkctl.azure import decoding, versions
from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument, moment
from cmkctl.azure.documents import at_path, text_at
from cmkctl.azure.ids import KeyIdentifier, ResourceId
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.waiting import in_progress
from cmkctl.azure.workspaces import KEY_IDENTIFIER
from cmkctl.clock import date
from cmkctl.plan import Output
from cmkctl.profile.field_types import days
from cmkctl.profile.model import Profile
from cmkctl.steps._workspace_conflicts import failed_as_created, state_of
from cmkctl.steps.key import expiry_follows_rotation

TARGET: Final[Output[str]] = Output("key_version", "identifier")
"""The key identifier, with its version, that the workspace is to use."""

TAKES_EFFECT_WITHIN: Final = timedelta(hours=1)
"""The time that a rotation usually takes to reach all services of a workspace.

Source: https://learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys
"""
_NOTICE: Final = timedelta(days=30)
"""The time before an expiry from which a rotation is due, where the rotation policy names none: Key Vault's own notice.

Source: https://learn.microsoft.com/azure/key-vault/keys/how-to-configure-key-rotation
"""


@dataclass(frozen=True, slots=True)
class RotationOptions:
    """The options of the command. `at` is the time of the command; None where only the time of the reading counts."""

    new_version: bool = False
    to_version: str = ""
    again: bool = False
    due: bool = False
    key: bool = False
    at: datetime | None = None

    @classmethod
    def of(cls, arguments: Mapping[str, str]) -> RotationOptions:
        """Return the options that the arguments of a procedure hold. Raises ValueError for an invalid time."""
        at = arguments.get("at")
        return cls(
            new_version="new_version" in arguments,
            to_version=arguments.get("to_version", "").lower(),
            again="again" in arguments,
            due="due" in arguments,
            key="key" in arguments,
            at=datetime.fromisoformat(at) if at else None,
        )


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a key. `created`, `exp` and `nbf` are in seconds since 1970, 0 for none."""

    name: str
    identifier: str
    created: int
    enabled: bool
    exp: int
    nbf: int

    def unusable(self, at: datetime) -> tuple[str, str] | None:
        """Return code and reason why no service could use it; None for a usable version."""
        now = at.timestamp()
        if not self.enabled:
            return "CMK224", "is disabled"
        if self.exp and self.exp <= now:
            return "CMK225", f"expired on {date(self.exp)}"
        if self.nbf > now:
            return "CMK226", f"is not valid before {date(self.nbf)}"
        return None


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first observation of a run: the names of the versions of the key, and the key identifier that the workspace used."""

    versions: frozenset[str]
    identifier: str


class FirstSeen:
    """Keeps the beginning of a run: what is different later was done by this run, or beside it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._beginning: Beginning | None = None

    def of(self, found: Beginning) -> Beginning:
        """Return the first one that was given."""
        with self._lock:
            if self._beginning is None:
                self._beginning = found
            return self._beginning


@dataclass(frozen=True, slots=True)
class ObservedRotation:
    """The workspace (None: absent), the versions of the profile's key, oldest first (None: no such key), and the time.

    `beginning` is what this run found first. `policy` is the rotation policy of the key, empty where it was not read. `other` is
    the version in use where it is one of another key (None: absent).
    """

    workspace: ArmDocument | None
    versions: tuple[Version, ...] | None
    beginning: Beginning
    at: datetime
    policy: Mapping[str, Any] = field(default_factory=dict)
    other: Version | None = None

    @property
    def identifier(self) -> str:
        """The key identifier that the workspace uses, empty for none."""
        return text_at(self.workspace, KEY_IDENTIFIER)

    @property
    def used(self) -> KeyIdentifier | None:
        """The key identifier that the workspace uses, in parts; None for none."""
        try:
            return KeyIdentifier.parse(self.identifier)
        except ValueError:
            return None

    @property
    def in_use(self) -> Version | None:
        """The version of the profile's key that the workspace uses; None for a version of another key, or one that is gone."""
        name = self.identifier.rpartition("/")[2]
        return next((each for each in self.versions or () if same_word(each.name, name)), None)


def observe(azure: Snapshot, profile: Profile, first: FirstSeen, *, policy: bool = False) -> ObservedRotation:
    """Read the workspace and the versions of the profile's key through the management plane.

    A vault firewall does not block these reads. With `policy`, the key with its rotation policy is read as well.
    """
    vault = ResourceId.parse(profile.key_vault.resource_id)
    key = str(vault.child("keys", profile.key.name))
    workspace, listed = azure.gather2(
        lambda: azure.resource(profile.workspace.resource_id, versions.WORKSPACES),
        lambda: azure.listing(f"{key}/versions", versions.KEY_VAULT, decoding.KeyVersions),
    )
    found = None if listed is None else [_version(each) for each in listed["value"]]
    newest = max((each.created for each in found or ()), default=0)
    latest: ArmDocument | None = None
    # Two versions of one second have no order of their own: Azure names the latest.
    if found and (policy or sum(each.created == newest for each in found) > 1):
        latest = azure.key(vault, profile.key.name)
    last = text_at(latest, "properties.keyUriWithVersion").rpartition("/")[2]
    ordered = sorted(found or (), key=lambda each: (each.created, same_word(each.name, last)))
    return ObservedRotation(
        workspace,
        None if found is None else tuple(ordered),
        first.of(Beginning(frozenset(each.name for each in ordered), text_at(workspace, KEY_IDENTIFIER))),
        azure.now(),
        at_path(latest, "properties.rotationPolicy") or {},
        _other(azure, profile, vault, text_at(workspace, KEY_IDENTIFIER)),
    )


def _other(azure: Snapshot, profile: Profile, vault: ResourceId, identifier: str) -> Version | None:
    """Read the version in use where it is one of another key of the vault; None for one of the profile's key."""
    try:
        used = KeyIdentifier.parse(identifier)
    except ValueError:
        return None
    if used.version is None or same_word(used.name, profile.key.name):
        return None
    found = azure.key_version(vault, used.name, used.version)
    return _version(found) if found is not None else None


def _version(document: ArmDocument) -> Version:
    properties = document["properties"]
    identifier, attributes = str(properties["keyUriWithVersion"]), properties.get("attributes") or {}
    return Version(
        identifier.rstrip("/").rpartition("/")[2].lower(),
        identifier,
        int(attributes.get("created") or 0),
        attributes.get("enabled") is not False,
        int(attributes.get("exp") or 0),
        int(attributes.get("nbf") or 0),
    )


class Aim(Enum):
    """The kinds of decision."""

    MAKE = "make a new version"
    TAKE = "take a version that exists"
    STAY = "stay with the version in use"
    REFUSE = "no version can be taken"


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision about a rotation. `version` is the one to use, None for one that does not exist yet.

    A refusal has a code and ways out; `of_workspace` is True where the workspace is the cause, and not its key.
    """

    aim: Aim
    reason: str
    version: Version | None = None
    code: str = ""
    ways_out: tuple[str, ...] = ()
    of_workspace: bool = False


def decide(profile: Profile, options: RotationOptions, observed: ObservedRotation) -> Decision:
    """Return what the rotation does. Pure."""
    refusal = unfit_workspace(profile, observed)
    if refusal:
        return refusal
    decision = _Deciding(profile, options, observed).decide()
    state = state_of(observed.workspace)
    if decision.aim is Aim.MAKE and observed.versions and (undated := _undated(profile)):
        return undated
    if in_progress(state) and decision.aim is Aim.MAKE:
        reason = f"an operation on it is in progress ({state.capitalize()}), and a new version follows only after it"
        return _workspace_refused("CMK602", reason, "wait until it has ended, and run the same command again")
    return decision


def _undated(profile: Profile) -> Decision | None:
    """Return the refusal of a new version that would lack the dates of the profile; None where it needs none.

    The operation rotate gives a version the expiry of the rotation policy, and no other date.
    """
    wanted = profile.key
    dates = {
        "expires": wanted.expires if not expiry_follows_rotation(wanted) else None,
        "not-before": wanted.not_before,
    }
    given = {name: at for name, at in dates.items() if at is not None}
    if not given:
        return None
    options = " ".join(f"--{name} {at:%Y-%m-%dT%H:%M:%SZ}" for name, at in given.items())
    fields = " and ".join(f"key.{name.replace('-', '_')}" for name in given)
    return _key_refused(
        "CMK608",
        f"the profile has {fields}, and a new version would have no such date",
        (
            f"make the version with its dates, and run cmkctl rotate PROFILE again, which takes it: az keyvault key create "
            f"--vault-name {profile.key_vault.resource_name} --name {wanted.name} --kty {wanted.type} --size {wanted.size} "
            f"--ops wrapKey unwrapKey {options}"
        ),
        f"leave {fields} out; key.rotation_policy.expires_after gives each new version an expiry",
    )


def _workspace_refused(code: str, reason: str, *ways_out: str) -> Decision:
    return Decision(Aim.REFUSE, reason, code=code, ways_out=ways_out, of_workspace=True)


def _key_refused(code: str, reason: str, *ways_out: str) -> Decision:
    return Decision(Aim.REFUSE, reason, code=code, ways_out=ways_out)


def unfit_workspace(profile: Profile, observed: ObservedRotation) -> Decision | None:
    """Return why the workspace has no key that can be rotated; None where it has one."""
    found = observed.workspace
    if found is None:
        return _workspace_refused(
            "CMK602",
            "there is no such workspace; a deleted one keeps its name for 14 days",
            "create it: cmkctl apply PROFILE",
            "correct workspace.name or resource_group",
        )
    if state_of(found) == "deleting" or failed_as_created(profile, found):
        reason = "it is being deleted" if state_of(found) == "deleting" else "its creation failed"
        return _workspace_refused("CMK602", reason, "create it: cmkctl apply PROFILE")
    encryption = at_path(found, "properties.encryption") or {}
    if not same_word(encryption.get("status"), "Enabled"):
        return _workspace_refused(
            "CMK252", "it is encrypted with Microsoft's keys, so there is no key to rotate", "create a new workspace"
        )
    vault = text_at(encryption, "keyVaultProperties.keyVaultArmId")
    if not same_resource_id(vault, profile.key_vault.resource_id):
        return _workspace_refused(
            "CMK253",
            f"its key is in {vault or 'an unknown vault'}, and Azure Machine Learning takes only another key or version of "
            "that vault",
            f"write key_vault.id: {vault}",
            "create a workspace with another name, and move the work there",
        )
    return None


@dataclass(frozen=True, slots=True)
class _Deciding:
    """The decision about a workspace that may be rotated."""

    profile: Profile
    options: RotationOptions
    observed: ObservedRotation

    def decide(self) -> Decision:
        """Return the decision."""
        if self.observed.versions is None:
            return self._without_key()
        pinned, wanted = (self.profile.key.version or "").lower(), self.options.to_version
        if pinned and (self.options.new_version or (wanted and wanted != pinned)):
            return self._pinned(pinned)
        if wanted or pinned:
            return self._named(wanted or pinned, pinned=pinned)
        if self.options.key or not self._same_key:
            return self._another_key()
        return self._refusal_of(self.observed.in_use) or self._rotated()

    @property
    def _same_key(self) -> bool:
        used = self.observed.used
        return used is not None and same_word(used.name, self.profile.key.name)

    @property
    def _usable(self) -> tuple[Version, ...]:
        return tuple(each for each in self.observed.versions or () if each.unusable(self.observed.at) is None)

    def _without_key(self) -> Decision:
        name = self.profile.key.name
        vault = f"--vault-name {self.profile.key_vault.resource_name} --name {name}"
        if self._same_key:
            return _key_refused(
                "CMK604",
                f"the workspace uses it ({self.observed.identifier}), and it is no longer in the vault",
                f"recover it: az keyvault key recover {vault}",
            )
        if self.options.to_version or self.profile.key.version:
            return _key_refused("CMK229", "there is no such key, so it has no versions", "correct the name of the key")
        return self._refusal_of(self.observed.other) or Decision(Aim.MAKE, "there is no such key in the vault yet")

    def _another_key(self) -> Decision:
        """Take the newest usable version of the profile's key, where the workspace uses a different key of the vault."""
        if not self._same_key and (refusal := self._refusal_of(self.observed.other)):
            return refusal
        made = [each for each in self._usable if self._just_made(each)]
        if self.options.new_version and not made:
            return Decision(Aim.MAKE, f"requested; the workspace uses {self.observed.identifier}")
        if self._usable and self._same_key and self._usable[-1] == self.observed.in_use:
            return _stay(self._usable[-1], "it is the latest version of this key")
        if self._usable:
            return Decision(Aim.TAKE, f"is the latest; the workspace uses {self.observed.identifier}", self._usable[-1])
        return _key_refused(
            "CMK224",
            "none of its versions can be used: each is disabled, expired or not valid yet",
            "make a new version: cmkctl rotate PROFILE --new-version",
            "write another key.name",
        )

    def _named(self, name: str, *, pinned: str) -> Decision:
        """Take the version that the option or the profile names."""
        found = next((each for each in self.observed.versions or () if each.name == name), None)
        vault = f"--vault-name {self.profile.key_vault.resource_name} --name {self.profile.key.name}"
        if found is None:
            return _key_refused(
                "CMK229", f"it has no version {name}", f"list the versions: az keyvault key list-versions {vault}"
            )
        if found == self.observed.in_use and self._same_key:
            return (
                self._already_pinned(found)
                if pinned and not self.options.to_version
                else _stay(found, "it is the requested version")
            )
        unusable = found.unusable(self.observed.at)
        if unusable:
            return _key_refused(
                unusable[0],
                f"version {name} {unusable[1]}",
                "take another version",
                "make a new one: cmkctl rotate PROFILE",
            )
        named = "key.version of the profile" if pinned else "requested"
        return Decision(Aim.TAKE, f"{named}; the workspace uses {self.observed.identifier}", found)

    def _already_pinned(self, version: Version) -> Decision:
        """Stay with the pinned version where nothing is due, or it was put to use just now; else name the line to write."""
        due = self._due()
        changed = self._changed
        just_moved = changed is not None and changed > self._recently and self._was_rotated_to(version)
        if just_moved or (self.options.due and not due):
            return _stay(version, "key.version of the profile pins it")
        return self._pinned(version.name)

    def _pinned(self, pinned: str) -> Decision:
        newer = self._newer()
        vault = f"--vault-name {self.profile.key_vault.resource_name} --name {self.profile.key.name}"
        then = "then run cmkctl rotate PROFILE"
        wanted = self.options.to_version or (newer.name if newer else "")
        line = (
            f"write key.version: {wanted} in the profile, {then}"
            if wanted
            else f"make a version (az keyvault key rotate {vault}), write it as key.version in the profile, {then}"
        )
        return _key_refused(
            "CMK603",
            f"key.version in the profile pins version {pinned}",
            line,
            f"leave key.version out, so that the workspace takes the latest version, {then}",
        )

    def _refusal_of(self, used: Version | None) -> Decision | None:
        """Return the refusal where the version in use is disabled; None otherwise."""
        if used is None or used.enabled:
            return None
        return _key_refused(
            "CMK604",
            (
                f"the workspace uses version {used.name}, which is disabled: the services cannot unwrap their data with it, "
                "and need it to change to another version"
            ),
            "enable it, wait until the workspace works again (up to an hour), and rotate then: cmkctl restore PROFILE",
        )

    def _rotated(self) -> Decision:
        used, newer = self.observed.in_use, self._newer()
        due = self._due() if self.options.due else ""
        if self.options.new_version:
            if newer is not None and self._just_made(newer):
                return Decision(Aim.TAKE, "was made just now, and the workspace does not use it yet", newer)
        elif newer is not None:
            return Decision(Aim.TAKE, f"is newer than the version in use, {_name(used)}", newer)
        if used is not None and self._was_rotated_to(used) and (since := self._rotated_at(used)):
            again = "" if self.options.due else "; --again makes another one"
            return _stay(used, f"{since}, and rotations take effect within an hour{again}")
        if self.options.due and not due:
            return _stay(used, self._not_due())
        reason = due or "the latest version is in use" if not self.options.new_version else "requested"
        return Decision(Aim.MAKE, f"{reason}; the workspace uses {self.observed.identifier}")

    def _rotated_at(self, used: Version) -> str:
        """Return in words when the workspace was moved to its version, where that counts as this rotation; else nothing."""
        if self._just_made(used) or self.observed.identifier != self.observed.beginning.identifier:
            return f"it was made at {date(used.created)}"
        changed = self._changed
        if self.options.again or self.options.new_version or changed is None or changed <= self._recently:
            return ""
        return f"the workspace was changed at {date(changed.timestamp())}, perhaps by a rotation"

    @property
    def _changed(self) -> datetime | None:
        """The time of the last change of the workspace; None where Azure does not show it."""
        return moment(at_path(self.observed.workspace, "systemData.lastModifiedAt"))

    def _newer(self) -> Version | None:
        """Return the newest usable version that is newer than the one in use."""
        used, listed = self.observed.in_use, self.observed.versions or ()
        later = listed[listed.index(used) + 1 :] if used is not None else listed
        return next((each for each in reversed(later) if each.unusable(self.observed.at) is None), None)

    def _just_made(self, version: Version) -> bool:
        """Return True for a version of this rotation: made since the run began, or within the last hour.

        For a saved plan the hour ends at the time of the plan, so that applying it again later makes no second version. With
        --again only what this run made counts.
        """
        if version.name not in self.observed.beginning.versions:
            return True
        return not self.options.again and version.created > self._recently.timestamp()

    @property
    def _recently(self) -> datetime:
        return min(self.observed.at, self.options.at or self.observed.at) - TAKES_EFFECT_WITHIN

    def _was_rotated_to(self, version: Version) -> bool:
        """Return True for a version that the workspace cannot have been created with: a later one, or one that is younger."""
        made = moment(at_path(self.observed.workspace, "systemData.createdAt"))
        younger = made is not None and version.created > made.timestamp()
        return younger or version != (self.observed.versions or (version,))[0]

    def _due(self) -> str:
        """Return why a rotation is due by the key's rotation policy or by an expiry; empty when none is."""
        used, now = self.observed.in_use, self.observed.at
        if used is None:
            return "the version in use no longer exists"
        made = datetime.fromtimestamp(used.created, UTC)
        after, before = self._trigger("rotate", "timeAfterCreate"), self._trigger("rotate", "timeBeforeExpiry")
        if after and used.created and now - made >= after:
            return f"the rotation policy requires a version every {after.days} days, and this one is of {date(used.created)}"
        notice = max(before or timedelta(), self._trigger("notify", "timeBeforeExpiry") or _NOTICE)
        if used.exp and datetime.fromtimestamp(used.exp, UTC) - now <= notice:
            return f"the version in use expires on {date(used.exp)}"
        return ""

    def _not_due(self) -> str:
        used = self.observed.in_use
        after = self._trigger("rotate", "timeAfterCreate")
        until = f"expires on {date(used.exp)}" if used is not None and used.exp else "never expires"
        made = date(used.created) if used is not None else "an unknown time"
        policy = (
            f"the rotation policy requires one every {after.days} days" if after else "no rotation policy requires one"
        )
        return f"no rotation is due: it was made at {made} and {until}, and {policy}"

    def _trigger(self, action: str, trigger: str) -> timedelta | None:
        """Return a duration of the key's rotation policy; None where it has none, or one that is not in whole days."""
        for each in self.observed.policy.get("lifetimeActions") or ():
            duration = text_at(each, f"trigger.{trigger}")
            if same_word(text_at(each, "action.type"), action) and duration:
                try:
                    return timedelta(days=days(duration.upper()))
                except ValueError:
                    return None
        return None


def _stay(version: Version | None, reason: str) -> Decision:
    return Decision(Aim.STAY, f"version {_name(version)} is in use: {reason}", version)


def _name(version: Version | None) -> str:
    return version.name if version else "one that no longer exists"
