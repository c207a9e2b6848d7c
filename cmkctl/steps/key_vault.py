"""Step 3: the key vault, with soft delete and purge protection.

Purge protection cannot be undone, and a deleted vault's name stays taken for the retention period: the plan shows both. An
existing vault is adopted when it fits; it is never PUT again, because a PUT replaces all of its access policies. A vault given by
id gets no tags. A soft-deleted one is recovered where the profile requests it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from cmkctl.agreement import with_vault
from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.snapshot import Snapshot, unless_denied
from cmkctl.azure.waiting import in_progress
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Output, Outputs, Phrase, Request, Settle
from cmkctl.profile.model import NetworkSettings, Profile
from cmkctl.steps._tags import TAGS_DIFFER, new_tags, tag_body, tag_drift
from cmkctl.steps._vault_conflicts import LONGEST_RETENTION, conflicts_of, wants_rbac
from cmkctl.steps.base import conflict, no_op, reason_to_wait, wait

READY: Final = "Succeeded"
_PURGE_PROTECTION_FOR_EVER: Final = "purge protection can never be turned off again"
_KIND: Final = "key vault"

URI: Final[Output[str]] = Output("key_vault", "uri", "properties.vaultUri")
RBAC: Final[Output[bool]] = Output("key_vault", "rbac", "properties.enableRbacAuthorization")
"""True when roles decide who may use keys, False for access policies."""
NETWORK: Final[Output[str]] = Output("key_vault", "network")
"""Public access, default action and bypass, in lower case."""
RECOVERING: Final[Output[bool]] = Output("key_vault", "recovering")
"""True where a soft-deleted vault is to be recovered, whose keys return with it."""
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
    needs: tuple[str, ...] = ("resource_providers", "resource_group")
    doc = "https://learn.microsoft.com/azure/machine-learning/how-to-setup-customer-managed-keys#create-azure-key-vault"

    def types(self, profile: Profile) -> tuple[str, ...]:  # noqa: ARG002 - a step's signature
        """Return the type of the vault."""
        return ("Microsoft.KeyVault/vaults",)

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedVault:
        """Read the vault; where it is absent, read whether a soft-deleted one holds its name."""
        subscription, vault = azure.gather(azure.subscription, lambda: _read(azure, profile))
        absent = vault is None and (profile.key_vault.id is None or profile.key_vault.recover)
        # One that may not be read counts as absent, because Azure refuses a creation under its name; to be recovered it must
        # be known.
        required = profile.key_vault.recover
        read = partial(azure.deleted_vault, profile.key_vault.resource_name, profile.location)
        deleted = (read() if required else unless_denied(read)) if absent else None
        return ObservedVault(vault, deleted, str((subscription or {}).get("tenantId", "")))

    def plan(self, profile: Profile, observed: ObservedVault, known: Known) -> list[Change]:
        """Create the vault, recover it, adopt it, turn its protection on, or return the conflicts."""
        if ResourceId.parse(profile.key_vault.resource_id).subscription.lower() != profile.subscription:
            return [_conflict(profile, "CMK203", *_OTHER_SUBSCRIPTION)]
        if observed.vault is not None:
            altered = [_conflict(profile, *each) for each in _altered(observed.vault, known)]
            return altered or _adopt(profile, observed.vault, observed.tenant)
        if observed.deleted is not None and profile.key_vault.recover:
            return [_recover(profile, observed.deleted, observed.tenant)]
        if profile.key_vault.id is not None:
            return [_conflict(profile, "CMK204", *_NO_SUCH_VAULT)]
        if observed.deleted is not None:
            return [soft_deleted(profile, self.name, profile.key_vault.resource_id, observed.deleted, "key_vault")]
        return [_create(profile, observed.tenant)]

    def outputs(self, profile: Profile, observed: ObservedVault) -> Outputs:
        """Return `URI`, `RBAC`, `TENANT`, `NETWORK` and `RECOVERING`."""
        if observed.vault is None:
            recovering = observed.deleted is not None and profile.key_vault.recover
            wanted = profile.key_vault.network or NetworkSettings()
            network = f"{wanted.public_access}, {wanted.default_action}, {wanted.bypass}".lower()
            return {
                URI: URI.unknown,
                RBAC: wants_rbac(profile.key_vault),
                TENANT: observed.tenant,
                NETWORK: NETWORK.unknown if recovering else network,
                RECOVERING: recovering,
            }
        properties = observed.vault.get("properties", {})
        return {
            URI: properties.get("vaultUri"),
            RBAC: bool(properties.get("enableRbacAuthorization")),
            TENANT: properties.get("tenantId"),
            NETWORK: _network(properties),
            RECOVERING: False,
        }


def _network(properties: Mapping[str, Any]) -> str:
    acls = properties.get("networkAcls") or {}
    parts = (
        properties.get("publicNetworkAccess") or "enabled",
        acls.get("defaultAction") or "allow",
        acls.get("bypass") or "AzureServices",
    )
    return ", ".join(map(str, parts)).lower()


def _altered(vault: ArmDocument, known: Known) -> Iterator[tuple[str, ...]]:
    """Yield the differences to what the plan was made for. During an apply the plan's own outputs are known.

    A policy with the effect modify changes a vault while it is created, and key, grant and workspace rest on these settings.
    """
    properties = vault.get("properties", {})
    rbac, network = known.get(RBAC), known.get(NETWORK)
    ways_out = (
        "find the policy: az policy assignment list",
        "write these settings in the profile, and run cmkctl plan",
    )
    if (
        isinstance(rbac, bool)
        and known.get(RECOVERING) is not True
        and rbac != bool(properties.get("enableRbacAuthorization"))
    ):
        words = ("access policies", "roles")
        yield "CMK247", f"it has {words[not rbac]}, and was planned with {words[rbac]}", *ways_out
    if isinstance(network, str) and network != _network(properties):
        yield "CMK247", f"its network access is {_network(properties)}, and was planned as {network}", *ways_out


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


def _body(profile: Profile, tenant: str) -> dict[str, Json]:
    """Return the body of a vault fit for keys: soft delete and purge protection on, authorization always explicit."""
    settings = profile.key_vault
    network = settings.network or NetworkSettings()
    return {
        "location": profile.location,
        "tags": new_tags(profile, settings.tags),
        "properties": {
            "tenantId": tenant,
            "sku": {"family": "A", "name": profile.vault_sku},
            "accessPolicies": [],
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": days_kept(settings.soft_delete_days),
            "enablePurgeProtection": True,
            # Its default changes with the api-version: roles from 2026-02-01 on, access policies before.
            "enableRbacAuthorization": wants_rbac(settings),
            "publicNetworkAccess": network.public_access,
            "networkAcls": {
                "bypass": network.bypass,
                "defaultAction": network.default_action,
                "ipRules": [{"value": each} for each in network.ip_rules],
                "virtualNetworkRules": [{"id": each} for each in network.subnets],
            },
            **settings.flags,
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
            *(AttributeChange(name, None, value, phrase=Phrase("")) for name, value in settings.flags.items()),
        ),
        irreversible=what_cannot_be_undone(days),
        request=Request("PUT", profile.key_vault.resource_id, versions.KEY_VAULT, _body(profile, tenant)),
        settle=settle_vault(profile.key_vault.resource_id),
    )


def _recover(profile: Profile, deleted: ArmDocument, tenant: str) -> Change:
    """Return the recovery of a soft-deleted vault, or the conflict that rules it out.

    Azure ignores every other property in the request, and the vault returns as it was
    (https://github.com/Azure/azure-rest-api-specs/issues/21306), so what differs has to be known before.
    """
    settings, properties = profile.key_vault, deleted.get("properties", {})
    name = settings.resource_name
    if not same_resource_id(properties.get("vaultId", settings.resource_id), settings.resource_id):
        return soft_deleted(profile, KeyVault.name, settings.resource_id, deleted, "key_vault")
    by_hand = f"recover it: az keyvault recover --name {name} --location {profile.location}, then run cmkctl plan"
    if not properties.get("purgeProtectionEnabled"):
        reason = "the soft-deleted vault has no purge protection, which Azure Machine Learning refuses"
        return _conflict(profile, "CMK210", reason, by_hand, "choose another key_vault.name")
    if settings.id is None and tag_drift(profile, {"tags": properties.get("tags") or {}}, settings.tags):
        reason = "the soft-deleted vault has other tags, and returns with them"
        return _conflict(profile, "CMK205", reason, by_hand, "write its tags under tags")
    since = f" on {str(properties['deletionDate'])[:10]}" if properties.get("deletionDate") else ""
    body: dict[str, Json] = {
        "location": properties.get("location") or profile.location,
        "properties": {
            "tenantId": tenant,
            "sku": {"family": "A", "name": profile.vault_sku},
            "createMode": "recover",
        },
    }
    return Change(
        KeyVault.name,
        Action.CREATE,
        settings.resource_id,
        _KIND,
        name,
        f"was deleted{since}, and returns with its keys, settings and access policies, without role assignments",
        attributes=(
            AttributeChange("createMode", None, "recover", phrase=Phrase("recovered, with its keys and settings")),
        ),
        request=Request("PUT", settings.resource_id, versions.KEY_VAULT, body),
        settle=settle_vault(settings.resource_id),
        verb=("recovering", "recovered"),
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
        *(
            ["write key_vault.recover: true to recover it with its keys"]
            if field == KeyVault.name and not by_id
            else []
        ),
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
    conflicts = [
        replace(_conflict(profile, *each), agreement=with_vault(profile, vault, each[0]))
        for each in conflicts_of(profile, vault, tenant)
    ]
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
    flags = [
        AttributeChange(path, properties.get(path), value)
        for path, value in profile.key_vault.flags.items()
        if bool(properties.get(path)) != value
    ]
    if not protection and not tags and not flags:
        return None
    settings: dict[str, Json] = {each.path: each.after for each in (*protection, *flags)}
    reasons = [
        *(["protection is off"] if protection else []),
        *([f"differs in {', '.join(each.path for each in flags)}"] if flags else []),
        *([TAGS_DIFFER] if tags else []),
    ]
    body: dict[str, Json] = {
        **({"properties": settings} if settings else {}),
        **(tag_body(profile, vault, profile.key_vault.tags) if tags else {}),
    }
    return Change(
        KeyVault.name,
        Action.UPDATE,
        profile.key_vault.resource_id,
        _KIND,
        profile.key_vault.resource_name,
        reasons[0] if protection else ", ".join(reasons),
        attributes=(*protection, *flags, *tags),
        irreversible=(_PURGE_PROTECTION_FOR_EVER,) if protection else (),
        request=Request("PATCH", profile.key_vault.resource_id, versions.KEY_VAULT, body),
        settle=settle_vault(profile.key_vault.resource_id),
    )


def _up_to_date(properties: Mapping[str, Any]) -> str:
    days = properties.get("softDeleteRetentionInDays", LONGEST_RETENTION)
    model = "roles" if properties.get("enableRbacAuthorization") else "access policies"
    return f"up to date: purge protection on, soft delete {days} days, {model}"
