"""Cases from public bug reports (field.md), against the sandbox; each docstring names its case."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from support.scenarios import InterceptingTransport, ProfileVariant, ScenarioBuilder, World
from support.scripted import Answer, response_to

from cmkctl.diagnostics import CmkctlError, Diagnostic
from cmkctl.plan import Action, Plan
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID

pytestmark = pytest.mark.slow

CRYPTO_OFFICER = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"
CRYPTO_USER = "12338af0-0e69-4776-bea7-57ae8d297424"
ENCRYPTION_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
CRYPTO_SERVICE_RELEASE = "08bbd89e-9f13-488c-ac41-acfcb10c90ab"


class Rejects(InterceptingTransport):
    """Answers the first `times` requests of a method to a part of a path with an error of Azure."""

    def __init__(self, inner: Any, method: str, part: str, status: int, error: dict[str, Any], times: int = 99) -> None:
        super().__init__(inner)
        self._wanted, self._answer = (method, part.lower()), Answer(status, {"error": error})
        self._left, self._lock = times, threading.Lock()
        self.rejected = 0

    def send(self, request: Any, **options: Any) -> Any:
        """Reject the request, or send it."""
        method, part = self._wanted
        with self._lock:
            hit = request.method == method and part in request.url.lower() and self._left > 0
            self._left -= hit
            self.rejected += hit
        return response_to(request.method, request.url, self._answer) if hit else super().send(request, **options)


def rejecting(*arguments: Any, **more: Any) -> tuple[Callable[[Any], Rejects], list[Rejects]]:
    """Make a wrapper for a client's transport, and the list of those that it made."""
    made: list[Rejects] = []

    def around(inner: Any) -> Rejects:
        made.append(Rejects(inner, *arguments, **more))
        return made[-1]

    return around, made


def failure(builder: ScenarioBuilder, profile: Profile, around: Callable[[Any], Rejects]) -> Diagnostic:
    """Return the first error of an apply."""
    with pytest.raises(CmkctlError) as raised:
        builder.client(around).apply(profile)
    return raised.value.diagnostics[0]


def changes(plan: Plan, word: str) -> list[Action]:
    """Return the actions on the resources whose title contains a word."""
    return [each.action for each in plan.changes if word in each.title]


@pytest.mark.parametrize("role", [CRYPTO_OFFICER, CRYPTO_USER, ENCRYPTION_USER])
def test_an_identity_that_can_use_the_key_by_another_role_needs_no_grant(builder: ScenarioBuilder, role: str) -> None:
    """G5: a user-assigned identity with Key Vault Crypto Officer on the vault was given another role."""
    wish = ProfileVariant(authorization="rbac", user_identity=True, service_side=False)
    profile = builder.make(wish, World("new"))
    state = builder.running.state
    vault = state.add_vault(profile.key_vault.resource_name, profile.resource_group, rbac=True)
    identity = (state.resource(str(profile.workspace.identity_id)) or {})["properties"]["principalId"]
    state.assign_role(vault, identity, role)

    grants = [each for each in builder.client().plan(profile).changes if each.step == "key_access"]

    assert [Action.NO_OP] == [each.action for each in grants if "Cosmos" not in each.title]


def test_an_identity_with_a_role_that_cannot_use_the_key_gets_the_grant(builder: ScenarioBuilder) -> None:
    """G5, the other way round: a role for something else does not count."""
    profile = builder.make(ProfileVariant(authorization="rbac", user_identity=True), World("new"))
    state = builder.running.state
    vault = state.add_vault(profile.key_vault.resource_name, profile.resource_group, rbac=True)
    identity = (state.resource(str(profile.workspace.identity_id)) or {})["properties"]["principalId"]
    state.assign_role(vault, identity, CRYPTO_SERVICE_RELEASE)

    grants = [each for each in builder.client().plan(profile).changes if each.step == "key_access"]

    assert [Action.CREATE] == [each.action for each in grants if "Cosmos" not in each.title]


@pytest.mark.parametrize("times", [1, 2])
def test_application_insights_that_does_not_see_its_workspace_yet_is_created_again(
    builder: ScenarioBuilder, times: int
) -> None:
    """G12: the first PUT was answered 400 "Could not retrieve the Log Analytics workspace from ARM", and the run failed."""
    profile = builder.make(ProfileVariant(), World("new"))
    error = {"code": "BadRequest", "message": "Could not retrieve the Log Analytics workspace from ARM"}
    around, made = rejecting("PUT", "/components/", 400, error, times=times)

    after = builder.client(around).apply(profile)

    assert ([], times) == (list(after.pending), sum(each.rejected for each in made))


@pytest.mark.parametrize(
    ("part", "status", "code", "message"),
    [
        ("/vaults/", 409, "Conflict", "Vault is being updated by another operation. Please retry later."),
        ("/vaults/kv-cmk", 404, "ResourceGroupNotFound", "Resource group 'rg-ml' could not be found."),
        ("/storageaccounts", 400, "SubscriptionNotRegistered", "Subscription is not registered with the provider."),
        ("/components/", 409, "InvalidSubscriptionRegistrationState", "The registration is in 'Registering' state."),
        ("/workspaces/mlw", 409, "StorageAccountIsNotProvisioned", "The state must be 'Succeeded'."),
    ],
)
def test_a_refusal_that_waiting_resolves_is_sent_again(
    builder: ScenarioBuilder, part: str, status: int, code: str, message: str
) -> None:
    """G12 and siblings: these ended the run, although the same request succeeds a moment later."""
    profile = builder.make(ProfileVariant(), World("new"))
    around, made = rejecting("PUT", part, status, {"code": code, "message": message}, times=2)

    after = builder.client(around).apply(profile)

    assert ([], 2) == (list(after.pending), sum(each.rejected for each in made))


