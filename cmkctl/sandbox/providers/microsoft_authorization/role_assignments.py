"""Role definitions (built-in and custom ones) and role assignments at any scope, with Azure's refusals (fact 32)."""

import re
from collections.abc import Iterable

from cmkctl.sandbox.core import custom_roles, errors, ids, registry, roles, shapes
from cmkctl.sandbox.core.arrange import SUBSCRIPTION, Arrangement
from cmkctl.sandbox.core.constants import CLIENT_OBJECT_ID, COSMOS_DB_OBJECT_ID
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.grants import note_new_grant
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import READ_ONLY, Required
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_authorization import usage

COVERAGE = Area(
    "role definitions and assignments",
    supported=(
        "built-in and arranged custom roles by id and name",
        "assignments: PUT, GET, list (`principalId`, `assignedTo`, `atScope`), DELETE, at any scope",
        "409 for a twin, 400 for an unknown principal, a wrong principal type or id, in the recorded words",
        "a PUT over an assignment changes its condition and description, and nothing else",
    ),
    differs=(
        "a role of Azure that the sandbox does not know is refused as one that does not exist",
        "the description of a role is empty unless it was recorded (40, 41, 73)",
    ),
    guesses=("a role that its definition does not allow at the scope is refused; the code is not published",),
    not_modelled=(
        "the creation of custom roles, the effect of conditions, other filters, scopes at types that are not modelled",
    ),
)

ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
DEFINITION = "Microsoft.Authorization/roleDefinitions"
VERSIONS = (
    "2015-07-01", "2018-01-01-preview", "2018-09-01-preview", "2019-04-01-preview", "2020-04-01-preview", "2020-08-01-preview",
    "2020-10-01-preview", "2022-04-01", "2022-05-01-preview",
)  # fmt: skip
BUILT_IN_SINCE = "2020-01-01T00:00:00.0000000Z"
"""A moment for the built-in roles' dates; Azure has one for each (recording 40)."""

CONDITION_VERSION = "2.0"
SHAPE = {
    **shapes.TOP,
    "systemData": READ_ONLY,
    "properties": Required(
        {
            "roleDefinitionId": Required(str),
            "principalId": Required(str),
            "principalType": ("User", "Group", "ServicePrincipal", "ForeignGroup", "Device"),
            "description": str,
            "condition": str,
            "conditionVersion": str,
            "delegatedManagedIdentityResourceId": str,
            "canDelegate": shapes.NOT_MODELLED,
            **dict.fromkeys(("scope", "createdOn", "updatedOn", "createdBy", "updatedBy"), READ_ONLY),
        }
    ),
}
ROLE_NAME = re.compile(r"roleName\s+eq\s+'([^']*)'", re.IGNORECASE)
BY_PRINCIPAL = re.compile(r"principalId\s+eq\s+'?([0-9a-fA-F-]{36})'?", re.IGNORECASE)
ASSIGNED_TO = re.compile(r"assignedTo\(\s*'([0-9a-fA-F-]{36})'\s*\)", re.IGNORECASE)


# --- definitions


def _definition(role: roles.Role, scope: str) -> Json:
    subscription = ids.subscription_of(scope)
    prefix = f"/subscriptions/{subscription}" if subscription else ""
    permissions = {
        "actions": list(role.actions),
        "notActions": list(role.not_actions),
        "dataActions": list(role.data_actions),
        "notDataActions": list(role.not_data_actions),
    }
    return {
        "properties": {
            "roleName": role.name,
            "type": "BuiltInRole" if role.scopes == ("/",) else "CustomRole",
            "description": role.description,
            "assignableScopes": list(role.scopes),
            "permissions": [permissions],
            "createdOn": BUILT_IN_SINCE,
            "updatedOn": BUILT_IN_SINCE,
            "createdBy": None,
            "updatedBy": None,
        },
        "id": f"{prefix}/providers/{DEFINITION}/{role.id}",
        "type": DEFINITION,
        "name": role.id,
    }


def list_definitions(tenant: Tenant, call: Call) -> Reply:
    """Answer the roles that can be assigned at the scope, or the one a roleName filter names."""
    wanted = call.query.get("$filter", "")
    match = ROLE_NAME.search(wanted)
    if wanted and match is None and "atscope" not in wanted.lower():
        raise errors.not_modelled(f"the role definition filter {wanted!r}")
    known = [
        *roles.ROLES,
        *(role for role in custom_roles.of_tenant(tenant) if custom_roles.assignable(role, call["scope"])),
    ]
    found = [role for role in known if match is None or role.name.lower() == match[1].lower()]
    return Reply(200, {"value": [_definition(role, call["scope"]) for role in found]})


def get_definition(tenant: Tenant, call: Call) -> Reply:
    """Answer one role."""
    role = custom_roles.find(tenant, call["name"])
    if role is None:
        raise errors.role_definition_not_found(call["name"])
    return Reply(200, _definition(role, call["scope"]))


