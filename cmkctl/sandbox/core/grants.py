"""Permissions on a key by access policies and role assignments, including those that have not taken effect yet."""

from collections.abc import Collection, Container

from cmkctl.sandbox.core import custom_roles, ids, roles
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.state import Tenant

NEEDED = frozenset({"get", "wrapkey", "unwrapkey"})
USE_OF_A_KEY = tuple(f"{roles.KEYS}{action}" for action in ("read", "wrap/action", "unwrap/action"))
READ_OF_A_VAULT = "Microsoft.KeyVault/vaults/read"
SLOW = "slow-grant"


def note_new_grant(tenant: Tenant, scope: str, principal: str, kind: str = "grant.policy") -> None:
    """Remember a grant that was just made; with the fault ``slow-grant``, or as the pace has it, it takes effect later."""
    countdown = tenant.lag(SLOW, scope, kind)
    if countdown is not None:
        waiting = {"scope": ids.key(scope), "principal": principal.lower(), "countdown": countdown}
        tenant.data["pending_grants"].append(waiting)
        tenant.changed()


def advance_grants(tenant: Tenant) -> None:
    """Count one read for every grant that has not taken effect yet."""
    pending = tenant.data["pending_grants"]
    if pending:
        tenant.data["pending_grants"] = [grant for grant in pending if not tenant.tick(grant["countdown"])]


def may_use_key(tenant: Tenant, vault: Json, key_id: str, principal: str, also: Collection[str] = ()) -> bool:
    """Return whether a principal (by object id) may get, wrap and unwrap with a key of the vault, effective now.

    `also` are permissions, in lower case, that an access policy has to have besides.
    """
    document = vault["doc"]
    if document["properties"].get("enableRbacAuthorization"):
        return has_role(tenant, key_id, principal, custom_roles.allowing_data(tenant, *USE_OF_A_KEY))
    return _has_policy(document, principal, NEEDED.union(also)) and not pending(tenant, document["id"], principal)


def may_read_vault(tenant: Tenant, vault: Json, principal: str) -> bool:
    """Return whether a principal has control-plane read on the vault."""
    return has_role(tenant, vault["doc"]["id"], principal, custom_roles.allowing(tenant, READ_OF_A_VAULT))


def _has_policy(document: Json, principal: str, needed: frozenset[str]) -> bool:
    for entry in document["properties"]["accessPolicies"]:
        words = {word.lower() for word in entry["permissions"].get("keys") or ()}
        if entry["objectId"].lower() == principal.lower() and (words >= needed or "all" in words):
            return True
    return False


def has_role(tenant: Tenant, resource_id: str, principal: str, wanted: Container[str]) -> bool:
    """Return whether a principal holds one of the roles at a resource or above it, effective now."""
    target = ids.key(resource_id)
    for assignment in tenant.table("assignments").values():
        properties = assignment["doc"]["properties"]
        scope = ids.key(properties["scope"])
        reaches = target == scope or target.startswith(scope.rstrip("/") + "/")
        held = properties["roleDefinitionId"].rsplit("/", 1)[-1].lower() in wanted
        mine = properties["principalId"].lower() == principal.lower()
        if reaches and held and mine and not pending(tenant, properties["scope"], principal):
            return True
    return False


def pending(tenant: Tenant, scope: str, principal: str) -> bool:
    """Return whether a grant to a principal at exactly this scope has been made and has not taken effect yet."""
    key = ids.key(scope)
    return any(
        grant["scope"] == key and grant["principal"] == principal.lower() and not tenant.over(grant["countdown"])
        for grant in tenant.data["pending_grants"]
    )
