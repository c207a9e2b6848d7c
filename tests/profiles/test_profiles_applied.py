"""Every example profile is planned, applied and planned again, by the command line, in the sandbox."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.arranged import arrange_what_it_names

from cmkctl.azure.clouds import ENDPOINTS
from cmkctl.profile.load import load_profile
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID

FOLDER = Path(__file__).parents[2] / "profiles"
NAMES = sorted(each.stem for each in FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_profile_is_planned_applied_and_then_right(
    rehearse: Callable[..., Any], profiles: Path, name: str
) -> None:
    """What a reader finds in profiles/ works as it is, once what it names is there."""
    file = profiles / f"{name}.yaml"
    azure = rehearse()
    loaded = load_profile(file, environ={**os.environ, "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID})
    arrange_what_it_names(azure.running.state, loaded.profile)

    applied = azure("apply", file, "--yes", "--json")
    again = azure("plan", file, "--detailed-exitcode", "--json")

    assert {"create"} <= {each["action"] for each in applied.of("planned_change")}
    assert (0, []) == (
        applied.code,
        [each["detail"] for each in applied.of("diagnostic") if each["severity"] == "error"],
    )
    assert profile_outputs(loaded.profile).items() <= applied.of("outputs")[0].items()
    assert 0 == again.code
    assert {"no-op"} == {each["action"] for each in again.of("planned_change")}
    assert [] == [each["title"] for each in again.of("planned_change") if not each["reason"]]


@pytest.mark.parametrize("name", ["government", "china"])
def test_in_another_cloud_the_result_is_verified_there(rehearse: Callable[..., Any], profiles: Path, name: str) -> None:
    """Sign-in, audiences, vault suffix and principal are those of the cloud, and none of another one is reached."""
    file = profiles / f"{name}.yaml"
    azure = rehearse()
    loaded = load_profile(file, environ={**os.environ, "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID})
    arrange_what_it_names(azure.running.state, loaded.profile)

    applied = azure("apply", file, "--yes", "--json")
    verified = azure("verify", file)

    identifier = applied.of("outputs")[0]["key_identifier"]
    endpoints = ENDPOINTS[loaded.profile.cloud]
    assert (0, 0) == (applied.code, verified.code), verified.err
    assert f".{endpoints.vault_suffix}/keys/" in identifier
    assert all(endpoints.owns(f"https://{each.host}/") for each in azure.running.requests)


def profile_outputs(profile: Profile) -> dict[str, str]:
    """Return the outputs that follow from the profile alone."""
    return {"workspace_id": profile.workspace.resource_id, "key_vault_id": profile.key_vault.resource_id}


def test_there_are_example_profiles() -> None:
    """The folder is found, so that the tests above are not vacuous."""
    assert "quickstart" in NAMES
