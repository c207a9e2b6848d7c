"""No secret reaches a person, a script or a file: planted in every channel, looked for in every output.

Every spelling of a secret and every channel is tried, but not each with each other where a run of the command is needed for it:
the redaction of a text does not know the channel. See :data:`PAIRS`.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import logging
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from support.command_line import CommandLine

from cmkctl.azure.redaction import Redactor
from cmkctl.cli import main
from cmkctl.cli.options import Options
from cmkctl.cli.reporting import Reporter
from cmkctl.clock import SystemClock
from cmkctl.sandbox import SUBSCRIPTION_ID, Pace, Sandbox
from cmkctl.sandbox.server import Running
from cmkctl.views import make_view

PLANTED: Final = "pLanTed"
"""What every planted secret begins with, so that also a part of one is found."""

SECRETS: Final = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=24, max_size=40
).map(lambda tail: PLANTED + tail)
FEW: Final = settings(
    database=None,
    deadline=None,
    max_examples=2,  # the first is the simplest one there is, the second is a random one
    phases=(Phase.explicit, Phase.generate),  # an example runs many commands, and shrinking would take minutes
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def jwt(secret: str) -> str:
    """Return a token whose claims and signature hold the secret."""
    parts = ({"alg": "RS256"}, {"aud": secret})
    encoded = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts]
    return ".".join([*encoded, secret])


DISGUISES: Final[Mapping[str, str]] = {
    "a token": "token {jwt}",
    "a header": "Authorization: Bearer {secret}",
    "a connection string": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={secret};EndpointSuffix=x",
    "a signed URL": "https://a.blob.core.windows.net/c?sv=2024&sig={secret}",
    "a telemetry key": "InstrumentationKey={secret};IngestionEndpoint=https://x/",
    "a form": "grant_type=x&client_secret={secret}&scope=y",
    "a private key": "-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----",
    "a proxy": "http://user:{secret}@proxy:3128/",
    "JSON in a text": '{{"error": {{"password": "{secret}"}}}}',
    "JSON in JSON in a text": '{{\\"refresh_token\\": \\"{secret}\\"}}',
}


def disguised(name: str, secret: str) -> str:
    """Return the secret in one of its spellings."""
    return DISGUISES[name].format(secret=secret, jwt=jwt(secret))


def spellings(secret: str) -> set[str]:
    """How a secret could be written."""
    whole = base64.b64encode(secret.encode()).decode()
    return {secret, secret[: len(PLANTED) + 8], quote(secret, safe=""), json.dumps(secret)[1:-1], whole}


@dataclass
class Console:
    """Runs command lines and keeps all that they leave: both streams, and every file in the folder."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    output: list[str] = field(default_factory=list)

    def run(self, *arguments: str) -> int:
        """Run one command line."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(arguments)
        self.output += [out.getvalue(), err.getvalue()]
        return code

    def run_apart(self, *arguments: str) -> int:
        """Run one command line in a process of its own: azure-ai-ml warns, which ends a test."""
        ran = CommandLine(self.folder, self.environment)(*arguments)
        self.output += [ran.out, ran.err]
        return ran.code

    def found(self, secret: str, *but: str) -> list[str]:
        """Where the secret is, in any spelling; `but` names the files that the test itself wrote it to."""
        written = {
            each.name: each.read_text(errors="replace") for each in self.folder.iterdir() if each.name not in but
        }
        streams = {f"stream {index}": text for index, text in enumerate(self.output)}
        return [name for name, text in {**streams, **written}.items() if any(one in text for one in spellings(secret))]


@pytest.fixture
def console(azure: Running) -> Iterator[Console]:
    """Provide a console in a separate folder."""
    with tempfile.TemporaryDirectory() as folder:
        yield Console(Path(folder), azure.environment())


@pytest.fixture(scope="module", autouse=True)
def azure() -> Iterator[Running]:
    """Provide a sandbox with the profile's resource group, and the environment that leads to it.

    The group is there because a plan reads the permissions in it then: a tape whose group is made up lacks that answer.
    """
    with Sandbox(None, Pace.none()).serve() as running, pytest.MonkeyPatch.context() as patch:
        running.state.add_resource_group("rg-ml")
        for name, value in running.environment().items():
            patch.setenv(name, value)
        yield running


def profile(folder: Path, **workspace: str) -> str:
    """Return a profile in a file."""
    document = {
        "subscription": SUBSCRIPTION_ID,
        "location": "eastus2",
        "resource_group": "rg-ml",
        "key_vault": {"name": "kv-cmk"},
        "key": {"name": "cmk"},
        "workspace": {"name": "mlw", "high_business_impact": True, "encryption": "in-subscription", **workspace},
    }
    path = folder / "profile.yaml"
    path.write_text(json.dumps(document))
    return str(path)


def everything(console: Console, file: str, *more: str) -> None:
    """Every output there is: for people, for scripts, with bodies, a log and a report."""
    report = str(console.folder / "report.json")
    console.run("plan", file, "--requests", "--debug", "--report", report, "--auth", "environment", *more)
    console.run("plan", file, "--json", "--debug", "--report", report, "--auth", "environment", *more)


@pytest.mark.parametrize("name", DISGUISES)
@FEW
@given(secret=SECRETS)
def test_values_of_a_profile_are_redacted(name: str, secret: str) -> None:
    """A secret in a description is sent, and shown nowhere. Every spelling, each with two secrets."""
    with tempfile.TemporaryDirectory() as folder:
        console = Console(Path(folder))
        file = profile(console.folder, description=disguised(name, secret))

        everything(console, file)

        assert [] == console.found(secret, "profile.yaml")
        assert '"description":' in console.output[-2]


@pytest.mark.parametrize("name", DISGUISES)
def test_what_is_no_value_is_not_shown_either(name: str, console: Console) -> None:
    """A connection string where a name belongs: the error has the place, not the value."""
    secret = f"{PLANTED}0123456789abcdef0123456789"
    file = profile(console.folder, name=disguised(name, secret))

    codes = [console.run("plan", file), console.run("plan", file, "--json")]

    assert [64, 64] == codes
    assert [] == console.found(secret, "profile.yaml")


def tape_with(console: Console, spoil: Any) -> str:
    """Return a tape of a plan with corrupted responses; its profile stays beside it."""
    tape = console.folder / "tape.json"
    console.run("plan", profile(console.folder), "--record", str(tape), "--auth", "environment")
    document = json.loads(tape.read_text())
    for each in document["exchanges"]:
        spoil(each["request"]["url"], each["response"])
    tape.write_text(json.dumps(document))
    return str(tape)


def refusing(text: str) -> Any:
    """Spoils the answer about the vault: a refusal in Azure's form, with the text in all its places."""

    def spoil(url: str, response: dict[str, Any]) -> None:
        if url.partition("?")[0].endswith("/vaults/kv-cmk"):
            error = {"code": "Forbidden", "message": text, "details": [{"code": "Inner", "message": text}]}
            response |= {"status": 403, "body": {"error": error}}
            response["headers"] |= {"WWW-Authenticate": text.replace("\n", " "), "Location": text.replace("\n", " ")}

    return spoil


