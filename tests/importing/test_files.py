"""Profiles of files, without Azure: an ``az ml`` workspace file, and Terraform's state as JSON."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from cmkctl.azure.clouds import Cloud
from cmkctl.diagnostics import CmkctlError
from cmkctl.importing.check import imported
from cmkctl.importing.files import read_file
from cmkctl.profile.load import load_profile
from cmkctl.profile.model import Profile

SUBSCRIPTION: Final = "11111111-1111-1111-1111-111111111111"
GROUP: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ml/providers"
VAULT: Final = f"{GROUP}/Microsoft.KeyVault/vaults/kv-cmk"
KEY: Final = "https://kv-cmk.vault.azure.net/keys/cmk/493652a64a3747f78c15ce6c1b2add88"
IDENTITY: Final = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/id-ml"
STORAGE: Final = f"{GROUP}/Microsoft.Storage/storageAccounts/stml"
AZ_ML: Final = f"""
$schema: https://azuremlschemas.azureedge.net/latest/workspace.schema.json
name: mlw-fraud
location: eastus2
display_name: "yes"
description: "${{HOME}} # no comment"
hbi_workspace: true
storage_account: {STORAGE}
customer_managed_key: {{key_vault: {VAULT}, key_uri: {KEY}}}
identity: {{type: user_assigned, user_assigned_identities: {{{IDENTITY}: {{}}}}}}
primary_user_assigned_identity: {IDENTITY}
managed_network:
  isolation_mode: allow_only_approved_outbound
  outbound_rules: [{{name: pypi, type: fqdn, destination: pypi.org}}]
