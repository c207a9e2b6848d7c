"""Identities that are made in the same run, their roles, hubs with projects and feature stores, against the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest
from support.scenarios import IDENTITY_ID, InterceptingTransport, ProfileVariant, ScenarioBuilder, World
from support.scripted import Answer, response_to

from cmkctl.plan import Action, Plan
from cmkctl.profile.model import Profile

pytestmark = pytest.mark.slow

REFUSED: Final = 2
BLOB_DATA: Final = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"


def changed(profile: Profile, *, projects: list[dict[str, Any]] | None = None, **workspace: Any) -> Profile:
    """Return the profile with other settings of the workspace, and with projects."""
    text = profile.model_dump(exclude_defaults=True)
    text["workspace"] = {**text["workspace"], **workspace}
    return Profile.model_validate({**text, **({"projects": projects} if projects is not None else {})})


def due(plan: Plan) -> list[tuple[Action, str]]:
    """Return what is left to do, by action and title."""
    return [(each.action, each.title) for each in plan.changes if each.action is not Action.NO_OP]


def codes(plan: Plan) -> set[str]:
    """Return the codes of conflicts and diagnostics."""
    return {each.code for each in plan.changes if each.code} | {each.code for each in plan.diagnostics}


def assignments(builder: ScenarioBuilder) -> Mapping[str, Any]:
    """Return the role assignments by id."""
    found: dict[str, Any] = builder.running.state.tenant.data["assignments"]
    return found


@pytest.mark.parametrize(
    ("authorization", "same_vault", "service_side"),
    [("rbac", False, False), ("access-policy", True, False), ("rbac", False, True)],
)
def test_an_identity_is_created_with_every_role_and_kept_so(
    builder: ScenarioBuilder, authorization: str, same_vault: bool, service_side: bool
) -> None:
    """Nothing is left after the run, and a role that is removed later is drift that the next run repairs."""
    wish = ProfileVariant(authorization=authorization, same_vault=same_vault, service_side=service_side)
    profile = changed(builder.make(wish, World("new")), identity={"create": "id-new"})
    builder.client().apply(profile)
    after = builder.client().plan(profile)
    blobs = next(name for name, row in assignments(builder).items() if BLOB_DATA in str(row))
    with builder.running.state.tenant.lock:
        del builder.running.state.tenant.data["assignments"][blobs]

    drifted = builder.client().plan(profile)
    repaired = builder.client().apply(profile)

    assert ([], False) == (due(after), after.errored)
    assert [Action.CREATE] == [action for action, title in due(drifted) if "Blob Data" in title]
    assert len(due(drifted)) == 1
    assert [] == list(repaired.pending)


class NotEverywhere(InterceptingTransport):
    """A transport behind which the first role assignments are answered as for a principal that Entra does not show yet."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.refused = 0

    def send(self, request: Any, **options: Any) -> Any:
        """Refuse the first two role assignments, and send everything else."""
        if request.method != "PUT" or "/roleassignments/" not in request.url.lower() or self.refused == REFUSED:
            return super().send(request, **options)
        self.refused += 1
        return response_to(
            request.method, request.url, Answer(400, {"error": {"code": "PrincipalNotFound", "message": "x"}})
        )


def test_a_new_principal_that_is_not_everywhere_yet_is_granted_again(builder: ScenarioBuilder) -> None:
    """Azure answers PrincipalNotFound (P33), and the assignment is sent again until it succeeds."""
    new = builder.make(ProfileVariant(authorization="rbac", service_side=True), World("new"))
    profile = changed(new, identity={"create": "id-new"})
    made: list[NotEverywhere] = []

    def around(inner: Any) -> NotEverywhere:
        made.append(NotEverywhere(inner))
        return made[-1]

    after = builder.client(around).apply(profile)

    assert ([], True) == (list(after.pending), any(each.refused for each in made))


def test_a_given_identity_without_roles_is_warned_of_and_gets_them_on_request(builder: ScenarioBuilder) -> None:
    """CMK108 names what is missing; its remedy, roles: assign, makes the next run succeed."""
    given = builder.make(ProfileVariant(user_identity=True), World("new"))
    with builder.running.state.tenant.lock:
        builder.running.state.tenant.data["assignments"].clear()
    warned = builder.client().plan(given)
    identity = {"system_assigned": False, "user_assigned": [IDENTITY_ID], "roles": "assign"}
    wanted = changed(given, identity=identity)

    after = builder.client().apply(wanted)

    (finding,) = [each for each in warned.diagnostics if each.code == "CMK108"]
    assert "Contributor on resource group rg-ml" in " ".join(finding.detail.split())
    assert [] == list(after.pending)
    assert "CMK108" not in codes(builder.client().plan(wanted))


