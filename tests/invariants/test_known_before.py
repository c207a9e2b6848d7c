"""What a read can tell is known before the first write: rights, locks, limits and policies. Each remedy helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from support.scenarios import ProfileVariant, ScenarioBuilder, World

from cmkctl.diagnostics import Diagnostic, Severity
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID, Pace, Sandbox
from cmkctl.sandbox.core.arrange import Arrangement

SUBSCRIPTION: Final = f"/subscriptions/{SUBSCRIPTION_ID}"


@pytest.fixture
def builder() -> Iterator[ScenarioBuilder]:
    """Provide a sandbox in this process, and the environment that leads to it."""
    with Sandbox(None, Pace.none()).serve() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        yield ScenarioBuilder(running)


def sign_in(builder: ScenarioBuilder, patch: pytest.MonkeyPatch, role: str | None, scope: str = SUBSCRIPTION) -> str:
    """Sign in as a new principal with one role; return its object id."""
    state = builder.running.state
    for name, value in state.add_client("ml-deployer", role, scope, ("Application.ReadWrite.All",)).items():
        patch.setenv(name, value)
    found = state.tenant.table("principals")
    return next(key for key, row in found.items() if row.get("doc", row).get("displayName") == "ml-deployer")


def errors(builder: ScenarioBuilder, profile: Profile) -> list[Diagnostic]:
    """Return the errors of a plan, after which nothing was written."""
    client = builder.client()
    began = client.moment
    plan = client.plan(profile)
    assert [] == client.writes_since(began)
    return [each for each in plan.diagnostics if each.severity is Severity.ERROR]


def test_a_missing_right_is_known_before_and_the_command_gives_it(
    builder: ScenarioBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader of the group is shown the role to assign; with that role, the policy is written."""
    profile = builder.make(ProfileVariant(), World("finished"))
    vault = profile.key_vault.resource_id
    builder.running.state.tenant.data["resources"][vault.lower()]["doc"]["properties"]["accessPolicies"] = []
    caller = sign_in(builder, monkeypatch, "Reader")

    (refused,) = errors(builder, profile)
    builder.running.state.assign_role(vault, caller, "f25e0fa2-a7c8-4377-a976-54943a77a395")

    assert ("CMK191", f"Not allowed at {vault}: Microsoft.KeyVault/vaults/accessPolicies/write.") == (
        refused.code,
        refused.detail.partition(" Roles")[0],
    )
    assert f"--assignee-object-id {caller} --assignee-principal-type ServicePrincipal" in refused.remedy
    assert f"--role 'Key Vault Contributor' --scope {vault}." in refused.remedy
    assert [] == errors(builder, profile)
    assert not builder.client().apply(profile).pending


def test_a_contributor_may_not_grant_roles(builder: ScenarioBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its notActions take away what its actions give (P34)."""
    profile = builder.make(ProfileVariant(authorization="rbac"), World("new"))
    caller = sign_in(builder, monkeypatch, "Contributor")

    (refused,) = errors(builder, profile)
    builder.running.state.assign_role(SUBSCRIPTION, caller, "f58310d9-a9f6-439a-9e8d-f62e7b41a168")

    assert "Microsoft.Authorization/roleAssignments/write" in refused.detail
    assert "--role 'Role Based Access Control Administrator'" in refused.remedy
    assert not builder.client().apply(profile).pending


def test_rights_on_a_group_suffice_for_what_is_in_it(builder: ScenarioBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Registrations and the group itself are refused at the subscription, and only they."""
    profile = builder.make(ProfileVariant(), World("new"))
    builder.running.state.add_resource_group(profile.resource_group)
    caller = sign_in(builder, monkeypatch, "Reader")
    builder.running.state.assign_role(profile.resource_group_id, caller, "b24988ac-6180-42a0-ab88-20f7382dd24c")

    (refused,) = errors(builder, profile)

    assert f"Not allowed at {SUBSCRIPTION}: Microsoft." in refused.detail
    assert "resourceGroups/write" not in refused.detail
    assert "Microsoft.DocumentDB/register/action" in refused.detail


def locked(state: Arrangement, profile: Profile) -> Callable[[], object]:
    """Lock the group (G16)."""
    state.add_resource_group(profile.resource_group)
    identifier = state.add_lock(profile.resource_group_id, "ReadOnly", "frozen")
    return lambda: state.tenant.table("locks").pop(identifier.lower())


def full(state: Arrangement, _profile: Profile) -> Callable[[], None]:
    """Leave no role assignment."""
    state.limit_role_assignments(SUBSCRIPTION_ID, 0)
    return lambda: state.limit_role_assignments(SUBSCRIPTION_ID, 4000)


def no_cosmos_db(state: Arrangement, _profile: Profile) -> Callable[[], None]:
    """Deny what Microsoft creates."""
    state.add_policy("no-local-auth", "Microsoft.DocumentDB/databaseAccounts", "disableLocalAuth", allow=(True,))
    return state.clear_policies


def short_keys(state: Arrangement, _profile: Profile) -> Callable[[], None]:
    """Deny the key."""
    state.add_policy("long-keys", "Microsoft.KeyVault/vaults/keys", "keySize", allow=(4096,))
    return state.clear_policies


ARRANGED: Final[dict[str, tuple[Any, str, str]]] = {
    "lock": (locked, "CMK192", "az lock delete --ids"),
    "limit": (full, "CMK193", "Remove unused ones"),
    "Microsoft's Cosmos DB": (no_cosmos_db, "CMK195", "az policy exemption create"),
    "key": (short_keys, "CMK194", "Set key.size: 4096"),
}


@pytest.mark.parametrize(("arrange", "code", "remedy"), ARRANGED.values(), ids=ARRANGED)
def test_a_refusal_is_known_before_and_ends_with_its_cause(
    builder: ScenarioBuilder, arrange: Any, code: str, remedy: str
) -> None:
    """No request was sent, so no vault is there; without the cause everything is made."""
    profile = builder.make(ProfileVariant(authorization="rbac"), World("new"))
    undo = arrange(builder.running.state, profile)

    (refused,) = errors(builder, profile)
    undo()

    assert code == refused.code
    assert remedy in refused.remedy
    assert not builder.client().apply(profile).pending


def test_what_cannot_be_read_is_a_note_and_a_question_is_asked_again(builder: ScenarioBuilder) -> None:
    """A server error is retried like that of a read; when it stays, the plan has a note with the codes left out."""
    profile = builder.make(ProfileVariant(), World("new"))
    builder.running.state.add_fault("error-500@checkPolicyRestrictions")
    once = builder.client().plan(profile)
    builder.running.state.add_fault("error-500:1000@checkPolicyRestrictions")

    always = builder.client().plan(profile)
    builder.running.state.clear_faults()

    assert [] == [each.detail for each in once.diagnostics if each.code == "CMK190"]
    (note,) = [each for each in always.diagnostics if each.code == "CMK190"]
    assert note.detail.startswith("Not checked: CMK194 (A policy denies a planned resource), CMK195")
    assert Severity.NOTE is note.severity
