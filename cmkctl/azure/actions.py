"""The actions of Azure RBAC that a request needs, and the scope of each. Pure; derived from the request itself.

Resource Manager checks the action of the request, and one more for each resource that the body links to.

Source: https://learn.microsoft.com/azure/role-based-access-control/resource-provider-operations
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache
from typing import Any, Final

from cmkctl.azure.ids import resource_type
from cmkctl.plan import Json, Plane, Request

_VERBS: Final = {"PUT": "write", "PATCH": "write", "DELETE": "delete"}
_GROUP: Final = re.compile(r"^/subscriptions/[^/]+/resourcegroups/[^/]+$", re.IGNORECASE)
_REGISTER: Final = re.compile(r"^(?P<scope>.*)/providers/(?P<namespace>[^/]+)/register$", re.IGNORECASE)
_COLLECTIONS: Final = ("accessPolicies",)
"""Types that are no resource of their own: their right is checked at the parent."""

_ASSIGNMENTS: Final = "microsoft.authorization/roleassignments"
_NETWORKS: Final = "Microsoft.Network/virtualNetworks"
_LINKS: Final[Mapping[str, str]] = {
    "microsoft.managedidentity/userassignedidentities": "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
    "microsoft.network/virtualnetworks/subnets": f"{_NETWORKS}/subnets/join/action",
    "microsoft.network/virtualnetworks": f"{_NETWORKS}/join/action",
    "microsoft.network/privatednszones": "Microsoft.Network/privateDnsZones/join/action",
}
"""The action on a linked resource, by its type, whatever links to it."""

_DIAGNOSTIC_SETTINGS: Final = "microsoft.insights/diagnosticsettings"
_DESTINATIONS: Final[Mapping[str, str]] = {
    "microsoft.operationalinsights/workspaces": "Microsoft.OperationalInsights/workspaces/sharedKeys/action",
    "microsoft.storage/storageaccounts": "Microsoft.Storage/storageAccounts/listKeys/action",
    "microsoft.eventhub/namespaces/authorizationrules": "Microsoft.EventHub/namespaces/authorizationRules/listKeys/action",
}
"""The action on the destination of diagnostic settings, by its type."""


@dataclass(frozen=True, slots=True)
class NeededAction:
    """An action (``Microsoft.KeyVault/vaults/write``) and the ARM id at which it is needed."""

    name: str
    scope: str


def needed_actions(request: Request) -> Iterator[NeededAction]:
    """Yield the actions that a write to Resource Manager needs; none for a request to another API."""
    if request.plane is not Plane.ARM:
        return
    own = _own(request)
    yield own
    linked = _linked(own.name.rpartition("/")[0].lower(), request.body or {})
    yield from dict.fromkeys(each for each in linked if each.scope.lower() != own.scope.lower())


def allows(entry: Mapping[str, Any], action: str) -> bool:
    """Return True when an entry of the permissions at a scope allows an action: in its actions, not in its notActions."""
    return _any(entry.get("actions"), action) and not _any(entry.get("notActions"), action)


def allows_data(entry: Mapping[str, Any], action: str) -> bool:
    """Return True when an entry of the permissions at a scope, or of a role definition, allows an action on data."""
    return _any(entry.get("dataActions"), action) and not _any(entry.get("notDataActions"), action)


def _own(request: Request) -> NeededAction:
    path = request.path.rstrip("/")
    register = _REGISTER.match(path)
    if request.method == "POST" and register:
        return NeededAction(f"{register['namespace']}/register/action", register["scope"])
    if _GROUP.match(path):
        return NeededAction(f"Microsoft.Resources/subscriptions/resourceGroups/{_verb(request)}", path)
    kind = resource_type(path)
    if request.method == "POST":
        scope, _, verb = path.rpartition("/")
        return NeededAction(f"{resource_type(scope)}/{verb}/action", scope)
    scope = path.rsplit("/", 2)[0] if kind.rpartition("/")[2] in _COLLECTIONS else path
    if kind.lower() == _ASSIGNMENTS:
        # An assignment is no scope of its own.
        scope = path[: path.lower().rindex(f"/providers/{_ASSIGNMENTS}")]
    return NeededAction(f"{kind}/{_verb(request)}", scope)


def _verb(request: Request) -> str:
    return _VERBS.get(request.method, "action")


def _linked(kind: str, body: Json) -> Iterator[NeededAction]:
    """Yield the actions on the resources whose ids a body holds, as values or as names of members."""
    for member, text in _texts(body):
        if not text.lower().startswith("/subscriptions/"):
            continue
        linked = resource_type(text).lower()
        if kind == _DIAGNOSTIC_SETTINGS and linked in _DESTINATIONS:
            yield NeededAction(_DESTINATIONS[linked], text)
        elif member == "privateLinkServiceId":
            yield NeededAction(f"{resource_type(text)}/privateEndpointConnectionsApproval/action", text)
        elif member == "virtualNetworkRules":
            yield NeededAction(f"{_NETWORKS}/subnets/joinViaServiceEndpoint/action", text)
        elif linked in _LINKS:
            yield NeededAction(_LINKS[linked], text)


def _texts(value: Json, member: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text of a body with the name of its member; for an entry of a list, the name of the list.

    The names of members count as texts: the body lists identities that way.
    """
    if isinstance(value, str):
        yield member, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield member, name
            yield from _texts(inner, member if member == "virtualNetworkRules" else name)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner, member)


def _any(patterns: Any, action: str) -> bool:
    return any(_pattern(str(each).lower()).match(action.lower()) for each in patterns or ())


@lru_cache(maxsize=512)
def _pattern(text: str) -> re.Pattern[str]:
    # Azure knows only the asterisk.
    return re.compile(translate(text.replace("[", "[[]").replace("?", "[?]")))
