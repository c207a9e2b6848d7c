"""Consumers of a key: what rows of Resource Graph show of them, and what the sandbox's resources then decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

import pytest
from support.estate import VERSION, document, put, registry, workspace
from support.estate import storage as estate_storage
from support.scenarios import ScenarioBuilder

from cmkctl.azure.errors import AzureFailed
from cmkctl.azure.failures import Failure, FailureKind
from cmkctl.azure.inventory import inventory
from cmkctl.azure.snapshot import Snapshot
from cmkctl.consumers import Consumer, Consumers, Target, consumers_of, find, query
from cmkctl.posture import Follow, Follows, Seen
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.services import service_of
from cmkctl.services.reading import documents_of
from cmkctl.services.rows import documents_of_row

HOST: Final = "kv-cmk.vault.azure.net"
URI: Final = f"https://{HOST}/"
KEY: Final = f"{URI}keys/cmk"
TARGET: Final = Target.of_key(KEY)
VAULT: Final = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-ml/providers/Microsoft.KeyVault/vaults/kv-cmk"
WHOLE: Final = Target(HOST, "", VAULT)
PROFILE: Final = Profile.model_validate(
    {
        "subscription": SUBSCRIPTION_ID,
        "location": "eastus2",
        "resource_group": "rg-ml",
        "key_vault": {"name": "kv-cmk"},
        "key": {"name": "cmk"},
        "workspace": {"name": "mlw", "high_business_impact": True, "encryption": "in-subscription"},
        "associated_resources": {"storage_account": {"name": "stml"}},
    }
)


def storage(name: str, *, uri: str = URI, **more: str) -> dict[str, Any]:
    """Return a storage account with a key of the vault."""
    return estate_storage(name, uri=uri, **more)


MLW: Final = workspace("mlw", key=f"{KEY}/{VERSION}", vault=VAULT)


def names(found: Consumers | tuple[Consumer, ...]) -> dict[str, str]:
    """Return the consumers' names, with the version that each names."""
    return {each.name: each.version for each in (found.found if isinstance(found, Consumers) else found)}


# --- rows


def test_a_workspace_names_a_version_and_an_account_the_newest() -> None:
    """The rows of services that cmkctl knows are read as their documents are."""
    one, other = consumers_of([MLW, storage("stml")], TARGET)

    assert (f"{KEY}", VERSION, Follows(Follow.NEVER), "workspace") == (one.key, one.version, one.follows, one.title)
    assert (KEY, "", Follows(Follow.BY_ITSELF, 24)) == (other.key, other.version, other.follows)
    assert "403" in other.revoked
    assert Seen.GRAPH is one.seen


@pytest.mark.parametrize(
    "properties",
    [
        {"keyVaultKeyUri": KEY},
        {"dataEncryption": {"primaryKeyURI": f"{KEY}/"}},
        {"activeKey": {"keyUrl": f"https://{HOST.upper()}/keys/CMK/{VERSION}", "sourceVault": {"id": "x"}}},
        {"encryption": {"entities": [{"KeyVaultUri": URI, "KeyName": "cmk", "KeyVersion": VERSION}]}},
        {"keyVaultProperties": {"keyVaultUri": URI.rstrip("/"), "keyName": "cmk", "keyVersion": ""}},
    ],
    ids=lambda each: next(iter(each)),
)
def test_a_resource_of_any_type_counts_in_which_the_key_occurs(properties: dict[str, Any]) -> None:
    """By its identifier, or by the vault's URI beside the key's name. What it does about a new version is not known."""
    (found,) = consumers_of([document("Contoso.Data/stores", "store", properties=properties)], TARGET)

    assert (KEY, "Contoso.Data/stores", None) == (found.key.lower(), found.title, found.follows)


@pytest.mark.parametrize(
    "row",
    [
        storage("st", key="other"),
        storage("st", uri="https://kv-other.vault.azure.net/"),
        workspace("mlw", key=f"https://kv-cmk.vault.azure.net/keys/cmk-2/{VERSION}"),
        document("Contoso.Data/stores", "store", properties={"keyVaultUri": URI, "name": "cmk"}),
        document("Contoso.Data/stores", "store", properties={"secret": f"{URI}secrets/cmk/{VERSION}"}),
    ],
)
def test_what_names_another_key_is_no_consumer(row: dict[str, Any]) -> None:
    """Nor is what names the vault alone."""
    assert () == consumers_of([row], TARGET)


