"""``revoke`` and ``restore`` against the sandbox, in process: what they write, what they refuse, and what time does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
from support.estate import put, storage, workspace
from support.sandbox import Client as Http
from support.scenarios import (
    FOREIGN,
    GROUP,
    KEY,
    VAULT,
    Client,
    InterceptingTransport,
    ProfileVariant,
    ScenarioBuilder,
    World,
)

from cmkctl.diagnostics import CmkctlError, RefusedError, Severity
from cmkctl.plan import Action, Plan
from cmkctl.procedures import named
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID, Pace
from cmkctl.sandbox.core.constants import CLIENT_OBJECT_ID, COSMOS_DB_OBJECT_ID

POLICIES: Final = ProfileVariant()
ROLES: Final = ProfileVariant(authorization="rbac")
IDENTITY: Final = ProfileVariant(user_identity=True)
FINISHED: Final = World("finished")
CRYPTO_OFFICER: Final = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"
READER_OF_KEYS: Final = "21090545-7ca7-4776-b22c-e363652d74d2"
REVOKE: Final = named("revoke")
REVOKE_GRANT: Final = named("revoke", {"grant": "yes"})
RESTORE: Final = named("restore")
OTHER_VERSION: Final = "ffffffffffffffffffffffffffffffff"


@dataclass
class Ground:
    """A sandbox with a finished workspace, and the commands."""

    builder: ScenarioBuilder
    profile: Profile

    @property
    def state(self) -> Any:
        """The state of the sandbox."""
        return self.builder.running.state

    def client(self, procedure: Any, around: Any = None) -> Client:
        """Return a client of a procedure."""
        return self.builder.client(around, procedure)

    def plan(self, procedure: Any) -> Plan:
        """Plan."""
        return self.client(procedure).plan(self.profile)

    def apply(self, procedure: Any) -> list[tuple[str, str]]:
        """Apply; return method and last segments of the path of each write."""
        client = self.client(procedure)
        before = client.moment
        client.apply(self.profile)
        return [
            (each.method, each.path.rpartition("/")[2])
            for each in client.writes_since(before)
            if each.service != "login"
        ]

    def version(self) -> Mapping[str, Any]:
        """Return the latest version of the key, as the sandbox keeps it."""
        found: Mapping[str, Any] = self.state.tenant.resource(self.profile.key.resource_id)["versions"][-1]
        return found

    def enabled(self) -> bool:
        """Return whether the latest version of the key is enabled."""
        return bool(self.version()["attributes"]["enabled"])

    def policies(self) -> dict[str, list[str]]:
        """Return the key permissions of each access policy, by object id."""
        found = self.state.resource(self.profile.key_vault.resource_id)["properties"]["accessPolicies"]
        return {each["objectId"]: each["permissions"].get("keys", []) for each in found}

    def document(self) -> dict[str, Any]:
        """Return the workspace, as the sandbox keeps it."""
        found: dict[str, Any] = self.state.tenant.resource(self.profile.workspace.resource_id)["doc"]
        return found


Make = Callable[..., Ground]


@pytest.fixture
def ground(builder: ScenarioBuilder) -> Make:
    """Provide a finished workspace whose operator may change keys by default."""

    def make(
        variant: ProfileVariant = POLICIES, *, may: tuple[str, ...] = ("get", "update"), role: str = CRYPTO_OFFICER
    ) -> Ground:
        found = Ground(builder, builder.make(variant, FINISHED))
        if variant.authorization == "rbac":
            found.state.assign_role(found.profile.key_vault.resource_id, CLIENT_OBJECT_ID, role)
        else:
            found.state.add_access_policy(VAULT, CLIENT_OBJECT_ID, may)
        return found

    return make


def codes(plan: Plan, severity: Severity | None = None) -> list[str]:
    """Return the codes of the diagnostics of a plan and of its conflicts."""
    shown = [each.code for each in plan.diagnostics if severity in (None, each.severity)]
    return [*shown, *(each.code for each in plan.changes if each.action is Action.CONFLICT)]


def details(plan: Plan, code: str) -> str:
    """Return the details of all diagnostics with a code."""
    return "\n".join(each.detail for each in plan.diagnostics if each.code == code)


def ways_out(plan: Plan) -> str:
    """Return the ways out of all conflicts."""
    return "\n".join(way for each in plan.changes for way in each.ways_out)


# --- revoke -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", [POLICIES, ROLES], ids=["policies", "roles"])
def test_revoke_disables_the_version_in_use_and_writes_nothing_else(ground: Make, variant: ProfileVariant) -> None:
    """One write to the vault's own endpoint; the second run sends none."""
    at = ground(variant)

    first = at.apply(REVOKE)

    assert ([("PATCH", at.version()["version"])], False) == (first, at.enabled())
    again = at.plan(REVOKE)
    assert ([Action.NO_OP], True) == (
        [each.action for each in again.changes],
        "disabled already" in again.changes[0].reason,
    )


