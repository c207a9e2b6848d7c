"""The projects of a hub. Each has the key, the architecture and the associated resources of its hub, and names only the hub.

Source: https://learn.microsoft.com/azure/machine-learning/concept-hub-workspace
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_location, same_resource_id, same_word
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.snapshot import Snapshot
from cmkctl.azure.waiting import in_progress
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Outputs, Phrase, Request, Settle
from cmkctl.profile.model import Profile
from cmkctl.profile.sections.workspace_kinds import ProjectSettings
from cmkctl.steps._tags import new_tags, tag_body, tag_drift
from cmkctl.steps.base import conflict, no_op, reason_to_wait, wait

_KIND: Final = "project"


class Projects:
    """``PUT …/Microsoft.MachineLearningServices/workspaces/NAME`` of kind Project, all at the same time."""

    name = "projects"
    title = "projects of the hub"
    needs = ("workspace",)
    doc = "https://learn.microsoft.com/azure/machine-learning/how-to-manage-hub-workspace-template"

    def types(self, profile: Profile) -> tuple[str, ...]:
        """Return the type of the projects, where there are any."""
        return ("Microsoft.MachineLearningServices/workspaces",) if profile.projects else ()

    def observe(self, azure: Snapshot, profile: Profile) -> Mapping[str, ArmDocument | None]:
        """Read every project by its id; None for an absent one."""
        ids = [profile.project_id(each) for each in profile.projects]
        found = azure.gather(*(partial(azure.resource, each, versions.WORKSPACES) for each in ids))
        return dict(zip(ids, found, strict=True))

    def plan(self, profile: Profile, observed: Mapping[str, ArmDocument | None], known: Known) -> list[Change]:  # noqa: ARG002
        """Create, adopt or update each project. Nothing for a workspace without projects."""
        return [
            change
            for each in profile.projects
            for change in _plan_one(profile, each, observed[profile.project_id(each)])
        ]

    def outputs(self, profile: Profile, observed: Mapping[str, ArmDocument | None]) -> Outputs:  # noqa: ARG002
        """Return nothing: the ids of the projects follow from the profile."""
        return {}


def _settle(project: str) -> Settle:
    return Settle(project, versions.WORKSPACES)


def _plan_one(profile: Profile, project: ProjectSettings, found: ArmDocument | None) -> list[Change]:
    resource = profile.project_id(project)
    if found is None:
        return [_create(profile, project)]
    state = str(found.get("properties", {}).get("provisioningState", "")).lower()
    if in_progress(state):
        return [wait(Projects.name, resource, _KIND, project.name, reason_to_wait(state), _settle(resource))]
    conflicts = [conflict(Projects.name, resource, _KIND, project.name, *each) for each in _conflicts(profile, found)]
    if not conflicts and state not in ("succeeded", ""):
        conflicts.append(
            conflict(
                Projects.name,
                resource,
                _KIND,
                project.name,
                "CMK290",
                f"Azure reports it as {state}",
                f"find out why: az ml workspace diagnose --name {project.name} --resource-group {profile.resource_group}",
                "choose another name: a deleted name stays taken for 14 days",
            )
        )
    return conflicts or [
        _update(profile, project, found)
        or no_op(Projects.name, resource, _KIND, project.name, f"up to date: in hub {profile.workspace.name}")
    ]


def _body(profile: Profile, friendly_name: str, description: str) -> dict[str, Json]:
    """Return the body of a project: it names its hub, and nothing that it has from it.

    Source: https://learn.microsoft.com/azure/machine-learning/how-to-manage-hub-workspace-template
    """
    return {
        "location": profile.location,
        "tags": new_tags(profile),
        "kind": "Project",
        "sku": {"name": "Basic", "tier": "Basic"},
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "friendlyName": friendly_name,
            "description": description,
            "hubResourceId": profile.workspace.resource_id,
        },
    }


def _conflicts(profile: Profile, found: ArmDocument) -> Iterator[tuple[str, ...]]:
    """Yield code, reason and ways out for an existing workspace of the name that is not this hub's project."""
    another = "choose another name"
    kind, hub = str(found.get("kind") or "Default"), found.get("properties", {}).get("hubResourceId")
    location = str(found.get("location") or profile.location)
    if not same_word(kind, "Project"):
        yield "CMK289", f"it is a workspace of kind {kind}, and no project", another
    elif not same_resource_id(hub, profile.workspace.resource_id):
        yield (
            "CMK289",
            f"it belongs to the hub {hub or 'that Azure does not name'}, and a project keeps its hub",
            another,
        )
    elif not same_location(location, profile.location):
        yield "CMK289", f"it is in {location}, not in {profile.location} like its hub", another


def _create(profile: Profile, project: ProjectSettings) -> Change:
    resource = profile.project_id(project)
    body = _body(profile, project.friendly_name or project.name, project.description or "")
    return Change(
        Projects.name,
        Action.CREATE,
        resource,
        _KIND,
        project.name,
        "does not exist",
        attributes=(
            AttributeChange(
                "hubResourceId",
                None,
                profile.workspace.resource_id,
                irreversible=True,
                phrase=Phrase(f"in hub {profile.workspace.name}, with its key"),
            ),
        ),
        irreversible=(f"in hub {profile.workspace.name}",),
        request=Request("PUT", resource, versions.WORKSPACES, body),
        settle=_settle(resource),
    )


def _update(profile: Profile, project: ProjectSettings, found: ArmDocument) -> Change | None:
    resource, properties = profile.project_id(project), found.get("properties", {})
    wanted: dict[str, str | None] = {"friendlyName": project.friendly_name, "description": project.description}
    drift = [
        AttributeChange(path, properties.get(path), value)
        for path, value in wanted.items()
        if value is not None and properties.get(path) != value
    ]
    tags = tag_drift(profile, found)
    if not drift and not tags:
        return None
    changed: dict[str, Json] = {each.path: each.after for each in drift}
    body: dict[str, Json] = {**tag_body(profile, found), **({"properties": changed} if changed else {})}
    return Change(
        Projects.name,
        Action.UPDATE,
        resource,
        _KIND,
        project.name,
        f"differs in {', '.join([*(each.path for each in drift), *(['tags'] if tags else [])])}",
        attributes=(*drift, *tags),
        request=Request("PATCH", resource, versions.WORKSPACES, body),
        settle=_settle(resource),
    )
