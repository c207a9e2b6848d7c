"""What recordings of the real Azure taught, kept where the recordings are not: tests/contract holds the whole of it."""

from typing import Any

import pytest
from support.sandbox import SUBSCRIPTION, Client, code, vault_body, vault_path

GROUP = f"{SUBSCRIPTION}/resourceGroups/rg/providers"
OPEN = {"bypass": "AzureServices", "defaultAction": "Allow"}


def _vault(client: Client, api: str, **properties: Any) -> Any:
    client.running.state.add_resource_group("rg")
    client("PUT", vault_path("kv-recorded"), vault_body(**properties))
    return client("GET", vault_path("kv-recorded"), api=api).json()


@pytest.mark.parametrize(
    ("api", "shown"),
    [("2019-09-01", (False, False)), ("2021-04-01-preview", (False, True)), ("2023-07-01", (True, True))],
)
def test_an_older_api_version_shows_less_of_a_vault(quick: Client, api: str, shown: tuple[bool, bool]) -> None:
    """Recordings 16, 20, 30, 70, 73."""
    vault = _vault(quick, api)

    assert shown == ("publicNetworkAccess" in vault["properties"], "systemData" in vault)


@pytest.mark.parametrize(("rules", "shown"), [(OPEN, False), ({**OPEN, "defaultAction": "Deny"}, True)])
def test_network_rules_that_let_everybody_in_are_not_shown(quick: Client, rules: Any, shown: bool) -> None:
    """Recordings 16, 30, 70, 73."""
    assert shown == ("networkAcls" in _vault(quick, "2024-11-01", networkAcls=rules)["properties"])


def test_soft_delete_off_is_taken_and_stays_on(quick: Client) -> None:
    """Recording 02."""
    assert _vault(quick, "2024-11-01", enableSoftDelete=False)["properties"]["enableSoftDelete"] is True


def test_a_property_the_sandbox_does_not_model_is_not_called_unknown(quick: Client) -> None:
    """Azure has it; that the sandbox has not is the sandbox's limit."""
    quick.running.state.add_resource_group("rg")

    assert (400, "SandboxNotModelled") == code(
        quick("PUT", vault_path("kv-recorded"), vault_body(tokenBindingParameters={"mode": "Enforced"}))
    )


@pytest.mark.parametrize(
    ("namespace", "expected"),
    [
        ("Microsoft.RecoveryServices", (400, "SandboxNotModelled")),
        ("Contoso.Widgets", (404, "InvalidResourceNamespace")),
    ],
)
def test_a_provider_of_azure_that_is_not_modelled_is_not_called_invalid(
    quick: Client, namespace: str, expected: tuple[int, str]
) -> None:
    """Recordings 31 and 32."""
    assert expected == code(quick("GET", f"/providers/{namespace}"))


def test_an_empty_answer_of_storage_has_a_content_type(quick: Client) -> None:
    """Recordings 04 and 07."""
    account = quick.running.state.add_storage_account("stone")

    answer = quick("DELETE", account)

    assert (200, b"", "text/plain; charset=utf-8") == (
        answer.status_code,
        answer.content,
        answer.headers["Content-Type"],
    )


def test_a_key_of_storage_is_shown_with_the_version_in_use_until_it_is_given_up(quick: Client) -> None:
    """Recording 72."""
    state = quick.running.state
    state.add_vault("kv-one")
    key = state.add_key("kv-one", "cmk")
    account = state.add_storage_account("stone")
    identified = quick("PATCH", account, {"identity": {"type": "SystemAssigned"}}).json()["identity"]
    state.add_access_policy("kv-one", identified["principalId"])
    named = {"keyname": "cmk", "keyvaulturi": "https://kv-one.vault.azure.net/"}

    def encrypted(source: str, **more: Any) -> Any:
        body = {"properties": {"encryption": {"keySource": source, **more}}}
        return quick("PATCH", account, body).json()["properties"]["encryption"]

    used = encrypted("Microsoft.Keyvault", keyvaultproperties=named)["keyvaultproperties"]
    given_up = encrypted("Microsoft.Storage")

    assert (key, True) == (used["currentVersionedKeyIdentifier"], "keyvaultproperties" not in given_up)


def test_a_workspace_gets_a_user_assigned_identity_beside_its_own(quick: Client) -> None:
    """Recordings 07 and 09: the words in Azure's casing, the system-assigned principal the same as before."""
    state = quick.running.state
    state.register_provider()
    stores = {"keyVault": state.add_vault("kv-one"), "storageAccount": state.add_storage_account("stone")}
    identity = state.add_identity("one")
    path = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/mlw"
    quick("PUT", path, {"location": "eastus2", "properties": stores})
    before = quick("GET", path).json()["identity"]

    quick(
        "PATCH", path, {"identity": {"type": "systemassigned,userassigned", "userAssignedIdentities": {identity: {}}}}
    )

    after = quick("GET", path).json()["identity"]
    assert ("SystemAssigned,UserAssigned", before["principalId"]) == (after["type"], after["principalId"])
    shown = identity.replace("/resourcegroups/", "/resourceGroups/")  # recording 07
    assert [shown] == list(after["userAssignedIdentities"])


def test_an_assignment_at_an_unmodelled_scope_is_refused(quick: Client) -> None:
    """A public address is a type that the sandbox does not have; a network is there or is not (recording 43)."""
    quick.running.state.add_resource_group("rg")
    role = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
    body = {"properties": {"roleDefinitionId": role, "principalId": "c0ffee00-0000-4000-8000-000000000b1d"}}
    name = "c0ffee00-0000-4000-8000-00000000aaaa"
    scope = f"{GROUP}/Microsoft.Network/publicIPAddresses/net"

    answer = quick("PUT", f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}", body)

    assert (400, "SandboxNotModelled") == code(answer)


def test_storage_keeps_the_key_in_use_whatever_its_identity_becomes(quick: Client) -> None:
    """Recording 47: None is accepted while the key stays; another key is refused without an identity that may read it."""
    state = quick.running.state
    state.add_vault("kv-one")
    state.add_key("kv-one", "cmk")
    state.add_key("kv-one", "other")
    account = state.add_storage_account("stone")
    own = quick("PATCH", account, {"identity": {"type": "SystemAssigned"}}).json()["identity"]
    state.add_access_policy("kv-one", own["principalId"])

    def keyed(key: str, identity: str) -> Any:
        named = {"keyname": key, "keyvaulturi": "https://kv-one.vault.azure.net/"}
        encryption = {"keySource": "Microsoft.Keyvault", "keyvaultproperties": named}
        return quick("PATCH", account, {"identity": {"type": identity}, "properties": {"encryption": encryption}})

    kept, used = keyed("cmk", "SystemAssigned").json()["identity"], keyed("cmk", "None")
    refused = keyed("other", "SystemAssigned")

    assert own == kept
    assert (200, {"type": "None"}) == (used.status_code, used.json()["identity"])
    assert (400, {"type": "None"}) == (refused.status_code, quick("GET", account).json()["identity"])


def test_a_recovered_vault_has_the_policies_it_had(quick: Client) -> None:
    """Recording 10, whatever the request has in their place."""
    state = quick.running.state
    state.add_vault("kv-one")
    state.add_access_policy("kv-one")
    before = quick("GET", vault_path("kv-one")).json()
    quick("DELETE", vault_path("kv-one"))

    recovered = quick("PUT", vault_path("kv-one"), vault_body(createMode="recover", accessPolicies=[]))

    assert (200, before["properties"]["accessPolicies"]) == (
        recovered.status_code,
        recovered.json()["properties"]["accessPolicies"],
    )
