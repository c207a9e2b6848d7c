"""``cmkctl status``: the values that follow from documents, and the requests that bring them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from support.scenarios import KEY, VAULT, ProfileVariant, ScenarioBuilder, World
from support.view_streams import Seen

from cmkctl.cli import main
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID
from cmkctl.sandbox.core.constants import COSMOS_DB_OBJECT_ID
from cmkctl.sandbox.core.directory import add_application
from cmkctl.status import DueKind, Status
from cmkctl.status.computing import Documents, status_of
from cmkctl.status.reading import names_of, read_status
from cmkctl.views import shown as s

CASES: Final = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text(encoding="utf-8"))
AN_HOUR: Final = 3700.0
NOW: Final = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
READER: Final = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ROLES: Final = ProfileVariant(authorization="rbac")


# --- what follows from documents


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda each: each["promise"])
def test_what_is_due_follows_from_the_documents(case: dict[str, Any]) -> None:
    """Dates of versions, of the rotation policy and of the workspace's last change."""
    versions = [_version(name, **attributes) for name, attributes in case["versions"].items()]
    latest = versions[-1]
    policy = {"rotationPolicy": case["policy"]} if "policy" in case else {}
    found = Documents(
        NOW,
        CASES["workspace"],
        _workspace(case["in_use"], case.get("changed")),
        key_id=CASES["key"],
        key={"properties": {**latest["properties"], **policy}},
        versions={"value": versions},
    )

    status = status_of(found)

    assert case["due"] == [" ".join((each.kind, *_when(each.date))) for each in status.due]
    assert case["pending"] == (status.key is not None and status.key.pending)


def _when(date: datetime | None) -> Iterator[str]:
    """Yield the day of a date at noon, as the dates of the cases are; the whole of any other date."""
    if date is not None:
        yield f"{date:%Y-%m-%d}" if date.hour == NOW.hour else date.isoformat()


def _version(name: str, *, created: str, expires: str | None = None, enabled: bool = True) -> dict[str, Any]:
    attributes: dict[str, Any] = {"enabled": enabled, "created": _seconds(created)}
    attributes |= {"exp": _seconds(expires)} if expires else {}
    return {
        "name": name,
        "properties": {"kty": "RSA", "attributes": attributes, "keyUriWithVersion": f"{CASES['uri']}/{name}"},
    }


def _seconds(date: str) -> int:
    return int(datetime.fromisoformat(f"{date}T12:00:00+00:00").timestamp())


def _workspace(in_use: str, changed: str | None) -> dict[str, Any]:
    named = {"keyVaultArmId": CASES["key"].rpartition("/keys/")[0], "keyIdentifier": f"{CASES['uri']}/{in_use}"}
    return {
        "id": CASES["workspace"],
        "systemData": {"lastModifiedAt": f"{changed}T12:00:00Z"} if changed else {},
        "properties": {
            "provisioningState": "Succeeded",
            "encryption": {"status": "Enabled", "keyVaultProperties": named},
        },
    }


# --- what is read


def _read(builder: ScenarioBuilder, profile: Profile, *, by_id: bool = False) -> tuple[Status, list[str]]:
    """Return the status, and the requests that it took beside the sign-in."""
    session = builder.client().session(profile)
    before = len(builder.running.requests)
    try:
        found = read_status(session.snapshot(), profile.workspace.resource_id, None if by_id else names_of(profile))
    finally:
        session.close()
    sent = builder.running.requests[before:]
    return found, [f"{each.method} {each.path}" for each in sent if each.service != "login"]


def test_the_status_of_a_workspace_takes_nine_reads(builder: ScenarioBuilder) -> None:
    """One for each document; who may use the key by an access policy is in the vault."""
    profile = builder.make(ProfileVariant(), World("finished"))

    found, sent = _read(builder, profile)

    assert 9 == len(sent)
    assert {"GET"} == {each.partition(" ")[0] for each in sent}
    assert ("Succeeded", "in-subscription", True) == (found.workspace.state, found.workspace.architecture, True)
    assert "Access to the configured customer managed key confirmed." == found.workspace.key_access
    assert ["Azure Cosmos DB"] == [each.principal for each in found.grants or ()]
    assert ((), (), ()) == (found.due, found.leftovers, found.unseen)


