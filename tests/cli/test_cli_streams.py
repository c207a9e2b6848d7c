"""Data on standard output, narration on standard error; JSON lines; pipes, signals and a real terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import shlex
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from support.command_line import Rehearsal

from cmkctl.sandbox import SUBSCRIPTION_ID, Pace

QUICK = "quickstart.yaml"
UNKNOWN_IDENTITY = (
    f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id"
)
TYPES = {
    "version": {"cmkctl", "schema", "sandbox", "at"},
    "planned_change": {"step", "action", "resource_id", "reason", "attributes", "irreversible", "request"},
    "diagnostic": {"code", "severity", "summary", "detail", "remedy"},
    "plan_summary": {"counts", "errored"},
    "apply_start": {"step", "action", "resource_id"},
    "plan_saved": {"file", "digests"},
    "apply_progress": {"waiting_for", "seconds", "until"},
    "apply_complete": {"step", "action", "resource_id", "seconds"},
    "apply_skipped": {"step", "action", "resource_id"},
    "apply_errored": {"step", "action", "resource_id", "codes"},
    "apply_summary": {"created", "updated"},
    "outputs": {"workspace_id", "key_identifier", "key_vault_id", "managed_resource_group", "principal_object_id"},
    "verified": {"matches", "drift"},
    "interrupted": {"in_flight", "command"},
    "end": {"exit_code", "changed", "counts", "done", "seconds"},
}
"""What each type of line has at least."""


def incomplete(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines of an unknown type, or without what their type has."""
    return [each for each in lines if not TYPES.get(each["type"], {"known"}) <= each.keys()]


def test_json_is_json_lines_for_every_command(azure: Any, profiles: Path) -> None:
    """The first line is the version; every line is of a known type; standard error stays empty."""
    runs = [
        azure("plan", profiles / QUICK, "--json"),
        azure("apply", profiles / QUICK, "--json", "--yes"),
        azure("verify", profiles / QUICK, "--json"),
    ]

    assert [0, 0, 0] == [each.code for each in runs]
    assert ["version"] * 3 == [each.lines[0]["type"] for each in runs]
    assert [] == [line for each in runs for line in incomplete(each.lines)]
    assert ["", "", ""] == [each.err for each in runs]
    assert ["outputs", "outputs", "outputs"] == [each.lines[-2]["type"] for each in runs]
    assert [(0, False), (0, True), (0, False)] == [
        (each.lines[-1]["exit_code"], each.lines[-1]["changed"]) for each in runs
    ]
    assert {True} == {each.lines[0]["sandbox"] for each in runs}


def test_the_counts_of_a_run_are_one_story(azure: Any, profiles: Path, tmp_path: Path) -> None:
    """Plan, apply, what was verified, JSON lines and the report count the same changes, each once."""
    report = tmp_path / "report.json"
    ran = azure("apply", profiles / QUICK, "--json", "--yes", "--report", report)
    (summary,) = ran.of("apply_summary")
    document = json.loads(report.read_text(encoding="utf-8"))

    kinds = ("created", "updated", "deleted", "disabled", "enabled", "waited_for", "not_needed", "up_to_date")
    assert len(ran.of("planned_change")) == summary["total"] == sum(summary[each] for each in kinds)
    assert len(ran.of("apply_complete")) == summary["created"]
    assert len(ran.of("apply_skipped")) == summary["not_needed"] == 1
    assert summary["total"] - summary["not_needed"] == summary["verified"]
    results = [each["result"] for each in document["changes"]]
    assert (summary["created"], 1) == (results.count("made"), results.count("not needed"))
    assert (True, 0) == (document["sandbox"], document["outcome"]["exit_code"])


@pytest.mark.parametrize(
    ("arguments", "code", "diagnostic"),
    [
        (["plan", "nowhere.yaml"], 64, "CMK001"),
        (["apply", QUICK], 64, "CMK010"),
        (["plan", QUICK, "--set", "key.size=1024"], 64, "CMK004"),
        (["plan", QUICK, "--set", "subscription=11111111-1111-4111-8111-111111111111"], 1, "CMK3"),
        (["plan", QUICK, "--set", f"workspace.identity={UNKNOWN_IDENTITY}"], 3, "CMK"),
        (["plan", QUICK, "--nonsense"], 64, "CMK008"),
    ],
    ids=["no profile", "needs --yes", "wrong --set", "no subscription", "conflict", "no such option"],
)
def test_json_is_json_lines_for_errors_too(
    azure: Any, profiles: Path, arguments: list[str], code: int, diagnostic: str
) -> None:
    """A script reads what went wrong from the same stream."""
    named = [str(profiles / each) if each == QUICK else each for each in arguments]

    ran = azure(*named, "--json")

    assert (code, "") == (ran.code, ran.err)
    assert "version" == ran.lines[0]["type"]
    assert [] == incomplete(ran.lines)
    assert [] == azure.writes()
    assert ran.lines[-1]["exit_code"] == code
    assert [each for each in ran.of("diagnostic") if each["code"].startswith(diagnostic)]