tags: {{owner: ml, "on": "off"}}
"""
STATE: Final[dict[str, Any]] = {
    "format_version": "1.0",
    "values": {
        "root_module": {
            "resources": [
                {
                    "address": "azurerm_key_vault.cmk",
                    "mode": "managed",
                    "type": "azurerm_key_vault",
                    "values": {
                        "id": VAULT,
                        "tenant_id": "22222222-2222-2222-2222-222222222222",
                        "sku_name": "premium",
                        "rbac_authorization_enabled": True,
                        "soft_delete_retention_days": 30,
                        "network_acls": [
                            {"bypass": "AzureServices", "default_action": "Deny", "ip_rules": ["203.0.113.7"]}
                        ],
                    },
                }
            ],
            "child_modules": [
                {
                    "resources": [
                        {
                            "address": "module.key.azurerm_key_vault_key.cmk",
                            "mode": "managed",
                            "type": "azurerm_key_vault_key",
                            "values": {
                                "name": "cmk",
                                "key_vault_id": VAULT,
                                "key_type": "RSA-HSM",
                                "key_size": 4096,
                                "id": KEY,
                                "expiration_date": "2031-01-31T00:00:00Z",
                                "rotation_policy": [
                                    {"expire_after": "P2Y", "automatic": [{"time_before_expiry": "P30D"}]}
                                ],
                            },
                        },
                        {
                            "address": "module.ml.azurerm_machine_learning_workspace.fraud",
                            "mode": "managed",
                            "type": "azurerm_machine_learning_workspace",
                            "values": {
                                "id": f"{GROUP}/Microsoft.MachineLearningServices/workspaces/mlw-fraud",
                                "location": "eastus2",
                                "kind": "Default",
                                "high_business_impact": True,
                                "service_side_encryption_enabled": True,
                                "storage_account_id": STORAGE,
                                "public_network_access_enabled": False,
                                "identity": [{"type": "SystemAssigned, UserAssigned", "identity_ids": [IDENTITY]}],
                                "encryption": [{"key_vault_id": VAULT, "key_id": KEY}],
                                "tags": {"owner": "ml"},
                            },
                        },
                    ]
                }
            ],
        }
    },
}


def profile_of(folder: Path, text: str, subscription: str = "", group: str = "") -> tuple[Profile, str, set[str]]:
    """Import a text; return the profile as every command loads it, its text, and the fields that have a note."""
    source, written = folder / "source", folder / "profile.yaml"
    source.write_text(text, encoding="utf-8")
    (found,) = read_file(source, Cloud.AZURE, subscription, group)
    made = imported(found, None, date(2026, 11, 27), "profile.yaml")
    written.write_text(made.text, encoding="utf-8")
    noted = {each.subject for each in made.notes if each.code == "CMK673"}
    return load_profile(written, environ={"AZURE_RESOURCE_GROUP": "rg-x"}).profile, made.text, noted


def test_an_az_ml_file_becomes_a_profile_that_names_what_the_file_does_not_have(tmp_path: Path) -> None:
    """Its values come through whole; what az ml leaves to others is a comment at its line, and a variable where required."""
    profile, text, noted = profile_of(tmp_path, AZ_ML)

    assert ("yes", "${HOME} # no comment") == (profile.workspace.friendly_name, profile.workspace.description)
    assert ({"owner": "ml", "on": "off"}, VAULT, "cmk") == (profile.tags, profile.key_vault.id, profile.key.name)
    assert IDENTITY == profile.workspace.identity
    assert profile.workspace.managed_network is not None
    assert ["pypi"] == [each.name for each in profile.workspace.managed_network.outbound_rules]
    assert {"resource_group", "key", "workspace.encryption", "associated_resources"} == noted
    assert "resource_group: ${AZURE_RESOURCE_GROUP}" in text


def test_an_option_gives_what_an_az_ml_file_does_not_have(tmp_path: Path) -> None:
    """Then there is neither a variable nor a note about it."""
    profile, text, noted = profile_of(tmp_path, AZ_ML, group="rg-ml")

    assert ("rg-ml", False) == (profile.resource_group, "resource_group" in noted)
    assert "${AZURE_RESOURCE_GROUP}" not in text


def test_terraforms_state_becomes_a_profile_with_its_vault_and_key(tmp_path: Path) -> None:
    """Resources of nested modules are found; the settings of vault and key are those of the state."""
    profile, _, noted = profile_of(tmp_path, json.dumps(STATE))
    vault, key, workspace = profile.key_vault, profile.key, profile.workspace

    assert (VAULT, "rbac", 30, "premium") == (vault.id, vault.authorization, vault.soft_delete_days, vault.sku)
    assert vault.network is not None
    assert ("Deny", ("203.0.113.7",)) == (vault.network.default_action, vault.network.ip_rules)
    assert ("RSA-HSM", 4096, None) == (key.type, key.size, key.version)
    assert key.rotation_policy is not None
    assert ("P30D", "P2Y") == (key.rotation_policy.rotate_before_expiry, key.rotation_policy.expires_after)
    assert ("service-side", True, "disabled") == (
        workspace.encryption,
        workspace.high_business_impact,
        workspace.public_network_access,
    )
    assert ("SystemAssigned,UserAssigned", STORAGE) == (
        workspace.identity_type,
        profile.associated_resources.storage_account.id,
    )
    assert set() == noted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "a: [",
        "name: x\nfoo: bar",
        "name: [1]\nlocation: 3",
        "name: x\nlocation: eastus2",
        "\x00",
        "{",
        "{}",
        "[" * 100_000,
        '{"values": 3}',
        '{"values": {"root_module": {"resources": [1, {"type": "azurerm_machine_learning_workspace"}]}}}',
        json.dumps(STATE).replace(VAULT, "known after apply"),
        json.dumps(STATE).replace(KEY, "https://example.com"),
    ],
    ids=lambda each: each[:24],
)
def test_a_file_of_another_kind_is_refused_with_a_diagnostic(tmp_path: Path, text: str) -> None:
    """Whatever it holds: one error with a code, no traceback."""
    with pytest.raises(CmkctlError, match=r"CMK67[16]"):
        profile_of(tmp_path, text)
