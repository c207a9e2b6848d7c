"""The part of a plan that needs an administrator, as commands of the Azure CLI. Pure.

It consists of registrations, the service principal in the directory, role assignments and the access policies of an existing
vault, with the resource groups and resources that a role assignment needs to exist first. Each command has the effect of the
planned request.

Source: https://learn.microsoft.com/cli/azure/reference-index
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from cmkctl.azure.ids import parents, resource_type
from cmkctl.plan import Action, Change, Json, Plan, Plane, Unknown, unknowns

_ASSIGNMENT: Final = "microsoft.authorization/roleassignments"
_GROUPS: Final = "microsoft.resources/resourcegroups"
_ACCESS: Final = "key_access"
"""The step whose principal the commands look up themselves."""
_DIRECTORY: Final = "CMK231"
"""The conflict of a caller who may not read the directory."""


def admin_part(plan: Plan) -> tuple[Change, ...]:
    """Return the changes of the administrator's part: the duties, and the resources that they need to exist first."""
    duties = admin_duties(plan)
    above = {scope.lower() for each in duties if _is_assignment(each) for scope in parents(each.resource_id)}
    return tuple(
        each for each in plan.changes if each in duties or (each.action.writes and each.resource_id.lower() in above)
    )


def admin_duties(plan: Plan) -> tuple[Change, ...]:
    """Return the changes that need an administrator.

    They are registrations, principals, role assignments, and access policies of a vault that is there already. A role for an
    identity that is created with the workspace cannot be assigned beforehand and is no part of them.
    """
    created = {each.resource_id.lower() for each in plan.changes if each.action is Action.CREATE}
    return tuple(each for each in plan.changes if _is_duty(each, created))


def az_commands(plan: Plan) -> tuple[str, ...]:
    """Return the commands of the administrator's part, in the order of the plan. They run in a POSIX shell."""
    return tuple(command for each in admin_part(plan) for command in _commands(each))


def _is_duty(change: Change, created: AbstractSet[str]) -> bool:
    if change.action is Action.CONFLICT:
        return change.code == _DIRECTORY
    request = change.request
    if not change.action.writes or request is None:
        return False
    if request.plane is Plane.GRAPH or request.path.endswith("/register"):
        return True
    waits = {value.step for _, value in unknowns(request.body)} - {_ACCESS}
    if _is_policy(change):
        return not waits and not any(each.lower() in created for each in parents(request.path))
    return _is_assignment(change) and not waits


def _is_policy(change: Change) -> bool:
    return change.request is not None and change.request.path.endswith("/accessPolicies/add")


def _is_assignment(change: Change) -> bool:
    return resource_type(change.resource_id).lower() == _ASSIGNMENT


def _commands(change: Change) -> Iterator[str]:
    request = change.request
    if request is None or request.plane is Plane.GRAPH:
        yield _principal(change)
        return
    body = request.body or {}
    if request.path.endswith("/register"):
        yield shlex.join(("az", "provider", "register", "--namespace", change.resource_id.rpartition("/")[2], "--wait"))
    elif _is_assignment(change):
        yield _assignment(change, body)
    elif _is_policy(change):
        yield _policy(request.path, body)
    elif resource_type(change.resource_id).lower() == _GROUPS:
        yield _group(change, body)
    else:
        url = f"{change.resource_id}?api-version={request.api_version}"
        yield shlex.join(("az", "rest", "--method", request.method.lower(), "--url", url, "--body", json.dumps(body)))


def _principal(change: Change) -> str:
    """Return the command that looks the principal up and creates it where the tenant lacks it.

    Registering Microsoft.DocumentDB may have created it. The object id stays in the shell for the commands after it.
    """
    app_id = change.resource_id.partition("'")[2].partition("'")[0]
    end = ("--id", app_id, "--query", "id", "--output", "tsv")
    found, made = shlex.join(("az", "ad", "sp", "show", *end)), shlex.join(("az", "ad", "sp", "create", *end))
    return f'OBJECT_ID=$({found} || {made}) && echo "key_access.cosmos_db_object_id: $OBJECT_ID"'


def _policy(path: str, body: Mapping[str, Any]) -> str:
    vault = path.rsplit("/", 2)[0].rpartition("/")[2]
    policy = body["properties"]["accessPolicies"][0]
    words = shlex.join(("--key-permissions", *policy["permissions"]["keys"]))
    return f"az keyvault set-policy --name {shlex.quote(vault)} --object-id {_shown(policy['objectId'])} {words}"


def _group(change: Change, body: Mapping[str, Json]) -> str:
    tags = body.get("tags")
    words = [f"{name}={value}" for name, value in tags.items()] if isinstance(tags, Mapping) else []
    name = change.resource_id.rpartition("/")[2]
    command = ["az", "group", "create", "--name", name, "--location", str(body.get("location"))]
    return shlex.join([*command, *(["--tags", *words] if words else [])])


def _assignment(change: Change, body: Mapping[str, Any]) -> str:
    held = body["properties"]
    end = (
        *("--assignee-principal-type", str(held.get("principalType", "ServicePrincipal"))),
        *("--role", str(held["roleDefinitionId"]).rpartition("/")[2]),
        *("--scope", next(parents(change.resource_id)), "--name", change.resource_id.rpartition("/")[2]),
    )
    return f"az role assignment create --assignee-object-id {_shown(held['principalId'])} {shlex.join(end)}"


def _shown(principal: Json) -> str:
    """Return an object id for the shell: that of `_principal` where the plan does not know it yet."""
    return '"$OBJECT_ID"' if isinstance(principal, Unknown) else shlex.quote(str(principal))
