"""The run report: everything a support case or an auditor needs, however the run ended."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.core.rest import HttpRequest
from support.command_line import CommandLine

from cmkctl.azure.redaction import Redactor
from cmkctl.azure.traffic import ObservedExchange
from cmkctl.cli import main
from cmkctl.clock import SystemClock
from cmkctl.sandbox import SUBSCRIPTION_ID, Pace, Sandbox
from cmkctl.sandbox.server import Running
from cmkctl.views.report import ReportView

STEPS = 7


@pytest.fixture
def azure() -> Iterator[Running]:
    """Provide a new subscription, and the environment that leads to it."""
    with Sandbox(None, Pace.none()).serve() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        yield running


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """Provide a profile in a file."""
    document = {
        "subscription": SUBSCRIPTION_ID,
        "location": "eastus2",
        "resource_group": "rg-ml",
        "key_vault": {"name": "kv-cmk"},
        "key": {"name": "cmk"},
        "workspace": {"name": "mlw", "high_business_impact": True, "encryption": "in-subscription"},
    }
    path = tmp_path / "profile.yaml"
    path.write_text(json.dumps(document))
    return path


def reported(azure: Running, *arguments: str | Path, to: Path) -> tuple[int, dict[str, Any]]:
    """Return the exit code of a command, and its report."""
    ran = CommandLine(to.parent, azure.environment())(*arguments, "--report", to, "--auth", "environment")
    report: dict[str, Any] = json.loads(to.read_text())
    return ran.code, report


def test_a_signed_address_is_reported_without_its_signature(tmp_path: Path) -> None:
    """Azure returns the URL to poll an operation, and its signature is as good as a key."""
    request = HttpRequest("GET", "https://management.azure.com/operation?sv=2024&sig=planted&s=planted&c=planted")
    report = ReportView(tmp_path / "r.json", "cmkctl plan", SystemClock(), Redactor())

    report.add_request(ObservedExchange(datetime.now(UTC), 0.1, request, None, "no answer"))
    report.write(1)

    (request,) = json.loads((tmp_path / "r.json").read_text())["requests"]
    assert {"sv": "2024", "sig": "REDACTED", "s": "REDACTED", "c": "REDACTED"} == request["query"]


def test_a_plan_is_reported_with_its_requests(azure: Running, profile: Path, tmp_path: Path) -> None:
    """Each request that the sandbox saw is there, with the correlation id that it answered."""
    code, report = reported(azure, "plan", profile, to=tmp_path / "r.json")

    assert (0, 2, 0) == (code, report["cmkctl_report"], report["outcome"]["exit_code"])
    listed = sorted((each["method"], each["host"], each["path"]) for each in report["requests"])
    assert sorted((each.method, each.host, each.path) for each in azure.requests) == listed
    arm = [each for each in report["requests"] if each["host"] == "management.azure.com"]
    assert [] == [each for each in arm if not each["correlation_id"] or not each["status"]]
    assert STEPS == len(report["steps"])
    assert {"nothing to do", "not started"} == {each["result"] for each in report["changes"]}


def test_a_failed_apply_is_reported_with_what_was_made_and_what_not(
    azure: Running, profile: Path, tmp_path: Path
) -> None:
    """A late failure: the changes before are made, or not needed any more, the workspace failed, and the diagnostic is there."""
    azure.state.add_fault("late-failure")

    code, report = reported(azure, "apply", profile, "--yes", to=tmp_path / "r.json")

    results = {each["step"]: each["result"] for each in report["changes"]}
    assert (1, "failed") == (code, report["outcome"]["meaning"])
    assert ("made", "failed") == (results["key"], results["workspace"])
    brought = [each["result"] for each in report["changes"] if each["title"].startswith("service principal")]
    assert ["not needed"] == brought
    assert {"step": "workspace", "state": "failed"}.items() <= report["steps"][-1].items()
    diagnostics = report["outcome"]["diagnostics"]
    assert ["CMK311"] == [each["code"] for each in diagnostics if each["severity"] == "error"]
    assert {"note"} >= {each["severity"] for each in diagnostics if each["severity"] != "error"}
    assert report["outputs"] is None


def test_a_refused_plan_and_a_wrong_profile_are_reported(azure: Running, profile: Path, tmp_path: Path) -> None:
    """Also a run that never came to Azure leaves a report with the cause."""
    azure.state.add_vault("kv-cmk", "rg-ml", purge_protection=False)

    refused, first = reported(azure, "plan", profile, to=tmp_path / "1.json")
    wrong, second = reported(azure, "plan", profile, "--set", "key.size=1", to=tmp_path / "2.json")

    assert (3, 64) == (refused, wrong)
    assert ("refused", "the command line or the profile is wrong") == (
        first["outcome"]["meaning"],
        second["outcome"]["meaning"],
    )
    assert (None, []) == (second["subject"], second["requests"])


def test_a_request_without_an_answer_is_reported_with_why(azure: Running, profile: Path, tmp_path: Path) -> None:
    """No status, and the words of the network."""
    azure.state.add_fault("reset-before-write@PUT:resourcegroups/rg-ml")

    code, report = reported(azure, "apply", profile, "--yes", "--set", "workspace.name=mlw2", to=tmp_path / "r.json")

    unanswered = [each for each in report["requests"] if each["status"] is None]
    group = next(each for each in report["changes"] if each["step"] == "resource_group")
    assert ["PUT"] == [each["method"] for each in unanswered]
    assert [] == [each for each in unanswered if not each["error"]]
    assert ("made", 2) == (group["result"], group["tries"])
    assert 0 == code


def test_an_unwritable_report_is_reported_before_any_request(
    azure: Running, profile: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is sent for a report that would be lost."""
    code = main(["plan", str(profile), "--report", str(tmp_path / "no" / "r.json")])

    assert (1, []) == (code, list(azure.requests))
    assert "CMK531" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--report", "--record", "--out"])
