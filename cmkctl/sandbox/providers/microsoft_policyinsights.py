"""checkPolicyRestrictions: evaluates the deny policies for a resource that does not exist yet.

The shapes are those of Microsoft's published examples of Microsoft.PolicyInsights; that the answer agrees with what a
write meets is the sandbox's own promise.
"""

from cmkctl.sandbox.core import errors, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.policy import Policy, policies
from cmkctl.sandbox.core.provider import Provider, Registration
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.shapes import Required
from cmkctl.sandbox.core.state import Tenant

COVERAGE = Area(
    "policy, rights, quota",
    supported=(
        "deny policies by type, property and value (`cmkctl sandbox policy`), enforced, and evaluated by checkPolicyRestrictions",
        "what a caller may do, by role assignments (`cmkctl sandbox principal`); 403 in the recorded words",
    ),
    differs=("the usual service principal is Owner of every subscription without a role assignment",),
    not_modelled=("writing policy definitions and assignments through ARM, other effects, quotas through ARM",),
)

TYPE = "Microsoft.PolicyInsights/checkPolicyRestrictions"
VERSIONS = ("2020-07-01", "2020-07-01-preview", "2022-03-01", "2023-03-01", "2024-10-01")
SHAPE = {
    "resourceDetails": Required({"resourceContent": Required(dict), "apiVersion": str, "scope": str}),
    "pendingFields": [{"field": Required(str), "values": [str]}],
    "includeAuditEffect": bool,
}


def check(tenant: Tenant, call: Call) -> Reply:
    """Answer which policies deny the content as it is, and which values of the pending fields they would deny."""
    body = shapes.accept(SHAPE, call.json(), call.api_version)
    content = body["resourceDetails"]["resourceContent"]
    kind = content.get("type")
    if not isinstance(kind, str):
        raise errors.property_refused("resourceDetails.resourceContent.type", "is required")
    scope = call.path.lower().partition("/providers/microsoft.policyinsights")[0]
    found = [rule for rule in policies(tenant) if rule.concerns(kind, scope)]
    pending = {row["field"]: row.get("values") or [] for row in body.get("pendingFields") or ()}
    given = [rule for rule in found if rule.field not in pending and rule.denies(content)]
    rows = [(rule, pending[rule.field]) for rule in found if rule.field in pending]
    return Reply(
        200,
        {
            "fieldRestrictions": [_restriction(rule, values) for rule, values in rows],
            "contentEvaluationResult": {"policyEvaluations": [_evaluation(rule, kind, content) for rule in given]},
        },
    )


def _info(rule: Policy) -> Json:
    return {"policyDefinitionId": rule.definition_id, "policyAssignmentId": rule.assignment_id}


def _evaluation(rule: Policy, kind: str, content: Json) -> Json:
    return {
        "policyInfo": _info(rule),
        "evaluationResult": "NonCompliant",
        "evaluationDetails": rule.details(kind, content),
        "effectDetails": {"policyEffect": "Deny"},
    }


def _restriction(rule: Policy, values: list[str]) -> Json:
    """Return what a policy does to a pending field: which of the values it denies, or which it requires."""
    denied = [value for value in values if _probe(rule, value)]
    required = not rule.deny and not denied
    allowed = {"values": [str(value) for value in rule.allow]} if rule.allow else {}
    verdict: Json = {"result": "Required", **allowed} if required else {"result": "Deny", "values": denied}
    row = {**verdict, "policy": _info(rule), "policyEffect": "Deny", "reason": rule.reason or f"{rule.name} denies it"}
    return {"field": rule.field, "restrictions": [row]}


def _probe(rule: Policy, value: str) -> bool:
    document: Json = {}
    inner = document
    *outer, last = rule.path.split(".")
    for name in outer:
        inner = inner.setdefault(name, {})
    inner[last] = value
    return rule.denies(document)


_PATH = "/providers/Microsoft.PolicyInsights/checkPolicyRestrictions"
ROUTES = (
    Route("POST", "/subscriptions/{subscription}" + _PATH, check, TYPE, VERSIONS),
    Route("POST", "/subscriptions/{subscription}/resourceGroups/{group}" + _PATH, check, TYPE, VERSIONS),
)

PROVIDER = Provider(
    namespace="Microsoft.PolicyInsights",
    coverage=(COVERAGE,),
    routes=ROUTES,
    registration=Registration.UNLISTED,
    read_actions={TYPE.lower(): f"{TYPE}/read"},
)
