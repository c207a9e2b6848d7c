"""``cmkctl rotate``: from the version in use to the next one, on one finished workspace."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.rotation import HOST, OFFICER, Around, Rotations, actions, reasons, variant
from support.scenarios import KEY, VAULT, ScenarioBuilder, Stops, is_write

from cmkctl.clock import Interrupted
from cmkctl.diagnostics import CmkctlError, RefusedError
from cmkctl.plan import Action
from cmkctl.sandbox.core.constants import CLIENT_OBJECT_ID, COSMOS_DB_OBJECT_ID

_NO_OPTIONS: dict[str, str] = {}
QUESTIONS = ("/permissions", "/locks", "/databaseaccounts")
"""The ends of the paths that only rules and the view read, as in tests/bench/bench_apply.py."""


@pytest.fixture
def start(builder: ScenarioBuilder) -> Callable[..., Rotations]:
    """Start from a finished set-up."""

    def begin(*, rights: tuple[str, ...] | None = None, **more: Any) -> Rotations:
        return Rotations(builder, variant(**more), OFFICER if rights is None else rights)

    return begin


@pytest.fixture
def site(start: Callable[..., Rotations]) -> Rotations:
    """Provide the usual workspace: access policies, in-subscription."""
    return start()


# --- a new version ------------------------------------------------------------------------------------------------------


def test_a_rotation_makes_one_version_and_changes_the_key_identifier_alone(site: Rotations) -> None:
    """The old version stays enabled, the plan of the profile is all no-op, and a second run writes nothing."""
    before = site.in_use

    site.apply()

    patch = next(each for each in site.sent if each.method == "PATCH")
    assert {
        "properties": {"encryption": {"keyVaultProperties": {"keyIdentifier": f"{HOST}/keys/{KEY}/{site.newest}"}}}
    } == (patch.body)
    assert ("2025-06-01", site.newest, True) == (patch.api_version, site.in_use, site.newest != before)
    assert [True, True] == [each["attributes"]["enabled"] for each in site.versions]
    client = site.builder.client()
    assert [] == actions(client.plan(site.profile))
    site.apply()
    assert ["POST cmk/rotate", "PATCH workspaces/mlw"] == site.writes


def test_a_rotation_needs_twenty_requests_and_six_questions(site: Rotations) -> None:
    """The limit of tests/bench/bench_rotate.py, without the seconds."""
    site.apply()

    questions = [
        each
        for each in site.sent
        if each.path.lower().endswith(QUESTIONS) or (each.method == "GET" and ".vault." in each.host)
    ]
    assert (20, 6) == (len(site.sent) - len(questions), len(questions))


def test_a_newer_version_is_taken_and_none_is_made(site: Rotations) -> None:
    """The vault's own rotation made it, or an interrupted run."""
    newer = site.state.add_key(VAULT, KEY)
    site.state.advance("3d")

    site.apply()

    assert (["PATCH workspaces/mlw"], newer) == (site.writes, site.identifier)


def test_a_disabled_newer_version_is_left_alone(site: Rotations) -> None:
    """It cannot be used, so a new one is made."""
    disabled = site.state.add_key(VAULT, KEY, attributes={"enabled": False})

    site.apply()

    assert (3, False) == (len(site.versions), site.identifier == disabled)
    assert site.in_use == site.newest


def test_a_rotation_of_the_last_hour_counts_unless_another_one_is_requested(site: Rotations) -> None:
    """The reason names the option that makes another one, and after the hour none is needed."""
    site.apply()
    site.state.advance("50m")

    (reason,) = reasons(site.plan(), "key_version")
    site.apply(new_version="true")
    assert ("--again makes another one" in reason, 2) == (True, len(site.versions))
    site.apply(again="true")
    assert (3, site.newest) == (len(site.versions), site.in_use)
    site.state.advance("61m")
    site.apply()
    assert (4, site.newest) == (len(site.versions), site.in_use)


