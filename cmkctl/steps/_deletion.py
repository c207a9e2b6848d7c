"""The deletion of one resource: its change, and what is left where it stays. For the steps of ``destroy``. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cmkctl.plan import GONE, Action, AttributeChange, Change, Json, Request, Settle
from cmkctl.steps._tags import MARK
from cmkctl.steps.base import conflict, no_op, wait

SOFT_DELETE: Final = timedelta(days=14)
"""The time for which Azure keeps a deleted workspace, and a deleted Log Analytics workspace.

Source: https://learn.microsoft.com/azure/machine-learning/concept-soft-delete and
https://learn.microsoft.com/azure/azure-monitor/logs/delete-workspace
"""
NO_MARK: Final = f"cmkctl did not create it for this workspace: it has no tag {MARK} that says so"
_ABSENT: Final = "not there"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of ``destroy``: what is deleted beside the workspace, its endpoints and its grants."""

    purge: bool = False
    associated: bool = False
    key: bool = False
    vault: bool = False


@dataclass(frozen=True, slots=True)
class Removal:
    """One resource that a deletion is about.

    Without `request` it stays: `keep` is the reason; an absent one has none. `refused` is the code, the reason and the ways out
    of a deletion that is not possible; `state` is the state of a deletion in progress. `until` and `costs` describe what
    stays, for people.
    """

    resource_id: str
    kind: str
    name: str
    api_version: str = ""
    request: Request | None = None
    reason: str = ""
    keep: str = ""
    refused: tuple[str, ...] = ()
    state: str = ""
    until: str = ""
    costs: str = ""
    attributes: tuple[AttributeChange, ...] = ()
    irreversible: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    settled: bool = field(default=True)
    """False for a resource without a state of its own, whose deletion is complete with the response."""

    @property
    def left(self) -> dict[str, Json]:
        """The rest after a deletion: resource, reason, end, costs and ARM id; empty for a resource that is absent or deleted."""
        if not self.keep:
            return {}
        return {
            "resource": f"{self.kind} {self.name}".strip(),
            "reason": self.keep,
            "until": self.until or None,
            "costs": self.costs or None,
            "resource_id": self.resource_id,
        }


def delete_request(resource_id: str, api_version: str, **query: str) -> Request:
    """Return the request that deletes a resource."""
    return Request("DELETE", resource_id, api_version, query=query)


def change_of(step: str, removal: Removal) -> Change:
    """Return the change of a resource: its deletion, a wait for one in progress, a conflict, or nothing with the reason."""
    head = (step, removal.resource_id, removal.kind, removal.name)
    settle = Settle(removal.resource_id, removal.api_version, ready=GONE) if removal.settled else None
    if removal.refused:
        return conflict(*head, *removal.refused)
    if removal.state and settle:
        return wait(*head, f"being deleted ({removal.state})", settle)
    if removal.request is None:
        return no_op(*head, f"stays: {removal.keep}" if removal.keep else _ABSENT)
    return Change(
        step,
        Action.DELETE,
        removal.resource_id,
        removal.kind,
        removal.name,
        removal.reason,
        attributes=removal.attributes,
        irreversible=removal.irreversible,
        depends_on=removal.depends_on,
        request=removal.request,
        settle=settle,
    )


def left_of(removals: Iterable[Removal]) -> list[dict[str, Json]]:
    """Return what is left of some resources."""
    return [each.left for each in removals if each.left]


def day(moment: datetime) -> str:
    """Return a date for people."""
    return f"{moment:%Y-%m-%d}"
