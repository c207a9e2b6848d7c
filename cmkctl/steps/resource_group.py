"""Step 2: the resource group that holds the vault, the associated resources and the workspace."""

from __future__ import annotations

from cmkctl.azure import versions
from cmkctl.azure.compare import same_location
from cmkctl.azure.session import WRITING, ArmDocument, Session, Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Outputs, Request
from cmkctl.profile.model import Profile
from cmkctl.steps.base import conflict, no_op


class ResourceGroup:
    """``PUT /subscriptions/…/resourceGroups/NAME``, when it is not there. An existing group is never changed."""

    name = "resource_group"
    title = "resource group"
    needs = ("resource_providers",)
    doc = "https://learn.microsoft.com/azure/azure-resource-manager/management/manage-resource-groups-portal"

    def observe(self, azure: Snapshot, profile: Profile) -> ArmDocument | None:
        """The group, None when it is not there."""
        return azure.resource_group(profile.resource_group)

    def plan(self, profile: Profile, observed: ArmDocument | None, known: Known) -> list[Change]:  # noqa: ARG002
        """Create it, or adopt it as it is: a group's location is only where its metadata is kept."""
        title = f"resource group {profile.resource_group}"
        if observed is None:
            return [_create(profile, title)]
        if observed.get("properties", {}).get("provisioningState") == "Deleting":
            return [
                conflict(
                    self.name,
                    profile.resource_group_id,
                    title,
                    "CMK202",
                    "it is being deleted, with everything in it",
                    "wait until it is gone, then plan again",
                    "name another resource_group",
                )
            ]
        location = str(observed.get("location", ""))
        elsewhere = "" if same_location(location, profile.location) else f", in {location}"
        return [no_op(self.name, profile.resource_group_id, title, f"already there{elsewhere}")]

    def outputs(self, profile: Profile, observed: ArmDocument | None, known: Known) -> Outputs:  # noqa: ARG002
        """Nothing: every id in the group follows from the profile."""
        return {}

    def apply(self, azure: Session, change: Change) -> None:
        """Create the group. The answer is final."""
        if change.request is not None and change.request.body is not None:
            azure.resources.resource_groups.create_or_update(
                change.resource_id.rpartition("/")[2], dict(change.request.body), **WRITING
            )


def _create(profile: Profile, title: str) -> Change:
    body: dict[str, Json] = {"location": profile.location, "tags": profile.tags}
    # The SDK writes resourcegroups here; ARM does not mind, and what the plan shows is what is sent.
    path = profile.resource_group_id.replace("/resourceGroups/", "/resourcegroups/")
    return Change(
        ResourceGroup.name,
        Action.CREATE,
        profile.resource_group_id,
        title,
        "not there yet",
        attributes=(AttributeChange("location", None, profile.location),),
        request=Request("PUT", path, versions.RESOURCES, body),
    )
