"""Destroy, step 6: the key and its vault, each on request. Both can be recovered for some time; cmkctl purges neither.

Refused while anything found names the key or the vault, while what could name them cannot be seen, and while a soft-deleted
workspace can be recovered. Resource Manager deletes no key: that goes through the vault's own endpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import at_path, text_at
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.snapshot import Snapshot, unless_denied
from cmkctl.consumers import Consumers
from cmkctl.plan import Change, Json, Known, Output, Outputs, Plane, Request
from cmkctl.profile.model import Profile
from cmkctl.steps._deletion import NO_MARK, SOFT_DELETE, Removal, Wanted, change_of, day, delete_request, left_of
from cmkctl.steps._key_users import key_users, named, others
from cmkctl.steps._tags import is_marked
from cmkctl.steps._workspaces import ObservedWorkspaces
from cmkctl.steps.associated_deletion import going, observe_associated

LEFT: Final[Output[list[dict[str, Json]]]] = Output("vault_deletion", "left")
_KEY: Final = "key"
_VAULT: Final = "key vault"
_LONGEST: Final = 90
"""The days that a vault keeps what is deleted where it does not show a number."""


@dataclass(frozen=True, slots=True)
class ObservedVaultDeletion:
    """The workspaces; vault, soft-deleted vault, key and resource group (None: absent); the users of the keys.

    `users` is None where neither key nor vault is to be deleted. `other_keys` are the names of the vault's other keys.
    `deleted_key` is the soft-deleted key; `unreadable` is why the vault's own endpoint cannot be used. Both are read only
    for the deletion of the key.
    """

    workspaces: ObservedWorkspaces
    vault: ArmDocument | None
    deleted_vault: ArmDocument | None
    key: ArmDocument | None
    group: ArmDocument | None
    users: Consumers | None = None
    going: tuple[str, ...] = ()
    other_keys: tuple[str, ...] = ()
    deleted_key: ArmDocument | None = None
    unreadable: str = ""


class VaultDeletion:
    """``DELETE https://VAULT/keys/NAME`` with ``--delete-key``, ``DELETE …/vaults/NAME`` with ``--delete-vault``."""

    name = "vault_deletion"
    title = "deletion of key and vault"
    needs = ("project_deletion", "workspace_deletion", "network_deletion", "associated_deletion", "grant_deletion")
    doc = "https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview"

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedVaultDeletion:
        """Read vault and key; for a deletion also everything that uses them, and a way in."""
        vault_id = ResourceId.parse(profile.key_vault.resource_id)
        associated, (vault, key), group = (
            observe_associated(azure, profile),
            azure.gather2(lambda: azure.vault(vault_id), lambda: azure.key(vault_id, profile.key.name)),
            azure.resource_group(profile.resource_group),
        )
        deleted = None
        if vault is None:
            deleted = unless_denied(lambda: azure.deleted_vault(vault_id.name, profile.location))
        found = ObservedVaultDeletion(associated.workspaces, vault, deleted, key, group)
        if vault is None or not (self._wanted.key or self._wanted.vault):
            return found
        listed = azure.listing(f"{vault_id}/keys", versions.KEY_VAULT) or {"value": []}
        names = (text_at(each, "name") for each in listed["value"])
        other_keys = tuple(each for each in names if each.lower() != profile.key.name.lower())
        deleted_key, unreadable = self._way_in(azure, profile, vault)
        return ObservedVaultDeletion(
            associated.workspaces,
            vault,
            None,
            key,
            group,
            key_users(azure, profile, whole_vault=self._wanted.vault),
            tuple(going(profile, associated, self._wanted)),
            other_keys,
            deleted_key,
            unreadable,
        )

    def _way_in(self, azure: Snapshot, profile: Profile, vault: ArmDocument) -> tuple[ArmDocument | None, str]:
        """Return the soft-deleted key, and why the vault's own endpoint cannot be used; neither for the vault alone."""
        if not self._wanted.key or self._wanted.vault:
            return None, ""
        try:
            return azure.deleted_key(text_at(vault, "properties.vaultUri"), profile.key.name), ""
        except AzureFailed as error:
            if error.failure.kind not in (FailureKind.DENIED, FailureKind.NETWORK):
                raise
            return None, str(error.failure.kind)

    def plan(self, profile: Profile, observed: ObservedVaultDeletion, known: Known) -> list[Change]:  # noqa: ARG002
        """Delete key and vault on request, or return their conflicts. The resource group stays in any case."""
        return [change_of(self.name, each) for each in self._removals(profile, observed)]

    def outputs(self, profile: Profile, observed: ObservedVaultDeletion) -> Outputs:
        """Return `LEFT`."""
        return {LEFT: [*left_of(self._removals(profile, observed)), *_soft_deleted(profile, observed)]}

    def _removals(self, profile: Profile, observed: ObservedVaultDeletion) -> list[Removal]:
        key = self._key(profile, observed)
        return [key, self._vault(profile, observed, key), *_group(profile, observed)]

    def _key(self, profile: Profile, observed: ObservedVaultDeletion) -> Removal:
        head = (profile.key.resource_id, _KEY, profile.key.name, versions.KEY_VAULT)
        if observed.key is None:
            return Removal(*head)
        if self._wanted.vault:
            refused = self._refused(profile, observed, observed.key, profile.key.resource_id)
            return Removal(*head, refused=refused) if refused else Removal(*head, keep="it goes with its vault")
        if not self._wanted.key:
            return Removal(*head, keep="--delete-key deletes it", costs=_costs_of_key(observed.key))
        refused = self._refused(profile, observed, observed.key, profile.key.resource_id) or _no_way_in(observed)
        uri = text_at(observed.vault, "properties.vaultUri").rstrip("/")
        request = Request("DELETE", f"/keys/{profile.key.name}", versions.VAULT_KEYS, host=uri, plane=Plane.VAULT)
        reason = f"can be recovered until {_until(observed)}"
        return Removal(*head, request=None if refused else request, refused=refused, reason=reason)

    def _vault(self, profile: Profile, observed: ObservedVaultDeletion, key: Removal) -> Removal:
        vault = profile.key_vault.resource_id
        head = (vault, _VAULT, profile.key_vault.resource_name, versions.KEY_VAULT)
        if observed.vault is None:
            return Removal(*head)
        if not self._wanted.vault:
            return Removal(*head, keep="--delete-vault deletes it", costs="billed by operations")
        refused = self._refused(profile, observed, observed.vault, vault) or _holds_more(observed)
        request = None if refused else delete_request(vault, versions.KEY_VAULT)
        reason = f"can be recovered until {_until(observed)}, with its keys, secrets and certificates"
        after = (key.resource_id,) if key.request is not None else ()
        return Removal(*head, request=request, refused=refused, reason=reason, depends_on=after)

    def _refused(
        self, profile: Profile, observed: ObservedVaultDeletion, found: ArmDocument, resource: str
    ) -> tuple[str, ...]:
        """Return code, reason and ways out where key or vault may not be deleted; empty where it may."""
        option = "--delete-vault" if self._wanted.vault else "--delete-key"
        if profile.key_vault.id is not None or not is_marked(profile, found):
            reason = "the profile gives the vault by id" if profile.key_vault.id is not None else NO_MARK
            return "CMK642", reason, f"leave {option} out", f"delete it yourself: az resource delete --ids {resource}"
        if observed.workspaces.recoverable(profile, self._wanted):
            until = day(observed.workspaces.at + SOFT_DELETE)
            return (
                "CMK645",
                f"the soft-deleted workspace needs it to be recovered, which is possible until {until} at the latest",
                "add --purge, so that the workspace is deleted for good",
                f"leave {option} out now, and give it once that date has passed",
            )
        users = observed.users
        if users is None:
            return ()
        beside = others(profile, users, observed.going)
        if beside:
            ways = (f"move them to another key first, or delete them: {beside[0].resource_id}", f"leave {option} out")
            return "CMK646", f"{named(beside)} would lose access to the data", *ways
        if users.unseen or not observed.workspaces.complete:
            reason = users.unseen[0].reason if users.unseen else "you may not list the workspaces of the subscription"
            way = "have the role Reader on the subscription assigned for the run"
            return "CMK647", f"what uses it cannot be seen: {reason}", way, f"leave {option} out"
        return ()


