"""Each way in which a sign-in fails is blamed on its cause, with a remedy for it: the cases of `sign_in_cases.yaml`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError, ClientAuthenticationError
from support.scripted import Answer, ScriptedNetwork, transport_to

from cmkctl.azure.az_cli import Account
from cmkctl.azure.clouds import ENDPOINTS, Cloud
from cmkctl.azure.credentials import SharedCredential, sign_in
from cmkctl.azure.errors import AzureFailed, classify
from cmkctl.diagnostics import CmkctlError, Diagnostic

PUBLIC = ENDPOINTS[Cloud.AZURE]
TENANT = "10000000-0000-4000-8000-000000000001"
ACCOUNT = Account(Cloud.AZURE, "10000000-0000-4000-8000-000000000009", TENANT)
PAGE = yaml.safe_load(Path(__file__).with_name("sign_in_cases.yaml").read_text(encoding="utf-8"))
PREFIXES = ("AZURE", "ACTIONS_", "SYSTEM_", "GITHUB", "TF_BUILD", "IDENTITY_", "MSI_", "IMDS")


def cases() -> list[Any]:
    """Return the cases of the file, each laid over the usual values."""
    return [pytest.param({**PAGE["usual"], **each}, id=each["promise"]) for each in PAGE["cases"]]


def environment(case: dict[str, Any], folder: Path) -> dict[str, str]:
    """Return the variables of a case, with its file made."""
    path = folder / "credential"
    if case["file"] == "folder":
        path.mkdir()
    elif case["file"] is not None:
        path.write_text(case["file"], encoding="utf-8")
    account = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": TENANT}
    given = {name: str(path) if value == "FILE" else value for name, value in case["environ"].items()}
    return given if case["way"] in ("managed-identity", "cli", None) else {**account, **given}


def failed(way: str | None, responses: list[Any]) -> Diagnostic:
    """Return the diagnostic of a sign-in that fails."""
    replies = [ConnectionError("nothing there") if isinstance(each, str) else Answer(*each) for each in responses]
    try:
        credential = SharedCredential(sign_in(way, PUBLIC, transport_to(ScriptedNetwork(replies)), account=ACCOUNT))
        credential.get_token(PUBLIC.arm_scope)
    except CmkctlError as error:
        return error.diagnostics[0]
    except AzureError as error:
        return AzureFailed(classify(error)).diagnostics[0]
    pytest.fail("The sign-in did not fail.")


@pytest.mark.parametrize("case", cases())
def test_a_failed_sign_in_is_blamed_on_its_cause(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, case: dict[str, Any]
) -> None:
    """The code, the detail and the remedy belong to one cause, and say nothing of another."""
    for name in [each for each in os.environ if each.startswith(PREFIXES)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    if case["az"]:
        (tmp_path / "az").write_text(f"#!/bin/sh\n{case['az']}\n", encoding="utf-8")
        (tmp_path / "az").chmod(0o755)
    for name, value in environment(case, tmp_path).items():
        monkeypatch.setenv(name, value)

    found = failed(case["way"], case["responses"])

    assert case["code"] == found.code, found
    assert case["detail"] in found.detail
    assert case["remedy"] in found.remedy
    assert [] == [each for each in case["absent"] if each in f"{found.detail} {found.remedy}"]


def test_a_token_file_that_is_gone_does_not_end_a_run_whose_token_is_valid() -> None:
    """The file is read again at each renewal; a mount may be missing for a moment."""

    class Mounted:
        """A credential whose file is gone after the first token."""

        def __init__(self) -> None:
            self.asked = 0

        def get_token(self, *_scopes: str, **_options: Any) -> Any:
            """Give one token, near its end."""
            self.asked += 1
            if self.asked > 1:
                raise FileNotFoundError(2, "No such file or directory", "/var/run/token")
            return AccessToken("first", int(time.time()) + 200)

    shared = SharedCredential(Mounted())

    assert ["first", "first"] == [shared.get_token(PUBLIC.arm_scope).token for _ in range(2)]
    with pytest.raises(ClientAuthenticationError) as caught:
        shared.get_token(PUBLIC.arm_scope, claims="{}")
    assert "CMK326" == AzureFailed(classify(caught.value)).diagnostics[0].code
