"""``cmkctl destroy`` and ``recover`` as a user runs them: question, saved plan, tape, report."""

from __future__ import annotations

import copy
import json
import shlex
from pathlib import Path

import yaml
from support.command_line import Rehearsal
from support.deletion import Deletions
from support.docs import ROOT
from support.scenarios import ScenarioBuilder

from cmkctl.cli import main
from cmkctl.cli.options import Options


def test_a_workspace_is_destroyed_from_a_saved_plan(builder: ScenarioBuilder, azure: Rehearsal, tmp_path: Path) -> None:
    """A pipe gets no prompt; the file keeps the options; what is left is in the lines; a tape of a dry run replays."""
    site = Deletions(builder)
    azure.running.state.tenant.data = copy.deepcopy(site.state.tenant.data)
    given, saved, tape, report = (tmp_path / each for each in ("p.yaml", "plan.json", "tape.json", "report.json"))
    given.write_text(yaml.safe_dump(site.profile.model_dump(mode="json", exclude_unset=True)), encoding="utf-8")

    assert (64, []) == (azure("destroy", given).code, azure.writes())
    assert 0 == azure("destroy", given, "--purge", "--associated", "--out", saved, "--record", tape).code
    assert [] == azure.writes()
    replayed = azure.command("destroy", given, "--purge", "--associated", "--dry-run", "--replay", tape)
    applied = azure("apply", saved, "--yes", "--json", "--report", report)
    recovered = azure("recover", given, "--yes")

    assert [0, 0, 0] == [each.code for each in (replayed, applied, recovered)], applied.err + recovered.err
    (outputs,) = applied.of("outputs")
    left = {each["resource"]: each for each in outputs["left"]}
    assert {"resource group rg-ml", "key vault kv-cmk", "key cmk"} <= set(left)
    assert left["soft-deleted Log Analytics workspace log-mlw-0d7bbd1b"]["until"]
    assert "delete" in json.dumps(json.loads(report.read_text(encoding="utf-8")))
    assert "Log Analytics workspace log-mlw-0d7bbd1b: recovered" in recovered.err
    assert not any("/resourcegroups/" in each.lower() and each.count("/") == 4 for each in azure.writes())


def test_the_commands_of_the_page_are_understood() -> None:
    """docs/destroy.md shows options that exist."""
    page = (ROOT / "docs" / "destroy.md").read_text(encoding="utf-8")
    shown = [shlex.split(line[2:]) for line in page.splitlines() if line.startswith("$ ")]

    assert {"destroy", "recover"} == {each[1] for each in shown}
    known = {f"--{name.replace('_', '-')}" for name in Options.__dataclass_fields__}
    assert set() == {word for each in shown for word in each if word.startswith("--")} - known
    assert 64 == main(["destroy", "--no-such-option"])
