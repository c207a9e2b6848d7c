"""Step 3: the key vault, with soft delete and purge protection.

Purge protection cannot be undone, and a deleted vault's name stays taken for the retention period: the plan shows both. An
existing vault is adopted when it fits; it is never PUT again, because a PUT replaces all of its access policies. A vault given by
id gets no tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.waiting import in_progress
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Output, Outputs, Phrase, Request, Settle
from cmkctl.profile.model import NetworkSettings, Profile
from cmkctl.steps._tags import TAGS_DIFFER, merged_tags, tag_body, tag_drift
from cmkctl.steps._vault_conflicts import LONGEST_RETENTION, conflicts_of, wants_rbac
from cmkctl.steps.base import conflict, no_op, reason_to_wait, wait

READY: Final = "Succeeded"
_PURGE_PROTECTION_FOR_EVER: Final = "purge protection can never be turned off again"
_KIND: Final = "key vault"

URI: Final[Output[str]] = Output("key_vault", "uri", "properties.vaultUri")
RBAC: Final[Output[bool]] = Output("key_vault", "rbac", "properties.enableRbacAuthorization")
"""True when roles decide who may use keys, False for access policies."""
TENANT: Final[Output[str]] = Output("key_vault", "tenant", "properties.tenantId")


@dataclass(frozen=True, slots=True)
class ObservedVault:
    """The vault (None: absent), the soft-deleted vault of that name, and the tenant of the subscription."""

    vault: ArmDocument | None
    deleted: ArmDocument | None
    tenant: str


class KeyVault:
    """``PUT …/Microsoft.KeyVault/vaults/NAME`` for a new vault; ``PATCH`` to add purge protection or tags, and nothing else."""

    name = "key_vault"
    title = "key vault"
    needs = ("resource_providers", "resource_group")
    doc = "https://learn.microsoft.com/azure/machine-learning/how-to-setup-customer-managed-keys#create-azure-key-vault"

    def types(self, profile: Profile) -> tuple[str, ...]:  # noqa: ARG002 - a step's signature
        """Return the type of the vault."""
        return ("Microsoft.KeyVault/vaults",)

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedVault:
        """Read the vault; where it is absent, read whether a soft-deleted one holds its name."""
        subscription, vault = azure.gather(azure.subscription, lambda: _read(azure, profile))
        absent = vault is None and profile.key_vault.id is None
        deleted = azure.deleted_vault(profile.key_vault.resource_name, profile.location) if absent else None
        return ObservedVault(vault, deleted, str((subscription or {}).get("tenantId", "")))

    def plan(self, profile: Profile, observed: ObservedVault, known: Known) -> list[Change]:  # noqa: ARG002
        """Create the vault, adopt it, turn its protection on, or return the conflicts."""
        if ResourceId.parse(profile.key_vault.resource_id).subscription.lower() != profile.subscription:
            return [_conflict(profile, "CMK203", *_OTHER_SUBSCRIPTION)]
        if observed.vault is not None:
            return _adopt(profile, observed.vault, observed.tenant)
        if profile.key_vault.id is not None:
            return [_conflict(profile, "CMK204", *_NO_SUCH_VAULT)]
        if observed.deleted is not None:
            return [soft_deleted(profile, self.name, profile.key_vault.resource_id, observed.deleted, "key_vault")]
        return [_create(profile, observed.tenant)]

    def outputs(self, profile: Profile, observed: ObservedVault) -> Outputs:
        """Return `URI`, `RBAC` and `TENANT` of the vault."""
        if observed.vault is None:
            return {URI: URI.unknown, RBAC: wants_rbac(profile.key_vault), TENANT: observed.tenant}
        properties = observed.vault.get("properties", {})
        return {
            URI: properties.get("vaultUri"),
            RBAC: bool(properties.get("enableRbacAuthorization")),
            TENANT: properties.get("tenantId"),
        }


def settle_vault(vault_id: str) -> Settle:
    """Return the wait for a vault to be ready: its PUT answers before that. Also for the workspace's own vault."""
    return Settle(vault_id, versions.KEY_VAULT)


PURGE_PROTECTION: Final = Phrase("purge protection", "no purge protection")
AUTHORIZATION: Final = Phrase("role-based access", "access policies")


def days_kept(days: int | None) -> int:
    """Return the days that a new vault keeps what is deleted: the longest possible where the profile names none."""
    return days or LONGEST_RETENTION


def what_cannot_be_undone(days: int) -> tuple[str, ...]:
    """Return the irreversible effects of creating a vault with purge protection that keeps what is deleted for some days."""
    return (_PURGE_PROTECTION_FOR_EVER, f"once deleted, the vault's name stays taken for {days} days")


def new_vault(profile: Profile, tenant: str, *, sku: str, rbac: bool, network: NetworkSettings) -> dict[str, Json]:
    """Return the body of a vault fit for keys: soft delete and purge protection on, authorization always explicit."""
    return {
        "location": profile.location,
        "tags": merged_tags(profile, profile.key_vault.tags),
        "properties": {
            "tenantId": tenant,
            "sku": {"family": "A", "name": sku},
            "accessPolicies": [],
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": days_kept(profile.key_vault.soft_delete_days),
            "enablePurgeProtection": True,
            # Its default changes with the api-version: roles from 2026-02-01 on, access policies before.
            "enableRbacAuthorization": rbac,
            "publicNetworkAccess": network.public_access,
            "networkAcls": {
                "bypass": network.bypass,
                "defaultAction": network.default_action,
                "ipRules": [{"value": each} for each in network.ip_rules],
                "virtualNetworkRules": [{"id": each} for each in network.subnets],
            },
        },
    }


