"""Step 2: the resource group that holds the vault, the associated resources and the workspace."""

from __future__ import annotations

from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_location
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.snapshot import Snapshot
from cmkctl.plan import Action, AttributeChange, Change, Json, Known, Outputs, Phrase, Request
from cmkctl.profile.model import Profile
from cmkctl.steps._tags import new_tags
from cmkctl.steps.base import conflict, no_op

_KIND: Final = "resource group"


class ResourceGroup:
    """``PUT /subscriptions/…/resourceGroups/NAME`` for a new group. An existing group is never changed."""

    name = "resource_group"
    title = "resource group"
    needs = ("resource_providers",)
    doc = "https://learn.microsoft.com/azure/azure-resource-manager/management/manage-resource-groups-portal"

    def types(self, profile: Profile) -> tuple[str, ...]:  # noqa: ARG002 - a step's signature
        """Return no type: Microsoft.Resources is registered everywhere."""
        return ()

    def observe(self, azure: Snapshot, profile: Profile) -> ArmDocument | None:
        """Read the group; None when it is absent."""
        return azure.resource_group(profile.resource_group)

    def plan(self, profile: Profile, observed: ArmDocument | None, known: Known) -> list[Change]:  # noqa: ARG002
        """Create the group, or adopt it as it is: its location is only that of its metadata."""
        if observed is None:
            return [_create(profile)]
        if observed.get("properties", {}).get("provisioningState") == "Deleting":
            return [
                conflict(
                    self.name,
                    profile.resource_group_id,
                    _KIND,
                    profile.resource_group,
                    "CMK202",
                    "it is being deleted, with everything in it",
                    "wait until it is gone, then plan again",
                    "name another resource_group",
                )
            ]
        location = str(observed.get("location", ""))
        elsewhere = "" if same_location(location, profile.location) else f", in {location}"
        return [no_op(self.name, profile.resource_group_id, _KIND, profile.resource_group, f"exists{elsewhere}")]

    def outputs(self, profile: Profile, observed: ArmDocument | None) -> Outputs:  # noqa: ARG002
        """Return nothing: every id in the group follows from the profile."""
        return {}


def _create(profile: Profile) -> Change:
    body: dict[str, Json] = {"location": profile.location, "tags": new_tags(profile)}
    # The SDK writes resourcegroups; Resource Manager accepts both, and the plan shows what is sent.
    path = profile.resource_group_id.replace("/resourceGroups/", "/resourcegroups/")
    return Change(
        ResourceGroup.name,
        Action.CREATE,
        profile.resource_group_id,
        _KIND,
        profile.resource_group,
        "does not exist",
        attributes=(AttributeChange("location", None, profile.location, phrase=Phrase("in {}")),),
        request=Request("PUT", path, versions.RESOURCES, body),
    )
