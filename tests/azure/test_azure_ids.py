from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmkctl.azure.ids import (
    KeyIdentifier,
    ResourceId,
    deleted_vault_id,
    group_id,
    provider_id,
    resource_id,
    role_assignment_id,
    role_definition_id,
)

VAULT = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"

segments = st.text(
    st.characters(codec="ascii", exclude_characters="/?#%\\", categories=["L", "N", "P"]), min_size=1
).filter(lambda text: text not in (".", ".."))
resource_ids = st.integers(1, 3).flatmap(
    lambda depth: st.builds(
        ResourceId,
        segments,
        segments,
        segments,
        st.lists(segments, min_size=depth, max_size=depth).map(tuple),
        st.lists(segments, min_size=depth, max_size=depth).map(tuple),
    )
)


@given(resource_ids)
def test_a_resource_id_survives_being_written_and_read(resource: ResourceId) -> None:
    """What was put together is taken apart into the same parts."""
    assert resource == ResourceId.parse(str(resource))


@given(resource_ids, segments, segments)
def test_a_child_is_below_its_parent(resource: ResourceId, kind: str, name: str) -> None:
    """A child's id is its parent's with one more type and name."""
    child = resource.child(kind, name)

    assert (f"{resource}/{kind}/{name}", name, f"{resource.type}/{kind}") == (str(child), child.name, child.type)


@given(st.text())
def test_any_text_is_an_id_or_a_value_error(text: str) -> None:
    """Reading an id fails in one way only."""
    try:
        parsed = ResourceId.parse(text)
    except ValueError:
        return

    assert parsed == ResourceId.parse(str(parsed))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kv",
        "/subscriptions/s/resourceGroups/rg",
        "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults",
        "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv/keys",
        "/subscriptions/s/providers/Microsoft.KeyVault/locations/eastus2",
        f"https://management.azure.com{VAULT}",
        f"{VAULT}\n",
        f"{VAULT}?api-version=1",
        f"{VAULT}#part",
        f"{VAULT}%2e",
        "/subscriptions/s/resourceGroups/../providers/Microsoft.KeyVault/vaults/kv",
    ],
)
def test_what_is_no_resource_of_a_group_is_refused(text: str) -> None:
    """Only the id of a resource in a resource group is taken apart."""
    with pytest.raises(ValueError, match="not an ARM resource id"):
        ResourceId.parse(text)


def test_the_fixed_words_of_an_id_have_no_case() -> None:
    """ARM writes resourcegroups and Providers in whichever casing."""
    spelled = "/SUBSCRIPTIONS/s/resourcegroups/rg/Providers/Microsoft.KeyVault/vaults/kv/"

    assert VAULT == str(ResourceId.parse(spelled))


def test_ids_of_what_is_in_no_group() -> None:
    """Providers, soft-deleted vaults, roles and their assignments have ids of their own shape."""
    provider = "/subscriptions/s/providers"

    assert "/subscriptions/s/resourceGroups/rg" == group_id("s", "rg")
    assert resource_id("s", "rg", "Microsoft.KeyVault/vaults", "kv") == VAULT
    assert f"{provider}/Microsoft.Search" == provider_id("s", "Microsoft.Search")
    assert f"{provider}/Microsoft.KeyVault/locations/eastus2/deletedVaults/kv" == deleted_vault_id("s", "eastus2", "kv")
    assert f"{provider}/Microsoft.Authorization/roleDefinitions/r" == role_definition_id("s", "r")
    assert f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/a" == role_assignment_id(VAULT, "a")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://kv.vault.azure.net/keys/cmk/abc123", ("kv.vault.azure.net", "cmk", "abc123")),
        ("https://KV.vault.azure.net:443/keys/cmk/abc123/", ("kv.vault.azure.net", "cmk", "abc123")),
        ("https://kv.vault.azure.cn/keys/cmk", ("kv.vault.azure.cn", "cmk", None)),
    ],
)
def test_a_key_identifier_has_host_name_and_version(text: str, parts: tuple[str, str, str | None]) -> None:
    """The version may be missing; the host has no case, and its port is no part of it."""
    assert KeyIdentifier(*parts) == KeyIdentifier.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://kv.vault.azure.net/keys/cmk/abc",
        "https://kv.vault.azure.net/secrets/cmk/abc",
        "https://kv.vault.azure.net/keys/",
        "https://kv.vault.azure.net/keys/cmk/abc/more",
        f"{VAULT}/keys/cmk",
    ],
)
def test_what_is_no_key_identifier_is_refused(text: str) -> None:
    """An ARM id, a secret or plain HTTP is no key identifier."""
    with pytest.raises(ValueError, match="not a key identifier"):
        KeyIdentifier.parse(text)
