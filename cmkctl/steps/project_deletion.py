"""Destroy, step 1: the projects of a hub, all at the same time. Azure deletes no hub that has projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import text_at
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Change, Json, Known, Output, Outputs
from cmkctl.profile.model import Profile
from cmkctl.steps._deletion import Removal, Wanted, change_of, left_of
from cmkctl.steps._workspaces import ObservedWorkspaces, observe_workspaces
from cmkctl.steps.workspace_deletion import removal_of

LEFT: Final[Output[list[dict[str, Json]]]] = Output("project_deletion", "left")
_KIND: Final = "project"


@dataclass(frozen=True, slots=True)
class ObservedProjects:
    """The workspaces, and each project of the hub by its id, those that the profile does not name as well (None: absent)."""

    workspaces: ObservedWorkspaces
    projects: Mapping[str, ArmDocument | None]


class ProjectDeletion:
    """``DELETE …/workspaces/NAME`` for each project that the profile names."""

    name = "project_deletion"
    title = "deletion of the projects"
    needs: tuple[str, ...] = ()
    doc = "https://learn.microsoft.com/azure/machine-learning/concept-hub-workspace"

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def observe(self, azure: Snapshot, profile: Profile) -> ObservedProjects:
        """Read the projects of the profile, and those that the list shows in its hub."""
        if profile.workspace.kind != "hub":
            return ObservedProjects(ObservedWorkspaces(None, (), complete=True, at=azure.now()), {})
        found = observe_workspaces(azure, profile)
        listed = [
            text_at(each, "id")
            for each in found.rows
            if same_resource_id(text_at(each, "properties.hubResourceId"), profile.workspace.resource_id)
        ]
        ids = list({each.lower(): each for each in (*listed, *_ids(profile))}.values())
        read = azure.gather(*(partial(azure.resource, each, versions.WORKSPACES) for each in ids))
        return ObservedProjects(found, dict(zip(ids, read, strict=True)))

    def plan(self, profile: Profile, observed: ObservedProjects, known: Known) -> list[Change]:  # noqa: ARG002
        """Delete each project; a conflict for one that the profile does not name. Nothing for a workspace without projects."""
        return [change_of(self.name, each) for each in self._removals(profile, observed)]

    def outputs(self, profile: Profile, observed: ObservedProjects) -> Outputs:
        """Return `LEFT`."""
        return {LEFT: left_of(self._removals(profile, observed))}

    def _removals(self, profile: Profile, observed: ObservedProjects) -> list[Removal]:
        ours = _ids(profile)
        return [
            removal_of(profile, resource, _KIND, name, observed.workspaces, found, self._wanted)
            if any(same_resource_id(resource, each) for each in ours)
            else _of_others(profile, resource, name)
            for resource, found in observed.projects.items()
            if (name := resource.rpartition("/")[2])
            and (found is not None or any(same_resource_id(resource, each) for each in ours))
        ]


def _ids(profile: Profile) -> list[str]:
    return [profile.project_id(each) for each in profile.projects]


def _of_others(profile: Profile, resource: str, name: str) -> Removal:
    refused = (
        "CMK643",
        f"it is in hub {profile.workspace.name}, and the profile does not name it; Azure deletes no hub that has projects",
        f"delete it first: az resource delete --ids {resource}",
        f"add it to projects, if cmkctl created it: - name: {name}",
    )
    return Removal(resource, _KIND, name, versions.WORKSPACES, refused=refused)
