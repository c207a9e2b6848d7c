"""A survey: what belongs to a workspace is found without a list, each thing at its newest, and what is unseen is counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

import pytest
from azure.core.pipeline.transport import HttpTransport
from support.estate import SUBSCRIPTION, VERSION, document, estate, put, registry, storage, workspace
from support.round_trips import RoundTrips
from support.sandbox import Client
from support.scenarios import ScenarioBuilder
from support.surveys import PROFILE, by_name, survey_in

from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import Failure, FailureKind
from cmkctl.azure.snapshot import Snapshot
from cmkctl.posture import Assessment, Seen, State, Verdict
from cmkctl.procedures.posture import survey
from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.survey.keys import MANY
from cmkctl.survey.scope import FEW, SOME, Scope

DEEPEST: Final = 4
URI: Final = "https://kv-cmk.vault.azure.net/"
KEY: Final = f"{URI}keys/cmk"
ACCOUNT: Final = storage("stml", uri=URI)
IMAGES: Final = registry("crml", "rg-images", key=KEY)
VAULT: Final = f"{SUBSCRIPTION}/resourceGroups/rg-keys/providers/Microsoft.KeyVault/vaults/kv-cmk"
ESTATE: Final = workspace(
    "mlw",
    key=f"{KEY}/{VERSION}",
    vault=VAULT,
    properties={"storageAccount": ACCOUNT["id"], "containerRegistry": IMAGES["id"]},
)
ONE: Final = Scope((SUBSCRIPTION_ID,), (ESTATE["id"],))
WHOLE: Final = Scope((SUBSCRIPTION_ID,))


@pytest.fixture
def azure(builder: ScenarioBuilder) -> Iterator[ScenarioBuilder]:
    """Empty the sandbox."""
    builder.running.reset()
    yield builder
    builder.running.state.clear_faults()
    builder.running.state.renew_graph()


def sent(azure: ScenarioBuilder, before: int) -> list[str]:
    """Return the requests to Resource Manager since a moment: the last part of each path."""
    return [each.path.rpartition("/")[2] for each in azure.running.requests[before:] if each.service == "arm"]


def test_resources_in_other_groups_are_found_by_what_the_workspace_names(azure: ScenarioBuilder) -> None:
    """Beside them the account of another workspace in the same group is not shown."""
    put(azure.running.state, ESTATE, ACCOUNT, IMAGES, storage("other"))

    found = by_name(survey_in(azure, ONE))

    assert {"mlw": "customer", "stml": "mixed", "crml": "customer"}.items() <= verdicts(found).items()
    assert "other" not in found
    assert [("mlw", "container registry")] == [
        (each.workspace_id.rpartition("/")[2], each.relation) for each in found["crml"].belongs
    ]


def verdicts(found: dict[str, Assessment]) -> dict[str, str]:
    """Return the verdicts by the names of the resources."""
    return {name: each.posture.verdict.value for name, each in found.items()}


def test_around_a_workspace_a_get_decides_and_not_a_row(azure: ScenarioBuilder) -> None:
    """The row of the account still has Microsoft's key."""
    put(azure.running.state, ESTATE, storage("stml"), IMAGES)
    azure.running.state.freeze_graph()
    put(azure.running.state, ACCOUNT)

    found = by_name(survey_in(azure, ONE))

    assert (Verdict.MIXED, Seen.GET) == (found["stml"].posture.verdict, found["stml"].seen)


def test_a_resource_without_a_row_is_found_by_its_id(azure: ScenarioBuilder) -> None:
    """Resource Graph has not seen the new registry yet."""
    put(azure.running.state, ESTATE, ACCOUNT, IMAGES)
    azure.running.state.add_fault("graph-lag@/crml")

    assert "customer" == verdicts(by_name(survey_in(azure, ONE)))["crml"]


