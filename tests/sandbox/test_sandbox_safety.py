"""The sandbox keeps to itself: bounds on what it reads, no secrets in what it writes, no way out, no two owners."""

from __future__ import annotations

import json
import os
import ssl
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
import trustme
from cryptography import x509
from support.sandbox import Client, code

from cmkctl.sandbox import CLIENT_SECRET, Pace, Sandbox, find_running
from cmkctl.sandbox.core.secrecy import HIDDEN, without_secrets
from cmkctl.sandbox.server import Running, certificates

GROUP = "/resourceGroups/rg"


def _raw(client: Client, path: str, body: bytes) -> requests.Response:
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}
    url = f"https://{client.host}/subscriptions/c0ffee00-0000-4000-8000-000000000001{path}?api-version=2021-04-01"
    return client.session.put(url, data=body, headers=headers)


# --- bounds


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"tags":' + b'{"a":' * 150 + b"1" + b"}" * 151,
        b'{"location": NaN}',
        b'{"location": Infinity}',
    ],
    ids=["deep array", "deep object", "deeper than the bound", "NaN", "Infinity"],
)
def test_a_body_that_cannot_be_read_is_a_400(quick: Client, body: bytes) -> None:
    """Deep nesting and what is no JSON never end in a 500, nor in the log."""
    answer = _raw(quick, GROUP, body)

    assert code(answer) == (400, "InvalidRequestContent")
    assert quick("PUT", GROUP, {"location": "eastus2"}).status_code == 201


def test_a_body_of_more_than_four_megabytes_is_refused(quick: Client) -> None:
    """It is not kept, and the server goes on; one that is just below is read."""
    large = json.dumps({"location": "eastus2", "tags": {"a": "x" * 4_194_304}}).encode()
    answer = _raw(quick, GROUP, large)
    allowed = _raw(quick, GROUP, json.dumps({"location": "eastus2", "tags": {"a": "x" * 4_000_000}}).encode())

    assert code(answer) == (413, "RequestContentTooLarge")
    assert allowed.status_code < 500
    assert quick("GET", "/resourceGroups").status_code == 200


# --- secrets

ACCOUNT_KEY = "A" * 86 + "=="
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovLyJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "body",
    [
        {"a": {"b": [{"Password": "hush"}]}},
        {"properties": {"credentials": {"anything": "hush"}}},
        {
            "properties": {
                "parameters": {"p": {"value": "hush"}},
                "template": {"parameters": {"p": {"type": "secureString"}}},
            }
        },
        {"outputs": {"o": {"type": "SecureObject", "value": {"x": "hush"}}}},
        {"parameters": {"p": {"type": "securestring", "defaultValue": "hush"}}},
        {"text": f"AccountKey={ACCOUNT_KEY.replace('A', 'h')};"},
        {"text": TOKEN},
        TOKEN,
    ],
)
def test_secrets_are_replaced_wherever_they_are(body: object) -> None:
    """By the name of a property, by the type of a parameter, by the form of a text."""
    text = json.dumps(without_secrets(body))

    assert "hush" not in text
    assert "h" * 86 not in text
    assert TOKEN not in text
    assert HIDDEN in text


def test_what_is_no_secret_is_kept() -> None:
    """Names, ids, key identifiers, and what a datastore shows of its credentials."""
    body = {
        "keyIdentifier": "https://kv.vault.azure.net/keys/cmk/" + "a" * 32,
        "credentials": {"credentialsType": "AccountKey"},
        "properties": {"parameters": {"p": {"value": "x"}}, "template": {"parameters": {"p": {"type": "string"}}}},
        "keys": [{"keyName": "key1"}],
        "key": {"kid": "x"},
    }

    assert without_secrets(body) == body


def test_the_log_is_for_the_user_alone_and_has_no_secret(tmp_path: Path) -> None:
    """Also one that an older cmkctl made for everybody to read."""
    state = tmp_path / "sandbox.json"
    log = state.with_suffix(".log.jsonl")
    log.touch(mode=0o644)
    log.chmod(0o644)
    with Sandbox(state, Pace.none()).serve() as running:
        client = Client(running)
        running.state.add_storage_account("stone")
        account = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stone"
        keys = [row["value"] for row in client("POST", account + "/listKeys").json()["keys"]]
        client("PUT", GROUP, {"location": "eastus2", "tags": {"note": keys[0], "token": client.token}})
    text = log.read_text("utf-8")

    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert [secret for secret in (*keys, client.token, CLIENT_SECRET) if secret in text] == []
    assert HIDDEN in text


def test_telemetry_is_refused_and_not_logged(quick: Client) -> None:
    """The az CLI sends it with every command."""
    hosts = ("dc.services.visualstudio.com", "southcentralus-0.in.applicationinsights.azure.com")
    answers = [quick.session.post(f"https://{host}/v2/track", json=[{}]) for host in hosts]

    assert [code(answer) for answer in answers] == [(400, "SandboxNotModelled")] * 2
    assert [entry.host for entry in quick.running.requests if entry.host in hosts] == []


# --- the way out