def test_a_vault_has_the_consumers_of_every_key_and_what_names_the_vault_itself() -> None:
    """By its host or by its ARM id, in any casing. The vault and its own children are none."""
    rows = [
        storage("st", key="other"),
        workspace("mlw-plain", properties={"keyVault": VAULT.replace("KeyVault", "Keyvault")}),
        document("Contoso.Web/sites", "site", properties={"certificate": f"{URI}secrets/tls"}),
        document("Microsoft.KeyVault/vaults", "kv-cmk", properties={"vaultUri": URI}),
        document("Contoso.Web/sites", "elsewhere", properties={"vault": f"{VAULT}-2"}),
    ]

    found = consumers_of(rows, WHOLE)

    assert {"st": f"{URI}keys/other", "mlw-plain": "", "site": ""} == {each.name: each.key for each in found}


def test_projects_and_what_azure_manages_use_the_key_through_a_workspace() -> None:
    """A project has the key of its hub; the managed resource group's services have that of their workspace."""
    managed = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/azureml-rg-hub"
    hub = workspace("hub", key=f"{KEY}/{VERSION}", kind="Hub", properties={"serviceProvisionedResourceGroup": managed})
    project = workspace("project", kind="Project", properties={"hubResourceId": hub["id"].upper()})
    cosmos = document(
        "Microsoft.DocumentDB/databaseAccounts", "c", "azureml-rg-hub", properties={"keyVaultKeyUri": KEY}
    )

    found = consumers_of([hub, project, cosmos], TARGET)

    assert {"hub": "", "project": hub["id"].lower(), "c": hub["id"].lower()} == {
        each.name: each.through.lower() for each in found
    }
    assert () == Consumers(TARGET, found).beside(hub["id"])


def test_a_version_is_needed_until_it_is_certain_that_it_is_not() -> None:
    """An account that follows new versions may report the old one still."""
    old = consumers_of([storage("st", version=VERSION)], TARGET)[0]
    silent = consumers_of([storage("st")], TARGET)[0]

    assert (True, False, True) == (old.needs(VERSION), old.needs("fedc"), silent.needs(VERSION))


def test_the_query_quotes_what_it_is_given() -> None:
    """A name cannot end the text it is in."""
    assert "contains 'kv\\'s | take 1'" in query(Target("kv's | take 1", "cmk"))


# --- the sandbox


@pytest.fixture
def estate(builder: ScenarioBuilder) -> Iterator[ScenarioBuilder]:
    """Empty the sandbox."""
    builder.running.reset()
    yield builder
    builder.running.state.clear_faults()
    builder.running.state.renew_graph()


def found_in(estate: ScenarioBuilder, target: Target = TARGET, profile: Profile | None = None) -> Consumers:
    """Find the consumers in the sandbox's subscription."""
    session = estate.client().session(PROFILE)
    try:
        return find(session.snapshot(), target, [SUBSCRIPTION_ID], profile)
    finally:
        session.close()


def test_one_query_and_one_read_each(estate: ScenarioBuilder) -> None:
    """Beside them the rights in the subscription are read, since rows can be missing without a notice."""
    put(estate.running.state, MLW, storage("stml"), storage("other", key="other"))
    before = len(estate.running.requests)

    found = found_in(estate, profile=PROFILE)

    sent = [each.path.rpartition("/")[2] for each in estate.running.requests[before:] if each.service == "arm"]
    assert ["mlw", "permissions", "resources", "stml"] == sorted(sent)
    assert {"mlw": VERSION, "stml": ""} == names(found)
    assert found.complete
    assert [(True, Seen.GET)] * 2 == [(each.named, each.seen) for each in found.found]


@dataclass
class Rejecting:
    """A snapshot in which Resource Graph does not answer."""

    snapshot: Snapshot
    kind: FailureKind

    def __getattr__(self, name: str) -> Any:
        return getattr(self.snapshot, name)

    def question(self, *_arguments: Any) -> Any:
        """Raise the failure."""
        raise AzureFailed(Failure(self.kind, "BadRequest", "no"))


@pytest.mark.parametrize("kind", [FailureKind.TERMINAL, FailureKind.ABSENT])
def test_without_resource_graph_the_profiles_own_resources_are_found(
    estate: ScenarioBuilder, kind: FailureKind
) -> None:
    """The rest of the subscription is unseen, and the result states it."""
    put(estate.running.state, MLW, storage("stml"), storage("other"))
    session = estate.client().session(PROFILE)

    found = find(cast("Snapshot", Rejecting(session.snapshot(), kind)), TARGET, [SUBSCRIPTION_ID], PROFILE)

    session.close()
    assert {"mlw": VERSION, "stml": ""} == names(found)
    assert not found.complete


