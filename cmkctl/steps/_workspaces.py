"""The workspaces of a subscription, live and soft-deleted, and what they name. For the steps of ``destroy`` and ``recover``.

A soft-deleted workspace cannot be read by its id. The subscription's list still shows it; that the list shows every one is
reported (https://github.com/Azure/azure-powershell/issues/28286), not documented, and there is no documented list of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import text_at
from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import FailureKind
from cmkctl.azure.ids import provider_id, within
from cmkctl.azure.snapshot import Snapshot
from cmkctl.profile.model import Profile
from cmkctl.steps._deletion import Wanted

_NAMESPACE = "Microsoft.MachineLearningServices"


@dataclass(frozen=True, slots=True)
class ObservedWorkspaces:
    """The profile's workspace (None: a read finds none), the rows of the subscription's list, and the time of the reading.

    `complete` is False where the subscription may not be listed: then other workspaces, and soft-deleted ones, are not seen.
    """

    own: ArmDocument | None
    rows: tuple[ArmDocument, ...]
    complete: bool
    at: datetime

    def row(self, resource: str) -> ArmDocument | None:
        """Return the row of a workspace, None where the list has none."""
        return next((each for each in self.rows if same_resource_id(text_at(each, "id"), resource)), None)

    def deleted(self, profile: Profile) -> ArmDocument | None:
        """Return the row of the profile's workspace where it is soft-deleted: the list shows it, and a read finds none."""
        return None if self.own is not None else self.row(profile.workspace.resource_id)

    def users(self, profile: Profile, resource: str) -> list[str]:
        """Return the names of the workspaces that name a resource, apart from the profile's and the projects of its hub."""
        own = [profile.workspace.resource_id, *(profile.project_id(each) for each in profile.projects)]
        return [
            text_at(row, "name")
            for row in self.rows
            if not any(same_resource_id(text_at(row, "id"), each) for each in own)
            and not same_resource_id(text_at(row, "properties.hubResourceId"), profile.workspace.resource_id)
            and any(within(each, resource) for each in _texts(row))
        ]

    def recoverable(self, profile: Profile, wanted: Wanted) -> bool:
        """Return True where a soft-deleted workspace is there once the deletion is done."""
        if wanted.purge:
            return False
        return self.deleted(profile) is not None or (self.own is not None and is_soft_deleted(self.own))


def observe_workspaces(azure: Snapshot, profile: Profile) -> ObservedWorkspaces:
    """Read the profile's workspace and the list of the subscription; of the resource group where that is denied."""
    own, (rows, complete) = azure.gather2(
        lambda: azure.resource(profile.workspace.resource_id, versions.WORKSPACES), lambda: _rows(azure, profile)
    )
    return ObservedWorkspaces(own, rows, complete, azure.now())


def _rows(azure: Snapshot, profile: Profile) -> tuple[tuple[ArmDocument, ...], bool]:
    head = f"{provider_id(profile.subscription, _NAMESPACE)}/workspaces"
    try:
        return _values(azure.listing(head, versions.WORKSPACES)), True
    except AzureFailed as error:
        if error.failure.kind is not FailureKind.DENIED:
            raise
    group = f"{profile.resource_group_id}/providers/{_NAMESPACE}/workspaces"
    return _values(azure.listing(group, versions.WORKSPACES)), False


def _values(page: ArmDocument | None) -> tuple[ArmDocument, ...]:
    return tuple(each for each in (page or {}).get("value", ()) if isinstance(each, dict))


def is_soft_deleted(workspace: Mapping[str, Any]) -> bool:
    """Return True for a workspace that Azure keeps after its deletion.

    Soft delete is not supported where the workspace has user-assigned identities only.

    Source: https://learn.microsoft.com/azure/machine-learning/concept-soft-delete
    """
    return not same_word(text_at(workspace, "identity.type"), "UserAssigned")


def _texts(value: Any) -> Iterator[str]:
    """Yield each text of a document that may be an ARM id, also the names of members: identities are listed that way."""
    if isinstance(value, str):
        yield from (value,) if value.startswith("/") else ()
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(name)
            yield from _texts(inner)
    elif isinstance(value, Iterable):
        for inner in value:
            yield from _texts(inner)
