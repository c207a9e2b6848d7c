"""The state file, its lock and sidecar, pace, faults, and the commands."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from support.sandbox import Client, code, vault_body, vault_path
from typer.testing import CliRunner

from cmkctl.cli.sandbox import app
from cmkctl.sandbox import Pace, Sandbox, SandboxError, find_running
from cmkctl.sandbox.server import Running

LOCATION = {"location": "eastus2"}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return where the state is kept."""
    return tmp_path / "sandbox.json"


def test_state_and_certificate_survive_a_restart(state: Path) -> None:
    """What one command made, the next one sees, and the certificate in its environment still counts."""
    with Sandbox(state).serve() as first:
        Client(first)("PUT", "/resourceGroups/rg", LOCATION)
        certificate = first.ca.read_bytes()

    with Sandbox(state).serve() as second:
        assert Client(second)("GET", "/resourceGroups/rg").status_code == 200
        assert second.ca.read_bytes() == certificate


def test_a_write_is_on_disk_before_it_is_answered(state: Path) -> None:
    """So that no answer is ever forgotten, however the process ends."""
    with Sandbox(state).serve() as running:
        Client(running)("PUT", "/resourceGroups/rg", LOCATION)

        assert [row["doc"]["name"] for row in json.loads(state.read_text())["groups"].values()] == ["rg"]


def test_a_read_that_advances_is_saved_at_the_latest_at_the_end(state: Path) -> None:
    """A transition goes on where it was."""
    with Sandbox(state).serve() as first:
        client = Client(first)
        client("PUT", "/resourceGroups/rg", LOCATION)
        client("PUT", vault_path(), vault_body())
        client("GET", vault_path())
        client("GET", vault_path())

    with Sandbox(state).serve() as second:
        assert Client(second)("GET", vault_path()).json()["properties"]["provisioningState"] == "Succeeded"


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": 99}', '{"schema": 1}', '{"no": "schema"}', "\u0000"])
def test_a_file_it_cannot_read_is_refused_and_left_alone(state: Path, content: str) -> None:
    """Damaged, foreign or newer: a clear error, and not one byte of it changes."""
    state.write_text(content)

    with pytest.raises(SandboxError, match="left as it is"):
        Sandbox(state).serve()

    assert state.read_text() == content


def test_two_servers_never_share_a_file(state: Path) -> None:
    """The second is refused with a way out."""
    with Sandbox(state).serve(), pytest.raises(SandboxError, match="another sandbox is using"):
        Sandbox(state).serve()


def test_a_running_server_is_found_and_a_stale_sidecar_is_not(state: Path) -> None:
    """Found while it answers; a file that names a process long gone is ignored."""
    with Sandbox(state).serve() as running:
        found = find_running(state)
        sidecar = state.with_suffix(".running.json").read_text()
        assert found is not None
        assert found.environment() == running.environment()
    state.with_suffix(".running.json").write_text(sidecar)

    assert find_running(state) is None


def test_a_taken_port_is_a_clear_error(running: Running) -> None:
    """Not a traceback from a thread."""
    with pytest.raises(SandboxError, match="cannot start"):
        Sandbox().serve(port=running.port)


def test_the_log_file_keeps_the_requests(state: Path) -> None:
    """One JSON object a line, without secrets."""
    with Sandbox(state).serve() as running:
        client = Client(running)
        client("PUT", "/resourceGroups/rg", LOCATION)

    text = state.with_suffix(".log.jsonl").read_text()
    assert [json.loads(line)["status"] for line in text.splitlines()] == [200, 201]
    assert client.token not in text


def test_seconds_make_time_the_only_thing_that_counts() -> None:
    """However often it is read before, it is not done; after that, it is."""
    with Sandbox(pace=Pace.seconds(0.3)).serve() as running:
        client = Client(running)
        client("POST", "/providers/Microsoft.Search/register")
        early = {client("GET", "/providers/Microsoft.Search").json()["registrationState"] for _ in range(10)}
        time.sleep(0.35)

        assert early == {"Registering"}
        assert client("GET", "/providers/Microsoft.Search").json()["registrationState"] == "Registered"


@pytest.mark.parametrize("text", ["fast", "reads:-1", "reads:1.5", "seconds:x", "seconds:inf", "none:1"])
def test_a_pace_that_is_none_is_refused(text: str) -> None:
    """ValueError, which the command line turns into a usage error."""
    with pytest.raises(ValueError, match=r".+"):
        Pace.parse(text)