def test_a_reference_that_leads_nowhere_is_not_visible(azure: ScenarioBuilder) -> None:
    """It is shown, with its relation to the workspace."""
    put(azure.running.state, ESTATE, ACCOUNT)

    found = by_name(survey_in(azure, ONE))

    assert Verdict.NOT_VISIBLE is found["crml"].posture.verdict
    assert "there is no such resource" in found["crml"].posture.reason


def test_a_workspace_that_does_not_exist_is_not_visible(azure: ScenarioBuilder) -> None:
    """Nothing else is shown then."""
    put(azure.running.state, ACCOUNT)

    assert {"mlw": "not-visible"} == verdicts(by_name(survey_in(azure, ONE)))


def test_a_managed_group_in_which_nothing_is_visible_is_shown_as_such(azure: ScenarioBuilder) -> None:
    """The report names the group, so that its contents are not overlooked."""
    group = f"{SUBSCRIPTION}/resourceGroups/azureml-rg-mlw"
    put(azure.running.state, workspace("mlw", key=KEY, properties={"serviceProvisionedResourceGroup": group}))

    found = by_name(survey_in(azure, ONE))

    assert Verdict.NOT_VISIBLE is found["azureml-rg-mlw"].posture.verdict


def test_a_host_name_leads_to_its_resource_in_another_group(azure: ScenarioBuilder) -> None:
    """A connection names a blob endpoint. One outside Azure is shown as not visible, with its host."""
    put(azure.running.state, workspace("mlw"), storage("stelsewhere", "rg-data"))
    for name, target in (
        ("one", "https://stelsewhere.blob.core.windows.net/c"),
        ("two", "https://models.example.com"),
        ("three", "https://sthidden.blob.core.windows.net/c"),
        ("four", "https://pghidden.postgres.database.usgovcloudapi.net"),
    ):
        connect(azure, name, target)

    found = by_name(survey_in(azure, ONE))

    assert "microsoft" == verdicts(found)["stelsewhere"]
    assert Verdict.NOT_VISIBLE is found["models.example.com"].posture.verdict
    assert "may be outside Azure" in found["models.example.com"].posture.reason
    assert ["", "storage_accounts", "postgresql_servers"] == [
        found[name].name_of_service
        for name in (
            "models.example.com",
            "sthidden.blob.core.windows.net",
            "pghidden.postgres.database.usgovcloudapi.net",
        )
    ], "what is expected of a service is expected of a hidden resource as well, which its host gives away"


def connect(azure: ScenarioBuilder, name: str, target: str) -> None:
    """Add a connection to the workspace."""
    body = {"category": "AzureBlob", "target": target, "authType": "None"}
    azure.running.state.register_provider()
    path = f"{ESTATE['id']}/connections/{name}?api-version=2025-06-01"
    assert 200 == Client(azure.running)("PUT", path, {"properties": body}).status_code


def test_a_disabled_key_makes_the_workspace_unusable_and_a_newer_version_is_shown(azure: ScenarioBuilder) -> None:
    """Azure Machine Learning itself shows neither."""
    state = azure.running.state
    state.add_vault("kv-cmk", "rg-keys")
    first = state.add_key("kv-cmk", "cmk")
    put(
        state,
        workspace("mlw", key=first, vault=ESTATE["properties"]["encryption"]["keyVaultProperties"]["keyVaultArmId"]),
    )

    usable = by_name(survey_in(azure, ONE))["mlw"]
    second = state.add_key("kv-cmk", "cmk")
    behind = by_name(survey_in(azure, ONE))["mlw"]
    state.set_key_attributes("kv-cmk", "cmk", enabled=False)
    pinned = by_name(survey_in(azure, ONE))["mlw"]

    assert (Verdict.CUSTOMER, False) == (usable.posture.verdict, usable.newer_version)
    assert usable.key is not None
    assert first.endswith(usable.key.newest)
    assert behind.newer_version
    assert behind.key is not None
    assert second.endswith(behind.key.newest)
    assert Verdict.CUSTOMER is pinned.posture.verdict, "the newest version is disabled, and not the one in use"
    assert pinned.version is not None
    assert (True, True) == (pinned.version.enabled, first.endswith(pinned.version.version))