def test_data_is_on_stdout_and_narration_on_stderr(azure: Any, profiles: Path) -> None:
    """The plan and the outputs can be kept in a file; the progress is for the person at the terminal."""
    ran = azure("apply", profiles / QUICK, "--yes")

    outputs = [line.split()[0] for line in ran.out.splitlines()[-7:]]
    assert ["workspace_id", "key_identifier", "key_vault_id"] == outputs[:3]
    assert ("creating" in ran.err, "creating" in ran.out) == (True, False)
    assert ("Apply complete" in ran.err, "Apply complete" in ran.out) == (True, False)
    assert "\x1b" not in ran.out + ran.err


def test_one_field_is_overridden_on_the_command_line(azure: Any, profiles: Path) -> None:
    """Repeatable, and typed like the profile's own."""
    ran = azure("plan", profiles / QUICK, "--json", "--set", "key.size=4096", "--set", "workspace.name=mlw-other")

    (key,) = [each for each in ran.of("planned_change") if each["step"] == "key"]
    assert 4096 == key["request"]["body"]["properties"]["keySize"]
    assert ran.of("plan_summary")[0]["workspace_id"].endswith("/workspaces/mlw-other")


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["human", "json"])
def test_a_reader_that_leaves_early_is_no_failure_to_look_at(azure: Any, profiles: Path, more: list[str]) -> None:
    """``| head -1``: no traceback, no complaint, and the run is over."""
    arguments = ["plan", profiles / QUICK, "--sandbox", "--state", azure.state, *more]
    command = azure.command.begin(*arguments)
    assert command.stdout
    command.stdout.readline()
    command.stdout.close()
    with command:
        errors = command.stderr.read()
        command.wait(60)

    assert [] == [line for line in errors.splitlines() if line.startswith(("error", "warning", "Traceback"))]


def test_a_report_is_written_also_when_the_reader_leaves(azure: Any, profiles: Path, tmp_path: Path) -> None:
    """However the run ended; the exit code of the report is the one of the process."""
    report = tmp_path / "report.json"
    arguments = ["apply", profiles / QUICK, "--sandbox", "--state", azure.state, "--yes", "--json", "--report", report]
    command = azure.command.begin(*arguments)
    assert command.stdout
    command.stdout.readline()
    command.stdout.close()
    with command:
        command.wait(60)

    assert (1, 1) == (command.returncode, json.loads(report.read_text())["outcome"]["exit_code"])


@pytest.mark.parametrize(
    ("redirection", "command"),
    [
        (">&-", ["plan"]),
        ("2>&-", ["apply", "--yes"]),
        (">&- 2>&-", ["plan"]),
        (">&- 2>&- <&-", ["apply", "--yes"]),
    ],
)
def test_a_closed_stream_ends_no_run(azure: Any, profiles: Path, redirection: str, command: list[str]) -> None:
    """A daemon has none."""
    arguments = [*command, str(profiles / QUICK), "--sandbox", "--state", str(azure.state)]
    shell = ["sh", "-c", f"{shlex.join([sys.executable, '-m', 'cmkctl', *arguments])} {redirection}"]

    ran = subprocess.run(shell, env=azure.command.environment, capture_output=True, text=True, check=False)

    assert (0, False) == (ran.returncode, "Traceback" in ran.stderr)


@pytest.mark.parametrize("arguments", [["explain", "CMK315"], ["plan"], ["plan", "--json"]])
def test_a_full_disk_is_no_defect_of_ours(azure: Any, profiles: Path, arguments: list[str]) -> None:
    """The output goes to standard output, which accepts no more."""
    more = [profiles / QUICK, "--sandbox", "--state", azure.state] if arguments[0] == "plan" else []

    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ran = azure.command.end(azure.command.begin(*arguments, *more, stdout=full))

    assert (1, 1) == (ran.code, ran.err.count("error CMK541: "))


