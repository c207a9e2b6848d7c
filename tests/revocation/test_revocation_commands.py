"""The commands ``revoke`` and ``restore`` as processes: the lines of the page, saved plans, tapes and JSON."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest
import yaml
from support.command_line import Ran, Rehearsal
from support.scenarios import VAULT, ProfileVariant, ScenarioBuilder, World

from cmkctl.sandbox.core.constants import CLIENT_OBJECT_ID

PAGE = Path(__file__).parents[2] / "docs" / "key-life.md"
NAME = "mlw"


@pytest.fixture
def finished(azure: Rehearsal, builder: ScenarioBuilder) -> Rehearsal:
    """Provide a sandbox with a finished workspace, whose profile is prod.yaml and whose operator may change keys."""
    profile = builder.make(ProfileVariant(), World("finished"))
    tenant = azure.running.state.tenant
    with tenant.lock:
        tenant.data = copy.deepcopy(builder.running.state.tenant.data)
        tenant.changed()
    azure.running.state.add_access_policy(VAULT, CLIENT_OBJECT_ID, ("get", "update"))
    text = yaml.safe_dump(json.loads(profile.model_dump_json(exclude_unset=True)))
    (azure.command.folder / "prod.yaml").write_text(text, encoding="utf-8")
    return azure


def lines_of_the_page() -> list[list[str]]:
    """Return the command lines of the section about revoking, without comments, each as its arguments."""
    section = PAGE.read_text(encoding="utf-8").partition("## Revoke and restore access")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
    lines = [each.partition("#")[0].split() for block in blocks for each in block.splitlines()]
    return [[word.replace("mlw-fraud", NAME) for word in each[1:]] for each in lines]


def codes(ran: Ran) -> list[str]:
    """Return the codes of the diagnostics of a run with --json."""
    return [each["code"] for each in ran.of("diagnostic")]


def test_the_commands_of_the_page_do_what_it_promises(finished: Rehearsal) -> None:
    """A dry run writes nothing, verify finds the disabled key, and a restoration brings everything back."""
    lines = lines_of_the_page()

    ran = [finished(*each) for each in lines]

    assert [["revoke", "prod.yaml", "--dry-run"], [0, 0, 2, 0, 0]] == [lines[0], [each.code for each in ran]]
    stops = " ".join(ran[0].err.split())
    assert "mlw: workspace of this profile" in stops
    assert "cmkctl restore prod.yaml" in ran[1].err
    assert "CMK224" in ran[2].out
    assert ["PATCH", "PATCH"] == [each.partition(" ")[0] for each in finished.writes() if "/keys/" in each]


def test_a_saved_revocation_is_approved_by_the_name_and_not_by_a_yes(finished: Rehearsal) -> None:
    """The file has the procedure; without a terminal the option has to name the workspace."""
    assert finished("revoke", "prod.yaml", "--out", "plan.json").code == 0

    refused = [finished("apply", "plan.json", "--json", *more) for more in ([], ["--yes"], ["--yes-revoke", "other"])]
    done = finished("apply", "plan.json", "--json", "--report", "report.json", "--yes-revoke", NAME)

    assert [(64, "CMK010")] * 3 == [(each.code, codes(each)[-1]) for each in refused]
    assert (0, 1) == (done.code, done.of("apply_summary")[0]["disabled"])
    assert "CMK629" in codes(done)
    assert (finished.command.folder / "report.json").exists()


def test_a_restoration_is_replayed_from_its_tape(finished: Rehearsal) -> None:
    """The tape has every exchange, those with the vault's own endpoint included."""
    assert finished("revoke", "prod.yaml", "--yes-revoke", NAME).code == 0

    recorded = finished("restore", "prod.yaml", "--yes", "--json", "--record", "tape.json")
    replayed = finished.command("restore", "prod.yaml", "--yes", "--json", "--replay", "tape.json")

    assert (0, 0) == (recorded.code, replayed.code), replayed.out
    planned = [[(each["title"], each["action"]) for each in ran.of("planned_change")] for ran in (recorded, replayed)]
    assert ("enable", planned[0]) == (planned[1][1][1], planned[1])