def test_a_workspace_needs_no_profile(builder: ScenarioBuilder) -> None:
    """Everything but the leftovers follows from its id; roles have a date."""
    profile = builder.make(ROLES, World("finished"))

    found, sent = _read(builder, profile, by_id=True)

    assert 10 == len(sent)
    (grant,) = found.grants or ()
    assert ("Azure Cosmos DB", "Key Vault Crypto Service Encryption User") == (grant.principal, grant.rights)
    assert grant.created is not None
    assert abs(grant.created - found.at) < timedelta(minutes=5)


def test_a_new_version_is_due_until_the_workspace_uses_it(builder: ScenarioBuilder) -> None:
    """The vault's rotation does not reach the workspace."""
    profile = builder.make(ProfileVariant(), World("finished"))
    builder.running.state.add_key(VAULT, KEY)

    found, _ = _read(builder, profile)

    assert [DueKind.NEW_VERSION] == [each.kind for each in found.due]
    assert found.key is not None
    assert found.key.pending


def test_a_disabled_key_is_shown_with_what_azure_cosmos_db_reports(builder: ScenarioBuilder) -> None:
    """The account's own words about its access."""
    profile = builder.make(ProfileVariant(), World("finished", ("the key is disabled",)))
    _read(builder, profile)  # the account notices the loss
    builder.running.state.tenant.advance(AN_HOUR)

    found, _ = _read(builder, profile)

    assert found.key is not None
    assert found.key.in_use is not None
    assert found.key.in_use.enabled is False
    assert "currently revoked" in found.workspace.key_access


def test_a_project_has_the_key_of_its_hub(builder: ScenarioBuilder) -> None:
    """Due dates and grants are the hub's."""
    profile = builder.make(ProfileVariant(), World("finished"))
    resources = builder.running.state.tenant.data["resources"]
    hub = resources[profile.workspace.resource_id.lower()]["doc"]
    project = f"{profile.workspace.resource_id}-project"
    properties = {"provisioningState": "Succeeded", "hubResourceId": hub["id"], "hbiWorkspace": False}
    whole = {**hub, "id": project, "name": "mlw-project", "kind": "Project", "properties": properties}
    resources[project.lower()] = {"doc": whole}
    session = builder.client().session(profile)

    found = read_status(session.snapshot(), project)

    assert (hub["id"], "customer", "in-subscription") == (
        found.workspace.hub,
        found.workspace.holder,
        found.workspace.architecture,
    )
    assert found.key is not None
    assert found.key.in_use is not None
    assert found.workspace.key_access


def test_a_workspace_with_microsofts_key_is_shown_as_one(builder: ScenarioBuilder) -> None:
    """Beside the key of the profile, which it does not use."""
    profile = builder.make(ProfileVariant(), World("finished", ("the workspace is not encrypted",)))

    found, _ = _read(builder, profile)

    assert "microsoft" == found.workspace.holder
    assert found.key is not None
    assert found.key.in_use is None


def _delete(builder: ScenarioBuilder, profile: Profile, path: str) -> None:
    session = builder.client().session(profile)
    session.write("DELETE", path, "2025-06-01" if "Learning" in path else "2023-09-01", None)
    session.close()


def test_leftovers_are_shown_with_what_they_cost(builder: ScenarioBuilder) -> None:
    """A soft-deleted workspace is found by its managed resource group, which is kept and billed."""
    profile = builder.make(ProfileVariant(), World("finished"))
    _delete(builder, profile, profile.workspace.resource_id)
    _delete(builder, profile, profile.associated_resources.log_analytics.resource_id)
    builder.running.state.delete_vault(VAULT)

    found, _ = _read(builder, profile)

    kinds = {each.kind: each for each in found.leftovers}
    assert {"workspace", "key vault", "Log Analytics workspace"} == set(kinds)
    assert "billed" in kinds["workspace"].effect
    assert kinds["key vault"].purged is not None
    assert found.workspace.exists is False
    assert () == found.unseen


def test_a_grant_without_a_workspace_is_due(builder: ScenarioBuilder) -> None:
    """It outlives the workspace; other resources may need it."""
    profile = builder.make(ProfileVariant(), World("finished"))
    _delete(builder, profile, profile.workspace.resource_id)
    kept, _ = _read(builder, profile)
    builder.running.state.tenant.advance(15 * 86400.0)

    found, _ = _read(builder, profile)

    assert () == kept.due  # the soft-deleted workspace needs it to be recovered
    assert [(DueKind.GRANT, COSMOS_DB_OBJECT_ID)] == [(each.kind, each.subject) for each in found.due]


