"""The key version that the workspace uses: disabled by ``revoke``, enabled by ``restore``. Nothing is deleted.

Resource Manager cannot change an existing version, so the request goes to the vault's own endpoint. The version is that of the
workspace, not the latest of the profile's key: a workspace keeps the version that it was pointed at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import at_path, text_at
from cmkctl.azure.ids import KeyIdentifier, ResourceId
from cmkctl.azure.snapshot import Snapshot, unless_denied
from cmkctl.azure.vault_keys import version_path
from cmkctl.azure.waiting import in_progress
from cmkctl.azure.workspaces import KEY_IDENTIFIER, KEY_VAULT_ID
from cmkctl.clock import date
from cmkctl.plan import Action, AttributeChange, Change, Known, Output, Outputs, Plane, Request, Settle
from cmkctl.profile.model import Profile
from cmkctl.steps._vault_entry import Entry, try_entry, ways_in
from cmkctl.steps.base import conflict, no_op, reason_to_wait, wait

VERSION_IN_USE: Final[Output[str]] = Output("version_in_use", "identifier")
"""The key identifier, with its version, that the workspace uses."""

KIND: Final = "key version"
_WORKSPACE: Final = "workspace"
_TIMEOUT: Final = 7200.0


@dataclass(frozen=True, slots=True)
class ObservedVersion:
    """The workspace (None: absent), the vault (None: absent), the version that the workspace uses (None: absent), the time.

    `deleted` is True where a soft-deleted vault has the name. `entry` is the try of the vault's endpoint, None where nothing is
    to be written. `others` are further disabled versions of the key, read where the version is to be enabled.
    """

    workspace: ArmDocument | None
    vault: ArmDocument | None
    version: ArmDocument | None
    at: datetime
    deleted: bool = False
    entry: Entry | None = None
    others: tuple[str, ...] = ()

    @property
    def identifier(self) -> str:
        """The key identifier of the workspace, empty without one; with the latest version where it names none."""
        named = text_at(self.workspace, KEY_IDENTIFIER)
        return text_at(self.version, "properties.keyUriWithVersion") or named

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The attributes of the version: `enabled`, `exp`, `nbf`, `updated`."""
        return at_path(self.version, "properties.attributes") or {}


class VersionInUse:
    """``PATCH {vault}/keys/NAME/VERSION`` with ``attributes.enabled``, through the vault's own endpoint.

    `enabled` is the state that the procedure wants.
    """

    name = "version_in_use"
    title = "key version in use"
    doc = "https://learn.microsoft.com/rest/api/keyvault/keys/update-key/update-key"

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled

    @property
    def needs(self) -> tuple[str, ...]:
        """The grants come first in a restoration: the key is enabled once everything else is in place."""
        return ("key_access",)

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedVersion:
        """Read the workspace, its vault and its key version; where a write is due, try the vault's endpoint."""
        workspace = azure.resource(profile.workspace.resource_id, versions.WORKSPACES)
        identifier, vault_id = text_at(workspace, KEY_IDENTIFIER), ResourceId.parse(profile.key_vault.resource_id)
        ours = vault_id.subscription.lower() == profile.subscription
        if not ours or not same_resource_id(text_at(workspace, KEY_VAULT_ID), str(vault_id)):
            return ObservedVersion(workspace, None, None, azure.now())
        try:
            used = KeyIdentifier.parse(identifier)
        except ValueError:
            return ObservedVersion(workspace, None, None, azure.now())
        vault, version = azure.gather2(lambda: azure.vault(vault_id), lambda: _version(azure, vault_id, used))
        if vault is None:
            deleted = unless_denied(partial(azure.deleted_vault, vault_id.name, profile.location))
            return ObservedVersion(workspace, None, None, azure.now(), deleted is not None)
        found = ObservedVersion(workspace, vault, version, azure.now())
        if version is None or (found.attributes.get("enabled") is not False) == self._enabled:
            return found
        key = vault_id.child("keys", used.name)
        entry, others = azure.gather2(
            lambda: try_entry(azure, vault, str(key), used.name, _version_of(found.identifier)),
            lambda: _other_disabled(azure, key, found.identifier) if self._enabled else (),
        )
        return ObservedVersion(workspace, vault, version, azure.now(), entry=entry, others=others)

    def plan(self, profile: Profile, observed: ObservedVersion, known: Known) -> list[Change]:  # noqa: ARG002
        """Disable or enable the version, find that done, wait for the workspace, or return the conflicts."""
        without = _without_key(profile, observed)
        if without is not None:
            return [without]
        if observed.version is None:
            return [self._gone(profile, observed)]
        waits = _operation(profile, observed)
        resource, name = _resource(profile, observed), _name(observed)
        if (observed.attributes.get("enabled") is not False) == self._enabled:
            return [*waits, no_op(self.name, resource, KIND, name, self._done(profile, observed))]
        if observed.entry is not None and observed.vault is not None and observed.entry.refused:
            ways = [*ways_in(observed.vault, profile.key_vault.resource_id, observed.entry)]
            if not self._enabled:
                ways.append(
                    "take the access away instead, through Azure Resource Manager: cmkctl revoke PROFILE --grant"
                )
            reason = f"{observed.entry.refused}, and Azure Resource Manager cannot change a key version"
            return [*waits, conflict(self.name, resource, KIND, name, "CMK623", reason, *ways)]
        return [*waits, self._write(profile, observed, tuple(each.resource_id for each in waits))]

    def outputs(self, profile: Profile, observed: ObservedVersion) -> Outputs:  # noqa: ARG002 - a step's signature
        """Return `VERSION_IN_USE`, empty for a workspace without one."""
        return {VERSION_IN_USE: observed.identifier}

    def _write(self, profile: Profile, observed: ObservedVersion, after: tuple[str, ...]) -> Change:
        used = KeyIdentifier.parse(observed.identifier)
        return Change(
            self.name,
            Action.ENABLE if self._enabled else Action.DISABLE,
            _resource(profile, observed),
            KIND,
            _name(observed),
            f"in use by workspace {profile.workspace.name}",
            attributes=(AttributeChange("enabled", not self._enabled, self._enabled),),
            depends_on=after,
            request=Request(
                "PATCH",
                version_path(used.name, _version_of(observed.identifier)),
                versions.VAULT_KEYS,
                {"attributes": {"enabled": self._enabled}},
                host=text_at(observed.vault, "properties.vaultUri").rstrip("/"),
                plane=Plane.VAULT,
            ),
        )

    def _gone(self, profile: Profile, observed: ObservedVersion) -> Change:
        """Return the change where vault, key or version is absent: access is revoked already, and not by a disabled key."""
        vault = profile.key_vault.resource_name
        what = f"the vault {vault} is deleted" if observed.vault is None else "the key is not in the vault any more"
        if not self._enabled:
            return no_op(
                self.name, _resource(profile, observed), KIND, _name(observed), f"out of reach already: {what}"
            )
        recover = observed.deleted or observed.vault is not None
        return conflict(
            self.name,
            _resource(profile, observed),
            KIND,
            _name(observed),
            "CMK624",
            f"{what}, so there is no version to enable",
            *(["recover it with its grants: cmkctl recover PROFILE"] if recover else []),
            *([] if recover else ["find out where the vault is: az resource list --name " + vault]),
        )

    def _done(self, profile: Profile, observed: ObservedVersion) -> str:
        if self._enabled:
            return f"up to date: enabled, in use by workspace {profile.workspace.name}"
        since = observed.attributes.get("updated")
        return f"disabled already{f', last changed on {date(since)}' if since else ''}"


