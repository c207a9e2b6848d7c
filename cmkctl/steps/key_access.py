"""Step 5: Azure Cosmos DB may get, wrap and unwrap with the key, and nothing more.

The ids in Microsoft's pages are *application* ids, the same in every tenant. A grant takes the *object* id of the
application's service principal in this tenant; a grant to the application id is accepted and has no effect. A workspace with a
user-assigned identity reads the key through that identity as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.ids import ResourceId
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, Change, Known, Output, Outputs
from cmkctl.profile.model import Profile
from cmkctl.steps import _principals
from cmkctl.steps._grants import effective_at, policy_grant, role_grant
from cmkctl.steps._principals import (
    COSMOS_DB,
    PRINCIPAL_OBJECT_ID,
    SERVICE_PRINCIPAL,
    ObservedPrincipal,
    principal_changes,
    with_roles,
)
from cmkctl.steps.base import conflict
from cmkctl.steps.key_vault import RBAC
from cmkctl.steps.managed_identity import IDENTITY_PRINCIPAL

EFFECTIVE_AT: Final[Output[str]] = Output("key_access", "effective_at")
"""The time, in ISO 8601, at which the youngest grant takes effect."""


@dataclass(frozen=True, slots=True)
class ObservedAccess:
    """The vault with its access policies (None: absent), the principals that need the key, and the time of the reading."""

    vault: ArmDocument | None
    cosmos_db: ObservedPrincipal
    identity: ObservedPrincipal | None
    at: datetime

    @property
    def principals(self) -> tuple[ObservedPrincipal, ...]:
        """The principals that need the key."""
        return (self.cosmos_db, *([self.identity] if self.identity else []))


class KeyAccess:
    """``PUT …/vaults/VAULT/accessPolicies/add``, which keeps everybody else's policy, or a role assignment."""

    name = "key_access"
    title = "key access"
    needs: tuple[str, ...] = ("key_vault", "key", "managed_identity")
    doc = "https://learn.microsoft.com/azure/cosmos-db/how-to-setup-customer-managed-keys"

    def types(self, profile: Profile) -> tuple[str, ...]:
        """Return the type of the user-assigned identity, where the profile has one."""
        return ("Microsoft.ManagedIdentity/userAssignedIdentities",) if profile.workspace.key_identity_id else ()

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedAccess:
        """Read the principals from the directory, and their rights on the vault."""
        return observed_access(azure, profile)

    def plan(self, profile: Profile, observed: ObservedAccess, known: Known) -> list[Change]:
        """Grant what is missing; create the service principal first where the tenant lacks it."""
        changes = principal_changes(profile, observed.cosmos_db, known)
        if any(each.action is Action.CONFLICT for each in changes):
            return changes
        for each in observed.principals:
            changes.append(_grant(profile, observed.vault, each, known, changes))
        return changes

    def outputs(self, profile: Profile, observed: ObservedAccess) -> Outputs:
        """Return `PRINCIPAL_OBJECT_ID` and `EFFECTIVE_AT`."""
        found = [effective_at(profile, observed.vault, each, observed.at) for each in observed.principals]
        moments = [each for each in found if each is not None]
        return {
            PRINCIPAL_OBJECT_ID: observed.cosmos_db.object_id or PRINCIPAL_OBJECT_ID.unknown,
            EFFECTIVE_AT: max(moments).isoformat() if moments == found else EFFECTIVE_AT.unknown,
        }


def observed_access(azure: Snapshot, profile: Profile, *, every: bool = False) -> ObservedAccess:
    """Read the principals and their rights on the vault; with `every`, all of their roles there and what these allow."""
    vault = ResourceId.parse(profile.key_vault.resource_id)
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
        lambda: with_roles(azure, profile, cosmos_db, every=every),
        lambda: identity and with_roles(azure, profile, identity, every=every),
    )
    return ObservedAccess(found, cosmos_db, identity, azure.now())


def _rbac(vault: Mapping[str, Any]) -> bool:
    return bool(vault.get("properties", {}).get("enableRbacAuthorization"))


def _grant(
    profile: Profile, vault: ArmDocument | None, principal: ObservedPrincipal, known: Known, before: list[Change]
) -> Change:
    kind = f"key access for {principal.label}"
    if principal.object_id is None and principal.label != COSMOS_DB and principal.after != IDENTITY_PRINCIPAL:
        return conflict(
            KeyAccess.name,
            principal.key,
            kind,
            "",
            "CMK233",
            "there is no such user-assigned identity",
            "create it first: az identity create",
            "correct workspace.identity",
            "have cmkctl create it: workspace.identity.create",
        )
    rbac = _rbac(vault) if vault is not None else known.get(RBAC) is True
    earlier = [each for each in before if each.action is not Action.NO_OP]
    if rbac:
        made_first = tuple(each.resource_id for each in earlier if each.kind == SERVICE_PRINCIPAL)
        return role_grant(KeyAccess.name, profile, principal, kind, made_first)
    if profile.key_access.scope == "key":
        return conflict(
            KeyAccess.name,
            f"{profile.key_vault.resource_id}/accessPolicies/{principal.key.rpartition('/')[2]}",
            kind,
            "",
            "CMK208",
            "the vault has access policies, which hold for all of its keys, and key_access.scope asks for the key alone",
            "write key_access.scope: vault, or leave it out",
            *(
                ["write key_vault.authorization: rbac for the new vault"]
                if vault is None
                else ["use a vault with roles"]
            ),
        )
    # One after the other: Key Vault refuses one of two concurrent changes to the policies of one vault.
    depends_on = tuple(each.resource_id for each in earlier)
    return policy_grant(KeyAccess.name, profile, vault, principal, known, kind, depends_on)