def test_a_row_that_is_out_of_date_does_not_decide(estate: ScenarioBuilder) -> None:
    """The resource itself does: here one key was changed, and one account is gone."""
    state = estate.running.state
    put(state, MLW, storage("one"), storage("gone"))
    state.freeze_graph()
    put(state, storage("one", key="other"))
    with state.arranging():
        state.tenant.table("resources").pop(storage("gone")["id"].lower())

    assert {"mlw": VERSION} == names(found_in(estate))


def test_what_the_profile_names_is_read_although_no_row_shows_it(estate: ScenarioBuilder) -> None:
    """A workspace that is just made has no row yet."""
    put(estate.running.state, MLW, storage("stml"), storage("other"))
    estate.running.state.add_fault("graph-lag@/mlw")
    estate.running.state.add_fault("graph-lag@/other")

    found = found_in(estate, profile=PROFILE)

    assert {"mlw": VERSION, "stml": ""} == names(found)
    assert found.complete


def test_rows_that_the_caller_may_not_read_make_the_result_incomplete(
    estate: ScenarioBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader of one resource group gets what is in it, and the name of the subscription that it may not read as a whole."""
    put(estate.running.state, MLW, storage("stml"))
    put(estate.running.state, workspace("hidden", "rg-others", key=f"{KEY}/{VERSION}", vault=VAULT))
    scope = VAULT.partition("/providers/")[0]
    for name, value in estate.running.state.add_client("reader", "Reader", scope).items():
        monkeypatch.setenv(name, value)

    found = found_in(estate)

    assert {"mlw": VERSION, "stml": ""} == names(found)
    assert [f"/subscriptions/{SUBSCRIPTION_ID}"] == [each.resource_id for each in found.unseen]
    assert "leaves out" in found.unseen[0].reason


def test_a_caller_without_any_right_sees_nothing_and_knows_it(
    estate: ScenarioBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the subscription nor what the profile names."""
    put(estate.running.state, MLW, storage("stml"))
    for name, value in estate.running.state.add_client("stranger").items():
        monkeypatch.setenv(name, value)

    found = found_in(estate, profile=PROFILE)

    assert () == found.found
    subscription = f"/subscriptions/{SUBSCRIPTION_ID}"
    assert {"mlw", "stml", SUBSCRIPTION_ID} == {each.resource_id.rpartition("/")[2] for each in found.unseen}
    assert 2 == [each.resource_id for each in found.unseen].count(subscription)


def test_a_sql_server_is_read_whatever_its_row_shows(estate: ScenarioBuilder) -> None:
    """The protector is no part of the row; a database with a key of its own has a row."""
    server = estate.running.state.add_sql_server("sql-data", "rg-ml")
    estate.running.state.add_sql_server("sql-plain", "rg-ml")
    estate.running.state.add_sql_database(server, "db", encryptionProtector=f"{KEY}/{VERSION}")
    protector = {
        "id": f"{server}/encryptionProtector/current",
        "name": "current",
        "type": "Microsoft.Sql/servers/encryptionProtector",
        "properties": {"serverKeyType": "AzureKeyVault", "uri": f"{KEY}/{VERSION}"},
    }
    put(estate.running.state, protector)

    found = found_in(estate)

    assert {"SQL server": Seen.GET, "microsoft.sql/servers/databases": Seen.GET} == {
        each.title: each.seen for each in found.found
    }
    assert {"sql-data": VERSION, "db": VERSION} == names(found)


def test_a_row_and_a_document_have_the_same_posture(estate: ScenarioBuilder) -> None:
    """Both have Azure's own members: the predicate is one and the same."""
    project = workspace("project", kind="Project", properties={"hubResourceId": MLW["id"]})
    put(estate.running.state, MLW, project, storage("stml"), storage("stplain", uri=""), registry("crml", key=KEY))
    session = estate.client().session(PROFILE)
    azure = session.snapshot()
    rows = {
        row["id"].lower(): row
        for row in inventory(azure, "resources | project id, type, kind, properties", [SUBSCRIPTION_ID]).rows
    }

    postures = {
        row["id"].rpartition("/")[2]: [
            (found.verdict, found.reason, found.key, found.key_version, found.follows)
            for found in (
                service.posture(documents_of_row(row, rows)),
                service.posture(documents_of(azure, service, row["id"])),
            )
        ]
        for row in rows.values()
        if (service := service_of(row["type"])) is not None
    }
    session.close()

    assert {"mlw", "project", "stml", "stplain", "crml"} == postures.keys()
    assert [] == [name for name, (row, own) in postures.items() if row != own]
    assert {KEY, ""} == {row[2] for row, _ in postures.values()}
