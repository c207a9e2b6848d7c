"""The kinds of associated resources, one file for each; their profile sections are in `cmkctl.profile.sections.associated`."""

from __future__ import annotations

from typing import Final

from cmkctl.azure.compare import same_resource_id
from cmkctl.profile.model import Profile
from cmkctl.profile.sections.associated.log_analytics import LogAnalyticsSettings
from cmkctl.steps._associated.application_insights import APPLICATION_INSIGHTS
from cmkctl.steps._associated.log_analytics import LOG_ANALYTICS
from cmkctl.steps._associated.registry import REGISTRY
from cmkctl.steps._associated.spec import ResourceSpec
from cmkctl.steps._associated.storage import STORAGE
from cmkctl.steps._associated.vault import VAULT

ALL: Final = (STORAGE, LOG_ANALYTICS, APPLICATION_INSIGHTS, VAULT, REGISTRY)


def specs_of(profile: Profile) -> list[ResourceSpec]:
    """Return the resources that a profile needs.

    No registry by default, no second vault when one serves both, no Log Analytics workspace for a component that has its own,
    and none without a component unless the profile has settings for it.
    """
    return [
        each
        for each in ALL
        if each.resource_id(profile) is not None
        and not (each is LOG_ANALYTICS and _without_use(profile))
        and not same_resource_id(each.resource_id(profile), profile.key_vault.resource_id)
    ]


def _without_use(profile: Profile) -> bool:
    """Return True where no component of ours stores its data in the Log Analytics workspace of the profile."""
    associated = profile.associated_resources
    if associated.application_insights_id is None:
        return associated.log_analytics == LogAnalyticsSettings()
    return APPLICATION_INSIGHTS.given(profile)