def test_throttling_has_a_retry_after(arm: Client) -> None:
    """In seconds and as a date, once each, and then no more."""
    arm.running.state.add_fault("throttle-seconds")
    arm.running.state.add_fault("throttle-date")

    answers = [arm("GET", "/resourceGroups") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "2"
    assert answers[1].headers["Retry-After"].endswith("GMT")


def test_a_fault_is_counted_and_meant_for_some_paths(arm: Client) -> None:
    """NAME@PATTERN leaves other paths alone; faults add up."""
    arm.running.state.add_fault("unavailable-once@*/resourceGroups/rg")

    other = arm("GET", "/resourceGroups")
    hit = arm("GET", "/resourceGroups/rg")

    assert (other.status_code, code(hit)) == (200, (503, "ServerTimeout"))


def test_a_connection_reset_after_a_write_has_done_the_write(arm: Client) -> None:
    """The nastiest of them: no answer, but it happened."""
    arm.running.state.add_fault("reset-after-write")

    with pytest.raises(requests.exceptions.ConnectionError):
        arm("PUT", "/resourceGroups/rg", LOCATION)

    assert arm("GET", "/resourceGroups/rg").status_code == 200


def test_a_fault_that_does_not_exist_is_refused() -> None:
    """With the names of those that do."""
    with pytest.raises(ValueError, match="throttle-seconds"):
        Sandbox(faults=["earthquake"]).serve()


def test_arranging_is_not_in_the_log(running: Running) -> None:
    """Tests count requests; what they arranged does not count."""
    running.state.add_vault("kv-one", purge_protection=False)
    running.state.register_provider()

    assert list(running.requests) == []


# --- commands


def invoke(*arguments: str) -> tuple[int, str, str]:
    """Run a command; return exit code, stdout and stderr."""
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stdout, done.stderr


def test_env_prints_what_a_shell_needs(state: Path) -> None:
    """Exports on stdout and nothing else there; exit 1 and a way out when nothing runs."""
    with Sandbox(state).serve() as running:
        exit_code, out, err = invoke("env", "--state", str(state))
        powershell = invoke("env", "--state", str(state), "--shell", "powershell")[1]
    absent = invoke("env", "--state", str(state))

    assert (exit_code, err) == (0, "")
    assert f"export HTTPS_PROXY={running.proxy}\n" in out
    assert f"$env:HTTPS_PROXY = '{running.proxy}'" in powershell
    assert (absent[0], "cmkctl sandbox serve" in absent[2]) == (1, True)


def test_run_gives_a_command_the_environment_and_takes_its_exit_code(state: Path) -> None:
    """Starting a server for it, or using the one that is running."""
    program = "import os; raise SystemExit(7 if os.environ['AZURE_TENANT_ID'].startswith('c0ffee') else 1)"
    command = ("run", "--state", str(state), "--", sys.executable, "-c", program)

    alone = invoke(*command)
    with Sandbox(state).serve():
        beside = invoke(*command)

    assert (alone[0], beside[0]) == (7, 7)


def test_reset_and_log_work_with_and_without_a_server(state: Path) -> None:
    """After reset there is nothing left, and the log is empty."""
    with Sandbox(state).serve() as running:
        client = Client(running)
        client("PUT", "/resourceGroups/rg", LOCATION)
        assert invoke("reset", "--state", str(state))[0] == 0
        assert code(client("GET", "/resourceGroups/rg")) == (404, "ResourceGroupNotFound")
        client("PUT", "/resourceGroups/rg", LOCATION)
    shown = invoke("log", "--state", str(state), "--writes")[1]
    invoke("reset", "--state", str(state))

    assert [line.split()[0] for line in shown.splitlines()] == ["201"]
    assert not state.exists()


def test_faults_lists_them() -> None:
    """Name, how often, what happens."""
    assert "throttle-date" in invoke("faults")[1]


def test_usage_errors_are_usage_errors(state: Path) -> None:
    """Click's own exit code here; the main entry point makes it 64."""
    assert invoke("serve", "--state", str(state), "--pace", "fast")[0] == 2
    assert invoke("serve", "--state", str(state), "--fault", "earthquake")[0] == 2
    assert invoke("run", "--state", str(state))[0] == 2


@pytest.mark.parametrize("ending", ["control port", "signal"])
def test_serve_shows_the_banner_and_stops_cleanly(state: Path, ending: str) -> None:
    """A banner on stderr; stopped in either way, it ends with 0 and leaves no sidecar."""
    if ending == "signal" and sys.platform == "win32":
        pytest.skip("Windows has no SIGTERM that could be caught")
    program = "from cmkctl.cli.sandbox import app; app()"
    command = [sys.executable, "-c", program, "serve", "--state", str(state)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        for _ in range(200):
            found = find_running(state)
            if found is not None:
                break
            time.sleep(0.05)
        assert found is not None
        if ending == "signal":
            process.terminate()
        else:
            found.stop()
        out, err = process.communicate(timeout=20)

    assert (process.returncode, out) == (0, "")
    assert "THIS IS NOT AZURE" in err
    assert not state.with_suffix(".running.json").exists()
