"""The remains of a failed creation are created again only where that takes nothing away."""

from __future__ import annotations

from typing import Any, Final

import pytest
from support.planning import CASES, NAMES, STEPS, Documents, known_from, merged

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
"""Settings that our creation leaves out, as set by others."""

UNSET: Final[dict[str, Any]] = {
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
"""The same settings as Azure shows them while they are unset."""


def planned(**properties: Any) -> Change:
    """Return the change of a failed creation whose workspace has these properties."""
    case, step = CASES["workspace/failed_creation"], STEPS["workspace"]
    documents = merged(case.documents, {NAMES["workspace"].lower(): {"properties": properties}})
    observed = step.observe(Documents(documents), case.profile)
    (change,) = step.plan(case.profile, observed, known_from(case.known))
    return change


@pytest.mark.parametrize("name", SET)
def test_a_setting_that_a_new_creation_would_reset_is_a_conflict(name: str) -> None:
    """A creation that leaves out a setting resets it, so the workspace is left alone."""
    found = planned(**{name: SET[name]})

    assert (Action.CONFLICT, "CMK251") == (found.action, found.code)


def test_unset_settings_do_not_block_recreation() -> None:
    """Nulls, false and empty lists: with all of them it is created again."""
    assert Action.CREATE is planned(**UNSET).action


def test_every_setting_is_tried_set_and_unset() -> None:
    """The two lists name the same settings."""
    assert set(SET) == set(UNSET)
