"""The Log Analytics workspace that stores the data of Application Insights.

Source: https://learn.microsoft.com/rest/api/loganalytics/workspaces/create-or-update
"""

from __future__ import annotations

from typing import Final

from cmkctl.azure import versions
from cmkctl.plan import AttributeChange, Json, Phrase
from cmkctl.profile.model import Profile
from cmkctl.steps._associated.spec import ResourceSpec, has_id


def _body(profile: Profile, _tenant: str) -> dict[str, Json]:
    properties: Json = {"sku": {"name": "PerGB2018"}, "retentionInDays": 30}
    return {"location": profile.location, "tags": profile.tags, "properties": properties}


LOG_ANALYTICS: Final = ResourceSpec(
    kind="Log Analytics workspace",
    field="associated_resources.log_analytics",
    feeds_only_the_workspace=False,
    type="Microsoft.OperationalInsights/workspaces",
    shown=lambda _profile: (AttributeChange("retentionInDays", None, 30, phrase=Phrase("retention {} days")),),
    api_version=versions.LOG_ANALYTICS,
    resource_id=lambda profile: profile.associated_resources.log_analytics.resource_id,
    given=lambda profile: has_id(profile.associated_resources.log_analytics),
    body=_body,
)
