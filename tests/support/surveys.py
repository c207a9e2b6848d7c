"""Surveys of the sandbox, in the process of a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from azure.core.pipeline.transport import HttpTransport

from cmkctl.posture import Assessment, Survey
from cmkctl.procedures.posture import survey
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.survey.scope import Scope
from support.scenarios import ScenarioBuilder

PROFILE: Final = Profile.model_validate(
    {
        "subscription": SUBSCRIPTION_ID,
        "location": "eastus2",
        "resource_group": "rg-ml",
        "key_vault": {"name": "kv-cmk"},
        "key": {"name": "cmk"},
        "workspace": {"name": "mlw", "high_business_impact": True, "encryption": "in-subscription"},
    }
)


def _as_it_is(transport: HttpTransport[Any, Any]) -> HttpTransport[Any, Any]:
    return transport


def survey_in(
    azure: ScenarioBuilder,
    scope: Scope,
    between: Callable[[HttpTransport[Any, Any]], HttpTransport[Any, Any]] = _as_it_is,
) -> Survey:
    """Survey a scope in the sandbox. `between` wraps the transport."""
    session = azure.client(between).session(PROFILE)
    try:
        return survey(session.snapshot(), scope)
    finally:
        session.close()


def by_name(found: Survey) -> dict[str, Assessment]:
    """Return the assessments by the names of the resources."""
    return {each.name: each for each in found.assessments}
