"""The number of role assignments in a subscription, and its limit.

The form of the answer is that of Azure RBAC's page on limits, whose query reads it through Resource Manager.
"""

from cmkctl.sandbox.core import errors, ids
from cmkctl.sandbox.core.arrange import Arrangement
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant

COVERAGE = Area(
    "role definitions and assignments",
    supported=("the count of role assignments and the limit of a subscription, enforced",),
    guesses=("assignments of other principals than those arranged or made do not exist, so the count is small",),
)
TYPE = "Microsoft.Authorization/roleAssignmentsUsageMetrics"
VERSIONS = ("2019-08-01-preview",)
LIMIT = 4000
_LIMITS = "assignment_limits"


def _used(tenant: Tenant, subscription: str) -> int:
    here = f"/subscriptions/{subscription}".lower()
    scopes = [ids.key(row["doc"]["properties"]["scope"]) for row in tenant.table("assignments").values()]
    return sum(scope == here or scope.startswith(f"{here}/") for scope in scopes)


def _limit(tenant: Tenant, subscription: str) -> int:
    return int(tenant.table(_LIMITS).get(subscription.lower(), {}).get("limit", LIMIT))


def require_room(tenant: Tenant, subscription: str) -> None:
    """Refuse one assignment more than a subscription may have.

    Raises:
        AzureError: 400 `RoleAssignmentLimitExceeded`.

    """
    if subscription and _used(tenant, subscription) >= _limit(tenant, subscription):
        raise errors.role_assignment_limit(_limit(tenant, subscription))


def metrics(tenant: Tenant, call: Call) -> Reply:
    """Answer how many role assignments a subscription has and may have."""
    tenant.require_subscription(call["subscription"])
    used, limit = _used(tenant, call["subscription"]), _limit(tenant, call["subscription"])
    return Reply(
        200,
        {
            "subscriptionId": call["subscription"],
            "roleAssignmentsLimit": limit,
            "roleAssignmentsCurrentCount": used,
            "roleAssignmentsRemainingCount": max(0, limit - used),
        },
    )


def limit_role_assignments(state: Arrangement, subscription: str, limit: int) -> None:
    """Set the largest number of role assignments of a subscription."""
    with state.arranging():
        state.tenant.table(_LIMITS)[subscription.lower()] = {"limit": limit}


ROUTES = (Route("GET", "/subscriptions/{subscription}/providers/" + TYPE, metrics, TYPE, VERSIONS),)
