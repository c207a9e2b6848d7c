"""The Log Analytics workspace behind Application Insights."""

from __future__ import annotations

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.derived_names import DerivedName
from cmkctl.profile.section import Nameable


class LogAnalyticsSettings(Nameable):
    """The Log Analytics workspace that stores the data of Application Insights."""

    resource_type = "Microsoft.OperationalInsights/workspaces"
    derived = DerivedName("log", 33)

    name: field_types.LogAnalyticsName | None = Field(
        None,
        description="Its name, in the profile's resource group. Left out: a stable name is derived.",
        examples=["log-ml-prod"],
    )
    id: field_types.LogAnalyticsId | None = Field(
        None,
        description="The ARM id of one that exists; cmkctl never changes it. Give name or id or neither.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ops/providers/Microsoft.OperationalInsights"
                "/workspaces/log-central"
            )
        ],
    )
