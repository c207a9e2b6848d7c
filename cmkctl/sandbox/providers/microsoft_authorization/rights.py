"""The permissions of a caller at a scope, and the deny assignments of managed resource groups. Forms: the references."""

from cmkctl.sandbox.core import custom_roles, ids, roles
from cmkctl.sandbox.core.constants import CLIENT_OBJECT_ID
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.grants import has_role
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_authorization.role_assignments import require_scope

COVERAGE = Area(
    "policy, rights, quota",
    supported=("permissions of the caller at a scope; deny assignments: list (those of managed resource groups)",),
)
PERMISSIONS = "Microsoft.Authorization/permissions"
DENIED = "Microsoft.Authorization/denyAssignments"
PERMISSION_VERSIONS = ("2015-07-01", "2018-01-01-preview", "2018-07-01", "2022-04-01", "2022-05-01-preview")
DENY_VERSIONS = ("2018-07-01-preview", "2022-04-01", "2024-07-01-preview")
EVERYBODY = "00000000-0000-0000-0000-000000000000"


def list_permissions(tenant: Tenant, call: Call) -> Reply:
    """Answer what each role of the caller allows at the scope."""
    require_scope(tenant, call["scope"])
    caller = call.caller.object_id if call.caller else ""
    owns = caller == CLIENT_OBJECT_ID and tenant.data["caller_owns"]
    held = [
        role
        for role in (*roles.ROLES, *custom_roles.of_tenant(tenant))
        if has_role(tenant, call["scope"], caller, {role.id}) or (owns and role.id == roles.OWNER)
    ]
    rows = [
        {
            "actions": list(role.actions),
            "notActions": list(role.not_actions),
            "dataActions": list(role.data_actions),
            "notDataActions": list(role.not_data_actions),
        }
        for role in held
    ]
    return Reply(200, {"value": rows})


def list_denied(tenant: Tenant, call: Call) -> Reply:
    """Answer the deny assignments at a scope, above it and below it."""
    target = ids.key(call["scope"])
    found = []
    for key, group in tenant.table("groups").items():
        near = target in {key, ""} or target.startswith(f"{key}/") or key.startswith(f"{target}/")
        if group.get("owner") and near:
            found.append(_denial(group))
    return Reply(200, {"value": found})


def _denial(group: Json) -> Json:
    scope = group["doc"]["id"]
    name = ids.hex_name(scope)  # as the refusals of the managed group name it
    everything: Json = {"actions": ["*"], "notActions": ["*/read"], "dataActions": [], "notDataActions": []}
    return {
        "properties": {
            "denyAssignmentName": f"System deny assignment created by {group['owner']}",
            "description": None,
            "permissions": [everything],
            "scope": scope,
            "doNotApplyToChildScopes": False,
            "principals": [{"id": EVERYBODY, "displayName": "All Principals", "type": "SystemDefined"}],
            "excludePrincipals": [],
            "isSystemProtected": True,
        },
        "id": f"{scope}/providers/{DENIED}/{name}",
        "type": DENIED,
        "name": name,
    }


ROUTES = (
    Route("GET", "{scope}/providers/" + PERMISSIONS, list_permissions, PERMISSIONS, PERMISSION_VERSIONS),
    Route("GET", "{scope}/providers/" + DENIED, list_denied, DENIED, DENY_VERSIONS),
)
