"""Who may use a key: access policies and role assignments, and whether they have taken effect yet."""

from collections.abc import Iterable

from cmkctl.sandbox import ids
from cmkctl.sandbox.messages import Json
from cmkctl.sandbox.state import Tenant

NEEDED = frozenset({"get", "wrapkey", "unwrapkey"})
CRYPTO_ROLES = frozenset(
    {
        "e147488a-f6f5-4113-8e2d-b22465e65bf6",  # Key Vault Crypto Service Encryption User
        "12338af0-0e69-4776-bea7-57ae8d297424",  # Key Vault Crypto User
        "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",  # Key Vault Crypto Officer
        "00482a5a-887f-4fb3-b363-3b7fe8e74483",  # Key Vault Administrator
    }
)
VAULT_READ_ROLES = frozenset(
    {
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",  # Owner
        "b24988ac-6180-42a0-ab88-20f7382dd24c",  # Contributor
        "acdd72a7-3385-48ef-bd42-f606fba81ae7",  # Reader
        "f25e0fa2-a7c8-4377-a976-54943a77a395",  # Key Vault Contributor
        "21090545-7ca7-4776-b22c-e363652d74d2",  # Key Vault Reader
    }
)
SLOW = "slow-grant"


def note_new_grant(tenant: Tenant, scope: str, principal: str) -> None:
    """Remember a grant that was just made; with the fault ``slow-grant`` it takes effect later."""
    if tenant.faults.strikes(SLOW, scope):
        pending = {"scope": ids.key(scope), "principal": principal.lower(), "countdown": tenant.begin()}
        tenant.data["pending_grants"].append(pending)
        tenant.changed()


def advance_grants(tenant: Tenant) -> None:
    """Count one read for every grant that has not taken effect yet."""
    pending = tenant.data["pending_grants"]
    if pending:
        tenant.data["pending_grants"] = [grant for grant in pending if not tenant.tick(grant["countdown"])]


def may_use_key(tenant: Tenant, vault: Json, key_id: str, principal: str) -> bool:
    """Say whether a principal (by object id) may get, wrap and unwrap with a key of the vault, effective now."""
    document = vault["doc"]
    if document["properties"].get("enableRbacAuthorization"):
        return has_role(tenant, key_id, principal, CRYPTO_ROLES)
    return _has_policy(document, principal) and not pending(tenant, document["id"], principal)


def may_read_vault(tenant: Tenant, vault: Json, principal: str) -> bool:
    """Say whether a principal has control-plane read on the vault."""
    return has_role(tenant, vault["doc"]["id"], principal, VAULT_READ_ROLES)


def _has_policy(document: Json, principal: str) -> bool:
    for entry in document["properties"]["accessPolicies"]:
        words = {word.lower() for word in entry["permissions"].get("keys") or ()}
        if entry["objectId"].lower() == principal.lower() and (words >= NEEDED or "all" in words):
            return True
    return False


def has_role(tenant: Tenant, resource_id: str, principal: str, roles: Iterable[str]) -> bool:
    """Say whether a principal holds one of the roles at a resource or above it, effective now."""
    target = ids.key(resource_id)
    for assignment in tenant.table("assignments").values():
        properties = assignment["doc"]["properties"]
        scope = ids.key(properties["scope"])
        reaches = target == scope or target.startswith(scope.rstrip("/") + "/")
        held = properties["roleDefinitionId"].rsplit("/", 1)[-1].lower() in roles
        mine = properties["principalId"].lower() == principal.lower()
        if reaches and held and mine and not pending(tenant, properties["scope"], principal):
            return True
    return False


def pending(tenant: Tenant, scope: str, principal: str) -> bool:
    """Say whether a grant to a principal at exactly this scope has been made and has not taken effect yet."""
    key = ids.key(scope)
    return any(
        grant["scope"] == key and grant["principal"] == principal.lower() and not tenant.over(grant["countdown"])
        for grant in tenant.data["pending_grants"]
    )
