"""What a failed creation left is created again only where that takes nothing away."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

import pytest
from support.planning import HERE, STEPS, known_of, load, observation, profile_of

from cmkctl.plan import Action, Change

SET: Final[dict[str, Any]] = {
    "associatedWorkspaces": ["/subscriptions/s"],
    "featureStoreSettings": {"computeRuntime": {"sparkRuntimeVersion": "3.4"}},
    "hubResourceId": "/subscriptions/s",
    "imageBuildCompute": "cpu-cluster",
    "managedNetwork": {"isolationMode": "AllowOnlyApprovedOutbound"},
    "privateEndpointConnections": [{"id": "/subscriptions/s"}],
    "serverlessComputeSettings": {"serverlessComputeCustomSubnet": None, "serverlessComputeNoPublicIP": True},
    "sharedPrivateLinkResources": [{"name": "x"}],
    "workspaceHubConfig": {"additionalWorkspaceStorageAccounts": ["/subscriptions/s"]},
}
"""What a creation of ours does not mention, as somebody else may have set it."""

NOT_SET: Final[dict[str, Any]] = {
    "associatedWorkspaces": [],
    "featureStoreSettings": {"computeRuntime": {"sparkRuntimeVersion": None}},
    "hubResourceId": None,
    "imageBuildCompute": "",
    "managedNetwork": {"isolationMode": "Disabled"},
    "privateEndpointConnections": [],
    "serverlessComputeSettings": {"serverlessComputeCustomSubnet": None, "serverlessComputeNoPublicIP": False},
    "sharedPrivateLinkResources": [],
    "workspaceHubConfig": {"additionalWorkspaceStorageAccounts": []},
}
"""The same, as Azure shows what nobody has set."""


def planned(**properties: Any) -> Change:
    """What is planned for a failed creation with these properties."""
    case = deepcopy(load(HERE / "cases" / "workspace" / "failed_creation.yaml"))
    case["observed"]["properties"] |= properties
    profile, step = profile_of(case), STEPS["workspace"]
    (change,) = step.plan(profile, observation(step.name, profile, case["observed"]), known_of(case))
    return change


@pytest.mark.parametrize("name", SET)
def test_a_setting_that_our_request_would_take_away_is_a_conflict(name: str) -> None:
    """Somebody has set it, and a creation that does not mention it would set it back."""
    found = planned(**{name: SET[name]})

    assert (Action.CONFLICT, "CMK251") == (found.action, found.code)


def test_what_azure_shows_of_settings_that_nobody_set_is_in_nobodys_way() -> None:
    """Nulls, false and empty lists: with all of them it is created again."""
    assert Action.CREATE is planned(**NOT_SET).action