def test_signs_become_ascii_where_the_encoding_lacks_them(azure: Any) -> None:
    """Not every locale is UTF-8. Other characters are escaped."""
    environment = {**azure.command.environment, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "cmkctl", "explain", "CMK315"]

    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert (0, "") == (ran.returncode, ran.stderr)
    assert "-> Run the same command again" in ran.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_apply_exits_130_and_lists_operations_in_progress(
    rehearse: Callable[..., Any], profiles: Path, number: signal.Signals
) -> None:
    """During a wait: at once, and with what Azure goes on with; the next run takes it from there."""
    azure = rehearse(Pace.seconds(30))
    command = azure.command.begin("apply", profiles / QUICK, "--sandbox", "--state", azure.state, "--yes")
    deadline = time.monotonic() + 30
    while len(azure.writes()) < 5 and time.monotonic() < deadline:
        time.sleep(0.05)

    command.send_signal(number)
    interrupted = time.monotonic()
    ran = azure.command.end(command)

    assert 130 == ran.code
    assert time.monotonic() - interrupted < 10
    assert "Azure may continue with:\n  … resource provider" in ran.err
    assert "To continue, run the same command again:\n  " in ran.err


class Terminal:
    """A command in a real terminal, 80 columns wide."""

    def __init__(self, azure: Rehearsal, *arguments: str | Path, **environment: str) -> None:
        self._leader, follower = pty.openpty()
        termios.tcsetwinsize(follower, (24, 80))
        command = azure.command.within(**environment)
        streams = {"stdin": follower, "stdout": follower, "stderr": follower}
        self.process = command.begin(*arguments, "--sandbox", "--state", azure.state, **streams)
        os.close(follower)
        self.output = ""

    def until(self, text: str, seconds: float = 40) -> None:
        """Read on until the output contains a text, or the command has ended."""
        deadline = time.monotonic() + seconds
        while text not in self.output and time.monotonic() < deadline:
            if not select.select([self._leader], [], [], 0.2)[0]:
                continue
            try:
                self.output += os.read(self._leader, 65536).decode(errors="replace")
            except OSError:  # the command has closed its end
                return

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._leader, f"{text}\n".encode())

    def end(self) -> int:
        """Read to the end; the exit code."""
        self.until("\0")
        code = self.process.wait(40)
        os.close(self._leader)
        assert "Traceback" not in self.output
        return code


@pytest.mark.parametrize(("answer", "code"), [("no", 3), ("", 3), ("Y", 0), ("yes", 0)])
def test_apply_prompts_on_a_terminal(azure: Any, profiles: Path, answer: str, code: int) -> None:
    """Yes in any case applies the plan; anything else changes nothing, and the output states it."""
    terminal = Terminal(azure, "apply", profiles / QUICK, TERM="xterm-256color")

    terminal.until('Type "yes" to apply:')
    before = azure.writes()
    terminal.type(answer)

    assert (code, []) == (terminal.end(), before)
    assert bool(azure.writes()) == (code == 0)
    assert 1 == terminal.output.count("Cannot be undone")
    assert ("Cancelled. Nothing was changed." in terminal.output) == (code == 3)


def test_what_was_typed_before_the_question_is_no_answer(azure: Any, profiles: Path) -> None:
    """A line that was typed while the plan was made cannot approve it."""
    terminal = Terminal(azure, "apply", profiles / QUICK, TERM="xterm-256color")
    terminal.type("yes")

    terminal.until('Type "yes" to apply:')
    terminal.type("no")

    assert (3, []) == (terminal.end(), azure.writes())


def test_ctrl_c_at_the_question_reports_that_nothing_changed(azure: Any, profiles: Path) -> None:
    """130, as for every interruption."""
    terminal = Terminal(azure, "apply", profiles / QUICK, TERM="xterm-256color")
    terminal.until('Type "yes" to apply:')

    terminal.process.send_signal(signal.SIGINT)

    assert (130, []) == (terminal.end(), azure.writes())
    assert "Cancelled. Nothing was changed." in terminal.output


def test_all_that_is_approved_is_on_a_screen_of_24_lines(azure: Any, profiles: Path) -> None:
    """With the question, which names workspace, region, subscription and the sandbox."""
    terminal = Terminal(azure, "apply", profiles / QUICK, NO_COLOR="1")
    terminal.until('Type "yes" to apply:')
    planned = azure("plan", profiles / QUICK, "--json").of("planned_change")
    terminal.type("no")
    terminal.end()

    screen = terminal.output.partition('Type "yes" to apply:')[0].replace("\r", "").splitlines()[-23:]
    text = " ".join(" ".join(screen).split())
    assert [] == [
        each["title"] for each in planned if each["action"] == "create" and each["title"].split()[-1] not in text
    ]
    assert [] == [words for each in planned for words in each["irreversible"] if words not in text]
    for words in ("mlw-quickstart in eastus2", SUBSCRIPTION_ID, "SANDBOX"):
        assert words in " ".join(text.partition("Apply this plan")[2].split())


