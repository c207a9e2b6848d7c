"""The scope of a survey, and the queries of Resource Graph that find what is in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cmkctl.azure.ids import ResourceId
from cmkctl.azure.inventory import one_of, quoted
from cmkctl.services import services

FEW: Final = 20
"""The number of workspaces up to which a survey reads everything that belongs to them, in six lists, one for each endpoint, and
a GET a resource."""

SOME: Final = 200
"""The number of resources up to which also those that belong to no workspace are read by a GET each."""

_COLUMNS: Final = (
    "id, name, type, kind, location, subscriptionId, resourceGroup, managedBy, sku, identity, apiVersion, properties"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """The scope of a survey: some workspaces by their ARM ids, else a resource group by its ARM id, else whole subscriptions.

    `named` are further resources, by their ARM ids. `deep` reads also what no row of Resource Graph has; None does so for at
    most `FEW` workspaces. With `required` it is an error where a workspace of the scope does not exist.
    """

    subscriptions: tuple[str, ...]
    workspaces: tuple[str, ...] = ()
    resource_group: str = ""
    named: tuple[str, ...] = ()
    deep: bool | None = None
    required: bool = False

    @property
    def whole(self) -> bool:
        """True where the first query finds every row of the subscriptions."""
        return not self.workspaces and not self.resource_group


def query(scope: Scope) -> str:
    """Return the query for what can be in a scope: of a workspace, its resource group, and what names the workspace."""
    if scope.workspaces:
        groups = sorted({ResourceId.parse(each).resource_group.lower() for each in scope.workspaces})
        mentions = [f"tostring(properties) contains {quoted(each)}" for each in scope.workspaces]
        managed = f"managedBy in~ {one_of(scope.workspaces)}"
        return _query(" or ".join((f"resourceGroup in~ {one_of(groups)}", managed, *mentions)))
    return _query(f"resourceGroup =~ {quoted(scope.resource_group.rpartition('/')[2])}" if scope.resource_group else "")


def further(names: Iterable[str], groups: Iterable[str]) -> str:
    """Return the query for resources by their names, and for everything in some resource groups."""
    asked = [
        f"{column} in~ {one_of(sorted(texts))}"
        for column, texts in (("name", {*names}), ("resourceGroup", {*groups}))
        if texts
    ]
    return _query(" or ".join(asked))


def _query(condition: str) -> str:
    types = one_of(sorted(each.resource_type.lower() for each in services() if each.in_graph))
    return "\n".join(
        (
            "resources",
            f"| where type in~ {types}",
            *((f"| where {condition}",) if condition else ()),
            f"| project {_COLUMNS}",
            "| order by id asc",
        )
    )
