"""``cmkctl init``: its questions, what it offers, and that its profile plans cleanly."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer
from support.scenarios import GROUP, ProfileVariant, ScenarioBuilder, World

from cmkctl.cli.init_run import Offers, _completed, _draft, _Questions
from cmkctl.profile.load import load_profile
from cmkctl.profile.model import Profile


def answered(typed: str, offers: Offers | None = None, **answers: str) -> tuple[dict[str, str], str]:
    """Answer the questions; return the answers and what was displayed."""
    screen = StringIO()
    questions = _Questions(StringIO(typed), screen, answers)
    questions.ask_all(offers or Offers())
    return questions.answers, screen.getvalue()


def profile_of(answers: dict[str, str], folder: Path) -> Profile:
    """Load the profile of answers as every command does."""
    file = folder / "profile.yaml"
    file.write_text(_draft(answers).text().text, encoding="utf-8")
    return load_profile(file, environ={"AZURE_SUBSCRIPTION_ID": "11111111-1111-1111-1111-111111111111"}).profile


def test_enter_takes_the_usual_values_and_a_wrong_answer_is_prompted_again(tmp_path: Path) -> None:
    """Each answer is checked as the field that it becomes; none of a hostile one reaches the profile or the terminal."""
    answers, screen = answered("\n\nrg/bad\n\x1b[31m\nrg-x\n1\nmlw_x\n\n\n3\n2\nmaybe\nno\n")
    profile = profile_of(answers, tmp_path)

    assert ("eastus2", "rg-x", "mlw_x") == (profile.location, profile.resource_group, profile.workspace.name)
    assert ("kv-mlw-x-cmk", "cmk-mlw-x") == (profile.key_vault.name, profile.key.name)
    assert ("service-side", False) == (profile.workspace.encryption, profile.workspace.high_business_impact)
    assert "\x1b" not in screen
    assert 3 == screen.count("Resource group, created if absent [")


def test_the_end_of_input_ends_the_questions() -> None:
    """As Ctrl-C does: nothing is written."""
    with pytest.raises(typer.Abort):
        answered("\n")


@pytest.mark.parametrize("workspace", ["mlw", "a" * 33, "1-2_3", "x--y__z-"])
def test_the_derived_names_are_valid(tmp_path: Path, workspace: str) -> None:
    """Whatever the workspace's name, vault and key get names that Azure takes."""
    assert profile_of(_completed({"workspace": workspace}), tmp_path)


def test_vaults_and_regions_of_the_subscription_are_offered_and_the_profile_plans_cleanly(
    maker: ScenarioBuilder, tmp_path: Path
) -> None:
    """A vault without purge protection and one in another region are no offers."""
    base = maker.make(ProfileVariant(), World("new"))
    state = maker.running.state
    state.add_vault("kv-fit", GROUP)
    state.add_vault("kv-open", GROUP, purge_protection=False)
    client = maker.client()
    session = client.session(base)
    offers = Offers()
    offers.read(session)
    began = client.moment

    answers, screen = answered("\n\nrg-new\nmlw-new\n2\n\n\n\n", offers)
    profile = profile_of(answers, tmp_path)
    plan = client.plan(profile)
    session.close()

    assert (None, [], False) == (offers.problem, client.writes_since(began), plan.errored)
    assert ["kv-fit"] == [each.rpartition("/")[2] for each in offers.vaults(answers["subscription"], "eastus2")]
    assert ("kv-fit", "eastus2") == (profile.key_vault.resource_name, profile.location)
    assert "kv-open" not in screen


def test_flags_take_the_place_of_answers(cmkctl: Any) -> None:
    """Without a terminal: the file is written once, whole, and not at all for a value that is none."""
    wrong = cmkctl("init", "a.yaml", "--workspace", "no/name")
    first = cmkctl("init", "a.yaml", "--workspace", "mlw-x", "--no-high-business-impact")
    text = (cmkctl.folder / "a.yaml").read_text(encoding="utf-8")
    again = cmkctl("init", "a.yaml", "--workspace", "mlw-y")

    assert (64, 0, 64) == (wrong.code, first.code, again.code)
    assert "workspace.name is 'no/name'" in wrong.err
    assert "high_business_impact: false" in text
    assert text == (cmkctl.folder / "a.yaml").read_text(encoding="utf-8")
