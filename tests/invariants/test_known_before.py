"""Rights, locks, limits and policies are known before the first write, and each remedy helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import pytest
from support.scenarios import ProfileVariant, ScenarioBuilder, World, served

from cmkctl.diagnostics import CmkctlError, Diagnostic, RefusedError, Severity
from cmkctl.plan import Action
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.sandbox.core.arrange import Arrangement
from cmkctl.sandbox.core.constants import COSMOS_DB_OBJECT_ID
from cmkctl.validation import validate

SUBSCRIPTION: Final = f"/subscriptions/{SUBSCRIPTION_ID}"


@pytest.fixture
def builder() -> Iterator[ScenarioBuilder]:
    """Provide a sandbox in this process, and the environment that leads to it."""
    with served() as builder:
        yield builder


def sign_in(
    builder: ScenarioBuilder,
    patch: pytest.MonkeyPatch,
    role: str | None,
    scope: str = SUBSCRIPTION,
    graph: tuple[str, ...] = ("Application.ReadWrite.All",),
) -> str:
    """Sign in as a new principal with one role; return its object id."""
    state = builder.running.state
    for name, value in state.add_client("ml-deployer", role, scope, graph).items():
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


def at_the_group(builder: ScenarioBuilder, patch: pytest.MonkeyPatch, wish: ProfileVariant, *roles: str) -> Profile:
    """Return the profile of a wish whose group exists; the signed-in principal has roles there and nowhere else."""
    profile = builder.make(wish, World("new"))
    builder.running.state.add_resource_group(profile.resource_group)
    caller = sign_in(builder, patch, None)
    for each in roles:
        builder.running.state.assign_role(profile.resource_group_id, caller, each)
    return profile


CONTRIBUTOR: Final = "b24988ac-6180-42a0-ab88-20f7382dd24c"
ACCESS_ADMINISTRATOR: Final = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


@pytest.mark.parametrize(
    ("authorization", "roles"),
    [("rbac", (CONTRIBUTOR, ACCESS_ADMINISTRATOR)), ("rbac", (OWNER,)), ("access-policy", (CONTRIBUTOR,))],
)
def test_roles_on_an_existing_group_suffice(
    builder: ScenarioBuilder, monkeypatch: pytest.MonkeyPatch, authorization: str, roles: tuple[str, ...]
) -> None:
    """Nothing of the subscription can be read: registrations are unknown and named, none is planned, everything is made."""
    profile = at_the_group(builder, monkeypatch, ProfileVariant(authorization=authorization), *roles)
    builder.running.state.register_provider()
    client = builder.client()

    plan = client.plan(profile)
    validated = validate(client.session(profile), profile, plan)
    left = client.apply(profile, plan)
    again = client.plan(profile)

    (note,) = [each for each in plan.diagnostics if each.code == "CMK188"]
    assert Severity.NOTE is note.severity
    assert (
        "Microsoft.MachineLearningServices, Microsoft.Storage, Microsoft.KeyVault, Microsoft.DocumentDB" in note.detail
    )
    assert f"az provider register --namespace Microsoft.Search --subscription {SUBSCRIPTION_ID} --wait" in note.remedy
    assert not plan.of("resource_providers")
    assert (8, ()) == (validated.resources, validated.diagnostics)
    assert (False, False, False) == (plan.errored, bool(left.pending), bool(again.pending))
    assert [] == [each.path for each in client.writes_since(0) if each.path.endswith("/register")]


def test_policies_are_checked_at_the_group(builder: ScenarioBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policies for Microsoft's resources can be checked only at the subscription: a note, and the rest is judged."""
    profile = at_the_group(builder, monkeypatch, ProfileVariant(authorization="rbac"), OWNER)
    builder.running.state.add_policy("long-keys", "Microsoft.KeyVault/vaults/keys", "keySize", allow=(4096,))

    plan = builder.client().plan(profile)

    assert ["CMK194"] == [each.code for each in plan.diagnostics if each.severity is Severity.ERROR]
    unread = [each.detail for each in plan.diagnostics if each.code == "CMK190" and "CMK195" in each.detail]
    assert 1 == len(unread)