def answering(text: str) -> Any:
    """Spoils the answer about the resource group: it is there, and the text is in it."""

    def spoil(url: str, response: dict[str, Any]) -> None:
        if url.partition("?")[0].endswith("/resourcegroups/rg-ml"):
            response |= {"status": 200, "body": {"id": "/x", "location": text, "tags": {"t": text}, "password": text}}

    return spoil


def no_json(text: str) -> Any:
    """Replace the response for the resource group with the page of a proxy."""

    def spoil(url: str, response: dict[str, Any]) -> None:
        if url.partition("?")[0].endswith("/resourcegroups/rg-ml"):
            response |= {"status": 200, "body": f"<html>{text}</html>"}
            response["headers"]["content-type"] = "text/html"

    return spoil


def refusing_in_its_own_way(body: dict[str, Any]) -> Any:
    """Spoils the answer about the resource group: a refusal that has no form which Azure documents."""

    def spoil(url: str, response: dict[str, Any]) -> None:
        if url.partition("?")[0].endswith("/resourcegroups/rg-ml"):
            response |= {"status": 400, "body": body}

    return spoil


WAYS: Final = ((refusing, "Inner"), (answering, "exists, in "), (no_json, "begins: <html>"))
"""The ways in which a secret comes back from Azure, and the text around it in the output."""

PAIRS: Final = [(*WAYS[index % len(WAYS)], name) for index, name in enumerate(DISGUISES)]
"""Every spelling with one of the ways in turn, so that each way has at least three spellings."""


@pytest.mark.parametrize(("spoil", "around", "name"), PAIRS)
@FEW
@given(secret=SECRETS)
def test_what_azure_answers_is_not_shown(spoil: Any, around: str, name: str, secret: str) -> None:
    """In an error, in a property, in a header, in a proxy's page. What stood around it is shown.

    Every spelling and every way is tried, in pairs and not each with each: a run records a tape and plans from it twice.
    """
    with tempfile.TemporaryDirectory() as folder:
        console = Console(Path(folder))
        tape = tape_with(console, spoil(disguised(name, secret)))

        everything(console, str(console.folder / "profile.yaml"), "--replay", tape)

        assert [] == console.found(secret, "tape.json")
        assert around in console.output[-2]


