"""Policy definitions and assignments as clients read them: those that `cmkctl sandbox policy` has arranged."""

from cmkctl.sandbox.core import errors, ids, policy
from cmkctl.sandbox.core.constants import CLIENT_ID, CLIENT_OBJECT_ID
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.policy import Policy
from cmkctl.sandbox.core.routing import Handler, Route
from cmkctl.sandbox.core.state import Tenant

COVERAGE = Area(
    "policy, rights, quota",
    supported=("policy definitions and assignments: get and list of the arranged ones",),
    differs=("there are no built-in policies, initiatives and exemptions: their lists are empty",),
)
DEFINITION = "Microsoft.Authorization/policyDefinitions"
ASSIGNMENT = "Microsoft.Authorization/policyAssignments"
VERSIONS = (
    "2018-05-01", "2019-09-01", "2020-09-01", "2021-06-01", "2022-06-01", "2023-04-01", "2024-04-01", "2025-01-01",
    "2025-03-01", "2025-11-01",
)  # fmt: skip
AT_SCOPE, EXACTLY = "atscope()", "atexactscope()"
OPERATORS = {"Exists": "exists", "NotEquals": "notEquals", "Equals": "equals", "NotIn": "notIn", "In": "in"}


def _definition(rule: Policy) -> Json:
    operator, value = rule.operator()
    conditions: list[Json] = [] if rule.type == "*" else [{"field": "type", "equals": rule.type}]
    conditions.append({"field": rule.alias, OPERATORS[operator]: value})
    return {
        "properties": {
            "displayName": rule.name,
            "policyType": "Custom",
            "mode": "All",
            "metadata": {},
            "parameters": {},
            "policyRule": {"if": {"allOf": conditions}, "then": {"effect": "deny"}},
        },
        "id": rule.definition_id,
        "type": DEFINITION,
        "name": rule.name,
    }


def _assignment(rule: Policy) -> Json:
    messages = {"nonComplianceMessages": [{"message": rule.reason}]} if rule.reason else {}
    return {
        "properties": {
            "displayName": rule.name,
            "policyDefinitionId": rule.definition_id,
            "scope": rule.scope,
            "notScopes": [],
            "parameters": {},
            "metadata": {},
            "enforcementMode": "Default",
            **messages,
        },
        "id": rule.assignment_id,
        "type": ASSIGNMENT,
        "name": rule.name,
    }


def list_definitions(tenant: Tenant, call: Call) -> Reply:
    """Answer the definitions of a subscription."""
    prefix = ids.key(f"/subscriptions/{call['subscription']}") + "/"
    found = [_definition(rule) for rule in policy.policies(tenant) if ids.key(rule.definition_id).startswith(prefix)]
    return Reply(200, {"value": found})


def list_nothing(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every handler has the same form
    """Answer an empty list: the sandbox has no built-in policies, initiatives and exemptions."""
    return Reply(200, {"value": []})


def get_definition(tenant: Tenant, call: Call) -> Reply:
    """Answer one definition, or 404."""
    for rule in policy.policies(tenant):
        if ids.key(rule.definition_id) == ids.key(call.path):
            return Reply(200, _definition(rule))
    raise errors.policy_definition_not_found(call["name"])


def refuse_child(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every handler has the same form
    """Refuse a name with a slash in it: it is read as a type that does not exist (recording 60)."""
    raise errors.resource_type_unsupported(f"{DEFINITION}/{call['child']}")


def refuse_tenant_child(tenant: Tenant, call: Call) -> Reply:  # noqa: ARG001  every handler has the same form
    """Refuse the same at the tenant, where no principal of the sandbox has a permission (recording 60)."""
    app_id, object_id = (call.caller.app_id, call.caller.object_id) if call.caller else (CLIENT_ID, CLIENT_OBJECT_ID)
    scope = f"/providers/{DEFINITION}/{call['name']}"
    raise errors.authorization_failed(app_id, object_id, f"{DEFINITION}/{call['child']}/read", scope)


def list_assignments(tenant: Tenant, call: Call) -> Reply:
    """Answer the assignments above a scope, at it and below it.

    Those below are left out with ``atScope()``, and those above, too, with ``atExactScope()`` (the az CLI sends it).
    """
    wanted = call.query.get("$filter", "").replace(" ", "").lower()
    if wanted not in {"", AT_SCOPE, EXACTLY}:
        raise errors.not_modelled(f"the policy assignment filter {wanted!r}")
    target = ids.key(call["scope"])
    found = []
    for rule in policy.policies(tenant):
        scope = ids.key(rule.scope)
        above = wanted != EXACTLY and target.startswith(f"{scope}/")
        if target == scope or above or (not wanted and scope.startswith(f"{target}/")):
            found.append(_assignment(rule))
    return Reply(200, {"value": found})


def get_assignment(tenant: Tenant, call: Call) -> Reply:
    """Answer one assignment, or 404."""
    for rule in policy.policies(tenant):
        if ids.key(rule.assignment_id) == ids.key(call.path):
            return Reply(200, _assignment(rule))
    raise errors.policy_assignment_not_found(call["name"])


def _route(template: str, handler: Handler, kind: str) -> Route:
    return Route("GET", template, handler, kind, VERSIONS)


_IN_SUBSCRIPTION = "/subscriptions/{subscription}/providers/" + DEFINITION
_IN_TENANT = f"/providers/{DEFINITION}"
ROUTES = (
    _route(_IN_SUBSCRIPTION, list_definitions, DEFINITION),
    _route(_IN_SUBSCRIPTION + "/{name}", get_definition, DEFINITION),
    _route(_IN_SUBSCRIPTION + "/{name}/{child}", refuse_child, DEFINITION),
    _route(_IN_TENANT, list_nothing, DEFINITION),
    _route(_IN_TENANT + "/{name}", get_definition, DEFINITION),
    _route(_IN_TENANT + "/{name}/{child}", refuse_tenant_child, DEFINITION),
    _route("{scope}/providers/" + ASSIGNMENT, list_assignments, ASSIGNMENT),
    _route("{scope}/providers/" + ASSIGNMENT + "/{name}", get_assignment, ASSIGNMENT),
    *(
        _route("{scope}/providers/Microsoft.Authorization/" + word, list_nothing, f"Microsoft.Authorization/{word}")
        for word in ("policySetDefinitions", "policyExemptions")
    ),
)
