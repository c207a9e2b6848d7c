"""Management locks: what a lock at a scope, above it or below it refuses (recordings 60, 83; the page on locks)."""

from cmkctl.sandbox.core import errors, ids
from cmkctl.sandbox.core.messages import Call
from cmkctl.sandbox.core.state import Tenant

TYPE = "Microsoft.Authorization/locks"
_OWN = f"/providers/{TYPE.lower()}"
READ_ONLY = "readonly"


def require(tenant: Tenant, call: Call) -> None:
    """Refuse what a lock forbids. Locks themselves can always be written and deleted.

    Raises:
        AzureError: 409 `ScopeLocked`.

    """
    locks = tenant.table("locks")
    verb = _verb(call)
    if not locks or verb is None or _OWN in call.path.lower():
        return
    scope = call.path.rstrip("/")
    target = ids.key(scope.rpartition("/")[0] if call.method == "POST" else scope)
    found = []
    for row in locks.values():
        locked = ids.key(row["scope"])
        above = target == locked or target.startswith(f"{locked}/")
        below = verb == "delete" and locked.startswith(f"{target}/")
        only_deletes = row["doc"]["properties"]["level"].lower() != READ_ONLY
        if (above or below) and (verb == "delete" or not only_deletes):
            found.append(row["scope"])
    if found:
        raise errors.scope_locked(scope, verb=verb, locked=",".join(found))


def _verb(call: Call) -> str | None:
    """Return what a request does: a list of keys counts as a write, as documented."""
    if call.method == "DELETE":
        return "delete"
    if call.method in {"PUT", "PATCH"} or call.path.lower().endswith("/listkeys"):
        return "write"
    return None
