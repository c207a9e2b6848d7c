"""Every exit code, each by a real situation."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cmkctl.sandbox import SUBSCRIPTION_ID, Pace

QUICK = "quickstart.yaml"


def closed_port() -> int:
    """Return a port of this machine without a listener."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def refusing_proxy(answer: bytes) -> Iterator[str]:
    """Run a proxy that sends this response to every CONNECT."""

    class Refusing(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(answer + b"\r\nContent-Length: 0\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{proxy.server_address[1]}"
        proxy.shutdown()


def test_a_plan_with_changes_is_0_and_2_on_request(azure: Any, profiles: Path) -> None:
    """A script requests the distinction with an option."""
    plain = azure("plan", profiles / QUICK)
    detailed = azure("plan", profiles / QUICK, "--detailed-exitcode")

    assert (0, 2, []) == (plain.code, detailed.code, azure.writes())
    assert plain.out == detailed.out


def test_applied_is_0_then_nothing_to_do_then_verified_then_drifted(azure: Any, profiles: Path) -> None:
    """One workspace's life: apply, apply again, plan, verify; then the storage account is weakened."""
    first = azure("apply", profiles / QUICK, "--yes")
    written = azure.writes()
    second = azure("apply", profiles / QUICK)
    planned = azure("plan", profiles / QUICK, "--detailed-exitcode")
    verified = azure("verify", profiles / QUICK)
    assert (0, 0, 0, 0) == (first.code, second.code, planned.code, verified.code)
    assert written == azure.writes()
    assert "No changes. 16 resources are up to date." in second.out

    documents = azure.running.state.tenant.data["resources"].values()
    (storage,) = [
        each["doc"]
        for each in documents
        if "stmlwquickstart" in each["doc"]["id"] and "azureml-rg" not in each["doc"]["id"]
    ]
    storage["properties"]["allowBlobPublicAccess"] = True
    drifted = azure("verify", profiles / QUICK)

    assert 2 == drifted.code
    assert "Drift: 1 of 16 resources differs from the profile." in drifted.out


def test_a_conflict_is_3_for_plan_and_apply_and_writes_nothing(azure: Any, profiles: Path) -> None:
    """A vault without purge protection, and a profile that does not allow to turn it on."""
    azure.running.state.add_vault(
        "kv-ml-quickstart", "rg-ml-quickstart", purge_protection=False, softDeleteRetentionInDays=7
    )

    planned = azure("plan", profiles / QUICK)
    applied = azure("apply", profiles / QUICK, "--yes")

    assert (3, 3, []) == (planned.code, applied.code, azure.writes())
    assert "CMK210" in planned.out


def test_apply_in_a_pipe_without_yes_is_64_and_writes_nothing(azure: Any, profiles: Path) -> None:
    """No prompt is possible there."""
    ran = azure("apply", profiles / QUICK)

    assert (64, []) == (ran.code, azure.writes())
    assert "CMK010" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["plam"],
        ["plan", "a.yaml", "--timeout", "0s"],
        ["plan", "a.yaml", "--no-such-option"],
        ["plan", "a.yaml", "--timeout", "soon"],
        ["plan", "a.yaml", "--auth", "magic"],
        ["explain", "no-such-word"],
        ["--sandbox", "plan", "a.yaml"],
        ["apply", "a.yaml", "b.yaml"],
        ["sandbox", "serve", "--pace", "fast"],
        ["sandbox", "faults", "--set", "thrtle"],
        ["sandbox", "env", "--shell", "tcsh"],
        ["sandbox", "clock", "--advance", "2x"],
        ["plan", "a.yaml", "--ignore", "everything"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_exits_64_with_a_help_pointer(cmkctl: Any, arguments: list[str]) -> None:
    """Never 2, which would read as drift."""
    ran = cmkctl(*arguments)

    assert (64, "") == (ran.code, ran.out)
    assert "--help" in ran.err


@pytest.mark.parametrize(
    ("text", "place", "code"),
    [
        ("location: eastus2\nworkspce: {}\n", ":2:1", "CMK003"),
        ("location: eastus2\nkey: {name: cmk, size: 1024}\n", ":2:", "CMK004"),
        ("location: [eastus2\n", ":2:1", "CMK002"),
        ("extends: nowhere.yaml\n", "mine.yaml:1:10", "CMK007"),
    ],
    ids=["unknown field", "wrong value", "no YAML", "no such base"],
)
def test_a_wrong_profile_is_64_with_its_place(cmkctl: Any, text: str, place: str, code: str) -> None:
    """File, line and column; and nothing is sent to Azure, so no credential is needed."""
    (cmkctl.folder / "mine.yaml").write_text(text, encoding="utf-8")

    ran = cmkctl("plan", "mine.yaml")

    assert (64, "") == (ran.code, ran.out)
    assert (True, True) == (place in ran.err, code in ran.err), ran.err


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["human", "json"])
def test_a_state_file_without_the_sandbox_is_64(azure: Any, profiles: Path, more: list[str]) -> None:
    """It would go to Azure, which is not what was meant."""
    ran = azure.command("apply", profiles / QUICK, "--yes", "--state", azure.state, *more)

    assert (64, []) == (ran.code, azure.writes())
    assert "CMK008" in ran.out + ran.err


@pytest.mark.parametrize("group", [["sandbox"], ["sandbox", "policy"], ["sandbox", "principal"]])
def test_a_group_of_commands_alone_is_its_help(cmkctl: Any, group: list[str]) -> None:
    """No error, as with ``cmkctl`` alone."""
    ran = cmkctl(*group)

    assert (0, "") == (ran.code, ran.err)
    assert ran.out == cmkctl(*group, "--help").out


def test_a_profile_that_is_not_there_is_64(cmkctl: Any) -> None:
    """As is one that is a folder."""
    assert [64, 64] == [cmkctl("plan", "nowhere.yaml").code, cmkctl("plan", ".").code]


def test_a_missing_credential_exits_1_with_a_remedy(azure: Any, profiles: Path) -> None:
    """The environment has the endpoints of Azure and no credential."""
    reachable = {
        name: value for name, value in azure.running.environment().items() if not name.startswith(("AZURE", "ARM"))
    }
    command = azure.command.within(**reachable, AZURE_TOKEN_CREDENTIALS="EnvironmentCredential")

    ran = command("plan", profiles / QUICK, "--set", f"subscription={SUBSCRIPTION_ID}", "--auth", "environment")

    assert (1, "") == (ran.code, ran.out)
    assert "error CMK319: Not signed in to Azure" in ran.err, ran.err
    assert "AZURE_CLIENT_SECRET" in ran.err, ran.err


def test_a_wrong_secret_is_1(azure: Any, profiles: Path) -> None:
    """Entra's message is displayed, the secret is not."""
    command = azure.command.within(**{**azure.running.environment(), "AZURE_CLIENT_SECRET": "wrong-and-private"})

    ran = command("plan", profiles / QUICK, "--auth", "environment")

    assert (1, "") == (ran.code, ran.out)
    assert (True, False) == ("AADSTS7000215" in ran.err, "wrong-and-private" in ran.err), ran.err


def test_an_unreachable_network_is_1(azure: Any, profiles: Path) -> None:
    """A proxy on a closed port; the command gives up after its timeout."""
    proxy = f"http://127.0.0.1:{closed_port()}"
    environment = {**azure.running.environment(), "HTTPS_PROXY": proxy, "https_proxy": proxy}

    command = azure.command.within(**environment)
    ran = command.end(command.begin("plan", profiles / QUICK, "--auth", "environment", "--timeout", "2s"), seconds=20)

    assert (1, "") == (ran.code, ran.out)
    assert "error CMK3" in ran.err


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 407 Proxy Authentication Required", b"HTTP/1.1 403 Forbidden", b"HTTP/1.1 502 Bad Gateway"]
)
def test_a_proxy_that_refuses_is_no_wrong_credential(azure: Any, profiles: Path, answer: bytes) -> None:
    """The first host to be reached is the login host: what is wrong is the way there, and that is what the advice is about."""
    with refusing_proxy(answer) as proxy:
        command = azure.command.within(**{**azure.running.environment(), "HTTPS_PROXY": proxy, "https_proxy": proxy})
        ran = command.end(command.begin("plan", profiles / QUICK, "--timeout", "2s"), seconds=20)

    assert (1, "") == (ran.code, ran.out)
    assert (True, True) == ("error CMK323" in ran.err, answer.decode()[9:] in ran.err), ran.err


def test_a_subscription_that_is_not_ours_is_1(azure: Any, profiles: Path) -> None:
    """Azure reports it as absent; that is no reason to plan everything anew."""
    ran = azure("plan", profiles / QUICK, "--set", "subscription=11111111-1111-4111-8111-111111111111")

    assert (1, "", []) == (ran.code, ran.out, azure.writes())
    assert "error CMK3" in ran.err


def test_a_timeout_is_1_leaves_azure_working_and_the_next_run_goes_on(
    rehearse: Callable[..., Any], profiles: Path
) -> None:
    """Slow as Azure is, given up early; once more with patience, and nothing is made twice."""
    azure = rehearse(Pace.seconds(600))

    given_up = azure("apply", profiles / QUICK, "--yes", "--timeout", "12s")
    first = azure.writes()
    azure.running.state.tenant.advance(3600)
    azure.running.state.tenant.pace = Pace.none()
    gone_on = azure("apply", profiles / QUICK, "--yes")

    assert (1, 0) == (given_up.code, gone_on.code)
    assert "CMK312" in given_up.err
    assert len(set(azure.writes())) == len(azure.writes()) > len(first) > 0
