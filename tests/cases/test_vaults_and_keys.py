"""Vaults and keys as they are found in the field, against the sandbox: pinned, recovered, rotated, altered by a policy."""

from __future__ import annotations

from typing import Any

import pytest
from support.scenarios import ProfileVariant, ScenarioBuilder, World

from cmkctl.diagnostics import CmkctlError
from cmkctl.plan import Action, Plan
from cmkctl.profile.model import Profile
from cmkctl.sandbox import CLIENT_OBJECT_ID

pytestmark = pytest.mark.slow

CRYPTO_OFFICER = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"


def changed(profile: Profile, **sections: Any) -> Profile:
    """Return the profile with fields of its sections replaced."""
    document = profile.model_dump(exclude_defaults=True)
    for name, fields in sections.items():
        document[name] = {**document.get(name, {}), **fields}
    return Profile.model_validate(document)


def of(plan: Plan, step: str) -> list[tuple[Action, str]]:
    """Return the actions of a step, each with its reason or code."""
    return [(each.action, each.code or each.reason) for each in plan.of(step)]


def vault_of(builder: ScenarioBuilder, profile: Profile) -> dict[str, Any]:
    """Return the properties of the profile's vault."""
    return dict((builder.running.state.resource(profile.key_vault.resource_id) or {})["properties"])


def test_a_pinned_version_is_the_one_that_the_workspace_gets(builder: ScenarioBuilder) -> None:
    """The newer version stays unused, and the next plan has nothing to do."""
    profile = builder.make(ProfileVariant(), World("new"))
    state = builder.running.state
    vault = state.add_vault(profile.key_vault.resource_name, profile.resource_group)
    pinned = state.add_key(vault, profile.key.name).rpartition("/")[2]
    latest = state.add_key(vault, profile.key.name).rpartition("/")[2]

    builder.client().apply(changed(profile, key={"version": pinned.upper()}))

    encryption = (state.resource(profile.workspace.resource_id) or {})["properties"]["encryption"]
    assert pinned != latest
    assert encryption["keyVaultProperties"]["keyIdentifier"].endswith(f"/keys/{profile.key.name}/{pinned}")
    assert [] == list(builder.client().plan(changed(profile, key={"version": pinned})).pending)


def test_a_version_that_does_not_exist_is_known_before_the_first_write(builder: ScenarioBuilder) -> None:
    """CMK229, for a key that exists and for one that does not."""
    profile = changed(builder.make(ProfileVariant(), World("new")), key={"version": "0" * 32})
    absent = of(builder.client().plan(profile), "key")
    state = builder.running.state
    state.add_key(state.add_vault(profile.key_vault.resource_name, profile.resource_group), profile.key.name)

    assert [[(Action.CONFLICT, "CMK229")]] * 2 == [absent, of(builder.client().plan(profile), "key")]


@pytest.mark.parametrize("rbac", [False, True])
def test_a_deleted_vault_of_a_workspace_is_recovered_and_its_grants_are_made_anew(
    builder: ScenarioBuilder, rbac: bool
) -> None:
    """P08: keys and access policies return with the vault; role assignments do not."""
    wish = ProfileVariant(authorization="rbac" if rbac else "access-policy")
    profile = builder.make(wish, World("finished"))
    recovering = changed(profile, key_vault={"recover": True})
    builder.running.state.delete_vault(profile.key_vault.resource_name)

    refused = builder.client().plan(profile)
    plan = builder.client().plan(recovering)
    after = builder.client().apply(recovering)

    assert [(Action.CONFLICT, "CMK205")] == of(refused, "key_vault")
    assert not plan.errored
    assert ["recovering"] == [each.doing for each in plan.of("key_vault")]
    assert [Action.CREATE] == [each.action for each in plan.of("key_access")]
    assert [] == list(after.pending)
    assert rbac == bool(vault_of(builder, profile).get("enableRbacAuthorization"))


def test_nothing_is_recovered_where_nothing_was_deleted(builder: ScenarioBuilder) -> None:
    """The permission to recover is no reason to do so: a vault that never existed is created."""
    wanted = {"key_vault": {"recover": True}, "key": {"recover": True}}
    profile = changed(builder.make(ProfileVariant(), World("new")), **wanted)

    builder.client().apply(profile)

    assert [] == list(builder.client().plan(profile).pending)


