"""The property of imports: the profile of any state of the sandbox plans as no-op, or its comments name what it would change."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.arranged import arrange_what_it_names
from support.scenarios import SAMPLED, WORLDS, Client, ProfileVariant, ScenarioBuilder, World

from cmkctl.cli import main
from cmkctl.diagnostics import CmkctlError
from cmkctl.importing.check import Imported, imported
from cmkctl.importing.read import read_workspace
from cmkctl.plan import Action
from cmkctl.profile.load import load_profile
from cmkctl.profile.model import Profile
from cmkctl.sandbox import SUBSCRIPTION_ID

TODAY = date(2026, 11, 27)
USUAL = ProfileVariant()
ROLES = ProfileVariant(authorization="rbac", user_identity=True, registry=True, elsewhere=True, service_side=True)
ONE_VAULT = ProfileVariant(same_vault=True, days=7, friendly_name="Fraud models", public_access="disabled")
SET_UPS = [USUAL, ROLES, ONE_VAULT]
"""The set-ups of these tests: each is applied once."""


def do_import(client: Client, profile: Profile) -> Imported:
    """Import the workspace of a profile, of which only the id is used."""
    session = client.session(profile)
    found = read_workspace(session.snapshot(), profile.cloud, profile.workspace.resource_id)
    return imported(found, client.plan, TODAY, "imported.yaml")


def loaded(text: str, folder: Path) -> Profile:
    """Load a text as every command loads a profile."""
    file = folder / "imported.yaml"
    file.write_text(text, encoding="utf-8")
    return load_profile(file, environ={}).profile


@given(wish=st.sampled_from(SET_UPS), world=WORLDS.map(lambda world: replace(world, beginning="finished")))
@settings(SAMPLED, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(USUAL, World("finished", ("the workspace is not encrypted",)))
@example(USUAL, World("finished", ("the key is disabled", "the storage account is weak")))
@example(USUAL, World("finished", ("the policies are gone", "the group is being deleted")))
@example(USUAL, World("being made"))
def test_an_imported_profile_plans_no_op_or_announces_what_differs(
    maker: ScenarioBuilder, tmp_path: Path, wish: ProfileVariant, world: World
) -> None:
    """A workspace that no profile describes is refused with its reason; nothing is written to Azure on the way."""
    profile = maker.make(wish, world)
    client = maker.client()
    began = client.moment
    if "the workspace is not encrypted" in world.done:
        with pytest.raises(CmkctlError, match="CMK671"):
            do_import(client, profile)
        return
    made = do_import(client, profile)

    plan = client.plan(loaded(made.text, tmp_path))

    comments = " ".join(
        line.strip().removeprefix("# ") for line in made.text.splitlines() if line.strip().startswith("#")
    )
    differing = [each.title for each in plan.changes if each.action is not Action.NO_OP]
    assert [] == client.writes_since(began)
    assert [] == [each for each in differing if f"{each}, " not in comments]
    assert bool(differing) <= ("CMK674" in {each.code for each in made.notes})


@pytest.mark.parametrize("wish", SET_UPS, ids=["usual", "roles and identities", "one vault"])
def test_a_finished_set_up_is_imported_without_a_note(
    maker: ScenarioBuilder, tmp_path: Path, wish: ProfileVariant
) -> None:
    """A set-up that cmkctl made comes back whole: the profile of the import agrees with the one that it was made with."""
    profile = maker.make(wish, World("finished"))
    client = maker.client()

    made = do_import(client, profile)
    again = loaded(made.text, tmp_path)

    assert made.plan is not None
    assert ((), {Action.NO_OP}) == (made.notes, {each.action for each in made.plan.changes})
    assert profile.workspace.resource_id == again.workspace.resource_id
    assert profile.tags == again.tags
    assert profile.associated_resources.storage_account.resource_id == (
        again.associated_resources.storage_account.resource_id
    )


def applied(maker: ScenarioBuilder, profiles: Path, name: str) -> tuple[Profile, Client]:
    """Apply a profile from the field in an empty sandbox."""
    profile = load_profile(
        profiles / "field" / f"{name}.yaml", environ={"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID}
    ).profile
    maker.running.reset()
    arrange_what_it_names(maker.running.state, profile)
    client = maker.client()
    client.apply(profile)
    return profile, client


def test_private_endpoints_grants_identities_and_customer_keys_come_back(
    maker: ScenarioBuilder, profiles: Path
) -> None:
    """A whole set-up from the field is all no-op; only its diagnostic settings are noted."""
    profile, client = applied(maker, profiles, "regulated-bank")

    made = do_import(client, profile)

    assert made.plan is not None
    assert {Action.NO_OP} == {each.action for each in made.plan.changes}
    assert len(made.plan.changes) >= 45
    assert ["CMK672"] == [each.code for each in made.notes]
    assert "the diagnostic settings to-siem" in made.notes[0].detail


def test_the_command_writes_the_same_profile_in_every_form(
    maker: ScenarioBuilder, profiles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """To a file once, from a tape, as JSON, by the vault, and one for each workspace of a group; a project is in its hub's."""
    profile, client = applied(maker, profiles, "hub-with-projects")
    began = client.moment
    workspace, file, tape = profile.workspace.resource_id, tmp_path / "a.yaml", tmp_path / "tape.json"
    group = [
        "--resource-group",
        profile.resource_group,
        "--subscription",
        SUBSCRIPTION_ID,
        "--out",
        str(tmp_path / "o"),
    ]

    codes = [main(["import", "--workspace", workspace, "--out", str(file), "--record", str(tape)])]
    text = file.read_text(encoding="utf-8")
    codes.append(main(["import", "--workspace", workspace, "--out", str(file)]))
    codes.append(main(["import", "--workspace", workspace, "--replay", str(tape)]))
    played = capsys.readouterr().out
    codes.append(main(["import", "--vault", profile.key_vault.resource_id, "--json"]))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    codes.append(main(["import", *group]))
    plan = client.plan(loaded(text, tmp_path))

    assert [0, 64, 0, 0, 0] == codes
    assert {Action.NO_OP} == {each.action for each in plan.changes}
    # Projects are created at the same time, in any order, and the hub lists them in that order.
    assert {each.name for each in profile.projects} == {each.name for each in loaded(text, tmp_path).projects}
    assert (text, text) == (played, next(each["text"] for each in lines if each["type"] == "profile"))
    assert text == (tmp_path / "o" / f"{profile.workspace.name}.yaml").read_text(encoding="utf-8")
    assert [] == client.writes_since(began)
