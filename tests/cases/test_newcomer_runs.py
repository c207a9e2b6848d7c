"""Runs of a newcomer (newcomer.md, sections 4, 5, 6, 7 and 7a) with the command line as a process, in the sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cmkctl.sandbox.core.messages import Call
from cmkctl.sandbox.server.app import Moment
from cmkctl.steps._identity_needs import CONTRIBUTOR, READER

QUICK = "quickstart.yaml"
DRIFT = {
    "location=westus": "CMK260",
    "tags.owner=me": "differs in tags",
    "key_vault.sku=premium": "CMK213",
    "associated_resources.storage_account.sku=Standard_GRS": "differs in sku",
    "workspace.cosmos_db_throughput=800": "collectionsThroughput",
    "key.expires=2090-01-01": "CMK227",
    "workspace.friendly_name=Fraud": "friendlyName",
    "workspace.public_network_access=disabled": "publicNetworkAccess",
    "key_vault.soft_delete_days=30": "soft delete",
    "key.rotation_policy={rotate_after: P1Y}": "its rotation policy differs",
}
"""A field that is changed after the apply, and a word of the output of verify."""


def test_verify_sees_every_field_that_was_changed_afterwards(azure: Any, profiles: Path) -> None:
    """Newcomer 7a: verify passed each of them 16 of 16, with exit code 0."""
    azure("apply", profiles / QUICK, "--yes")

    for option, words in DRIFT.items():
        ran = azure("verify", profiles / QUICK, "--set", option)
        text = " ".join(ran.out.split())

        assert (2, True) == (ran.code, words.lower() in text.lower()), (option, ran.out)
        assert "Drift: " in text


def test_an_existing_workspace_gets_the_lines_to_paste(azure: Any, profiles: Path) -> None:
    """Newcomer 7: conflicts had ARM names, and the line had to be guessed."""
    azure("apply", profiles / QUICK, "--yes")
    wrong = [
        *("--set", "associated_resources.storage_account.name=stother4711"),
        *("--set", "associated_resources.application_insights.name=appi-other"),
    ]

    found = azure("plan", profiles / QUICK, *wrong, "--json").of("planned_change")
    conflicts = [each for each in found if each["action"] == "conflict"]

    assert ["CMK258", "CMK258"] == [each["code"] for each in conflicts]
    lines = [way.removeprefix("write ") for each in conflicts for way in each["ways_out"] if way.startswith("write ")]
    pasted = [argument for line in lines for argument in ("--set", line.replace(": ", "=", 1))]
    adopted = azure("plan", profiles / QUICK, *pasted)
    assert (0, True) == (adopted.code, "No changes." in adopted.out), adopted.out + adopted.err


def test_denials_of_the_same_kind_are_one_block(azure: Any, profiles: Path) -> None:
    """Newcomer 5: an apply that Azure denied printed five identical CMK303 blocks, 80 lines.

    A caller without rights is refused with CMK191 before anything is sent, so the rights are taken away at the first write.
    """
    state = azure.running.state
    added = azure.command("sandbox", "principal", "add", "someone", "--role", "Contributor", "--state", azure.state)
    someone = dict(line.removeprefix("export ").split("=", 1) for line in added.out.splitlines())
    command = azure.command.within(**{**azure.running.environment(), **someone})
    state.disown()
    denied: list[str] = []

    def withdraw(moment: Moment, call: Call) -> bool:
        if moment is Moment.BEFORE and (call.method == "PUT" or call.path.lower().endswith("/register")):
            denied.append(call.path)
            with state.tenant.lock:
                for each in state.tenant.data["assignments"].values():
                    properties = each["doc"]["properties"]
                    properties["roleDefinitionId"] = properties["roleDefinitionId"].replace(
                        CONTRIBUTOR.guid, READER.guid
                    )
        return True

    azure.running.watch = withdraw
    ran = command("apply", profiles / QUICK, "--yes")

    assert (1, 1) == (ran.code, ran.err.count("error CMK303")), ran.err
    assert len(denied) > 1
    assert "az role assignment create" in ran.err
    assert not [each for each in state.tenant.data["resources"] if "vaults" in each]


@pytest.mark.parametrize("option", ["--out", "--record", "--report"])
@pytest.mark.parametrize("folder", ["missing", "file"])
def test_a_file_that_cannot_be_written_is_known_before_any_request(
    azure: Any, profiles: Path, tmp_path: Path, option: str, folder: str
) -> None:
    """Newcomer 5, "ok": a folder that is missing, or is a file."""
    (tmp_path / "file").write_text("")

    ran = azure("plan", profiles / QUICK, option, tmp_path / folder / "x.json")

    assert (1, 0) == (ran.code, len(azure.running.requests)), ran.err
    assert "error CMK5" in ran.err


def test_two_plans_at_once_over_one_state_both_end_well(
    azure: Any, cmkctl: Any, profiles: Path, tmp_path: Path
) -> None:
    """Newcomer 5: the remedy for the second was a reset of the sandbox, which deletes the other one's work."""
    command = cmkctl.within(AZURE_SUBSCRIPTION_ID=azure.command.environment["AZURE_SUBSCRIPTION_ID"])
    arguments = ("plan", profiles / QUICK, "--sandbox", "--state", tmp_path / "shared.json")
    both = [command.begin(*arguments) for _ in range(2)]

    ends = [command.end(each) for each in both]

    assert not [each.err for each in ends if "sandbox reset" in each.err]
    assert [0, 0] == [each.code for each in ends], [each.err for each in ends]