def test_an_unknown_registration_that_is_missing_is_explained_late(
    builder: ScenarioBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P57: the command is for an administrator; after it the same run goes to its end."""
    profile = at_the_group(builder, monkeypatch, ProfileVariant(authorization="rbac"), OWNER)
    for each in ("MachineLearningServices", "Storage", "KeyVault", "DocumentDB", "Insights", "OperationalInsights"):
        builder.running.state.register_provider(f"Microsoft.{each}")

    with pytest.raises(CmkctlError) as refused:
        builder.client().apply(profile)
    builder.running.state.register_provider("Microsoft.Search")

    (found,) = refused.value.diagnostics
    assert "CMK304" == found.code
    assert "an administrator of the subscription run: az provider register --namespace Microsoft.Search --wait" in (
        found.remedy
    )
    assert not builder.client().apply(profile).pending


def test_a_soft_deleted_vault_that_is_wanted_back_must_be_readable(
    builder: ScenarioBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `recover: true` an unread answer would plan a new vault instead."""
    profile = at_the_group(builder, monkeypatch, ProfileVariant(authorization="rbac"), OWNER)
    vault = profile.key_vault.model_copy(update={"recover": True})

    with pytest.raises(CmkctlError) as refused:
        builder.client().plan(profile.model_copy(update={"key_vault": vault}))

    assert "CMK303" == refused.value.diagnostics[0].code
    assert "Microsoft.KeyVault/locations/deletedVaults/read" in str(refused.value)


def test_who_may_not_grant_at_the_group_is_shown_the_role_there(
    builder: ScenarioBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Contributor of the group: refused before the vault, and done with the role at the group."""
    profile = at_the_group(builder, monkeypatch, ProfileVariant(authorization="rbac"), CONTRIBUTOR)
    builder.running.state.register_provider()

    (refused,) = errors(builder, profile)
    scope, role = refused.subject, "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
    (caller,) = [
        words[words.index("--assignee-object-id") + 1]
        for words in [refused.remedy.split()]
        if "'Role Based Access Control Administrator'" in refused.remedy
    ]
    builder.running.state.assign_role(scope, caller, role)
    left = builder.client().apply(profile)

    assert ("CMK191", profile.resource_group_id.lower()) == (refused.code, scope.lower())
    assert (False, False) == (bool(left.pending), bool(builder.client().plan(profile).pending))


def test_who_may_not_read_the_directory_writes_the_object_id(
    builder: ScenarioBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CMK231 before anything is made; an owner of the subscription needs no directory role beyond that id."""
    profile = builder.make(ProfileVariant(authorization="rbac"), World("new"))
    builder.running.state.register_provider()
    sign_in(builder, monkeypatch, "Owner", graph=())
    client = builder.client()

    (unknown,) = [each for each in client.plan(profile).changes if each.action is Action.CONFLICT]
    with pytest.raises(RefusedError):
        client.apply(profile)
    access = profile.key_access.model_copy(update={"cosmos_db_object_id": COSMOS_DB_OBJECT_ID})
    profile = profile.model_copy(update={"key_access": access})
    written = client.writes_since(0)
    left = client.apply(profile)

    assert ("CMK231", []) == (unknown.code, written)
    assert (False, False) == (bool(left.pending), bool(client.plan(profile).pending))


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


def test_policies_are_checked_only_where_one_is_assigned_or_the_list_is_unknown(builder: ScenarioBuilder) -> None:
    """A subscription without assignments denies nothing, so no resource is checked."""
    profile = builder.make(ProfileVariant(), World("new"))
    state = builder.running.state

    def questions() -> int:
        before = len(builder.running.requests)
        builder.client().plan(profile)
        return sum("checkPolicyRestrictions" in each.path for each in list(builder.running.requests)[before:])

    without = questions()
    state.add_fault("error-500:1000@policyAssignments")
    unknown = questions()
    state.clear_faults()
    state.add_policy("long-keys", "Microsoft.KeyVault/vaults/keys", "keySize", allow=(3072,))
    assigned = questions()

    assert 0 == without
    assert 0 < unknown == assigned


def test_an_unreadable_policy_check_is_retried_and_then_a_note(builder: ScenarioBuilder) -> None:
    """A server error is retried like that of a read; when it stays, the plan has a note with the codes left out."""
    profile = builder.make(ProfileVariant(), World("new"))
    builder.running.state.add_policy("long-keys", "Microsoft.KeyVault/vaults/keys", "keySize", allow=(3072,))
    builder.running.state.add_fault("error-500@checkPolicyRestrictions")
    once = builder.client().plan(profile)
    builder.running.state.add_fault("error-500:1000@checkPolicyRestrictions")

    always = builder.client().plan(profile)
    builder.running.state.clear_faults()

    assert [] == [each.detail for each in once.diagnostics if each.code == "CMK190"]
    notes = [each for each in always.diagnostics if each.code == "CMK190"]
    assert ["CMK194", "CMK195"] == [each.detail.partition(" (")[0].removeprefix("Not checked: ") for each in notes]
    assert {Severity.NOTE} == {each.severity for each in notes}


@pytest.mark.parametrize(("times", "writes"), [(1, 2), (1000, 2)])
def test_a_workspaces_bare_500_is_repeated_once(builder: ScenarioBuilder, times: int, writes: int) -> None:
    """P63: the service answers a rejected change so as well. One repetition helps against a real error; then the run stops."""
    builder.make(ProfileVariant(), World("finished"))
    profile = replace(ProfileVariant(), friendly_name="Fraud models").profile()
    builder.running.state.add_fault(f"error-500:{times}@PATCH:workspaces/mlw")
    client = builder.client()
    began = client.moment
    if times == 1:
        assert not client.apply(profile).pending
    else:
        with pytest.raises(CmkctlError) as refused:
            client.apply(profile)
        assert ["CMK311"] == [each.code for each in refused.value.diagnostics]

    assert writes == len([each for each in client.writes_since(began) if each.path.lower().endswith("/workspaces/mlw")])
