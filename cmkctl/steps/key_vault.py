"""Step 3: the key vault, with soft delete and purge protection.

Purge protection cannot be undone and its name stays taken for the retention period: both are said before. An existing
vault is adopted when it is fit; it is never PUT again, for a PUT replaces everybody's access policies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.operations import FirstAnswer, finish, until
from cmkctl.azure.session import WRITING, ArmDocument, Session, Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Outputs, Request, Unknown
from cmkctl.profile.model import NetworkSettings, Profile
from cmkctl.steps._vault_conflicts import LONGEST_RETENTION, conflicts_of, wants_rbac
from cmkctl.steps.base import conflict, no_op, wait

READY: Final = "Succeeded"
_PURGE_PROTECTION_FOR_EVER: Final = "purge protection can never be turned off again"


@dataclass(frozen=True, slots=True)
class ObservedVault:
    """The vault as Azure answers it, the soft-deleted vault of that name, and the tenant of the subscription."""

    vault: ArmDocument | None
    deleted: ArmDocument | None
    tenant: str


class KeyVault:
    """``PUT …/Microsoft.KeyVault/vaults/NAME`` for a new vault; ``PATCH`` to add purge protection, and nothing else."""

    name = "key_vault"
    title = "key vault"
    needs = ("resource_providers", "resource_group")
    doc = "https://learn.microsoft.com/azure/machine-learning/how-to-setup-customer-managed-keys#create-azure-key-vault"

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedVault:
        """The vault; where there is none, whether a soft-deleted one holds its name."""
        subscription, vault = azure.gather(azure.subscription, lambda: _read(azure, profile))
        absent = vault is None and profile.key_vault.id is None
        deleted = azure.deleted_vault(profile.key_vault_name, profile.location) if absent else None
        return ObservedVault(vault, deleted, str((subscription or {}).get("tenantId", "")))

    def plan(self, profile: Profile, observed: ObservedVault, known: Known) -> list[Change]:  # noqa: ARG002
        """Create the vault, adopt it as it is, add what may be added, or say why none of these can be."""
        if ResourceId.parse(profile.vault_id).subscription.lower() != profile.subscription:
            return [_conflict(profile, "CMK203", *_OTHER_SUBSCRIPTION)]
        if observed.vault is not None:
            return _adopt(profile, observed.vault, observed.tenant)
        if profile.key_vault.id is not None:
            return [_conflict(profile, "CMK204", *_NO_SUCH_VAULT)]
        if observed.deleted is not None:
            return [soft_deleted(profile, self.name, profile.vault_id, observed.deleted, "key_vault")]
        return [_create(profile, observed.tenant)]

    def outputs(self, profile: Profile, observed: ObservedVault, known: Known) -> Outputs:  # noqa: ARG002
        """`id`, `uri`, `rbac` (whether roles decide, not access policies) and `tenant` of the vault."""
        properties = (observed.vault or {}).get("properties", {})
        made = observed.vault is not None
        return {
            "id": profile.vault_id,
            "uri": properties.get("vaultUri") if made else Unknown(self.name, "uri"),
            "rbac": bool(properties.get("enableRbacAuthorization")) if made else wants_rbac(profile.key_vault),
            "tenant": properties.get("tenantId") if made else observed.tenant,
        }

    def apply(self, azure: Session, change: Change) -> None:
        """Create or update the vault, and wait until it is ready: the PUT answers before that."""
        write_vault(azure, change)


def write_vault(azure: Session, change: Change) -> None:
    """Send the write of a change to a vault, and wait until the vault is ready. Also for the workspace's own vault."""
    _send(azure, change)
    vault = ResourceId.parse(change.resource_id)
    until(
        azure,
        f"{change.title} to be ready",
        lambda: vault_state(azure.snapshot().vault(vault)),
        lambda state: same_word(state, READY),
    )


def _send(azure: Session, change: Change) -> None:
    if change.request is None or change.request.body is None:
        return
    vault = ResourceId.parse(change.resource_id)
    body: Any = dict(change.request.body)
    if change.action is Action.CREATE:
        finish(
            azure,
            azure.key_vault.vaults.begin_create_or_update(
                vault.resource_group, vault.name, body, polling=FirstAnswer()
            ).result(),
            change.title,
        )
    else:
        azure.key_vault.vaults.update(vault.resource_group, vault.name, body, **WRITING)


def what_cannot_be_undone(profile: Profile) -> tuple[str, ...]:
    """What making a vault with the body of `new_vault` fixes for good, in words."""
    days = profile.key_vault.soft_delete_days or LONGEST_RETENTION
    return (_PURGE_PROTECTION_FOR_EVER, f"once deleted, the vault's name stays taken for {days} days")