def test_a_saved_plan_that_is_applied_again_much_later_makes_no_second_version(site: Rotations) -> None:
    """A saved plan keeps its time: a version that was made since then is the one of that plan."""
    at = "2026-01-01T00:00:00+00:00"
    site.apply(at=at)
    site.state.advance("30d")

    assert [] == actions(site.plan(at=at))


# --- a given version, a given key -----------------------------------------------------------------------------------------


def test_a_given_version_is_taken(site: Rotations) -> None:
    """Also an older one; the version in use stays as it is."""
    first = site.in_use
    site.apply()

    site.apply(to_version=first)

    assert (first, 2) == (site.in_use, len(site.versions))


def _disabled(site: Rotations) -> str:
    return str(site.state.add_key(VAULT, KEY, attributes={"enabled": False})).rpartition("/")[2]


def _expired(site: Rotations) -> str:
    return str(site.state.add_key(VAULT, KEY, attributes={"exp": 1_600_000_000})).rpartition("/")[2]


@pytest.mark.parametrize(
    ("code", "version"),
    [("CMK229", lambda _site: "0" * 32), ("CMK224", _disabled), ("CMK225", _expired)],
    ids=["absent", "disabled", "expired"],
)
def test_a_given_version_that_cannot_be_used_is_refused(
    site: Rotations, code: str, version: Callable[[Rotations], str]
) -> None:
    """Nothing is written."""
    assert [code] == site.refused(to_version=version(site))


def test_another_key_of_the_vault_is_created_through_resource_manager(start: Callable[..., Rotations]) -> None:
    """No right on keys and no way through the firewall is needed; the profile then names the key, and plans all no-op."""
    site = start(rights=())
    with site.state.arranging():
        site.state.vault(VAULT)["doc"]["properties"]["networkAcls"] = {
            "defaultAction": "Deny",
            "bypass": "AzureServices",
        }

    plan = site.apply(key="cmk-2")

    assert ["PUT keys/cmk-2", "PATCH workspaces/mlw"] == site.writes
    assert f"{HOST}/keys/cmk-2/{site.versions_of('cmk-2')[0]['version']}" == site.identifier
    assert "CMK611" in [each.code for each in plan.diagnostics]
    site.with_profile(key={"name": "cmk-2"})
    assert [] == [each for each in actions(site.builder.client().plan(site.profile)) if each[0] != "key_vault"]


def test_a_key_with_grants_of_its_own_gets_the_grant_before_the_workspace_changes(
    start: Callable[..., Rotations],
) -> None:
    """Role assignments on the single key do not cover a second one."""
    site = start(authorization="rbac")
    site.with_profile(key_access={"scope": "key"})
    site.builder.client().apply(site.profile)
    site.state.tenant.data["assignments"] = {
        name: row
        for name, row in site.state.tenant.data["assignments"].items()
        if "/keys/" in row["doc"]["properties"]["scope"]
    }
    before = len(site.writes)

    site.apply(key="cmk-2")

    kinds = [each.partition(" ")[2].partition("/")[0] for each in site.writes[before:]]
    assert ["keys", "roleAssignments", "workspaces"] == kinds
    grants = [row["doc"]["properties"] for row in site.state.tenant.data["assignments"].values()]
    assert COSMOS_DB_OBJECT_ID in [each["principalId"] for each in grants if each["scope"].endswith("/keys/cmk-2")]


# --- what keeps the caller out --------------------------------------------------------------------------------------------


def _firewall(site: Rotations) -> None:
    site.state.vault(VAULT)["doc"]["properties"]["networkAcls"] = {"defaultAction": "Deny", "bypass": "AzureServices"}


def _no_public_access(site: Rotations) -> None:
    site.state.vault(VAULT)["doc"]["properties"]["publicNetworkAccess"] = "Disabled"