def test_a_resource_is_judged_by_the_version_that_it_uses(azure: ScenarioBuilder) -> None:
    """The workspace is pinned to a version that is disabled and has expired; the account follows the newest, which is neither."""
    state = azure.running.state
    vault = state.add_vault("kv-cmk", "rg-keys")
    first = state.add_key("kv-cmk", "cmk")
    state.set_key_attributes("kv-cmk", "cmk", enabled=False, exp=1)
    state.add_key("kv-cmk", "cmk")
    put(state, workspace("mlw", key=first, vault=vault, properties={"storageAccount": ACCOUNT["id"]}), ACCOUNT)

    found = by_name(survey_in(azure, ONE))

    pinned, follows = found["mlw"], found["stml"]
    assert (Verdict.CUSTOMER_UNUSABLE, Verdict.MIXED) == (pinned.posture.verdict, follows.posture.verdict)
    assert f"version {first[-32:]} of the key is disabled" in pinned.posture.reason
    shown = pinned.posture.evidence[-1]
    assert (f"{vault}/keys/cmk/versions/{first[-32:]}", "properties.attributes.enabled", False) == (
        shown.resource_id,
        shown.path,
        shown.value,
    )
    assert pinned.version is not None
    assert pinned.version.expires == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert follows.version is not None
    assert (True, None) == (follows.version.enabled, follows.version.expires)


def test_a_version_that_its_vault_lacks_is_not_taken_for_a_good_sign(azure: ScenarioBuilder) -> None:
    """The key was deleted and made anew, for example."""
    vault = azure.running.state.add_vault("kv-cmk", "rg-keys")
    azure.running.state.add_key("kv-cmk", "cmk")
    put(azure.running.state, workspace("mlw", key=f"{KEY}/{VERSION}", vault=vault))

    whole = survey_in(azure, ONE)
    found = by_name(whole)["mlw"].posture

    assert Verdict.CUSTOMER is found.verdict, "the workspace still names a key of the customer's"
    assert f"its vault shows no version {VERSION} of the key" in found.reason
    assert [f"{vault}/keys/cmk/versions/{VERSION}"] == [each.resource_id for each in whole.unseen]


@pytest.mark.parametrize("deep", [None, True])
def test_older_versions_of_many_workspaces_are_read_up_to_a_number(azure: ScenarioBuilder, deep: bool | None) -> None:
    """The newest comes with its key and costs no read of its own. The report states what is left unread."""
    state = azure.running.state
    vault = state.add_vault("kv-cmk", "rg-keys")
    made = [state.add_key("kv-cmk", "cmk") for _ in range(MANY + 2)]
    put(state, *(workspace(f"mlw-{each}", key=key, vault=vault) for each, key in enumerate(made)))
    before = len(azure.running.requests)

    few = survey_in(azure, Scope((SUBSCRIPTION_ID,), deep=deep))

    read = [each for each in sent(azure, before) if len(each) == len(VERSION)]
    sentence = f"The states of {MANY + 1} older versions"
    if deep:
        assert len(made) == len(read)
        assert () == few.left_out
    else:
        assert [] == read
        assert [True] == [each.startswith(sentence) for each in few.left_out if "versions" in each]
        put(state, workspace("mlw-0", key=made[-1], vault=vault))
        before = len(azure.running.requests)
        assert [] == [each for each in survey_in(azure, WHOLE).left_out if "versions" in each]
        assert sorted(each[-32:] for each in made[1:-1]) == sorted(
            each for each in sent(azure, before) if len(each) == len(VERSION)
        )