def test_a_deleted_key_is_recovered_through_the_vault_with_the_rights_for_it(builder: ScenarioBuilder) -> None:
    """Without rights on keys the plan stops; with them the key returns with the identifier that the workspace has."""
    profile = builder.make(ProfileVariant(authorization="rbac"), World("finished"))
    recovering = changed(profile, key={"recover": True})
    state = builder.running.state
    vault = profile.key_vault.resource_id
    with state.tenant.lock:
        record = state.tenant.table("resources").pop(profile.key.resource_id.lower())
        dates = {"deletedDate": 1, "scheduledPurgeDate": int(state.tenant.clock()) + 10**6}
        state.vault(vault)["doc"]["systemData"]["createdAt"] = "2026-01-01T00:00:00Z"
        row = {"record": record, "countdown": state.tenant.begin("key.delete"), **dates}
        state.vault(vault).setdefault("deletedKeys", {})[profile.key.name.lower()] = row

    denied = of(builder.client().plan(recovering), "key")
    state.assign_role(vault, CLIENT_OBJECT_ID, CRYPTO_OFFICER)
    plan = builder.client().plan(recovering)
    after = builder.client().apply(recovering)

    assert [(Action.CONFLICT, "CMK220")] == denied
    assert ["recovered"] == [each.done for each in plan.of("key")]
    assert [] == list(after.pending)


def test_a_rotation_policy_is_brought_in_line_on_a_key_that_exists(builder: ScenarioBuilder) -> None:
    """Through the vault's own endpoint, where Owner is not enough and Key Vault Crypto Officer is."""
    profile = builder.make(ProfileVariant(authorization="rbac"), World("finished"))
    rotated = changed(profile, key={"rotation_policy": {"rotate_after": "P1Y", "expires_after": "P2Y"}})

    planned = of(builder.client().plan(rotated), "key")
    with pytest.raises(CmkctlError) as denied:
        builder.client().apply(rotated)
    builder.running.state.assign_role(profile.key_vault.resource_id, CLIENT_OBJECT_ID, CRYPTO_OFFICER)
    builder.client().apply(rotated)

    assert [(Action.UPDATE, "its rotation policy differs")] == planned
    assert "Forbidden" in denied.value.diagnostics[0].detail
    assert [Action.NO_OP] == [action for action, _ in of(builder.client().plan(rotated), "key")]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("properties.enableRbacAuthorization", True),
        ("properties.publicNetworkAccess", "Disabled"),
        ("properties.networkAcls", {"defaultAction": "Deny", "bypass": "None"}),
    ],
)
def test_a_vault_that_a_policy_altered_gets_no_key(builder: ScenarioBuilder, path: str, value: object) -> None:
    """A policy with the effect modify alters the vault while it is created: stop before key, grant and workspace."""
    profile = builder.make(ProfileVariant(), World("new"))
    state = builder.running.state
    state.add_modification("Microsoft.KeyVault/vaults", path, value)

    with pytest.raises(CmkctlError) as stopped:
        builder.client().apply(profile)

    assert "CMK247" in [each.code for each in stopped.value.diagnostics]
    assert state.resource(profile.key_vault.resource_id) is not None
    assert state.resource(profile.key.resource_id) is None
    assert state.resource(profile.workspace.resource_id) is None


def test_the_flags_of_a_vault_are_set_and_compared(builder: ScenarioBuilder) -> None:
    """For a new vault, and for one that someone changed."""
    flags = {"enabled_for_deployment": True, "enabled_for_disk_encryption": False}
    profile = changed(builder.make(ProfileVariant(), World("new")), key_vault=flags)
    builder.client().apply(profile)
    state = builder.running.state
    state.vault(profile.key_vault.resource_id)["doc"]["properties"]["enabledForDeployment"] = False

    drift = of(builder.client().plan(profile), "key_vault")
    builder.client().apply(profile)

    assert [(Action.UPDATE, "differs in enabledForDeployment")] == drift
    assert vault_of(builder, profile)["enabledForDeployment"] is True