def new_vault(profile: Profile, tenant: str, *, sku: str, rbac: bool, network: NetworkSettings) -> dict[str, Json]:
    """The body that creates a vault fit for keys: soft delete and purge protection on, authorization always said."""
    return {
        "location": profile.location,
        "tags": profile.tags,
        "properties": {
            "tenantId": tenant,
            "sku": {"family": "A", "name": sku},
            "accessPolicies": [],
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": profile.key_vault.soft_delete_days or LONGEST_RETENTION,
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
    vault = ResourceId.parse(profile.vault_id)
    return azure.vault(vault) if vault.subscription.lower() == profile.subscription else None


def vault_state(vault: ArmDocument | None) -> str:
    """The provisioning state of a vault, empty when there is none. A vault without one is ready."""
    return str((vault or {}).get("properties", {}).get("provisioningState", READY if vault else ""))


def _title(profile: Profile) -> str:
    return f"key vault {profile.key_vault_name}"


def _conflict(profile: Profile, code: str, reason: str, *ways_out: str) -> Change:
    return conflict(KeyVault.name, profile.vault_id, _title(profile), code, reason, *ways_out)


def _create(profile: Profile, tenant: str) -> Change:
    settings = profile.key_vault
    days = settings.soft_delete_days or LONGEST_RETENTION
    body = new_vault(
        profile, tenant, sku=profile.vault_sku, rbac=wants_rbac(settings), network=settings.network or NetworkSettings()
    )
    return Change(
        KeyVault.name,
        Action.CREATE,
        profile.vault_id,
        _title(profile),
        "not there yet",
        attributes=(
            AttributeChange("sku", None, profile.vault_sku),
            AttributeChange("enablePurgeProtection", None, True, irreversible=True),
            AttributeChange("softDeleteRetentionInDays", None, days, irreversible=True),
            AttributeChange("enableRbacAuthorization", None, wants_rbac(settings)),
        ),
        irreversible=what_cannot_be_undone(profile),
        request=Request("PUT", profile.vault_id, versions.KEY_VAULT, body),
    )


def soft_deleted(profile: Profile, step: str, vault_id: str, deleted: Mapping[str, Any], field: str) -> Change:
    """The conflict with a soft-deleted vault that holds a name. Also for the workspace's own vault.

    `field` is where the profile names the vault.
    """
    properties = deleted.get("properties", {})
    name, was = ResourceId.parse(vault_id).name, properties.get("vaultId", "elsewhere")
    # It comes back where it was, so one of another resource group is then named by its id.
    by_id = "" if same_resource_id(was, vault_id) else f", then write its id as {field}.id"
    return conflict(
        step,
        vault_id,
        f"key vault {name}",
        "CMK205",
        f"a soft-deleted vault holds this name until {properties.get('scheduledPurgeDate', 'its retention ends')}; "
        f"it was {was}",
        f"recover it, with its keys: az keyvault recover --name {name} --location {profile.location}{by_id}",
        f"choose another {field}.name",
    )


def _adopt(profile: Profile, vault: ArmDocument, tenant: str) -> list[Change]:
    properties = vault.get("properties", {})
    if not same_word(vault_state(vault), READY):
        return [wait(KeyVault.name, profile.vault_id, _title(profile), f"being made ready ({vault_state(vault)})")]
    conflicts = [_conflict(profile, *each) for each in conflicts_of(profile, properties, tenant)]
    right = no_op(KeyVault.name, profile.vault_id, _title(profile), _already_right(properties))
    return conflicts or [_mend(profile, properties) or right]


def _mend(profile: Profile, properties: Mapping[str, Any]) -> Change | None:
    """The one write that may mend an existing vault: turn protection on."""
    wanted = [
        AttributeChange(path, properties.get(path), True, irreversible=True)
        for path in ("enableSoftDelete", "enablePurgeProtection")
        # Absent soft delete means on: that is the default of every api-version since 2020.
        if not properties.get(path, path == "enableSoftDelete")
    ]
    if not wanted:
        return None
    body: dict[str, Json] = {"properties": {each.path: each.after for each in wanted}}
    return Change(
        KeyVault.name,
        Action.UPDATE,
        profile.vault_id,
        _title(profile),
        "protection is off",
        attributes=tuple(wanted),
        irreversible=(_PURGE_PROTECTION_FOR_EVER,),
        request=Request("PATCH", profile.vault_id, versions.KEY_VAULT, body),
    )


def _already_right(properties: Mapping[str, Any]) -> str:
    days = properties.get("softDeleteRetentionInDays", LONGEST_RETENTION)
    model = "roles" if properties.get("enableRbacAuthorization") else "access policies"
    return f"already right: purge protection on, soft delete {days} days, {model}"
