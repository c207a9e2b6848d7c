"""Microsoft.Authorization: roles and their assignments, locks, policies, permissions, deny assignments."""

from cmkctl.sandbox.core.latency import Duration
from cmkctl.sandbox.core.provider import Provider, Registration
from cmkctl.sandbox.providers.microsoft_authorization import (
    locks,
    modifications,
    policies,
    rights,
    role_assignments,
    usage,
)

_MODULES = (role_assignments, locks, policies, modifications, rights, usage)
PROVIDER = Provider(
    namespace="Microsoft.Authorization",
    coverage=tuple(module.COVERAGE for module in _MODULES),
    routes=tuple(route for module in _MODULES for route in module.ROUTES),
    registration=Registration.REGISTERED,
    durations=(Duration("grant.role", 70, "field: seconds to 5 minutes; modules wait 60, 70 or 120 s"),),
    tables={"locks": dict, "roles": dict, "modifications": dict, "assignment_limits": dict},
    arrange=(
        role_assignments.assign_role,
        role_assignments.add_role,
        locks.add_lock,
        modifications.add_modification,
        usage.limit_role_assignments,
    ),
)
