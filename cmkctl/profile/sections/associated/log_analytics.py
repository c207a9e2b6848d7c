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
    retention_days: int | None = Field(
        None,
        ge=30,
        le=730,
        description="How many days data is kept. Left out: 30 for a new one.",
        examples=[90],
    )
    daily_cap_gb: int | None = Field(
        None,
        ge=1,
        description="The most data that is taken in a day, in whole GB. Left out: no limit for a new one.",
        examples=[5],
    )
    ingestion: field_types.Switch | None = Field(
        None, description="Whether data is taken from public networks.", examples=["disabled"]
    )
    query: field_types.Switch | None = Field(
        None, description="Whether queries are answered from public networks.", examples=["disabled"]
    )
    local_authentication: field_types.Switch | None = Field(
        None,
        description="Whether data is taken from senders with the shared key. When disabled, Microsoft Entra only.",
        examples=["disabled"],
    )
    tags: field_types.Tags = Field(
        default_factory=dict,
        max_length=50,
        description="Tags of the Log Analytics workspace, beside those of the profile; the same name here wins.",
        examples=[{"data": "confidential"}],
    )