# --- assignments


def require_scope(tenant: Tenant, scope: str) -> None:
    """Refuse a scope that does not exist.

    Raises:
        AzureError: 404, or `SandboxNotModelled` for a type that is not modelled.

    """
    if scope == "/":
        return
    tenant.require_subscription(ids.subscription_of(scope))
    parts = scope.strip("/").split("/")
    if len(parts) > 2:
        tenant.group(parts[1], parts[3])
    found = ids.parse(scope)
    if found is not None and not _is_there(tenant, scope):
        if found.full_type.lower() not in registry.versions():
            raise errors.not_modelled(f"a scope of type {found.full_type}")
        raise errors.resource_not_found(found.full_type, found.name, found.group)


def _is_there(tenant: Tenant, scope: str) -> bool:
    """Return whether a scope exists: as a resource, or as a subnet, which only its network shows."""
    if tenant.resource(scope) is not None:
        return True
    record = tenant.resource(scope.rstrip("/").rsplit("/", 2)[0])
    subnets = record["doc"].get("properties", {}).get("subnets") if record is not None else None
    return any(ids.key(each["id"]) == ids.key(scope) for each in subnets or ())


def put_assignment(tenant: Tenant, call: Call) -> Reply:
    """Assign a role at a scope: 201, also for the same assignment again under the same name."""
    require_scope(tenant, call["scope"])
    if not ids.is_guid(call["name"]):
        raise errors.name_invalid(call["name"], ASSIGNMENT, "it must be a GUID")
    sent = shapes.accept(SHAPE, call.json(), call.api_version)["properties"]
    role = sent["roleDefinitionId"].rstrip("/").rsplit("/", 1)[-1].lower()
    definition = custom_roles.find(tenant, role)
    if definition is None:
        raise errors.role_definition_not_found(role)
    if not custom_roles.assignable(definition, call["scope"]):
        raise errors.role_not_assignable(role, call["scope"])
    if sent.get("condition") and sent.get("conditionVersion") != CONDITION_VERSION:
        raise errors.condition_version_missing()
    kind = _principal_type(tenant, sent)
    key = ids.key(f"{call['scope']}/providers/{ASSIGNMENT}/{call['name']}")
    known = tenant.table("assignments").get(key)
    if known is not None:
        return _again(tenant, known, sent, role)
    _refuse_twin(tenant, call["scope"], role, sent["principalId"])
    usage.require_room(tenant, ids.subscription_of(call["scope"]))
    document = _document(tenant, call, sent, kind)
    tenant.table("assignments")[key] = {"doc": document}
    note_new_grant(tenant, call["scope"], sent["principalId"], "grant.role")
    tenant.changed()
    return Reply(201, document)


def _principal_type(tenant: Tenant, sent: Json) -> str:
    """Return the principal's type; without one in the request, it is looked up in the directory (fact 32, P33)."""
    principal = sent["principalId"]
    if not ids.is_guid(principal):
        raise errors.principal_invalid(principal)
    actual, stated = tenant.principal_type(principal), sent.get("principalType")
    if actual is None and stated is None:
        raise errors.principal_not_found(principal.replace("-", ""), tenant.tenant_id)
    if actual is not None and stated is not None and actual.lower() != stated.lower():
        raise errors.principal_type_differs(principal.replace("-", ""), actual, stated)
    return actual or str(stated)


def _refuse_twin(tenant: Tenant, scope: str, role: str, principal: str) -> None:
    for row in tenant.table("assignments").values():
        properties = row["doc"]["properties"]
        same_role = properties["roleDefinitionId"].rsplit("/", 1)[-1].lower() == role
        same_scope = ids.key(properties["scope"]) == ids.key(scope)
        if same_role and same_scope and properties["principalId"].lower() == principal.lower():
            raise errors.role_assignment_exists()


def _again(tenant: Tenant, known: Json, sent: Json, role: str) -> Reply:
    properties = known["doc"]["properties"]
    same_role = properties["roleDefinitionId"].rsplit("/", 1)[-1].lower() == role
    if not same_role or properties["principalId"].lower() != sent["principalId"].lower():
        raise errors.role_assignment_fixed()
    changed = {name: sent.get(name) for name in ("condition", "conditionVersion", "description")}
    if any(properties.get(name) != value for name, value in changed.items()):
        properties.update(changed, updatedOn=tenant.timestamp())
        tenant.changed()
    return Reply(201, known["doc"])


