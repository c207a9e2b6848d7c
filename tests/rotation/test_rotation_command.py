"""``cmkctl rotate`` as a user runs it: saved plan, tape, report, question; and its options."""

from __future__ import annotations

import copy
import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from support.command_line import Rehearsal
from support.docs import ROOT
from support.rotation import FINISHED, Rotations
from support.scenarios import VAULT, ProfileVariant, ScenarioBuilder

from cmkctl.cli import main
from cmkctl.procedures import named
from cmkctl.procedures.open_with_sdk import verify_with_azure_ai_ml
from cmkctl.sandbox.core.constants import CLIENT_OBJECT_ID
from cmkctl.steps.key import IDENTIFIER


def test_a_rotation_from_a_saved_plan_to_the_report(builder: ScenarioBuilder, azure: Rehearsal, tmp_path: Path) -> None:
    """The file is applied, and applying it again writes nothing; a tape of a dry run replays; a pipe gets no prompt."""
    profile = builder.make(ProfileVariant(), FINISHED)
    state = azure.running.state
    state.tenant.data = copy.deepcopy(builder.running.state.tenant.data)
    state.add_access_policy(VAULT, CLIENT_OBJECT_ID, ("get", "rotate"))
    state.advance("2d")
    given, saved, tape, report = (tmp_path / each for each in ("p.yaml", "plan.json", "tape.json", "report.json"))
    given.write_text(yaml.safe_dump(profile.model_dump(mode="json", exclude_unset=True)), encoding="utf-8")

    assert 64 == azure("rotate", given).code
    assert 0 == azure("rotate", given, "--out", saved, "--record", tape).code
    applied = azure("apply", saved, "--yes", "--json")
    again = azure("apply", saved, "--yes", "--json")
    ended = azure("rotate", given, "--yes", "--report", report)
    replayed = azure.command("rotate", given, "--dry-run", "--replay", tape)

    assert [0, 0, 0, 0] == [each.code for each in (applied, again, ended, replayed)], replayed.err
    (outputs,) = applied.of("outputs")
    (record,) = [each for each in state.tenant.data["resources"].values() if "versions" in each]
    identifier = f"https://{VAULT}.vault.azure.net/keys/cmk/{record['versions'][-1]['version']}"
    assert (identifier, 2) == (outputs["key_identifier"], len(record["versions"]))
    assert identifier.rpartition("/")[2] in outputs["managed_services"]
    assert "1 to create, 1 to update" in replayed.out
    assert "rotations take effect within an hour" in re.sub(r"\s+", " ", ended.out)
    assert "no-op" in json.dumps(json.loads(report.read_text(encoding="utf-8")))


@pytest.mark.filterwarnings("ignore")  # of azure-ai-ml
def test_other_clients_see_the_new_version(builder: ScenarioBuilder) -> None:
    """azure-ai-ml opens the workspace with it, and the plan of the profile has it for every export."""
    site = Rotations(builder)
    site.apply()
    client = builder.client()
    session = client.session(site.profile)

    try:
        assert [] == [*verify_with_azure_ai_ml(session, site.profile, site.identifier)]
    finally:
        session.close()
    assert site.identifier == client.plan(site.profile).known.get(IDENTIFIER)


@pytest.mark.parametrize(
    "options",
    [
        ("--to-version", "0" * 32, "--key", "other"),
        ("--new-version", "--due"),
        ("--retire-old", "--again"),
        ("--to-version", "latest"),
    ],
)
def test_options_that_exclude_each_other_are_a_usage_error(
    options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is read."""
    assert 64 == main(["rotate", "absent.yaml", *options])
    assert "--" in capsys.readouterr().err


def test_an_unknown_argument_of_a_saved_plan_is_refused() -> None:
    """A file that another cmkctl wrote may have one."""
    with pytest.raises(ValueError, match="not an argument of rotate: force"):
        named("rotate", {"force": "true"})


def test_the_schedule_of_the_page_rotates_only_when_due(capsys: pytest.CaptureFixture[str]) -> None:
    """Its commands and options are those of the command line, one run at a time, after a sign-in."""
    text = (ROOT / "docs" / "key-life.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    workflow = yaml.load(block, Loader=yaml.BaseLoader)  # noqa: S506 - safe: it makes texts only
    (job,) = workflow["jobs"].values()
    steps = [each.get("run", each.get("uses", "")) for each in job["steps"]]
    commands = [shlex.split(each)[1:] for each in steps if each.startswith("cmkctl ")]

    assert ["rotate", "verify"] == [each[0] for each in commands]
    assert {"--due", "--yes"} <= set(commands[0])
    assert ("rotate", "write", [{"cron": "0 5 * * 1"}]) == (
        workflow["concurrency"],
        job["permissions"]["id-token"],
        workflow["on"]["schedule"],
    )
    assert next(index for index, each in enumerate(steps) if "azure/login" in each) < steps.index(
        next(each for each in steps if each.startswith("cmkctl rotate"))
    )
    for arguments in commands:
        assert 0 == main([*arguments, "--help"])
        shown = capsys.readouterr().out
        assert [] == [each for each in arguments if each.startswith("--") and each not in shown]