def test_the_profile_is_never_written_over(
    azure: Running, profile: Path, tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A slip on the command line: neither by its name nor through a link, and nothing is sent to Azure."""
    before, link = profile.read_text(), tmp_path / "link.yaml"
    link.symlink_to(profile)

    codes = [main(["plan", str(profile), option, str(path), "--auth", "environment"]) for path in (profile, link)]

    assert ([64, 64], []) == (codes, list(azure.requests))
    assert before == profile.read_text()
    assert 2 == capsys.readouterr().err.count("error CMK008")


def test_two_outputs_do_not_share_a_file(azure: Running, profile: Path, tmp_path: Path) -> None:
    """The later would take the place of the earlier."""
    both = str(tmp_path / "both.json")

    codes = [
        main(["plan", str(profile), "--report", both, "--record", both, "--auth", "environment"]),
        main(["plan", str(profile), "--out", both, "--report", both, "--auth", "environment"]),
    ]

    assert ([64, 64], []) == (codes, list(azure.requests))
    assert not Path(both).exists()


@pytest.mark.usefixtures("azure")
def test_a_report_can_hold_what_is_no_text(profile: Path, tmp_path: Path) -> None:
    """An argument in another encoding than the terminal's; the report is JSON, and is there."""
    report = tmp_path / "r.json"

    main(["plan", str(profile), "--set", "tags.owner=M\udcfcller", "--report", str(report), "--auth", "environment"])

    assert "M\udcfcller" in json.loads(report.read_text())["command"]


def test_a_report_is_for_its_owner_only(azure: Running, profile: Path, tmp_path: Path) -> None:
    """It names everything there is in a subscription."""
    reported(azure, "plan", profile, to=tmp_path / "r.json")

    assert 0o600 == stat.S_IMODE((tmp_path / "r.json").stat().st_mode)


def test_debug_goes_to_standard_error_and_leaves_json_alone(
    azure: Running,
    profile: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A line for each request, with its status; standard output is JSON lines and nothing else."""
    code = main(["plan", str(profile), "--json", "--debug", "--auth", "environment"])
    captured = capsys.readouterr()

    assert 0 == code
    assert [] == [line for line in captured.out.splitlines() if "type" not in json.loads(line)]
    assert [] == [each.path for each in azure.requests if f"https://{each.host}{each.path}" not in captured.err]