def test_a_project_shares_the_fate_of_the_key_of_its_hub(azure: ScenarioBuilder) -> None:
    """Else an expectation of the customer's key would count as met."""
    state = azure.running.state
    vault, key = state.add_vault("kv-cmk", "rg-keys"), state.add_key("kv-cmk", "cmk")
    state.set_key_attributes("kv-cmk", "cmk", enabled=False)
    hub = workspace("hub", key=key, vault=vault, kind="Hub")
    put(state, hub, workspace("mlw", kind="Project", properties={"hubResourceId": hub["id"]}))

    found = by_name(survey_in(azure, ONE))["mlw"].posture

    assert (Verdict.INHERITED, Verdict.CUSTOMER_UNUSABLE) == (found.verdict, found.source)


def test_a_reader_of_one_group_learns_what_can_be_missing(
    azure: ScenarioBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry in another group is not visible. The subscription is named as unseen, and so is the key in a third group."""
    put(azure.running.state, ESTATE, ACCOUNT, IMAGES)
    scope = ESTATE["id"].partition("/providers/")[0]
    for name, value in azure.running.state.add_client("reader", "Reader", scope).items():
        monkeypatch.setenv(name, value)

    found = survey_in(azure, ONE)

    assert {"stml": "mixed", "crml": "not-visible"}.items() <= verdicts(by_name(found)).items()
    assert "you may not read it" in by_name(found)["crml"].posture.reason
    assert [SUBSCRIPTION, f"{VAULT}/keys/cmk"] == [each.resource_id for each in found.unseen]


def test_a_subscription_shows_also_what_belongs_to_no_workspace(azure: ScenarioBuilder) -> None:
    """Each thing once, with all its ties."""
    other = workspace("other", properties={"storageAccount": ACCOUNT["id"]})
    put(azure.running.state, ESTATE, other, ACCOUNT, IMAGES, storage("alone"))

    found = survey_in(azure, WHOLE)

    assert (ESTATE["id"], other["id"]) == found.workspaces
    assert () == by_name(found)["alone"].belongs
    assert ["mlw", "other"] == sorted(each.workspace_id.rpartition("/")[2] for each in by_name(found)["stml"].belongs)
    assert len(found.assessments) == len(by_name(found))


def test_a_resource_group_shows_what_is_in_it_and_around_its_workspaces(azure: ScenarioBuilder) -> None:
    """The registry of its workspace lies elsewhere; the account beside it belongs to no workspace of the group."""
    put(azure.running.state, ESTATE, ACCOUNT, IMAGES, storage("alone"), storage("far", "rg-images"))

    found = by_name(survey_in(azure, Scope((SUBSCRIPTION_ID,), resource_group=f"{SUBSCRIPTION}/resourceGroups/RG-ML")))

    assert {"mlw", "stml", "crml", "alone"} <= found.keys()
    assert "far" not in found


def test_many_workspaces_are_read_from_rows_alone(azure: ScenarioBuilder) -> None:
    """The report states what is left unread."""
    put(azure.running.state, *estate(FEW + 1))
    before = len(azure.running.requests)

    found = survey_in(azure, WHOLE)

    assert ["permissions", "resources"] == sorted(set(sent(azure, before)) - {"cmk"})
    assert ["computes, datastores", "--deep"] == [
        each for each in ("computes, datastores", "--deep") if each in found.left_out[0]
    ]
    assert {Seen.GRAPH} == {each.seen for each in found.assessments}
    assert FEW + 1 == len(found.workspaces)
    assert {"stml"} != {each.name for each in found.assessments}


def test_deep_reads_everything_of_many_workspaces(azure: ScenarioBuilder) -> None:
    """Nothing is left out then."""
    put(azure.running.state, *estate(FEW + 1))

    found = survey_in(azure, Scope((SUBSCRIPTION_ID,), deep=True))

    assert () == found.left_out
    assert {Seen.GET} == {each.seen for each in found.assessments if each.belongs and each.name_of_service}


def test_of_many_resources_those_that_belong_to_no_workspace_are_left_to_their_rows(azure: ScenarioBuilder) -> None:
    """Of few, everything is read; the number of those that were left is stated."""
    put(azure.running.state, ESTATE, ACCOUNT, IMAGES, *(registry(f"cr{number}") for number in range(SOME)))

    many = survey_in(azure, WHOLE)
    few = survey_in(azure, Scope((SUBSCRIPTION_ID,), resource_group=f"{SUBSCRIPTION}/resourceGroups/rg-images"))

    assert {Seen.GET: {"mlw", "stml", "crml"}, Seen.GRAPH: {f"cr{number}" for number in range(SOME)}} == {
        seen: {each.name for each in many.assessments if each.seen is seen and each.name != "kv-cmk"} for seen in Seen
    }
    assert many.left_out[0].startswith(f"Of {SOME} resources")
    assert (Seen.GET, ()) == (by_name(few)["crml"].seen, few.left_out)


def test_a_sql_server_is_read_although_many_are_not(azure: ScenarioBuilder) -> None:
    """No row shows the protector."""
    put(azure.running.state, *estate(FEW + 1))
    azure.running.state.add_sql_server("sql-data", "rg-ml")

    assert Verdict.MICROSOFT is by_name(survey_in(azure, WHOLE))["sql-data"].posture.verdict


def test_a_survey_of_one_workspace_is_at_most_four_round_trips_deep(azure: ScenarioBuilder) -> None:
    """The first two are the sign-in: the token endpoint, and the token. Then come the workspace and what is around it.

    The deployments of its endpoints, and the version of the key that it uses, are among the latter.
    """
    state = azure.running.state
    vault = state.add_vault("kv-cmk", "rg-ml")
    logs = document("Microsoft.OperationalInsights/workspaces", "log-ml")
    insights = document("Microsoft.Insights/components", "appi-ml", properties={"WorkspaceResourceId": logs["id"]})
    own = {"storageAccount": ACCOUNT["id"], "keyVault": vault, "applicationInsights": insights["id"]}
    older, key = state.add_key("kv-cmk", "cmk"), state.add_key("kv-cmk", "cmk")
    put(state, workspace("mlw", key=older, vault=vault, properties=own), ACCOUNT, logs, insights)
    deploy(azure, ESTATE["id"])
    made: list[RoundTrips] = []

    def between(inner: HttpTransport[Any, Any]) -> RoundTrips:
        made.append(RoundTrips(inner))
        return made[0]

    found = by_name(survey_in(azure, ONE, between))

    assert {"mlw", "stml", "kv-cmk", "appi-ml", "log-ml", "score", "blue"} == found.keys()
    assert found["mlw"].key is not None
    assert key.endswith(found["mlw"].key.newest)
    assert [older[-32:]] == [each.version for each in found["mlw"].key.older if each.enabled]
    assert 2 < made[0].depth <= DEEPEST


def deploy(azure: ScenarioBuilder, above: str) -> None:
    """Add an online endpoint with a deployment to a workspace, by its ARM id."""
    azure.running.state.register_provider()
    for path, properties in (
        ("onlineEndpoints/score", {"authMode": "Key"}),
        ("onlineEndpoints/score/deployments/blue", {"endpointComputeType": "Managed"}),
    ):
        answer = Client(azure.running)("PUT", f"{above}/{path}", {"location": "eastus2", "properties": properties})
        assert 201 == answer.status_code, answer.text


def test_deployments_of_many_workspaces_are_left_unread(azure: ScenarioBuilder) -> None:
    """The endpoint has a row, and the report states that its deployments are missing."""
    put(azure.running.state, *estate(FEW + 1), ESTATE)
    deploy(azure, ESTATE["id"])

    found = survey_in(azure, WHOLE)

    assert "score" in by_name(found)
    assert "blue" not in by_name(found)
    assert "endpoints and their deployments were left unread" in found.left_out[0]


def test_the_key_of_an_account_that_belongs_to_no_workspace_is_read_as_well(azure: ScenarioBuilder) -> None:
    """Its vault is found by the URI in its row."""
    key = azure.running.state.add_vault("kv-cmk", "rg-keys") and azure.running.state.add_key("kv-cmk", "cmk")
    put(azure.running.state, storage("alone", uri=URI))

    found = by_name(survey_in(azure, WHOLE))["alone"].key

    assert found is not None
    assert key.endswith(found.newest)


def test_a_key_is_read_in_the_subscription_of_its_vault(azure: ScenarioBuilder) -> None:
    """A workspace can have its key in another subscription, where central vaults are kept."""
    far = VAULT.replace(SUBSCRIPTION_ID, azure.running.state.add_subscription("c0ffee00-0000-4000-8000-000000000009"))
    put(azure.running.state, workspace("mlw", key=f"{KEY}/{VERSION}", vault=far))

    found = survey_in(azure, ONE)

    assert f"{far}/keys/cmk".lower() in [each.path.lower() for each in azure.running.requests]
    assert far in [each.resource_id for each in found.assessments]


@pytest.mark.parametrize("deep", [True, False], ids=["by GETs", "by rows"])
def test_a_slash_at_the_end_of_an_id_is_not_part_of_a_name(azure: ScenarioBuilder, *, deep: bool) -> None:
    """Portals and templates add one. It is the same hub, and the same disk encryption set."""
    hub = workspace("hub", key=f"{KEY}/{VERSION}", vault=VAULT, kind="Hub")
    project = workspace("project", kind="Project", properties={"hubResourceId": f"{hub['id']}/"})
    keys = document(
        "Microsoft.Compute/diskEncryptionSets", "des", properties={"activeKey": {"keyUrl": f"{KEY}/{VERSION}"}}
    )
    named = {"diskEncryptionSetID": f"{keys['id']}/"}
    cluster = document("Microsoft.ContainerService/managedClusters", "aks", properties=named)
    put(azure.running.state, hub, project, keys, cluster)

    found = by_name(survey_in(azure, Scope((SUBSCRIPTION_ID,), deep=deep)))

    assert {"hub", "project", "des", "aks", "kv-cmk"} == found.keys()
    assert Verdict.CUSTOMER is found["project"].posture.source
    assert "hub hub:" in found["project"].posture.reason
    assert (KEY, VERSION) == (found["aks"].posture.key, found["aks"].posture.key_version)
    assert found["aks"].posture.reason.endswith("disk encryption set des")


def test_a_type_that_cmkctl_does_not_know_is_not_knowable(azure: ScenarioBuilder) -> None:
    """A compute can be a virtual machine, for example."""
    machine = document("Microsoft.Compute/virtualMachines", "vm-ml")
    rule = {"type": "PrivateEndpoint", "destination": {"serviceResourceId": machine["id"], "subresourceTarget": "x"}}
    put(azure.running.state, workspace("mlw", properties={"managedNetwork": {"outboundRules": {"vm": rule}}}), machine)

    assert "not-knowable" == verdicts(by_name(survey_in(azure, ONE)))["vm-ml"]


def test_a_member_of_an_unexpected_form_hides_nothing_of_the_others(azure: ScenarioBuilder) -> None:
    """Steps reject such a vault, because they write to it. A survey shows what it can, and the value."""
    odd = document("Microsoft.KeyVault/vaults", "kv-odd", properties={"enableSoftDelete": "true", "sku": {"name": 3}})
    put(azure.running.state, workspace("mlw", properties={"keyVault": odd["id"]}), odd)

    found = by_name(survey_in(azure, ONE))

    assert {"mlw": "microsoft", "kv-odd": "not-choosable"} == verdicts(found)
    shown = next(each for each in found["kv-odd"].aspects if each.topic == "soft-delete")
    assert (State.NOT_KNOWABLE, "true") == (shown.state, shown.evidence[0].value)


@dataclass
class Garbled:
    """A snapshot to which Azure answers a read of one resource with something that is no document."""

    snapshot: Snapshot
    name: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.snapshot, name)

    def document(self, path: str, version: str, schema: Any) -> Any:
        """Fail as for a page of a proxy, or read the document."""
        if path.endswith(self.name):
            raise AzureFailed(Failure(FailureKind.UNREADABLE, "", "Unexpected response."))
        return self.snapshot.document(path, version, schema)


def test_a_response_that_is_no_document_shows_nothing_and_does_not_end_a_survey(azure: ScenarioBuilder) -> None:
    """The resource exists and may be readable, so it is not called hidden; it counts as unseen."""
    put(azure.running.state, ESTATE, ACCOUNT, IMAGES)
    session = azure.client().session(PROFILE)

    found = survey(cast("Snapshot", Garbled(session.snapshot(), "stml")), ONE)

    session.close()
    assert {"mlw": "customer", "stml": "not-knowable"}.items() <= verdicts(by_name(found)).items()
    assert "unexpected form" in by_name(found)["stml"].posture.reason
    assert [ACCOUNT["id"]] == [each.resource_id for each in found.unseen if each.resource_id.endswith("stml")]


def test_a_cluster_that_no_row_shows_is_read_before_what_it_names(azure: ScenarioBuilder) -> None:
    """A workspace names a cluster in another resource group, so the first query has no row of it."""
    cluster = document(
        "Microsoft.ContainerService/managedClusters", "aks", "rg-far", properties={"nodeResourceGroup": "MC_aks"}
    )
    rule = {"type": "PrivateEndpoint", "destination": {"serviceResourceId": cluster["id"], "subresourceTarget": "x"}}
    put(azure.running.state, workspace("mlw", properties={"managedNetwork": {"outboundRules": {"k8s": rule}}}), cluster)

    found = verdicts(by_name(survey_in(azure, ONE)))

    assert {"mlw": "microsoft", "aks": "microsoft", "mc_aks": "not-visible"} == found


def test_in_a_group_also_a_disk_is_shown_that_nothing_refers_to(azure: ScenarioBuilder) -> None:
    """Everything in the group is surveyed, as for an account or a vault that belongs to no workspace."""
    disk = document(
        "Microsoft.Compute/disks", "lone", properties={"encryption": {"type": "EncryptionAtRestWithPlatformKey"}}
    )
    put(azure.running.state, disk)

    found = survey_in(azure, Scope((SUBSCRIPTION_ID,), resource_group=disk["id"].partition("/providers/")[0]))

    assert {"lone": "microsoft"} == verdicts(by_name(found))


@dataclass
class Particular:
    """A snapshot in which Resource Graph rejects every query that contains a text."""

    snapshot: Snapshot
    text: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.snapshot, name)

    def question(self, path: str, version: str, body: Any, schema: Any) -> Any:
        """Reject the query, or send it."""
        if self.text in body["query"]:
            raise AzureFailed(Failure(FailureKind.TERMINAL, "BadRequest", "no"))
        return self.snapshot.question(path, version, body, schema)


@pytest.mark.parametrize(
    ("text", "unseen"), [("resourceGroup in~", 0), ("resources", 1)], ids=["the first", "every one"]
)
def test_a_rejected_query_is_followed_by_a_plainer_one(azure: ScenarioBuilder, text: str, unseen: int) -> None:
    """With that rejected as well, what the workspace names by id is still found, and the subscription is not seen."""
    put(azure.running.state, ESTATE, ACCOUNT, IMAGES)
    session = azure.client().session(PROFILE)

    found = survey(cast("Snapshot", Particular(session.snapshot(), text)), ONE)

    session.close()
    assert {"mlw": "customer", "stml": "mixed", "crml": "customer"}.items() <= verdicts(by_name(found)).items()
    assert unseen == len(found.unseen)