@pytest.mark.parametrize("kind", ["SystemAssigned,UserAssigned", "SystemAssigned, UserAssigned"])
def test_a_workspace_with_both_identities_has_a_way_to_write_it(builder: ScenarioBuilder, kind: str) -> None:
    """G13: the remedy was "write it as it is", which no profile could express."""
    profile = builder.make(ProfileVariant(), World("finished"))
    state = builder.running.state
    identity = state.add_identity("id-extra", "rg-people")
    document = builder.running.state.tenant.data["resources"][profile.workspace.resource_id.lower()]["doc"]
    document["identity"] = {**document["identity"], "type": kind, "userAssignedIdentities": {identity: {}}}

    conflict = next(each for each in builder.client().plan(profile).changes if "CMK259" in str(each.code))
    written = {"system_assigned": True, "user_assigned": [identity]}
    adopted = Profile.model_validate(
        {
            **profile.model_dump(exclude_defaults=True),
            "workspace": {**profile.workspace.model_dump(exclude_defaults=True), "identity": written},
        }
    )

    assert f"write workspace.identity: {{system_assigned: true, user_assigned: [{identity}]}}" in "\n".join(
        conflict.ways_out
    )
    assert [] == list(builder.client().plan(adopted).pending)


def test_a_given_application_insights_needs_no_log_analytics_workspace(builder: ScenarioBuilder) -> None:
    """G14: with application_insights.id given, "+ Log Analytics workspace" was planned."""
    profile = builder.make(ProfileVariant(), World("new"))
    component = (
        f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-people/providers/Microsoft.Insights/components/appi-shared"
    )
    sections = profile.model_dump(exclude_defaults=True)
    sections["associated_resources"] |= {"application_insights": {"id": component}}

    plan = builder.client().plan(Profile.model_validate(sections))

    assert [] == [each for each in changes(plan, "Log Analytics") if each is not Action.NO_OP]


@pytest.mark.parametrize(
    ("part", "scope"),
    [
        ("/vaults/", "/subscriptions/S/resourceGroups/rg-ml"),
        ("/storageaccounts/", "/subscriptions/S"),
        ("/workspaces/mlw", "/subscriptions/S/resourceGroups/rg-ml/providers/Microsoft.KeyVault/vaults/kv"),
    ],
)
def test_a_lock_is_named_and_its_removal_is_the_way_out(builder: ScenarioBuilder, part: str, scope: str) -> None:
    """G16: 409 ScopeLocked was answered with "run cmkctl plan"."""
    profile = builder.make(ProfileVariant(), World("new"))
    message = (
        f"The scope 'x' cannot perform write operation because following scope(s) are locked: '{scope}'. Please remove the "
        "lock and try again."
    )
    around, _ = rejecting("PUT", part, 409, {"code": "ScopeLocked", "message": message})

    diagnostic = failure(builder, profile, around)

    assert "CMK327" == diagnostic.code
    assert f"A lock on {scope} blocks it." in diagnostic.remedy
    assert "az lock delete" in diagnostic.remedy
    assert "cmkctl plan" not in diagnostic.remedy


def test_a_wrong_access_policy_blames_the_object_id_or_the_tenant(builder: ScenarioBuilder) -> None:
    """G17: 400 "An invalid value was provided for 'accessPolicies'" was answered with "the request has to change"."""
    profile = builder.make(ProfileVariant(), World("new"))
    error = {"code": "BadRequest", "message": "An invalid value was provided for 'accessPolicies'."}
    around, _ = rejecting("PUT", "/accesspolicies/add", 400, error)

    diagnostic = failure(builder, profile, around)

    assert "object id" in diagnostic.remedy
    assert "tenant" in diagnostic.remedy
    assert "key_access.cosmos_db_object_id" in diagnostic.remedy


def test_graph_that_may_not_be_read_has_its_way_out(builder: ScenarioBuilder) -> None:
    """G4 and "to keep": Graph answers 401 insufficient_claims, or 403; the object id can be given instead."""
    profile = builder.make(ProfileVariant(), World("new"))
    for status, code in ((401, "InvalidAuthenticationToken"), (403, "Authorization_RequestDenied")):
        around, _ = rejecting("GET", "/serviceprincipals", status, {"code": code, "message": "insufficient_claims"})

        try:
            plan = builder.client(around).plan(profile)
            conflicts = " ".join(f"{each.code} {each.ways_out}" for each in plan.changes if each.code)
            text = conflicts + " ".join(f" {each.code} {each.remedy}" for each in plan.diagnostics)
        except CmkctlError as error:
            text = " ".join(f"{each.code} {each.remedy}" for each in error.diagnostics)

        assert "CMK231" in text
        assert "key_access.cosmos_db_object_id" in text
        assert "az login" not in text