def test_a_soft_deleted_workspace_without_a_managed_group_is_found(builder: ScenarioBuilder) -> None:
    """The subscription's list still shows it."""
    profile = builder.make(ProfileVariant(service_side=True), World("finished"))
    _delete(builder, profile, profile.workspace.resource_id)

    found, _ = _read(builder, profile)

    assert ["workspace"] == [each.kind for each in found.leftovers]
    assert () == found.unseen


def test_a_soft_deleted_workspace_that_nothing_shows_is_not_denied(builder: ScenarioBuilder) -> None:
    """Azure has no list of them, so a new name may be taken all the same."""
    found, _ = _read(builder, builder.make(ProfileVariant(), World("new")))

    assert () == found.leftovers
    assert ["a soft-deleted workspace of this name"] == [each.fact for each in found.unseen]


def test_a_fact_that_may_not_be_read_names_the_missing_right(
    builder: ScenarioBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader of the workspace alone sees the workspace, and what else there is to see."""
    profile = builder.make(ROLES, World("finished"))
    reader = add_application(builder.running.state.tenant, "reader")
    builder.running.state.assign_role(profile.workspace.resource_id, reader.object_id, READER)
    monkeypatch.setenv("AZURE_CLIENT_ID", reader.app_id)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", reader.secret)

    found, _ = _read(builder, profile)

    rights = {each.fact: each.right for each in found.unseen}
    assert found.workspace.exists is True
    assert found.grants is None
    assert "Microsoft.KeyVault/vaults/keys/read" == rights["key"]
    assert "Microsoft.DocumentDB/databaseAccounts/read" == rights["Azure Cosmos DB account"]
    assert "Microsoft.Resources/subscriptions/resourceGroups/read" == rights["managed resource group"]
    assert found.key is not None
    assert (None, False) == (found.key.exists, found.workspace.visible)


def test_the_screen_has_at_most_24_lines_of_80(builder: ScenarioBuilder) -> None:
    """With roles, a rotation that is pending and an expiry."""
    profile = builder.make(ROLES, World("finished"))
    builder.running.state.add_key(VAULT, KEY)
    found, _ = _read(builder, profile)
    seen = Seen()

    seen.view.show(s.StatusShown(found, "AzureCloud", SUBSCRIPTION_ID))

    lines = seen.out.splitlines()
    assert len(lines) <= 24
    assert [] == [each for each in lines if len(each) > 80]


def test_a_recorded_status_is_replayed(
    builder: ScenarioBuilder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same lines without a network, and a report with every request."""
    profile = builder.make(ROLES, World("finished"))
    file, tape, report = (tmp_path / name for name in ("profile.yaml", "tape.json", "report.json"))
    file.write_text(yaml.safe_dump(profile.model_dump(mode="json", exclude_unset=True)), encoding="utf-8")

    codes = [main(["status", str(file), "--json", "--record", str(tape), "--report", str(report)])]
    recorded = _lines(capsys)
    before = len(builder.running.requests)
    codes.append(main(["status", str(file), "--json", "--replay", str(tape)]))

    assert [0, 0] == codes
    assert recorded == _lines(capsys)
    assert before == len(builder.running.requests)
    assert 11 <= len(json.loads(report.read_text(encoding="utf-8"))["requests"])


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the lines of a status without what differs between two runs."""
    lines = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    kept = [each for each in lines if each["type"].startswith("status")]
    return [{name: value for name, value in each.items() if name not in ("at", "read_at")} for each in kept]


def test_a_command_shows_it_for_scripts(azure: Any, profiles: Path) -> None:
    """As a whole process, by the id of a workspace that does not exist, and by a profile."""
    workspace = ProfileVariant().profile().workspace.resource_id

    by_id = azure("status", "--workspace", workspace, "--json")
    wrong = azure("status", "--workspace", "mlw")
    by_profile = azure("status", profiles / "quickstart.yaml")

    assert 0 == by_id.code, by_id.err
    (status,) = by_id.of("status")
    assert (workspace, False) == (status["workspace"]["resource_id"], status["workspace"]["exists"])
    assert (64, True) == (wrong.code, "CMK008" in wrong.err)
    assert (0, True) == (by_profile.code, "does not exist" in by_profile.out)
    assert [] == azure.writes()
