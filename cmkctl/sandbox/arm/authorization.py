"""Role definitions (built-in ones) and role assignments at any scope, with Azure's refusals (fact 32)."""

import re

from cmkctl.sandbox import errors, ids, shapes
from cmkctl.sandbox.constants import CLIENT_OBJECT_ID
from cmkctl.sandbox.grants import note_new_grant
from cmkctl.sandbox.messages import Call, Json, Reply
from cmkctl.sandbox.routing import Route
from cmkctl.sandbox.shapes import READ_ONLY, Required
from cmkctl.sandbox.state import Tenant

ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
DEFINITION = "Microsoft.Authorization/roleDefinitions"
VERSIONS = (
    "2015-07-01", "2018-01-01-preview", "2018-09-01-preview", "2020-04-01-preview", "2020-08-01-preview",
    "2020-10-01-preview", "2022-04-01", "2022-05-01-preview",
)  # fmt: skip
KEYS = "Microsoft.KeyVault/vaults/keys/"
BUILT_IN: dict[str, tuple[str, list[str], list[str]]] = {
    # role id: name, actions, data actions (only those of the encryption role are recorded: recording 40, fact 31)
    "e147488a-f6f5-4113-8e2d-b22465e65bf6": (
        "Key Vault Crypto Service Encryption User",
        [],
        [f"{KEYS}read", f"{KEYS}wrap/action", f"{KEYS}unwrap/action"],
    ),
    "12338af0-0e69-4776-bea7-57ae8d297424": (
        "Key Vault Crypto User",
        [],
        [
            f"{KEYS}{action}"
            for action in (
                "read",
                "update/action",
                "backup/action",
                "encrypt/action",
                "decrypt/action",
                "wrap/action",
                "unwrap/action",
                "sign/action",
                "verify/action",
            )
        ],
    ),
    "14b46e9e-c2b7-41b4-b07b-48a6ebf60603": (
        "Key Vault Crypto Officer",
        [],
        [f"{KEYS}*", "Microsoft.KeyVault/vaults/keyrotationpolicies/*"],
    ),
    "08bbd89e-9f13-488c-ac41-acfcb10c90ab": ("Key Vault Crypto Service Release User", [], [f"{KEYS}release/action"]),
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": (
        "Key Vault Administrator",
        ["Microsoft.KeyVault/vaults/*/read"],
        ["Microsoft.KeyVault/vaults/*"],
    ),
    "f25e0fa2-a7c8-4377-a976-54943a77a395": ("Key Vault Contributor", ["Microsoft.KeyVault/*"], []),
    "21090545-7ca7-4776-b22c-e363652d74d2": (
        "Key Vault Reader",
        ["Microsoft.KeyVault/vaults/*/read"],
        ["Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"],
    ),
    "a68e7c17-0ab2-4c09-9a58-125dae29748c": ("Key Vault Purge Operator", [], []),
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": ("Key Vault Secrets Officer", [], []),
    "4633458b-17de-408a-b874-0445c86b69e6": ("Key Vault Secrets User", [], []),
    "a4417e6f-fecd-4de8-b567-7b0420556985": ("Key Vault Certificates Officer", [], []),
    "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba": ("Key Vault Certificate User", [], []),
    "8b54135c-b56d-4d72-a534-26097cfdc8d8": ("Key Vault Data Access Administrator", [], []),
    "b24988ac-6180-42a0-ab88-20f7382dd24c": ("Contributor", ["*"], []),
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": ("Reader", ["*/read"], []),
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": ("Owner", ["*"], []),
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": ("User Access Administrator", ["*/read", "Microsoft.Authorization/*"], []),
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": ("Role Based Access Control Administrator", ["*/read"], []),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": ("Storage Blob Data Contributor", [], []),
    "f6c7c914-8db3-469d-8ca1-694a8f32e121": ("AzureML Data Scientist", [], []),
    "e503ece1-11d0-4e8e-8e2c-7a6c3bf38815": ("AzureML Compute Operator", [], []),
    "b556d68e-0be0-4f35-a333-ad7ee1ce17ea": ("Azure AI Enterprise Network Connection Approver", [], []),
}
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
            **dict.fromkeys(("scope", "createdOn", "updatedOn", "createdBy", "updatedBy"), READ_ONLY),
        }
    ),
}
ROLE_NAME = re.compile(r"roleName\s+eq\s+'([^']*)'", re.IGNORECASE)
BY_PRINCIPAL = re.compile(r"principalId\s+eq\s+'?([0-9a-fA-F-]{36})'?", re.IGNORECASE)
ASSIGNED_TO = re.compile(r"assignedTo\(\s*'([0-9a-fA-F-]{36})'\s*\)", re.IGNORECASE)


# --- definitions


