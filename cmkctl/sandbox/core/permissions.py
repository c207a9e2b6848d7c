"""Permissions on the management plane: the action of a request, the role assignments that allow it, deny assignments.

The sandbox's usual service principal is Owner of every subscription; others have what their role assignments give them.
Polls of operations, and the lists of subscriptions and tenants, need no right.
"""

import re
from dataclasses import dataclass

from cmkctl.sandbox.core import custom_roles, errors, ids, registry
from cmkctl.sandbox.core.callers import Caller
from cmkctl.sandbox.core.constants import CLIENT_OBJECT_ID
from cmkctl.sandbox.core.grants import has_role
from cmkctl.sandbox.core.messages import Call
from cmkctl.sandbox.core.state import Tenant

VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}
READS = ("GET", "HEAD")
GROUPS = "Microsoft.Resources/subscriptions/resourceGroups"
OPERATIONS = re.compile(r"operation|asyncoperations", re.IGNORECASE)
IN_GROUP = re.compile(r"/subscriptions/[^/]+/resourcegroups/[^/]+", re.IGNORECASE)


@dataclass(frozen=True)
class Action:
    """The Azure RBAC action of a request, and its scope."""

    name: str
    scope: str


def action_of(call: Call) -> Action | None:
    """Return what a request does; None where it needs no permission."""
    parts = [part for part in call.path.split("/") if part]
    words = [part.lower() for part in parts]
    if not words or words[0] != "subscriptions" or len(parts) == 1:
        return None
    if "providers" not in words:
        return _without_provider(call, parts)
    last = len(words) - 1 - words[::-1].index("providers")
    return _of_provider(call, parts, last)


def _without_provider(call: Call, parts: list[str]) -> Action | None:
    """Subscriptions, their lists, and resource groups."""
    scope, verb = "/" + "/".join(parts), VERBS.get(call.method, "action")
    if OPERATIONS.search(parts[-1]) or (len(parts) > 3 and OPERATIONS.search(parts[-2])):
        return None
    if len(parts) == 2:
        return Action(f"Microsoft.Resources/subscriptions/{verb}", scope)
    if parts[2].lower() == "resourcegroups":
        kind = GROUPS if len(parts) <= 4 else f"{GROUPS}/{parts[4]}"
        return Action(f"{kind}/{verb}", "/" + "/".join(parts[:4] if len(parts) > 3 else parts[:2]))
    return Action(f"Microsoft.Resources/subscriptions/{parts[2]}/{verb}", "/" + "/".join(parts[:2]))


def _of_provider(call: Call, parts: list[str], last: int) -> Action | None:
    """Everything below ``/providers/``: the types are the words in the odd places."""
    parent, rest = "/" + "/".join(parts[:last]), parts[last + 1 :]
    if not rest or (len(rest) == 1 and call.method in READS):
        return Action("Microsoft.Resources/subscriptions/providers/read", parent)
    if len(rest) == 2 and call.method == "POST" and rest[1].lower() in {"register", "unregister"}:
        return Action(f"{rest[0]}/{rest[1].lower()}/action", parent)
    types = rest[1::2]
    if any(OPERATIONS.search(word) for word in types):
        return None
    kind, named = "/".join([rest[0], *types]), len(rest) % 2 == 1
    if call.method == "POST":
        name = registry.read_action(kind.lower()) or f"{kind}/action"
        return Action(name, "/" + "/".join(parts[: last + len(rest)]) if len(rest) > 2 else parent)
    scope = "/" + "/".join(parts) if named else "/" + "/".join(parts[: last + len(rest)])
    return Action(f"{kind}/{VERBS[call.method]}", scope if named or len(rest) > 2 else parent)


def may(tenant: Tenant, caller: Caller, action: Action) -> bool:
    """Return whether a caller's roles allow an action, effective now."""
    if caller.object_id == CLIENT_OBJECT_ID and tenant.data["caller_owns"]:
        return True
    return has_role(tenant, action.scope, caller.object_id, custom_roles.allowing(tenant, action.name))


def require(tenant: Tenant, call: Call) -> None:
    """Refuse a request its caller may not make.

    Raises:
        AzureError: 403 `AuthorizationFailed`, or `DenyAssignmentAuthorizationFailed` in a managed resource group (P73).

    """
    caller = call.caller
    if caller is None:
        return
    owns = caller.object_id == CLIENT_OBJECT_ID and tenant.data["caller_owns"]
    if owns and call.method in READS:
        return  # nothing to check, and the most frequent case
    action = action_of(call)
    if action is None:
        return
    if not owns and not may(tenant, caller, action):
        raise errors.authorization_failed(caller.app_id, caller.object_id, action.name, action.scope)
    if not action.name.endswith("/read"):
        _require_not_denied(tenant, caller, action)


def _require_not_denied(tenant: Tenant, caller: Caller, action: Action) -> None:
    """Refuse whatever changes anything in a group that Azure ML manages: a deny assignment is above every role."""
    match = IN_GROUP.match(action.scope)
    group = tenant.table("groups").get(ids.key(match[0])) if match else None
    if group is not None and group.get("owner"):
        raise errors.deny_assignment(
            client=caller.app_id,
            object_id=caller.object_id,
            action=action.name,
            scope=action.scope,
            owner=group["owner"],
            assignment=ids.hex_name(group["doc"]["id"]),
            group=group["doc"]["id"],
        )
