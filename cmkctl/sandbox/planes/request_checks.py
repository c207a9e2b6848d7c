"""Checks of every ARM request before its handler, in ARM's order: version, subscription, permission, policy."""

from cmkctl.sandbox.core import locks, modifying_policies, permissions, policy
from cmkctl.sandbox.core.messages import Call
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.planes import tokens


def check(tenant: Tenant, call: Call, route: Route) -> None:
    """Refuse what the platform refuses. A call without a caller is the service's own and needs no permission.

    Raises:
        AzureError: 400, 403 or 404.

    """
    tokens.require_version(call, route)
    parts = call.path.strip("/").split("/", 2)
    if parts[0].lower() == "subscriptions" and len(parts) > 1:
        tenant.require_subscription(parts[1])
    permissions.require(tenant, call)
    modifying_policies.alter(tenant, call)
    policy.require(tenant, call)
    locks.require(tenant, call)