def test_a_given_identity_with_its_roles_is_not_warned_of(builder: ScenarioBuilder) -> None:
    """The warning is about what is missing, not about every identity."""
    profile = builder.make(ProfileVariant(user_identity=True, authorization="access-policy"), World("new"))
    identity = builder.running.state.resource(IDENTITY_ID.replace("resourceGroups", "resourcegroups")) or {}
    scope = profile.workspace.resource_id.split("/resourceGroups/")[0]
    for role in (BLOB_DATA, "00482a5a-887f-4fb3-b363-3b7fe8e74483"):
        builder.running.state.assign_role(scope, identity["properties"]["principalId"], role)

    assert "CMK108" not in codes(builder.client().plan(profile))


def test_the_key_is_read_by_an_identity_beside_the_system_assigned_one(builder: ScenarioBuilder) -> None:
    """The workspace acts as itself; another reader cannot be chosen afterwards."""
    profile = changed(
        builder.make(ProfileVariant(authorization="rbac", service_side=False), World("new")),
        identity={"create": "id-key", "system_assigned": True},
        encryption_identity="id-key",
    )
    after = builder.client().apply(profile)
    found = builder.running.state.resource(profile.workspace.resource_id) or {}

    other = builder.client().plan(changed(profile, encryption_identity=None))

    assert [] == list(after.pending)
    assert found["properties"]["encryption"]["identity"]["userAssignedIdentity"] == profile.workspace.key_identity_id
    assert "primaryUserAssignedIdentity" not in found["properties"]
    assert "CMK257" in codes(other)


def test_a_hub_is_created_with_its_projects_which_are_compared(builder: ScenarioBuilder) -> None:
    """A project is added and changed by later runs; a hub keeps its kind."""
    hub = builder.make(ProfileVariant(), World("new"))
    one = changed(hub, kind="hub", projects=[{"name": "mlp-one"}])
    builder.client().apply(one)
    two = changed(one, projects=[{"name": "mlp-one", "friendly_name": "One"}, {"name": "mlp-two"}])

    planned = builder.client().plan(two)
    after = builder.client().apply(two)
    project = builder.running.state.resource(two.project_id(two.projects[1])) or {}

    assert [(Action.UPDATE, "project mlp-one"), (Action.CREATE, "project mlp-two")] == due(planned)
    assert [] == list(after.pending)
    assert ("Project", two.workspace.resource_id) == (project["kind"], project["properties"]["hubResourceId"])
    assert "encryption" not in project["properties"]
    assert "CMK286" in codes(builder.client().plan(hub))


def test_a_feature_store_follows_its_settings(builder: ScenarioBuilder) -> None:
    """The store's settings are changed in place, and what the profile leaves out is kept."""
    store = changed(
        builder.make(ProfileVariant(), World("new")), kind="feature-store", feature_store={"spark_version": "3.3"}
    )
    builder.client().apply(store)
    later = changed(store, feature_store={"online_store_connection": "online"}, v1_legacy_mode=True)

    after = builder.client().apply(later)
    found = builder.running.state.resource(store.workspace.resource_id) or {}

    assert [] == list(after.pending)
    assert {
        "computeRuntime": {"sparkRuntimeVersion": "3.3"},
        "onlineStoreConnectionName": "online",
    } == found["properties"]["featureStoreSettings"]
    assert "CMK287" in codes(builder.client().plan(changed(later, v1_legacy_mode=False)))


def test_a_further_identity_is_a_conflict_whose_way_out_works(builder: ScenarioBuilder) -> None:
    """Following the conflict's remedy makes the next plan all no-op."""
    profile = builder.make(ProfileVariant(user_identity=True), World("finished"))
    other = builder.running.state.add_identity("id-other", "rg-people")
    document = builder.running.state.tenant.data["resources"][profile.workspace.resource_id.lower()]["doc"]
    document["identity"]["userAssignedIdentities"][other] = {}

    conflict = next(each for each in builder.client().plan(profile).changes if each.code == "CMK259")
    listed = list(document["identity"]["userAssignedIdentities"])
    acting = document["properties"]["primaryUserAssignedIdentity"]
    written = {"system_assigned": False, "user_assigned": listed, "primary": acting}

    assert other in conflict.reason
    assert f"user_assigned: [{', '.join(listed)}], primary: {acting}" in "; ".join(conflict.ways_out)
    assert [] == due(builder.client().plan(changed(profile, identity=written)))