@pytest.mark.parametrize(
    ("more", "close", "way"),
    [
        ({}, _firewall, "run it from a network that the vault allows"),
        ({}, _no_public_access, "run it from a network that the vault allows"),
        ({"rights": ()}, lambda _site: None, f"--object-id {CLIENT_OBJECT_ID} --key-permissions get rotate"),
        ({"rights": ("get", "list")}, lambda _site: None, "--key-permissions get list rotate"),
        ({"authorization": "rbac"}, lambda _site: None, "--role 'Key Vault Crypto Officer'"),
    ],
    ids=["firewall", "no public access", "no policy", "policy without rotate", "no role"],
)
def test_who_cannot_make_a_version_is_refused_before_anything_is_written(
    start: Callable[..., Rotations], more: dict[str, Any], close: Callable[[Rotations], None], way: str
) -> None:
    """The remedy has the way in, and the way through Resource Manager."""
    site = start(**more)
    with site.state.arranging():
        close(site)

    plan = site.plan()

    (found,) = [each for each in plan.diagnostics if each.code == "CMK600"]
    assert (True, True, True) == (way in found.remedy, "--key NEWNAME" in found.remedy, plan.errored)
    assert ["CMK600"] == site.refused()


def test_the_way_in_of_the_remedy_works(start: Callable[..., Rotations]) -> None:
    """With the role of the remedy, the same command rotates."""
    site = start(authorization="rbac")
    site.state.assign_role(site.profile.key_vault.resource_id, CLIENT_OBJECT_ID, "14b46e9e-c2b7-41b4-b07b-48a6ebf60603")

    site.apply()

    assert site.newest == site.in_use


# --- what cannot be rotated -----------------------------------------------------------------------------------------------


def _elsewhere(site: Rotations) -> None:
    named = site.workspace["properties"]["encryption"]["keyVaultProperties"]
    named["keyVaultArmId"] = named["keyVaultArmId"].replace(VAULT, "kv-other")


def _deleted(site: Rotations) -> None:
    site.state.tenant.table("resources").pop(site.profile.workspace.resource_id.lower())


def _busy(site: Rotations) -> None:
    site.workspace["properties"]["provisioningState"] = "Updating"


def _failed_creation(site: Rotations) -> None:
    site.workspace["properties"]["provisioningState"] = "Failed"
    site.workspace["systemData"]["lastModifiedAt"] = site.workspace["systemData"]["createdAt"]


REFUSED: dict[str, tuple[str, Callable[[Rotations], object]]] = {
    "the key is in another vault": ("CMK253", _elsewhere),
    "the workspace has Microsoft's keys": ("CMK252", lambda site: site.workspace["properties"].pop("encryption")),
    "there is no workspace": ("CMK602", _deleted),
    "an operation is in progress": ("CMK602", _busy),
    "its creation failed": ("CMK602", _failed_creation),
    "the version in use is disabled": ("CMK604", lambda site: site.state.set_key_attributes(VAULT, KEY, enabled=False)),
    "the profile pins the version": ("CMK603", lambda site: site.with_profile(key={"version": site.in_use})),
}


