"""Custom roles of the tenant beside the built-in ones, and which roles allow an action.

A custom role can be assigned at its assignable scopes only; Azure subtracts its ``notDataActions`` from its ``dataActions``.
"""

from cmkctl.sandbox.core import ids, roles
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.roles import Role
from cmkctl.sandbox.core.state import Tenant


def of_tenant(tenant: Tenant) -> list[Role]:
    """Return the custom roles."""
    return [_role(row) for row in tenant.table("roles").values()]


def _role(row: Json) -> Role:
    return Role(
        row["id"],
        row["name"],
        actions=tuple(row["actions"]),
        not_actions=tuple(row["not_actions"]),
        data_actions=tuple(row["data_actions"]),
        not_data_actions=tuple(row["not_data_actions"]),
        scopes=tuple(row["scopes"]),
    )


def find(tenant: Tenant, role_id: str) -> Role | None:
    """Return a role by its GUID, built-in or custom; None when there is none."""
    row = tenant.table("roles").get(role_id.lower())
    return roles.BY_ID.get(role_id.lower()) or (_role(row) if row else None)


def assignable(role: Role, scope: str) -> bool:
    """Return whether a role can be assigned at a scope."""
    target = ids.key(scope)
    return any(
        target == here or target.startswith(f"{here}/") for here in (ids.key(each).rstrip("/") for each in role.scopes)
    )


def allowing(tenant: Tenant, action: str) -> frozenset[str]:
    """Return the ids of the roles that allow an action of the management plane."""
    return roles.allowing(action) | {role.id for role in of_tenant(tenant) if role.allows(action)}


def allowing_data(tenant: Tenant, *actions: str) -> frozenset[str]:
    """Return the ids of the roles that allow every one of some actions on data."""
    return roles.allowing_data(*actions) | {
        role.id for role in of_tenant(tenant) if all(role.allows_data(action) for action in actions)
    }