def test_a_failed_run_and_a_conflict_end_with_a_line_and_its_code(azure: Any, profiles: Path) -> None:
    """Newcomer 6: a failed run had no closing line, and a conflict no diagnostic."""
    azure("apply", profiles / QUICK, "--yes")
    conflict = azure("plan", profiles / QUICK, "--json", "--set", "workspace.encryption=service-side")
    failed = azure("plan", profiles / QUICK, "--json", "--set", "subscription=00000000-0000-0000-0000-000000000000")

    assert "CMK254" in [each["code"] for each in conflict.of("diagnostic")]
    for ran, code in ((conflict, 3), (failed, 1)):
        (end,) = ran.of("end")
        assert (code, code, False, True) == (ran.code, end["exit_code"], end["changed"], end["seconds"] >= 0)
        assert [] == [each for each in ran.lines if "at" not in each]


def test_an_absent_subscription_is_reported_once_with_the_command_that_lists_them(azure: Any, profiles: Path) -> None:
    """Newcomer 5: CMK311 "Azure refuses the request", with the URL twice."""
    ran = azure("plan", profiles / QUICK, "--set", "subscription=00000000-0000-0000-0000-000000000000")

    assert (1, True) == (ran.code, ran.err.startswith("error CMK301: Not found in Azure"))
    assert "az account list" in ran.err
    assert 1 == ran.err.count("https://management.azure.com/subscriptions/")


def test_an_expiry_that_is_near_is_warned_of_before_anything_is_created(azure: Any, profiles: Path) -> None:
    """G11 and newcomer 5: in two days, and 29; not in a year."""
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415 - the only test with dates

    def warned(days: int) -> bool:
        date = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
        return "CMK107" in azure("plan", profiles / QUICK, "--set", f"key.expires={date}").err

    assert [True, True, False] == [warned(2), warned(29), warned(365)]


def test_verify_does_not_describe_what_is_missing(azure: Any, profiles: Path) -> None:
    """First hour: "+ workspace mlw-quickstart  encrypted with key cmk-ml" was the row of a workspace that did not exist."""
    ran = azure("verify", profiles / QUICK)

    rows = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert 2 == ran.code
    assert "+ workspace mlw-quickstart does not exist" in rows
    assert "encrypted with" not in ran.out


def test_a_plan_of_the_sandbox_is_refused_before_signing_in(azure: Any, profiles: Path, tmp_path: Path) -> None:
    """First hour: the answer was "Not signed in to Azure"."""
    azure("plan", profiles / QUICK, "--out", tmp_path / "plan.json")

    ran = azure.command("apply", tmp_path / "plan.json", "--yes")

    assert (3, True) == (ran.code, ran.err.startswith("error CMK529"))
    assert "CMK319" not in ran.err
