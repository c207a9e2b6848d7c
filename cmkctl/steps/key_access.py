"""Step 5: Azure Cosmos DB may get, wrap and unwrap with the key, and nothing more.

The ids in Microsoft's pages are *application* ids, the same in every tenant. A grant takes the *object* id of the
application's service principal in this tenant; one that is given to the application id is accepted and grants nothing.
A workspace with a user-assigned identity reads the key through that identity as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cmkctl.azure.ids import ResourceId
from cmkctl.azure.operations import FirstAnswer, finish, until
from cmkctl.azure.session import WRITING, ArmDocument, Session, Snapshot
from cmkctl.plan import Action, Change, Known, Outputs, Unknown
from cmkctl.profile.model import Profile
from cmkctl.steps import _principals
from cmkctl.steps._grants import effective_at, policy_grant, role_grant
from cmkctl.steps._principals import COSMOS_DB, ObservedPrincipal, principal_changes, with_roles
from cmkctl.steps.base import conflict


@dataclass(frozen=True, slots=True)
class ObservedAccess:
    """The vault with its access policies (None when it is not there), those who need the key, and when that was seen."""

    vault: ArmDocument | None
    cosmos_db: ObservedPrincipal
    identity: ObservedPrincipal | None
    at: datetime

    @property
    def principals(self) -> tuple[ObservedPrincipal, ...]:
        """Those who need the key."""
        return (self.cosmos_db, *([self.identity] if self.identity else []))


class KeyAccess:
    """``PUT …/vaults/VAULT/accessPolicies/add``, which keeps everybody else's policy, or a role assignment."""

    name = "key_access"
    title = "key access"
    needs = ("key_vault", "key")
    doc = "https://learn.microsoft.com/azure/cosmos-db/how-to-setup-customer-managed-keys"

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedAccess:
        """Find the principals in the directory, and what they may do with the vault."""
        vault = ResourceId.parse(profile.vault_id)
        ours = vault.subscription.lower() == profile.subscription
        found, (cosmos_db, identity) = azure.gather2(
            lambda: azure.vault(vault) if ours else None,
            lambda: azure.gather2(
                lambda: _principals.cosmos_db(azure, profile), lambda: _principals.identity(azure, profile)
            ),
        )
        if found is None or not _rbac(found):
            return ObservedAccess(found, cosmos_db, identity, azure.now())
        cosmos_db, identity = azure.gather2(
            lambda: with_roles(azure, profile, cosmos_db), lambda: identity and with_roles(azure, profile, identity)
        )
        return ObservedAccess(found, cosmos_db, identity, azure.now())

    def plan(self, profile: Profile, observed: ObservedAccess, known: Known) -> list[Change]:
        """Grant what is missing; make the service principal first, when the tenant does not have it."""
        changes = principal_changes(profile, observed.cosmos_db, known)
        if any(each.action is Action.CONFLICT for each in changes):
            return changes
        for each in observed.principals:
            # One after the other: of two changes to the policies of one vault at the same time, Key Vault refuses one.
            changes.append(_grant(profile, observed.vault, each, known, changes))
        return changes

    def outputs(self, profile: Profile, observed: ObservedAccess, known: Known) -> Outputs:  # noqa: ARG002
        """`principal_object_id` of Azure Cosmos DB in this tenant; `effective_at`, when the youngest grant takes effect."""
        found = [effective_at(profile, observed.vault, each, observed.at) for each in observed.principals]
        moments = [each for each in found if each is not None]
        return {
            "principal_object_id": observed.cosmos_db.object_id or Unknown(self.name, "principal_object_id"),
            "effective_at": max(moments).isoformat() if moments == found else Unknown(self.name, "effective_at"),
        }

    def apply(self, azure: Session, change: Change) -> None:
        """Make the service principal, or the grant. The answers are final; the grant is read back afterwards."""
        if change.request is None or change.request.body is None:
            return
        body: Any = dict(change.request.body)
        if change.request.host is not None:
            azure.graph.create_service_principal(body)
            until(
                azure,
                f"{change.title} to be found in the directory",
                lambda: azure.snapshot().service_principal(body["appId"]),
                lambda found: found is not None,
            )
        elif "/accessPolicies/" in change.request.path:
            vault = ResourceId.parse(change.resource_id)
            azure.key_vault.vaults.update_access_policy(vault.resource_group, vault.names[0], "add", body, **WRITING)
        else:
            answer = azure.resources.resources.begin_create_or_update_by_id(
                change.resource_id.lstrip("/"), body, api_version=change.request.api_version, polling=FirstAnswer()
            ).result()
            finish(azure, answer, change.title)


def _rbac(vault: Mapping[str, Any]) -> bool:
    return bool(vault.get("properties", {}).get("enableRbacAuthorization"))


def _grant(
    profile: Profile, vault: ArmDocument | None, principal: ObservedPrincipal, known: Known, before: list[Change]
) -> Change:
    title = f"key access for {principal.label}"
    if principal.object_id is None and principal.label != COSMOS_DB:
        return conflict(
            KeyAccess.name,
            profile.identity_id or "",
            title,
            "CMK233",
            "there is no such user-assigned identity",
            "create it first: az identity create",
            "correct workspace.identity",
        )
    rbac = _rbac(vault) if vault is not None else bool(known.get("key_vault", {}).get("rbac"))
    after = tuple(each.resource_id for each in before if each.action.writes)
    if rbac:
        return role_grant(profile, principal, title, after)
    return policy_grant(profile, vault, principal, known, after)