def test_plain_http_does_not_leave_the_machine(instant: Running) -> None:
    """The environment sends it to the proxy, which refuses it."""
    environment = instant.environment()
    session = requests.Session()
    session.trust_env = False
    session.proxies = {"http": environment["HTTP_PROXY"]}

    answer = session.get("http://example.invalid/latest")

    assert answer.status_code == 501
    assert environment["http_proxy"] == environment["HTTP_PROXY"] == environment["HTTPS_PROXY"]


# --- the authority


def _end(certificate: Path) -> datetime:
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def test_the_authority_lives_for_thirty_days_and_is_renewed(tmp_path: Path) -> None:
    """Kept while it lasts, replaced in its last week, and replaced where it was made for ever."""
    certificate, key = tmp_path / "ca.pem", tmp_path / "ca.key"
    now = datetime.now(UTC)

    certificates.authority(certificate, key, now)
    first, end = certificate.read_bytes(), _end(certificate)
    certificates.authority(certificate, key, now + timedelta(days=20))
    kept = certificate.read_bytes()
    certificates.authority(certificate, key, now + timedelta(days=24))
    renewed = certificate.read_bytes()
    for_ever = trustme.CA()
    certificate.write_bytes(for_ever.cert_pem.bytes())
    key.write_bytes(for_ever.private_key_pem.bytes())
    certificates.authority(certificate, key, now)

    assert timedelta(days=29) < end - now <= timedelta(days=30)
    assert kept == first
    assert renewed != first
    assert _end(certificate) - now <= timedelta(days=30)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_what_the_authority_issues_ends_with_it(instant: Running) -> None:
    """A client that trusts it verifies a host, and no certificate is for ever."""
    address = ("127.0.0.1", instant.port)
    context = ssl.create_default_context(cafile=str(instant.ca))
    import socket  # noqa: PLC0415  only here

    with socket.create_connection(address) as raw:
        raw.sendall(b"CONNECT management.azure.com:443 HTTP/1.1\r\nHost: management.azure.com:443\r\n\r\n")
        assert raw.recv(4096).startswith(b"HTTP/1.1 200")
        with context.wrap_socket(raw, server_hostname="management.azure.com") as tls:
            end = (tls.getpeercert() or {}).get("notAfter")

    assert ssl.cert_time_to_seconds(str(end)) < datetime.now(UTC).timestamp() + 31 * 86400


# --- one server for one state


def test_a_second_command_waits_for_the_server_of_the_first(tmp_path: Path) -> None:
    """It does not rely on a server that ends with another command, and gets its own when that has ended."""
    sandbox = Sandbox(tmp_path / "sandbox.json", Pace.none())
    waits: list[float] = []
    noted: list[Path] = []
    first = sandbox.serve(lasting=False)

    def pause(seconds: float) -> None:
        waits.append(seconds)
        first.stop()

    with sandbox.for_command(noted.append, pause) as environment:
        proxy = environment["HTTPS_PROXY"]
        assert proxy != first.proxy
        found = find_running(sandbox.state)
        assert found is not None
        assert (found.lasting, f"http://127.0.0.1:{found.port}") == (False, proxy)
    assert (noted, len(waits)) == ([sandbox.state], 1)
    assert find_running(sandbox.state) is None


def test_a_command_shares_a_server_that_lasts(tmp_path: Path) -> None:
    """One that was started with serve; and the one of `sandbox run` whose command this is."""
    sandbox = Sandbox(tmp_path / "sandbox.json", Pace.none())

    def never(_: object) -> None:
        raise AssertionError("there is nothing to wait for")

    with sandbox.serve() as running, sandbox.for_command(never, never) as environment:
        assert environment == running.environment()
    with sandbox.serve(lasting=False) as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTPS_PROXY", running.proxy)
        with sandbox.for_command(never, never) as environment:
            assert environment == running.environment()


def test_two_commands_over_one_state_both_end(tmp_path: Path) -> None:
    """Two `sandbox run` at once: the second waits for the first, then has what the first left."""
    state = tmp_path / "sandbox.json"
    script = (
        "import os, sys, urllib.request\n"
        "sys.stdout.write(os.environ['HTTPS_PROXY']); sys.stdout.flush()\n"
        "sys.stdin.read()\n"
    )
    command = [
        sys.executable,
        "-m",
        "cmkctl",
        "sandbox",
        "run",
        "--state",
        str(state),
        "--",
        sys.executable,
        "-c",
        script,
    ]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    first = subprocess.Popen(command, **pipes, env={**os.environ}, text=True)  # type: ignore[call-overload]
    assert first.stdout is not None
    began = first.stdout.read(len("http://127.0.0.1:"))
    second = subprocess.Popen(command, **pipes, env={**os.environ}, text=True)  # type: ignore[call-overload]
    assert second.stderr is not None
    noted = second.stderr.readline()
    ends = threading.Thread(target=first.communicate)
    ends.start()
    output, _ = second.communicate()
    ends.join()

    assert began.startswith("http://127.0.0.1")
    assert "Waiting for the other command" in noted
    assert (first.returncode, second.returncode) == (0, 0)
    assert output.startswith("http://127.0.0.1")