@pytest.mark.parametrize(("code", "arrange"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_rotated_is_refused(site: Rotations, code: str, arrange: Callable[[Rotations], object]) -> None:
    """Each with its reason, before anything is written."""
    with site.state.arranging():
        arrange(site)

    assert [code] == site.refused()


@pytest.mark.parametrize("key", ["cmk-2", "cmk-3"], ids=["an existing key", "a new key"])
def test_a_disabled_version_in_use_stops_the_change_to_another_key(site: Rotations, key: str) -> None:
    """The services unwrap their data keys with it once more."""
    site.state.add_key(VAULT, "cmk-2", keyOps=["wrapKey", "unwrapKey"])
    site.state.set_key_attributes(VAULT, KEY, enabled=False)

    assert ["CMK604"] == site.refused(key=key)


def test_a_deleted_key_in_use_is_recovered_first(site: Rotations) -> None:
    """A new key of that name would be a different key."""
    site.state.tenant.table("resources").pop(site.profile.key.resource_id.lower())

    assert ["CMK604"] == site.refused()


def test_a_pinned_version_is_moved_in_the_profile_first(site: Rotations) -> None:
    """The refusal names the line; with it the same command rotates, and the plan is all no-op."""
    site.with_profile(key={"version": site.in_use})
    newer = site.state.add_key(VAULT, KEY).rpartition("/")[2]
    (conflict,) = [each for each in site.plan().changes if each.action is Action.CONFLICT]
    assert any(each.startswith(f"write key.version: {newer}") for each in conflict.ways_out)

    site.with_profile(key={"version": newer})
    site.apply()
    site.apply()

    assert ([newer], ["PATCH workspaces/mlw"]) == ([site.in_use], site.writes)
    assert [] == actions(site.builder.client().plan(site.profile))


def test_a_version_that_would_lack_the_dates_of_the_profile_is_refused(site: Rotations) -> None:
    """One that was made with its dates is taken, and the plan of the profile is all no-op."""
    site.with_profile(key={"expires": "2040-01-31"})

    assert ["CMK608"] == site.refused()
    (conflict,) = [each for each in site.plan().changes if each.action is Action.CONFLICT]
    assert "--expires 2040-01-31T00:00:00Z" in conflict.ways_out[0]
    site.state.add_key(VAULT, KEY, keyOps=["wrapKey", "unwrapKey"], attributes={"exp": 2211580800})
    site.apply()

    assert (["PATCH workspaces/mlw"], []) == (site.writes, actions(site.builder.client().plan(site.profile)))


# --- only when due --------------------------------------------------------------------------------------------------------


def _policy(site: Rotations, expires_in: int = 0, **trigger: str) -> None:
    if expires_in:
        _expires_in(site, expires_in)
    record = site.state.tenant.resource(site.profile.key.resource_id) or {}
    action = {"trigger": trigger, "action": {"type": "rotate"}}
    record["doc"]["properties"]["rotationPolicy"] = {"lifetimeActions": [action], "attributes": {"expiryTime": "P2Y"}}


def _expires_in(site: Rotations, days: int) -> None:
    site.state.set_key_attributes(VAULT, KEY, exp=int(site.state.tenant.clock()) + days * 86400)


DUE: dict[str, tuple[Callable[[Rotations], object], bool, str]] = {
    "nothing requires one": (lambda _site: None, False, "no rotation is due"),
    "the policy requires one later": (lambda site: _policy(site, timeAfterCreate="P7D"), False, "every 7 days"),
    "the policy requires one now": (lambda site: _policy(site, timeAfterCreate="P1D"), True, "every 1 days"),
    "it expires in a month": (lambda site: _expires_in(site, 29), True, "expires on"),
    "it expires in a year": (lambda site: _expires_in(site, 365), False, "expires on"),
    "the policy counts back from the expiry": (
        lambda site: _policy(site, expires_in=80, timeBeforeExpiry="P90D"),
        True,
        "expires on",
    ),
    "a newer version is there": (lambda site: site.state.add_key(VAULT, KEY), False, "is newer"),
}


@pytest.mark.parametrize(("arrange", "makes", "words"), DUE.values(), ids=DUE)
def test_a_rotation_when_due(site: Rotations, arrange: Callable[[Rotations], object], makes: bool, words: str) -> None:
    """The reason names what is due, or that nothing is."""
    with site.state.arranging():
        arrange(site)

    plan = site.plan(due="true")

    assert (makes, True) == (bool(plan.count(Action.CREATE)), words in reasons(plan, "key_version")[0])
    site.apply(due="true")
    assert [] == actions(site.plan(due="true"))


# --- interruptions and others at work ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", [1, 2])
def test_an_interrupted_rotation_continues_and_makes_no_second_version(site: Rotations, nth: int, sent: bool) -> None:
    """Whatever the write at which it stopped, the same command ends with one new version in use."""
    for options in _NO_OPTIONS, {"new_version": "true"}:
        before = len(site.versions)
        with pytest.raises(Interrupted):
            site.apply_through(_stopping_at(nth, sent=sent), **options)

        site.apply(**options)

        assert (before + 1, site.newest) == (len(site.versions), site.in_use)
        site.state.advance("2h")


def _stopping_at(nth: int, *, sent: bool) -> Around:
    return lambda inner: Stops(inner, lambda _request, count: count == nth, sent=sent)


def test_two_rotations_at_once_leave_one_consistent_state(site: Rotations) -> None:
    """One version or two; the workspace uses one that is enabled, and the same command settles the rest."""
    barrier = threading.Barrier(2, timeout=20)

    def rotate(_number: int) -> list[str]:
        barrier.wait()
        try:
            site.apply()
        except CmkctlError as error:
            return [each.code for each in error.diagnostics]
        return []

    with ThreadPoolExecutor(2) as pool:
        endings = list(pool.map(rotate, range(2)))
    site.apply()

    assert {"CMK401", "CMK402", "CMK602", "CMK307", "CMK308"} >= {code for each in endings for code in each}
    assert (True, site.newest) == (len(site.versions) in (2, 3), site.in_use)


class _DeletesTheWorkspace(Stops):
    """Deletes the workspace right before the second write."""

    site: Rotations

    def before(self, request: Any) -> None:
        if is_write(request.method, request.url) and "/rotate" in request.url:
            _deleted(self.site)


def test_a_workspace_that_is_deleted_meanwhile_is_refused(site: Rotations) -> None:
    """The version was made; the workspace is not written, and the message has the cause."""

    def around(inner: Any) -> Any:
        found = _DeletesTheWorkspace(inner, lambda _request, _count: False, sent=False)
        found.site = site
        return found

    with pytest.raises(RefusedError) as caught:
        site.apply_through(around)

    codes = [each.code for each in caught.value.diagnostics]
    assert (["CMK402", "CMK602"], ["POST cmk/rotate"]) == (codes, site.writes)


# --- service-side, proof ----------------------------------------------------------------------------------------------------


def test_service_side_encryption_is_rotated_with_a_warning(start: Callable[..., Rotations]) -> None:
    """Microsoft's pages contradict each other: it is tried, and read back."""
    site = start(service_side=True)

    assert "CMK605" in [each.code for each in site.plan().diagnostics]
    result = site.apply()

    assert site.newest == site.in_use
    assert "cannot be seen" in str(_services(result))


def test_the_services_behind_the_workspace_are_seen_to_follow(site: Rotations) -> None:
    """The Cosmos DB account shows the version before for a while."""
    before = site.in_use
    site.state.tenant.pace = site.state.tenant.pace.reads(1)
    try:
        behind, then = _services(site.apply()), _services(site.plan())
    finally:
        site.state.tenant.pace = site.state.tenant.pace.none()

    assert f"still uses version {before}" in behind
    assert f"uses version {site.in_use}. It reports: Access to the configured customer managed key confirmed." in then


def _services(plan: Any) -> str:
    from cmkctl.steps.key_followers import SERVICES_USE  # noqa: PLC0415 - one use

    return str(plan.known.get(SERVICES_USE))


# --- other uses of the key ---------------------------------------------------------------------------------------------------


def test_other_uses_are_listed_with_what_happens_to_them(site: Rotations) -> None:
    """Other workspaces are never changed; a storage account follows by itself unless it names a version."""
    from support.estate import put, storage, workspace  # noqa: PLC0415 - writes into the state

    first = site.identifier
    put(
        site.state,
        workspace("mlw-other", "rg-other", key=first, vault=site.profile.key_vault.resource_id),
        storage("stfollows", "rg-other", uri=f"{HOST}/", key=KEY),
        storage("stpinned", "rg-other", uri=f"{HOST}/", key=KEY, version=first.rpartition("/")[2]),
    )

    plan = site.plan()

    found = {each.name: each.reason for each in plan.of("key_followers")}
    version = first.rpartition("/")[2]
    assert "follows a new version by itself within 24 h" == found["stfollows"]
    assert found["stpinned"].startswith(f"not changed: it keeps version {version}; its owner changes it")
    assert f"not changed: it keeps version {version}; its owner changes it: cmkctl rotate" in found["mlw-other"]
    site.apply()
    assert ["POST cmk/rotate", "PATCH workspaces/mlw"] == site.writes


def test_an_account_of_the_profile_that_stays_at_a_version_is_changed_in_the_same_run(
    start: Callable[..., Rotations],
) -> None:
    """The account has the customer's key and someone pinned it; then it follows new versions again, and the profile matches."""
    site = start(user_identity=True)
    site.with_profile(associated_resources={"storage_account": {"name": "stml", "encryption": "customer"}})
    account = site.state.tenant.resource(site.profile.associated_resources.storage_account.resource_id) or {}
    identity = site.profile.workspace.key_identity_id
    site.state.add_access_policy(VAULT, _principal_of(site, str(identity)))
    account["doc"]["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}
    named = {"keyvaulturi": f"{HOST}/", "keyname": KEY, "keyversion": site.in_use}
    account["doc"]["properties"]["encryption"] |= {
        "keySource": "Microsoft.Keyvault",
        "keyvaultproperties": named,
        "identity": {"userAssignedIdentity": identity},
    }

    site.apply()

    assert ["PATCH storageAccounts/stml", "PATCH workspaces/mlw", "POST cmk/rotate"] == sorted(site.writes)
    key = account["doc"]["properties"]["encryption"]["keyvaultproperties"]
    assert ("", f"{HOST}/keys/{KEY}/{site.newest}") == (key["keyversion"], key["currentVersionedKeyIdentifier"])
    assert [] == actions(site.builder.client().plan(site.profile))


def _principal_of(site: Rotations, identity: str) -> str:
    return str((site.state.resource(identity) or {})["properties"]["principalId"])


def test_uses_that_could_not_be_seen_are_listed(site: Rotations) -> None:
    """An account that may not read the whole subscription sees less, and is shown that."""
    site.state.disown()
    group = f"/subscriptions/{site.profile.subscription}/resourceGroups/rg-ml"
    site.state.assign_role(group, CLIENT_OBJECT_ID, "b24988ac-6180-42a0-ab88-20f7382dd24c")
    site.state.assign_role(group, CLIENT_OBJECT_ID, "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9")

    found = [each for each in site.plan().diagnostics if each.code == "CMK622" and str(each.severity) == "warning"]

    assert found


# --- retiring ---------------------------------------------------------------------------------------------------------------


def test_old_versions_are_retired_after_a_day(site: Rotations) -> None:
    """Not before, since Azure Cosmos DB may use the version before for 24 hours; then the one in use stays alone."""
    site.apply()
    site.state.advance("23h")
    assert ["CMK606"] == site.refused(retire_old="true")
    site.state.advance("2h")

    plan = site.plan(retire_old="true")
    site.apply(retire_old="true")

    assert "CMK610" in [each.code for each in plan.diagnostics]
    assert [False, True] == [each["attributes"]["enabled"] for each in site.versions]
    assert [] == actions(site.plan(retire_old="true"))
    assert [] == actions(site.builder.client().plan(site.profile))


def test_an_old_version_that_something_names_is_kept(site: Rotations) -> None:
    """A storage account that names it would lose its data."""
    from support.estate import put, storage  # noqa: PLC0415 - writes into the state

    put(site.state, storage("stpinned", "rg-other", uri=f"{HOST}/", key=KEY, version=site.in_use))
    site.apply()
    site.state.advance("2d")

    (conflict,) = [each for each in site.plan(retire_old="true").changes if each.action is Action.CONFLICT]

    assert ("CMK607", True) == (conflict.code, conflict.reason.startswith("storage account stpinned uses version"))


def test_old_versions_are_kept_while_something_could_not_be_read(site: Rotations) -> None:
    """A document that was not read may name one."""
    site.apply()
    site.state.advance("2d")
    site.state.disown()
    group = f"/subscriptions/{site.profile.subscription}/resourceGroups/rg-ml"
    site.state.assign_role(group, CLIENT_OBJECT_ID, "b24988ac-6180-42a0-ab88-20f7382dd24c")

    assert "CMK607" in site.refused(retire_old="true")


def test_who_may_not_disable_a_version_is_refused_beforehand(start: Callable[..., Rotations]) -> None:
    """The permission update differs from rotate."""
    site = start(rights=("get", "rotate"))
    site.apply()
    site.state.advance("2d")

    assert ["CMK623"] == site.refused(retire_old="true")