def test_the_version_is_that_of_the_workspace_and_not_the_latest(ground: Make) -> None:
    """A workspace keeps its version when the key gets a new one."""
    at = ground()
    used = at.version()["version"]
    at.state.add_key(VAULT, KEY)

    assert [("PATCH", used)] == at.apply(REVOKE)
    assert at.enabled()


def test_everything_that_stops_is_listed_and_what_keeps_its_access_is_named(ground: Make) -> None:
    """The workspace, what Azure manages for it, and whatever else uses this version; not who uses another version."""
    at = ground()
    vault, identifier = (
        at.profile.key_vault.resource_id,
        at.document()["properties"]["encryption"]["keyVaultProperties"],
    )
    key = identifier["keyIdentifier"]
    older = f"{key.rpartition('/')[0]}/{OTHER_VERSION}"
    put(at.state, workspace("mlw-same", key=key, vault=vault), workspace("mlw-older", key=older, vault=vault))
    put(at.state, storage("stshared", uri=f"https://{VAULT}.vault.azure.net/", key=KEY))

    plan = at.plan(REVOKE)

    stops = details(plan, "CMK620")
    wanted = [
        "mlw: workspace of this profile",
        "mlw-same: workspace in resource group rg-ml",
        "stshared: storage account",
    ]
    assert wanted == [one for one in wanted if one in stops]
    assert stops.startswith("mlw: ")
    assert stops.count(": Azure Cosmos DB account of workspace mlw. ") == stops.count(": AI Search service") == 1
    assert "mlw-older" not in stops
    assert "workspace mlw-older" in details(plan, "CMK621")
    outputs = REVOKE.outputs(at.profile, plan.known)["stopping"]
    assert isinstance(outputs, list)
    listed = [each.detail.partition(":")[0] for each in plan.diagnostics if each.code == "CMK620"]
    assert sorted(listed) == sorted(str(each).rpartition("/")[2] for each in outputs)


