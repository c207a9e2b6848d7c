"""Each equality is named after the quirk of Azure that makes it necessary."""

from __future__ import annotations

import pytest

from cmkctl.azure.compare import (
    excess_permissions,
    missing_permissions,
    same_identity_type,
    same_key_identifier,
    same_location,
    same_resource_id,
    same_uri,
    same_word,
)

VAULT = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"
NEEDED = ("get", "wrapKey", "unwrapKey")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("West US", "westus", True),  # ARM answers display names
        ("East US 2", "eastus2", True),
        ("WestUS", "westus", True),
        ("westus", "westus2", False),
        ("eastus", "eastus2euap", False),
    ],
)
def test_locations_are_compared_without_blanks_and_case(one: str, other: str, same: bool) -> None:
    """West US and westus are one location."""
    assert same == same_location(one, other)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (VAULT, VAULT.replace("KeyVault", "Keyvault"), True),  # recorded: Azure ML answers Microsoft.Keyvault
        (VAULT, VAULT.replace("resourceGroups", "resourcegroups"), True),  # recorded: resource groups of ARM itself
        (VAULT, f"{VAULT}/", True),
        (VAULT, f"{VAULT}2", False),
        (VAULT, None, False),
        (None, None, True),
        (None, "", True),
    ],
)
def test_resource_ids_are_compared_without_case(one: str | None, other: str | None, same: bool) -> None:
    """The service changes the casing of the ids that it was sent."""
    assert same == same_resource_id(one, other)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://kv.vault.azure.net", "https://kv.vault.azure.net/", True),  # recorded: no slash while RegisteringDns
        ("https://KV.vault.azure.net/", "https://kv.vault.azure.net/", True),
        ("https://kv.vault.azure.net/", "https://kv2.vault.azure.net/", False),
        ("https://kv.vault.azure.net/", None, False),
    ],
)
def test_vault_uris_are_compared_without_trailing_slash(one: str | None, other: str | None, same: bool) -> None:
    """The answer to a PUT lacks the slash that every later answer has."""
    assert same == same_uri(one, other)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("https://KV.vault.azure.net/keys/CMK/abc", True),
        ("https://kv.vault.azure.net/keys/cmk/abd", False),
        ("https://kv.vault.azure.net/keys/cmk", False),
        (None, False),
    ],
)
def test_key_identifiers_differ_in_their_versions(other: str | None, same: bool) -> None:
    """Host and name have no case; two versions of a key have two identifiers."""
    assert same == same_key_identifier("https://kv.vault.azure.net/keys/cmk/abc", other)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("standard", "Standard", True),  # recorded: a vault's sku
        ("Enabled", "enabled", True),
        (None, "", True),
        ("standard", "premium", False),
        ("Disabled", None, False),
    ],
)
def test_words_are_compared_without_case(one: str | None, other: str | None, same: bool) -> None:
    """Azure's enumerations come back capitalised, or not."""
    assert same == same_word(one, other)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("SystemAssigned, UserAssigned", "SystemAssigned,UserAssigned", True),  # by resource provider
        ("systemAssigned", "SystemAssigned", True),
        ("SystemAssigned,UserAssigned", "UserAssigned", False),
        (None, "SystemAssigned", False),
    ],
)
def test_identity_types_are_compared_without_blanks(one: str | None, other: str | None, same: bool) -> None:
    """Some providers put a blank after the comma."""
    assert same == same_identity_type(one, other)


@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        ([], ("get", "wrapKey", "unwrapKey")),
        (["UnwrapKey", "WrapKey", "Get"], ()),  # recorded: the portal writes them so, in any order
        (["all"], ()),
        (["All"], ()),
        (["get", "list"], ("wrapKey", "unwrapKey")),
    ],
)
def test_missing_permissions_are_those_that_nothing_grants(granted: list[str], missing: tuple[str, ...]) -> None:
    """Casing is echoed as stored, order is kept, and all stands for every permission."""
    assert missing == missing_permissions(granted, NEEDED)


@pytest.mark.parametrize(
    ("granted", "excess"),
    [
        (["Get", "WrapKey", "UnwrapKey"], ()),
        (["get", "Purge", "wrapKey", "delete"], ("Purge", "delete")),
        (["all"], ("all",)),
        ([], ()),
    ],
)
def test_excess_permissions_are_spelled_as_azure_spells_them(granted: list[str], excess: tuple[str, ...]) -> None:
    """Excess permissions are reported with the names that the portal shows."""
    assert excess == excess_permissions(granted, NEEDED)