@FEW
@example(f"{PLANTED} with spaces/and+signs%&=")
@given(secret=SECRETS)
def test_values_of_the_environment_are_redacted(secret: str) -> None:
    """The client's secret, and a proxy's password: neither in a log, nor in the words of a connection that failed."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        console = Console(Path(folder))
        patch.setenv("AZURE_CLIENT_SECRET", secret)
        file = profile(console.folder)
        everything(console, file, "--record", str(console.folder / "tape.json"))
        for password in (quote(secret, safe=""), secret, f"{secret}#[more/of/it"):
            # requests prefers the one in small letters.
            for name in ("HTTPS_PROXY", "https_proxy"):
                patch.setenv(name, f"http://user:{password}@127.0.0.1:9")
            assert 1 == console.run("plan", file, "--debug", "--auth", "environment", "--timeout", "1s")
            assert re.search("error CMK3(09|10|23)", console.output[-1])

        assert [] == console.found(secret)


@pytest.mark.parametrize("name", ["DB_PASSWORD", "AZURE_PASSWORD", "GITHUB_TOKEN"])
def test_what_a_profile_takes_from_a_secret_variable_is_not_shown(
    name: str, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable's name marks its value as a secret, wherever the profile puts it."""
    secret = f"{PLANTED} 0123456789abcdef"
    monkeypatch.setenv(name, secret)
    file = profile(console.folder, description=f"made with ${{{name}}}, they say")

    everything(console, file, "--record", str(console.folder / "tape.json"))

    assert [] == console.found(secret)


def test_values_of_the_command_line_are_redacted(console: Console) -> None:
    """In the command that a report keeps, where a note about a field points, and in the error for a wrong command line."""
    file, secret = profile(console.folder), f"{PLANTED}0123456789abcdef"

    everything(console, file, "--set", f"tags.password=it's {secret} for all", "--set", f"tags.sas=a b {secret}")
    wrong = console.run("plan", file, "--timeout", f"AccountKey={secret}")

    assert 64 == wrong
    assert "tags.password=REDACTED" in (console.folder / "report.json").read_text()
    assert [] == console.found(secret)


def test_a_recording_with_a_known_secret_can_be_replayed(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay redacts its requests as the recording did, so that they match."""
    secret = "plantedmlw0123456789"
    monkeypatch.setenv("DB_PASSWORD", secret)
    file, tape = profile(console.folder, name=secret), str(console.folder / "tape.json")

    recorded = console.run("plan", file, "--record", tape, "--auth", "environment")
    replayed = console.run("plan", file, "--replay", tape)

    assert (0, 0) == (recorded, replayed)
    assert [] == [text for text in (*console.output, Path(tape).read_text()) if secret in text]


def test_a_truncated_response_never_ends_with_part_of_a_secret(console: Console) -> None:
    """The excerpt of a page or of a long response may be cut in the middle of a secret."""
    secret = f"{PLANTED}{'0123456789abcdef' * 4}"
    listed = {"value": secret, "keyName": "key1", "padding": "x" * 400}
    for length in range(1, 40, 13):
        tape = tape_with(console, no_json(f"{'x' * length} Password={secret}"))
        everything(console, str(console.folder / "profile.yaml"), "--replay", tape)
    everything(console, profile(console.folder), "--replay", tape_with(console, refusing_in_its_own_way(listed)))

    assert [] == console.found(secret, "tape.json")


@pytest.mark.parametrize("json_lines", [True, False])
def test_unexpected_errors_and_library_logs_are_shown_without_secrets(json_lines: bool) -> None:
    """Where it happened, and what azure-identity logs, go to the log as they are found."""
    secret, out, err = f"{PLANTED}0123456789abcdef", io.StringIO(), io.StringIO()
    view = make_view(json=json_lines, stdout=out, stderr=err, stdin=io.StringIO(), environ={})
    reporter = Reporter(view, Redactor([secret]), SystemClock())

    reporter.open(Options(debug=True))
    logging.getLogger("azure.identity").info("requested with %s", secret)
    reporter.defect(RuntimeError(f"the message {secret}"))
    reporter.close(1)

    assert [True, True] == ["requested with REDACTED" in err.getvalue(), "the message REDACTED" in err.getvalue()]
    assert secret not in out.getvalue() + err.getvalue()


def test_a_whole_apply_leaves_no_secret(console: Console) -> None:
    """The sandbox's own client secret and tokens, through an apply with every output, a tape and a saved plan."""
    file, saved = profile(console.folder), str(console.folder / "saved.json")
    report, tape = str(console.folder / "report.json"), str(console.folder / "tape.json")
    more = ("--debug", "--report", report, "--record", tape, "--auth", "environment")

    codes = [console.run_apart("plan", file, "--out", saved, *more), console.run_apart("apply", saved, "--yes", *more)]

    assert [0, 0] == codes
    assert [] == console.found("eyJ")
    assert "access_token" in "".join(console.output)
