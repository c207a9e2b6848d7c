"""Signing in and the way to Azure (newcomer.md, section 5): each cause has its own diagnostic and a remedy that fits it.

With the command line as a process, on a machine without a sign-in. Each list has the observed case first and
siblings of it after that.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

SUBSCRIPTION = "10000000-0000-4000-8000-000000000001"
SERVICE_PRINCIPAL = {
    "AZURE_TENANT_ID": "10000000-0000-4000-8000-000000000002",
    "AZURE_CLIENT_ID": "10000000-0000-4000-8000-000000000003",
    "AZURE_CLIENT_SECRET": "q8x~not-a-secret-but-as-long-as-one",
}
CLOSED = "127.0.0.1:1"
"""A port on which nothing listens."""


def error_of(command: Any, profiles: Path, *options: str, **environ: str) -> str:
    """Run a plan that fails before it has a token, and return its standard error in one line."""
    environment = {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION, "HTTPS_PROXY": f"http://{CLOSED}", **environ}
    ran = command.within(**{name: value for name, value in environment.items() if value})(
        "plan", profiles / "quickstart.yaml", *options
    )
    assert (1, "") == (ran.code, ran.out), ran.err
    text = " ".join(ran.err.split())
    python = ("None", "Error(", "object at 0x", "_ssl.c", "NewConnection", "Traceback", "no answer", "no response:")
    assert [] == [each for each in python if each in text], text
    return text


@pytest.mark.parametrize(
    ("way", "code", "words"),
    [
        ("cli", "CMK319", "Install the Azure CLI"),
        ("environment", "CMK319", "not set: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET."),
        ("workload", "CMK319", "not set: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE."),
    ],
)
def test_without_a_credential_the_remedy_is_that_of_the_way(
    cmkctl: Any, profiles: Path, tmp_path: Path, way: str, code: str, words: str
) -> None:
    """Newcomer 5: "Azure does not accept the credential", "sign in again", "check AZURE_CLIENT_SECRET" for each of them."""
    text = error_of(cmkctl, profiles, "--auth", way, PATH=str(tmp_path))

    assert text.startswith(f"error {code}: Not signed in to Azure")
    assert words in text
    assert "rejected" not in text


def test_the_variable_that_is_missing_is_named_alone(cmkctl: Any, profiles: Path) -> None:
    """Newcomer 5: ``--auth environment`` did not name the variable."""
    text = error_of(cmkctl, profiles, "--auth", "environment", **{**SERVICE_PRINCIPAL, "AZURE_CLIENT_SECRET": ""})

    assert "not set: AZURE_CLIENT_SECRET. → Set AZURE_CLIENT_SECRET," in text


@pytest.mark.parametrize("tenant", ["foo/bar", "my tenant", "https://login.microsoftonline.com/x"])
@pytest.mark.parametrize("options", [(), ("--auth", "environment")], ids=["chain", "environment"])
def test_a_tenant_that_cannot_be_one_is_named(
    cmkctl: Any, profiles: Path, tenant: str, options: tuple[str, ...]
) -> None:
    """Newcomer 5: "--auth None cannot be used here"."""
    text = error_of(cmkctl, profiles, *options, **{**SERVICE_PRINCIPAL, "AZURE_TENANT_ID": tenant})

    assert text.startswith("error CMK326: Invalid sign-in settings")
    assert f"AZURE_TENANT_ID is '{tenant}'" in text


@pytest.mark.parametrize(
    ("proxy", "reason", "remedy"),
    [
        (f"http://{CLOSED}", "Connection refused", "Check HTTPS_PROXY"),
        ("socks5://127.0.0.1:1", "SOCKS", "PySocks"),
        ("http://127.0.0.1:99999", "its address is not of the form http://HOST:PORT", "Check HTTPS_PROXY"),
        ("htp://127.0.0.1:8080", "its address is not of the form http://HOST:PORT", "Check HTTPS_PROXY"),
        ("http://proxy.invalid:8080", "Name or service not known", "Check HTTPS_PROXY"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_blamed(
    cmkctl: Any, profiles: Path, proxy: str, reason: str, remedy: str
) -> None:
    """Newcomer 5: "Azure answers with a server error" for a SOCKS proxy, and Python representations for the others."""
    text = error_of(cmkctl, profiles, "--auth", "environment", **SERVICE_PRINCIPAL, HTTPS_PROXY=proxy)

    assert text.startswith("error CMK323: The proxy cannot be used")
    assert [True, True] == [each in text for each in (reason, remedy)], text
    assert ("PySocks" in text) == proxy.startswith("socks")


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        ("echo \"Please run 'az login' to setup account.\" >&2; exit 1", "CMK319", "az login"),
        (
            'echo "ERROR: AADSTS700024: Client assertion is not within its valid time range." >&2; exit 1',
            "CMK321",
            "Log in again",
        ),
        (
            'echo "ERROR: AADSTS50173: The provided grant has expired due to it being revoked." >&2; exit 1',
            "CMK302",
            "az login",
        ),
        (
            'echo "ERROR: AADSTS50079: Due to a configuration change, you must enroll in multi-factor." >&2; exit 1',
            "CMK322",
            "sign in again interactively",
        ),
    ],
    ids=["no login", "federated login", "revoked", "multi-factor"],
)
def test_each_error_of_az_leads_to_its_own_diagnostic(
    cmkctl: Any, profiles: Path, tmp_path: Path, script: str, code: str, words: str
) -> None:
    """G1 and siblings: "sign in again" was the answer to all of them."""
    az = tmp_path / "bin" / "az"
    az.parent.mkdir()
    az.write_text(f"#!/bin/sh\n{script}\n")
    az.chmod(az.stat().st_mode | stat.S_IXUSR)

    text = error_of(cmkctl, profiles, "--auth", "cli", PATH=f"{az.parent}:/bin:/usr/bin")

    assert text.startswith(f"error {code}: ")
    assert words in text


def test_doctor_shows_a_failed_sign_in_once(cmkctl: Any, profiles: Path, tmp_path: Path) -> None:
    """A check with its remedy, and not the same error again."""
    environment = {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION, "PATH": str(tmp_path)}
    ran = cmkctl.within(**environment)("doctor", profiles / "quickstart.yaml", "--auth", "cli")

    assert (1, 1) == (ran.code, (ran.out + ran.err).count("Install the Azure CLI"))
    assert "✗ Sign-in: Not signed in to Azure." in ran.out
    assert "error CMK319" not in ran.err