def _no_way_in(observed: ObservedVaultDeletion) -> tuple[str, ...]:
    if not observed.unreadable:
        return ()
    return (
        "CMK649",
        f"a key is deleted through the vault's own endpoint, which cannot be used: {observed.unreadable}",
        "have the role Key Vault Crypto Officer assigned on the vault, or key permissions get, delete and recover",
        "connect from where the vault's firewall lets you",
        "leave --delete-key out",
    )


def _holds_more(observed: ObservedVaultDeletion) -> tuple[str, ...]:
    if not observed.other_keys:
        return ()
    names = ", ".join(observed.other_keys)
    return "CMK648", f"it holds other keys: {names}", "write --delete-key for the key alone", "leave --delete-vault out"


def _until(observed: ObservedVaultDeletion) -> str:
    days = at_path(observed.vault, "properties.softDeleteRetentionInDays") or _LONGEST
    return day(observed.workspaces.at + timedelta(days=days))


def _costs_of_key(key: ArmDocument) -> str:
    hsm = text_at(key, "properties.kty").upper().endswith("HSM")
    return "each version that was used in a month is billed" if hsm else ""


def _group(profile: Profile, observed: ObservedVaultDeletion) -> Iterator[Removal]:
    if observed.group is not None:
        keep = "cmkctl deletes no resource group: others may have put resources into it"
        yield Removal(profile.resource_group_id, "resource group", profile.resource_group, keep=keep)


def _soft_deleted(profile: Profile, observed: ObservedVaultDeletion) -> Iterator[dict[str, Json]]:
    """Yield the soft-deleted vault and the soft-deleted key, which keep their names."""
    if observed.deleted_vault is not None:
        until = text_at(observed.deleted_vault, "properties.scheduledPurgeDate")[:10]
        yield _kept(_VAULT, profile.key_vault.resource_name, until, profile.key_vault.resource_id)
    if observed.deleted_key is not None and observed.key is None:
        purged = observed.deleted_key.get("scheduledPurgeDate")
        until = day(datetime.fromtimestamp(purged, observed.workspaces.at.tzinfo)) if purged else ""
        yield _kept(_KEY, profile.key.name, until, profile.key.resource_id)


def _kept(kind: str, name: str, until: str, resource: str) -> dict[str, Json]:
    return {
        "resource": f"soft-deleted {kind} {name}",
        "reason": "Key Vault keeps it, and its name with it; cmkctl recover brings it back",
        "until": until or None,
        "costs": None,
        "resource_id": resource,
    }