_OTHER_SUBSCRIPTION: Final = (
    "it is in another subscription than the workspace, which Azure Machine Learning refuses",
    "name a vault of the workspace's subscription",
)
_NO_SUCH_VAULT: Final = (
    "there is no vault with this id",
    "correct key_vault.id",
    "give key_vault.name instead of key_vault.id to have the vault created",
)


def _read(azure: Snapshot, profile: Profile) -> ArmDocument | None:
    vault = ResourceId.parse(profile.key_vault.resource_id)
    return azure.vault(vault) if vault.subscription.lower() == profile.subscription else None


def vault_state(vault: ArmDocument | None) -> str:
    """Return the provisioning state of a vault, empty when it is absent. A vault without a state is ready."""
    return str((vault or {}).get("properties", {}).get("provisioningState", READY if vault else ""))


def _conflict(profile: Profile, code: str, reason: str, *ways_out: str) -> Change:
    return conflict(
        KeyVault.name, profile.key_vault.resource_id, _KIND, profile.key_vault.resource_name, code, reason, *ways_out
    )


def _create(profile: Profile, tenant: str) -> Change:
    settings = profile.key_vault
    days = days_kept(settings.soft_delete_days)
    body = new_vault(
        profile, tenant, sku=profile.vault_sku, rbac=wants_rbac(settings), network=settings.network or NetworkSettings()
    )
    return Change(
        KeyVault.name,
        Action.CREATE,
        profile.key_vault.resource_id,
        _KIND,
        profile.key_vault.resource_name,
        "does not exist",
        attributes=(
            AttributeChange("sku", None, profile.vault_sku, phrase=Phrase()),
            AttributeChange("enablePurgeProtection", None, True, irreversible=True, phrase=PURGE_PROTECTION),
            AttributeChange(
                "softDeleteRetentionInDays", None, days, irreversible=True, phrase=Phrase("soft delete {} days")
            ),
            AttributeChange("enableRbacAuthorization", None, wants_rbac(settings), phrase=AUTHORIZATION),
        ),
        irreversible=what_cannot_be_undone(days),
        request=Request("PUT", profile.key_vault.resource_id, versions.KEY_VAULT, body),
        settle=settle_vault(profile.key_vault.resource_id),
    )


def soft_deleted(
    profile: Profile, step: str, vault_id: str, deleted: Mapping[str, Any], field: str, kind: str = _KIND
) -> Change:
    """Return the conflict with a soft-deleted vault that holds a name. Also for the workspace's own vault.

    `field` is the profile section that names the vault, `kind` the vault's name for people.
    """
    properties = deleted.get("properties", {})
    name, was = ResourceId.parse(vault_id).name, properties.get("vaultId", "elsewhere")
    # It is recovered to its old resource group, so a vault of another group has to be given by id.
    by_id = "" if same_resource_id(was, vault_id) else f", then write its id as {field}.id"
    return conflict(
        step,
        vault_id,
        kind,
        name,
        "CMK205",
        f"a soft-deleted vault holds this name until {properties.get('scheduledPurgeDate', 'its retention ends')}; "
        f"it was {was}",
        f"recover it, with its keys: az keyvault recover --name {name} --location {profile.location}{by_id}",
        f"choose another {field}.name",
    )


def _adopt(profile: Profile, vault: ArmDocument, tenant: str) -> list[Change]:
    properties = vault.get("properties", {})
    state = vault_state(vault)
    if not same_word(state, READY) and not in_progress(state.lower()):
        ways_out = ("repair or delete it", "choose another key_vault.name")
        return [_conflict(profile, "CMK214", f"Azure reports it as {state.lower()}", *ways_out)]
    if not same_word(state, READY):
        return [
            wait(
                KeyVault.name,
                profile.key_vault.resource_id,
                _KIND,
                profile.key_vault.resource_name,
                reason_to_wait(vault_state(vault)),
                settle_vault(profile.key_vault.resource_id),
            )
        ]
    conflicts = [_conflict(profile, *each) for each in conflicts_of(profile, vault, tenant)]
    right = no_op(
        KeyVault.name, profile.key_vault.resource_id, _KIND, profile.key_vault.resource_name, _up_to_date(properties)
    )
    return conflicts or [_update(profile, vault) or right]


def _update(profile: Profile, vault: ArmDocument) -> Change | None:
    """Return the write that an existing vault may get: turn protection on, and set the tags of one that is not given by id."""
    properties = vault.get("properties", {})
    tags = tag_drift(profile, vault, profile.key_vault.tags) if profile.key_vault.id is None else []
    protection = [
        AttributeChange(path, properties.get(path), True, irreversible=True)
        for path in ("enableSoftDelete", "enablePurgeProtection")
        # Absent soft delete means on: that is the default of every api-version since 2020.
        if not properties.get(path, path == "enableSoftDelete")
    ]
    if not protection and not tags:
        return None
    body: dict[str, Json] = {
        **({"properties": {each.path: each.after for each in protection}} if protection else {}),
        **(tag_body(profile, vault, profile.key_vault.tags) if tags else {}),
    }
    return Change(
        KeyVault.name,
        Action.UPDATE,
        profile.key_vault.resource_id,
        _KIND,
        profile.key_vault.resource_name,
        "protection is off" if protection else TAGS_DIFFER,
        attributes=(*protection, *tags),
        irreversible=(_PURGE_PROTECTION_FOR_EVER,) if protection else (),
        request=Request("PATCH", profile.key_vault.resource_id, versions.KEY_VAULT, body),
        settle=settle_vault(profile.key_vault.resource_id),
    )


def _up_to_date(properties: Mapping[str, Any]) -> str:
    days = properties.get("softDeleteRetentionInDays", LONGEST_RETENTION)
    model = "roles" if properties.get("enableRbacAuthorization") else "access policies"
    return f"up to date: purge protection on, soft delete {days} days, {model}"
