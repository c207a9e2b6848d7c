"""profiles/hardened.yaml in the sandbox: what it sets is there, later changes are repaired, rules of others stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from support.scenarios import Client, ScenarioBuilder

from cmkctl.azure.ids import ResourceId
from cmkctl.plan import Action, Plan
from cmkctl.profile.load import load_profile
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID, Pace, Sandbox

pytestmark = pytest.mark.slow

FILE: Final = Path(__file__).parents[2] / "profiles" / "hardened.yaml"
CONTRIBUTOR: Final = "b24988ac-6180-42a0-ab88-20f7382dd24c"
OTHERS: Final = {"value": "198.51.100.9", "action": "Allow"}


class Applied:
    """A sandbox in which the profile was applied."""

    def __init__(self, client: Client, profile: Profile, state: Any) -> None:
        self.client, self.profile, self._state = client, profile, state

    def properties(self, resource: str) -> dict[str, Any]:
        """Return the properties of a resource, to look at or to change."""
        found: dict[str, Any] = self._state.tenant.data["resources"][resource.lower()]["doc"]["properties"]
        return found

    def plan(self) -> Plan:
        """Plan the profile again."""
        return self.client.plan(self.profile)

    @property
    def settings(self) -> dict[str, Any]:
        """The diagnostic settings by id."""
        found: dict[str, Any] = self._state.tenant.data["diagnostic_settings"]
        return found


@pytest.fixture(scope="module")
def applied() -> Iterator[Applied]:
    """Apply the profile in a sandbox of its own."""
    with Sandbox(None, Pace.none()).serve() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        profile = load_profile(FILE, environ={"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID}).profile
        identity = ResourceId.parse(str(profile.workspace.identity_id))
        made = running.state.resource(
            running.state.add_identity(identity.name, identity.resource_group, profile.location)
        )
        assert made is not None
        running.state.assign_role(profile.resource_group_id, made["properties"]["principalId"], CONTRIBUTOR)
        client = ScenarioBuilder(running).client()
        client.apply(profile)
        yield Applied(client, profile, running.state)


def writes(plan: Plan) -> dict[str, str]:
    """Return what a plan changes: the reasons by kind."""
    return {each.kind: each.reason for each in plan.changes if each.action is not Action.NO_OP}


def test_what_the_profile_sets_is_there(applied: Applied) -> None:
    """Identities in place of keys, firewalls, and one setting for each of nine resources and services."""
    resources = applied.profile.associated_resources
    account = applied.properties(resources.storage_account.resource_id)
    registry = applied.properties(str(resources.container_registry_id))

    assert (False, "Deny") == (account["allowSharedKeyAccess"], account["networkAcls"]["defaultAction"])
    assert account["encryption"]["requireInfrastructureEncryption"]
    assert (False, "Deny") == (registry["adminUserEnabled"], registry["networkRuleSet"]["defaultAction"])
    assert "Deny" == applied.properties(resources.key_vault_id)["networkAcls"]["defaultAction"]
    assert applied.properties(resources.application_insights.resource_id)["DisableLocalAuth"]
    assert "Identity" == applied.properties(applied.profile.workspace.resource_id)["systemDatastoresAuthMode"]
    assert 9 == len(applied.settings)


DRIFT: Final[dict[str, tuple[str, Callable[[Applied], Any]]]] = {
    "storage account": (
        "differs in allowSharedKeyAccess and networkAcls.defaultAction",
        lambda at: [
            at.properties(at.profile.associated_resources.storage_account.resource_id).update(
                allowSharedKeyAccess=True
            ),
            at.properties(at.profile.associated_resources.storage_account.resource_id)["networkAcls"].update(
                defaultAction="Allow"
            ),
        ],
    ),
    "container registry": (
        "differs in adminUserEnabled",
        lambda at: at.properties(str(at.profile.associated_resources.container_registry_id)).update(
            adminUserEnabled=True
        ),
    ),
    "workspace key vault": (
        "differs in networkAcls.defaultAction",
        lambda at: at.properties(at.profile.associated_resources.key_vault_id)["networkAcls"].update(
            defaultAction="Allow"
        ),
    ),
    "Application Insights": (
        "differs in DisableLocalAuth",
        lambda at: at.properties(at.profile.associated_resources.application_insights.resource_id).update(
            DisableLocalAuth=False
        ),
    ),
    "Log Analytics workspace": (
        "differs in workspaceCapping.dailyQuotaGb",
        lambda at: at.properties(at.profile.associated_resources.log_analytics.resource_id)["workspaceCapping"].update(
            dailyQuotaGb=-1
        ),
    ),
    "workspace": (
        "differs in systemDatastoresAuthMode",
        lambda at: at.properties(at.profile.workspace.resource_id).update(systemDatastoresAuthMode="accesskey"),
    ),
    "diagnostic setting of key vault": ("does not exist", lambda at: at.settings.pop(_setting_of_the_vault(at))),
}
"""Changes by others, and the reason that the next plan gives for each."""


def _setting_of_the_vault(at: Applied) -> str:
    return next(each for each in at.settings if each.startswith(at.profile.key_vault.resource_id.lower()))


def test_what_became_less_strict_is_set_back(applied: Applied) -> None:
    """Every change by others is planned with its reason, repaired by one apply, and nothing is left afterwards."""
    for _, change in DRIFT.values():
        change(applied)

    plan = applied.plan()
    applied.client.apply(applied.profile, plan)
    moment = applied.client.moment
    again = applied.client.apply(applied.profile)

    assert {kind: reason for kind, (reason, _) in DRIFT.items()} == writes(plan)
    assert ({}, []) == (writes(again), applied.client.writes_since(moment))


def test_rules_that_others_added_stay(applied: Applied) -> None:
    """Their address is no drift, and it survives a repair of the same firewall."""
    account = applied.profile.associated_resources.storage_account.resource_id
    applied.properties(account)["networkAcls"]["ipRules"].append(OTHERS)

    untouched = applied.plan()
    applied.properties(account)["networkAcls"]["defaultAction"] = "Allow"
    applied.client.apply(applied.profile)

    assert {} == writes(untouched)
    assert OTHERS in applied.properties(account)["networkAcls"]["ipRules"]
    assert "Deny" == applied.properties(account)["networkAcls"]["defaultAction"]
