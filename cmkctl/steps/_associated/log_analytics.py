"""The Log Analytics workspace that stores the data of Application Insights.

Source: https://learn.microsoft.com/rest/api/loganalytics/workspaces/create-or-update
"""

from __future__ import annotations

from typing import Final

from cmkctl.azure import versions
from cmkctl.plan import AttributeChange, Json, Phrase
from cmkctl.profile.model import Profile
from cmkctl.steps._associated.shared import SHORTER_RETENTION, TELEMETRY_ACCESS, telemetry_access
from cmkctl.steps._associated.spec import ResourceSpec, Supplied, has_id
from cmkctl.steps._associated.values import Compared
from cmkctl.steps._tags import new_tags

_DEFAULT_RETENTION: Final = 30
_RETENTION: Final = Phrase("retention {} days")


def _body(profile: Profile, supplied: Supplied) -> dict[str, Json]:  # noqa: ARG001 - the signature of every body
    settings = profile.associated_resources.log_analytics
    properties: Json = {
        "sku": {"name": "PerGB2018"},
        "retentionInDays": settings.retention_days or _DEFAULT_RETENTION,
        **({"workspaceCapping": {"dailyQuotaGb": settings.daily_cap_gb}} if settings.daily_cap_gb else {}),
        **telemetry_access(settings),
        **({"features": _features(settings.local_authentication)} if settings.local_authentication else {}),
    }
    return {"location": profile.location, "tags": new_tags(profile, settings.tags), "properties": properties}


def _features(local_authentication: str) -> dict[str, Json]:
    # The portal, az and Terraform create a workspace with this access mode, which is no default of the API.
    return {
        "disableLocalAuth": local_authentication == "disabled",
        "enableLogAccessUsingOnlyResourcePermissions": True,
    }


def _shown(profile: Profile) -> tuple[AttributeChange, ...]:
    """Return the retention of a new one where the profile leaves it out; else it is among what is compared."""
    if profile.associated_resources.log_analytics.retention_days is not None:
        return ()
    return (AttributeChange("retentionInDays", None, _DEFAULT_RETENTION, phrase=_RETENTION),)


LOG_ANALYTICS: Final = ResourceSpec(
    kind="Log Analytics workspace",
    field="associated_resources.log_analytics",
    feeds_only_the_workspace=False,
    type="Microsoft.OperationalInsights/workspaces",
    shown=_shown,
    api_version=versions.LOG_ANALYTICS,
    resource_id=lambda profile: profile.associated_resources.log_analytics.resource_id,
    given=lambda profile: has_id(profile.associated_resources.log_analytics),
    body=_body,
    compared=(
        Compared(
            "properties.retentionInDays",
            _RETENTION,
            field="retention_days",
            loses=SHORTER_RETENTION,
        ),
        Compared("properties.workspaceCapping.dailyQuotaGb", Phrase("{} GB a day"), field="daily_cap_gb"),
        *TELEMETRY_ACCESS,
        Compared(
            "properties.features.disableLocalAuth",
            Phrase("no local authentication", "local authentication"),
            (False, True),
            absent=False,
            field="local_authentication",
            whole="properties.features",
            keeps=("enableDataExport", "enableLogAccessUsingOnlyResourcePermissions", "immediatePurgeDataOn30Days"),
        ),
    ),
)
