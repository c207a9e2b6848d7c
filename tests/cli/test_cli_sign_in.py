"""What a run does with the environment before it sends anything: which credential, which certificates, which secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

QUICK = "quickstart.yaml"


@pytest.mark.parametrize(
    "environ",
    [
        {"AZURE_TOKEN_CREDENTIALS": "AzureCliCredential"},
        {"IDENTITY_ENDPOINT": "http://127.0.0.1:1/msi/token", "IDENTITY_HEADER": "h"},
        {"AZURE_CLIENT_CERTIFICATE_PATH": "nowhere.pem", "AZURE_AUTHORITY_HOST": "https://evil.example"},
    ],
)
@pytest.mark.parametrize("options", [(), ("--auth", "cli"), ("--auth", "managed-identity")])
def test_the_sandbox_gets_no_real_token(
    azure: Any, profiles: Path, tmp_path: Path, environ: dict[str, str], options: tuple[str, ...]
) -> None:
    """An az that would give one leaves a mark when it is called; the sandbox's own service principal signs in."""
    called = tmp_path / "called"
    az = tmp_path / "bin" / "az"
    az.parent.mkdir(exist_ok=True)
    az.write_text(f"#!/bin/sh\n: > {called}\n")
    az.chmod(0o755)

    command = azure.command.within(PATH=str(az.parent), **environ)
    ran = command("plan", profiles / QUICK, "--sandbox", "--state", azure.state, *options)

    assert (0, False) == (ran.code, called.exists()), ran.err


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize(("content", "reason"), [(None, "no such file"), ("no certificate", "holds no certificate")])
def test_a_ca_bundle_that_cannot_be_read_is_named_by_its_variable(
    cmkctl: Any, profiles: Path, tmp_path: Path, name: str, content: str | None, reason: str
) -> None:
    """The file alone does not show where it was written down."""
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)

    command = cmkctl.within(**{name: str(bundle), "AZURE_SUBSCRIPTION_ID": "11111111-1111-4111-8111-111111111111"})
    ran = command("plan", profiles / QUICK)

    text = " ".join(ran.err.split())
    assert (1, "") == (ran.code, ran.out)
    assert [True, True, True] == [each in text for each in ("CMK325", f"{name} is set to", reason)], ran.err


def test_a_secret_that_is_part_of_a_name_leaves_the_outputs_whole(azure: Any, profiles: Path) -> None:
    """The workspace id and the key identifier are what a script goes on with."""
    ran = azure.command.within(DB_PASSWORD="quickstart")(
        "apply", profiles / QUICK, "--sandbox", "--state", azure.state, "--yes"
    )

    assert (0, True) == (ran.code, "workspaces/mlw-quickstart" in ran.out), ran.err
    assert [True, True] == [each in ran.err for each in ("CMK328", "DB_PASSWORD")], ran.err
