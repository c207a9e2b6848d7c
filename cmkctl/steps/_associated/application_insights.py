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
from cmkctl.steps._associated.shared import SHORTER_RETENTION, TELEMETRY_ACCESS, telemetry_access
from cmkctl.steps._associated.spec import ResourceSpec, Supplied, has_id
from cmkctl.steps._associated.values import Compared, at
from cmkctl.steps._tags import new_tags


def _body(profile: Profile, supplied: Supplied) -> dict[str, Json]:  # noqa: ARG001 - the signature of every body
    settings = profile.associated_resources.application_insights
    application = settings.type or "web"
    local = settings.local_authentication
    properties: Json = {
        "Application_Type": application,
        "WorkspaceResourceId": profile.associated_resources.log_analytics.resource_id,
        **({"RetentionInDays": settings.retention_days} if settings.retention_days else {}),
        **telemetry_access(settings),
        **({"DisableLocalAuth": local == "disabled"} if local else {}),
    }
    return {
        "location": profile.location,
        "tags": new_tags(profile, settings.tags),
        "kind": application,
        "properties": properties,
    }


def _fixed(profile: Profile, found: ArmDocument, _supplied: Supplied) -> tuple[str, ...]:
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
    resource_id=lambda profile: profile.associated_resources.application_insights_id,
    given=lambda profile: has_id(profile.associated_resources.application_insights),
    body=_body,
    compared=(
        Compared("properties.Application_Type", field="type", fixed=True),
        Compared(
            "properties.RetentionInDays", Phrase("retention {} days"), field="retention_days", loses=SHORTER_RETENTION
        ),
        *TELEMETRY_ACCESS,
        Compared(
            "properties.DisableLocalAuth",
            Phrase("no local authentication", "local authentication"),
            (False, True),
            absent=False,
            field="local_authentication",
        ),
    ),
    sent_back=(
        "Application_Type",
        "DisableIpMasking",
        "DisableLocalAuth",
        "Flow_Type",
        "ForceCustomerStorageForProfiler",
        "ImmediatePurgeDataOn30Days",
        "IngestionMode",
        "Request_Source",
        "RetentionInDays",
        "SamplingPercentage",
        "WorkspaceResourceId",
        "publicNetworkAccessForIngestion",
        "publicNetworkAccessForQuery",
    ),
    fixed=_fixed,
    depends_on=lambda profile: (profile.associated_resources.log_analytics.resource_id,),
)
