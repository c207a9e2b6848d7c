"""The key version that a workspace uses is looked at, in the sandbox and through the management plane."""

from __future__ import annotations

from typing import Any, Final

import pytest
from support.scenarios import KEY, VAULT, ProfileVariant, ScenarioBuilder, World

from cmkctl.diagnostics import Severity
from cmkctl.plan import Plan
from cmkctl.profile.model import Profile

LONG_AGO: Final = 1_500_000_000
FAR_OFF: Final = 4_000_000_000


def rotated(builder: ScenarioBuilder) -> tuple[Profile, list[dict[str, Any]]]:
    """Return a finished workspace whose key got a newer version; the versions as the sandbox keeps them, the oldest first."""
    profile = builder.make(ProfileVariant(), World("finished"))
    builder.running.state.add_key(VAULT, KEY)
    record = builder.running.state.tenant.data["resources"][profile.key.resource_id.lower()]
    versions: list[dict[str, Any]] = record["versions"]
    assert len(versions) == 2
    return profile, versions


def errors(plan: Plan) -> list[tuple[str, str]]:
    """Code and detail of every error."""
    return [(each.code, each.detail) for each in plan.diagnostics if each.severity is Severity.ERROR]


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"enabled": False}, "is disabled"),
        ({"exp": LONG_AGO}, "expired on 2017"),
        ({"nbf": FAR_OFF}, "not valid before 2096"),
    ],
)
def test_an_unusable_version_in_use_is_an_error(
    builder: ScenarioBuilder, attributes: dict[str, Any], words: str
) -> None:
    """The latest version is in order, so nothing else notices it."""
    profile, versions = rotated(builder)
    versions[0]["attributes"].update(attributes)

    ((code, detail),) = errors(builder.client().plan(profile))

    assert ("CMK114", True) == (code, words in detail)
    assert versions[0]["version"] in detail


def test_a_version_in_use_that_is_gone_is_an_error(builder: ScenarioBuilder) -> None:
    """A key that was deleted for good and made again has other versions."""
    profile, versions = rotated(builder)
    del versions[0]

    assert ["CMK114"] == [code for code, _ in errors(builder.client().plan(profile))]


def test_a_usable_older_version_is_a_warning_only(builder: ScenarioBuilder) -> None:
    """It waits for the operator to point the workspace at the new one (CMK106)."""
    profile, _ = rotated(builder)

    plan = builder.client().plan(profile)

    assert ([], True) == (errors(plan), "CMK106" in [each.code for each in plan.diagnostics])


def test_the_latest_version_costs_no_further_request(builder: ScenarioBuilder) -> None:
    """It comes with the key."""
    profile = builder.make(ProfileVariant(), World("finished"))
    client = builder.client()
    before = client.moment

    client.plan(profile)

    requests = builder.running.requests[before:]
    assert requests
    assert [] == [each.path for each in requests if "/versions/" in each.path]
