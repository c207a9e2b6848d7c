"""The Application Insights component of a workspace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.derived_names import DerivedName
from cmkctl.profile.section import SECTION, Contradiction, Nameable


class ApplicationInsightsSettings(Nameable):
    """The Application Insights component of the workspace."""

    resource_type = "Microsoft.Insights/components"
    derived = DerivedName("appi", 33)

    name: field_types.ComponentName | None = Field(
        None,
        description="Its name, in the profile's resource group. Left out: a stable name is derived.",
        examples=["appi-ml-prod"],
    )
    id: field_types.ComponentId | None = Field(
        None,
        description="The ARM id of one that exists; cmkctl never changes it. Give name or id or neither.",
        examples=[
            (
                "/subscriptions/${AZURE_SUBSCRIPTION_ID}/resourceGroups/rg-ops/providers/Microsoft.Insights"
                "/components/appi-central"
            )
        ],
    )
    enabled: bool = Field(
        True,
        description=(
            "Whether the workspace has Application Insights. With false it has none, and no Log Analytics workspace is "
            "created unless log_analytics has settings."
        ),
        examples=[False],
    )
    type: Literal["web", "other"] | None = Field(
        None, description="The type of application that it monitors. Left out: web for a new one.", examples=["other"]
    )
    retention_days: Literal[30, 60, 90, 120, 180, 270, 365, 550, 730] | None = Field(
        None,
        description="How many days data is kept. Left out: the default of Azure for a new one.",
        examples=[180],
    )
    ingestion: field_types.Switch | None = Field(
        None, description="Whether telemetry is taken from public networks.", examples=["disabled"]
    )
    query: field_types.Switch | None = Field(
        None, description="Whether queries are answered from public networks.", examples=["disabled"]
    )
    local_authentication: field_types.Switch | None = Field(
        None,
        description="Whether telemetry is taken from senders with the instrumentation key. When disabled, Microsoft Entra only.",
        examples=["disabled"],
    )
    tags: field_types.Tags = Field(
        default_factory=dict,
        max_length=50,
        description="Tags of the component, beside those of the profile; the same name here wins.",
        examples=[{"data": "confidential"}],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield what is wrong with name and id, and a component that is given and not wanted."""
        yield from super().contradictions()
        if not self.enabled and self.id is not None:
            yield Contradiction(
                "enabled",
                "The workspace is to have no Application Insights, and a component is given by id.",
                f"Keep either {SECTION}.enabled: false or {SECTION}.id.",
            )
