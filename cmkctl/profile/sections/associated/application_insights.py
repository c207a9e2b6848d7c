"""The Application Insights component of a workspace."""

from __future__ import annotations

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.derived_names import DerivedName
from cmkctl.profile.section import Nameable


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
