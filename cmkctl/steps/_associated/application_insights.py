"""The Application Insights component of a workspace.

Source: https://learn.microsoft.com/rest/api/application-insights/components/create-or-update
"""

from __future__ import annotations

from typing import Final

from cmkctl.azure import versions
from cmkctl.azure.compare import same_resource_id
from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.ids import ResourceId
from cmkctl.plan import AttributeChange, Json, Phrase
from cmkctl.profile.model import Profile
from cmkctl.steps._associated.spec import ResourceSpec, has_id
from cmkctl.steps._associated.values import at


def _body(profile: Profile, _tenant: str) -> dict[str, Json]:
    properties: Json = {
        "Application_Type": "web",
        "WorkspaceResourceId": profile.associated_resources.log_analytics.resource_id,
    }
    return {"location": profile.location, "tags": profile.tags, "kind": "web", "properties": properties}


def _fixed(profile: Profile, found: ArmDocument) -> tuple[str, ...]:
    linked = at(found, "properties.WorkspaceResourceId")
    wanted = profile.associated_resources.log_analytics.resource_id
    if same_resource_id(linked, wanted):
        return ()
    name = ResourceId.parse(profile.associated_resources.application_insights.resource_id).name
    return (
        "CMK246",
        f"its data is in {linked or 'no Log Analytics workspace'}, not in {wanted}",
        *([f"write associated_resources.log_analytics.id: {linked}"] if linked else []),
        (
            f"link it: az monitor app-insights component update --app {name} --resource-group {profile.resource_group} "
            f"--workspace {wanted}"
        ),
    )


APPLICATION_INSIGHTS: Final = ResourceSpec(
    kind="Application Insights",
    field="associated_resources.application_insights",
    type="microsoft.insights/components",
    shown=lambda profile: (
        AttributeChange(
            "WorkspaceResourceId",
            None,
            profile.associated_resources.log_analytics.resource_id,
            phrase=Phrase("in Log Analytics"),
        ),
    ),
    api_version=versions.APPLICATION_INSIGHTS,
    resource_id=lambda profile: profile.associated_resources.application_insights.resource_id,
    given=lambda profile: has_id(profile.associated_resources.application_insights),
    body=_body,
    fixed=_fixed,
    depends_on=lambda profile: (profile.associated_resources.log_analytics.resource_id,),
)
