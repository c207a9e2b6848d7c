"""Wrong profiles (newcomer.md, section 5, and field.md): one mistake is one error, at its place, with a way out.

Each list has the observed case first and siblings of it after that.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.profiles import GOOD

from cmkctl.cli import main
from cmkctl.cli.exits import DONE, USAGE


def errors_of(capsys: pytest.CaptureFixture[str], folder: Path, text: str | bytes, *options: str) -> list[str]:
    """Validate a profile in this process and return its diagnostics, each in one line."""
    path = folder / "p.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    code = main(["validate", str(path), *options])
    captured = capsys.readouterr()
    assert (USAGE, "") == (code, captured.out), captured.out
    return [" ".join(each.split()) for each in captured.err.strip().split("\n\n")]


@pytest.mark.parametrize(
    ("right", "wrong", "meant"),
    [
        ("key_vault:", "keyvault:", "key_vault"),
        ("high_business_impact", "high_buisness_impact", "high_business_impact"),
        ("workspace:", "workpsace:", "workspace"),
        ("subscription:", "suscription:", "subscription"),
        ("resource_group:", "resourceGroup:", "resource_group"),
        ("encryption:", "encription:", "encryption"),
    ],
)
def test_one_typo_is_one_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, right: str, wrong: str, meant: str
) -> None:
    """Newcomer 5: a typo gave two errors, the misleading one first."""
    (error,) = errors_of(capsys, tmp_path, GOOD.replace(right, wrong))

    assert error.startswith("error CMK003: Unknown field")
    assert f"Did you mean {meant}?" in error
    assert "^" in error


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("location=eastuss2", "Did you mean eastus2?"),
        ("location=eastus22", "Did you mean eastus2?"),
        ("location=weasteurope", "Did you mean westeurope?"),
        ("location=swedencentrl", "Did you mean swedencentral?"),
        ("cloud=AzureUSGov", "Did you mean --set cloud=AzureUSGovernment?"),
        ("key_vault.sku=premum", "Did you mean --set key_vault.sku=premium?"),
        ("associated_resources.storage_account.sku=Standard_LSR", "sku=Standard_LRS?"),
        ("key_vault.authorization=rabc", "Did you mean --set key_vault.authorization=rbac?"),
        ("key.sise=4096", "Did you mean --set key.size=4096?"),
        ("key_vault.network.ip_rules=203.0.113.7", "--set 'key_vault.network.ip_rules=["),
        ("key.expires=2020-01-01", "is in the past"),
        ("key.expires=1999-12-31", "is in the past"),
        ("workspace.name=mlw-microsoft-eu", "Azure reserves the word microsoft"),
        ("workspace.name=windows-lab", "Azure reserves the word windows"),
        ("associated_resources.log_analytics.network={default_action: Deny}", "associated_resources.log_analytics"),
        ("subscription=my-sub", "→ List yours with: az account list -o table"),
        ("subscription=1234", "→ List yours with: az account list -o table"),
        ("key_vault.name=this-name-is-much-too-long-for-a-vault", "It is 14 characters too long."),
        ("key_vault.name=kv", "It is 1 character too short."),
        ("key_vault.soft_delete_days=3", "Expected a whole number from 7 to 90."),
        ("workspace.high_business_impact=yes", "Expected true or false."),
        ("nope", "'nope' has no equals sign."),
    ],
)
def test_an_override_is_refused_with_what_to_write(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str, words: str
) -> None:
    """Newcomer 5, G9, G11, G15: before any request to Azure, in the syntax of the mistake, at the option."""
    (error,) = errors_of(capsys, tmp_path, GOOD, "--set", option)

    assert words in error
    assert f"at --set {option}" in error
    assert "Write it as key_vault.network" not in error


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("extends: https://example.com/base.yaml\n", "CMK007", "extends names a URL, https://example.com/"),
        ("extends: git@github.com:me/base.yaml\n", "CMK007", "extends"),
        ("extends: p.yaml\n", "CMK007", "in a circle"),
        ("extends: nowhere.yaml\n", "CMK007", "No such file"),
        ("# only\n# comments\n", "CMK002", "only comments"),
        ("", "CMK002", "empty"),
        ("key:\n\tname: x\n", "CMK002", "YAML allows no tabs"),
        ("a: b: c\n", "CMK002", "Put quotes around"),
        ("tags:\n" + "".join(f"  t{each}: x\n" for each in range(11_000)), "CMK002", "a profile is far shorter"),
        (GOOD + "location: westus\n", "CMK002", "Duplicate key `location` (first defined at 2:1)."),
        (GOOD.encode("utf-16"), "CMK001", "The file is UTF-16"),
        (b"tags: {a: \xfc}\n", "CMK001", "The byte 0xfc is not UTF-8."),
    ],
    ids=[
        "url",
        "git url",
        "circle",
        "missing",
        "comments",
        "empty",
        "tab",
        "colons",
        "long",
        "twice",
        "utf-16",
        "latin-1",
    ],
)
def test_a_file_that_is_no_profile_is_explained(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str | bytes, code: str, words: str
) -> None:
    """Newcomer 5: URLs were mangled, aliases blamed where there are none."""
    (error,) = errors_of(capsys, tmp_path, text)

    assert error.startswith(f"error {code}:")
    assert words in error
    assert "aliases" not in error


@pytest.mark.parametrize("value", ["eastus2", "East US 2", "EastUS2", "swedencentral"])
@pytest.mark.parametrize("change", ["", "\ufeff", "\r\n"], ids=["plain", "BOM", "CRLF"])
def test_what_is_right_stays_right(capsys: pytest.CaptureFixture[str], tmp_path: Path, value: str, change: str) -> None:
    """Newcomer 5, field "to keep": a byte order mark, CRLF, and the ways to write a region."""
    text = GOOD.replace("eastus2", value)
    path = tmp_path / "p.yaml"
    path.write_bytes((text.replace("\n", change) if change == "\r\n" else change + text).encode())

    assert DONE == main(["validate", str(path)])
    assert "is valid" in capsys.readouterr().out + capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "both"),
    [
        ("  high_business_impact: true\n", "high_business_impact: true or high_business_impact: false"),
        ("  encryption: in-subscription\n", "encryption: in-subscription or encryption: service-side"),
    ],
)
def test_an_irreversible_choice_is_not_recommended_either_way(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, line: str, both: str
) -> None:
    """Newcomer 5: the example for a missing irreversible flag was ``true``."""
    (error,) = errors_of(capsys, tmp_path, GOOD.replace(line, ""))

    assert f"→ Write {both}." in error
