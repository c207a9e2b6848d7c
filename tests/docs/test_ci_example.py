"""The README's workflow is one that reviewers can rely on: they see the plan, and that plan is what is applied."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.docs import ROOT

from cmkctl.cli import main

Job = dict[str, Any]


@pytest.fixture(scope="module")
def workflow() -> Job:
    """Return the only YAML block under "## In CI". BaseLoader keeps the key ``on``, which YAML 1.1 takes for true."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## In CI\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
    loaded: Job = yaml.load(block, Loader=yaml.BaseLoader)  # noqa: S506  safe: it makes texts only
    return loaded


def used(job: Job, action: str) -> dict[str, str]:
    """Return the inputs of an action that a job uses exactly once."""
    (step,) = [each for each in job["steps"] if each.get("uses", "").startswith(f"{action}@")]
    given: dict[str, str] = step.get("with", {})
    return given


def typed(job: Job) -> list[list[str]]:
    """Return the cmkctl commands of a job, as words, without redirections and the rest of the line."""
    lines = [line.strip() for step in job["steps"] for line in step.get("run", "").splitlines()]
    return [shlex.split(re.split(r" [>|]", line)[0]) for line in lines if line.startswith("cmkctl ")]


def position(job: Job, word: str) -> int:
    """Return the position of the step in a job that uses or runs something."""
    (found,) = [index for index, step in enumerate(job["steps"]) if word in step.get("run", "") + step.get("uses", "")]
    return found


def test_apply_waits_for_plan_and_for_the_reviewers(workflow: Job) -> None:
    """Two jobs; only the second has the environment, and it runs only when there are changes."""
    plan, apply = workflow["jobs"]["plan"], workflow["jobs"]["apply"]

    assert ["plan", "apply"] == list(workflow["jobs"])
    assert "plan" == apply["needs"]
    assert (False, "production") == ("environment" in plan, apply["environment"])
    assert "needs.plan.outputs.exit-code == '2'" == apply["if"]
    assert "${{ steps.plan.outputs.exit-code }}" == plan["outputs"]["exit-code"]


def test_what_is_applied_is_what_was_planned(workflow: Job) -> None:
    """The plan's file goes from job to job as an artifact; apply reads no profile."""
    plan, apply = workflow["jobs"]["plan"], workflow["jobs"]["apply"]
    (planned,), (applied,) = typed(plan), typed(apply)
    artifact = used(plan, "actions/upload-artifact")

    assert planned[planned.index("--out") + 1] == artifact["path"] == applied[2]
    assert artifact["name"] == used(apply, "actions/download-artifact")["name"]
    assert ["cmkctl", "apply"] == applied[:2]
    assert position(apply, "download-artifact") < position(apply, "cmkctl apply")
    assert "actions/checkout" not in str(apply)


def test_it_works_in_a_repository_that_is_not_ours(workflow: Job) -> None:
    """Each job installs cmkctl from a pinned package and signs in before it uses either."""
    for job in workflow["jobs"].values():
        assert "pip install ." not in str(job)
        assert position(job, 'pip install "$CMKCTL_PACKAGE"') < position(job, "azure/login") < position(job, "cmkctl ")
        assert "write" == job["permissions"]["id-token"]
    assert {"AZURE_SUBSCRIPTION_ID", "CMKCTL_PACKAGE"} == set(workflow["env"])
    assert {"contents": "read"} == workflow["permissions"]


@pytest.mark.parametrize("name", ["plan", "apply"])
def test_its_commands_and_options_are_those_of_the_command_line(
    workflow: Job, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Options are parsed before help is shown, so that an unknown one is a usage error and not a page of help."""
    ((_, *arguments),) = typed(workflow["jobs"][name])

    assert 0 == main([*arguments, "--help"])

    shown = capsys.readouterr().out
    assert [] == [each for each in arguments if each.startswith("--") and each not in shown]
    assert 64 == main([*arguments, "--no-such-option", "--help"])


@pytest.mark.parametrize(("code", "passes"), [(0, True), (2, True), (1, False), (3, False)])
def test_the_plan_is_on_the_page_of_the_run_whatever_its_end(
    workflow: Job, code: int, passes: bool, tmp_path: Path
) -> None:
    """The step as a runner runs it (`bash -e`), with a cmkctl that prints and ends with a code."""
    (step,) = [each for each in workflow["jobs"]["plan"]["steps"] if each.get("id") == "plan"]
    summary, output, command = tmp_path / "summary", tmp_path / "output", tmp_path / "cmkctl"
    command.write_text(f"#!/bin/sh\necho '# the plan'\nexit {code}\n", encoding="utf-8")
    command.chmod(0o755)
    environment: dict[str, str | Path] = {"GITHUB_STEP_SUMMARY": summary, "GITHUB_OUTPUT": output}
    environment["PATH"] = f"{tmp_path}:/usr/bin:/bin"

    ran = subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=environment, check=False)

    assert passes == (ran.returncode == 0)
    assert "    # the plan\n" == summary.read_text(encoding="utf-8")
    assert f"exit-code={code}\n" == output.read_text(encoding="utf-8")