def test_what_could_not_be_seen_is_counted_and_reported(ground: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller with rights on one group only does not see the rest of the subscription."""
    at = ground()
    client = at.state.add_client("operator", "Contributor", at.profile.resource_group_id)
    for name, value in client.items():
        monkeypatch.setenv(name, value)
    at.state.add_access_policy(VAULT, _object_id(at, "operator"), ("get", "update"))

    plan = at.plan(REVOKE)

    assert "CMK622" in codes(plan, Severity.WARNING)
    assert "leaves out the rest" in details(plan, "CMK622")
    assert not plan.errored


def _object_id(at: Ground, name: str) -> str:
    principals = at.state.tenant.table("principals").items()
    return next(str(key) for key, row in principals if row["displayName"] == name)


@pytest.mark.parametrize(
    ("may", "words"),
    [((), "you may not read keys"), (("get", "list"), "you may read the key, and not update it")],
    ids=["none", "read"],
)
def test_missing_rights_on_keys_are_a_conflict_with_the_command_that_gives_them(
    ground: Make, may: tuple[str, ...], words: str
) -> None:
    """The command keeps what the caller has: it replaces the list of permissions."""
    at = ground(may=may)

    plan = at.plan(REVOKE)

    assert (["CMK623"], True) == (codes(plan, Severity.ERROR), words in plan.changes[0].reason)
    wanted = " ".join((*may, *(each for each in ("get", "update") if each not in may)))
    assert f"--object-id {CLIENT_OBJECT_ID} --key-permissions {wanted}" in ways_out(plan)
    assert "cmkctl revoke PROFILE --grant" in ways_out(plan)


def test_a_role_that_only_reads_keys_is_a_conflict(ground: Make) -> None:
    """Owner of the subscription is not enough, nor is a role that reads."""
    plan = ground(ROLES, role=READER_OF_KEYS).plan(REVOKE)

    assert ["CMK623"] == codes(plan, Severity.ERROR)
    assert "--role 'Key Vault Crypto Officer'" in ways_out(plan)


def test_a_firewall_is_a_conflict_with_the_network_as_the_reason(ground: Make) -> None:
    """Resource Manager cannot change a key version, so there is no way past the firewall."""
    at = ground()
    at.state.vault(VAULT)["doc"]["properties"]["networkAcls"] = {"defaultAction": "Deny", "bypass": "AzureServices"}

    plan = at.plan(REVOKE)

    assert (["CMK623"], True) == (codes(plan, Severity.ERROR), "firewall" in plan.changes[0].reason)
    assert "az keyvault network-rule add" in ways_out(plan)


def test_a_policy_of_someone_else_may_be_that_of_a_group_of_the_caller(ground: Make) -> None:
    """Azure does not show whether it is, so the plan goes on; the vault decides."""
    at = ground(may=("get",))
    at.state.add_access_policy(VAULT, FOREIGN[0], ("get", "update"))

    assert [] == codes(at.plan(REVOKE), Severity.ERROR)


# --- revoke --grant ---------------------------------------------------------------------------------------------------


def test_revoke_grant_takes_exactly_the_three_permissions_of_its_principals(ground: Make) -> None:
    """The policies of others, and a further permission of the same principal, stay as they are."""
    at = ground(IDENTITY)
    identity = at.state.resource(at.profile.workspace.key_identity_id)["properties"]["principalId"]
    for policy in at.state.vault(VAULT)["doc"]["properties"]["accessPolicies"]:
        if policy["objectId"] == COSMOS_DB_OBJECT_ID:
            policy["permissions"]["keys"].append("list")
    at.state.add_access_policy(VAULT, FOREIGN[0])
    before = at.policies()

    written = at.apply(REVOKE_GRANT)

    assert [("PUT", "remove")] * 2 == written
    kept = {name: words for name, words in before.items() if name != identity}
    assert {**kept, COSMOS_DB_OBJECT_ID: ["list"]} == at.policies()
    assert ([], True) == ([*at.plan(REVOKE_GRANT).pending], at.enabled())


def test_revoke_grant_deletes_the_role_assignment_and_names_who_shares_the_vault(ground: Make) -> None:
    """A role on the vault holds for all of its keys, and so for every workspace with one of them."""
    at = ground(ROLES)
    key = f"https://{VAULT}.vault.azure.net/keys/other/{OTHER_VERSION}"
    put(at.state, workspace("mlw-neighbour", key=key, vault=at.profile.key_vault.resource_id))

    plan = at.plan(REVOKE_GRANT)
    written = at.apply(REVOKE_GRANT)

    assert "mlw-neighbour: workspace" in details(plan, "CMK620")
    assert ([Action.DELETE], 1) == ([each.action for each in plan.changes], len(written))
    assert ("DELETE", False) == (written[0][0], at.plan(REVOKE_GRANT).errored)


def _inherited(at: Ground) -> None:
    at.apply(REVOKE_GRANT)
    at.state.assign_role(at.profile.resource_group_id)


def _wider(at: Ground) -> None:
    at.state.assign_role(at.profile.key_vault.resource_id, COSMOS_DB_OBJECT_ID, CRYPTO_OFFICER)


def _everything(at: Ground) -> None:
    for policy in at.state.vault(VAULT)["doc"]["properties"]["accessPolicies"]:
        if policy["objectId"] == COSMOS_DB_OBJECT_ID:
            policy["permissions"]["keys"] = ["all"]


@pytest.mark.parametrize(
    ("variant", "doing", "words"),
    [
        (ROLES, _inherited, f"inherited from /subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{GROUP}"),
        (ROLES, _wider, "allows more than the use of keys"),
        (POLICIES, _everything, "is `all`"),
        (ProfileVariant(service_side=True), None, "gives the workspace's identity its access by itself"),
    ],
    ids=["inherited", "wider", "all", "service-side"],
)
def test_access_that_reaches_further_is_not_taken_away(
    ground: Make, variant: ProfileVariant, doing: Callable[[Ground], None] | None, words: str
) -> None:
    """The conflict names its origin, and points to the key version."""
    at = ground(variant)
    if doing:
        doing(at)

    plan = at.plan(REVOKE_GRANT)

    assert ["CMK625"] == codes(plan, Severity.ERROR)
    assert words in "\n".join(each.reason for each in plan.changes)
    assert "cmkctl revoke PROFILE" in ways_out(plan)


def test_a_right_or_a_lock_that_is_in_the_way_is_met_beforehand(ground: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contributor may not delete role assignments, and a lock against deletions protects them; a policy is changed by a PUT."""
    locked = ground(ROLES)
    locked.state.add_lock(locked.profile.resource_group_id)
    locks = codes(locked.plan(REVOKE_GRANT), Severity.ERROR)
    by_policy = ground()
    by_policy.state.add_lock(by_policy.profile.resource_group_id)
    policies = codes(by_policy.plan(REVOKE_GRANT), Severity.ERROR)
    limited = ground(ROLES)
    for name, value in limited.state.add_client("operator", "Contributor").items():
        monkeypatch.setenv(name, value)

    refused = limited.plan(REVOKE_GRANT)

    assert (["CMK192"], [], ["CMK191"]) == (locks, policies, codes(refused, Severity.ERROR))
    assert "Microsoft.Authorization/roleAssignments/delete" in details(refused, "CMK191")
    assert "--part admin" not in "".join(each.remedy for each in refused.diagnostics)


# --- restore ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", [POLICIES, ROLES], ids=["policies", "roles"])
def test_restore_gives_the_grant_before_it_enables_the_key(ground: Make, variant: ProfileVariant) -> None:
    """While anything is missing, the access stays revoked as a whole. Afterwards the profile matches again."""
    at = ground(variant)
    at.apply(REVOKE)
    at.apply(REVOKE_GRANT)

    written = at.apply(RESTORE)

    grant, key = written
    assert ("PATCH", at.version()["version"]) == key
    assert ("PUT", True) == (grant[0], at.enabled())
    assert [] == [*at.plan(RESTORE).pending]
    assert [] == [*at.builder.client().plan(at.profile).pending]


def test_restore_waits_until_azure_cosmos_db_reports_access(ground: Make) -> None:
    """An hour after the revocation the account has noticed it, and it notices the return after a while."""
    at = ground()
    at.apply(REVOKE)
    at.state.advance("61m")
    at.state.tenant.pace = Pace.reads(2)
    try:
        plan = at.plan(RESTORE)
        waits = next(each for each in plan.changes if each.action is Action.WAIT)
        at.apply(RESTORE)
    finally:
        at.state.tenant.pace = Pace.none()

    assert "key is either disabled or expired" in waits.reason
    assert [Action.NO_OP] * 3 == [each.action for each in at.plan(RESTORE).changes]


def test_an_account_that_cannot_be_seen_is_a_note_and_no_wait(ground: Make) -> None:
    """Restore does what it can, and reports that the effect is not observed."""
    at = ground()
    at.apply(REVOKE)
    with at.state.arranging():
        table = at.state.tenant.table("resources")
        for each in [each for each in table if "/databaseaccounts/" in each]:
            del table[each]

    plan = at.plan(RESTORE)

    assert ("CMK628" in codes(plan, Severity.NOTE), 0) == (True, plan.count(Action.WAIT))


def test_other_disabled_versions_are_left_so_and_wrong_dates_are_reported(ground: Make) -> None:
    """Only the version in use is enabled; an expired one stays unusable."""
    at = ground()
    used = at.version()["version"]
    at.state.add_key(VAULT, KEY)
    at.state.set_key_attributes(VAULT, KEY, enabled=False)
    other = at.version()["version"]
    at.state.tenant.resource(at.profile.key.resource_id)["versions"][0]["attributes"].update(enabled=False, exp=1)

    plan = at.plan(RESTORE)

    assert used in plan.changes[1].name
    assert other in details(plan, "CMK626")
    assert "expired" in details(plan, "CMK627")
    assert [("PATCH", used)] == at.apply(RESTORE)


def test_a_deleted_vault_is_out_of_reach_already_and_points_to_recover(ground: Make) -> None:
    """There is nothing to disable, and nothing to enable before the vault is back."""
    at = ground()
    at.state.delete_vault(VAULT)

    assert "out of reach already" in at.plan(REVOKE).changes[0].reason
    plan = at.plan(RESTORE)
    assert ("CMK624" in codes(plan, Severity.ERROR), "cmkctl recover" in ways_out(plan)) == (True, True)


@pytest.mark.parametrize("procedure", [REVOKE, RESTORE], ids=["revoke", "restore"])
@pytest.mark.parametrize("change", ["absent", "not encrypted", "other vault"])
def test_a_workspace_without_a_key_of_the_vault_is_a_conflict(ground: Make, procedure: Any, change: str) -> None:
    """No key is touched that is not the one of this workspace."""
    at = ground()
    match change:
        case "absent":
            at.state.tenant.table("resources").pop(at.profile.workspace.resource_id.lower())
        case "not encrypted":
            at.document()["properties"].pop("encryption")
        case _:
            at.document()["properties"]["encryption"]["keyVaultProperties"]["keyVaultArmId"] += "x"

    assert "CMK624" in codes(at.plan(procedure), Severity.ERROR)


# --- time -------------------------------------------------------------------------------------------------------------


def test_an_hour_passes_before_the_services_notice_and_they_come_back_after_a_restoration(ground: Make) -> None:
    """The account's status, what is in the workspace, and the data of the managed storage account, by the sandbox's clock."""
    at = ground()

    def seen() -> tuple[str, int, int]:
        http = Http(at.builder.running)  # signed in anew: a token lasts an hour
        encryption = at.document()["properties"]["encryption"]
        account = http("GET", encryption["cosmosDbResourceId"], api="2024-11-15").json()["properties"]
        name = encryption["storageAccountResourceId"].rpartition("/")[2]
        blobs = http("GET", f"https://{name}.blob.core.windows.net/?restype=service&comp=properties", api="")
        listed = http("GET", f"{at.profile.workspace.resource_id}/computes", api="2025-06-01")
        return account["customerManagedKeyStatus"].partition(";")[0], listed.status_code, blobs.status_code

    confirmed = ("Access to the configured customer managed key confirmed.", 200, 200)
    assert confirmed == seen()
    at.apply(REVOKE)
    at.state.advance("59m")
    assert confirmed == seen()
    at.state.advance("2m")
    status, *others = seen()
    assert (True, [403, 403]) == (status.startswith("Access to your account is currently revoked"), others)
    at.apply(RESTORE)
    assert confirmed == seen()


def test_a_revocation_that_is_restored_within_the_hour_is_never_noticed(ground: Make) -> None:
    """The services still have the key in their cache, so restore has nothing to wait for."""
    at = ground(ROLES)
    at.apply(REVOKE_GRANT)
    at.state.advance("30m")

    plan = at.plan(RESTORE)
    at.apply(RESTORE)
    at.state.advance("2h")

    assert (0, [Action.NO_OP] * 3) == (plan.count(Action.WAIT), [each.action for each in at.plan(RESTORE).changes])


# --- the plan afterwards ----------------------------------------------------------------------------------------------


def test_plan_after_a_revocation_names_the_cause_and_points_to_restore(ground: Make) -> None:
    """A disabled key is a conflict, a missing grant a warning before apply gives it again."""
    at = ground()
    at.apply(REVOKE)

    disabled = at.builder.client().plan(at.profile)

    assert ("CMK224" in codes(disabled, Severity.ERROR), "cmkctl restore PROFILE" in ways_out(disabled)) == (True, True)
    at.apply(RESTORE)
    at.apply(REVOKE_GRANT)
    assert "CMK630" in codes(at.builder.client().plan(at.profile), Severity.WARNING)


# --- two people at once -----------------------------------------------------------------------------------------------


class _Beside(InterceptingTransport):
    """A transport with something that another person does just before the first write, or just after it."""

    def __init__(self, inner: Any, doing: Callable[[], None], *, after: bool) -> None:
        super().__init__(inner)
        self._doing, self._after, self._done = doing, after, False

    def before(self, request: Any) -> None:
        """Act before the write."""
        self._act(request, after=False)

    def after(self, request: Any) -> None:
        """Act after the write."""
        self._act(request, after=True)

    def _act(self, request: Any, *, after: bool) -> None:
        if request.method == "PATCH" and after is self._after and not self._done:
            self._done = True
            self._doing()


def _rotated(at: Ground) -> None:
    identifier = at.state.add_key(VAULT, KEY)
    at.document()["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"] = identifier


def test_a_rotation_after_the_plan_stops_a_revocation_before_it_writes(ground: Make) -> None:
    """The version that was shown is not the one in use any more."""
    at = ground()
    plan = at.plan(REVOKE)
    _rotated(at)

    with pytest.raises(RefusedError) as refused:
        at.client(REVOKE).apply(at.profile, plan)

    assert ["CMK402"] == [each.code for each in refused.value.diagnostics]
    assert [True, True] == [
        each["attributes"]["enabled"] for each in at.state.tenant.resource(at.profile.key.resource_id)["versions"]
    ]


def test_a_rotation_during_a_revocation_is_reported(ground: Make) -> None:
    """The old version is disabled and the workspace has a new one: revoke reports that it is still due."""
    at = ground()
    client = at.client(REVOKE, lambda inner: _Beside(inner, lambda: _rotated(at), after=True))

    with pytest.raises(CmkctlError) as failed:
        client.apply(at.profile)

    assert {"CMK401", "CMK402"} & {each.code for each in failed.value.diagnostics}
    assert [("PATCH", at.version()["version"])] == at.apply(REVOKE)


def test_a_restoration_during_a_revocation_is_reported(ground: Make) -> None:
    """The last one to write decides, and the other one does not claim success."""
    at = ground()
    client = at.client(
        REVOKE, lambda inner: _Beside(inner, lambda: at.state.set_key_attributes(VAULT, KEY, enabled=True), after=True)
    )

    with pytest.raises(CmkctlError) as failed:
        client.apply(at.profile)

    assert ["CMK401"] == [each.code for each in failed.value.diagnostics]


def test_an_operation_of_the_workspace_is_waited_for_first(ground: Make) -> None:
    """It may be a rotation, which changes the version in use."""
    at = ground()
    at.document()["properties"]["provisioningState"] = "Updating"

    plan = at.plan(REVOKE)

    wait, disable = plan.changes
    assert (Action.WAIT, Action.DISABLE) == (wait.action, disable.action)
    assert (wait.resource_id,) == disable.depends_on
    assert replace(disable, depends_on=()) != disable