def _document(tenant: Tenant, call: Call, sent: Json, kind: str) -> Json:
    now = tenant.timestamp()
    return {
        "properties": {
            "roleDefinitionId": sent["roleDefinitionId"],
            "principalId": sent["principalId"],
            "principalType": kind,
            "scope": call["scope"],
            "condition": sent.get("condition"),
            "conditionVersion": sent.get("conditionVersion"),
            "createdOn": now,
            "updatedOn": now,
            "createdBy": None,
            "updatedBy": CLIENT_OBJECT_ID,
            "delegatedManagedIdentityResourceId": sent.get("delegatedManagedIdentityResourceId"),
            "description": sent.get("description"),
        },
        "id": f"{call['scope'].rstrip('/')}/providers/{ASSIGNMENT}/{call['name']}",
        "type": ASSIGNMENT,
        "name": call["name"],
    }


def get_assignment(tenant: Tenant, call: Call) -> Reply:
    """Answer one assignment, or 404 `RoleAssignmentNotFound`."""
    record = tenant.table("assignments").get(ids.key(f"{call['scope']}/providers/{ASSIGNMENT}/{call['name']}"))
    if record is None:
        raise errors.role_assignment_not_found(call["name"])
    return Reply(200, record["doc"])


def delete_assignment(tenant: Tenant, call: Call) -> Reply:
    """Take an assignment away: 200 with what it was, or 204."""
    record = tenant.table("assignments").pop(ids.key(f"{call['scope']}/providers/{ASSIGNMENT}/{call['name']}"), None)
    tenant.changed()
    return Reply(204) if record is None else Reply(200, record["doc"])


def list_assignments(tenant: Tenant, call: Call) -> Reply:
    """Answer the assignments that concern a scope: above it, at it, and (without ``atScope()``) below it."""
    wanted = call.query.get("$filter", "")
    principal = BY_PRINCIPAL.search(wanted) or ASSIGNED_TO.search(wanted)
    if wanted and principal is None and "atscope()" not in wanted.lower():
        raise errors.not_modelled(f"the role assignment filter {wanted!r}")
    at_scope = "atscope()" in wanted.lower()
    found = [row["doc"] for row in tenant.table("assignments").values() if _concerns(row, call["scope"], at_scope)]
    if principal is not None:
        found = [doc for doc in found if doc["properties"]["principalId"].lower() == principal[1].lower()]
    return Reply(200, {"value": found})


def _concerns(row: Json, requested: str, at_scope: bool) -> bool:
    scope, target = ids.key(row["doc"]["properties"]["scope"]).rstrip("/"), ids.key(requested).rstrip("/")
    above_or_at = target == scope or target.startswith(scope + "/")
    return above_or_at or (not at_scope and scope.startswith(target + "/"))


def assign_role(
    state: Arrangement, scope: str, object_id: str = COSMOS_DB_OBJECT_ID, role: str = roles.ENCRYPTION_USER
) -> str:
    """Assign a role at a scope; return the assignment's id.

    The role is given by its id; by default it is Key Vault Crypto Service Encryption User.
    """
    with state.arranging():
        name = ids.guid("assignment", scope, object_id, role)
        identifier = f"{scope}/providers/{ASSIGNMENT}/{name}"
        definition = f"/subscriptions/{ids.subscription_of(scope)}/providers/{DEFINITION}/{role}"
        properties = {
            "roleDefinitionId": definition,
            "principalId": object_id,
            "principalType": "ServicePrincipal",
            "scope": scope,
        }
        document = {
            "properties": properties,
            "id": identifier,
            "type": ASSIGNMENT,
            "name": name,
        }
        state.tenant.table("assignments")[ids.key(identifier)] = {"doc": document}
    return identifier


def add_role(
    state: Arrangement,
    name: str,
    *,
    actions: Iterable[str] = (),
    not_actions: Iterable[str] = (),
    data_actions: Iterable[str] = (),
    not_data_actions: Iterable[str] = (),
    scopes: Iterable[str] = (SUBSCRIPTION,),
) -> str:
    """Add a custom role; return its GUID."""
    with state.arranging():
        role = ids.guid("role", name)
        state.tenant.table("roles")[role] = {
            "id": role,
            "name": name,
            "actions": list(actions),
            "not_actions": list(not_actions),
            "data_actions": list(data_actions),
            "not_data_actions": list(not_data_actions),
            "scopes": list(scopes),
        }
    return role


_ASSIGNMENTS = "{scope}/providers/" + ASSIGNMENT
_DEFINITIONS = "{scope}/providers/" + DEFINITION


ROUTES = (
    Route("PUT", _ASSIGNMENTS + "/{name}", put_assignment, ASSIGNMENT, VERSIONS),
    Route("GET", _ASSIGNMENTS + "/{name}", get_assignment, ASSIGNMENT, VERSIONS),
    Route("DELETE", _ASSIGNMENTS + "/{name}", delete_assignment, ASSIGNMENT, VERSIONS),
    Route("GET", _ASSIGNMENTS, list_assignments, ASSIGNMENT, VERSIONS),
    Route("GET", _DEFINITIONS + "/{name}", get_definition, DEFINITION, VERSIONS),
    Route("GET", _DEFINITIONS, list_definitions, DEFINITION, VERSIONS),
)