@pytest.mark.parametrize(("more", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_are_for_terminals_that_want_them(
    azure: Any, profiles: Path, more: dict[str, str], coloured: bool
) -> None:
    """NO_COLOR and TERM=dumb are obeyed."""
    terminal = Terminal(azure, "plan", profiles / QUICK, **{"TERM": "xterm-256color", **more})

    assert 0 == terminal.end()
    assert coloured == ("\x1b[" in terminal.output and "m" in terminal.output.partition("\x1b[")[2][:6])


def test_every_plan_header_names_the_sandbox(azure: Any, profiles: Path) -> None:
    """And the commands that it names keep the flags that lead there."""
    plan = azure.command.folder / "plan.json"
    planned = azure("plan", profiles / QUICK, "--out", plan)
    applied = azure("apply", plan, "--yes")
    verified = azure("verify", profiles / QUICK)
    shown = azure.command("show", plan)

    assert [True] * 3 == [each.out.startswith("SANDBOX (not Azure): ") for each in (planned, applied, verified)]
    flags = f"--sandbox --state {azure.state}"
    assert f"apply {plan} {flags}\n" in planned.err
    assert f"verify PROFILE {flags}\n" in applied.err
    assert (0, "Plan: ") == (shown.code, shown.out.splitlines()[-1][:6])


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["human", "json"])
def test_an_environment_of_the_sandbox_is_shown(azure: Any, profiles: Path, more: list[str]) -> None:
    """Without --sandbox: the responses themselves identify it."""
    ran = azure.command.within(**azure.running.environment())("plan", profiles / QUICK, *more)

    marked = ran.lines[0]["sandbox"] if more else ran.out.startswith("SANDBOX (not Azure): ")
    assert (0, True) == (ran.code, marked)


def test_the_last_lines_of_an_apply_state_what_is_true_now(azure: Any, profiles: Path) -> None:
    """Which workspace is encrypted with which key in which vault and how; and the named command checks it."""
    ran = azure("apply", profiles / QUICK, "--yes")

    last = " ".join(ran.err.split())
    assert "mlw-quickstart is encrypted with key cmk-ml in vault kv-ml-quickstart (in-subscription)." in last
    words = shlex.split(ran.err.splitlines()[-1])
    checked = subprocess.run(words, env=azure.command.environment, capture_output=True, text=True, check=False)
    assert (0, "OK: 16 of 16 resources match the profile.") == (checked.returncode, checked.stdout.splitlines()[-1])


def test_standard_input_and_output_are_a_dash(azure: Any, profiles: Path) -> None:
    """A profile from a pipe, a saved plan into one, and from one."""
    text = (profiles / QUICK).read_text(encoding="utf-8")
    flags = ["--sandbox", "--state", azure.state]

    def piped(given: str, *arguments: str) -> Any:
        return azure.command.end(azure.command.begin(*arguments, *flags, stdin=subprocess.PIPE), given)

    planned = piped(text, "plan", "-", "--out", "-")
    applied = piped(planned.out, "apply", "-", "--yes")

    assert (0, 0) == (planned.code, applied.code), applied.err
    assert "cmkctl_plan" in json.loads(planned.out)
    assert "Apply complete" in applied.err


def test_the_requests_shown_are_the_requests_sent(azure: Any, profiles: Path) -> None:
    """Through the command line: what ``plan --json`` shows is what ``apply`` sends, but for what only exists later."""
    planned = azure("plan", profiles / QUICK, "--json").of("planned_change")
    azure("apply", profiles / QUICK, "--yes")

    shown = {(each["request"]["method"], each["request"]["path"]) for each in planned if each["request"]}
    sent = {(each.method, each.path) for each in azure.running.writes}
    # Registering Microsoft.DocumentDB brings the service principal.
    assert {("POST", "/v1.0/servicePrincipals")} == shown - sent
    assert set() == sent - shown


def test_secrets_are_never_printed(azure: Any, profiles: Path, tmp_path: Path) -> None:
    """Neither the client secret nor a token is in the output or the files of a run."""
    tape = tmp_path / "tape.json"
    ran = azure("apply", profiles / QUICK, "--yes", "--json", "--record", tape)

    texts = ran.out + ran.err + tape.read_text(encoding="utf-8")
    secrets = ["not-a-secret-cmkctl-sandbox", "eyJ", "Bearer "]
    assert [] == [each for each in secrets if each in texts]
    assert json.loads(tape.read_text(encoding="utf-8"))["exchanges"]


def test_a_verdict_claims_nothing_about_a_field_that_was_not_compared(azure: Any, profiles: Path) -> None:
    """A setting of cmkctl has no counterpart in Azure: the verdict refers to the note about it."""
    azure("apply", profiles / QUICK, "--yes")

    checked = azure("verify", profiles / QUICK, "--set", "key_access.settle_seconds=31")

    assert (0, "OK: 16 of 16 resources match the profile, apart from 1 note below.") == (
        checked.code,
        checked.out.splitlines()[-1],
    )
    assert "note CMK115: Not compared" in checked.err