def _definition(role: str, scope: str) -> Json:
    name, actions, data_actions = BUILT_IN[role]
    subscription = ids.subscription_of(scope)
    prefix = f"/subscriptions/{subscription}" if subscription else ""
    permissions = {"actions": actions, "notActions": [], "dataActions": data_actions, "notDataActions": []}
    return {
        "properties": {
            "roleName": name,
            "type": "BuiltInRole",
            "description": "",
            "assignableScopes": ["/"],
            "permissions": [permissions],
        },
        "id": f"{prefix}/providers/{DEFINITION}/{role}",
        "type": DEFINITION,
        "name": role,
    }


def list_definitions(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every handler has the same form
    """Answer the built-in roles, or the one a roleName filter names."""
    wanted = call.query.get("$filter", "")
    match = ROLE_NAME.search(wanted)
    if wanted and match is None and "atscope" not in wanted.lower():
        raise errors.not_modelled(f"the role definition filter {wanted!r}")
    roles = [role for role in BUILT_IN if match is None or BUILT_IN[role][0].lower() == match[1].lower()]
    return Reply(200, {"value": [_definition(role, call["scope"]) for role in roles]})


def get_definition(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every handler has the same form
    """Answer one built-in role."""
    role = call["name"].lower()
    if role not in BUILT_IN:
        raise errors.role_definition_not_found(call["name"])
    return Reply(200, _definition(role, call["scope"]))


# --- assignments


def _require_scope(tenant: Tenant, scope: str) -> None:
    if scope == "/":
        return
    tenant.require_subscription(ids.subscription_of(scope))
    parts = scope.strip("/").split("/")
    if len(parts) > 2:
        tenant.group(parts[1], parts[3])
    found = ids.parse(scope)
    if found is not None and tenant.resource(scope) is None:
        raise errors.resource_not_found(found.full_type, found.name, found.group)


def put_assignment(tenant: Tenant, call: Call) -> Reply:
    """Assign a role at a scope: 201, also for the same assignment again under the same name."""
    _require_scope(tenant, call["scope"])
    if not ids.is_guid(call["name"]):
        raise errors.name_invalid(ASSIGNMENT, call["name"], "it must be a GUID")
    sent = shapes.accept(SHAPE, call.json(), call.api_version)["properties"]
    role = sent["roleDefinitionId"].rstrip("/").rsplit("/", 1)[-1].lower()
    if role not in BUILT_IN:
        raise errors.role_definition_not_found(role)
    kind = _principal_type(tenant, sent)
    key = ids.key(f"{call['scope']}/providers/{ASSIGNMENT}/{call['name']}")
    known = tenant.table("assignments").get(key)
    if known is not None:
        return _again(known, sent, role)
    _refuse_twin(tenant, call["scope"], role, sent["principalId"])
    document = _document(tenant, call, sent, kind)
    tenant.table("assignments")[key] = {"doc": document}
    note_new_grant(tenant, call["scope"], sent["principalId"])
    tenant.changed()
    return Reply(201, document)


def _principal_type(tenant: Tenant, sent: Json) -> str:
    """Return the principal's type; without one in the request, the directory is asked (fact 32, P33)."""
    principal = sent["principalId"]
    if not ids.is_guid(principal):
        raise errors.principal_invalid(principal)
    actual, asked = tenant.principal_type(principal), sent.get("principalType")
    if actual is None and asked is None:
        raise errors.principal_not_found(principal, tenant.tenant_id)
    if actual is not None and asked is not None and actual.lower() != asked.lower():
        raise errors.principal_type_differs(principal, actual, asked)
    return actual or str(asked)


def _refuse_twin(tenant: Tenant, scope: str, role: str, principal: str) -> None:
    for row in tenant.table("assignments").values():
        properties = row["doc"]["properties"]
        same_role = properties["roleDefinitionId"].rsplit("/", 1)[-1].lower() == role
        same_scope = ids.key(properties["scope"]) == ids.key(scope)
        if same_role and same_scope and properties["principalId"].lower() == principal.lower():
            raise errors.role_assignment_exists()


def _again(known: Json, sent: Json, role: str) -> Reply:
    properties = known["doc"]["properties"]
    same_role = properties["roleDefinitionId"].rsplit("/", 1)[-1].lower() == role
    if not same_role or properties["principalId"].lower() != sent["principalId"].lower():
        raise errors.role_assignment_fixed()
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


def _concerns(row: Json, asked: str, at_scope: bool) -> bool:
    scope, target = ids.key(row["doc"]["properties"]["scope"]).rstrip("/"), ids.key(asked).rstrip("/")
    above_or_at = target == scope or target.startswith(scope + "/")
    return above_or_at or (not at_scope and scope.startswith(target + "/"))


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