def _version(azure: Snapshot, vault: ResourceId, used: KeyIdentifier) -> ArmDocument | None:
    return azure.key_version(vault, used.name, used.version.lower()) if used.version else azure.key(vault, used.name)


def _other_disabled(azure: Snapshot, key: ResourceId, identifier: str) -> tuple[str, ...]:
    """Return the other disabled versions of the key, oldest first; empty where the list may not be read."""
    listed = unless_denied(lambda: azure.listing(f"{key}/versions", versions.KEY_VAULT)) or {}
    disabled = [each for each in listed.get("value", ()) if at_path(each, "properties.attributes.enabled") is False]
    disabled.sort(key=lambda each: at_path(each, "properties.attributes.created") or 0)
    names = [str(each.get("name", "")) for each in disabled]
    return tuple(each for each in names if each and not same_word(each, _version_of(identifier)))


def _version_of(identifier: str) -> str:
    return identifier.rpartition("/")[2].lower()


def _name(observed: ObservedVersion) -> str:
    """Return name and version of the key, as its identifier has them."""
    return observed.identifier.partition("/keys/")[2]


def _resource(profile: Profile, observed: ObservedVersion) -> str:
    name, _, version = _name(observed).partition("/")
    return f"{profile.key_vault.resource_id}/keys/{name}/versions/{version}"


def _operation(profile: Profile, observed: ObservedVersion) -> list[Change]:
    """Return the wait for an operation of the workspace, such as a rotation, which may change the version in use."""
    state = text_at(observed.workspace, "properties.provisioningState")
    if not in_progress(state.lower()):
        return []
    workspace = profile.workspace
    settle = Settle(workspace.resource_id, versions.WORKSPACES, timeout=_TIMEOUT)
    return [wait(VersionInUse.name, workspace.resource_id, _WORKSPACE, workspace.name, reason_to_wait(state), settle)]


def _without_key(profile: Profile, observed: ObservedVersion) -> Change | None:
    """Return the conflict of a workspace that is absent or has no key of the profile's vault."""
    problem = next(_mismatches(profile, observed), None)
    if problem is None:
        return None
    workspace = profile.workspace
    return conflict(VersionInUse.name, workspace.resource_id, _WORKSPACE, workspace.name, "CMK624", *problem)


def _mismatches(profile: Profile, observed: ObservedVersion) -> Iterator[tuple[str, ...]]:
    if observed.workspace is None:
        yield "there is no such workspace", "correct workspace.name, resource_group or subscription"
        return
    if not same_word(text_at(observed.workspace, "properties.encryption.status"), "Enabled"):
        yield "it is encrypted with Microsoft's keys", "there is no key of yours to revoke or restore"
        return
    vault = text_at(observed.workspace, KEY_VAULT_ID)
    elsewhere = ResourceId.parse(profile.key_vault.resource_id).subscription.lower() != profile.subscription
    if elsewhere or not same_resource_id(vault, profile.key_vault.resource_id):
        yield (
            f"its key is in {vault or 'an unknown vault'}",
            f"write key_vault.id: {vault}" if vault else "correct key_vault",
        )
        return
    try:
        KeyIdentifier.parse(observed.identifier)
    except ValueError:
        yield f"its key identifier is {observed.identifier or 'not shown'}", "find out with: az ml workspace show"
